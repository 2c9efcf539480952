-- What the pool knows of one provider, or of one sender at a provider, and the arithmetic on it: the same as limit/pace.ts,
-- limit/quota.ts, limit/history.ts and account.ts, in doubles as there, so that both adapters give
-- the same answers. Put before each script that needs it.
--
-- An account is one string: a MessagePack array of
--   steps, tatUs, intervalUs, keepSec, indexedMs, bornUs,
--   n, and n numbers: the charged admissions as pairs of (time since the pair before, recipients),
--   the same for those under `pass`,
--   id, sinceUs, id, sinceUs ...: messages without an outcome.

local MAX_US = 9007199254740991
local DAY_US = 86400000000
-- A host that was not heard of for this long holds no line and no place until it comes back.
local LEASE_US = 120000000
-- No message stays with Postfix for longer: maximal_queue_lifetime.
local TOKEN_US = 5 * DAY_US
local COMPACT_AT = 32
-- Senders that have accounts of their own at the same time: as in account-name.ts.
local MOST_SENDERS = 10000

-- Window and slot in turn, as usage reports them; a demand's quotas are added.
local function usage_spans() return { 6e7, 5e6, 3.6e9, 3e8, DAY_US, 7.2e9 } end

local function read_pairs(fields, at, by, into)
  local count = fields[at]
  local time, total = by, 0
  for i = 1, count, 2 do
    time = time + fields[at + i]
    into[i] = time
    into[i + 1] = fields[at + i + 1]
    total = total + into[i + 1]
  end
  return at + count + 1, total
end

