# Copyright (C) ngx_http_websocket_module authors

# Engine.IO v4 by polling, rule by rule, on one worker without stores: it takes
# requests in the order in which they are sent, by whatever connections.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::SocketIO;

my $nginx = Test::Nginx::Server->start(workers => 1, config => <<'END');
    location /engine.io/ { websocket_socketio on; websocket_echo engineio; }
    location /socket.io/ { websocket_socketio on; websocket_echo on; }

    location /fast/ {
        websocket_socketio on;
        websocket_echo engineio;
        websocket_ping_interval 300ms;
        websocket_ping_timeout 3s;
    }

    location /small/ {
        websocket_socketio on;
        websocket_echo engineio;
        websocket_max_message_size 1000;
        websocket_send_queue 4000;
    }

    location /origins/ {
        websocket_socketio on;
        websocket_echo engineio;
        websocket_allowed_origins https://example.com;
    }

    location /connect/ {
        websocket_socketio on;
        websocket_echo on;
        websocket_connect_timeout 1500ms;
    }

    location = /status { websocket_status; access_log off; }
END

my $unknown = '{"code":1,"message":"Session ID unknown"}';
my $bad = '{"code":3,"message":"Bad request"}';


# handshake

my $http = http();
my $res = $http->get('/engine.io/?EIO=4&transport=polling&t=xyz&b64=1');

