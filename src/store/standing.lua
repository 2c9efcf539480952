-- Replaces what feedback left of a provider, if nobody else did meanwhile: compare and set.
-- KEYS: standings, adjustments, changes.
-- ARGV: provider, epoch that was seen (0: none), standing in JSON or '', instance, how many adjustments
-- are kept, then adjustments in JSON, oldest first.
-- Answers 1, or 0 where another epoch is in force.

local old = redis.call('HGET', KEYS[1], ARGV[1])
local known, standing = pcall(cjson.decode, old or '{}')
local epoch = known and type(standing) == 'table' and tonumber(standing.epoch) or 0
if epoch ~= tonumber(ARGV[2]) then return 0 end
put_decision(KEYS[1], ARGV[1], ARGV[3])
for i = 6, #ARGV do keep_adjustment(KEYS[2], ARGV[i], ARGV[5]) end
tell(KEYS[3], ARGV[4], ARGV[1])
return 1
