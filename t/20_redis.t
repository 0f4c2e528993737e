#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The links to Redis: where it may be, who may use it, and what is said when
# it goes and comes.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(spew wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::Server;
use Time::HiRes qw(sleep time);

my $redis = Test::Nginx::RedisServer->start(tcp => 1);
my $locked = Test::Nginx::RedisServer->start(
    tcp => 1, password => 'plain',
    config => "user jane on >s:e\@c/r%t ~ws:* &ws:* +\@all\n"
              . 'user mute on >mute ~ws:* &ws:* +@all -subscribe');

my ($port) = $redis->url =~ /:(\d+)$/;
my ($locked_port) = $locked->url =~ /:(\d+)$/;
my $socket = $redis->dir . '/redis.sock';

my $file = $locked->dir . '/password';

spew($file, "s:e\@c/r%t\nsecond line\n");


sub start {
    my ($url, %args) = @_;

    return Test::Nginx::Server->start(
        workers     => 1,
        http_config => "websocket_redis $url;",
        config      => 'location /echo { websocket on; websocket_echo on; }
                        location /status { websocket_status json; }',
        %args);
}


sub redis_up {
    my ($nginx) = @_;

    my $http = Test::Nginx::HTTP->new(port => $nginx->port);

    return $http->get('/status')->json->{redis_up};
}


sub comes_up {
    my ($nginx, $timeout) = @_;

    return wait_until { redis_up($nginx) } $timeout;
}


# how many lines of the log match

sub lines {
    my ($nginx, $pattern) = @_;

    return scalar grep { $_ =~ $pattern } split /\n/, $nginx->error_log;
}


note 'URLs';

my $password = 's%3ae%40c%2Fr%25t';

# a minimal system may not know its own name

my @localhost = gethostbyname('localhost') ? "redis://localhost:$port/" : ();

for my $url ("redis://127.0.0.1:$port", @localhost,
             "REDIS://127.0.0.1:$port/5", "redis://127.0.0.1:$port "
             . 'prefix=other: connect_timeout=500ms command_timeout=1s',
             "unix:$socket", "unix:$socket?db=3",
             "redis://:plain\@127.0.0.1:$locked_port/1",
             "redis://jane:$password\@127.0.0.1:$locked_port",
             "redis://jane\@127.0.0.1:$locked_port password_file=$file")
{
    my $nginx = start($url);
    my $shown = $url =~ s/:[^:]*@/:***@/r;

    ok(comes_up($nginx), $shown);
    is(lines($nginx, qr/\[(?:warn|error)\]/), 0, 'and nothing to say');

    $nginx->stop;
    ok($nginx->check, 'nor at the end');
}

is_deeply([$redis->client->keys('ws:_:leases')], [],
          'a worker that ends gives up its lease');


note 'URLs that are wrong';

my %wrong = (
    'redis://'                      => 'there is no host',
    'redis://:6379'                 => 'there is no host',
    'redis:///1'                    => 'there is no host',
    'redis://127.0.0.1:0x'          => 'invalid port',
    'redis://127.0.0.1:70000'       => 'invalid port',
    'redis://127.0.0.1/x'           => 'the database must be a number',
    'redis://127.0.0.1/-1'          => 'the database must be a number',
    'redis://127.0.0.1/1/2'         => 'the database must be a number',
    'redis://user@127.0.0.1'        => 'there is a user but no password',
    'redis://:secret%4@127.0.0.1'   => 'wrong percent-encoding in the password',
    'redis://secret%zz:x@127.0.0.1' => 'wrong percent-encoding in the user',
    'redis://secret:x@no.such.host.invalid/1'
                        => 'host not found in "no.such.host.invalid"',
    'unix:redis.sock'               => 'must begin with "/"',
    'unix:/redis.sock?db='          => 'the database must be a number',
    'unix:/redis.sock?x=1'          => 'only "db="',
    'unix:/redis.sock?db=x'         => 'the database must be a number',
    'unix:/redis:1.sock'            => 'there is a ":" in the path',
    'tcp://127.0.0.1'               => 'must begin with "redis://" or "unix:"',
    'rediss://secret:x@127.0.0.1'   => 'TLS (rediss://) is not supported',
    'redis://127.0.0.1 prefix='     => 'the prefix must have 1 to 64 bytes',
    'redis://127.0.0.1 prefix={x}'  => 'invalid character in the prefix',
    'redis://127.0.0.1 connect_timeout=0'  => 'invalid timeout "0"',
    'redis://127.0.0.1 command_timeout=1x' => 'invalid timeout "1x"',
    'redis://127.0.0.1 password=secret'    => 'invalid parameter "password"',
    'redis://127.0.0.1 password_file=/no/such/file'
                        => 'open() "/no/such/file" failed',
    'redis://127.0.0.1 password_file=/dev/null' => 'no password in the first',
    "redis://:secret\@127.0.0.1 password_file=$file"
                        => 'the password is given twice',
);

