-- Whether the user exists in the tenant.

SELECT name FROM users WHERE id = :user_id AND tenant_id = :tenant_id
