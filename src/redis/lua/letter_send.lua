-- Passes a letter on to the worker that owns a polling session.
--
-- KEYS    session, body of the letter
-- ARGV    prefix of workers' channels, letter, body or empty if it is in the
--         letter, milliseconds to keep it
-- returns the owner; nil: there is no such session, or its owner is dead

local owner = redis.call('GET', KEYS[1])

if not owner then
    return false
end

if ARGV[3] ~= '' then
    redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
end

if redis.call('PUBLISH', ARGV[1] .. owner, ARGV[2]) == 0 then
    redis.call('DEL', KEYS[1], KEYS[2])
    return false
end

return owner
