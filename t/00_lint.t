# Copyright (C) ngx_http_websocket_module authors

# The checks of sources and logs find what they are for.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Process qw(slurp spew);

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);


sub run {
    my (@command) = @_;

    my $out = qx(@command 2>&1);

    return ($? ? 1 : 0, $out);
}


# layers: each file and the one complaint that it is due

sub layers {
    my ($name, $text) = @_;

    system('rm', '-rf', "$dir/src");
    make_path(map { "$dir/src/$_" } qw(proto base core redis mysql service
                                       session http));
    spew("$dir/src/$_", "\n") for qw(proto/ngx_ws_eio.h core/ngx_ws_send.h
        redis/ngx_ws_redis.h mysql/ngx_ws_mysql.h
        mysql/ngx_ws_mysql_client.h base/ngx_ws_metrics.h
        service/ngx_ws_bus.h session/ngx_ws_event.h
        http/ngx_http_websocket.h);
    spew("$dir/src/$name", $text);

    return run("$top/util/layers.sh", "$dir/src");
}

for (
    ['proto/a.c', '#include <ngx_ws_eio.h>', ''],
    ['core/a.c', '#include <ngx_ws_eio.h>', ''],
    ['http/a.c', "#include <ngx_ws_bus.h>\n#include <ngx_http.h>", ''],
    ['session/a.c', "#include <ngx_ws_scripts.h>", ''],
    ['redis/a.c', '#include <hiredis/async.h>', ''],
    ['core/a.c', '/* as in ngx_http_core_module */', ''],
    ['proto/a.c', '#include <ngx_ws_metrics.h>', 'must not include base'],
    ['core/a.c', '#include <ngx_ws_bus.h>', 'must not include service'],
    ['core/a.c', '#include <ngx_ws_redis.h>', 'must not include redis'],
    ['mysql/a.c', '#include <ngx_ws_redis.h>', 'must not include redis'],
    ['service/a.c', '#include <ngx_ws_event.h>', 'must not include session'],
    ['session/a.h', '#  include "ngx_http_websocket.h"',
     'must not include http'],
    ['core/a.c', '#include <ngx_ws_nothing.h>', 'no such header'],
    ['redis/a.h', '#include <hiredis/async.h>', 'hiredis is for the sources'],
    ['service/a.c', '#include <hiredis/async.h>', 'hiredis is for'],
    ['mysql/a.c', '#include <mysql.h>', 'mysql.h is for ngx_ws_mysql_'],
    ['mysql/a.c', '#include <ngx_ws_mysql_client.h>', 'client.h is for'],
    ['mysql/ngx_ws_mysql_execute.c', '#include <ngx_ws_mysql_client.h>', ''],
    ['mysql/ngx_ws_mysql_execute.c', '#include <ngx_event.h>',
     'must not be included here'],
    ['service/a.c', '#include <json-c/json.h>', 'ngx_ws_json.c alone'],
    ['session/a.c', '#include <ngx_http.h>', 'is for http alone'],
    ['proto/a.c', '#include <ngx_event.h>', 'must not be included here'],
    ['proto/a.c', "/* x */ ngx_connection_t *c;", 'must not mention'],
    ['proto/a.c', "/* x\n*/ ngx_log_error(1);", 'must not mention'],
    ['session/a.c', 'ngx_http_request_t *r;', 'must not mention'],
    ['core/ngx_ws_eio.h', '', 'another file of this name'],
) {
    my ($name, $text, $complaint) = @$_;
    my ($rc, $out) = layers($name, "$text\n");

    is($rc, $complaint ? 1 : 0, "layers: $name: " . $text =~ s/\n/ /gr);
    like($out, $complaint ? qr/$complaint/ : qr/^$/, 'and says so');
}


# style

my $head = "\n/*\n * Copyright (C) x\n */\n\n\n";

sub style {
    my ($text) = @_;

    spew("$dir/ngx_ws_x.c", "$head$text");

    return run("$top/util/style.pl", "$dir/ngx_ws_x.c");
}

