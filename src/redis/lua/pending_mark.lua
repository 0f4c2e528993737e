-- What became of messages at a socket of their recipient.
--
-- KEYS    pending, taken, events
-- ARGV    1 what: taken, the socket has them; done, it has answered since;
--         seen, both at once; back, it has gone without a word
--         2 incarnation of the socket, then seq and id of each message
-- returns how many it was true of

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local n = 0

for i = 3, #ARGV, 2 do
    local seq, id = ARGV[i], ARGV[i + 1]

    local owner = ARGV[1] == 'back' and redis.call('HGET', KEYS[2], seq)

    if redis.call('ZCOUNT', KEYS[1], seq, seq) == 0 then
        -- another socket of the user has answered
    elseif owner and owner ~= ARGV[2] then
        -- another socket has it
    else
        if ARGV[1] == 'taken' then
            redis.call('HSET', KEYS[2], seq, ARGV[2])
            redis.call('PEXPIRE', KEYS[2], 2592000000)
        elseif ARGV[1] == 'back' then
            redis.call('HDEL', KEYS[2], seq)
        else
            redis.call('ZREMRANGEBYSCORE', KEYS[1], seq, seq)
            redis.call('HDEL', KEYS[2], seq, 'r:' .. seq)
        end
        if ARGV[1] ~= 'done' then
            redis.call('XADD', KEYS[3], '*', 'kind', 'status', 'id', id,
                       'status', ARGV[1] == 'back' and 'pending'
                       or 'delivered', 'updated_at', now)
        end
        n = n + 1
    end
end

return n
