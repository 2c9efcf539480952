-- Replaces what feedback left of a provider, if nobody else did meanwhile: compare and set.
-- KEYS: standings, adjustments, changes.
-- ARGV: provider, epoch that was seen (0: none), standing in JSON or '', adjustment in JSON or '',
-- instance, how many adjustments are kept.
-- Answers 1, or 0 where another epoch is in force.

local old = redis.call('HGET', KEYS[1], ARGV[1])
local known, standing = pcall(cjson.decode, old or '{}')
local epoch = known and type(standing) == 'table' and tonumber(standing.epoch) or 0
if epoch ~= tonumber(ARGV[2]) then return 0 end
put_decision(KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then keep_adjustment(KEYS[2], ARGV[4], ARGV[6]) end
tell(KEYS[3], ARGV[5], ARGV[1])
return 1
