-- Tokens that have been used, as Sanctum notes it.

UPDATE personal_access_tokens
SET last_used_at = UTC_TIMESTAMP()
WHERE id IN (:ids)
