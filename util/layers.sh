#!/bin/sh
# Checks that includes point down only and that foreign libraries stay where
# they belong: layers.sh [SRC]. Prints what is wrong, fails if anything is.

set -eu

LC_ALL=C
export LC_ALL

cd "$(dirname "$0")/.."

src=${1:-src}

# shellcheck disable=SC2016
find "$src" -name '*.[ch]' | sort | xargs awk '
function wrong(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}

# what is left of a line without its comments
function code(line,    out, i) {
    out = ""
    while (line != "") {
        if (comment) {
            i = index(line, "*/")
            if (i == 0) return out
            line = substr(line, i + 2)
            comment = 0
        } else {
            i = index(line, "/*")
            if (i == 0) return out line
            out = out substr(line, 1, i - 1)
            line = substr(line, i + 2)
            comment = 1
        }
    }
    return out
}

function included(name,    n) {
    if (name == "ngx_ws_mysql_client.h" \
        && file !~ /^ngx_ws_mysql_(link|execute)\.c$/)
    {
        wrong(name " is for ngx_ws_mysql_link.c and _execute.c alone")
    }

    if (name in folder) {
        if (index(" " may[layer] " ", " " folder[name] " ") == 0)
            wrong(layer " must not include " folder[name] ": " name)
        return
    }

    if (name ~ /^ngx_ws_(scripts|sql)\.h$/)
        return

    if (name ~ /^ngx_(ws|http_websocket)/)
        wrong("no such header: " name)
    else if (name ~ /^hiredis\//) {
        if (layer != "redis" || !source)
            wrong("hiredis is for the sources in redis alone")
    } else if (name ~ /^(mysql|mysqld_error|errmsg)\.h$/) {
        if (file != "ngx_ws_mysql_client.h")
            wrong(name " is for ngx_ws_mysql_client.h alone")
    } else if (name ~ /^json-c\//) {
        if (file != "ngx_ws_json.c")
            wrong("json-c is for ngx_ws_json.c alone")
    } else if (name ~ /^ngx_http/) {
        if (layer != "http")
            wrong(name " is for http alone")
    } else if (name ~ /^ngx_event/) {
        if (layer ~ /^(proto|base)$/ \
            || file ~ /^ngx_ws_mysql_(link|execute|task)\.c$/)
        {
            wrong(name " must not be included here")
        }
    }
}

BEGIN {
    may["proto"] = "proto"
    may["base"] = "base proto"
    may["core"] = "core base proto"
    may["redis"] = "redis base"
    may["mysql"] = "mysql base"
    may["service"] = "service core redis mysql base proto"
    may["session"] = "session " may["service"]
    may["http"] = "http " may["session"]

    words["proto"] = "ngx_connection_t|ngx_event_t|ngx_cycle|" \
                     "ngx_current_msec|ngx_time|ngx_timeofday|" \
                     "ngx_log_error|ngx_log_debug[0-9]*|ngx_http_[a-z_]+"
    words["base"] = "ngx_connection_t|ngx_event_t|ngx_http_[a-z_]+"

    for (i = 1; i < ARGC; i++) {
        n = split(ARGV[i], path, "/")
        if (ARGV[i] ~ /\.h$/) folder[path[n]] = path[n - 1]
        if (path[n] in seen) {
            printf "%s: there is another file of this name\n", ARGV[i]
            bad = 1
        }
        seen[path[n]] = 1
    }
}

FNR == 1 {
    comment = 0
    n = split(FILENAME, path, "/")
    file = path[n]
    layer = path[n - 1]
    source = file ~ /\.c$/
    if (!(layer in may)) wrong("not a layer: " layer)
}

{
    line = code($0)

    if (line ~ /^#[ \t]*include/) {
        name = line
        gsub(/^#[ \t]*include[ \t]*[<"]|[>"].*$/, "", name)
        included(name)
        next
    }

    word = layer in words ? words[layer] : "ngx_http_[a-z_]+"
    if (layer != "http" \
        && match(" " line " ", "[^A-Za-z0-9_](" word ")[^A-Za-z0-9_]"))
    {
        wrong(layer " must not mention " \
              substr(" " line, RSTART + 1, RLENGTH - 2))
    }
}

END { exit bad }
'
