-- Frees the place of a message that has its outcome at a provider.
-- KEYS: clock, index, changes, account. ARGV: provider, id, instance.
-- Answers 1 if there was a place to free.

local known = redis.call('MGET', KEYS[1], KEYS[4])
if not known[2] then return 0 end
local now, steps, keep_time = tick(KEYS[1], known[1])
local account = open_account(known[2], steps)
local place = place_of(account, ARGV[2])
if not place then return 0 end
table.remove(account.ids, place)
table.remove(account.since, place)
keep_time()
write_account(KEYS[4], KEYS[2], ARGV[1], account, now)
tell(KEYS[3], ARGV[3], ARGV[1])
return 1
