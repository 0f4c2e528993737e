# Copyright (C) ngx_http_websocket_module authors

# ./dev run: what it starts, what it says, and that nothing of it is left.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::More;
use Test::Nginx::Process qw(free_port slurp spew wait_until);

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);
my $run = "$dir/run";
my $port = free_port();

delete @ENV{qw(PORT WORKERS RUN_DIR WS_LOAD_USERS)};


# dev NAME=VALUE ... COMMAND ...: exit status and output

sub dev {
    my $command = pop;
    my $out = qx(env @_ timeout 60 "$top/dev" $command 2>&1 < /dev/null);

    return ($? >> 8, $out);
}


sub fails {
    my ($like, $name, @args) = @_;
    my ($rc, $out) = dev(@args);

    ok($rc, "$name fails");
    like($out, $like, 'and says why');
}


sub launch {
    my ($like) = @_;

    unlink "$dir/out", "$dir/err";

    my $pid = fork // die "fork: $!";

    if (!$pid) {
        # whoever runs tests in the background has them ignore it
        $SIG{INT} = 'DEFAULT';
        @ENV{qw(PORT RUN_DIR)} = ($port, $run);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$dir/out";
        open STDERR, '>', "$dir/err";
        exec "$top/dev", 'run';
        die "exec: $!";
    }

    my $ready = wait_until {
        slurp("$dir/out") =~ $like || waitpid($pid, WNOHANG) == $pid
    } 120;

    die 'dev run is not ready: ', slurp("$dir/err")
        unless $ready && slurp("$dir/out") =~ $like;

    return $pid;
}


# nothing outlives the test, however it ends

END {
    local $?;
    kill KILL => pids() if $run;
}


sub pids {
    return map { slurp("$run/$_.pid") =~ /(\d+)/ ? $1 : () }
           qw(nginx redis mariadb);
}


sub get {
    my ($path) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or return '';
    print $s "GET $path HTTP/1.0\r\n\r\n";
    local $/;

    return scalar <$s>;
}


# what needs no instance

my ($rc, $out) = dev('');
is($rc, 0, 'dev alone');
like($out, qr/^  $_\b/m, "lists $_") for qw(build run test lint asan fuzz
                                             valgrind prove);

fails(qr/no command "nonsense"/, 'an unknown command', 'nonsense');
fails(qr/PORT is not a port: "x"/, 'a bad PORT', 'PORT=x', 'run');
fails(qr/WORKERS is not a number: "0"/, 'no WORKERS', 'WORKERS=0', 'run');
fails(qr/RUN_DIR is too long/, 'a long RUN_DIR', 'RUN_DIR=/tmp/' . 'x' x 90,
      'run');
fails(qr/RUN_DIR has characters/, 'an odd RUN_DIR', 'RUN_DIR=/tmp/a\;b',
      'run');
fails(qr/nothing runs in \Q$run\E/, "$_ without an instance",
      "RUN_DIR=$run", $_) for 'sql', 'redis', 'start redis';
fails(qr/usage: .*redis\|mariadb/, 'starting something else', 'start nginx');


# a run

my $dev = launch(qr/^Ctrl-C/m);
$out = slurp("$dir/out");

like($out, qr{\Aready \Qhttp://127.0.0.1:$port/\E\n}, 'ready, and where');
like($out, qr/1\|demo-token-john/, 'and how to log in');

ok(-e "$run/$_", "$_ is there") for qw(nginx.pid redis.pid mariadb.pid
                                       nginx.conf logs/error.log
                                       logs/access.log);
like(get('/accounts.sql'), qr{^HTTP/1.1 404}, 'SQL is not served');

my @old = pids();
is(() = slurp("$run/logs/error.log") =~ /start worker process \d/g, 2,
   'two workers');

fails(qr/already running in \Q$run\E/, 'a second start', "RUN_DIR=$run",
      "PORT=" . free_port(), 'run');
fails(qr/port $port is taken/, 'a taken port', "RUN_DIR=$dir/other",
      "PORT=$port", 'run');

my $with = "RUN_DIR=$run";
($rc, $out) = dev($with, '-- sql -N -e "SELECT DATABASE()"' =~ s/^-- //r);
is($out, "websocket\n", 'sql has the application\'s database');
is(qx(echo 'SELECT 6 * 7' | $with "$top/dev" sql -N), "42\n",
   'sql passes input through');
is((dev($with, 'redis set kept 1'))[1], "OK\n", 'redis passes arguments');
fails(qr/redis is running already/, 'starting what runs', $with,
      'start redis');

my $conf = slurp("$run/nginx.conf");
spew("$run/nginx.conf",
     $conf =~ s{(?=\n +location / )}{\n location = /x { return 204; }}r);
kill HUP => $old[0];
ok((wait_until { get('/x') =~ /^HTTP\S+ 204/ }), 'HUP applies an edit');

for my $name (qw(redis mariadb)) {
    my ($pid) = slurp("$run/$name.pid") =~ /(\d+)/;

    kill KILL => $pid;
    wait_until { !kill 0, $pid };
    fails(qr/./, "$name after its kill", $with,
          $name eq 'redis' ? 'redis get kept' : 'sql -e "SELECT 1"');
    ($rc, $out) = dev($with, "start $name");
    is($rc, 0, "$name is started again");
}

is((dev($with, 'redis get kept'))[1], "1\n", 'on the same data of Redis');
is((dev($with, 'sql -N -e "SELECT COUNT(*) FROM users"'))[1], "5\n",
   'and of MariaDB');

@old = pids();
kill TERM => $dev;
ok((wait_until { waitpid($dev, WNOHANG) == $dev } 60), 'TERM ends it');
is($?, 0, 'well');
is((grep { kill 0, $_ } @old), 0, 'and all that it started');
is(get('/'), '', 'nobody listens');
unlike(slurp("$run/logs/error.log"), qr/\[(alert|emerg)\]/, 'no alert');


# killed, it takes its servers along, but not one that was started again: the
# next start puts that away

$dev = launch(qr/^Ctrl-C/m);
my ($redis) = slurp("$run/redis.pid") =~ /(\d+)/;
kill KILL => $redis;
wait_until { !kill 0, $redis };
dev($with, 'start redis');

@old = pids();
kill KILL => $dev;
waitpid $dev, 0;
ok((wait_until { 1 == grep { kill 0, $_ } @old } 60),
   'servers end with a killed dev, but one');

$dev = launch(qr/^Ctrl-C/m);
like(slurp("$dir/err"), qr/stopping redis, left over/, 'that is put away');
is((grep { kill 0, $_ } @old), 0, 'none is left');
is((dev($with, 'redis get kept'))[1], "1\n", 'and runs on the same data');

@old = pids();
kill INT => $dev;
ok((wait_until { waitpid($dev, WNOHANG) == $dev } 60), 'INT ends it');
is((grep { kill 0, $_ } @old), 0, 'and all that it started');

done_testing;
