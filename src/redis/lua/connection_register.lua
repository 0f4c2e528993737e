-- A connection comes, by REST or by its socket, or comes once more.
--
-- KEYS    connection, events, leases by their ends
-- ARGV    connection_id, tenant_id, user_id,
--         milliseconds to keep it, milliseconds to keep it when it has ended,
--         owner and socket, both empty for REST,
--         ip_address, session_id, browser, device_type, each may be empty,
--         prefix of the keys of owners' sockets, grace in milliseconds
-- returns the time of its connecting; nil: it is somebody else's

local was = redis.call('HMGET', KEYS[1], 'tenant_id', 'user_id', 'status',
                       'connected_at')

-- nobody would clear away what those have who were given up

if ARGV[6] ~= '' and not redis.call('ZSCORE', KEYS[3], ARGV[6]) then
    return redis.error_reply('GONE the worker has lost its lease')
end

if was[1] and (was[1] ~= ARGV[2] or was[2] ~= ARGV[3]) then
    return false
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local since = was[4]

if was[3] ~= 'connected' then
    since = now
    redis.call('HSET', KEYS[1], 'tenant_id', ARGV[2], 'user_id', ARGV[3],
               'status', 'connected', 'connected_at', now)
    redis.call('HSETNX', KEYS[1], 'keep', ARGV[5])
    redis.call('HSETNX', KEYS[1], 'subscribed_channels', '[]')
    redis.call('HDEL', KEYS[1], 'disconnected_at')
end

redis.call('HSET', KEYS[1], 'last_activity_at', now)

if ARGV[8] ~= '' then
    redis.call('HSET', KEYS[1], 'ip_address', ARGV[8])
end

-- what a REST call says of the browser is better than what a socket may guess

local set = 'HSET'

if ARGV[7] ~= '' then
    set = 'HSETNX'
    redis.call('HSET', KEYS[1], 'owner', ARGV[6], 'socket', ARGV[7])
    redis.call('HSET', ARGV[12] .. ARGV[6], ARGV[1],
               table.concat({ ARGV[7], ARGV[13], ARGV[2], ARGV[3] }, ' '))
end

for i, field in ipairs({'session_id', 'browser', 'device_type'}) do
    if ARGV[8 + i] ~= '' then
        redis.call(set, KEYS[1], field, ARGV[8 + i])
    end
end

redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
           'connection_id', ARGV[1], 'updated_at', now,
           unpack(redis.call('HGETALL', KEYS[1])))

return since
