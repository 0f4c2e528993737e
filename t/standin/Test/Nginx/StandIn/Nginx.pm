package Test::Nginx::StandIn::Nginx;

# Copyright (C) ngx_http_websocket_module authors

# The server of a test block: its folder, its configuration, its process
# and its error log.  nginx runs in the foreground as a child of the test,
# so that its end is seen and no other process is ever signalled.

use strict;
use warnings;

use Exporter 'import';
use File::Basename ();
use File::Path ();
use File::Spec ();
use IO::Socket::INET;
use POSIX ();
use Time::HiRes ();

our @EXPORT_OK = qw(
    %Settings expand prepare start stop expect_death
    read_log skip_log log_wait
);

our %Settings = (
    binary             => $ENV{TEST_NGINX_BINARY} || 'nginx',
    config_preamble    => '',
    env                => [],
    log_level          => $ENV{TEST_NGINX_LOG_LEVEL} || 'debug',
    master             => $ENV{TEST_NGINX_MASTER_PROCESS} || 'off',
    root_location      => 1,
    server_addr        => '127.0.0.1',
    server_name        => 'localhost',
    server_port        => $ENV{TEST_NGINX_SERVER_PORT}
                          || $ENV{TEST_NGINX_PORT} || 1984,
    server_root        => File::Spec->rel2abs($ENV{TEST_NGINX_SERVROOT}
                                              || 't/servroot'),
    sleep              => $ENV{TEST_NGINX_SLEEP} || 0.015,
    timeout            => $ENV{TEST_NGINX_TIMEOUT} || 3,
    worker_connections => 64,
    workers            => 1,
);

$ENV{TEST_NGINX_SERVER_ROOT} = $Settings{server_root};
$ENV{TEST_NGINX_SERVER_PORT} //= $Settings{server_port};

my $START_TIMEOUT = 60;     # seconds: a checked build under valgrind is slow
my $POLL = 0.002;

my ($Pid, $Owner, $Title, $LogPos, %Ports);


sub file { File::Spec->catfile($Settings{server_root}, @_) }


# Replaces $TEST_NGINX_NAME by what the environment holds.

sub expand {
    my ($text, $name) = @_;

    $text =~ s/\$(TEST_NGINX_RAND_PORT_\d+)/$Ports{$1} ||= free_port()/ge;
    $text =~ s/\$(TEST_NGINX_[_A-Z0-9]+)/
               $ENV{$1} \/\/ die "$name: $1 is not in the environment\n"/gex;

    return $text;
}


sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => $Settings{server_addr},
                                       Listen => 1)
        or die "no free port: $@\n";

    return $socket->sockport;
}


# Lays out a fresh server folder for the block.

sub prepare {
    my ($block) = @_;

    my $root = $Settings{server_root};

    File::Path::remove_tree(map({ file($_) } qw(conf html logs cache)),
                            glob("$root/*_temp $root/*_cache"));

    if (-d $root) {
        rmdir $root
            or die "$root holds files that are not the tests', remove it\n";
    }

    File::Path::make_path(map { file($_) } qw(conf html logs));

    %Ports = ();

    write_file(file('html', 'index.html'),
               '<html><head><title>It works!</title></head>'
               . '<body>It works!</body></html>');
    write_user_files($block);
    write_file(file('conf', 'nginx.conf'), configuration($block));

    $LogPos = 0;
}


sub write_file {
    my ($path, $text) = @_;

    open my $out, '>:raw', $path or die "cannot write $path: $!\n";
    print $out $text;
    close $out or die "cannot write $path: $!\n";
}


