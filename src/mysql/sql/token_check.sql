-- Which of these tokens are still good, as token_find would say.

SELECT t.id AS token_id
FROM personal_access_tokens t
JOIN users u ON u.id = t.tokenable_id
WHERE t.id IN (:ids)
    AND (t.expires_at IS NULL OR t.expires_at > UTC_TIMESTAMP())
    AND t.tokenable_type IN
        ('App\\Models\\User', 'App\\User', 'user', 'users')
