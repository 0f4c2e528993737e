-- A socket logs in: its connection is registered and counts in its channels,
-- its user is there.
--
-- KEYS    1-3 of connection_register, 4 channels that the connection counts in,
--         5-8 user's presence, who is online, what falls due, tenant's channel,
--         9 sockets of the owner, 10 edges not yet told,
--         11 messages that wait for the user, 12 all that are on their way
-- ARGV    1-13 of connection_register,
--         14 prefix of all keys, 15 name, 16 id of an event, 17 its time as
--         text, 18 member of what falls due
-- returns how many messages wait, channels of the connection as a JSON array;
--         nil: it is somebody else's

--@ connection_register
--@ members
--@ presence

local since, channels, now = connection_register(KEYS, ARGV)

if type(since) ~= 'string' then
    return since
end

if channels ~= '[]' then
    members({ KEYS[1], KEYS[4] },
            { ARGV[14], ARGV[2], ARGV[3], ARGV[17], '' })
end

presence({ KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[2], KEYS[1], KEYS[9],
           KEYS[10] },
         { 'join', ARGV[2], ARGV[3], ARGV[15], ARGV[1], '0', '', ARGV[11], '',
           '0', ARGV[13], ARGV[16], ARGV[17], ARGV[18], ARGV[6], ARGV[7],
           now })

local waiting = redis.call('ZCARD', KEYS[11])
                + redis.call('ZLEXCOUNT', KEYS[12], '[' .. KEYS[11] .. ' ',
                             '(' .. KEYS[11] .. '!')

return { waiting, channels }
