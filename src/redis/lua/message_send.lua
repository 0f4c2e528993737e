-- A message is accepted: recorded, kept for those who have to get it, and
-- published; a repeat of one that was accepted changes nothing.
--
-- KEYS    events, what a repeat is known by, typing of the conversation,
--         conversation,
--         then for each target its channel, pending, inbox; the last two are
--         empty where everybody gets it at once or not at all
-- ARGV    1 first id, 2 tenant_id, 3 user_id of the sender, 4 time in ms,
--         5 event_type, 6 event, 7 its data up to the id, 8 from the id on;
--         empty: the data are without an id
--         9 for how many seconds a repeat is known, 10 "1": it has a
--         conversation
--         then for each target its name in the record, its user_id or ""
-- returns first id, number of ids, 1 if the sender was typing there

local first, n = tonumber(ARGV[1]), (#KEYS - 4) / 3

if not redis.call('SET', KEYS[2], string.format('%.0f %.0f', first, n),
                  'NX', 'EX', ARGV[9])
then
    local id, m = string.match(redis.call('GET', KEYS[2]), '^(%d+) (%d+)$')
    return { id, m, 0 }
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local typing = 0

for i = 1, n do
    local channel, pending, inbox = KEYS[2 + i * 3], KEYS[3 + i * 3],
                                    KEYS[4 + i * 3]
    local name, user = ARGV[9 + i * 2], ARGV[10 + i * 2]
    local id = string.format('%.0f', first + i - 1)
    local data = ARGV[8] == '' and ARGV[7] or ARGV[7] .. id .. ARGV[8]
    local status, why, seq = 'delivered', false, 0

    if pending ~= '' then
        status = 'pending'
        if redis.call('ZCARD', pending) >= 1000 then
            status, why = 'failed', 'queue full'
        else
            local last = redis.call('ZRANGE', pending, -1, -1, 'WITHSCORES')
            seq = math.max(now, tonumber(last[2] or '0') + 1)
            redis.call('ZADD', pending, string.format('%.0f', seq),
                       id .. ' ' .. ARGV[6] .. ' ' .. data)
            redis.call('PEXPIRE', pending, 2592000000)
        end
    end

    if inbox ~= '' and not why then
        -- by time: each worker has ids of its own
        redis.call('ZADD', inbox, string.format('%.0f', now),
                   id .. ':' .. ARGV[3])
        redis.call('ZREMRANGEBYRANK', inbox, 0, -1001)
        redis.call('EXPIRE', inbox, 2592000)
    end

    local row = { 'kind', 'event', 'id', id, 'tenant_id', ARGV[2],
                  'user_id', ARGV[3], 'created_at', ARGV[4],
                  'event_type', ARGV[5], 'channel', name,
                  'payload', '{"event":"' .. ARGV[6] .. '","data":' .. data
                             .. '}',
                  'status', status }
    redis.call('XADD', KEYS[1], '*', unpack(row))

    if why then
        redis.call('XADD', KEYS[1], '*', 'kind', 'status', 'id', id,
                   'status', status, 'error_message', why,
                   'updated_at', ARGV[4])
    else
        redis.call('PUBLISH', channel, id .. ' 0 '
                   .. string.format('%.0f', seq) .. ' ' .. ARGV[6] .. ' '
                   .. data)
    end

    if ARGV[10] == '1' and user ~= '' then
        redis.call('ZADD', KEYS[4], ARGV[4], user)
    end
end

if ARGV[10] == '1' then
    redis.call('ZADD', KEYS[4], ARGV[4], ARGV[3])
    redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -101)
    redis.call('EXPIRE', KEYS[4], 86400)
    typing = redis.call('HEXISTS', KEYS[3], ARGV[3])
end

return { ARGV[1], string.format('%.0f', n), typing }
