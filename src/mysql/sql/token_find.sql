-- A token as Laravel Sanctum keeps it, by its id if it has one in front, else
-- by the SHA-256 of it; with its user. Only tokens of the users' own model
-- count: other models have ids of their own. UNIX_TIMESTAMP() would give
-- nothing for a DATETIME after 2038, which is never.

SELECT t.id AS token_id, t.token, t.abilities,
    TIMESTAMPDIFF(SECOND, '1970-01-01', t.expires_at) AS expires_at,
    u.id AS user_id, u.tenant_id, u.name
FROM personal_access_tokens t
JOIN users u ON u.id = t.tokenable_id
WHERE (t.id = :id OR (:id IS NULL AND t.token = :hash))
    AND t.tokenable_type IN
        ('App\\Models\\User', 'App\\User', 'user', 'users')
