# Copyright (C) ngx_http_websocket_module authors

# How sockets live and end: pings, peers that are gone without a word, slow
# and noisy clients, a worker that is full, and a server that reloads, is
# upgraded or leaves.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port slurp spew wait_until);
use Test::Nginx::Server;
use Test::Nginx::WebSocket;
use Test::Nginx::WebSocketCases;

my %config = (
    workers => 1,
    config  => <<'END',
        location = /echo { websocket on; websocket_echo on; }

        location = /ping {
            websocket on;
            websocket_echo on;
            websocket_ping_interval 300ms;
            websocket_ping_timeout 1500ms;
        }

        location = /slow {
            websocket on;
            websocket_echo on;
            websocket_send_queue 64k;
        }

        location /engine.io/ {
            websocket_socketio on;
            websocket_echo engineio;
        }

        location /engine.io/ping/ {
            websocket_socketio on;
            websocket_echo engineio;
            websocket_ping_interval 300ms;
            websocket_ping_timeout 1500ms;
        }

        location = /status { websocket_status; access_log off; }
END
);

my $nginx = Test::Nginx::Server->start(%config);


# RFC 6455, section 5.5.2: liveness

my $ws = connect_to('/ping');

$ws->expect_ping('', 'a ping') for 1 .. 4;
$ws->send_text('alive');
$ws->expect_text('alive', 'a client that answers stays');
$ws->disconnect;

my $start = time;

$ws = connect_to('/ping', answer => 0);
$ws->expect_close(1001, undef, 'a client that does not answer is told');
cmp_ok(time - $start, '>', 1.75, 'after interval and time-out');
$ws->disconnect;

$ws = connect_to('/ping', answer => 0);
for (1 .. 12) {
    $ws->send_text('x');
    sleep 0.2;
}
is($ws->read_close(0.01), undef, 'whatever is sent is a sign of life');
$ws->disconnect;

for (['/ping', ''], ['/engine.io/ping/?EIO=4&transport=websocket', '4']) {
    my ($path, $type) = @$_;
    my $upload = frame(TEXT, $type . 'x' x 1500);

    $ws = connect_to($path, answer => 0);

    for my $part (unpack '(a100)*', $upload) {
        $ws->send_raw($part);
        sleep 0.2;
    }

    ok(wait_until(sub { my $m = $ws->read_message; $m && $m->{data} =~ /xxx$/ }),
       "a message that takes long is no silence: $path");
    $ws->disconnect;

    $ws = connect_to($path, answer => 0);
    $ws->send_raw(substr $upload, 0, 100);
    $ws->expect_close(1001, undef, "one that stops to come is: $path");
    $ws->disconnect;
}

$ws = connect_to('/ping', answer => 0);
ok(wait_until(sub { sockets() == 0 }), 'a half-open peer is forgotten');
ok(wait_until(sub { descriptors() <= idle_descriptors() }),
   'and its descriptor is closed') or diag descriptors();


# RST at any moment

my $conversation = frame(TEXT, 'x' x 300) . frame(PING, 'y')
                   . fragments(BINARY, 'a', 'b' x 5000) . close_frame(1000);

for my $cut (map { $_ * 37 } 0 .. 150) {
    $ws = connect_to('/echo');
    $ws->send_raw(substr $conversation, 0, $cut);
    $ws->reset;
}

for (1 .. 30) {
    $ws = connect_to('/echo');
    $ws->send_raw(frame(BINARY, 'x' x 300_000) . substr $conversation, 0, 5);
    $ws->reset;
}

ok(wait_until(sub { sockets() == 0 }), 'sockets end by RST at any byte');

my ($cert, $key) = $nginx->certificate;
my $tls_port = free_port();
my $plain = $nginx;

