package Test::Nginx::Process;

# Copyright (C) ngx_http_websocket_module authors

# A server that a test starts as its child, in a folder of its own: the
# base of Test::Nginx::Server, RedisServer and MySQLServer.
#
#     my $redis = Test::Nginx::RedisServer->start;
#
#     $redis->pause; $redis->resume;      # SIGSTOP, SIGCONT
#     $redis->kill;                       # SIGKILL
#     $redis->stop; $redis->start;        # an orderly end; on the same data
#
# All that still runs is stopped at the end of the test, the last one
# first, and the folders are removed.  What went wrong with a server that
# no test has looked at then fails the file: see problems().

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(free_port wait_until slurp spew find_program);

my @All;
my $Owner = $$;
my $Used = 0;

$ENV{PATH} .= ':/usr/local/sbin:/usr/sbin:/sbin';


# Below those that the system gives to connections, which could take one before
# its server is up, and apart from those of other processes: two servers with
# "reuseport" would share one without a word.  t/e2e/lib/port.mjs does the same.

sub free_port {
    for ( ;; ) {
        my $port = 16384 + $$ % 512 * 32 + $Used++ % 32;

        return $port if IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                              LocalPort => $port,
                                              ReuseAddr => 1,
                                              Listen => 1);
    }
}


# Calls the function until it gives true, and gives that; undef after so
# many seconds (30: a machine may be busy).

sub wait_until (&;$) {
    my ($done, $timeout) = @_;

    my $deadline = time + ($timeout // 30);

    for ( ;; ) {
        my $value = $done->();

        return $value if $value;
        return if time > $deadline;
        sleep 0.005;
    }
}


sub slurp {
    my ($path, $offset) = @_;

    open my $in, '<:raw', $path or return '';
    seek $in, $offset // 0, 0;
    local $/;

    return readline($in) // '';
}


sub spew {
    my ($path, $text) = @_;

    open my $out, '>:raw', $path or croak "cannot write $path: $!";
    print $out $text;
    close $out or croak "cannot write $path: $!";
}


sub find_program {
    my ($name) = @_;

    for (map { "$_/$name" } split /:/, $ENV{PATH}) {
        return $_ if -x;
    }

    croak "$name is not installed";
}


# Starts a new server, or one that has been stopped.  A subclass has
# init() for the arguments, command() and ready(), and may have
# stop_signal() and find_problems().

sub start {
    my ($self, @args) = @_;

    if (!ref $self) {
        $self = bless { dir => tempdir('ws-XXXXXX', TMPDIR => 1,
                                       CLEANUP => 1) }, $self;
        $self->init(@args);
        push @All, $self;
    }

    croak "$self->{name} runs already" if $self->{pid};

    delete @$self{qw(status stuck)};
    $self->{pid} = $self->launch($self->command);

    # a start under valgrind, or on a busy machine, takes its time

    if (!wait_until { $self->reap || $self->ready } 60 or !$self->{pid}) {
        my $status = $self->{status};

        $self->kill if $self->{pid};
        croak "$self->{name} did not start (",
              defined $status ? "status $status" : 'time-out', '): ',
              slurp($self->output);
    }

    return $self;
}


# Starts a program in a group of its own; its pid.

sub launch {
    my ($self, @command) = @_;

    my $pid = fork // croak "cannot fork: $!";
    return $pid if $pid;

    setpgrp;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $self->output;
    open STDERR, '>&', \*STDOUT;
    exec { $command[0] } @command or print STDERR "@command: $!\n";
    POSIX::_exit(127);
}


# Runs a program to its end; its exit status, as of waitpid(), and what it
# says.

sub run {
    my ($self, @command) = @_;

    waitpid $self->launch(@command), 0;

    return $?, slurp($self->output);
}


sub pid { $_[0]{pid} }

sub dir { $_[0]{dir} }

sub output { "$_[0]{dir}/$_[0]{name}.out" }

sub stop_signal { 'TERM' }


# True once the process has ended; then there is status(), as waitpid()
# gives it.

sub reap {
    my ($self) = @_;

    return 1 if !$self->{pid};
    return if waitpid($self->{pid}, WNOHANG) == 0;

    $self->{status} = $?;
    delete $self->{pid};

    return 1;
}


sub status { $_[0]{status} }

sub is_running { !$_[0]->reap }


sub signal {
    my ($self, $signal) = @_;

    croak "$self->{name} does not run" if !$self->{pid};

    CORE::kill $signal => $self->{pid};
}


sub pause {
    my ($self) = @_;

    $self->signal('STOP');

    wait_until { slurp("/proc/$self->{pid}/stat") =~ /^\d+ \(.*\) T/s }
        or croak "$self->{name} did not stop";
}

sub resume { $_[0]->signal('CONT') }


# Waits for the end, for so many seconds (30).

sub wait {
    my ($self, $timeout) = @_;

    return wait_until { $self->reap } $timeout;
}


sub kill {
    my ($self) = @_;

    CORE::kill KILL => -$self->{pid} if $self->{pid};
    $self->{killed} = 1;

    return $self->wait(60);
}


sub stop {
    my ($self, $timeout) = @_;

    return 1 if $self->reap;

    $self->signal($self->stop_signal);
    $self->resume;

    return 1 if $self->wait($timeout // 30);

    $self->kill;
    $self->{stuck} = 1;

    return;
}


# What is wrong with how the server has ended, and with what it has logged,
# as lines of text.

sub problems {
    my ($self) = @_;

    my @problems = $self->find_problems;

    if ($self->{stuck}) {
        push @problems, 'it did not stop in time';

    } elsif ($self->{status} && !$self->{killed}) {
        push @problems, "it ended with status $self->{status}";
    }

    return @problems;
}


sub find_problems { }


# Stops it; one test that there are no problems.

sub check {
    my ($self, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->stop;
    $self->{checked} = 1;

    my @problems = $self->problems;

    return Test::More::ok(!@problems, $name // "$self->{name} did well")
           || Test::More::diag(join "\n", @problems);
}


END {
    if ($$ == $Owner) {
        my $exit = $?;

        for my $self (reverse @All) {
            $self->stop;
            next if $self->{checked};

            if (my @problems = $self->problems) {
                print STDERR map { "# $self->{name}: $_\n" } @problems;
                $exit ||= 1;
            }
        }

        $? = $exit;
    }
}

$SIG{INT} //= sub { exit 130 };
$SIG{TERM} //= sub { exit 143 };

1;
