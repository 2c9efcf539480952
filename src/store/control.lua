-- Replaces a provider's control, keeps the adjustment, tells every daemon.
-- KEYS: controls, adjustments, changes.
-- ARGV: provider, control in JSON or '', adjustment in JSON, instance, how many adjustments are kept,
-- 1 if it is only set where the provider has none.

if ARGV[6] == '1' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
put_decision(KEYS[1], ARGV[1], ARGV[2])
tell(KEYS[3], ARGV[4], ARGV[1])
keep_adjustment(KEYS[2], ARGV[3], ARGV[5])
return 1
