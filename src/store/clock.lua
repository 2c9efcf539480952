-- Redis's time, as all of our scripts read it. Put before account.lua.

-- How numbers leave: Lua's own printing keeps 14 digits, and a time has 16.
local function text(number)
  return string.format('%.0f', number)
end

-- The time, how far the clock was ever set back in all, and what writes this time down. Redis's clock
-- is the wall's: when it steps back, every account is moved along the next time it is read, so that
-- nobody waits for the old time to come again and nobody is forgiven what was sent. The newest time
-- is written down ten times a second at most; a smaller step costs a wait of that length.
local function tick(key, known)
  local parts = redis.call('TIME')
  local now = tonumber(parts[1]) * 1000000 + tonumber(parts[2])
  local last, steps = 0, 0
  if known then
    local clock = cmsgpack.unpack(known)
    last, steps = clock[1], clock[2]
  end
  local function keep_time()
    if now - last >= 100000 then redis.call('SET', key, cmsgpack.pack({ now, steps })) end
  end
  if now < last then
    steps = steps + now - last
    last = 0
    keep_time()
  end
  return now, steps, keep_time
end