is $res->status, 200, 'handshake';
is $res->header('Content-Type'), 'text/plain; charset=UTF-8', 'as text';
is $res->header('Cache-Control'), 'no-store', 'that is not cached';
is $res->header('Set-Cookie'), undef, 'and no cookie';
like $res->body, qr/^0\{"sid":"[\w-]{20}","upgrades":\["websocket"\],"pingInter
                   val":25000,"pingTimeout":20000,"maxPayload":1000000\}\z/x,
     'open packet';

my %refused = (
    'EIO=4'                             => [400, 0, 'Transport unknown'],
    'EIO=4&transport=abc'               => [400, 0, 'Transport unknown'],
    'EIO=4&transport='                  => [400, 0, 'Transport unknown'],
    'transport=polling'                 => [400, 5,
                                            'Unsupported protocol version'],
    'EIO=3&transport=polling'           => [400, 5,
                                            'Unsupported protocol version'],
    'EIO=5&transport=polling'           => [400, 5,
                                            'Unsupported protocol version'],
    'EIO=4&transport=polling&j=0'       => [400, 3, 'Bad request'],
    'EIO=4&transport=polling&sid=abc'   => [400, 1, 'Session ID unknown'],
    'EIO=4&transport=polling&sid=' . 'a' x 20
                                        => [400, 1, 'Session ID unknown'],
    'EIO=4&transport=polling&sid=' . '%00' x 20
                                        => [400, 1, 'Session ID unknown'],
    'EIO=4&transport=websocket'         => [400, 3, 'Bad request'],
);

for my $query (sort keys %refused) {
    my ($status, $code, $message) = @{$refused{$query}};
    $res = $http->get("/engine.io/?$query");

    is $res->status, $status, "refused: $query";
    is_deeply $res->json, { code => $code, message => $message }, '  why';
}

for my $method (qw(POST PUT DELETE HEAD PATCH)) {
    $res = $http->request($method, '/engine.io/?EIO=4&transport=polling',
                          $method eq 'HEAD' ? undef : '');

    is $res->status, 400, "no handshake by $method";
    is $res->json->{code}, 2, '  why' if $method ne 'HEAD';
}


# messages

my $sid = open_session('/engine.io/');

is post($sid, '4hello'), '200 ok', 'a packet';
is_deeply [poll($sid)], ['4hello'], '  comes back';

is post($sid, "4one\x1e4\x1ebAQIDBA==\x1e4\xc3\xa9"), '200 ok',
   'text and binary';
is_deeply [poll($sid)], ['4one', '4', 'bAQIDBA==', "4\xc3\xa9"],
          '  come back in order';

is post($sid, $_), '200 ok', 'POSTs' for map { "4$_" } 1 .. 5;
is_deeply [poll($sid)], [map { "4$_" } 1 .. 5], '  come back together';

my $get = http();
$get->send(GET => path($sid));
is post($sid, '4late'), '200 ok', 'a packet for a GET that is held';
is $get->receive->body, '4late', '  ends it';

is post($sid, '3'), '200 ok', 'a pong';
is post($sid, '6'), '200 ok', 'a NOOP';

is post($sid, '4type', 'text/html; charset=x'), '200 ok', 'any type of text';
is_deeply [poll($sid)], ['4type'], '  comes back';

for my $method (qw(PUT DELETE HEAD)) {
    $res = http()->request($method, path($sid), $method eq 'HEAD' ? undef
                                                                  : '4x');
    is $res->status, 400, "$method is no way to talk";
}

is post($sid, '4still'), '200 ok', 'which harms nobody';
is_deeply [poll($sid)], ['4still'], '  it lives';

$http = http();
$http->stream->write("POST " . path($sid) . " HTTP/1.1\r\nHost: x\r\n"
                     . "Transfer-Encoding: chunked\r\n\r\n"
                     . "3\r\n4ab\r\n2\r\ncd\r\n0\r\n\r\n");
is $http->receive->body, 'ok', 'a chunked body';
is_deeply [poll($sid)], ['4abcd'], '  comes back';


# what ends a session

my %fatal = (
    'an unknown type'       => 'abc',
    'an empty payload'      => '',
    'an empty packet'       => "4a\x1e",
    'bad base64'            => 'b!!!!',
    'bad UTF-8'             => "4\xff",
    'an open packet'        => '0',
    'a ping'                => '2',
);

for my $what (sort keys %fatal) {
    $sid = open_session('/engine.io/');
    is post($sid, $fatal{$what}), "400 $bad", "$what is refused";
    is get($sid), "400 $unknown", '  and ends the session';
}

$sid = open_session('/engine.io/');
is post($sid, "4a\x1eabc"), "400 $bad", 'a bad packet behind a good one';

$sid = open_session('/engine.io/');
is post($sid, '4x', 'application/octet-stream'), "400 $bad", 'binary bodies';
is get($sid), "400 $unknown", '  end the session';

$sid = open_session('/engine.io/');
$get = http();
$get->send(GET => path($sid));
is get($sid), "400 $bad", 'a second GET is refused';
is $get->receive->body, '1', '  the first ends with a close packet';
is get($sid), "400 $unknown", '  and so does the session';

$sid = open_session('/engine.io/');
$http = half_post($sid, '4first');
is post($sid, '4second'), "400 $bad", 'a second POST is refused';
is get($sid), "400 $unknown", '  and ends the session';
$http->stream->write('t');
is $http->receive->body, $unknown, '  of the first one, too';

$sid = open_session('/engine.io/');
$get = http();
$get->send(GET => path($sid));
$get->close;
ok &wait_until(sub { get_now($sid) eq "400 $unknown" }),
   'a GET that is dropped ends the session';

$sid = open_session('/engine.io/');
$http = half_post($sid, '4text');
$http->close;
ok &wait_until(sub { post($sid, '4x') eq "400 $unknown" }),
   'and so does a POST';

$sid = open_session('/engine.io/');
is post($sid, '1'), '200 ok', 'the client says goodbye';
is get($sid), "400 $unknown", '  it is gone';

$sid = open_session('/engine.io/');
$get = http();
$get->send(GET => path($sid));
is post($sid, "4a\x1e1\x1e4b"), '200 ok', 'goodbye with a GET open';
is $get->receive->body, "4a\x1e6", '  which ends with a NOOP';

$sid = open_session('/engine.io/');
$http = http();
$http->send(POST => path($sid), '1');
$get = http();
$get->send(GET => path($sid));
is $get->receive->body, '6', 'a GET that was sent together with the goodbye';
is $http->receive->body, 'ok', '  each gets its answer';


# sizes

$sid = open_session('/small/');
is post($sid, '4' . 'x' x 999), '200 ok', 'the largest body';
is_deeply [poll($sid)], ['4' . 'x' x 999], '  comes back';

like post($sid, '4' . 'x' x 1000), qr/^413 /, 'a byte more';
is post($sid, '4lives'), '200 ok', '  does not end the session';
is_deeply [poll($sid)], ['4lives'], '  which lives';

$http = http();
$http->stream->write("POST " . path($sid) . " HTTP/1.1\r\nHost: x\r\n"
                     . "Transfer-Encoding: chunked\r\n\r\n"
                     . join('', map { "fa\r\n" . '4' x 250 . "\r\n" } 1 .. 5)
                     . "0\r\n\r\n");
is $http->receive->status, 413, 'a chunked one';

is post($sid, '4' . 'a' x 599), '200 ok', 'more than a payload takes';
is post($sid, '4' . 'b' x 599), '200 ok', '  waits';
is_deeply [poll($sid)], ['4' . 'a' x 599], 'one after the other';
is_deeply [poll($sid)], ['4' . 'b' x 599], '  each in its turn';

post($sid, 'b' . 'A' x 996);
is_deeply [poll($sid)], ['b' . 'A' x 996], 'base64 of the largest size';

post($sid, '4' . 'x' x 900) for 1 .. 2;
$http = http();
$http->send(POST => path($sid), '4' . 'y' x 900);
is_deeply [poll($sid)], ['4' . $_ x 900], 'more than the queue takes waits'
    for qw(x x y);
is $http->receive->status, 200, '  until there is room';
is status('slow_clients_total'), 0, '  and makes nobody a slow client';


# heartbeat

$sid = open_session('/fast/');
my $start = time;

for (1 .. 3) {
    is_deeply [poll($sid)], ['2'], 'a ping';
    is post($sid, '3'), '200 ok', 'a pong';
}

cmp_ok time - $start, '>', 0.85, '  at their time';

$sid = open_session('/fast/');
is get($sid), '200 2', 'a ping';
is get($sid), '200 1', '  without a pong the session is closed';
is get($sid), "400 $unknown", '  no pong, no session';

$sid = open_session('/fast/');
is_deeply [poll($sid)], ['2'], 'a ping';
is post($sid, '4alive'), '200 ok', '  is not answered by a message';
is_deeply [poll($sid)], ['4alive'], '  that comes back';
$get = http();
$get->send(GET => path($sid));
is $get->receive->body, '1', '  the session is closed';


# origins: enforced as for REST

$http = http();
my $path = '/origins/?EIO=4&transport=polling';
my %origin = (Origin => 'https://example.com');

$res = $http->get($path, \%origin);
is $res->status, 200, 'an origin of the list';
is $res->header('Access-Control-Allow-Origin'), 'https://example.com',
   '  is named';
is $res->header('Access-Control-Allow-Credentials'), 'true', '  with cookies';

$sid = { sid => ($res->body =~ /"sid":"(.*?)"/)[0], path => '/origins/' };
$res = $http->post(path($sid), '4x', \%origin);
is $res->header('Access-Control-Allow-Origin'), 'https://example.com',
   '  in every answer';

$res = $http->get($path, { Origin => 'https://evil.example' });
is $res->status, 403, 'another one';
is_deeply $res->json, { code => 4, message => 'Forbidden' }, '  is refused';

$res = $http->request(OPTIONS => $path, undef,
                      { %origin, 'Access-Control-Request-Method' => 'POST' });
is $res->status, 204, 'preflight';
like $res->header('Access-Control-Allow-Methods'), qr/GET.*POST/, '  methods';


# Socket.IO above it

my $io = Test::Nginx::SocketIO->connect(port => $nginx->port,
                                        transport => 'polling',
                                        auth => { token => 'x' });
$io->expect_event('auth', [{ token => 'x' }]);
$io->emit('message', 1, \"bytes", { a => [undef] });
$io->expect_event('message-back', [1, \"bytes", { a => [undef] }],
                  'text and binary');
is $io->call('message-with-ack', 'x'), 'x', 'an acknowledgement';
is $io->join('/random')->{data}{message}, 'Invalid namespace', 'namespaces';
ok $io->join('/custom'), '  the other one';
$io->close;

$io = Test::Nginx::SocketIO->open(port => $nginx->port,
                                  transport => 'polling');
$io->send_packet('42["message","no CONNECT before"]');
$io->expect_closed('nothing may come before CONNECT');

$io = Test::Nginx::SocketIO->open(port => $nginx->port, path => '/connect/',
                                  transport => 'polling');
is $io->read_packet, '1', 'nobody connects: closed';

$io = Test::Nginx::SocketIO->open(port => $nginx->port, path => '/connect/');
$io->expect_closed('the same by WebSocket');

for my $packet ('4abc', '42{}', '42["connect"]', '43abc["x"]', '49') {
    $io = Test::Nginx::SocketIO->connect(port => $nginx->port,
                                         transport => 'polling');
    $io->send_packet($packet);
    $io->expect_closed("a malformed packet: $packet");
}


cmp_ok status('connections')->{polling}, '>', 0, 'sessions are left';
$nginx->check('and go with their worker');

done_testing;


sub http { Test::Nginx::HTTP->new(port => $nginx->port, @_) }


sub open_session {
    my ($path) = @_;

    my $body = http()->get("$path?EIO=4&transport=polling")->body;

    return { sid => ($body =~ /"sid":"(.*?)"/)[0], path => $path };
}


sub path { "$_[0]{path}?EIO=4&transport=polling&sid=$_[0]{sid}" }


sub post {
    my ($session, $body, $type) = @_;

    my $res = http()->post(path($session), $body,
                           { 'Content-Type' => $type // 'text/plain' })
        or return 'no answer';

    return $res->status . ' ' . $res->body;
}


sub get {
    my ($session) = @_;

    my $res = http()->get(path($session)) or return 'no answer';

    return $res->status . ' ' . $res->body;
}


sub get_now {
    my ($session) = @_;

    my $http = http(timeout => 0.2);
    my $res = $http->get(path($session)) or return 'no answer';

    return $res->status . ' ' . $res->body;
}


sub poll {
    my ($session) = @_;

    return split /\x1e/, http()->get(path($session))->body;
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
