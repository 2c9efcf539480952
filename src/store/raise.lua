-- A host that went on by itself is back: what it admitted meanwhile is charged here, at the time at
-- which it was admitted, and every debt becomes the larger of the two. Also where an account that the
-- host knows of is gone: all that the host ever charged to it is in it again then.
-- KEYS: clock, raised, hosts, changes, index, index of senders, an account for each name.
-- ARGV: host, instance, serial (what was raised under it once is not raised again), until when it is
-- asked, and for each name: name, birth of the account that the host knows (0: none), interval (0: no
-- pace), debt in time from now, seconds for which the history is kept; then lists, each after its
-- length in words:
--   admitted meanwhile, and the same under `pass`: age and recipients;
--   takes that this server may have run, though its answer never came: id, age, recipients;
--   places taken meanwhile: id, age; ids of places that are free;
--   all that the host ever admitted, the same under `pass`, and all its places.
-- Answers `1 now` and the birth of each account, or `late now` with nothing done.

local host, instance, serial, deadline = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local known = redis.call('MGET', KEYS[1], unpack(KEYS, 7))
local now, steps, keep_time = tick(KEYS[1], known[1])
if deadline > 0 and now > deadline then return { 'late', text(now) } end
local is_done = redis.call('HGET', KEYS[2], host) == serial

local at = 5
local function list()
  local words = {}
  local count = tonumber(ARGV[at])
  for i = 1, count do words[i] = ARGV[at + i] end
  at = at + count + 1
  return words
end

-- Pairs of age and recipients into a list that is in order of time.
local function merged(into, ages)
  if #ages == 0 then return into end
  local all, own = {}, 1
  local function put(time, recipients)
    all[#all + 1] = time
    all[#all + 1] = recipients
  end
  for i = 1, #into, 2 do
    while own < #ages and now - tonumber(ages[own]) < into[i] do
      put(now - tonumber(ages[own]), tonumber(ages[own + 1]))
      own = own + 2
    end
    put(into[i], into[i + 1])
  end
  for i = own, #ages, 2 do put(now - tonumber(ages[i]), tonumber(ages[i + 1])) end
  return all
end

local function put_place(account, id, age)
  local place = place_of(account, id)
  if not place then
    place = #account.ids + 1
    account.ids[place] = id
    account.since[place] = now - age
  end
end

local answer = { '1', text(now) }
local i = 6
while ARGV[at] do
  i = i + 1
  local name, born, interval = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local debt, keep = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  at = at + 5
  local admitted, passed, doubtful, taken, freed = list(), list(), list(), list(), list()
  local ever, ever_passed, all_taken = list(), list(), list()
  local account = open_account(known[i - 5], steps)
  if not is_done then
    if born ~= 0 and account.born ~= born then
      -- Another account, or none: nothing of what this host charged is in it.
      admitted, passed, taken, doubtful = ever, ever_passed, all_taken, {}
    end
    -- A place that was taken by the take in doubt says that it was charged as well.
    for d = 1, #doubtful, 3 do
      local place = place_of(account, doubtful[d])
      -- Times were read at both ends of the way: a second is left for that.
      if not place or account.since[place] < now - tonumber(doubtful[d + 1]) - 1000000 then
        admitted[#admitted + 1] = doubtful[d + 1]
        admitted[#admitted + 1] = doubtful[d + 2]
      end
    end
    local order = {}
    for a = 1, #admitted, 2 do order[#order + 1] = { admitted[a], admitted[a + 1] } end
    table.sort(order, function(one, other) return tonumber(one[1]) > tonumber(other[1]) end)
    local charged = 0
    for a, pair in ipairs(order) do
      admitted[2 * a - 1], admitted[2 * a] = pair[1], pair[2]
      charged = charged + tonumber(pair[2])
    end
    account.history = merged(account.history, admitted)
    account.passed = merged(account.passed, passed)
    account.keep = account.known and math.max(account.keep, keep) or keep
    if interval > 0 then
      restate(account, interval, now)
      -- Of what is owed there, at most what was admitted there is not owed here yet.
      local more = math.max(account.tat, now) + math.max(0, math.min(debt, charged * interval))
      account.tat = math.min(MAX_US, math.max(now + debt, more))
      account.interval = interval
    end
    for p = 1, #taken, 2 do put_place(account, taken[p], tonumber(taken[p + 1])) end
    local is_freed = false
    for _, id in ipairs(freed) do
      local place = place_of(account, id)
      if place then
        table.remove(account.ids, place)
        table.remove(account.since, place)
        is_freed = true
      end
    end
    if is_freed then tell(KEYS[4], instance, name) end
    local index = string.find(name, ' ', 1, true) and KEYS[6] or KEYS[5]
    write_account(KEYS[i], index, name, account, now)
  end
  answer[#answer + 1] = text(account.born)
end
redis.call('HSET', KEYS[2], host, serial)
keep_time()
return answer
