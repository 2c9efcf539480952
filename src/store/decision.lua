-- What operators and feedback decided, and its history: for the scripts that change it.

-- What was decided about a provider, '' for nothing any more. Where nobody has any the key stays: a
-- pool without it has lost what was decided.
local function put_decision(key, provider, json)
  redis.call('HSET', key, '', '')
  if json == '' then
    redis.call('HDEL', key, provider)
  else
    redis.call('HSET', key, provider, json)
  end
end

-- An adjustment in JSON, newest first; so many are kept. A host that had no answer says it again when
-- it is back: it is kept once.
local function keep_adjustment(key, json, most)
  for _, known in ipairs(redis.call('LRANGE', key, '0', '199')) do
    if known == json then return end
  end
  redis.call('LPUSH', key, json)
  redis.call('LTRIM', key, '0', text(tonumber(most) - 1))
end
