#!/usr/bin/env perl

# Copyright (C) ngx_http_websocket_module authors

# Whether the documents say what the code has, no less and no more:
#
#     util/doccheck.pl [TOP]
#
# Directives with syntax, contexts and default, variables, routes, events,
# errors and metrics in README.md and docs/*.md; directives in conf.example.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

my %time = ('' => 1, ms => 1, s => 1e3, m => 6e4, h => 36e5);
my %size = ('' => 1, k => 1024, m => 1024 * 1024);

my $top = shift // abs_path(dirname($0) . '/..');
my @problems;

my $module = slurp('ngx_http_websocket_module.c');
my $example = slurp('conf.example') =~ s/^\s*#.*$//mgr;
my $docs = join "\n", map { slurp($_) } 'README.md',
                      map { s{^\Q$top\E/}{}r } sort glob "$top/docs/*.md";

directives();
variables();
routes();
events();
errors();
metrics();

print "doccheck: $_\n" for @problems;
exit(@problems ? 1 : 0);


sub slurp {
    my ($name) = @_;

    open my $in, '<', "$top/$name" or die "$name: $!\n";
    local $/;

    return scalar readline $in;
}


# The names that stand here and not there, on either side.

sub compare {
    my ($what, $code, $documented) = @_;

    push @problems, "no $what in the code" if !%$code;

    for (sort keys %$code) {
        push @problems, "$what $_ is not documented" if !$documented->{$_};
    }

    for (sort keys %$documented) {
        push @problems, "$what $_ is documented and does not exist"
            if !$code->{$_};
    }
}


# { name => what follows the heading }