$nginx = Test::Nginx::Server->start(
    %config, config => "listen 127.0.0.1:$tls_port ssl;
                        ssl_certificate $cert;
                        ssl_certificate_key $key;
                        $config{config}");

for my $cut (map { $_ * 290 } 0 .. 19) {
    $ws = connect_to('/echo', port => $tls_port, tls => 1);
    $ws->send_raw(substr $conversation, 0, $cut);
    $ws->reset;
}

ok(wait_until(sub { sockets() == 0 }), 'by TLS, too');
$nginx->check;
$nginx = $plain;


# a slow client: the others do not wait for it

my $slow = connect_to('/slow', rcvbuf => 4096, answer => 0);
my $quick = connect_to('/slow');

$slow->send_binary('x' x 60_000) for 1 .. 3;
sleep 0.05;

for (1 .. 400) {
    last if counter('slow_clients_total');
    $slow->stream->socket->blocking(0);
    syswrite $slow->stream->socket, frame(BINARY, 'x' x 60_000);
    sleep 0.002;
}

is(counter('slow_clients_total'), 1, 'a slow client is counted');
$quick->send_text('quick');
$quick->expect_text('quick', 'a quick one is served meanwhile');
is($slow->read_close, 1013, 'the slow one is closed with 1013');
$_->disconnect for $slow, $quick;


# the same with what has no payload at all

my $before = memory();

$slow = connect_to('/slow', rcvbuf => 4096, answer => 0);
$slow->stream->socket->blocking(0);

my $pings = frame(PING, '') x 10_000;

for (1 .. 1000) {
    last if counter('slow_clients_total') == 2;
    syswrite $slow->stream->socket, $pings;
}

is(counter('slow_clients_total'), 2, 'who never reads pongs is slow, too');
cmp_ok(memory() - $before, '<', $ENV{ASAN_OPTIONS} ? 300_000 : 1000,
       'KB that it has cost');
$slow->disconnect;


# who sends without a pause does not starve the others

my @floods = map { flood('/echo') } 1 .. 2;

sleep 0.3;
$quick = connect_to('/echo');

my $longest = 0;

for (1 .. 20) {
    my $sent = time;

    $quick->send_text('quick');
    $quick->read_message or last;

    my $took = time - $sent;

    $longest = $took if $took > $longest;
}

cmp_ok($longest, '<', 10, 'seconds to an answer beside two that flood');

kill KILL => @floods;
waitpid $_, 0 for @floods;
$quick->disconnect;

ok(wait_until(sub { sockets() == 0 }), 'the floods are over');


# no memory stays behind

cycle('/echo', 300);

my $at_first = memory();

cycle('/echo', 700);

SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{ASAN_OPTIONS};
    cmp_ok(memory() - $at_first, '<', 200, 'KB more after 700 sockets');
}

$nginx->check;


# a worker that is full

$nginx = Test::Nginx::Server->start(%config,
                                    events => 'worker_connections 64;');

is(refused_after(80), '503 {"message":"The server is full"}',
   'worker_connections are used up: 503');
ok($nginx->wait_log(qr/\[error\] .* 64 worker_connections are not enough for more/),
   'it is logged');
$nginx->check;

$nginx = Test::Nginx::Server->start(%config,
                                    main_config => 'worker_rlimit_nofile 80;');

is(refused_after(100), '503 {"message":"The server is full"}',
   'descriptors are used up: 503');
ok($nginx->wait_log(qr/\[error\] .* 80 open files are not enough for more/),
   'it is logged');
$nginx->check;


# reload, and the end: everyone is told, and not all at once

for my $how ('reload', 'QUIT') {
    $nginx = Test::Nginx::Server->start(%config, workers => 2);

    my @all = map { connect_to('/echo') } 1 .. 40;
    my @engines = map {
        connect_to('/engine.io/?EIO=4&transport=websocket')
    } 1 .. 10;

    $_->read_message for @engines;

    my @old = $nginx->workers;

    if ($how eq 'reload') {
        $nginx->reload;
        connect_to('/echo')->close(1000);

    } else {
        $nginx->signal($how);
    }

    my @when = leave(@all, @engines);

    is(scalar(grep { $_->{close} && $_->{close}[0] == 1001 } @all, @engines),
       50, "$how: everyone gets 1001");
    cmp_ok($when[-1] - $when[0], '>', 1, "$how: over more than a second");
    cmp_ok($when[-1] - $when[0], '<', 10, "$how: and less than ten");
    ok($nginx->wait_gone(20, @old), "$how: the old workers end");

    $nginx->wait if $how eq 'QUIT';
    $nginx->check("$how: nginx did well");
}


# worker_shutdown_timeout: nobody can hold up a worker

$nginx = Test::Nginx::Server->start(%config,
                                    main_config => 'worker_shutdown_timeout '
                                                   . '300ms;');
my @stay = map { connect_to('/echo', answer => 0) } 1 .. 5;
my @old = $nginx->workers;

$nginx->reload;
ok($nginx->wait_gone(2.5, @old), 'worker_shutdown_timeout ends a worker');
is(scalar(grep { $_->closed } @stay), 5, 'with its sockets');
$nginx->check;


