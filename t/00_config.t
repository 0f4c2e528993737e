# Copyright (C) ngx_http_websocket_module authors

# config and config.make, as nginx's configure reads them.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Process qw(find_program slurp spew);

my $top = abs_path(dirname(__FILE__) . '/..');
my $dir = tempdir(CLEANUP => 1);

# a checkout with two layers in it, and a configure that finds what it is told

make_path(map { "$dir/addon/$_" } qw(src/proto src/redis/lua src/mysql/sql));
symlink "$top/$_", "$dir/addon/$_" for qw(config config.make util);
spew("$dir/addon/$_", '') for qw(src/proto/ngx_ws_b.c src/proto/ngx_ws_a.c
                                 src/proto/ngx_ws_a.h src/redis/ngx_ws_r.c
                                 src/redis/lua/x.lua);

make_path("$dir/auto");
spew("$dir/auto/feature", <<'END');
case " $MISSING " in
    *" $ngx_feature_libs "*)  ngx_found=no ;;
    *)                        ngx_found=yes ;;
esac
END
spew("$dir/auto/module", <<'END');
echo "srcs" $ngx_module_srcs
echo "deps" $ngx_module_deps
echo "incs" $ngx_module_incs
echo "libs" $ngx_module_libs
END


sub configure {
    my (%env) = @_;

    my $set = join '', map { "$_='$env{$_}'\n" } keys %env;

    spew("$dir/configure", <<END);
NGX_OBJS=objs
NGX_MAKEFILE=Makefile
ngx_objext=o
USE_THREADS=YES
ngx_module_link=DYNAMIC
ngx_addon_dir=$dir/addon
$set
. \$ngx_addon_dir/config
> Makefile
. \$ngx_addon_dir/config.make
END

    my $out = qx(cd "$dir" && sh ./configure 2>&1);

    return ($? >> 8, $out =~ s{\Q$dir\E/addon/}{}gr);
}


my ($rc, $out) = configure();

is($rc, 0, 'configures');
my %got = $out =~ /^(\w+) (.*)$/gm;

is($got{srcs}, 'ngx_http_websocket_module.c src/proto/ngx_ws_a.c '
   . 'src/proto/ngx_ws_b.c src/redis/ngx_ws_r.c',
   'sources are what lies in src, in order');
is($got{deps}, 'src/proto/ngx_ws_a.h objs/ngx_ws_scripts.h objs/ngx_ws_sql.h',
   'headers and the embedded lists are dependencies');
like($out, qr{^incs src/proto .*src/redis}m, 'layers are include folders');
like($out, qr{^libs .*-Wl,--version-script=util/exports\.map$}m,
     'a shared object exports by a list');

my $make = slurp("$dir/Makefile");
like($make, qr{^objs/ngx_ws_scripts\.h:.*/x\.lua$}m, 'scripts are embedded');
like($make, qr{^objs/ngx_ws_sql\.h:.*embed\.sh *$}m,
     'and no statements, where there are none');
unlike($make, qr/CFLAGS/, 'no warnings but for developers');

($rc, $out) = configure(ngx_module_link => 'ADDON');
is($rc, 0, 'configures to be linked into nginx');
unlike($out, qr/version-script/, 'whose own exports stay');

configure(NGX_WS_WARNINGS => 'YES');
$make = slurp("$dir/Makefile");
like($make, qr{^objs/addon/proto/ngx_ws_a\.o:\tCFLAGS .*-Wconversion}m,
     "developers' warnings, more of them in proto");
like($make, qr{^objs/addon/redis/ngx_ws_r\.o:\tCFLAGS .*-Wshadow}m,
     'and in the rest');
unlike($make, qr{^objs/addon/redis/.*-Wconversion}m, 'not all of them');
like($make, qr{^objs/addon/addon/ngx_http_websocket_module\.o:\tCFLAGS}m,
     'the module itself is one of us');

for (
    ['-lhiredis', 'libhiredis-dev'],
    ['-ljson-c', 'libjson-c-dev'],
    ['-lz', 'zlib1g-dev'],
    ['-lcrypto', 'libssl-dev'],
) {
    my ($lib, $package) = @$_;

    ($rc, $out) = configure(MISSING => $lib);
    is($rc, 1, "without $lib there is no module");
    like($out, qr/^ngx_http_websocket_module: error: .*Debian: $package/m,
         "$package is named");
    is(() = $out =~ /error:/g, 1, 'and nothing else');
}

make_path("$dir/bin");
symlink find_program($_), "$dir/bin/$_" for qw(sed basename dirname cat);

($rc, $out) = configure(PATH => "$dir/bin");
is($rc, 1, 'without a MySQL client library there is no module');
like($out, qr/error: .*client library is missing .*libmariadb-dev/,
     'libmariadb-dev is named');

($rc, $out) = configure(USE_THREADS => 'NO');
is($rc, 1, 'without threads there is no module');
like($out, qr/error: threads are off.*--with-threads/, 'the option is named');

($rc, $out) = configure(USE_THREADS => 'NO', MISSING => '-lz -lcrypto');
is(() = $out =~ /error:/g, 3, 'all that is missing is named at once');

done_testing;
