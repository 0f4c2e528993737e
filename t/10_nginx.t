# Copyright (C) ngx_http_websocket_module authors

# Our locations among nginx' own directives, without stores: what leads there,
# what stands in between, and clients that close at a bad moment.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use IO::Socket::INET;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until slurp);
use Test::Nginx::Server;
use Test::Nginx::Stream;
use Test::Nginx::WebSocket;

# freed memory is overwritten, so that nobody reads it unnoticed
$ENV{MALLOC_PERTURB_} = 165;

my $backend = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1')
    or die "no backend: $!";
my $backend_port = $backend->sockport;

my $nginx = Test::Nginx::Server->start(
    workers => 1,
    config  => <<"END",
        client_max_body_size 1k;

        location = /echo { websocket on; websocket_echo on; }

        location = /missing {
            error_page 404 /echo;
            return 404;
        }

        location = /file { try_files /none \@socket; }

        location = /back {
            error_page 418 = \@socket;
            return 418;
        }

        location \@socket { websocket on; websocket_echo on; }

        location /engine.io/ { websocket_socketio on; websocket_echo engineio; }

        location /mirrored/ {
            websocket_socketio on;
            websocket_echo engineio;
            mirror /copy;
        }

        location = /copy {
            internal;
            proxy_pass http://127.0.0.1:$backend_port;
        }

        location /part/ {
            websocket_socketio on;
            websocket_echo engineio;

            if (\$arg_other) {
                proxy_pass http://127.0.0.1:$backend_port;
            }
        }

        location /pings/ {
            websocket_socketio on;
            websocket_echo engineio;
            websocket_ping_interval 300ms;
            post_action /after;
        }

        location = /after { proxy_pass http://127.0.0.1:$backend_port; }
END
);

my $port = $nginx->port;


# what leads to a location

my $ws = Test::Nginx::WebSocket->handshake(port => $port, path => '/missing');

is $ws->status, 101, 'a handshake behind error_page';
$ws->stream->close;

for my $path (qw(/file /back)) {
    $ws = Test::Nginx::WebSocket->handshake(port => $port, path => $path);

    is $ws->status, 101, "a handshake by a named location, $path";
    $ws->stream->close;
}


# what stands in between

my $sid = open_session('/mirrored/');
my $res = http()->post(path($sid), '4copied');

is $res->status . $res->body, '200ok', 'a body that is mirrored';

my $copy = accept_request(qr/^POST /);

$copy->read_until(qr/\r\n\r\n/);
is $copy->read(7), '4copied', '  is complete there, too';
$copy->close;

my $stream = Test::Nginx::Stream->new(port => $port);

$stream->write(join "\r\n", 'POST /part/?other=1 HTTP/1.1', 'Host: localhost',
               'Transfer-Encoding: chunked', '', '7d0', 'x' x 2000, '0', '',
               '');
like $stream->read_until(qr/\r\n/), qr/^HTTP\/1\.1 413 /,
     'an "if" with another handler keeps its own limit';


# clients that close

for my $how (qw(close reset)) {
    $sid = open_session('/engine.io/');
    $stream = Test::Nginx::Stream->new(port => $port);

    my $size = $nginx->log_size;
    my ($worker) = $nginx->workers;

    stop($worker);
    $stream->write(Test::Nginx::HTTP::request_head(
                       GET => path($sid), [Host => 'localhost']));
    $stream->$how;
    kill CONT => $worker;

    if ($how eq 'close') {
        ok $nginx->wait_log(qr/client has dropped a request/, 20, $size),
           'a poll that came in one go with the end of its connection';
    }
}

$sid = open_session('/pings/');
answer(accept_request(qr/^GET \/after /));

$stream = Test::Nginx::Stream->new(port => $port);
$stream->write(Test::Nginx::HTTP::request_head(
                   GET => path($sid), [Host => 'localhost']));
sleep 0.1;
$stream->close;

my $after = accept_request(qr/^GET \/after /);

sleep 0.5;
ok !$after->fill(0) && $after->error eq 'timeout',
   'post_action goes on when what was polled for comes';
answer($after);

$nginx->check;

done_testing();


sub http { Test::Nginx::HTTP->new(port => $port) }


sub open_session {
    my ($path) = @_;

    my $body = http()->get("$path?EIO=4&transport=polling")->body;

    return { sid => ($body =~ /"sid":"(.*?)"/)[0], path => $path };
}


sub path { "$_[0]{path}?EIO=4&transport=polling&sid=$_[0]{sid}" }


# The first request to the back end that looks so; others get an answer.

sub accept_request {
    my ($pattern) = @_;

    $backend->timeout(5);

    while (my $socket = $backend->accept) {
        $socket->blocking(0);

        my $stream = bless { socket => $socket, timeout => 5, in => '',
                             error => '' }, 'Test::Nginx::Stream';

        $stream->have(10, Time::HiRes::time + 5);

        return $stream if $stream->peek(100) =~ $pattern;

        answer($stream);
    }

    die 'no request came to the back end';
}


sub answer {
    my ($stream) = @_;

    $stream->write("HTTP/1.0 200 OK\r\n\r\n");
    $stream->close;
}


sub stop {
    my ($pid) = @_;

    kill STOP => $pid;
    wait_until { slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) T/s };
}
