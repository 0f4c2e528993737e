-- Takes a lock, or renews it for whoever has it.
--
-- KEYS    lock
-- ARGV    owner, milliseconds
-- returns 1 it is the owner's, 0 it is somebody else's

local owner = redis.call('GET', KEYS[1])

if owner and owner ~= ARGV[1] then
    return 0
end

redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])

return 1
