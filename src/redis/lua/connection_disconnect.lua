-- A user ends a connection; its socket's worker is told to close it.
--
-- KEYS    connection, events
-- ARGV    connection_id, tenant_id, user_id, prefix of workers' channels
-- returns 'ok' (also if it has ended before), 'forbidden', 'not_found'

local was = redis.call('HMGET', KEYS[1], 'tenant_id', 'user_id', 'status',
                       'owner', 'socket', 'keep')

if was[1] ~= ARGV[2] then
    return 'not_found'
end

if was[2] ~= ARGV[3] then
    return 'forbidden'
end

if was[3] ~= 'connected' then
    return 'ok'
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

-- first what needs no memory

redis.call('HDEL', KEYS[1], 'owner', 'socket')
redis.call('HSET', KEYS[1], 'status', 'disconnected', 'disconnected_at', now,
           'last_activity_at', now)
redis.call('PEXPIRE', KEYS[1], was[6])
redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
           'connection_id', ARGV[1], 'updated_at', now,
           unpack(redis.call('HGETALL', KEYS[1])))

if was[4] then
    redis.call('PUBLISH', ARGV[4] .. was[4],
               'close ' .. was[5] .. ' ' .. ARGV[1])
end

return 'ok'
