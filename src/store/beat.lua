-- A host's sign of life, each second, and what it missed: renews its lease, forgets what hosts that
-- are gone said to be waiting, cleans the index, and answers what changed since the last beat.
-- KEYS: clock, hosts, waiting, index, changes, index of senders, controls,
-- standings.
-- ARGV: host, id of the last change it knows, 1 if what it said to be waiting is void and is said
-- anew: account and lanes of each.
-- Answers the id of the newest change, 1 if some before it are lost, 1 if a control was ever set,
-- the same of standings, 1 if mail waits anywhere, then instance and provider of each change.

local now, _, keep_time = tick(KEYS[1], redis.call('GET', KEYS[1]))
keep_time()

local gone, any = {}, false
if ARGV[3] == '1' then gone[ARGV[1]], any = true, true end
local hosts = redis.call('HGETALL', KEYS[2])
for i = 1, #hosts, 2 do
  if tonumber(hosts[i + 1]) <= now and hosts[i] ~= ARGV[1] then
    gone[hosts[i]], any = true, true
    redis.call('HDEL', KEYS[2], hosts[i])
  end
end
redis.call('HSET', KEYS[2], ARGV[1], text(now + LEASE_US))
if any then
  local waiting = redis.call('HGETALL', KEYS[3])
  for i = 1, #waiting, 2 do
    local others = {}
    for host, lanes in string.gmatch(waiting[i + 1], '(%S+) (%S+)') do
      if not gone[host] then others[#others + 1] = host .. ' ' .. lanes end
    end
    if #others > 0 then
      redis.call('HSET', KEYS[3], waiting[i], table.concat(others, ' '))
    else
      redis.call('HDEL', KEYS[3], waiting[i])
    end
  end
end
for i = 4, #ARGV, 2 do
  local others = redis.call('HGET', KEYS[3], ARGV[i])
  local own = ARGV[1] .. ' ' .. ARGV[i + 1]
  redis.call('HSET', KEYS[3], ARGV[i], others and others .. ' ' .. own or own)
end

for _, index in ipairs({ KEYS[4], KEYS[6] }) do
  local over = redis.call('ZRANGEBYSCORE', index, '-inf', text(now / 1000), 'LIMIT', 0, 2000)
  if #over > 0 then redis.call('ZREM', index, unpack(over)) end
end

local newest = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
local answer = {
  newest and newest[1] or '0-0', '0',
  text(redis.call('EXISTS', KEYS[7])), text(redis.call('EXISTS', KEYS[8])),
  text(redis.call('EXISTS', KEYS[3])),
}
if ARGV[2] == '' or answer[1] == ARGV[2] then return answer end
local oldest = redis.call('XRANGE', KEYS[5], '-', ARGV[2], 'COUNT', 1)[1]
-- Where the last known change is no longer there, others may have gone with it.
if not oldest and ARGV[2] ~= '0-0' then answer[2] = '1' end
for _, change in ipairs(redis.call('XRANGE', KEYS[5], '(' .. ARGV[2], '+')) do
  answer[#answer + 1] = change[2][2]
  answer[#answer + 1] = change[2][4]
end
return answer