sub sections {
    my ($pattern) = @_;

    return map { /^#+ `?($pattern)`?\n(.*)/s ? ($1 => $2) : () }
           split /^(?=#)/m, $docs;
}


sub directives {
    my ($table) = $module =~ /ngx_command_t\s+\w+\[\] = \{(.*?)\n\};/s;
    my %documented = sections(qr/websocket\w*/);
    my ($list) = slurp('README.md') =~ /^## Directives\n(.*?)^## /ms;
    my %code;

    while ($table =~ /\{ ngx_string\("(\w+)"\),(.*?) \}/gs) {
        my ($name, $row) = ($1, $2);

        $code{$name} = 1;

        check_directive($name, $row, $documented{$name})
            if $documented{$name};

        push @problems, "directive $name is not in the list of README.md"
            if $list !~ /`\Q$name\E`/;
        push @problems, "directive $name is not in conf.example"
            if $example !~ /^\s*\Q$name\E[\s;]/m;
    }

    compare('directive', \%code, \%documented);

    for (sort map { /^\s*(websocket\w*)/mg } $example) {
        push @problems, "conf.example has $_, which does not exist"
            if !$code{$_};
    }
}


sub check_directive {
    my ($name, $row, $text) = @_;

    my %context = (NGX_HTTP_MAIN_CONF => 'http', NGX_HTTP_SRV_CONF => 'server',
                   NGX_HTTP_LOC_CONF => 'location');

    my $want = join ', ', map { $row =~ /\b$_\b/ ? $context{$_} : () }
               qw(NGX_HTTP_MAIN_CONF NGX_HTTP_SRV_CONF NGX_HTTP_LOC_CONF);

    my ($syntax, $default, $place) =
        $text =~ /^\*syntax:\*[ ]`(.+)`\\\n\*default:\*[ ](.+)\\\n
                   \*context:\*[ ](.+)\n/mx;

    if (!defined $place) {
        push @problems, "$name lacks syntax, default and context";
        return;
    }

    push @problems, "$name is for \"$want\", not for \"$place\""
        if $place ne $want;
    push @problems, "$name has a syntax of another name"
        if $syntax !~ /^\Q$name\E\b/;

    my $value = merged($row);
    my ($said) = $default =~ /^`\Q$name\E (.*);?`$/;

    return if !defined $value;

    my $unit = $row =~ /size_slot/ ? \%size : \%time;

    if (!defined $said || number($said, $unit) != $value) {
        push @problems, "$name is $value by default, not $default";
    }

    my ($shown) = $example =~ /^\s*\Q$name\E\s+([^;]+);/m;

    push @problems, "$name has another value in conf.example"
        if defined $shown && number($shown, $unit) != $value;
}


# The default of a directive that is a slot: a number, times in ms.

sub merged {
    my ($row) = @_;

    my ($field) = $row =~ /offsetof\(\w+, (\w+\.\w+)\)/ or return;
    my ($value) = $module =~ /ngx_conf_merge_\w+\(conf->\Q$field\E,
                              \s*prev->\Q$field\E,\s*([\d *]+)\)/x
        or return;

    return eval $value;
}


sub number {
    my ($text, $unit) = @_;

    return $text eq 'on' ? 1 : 0 if $text =~ /^(?:on|off)$/;
    return $text =~ /^(\d+)(\w*)$/ && $unit->{$2} ? $1 * $unit->{$2} : -1;
}


sub variables {
    my $source = slurp('src/http/ngx_http_websocket_variables.c');

    compare('variable',
            { map { ("\$$_" => 1) }
              $source =~ /\{ ngx_string\("(\w+)"\)/g },
            { map { ($_ => 1) } $docs =~ /^\| `(\$websocket_\w+)` \|/mg });
}


sub routes {
    my $source = slurp('src/http/ngx_http_websocket_route.c');

    compare('route',
            { map { ($_ => 1) } pairs(
              $source =~ /\{ NGX_HTTP_(\w+),\s+ngx_string\("([^"]+)"\)/g) },
            { map { ($_ => 1) }
              $docs =~ /^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|/mg });
}


sub pairs {
    my @pairs;

    while (my ($method, $path) = splice @_, 0, 2) {
        push @pairs, "$method $path";
    }

    return @pairs;
}


# What a client may send is a table; what it gets are the names in sources and
# scripts.

sub events {
    my $table = slurp('src/session/ngx_ws_event.c');
    my ($rows) = $table =~ /ngx_ws_events\[\] = \{(.*?)\n\};/s;
    my $name = qr/(?:auth|message|notification|broadcast|user|channel)
                  :[a-z-]+|authenticated|error/x;
    my %server = map { ($_ => 1) } $rows =~ /ngx_string\("([^"]+)"\)/g;
    my %client;

    for (glob "$top/src/*/*.c $top/src/redis/lua/*.lua") {
        my $text = slurp(s{^\Q$top\E/}{}r);
        $client{$_} = 1 for $text =~ /["']($name)["'\\]/g;
    }

    my %documented = map { my ($to, $rows) = @$_;
                           ($to => { map { ($_ => 1) }
                                     $rows =~ /^\| `([\w:-]+)` \|/mg }) }
                     map { [/^#+ To the (\w+)\n(.*)/s] }
                     grep { /^#+ To the / } split /^(?=#)/m, $docs;

    compare('event', \%server, $documented{server} // {});

    # what goes to both sides under one name is seen there only
    delete @client{grep { !$documented{client}{$_} } keys %server};

    compare('event to the client', \%client, $documented{client} // {});
}


sub errors {
    my $source = slurp('src/proto/ngx_ws_error.h');
    my ($list) = $source =~ /#define NGX_WS_ERRORS\(X\)(.*?)\n\n\n/s;
    my %code;

    $list =~ s/\\\n\s*/ /g;

    while ($list =~ /X\((\w+), (\d+), (\d+), "(\w+)",\s+"([^"]*)"\)/g) {
        $code{"$2 | $3 | `$4` | $5"} = 1 if $1 ne 'OK';
    }

    compare('error', \%code,
            { map { ($_ => 1) }
              $docs =~ /^\| (\d{3} \| \d{4} \| `\w+` \| [^|]*?) \|$/mg });
}


sub metrics {
    my $source = slurp('src/base/ngx_ws_metrics.h');
    my ($list) = $source =~ /#define NGX_WS_METRICS\(X\)(.*?)\n\n\n/s;
    my %code;

    $list =~ s/\\\n\s*/ /g;

    while ($list =~ /X\(\w+,\s*(\w+),\s*"(\w+)",\s*(NULL|"\w+"),\s*[^,]*,
                     \s*"([^"]*)"\)/gx)
    {
        my $label = $3 eq 'NULL' ? '' : '{' . $3 =~ tr/"//dr . '}';
        my $type = $1 eq 'COUNTER' ? 'counter' : 'gauge';

        $code{"`websocket_$2$label` | $type | $4"} = 1;
    }

    compare('metric', \%code,
            { map { ($_ => 1) }
              $docs =~ /^\| (`websocket_[^`|]+` \| \w+ \| [^|]*?) \|$/mg });
}