local function open_account(packed, steps)
  local account = {
    steps = steps, tat = 0, interval = 0, keep = DAY_US / 1000000, indexed = 0,
    born = 0,
    history = {}, total = 0, passed = {}, ids = {}, since = {},
  }
  if not packed then return account end
  local fields = cmsgpack.unpack(packed)
  local by = steps - fields[1]
  account.known = true
  account.tat = fields[2]
  if account.tat > 0 then account.tat = account.tat + by end
  account.interval = fields[3]
  account.keep = fields[4]
  account.indexed = fields[5]
  account.born = fields[6]
  local at
  at, account.total = read_pairs(fields, 7, by, account.history)
  at = read_pairs(fields, at, by, account.passed)
  for i = at, #fields, 2 do
    account.ids[#account.ids + 1] = fields[i]
    account.since[#account.since + 1] = fields[i + 1] + by
  end
  return account
end

local function write_pairs(fields, pairs_)
  fields[#fields + 1] = #pairs_
  local before = 0
  for i = 1, #pairs_, 2 do
    fields[#fields + 1] = pairs_[i] - before
    fields[#fields + 1] = pairs_[i + 1]
    before = pairs_[i]
  end
end

-- Until when it says anything; it is kept no longer.
local function last_needed(account)
  local keep = account.keep * 1000000
  local last = account.tat
  local history, passed = account.history, account.passed
  if #history > 0 then last = math.max(last, history[#history - 1] + keep) end
  if #passed > 0 then last = math.max(last, passed[#passed - 1] + keep) end
  for i = 1, #account.since do last = math.max(last, account.since[i] + TOKEN_US) end
  return last
end

local function write_account(key, index, name, account, now)
  local ms = math.ceil((last_needed(account) - now) / 1000)
  if ms <= 0 then
    redis.call('DEL', key)
    redis.call('ZREM', index, name)
    return
  end
  -- A debt without end is kept for a thousand years.
  ms = math.min(ms, 31536000000000)
  local until_ms = math.ceil(now / 1000) + ms
  -- The index may know an account for a sixteenth longer than it is kept, and is written that rarely.
  if until_ms > account.indexed then
    account.indexed = until_ms + math.min(math.ceil(ms / 16), 3600000)
    redis.call('ZADD', index, text(account.indexed), name)
  end
  if account.born == 0 then account.born = now end
  local fields = {
    account.steps, account.tat, account.interval, account.keep, account.indexed, account.born,
  }
  write_pairs(fields, account.history)
  write_pairs(fields, account.passed)
  for i = 1, #account.ids do
    if account.since[i] > now - TOKEN_US then
      fields[#fields + 1] = account.ids[i]
      fields[#fields + 1] = account.since[i]
    end
  end
  redis.call('SET', key, cmsgpack.pack(fields), 'PX', text(ms))
end

-- A limit that changed measures the debt anew, rounded up: what is owed is paid at the new rate.
local function restate(account, interval, now)
  if interval == 0 or account.interval == 0 or account.interval == interval then return false end
  if account.tat > now then
    local debt = (account.tat - now) / account.interval
    account.tat = math.min(MAX_US, now + math.ceil(debt * interval))
  end
  account.interval = interval
  return true
end

local function pace_free_at(account, demand)
  local spare = demand.burst - math.min(demand.recipients, demand.burst)
  return account.tat - spare * demand.interval
end

local function quota_free_at(account, quota, recipients, now)
  local room = math.max(0, quota.count - recipients)
  if account.total <= room then return now end
  local history, gone = account.history, now - quota.window
  local sum, slot, last = 0, -1, 0
  for i = #history - 1, 1, -2 do
    local at = history[i]
    local of = math.floor(at / quota.slot)
    if of ~= slot then
      if at <= gone then return now end
      slot, last = of, at
    end
    sum = sum + history[i + 1]
    if sum > room then return last + quota.window end
  end
  return now
end

local function same_slots(a, b, age, spans)
  for i = 1, #spans, 2 do
    local slot = spans[i + 1]
    if age < spans[i] and math.floor(a / slot) ~= math.floor(b / slot) then return false end
  end
  return true
end

local function compacted(list, now, spans, keep)
  local kept = {}
  for i = 1, #list, 2 do
    local at, count = list[i], #kept
    if at > now - keep then
      if count > 0 and same_slots(kept[count - 1], at, now - at, spans) then
        kept[count - 1] = at
        kept[count] = kept[count] + list[i + 1]
      else
        kept[count + 1] = at
        kept[count + 2] = list[i + 1]
      end
    end
  end
  return kept
end

local function remembered(account, list, demand, now)
  -- Usage is a provider's alone: of a sender its quotas are all that asks for the past.
  local spans, longest = demand.spans, 0
  for i = 1, #spans, 2 do longest = math.max(longest, spans[i]) end
  account.keep = math.ceil(longest / 1000000)
  if #spans == 0 then return {} end
  local count = #list
  if count > 0 then
    -- A step back too small to be seen as one.
    now = math.max(now, list[count - 1])
    if same_slots(list[count - 1], now, 0, spans) then
      list[count - 1] = now
      list[count] = list[count] + demand.recipients
      return list
    end
  end
  list[count + 1] = now
  list[count + 2] = demand.recipients
  return #list % COMPACT_AT == 0 and compacted(list, now, spans, longest) or list
end

-- Charges a demand, free or not. The debt is in the demand's interval already.
local function charge(account, demand, now)
  if demand.interval > 0 then
    local from = account.interval == 0 and now or math.max(account.tat, now)
    account.tat = math.min(MAX_US, from + demand.recipients * demand.interval)
    account.interval = demand.interval
  end
  account.history = remembered(account, account.history, demand, now)
  account.total = account.total + demand.recipients
end

local function place_of(account, id)
  for i = 1, #account.ids do
    if account.ids[i] == id then return i end
  end
  return nil
end

-- Places that count: young ones, and those of hosts that are heard of. Ids begin with their host.
local function places(account, hosts, now)
  local count = 0
  for i = 1, #account.ids do
    local lives = account.since[i] > now - LEASE_US
    if not lives then
      local lease = redis.call('HGET', hosts, string.match(account.ids[i], '^[^/]*'))
      lives = lease and tonumber(lease) > now
    end
    if lives then count = count + 1 end
  end
  return count
end

-- Tells every daemon: in the list that they read each second, and at once.
local function tell(changes, instance, provider)
  redis.call('XADD', changes, 'MAXLEN', '~', '1000', '*', 'by', instance, 'provider', provider)
  redis.call('PUBLISH', changes, instance)
end
