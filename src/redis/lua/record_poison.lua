-- Puts an entry aside that MySQL refuses, with the reason, and acknowledges
-- it; once.
--
-- KEYS    stream, stream of the refused
-- ARGV    group, entry's id, number of the error, its text, which row of the
--         entry, beginning with 1
-- returns nothing

local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]

if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 1 and entry then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100000, '*',
               'entry', ARGV[2], 'errno', ARGV[3], 'error', ARGV[4],
               'row', ARGV[5], unpack(entry[2]))
end
