# Copyright (C) ngx_http_websocket_module authors

# From polling to WebSocket, rule by rule, on one worker without stores: it
# takes what is sent in its order, by whatever connections.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Test::Nginx::HTTP;
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::WebSocket;

my $nginx = Test::Nginx::Server->start(workers => 1, config => <<'END');
    location /engine.io/ { websocket_socketio on; websocket_echo engineio; }
    location /socket.io/ { websocket_socketio on; websocket_echo on; }

    location /short/ {
        websocket_socketio on;
        websocket_echo engineio;
        websocket_upgrade_timeout 2s;
    }

    location /ping/ {
        websocket_socketio on;
        websocket_echo engineio;
        websocket_ping_interval 300ms;
        websocket_ping_timeout 4s;
    }

    location = /status { websocket_status; access_log off; }
END

my $unknown = '{"code":1,"message":"Session ID unknown"}';
my $bad = '{"code":3,"message":"Bad request"}';


# the way of a client

my $sid = open_session('/engine.io/');
my $get = http();
$get->send(GET => path($sid));

my $ws = probe($sid);
my $start = time;
is $get->receive->body, '6', 'the GET that is held ends with a NOOP';
cmp_ok time - $start, '<', 10, '  at once';
is status('connections')->{polling}, 1, 'it is a polling session';

$ws->send_text('5');
$ws->send_text('4hello');
$ws->expect_text('4hello', 'the session goes on by WebSocket');
is status('connections')->{websocket}, 1, '  and is one of these now';
is status('connections')->{polling}, 0, '  not of those';

is get($sid), "400 $bad", 'a GET comes too late';
is post($sid, '4x'), "400 $bad", 'a POST comes too late';
$ws->send_text('4still');
$ws->expect_text('4still', '  and harms nobody');

my $second = connect_to($sid);
$second->expect_close(1000, undef, 'a second WebSocket is closed');
$ws->send_text('4still');
$ws->expect_text('4still', '  and harms nobody');
$ws->close;


# nothing is lost, doubled or out of order

$sid = open_session('/engine.io/');
$ws = probe($sid);
is post($sid, "4one\x1eb" . 'AQID' . "\x1e4two"), '200 ok', 'packets wait';
$ws->send_text('5');
$ws->send_text('4three');
$ws->expect_text('4one', '  and come by WebSocket, in order');
$ws->expect_binary("\1\2\3", '  binary ones as such');
$ws->expect_text('4two', '  and so on');
$ws->expect_text('4three', '  before what came later');
$ws->expect_silence(0.1, '  once each');

$sid = open_session('/engine.io/');
$ws = probe($sid);
post($sid, '4a');
is get($sid), '200 4a', 'polling goes on behind the probe';
is get($sid), '200 6', '  but no GET is held';
post($sid, '4b');
is get($sid), '200 4b', '  as long as the client likes';
$ws->send_text('5');
$ws->send_text('4c');
$ws->expect_text('4c', '  until it goes over');

$sid = open_session('/engine.io/');
$ws = connect_to($sid);
$ws->send_text('5');
$ws->send_text('4x');
$ws->expect_text('4x', 'an upgrade without a probe');

$sid = open_session('/engine.io/');
$ws = connect_to($sid);
$ws->send_raw(join '', map { Test::Nginx::WebSocket::frame(payload => $_) }
                       '2probe', '5', map { "4$_" } 1 .. 100);
$ws->expect_text('3probe', 'all at once');
is_deeply [map { $ws->read_message->{data} } 1 .. 100],
          [map { "4$_" } 1 .. 100], '  in order';

$sid = open_session('/engine.io/');
$ws = probe($sid);
$get = http();
$get->send(GET => path($sid));
$ws->send_text('5');
like answer($get), qr/^(?:200 6|400 \Q$bad\E)$/,
     'a GET together with the upgrade ends';
$ws->send_text('4x');
$ws->expect_text('4x', '  and harms nobody');

$sid = open_session('/engine.io/');
$ws = probe($sid);
my $http = half_post($sid, '4late');
$ws->send_text('5');
$ws->send_text('4x');
$ws->expect_text('4x', 'an upgrade before the end of a POST');
$http->stream->write('e');
is answer($http), "400 $bad", '  whose end is too late';
$ws->expect_silence(0.1, '  and changes nothing');


# what ends the attempt, and not the session

for my $what ('4hello', '2', '2probe2', '3', '1') {
    $sid = open_session('/engine.io/');
    $ws = connect_to($sid);
    $ws->send_text($what);
    $ws->expect_close(1000, undef, "$what instead of a probe");
    post($sid, '4lives');
    is get($sid), '200 4lives', '  polling goes on';
}

