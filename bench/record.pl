#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# How fast a backlog drains into MariaDB, what that takes of the worker, and
# how long others wait while the clean-up deletes it again.
#
#     ./dev build && EVENTS=1000000 bench/record.pl
#
# Needs the module built for the nginx that is installed; starts stores of its
# own in a temporary folder.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";
use Test::More;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(wait_until slurp);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Time::HiRes qw(sleep time);

my $n = $ENV{EVENTS} // 100_000;

$ENV{TEST_NGINX_LOAD_MODULES}
    //= "$FindBin::Bin/../build/ngx_http_websocket_module.so";

my $mysql = Test::Nginx::MySQLServer->start;
my $redis = Test::Nginx::RedisServer->start(config => 'appendfsync no');

fill();

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => "websocket_redis @{[$redis->url]};
                    websocket_mysql @{[$mysql->url]};
                    websocket_retention events=3650d;",
    config      => 'location /api/ { websocket_api on; }');

my $since = time;

wait_until { rows() > 0 } 60 or BAIL_OUT('nothing is written');

my ($start, $first) = (time, rows());

sleep 0.2 while rows() < $n;

my $took = time - $start;
my $cpu = cpu(($nginx->workers)[0]);

note sprintf '%d events: %.0f a second, a million in %.0f s, %.0f us of the '
             . 'worker each', $n, ($n - $first) / $took,
             1e6 * $took / ($n - $first), 1e6 * $cpu / $n;

# all are too old now

$nginx->reload(http_config => "websocket_redis @{[$redis->url]};
                               websocket_mysql @{[$mysql->url]};
                               websocket_retention events=1d;");

my ($longest, $sum, $tries) = (0, 0, 0);
my $client = $mysql->client;

$start = time;

while (rows() > $tries) {
    my $id = 10_000_000 + $tries++;
    my $before = time;

    $client->query("INSERT INTO websocket_events (id, tenant_id, status,
                        created_at) VALUES ($id, 1, 'pending', NOW())");

    my $wait = time - $before;

    $sum += $wait;
    $longest = $wait if $wait > $longest;
    sleep 0.05;
}

note sprintf 'deleted in %.0f s; meanwhile an INSERT took %.0f ms, at most '
             . '%.0f ms', time - $start, 1000 * $sum / $tries, 1000 * $longest;

ok($nginx->stop, 'done');
done_testing();


sub rows { $mysql->value('SELECT COUNT(*) FROM websocket_events') }


# Seconds of a process.

sub cpu {
    my @stat = split ' ', slurp("/proc/$_[0]/stat") =~ s/^.*\)//r;

    return ($stat[11] + $stat[12]) / 100;
}


sub fill {
    my $connection = $redis->client;
    my $payload = '{"event":"message:direct","data":{"message":"'
                  . 'x' x 100 . '"}}';

    for my $id (1 .. $n) {
        $connection->send('XADD', 'ws:_:events', '*', kind => 'event',
            id => $id, tenant_id => 1, user_id => 2,
            created_at => 1761300000123, event_type => 'message_sent',
            channel => 'private-user.3', payload => $payload,
            status => 'delivered');

        if ($id % 500 == 0 || $id == $n) {
            $connection->receive for 1 .. ($id - 1) % 500 + 1;
        }
    }
}