for (
    ["static void ngx_ws_x(void);\n\n\nstatic void\nngx_ws_x(void)\n{\n}\n",
     0, qr/^0 errors, 0 advices/],
    ["int  a;\tint  b;\n", 1, qr/error: tab/],
    ['/* ' . 'x' x 77 . "\n", 1, qr/error: over 79 columns/],
    ["int  a; // x\n", 0, qr{advice: // comment}],
    ["int\nngx_ws_x(void)\n{\n    if(a) {\n    }\n}\n", 0,
     qr/advice: no space before \(/],
    ["int\nngx_ws_x(void)\n{\n    if (a) {\n        b;\n    } else {\n    }\n}\n",
     0, qr/advice: an empty line before else/],
    ["int\nngx_ws_x(void)\n{\n    if (a\n        && b) {\n    }\n}\n", 0,
     qr/advice: the brace after a wrapped condition/],
    ["int\nngx_ws_x(void)\n{\n    ngx_log_error(NGX_LOG_ERR, log, 0,\n"
     . "                  \"Bad \\\"%V\\\"\", &a);\n}\n", 0,
     qr/advice: log text begins with a capital/],
    ["static int\nngx_ws_x(void)\n{\n}\n", 0,
     qr/advice: static without a prototype: ngx_ws_x/],
    ["int  a;\nint\nngx_ws_x(void)\n{\n}\n", 0, qr/advice: two empty lines/],
    ["int\nngx_ws_x(void)\n{\n" . "    a;\n" x 125 . "}\n", 0,
     qr/advice: ngx_ws_x\(\) has over 120 lines/],
) {
    my ($text, $want, $like) = @$_;
    my ($rc, $out) = style($text);

    is($rc, $want, "style: $like");
    like($out, $like, 'and says so');
}


# logs

for (
    ["1 [notice] x\n1 [error] no [alarm]\n", 0],
    ["1 [alert] 1#1: worker process 7 exited on signal 9\n", 0],
    ["1 [alert] 1#1: worker process 7 exited on signal 11\n", 1],
    ["1 [emerg] x\n", 1],
    ["==7==ERROR: AddressSanitizer: heap-use-after-free\n", 1],
    ["src/core/ngx_rbtree.c:7:1: runtime error: x\n", 0],
    ["/x/src/core/ngx_ws_send.c:7:1: runtime error: x\n", 1],
    ["==7== Invalid read of size 1\n", 1],
    ["\nDirect leak of 7 byte(s)\n    #0 0x1 in malloc\n"
     . "    #1 0x2 in ngx_ws_x src/x.c\n\n", 1],
    ["\nDirect leak of 7 byte(s)\n    #0 0x1 in malloc\n"
     . "    #1 0x2 in ngx_alloc\n    #2 0x3 in main src/core/nginx.c:7\n\n",
     0],
) {
    my ($text, $want) = @$_;

    spew("$dir/error.log", $text);
    my ($rc, $out) = run("$top/util/logs.sh", "$dir/error.log");

    is($rc, $want, "logs: " . $text =~ s/\n/ /gr);
    is(-s "$dir/error.log", 0, 'and empties the file');
}



# documents: a copy of ours, with one thing changed

for (
    ['README.md', '', '', ''],
    ['ngx_http_websocket_module.c', 'websocket_zone', 'websocket_area',
     'directive websocket_area is not documented'],
    ['ngx_http_websocket_module.c', 'session.send_queue, 1024 \* 1024',
     'session.send_queue, 1024', 'websocket_send_queue is 1024 by default'],
    ['README.md', '`websocket_zone`', '', 'websocket_zone is not in the list'],
    ['docs/directives.md', '### websocket_zone', '### websocket_area',
     'websocket_area is documented and does not exist'],
    ['docs/directives.md', '`websocket_ping_timeout 20s`',
     '`websocket_ping_timeout 25s`', 'websocket_ping_timeout is 20000 by'],
    ['docs/directives.md', '(?<=context:\* )http, server, location', 'http',
     'is for "http, server, location", not for "http"'],
    ['conf.example', 'websocket_compression +off;', '',
     'websocket_compression is not in conf.example'],
    ['conf.example', 'websocket_typing_ttl +30s', 'websocket_typing_ttl 31s',
     'another value in conf.example'],
    ['docs/operating.md', '`\$websocket_user_id`', '`$websocket_user`',
     'variable .websocket_user is documented'],
    ['docs/api.md', '`GET stats`', '`GET statistics`',
     'route GET stats is not documented'],
    ['src/session/ngx_ws_event.c', '"message:group"', '"message:crowd"',
     'event message:crowd is not documented'],
    ['docs/api.md', '\\| `user:offline` ', '| `user:gone` ',
     'to the client user:offline is not documented'],
    ['docs/api.md', '429 \\| 1008', '429 | 1013',
     '1008 . `throttled` .* is not documented'],
    ['src/base/ngx_ws_metrics.h', '"redis_up"', '"redis_well"',
     'metric `websocket_redis_well` .* is not documented'],
) {
    my ($name, $what, $with, $complaint) = @$_;

    system("rm -rf $dir/copy && mkdir $dir/copy && cd $top && cp -r src docs"
           . " README.md conf.example ngx_http_websocket_module.c $dir/copy");

    my $text = slurp("$dir/copy/$name");
    $text =~ s/$what/$with/ or die "no $what in $name" if $what;
    spew("$dir/copy/$name", $text);

    my ($rc, $out) = run("$top/util/doccheck.pl", "$dir/copy");

    is($rc, $complaint ? 1 : 0, "documents: $name: $what");
    like($out, $complaint ? qr/$complaint/ : qr/^$/, 'and says so');
}

done_testing;
