#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Messages that wait in Redis: to which socket they go, how they end, and what
# the record is told.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Test::Nginx::Process qw(slurp);
use Test::Nginx::RedisServer;
use Time::HiRes qw(time);

my $redis = Test::Nginx::RedisServer->start;
my $listener = $redis->client;

my $lua = abs_path(dirname(__FILE__) . '/../src/redis/lua');

my $AGE = 2592000_000;
my ($PENDING, $TAKEN) = ('ws:{1}:pending:2', 'ws:{1}:taken:2');
my @FLIGHT = ('ws:_:flight', 'ws:_:flight:text', 'ws:_:flight:taken');
my ($EVENTS, $LEASES) = ('ws:_:events', 'ws:_:leases');
my $LOST = 'ws:{1}:lost:2';
my $CHANNEL = 'ws:{1}:user:2';

my $seen = '-';


# a script with its parts put in, as util/embed.sh does

sub script {
    my ($name) = @_;

    return slurp("$lua/$name.lua")
           =~ s{^--\@ (\w+)\n}{"local function $1(KEYS, ARGV)\n"
                                . script($1) . "end\n"}gemr;
}


sub run {
    my ($name, $keys, @args) = @_;

    return $redis->command('EVAL', script($name), scalar @$keys, @$keys,
                           @args);
}


# one from 1 to 2, its seq; whether it is taken for a repeat is not asked here.
# Somebody listens, so that it is on its way; or has been, for too long.

my $sent = 0;
my $waits = 0;

sub send_one {
    my ($id) = @_;

    $sent++;
    run('message_send',
        [$EVENTS, "sent$sent", @FLIGHT[0, 1], '', '', '', $CHANNEL, $PENDING,
         ''], 20,
        1, $id, 1, 1, int(time() * 1000), 'message_sent',
        qq($id message:direct {"messageId":$id}), '', 'private-user.2', '');

    sweep(-1) if $waits;

    return $redis->command('HGET', $FLIGHT[1], 'last');
}


sub sweep { return run('pending_sweep', \@FLIGHT, '', 1000, @_) }

sub on_way { return $redis->command('ZCARD', $FLIGHT[0]) }

sub waiting { return $redis->command('ZCARD', $PENDING) }


# what a socket gets, as ids

