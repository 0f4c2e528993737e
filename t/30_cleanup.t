#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# What is kept no longer is deleted, some rows at a time, by one worker of
# all; and by the SQL file.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::Process qw(slurp wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Time::HiRes qw(sleep time);

my $top = abs_path(dirname(__FILE__) . '/..');

my ($redis, $mysql) = Test::Nginx::Stores->start;


note 'as configured';

fill();

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL;
                    websocket_retention connections=1h events=10d;',
    config      => 'location /api/ { websocket_api on; }');

ok((wait_until { rows('typing_indicators') eq '1 2' }), 'typing that ended');
is(rows('connections'), '1 3 4 6', 'connections: ended, or left behind');
is(rows('events'), '1 3 5 7 8', 'events, the pending ones after 30 days');


note 'again and again, by one alone';

$mysql->query('INSERT INTO websocket_typing_indicators (id, expires_at)
               VALUES (4, NOW() - INTERVAL 1 HOUR)');
ok((wait_until { rows('typing_indicators') eq '1 2' }), 'what comes later');

my $lock = $redis->command('GET', 'ws:_:lock:cleanup');
my ($holder) = grep { $lock =~ /-$_-/ } $nginx->workers;

ok($holder, 'a worker has the lock');


note 'in small steps, whoever dies';

$mysql->query("INSERT INTO websocket_events (id, status, created_at)
    SELECT 1000 + seq, 'delivered', NOW() - INTERVAL 40 DAY
    FROM seq_1_to_20000");

ok((wait_until { many() < 20000 }), 'begun');
cmp_ok(many(), '>', 5000, 'not all at once');

my $time = time;
$mysql->query("INSERT INTO websocket_events (id, status, created_at)
               VALUES (100000, 'pending', NOW())");
cmp_ok(time - $time, '<', 10, 'a row in between does not wait');

$nginx->kill_worker($holder);
ok((wait_until { rows('events') eq '1 3 5 7 8 100000' } 40),
   'another worker goes on');


note 'without MySQL';

$mysql->stop;
sleep 6;
$mysql->start;
$mysql->query('INSERT INTO websocket_typing_indicators (id, expires_at)
               VALUES (5, NOW() - INTERVAL 1 HOUR)');
ok((wait_until { rows('typing_indicators') eq '1 2' } 20), 'and again');


note 'a server that may only be read';

my $log = $nginx->log_size;

$mysql->query('INSERT INTO websocket_typing_indicators (id, expires_at)
               VALUES (6, NOW() - INTERVAL 1 HOUR)');
$mysql->{admin}->query('SET GLOBAL read_only = 1');
ok($nginx->wait_log(qr/mysql refuses the clean-up: .*read-only.*\(1290\)/, 30,
                    $log), 'the log tells it');
$mysql->{admin}->query('SET GLOBAL read_only = 0');
ok((wait_until { rows('typing_indicators') eq '1 2' } 20), 'and again');

$nginx->stop;
$nginx->check;


note 'by hand';

fill();

my $sql = slurp("$top/util/cleanup.sql");

for my $step ($sql =~ /^(DELETE.*?);/msg) {
    my ($plan) = $mysql->query("EXPLAIN $step");

    unlike($plan->[-1], qr/filesort/, 'nothing is sorted');
}

is_deeply([$mysql->query($sql)], [[7]], 'rows that are kept no longer');
is_deeply([$mysql->query($sql)], [[0]], 'once');
is(rows('connections'), '1 2 3 4 6', 'connections');
is(rows('events'), '1 2 3 4 5 7 8', 'events');
is(rows('typing_indicators'), '1 2', 'typing');

done_testing;


sub fill {
    $mysql->query(<<'END');
TRUNCATE websocket_connections;
TRUNCATE websocket_events;
TRUNCATE websocket_typing_indicators;

INSERT INTO websocket_connections (id, status, updated_at) VALUES
    (1, 'disconnected', NOW() - INTERVAL 50 MINUTE),
    (2, 'disconnected', NOW() - INTERVAL 2 HOUR),
    (3, 'connected', NOW() - INTERVAL 2 HOUR),
    (4, 'connected', NOW()),
    (5, 'connected', NOW() - INTERVAL 25 HOUR),
    (6, 'disconnected', NULL),
    (7, 'disconnected', NOW() - INTERVAL 25 HOUR);

INSERT INTO websocket_events (id, status, created_at) VALUES
    (1, 'delivered', NOW() - INTERVAL 9 DAY),
    (2, 'delivered', NOW() - INTERVAL 11 DAY),
    (3, 'failed', NOW()),
    (4, 'failed', NOW() - INTERVAL 11 DAY),
    (5, 'pending', NOW() - INTERVAL 11 DAY),
    (6, 'pending', NOW() - INTERVAL 31 DAY),
    (7, 'pending', NOW()),
    (8, 'delivered', NULL),
    (9, 'delivered', NOW() - INTERVAL 31 DAY),
    (10, 'failed', NOW() - INTERVAL 31 DAY),
    (11, 'pending', NOW() - INTERVAL 32 DAY);

INSERT INTO websocket_typing_indicators (id, expires_at) VALUES
    (1, NOW() + INTERVAL 1 HOUR),
    (2, NULL),
    (3, NOW() - INTERVAL 1 MINUTE);
END
}


sub rows {
    return join ' ', map { $_->[0] }
                     $mysql->query("SELECT id FROM websocket_$_[0]
                                    ORDER BY id");
}


sub many { $mysql->value('SELECT COUNT(*) FROM websocket_events
                          WHERE id BETWEEN 1000 AND 99999') }
