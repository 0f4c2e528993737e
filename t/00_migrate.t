# Copyright (C) ngx_http_websocket_module authors

# The migrations give the guide's tables, once, also where a Laravel
# application has them already; the demo's accounts come as documented.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::Process qw(slurp);

my $top = abs_path(dirname(__FILE__) . '/..');

# its user may create databases
my $cnf = "--defaults-file=$ENV{TEST_NGINX_RUN_DIR}/mariadb.cnf";

my %tables = (
    websocket_events => [qw(
        id:bigint tenant_id:bigint user_id:bigint event_type:varchar(50)
        channel:varchar(255) payload:longtext status:varchar(20)
        retry_count:int error_message:text created_at:timestamp
        updated_at:timestamp)],
    websocket_connections => [qw(
        id:bigint tenant_id:bigint user_id:bigint connection_id:varchar(255)
        session_id:varchar(255) browser:varchar(50) device_type:varchar(50)
        ip_address:varchar(45) subscribed_channels:longtext
        status:varchar(20) connected_at:timestamp
        last_activity_at:timestamp disconnected_at:timestamp
        created_at:timestamp updated_at:timestamp)],
    websocket_typing_indicators => [qw(
        id:bigint tenant_id:bigint user_id:bigint
        conversation_id:varchar(255) conversation_type:varchar(50)
        is_typing:tinyint started_at:timestamp expires_at:timestamp
        created_at:timestamp updated_at:timestamp)],
    websocket_presence => [qw(
        id:bigint tenant_id:bigint user_id:bigint status:varchar(20)
        device:varchar(50) last_message:text away_since:timestamp
        last_seen_at:timestamp created_at:timestamp updated_at:timestamp)],
);

my %indexes = (
    websocket_events => ['event_type,channel', 'id!', 'status,created_at',
                         'tenant_id,status', 'tenant_id,user_id'],
    websocket_connections => ['connection_id!', 'id!', 'status,updated_at',
                              'tenant_id,connection_id!',
                              'tenant_id,status,user_id', 'user_id,status'],
    websocket_typing_indicators => ['conversation_id,expires_at',
                                    'expires_at', 'id!',
                                    'tenant_id,user_id,conversation_id!'],
    websocket_presence => ['id!', 'tenant_id,user_id!'],
);


sub sql {
    my ($database, $sql) = @_;

    open my $pipe, '-|', 'mariadb', $cnf, "--database=$database", '-N', '-B',
        '--show-warnings', '-e', $sql or die "mariadb: $!";

    return map { chomp; $_ } <$pipe>;
}


sub migrate {
    my ($database) = @_;

    my $out = qx("$top/util/migrate.sh" "$cnf" $database 2>&1);

    return ($?, $out);
}


sub fresh {
    my ($database) = @_;

    sql('', "DROP DATABASE IF EXISTS $database");
    sql('', "CREATE DATABASE $database");
}


my @files = glob "$top/migrations/*.sql";
my @names = map { s{.*/|\.sql$}{}gr } @files;

fresh('migrate_a');

for my $file (@files) {
    my $out = qx(mariadb "$cnf" --show-warnings migrate_a < "$file" 2>&1);
    is($out, '', "no warnings: $file" =~ s{\Q$top/}{}r);
}

