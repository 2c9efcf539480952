-- A host says in which lanes mail waits, for a provider or for a sender's own limit there.
-- KEYS: waiting. ARGV: name of the account, host, lanes as `010`; all 0: none any more.

local others = {}
local value = redis.call('HGET', KEYS[1], ARGV[1]) or ''
for host, lanes in string.gmatch(value, '(%S+) (%S+)') do
  if host ~= ARGV[2] then others[#others + 1] = host .. ' ' .. lanes end
end
if string.find(ARGV[3], '1', 1, true) then
  others[#others + 1] = ARGV[2] .. ' ' .. ARGV[3]
end
if #others > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], table.concat(others, ' '))
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
