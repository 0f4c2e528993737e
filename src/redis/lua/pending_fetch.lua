-- What waits for a user who is there now, in the order of its acceptance.
--
-- KEYS    pending, taken, events, leases by their ends,
--         those of pending_land, 8 fetches that are lost
-- ARGV    1 how many, 2 how many bytes; one message comes whatever its size
--         3 incarnation, 4 number of the socket that asks, 5 longest age in
--         ms, 6 most redeliveries, 7 number of this fetch at its worker
-- returns seq and text of each; nothing if nobody waits for them any more
--
-- Fields of taken: "seq", the incarnation whose socket has the message, with
-- the socket's number until that has taken it; "r:seq", how often it was
-- redelivered.

--@ pending_land

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local list, bytes, from, alive = {}, 0, '-inf', {}
local me = ARGV[3] .. ' ' .. ARGV[4]

-- the link that brought this may have been given up long ago

if tonumber(redis.call('HGET', KEYS[8], me) or '-1') >= tonumber(ARGV[7]) then
    return list
end

local function status(id, what, tries, why)
    local row = { 'kind', 'status', 'id', id, 'status', what,
                  'updated_at', string.format('%.0f', now) }
    if tries then
        row[#row + 1] = 'retry_count'
        row[#row + 1] = tries
    end
    if why then
        row[#row + 1] = 'error_message'
        row[#row + 1] = why
    end
    redis.call('XADD', KEYS[3], '*', unpack(row))
end

local function has(owner)
    -- what was given to me before did not reach me
    if not owner or owner == me then return false end
    local incarnation = string.match(owner, '^%S+')
    if alive[incarnation] == nil then
        alive[incarnation] = redis.call('ZSCORE', KEYS[4], incarnation)
                             and true
    end
    return alive[incarnation]
end

pending_land({ KEYS[5], KEYS[6], KEYS[7] },
             redis.call('ZRANGEBYLEX', KEYS[5], '[' .. KEYS[1] .. ' ',
                        '(' .. KEYS[1] .. '!'))

repeat
    local some = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf',
                            'WITHSCORES', 'LIMIT', 0, 100)

    for i = 1, #some, 2 do
        local text, seq = some[i], some[i + 1]
        local id = string.match(text, '^(%d+) ')
        local owner = redis.call('HGET', KEYS[2], seq)
        from = '(' .. seq

        if not has(owner) then
            local tries = tonumber(redis.call('HGET', KEYS[2], 'r:' .. seq)
                                   or '0')
            local why
            if tries >= tonumber(ARGV[6]) then
                why = 'too many redeliveries'
            elseif now - tonumber(seq) / 1000 > tonumber(ARGV[5]) then
                why = 'expired'
            end

            if why then
                redis.call('ZREMRANGEBYSCORE', KEYS[1], seq, seq)
                redis.call('HDEL', KEYS[2], seq, 'r:' .. seq)
                status(id, 'failed', nil, why)
            else
                if #list > 0 and bytes + #text > tonumber(ARGV[2]) then
                    return list
                end
                bytes = bytes + #text
                redis.call('HSET', KEYS[2], seq, me, 'r:' .. seq, tries + 1)
                redis.call('PEXPIRE', KEYS[2], 2592000000)
                status(id, 'pending', tries + 1)
                list[#list + 1] = seq
                list[#list + 1] = text
                if #list >= 2 * tonumber(ARGV[1]) then return list end
            end
        end
    end
until #some == 0

return list
