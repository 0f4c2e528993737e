-- A connection is in use. MySQL is told once a minute.
--
-- KEYS    connection, events
-- ARGV    connection_id, tenant_id, user_id, milliseconds to keep it
-- returns 1, or 0 if it is not there, has ended, or is somebody else's

local was = redis.call('HMGET', KEYS[1], 'tenant_id', 'user_id', 'status',
                       'touched')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] or was[3] ~= 'connected' then
    return 0
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = string.format('%.0f', now)

redis.call('HSET', KEYS[1], 'last_activity_at', text)
redis.call('PEXPIRE', KEYS[1], ARGV[4])

if now - (was[4] or 0) >= 60000 then
    redis.call('HSET', KEYS[1], 'touched', text)
    redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
               'connection_id', ARGV[1], 'updated_at', text,
               unpack(redis.call('HGETALL', KEYS[1])))
end

return 1
