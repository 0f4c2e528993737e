# Copyright (C) ngx_http_websocket_module authors

# util/embed.sh: what is embedded comes out of the compiler byte for byte.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Process qw(slurp spew);

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);

my %texts = (
    id_block => "-- KEYS[1]\n\nreturn redis.call(\"incr\", KEYS[1])\n",
    odd      => "\\n \\\\ \"'%s%%'\t??= ??/ \x01 \xd0\xb9 \x7f\n  \n\\\n",
    short    => "\n",
);


sub embed {
    my (@files) = @_;

    my $out = qx(sh "$top/util/embed.sh" lua @files 2>&1);

    return ($? >> 8, $out);
}


my @files = map { spew("$dir/$_.lua", $texts{$_}); "$dir/$_.lua" }
            sort keys %texts;

my ($rc, $header) = embed(@files);
is($rc, 0, 'files are embedded');
spew("$dir/scripts.h", $header);

spew("$dir/print.c", <<'END');
#include <stdio.h>
#include <string.h>
#include "scripts.h"
#define show(name)  { #name, ngx_ws_lua_##name, sizeof(ngx_ws_lua_##name) - 1 },
static struct { const char *name, *text; size_t len; } list[] = {
    NGX_WS_LUA_LIST(show)
    { NULL, NULL, 0 }
};
int main(int argc, char **argv)
{
    int i;
    for (i = 0; list[i].name; i++) {
        if (argc == 1) puts(list[i].name);
        else if (strcmp(list[i].name, argv[1]) == 0)
            fwrite(list[i].text, 1, list[i].len, stdout);
    }
    return 0;
}
END

is(system("gcc -Wall -Werror -std=c99 -o $dir/print $dir/print.c"), 0,
   'the header compiles, trigraphs and all');
is(qx($dir/print), "id_block\nodd\nshort\n", 'the list has the names');
is(qx($dir/print $_), $texts{$_}, "$_ is the same") for sort keys %texts;

spew("$dir/whole.lua", "--@ id_block\nreturn id_block({ 'ids' }, {})\n");
($rc, $header) = embed("$dir/whole.lua");
is($rc, 0, 'a script with a part');
spew("$dir/scripts.h", $header);
is(system("gcc -Wall -Werror -std=c99 -o $dir/print $dir/print.c"), 0,
   'compiles');
is(qx($dir/print whole), "local function id_block(KEYS, ARGV)\n"
                         . $texts{id_block} . "end\n"
                         . "return id_block({ 'ids' }, {})\n",
   'the part is a function in it');

spew("$dir/whole.lua", "--@ none\n");
($rc, $header) = embed("$dir/whole.lua");
isnt($rc, 0, 'a part that is not there is refused');
like($header, qr/whole\.lua: no part "none"/, 'and named');

($rc, $header) = embed();
is($rc, 0, 'no files are fine');
spew("$dir/scripts.h", $header);
is(system("gcc -Wall -Werror -o $dir/print $dir/print.c"), 0,
   'an empty list compiles');
is(qx($dir/print), '', 'and is empty');

spew("$dir/cut.lua", 'return 1');
($rc, $header) = embed("$dir/cut.lua");
isnt($rc, 0, 'a file that ends within a line is refused');
like($header, qr/cut\.lua: no newline at end of file/, 'and named');

done_testing;
