# Copyright (C) ngx_http_websocket_module authors

# docs/sessions.md, cell by cell: a polling session of one nginx, whose
# requests come to another, when the worker that owns it dies, is stopped,
# reloads, or when Redis is away.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(slurp wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Test::Nginx::WebSocket;

my $unknown = '400 {"code":1,"message":"Session ID unknown"}';
my $away = '503 {"message":"Service Unavailable"}';
my $bad = '400 {"code":3,"message":"Bad request"}';

my $redis = Test::Nginx::RedisServer->start;

$ENV{TEST_NGINX_REDIS} = $redis->url;

my %config = (
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;',
    config      => <<'END',
        location /engine.io/ {
            websocket_socketio on;
            websocket_echo engineio;
        }

        location /ping/ {
            websocket_socketio on;
            websocket_echo engineio;
            websocket_ping_interval 500ms;
            websocket_ping_timeout 500ms;
        }

        location = /status { websocket_status; access_log off; }
END
);

# the owner, and where the requests go

my ($owner, $other) = map { Test::Nginx::Server->start(%config) } 1, 2;


# What is to happen, in words that docs/sessions.md has, too: to a GET that is
# held, to the end of a POST, to the next GET, and to the WebSocket when the
# client goes over; then how soon, in seconds.

my %table = (
    dead      => { get => $unknown, post => $unknown, next => $unknown,
                   websocket => 'closed', within => 3 },
    stopped   => { get => $unknown, post => $unknown, next => $unknown,
                   websocket => 'closed', within => 5.5 },
    reloading => { get => '200 1', post => $unknown, next => $unknown,
                   websocket => 'closed', within => 4 },
    away      => { get => $away, post => $away, next => $away,
                   websocket => 'closed', within => 2 },
    hanging   => { get => $unknown, post => $away, next => $away,
                   websocket => 'closed', within => 6 },
);

my %happens = (
    dead      => [\&kill_owner, sub { }],
    stopped   => [\&stop_owner, \&resume_owner],
    reloading => [sub { $owner->reload }, sub { }],
    away      => [sub { $redis->kill }, \&start_redis],
    hanging   => [sub { $redis->pause }, \&resume_redis],
);

for my $what (qw(dead stopped reloading away hanging)) {
    my @cells = map { { what => $what, probe => $_ & 4, get => $_ & 2,
                        post => $_ & 1 } } 0 .. 7;
    my ($begin, $end) = @{$happens{$what}};

    prepare($_) for @cells;
    settle();

    # behind a probe a GET is not held for long

    $_->{poll} = send_get($_->{session}) for grep { $_->{probe} && $_->{get} }
                                             @cells;
    sleep 0.01;

    $begin->();
    my $start = time;

    # sessions leave one after the other, within three seconds

    sleep 3.2 if $what eq 'reloading';

    go_on($_) for @cells;
    check_cell($_, $start) for @cells;

    $end->();
    next if $what =~ /^(?:away|hanging)$/;

    # one that was stopped may have to find Redis again first

    &wait_until(sub { get($cells[0]{session}, $owner) ne $away }, 20);

    is get($_->{session}, $owner), $unknown,
       "$_->{name}: the session is over" for @cells;
}


# the other side: whoever takes, or holds the client's requests, dies

my $session = open_session('/ping/');
my $get = send_get($session);
settle();
kill_worker($other);
ok &wait_until(sub { get($session, $owner) eq $unknown }),
   'the worker that holds the GET dies: the session ends with the next ping';

$session = open_session('/engine.io/');
my $ws = probe($session);
kill_worker($other);
is post($session, '4x', $other), '200 ok',
   'the worker that has probed dies: polling goes on';
is get($session, $other), '200 4x', '  by another one';

$session = open_session('/engine.io/');
$get = send_get($session);
settle();
$other->reload;
is answer($get), '200 6', 'the worker that holds the GET reloads';
is post($session, '4y', $other), '200 ok', '  and the session goes on';
is get($session, $other), '200 4y', '  by the next one';


# a worker that has just begun does not hear yet

$session = open_session('/engine.io/');
$redis->pause;
kill_worker($other);

my @late = (half_post($session, '4z'), send_get($session));
$late[0]->stream->write('z');
http($other)->get('/status');
$redis->resume;
is answer($late[0]), '200 ok', 'a new worker: a POST waits for Redis';
is answer($late[1]), '200 4z', '  and so does a GET';

$redis->pause;
kill_worker($other);

my $early = time;
is get($session, $other), $away, '  not for ever';
cmp_ok time - $early, '<', 4.5 + slack(), '  but four seconds';
is get($session, $other), $away, '  and then not at all';
resume_redis();


# a handshake that Redis has kept waiting for longer than a ping's time

$get = http($owner);
$redis->pause;
$get->send(GET => '/ping/?EIO=4&transport=polling');
sleep 0.7;
$redis->resume;
unlike answer($get), qr/\x1e/, 'the handshake stands alone';
wait_for_redis();


# a session that has gone

$session = open_session('/engine.io/');
$ws = probe($session);
$ws->send_text('5');
$ws->send_text('4x');
$ws->expect_text('4x', 'a session has moved');
is get($session, $_), $bad, '  a late GET is told so' for $owner, $other;

