#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Who is alive, as Redis decides it: nobody is dead before Redis has been
# reachable for one full lease.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::Process qw(slurp);
use Test::Nginx::RedisServer;

# A lease of the test. What it does takes a small part of it.

use constant LEASE => 100_000;
use constant SILENT => 20_000;
use constant AWAY => 50_000;

my $redis = Test::Nginx::RedisServer->start;
my $script = slurp(abs_path(dirname(__FILE__)) . '/../src/redis/lua/lease.lua');
my ($LEASES, $WATCH, $DEAD) = qw(ws:_:leases ws:_:watch ws:_:dead);

sub now {
    my $time = $redis->command('TIME');

    return $time->[0] * 1000 + int($time->[1] / 1000);
}


sub renew {
    my ($who, $begins) = @_;

    my $answer = $redis->command('EVAL', $script, 3, $LEASES, $WATCH, $DEAD,
                                 $who, LEASE, $begins // '0', 'ws:_:w:',
                                 SILENT, 0, AWAY);

    return join ' ', @$answer;
}


# as if so many milliseconds had passed since the watch began

sub watched {
    my ($ms, $looked) = @_;

    $redis->command('HSET', $WATCH, 'since', now() - $ms,
                    'at', now() - ($looked // 1000));
}


sub lease { $redis->command('ZADD', $LEASES, now() + $_[1], $_[0]) }

sub listens {
    my ($who) = @_;

    my $client = $redis->client;

    $client->command('SUBSCRIBE', "ws:_:w:$who");

    return $client;
}


sub clear { $redis->command('FLUSHALL') }


note 'its own lease';

is(renew('w1'), '0', 'one that Redis does not know has to begin');
is(renew('w1', '1'), '1', 'it begins');
cmp_ok($redis->command('ZSCORE', $LEASES, 'w1'), '>', now() + LEASE - 10_000,
       'with a whole lease');
$redis->command('ZADD', $DEAD, 0, 'w1');
is(renew('w1'), '0', 'given up meanwhile');
is(renew('w1', '1'), '0', 'for good');


note 'the dead of an orderly time';

clear();
renew('w1', '1');
lease('ended', -1);
lease('silent', LEASE - SILENT - 1000);
lease('stopped', LEASE - SILENT - 1000);
lease('fresh', LEASE - SILENT + 10_000);

my @links = map { listens($_) } qw(stopped w1);

watched(LEASE - 10_000);
is(renew('w1'), '1', 'within the first lease: nobody');
watched(LEASE + 10_000);
is_deeply([sort split / /, renew('w1')], [qw(1 ended silent)],
          'then who listens no more, and whose lease has ended');
is_deeply([sort @{$redis->command('ZRANGE', $LEASES, 0, -1)}],
          [qw(fresh stopped w1)], 'the others live on');
is(renew('w1'), '1', 'each once');
is(renew('ended'), '0', 'who comes back is told');


note 'Redis was away';

for my $case ([['HSET', $WATCH, 'at', 1], 'nobody could renew for long'],
              [['HSET', $WATCH, 'run', 'other'], 'it is another process'],
              [['HSET', $WATCH, 'at', 9e15], 'its clock was put back'],
              [['DEL', $WATCH], 'it knows nothing'])
{
    my ($command, $name) = @$case;

    clear();
    renew('w1', '1');
    lease('ended', -1);
    lease('silent', LEASE - SILENT - 1000);
    watched(LEASE + 10_000);
    $redis->command(@$command);

    is(renew('w1'), '1', "$name: nobody is dead");
    is(renew('w1'), '1', 'nor soon');
    watched(LEASE - 10_000);
    is(renew('w1'), '1', 'nor before a full lease');
    watched(LEASE + 10_000);
    is_deeply([sort split / /, renew('w1')], [qw(1 ended silent)], 'but then');
}

done_testing();
