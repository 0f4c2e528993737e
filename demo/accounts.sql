-- The demo accounts: tables as a Laravel application with Sanctum has them,
-- token N is of user N.

CREATE TABLE IF NOT EXISTS users (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    tenant_id bigint UNSIGNED NOT NULL,
    name varchar(255) NOT NULL,
    email varchar(255) NOT NULL,
    email_verified_at timestamp NULL DEFAULT NULL,
    password varchar(255) NOT NULL,
    remember_token varchar(100) NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY users_email_unique (email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS personal_access_tokens (
    id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
    tokenable_type varchar(255) NOT NULL,
    tokenable_id bigint UNSIGNED NOT NULL,
    name varchar(255) NOT NULL,
    token varchar(64) NOT NULL,
    abilities text NULL,
    last_used_at timestamp NULL DEFAULT NULL,
    expires_at timestamp NULL DEFAULT NULL,
    created_at timestamp NULL DEFAULT NULL,
    updated_at timestamp NULL DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY personal_access_tokens_token_unique (token),
    KEY personal_access_tokens_tokenable_type_tokenable_id_index
        (tokenable_type, tokenable_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- nobody logs in by password here: '!' is the hash of none

INSERT INTO users
    (id, tenant_id, name, email, password, created_at, updated_at)
VALUES
    (1, 1, 'John Doe', 'john@example.com', '!', NOW(), NOW()),
    (2, 1, 'Jane Smith', 'jane@example.com', '!', NOW(), NOW()),
    (3, 1, 'Ada Park', 'ada@example.com', '!', NOW(), NOW()),
    (4, 2, 'Eve Outsider', 'eve@example.com', '!', NOW(), NOW()),
    (5, 1, 'Max Limited', 'max@example.com', '!', NOW(), NOW())
ON DUPLICATE KEY UPDATE id = id;

INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities,
     created_at, updated_at)
VALUES
    (1, 'App\\Models\\User', 1, 'demo', SHA2('demo-token-john', 256),
     '["*"]', NOW(), NOW()),
    (2, 'App\\Models\\User', 2, 'demo', SHA2('demo-token-jane', 256),
     '["*"]', NOW(), NOW()),
    (3, 'App\\Models\\User', 3, 'demo', SHA2('demo-token-ada', 256),
     '["*"]', NOW(), NOW()),
    (4, 'App\\Models\\User', 4, 'demo', SHA2('demo-token-eve', 256),
     '["*"]', NOW(), NOW()),
    (5, 'App\\Models\\User', 5, 'demo', SHA2('demo-token-max', 256),
     '["presence"]', NOW(), NOW())
ON DUPLICATE KEY UPDATE id = id;
