-- Replaces a provider's control, keeps the adjustment, tells every daemon.
-- KEYS: controls, adjustments, changes.
-- ARGV: provider, control in JSON or '', adjustment in JSON, instance, how many adjustments are kept.

if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('LPUSH', KEYS[2], ARGV[3])
redis.call('LTRIM', KEYS[2], '0', text(tonumber(ARGV[5]) - 1))
tell(KEYS[3], ARGV[4], ARGV[1])
return 1
