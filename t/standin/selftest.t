# Copyright (C) ngx_http_websocket_module authors

# Tests the stand-in itself: what is right passes with the right number of
# points, what is wrong fails, and nothing is left running.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;

use lib dirname(__FILE__);
use Test::Nginx::StandIn::Request qw(parse);

my $here = File::Spec->rel2abs(dirname(__FILE__));
my $dir = tempdir(CLEANUP => 1);
my $root = "$dir/root";

delete @ENV{grep { /^TEST_NGINX_/ && $_ ne 'TEST_NGINX_BINARY' } keys %ENV};

{
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $@\n";

    $ENV{TEST_NGINX_PORT} = $socket->sockport;
    $ENV{TEST_NGINX_SERVROOT} = $root;
}


# The output of prove on a file.

sub prove {
    my ($file) = @_;

    return scalar qx("$^X" -S prove -v -I"$here" "$file" 2>&1);
}


# The same on a file that is made of a head and blocks.

sub prove_text {
    my ($head, $blocks) = @_;

    open my $out, '>', "$dir/x.t" or die "cannot write: $!\n";
    print $out "use Test::Nginx::Socket;\n$head\nrun_tests();\n",
               "__DATA__\n\n$blocks";
    close $out or die "cannot write: $!\n";

    return prove("$dir/x.t");
}


# A block whose expectation is not met must fail in the point of that name.

sub fails {
    my ($name, $sections, $like) = @_;

    my $out = prove_text('plan "no_plan";',
                         "=== $name\n--- config\n"
                         . "    location /a { return 200 hello; }\n"
                         . $sections);

    like($out, $like, $name);
    like($out, qr/^Result: FAIL$/m, "$name fails the file");
}


{
    my $out = prove("$here/sections.t");

    like($out, qr/^1\.\.106$/m, 'sections: plan');
    like($out, qr/^Files=1, Tests=106,/m, 'sections: points');
    like($out, qr/^Result: PASS$/m, 'sections: all pass');
    unlike($out, qr/uninitialized|WARN/, 'sections: no warning');
}


my $get = "--- request\nGET /a\n";

fails('status', "$get--- error_code: 201\n", qr/^not ok \d+ - .*status$/m);
fails('header', "$get--- response_headers\nX-A: b\n",
      qr/^not ok \d+ - .*header X-A$/m);
fails('no header', "$get--- response_headers\n! Content-Type\n",
      qr/^not ok \d+ - .*no header Content-Type$/m);
fails('header like', "$get--- response_headers_like\nContent-Length: \\d\\d\n",
      qr/^not ok \d+ - .*header Content-Length$/m);
fails('body', "$get--- response_body\nhello\n", qr/^not ok \d+ - .*body$/m);
fails('body like', "$get--- response_body_like: ^ello\n",
      qr/^not ok \d+ - .*body$/m);
fails('error_log', "$get--- error_log\nnothing of it\n",
      qr/^not ok \d+ - .*error log has "nothing of it"$/m);
fails('no_error_log', "$get--- no_error_log\nnginx/\n",
      qr/^not ok \d+ - .*error log has no "nginx\/"$/m);
fails('no start', "$get--- main_config\nworker_rlimit_core x;\n",
      qr/nginx did not start .*invalid value/s);
fails('must_die', "--- must_die\n", qr/^not ok \d+ - .*nginx must die$/m);
fails('must_die by number', "--- must_die: 2\n--- main_config\nfoo;\n",
      qr/^not ok \d+ - .*exit status$/m);
fails('time-out', "$get--- more_headers\nConnection: keep-alive\n"
      . "--- timeout: 50ms\n", qr/^not ok \d+ - .*the client timed out$/m);
fails('early close', '--- raw_request eval' . "\n"
      . '["GET /a HTTP/1.0\r\n\r\n", "x", "y", "z"]' . "\n"
      . "--- raw_request_middle_delay: 0.02\n",
      qr/^not ok \d+ - .*server closed before all parts were sent$/m);
