#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# What the log and the metrics say before Redis is full; there is no MySQL.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;

my $redis = Test::Nginx::RedisServer->start(
    config => "maxmemory 1gb\nmaxmemory-policy allkeys-lru");

local $ENV{TEST_NGINX_REDIS} = $redis->url;

my $nginx = Test::Nginx::Server->start(
    workers     => 2,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql mysql://nobody@unix(/none)/none;',
    config      => 'location /status { websocket_status json; }');

my $log = 0;


note 'a policy by which Redis drops keys';

said('[warn]', q(redis' maxmemory-policy is "allkeys-lru"), 'is told');
is(status('redis_memory_limit_bytes'), 2 ** 30, 'maxmemory');
cmp_ok(status('redis_memory_bytes'), '>', 500_000, 'what of it is used');


note 'memory';

config(maxmemory => int(status('redis_memory_bytes') / 0.85));
said('[warn]', q(redis uses 8\d% of its maxmemory), 'most of it is used');

config(maxmemory => '1gb');
said('[notice]', q(redis has room again: it uses \d+ of 1073741824 bytes),
     'that is over');

config('maxmemory-policy' => 'noeviction');
config(maxmemory => 0);
ok(wait_until(sub { status('redis_memory_limit_bytes') == 0 }),
   'without a limit');
unlike($nginx->error_log, qr/"noeviction".*"noeviction"/s,
       'each is told once');


note 'the record';

config(appendonly => 'no');
add(250_000) for 1 .. 4;
said('[warn]', q(1000000 entries of the record wait in redis for mysql),
     'a million');
is(status('record_pending'), 1_000_000, 'which is counted');

add(250_000) for 1 .. 4;
said('[warn]', q(2000000 entries), 'and when it has doubled');

$redis->command('DEL', 'ws:_:events');
said('[notice]', q(only 0 entries of the record still wait), 'all are gone');


note 'a user of Redis who may not ask';

$redis->command(qw(ACL SETUSER default -info));

my @old = $nginx->reload(workers => 2);

said('[error]', q(redis refuses commands: NOPERM .*info), 'is told');
$nginx->wait_gone(20, @old);
$nginx->kill_worker(($nginx->workers)[0]);
said('[notice]', q(worker \S+ is dead), 'but of a death it is');

$nginx->check('no alerts');

done_testing();


sub said {
    my ($level, $text, $name) = @_;

    ok($nginx->wait_log(qr/\Q$level\E .*$text/, 20, $log), $name);

    $log = $nginx->log_size;
}


sub status {
    my ($name) = @_;

    return Test::Nginx::HTTP->new(port => $nginx->port)->get('/status')
               ->json->{$name};
}


sub config {
    my ($name, $value) = @_;

    $redis->command('CONFIG', 'SET', $name, $value);
}


sub add {
    my ($n) = @_;

    $redis->command('EVAL', 'for i = 1, ARGV[1] do
        redis.call("XADD", KEYS[1], "*", "a", "b") end', 1, 'ws:_:events', $n);
}
