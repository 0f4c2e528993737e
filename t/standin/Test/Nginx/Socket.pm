package Test::Nginx::Socket;

# Copyright (C) ngx_http_websocket_module authors

# A stand-in for the module of this name in OpenResty's Test::Nginx, for
# machines where that one cannot be installed.  It runs the same files and
# counts the same points, but offers only what the files in t/ use: a
# section that is not in the list below ends the run.  It is stricter in
# one thing: an nginx that does not quit, or not with status 0, fails.
#
# If TEST_NGINX_ERROR_LOG names a file, the error log of each block that is
# not a must_die is appended to it.

use Test::Base -base;

use List::Util qw(shuffle);
use Scalar::Util qw(looks_like_number);
use Test::Builder;
use Time::HiRes ();

use Test::Nginx::StandIn::Nginx qw(
    %Settings expand prepare start stop expect_death
    read_log skip_log log_wait
);
use Test::Nginx::StandIn::Request qw(requests exchange parse);

our @EXPORT = qw(
    plan run_tests repeat_each no_shuffle no_long_string no_root_location
    workers worker_connections master_on master_off master_process_enabled
    log_level timeout server_addr server_name server_port
    server_port_for_client server_root html_dir env_to_nginx
    config_preamble add_block_preprocessor add_cleanup_handler bail_out
);

my %SECTIONS = map { $_ => 1 } qw(
    config http_config main_config user_files log_level
    request pipelined_requests raw_request raw_request_middle_delay
    more_headers timeout abort wait
    error_code response_headers response_headers_like
    response_body response_body_like error_log no_error_log must_die
    SKIP ONLY LAST
);

my ($Shuffle, $RepeatEach) = (!$ENV{TEST_NGINX_NO_SHUFFLE}, 1);
my (@Preprocessors, @Cleanups);


sub setting {
    my ($name, @value) = @_;

    $Settings{$name} = $value[0] if @value;
    return $Settings{$name};
}

sub repeat_each (@)            { $RepeatEach = shift if @_; $RepeatEach }
sub workers (@)                { setting('workers', @_) }
sub worker_connections (@)     { setting('worker_connections', @_) }
sub log_level (@)              { setting('log_level', @_) }
sub timeout (@)                { setting('timeout', @_) }
sub server_addr (@)            { setting('server_addr', @_) }
sub server_name (@)            { setting('server_name', @_) }
sub server_port (@)            { setting('server_port', @_) }
sub server_port_for_client (@) { setting('server_port', @_) }
sub config_preamble ($)        { setting('config_preamble', @_) }
sub no_root_location ()        { setting('root_location', 0) }
sub master_on ()               { setting('master', 'on') }
sub master_off ()              { setting('master', 'off') }
sub server_root ()             { $Settings{server_root} }
sub html_dir ()                { "$Settings{server_root}/html" }
sub no_shuffle ()              { $Shuffle = 0 }
sub no_long_string ()          { }
sub env_to_nginx (@)           { push @{$Settings{env}}, @_ }
sub add_block_preprocessor (&) { unshift @Preprocessors, shift }
sub add_cleanup_handler ($)    { unshift @Cleanups, shift }

sub master_process_enabled (@) {
    setting('master', @_ ? $_[0] ? 'on' : 'off' : ());
}


sub bail_out (@) {
    stop();
    Test::More::BAIL_OUT(@_);
}


sub run_tests () {
    local $SIG{INT} = sub { exit 130 };
    local $SIG{TERM} = sub { exit 143 };

    for my $block ($Shuffle ? shuffle blocks() : blocks()) {
        for my $section (@{$block->_section_order}) {
            $SECTIONS{$section}
                or die $block->name,
                       ": the stand-in knows no section \"$section\"\n";
        }

        $_->($block) for @Preprocessors;

        $block->set_value(name => "$0 " . $block->name);
        run_block($block);
    }

    $_->() for @Cleanups;
    @Cleanups = ();
}


sub run_block {
    my ($block) = @_;

    my $name = $block->name;

    defined $block->config or die "$name: no config\n";

    prepare($block);

    return run_must_die($block) if defined $block->must_die;

    start($name);
    run_requests($block) for 1 .. $RepeatEach;
    stop_nginx($name);
}


sub run_must_die {
    my ($block) = @_;

    my $name = $block->name;
    my $expected = $block->must_die;

    for (1 .. $RepeatEach) {
        my $status = expect_death($name);

        if ($status & 127) {
            fail("$name: nginx died of a signal");

        } elsif (looks_like_number($expected)) {
            is($status >> 8, $expected, "$name: exit status");

        } else {
            isnt($status, 0, "$name: nginx must die");
        }

        check_log($block);
    }
}


