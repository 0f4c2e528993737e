package Test::Nginx::MySQLServer;

# Copyright (C) ngx_http_websocket_module authors

# A private MariaDB with the tables of migrations/ and the accounts of the
# demo, see Test::Nginx::Process for its life.
#
#     my $db = Test::Nginx::MySQLServer->start;
#
#     local $ENV{TEST_NGINX_MYSQL} = $db->url;
#     my @rows = $db->query('SELECT * FROM websocket_events');
#
# It listens on a unix socket, with tcp => 1 on a port as well, which is
# then what url() names.  config takes more lines for its [mariadbd].

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::Nginx::MySQL;
use Test::Nginx::Process qw(free_port spew slurp find_program);

use parent -norequire, 'Test::Nginx::Process';

my $TOP = abs_path(dirname(__FILE__) . '/../../../..');


sub init {
    my ($self, %args) = @_;

    my $dir = $self->{dir};
    my $port = $args{tcp} ? free_port() : 0;
    my $user = getpwuid $>;

    $self->{name} = 'mariadb';
    $self->{program} = find_program('mariadbd');
    $self->{url} = 'mysql://websocket:websocket@'
                   . ($port ? "127.0.0.1:$port" : "unix($dir/mariadb.sock)")
                   . '/websocket';
    $self->{admin} = Test::Nginx::MySQL->connect(
        "mysql://$user\@unix($dir/mariadb.sock)/");

    spew("$dir/mariadb.cnf", join "\n",
         '[mariadbd]', "user = $user", "datadir = $dir/mariadb",
         "socket = $dir/mariadb.sock", "tmpdir = $dir",
         $port ? ('bind-address = 127.0.0.1', "port = $port")
               : 'skip-networking',
         'character-set-server = utf8mb4',
         'collation-server = utf8mb4_unicode_ci',
         'innodb-buffer-pool-size = 32M', 'innodb-log-file-size = 16M',
         $args{config} // '', '');

    local $ENV{TMPDIR} = $dir;           # not one that is shared with others

    $self->run_ok(find_program('mariadb-install-db'), '--no-defaults',
                  "--user=$user", "--datadir=$dir/mariadb", '--skip-test-db',
                  '--force', '--auth-root-authentication-method=normal');
}


sub run_ok {
    my ($self, @command) = @_;

    my ($status, $out) = $self->run(@command);

    croak "$command[0] failed: $out" if $status != 0;
}


sub start {
    my ($self, @args) = @_;

    my $new = !ref $self;

    $self = $self->SUPER::start(@args);
    $self->fill if $new;

    return $self;
}


sub fill {
    my ($self) = @_;

    $self->{admin}->query(<<'END');
CREATE DATABASE websocket
    CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER websocket@localhost IDENTIFIED BY 'websocket';
CREATE USER websocket@127.0.0.1 IDENTIFIED BY 'websocket';
GRANT ALL ON websocket.* TO websocket@localhost;
GRANT ALL ON websocket.* TO websocket@127.0.0.1;
END

    $self->run_ok("$TOP/util/migrate.sh", $self->{admin}->options,
                  'websocket');
    $self->query(slurp("$TOP/demo/accounts.sql"));
}


sub command {
    my ($self) = @_;

    return $self->{program}, "--defaults-file=$self->{dir}/mariadb.cnf";
}


sub ready {
    my ($self) = @_;

    return -S "$self->{dir}/mariadb.sock"
           && eval { $self->{admin}->value('SELECT 1') };
}


sub shared {
    my ($class) = @_;

    if (my $url = $ENV{TEST_NGINX_MYSQL}) {
        return Test::Nginx::MySQL->connect($url);
    }

    my $self = $class->start;

    $ENV{TEST_NGINX_MYSQL} = $self->url;

    return $self;
}


sub url { $_[0]{url} }


sub client { Test::Nginx::MySQL->connect($_[0]{url}) }

sub query { my $self = shift; $self->client->query(@_) }

sub value { my $self = shift; $self->client->value(@_) }

1;
