package Test::Nginx::Server;

# Copyright (C) ngx_http_websocket_module authors

# An nginx with a master process and several workers, for tests that
# reload it, stop it or kill its workers; see Test::Nginx::Process, too.
#
#     my $nginx = Test::Nginx::Server->start(
#         workers     => 2,
#         http_config => 'websocket_redis $TEST_NGINX_REDIS;',
#         config      => 'location /ws { websocket on; }');
#
#     Test::Nginx::WebSocket->connect(port => $nginx->port, path => '/ws');
#
#     $nginx->reload(workers => 3);
#     $nginx->kill_worker(($nginx->workers)[0]);
#     $nginx->wait_log(qr/exited on signal 9/);
#     $nginx->check;
#
# More arguments: main_config; events (worker_connections 512); log_level
# (info); files, names and texts beside nginx.conf; port (a free one);
# allow, a pattern of log lines that are no problem.  Alerts, emergencies
# and words of sanitizers are problems, but for workers that a test has
# killed, and what UBSan finds in nginx's own files.  $TEST_NGINX_NAME in a
# configuration comes from the environment.

use strict;
use warnings;

use Carp qw(croak);
use File::Temp qw(tempdir);
use Test::Nginx::Process qw(free_port wait_until slurp spew find_program);

use parent -norequire, 'Test::Nginx::Process';

my $BAD = qr/\[(?:alert|emerg)\]|(?:Address|Leak|Thread|UndefinedBehavior)
             Sanitizer|^(?!src\/).*runtime\ error:/x;


sub init {
    my ($self, %args) = @_;

    $self->{name} = 'nginx';
    $self->{binary} = $ENV{TEST_NGINX_BINARY} || find_program('nginx');
    $self->{args} = { workers => 2, port => free_port(), log_level => 'info',
                      events => 'worker_connections 512;', %args };

    mkdir "$self->{dir}/$_" for qw(conf html logs);
    $self->configure;
}


sub port { $_[0]{args}{port} }


# Writes the configuration, with arguments changed.

