-- 2,000 accounts for load tests: user N of 1001 to 3000 in tenant 3, whose
-- token N is load-token-N. After accounts.sql.

INSERT INTO users
    (id, tenant_id, name, email, password, created_at, updated_at)
WITH RECURSIVE n AS (
    SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999
)
SELECT first + i, 3, CONCAT('Load User ', first + i),
    CONCAT('load-', first + i, '@example.com'), '!', NOW(), NOW()
FROM n JOIN (SELECT 1001 AS first UNION ALL SELECT 2001) AS half ON true
ON DUPLICATE KEY UPDATE id = users.id;

INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities,
     created_at, updated_at)
WITH RECURSIVE n AS (
    SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999
)
SELECT first + i, 'App\\Models\\User', first + i, 'load',
    SHA2(CONCAT('load-token-', first + i), 256), '["*"]', NOW(), NOW()
FROM n JOIN (SELECT 1001 AS first UNION ALL SELECT 2001) AS half ON true
ON DUPLICATE KEY UPDATE id = personal_access_tokens.id;
