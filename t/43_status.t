#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# What monitoring sees: the status in both formats, and the lines of the log
# of a connection's and a session's life.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(slurp wait_until);
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $nginx = Test::Nginx::Server->start(
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms;
                    websocket_stats_interval 300ms;',
    config      => 'error_log logs/websocket.log info;
                    location /api/ { websocket_api on; }
                    location /socket.io/ { websocket_socketio on; }
                    location /ws { websocket on; }
                    location /echo { websocket on; websocket_echo on;
                                     websocket_send_queue 16k;
                                     websocket_max_message_size 8k; }
                    location /status { websocket_status; }
                    location /metrics { websocket_status prometheus; }');

my $log = $nginx->dir . '/logs/websocket.log';
my $http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);
my %to = (port => $nginx->port, timeout => 20);
my $john = { Authorization => 'Bearer 1|demo-token-john' };


note 'sessions by their transport';

my $ws = login(1, 'john', 'c1');
my $io = Test::Nginx::SocketIO->connect(
    %to, transport => 'polling', auth => { token => '2|demo-token-jane' });
my $echo = Test::Nginx::WebSocket->connect(%to, path => '/echo');

is_deeply(status()->{connections}, { websocket => 2, polling => 1 },
          'sessions');
is($io->call('subscribe', { channel => 'room' })->{status}, 'ok', 'joined');
cmp_ok(status()->{subscriptions}, '>=', 5, 'memberships');

$echo->send_text('x' x 1000);
$echo->expect_text('x' x 1000);

my $status = status();

cmp_ok($status->{received_bytes_total}, '>=', 1000, 'bytes from clients');
cmp_ok($status->{sent_bytes_total}, '>=', 1000, 'bytes to clients');
cmp_ok($status->{messages_received_total}, '>=', 3, 'messages from clients');
cmp_ok($status->{messages_sent_total}, '>=', 3, 'messages to clients');
becomes(sub { $_[0]{send_queue_bytes} == 0 }, 'nothing waits for them');


note 'the stores';

is(api('GET', 'stats', { Authorization => 'Bearer nobody' })->status, 401,
   'a bad token');

$status = status();

is($status->{$_}, 1, $_) for qw(redis_up mysql_up auth_failures_total);
cmp_ok($status->{$_}, '>', 0, $_)
    for qw(authentications_total redis_commands_total
           redis_latency_microseconds mysql_queries_total
           mysql_latency_microseconds);
cmp_ok($status->{$_}, '<', 10_000_000, "$_, not too much")
    for qw(redis_latency_microseconds mysql_latency_microseconds);


note 'for machines';

my $text = $http->get('/metrics')->body;

for my $name (sort keys %$status) {
    like($text, qr/^# TYPE websocket_$name (?:counter|gauge)\n
                   websocket_$name(?:\{\w+="\w+"\})?\ \d/mx,
         "websocket_$name");
}

unlike($text, qr/^(?!#)\S+ -/m, 'nothing is below zero');


note 'who does not read';

my $slow = Test::Nginx::WebSocket->connect(%to, path => '/echo',
                                           rcvbuf => 4096);

for (1 .. 2000) {
    $slow->send_text('y' x 8000) or last;
    last if $_ % 50 == 0 && status()->{slow_clients_total};
}

becomes(sub { $_[0]{slow_clients_total} == 1 }, 'is closed');
cmp_ok(status()->{messages_dropped_total}, '>', 0, 'what waited is dropped');
becomes(sub { $_[0]{closes_total}{1013} == 1 }, 'with 1013');
$slow->disconnect;
becomes(sub { $_[0]{send_queue_bytes} == 0 }, 'nothing waits any more');


note 'the lines of a log';

is(api('POST', 'connect', $john, '{"connection_id":"c2"}')->status, 201,
   'registered');
is(api('POST', 'disconnect', $john, '{"connection_id":"c2"}')->status, 200,
   'disconnected');
$echo->close;
ok((wait_until { scalar slurp($log) =~ /session ended, code: 1000/ }), 'closed');

my $lines = slurp($log);

like($lines, qr/\[info\] .*connection\ registered\ by\ REST,\ 
                connection_id:\ "c2",\ user_id:\ 1,\ tenant_id:\ 1/x,
     'a connection, by REST');
like($lines, qr/\[info\] .*connection\ registered\ by\ a\ socket,\ 
                connection_id:\ "c1",\ user_id:\ 1/x, '... by a socket');
like($lines, qr/\[info\] .*connection disconnected by REST, .*"c2"/,
     'its end');
like($lines, qr/ended,\ code:\ 1000,\ .*transport:\ websocket,\ 
                duration:\ \d+\.\d{3},\ received:\ 1\ messages,\ 1000\ bytes,\ 
                sent:\ 1\ messages,\ 1000\ bytes,\ user_id:\ 0/x,
     "a socket's end");
unlike($lines . $nginx->error_log, qr/demo-token|xxxx/, 'no token, no text');
ok($nginx->wait_log(qr/\[notice\] .*websocket\ stats:\ 
                       connections:\ \d+,\ subscriptions:\ \d+/x),
   "the guide's statistics");


note 'a session that changes its transport, and perhaps its worker';

my $moving = Test::Nginx::SocketIO->connect(
    %to, transport => 'polling',
    auth => { token => '3|demo-token-ada', connectionId => 'moving' });

is($moving->call('subscribe', { channel => 'room' })->{status}, 'ok',
   'by polling');
$moving->upgrade;
is($moving->call('subscribe', { channel => 'other' })->{status}, 'ok',
   'by WebSocket');
$moving->close;

ok((wait_until { slurp($log) =~ /ended, .*transport:\ websocket,\ 
                                 .*received:\ ([3-9])\ messages,
                                 .*"moving"/x }), 'all of it is counted');


note 'the death of a worker';

my @ws = map { login(1, 'john', "d$_") } 1 .. 8;
my $before = status();

$nginx->kill_worker($_) for ($nginx->workers)[0];

my $after = status();

cmp_ok($after->{connections}{websocket}, '<',
       $before->{connections}{websocket} + 1, 'its sessions are gone');
is($after->{connections}{websocket}, scalar(grep { !$_->closed(0.2) } $ws, @ws),
   'the others are counted');
cmp_ok($after->{messages_received_total}, '>=',
       $before->{messages_received_total}, 'what it did has been done');
is($after->{workers}, 2, 'two workers');


note 'without the stores';

$mysql->stop;
is(api('POST', 'connect', $john, '{"connection_id":"c3"}')->status, 201,
   'the record waits');
becomes(sub { !$_[0]{mysql_up} && $_[0]{record_pending}
              && $_[0]{record_lag_milliseconds} > 1000 },
        'which can be seen, and for how long');

$redis->stop;
becomes(sub { !$_[0]{redis_up} }, 'neither is there');

$redis->start;
$mysql->start;
becomes(sub { $_[0]{mysql_up} && $_[0]{redis_up} && !$_[0]{record_pending}
              && !$_[0]{record_lag_milliseconds} }, 'and again');

$nginx->check;

done_testing;


sub status { $http->get('/status')->json }


sub becomes {
    my ($check, $name) = @_;

    my $status;

    ok((wait_until { $status = status(); $check->($status) } 40), $name)
        or diag(explain($status));
}


sub api {
    my ($method, $route, $headers, $body) = @_;

    return $http->request($method, "/api/$route", $body,
                          { %$headers, 'Content-Type' => 'application/json' });
}


sub login {
    my ($user, $name, $id) = @_;

    return Test::Nginx::WebSocket->login(
        %to, token => "$user|demo-token-$name", connectionId => $id);
}
