#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# websocket_throttle: per user over all workers and machines, with Laravel's
# answers.

use strict;
use warnings;

use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::Process qw(wait_until);
use Test::Nginx::Server;
use Test::Nginx::Stores;

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $JOHN = '1|demo-token-john';
my $JANE = '2|demo-token-jane';
my $EVE = '4|demo-token-eve';

# two machines, of two workers each

my @nginx = map {
    Test::Nginx::Server->start(
        workers     => 2,
        http_config => 'websocket_redis $TEST_NGINX_REDIS;
                        websocket_mysql $TEST_NGINX_MYSQL flush=20ms;',
        config      => 'location /api/ { websocket_api on; }

                        location /few/ {
                            websocket_api on;
                            websocket_throttle 3 5s;
                        }

                        location /any/ {
                            websocket_api on;
                            websocket_throttle off;
                        }')
} 1 .. 2;


note 'what is left';

my $res = presence($JOHN);

is($res->status, 200, 'presence/update');
is(limit($res), '60 59', 'sixty a minute, of which one is gone');
is(limit(typing($JOHN, 'a')), '60 58', 'typing is of the same bucket');
is(limit(typing($JOHN, 'b', 'no')), '60 57', 'what is refused counts (422)');
is(limit(presence($JOHN, status => 'asleep')), '60 56', 'there, too');
is(limit(post($JOHN, '/api/typing', {})), '60 55', 'and what says nothing');
is(limit(presence($JANE)), '60 59', 'everybody has an own one');
is(limit(presence($EVE)), '60 59', 'in another tenant, too');

cmp_ok($redis->command('PTTL', 'ws:{1}:throttle:1'), '<=', 60000,
       'it ends a minute after the first');


note 'what is not counted';

is(limit(typing($JOHN, 'a')), '60 55', 'going on with typing is free');
is(limit(typing($JOHN, 'a', \1, type => 'letter')), '60 54',
   'unless it is refused');
is(limit(typing($JANE, 'a')), '60 58', "somebody else's is another");
is(limit(typing($JOHN, 'a', \0)), '60 53', 'its end counts');
is(limit(typing($JOHN, 'a', \0)), '60 52', 'each time');
is(limit(typing($JOHN, 'a')), '60 51', 'and a new begin');
is(limit(presence($JOHN, conversation_id => 'a', is_typing => \1)), '60 50',
   'what looks like it is not it');

my $before = limit(presence($JOHN));

for (['a body that does not parse', 400, '{'],
     ['one of another type', 415, '{}', 'Content-Type' => 'text/plain'],
     ['a token that is none', 401, '{}', Authorization => 'Bearer none'])
{
    my ($what, $status, $body, @headers) = @$_;

    $res = post($JOHN, '/api/typing', $body,
                'Content-Type' => 'application/json', @headers);
    is($res->status, $status, $what);
    is($res->header('X-RateLimit-Limit'), undef, 'is not counted');
}

is(limit(presence($JOHN)), '60 48', 'nor are all of them');
is($before, '60 49', 'as it was');

$res = Test::Nginx::HTTP->new(port => $nginx[0]->port)->get(
    '/api/online-users', { Authorization => "Bearer $JOHN" });
is($res->header('X-RateLimit-Limit'), undef, 'other routes have no limit');


note 'over all workers and machines';

$redis->command('DEL', 'ws:{1}:throttle:1');

my %n;

for my $i (0 .. 69) {
    $res = post_to($nginx[$i % 2], $JOHN, '/api/presence/update',
                   { status => 'online' });
    $n{$res->status}++;
    $n{last} = limit($res) if $res->status == 200;
}

is_deeply(\%n, { 200 => 60, 429 => 10, last => '60 0' }, 'sixty, no more');

is($res->body, '{"message":"Too Many Attempts."}', 'the rest is refused');
is(limit($res), '60 0', 'with nothing left');

my $wait = $res->header('Retry-After');

like($wait, qr/^\d+$/, 'and a time to come back');
cmp_ok($wait, '>=', 1, 'later');
cmp_ok($wait, '<=', 60, 'within the minute');
cmp_ok(abs($res->header('X-RateLimit-Reset') - time() - $wait), '<=', 2,
       'which is told as a date, too');

is(post($JOHN, '/api/typing', {})->status, 429, '429 comes before 422');
is(post($JOHN, '/api/presence/update', '{',
        'Content-Type' => 'application/json')->status, 400,
   'and after 400');
is(presence($JANE)->status, 200, 'others go on');


note 'the window';

$redis->command('DEL', 'ws:{1}:throttle:1');

is(join(' ', map { limit(post($JOHN, '/few/typing', {})) } 1 .. 3),
   '3 2 3 1 3 0', 'three in five seconds');

$res = post($JOHN, '/few/presence/update', { status => 'online' });
is($res->status, 429, 'a fourth is refused');
cmp_ok($res->header('Retry-After'), '<=', 5, 'for five seconds');

ok((wait_until {
    post($JOHN, '/few/presence/update', { status => 'online' })->status == 200
}), 'then it begins anew');
is($redis->command('GET', 'ws:{1}:throttle:1'), 1,
   'what was refused has not counted');

typing($JOHN, 'c');
post($JOHN, '/few/typing', {}) for 1 .. 3;
is(post($JOHN, '/few/typing', { conversation_id => 'c', is_typing => \1 })
       ->status, 200, 'going on with typing is never refused');

$res = post($JOHN, '/any/presence/update', { status => 'online' });
is($res->status, 200, 'where it is off');
is($res->header('X-RateLimit-Limit'), undef, 'nothing is said of it');


note 'without Redis';

$redis->kill;

for my $path (qw(/api/presence/update /api/typing)) {
    $res = post($JANE, $path, {});
    is($res->status, 503, "$path can not be decided");
    is($res->header('Retry-After'), 5, 'later perhaps');
}

$redis->start;

ok((wait_until { presence($JANE)->status == 200 }),
   'once it is back, it is');

$_->check('no alerts') for @nginx;

done_testing();


sub post_to {
    my ($server, $token, $path, $body, @headers) = @_;

    my $http = Test::Nginx::HTTP->new(port => $server->port);

    return $http->post($path, $body,
                       { Authorization => "Bearer $token", @headers })
        // BAIL_OUT($http->error);
}

sub post { post_to($nginx[0], @_) }


sub presence {
    my ($token, @fields) = @_;

    return post($token, '/api/presence/update',
                { status => 'online', @fields });
}


sub typing {
    my ($token, $conversation, $is_typing, %more) = @_;

    return post($token, '/api/typing',
                { conversation_id => $conversation,
                  is_typing => $is_typing // \1,
                  map { ("conversation_$_" => $more{$_}) } keys %more });
}


# "limit remaining"

sub limit {
    my ($answer) = @_;

    return join ' ', map { $answer->header("X-RateLimit-$_") // '-' }
                         qw(Limit Remaining);
}
