-- Remembers that a connection listens to a channel, or that it does no more,
-- and tells whoever sits in it.
--
-- KEYS    connection, events, leases by their ends, channels that it counts in
-- ARGV    connection_id, tenant_id, user_id, channel, 1 or 0, most channels,
--         prefix of all keys, the time as text,
--         1 to record it; 0: the worker of its socket does so later
-- returns 1, or 0 if nothing has changed

--@ members

local was = redis.call('HMGET', KEYS[1], 'tenant_id', 'user_id',
                       'subscribed_channels')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return 0
end

local channels = cjson.decode(was[3])
local at

for i, channel in ipairs(channels) do
    if channel == ARGV[4] then
        at = i
    end
end

if ARGV[5] == '0' then
    if not at then
        return 0
    end

    table.remove(channels, at)

else
    if at or #channels >= tonumber(ARGV[6]) then
        return 0
    end

    table.insert(channels, ARGV[4])
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

-- an empty table would become an object

redis.call('HSET', KEYS[1], 'last_activity_at', now, 'subscribed_channels',
           #channels > 0 and cjson.encode(channels) or '[]')

if ARGV[9] == '1' then
    redis.call('XADD', KEYS[2], '*', 'kind', 'connection',
               'connection_id', ARGV[1], 'updated_at', now,
               unpack(redis.call('HGETALL', KEYS[1])))
end

members({ KEYS[1], KEYS[4] },
        { ARGV[7], ARGV[2], ARGV[3], ARGV[8], ARGV[4] })

return 1
