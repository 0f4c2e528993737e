-- What became of messages at sockets of their recipients, in order.
--
-- KEYS    events, then for each group its user's pending, taken, channel
-- ARGV    1 incarnation of the sockets, then for each group
--         what: taken, the socket has them; done, it has answered since;
--         seen, both at once; back, it has gone without a word: the user's
--         other sockets are told to fetch them,
--         how many, then seq and id of each message
-- returns how many it was true of

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local n, at = 0, 2
local ids, status = {}, ''

-- one entry of the record for those that are alike

local function tell()
    if #ids > 0 then
        redis.call('XADD', KEYS[1], '*', 'kind', 'status',
                   'id', table.concat(ids, ' '), 'status', status,
                   'updated_at', now)
        ids = {}
    end
end

local function became(what, id)
    if status ~= what or #ids >= 50 then
        tell()
        status = what
    end
    ids[#ids + 1] = id
end

-- a socket has taken it, and has not given it back

local function delivered(owner)
    return owner and not string.find(owner, ' ', 1, true)
end

-- each gives whether it was true: another socket of the user may have answered

local ways = {
    taken = function (pending, taken, seq, id)
        if redis.call('ZCOUNT', pending, seq, seq) == 0 then return false end
        redis.call('HSET', taken, seq, ARGV[1])
        redis.call('PEXPIRE', taken, 2592000000)
        became('delivered', id)
        return true
    end,

    done = function (pending, taken, seq, id)
        if redis.call('ZREMRANGEBYSCORE', pending, seq, seq) == 0 then
            return false
        end
        -- another socket may have given it back, or fetched it since
        if not delivered(redis.call('HGET', taken, seq)) then
            became('delivered', id)
        end
        redis.call('HDEL', taken, seq, 'r:' .. seq)
        return true
    end,

    seen = function (pending, taken, seq, id)
        if redis.call('ZREMRANGEBYSCORE', pending, seq, seq) == 0 then
            return false
        end
        redis.call('HDEL', taken, seq, 'r:' .. seq)
        became('delivered', id)
        return true
    end,

    back = function (pending, taken, seq, id)
        local owner = redis.call('HGET', taken, seq)
        if owner and string.match(owner, '^%S+') ~= ARGV[1]
           or redis.call('ZCOUNT', pending, seq, seq) == 0
        then
            return false
        end
        redis.call('HDEL', taken, seq)
        became('pending', id)
        return true
    end
}

for i = 2, #KEYS, 3 do
    local way = ways[ARGV[at]]
    local last = at + 2 * ARGV[at + 1]
    local before = n

    for k = at + 2, last, 2 do
        if way(KEYS[i], KEYS[i + 1], ARGV[k], ARGV[k + 1]) then
            n = n + 1
        end
    end

    if ARGV[at] == 'back' and n > before then
        redis.call('PUBLISH', KEYS[i + 2], '1 0 0 pending {}')
    end

    at = last + 2
end

tell()

return n
