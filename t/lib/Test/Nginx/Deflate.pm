package Test::Nginx::Deflate;

# Copyright (C) ngx_http_websocket_module authors

# The client's side of permessage-deflate (RFC 7692).  An object is a hash
# of the terms that the server has set:
#
#     server_no_context_takeover, client_no_context_takeover   1
#     server_max_window_bits, client_max_window_bits           8 to 15

use strict;
use warnings;

use Compress::Raw::Zlib qw(Z_OK Z_BUF_ERROR Z_SYNC_FLUSH);

my $TAIL = "\x00\x00\xff\xff";
my %TERMS = map { $_ => 1 } qw(server_no_context_takeover
                               client_no_context_takeover
                               server_max_window_bits
                               client_max_window_bits);


# From the value of Sec-WebSocket-Extensions in the response; undef if it
# is not a valid answer.

sub agree {
    my ($class, $value) = @_;

    my ($name, @params) = split /\s*;\s*/, $value;
    my %terms;

    return if $name ne 'permessage-deflate';

    for (@params) {
        my ($term, $bits) = /^(\w+)(?:=(8|9|1[0-5]))?$/ or return;

        return if !$TERMS{$term} || exists $terms{$term}
                  || ($term =~ /bits/ xor defined $bits);

        $terms{$term} = $bits // 1;
    }

    return bless { terms => \%terms }, $class;
}


sub terms { $_[0]{terms} }


# A message's payload, as it goes on the wire.

sub compress {
    my ($self, $payload) = @_;

    my $terms = $self->{terms};

    if (!$self->{deflater} || $terms->{client_no_context_takeover}) {
        my $bits = $terms->{client_max_window_bits} // 15;

        # zlib does not deflate raw data in a window of 256 bytes

        $self->{deflater} = Compress::Raw::Zlib::Deflate->new(
            -WindowBits => -($bits > 9 ? $bits : 9), -AppendOutput => 1);
    }

    my $out = '';

    $self->{deflater}->deflate($payload, $out);
    $self->{deflater}->flush($out, Z_SYNC_FLUSH);

    return $out =~ s/$TAIL\z//r;
}


sub decompress {
    my ($self, $payload) = @_;

    my $terms = $self->{terms};

    if (!$self->{inflater} || $terms->{server_no_context_takeover}) {
        my $bits = $terms->{server_max_window_bits} // 15;

        $self->{inflater} = Compress::Raw::Zlib::Inflate->new(
            -WindowBits => -$bits, -AppendOutput => 1, -ConsumeInput => 1);
    }

    my $in = $payload . $TAIL;
    my $out = '';
    my $status = $self->{inflater}->inflate($in, $out);

    $status == Z_OK || $status == Z_BUF_ERROR
        or die "a compressed message that does not inflate: $status\n";

    return $out;
}

1;