sub configure {
    my ($self, %args) = @_;

    my %a = %{$self->{args}} = (%{$self->{args}}, %args);

    my ($main, $http, $server) = map { expand($_ // '') }
                                 @a{qw(main_config http_config config)};
    my $modules = join '', map { "load_module $_;\n" }
                           split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join "\n", map { "    ${_}_temp_path temp_$_;" }
                          qw(client_body proxy fastcgi scgi uwsgi);

    my %files = %{$a{files} // {}};
    spew("$self->{dir}/conf/$_", expand($files{$_})) for keys %files;

    spew("$self->{dir}/conf/nginx.conf", <<"END");
$modules
$user
daemon off;
worker_processes $a{workers};
pid logs/nginx.pid;
error_log logs/error.log $a{log_level};
$main

events {
    $a{events}
}

http {
    access_log logs/access.log;
$temp

$http

    server {
        listen 127.0.0.1:$a{port};
        server_name localhost;

$server
    }
}
END
}


sub expand {
    my ($text) = @_;

    return $text =~ s/\$(TEST_NGINX_[_A-Z0-9]+)/
                      $ENV{$1} \/\/ croak "$1 is not in the environment"/gexr;
}


sub command {
    my ($self) = @_;

    return $self->{binary}, '-p', "$self->{dir}/", '-c', 'conf/nginx.conf',
           '-e', 'logs/error.log';
}


# A worker has its title once the modules in it are at work.

sub ready {
    my ($self) = @_;

    return $self->workers == $self->{args}{workers};
}


sub stop_signal { 'QUIT' }


# The exit status of "nginx -t" on a configuration, and what it says.

sub test_config {
    my ($class, %args) = @_;

    my $self = bless { dir => tempdir('ws-XXXXXX', TMPDIR => 1,
                                      CLEANUP => 1) }, $class;
    $self->init(%args);

    my ($status, $out) = $self->run($self->command, '-t');

    return $status >> 8, $out;
}


# The pids of the workers, without those that are shutting down; and of
# these.

sub workers {
    my ($self) = @_;

    return $self->children(qr/^nginx: worker process\0/);
}


sub old_workers {
    my ($self) = @_;

    return $self->children(qr/^nginx: worker process is shutting down/);
}


sub children {
    my ($self, $title) = @_;

    my $master = $self->{pid} or return ();
    my @pids;

    for (glob '/proc/[0-9]*/stat') {
        my ($pid, $state, $parent) = slurp($_) =~ /^(\d+) \(.*\) (\S) (\d+) /s
            or next;

        push @pids, $pid if $parent == $master && $state ne 'Z'
                            && $self->title($pid) =~ $title;
    }

    @pids = sort { $a <=> $b } @pids;

    return @pids;
}


# What nginx calls a process.  Under valgrind it can't: then a child that has
# waited for events is at work until it logs that it leaves.

sub title {
    my ($self, $pid) = @_;

    return slurp("/proc/$pid/cmdline")
        if (readlink("/proc/$pid/exe") // "") !~ /valgrind/;

    return 'nginx: worker process is shutting down'
        if $self->error_log =~ /\] $pid#\d+: gracefully shutting down/;

    $self->{at_work}{$pid} ||= slurp("/proc/$pid/wchan") =~ /^(?:do|ep)_.*poll/;

    return $self->{at_work}{$pid} ? "nginx: worker process\0" : '';
}


# Applies the configuration, with arguments changed, and waits until new
# workers are at work; gives the pids of the old ones.

sub reload {
    my ($self, %args) = @_;

    my @old = $self->workers;
    my %old = map { $_ => 1 } @old;

    $self->configure(%args);
    $self->signal('HUP');

    wait_until { $self->ready && !grep { $old{$_} } $self->workers } 60
        or croak 'nginx did not reload: ', $self->error_log;

    return @old;
}


# Kills a worker and waits for the one in its place.

sub kill_worker {
    my ($self, $pid, $signal) = @_;

    grep { $_ == $pid } $self->workers, $self->old_workers
        or croak "$pid is no worker";

    $self->{worker_killed}{$pid} = 1;
    CORE::kill $signal // 'KILL', $pid;

    wait_until { $self->ready && $self->gone($pid) } 60
        or croak "worker $pid was not replaced: ", $self->error_log;
}


sub gone {
    my ($self, @pids) = @_;

    return !grep { -d "/proc/$_"
                   && slurp("/proc/$_/stat") !~ /^\d+ \(.*\) Z/s } @pids;
}


# Whether these processes end within so many seconds.

sub wait_gone {
    my ($self, $timeout, @pids) = @_;

    return wait_until { $self->gone(@pids) } $timeout;
}


# The log, from an offset on; log_size() gives one.

sub error_log {
    my ($self, $offset) = @_;

    return slurp("$self->{dir}/logs/error.log", $offset);
}


sub log_size { -s "$_[0]{dir}/logs/error.log" // 0 }


# Waits for a line in the log and gives it.

sub wait_log {
    my ($self, $pattern, $timeout, $offset) = @_;

    return wait_until {
        (grep { $_ =~ $pattern } split /\n/, $self->error_log($offset))[0]
    } $timeout;
}


sub find_problems {
    my ($self) = @_;

    my $killed = join '|', 'none', keys %{$self->{worker_killed}};
    my $allow = $self->{args}{allow};

    return grep { $_ =~ $BAD
                  && !/worker process (?:$killed) exited on signal/
                  && !(defined $allow && $_ =~ $allow) }
           split /\n/, $self->error_log;
}


# Makes a certificate for localhost; gives the paths of it and of its key.

sub certificate {
    my ($self) = @_;

    my ($cert, $key) = map { "$self->{dir}/conf/$_.pem" } qw(cert key);

    if (!-s $cert) {
        system('openssl req -x509 -newkey rsa:2048 -nodes -days 30'
               . " -subj /CN=localhost -keyout '$key' -out '$cert'"
               . ' 2> /dev/null') == 0
            or croak 'openssl could not make a certificate';
    }

    return $cert, $key;
}

1;