$sid = open_session('/engine.io/');
$ws = connect_to($sid);
$ws->send_binary('2probe');
$ws->expect_close(1000, undef, 'a binary probe');

$sid = open_session('/engine.io/');
$ws = probe($sid);
$second = connect_to($sid);
$second->expect_close(1000, undef, 'a second one beside the probe is closed');
$ws->send_text('5');
$ws->send_text('4x');
$ws->expect_text('4x', '  the first one goes on');

$sid = open_session('/engine.io/');
$ws = probe($sid);
$ws->disconnect;
post($sid, '4x');
is get($sid), '200 4x', 'a WebSocket that breaks: polling goes on';
$get = http();
$get->send(GET => path($sid));
post($sid, '4y');
is $get->receive->body, '4y', '  and GETs are held again';
$ws = probe($sid);
$ws->send_text('5');
$ws->send_text('4z');
$ws->expect_text('4z', '  and the next attempt may do better');

$sid = open_session('/short/');
$start = time;
$ws = probe($sid);
$ws->expect_close(1000, undef, 'a client that does not go over in time');
cmp_ok time - $start, '>', 1.8, '  has some';
post($sid, '4x');
is get($sid), '200 4x', '  and keeps polling';

$sid = open_session('/engine.io/');
$ws = probe($sid);
post($sid, '1');
$ws->expect_close(1000, undef, 'the session ends: so does the attempt');

$ws = Test::Nginx::WebSocket->handshake(
    port => $nginx->port,
    path => '/engine.io/?EIO=4&transport=websocket&sid=' . 'a' x 20);
is $ws->status, 400, 'a WebSocket for no session';
is $ws->body, $unknown, '  is refused';


# heartbeat across the upgrade

$sid = open_session('/ping/');
is get($sid), '200 2', 'a ping by polling';
$ws = probe($sid);
$ws->send_text('5');
$ws->send_text('3');
$ws->expect_text('2', '  the next one by WebSocket');
$ws->send_text('3');
$ws->expect_text('2', '  and so on');
$ws->expect_close(1001, undef, '  and without an answer it ends');


# Socket.IO above it

my $io = Test::Nginx::SocketIO->connect(port => $nginx->port,
                                        transport => 'polling');
my $id = $io->id;
$io->emit('message', $_, \"bytes $_") for 1 .. 5;
ok $io->upgrade, 'Socket.IO is upgraded';
$io->emit('message', $_, \"bytes $_") for 6 .. 10;
$io->expect_event('message-back', [$_, \"bytes $_"], "message $_")
    for 1 .. 10;
is $io->call('message-with-ack', 'x'), 'x', 'an acknowledgement';

# an event whose attachment comes by the other transport

$io = Test::Nginx::SocketIO->connect(port => $nginx->port,
                                     transport => 'polling');
$io->send_packet('451-["message",{"_placeholder":true,"num":0}]');
ok $io->upgrade, 'in the middle of an event';
$io->send_packet(\'the rest');
$io->expect_event('message-back', [\'the rest'], '  which is complete then');

$nginx->check;

done_testing;


sub http { Test::Nginx::HTTP->new(port => $nginx->port) }


sub open_session {
    my ($path) = @_;

    my $body = http()->get("$path?EIO=4&transport=polling")->body;

    return { sid => ($body =~ /"sid":"(.*?)"/)[0], path => $path };
}


sub path {
    my ($session, $transport) = @_;

    $transport //= 'polling';

    return "$session->{path}?EIO=4&transport=$transport&sid=$session->{sid}";
}


sub connect_to {
    my ($session) = @_;

    return Test::Nginx::WebSocket->connect(
        port => $nginx->port, path => path($session, 'websocket'));
}


sub probe {
    my ($session) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ws = connect_to($session);
    $ws->send_text('2probe');
    $ws->expect_text('3probe', 'the probe is answered');

    return $ws;
}


sub answer {
    my ($http) = @_;

    my $res = $http->receive or return 'no answer';

    return $res->status . ' ' . $res->body;
}


sub get {
    my ($session) = @_;

    my $http = http();
    $http->send(GET => path($session));

    return answer($http);
}


sub post {
    my ($session, $body) = @_;

    my $http = http();
    $http->send(POST => path($session), $body);

    return answer($http);
}


# The head of a POST and all but the last byte of its body.

sub half_post {
    my ($session, $body) = @_;

    my $http = http();
    my $length = length $body;

    $http->stream->write("POST " . path($session) . " HTTP/1.1\r\n"
                         . "Host: x\r\nContent-Length: $length\r\n\r\n"
                         . substr $body, 0, -1);

    return $http;
}


sub status {
    my ($name) = @_;

    return http()->get('/status')->json->{$name};
}
