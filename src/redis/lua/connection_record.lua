-- Connections are recorded as they are now.
--
-- KEYS    events, connections
-- ARGV    connection_id of each
-- returns how many of them are there

local fields = { 'tenant_id', 'user_id', 'status', 'connected_at',
                 'last_activity_at', 'subscribed_channels', 'disconnected_at',
                 'ip_address', 'session_id', 'browser', 'device_type' }

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

local rows, last, n = {}, nil, 0

local function write()
    if #rows > 0 then
        redis.call('XADD', KEYS[1], '*', 'kind', 'connection', unpack(rows))
    end
    rows = {}
end

-- rows of one entry have the same fields

for i, id in ipairs(ARGV) do
    local is = redis.call('HMGET', KEYS[i + 1], unpack(fields))

    if is[1] then
        local row, has = { 'connection_id', id, 'updated_at', now }, {}

        for k, field in ipairs(fields) do
            has[k] = is[k] and '1' or '0'
            if is[k] then
                row[#row + 1] = field
                row[#row + 1] = is[k]
            end
        end

        has = table.concat(has)

        if has ~= last then
            write()
            last = has
        end

        for _, value in ipairs(row) do
            rows[#rows + 1] = value
        end

        n = n + 1
    end
end

write()

return n