sub write_user_files {
    my ($block) = @_;

    my $files = $block->user_files or return;

    if (!ref $files) {
        my (undef, @parts) = split /^>>> (\S+)(?: +(\S+))?\n/m, $files;
        $files = [];

        while (my ($name, $date, $text) = splice @parts, 0, 3) {
            push @$files, [$name, $text, $date];
        }
    }

    for my $entry (@$files) {
        my ($path, $text, $date) = @$entry;

        $path = file('html', $path) if $path !~ m{^/};

        File::Path::make_path(File::Basename::dirname($path));
        write_file($path, expand($text // '', $block->name));

        if ($date) {
            local $ENV{TZ} = 'GMT';
            system('touch', '-t', $date, $path) == 0
                or die $block->name, ": bad date \"$date\" of $path\n";
        }
    }
}


sub configuration {
    my ($block) = @_;

    my %s = %Settings;
    my ($main, $http, $config) = map { expand($block->$_ // '', $block->name) }
                                 qw(main_config http_config config);

    my $log_level = $block->log_level || $s{log_level};
    my $user = $> == 0 ? 'user root;' : '';
    my $env = join '', map { "env '$_';\n" } 'ASAN_OPTIONS', @{$s{env}};
    my $modules = join '', map { "load_module $_;\n" }
                           split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';

    my $temp = join '', map { "${_}_path $s{server_root}/$_;\n" }
                        grep { $http !~ /\b${_}_path\b/ } temp_folders();

    my $root_location = $s{root_location} ? <<"END" : '';
    location / {
        root  $s{server_root}/html;
        index index.html index.htm;
    }
END

    (my $server_name = $s{server_name}) =~ s/(['\\])/\\$1/g;

    return <<"END";
worker_processes $s{workers};
daemon off;
master_process $s{master};
error_log $s{server_root}/logs/error.log $log_level;
pid $s{server_root}/logs/nginx.pid;
$user
$env
$modules
$main

events {
    accept_mutex off;
    worker_connections $s{worker_connections};
}

http {
access_log $s{server_root}/logs/access.log;
$temp
default_type text/plain;
keepalive_timeout 68000ms;

$http

server {
    listen $s{server_port};
    server_name '$server_name';
    client_max_body_size 30M;

$s{config_preamble}
$config
$root_location
}
}
END
}


{
    my @folders;

    # The temporary folders of the modules that are built in.

    sub temp_folders {
        return @folders if @folders;

        my $built = qx($Settings{binary} -V 2>&1);
        die "cannot run $Settings{binary}: ", $built // $!, "\n" if $? != 0;

        @folders = ('client_body_temp',
                    map { "${_}_temp" }
                    grep { $built !~ /--without-http_${_}_module/ }
                    qw(proxy fastcgi scgi uwsgi));

        return @folders;
    }
}


# Starts nginx on the prepared folder; dies if it does not come up.

sub start {
    my ($name) = @_;

    my $status = launch($name);

    if (defined $status) {
        die "$name: nginx did not start (", describe($status), "): ",
            slurp(file('logs', 'stderr.log')), "\n";
    }
}


# Starts nginx where it is expected to refuse; gives its exit status as
# waitpid() does, 0 if it came up (it is stopped then).

sub expect_death {
    my ($name) = @_;

    my $status = launch($name);
    return $status if defined $status;

    stop();
    return 0;
}


sub launch {
    my ($name) = @_;

    my $pid_file = file('logs', 'nginx.pid');
    my $root = $Settings{server_root};

    $Title = $name;
    $Owner = $$;
    $Pid = fork // die "cannot fork: $!\n";

    if ($Pid == 0) {
        setpgrp;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', file('logs', 'stderr.log');
        exec $Settings{binary}, '-p', "$root/", '-c', 'conf/nginx.conf',
             '-e', file('logs', 'error.log')
            or print STDERR "cannot execute $Settings{binary}: $!\n";
        POSIX::_exit(127);
    }

    my $deadline = Time::HiRes::time() + $START_TIMEOUT;

    while (!-s $pid_file) {
        if (defined(my $status = reap())) {
            return $status;
        }

        if (Time::HiRes::time() > $deadline) {
            kill_all();
            die "$name: nginx did not start within $START_TIMEOUT s\n";
        }

        Time::HiRes::sleep($POLL);
    }

    return;
}


# Stops nginx gracefully.  Gives what was wrong with its end, if anything.

sub stop {
    return if !defined $Pid || $Owner != $$;

    my $problem = '';

    kill QUIT => $Pid;
    my $status = reap($Settings{timeout});

    if (!defined $status) {
        $problem = "nginx did not quit within $Settings{timeout} s";
        kill TERM => $Pid;
        $status = reap($Settings{timeout}) // kill_all();

    } elsif ($status != 0) {
        $problem = 'nginx ended with ' . describe($status);
    }

    keep_log();

    return $problem;
}


sub kill_all {
    kill KILL => -$Pid;
    return reap($START_TIMEOUT);
}


# The exit status of nginx once it has ended, undef while it runs.

sub reap {
    my ($timeout) = @_;

    my $deadline = Time::HiRes::time() + ($timeout // 0);

    while (waitpid($Pid, POSIX::WNOHANG()) == 0) {
        return if Time::HiRes::time() >= $deadline;
        Time::HiRes::sleep($POLL);
    }

    undef $Pid;
    return $?;
}


sub describe {
    my ($status) = @_;

    return $status & 127 ? 'signal ' . ($status & 127)
                         : 'exit status ' . ($status >> 8);
}


# Appends the block's log, down to nginx's last line, for the caller of
# prove to look through.

sub keep_log {
    my $all = $ENV{TEST_NGINX_ERROR_LOG} or return;
    my $text = slurp(file('logs', 'error.log'));

    return if $text eq '';

    open my $out, '>>:raw', $all or die "cannot append to $all: $!\n";
    print $out "\n=== $Title\n", $text;
    close $out or die "cannot append to $all: $!\n";
}


sub slurp {
    my ($path, $offset) = @_;

    open my $in, '<:raw', $path or return '';
    seek $in, $offset // 0, 0;
    local $/;

    return readline($in) // '';
}


# What the log has got since the last skip_log().

sub read_log { slurp(file('logs', 'error.log'), $LogPos) }

sub skip_log { $LogPos += $_[0] }

sub log_wait { $Settings{sleep} }


END {
    local $?;
    stop();
}

1;
