#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# What one connection sends arrives in its order, though one message has to
# wait, for a block of ids or for MySQL, and the next ones do not.

use strict;
use warnings;

use IO::Handle;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use Test::Nginx::Process qw(find_program wait_until);
use Test::Nginx::Server;
use Test::Nginx::SocketIO;
use Test::Nginx::Stores;
use Test::Nginx::WebSocket;

my $MANY = 600;                     # of a block's 1000 ids

my ($redis, $mysql) = Test::Nginx::Stores->start;

my $nginx = Test::Nginx::Server->start(
    workers     => 1,
    http_config => 'websocket_redis $TEST_NGINX_REDIS;
                    websocket_mysql $TEST_NGINX_MYSQL flush=20ms timeout=30s;',
    config      => 'location /ws { websocket on; }
                    location /socket.io/ { websocket_socketio on; }');

my $fresh = 100_000;                # the next user whom nobody knows

$mysql->query('INSERT INTO users (id, tenant_id, name, email, password) VALUES '
              . join ', ', map { "($_, 1, 'U$_', 'u$_\@example.com', '!')" }
                           $fresh .. $fresh + $MANY + 100);

my $john = socket_of('1|demo-token-john');
my $jane = socket_of('2|demo-token-jane');
my $ada = socket_of('3|demo-token-ada');

$jane->call('subscribe', { channel => 'g' });


note 'ids';

my @crowd = (2, map { $fresh++ } 2 .. $MANY);

is(@{ $john->call('notification:send', notice(@crowd))->{messageIds} }, $MANY,
   'a notification to many');

# every second time at the latest the second one finds too few

send_at_once($john, map { (['notification:send', notice(@crowd)],
                           ['notification:send', notice(@crowd)],
                           ['message:direct', direct()]) } 1 .. 4);

in_order($jane, 13, 'nothing overtakes the one that needs more than there is');


note 'MySQL';

my $unlock = lock_users();

send_at_once($john, ['notification:send', notice(2, $fresh++)],
             ['message:direct', direct()],
             ['message:group', { channel => 'g', message => text() }],
             ['notification:send', notice($fresh++, 2)],
             ['message:direct', direct()]);

ok(asked(), 'MySQL is asked for a recipient');

is($ada->call('message:direct', { recipientId => 2, message => 'ada' })
       ->{status}, 'ok', 'another connection sends');
is($jane->wait_event('message:direct')->{data}{message}, 'ada',
   'and is the first to arrive');

$unlock->();
in_order($jane, 5, 'those of the one that waited');


note 'more than is read at a time';

$unlock = lock_users();

send_at_once($john, ['notification:send', notice(2, $fresh++)],
             map { ['message:direct', direct('x' x 4000)] } 1 .. 100);

ok(asked(), 'they wait');
is($ada->call('message:direct', { recipientId => 2, message => 'ada' })
       ->{status}, 'ok', 'others do not');

$unlock->();
in_order($jane, 101, 'all of them arrive');


note 'polling';

my $poll = Test::Nginx::SocketIO->connect(
    port => $nginx->port, transport => 'polling',
    auth => { token => '1|demo-token-john' });

my $json = JSON::PP->new->canonical;

$poll->send_packet(map { '42' . $json->encode($_) }
                       ['notification:send', notice(2, $fresh++)],
                       ['message:direct', direct()],
                       ['message:direct', direct()]);

in_order($jane, 3, 'of one POST');


note 'typing';

send_at_once($john, map { ['user:typing', { conversationId => 'c',
                                            recipientId => 3,
                                            isTyping => $_ }] }
                        JSON::PP::true, JSON::PP::false);

my @typing = map { $ada->wait_event('user:typing') // {} } 1, 2;

is_deeply([map { $_->{data}{isTyping} ? 1 : 0 } @typing], [1, 0],
          'its end does not come before its beginning');
is($redis->command('HLEN', 'ws:{1}:typing:c'), 0, 'and it does not stick');

$nginx->check('no alerts');

done_testing();


sub socket_of {
    my ($token) = @_;

    return Test::Nginx::WebSocket->login(port => $nginx->port,
                                         token => $token);
}


# Numbers of messages, as they are sent and as they arrive.

my ($sent, $arrived);

sub text { ++$sent . ' ' . ($_[0] // '') }

sub notice {
    return { title => text(), body => 'body', recipientIds => [@_] };
}

sub direct { { recipientId => 2, message => text(@_) } }


# In one write: the server reads the next one before it hears from others.

sub send_at_once {
    my ($socket, @events) = @_;

    my $json = JSON::PP->new;

    $socket->send_raw(join '', map {
        Test::Nginx::WebSocket::frame(
            payload => $json->encode({ event => $_->[0], data => $_->[1] }))
    } @events) or diag $socket->error;
}


sub in_order {
    my ($socket, $n, $name) = @_;

    my @expected = map { ++$arrived } 1 .. $n;
    my @got;

    while (@got < $n) {
        my $message = $socket->read_json or last;
        my $text = $message->{data}{title} // $message->{data}{message} // '';

        push @got, $1 if $text =~ /^(\d+) /;
    }

    return is_deeply(\@got, \@expected, $name);
}


# Until that ends nobody is told who the users are: gives what ends it.

sub lock_users {
    local $ENV{MYSQL_PWD} = 'websocket';

    my $pid = open2(my $out, my $in, find_program('mariadb'), '--no-defaults',
                    '--batch', '--skip-column-names', '--unbuffered',
                    $mysql->client->options, 'websocket');

    print $in "LOCK TABLES users WRITE; SELECT 'locked';\n";
    $in->flush;
    is(scalar <$out>, "locked\n", 'the table is locked');

    return sub {
        close $in;
        waitpid $pid, 0;
    };
}


sub asked {
    return wait_until {
        $mysql->value('SELECT COUNT(*) FROM information_schema.processlist
                       WHERE state LIKE "Waiting for table%"')
    } 10;
}
