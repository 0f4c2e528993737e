-- A connection's live socket has moved to another worker.
--
-- KEYS    connection, its user's pending and taken, those of pending_land
-- ARGV    1 connection_id, 2 owner that was, 3 socket, 4 owner that is,
--         5 prefix of the keys of owners' sockets
--         6 seq of each message that the socket has or is given, in between
--         spaces
-- returns its channels, a JSON array; nil: the connection has ended, or has
--         another socket

--@ pending_land

-- the messages first: whoever ends the socket gives back what it owns; what
-- nobody owns yet the former owner may still be about to call its own

local moved = {}

for seq in string.gmatch(ARGV[6], '%d+') do
    moved[#moved + 1] = KEYS[2] .. ' ' .. seq
end

pending_land({ KEYS[4], KEYS[5], KEYS[6] }, moved)

for seq in string.gmatch(ARGV[6], '%d+') do
    local owner = redis.call('HGET', KEYS[3], seq)
    if owner then
        local incarnation, rest = string.match(owner, '^(%S+)(.*)$')
        if incarnation == ARGV[2] then
            redis.call('HSET', KEYS[3], seq, ARGV[4] .. rest)
        end
    elseif redis.call('ZCOUNT', KEYS[2], seq, seq) == 1 then
        redis.call('HSET', KEYS[3], seq, ARGV[4] .. ' ' .. ARGV[3])
        redis.call('PEXPIRE', KEYS[3], 2592000000)
    end
end

local was = redis.call('HMGET', KEYS[1], 'owner', 'socket',
                       'subscribed_channels')

if was[1] ~= ARGV[2] or was[2] ~= ARGV[3] then
    return false
end

redis.call('HSET', KEYS[1], 'owner', ARGV[4])

local note = redis.call('HGET', ARGV[5] .. ARGV[2], ARGV[1])

if note then
    redis.call('HDEL', ARGV[5] .. ARGV[2], ARGV[1])
    redis.call('HSET', ARGV[5] .. ARGV[4], ARGV[1], note)
end

return was[3] or '[]'
