# Copyright (C) ngx_http_websocket_module authors

# README's installation, by its own commands, one step after another, up to
# the removal: only what apt-get brings is there already, and what would be
# below /etc, /run, /tmp and /usr is below a folder of ours.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::HTTP;
use Test::Nginx::MySQLServer;
use Test::Nginx::Process qw(find_program free_port slurp spew wait_until);
use Test::Nginx::RedisServer;
use Test::Nginx::WebSocket;

my $top = abs_path(dirname(__FILE__) . '/..');
my $root = tempdir('ws-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $etc = "$root/etc/nginx";
my $port = free_port();

my $redis = Test::Nginx::RedisServer->start;
my $mysql = Test::Nginx::MySQLServer->start;
my $admin = $mysql->{admin};

my $readme = slurp("$top/README.md");


# The commands below a heading, the n-th block of them.

sub commands {
    my ($heading, $n) = @_;

    my ($section) = $readme =~ /^###? \Q$heading\E\n(.*?)(?=^###? |\z)/ms;
    my @blocks = $section =~ /^```(?:sh|nginx)\n(.*?)^```/msg;

    return elsewhere($blocks[$n // 0]);
}


sub elsewhere {
    my ($text) = @_;

    $text =~ s/^apt-get (?:.*\\\n)*.*\n//mg;
    $text =~ s{(?=/etc/nginx/|/usr/lib/|/usr/local/|/tmp/|/run/nginx\.pid)}
              {$root}g;
    $text =~ s{redis://127\.0\.0\.1:6379}{$redis->url}ge;
    $text =~ s{/run/mysqld/mysqld\.sock}{$mysql->dir . '/mariadb.sock'}ge;
    $text =~ s{listen\s+\K443 ssl}{127.0.0.1:$port};

    return $text;
}


sub step {
    my ($name, $commands) = @_;

    local $ENV{PATH} = "$root/bin:$ENV{PATH}";
    local $ENV{MAKEFLAGS} = '-j2';

    spew("$root/step.sh", "set -eu\ncd '$top'\n$commands");
    my $out = qx(bash "$root/step.sh" 2>&1 < /dev/null);

    is($?, 0, $name) or diag($out);

    return $out;
}


# a program that Debian's packages set up to need no options

sub program {
    my ($name, $run) = @_;

    spew("$root/bin/$name", "#!/bin/sh\n$run\n");
    chmod 0755, "$root/bin/$name";
}


sub master { slurp("$root/run/nginx.pid") =~ /(\d+)/ ? $1 : 0 }

END {
    local $?;
    kill TERM => $_ for grep { $_ } $root && master();
}


# what the packages bring

make_path(map { "$root/$_" } qw(bin etc/nginx/conf.d etc/nginx/modules-enabled
                                etc/nginx/sites-enabled log run tmp
                                usr/lib/nginx/modules usr/share/nginx));
symlink '../../lib/nginx/modules', "$root/usr/share/nginx/modules";

program(nginx => 'exec ' . find_program('nginx')
                 . " -p $root/usr/share/nginx -c $etc/nginx.conf"
                 . " -e $root/log/error.log" . ' "$@"');
program(mariadb => 'exec ' . find_program('mariadb') . ' --no-defaults '
                   . join(' ', $admin->options) . ' "$@"');
program('redis-cli' => 'exec ' . find_program('redis-cli') . ' -s '
                       . $redis->dir . '/redis.sock "$@"');
program(npm => 'mkdir -p package/dist; echo "// $2" > package/dist/socket.io.js'
               . '; tar czf socket.io-client-4.0.0.tgz package');

my $temp = join "\n", map { "    ${_}_temp_path $root/tmp/$_;" }
                      qw(client_body proxy fastcgi scgi uwsgi);
my $user = $> == 0 ? 'user root;' : '';

spew("$etc/nginx.conf", <<"END");
$user
pid $root/run/nginx.pid;
error_log $root/log/error.log;
include $etc/modules-enabled/*.conf;
events {}
http {
    access_log $root/log/access.log;
$temp
    include $etc/conf.d/*.conf;
    include $etc/sites-enabled/*;
}
END

$admin->query('CREATE DATABASE app; USE app; '
              . slurp("$top/demo/accounts.sql"));


note 'to the first message';

step('the module is built and loaded', commands("With Debian's nginx"));
like(step('the tables', commands('Stores')), qr/applying/, 'are made');
step('the stores are named', commands('Configuration', 0));
step('the bundle of the browser', "cd '$root/tmp'\n"
                                  . commands('Configuration', 1));

my ($server) = commands('Synopsis') =~ /^ {4}(server \{.*?^ {4}\})/ms;

spew("$etc/sites-enabled/app", $server);
is(step('nginx -t', 'nginx -t') =~ s/.*"user" directive.*\n//r,
   "nginx: the configuration file $etc/nginx.conf syntax is ok\n"
   . "nginx: configuration file $etc/nginx.conf test is successful\n",
   'has nothing to say');
step('nginx starts', 'nginx');
ok((wait_until { master() } 60), 'and is there');
talk('one');


note 'another binary';

my $old = master();

step('the old master is told', commands('Upgrade'));
ok((wait_until { !kill 0, $old } 60), 'it goes');
isnt(master(), $old, 'another one is there');
talk('two');


note 'removal';

unlink "$etc/sites-enabled/app";
step('all goes', commands('Removal'));
is_deeply([map { $_->[0] } $admin->query('SHOW TABLES FROM app')],
          [qw(personal_access_tokens users)], 'no table is left');
is_deeply($redis->command('KEYS', '*'), [], 'no key is');
is_deeply([glob "$etc/*-enabled/* $etc/conf.d/* $root/usr/lib/nginx/*/*"],
          [], 'and no file');

is_deeply([grep { /\[(?:error|crit|alert|emerg)\]/ }
                split /^/, slurp("$root/log/error.log")], [], 'no trouble');

done_testing;


# John has something to say to Jane, and it is recorded.

sub talk {
    my ($text) = @_;

    my $http = Test::Nginx::HTTP->new(port => $port);
    my %jane = (Authorization => 'Bearer 2|demo-token-jane');

    is($http->post('/api/websocket/connect', { connection_id => $text },
                   \%jane)->status, 201, 'Jane connects');
    is($http->get('/socket.io/socket.io.js')->body, "// socket.io-client\n",
       'the bundle is there');

    my $john = Test::Nginx::WebSocket->connect(
        port => $port, path => '/ws', timeout => 60,
        headers => { Authorization => 'Bearer 1|demo-token-john' });
    is($john->read_json->{event}, 'authenticated', 'John too');

    $john->send_text(qq({"event":"message:direct","id":1,
                         "data":{"recipientId":2,"message":"$text"}}));

    my $answer;
    wait_until { $answer = $john->read_json; $answer->{event} eq 'ack' } 60;
    is($answer->{data}{status}, 'ok', 'he is understood');

    ok((wait_until {
        $admin->value("SELECT COUNT(*) FROM app.websocket_events
                       WHERE event_type = 'message_sent'
                       AND payload LIKE '%$text%'")
    } 60), 'and is on record');
}