# USR2: a new binary takes over.  A master does so only if it is a daemon

$nginx = Test::Nginx::Server->start(%config);
$nginx->stop;

my $conf = $nginx->dir . '/conf/nginx.conf';
my $pid_file = $nginx->dir . '/logs/nginx.pid';

spew($conf, slurp($conf) =~ s/daemon off;/daemon on;/r);
system($nginx->command) == 0 or die 'nginx did not start';

my $master = read_pid($pid_file);

$ws = connect_to('/echo');
kill USR2 => $master;
ok(wait_until(sub { read_pid("$pid_file.oldbin") == $master
                    && read_pid($pid_file) }),
   'a new master runs beside the old one');

my $new = read_pid($pid_file);

ok(wait_until(sub { -e "/proc/$new/task/$new/children"
                    && slurp("/proc/$new/task/$new/children") }),
   'and has a worker');

$ws->send_text('both');
$ws->expect_text('both', 'sockets stay');

kill QUIT => $master;
$ws->expect_close(1001, undef, 'the old worker leaves');
ok(wait_until(sub { !kill 0 => $master }), 'the old master ends');

$ws = connect_to('/echo');
$ws->send_text('new');
$ws->expect_text('new', 'the new binary serves');

kill QUIT => $new;
$ws->expect_close(1001, undef, 'the new one leaves, too');
ok(wait_until(sub { !kill 0 => $new }), 'and ends');
$nginx->check;

END {
    kill KILL => grep { $_ } $master, $new;
}

done_testing();


sub read_pid {
    my ($file) = @_;

    return slurp($file) =~ /(\d+)/ ? $1 : 0;
}


sub connect_to {
    my ($path, %args) = @_;

    return Test::Nginx::WebSocket->connect(port => $nginx->port,
                                           path => $path, %args);
}


sub status {
    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/status')->json;
}

sub sockets { return status()->{connections}{websocket} }

sub counter { return status()->{$_[0]} }


# of the worker: without what is asked by

sub descriptors {
    my ($pid) = $nginx->workers;

    return scalar(() = glob "/proc/$pid/fd/*");
}

my $idle;

sub idle_descriptors { return $idle //= do {
    my $other = Test::Nginx::Server->start(%config);
    my ($pid) = $other->workers;
    my $n = () = glob "/proc/$pid/fd/*";

    $other->stop;
    $n
} }


# private memory of the worker, KB

sub memory {
    my ($pid) = $nginx->workers;

    return slurp("/proc/$pid/smaps_rollup") =~ /^Private_Dirty:\s+(\d+)/m
           ? $1 : 0;
}


# A process that sends to the server, and throws away what comes back.

sub flood {
    my ($path) = @_;

    my $bytes = frame(TEXT, 'flood') x 10_000;
    my $pid = fork // die;

    return $pid if $pid;

    my $socket = connect_to($path)->stream->socket;

    for ( ;; ) {
        my $in = '';

        syswrite $socket, $bytes;
        1 while sysread $socket, $in, 65536;
    }
}


# Sockets that are opened, used and closed, so many at once.

sub cycle {
    my ($path, $n) = @_;

    my @all = map { connect_to($path) } 1 .. 100;

    for (1 .. $n / 100) {
        $_->send_text('x' x 1000) for @all;
        $_->read_message for @all;
        $_->close for @all;
        @all = map { connect_to($path) } 1 .. 100;
    }

    $_->close for @all;
}


# The first answer to a handshake that is no 101; those before it work on.

sub refused_after {
    my ($n) = @_;

    my @open;

    for (1 .. $n) {
        my $ws = Test::Nginx::WebSocket->handshake(port => $nginx->port,
                                                   path => '/echo');

        if ($ws->status != 101) {
            for (@open) {
                $_->send_text('x');
                $_->read_message or return 'a socket that does not work';
            }

            status();
            (pop @open)->close for 1 .. 5;
            connect_to('/echo')->close;

            return $ws->status . ' ' . $ws->body;
        }

        push @open, $ws;
    }

    return 'all are let in';
}


# Waits until each was told to go; gives the times.

sub leave {
    my @left = @_;

    my $deadline = time + 30;
    my @when;

    while (@left && time < $deadline) {
        for my $ws (@left) {
            push @when, time if $ws->read_close(0.001);
        }

        @left = grep { !$_->{close} } @left;
    }

    return @when;
}
