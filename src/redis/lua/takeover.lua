-- What a dead incarnation has left behind, a page at a time: its connections
-- end, with all that hung on them.
--
-- KEYS    the dead, sockets of the incarnation, events, all typing, what falls
--         due of presence, those of pending_land
-- ARGV    1 incarnation, 2 prefix of all keys, 3 about how many sockets
--         4 the time as text
-- returns 1, or 0 when nothing is left
--
-- What users are told is published here for channels; presence and typing are
-- made to fall due, and whoever looks after these does the rest.

--@ pending_land

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = string.format('%.0f', now)
local cursor, page = '0', {}

repeat
    cursor, page = unpack(redis.call('HSCAN', KEYS[2], cursor, 'COUNT',
                                     ARGV[3]))
until #page > 0 or cursor == '0'

if #page == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
    return 0
end

local function key(tenant, word, name)
    return ARGV[2] .. '{' .. tenant .. '}:' .. word .. ':' .. name
end

local function disconnect(conn, id, keep)
    redis.call('HSET', conn, 'status', 'disconnected',
               'disconnected_at', text, 'last_activity_at', text)
    redis.call('HDEL', conn, 'owner', 'socket')
    redis.call('PEXPIRE', conn, keep)
    redis.call('XADD', KEYS[3], '*', 'kind', 'connection',
               'connection_id', id, 'updated_at', text,
               unpack(redis.call('HGETALL', conn)))
end

local function leave(joined, tenant, user)
    for _, channel in ipairs(redis.call('SMEMBERS', joined)) do
        local members = key(tenant, 'members', channel)
        if redis.call('HINCRBY', members, user, -1) <= 0 then
            redis.call('HDEL', members, user)
            redis.call('PUBLISH', key(tenant, 'ch', channel),
                       '0 0 0 channel:user-left {"channel":'
                       .. cjson.encode(channel) .. ',"userId":' .. user
                       .. ',"timestamp":"' .. ARGV[4] .. '"}')
        end
    end
    redis.call('DEL', joined)
end

-- the connection counts until the grace is over

local function absent(id, tenant, user, grace)
    local status, field = key(tenant, 'status', user), 'c:' .. id
    local head = string.match(redis.call('HGET', status, field) or '',
                              '^(%S* %S* )0$')
    if head then
        local due = now + grace
        local member = tenant .. ' ' .. user .. ' '
        local was = redis.call('ZSCORE', KEYS[5], member)
        redis.call('HSET', status, field, head .. string.format('%.0f', due))
        if not was or tonumber(was) > due then
            redis.call('ZADD', KEYS[5], due, member)
        end
    end
end

-- what its socket had, without an answer since, is pending again

local function pending(tenant, user)
    local taken = key(tenant, 'taken', user)
    local waiting = key(tenant, 'pending', user)

    pending_land({ KEYS[6], KEYS[7], KEYS[8] },
                 redis.call('ZRANGEBYLEX', KEYS[6], '[' .. waiting .. ' ',
                            '(' .. waiting .. '!'))

    local all, n = redis.call('HGETALL', taken), 0
    for i = 1, #all, 2 do
        if string.match(all[i + 1], '^%S+') == ARGV[1] then
            redis.call('HDEL', taken, all[i])
            for _, message in ipairs(redis.call('ZRANGEBYSCORE', waiting,
                                                all[i], all[i])) do
                redis.call('XADD', KEYS[3], '*', 'kind', 'status',
                           'id', string.match(message, '^(%d+) '),
                           'status', 'pending', 'updated_at', text)
                n = n + 1
            end
        end
    end
    if n > 0 then
        redis.call('PUBLISH', key(tenant, 'user', user), '1 0 0 pending {}')
    end
end

local users, sockets = {}, {}

for i = 1, #page, 2 do
    local id = page[i]
    local socket, grace, tenant, user = string.match(page[i + 1],
                                             '^(%d+) (%d+) (%d+) (%d+)$')
    local conn = ARGV[2] .. '_:conn:' .. id
    local is = redis.call('HMGET', conn, 'owner', 'socket', 'keep')

    redis.call('HDEL', KEYS[2], id)

    if is[1] == ARGV[1] and is[2] == socket then
        disconnect(conn, id, is[3])
        is[1] = false
    end

    if not is[1] then
        leave(ARGV[2] .. '_:joined:' .. id, tenant, user)
        absent(id, tenant, user, grace)
    end

    if not users[tenant .. ' ' .. user] then
        pending(tenant, user)
    end

    users[tenant .. ' ' .. user] = true
    sockets[socket] = true
end

-- where its users were typing by these sockets

for _, member in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    local who, tenant, user, conversation = string.match(member,
                                                   '^((%d+) (%d+)) (.*)$')
    if users[who] then
        local typing = key(tenant, 'typing', conversation)
        local began, rest, socket = string.match(
                                redis.call('HGET', typing, user) or '',
                                '^(%d+) %d+ (.*"socket":(%d+)})$')
        if socket and sockets[socket] then
            redis.call('HSET', typing, user,
                       began .. ' ' .. text .. ' ' .. rest)
            redis.call('ZADD', KEYS[4], now, member)
        end
    end
end

redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])

return 1
