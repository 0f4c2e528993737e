#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Tokens: Sanctum's rules, the cache, stampedes, queries of one's own, and
# stores that come and go.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Time::HiRes qw(sleep time);

my ($redis, $mysql) = Test::Nginx::Stores->start;

$mysql->query(<<'END');
INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities, expires_at)
VALUES
    (11, 'App\\Models\\User', 1, 't', SHA2('a|b', 256), '["*"]', NULL),
    (12, 'App\\Models\\User', 1, 't', SHA2('old', 256), '["*"]',
     NOW() - INTERVAL 1 SECOND),
    (14, 'App\\Models\\Admin', 1, 't', SHA2('admin', 256), '["*"]', NULL),
    (15, 'user', 1, 't', SHA2('alias', 256), '["*"]', NULL),
    (16, 'App\\Models\\User', 999, 't', SHA2('nobody', 256), '["*"]', NULL),
    (17, 'App\\Models\\User', 1, 't', SHA2('gone', 256), '["*"]', NULL);

CREATE TABLE keys_of_ours (k varchar(64), hash char(64), owner bigint,
    club bigint, until datetime);

INSERT INTO keys_of_ours VALUES
    ('k1', SHA2('secret', 256), 2, 1, NULL),
    ('k2', SHA2('other', 256), 2, 1, UTC_TIMESTAMP() - INTERVAL 1 SECOND),
    ('k3', SHA2('later', 256), 2, 1, UTC_TIMESTAMP() + INTERVAL 1 HOUR),
    ('k4', SHA2('club', 256), 2, NULL, NULL);
END

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL;
                    websocket_token_cache 5s 3s;',
    config      => <<'END');

location /metrics { websocket_status json; }
location /api/ { websocket_api on; }

location /hash/ {
    websocket_api on;
    websocket_auth_query "SELECT owner AS user_id, club AS tenant_id,
        hash AS TOKEN, until AS expires_at FROM keys_of_ours
        WHERE hash = :hash";
}

location /plain/ {
    websocket_api on;
    websocket_auth_query "SELECT owner AS user_id, club AS tenant_id
        FROM keys_of_ours WHERE SHA2(:token, 256) = hash";
}

location /careless/ {
    websocket_api on;
    websocket_auth_query "SELECT 1 AS user_id, 1 AS tenant_id FROM DUAL
        WHERE :id IS NOT NULL";
}

location /guessed/ {
    websocket_api on;
    websocket_auth_query "SELECT tokenable_id AS user_id, 1 AS tenant_id
        FROM personal_access_tokens
        WHERE id = :id OR (:id IS NULL AND token = :hash)";
}

location /nameless/ {
    websocket_api on;
    websocket_auth_query "SELECT owner AS user_id FROM keys_of_ours
        WHERE hash = :hash";
}
END

my $http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);


note 'Sanctum';

is(status('1|demo-token-john'), 201, 'id and secret');
is(user('demo-token-jane'), 2, 'a bare secret');
is(status('2|demo-token-john'), 401, "the id of another's row");
is(status('99|demo-token-john'), 401, 'an id that is not there');
is(status('1|demo-token-johN'), 401, 'another secret');
is(status('1|'), 401, 'no secret');
is(status('|demo-token-john'), 401, 'no id');
is(status('01|demo-token-john'), 401, 'an id with a zero in front');
is(status('1 |demo-token-john'), 401, 'an id with a space');
is(status('11|a|b'), 201, 'a secret with a bar');
is(status("x' OR 1=1 -- "), 401, 'no token at all');
is(status('demo-token-nobody'), 401, 'an unknown secret');
is(status('old'), 401, 'one that has expired');
is(status('14|admin'), 401, 'one of another model');
is(status('15|alias'), 201, 'one of an alias of the model');
is(status('nobody'), 401, 'one of a user that is gone');
is($http->post('/api/connect', {})->status, 401, 'no header');
is($http->post('/api/connect', {}, { Authorization => 'Basic MTox' })
       ->status, 401, 'another scheme');


note 'the cache';

$mysql->query(<<'END');
INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities, expires_at)
VALUES (13, 'App\\Models\\User', 1, 't', SHA2('soon', 256), '["*"]',
        NOW() + INTERVAL 15 SECOND)
