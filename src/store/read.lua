-- One provider's account and control, as they are. Writes nothing but that the clock stepped back.
-- KEYS: clock, controls, hosts, account. ARGV: provider.
-- Answers now, control in JSON or '', debt, interval, places that count, number of charged admissions
-- and the admissions, the same for those under `pass`, then ids and times of all places.

local known = redis.call('MGET', KEYS[1], KEYS[4])
local now, steps = tick(KEYS[1], known[1])
local account = open_account(known[2], steps)
local answer = {
  text(now),
  redis.call('HGET', KEYS[2], ARGV[1]) or '',
  text(account.tat),
  text(account.interval),
  text(places(account, KEYS[3], now)),
}
for _, list in ipairs({ account.history, account.passed }) do
  answer[#answer + 1] = text(#list)
  for i = 1, #list do answer[#answer + 1] = text(list[i]) end
end
for i = 1, #account.ids do
  answer[#answer + 1] = account.ids[i]
  answer[#answer + 1] = text(account.since[i])
end
return answer
