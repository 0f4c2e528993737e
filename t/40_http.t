# Copyright (C) ngx_http_websocket_module authors

# The REST door as a good citizen of HTTP: bodies however they come and never
# on the disk, kept connections, clients that go away, other modules.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port wait_until slurp spew);
use Test::Nginx::Server;
use Test::Nginx::Stream;

my $slow = q{SELECT SLEEP(0.5) AS s, 1 AS user_id, 1 AS tenant_id
             FROM DUAL WHERE :token LIKE 'slow%'};
my $h2_port = free_port();

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    # nginx' own, where sanitizers look at SSI and HTTP/2
    allow       => qr{^src/(?:core|http)/\S+ runtime error: },
    http_config => <<"END",
    websocket_redis \$TEST_NGINX_REDIS;
    websocket_mysql \$TEST_NGINX_MYSQL;
    client_body_buffer_size 1k;
    client_body_timeout 1s;

    server {
        listen 127.0.0.1:$h2_port http2;
        location /api/websocket/ { websocket_api on; }
    }
END
    config      => <<"END",
        access_log logs/access.log;

        location /api/websocket/ {
            websocket_api on;
            error_page 401 404 422 = /never;
        }

        location /slow/ {
            websocket_api on;
            websocket_auth_query "$slow";
        }

        location /leaving/ {
            websocket_api on;
            websocket_auth_query "$slow";
            post_action /left;
        }

        location = /left {
            proxy_pass http://127.0.0.1:\$server_port/slow/stats;
            proxy_set_header Authorization "Bearer slow_left";
        }

        location /small/ {
            websocket_api on;
            websocket_max_message_size 5000;
        }

        location /v1/ {
            rewrite ^/v1/(.*) /api/websocket/\$1 last;
        }

        location /ssi {
            default_type text/html;
            ssi on;
            alias html/ssi.html;
        }

        location = /guarded { auth_request /slow/stats; }
        location = /never { return 418; }
END
);

my $port = $nginx->port;
my %john = (Authorization => 'Bearer 1|demo-token-john');


# bodies

my $http = Test::Nginx::HTTP->new(port => $port, headers => \%john);

for my $size (10, 900, 3_000, 100_000, 999_900) {
    my $id = "size_$size";
    my $res = $http->post('/api/websocket/connect',
                          { connection_id => $id, pad => 'x' x $size });

    is($res->status, 201, "a body of $size bytes");
    is($res->json->{data}{connection_id}, $id, 'all of it has been read');
}

is($http->post('/api/websocket/connect', { pad => 'x' x 1_000_000 })->status,
   413, 'a body that is too large');

for my $size (10, 3_000, 200_000) {
    my $res = chunked('/api/websocket/connect', 1000,
                      '{"connection_id":"chunked_' . $size . '","pad":"'
                      . 'x' x $size . '"}');

    is($res->status, 201, "a chunked body of $size bytes");
    is($res->json->{data}{connection_id}, "chunked_$size",
       'all of it has been read');
}

my $res = chunked('/small/connect', 1000, '{"pad":"' . 'x' x 5_000 . '"}');
is($res->status, 413, 'a chunked body that is too large');
is($res->body, '{"message":"Content Too Large"}', 'it gets JSON');
is($res->header('Connection'), 'close', 'it ends the connection');

$res = chunked('/small/connect', 2500, '{"pad":"' . 'x' x 4_990 . '"}');
is($res->status, 201, 'a chunked body of just the right size');

$res = raw(head('/api/websocket/connect', 'Transfer-Encoding: chunked')
           . "nonsense\r\n");
is($res->status, 400, 'a chunk that is none');
is($res->body, '{"message":"Bad Request"}', 'it gets JSON');

my $body = '{"connection_id":"byte_by_byte"}';
$res = raw(head('/api/websocket/connect', 'Content-Length: 32') . $body,
           chunk => 1, pause => 0.0005);
is($res->status, 201, 'byte by byte');

$res = raw(head('/api/websocket/connect', 'Content-Length: 32')
           . substr $body, 0, 20);
is($res, undef, 'a body that does not come is no longer waited for');

is_deeply([glob $nginx->dir . '/temp_client_body/*'], [],
          'no body has touched the disk');


# connections that are kept, requests one behind the other

my $stream = Test::Nginx::Stream->new(port => $port);

$stream->write(join '', map {
    my $body = '{"connection_id":"pipelined_' . $_ . '"}';
    head('/api/websocket/connect', 'Content-Length: ' . length $body) . $body
} 1 .. 5);

for (1 .. 5) {
    like($stream->read_until(qr/"pipelined_$_"/), qr/\AHTTP\/1\.1 201|201 Cr/,
         "pipelined request $_");
}

for my $case (['/api/websocket/none', {}, 404],
              ['/api/websocket/connect', {Authorization => undef}, 401],
              ['/api/websocket/connect', {'Content-Type' => 'text/a'}, 415],
              ['/api/websocket/connect', {Origin => 'http://b'}, 403])
{
    my ($path, $headers, $status) = @$case;

    is($http->post($path, { pad => 'x' x 3000 }, $headers)->status, $status,
       "a $status");
    is($http->post('/api/websocket/connect', {})->status, 201,
       'and the next request of the connection');
}

$stream = Test::Nginx::Stream->new(port => $port);
$stream->write(head('/api/websocket/connect', 'Content-Length: 2',
                    'Expect: 100-continue'));
is($stream->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n",
   'a body is asked for');
$stream->write('{}');
like($stream->read_until(qr/\r\n\r\n/), qr/\AHTTP\/1\.1 201 /,
     'and is read');