END
is(status('13|soon'), 201, 'a token that will expire');
is(status('17|gone'), 201, 'a token whose row will go');
$mysql->query('DELETE FROM personal_access_tokens WHERE id = 17');

my $before = metrics();

is(status('17|gone'), 201, 'is good while it is cached');
is(metrics()->{token_cache_hits_total},
   $before->{token_cache_hits_total} + 1, 'a hit');
is(metrics()->{token_cache_misses_total},
   $before->{token_cache_misses_total}, 'and no miss');

is(status('19|new'), 401, 'a token that is not there yet');
$mysql->query(<<'END');
INSERT INTO personal_access_tokens
    (id, tokenable_type, tokenable_id, name, token, abilities)
VALUES (19, 'App\\Models\\User', 1, 't', SHA2('new', 256), '["*"]')
END
is(status('19|new'), 401, 'that is cached, too');
ok(wait_until(sub { status('19|new') == 201 }), 'but not for long');
ok(wait_until(sub { status('17|gone') == 401 }), 'the row is missed');
is(status('13|soon'), 201, 'the other one is there still');

my $expires = $mysql->value('SELECT UNIX_TIMESTAMP(expires_at)
                             FROM personal_access_tokens WHERE id = 13');

ok(wait_until(sub { status('13|soon') == 401 }), 'until it expires');
cmp_ok(time - $expires, '>', -0.5, 'not before');
cmp_ok(time - $expires, '<', 10, 'in the cache, too');


note 'the use of a token';

ok(wait_until(sub { used() =~ /\b1,2,11,13,15,17\b|\b1,2,11,13,15,19\b/ }),
   'is written') or diag(used());
unlike(used(), qr/\b(?:12|14|16)\b/, 'not of those that are refused');

$mysql->query('UPDATE personal_access_tokens SET last_used_at = NULL');

my $updates = updates();

for (1 .. 20) {
    status($_) for '2|demo-token-jane', '15|alias';
}

ok(wait_until(sub { used() =~ /\b2\b.*\b15\b/ }), 'and again');
cmp_ok(updates() - $updates, '<', 10, 'of all together, not of each');

$mysql->query('ALTER TABLE personal_access_tokens
               CHANGE last_used_at used_at timestamp NULL');
is(status('2|demo-token-jane'), 201, 'where it cannot be written');
ok($nginx->wait_log(qr/\[error\].* refused to note the use of tokens/, 20),
   'it is said');
$mysql->query('ALTER TABLE personal_access_tokens
               CHANGE used_at last_used_at timestamp NULL');


note 'a stampede';

# the record of the connections above
wait_until { metrics()->{record_pending} == 0 };
$before = metrics();
$mysql->pause;

my @herd = map { Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20) }
           1 .. 50;

$_->send(POST => '/api/connect', {}, bearer('18|wrong')) for @herd;
wait_until { metrics()->{token_cache_misses_total}
             >= $before->{token_cache_misses_total} + 50 };
$mysql->resume;

is((grep { $_->receive->status == 401 } @herd), 50, 'all get the answer');

my $after = metrics();

is($after->{token_cache_misses_total} - $before->{token_cache_misses_total},
   50, 'none was in the cache');
cmp_ok($after->{mysql_queries_total} - $before->{mysql_queries_total}, '<', 10,
       'MySQL was asked once');


note 'a client that does not wait';

$before = metrics();
$mysql->pause;

my $hasty = Test::Nginx::HTTP->new(port => $nginx->port);

$hasty->send(POST => '/api/connect', {}, bearer('5|demo-token-max'));
wait_until { metrics()->{token_cache_misses_total}
             > $before->{token_cache_misses_total} };
$hasty->close;
$mysql->resume;
is(status('5|demo-token-max'), 201, 'does no harm');


note 'queries of our own';

is(user('secret', '/hash'), 2, 'by hash');
is(status('other', '/hash'), 401, 'a date in the past');
is(status('later', '/hash'), 201, 'a date to come');
is(status('club', '/hash'), 401, 'nobody without a tenant');
like($nginx->error_log, qr/\[info\].* refused: tenant_id of user 2 is NULL/,
     'which the log tells');
is(status('demo-token-john', '/hash'), 401, "Sanctum's are not asked");
is(user('secret', '/plain'), 2, 'by the token itself');
is(status('secret'), 401, 'none of them is good for another query');
is(status('1|anything', '/careless'), 503, 'a secret nobody looks at');
like($nginx->error_log, qr/\[error\].*gives no column "token" to compare/,
     'is a mistake');
is(status('1|anything', '/guessed'), 503, 'also where it is looked at else');
is(status('secret', '/nameless'), 503, 'a column that is missing');
like($nginx->error_log, qr/\[error\].*gives no column "tenant_id"/,
     'is said');

for ([':uid', qr/"?:uid"?/], ['\'', qr/invalid "websocket_auth_query"/]) {
    my ($sql, $pattern) = @$_;
    my ($status, $text) = Test::Nginx::Server->test_config(
        http_config => 'websocket_redis $TEST_NGINX_REDIS;
                        websocket_mysql $TEST_NGINX_MYSQL;',
        config      => qq(location / { websocket_api on;
                          websocket_auth_query "SELECT $sql"; }));

    isnt($status, 0, "$sql is refused");
    like($text, $pattern, 'and named');
    like($text, qr/nginx\.conf:\d+/, 'with its line');
}


note 'stores that go and come';

$mysql->kill;
my $since = time;
is(status('3|demo-token-ada'), 503, 'an unknown token, without MySQL');
cmp_ok(time - $since, '<', 10, 'in time');
$mysql->start;
ok(wait_until(sub { status('3|demo-token-ada') == 201 }),
   'is known when it is back');

$redis->kill;
wait_until { metrics()->{redis_up} == 0 };
$since = time;
is(status('3|demo-token-ada'), 503, 'no connection without Redis');
cmp_ok(time - $since, '<', 10, 'in time');
$redis->start;
ok(wait_until(sub { status('3|demo-token-ada') == 201 }),
   'but with it');

is(scalar(() = $nginx->error_log =~ /refused to note/g), 1, 'once');

$nginx->check('no alerts');
$redis->kill;
$mysql->kill;

$nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL;',
    config      => 'location /api/ { websocket_api on; }
                    location /metrics { websocket_status json; }');
$http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);

is(status('3|demo-token-ada'), 503, 'nginx starts without both');
sleep 3;

my @away = grep { /\[(?:error|warn|alert)\]/ } split /\n/, $nginx->error_log;

cmp_ok(@away, '<=', 3, 'and says so, once each') or diag(@away);
$redis->start;
$mysql->start;
ok(wait_until(sub { status('3|demo-token-ada') == 201 }),
   'and works when they are there');
ok(wait_until(sub { metrics()->{redis_up} && metrics()->{mysql_up} }),
   'which one can see');

$nginx->check('no alerts');

my $nowhere = free_port();

$nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => "websocket_redis \$TEST_NGINX_REDIS;
                    websocket_mysql mysql://x\@127.0.0.1:$nowhere/x;",
    config      => 'location /api/ { websocket_api on; }');
$http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);

is(status('3|demo-token-ada'), 503, 'a port where nobody is');
ok($nginx->wait_log(qr/mysql is away: .* \(127\.0\.0\.1:$nowhere\)/, 20),
   'is in the log');
$nginx->check('no alerts');

done_testing();


sub bearer {
    my ($token) = @_;

    return { Authorization => "Bearer $token" };
}


sub connect_as {
    my ($token, $prefix) = @_;

    return $http->post(($prefix // '/api') . '/connect', {}, bearer($token));
}


sub status { connect_as(@_)->status }

sub user { connect_as(@_)->json->{data}{user_id} }


# The tokens whose use has been noted.

sub used {
    return $mysql->value('SELECT GROUP_CONCAT(id ORDER BY id)
                          FROM personal_access_tokens
                          WHERE last_used_at BETWEEN
                              UTC_TIMESTAMP() - INTERVAL 1 MINUTE
                              AND UTC_TIMESTAMP()') // '';
}


sub updates {
    return $mysql->value("SELECT VARIABLE_VALUE
                          FROM information_schema.GLOBAL_STATUS
                          WHERE VARIABLE_NAME = 'COM_UPDATE'");
}


sub metrics { $http->get('/metrics')->json }
