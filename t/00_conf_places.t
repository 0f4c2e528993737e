#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Where a place may be, and what it takes from around it: nested locations,
# "if", "limit_except", included files, several servers.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(free_port);
use Test::Nginx::Server;
use Test::Nginx::WebSocket;

my $second = free_port();

# stores that are not there: 401 and 503 tell that the module has answered

my $stores = 'websocket_redis redis://127.0.0.1:1;
              websocket_mysql mysql://u@127.0.0.1:1/db;';

is((Test::Nginx::Server->test_config(http_config => $stores))[0], 0,
   'stores without a place');
is((Test::Nginx::Server->test_config(
       config => 'location /s { websocket_status; }
                  location /e { websocket on; websocket_echo on; }'))[0], 0,
   'places that need no stores');

my ($status, $out) = Test::Nginx::Server->test_config(
    http_config => "$stores include places.conf; include places.conf;",
    files       => { 'places.conf' => 'websocket_zone a:1m;' });
is($status, 1, 'what may be there once is included twice');
like($out, qr/"websocket_zone" directive is duplicate in \S+places\.conf:1/,
     'and the file is named');

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    files       => { 'places.conf' => 'location /in/ { websocket_api on; }
                                       location /echo { websocket on;
                                                        websocket_echo on; }' },
    http_config => "$stores
        websocket_max_message_size 10;

        server {
            listen 127.0.0.1:$second;
            websocket_max_message_size 20;
            include places.conf;
        }",
    config      => '
        include places.conf;

        location /outer/ {
            websocket_api on;

            location /outer/plain/ { return 204; }
            location /outer/inner/ { websocket_api on; }
            location ~ \.json$     { return 202; }
        }

        location /holder/ {
            websocket_max_message_size 30;
            location = /holder/echo { websocket on; websocket_echo on; }
        }

        location /if/ {
            websocket_api on;
            if ($arg_a) { set $x 1; }
            if ($arg_b) { add_header X-B b; }
            if ($arg_c) { return 409; }
        }

        location /if/echo {
            websocket on;
            websocket_echo on;
            if ($arg_b) { add_header X-B b; }
        }

        location /except/ {
            websocket_api on;
            limit_except GET { deny all; }
        }

        location /other { return 204; }
        location /off/  { websocket_api off; return 204; }

        location /rewritten/ { rewrite ^/rewritten/(.*) /outer/$1 last; }');

my $http = Test::Nginx::HTTP->new(port => $nginx->port, timeout => 20);


note 'nested locations';

is(status('/outer/stats'), 401, 'a place');
is(status('/outer/inner/stats'), 401, 'one in another, of its own');
is(status('/outer/inner'), 404, 'what is not below it is of the outer one');
is(status('/outer/plain/stats'), 204, 'what is inside inherits no place');
is(status('/outer/x.json'), 202, 'a regular expression, too');
is(status('/rewritten/stats'), 401, 'by a rewrite');
is(status('/off/stats'), 204, '"off" is no place');


note 'if, limit_except';

is(status("/if/stats$_"), 401, "if$_") for qw(?a=1 ?b=1);
is(status('/if/stats?c=1'), 409, 'if with an answer');
is($http->get('/if/nothing?b=1')->status, 404, 'a route that is none');
echoes('/if/echo?b=1', 10);
is(status('/except/stats'), 401, 'a method that is excepted');
is($http->post('/except/typing', {})->status, 403, 'another one');


note 'several servers, and a file that is included in both';

is(status('/in/stats'), 401, 'the first');
is(Test::Nginx::HTTP->new(port => $second)->get('/in/stats')->status, 401,
   'the second');


note 'what stands around a place';

echoes('/echo', 10);
echoes('/echo', 20, $second);
echoes('/holder/echo', 30);

$nginx->check;

done_testing;


sub status { $http->get($_[0])->status }


# messages of this size, and not one more

sub echoes {
    my ($path, $size, $port) = @_;

    my $ws = Test::Nginx::WebSocket->connect(port => $port // $nginx->port,
                                             path => $path);
    $ws->send_text('x' x $size);
    $ws->expect_text('x' x $size, "$path: $size bytes");
    $ws->send_text('x' x ($size + 1));
    is(scalar $ws->read_close, 1009, '... and no more');
}
