-- Judges a message over every limit of every provider it goes to, and charges all or nothing.
-- A refusal charges nothing; all it may write is a debt restated for a limit that changed, and that
-- the clock stepped back.
-- KEYS: clock, controls, waiting, hosts, index, index of senders, an account for each demand, and for
-- each demand of a sender the account that senders share when there are too many of them.
-- ARGV: `take` or `charge` (never refused), id, lane, 1 if it waited in a lane already, until when it
-- is asked (0: whenever), and for each demand: provider, sender ('': none), recipients, interval (0:
-- no pace), burst, in_flight (0: no cap), when the account was opened that the asking host knows of
-- (0: it knows of none), number of quotas, and for each of them count, window, slot.
-- Answers one line: `1 now` and for each demand debt, places, birth, 1 if it passed uncharged; or
-- `0 now retry kind demand window` and for each demand debt, places, birth. Debt `-`: none; retry
-- `inf`; birth: when its account was opened, 0 where there is none.
-- Or, with nothing judged: `late now`, nobody waits for the answer any more; `lost now demand`, the
-- account that the host knows of is gone, evicted or flushed: it is raised before it is asked again.

local mode, id, lane, queued = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'

local deadline = tonumber(ARGV[5])

local demands, fields, names = {}, {}, {}
local at = 6
while ARGV[at] do
  local provider, sender = ARGV[at], ARGV[at + 1]
  local is_senders = sender ~= ''
  local demand = {
    is_senders = is_senders,
    name = is_senders and provider .. ' ' .. sender or provider,
    index = is_senders and KEYS[6] or KEYS[5],
    recipients = tonumber(ARGV[at + 2]),
    interval = tonumber(ARGV[at + 3]),
    burst = tonumber(ARGV[at + 4]),
    cap = tonumber(ARGV[at + 5]),
    born = tonumber(ARGV[at + 6]),
    quotas = {},
    spans = is_senders and {} or usage_spans(),
  }
  for i = 1, tonumber(ARGV[at + 7]) do
    local from = at + 5 + 3 * i
    local window, slot = tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2])
    demand.quotas[i] = { count = tonumber(ARGV[from]), window = window, slot = slot }
    demand.spans[#demand.spans + 1] = window
    demand.spans[#demand.spans + 1] = slot
  end
  at = at + 8 + 3 * #demand.quotas
  demands[#demands + 1] = demand
  fields[#fields + 1] = provider
  names[#names + 1] = demand.name
end

local known = redis.call('MGET', KEYS[1], unpack(KEYS, 7))
local now, steps, keep_time = tick(KEYS[1], known[1])
if deadline > 0 and now > deadline then return 'late ' .. text(now) end
local by_key = {}
local shared = 6 + #demands
for i, demand in ipairs(demands) do
  local place = 6 + i
  if demand.is_senders then
    shared = shared + 1
    if not known[place - 5] and redis.call('ZCARD', KEYS[6]) >= MOST_SENDERS then
      place = shared
      demand.name = fields[i] .. ' *'
      demand.is_shared = true
    end
  end
  demand.key = KEYS[place]
  by_key[demand.key] = by_key[demand.key] or open_account(known[place - 5], steps)
  demand.account = by_key[demand.key]
  if demand.born > 0 and demand.born ~= demand.account.born and not demand.is_shared then
    return 'lost ' .. text(now) .. ' ' .. text(i - 1)
  end
  demand.restated = restate(demand.account, demand.interval, now)
end

local function in_force(part)
  return part and (not part.untilUs or part.untilUs > now)
end

-- Older mail of any host in the same lane or a better one.
local function must_queue(waiting)
  for host, lanes in string.gmatch(waiting or '', '(%S+) (%S+)') do
    if string.find(string.sub(lanes, 1, lane + 1), '1', 1, true) then
      local lease = redis.call('HGET', KEYS[4], host)
      if lease and tonumber(lease) > now then return true end
    end
  end
  return false
end

-- Checked in the order of account.ts: a later limit wins only by being free later.
local worst_at, worst_kind, worst_demand, worst_window
local function wait(free_at, kind, demand, window)
  if not worst_at or free_at > worst_at then
    worst_at, worst_kind, worst_demand, worst_window = free_at, kind, demand, window or 0
  end
end

if mode == 'take' then
  local controls = redis.call('HMGET', KEYS[2], unpack(fields))
  local waiting = queued and {} or redis.call('HMGET', KEYS[3], unpack(names))
  for i, demand in ipairs(demands) do
    local account = demand.account
    local control = controls[i] and cjson.decode(controls[i]) or {}
    demand.passes = in_force(control.pass)
    if not demand.passes then
      if in_force(control.suspended) and not demand.is_senders then
        wait(control.suspended.untilUs or math.huge, 'suspended', i)
      end
      if demand.cap > 0 and #account.ids >= demand.cap and not place_of(account, id)
        and places(account, KEYS[4], now) >= demand.cap then
        wait(math.huge, 'in_flight', i)
      end
      if must_queue(waiting[i]) then wait(math.huge, 'waiting', i) end
      if demand.interval > 0 and account.interval > 0 then
        local free_at = pace_free_at(account, demand)
        if free_at > now then wait(free_at, 'pace', i) end
      end
      for _, quota in ipairs(demand.quotas) do
        local free_at = quota_free_at(account, quota, demand.recipients, now)
        if free_at > now then wait(free_at, 'quota', i, quota.window) end
      end
    end
  end
end

local function debt(demand)
  local account = demand.account
  local owed = demand.interval > 0 and account.interval > 0
  local born = demand.is_shared and 0 or account.born
  return (owed and text(account.tat) or '-') .. ' ' .. text(#account.ids) .. ' ' .. text(born)
end

local answer
if worst_at then
  local retry = worst_at == math.huge and 'inf' or text(worst_at)
  answer = { '0', text(now), retry, worst_kind, text(worst_demand - 1), text(worst_window) }
  for _, demand in ipairs(demands) do
    if demand.restated then
      write_account(demand.key, demand.index, demand.name, demand.account, now)
    end
    answer[#answer + 1] = debt(demand)
  end
  return table.concat(answer, ' ')
end

for _, demand in ipairs(demands) do
  local account = demand.account
  if demand.passes and demand.is_senders then
    -- Nothing is charged, and nobody asks how much passed.
  elseif demand.passes then
    account.passed = remembered(account, account.passed, demand, now)
  else
    charge(account, demand, now)
  end
  if mode == 'take' and demand.cap > 0 then
    local place = place_of(account, id) or #account.ids + 1
    account.ids[place] = id
    account.since[place] = now
  end
end
answer = { '1', text(now) }
for _, demand in ipairs(demands) do
  write_account(demand.key, demand.index, demand.name, demand.account, now)
  answer[#answer + 1] = debt(demand) .. (demand.passes and ' 1' or ' 0')
end
keep_time()
return table.concat(answer, ' ')
