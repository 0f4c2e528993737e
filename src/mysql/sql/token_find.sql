-- A token as Laravel Sanctum keeps it, by its id if it has one in front, else
-- by the SHA-256 of it; with its user.

SELECT t.id AS token_id, t.token, t.abilities,
    UNIX_TIMESTAMP(t.expires_at) AS expires_at,
    u.id AS user_id, u.tenant_id, u.name
FROM personal_access_tokens t
JOIN users u ON u.id = t.tokenable_id
WHERE (t.id = :id OR (:id IS NULL AND t.token = :hash))
    AND SUBSTRING_INDEX(t.tokenable_type, '\\', -1) = 'User'
