package Test::Nginx::StandIn::Request;

# Copyright (C) ngx_http_websocket_module authors

# Requests out of a block's sections, their exchange with the server, and
# the responses in parts.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Time::HiRes ();

use Test::Nginx::StandIn::Nginx qw(%Settings expand);

our @EXPORT_OK = qw(requests exchange parse);


# The block's requests, each a list of strings that are sent one by one.

sub requests {
    my ($block) = @_;

    my $name = $block->name;

    if (defined(my $raw = $block->raw_request)) {
        return [ref $raw ? @$raw : $raw];
    }

    if (my $list = $block->pipelined_requests) {
        ref $list eq 'ARRAY'
            or die "$name: pipelined_requests must be an array\n";

        my @texts = map {
            build($block, expand($list->[$_], $name), $_,
                  $_ == $#$list ? 'close' : 'keep-alive')
        } 0 .. $#$list;

        return [join '', @texts];
    }

    my $list = $block->request // die "$name: no request\n";

    if (!ref $list) {
        1 while $list =~ s/\A\s*#[^\n]+\s+|\A\s+//;
        $list = [$list];
    }

    return map { [build($block, $list->[$_], $_, 'close')] } 0 .. $#$list;
}


# A request line, of which only the method is compulsory, and what follows
# it as the body, made into a complete request.

sub build {
    my ($block, $text, $index, $connection) = @_;

    my $name = $block->name;

    die "$name: a request in packets is not known to the stand-in\n"
        if ref $text;

    my ($line, $body) = split /\n/, $text, 2;

    $line =~ /^\s*(\S+)(?: +(\S+)(?: +(\S+) *)?)?\s*$/
        or die "$name: bad request line \"$line\"\n";

    my ($method, $uri, $version) = ($1, $2 // '/', $3 // 'HTTP/1.1');
    my @headers = more_headers($block, $index);

    $body //= '';

    if ($body ne ''
        && !grep { /^Content-Length:|^(?i:Transfer-Encoding: )chunked$/ }
                 @headers)
    {
        $body =~ s/\A\s+|\s+\z//g;
        push @headers, 'Content-Length: ' . length $body;
    }

    unshift @headers, "Connection: $connection"
        if !grep { /^Connection/i } @headers;
    unshift @headers, "Host: $Settings{server_name}"
        if !grep { /^Host:/i } @headers;

    return join "\r\n", "$method $uri $version", @headers, '', $body;
}


sub more_headers {
    my ($block, $index) = @_;

    my $text = $block->more_headers // '';

    if (ref $text) {
        $text = $text->[$index]
            // die $block->name, ": more_headers lacks entry $index\n";
    }

    return map { /^([^:]*):?\s*(.*)$/s ? "$1: $2" : () }
           grep { /\S/ && !/^\s*#/ } split /\n+/, $text;
}


# Sends the parts of one request over a new connection and gives all that
# comes back until the server closes.  The second value tells what went
# wrong, if anything: a client that gives up is fine under "abort"; a server
# that closes while there is more to send is not, as OpenResty's module dies
# of a SIGPIPE then.

sub exchange {
    my ($block, $parts) = @_;

    my $name = $block->name;
    my $delay = $block->raw_request_middle_delay;
    my $timeout = seconds($block->timeout) // $Settings{timeout};

    my $socket = IO::Socket::INET->new(PeerAddr => $Settings{server_addr},
                                       PeerPort => $Settings{server_port},
                                       Timeout => $timeout)
        or die "$name: cannot connect: $@\n";

    local $SIG{PIPE} = 'IGNORE';

    $socket->blocking(0);

    my $select = IO::Select->new($socket);
    my @parts = @$parts;
    my $out = shift @parts;
    my $early = 'the server closed before all parts were sent';
    my $in = '';

    for ( ;; ) {
        my ($readable, $writable)
            = IO::Select->select($select, defined $out ? $select : undef,
                                 undef, $timeout)
            or return $in, defined $block->abort ? ''
                                                 : 'the client timed out';

        if (@$readable) {
            my $n = sysread $socket, $in, 65536, length $in;

            if (!defined $n && !$!{EAGAIN} && !$!{EINTR}) {
                warn "$name: read failed: $!\n";
                $n = 0;
            }

            return $in, @parts ? $early : '' if defined $n && $n == 0;
        }

        next if !@$writable;

        my $n = syswrite $socket, $out;

        if (defined $n) {
            substr $out, 0, $n, '';

        } elsif (!$!{EAGAIN} && !$!{EINTR}) {
            return $in, $early;
        }

        if ($out eq '') {
            $out = shift @parts;
            Time::HiRes::sleep($delay) if $delay && defined $out;
        }
    }
}


# "2", "2s", "200ms"

sub seconds {
    my ($time) = @_;

    return if !defined $time;
    return $time =~ /^(.*\d)ms$/ ? $1 / 1000 : $time =~ s/s$//r;
}


# The first response in the bytes, as { code, head, headers, body, error },
# and what follows it.  Without any, code is empty.

sub parse {
    my ($bytes) = @_;

    my %res = (code => '', head => '', headers => {}, body => '');

    $bytes =~ s/\A(HTTP\S+ (\d+).*?\r\n)\r\n//s or return \%res, '';

    @res{qw(head code)} = ($1, $2);

    my (undef, @lines) = split /\r\n/, $res{head};

    for (@lines) {
        my ($key, $value) = /^([^:\s]+)\s*:\s*(.*?)\s*$/ or next;
        push @{$res{headers}{lc $key}}, $value;
    }

    my $get = sub { $res{headers}{$_[0]} ? $res{headers}{$_[0]}[0] : '' };

    if ($res{code} == 101 || $res{code} == 304) {
        $res{body} = $bytes;
        return \%res, '';
    }

    if ($get->('transfer-encoding') eq 'chunked') {
        @res{qw(body error)} = unchunk(\$bytes);

    } elsif ($get->('content-length') =~ /^(\d+)$/) {
        $res{body} = substr $bytes, 0, $1, '';

    } else {
        ($res{body}, $bytes) = ($bytes, '');
    }

    return \%res, $bytes;
}


sub unchunk {
    my ($bytes) = @_;

    my $body = '';

    while ($$bytes =~ s/\A[ \t]*([0-9a-fA-F]+)[ \t]*\r\n//) {
        my $size = hex $1;

        if ($size == 0) {
            return $body if $$bytes =~ s/\A(?:[^\r\n]+\r\n)*\r\n//;
            last;
        }

        last if length $$bytes < $size + 2;

        $body .= substr $$bytes, 0, $size, '';
        last if substr($$bytes, 0, 2, '') ne "\r\n";
    }

    return $body, 'the chunked body is cut off or malformed';
}

1;
