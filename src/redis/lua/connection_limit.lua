-- A user's socket was linked with its connection: whether it may stay beside
-- the others, or which of these have to go. Or it is noted that it is there.
--
-- KEYS    sockets
-- ARGV    connection_id, socket, owner, most, 0: to note it alone,
--         1 if the oldest have to go, or 0 if it itself has to,
--         prefix of connections, leases by their ends, prefix of workers'
--         channels,
--         milliseconds to keep it
-- returns 1, or 0 if there are too many

local most = tonumber(ARGV[4])
local time = redis.call('TIME')
local since = string.format('%.0f', time[1] * 1000000 + time[2])
local others = {}

local function evict(owner, socket, id)
    redis.call('PUBLISH', ARGV[8] .. owner, 'evict ' .. socket .. ' ' .. id)
end

-- what a connection says of its socket is true, unless its worker has died

local all = redis.call('HGETALL', KEYS[1])

for i = 1, #all, 2 do
    local id = all[i]
    local began, socket, owner = string.match(all[i + 1],
                                              '^(%d+) (%d+) (.*)$')

    if id == ARGV[1] then
        if socket == ARGV[2] then
            since = began
        elseif most > 0 then
            evict(owner, socket, id)
        end

    elseif most > 0 then
        local conn = redis.call('HMGET', ARGV[6] .. id, 'socket', 'owner')

        if conn[1] == socket and conn[2]
           and redis.call('ZSCORE', ARGV[7], conn[2])
        then
            others[#others + 1] = { tonumber(began), id, socket, conn[2] }
        else
            redis.call('HDEL', KEYS[1], id)
        end
    end
end

if most > 0 and #others >= most then
    if ARGV[5] == '0' then
        return 0
    end

    table.sort(others, function (a, b) return a[1] < b[1] end)

    for i = 1, #others - most + 1 do
        evict(others[i][4], others[i][3], others[i][2])
        redis.call('HDEL', KEYS[1], others[i][2])
    end
end

redis.call('HSET', KEYS[1], ARGV[1], since .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[9])

return 1