for my $url (sort keys %wrong) {
    my ($status, $out) = Test::Nginx::Server->test_config(
        http_config => "websocket_redis \"" . ($url =~ s/ /" "/gr) . '";');

    is($status, 1, $url);
    like($out, qr/\[emerg\] .*\Q$wrong{$url}\E.* in .*nginx\.conf:\d+$/m,
         'tells why');
    unlike($out, qr/secret/, 'but not the password');
}


note 'away and back';

my $nginx = start($redis->url . ' command_timeout=1s');

comes_up($nginx);
$redis->kill;

ok($nginx->wait_log(qr/\[error\] .* redis is away: .* \(commands, 127/, 20),
   'away');
ok($nginx->wait_log(qr/\[error\] .* redis is away: .* \(subscriptions, /, 20),
   'both links');
is(redis_up($nginx), 0, 'not up');

sleep 3;
is(lines($nginx, qr/redis is away/), 2, 'which is told once');
is(lines($nginx, qr/redis is back/), 0, 'it is not back');

$redis->start;
ok(comes_up($nginx), 'up again');
ok($nginx->wait_log(qr/\[notice\] .* redis is back \(commands, 127/, 20),
   'back');
is(lines($nginx, qr/redis is (?:away|back)/), 4, 'which is told once');


note 'stopped';

my $offset = $nginx->log_size;

$redis->pause;
ok($nginx->wait_log(qr/redis is away: no answer in time \(commands/, 20,
                    $offset),
   'away');
ok($nginx->wait_log(qr/redis is away: no answer in time \(subscr/, 20,
                    $offset),
   'also for the subscriber');
$redis->resume;
ok(comes_up($nginx), 'up again');


note 'read only, out of memory';

$offset = $nginx->log_size;
$redis->command(qw(REPLICAOF 127.0.0.1 1));
ok($nginx->wait_log(qr/\[error\] .* redis refuses commands: READONLY/, 20),
   'a replica');
ok($nginx->wait_log(qr/\[error\] .* redis is away: it is a replica \($_/, 20),
   "is left: $_") for qw(commands subscriptions);
sleep 2;
is(lines($nginx, qr/it is a replica/), 2, 'which is told once');
unlike($nginx->error_log($offset), qr/redis is back/, 'for it is no other');

$redis->command(qw(REPLICAOF NO ONE));
ok(comes_up($nginx), 'until it is a master');

$nginx->stop;
ok($nginx->check, 'no other problems');


note 'subscriptions are refused';

$nginx = start("redis://mute:mute\@127.0.0.1:$locked_port");

ok($nginx->wait_log(qr/\[error\] .* redis is away: NOPERM .* \(subscr/, 20),
   'is told');
is(redis_up($nginx), 0, 'not up');
sleep 2;
is(lines($nginx, qr/redis is away/), 1, 'once');

$locked->command(qw(ACL SETUSER mute +subscribe));
ok(comes_up($nginx, 20), 'until they are allowed');

$nginx->stop;
ok($nginx->check, 'no other problems');


note 'a wrong password';

$nginx = start("redis://:wrong\@127.0.0.1:$locked_port");

ok($nginx->wait_log(qr/\[error\] .* redis is away: WRONGPASS/, 20), 'is told');
sleep 2;
is(lines($nginx, qr/redis is away/), 2, 'once a link');
is(lines($nginx, qr/wrong@|:wrong/), 0, 'without the password');

$locked->command('CONFIG', 'SET', 'requirepass', 'wrong');
ok(comes_up($nginx), 'until it is right');

$nginx->stop;
ok($nginx->check, 'no other problems');


note 'nobody answers';

my $deaf = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');

$nginx = start('redis://127.0.0.1:' . $deaf->sockport
               . ' connect_timeout=300ms');

ok($nginx->wait_log(qr/redis is away: timed out while connecting/, 20),
   'is told');

$nginx->stop;
ok($nginx->check, 'nginx stops all the same');

done_testing();