for my $nginx ($owner, $other) {
    my $second = Test::Nginx::WebSocket->connect(
        port => $nginx->port, path => path($session, 'websocket'));
    $second->expect_close(1000, undef, '  a second WebSocket is closed');
}

kill_worker($owner);
$ws->send_text('4y');
$ws->expect_text('4y', '  and nobody needs its former owner');
$ws->close;


# whom nobody answers is not waited for

$session = open_session('/engine.io/');
kill_worker($owner);

my $start = time;
is get($session, $other), $unknown, 'a poll when the owner has died';
cmp_ok time - $start, '<', 1.5 + slack(), '  is told so at once';

$_->check for $owner, $other;
$redis->check;

done_testing;


sub prepare {
    my ($cell) = @_;

    $cell->{name} = join ', ', "owner $cell->{what}",
                               grep { $cell->{$_} } qw(probe get post);
    $cell->{session} = open_session('/engine.io/');

    $cell->{ws} = probe($cell->{session}) if $cell->{probe};
    $cell->{body} = half_post($cell->{session}, '4text') if $cell->{post};
    $cell->{poll} = send_get($cell->{session})
        if $cell->{get} && !$cell->{probe};
}


# What the client does when it has happened.

sub go_on {
    my ($cell) = @_;

    $cell->{next} = send_get($cell->{session}) if !$cell->{get};
    $cell->{body}->stream->write('t') if $cell->{post};
    $cell->{ws}->send_text('5') if $cell->{probe}
                                   && $cell->{what} ne 'reloading';
}


sub check_cell {
    my ($cell, $start) = @_;

    my $name = $cell->{name};
    my $expected = $table{$cell->{what}};

    if ($cell->{get}) {
        my $answer = answer($cell->{poll});

        # behind a probe it may have been answered, or not have been heard of

        my @may = ($expected->{get},
                   $cell->{probe} ? ('200 6', $expected->{next}) : ());

        ok scalar(grep { $answer eq $_ } @may), "$name: the GET"
            or diag $answer;

    } else {
        is answer($cell->{next}), $expected->{next}, "$name: the next GET";
    }

    is answer($cell->{body}), $expected->{post}, "$name: the POST"
        if $cell->{post};

    ok defined(($cell->{ws}->read_close)[0]), "$name: the WebSocket"
        if $cell->{probe};

    cmp_ok time - $start, '<', $expected->{within} + slack(), "$name: in time";

    # the client comes back

    my $again = open_session('/engine.io/', $other);
    is post($again, '4again', $other), '200 ok', "$name: and comes back";
}


# What was sent by now has reached the owner: all goes by the same way.

sub settle { post(open_session('/engine.io/'), '4x', $other) for 1 .. 2 }


# a machine may be busy

sub slack { $ENV{TEST_NGINX_STRICT} ? 0 : 10 }


sub http {
    my ($nginx, $timeout) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port,
                                  timeout => $timeout);
}


sub open_session {
    my ($path, $nginx) = @_;

    my $res = http($nginx // $owner)->get("$path?EIO=4&transport=polling");

    return { sid => ($res->body =~ /"sid":"(.*?)"/)[0], path => $path };
}


sub path {
    my ($session, $transport) = @_;

    $transport //= 'polling';

    return "$session->{path}?EIO=4&transport=$transport&sid=$session->{sid}";
}


sub probe {
    my ($session) = @_;

    my $ws = Test::Nginx::WebSocket->connect(
        port => $other->port, path => path($session, 'websocket'));

    $ws->send_text('2probe');
    $ws->read_message->{data} eq '3probe' or die 'no answer to the probe';

    return $ws;
}


sub send_get {
    my ($session) = @_;

    my $http = http($other);
    $http->send(GET => path($session));

    return $http;
}


sub half_post {
    my ($session, $body) = @_;

    my $http = http($other);
    my $length = length $body;

    $http->stream->write("POST " . path($session) . " HTTP/1.1\r\n"
                         . "Host: x\r\nContent-Length: $length\r\n\r\n"
                         . substr $body, 0, -1);

    return $http;
}


sub answer {
    my ($http) = @_;

    my $res = $http->receive or return 'no answer';

    return $res->status . ' ' . $res->body;
}


sub get {
    my ($session, $nginx, $timeout) = @_;

    my $http = http($nginx, $timeout);
    $http->send(GET => path($session));

    return answer($http);
}


sub post {
    my ($session, $body, $nginx) = @_;

    my $http = http($nginx);
    $http->send(POST => path($session), $body);

    return answer($http);
}


# nothing is waited for: it is done, and the next worker comes meanwhile

sub kill_owner { kill_worker($owner) }

sub kill_worker {
    my ($nginx) = @_;

    $nginx->kill_worker(($nginx->workers)[0]);
}


sub stop_owner { kill STOP => $owner->workers }

sub resume_owner { kill CONT => $owner->workers }


sub start_redis {
    $redis->start;
    wait_for_redis();
}


sub resume_redis {
    $redis->resume;
    wait_for_redis();
}


sub wait_for_redis {
    for my $nginx ($owner, $other) {
        &wait_until(sub {
            http($nginx)->get('/status')->json->{redis_up};
        }, 20) or die 'nginx does not come back to Redis';
    }
}
