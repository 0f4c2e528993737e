# Copyright (C) ngx_http_websocket_module authors

# Sockets by each event method that this nginx has: epoll tells of a change,
# poll and select of a state, again and again.  A worker that has nothing to
# do costs no CPU time by any of them.

use strict;
use warnings;

use POSIX qw(sysconf _SC_CLK_TCK);
use Socket qw(SHUT_WR);
use Test::More;
use Time::HiRes qw(sleep time);

use Test::Nginx::Process qw(find_program slurp wait_until);
use Test::Nginx::Server;
use Test::Nginx::WebSocket;

use constant SIZE => 12_000_000;

my $nginx;

for my $method (qw(epoll poll select)) {
    SKIP: {
        skip "nginx has no $method", 1 if !is_there($method);
        subtest $method => sub { methods($method) };
    }
}

done_testing();


sub methods {
    my ($method) = @_;

    $nginx = Test::Nginx::Server->start(
        workers => 1,
        events  => "use $method; worker_connections 64;",
        config  => <<'END');
        location = /echo {
            websocket on;
            websocket_echo on;
            websocket_max_message_size 16m;
            websocket_send_queue 32m;
        }

        location /engine.io/ {
            websocket_socketio on;
            websocket_echo engineio;
        }
END

    my $ws = connect_to('/echo');

    idle('a socket');

    $ws->send_text('hello');
    $ws->expect_text('hello', 'it works');

    my $slow = connect_to('/echo', rcvbuf => 4096);

    $slow->send_binary('x' x SIZE);
    idle('a client that does not read');

    $ws->send_text('others');
    $ws->expect_text('others', 'others are served');

    my $m = $slow->read_message(20);

    is(length($m->{data} // ''), SIZE, 'it gets everything in the end');
    idle('and reads no more');

    # half closed, with the answer still to come

    $slow->send_binary('x' x SIZE);
    idle('one that does not read again');
    shutdown $slow->stream->socket, SHUT_WR;
    idle('and sends no more');

    $m = $slow->read_message(20);
    is(length($m->{data} // ''), SIZE, 'it gets everything, too');
    ok($slow->closed, 'and is closed');

    # paused: an open poll of Engine.IO, and a close handshake

    my $engine = connect_to('/engine.io/?EIO=4&transport=websocket');

    $engine->read_message;
    idle('a socket of Engine.IO');
    $engine->close(1000);

    $ws->send_frame(opcode => 3);
    $ws->expect_close(1002, undef, 'a bad frame');
    idle('while the client does not close');
    $ws->disconnect;

    $nginx->check;
    $nginx->stop;
}


sub connect_to {
    my ($path, %args) = @_;

    return Test::Nginx::WebSocket->connect(port => $nginx->port,
                                           path => $path, %args);
}


# Once the worker has come to rest it stays so: an idle worker that spins takes
# all of a second.

sub idle {
    my ($what) = @_;

    my $used;

    wait_until {
        my $before = cpu();

        sleep 0.5;
        $used = cpu() - $before;
        return $used <= 0.03;
    };

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    cmp_ok($used, '<=', 0.03, "seconds of CPU time for $what");
}


sub cpu {
    my ($pid) = $nginx->workers;
    my @times = (split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr)[11, 12];

    return ($times[0] + $times[1]) / sysconf(_SC_CLK_TCK);
}


sub is_there {
    my ($method) = @_;

    my ($status, $out) = Test::Nginx::Server->test_config(
        events => "use $method; worker_connections 64;");

    return $out !~ /invalid event type/;
}
