-- Who sits in channels: those that a connection listens to, as long as it has
-- a socket; others there hear of a user's first and last connection.
--
-- KEYS    connection, channels that it counts in
-- ARGV    1 prefix of all keys, 2 tenant_id, 3 user_id, 4 the time as text
--         5 the channel that it has joined or left; empty: all
-- returns how many channels have heard of it

local conn = redis.call('HMGET', KEYS[1], 'owner', 'socket',
                        'subscribed_channels')
local want, n = {}, 0

-- what comes with authentication, and the feed of presence, has no members

local function plain(name)
    local low = string.lower(name)
    return name ~= 'broadcast' and name ~= 'presence'
           and not string.find(low, '^user:')
           and not string.find(low, '^private%-user%.')
           and not string.find(low, '^club:')
end

local function tell(channel, event, by, socket)
    local base = ARGV[1] .. '{' .. ARGV[2] .. '}:'
    local members = base .. 'members:' .. channel
    local left = redis.call('HINCRBY', members, ARGV[3], by)
    if left <= 0 then
        redis.call('HDEL', members, ARGV[3])
    end
    if left == (by > 0 and 1 or 0) then
        n = n + 1
        redis.call('PUBLISH', base .. 'ch:' .. channel,
                   '0 ' .. socket .. ' 0 ' .. event .. ' {"channel":'
                   .. cjson.encode(channel) .. ',"userId":' .. ARGV[3]
                   .. ',"timestamp":"' .. ARGV[4] .. '"}')
    end
end

if conn[1] and conn[3] then
    for _, channel in ipairs(cjson.decode(conn[3])) do
        if (ARGV[5] == '' or ARGV[5] == channel) and plain(channel) then
            want[channel] = true
        end
    end
end

local had = ARGV[5] == '' and redis.call('SMEMBERS', KEYS[2])
            or redis.call('SISMEMBER', KEYS[2], ARGV[5]) == 1 and { ARGV[5] }
            or {}

for _, channel in ipairs(had) do
    if want[channel] then
        want[channel] = nil
    else
        redis.call('SREM', KEYS[2], channel)
        tell(channel, 'channel:user-left', -1, '0')
    end
end

for channel in pairs(want) do
    redis.call('SADD', KEYS[2], channel)
    tell(channel, 'channel:user-joined', 1, conn[2])
end

return n
