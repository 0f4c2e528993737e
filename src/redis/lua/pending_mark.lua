-- What became of messages at sockets of their recipients, in order.
--
-- KEYS    events, those of pending_land
-- ARGV    1 incarnation of the sockets, then for each group
--         1 what: taken, the socket has them; done, it has answered since;
--         seen, both at once; back, it has gone without a word: the user's
--         other sockets are told to fetch them; lost, the same of whatever a
--         socket was given and has not got to know of,
--         2 how many, 3 their ids, then each as pending_land has it; of lost,
--         the socket's number instead of seq, and instead of the id that of
--         its worker's last fetch: those up to it, should they come yet, are
--         void
-- returns how many it was true of

--@ pending_land

local call, argv = redis.call, ARGV
local EVENTS, FLIGHT, TEXTS, OWNERS = unpack(KEYS)
local ME = argv[1]

local time = call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local count, entries, last = 0, {}, {}

-- one entry of the record for those that are alike

local function became(status, ids)
    if last.status ~= status or string.len(last.ids) > 800 then
        last = { status = status, ids = ids }
        entries[#entries + 1] = last
    else
        last.ids = last.ids .. ' ' .. ids
    end
end

-- Of those that wait. Each gives whether it was true: another socket of the
-- user may have answered.

local waiting = {
    taken = function (pending, taken, seq, id)
        -- another socket of the user may have it as well, or this one has
        -- moved since
        local owner = call('HGET', taken, seq)
        if owner and string.match(owner, '^%S+') ~= ME
           or call('ZCOUNT', pending, seq, seq) == 0
        then
            return false
        end
        call('HSET', taken, seq, ME)
        call('PEXPIRE', taken, 2592000000)
        became('delivered', id)
        return true
    end,

    done = function (pending, taken, seq, id)
        if call('ZREMRANGEBYSCORE', pending, seq, seq) == 0 then
            return false
        end
        -- another socket may have given it back, or fetched it since
        local owner = call('HGET', taken, seq)
        if not owner or string.find(owner, ' ', 1, true) then
            became('delivered', id)
        end
        call('HDEL', taken, seq, 'r:' .. seq)
        return true
    end,

    seen = function (pending, taken, seq, id)
        if call('ZREMRANGEBYSCORE', pending, seq, seq) == 0 then
            return false
        end
        call('HDEL', taken, seq, 'r:' .. seq)
        became('delivered', id)
        return true
    end,

    back = function (pending, taken, seq, id)
        local owner = call('HGET', taken, seq)
        if owner and string.match(owner, '^%S+') ~= ME
           or call('ZCOUNT', pending, seq, seq) == 0
        then
            return false
        end
        call('HDEL', taken, seq)
        became('pending', id)
        return true
    end,

    lost = function (pending, taken, socket, fetch)
        local me, all = ME .. ' ' .. socket, call('HGETALL', taken)
        local lost = string.gsub(taken, ':taken:(%d+)$', ':lost:%1')
        local some = false
        call('HSET', lost, me, fetch)
        call('PEXPIRE', lost, 900000)
        for i = 1, #all, 2 do
            if all[i + 1] == me then
                call('HDEL', taken, all[i])
                some = true
            end
        end
        return some
    end
}

local function no() return false end

-- of those that are on their way: whether it is one

local function answered(member, id)
    if call('HDEL', TEXTS, member) == 0 then return false end
    call('ZREM', FLIGHT, member)
    if not call('HGET', OWNERS, member) then
        became('delivered', id)
    end
    call('HDEL', OWNERS, member)
    return true
end

local flying = {
    taken = function (member, id)
        if not call('ZSCORE', FLIGHT, member) then return false end
        call('HSET', OWNERS, member, ME)
        became('delivered', id)
        return true
    end,

    done = answered,
    seen = answered,

    back = function (member)
        if call('ZSCORE', FLIGHT, member) then
            pending_land({ FLIGHT, TEXTS, OWNERS }, { member })
        end
        return false
    end,

    lost = no
}

-- all of a group, if all are on their way

local function removed(from, to)
    if call('ZREM', FLIGHT, unpack(argv, from, to)) <= to - from then
        return false
    end
    call('HDEL', TEXTS, unpack(argv, from, to))
    return true
end

local at_once = {
    taken = function (ids, from, to)
        local owners, n = {}, 0

        for _, is in ipairs(call('ZMSCORE', FLIGHT, unpack(argv, from, to))) do
            if not is then return false end
            owners[n + 1] = argv[from + n / 2]
            owners[n + 2] = ME
            n = n + 2
        end

        call('HSET', OWNERS, unpack(owners))
        became('delivered', ids)
        return true
    end,

    done = function (ids, from, to)
        if not removed(from, to) then return false end

        local owners = call('HMGET', OWNERS, unpack(argv, from, to))
        local i = 0

        call('HDEL', OWNERS, unpack(argv, from, to))

        for id in string.gmatch(ids, '%d+') do
            i = i + 1
            if not owners[i] then
                became('delivered', id)
            end
        end

        return true
    end,

    seen = function (ids, from, to)
        if not removed(from, to) then return false end

        if call('EXISTS', OWNERS) == 1 then
            call('HDEL', OWNERS, unpack(argv, from, to))
        end

        became('delivered', ids)
        return true
    end,

    back = no,
    lost = no
}

local function one(what, member, id)
    if flying[what](member, id) then return true end

    local pending, seq = string.match(member, '^(.*) (%d+)$')
    local head, user = string.match(pending, '^(.*):pending:(%d+)$')

    if not waiting[what](pending, head .. ':taken:' .. user, seq, id) then
        return false
    end

    return true, head .. ':user:' .. user
end

local at = 2

while at < #argv do
    local what, ids = argv[at], argv[at + 2]
    local from, to = at + 3, at + 2 + argv[at + 1]

    if at_once[what](ids, from, to) then
        count = count + to - from + 1

    else
        local told, i = {}, from

        for id in string.gmatch(ids, '%d+') do
            local is, channel = one(what, argv[i], id)

            if is then
                count = count + 1
            end

            if (what == 'back' or what == 'lost')
               and channel and not told[channel]
            then
                call('PUBLISH', channel, '1 0 0 pending {}')
                told[channel] = true
            end

            i = i + 1
        end
    end

    at = to + 1
end

for _, entry in ipairs(entries) do
    call('XADD', EVENTS, '*', 'kind', 'status',
         'id', entry.ids, 'status', entry.status,
         'updated_at', now)
end

return count
