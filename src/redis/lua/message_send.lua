-- Messages are accepted: each is recorded, kept for those who have to get it,
-- and published; a repeat of one that was accepted changes nothing.
--
-- KEYS    events, what a repeat of this script is known by,
--         on their way, their texts (see pending_land),
--         then for each message what a repeat of it is known by, typing of
--         its conversation, the conversation, each of which may be empty,
--         then for each of its targets channel, pending, inbox; the last two
--         are empty where everybody gets it at once or not at all
-- ARGV    1 for how many seconds a repeat of this script is known,
--         then for each message:
--         1 number of targets, 2 first id, 3 tenant_id, 4 user_id of the
--         sender, 5 time in ms, 6 event_type, 7 "id event data"; where each
--         target has an id of its own what is after one, 8 what is after the
--         other one, or empty,
--         then for each target its name in the record, its user_id or ""
-- returns for each message 0; 1: the sender was typing there; first id and
--         number of ids of the one that it repeats; or why it failed

local call, argv, keys = redis.call, ARGV, KEYS
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local row, rows, nrows, bytes = {}, {}, 0, 0
local flight, texts, nflight, of, seq, tens, many = {}, {}, 0, {}

-- An entry of the record holds many events, each begins with its text. What
-- is not said of it is as it was of the one before.

local function add(name, value)
    if row[name] ~= value then
        row[name] = value
        rows[nrows + 1] = name
        rows[nrows + 2] = value
        nrows = nrows + 2
    end
end

local function write()
    if nrows > 0 then
        call('XADD', keys[1], '*', 'kind', 'event', unpack(rows))
        row, rows, nrows, bytes = {}, {}, 0, 0
    end

    if seq then
        call('HSET', keys[4], 'last', string.format('%.0f', seq),
             unpack(texts))
    end

    if nflight > 0 then
        call('ZADD', keys[3], unpack(flight))
        flight, texts, nflight, of = {}, {}, 0, {}
    end
end

-- the next place in the order, whatever becomes of the clock

local function place()
    if not seq then
        seq = math.max(now - 1, call('HGET', keys[4], 'last') or 0)
        many = call('ZCARD', keys[3]) + #keys / 3 >= 1000
    end

    seq = seq + 1

    -- a number of that size takes Lua long to write

    local digit = seq % 10

    if digit == 0 or not tens then
        tens = string.format('%.0f', (seq - digit) / 10)
    end

    return tens .. string.sub('0123456789', digit + 1, digit + 1)
end

-- of somebody's, those that are on their way

local function flying(pending)
    return call('ZLEXCOUNT', keys[3], '[' .. pending .. ' ',
                '(' .. pending .. '!') + (of[pending] or 0)
end

-- it waits, if there is room

local function wait(pending, at, text)
    local n = call('ZCARD', pending)

    if n + flying(pending) >= 1000 then
        return false
    end

    call('ZADD', pending, at, text)

    if n == 0 or call('PTTL', pending) < 2592000000 then
        call('PEXPIRE', pending, '2678400000')
    end

    return true
end

-- tells the recipient, if anybody listens; else it waits for him

local function keep(channel, pending, at, text)
    if many and call('ZCARD', pending) + flying(pending) >= 1000 then
        return false
    end

    if call('PUBLISH', channel, at .. ' 0 ' .. text) == 0 then
        return wait(pending, at, text)
    end

    local member = pending .. ' ' .. at

    flight[nflight + 1] = '0'
    flight[nflight + 2] = member
    texts[nflight + 1] = member
    texts[nflight + 2] = text
    nflight = nflight + 2
    of[pending] = (of[pending] or 0) + 1

    return true
end

local function remember(inbox, what)
    if call('RPUSH', inbox, what) % 16 == 1 then
        call('LTRIM', inbox, -1000, -1)
        call('EXPIRE', inbox, 2592000)
    end
end

local function send(k, a, id, text, name)
    local sender, status = argv[a + 3], 'delivered'
    local kept = keys[k + 1] ~= ''

    if kept then
        status = keep(keys[k], keys[k + 1], place(), text) and 'pending'
                 or 'failed'
    end

    add('text', text)
    add('tenant_id', argv[a + 2])
    add('user_id', sender)
    add('created_at', argv[a + 4])
    add('event_type', argv[a + 5])
    add('channel', name)
    add('status', status)

    bytes = bytes + #text

    if nrows > 800 or bytes > 65536 then
        write()
    end

    if status == 'failed' then
        write()
        call('XADD', keys[1], '*', 'kind', 'status', 'id', id,
             'status', status, 'error_message', 'queue full',
             'updated_at', argv[a + 4])
        return
    end

    if keys[k + 2] ~= '' then
        remember(keys[k + 2], id .. ':' .. sender)
    end

    if not kept then
        call('PUBLISH', keys[k], '0 0 ' .. text)
    end
end

local function talk(typing, conversation, a, n)
    local sender, at = argv[a + 3], argv[a + 4]

    for i = 1, n do
        if argv[a + 7 + 2 * i] ~= '' then
            call('ZADD', conversation, at, argv[a + 7 + 2 * i])
        end
    end

    call('ZADD', conversation, at, sender)
    call('ZREMRANGEBYRANK', conversation, 0, -101)
    call('EXPIRE', conversation, 86400)

    return call('HEXISTS', typing, sender)
end

local function known(dedup)
    local was = dedup ~= '' and call('GET', dedup)

    return was and { string.match(was, '^(%d+) (%d+)$') }
end

local function accept(k, a, n)
    local dedup, first, was = keys[k], argv[a + 1], known(keys[k])

    if was then
        return was
    end

    for i = 1, n do
        local id, text = first, argv[a + 6]
        if argv[a + 7] ~= '' then
            id = string.format('%.0f', first + i - 1)
            text = id .. text .. id .. argv[a + 7]
        end
        send(k + 3 * i, a, id, text, argv[a + 6 + 2 * i])
    end

    if dedup ~= '' then
        call('SET', dedup, first .. ' ' .. argv[a], 'EX', 86400)
    end

    if keys[k + 2] ~= '' then
        return talk(keys[k + 1], keys[k + 2], a, n)
    end

    return 0
end

-- what a repeat must know: which ones failed

local failed = ''
local again = not call('SET', keys[2], failed, 'NX', 'EX', argv[1])

if again then
    failed = call('GET', keys[2])
end

local results, k, a = {}, 5, 2

while a < #argv do
    local i, n = #results + 1, tonumber(argv[a])
    local ok, result = true, 0

    if again then
        ok = not string.find(failed, ' ' .. i .. ' ', 1, true)
        result = ok and (known(keys[k]) or 0) or 'failed before'
    else
        ok, result = pcall(accept, k, a, n)
    end

    if not ok then
        failed = failed .. ' ' .. i .. ' '
        result = type(result) == 'table' and result.err or result
    end

    results[i] = result
    k = k + 3 + 3 * n
    a = a + 8 + 2 * n
end

if failed ~= '' then
    call('SET', keys[2], failed, 'EX', argv[1])
end

write()

return results
