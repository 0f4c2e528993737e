#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# The record: what MySQL does not have stays in the stream, and what it has
# goes after a while.

use strict;
use warnings;

use Test::More;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Record;
use Time::HiRes qw(sleep);

my $STREAM = $Test::Nginx::Record::STREAM;

my $record = Test::Nginx::Record->new;
my $redis = $record->redis;
my $mysql = $record->mysql;
my $nginx = $record->serve;

$record->consumer;
$mysql->kill;
$redis->command('DEL', $STREAM);
$record->produce_at($_, $record->events(1)) for map { "$_-1" } 1 .. 1000;
sleep 2.5;
is($redis->command('XLEN', $STREAM), 1000,
   'old entries that MySQL does not have are kept');
$mysql->start;
$record->is_written('they are written');
ok(wait_until(sub { $redis->command('XLEN', $STREAM) <= 100 }),
   'and dropped then');

$record->produce($record->events(150));
ok($record->wait_drained, 'newer ones are written');
sleep 1.5;
cmp_ok($redis->command('XLEN', $STREAM), '>=', 150, 'and kept for a while');

$nginx->check('no alerts');

done_testing();
