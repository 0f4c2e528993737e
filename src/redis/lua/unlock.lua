-- Gives a lock back.
--
-- KEYS    lock
-- ARGV    owner
-- returns 1, or 0 if it is not the owner's

if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end

return redis.call('DEL', KEYS[1])
