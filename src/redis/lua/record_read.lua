-- Gives whoever has the lock the next entries of the record. A worker that was
-- held up may come late: it gets none, nobody would look for them.
--
-- KEYS    stream, lock
-- ARGV    group, its only consumer, owner of the lock, how many,
--         from: ">" or "0" for those that were given before
-- returns entries; nil: the lock is somebody else's

if redis.call('GET', KEYS[2]) ~= ARGV[3] then
    return false
end

local reply = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT',
                          ARGV[4], 'STREAMS', KEYS[1], ARGV[5])

if not reply then
    return {}
end

return reply.err and reply or reply[1][2]