sub run_requests {
    my ($block) = @_;

    my $name = $block->name;
    my @requests = requests($block);
    my $pipelined = $block->pipelined_requests;
    my $responses = $pipelined ? @$pipelined : 1;
    my $indexed = $pipelined || @requests > 1;
    my $index = 0;

    for my $request (@requests) {
        my ($bytes, $problem) = exchange($block, $request);

        fail_extra("$name: $problem") if $problem;

        for (1 .. $responses) {
            my ($res, $rest) = parse($bytes);

            fail_extra("$name: $res->{error}") if $res->{error};

            my $value = sub {
                value_of($block, $_[0], $indexed, $index);
            };

            check_status($name, $res, $value);
            check_headers($name, $res, $value);
            check_body($name, $res, $value);

            Time::HiRes::sleep($block->wait) if $block->wait;
            check_log($block);

            $bytes = $rest;
            $index++;
        }

        warn "$name: bytes after the response: ", length $bytes, "\n"
            if $bytes ne '';
    }
}


# What a section expects of the response to the request of this index.

sub value_of {
    my ($block, $section, $indexed, $index) = @_;

    my $value = $block->$section // return;

    return $value->[$index] if ref $value eq 'ARRAY';

    die $block->name, ": $section must be an array, as there are more ",
        "requests than one\n" if $indexed;

    return $value;
}


sub check_status {
    my ($name, $res, $value) = @_;

    is($res->{code}, $value->('error_code') // 200, "$name: status");
}


sub check_headers {
    my ($name, $res, $value) = @_;

    if (defined(my $text = $value->('response_headers'))) {
        my $expected = header_lines($text);

        for my $key (sort keys %$expected) {
            if (defined $expected->{$key}) {
                is(header($res, $key), $expected->{$key},
                   "$name: header $key");

            } else {
                ok(!exists $res->{headers}{lc $key}, "$name: no header $key");
            }
        }

    } elsif (defined($text = $value->('response_headers_like'))) {
        my $expected = header_lines($text);

        for my $key (sort keys %$expected) {
            like(header($res, $key), qr/^$expected->{$key}$/,
                 "$name: header $key");
        }
    }
}


# "Key: value" and "! Key" lines; the latter's value is undef.

sub header_lines {
    my ($text) = @_;

    my %headers;

    for (split /\n/, $text) {
        s/^\s+|\s+$//g;

        if (s/^!\s*//) {
            $headers{$_} = undef;

        } else {
            my ($key, $value) = split /\s*:\s*/, $_, 2;
            $headers{$key} = port_in($value);
        }
    }

    return \%headers;
}


sub header {
    my ($res, $key) = @_;

    return join ', ', @{$res->{headers}{lc $key} // []};
}


sub port_in {
    my ($text) = @_;

    $text =~ s/\$ServerPort(?:ForClient)?\b/$Settings{server_port}/g
        if defined $text;

    return $text;
}


sub check_body {
    my ($name, $res, $value) = @_;

    if (defined(my $expected = $value->('response_body'))) {
        if (ref $expected) {
            like($res->{body}, $expected, "$name: body");

        } else {
            is($res->{body}, expand(port_in($expected), $name),
               "$name: body");
        }

    } elsif (defined($expected = $value->('response_body_like'))) {
        $expected = port_in("$expected");
        like($res->{body}, qr/$expected/s, "$name: body");
    }
}


# Looks through what the log has got since the last look.  Lines that are
# expected may still be on their way, as may those that are not.

sub check_log {
    my ($block) = @_;

    my $name = $block->name;
    my @wanted = patterns($block->error_log);
    my @unwanted = patterns($block->no_error_log);

    return if !@wanted && !@unwanted;

    my $step = log_wait();
    my $left = 10;
    my $text;

    do {
        Time::HiRes::sleep($step);
        $text = read_log();
    } while ($left-- && grep { !find($text, $_) } @wanted);

    skip_log(length $text);

    for my $pattern (@wanted) {
        ok(defined find($text, $pattern), "$name: error log has \"$pattern\"");
    }

    for my $pattern (@unwanted) {
        my $line = find($text, $pattern);

        ok(!defined $line, "$name: error log has no \"$pattern\"")
            or diag("but has: $line");
    }
}


sub patterns {
    my ($section) = @_;

    return if !defined $section;
    return grep { defined } @$section if ref $section eq 'ARRAY';
    return ref $section ? $section : split /\n+/, $section;
}


sub find {
    my ($text, $pattern) = @_;

    $pattern = quotemeta $pattern if !ref $pattern;

    for my $line (split /^/, $text) {
        return $line if $line =~ /$pattern/;
    }

    return;
}


sub stop_nginx {
    my ($name) = @_;

    if (my $problem = stop()) {
        fail_extra("$name: $problem");
    }
}


# A failure beside the points that the file counts on.

sub fail_extra {
    my ($text) = @_;

    Test::Builder->new->no_ending(1);
    fail($text);
}


END {
    local $?;
    stop();
    $_->() for @Cleanups;
}

1;