$stream = Test::Nginx::Stream->new(port => $port);
$stream->write(head('/api/websocket/none', 'Content-Length: 2',
                    'Expect: 100-continue'));
like($stream->read_until(qr/\r\n\r\n/),
     qr/\AHTTP\/1\.1 404 .*^Connection: close\r$/ms,
     'a body that is of no use is not asked for, and not waited for');


# tokens that take their time

my @waiting = map {
    my $http = Test::Nginx::HTTP->new(
        port    => $port,
        headers => { Authorization => 'Bearer slow' . $_ % 2 });
    $http->send(POST => '/slow/connect', { connection_id => "slow_$_" });
    $http;
} 1 .. 10;

is(scalar(grep { $_->receive->status == 201 } @waiting), 10,
   'ten who wait for two tokens');

for my $gone (1 .. 4) {
    my $http = Test::Nginx::HTTP->new(
        port    => $port,
        headers => { Authorization => "Bearer slow_gone$gone" });
    $http->send(POST => '/slow/connect', { connection_id => "gone_$gone" });
    sleep 0.1;

    if ($gone % 2) {
        $http->stream->reset;
    } else {
        $http->close;
    }
}

ok($nginx->wait_log(qr/client prematurely closed connection/),
   'clients that do not wait');

my $left = Test::Nginx::HTTP->new(
    port    => $port,
    headers => { Authorization => 'Bearer slow_leaving' });
$left->send(GET => '/leaving/stats');
sleep 0.1;
$left->close;

ok(wait_until {
       slurp($nginx->dir . '/logs/access.log') =~ m!"GET /slow/stats [^"]*" 200!
   }, 'post_action, while a token is looked for, takes its time');
is($http->post('/slow/connect', {},
               { Authorization => 'Bearer slow_last' })->status, 201,
   'and one who does');


# other modules

is($http->post('/v1/connect', { connection_id => 'rewritten' })->status, 201,
   'a path that was rewritten');

is($http->post('/api/websocket/connect', { browser => 1 })->status, 422,
   'error_page does not matter');

open my $ssi, '>', $nginx->dir . '/html/ssi.html' or die $!;
print $ssi '<!--# include virtual="/api/websocket/connect" -->,'
           . '<!--# include virtual="/api/websocket/none" -->';
close $ssi;

is($http->get('/ssi', { Authorization => undef })->body,
   '{"message":"Method Not Allowed"},{"message":"Not Found"}',
   'inside of a page');

spew($nginx->dir . '/html/guarded', 'inside');

is($http->get('/guarded', { Authorization => 'Bearer slow_guard' })->body,
   'inside', 'auth_request, by a token that takes its time');

$res = $http->get('/guarded', { Authorization => 'Bearer none' });
is($res->status, 401, '  and by another one');
is($res->header('WWW-Authenticate'), 'Bearer', '  with the challenge');


# HTTP/2, where there is a client

SKIP: {
    my $curl = qx(curl --version 2>&1);

    skip 'curl with HTTP/2 is not there', 4 if $curl !~ /HTTP2/;

    my @curl = ('curl', '-s', '--http2-prior-knowledge', '-w', ' %{http_code}',
                '-H', 'Authorization: Bearer 1|demo-token-john');
    my $url = "http://127.0.0.1:$h2_port/api/websocket/connect";
    my $file = $nginx->dir . '/body.json';

    open my $out, '>', $file or die $!;
    print $out '{"connection_id":"h2","pad":"' . 'x' x 300_000 . '"}';
    close $out;

    like(run(@curl, '-H', 'Content-Type: application/json', '-d', "\@$file",
             $url), qr/"h2".* 201\z/, 'HTTP/2, a large body');
    like(run(@curl, '-H', 'Content-Type: application/json', '-H',
             'Content-Length:', '-T', $file, '-X', 'POST', $url),
         qr/"h2".* 201\z/, 'HTTP/2, a body of unknown length');

    # curl may lose an answer that comes before it has sent all

    ok((wait_until { run(@curl, '-d', 'x', $url)
                     =~ /Unsupported Media Type"\} 415\z/ }),
       'HTTP/2, another type');
    like(run(@curl, $url), qr/Not Allowed"\} 405\z/, 'HTTP/2, another method');
}


# the end of a worker, with somebody who waits

my $last = Test::Nginx::HTTP->new(port => $port);
$last->send(POST => '/slow/connect', { connection_id => 'last' },
            { Authorization => 'Bearer slow_reload' });

my @old = $nginx->reload;

is($last->receive->status, 201, 'who waits at a reload is answered');
ok($nginx->wait_gone(20, @old), 'the old worker ends');

$nginx->check;

done_testing();


sub head {
    my ($path, @headers) = @_;

    return join "\r\n", "POST $path HTTP/1.1", 'Host: localhost',
           'Content-Type: application/json',
           "Authorization: $john{Authorization}", @headers, '', '';
}


# The response to these bytes.

sub raw {
    my ($bytes, %how) = @_;

    my $http = Test::Nginx::HTTP->new(port => $port, timeout => 3);
    $http->stream->write($bytes, %how);

    return $http->receive;
}


sub chunked {
    my ($path, $size, $body) = @_;

    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
                          unpack "(a$size)*", $body;

    return raw(head($path, 'Transfer-Encoding: chunked')
               . "${chunks}0\r\n\r\n");
}


sub run {
    my (@command) = @_;

    open my $pipe, '-|', @command or die $!;
    local $/;

    return scalar <$pipe>;
}
