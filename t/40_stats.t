#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# GET stats: the tenant's counts, right as soon as the record has them, by
# one query for all who ask at a time; and the line in the log.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;
use Time::HiRes qw(sleep time);

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;
                    websocket_stats_interval 300ms;',
    config      => 'location /api/ { websocket_api on; }
                    location /ws { websocket on; }
                    location /metrics { websocket_status json; }');

my ($john, $jane, $eve) = ('1|demo-token-john', '2|demo-token-jane',
                           '4|demo-token-eve');


note 'a tenant that has nothing';

my $answer = api($john, 'GET', 'stats');

is($answer->status, 200, 'answered');
is($answer->body, '{"data":{"total_connections":0,"active_connections":0,'
                  . '"unique_users":0,"pending_events":0,"failed_events":0}}',
   'in the order of the guide');
is($answer->header('Content-Type'), 'application/json', 'as JSON');


note 'what is registered';

is(api($_->[0], 'POST', 'connect', "{\"connection_id\":\"$_->[1]\"}")->status,
   201, "$_->[1] is there")
    for [$john, 'c1'], [$john, 'c2'], [$jane, 'c3'], [$eve, 'c4'];
is(api($jane, 'POST', 'disconnect', '{"connection_id":"c3"}')->status, 200,
   'c3 is not');

$mysql->query(<<'SQL');
INSERT INTO websocket_events (id, tenant_id, user_id, status) VALUES
    (1, 1, 1, 'pending'), (2, 1, 2, 'pending'), (3, 1, 2, 'failed'),
    (4, 1, 2, 'delivered'), (5, 2, 4, 'failed');
SQL

is_stats($john, [3, 2, 1, 2, 1], 'a tenant');
is_stats($eve, [1, 1, 1, 0, 1], 'another one');

$mysql->query("UPDATE websocket_events SET status = 'delivered' WHERE id = 1");
is_stats($john, [3, 2, 1, 1, 1], 'delivered meanwhile');


note 'by index alone';

for my $row ($mysql->query(explained())) {
    my ($type, $table, $access, $extra) = @$row[1, 2, 3, -1];
    next unless defined $table && $table =~ /^websocket/;
    like($extra, qr/Using index/, "$table, $type, $access");
}


note 'many at once';

my $queries = queries();
my $hits = hits();
my @asking = map { Test::Nginx::HTTP->new(port => $nginx->port) } 1 .. 30;

$mysql->pause;
$_->send(GET => '/api/stats', undef, {Authorization => "Bearer $john"})
    for @asking;
wait_until { hits() >= $hits + 30 };
$mysql->resume;
is((grep { $_->receive->status == 200 } @asking), 30, 'all are answered');
cmp_ok(queries() - $queries, '<', 25, 'by fewer queries');


note 'the line in the log';

ok($nginx->wait_log(qr/\[notice\].*stats: connections: 0, subscriptions: 0/),
   'nobody');

my @sockets = map { Test::Nginx::WebSocket->connect(port => $nginx->port,
                                                    path => '/ws') } 1, 2;

ok($nginx->wait_log(qr/\[notice\].*stats: connections: 2, subscriptions: 0/),
   'two');

$nginx->reload(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;
                    websocket_stats_interval off;');

my $size = $nginx->log_size;
sleep 0.7;
unlike($nginx->error_log($size), qr/stats:/, 'off');


note 'who may ask';

is(api('wrong', 'GET', 'stats')->status, 401, 'nobody unknown');
is(api($john, 'POST', 'stats', '{}')->status, 405, 'nobody posts');


note 'without MySQL';

$mysql->stop;
ok(wait_until { api($john, 'GET', 'stats')->status == 503 }, 'refused');
$mysql->start;
ok(wait_until { api($john, 'GET', 'stats')->status == 200 }, 'and again');


$nginx->check;

done_testing;


sub api {
    my ($token, $method, $route, $body) = @_;

    my $http = Test::Nginx::HTTP->new(port => $nginx->port);

    return $http->request($method => "/api/$route", $body,
                          {Authorization => "Bearer $token",
                           $body ? ('Content-Type' => 'application/json')
                                 : ()});
}


# the record comes later, and then the answer is as expected at once

sub is_stats {
    my ($token, $expected, $what) = @_;
    my $got;

    wait_until {
        my $data = api($token, 'GET', 'stats')->json->{data};
        $got = [@$data{qw(total_connections active_connections unique_users
                          pending_events failed_events)}];
        "@$got" eq "@$expected";
    };

    is_deeply($got, $expected, $what);
}


sub metrics {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/metrics')->json;
}

sub queries { metrics()->{mysql_queries_total} }

sub hits { metrics()->{token_cache_hits_total} }


sub explained {
    open my $file, '<', 'src/mysql/sql/stats_count.sql' or die $!;
    my $sql = join '', grep { !/^--/ } <$file>;

    return 'EXPLAIN ' . $sql =~ s/:tenant_id/1/gr;
}
