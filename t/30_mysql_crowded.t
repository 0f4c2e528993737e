#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# A MySQL that takes fewer connections than a worker would like to have.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;

my ($redis, $mysql) = Test::Nginx::Stores->start(
    mysql => 'max-connections = 10');

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL threads=16
                                    timeout=20s;',
    config      => <<'END');

location /metrics { websocket_status json; }

location /api/ {
    websocket_api on;
    websocket_auth_query "SELECT 1 AS user_id, 1 AS tenant_id FROM DUAL
        WHERE :token IS NOT NULL AND SLEEP(0.2) = 0";
}
END

my $TOO_MANY = qr/\[warn\] .* mysql takes no more connections: Too many/;


note 'the server is full';

my $log = $nginx->log_size;

# a worker without any connection could not tell it from one that is away

is(ask(1, 'first'), 1, 'it has given a connection');
is(ask(40, 'a'), 40, 'all statements are answered');
ok($nginx->wait_log($TOO_MANY, 20, $log), 'the log tells why they waited');
is(metrics()->{mysql_up}, 1, 'mysql is not away');
is(metrics()->{mysql_errors_total}, 0, 'nothing failed');

is(ask(40, 'b'), 40, 'nor later');
unlike($nginx->error_log($log), qr/mysql is away/, 'nobody was told that');
is(() = $nginx->error_log($log) =~ /$TOO_MANY/g, 1, 'and it is said once');


note 'an account that may have few';

$mysql->{admin}->query('SET GLOBAL max_connections = 100;
    ALTER USER websocket@localhost WITH MAX_USER_CONNECTIONS 4');

my @old = $nginx->reload(workers => 1);

wait_until { !grep { kill 0 => $_ } @old } 30;
$log = $nginx->log_size;

is(ask(1, 'second'), 1, 'it has given a connection');
is(ask(20, 'c'), 20, 'all statements are answered');
ok($nginx->wait_log(qr/takes no more connections: User 'websocket'/, 20, $log),
   'the log tells why they waited');
unlike($nginx->error_log($log), qr/mysql is away/, 'mysql is not away');

$nginx->check('no alerts');

done_testing();


# Looks up many tokens at the same time; how many were good.

sub ask {
    my ($n, $name) = @_;

    my @clients = map { Test::Nginx::HTTP->new(port => $nginx->port) } 1 .. $n;

    $clients[$_]->send(POST => '/api/connect', {},
                       { Authorization => "Bearer $name$_" })
        for 0 .. $#clients;

    my @answers = grep { defined } map { $_->receive(30) } @clients;

    return scalar grep { $_->status == 201 } @answers;
}


sub metrics {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/metrics')->json;
}
