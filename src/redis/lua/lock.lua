-- Takes a lock, or renews it for whoever has it; the dead have none.
--
-- KEYS    lock, leases by their ends
-- ARGV    owner, milliseconds
-- returns 1 it is the owner's, 0 it is somebody else's

local owner = redis.call('GET', KEYS[1])

if owner and owner ~= ARGV[1] and redis.call('ZSCORE', KEYS[2], owner) then
    return 0
end

-- first what needs no memory

redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])

return 1
