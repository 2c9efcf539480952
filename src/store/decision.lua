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

-- An adjustment in JSON, newest first; so many are kept.
local function keep_adjustment(key, json, most)
  redis.call('LPUSH', key, json)
  redis.call('LTRIM', key, '0', text(tonumber(most) - 1))
end
