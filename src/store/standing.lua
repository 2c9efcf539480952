-- Replaces what feedback left of a provider, if nobody else did meanwhile: compare and set.
-- KEYS: standings, adjustments, changes.
-- ARGV: provider, epoch that was seen (0: none), standing in JSON or '', adjustment in JSON or '',
-- instance, how many adjustments are kept.
-- Answers 1, or 0 where another epoch is in force.

local old = redis.call('HGET', KEYS[1], ARGV[1])
local known, standing = pcall(cjson.decode, old or '{}')
local epoch = known and type(standing) == 'table' and tonumber(standing.epoch) or 0
if epoch ~= tonumber(ARGV[2]) then return 0 end
-- Where no provider has any the key stays: a pool without it has lost what was decided.
redis.call('HSET', KEYS[1], '', '')
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[4])
  redis.call('LTRIM', KEYS[2], '0', text(tonumber(ARGV[6]) - 1))
end
tell(KEYS[3], ARGV[5], ARGV[1])
return 1
