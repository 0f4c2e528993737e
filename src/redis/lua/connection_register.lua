-- A connection comes, by REST or by its socket, or comes once more.
--
-- KEYS    connection, events, leases by their ends
-- ARGV    connection_id, tenant_id, user_id,
--         milliseconds to keep it, milliseconds to keep it when it has ended,
--         owner and socket, both empty for REST,
--         ip_address, session_id, browser, device_type, each may be empty,
--         prefix of the keys of owners' sockets, grace in milliseconds
-- returns the time of its connecting; nil: it is somebody else's;
--         to another script also its channels as a JSON array, and the time

-- nobody would clear away what those have who were given up

if ARGV[6] ~= '' and not redis.call('ZSCORE', KEYS[3], ARGV[6]) then
    return redis.error_reply('GONE the worker has lost its lease')
end

-- what the record has of it, the device last

local fields = { 'tenant_id', 'user_id', 'status', 'connected_at',
                 'last_activity_at', 'subscribed_channels', 'ip_address',
                 'session_id', 'browser', 'device_type' }

local was = redis.call('HMGET', KEYS[1], unpack(fields))

if was[1] and (was[1] ~= ARGV[2] or was[2] ~= ARGV[3]) then
    return false
end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

-- what a REST call says of the browser is better than what a socket may guess

local function better(old, new)
    if new == '' or old and ARGV[7] ~= '' then return old end
    return new
end

local is = { ARGV[2], ARGV[3], 'connected',
             was[3] == 'connected' and was[4] or now, now, was[6] or '[]',
             ARGV[8] ~= '' and ARGV[8] or was[7], better(was[8], ARGV[9]),
             better(was[9], ARGV[10]), better(was[10], ARGV[11]) }

local set, row = {}, { 'kind', 'connection', 'connection_id', ARGV[1],
                       'updated_at', now }

for i, field in ipairs(fields) do
    if is[i] then
        row[#row + 1] = field
        row[#row + 1] = is[i]
        if is[i] ~= was[i] then
            set[#set + 1] = field
            set[#set + 1] = is[i]
        end
    end
end

if ARGV[7] ~= '' then
    set[#set + 1] = 'owner'
    set[#set + 1] = ARGV[6]
    set[#set + 1] = 'socket'
    set[#set + 1] = ARGV[7]
    redis.call('HSET', ARGV[12] .. ARGV[6], ARGV[1],
               table.concat({ ARGV[7], ARGV[13], ARGV[2], ARGV[3] }, ' '))
end

if not was[1] then
    set[#set + 1] = 'keep'
    set[#set + 1] = ARGV[5]
elseif was[3] ~= 'connected' then
    redis.call('HDEL', KEYS[1], 'disconnected_at')
end

if #set > 0 then
    redis.call('HSET', KEYS[1], unpack(set))
end

-- what a socket has made is kept until that has ended, or is touched

if was[1] or ARGV[6] == '' then
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
end

-- a socket's worker records it later

if ARGV[7] == '' then
    redis.call('XADD', KEYS[2], '*', unpack(row))
end

return is[4], is[6], now