sub fetch {
    my ($worker, $socket, $bytes, $number) = @_;

    my $list = run('pending_fetch',
                   [$PENDING, $TAKEN, $EVENTS, $LEASES, @FLIGHT, $LOST], 50,
                   $bytes || 1_000_000, $worker, $socket, $AGE, 5,
                   $number // 1);

    return [map { $list->[$_ * 2 + 1] =~ /^(\d+) / } 0 .. @$list / 2 - 1];
}


sub mark {
    my ($worker, $what, @marks) = @_;
    my @n = 0 .. @marks / 2 - 1;

    return run('pending_mark', [$EVENTS, @FLIGHT], $worker, $what, scalar @n,
               join(' ', map { $marks[2 * $_ + 1] } @n),
               map { "$PENDING $marks[2 * $_]" } @n);
}


# statuses that the record was told since the last time

sub told {
    my $from = $seen eq '-' ? '-' : "($seen";
    my @told;

    for my $entry (@{$redis->command('XRANGE', $EVENTS, $from, '+')}) {
        my %row = @{$entry->[1]};

        $seen = $entry->[0];
        next if $row{kind} ne 'status';
        push @told, join ' ', "$row{status}:", $row{id},
                    grep { defined } @row{'retry_count', 'error_message'};
    }

    return \@told;
}


# all that was published to the user since

sub heard {
    $redis->command('PUBLISH', $CHANNEL, 'end');

    my @heard;
    while ((my $text = $listener->receive->[2]) ne 'end') {
        push @heard, $text;
    }

    return [grep { /^1 0 0 / } @heard];
}


sub none {
    is_deeply([map { $redis->command('EXISTS', $_) } $PENDING, $TAKEN,
                                                     @FLIGHT[0, 2]],
              [0, 0, 0, 0], 'nothing is left');
    is_deeply($redis->command('HKEYS', $FLIGHT[1]), ['last'],
              'but the last place in the order');
    told();
    heard();
}


sub reset_all {
    $redis->command('DEL', $PENDING, $TAKEN, $LOST, @FLIGHT);
    told();
    heard();
}


$listener->command('SUBSCRIBE', $CHANNEL);
$redis->command('ZADD', $LEASES, 1, 'w1', 1, 'w2');


my ($seq, @seq, $one);

for $waits (0, 1) {
    note 'a message that waits';

    @seq = map { send_one($_) } 11, 12, 13;

    is_deeply(fetch('w1', 7), [11, 12, 13], 'comes in order');
    is_deeply(told(), ['pending: 11 1', 'pending: 12 1', 'pending: 13 1'],
              'and is counted');
    is_deeply(fetch('w2', 7), [], 'not to another one');
    is_deeply(fetch('w1', 8), [], 'nor to one of the same worker');
    is(mark('w1', 'taken', map { $seq[$_], 11 + $_ } 0 .. 2), 3, 'is taken');
    is_deeply(told(), ['delivered: 11 12 13'], 'once for all of them');
    is_deeply(fetch('w1', 7), [], 'which is remembered');
    is(mark('w1', 'done', map { $seq[$_], 11 + $_ } 0 .. 2), 3, 'is done');
    is_deeply(told(), [], 'there is nothing to add');
    is(mark('w1', 'done', $seq[0], 11), 0, 'it is that once');
    is(mark('w1', 'taken', $seq[0], 11), 0, 'and taken no more');
    is(mark('w1', 'back', $seq[0], 11), 0, 'nor back');
    is_deeply(told(), [], 'of which nobody is told');
    is_deeply(heard(), [], 'and nobody hears');
    none();


    note 'pages';

    send_one($_) for 21 .. 80;
    $one = length '21 message:direct {"messageId":21}';

    is_deeply(fetch('w1', 7), [21 .. 70], 'fifty');
    is_deeply(fetch('w1', 8, 3 * $one + 1), [71 .. 73], 'or as many as fit');
    is_deeply(fetch('w1', 9, 1), [74], 'but one');
    reset_all();


    note 'an answer that got lost';

    $seq = send_one(31);
    is_deeply(fetch('w1', 7), [31], 'it is given to a socket');
    is_deeply(fetch('w1', 8), [], 'not to another one');
    is_deeply(fetch('w1', 7), [31], 'to this one again');
    is(mark('w1', 'seen', $seq, 31), 1, 'until it has it');
    none();


    $seq = send_one(32);
    $seq[1] = send_one(33);
    is_deeply(fetch('w1', 7), [32, 33], 'or the socket goes without it');
    mark('w1', 'taken', $seq[1], 33);
    heard();
    is(mark('w1', 'lost', 8, 0), 0, 'which nobody else can say');
    is(mark('w2', 'lost', 7, 0), 0, 'from whichever worker');
    is_deeply(heard(), [], 'nothing to fetch');
    is(mark('w1', 'lost', 7, 0), 1, 'it had been given something');
    is_deeply(heard(), ['1 0 0 pending {}'], 'the other sockets are told so');
    is_deeply(fetch('w2', 7), [32], 'and get what it has not taken');
    reset_all();


    note 'a fetch that comes late';

    $seq = send_one(34);
    is(mark('w1', 'lost', 7, 3), 0, 'the socket has gone, and has nothing');
    is_deeply(fetch('w1', 7, 0, $_), [], "its fetch $_ gives nothing") for 2, 3;
    is_deeply(fetch('w1', 7, 0, 4), [34], 'but it may come back');
    is_deeply(fetch('w2', 7, 0, 2), [], 'and has the message');
    reset_all();

    send_one(35);
    mark('w1', 'lost', 7, 3);
    is_deeply(fetch('w1', 8, 0, 2), [35], 'others are not meant');
    cmp_ok($redis->command('PTTL', $LOST), '>', 800_000, 'it is kept a while');
    reset_all();


    note 'a socket that goes without a word';

    $seq = send_one(41);
    mark('w1', 'taken', $seq, 41);
    is_deeply(told(), ['delivered: 41'], 'it had taken the message');
    is_deeply(fetch('w2', 7), [], 'which nobody else gets');
    is(mark('w2', 'back', $seq, 41), 0, 'or can give back');
    is(mark('w1', 'back', $seq, 41), 1, 'but this one');
    is_deeply(told(), ['pending: 41'], 'it is pending');
    is_deeply(heard(), ['1 0 0 pending {}'], 'the other sockets are told so');
    is_deeply(fetch('w2', 7), [41], 'and get it');
    is(mark('w1', 'back', $seq, 41), 0, 'now it is theirs');
    is(mark('w2', 'back', $seq, 41), 1, 'also before they have taken it');
    reset_all();


    note 'two sockets of the user';

    $seq = send_one(51);
    mark('w1', 'taken', $seq, 51);
    mark('w1', 'taken', $seq, 51);
    mark('w1', 'back', $seq, 51);
    told();
    is(mark('w1', 'done', $seq, 51), 1, 'one goes, the other one answers');
    is_deeply(told(), ['delivered: 51'], 'it is delivered after all');
    none();

    $seq = send_one(52);
    mark('w1', 'taken', $seq, 52);
    mark('w1', 'taken', $seq, 52);
    mark('w1', 'back', $seq, 52);
    fetch('w2', 7);
    told();
    is(mark('w1', 'done', $seq, 52), 1,
       'one answers while a third fetches it');
    is_deeply(told(), ['delivered: 52'], 'it is delivered');
    is(mark('w2', 'taken', $seq, 52), 0, 'only once');
    none();


    note 'a dead worker';

    $redis->command('ZADD', $LEASES, 1, 'w3');
    @seq = map { send_one($_) } 61, 62;
    mark('w3', 'taken', $seq[0], 61);
    is_deeply(fetch('w3', 7), [62], 'it has one, and one on the way');
    is_deeply(fetch('w1', 7), [], 'as long as it lives');

    $redis->command('ZREM', $LEASES, 'w3');
    $redis->command('HSET', 'ws:_:owned:w3', 'c1', '7 5000 1 2');
    told();
    heard();
    is(run('takeover', ['dead', 'ws:_:owned:w3', $EVENTS, 'typing', 'due',
                        @FLIGHT], 'w3', 'ws:', 100, 'T'), 1,
       'it is taken over');
    is_deeply([sort @{told()}], ['pending: 61', 'pending: 62'],
              'both are pending');
    is_deeply(heard(), ['1 0 0 pending {}'], 'which is told once');
    is_deeply(fetch('w1', 7), [61, 62], 'and they come again');
    reset_all();

    send_one(63);
    $redis->command('ZADD', $LEASES, 1, 'w3');
    fetch('w3', 7);
    $redis->command('ZREM', $LEASES, 'w3');
    is_deeply(fetch('w1', 7), [63], 'a login need not wait for that');
    reset_all();
}

$waits = 0;


note 'limits';

$seq = send_one(71);
for my $try (1 .. 5) {
    is_deeply(fetch('w1', $try), [71], "redelivery $try");
    is_deeply(told(), ["pending: 71 $try"], 'is counted');
    mark('w1', 'taken', $seq, 71);
    mark('w1', 'back', $seq, 71);
    told();
}
my $next = send_one(72);
is_deeply(fetch('w1', 6), [72], 'a sixth one there is not');
is_deeply(told(), ['failed: 71 too many redeliveries', 'pending: 72 1'],
          'it has failed');
mark('w1', 'seen', $next, 72);
none();

my $old = sprintf '%.0f', (time() * 1000 - $AGE - 1000) * 1000;
my $young = sprintf '%.0f', (time() * 1000 - $AGE + 60_000) * 1000;
$redis->command('ZADD', $PENDING, $old, '81 message:direct {}',
                $young, '82 message:direct {}');
is_deeply(fetch('w1', 7), [82], 'what is too old does not come');
is_deeply(told(), ['failed: 81 expired', 'pending: 82 1'], 'it has failed');
reset_all();

send_one($_) for 1001 .. 2000;
told();
send_one($_) for 2001, 2002;
is_deeply(told(), ['failed: 2001 queue full', 'failed: 2002 queue full'],
          'a thousand wait, the others have failed');
is_deeply([waiting(), on_way()], [0, 1000], 'and do not wait');

sweep(-1);
is_deeply([waiting(), on_way()], [1000, 0], 'they still do');
send_one(2003);
is_deeply([waiting(), on_way()], [1000, 1],
          'what is heard at once is not among them');
reset_all();


note 'on the way';

@seq = map { send_one($_) } 91 .. 96;
is_deeply([waiting(), on_way()], [0, 6], 'what somebody hears does not wait');
is(run('pending_sweep', \@FLIGHT, '', 4, -1), "$PENDING $seq[3]",
   'some of it is looked at');
is_deeply([waiting(), on_way()], [4, 2], 'and waits after a time');
is(run('pending_sweep', \@FLIGHT, "$PENDING $seq[3]", 4, 60_000_000), '',
   'then the rest');
is_deeply([waiting(), on_way()], [4, 2], 'which may take that time');

is(mark('w1', 'taken', map { $seq[$_], 91 + $_ } 3, 4), 2,
   'a socket has one of each');
is_deeply(told(), ['delivered: 94 95'], 'both are delivered');
is(mark('w1', 'seen', map { $seq[$_], 91 + $_ } 2 .. 5), 4,
   'it answers all');
is_deeply(told(), ['delivered: 93 94 96'], 'which is told');
is_deeply([waiting(), on_way()], [2, 0], 'they are forgotten');
is(mark('w1', 'seen', map { $seq[$_], 91 + $_ } 1 .. 5), 1, 'once');
reset_all();

@seq = map { send_one($_) } 101, 102;
mark('w1', 'taken', $seq[0], 101);
told();
is(mark('w1', 'done', map { $seq[$_], 101 + $_ } 0, 1), 2, 'answered');
is_deeply(told(), ['delivered: 102'], 'of the taken one it is known');
none();

$redis->command('HSET', $FLIGHT[1], 'last', 9e15);
is(send_one(111), 9e15 + 1, 'the order is kept when the clock is set back');
reset_all();

done_testing();