fails('request missing', '', qr/: no request$/m);
fails('bad request line', "--- request\nGET /a HTTP/1.1 x\n",
      qr/: bad request line "GET/);
fails('unknown section', "$get--- response_bdoy\nhello\n",
      qr/knows no section "response_bdoy"/);
fails('variable not set', "$get--- main_config\nenv A=\$TEST_NGINX_NONE;\n",
      qr/TEST_NGINX_NONE is not in the environment/);
fails('arrays needed', "--- request eval\n['GET /a', 'GET /a']\n"
      . "--- error_code: 200\n", qr/error_code must be an array/);


# The process: several workers, the log of all blocks, crashes.

{
    local $ENV{TEST_NGINX_ERROR_LOG} = "$dir/all.log";

    my $out = prove_text(<<'HEAD', <<'BLOCKS');
plan tests => 6;
no_shuffle();
no_root_location();
master_on();
workers(2);
log_level('notice');
server_port($ENV{TEST_NGINX_PORT});
add_cleanup_handler(sub { print "# cleaned up\n" });
HEAD
=== TEST 1: workers
--- config
    location / { return 404; }
--- request
GET /
--- error_code: 404
--- error_log eval
['start worker process ', qr/start worker process \d+$/]

=== TEST 2: dies
--- config
    foo;
--- must_die

=== TEST 3: another
--- config
    location /a { return 200 "$pid"; }
--- request
GET /a
--- response_body_like: ^\d+$
BLOCKS

    like($out, qr/^Result: PASS$/m, 'master process and workers');
    like($out, qr/^# cleaned up$/m, 'cleanup handlers are called');

    open my $in, '<', "$dir/all.log" or die "no log of all blocks: $!\n";
    my $log = do { local $/; readline $in };

    like($log, qr/^=== .*TEST 1: workers$/m, 'log of the first block');
    like($log, qr/^=== .*TEST 3: another$/m, 'log of the last block');
    unlike($log, qr/TEST 2|emerg/, 'no log of must_die');
    is(() = $log =~ /: exit$/mg, 6, 'logs reach to the end of each process');
}


ok(!-e "$root/logs/nginx.pid", 'no pid file is left');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                          PeerPort => $ENV{TEST_NGINX_PORT}),
   'nothing is left that listens');


{
    my $block = "=== TEST 1: crash\n--- config\n"
              . "    location /a { return 200 \$pid; }\n$get"
              . "--- response_body_like: ^\\d+\$\n";

    my $out = prove_text('plan tests => 2; my $kill = sub { kill KILL => '
                         . '`cat ' . $root . '/logs/nginx.pid` };'
                         . '{ no warnings; *Test::Nginx::Socket::check_log'
                         . ' = $kill; }', $block);

    like($out, qr/^not ok 3 - .*nginx ended with signal 9$/m,
         'an nginx that crashes fails');
}


# Responses that nginx itself does not give.

{
    my ($res, $rest) = parse("HTTP/1.1 101 Switching Protocols\r\n"
                             . "Content-Length: 1\r\n\r\n\x81\x02hi\x88\0");

    is($res->{code}, 101, 'upgraded: status');
    is($res->{body}, "\x81\x02hi\x88\0", 'upgraded: all of the rest');
    is($rest, '', 'upgraded: nothing behind it');

    my $head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    ($res, $rest) = parse("${head}2\r\nab\r\nA \r\n0123456789\r\n0\r\n\r\nHT");

    is($res->{body}, 'ab0123456789', 'chunked: body');
    is($res->{error}, undef, 'chunked: no error');
    is($rest, 'HT', 'chunked: the rest');

    for my $bad ("2\r\nabc\r\n0\r\n\r\n", "2\r\na", "2\r\nab\r\n", "x\r\n") {
        ok((parse("$head$bad"))[0]{error}, 'chunked: malformed is noticed');
    }

    is((parse('nonsense'))[0]{code}, '', 'no response: no status');
}


done_testing();