for my $table (sort keys %tables) {
    is_deeply([sql('migrate_a', "SELECT CONCAT(COLUMN_NAME, ':', DATA_TYPE,
        IF(DATA_TYPE = 'varchar', CONCAT('(', CHARACTER_MAXIMUM_LENGTH, ')'),
        '')) FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = 'migrate_a' AND TABLE_NAME = '$table'
        ORDER BY ORDINAL_POSITION")],
        $tables{$table}, "$table has the guide's columns");
    is_deeply([sql('migrate_a', "SELECT CONCAT(GROUP_CONCAT(COLUMN_NAME
        ORDER BY SEQ_IN_INDEX), IF(NON_UNIQUE, '', '!')) AS i
        FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = 'migrate_a' AND TABLE_NAME = '$table'
        GROUP BY INDEX_NAME, NON_UNIQUE ORDER BY i")],
        $indexes{$table}, 'and its indexes');
}

is_deeply([sql('migrate_a', "INSERT INTO websocket_events (id) VALUES (1);
    SELECT status, retry_count FROM websocket_events")], ["pending\t0"],
    'defaults of an event');
is_deeply([sql('migrate_a', "INSERT INTO websocket_connections
    (tenant_id, connection_id) VALUES (1, 'conn_A'), (1, 'conn_a');
    SELECT id, status FROM websocket_connections ORDER BY id")],
    ["1\tconnected", "2\tconnected"],
    'ids of connections differ by case, rows have a number each');
is_deeply([sql('migrate_a', "INSERT INTO websocket_typing_indicators
    (tenant_id) VALUES (1); INSERT INTO websocket_presence (tenant_id)
    VALUES (1); SELECT is_typing FROM websocket_typing_indicators;
    SELECT status FROM websocket_presence")], ['1', 'online'],
    'defaults of typing and presence');


# a table as Laravel's schema builder makes it is mended, with what is in it

is_deeply([sql('migrate_a', q{
    UPDATE websocket_events SET tenant_id = 1;
    DELETE FROM websocket_connections;
    INSERT INTO websocket_connections (session_id) VALUES ('s');
    UPDATE websocket_presence SET device = 'web';
    ALTER TABLE websocket_events
        MODIFY id bigint UNSIGNED NOT NULL AUTO_INCREMENT,
        MODIFY tenant_id bigint UNSIGNED NOT NULL;
    ALTER TABLE websocket_connections
        MODIFY session_id varchar(255) NOT NULL,
        MODIFY connection_id varchar(255) COLLATE utf8mb4_unicode_ci NULL;
    ALTER TABLE websocket_typing_indicators MODIFY id bigint NOT NULL;
    ALTER TABLE websocket_presence MODIFY device varchar(50) NOT NULL
        DEFAULT 'web';
    SELECT 'made'})], ['made'], 'tables of an application');
sql('migrate_a', slurp($files[-1]));
is_deeply([sql('migrate_a', q{SELECT CONCAT(TABLE_NAME, ' ', COLUMN_NAME)
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'migrate_a'
        AND (IS_NULLABLE = 'NO' AND COLUMN_NAME <> 'id'
            OR COLUMN_NAME = 'connection_id'
                AND COLLATION_NAME <> 'utf8mb4_bin'
            OR COLUMN_NAME = 'id' AND EXTRA <> 'auto_increment')})], [],
    'columns of an application\'s own tables become the module\'s');
is_deeply([sql('migrate_a', 'SELECT COUNT(*) FROM websocket_connections')],
          ['1'], 'rows stay');


# migrate.sh, over what is there now, as if Laravel had made it

my ($rc, $out) = migrate('migrate_a');
is($rc, 0, 'existing tables are no obstacle');
is($out, join('', map { "applying $_\n" } @names), 'all are applied, in order');
is_deeply([sql('migrate_a', 'SELECT COUNT(*) FROM websocket_events')], ['1'],
          'rows stay');
is_deeply([sql('migrate_a',
    'SELECT name FROM websocket_migrations ORDER BY name')], \@names,
    'each is recorded');

($rc, $out) = migrate('migrate_a');
is($rc, 0, 'a second time is fine');
is($out, '', 'and does nothing');

sql('migrate_a', "DELETE FROM websocket_migrations
    WHERE name = '$names[1]'; DROP TABLE websocket_connections");
($rc, $out) = migrate('migrate_a');
is($out, "applying $names[1]\n", 'what is not recorded is applied');

($rc, $out) = migrate('migrate_none');
isnt($rc, 0, 'an unknown database is an error');
like($out, qr/migrate_none/, 'that names it');


# the demo

fresh('migrate_b');
for (1, 2) {
    $out = qx(cat "$top"/demo/accounts.sql "$top"/demo/load-users.sql | mariadb "$cnf" --show-warnings migrate_b 2>&1);
    unlike($out, qr/warning|error/i, "accounts, time $_");
}

is_deeply([sql('migrate_b', "SELECT u.id, u.tenant_id, u.name, t.id,
    t.abilities, t.expires_at FROM users u JOIN personal_access_tokens t
    ON t.tokenable_id = u.id AND t.tokenable_type = 'App\\\\Models\\\\User'
    WHERE t.token = SHA2(ELT(u.id, 'demo-token-john', 'demo-token-jane',
        'demo-token-ada', 'demo-token-eve', 'demo-token-max'), 256)
    ORDER BY u.id")],
    ["1\t1\tJohn Doe\t1\t[\"*\"]\tNULL", "2\t1\tJane Smith\t2\t[\"*\"]\tNULL",
     "3\t1\tAda Park\t3\t[\"*\"]\tNULL", "4\t2\tEve Outsider\t4\t[\"*\"]\tNULL",
     "5\t1\tMax Limited\t5\t[\"presence\"]\tNULL"],
    'five accounts with their tokens');
is_deeply([sql('migrate_b', "SELECT COUNT(*), MIN(u.id), MAX(u.id),
    MIN(u.name) FROM users u JOIN personal_access_tokens t
    ON t.tokenable_id = u.id AND t.id = u.id WHERE u.tenant_id = 3
    AND t.token = SHA2(CONCAT('load-token-', u.id), 256)
    AND u.name = CONCAT('Load User ', u.id)")],
    ["2000\t1001\t3000\tLoad User 1001"], 'two thousand for load tests');

sql('', 'DROP DATABASE migrate_a; DROP DATABASE migrate_b');

done_testing;
