-- An incarnation ends; whatever it could not clear away is left to others.
--
-- KEYS    leases by their ends, the dead, sockets of the incarnation
-- ARGV    incarnation
-- returns 1 if something is left, else 0

if redis.call('ZREM', KEYS[1], ARGV[1]) == 0
   or redis.call('EXISTS', KEYS[3]) == 0
then
    return 0
end

redis.call('ZADD', KEYS[2], 0, ARGV[1])

return 1
