#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# conf.example as it is: only paths, ports and the stores' URLs are others.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(free_port slurp spew);
use Test::Nginx::RedisServer;
use Test::Nginx::SocketIO;
use Test::Nginx::WebSocket;

my $top = abs_path(dirname(__FILE__) . '/..');

# by TCP: the workers are another user's, who gets into no folder of ours

my $redis = Test::Nginx::RedisServer->start(tcp => 1);
my $mysql = Test::Nginx::MySQLServer->start(tcp => 1);
my %port = map { $_ => free_port() } qw(80 443 8081);


note 'nginx -t';

my ($status, $out) = Example->test_config;

is($status, 0, 'is right') or diag($out);
unlike($out, qr/\[(?!notice)\w+\](?!.*"user" directive)/, 'and nothing is odd');


note 'every location';

my $nginx = Example->start(allow => qr/RLIMIT_NOFILE/);

my %tls = (port => $port{443}, tls => 1, timeout => 20,
           headers => { Host => 'example.com' });
my $john = { Authorization => 'Bearer 1|demo-token-john' };

my $answer = Test::Nginx::HTTP->new(port => $port{80})->get('/a?b');
is($answer->status, 301, 'http goes over');
is($answer->header('Location'), 'https://localhost/a?b', 'to https');

my $api = Test::Nginx::HTTP->new(%tls);
$answer = $api->post('/api/websocket/connect', { connection_id => 'c1' },
                     { %$john, Origin => 'https://app.example.com' });
is($answer->status, 201, 'REST') or diag($answer->body);
is($answer->header('Access-Control-Allow-Origin'), 'https://app.example.com',
   'for a page of an allowed origin');

is($api->get('/api/websocket/presence/2', $john)->json->{data}{status},
   'offline', 'a user is known');
is($api->get('/api/websocket/stats')->status, 401, 'nobody is nobody');
is($api->get('/socket.io/socket.io.js')->status, 404, 'an empty bundle');

my $io = Test::Nginx::SocketIO->connect(
    %tls, auth => { token => '1|demo-token-john', connectionId => 'c1' });
is($io->call('subscribe', { channel => 'room' })->{status}, 'ok',
   'Socket.IO');

my $ws = Test::Nginx::WebSocket->connect(%tls, path => '/ws');
$ws->send_text('{"event":"auth","data":{"token":"2|demo-token-jane"},"id":1}');
is(($ws->read_json // {})->{event} // '', 'authenticated', 'plain WebSocket');

my $echo = Test::Nginx::WebSocket->connect(%tls, path => '/echo');
$echo->send_text('hello');
$echo->expect_text('hello');

my $local = Test::Nginx::HTTP->new(port => $port{8081});
is($local->get('/status')->json->{connections}{websocket}, 3, 'the status');
like($local->get('/metrics')->body, qr/^websocket_redis_up 1$/m,
     'for machines, too');


note 'the logs';

is(Test::Nginx::HTTP->new(%tls)->get('/ws')->status, 426, 'no WebSocket');

$nginx->stop;

like(slurp($nginx->dir . '/logs/websocket.log'), qr/websocket session /,
     'a log of its own');

my $access = slurp($nginx->dir . '/logs/websocket.access.log');

like($access, qr{^127\.0\.0\.1 1/1 .* 201 .* connection=c1 close=-$}m,
     'who asked');
like($access, qr{^127\.0\.0\.1 -/- .* 101 .* transport=websocket }m,
     'by which transport');
like($access, qr{ 426 .* close=1002$}m, 'and how it was refused');
unlike(slurp($nginx->dir . '/logs/websocket.log') . $access, qr/demo-token/,
       'no token');

$nginx->check;

done_testing;


package Example;

use Test::Nginx::Server;

use parent -norequire, 'Test::Nginx::Server';


sub configure {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $text = Test::Nginx::Process::slurp("$top/conf.example");
    my ($cert, $key) = $self->certificate;

    mkdir "$dir/dist";
    Test::Nginx::Process::spew("$dir/conf/mime.types", 'types {}');

    $text =~ s{modules/ngx_http_websocket_module\.so}
              {$ENV{TEST_NGINX_LOAD_MODULES}};
    $text =~ s{/etc/nginx/ssl/\S+\.crt}{$cert};
    $text =~ s{/etc/nginx/ssl/\S+\.key}{$key};
    $text =~ s{/etc/nginx/(?=mime)}{$dir/conf/};
    $text =~ s{/var/log/nginx/}{$dir/logs/}g;
    $text =~ s{/run/}{$dir/logs/};
    $text =~ s{/usr/local/share/socket\.io-client/dist}{$dir/dist};
    $text =~ s{^ *websocket_redis\s+\K\S+}{$redis->url}me;
    $text =~ s{^ *websocket_mysql\s+\K\S+}{$mysql->url}me;
    $text =~ s{(listen\s+)(?:127\.0\.0\.1:)?(\d+)}{${1}127.0.0.1:$port{$2}}g;

    Test::Nginx::Process::spew("$dir/conf/nginx.conf", $text);
}


sub command {
    my ($self) = @_;

    return $self->SUPER::command, '-g', 'daemon off;';
}


# as many workers as there are processors

sub ready {
    my ($self) = @_;

    my $log = Test::Nginx::Process::slurp("$self->{dir}/logs/error.log");
    my $started = () = $log =~ /start worker process \d/g;

    return $started && $self->workers == $started;
}
