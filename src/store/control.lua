-- Replaces a provider's control, keeps the adjustment, tells every daemon.
-- KEYS: controls, adjustments, changes.
-- ARGV: provider, control in JSON or '', adjustment in JSON, instance, how many adjustments are kept,
-- 1 if it is only set where the provider has none.

if ARGV[6] == '1' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
-- Where nothing is set any more the key stays: a pool without it has lost what was set.
redis.call('HSET', KEYS[1], '', '')
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
tell(KEYS[3], ARGV[4], ARGV[1])
-- A host that had no answer says it again when it is back.
for _, known in ipairs(redis.call('LRANGE', KEYS[2], '0', '49')) do
  if known == ARGV[3] then return 1 end
end
redis.call('LPUSH', KEYS[2], ARGV[3])
redis.call('LTRIM', KEYS[2], '0', text(tonumber(ARGV[5]) - 1))
return 1
