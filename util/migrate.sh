#!/bin/sh
# Applies migrations/*.sql, each once: migrate.sh [OPTION ...] DATABASE
#
# Options and database go to the MySQL client as they are (MYSQL names
# another one). What was applied stands in the table websocket_migrations.

set -eu

if [ $# -eq 0 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi

if [ -z "${MYSQL:-}" ]; then
    MYSQL=mysql
    if command -v mariadb > /dev/null; then
        MYSQL=mariadb
    fi
fi

dir=$(cd "$(dirname "$0")/../migrations" && pwd)

client() {
    "$MYSQL" "$@" --default-character-set=utf8mb4 --batch --skip-column-names
}

applied=$(client "$@" << END
CREATE TABLE IF NOT EXISTS websocket_migrations (
    name varchar(100) NOT NULL PRIMARY KEY,
    applied_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
SELECT name FROM websocket_migrations;
END
)

for file in "$dir"/*.sql; do
    name=$(basename "$file" .sql)

    if echo "$applied" | grep -qxF "$name"; then
        continue
    fi

    echo "applying $name"
    {
        cat "$file"
        printf "\nINSERT INTO websocket_migrations (name) VALUES ('%s')\n" \
            "$name"
        echo "ON DUPLICATE KEY UPDATE name = name;"
    } | client "$@"
done
