package Test::Nginx::MySQL;

# Copyright (C) ngx_http_websocket_module authors

# Statements for MariaDB or MySQL, by its command line client.
#
#     my $db = Test::Nginx::MySQL->connect($ENV{TEST_NGINX_MYSQL});
#
#     my @rows = $db->query('SELECT id, name FROM users');
#     my $count = $db->value('SELECT COUNT(*) FROM websocket_events');

use strict;
use warnings;

use Carp qw(croak);
use File::Temp;
use POSIX ();
use Test::Nginx::Process qw(find_program slurp);

my %ESCAPES = (n => "\n", t => "\t", 0 => "\0", '\\' => '\\');


# mysql://user[:password]@host[:port]/database, or @unix(/path)/database.

sub connect {
    my ($class, $url) = @_;
    my $given = $url;

    $url =~ s/ .*//;

    $url =~ m{^mysql://([^:@]*)(?::([^@]*))?@
              (?:unix\(([^)]+)\)|([^:/]+)(?::(\d+))?)/(\w*)$}x
        or croak "not a URL of MySQL: $url";

    return bless {
        url      => $given,
        password => $2 // '',
        database => $6,
        options  => ["--user=$1", defined $3 ? "--socket=$3"
                     : ("--host=$4", '--port=' . ($5 // 3306),
                        '--protocol=tcp'), '--default-character-set=utf8mb4'],
    }, $class;
}


sub url { $_[0]{url} }


# Where and as whom, as options of the client.

sub options { @{$_[0]{options}} }


# The rows as references to arrays of strings; NULL is undef.

sub query {
    my ($self, $sql) = @_;

    my $in = File::Temp->new;
    my $err = File::Temp->new;

    binmode $in;
    print $in $sql;
    $in->flush;

    my $client = eval { find_program('mariadb') } // find_program('mysql');
    my @command = ($client, '--no-defaults', '--batch',
                   '--skip-column-names', $self->options, $self->{database});

    local $ENV{MYSQL_PWD} = $self->{password};

    my $pid = open(my $out, '-|') // croak "cannot fork: $!";

    if ($pid == 0) {
        open STDIN, '<', $in->filename;
        open STDERR, '>', $err->filename;
        exec { $client } @command or POSIX::_exit(127);
    }

    my @rows = map { chomp; [map { unescape($_) } split /\t/, $_, -1] } <$out>;

    close $out or croak 'query failed: ', slurp($err->filename);

    return @rows;
}


sub unescape {
    my ($field) = @_;

    return undef if $field eq 'NULL';
    return $field =~ s/\\([nt0\\])/$ESCAPES{$1}/gr;
}


# The first field of the first row.

sub value {
    my ($self, $sql) = @_;

    my ($row) = $self->query($sql);

    return $row && $row->[0];
}

1;
