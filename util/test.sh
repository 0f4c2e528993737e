# shellcheck shell=bash

# The tests, part by part. Read by ./dev. Each part adds lines "PASSED
# FAILED" to $results; their sum is the last line of ./dev test. Before it
# stands once more what has failed: $failures, at most so many lines of each.

needs_test=(
    clang=clang
    "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer*.a=libclang-rt-dev"
    shellcheck=shellcheck
    prove=perl
    /usr/share/perl5/Test/Base.pm=libtest-base-perl
    /usr/share/perl5/IO/Socket/SSL.pm=libio-socket-ssl-perl
    openssl=openssl
    curl=curl
    chromium=chromium
)

parts=(lint build unit fuzz standin t e2e)

failure_lines=20
failures_lines=400

fuzz_seconds=3
e2e_seconds=600

# what nginx and the unit tests are run under: valgrind; how these are built
under=
unit_out=$build/unit
unit_options=()


# cmd_test [PART|FILE ...]

cmd_test() {
    if [ $# -eq 0 ]; then
        set -- "${parts[@]}"
    fi

    begin_test
    run_parts "$@"
    sum_up
}


# run_parts PART|FILE ...: the files of a part together, one after another
# the parts

run_parts() {
    local what part order=() files
    local -A given=()

    for what; do
        if [[ " ${parts[*]} " == *" $what "* ]]; then
            part=$what
            what=
        else
            what=$(from_top "$what")
            part=$(part_of "$what")
        fi

        [ -n "${given[$part]+x}" ] || order+=("$part")
        given[$part]+=" $what"
    done

    for part in "${order[@]}"; do
        read -r -a files <<< "${given[$part]}"
        run_part "$part" "${files[@]}"
    done
}


sum_up() {
    if [ -s "$failures" ]; then
        say "what has failed"
        head -n "$failures_lines" "$failures"
    fi

    awk '{ p += $1; f += $2 }
         END { printf "%d passed, %d failed\n", p, f; exit f > 0 }' "$results"
}


begin_test() {
    ensure_packages "${needs_build[@]}" "${needs_run[@]}" "${needs_node[@]}" \
        "${needs_test[@]}"

    work=$(mktemp -d "${TMPDIR:-/tmp}/ws-test.XXXXXX")
    mkdir "$work/logs"
    trap 'end_test' EXIT
    trap 'exit 1' INT TERM HUP

    called_in=$PWD
    cd "$top"

    group=
    results=$work/results
    : > "$results"
    failures=$work/failures
    : > "$failures"
}


end_test() {
    local i

    trap '' INT TERM HUP

    if [ -n "$group" ] && kill -TERM -- "-$group" 2> /dev/null; then
        for (( i = 0; i < 200; i++ )); do
            kill -0 -- "-$group" 2> /dev/null || break
            sleep 0.1
        done
    fi

    run_dir=$work/stores
    stop_servers
    rm -rf "$work"
}


# a file that was named where we were called

from_top() {
    (cd "$called_in" && realpath --relative-to="$top" "$1")
}


part_of() {
    case $1 in
        t/unit/*_test.c)
            echo unit
            ;;
        t/fuzz/*_fuzz.c)
            echo fuzz
            ;;
        t/standin/*.t)
            echo standin
            ;;
        t/*.t)
            echo t
            ;;
        t/e2e/*.mjs | client/test/*.mjs)
            echo e2e
            ;;
        *)
            die "neither a part of the tests (${parts[*]}) nor a test: $1"
            ;;
    esac
}


# a part that breaks off without a result has failed

run_part() {
    local part=$1 before broken=""

    shift
    say "testing: $part $*"
    before=$(wc -l < "$results")

    in_group "part_$part" "$@" || broken=1

    if [ -n "$broken" ] && ! tail -n "+$((before + 1))" "$results" \
                             | awk '$2 { f = 1 } END { exit !f }'
    then
        echo "not ok - $part broke off" | tee -a "$failures"
        echo 0 1 >> "$results"
    fi
}


# in_group COMMAND ...: in a process group of its own, so that a signal to us
# ends it at once

in_group() {
    local rc=0

    set -m
    (set +me; "$@") < /dev/null &
    group=$!
    set +m

    wait "$group" || rc=$?
    group=
    return $rc
}


# check NAME COMMAND ...: one test

check() {
    local name=$1

    shift
    if "$@" 2>&1 | tee "$work/check.out"; then
        echo "ok - $name"
        echo 1 0 >> "$results"
    else
        echo "not ok - $name" | tee -a "$failures"
        tail -n "$failure_lines" "$work/check.out" >> "$failures"
        echo 0 1 >> "$results"
    fi
}


part_build() {
    check "builds with gcc" build_with gcc
    check "builds with clang" make_tree module clang modules
    check "builds into nginx itself" make_tree static gcc binary
    check "exports nothing but the module" only_exports
}


build_with() (
    CC=$1
    cmd_build
)


only_exports() {
    nm -D --defined-only "$(tree_dir module gcc)/objs/$module.so" | awk '
        $3 !~ /^ngx_(modules|module_names|module_order)$/ { print; bad = 1 }
        END { exit bad }'
}


part_unit() {
    local tests=()

    mapfile -t tests < <(given_or_all t/unit/*_test.c -- "$@")
    [ ${#tests[@]} -gt 0 ] || return 0

    unit_make gcc "$unit_out" tests "$@" || exit 1

    tests=("${tests[@]##*/}")
    tests=("${tests[@]/#/$unit_out/}")
    "$top/util/prove.pl" -r "$results" -f "$failures" -x "$under" \
        "${tests[@]%.c}"
}


# unit_make CC OUT TARGET [FILE ...]: TARGET, or what is made of the files

unit_make() {
    local cc=$1 out=$2 target=$3 source tree targets=() file

    shift 3
    for file; do
        file=${file##*/}
        targets+=("$out/${file%.c}")
    done

    source=$(nginx_source)
    tree=$(tree_dir module gcc)
    make_tree module gcc objs/ngx_ws_scripts.h objs/ngx_ws_sql.h || return 1

    make -s -k -j2 -f "$top/t/unit/Makefile" TOP="$top" OUT="$out" \
        NGINX="$source" OBJS="$tree/objs" CC="$cc" \
        INCS="$(mariadb_config --include || mysql_config --include)" \
        "${unit_options[@]}" "${targets[@]:-$target}"
}


part_fuzz() {
    local fuzzers=() file name

    mapfile -t fuzzers < <(given_or_all t/fuzz/*_fuzz.c -- "$@")
    [ ${#fuzzers[@]} -gt 0 ] || return 0

    unit_make clang "$build/fuzz" fuzzers "$@" || exit 1

    for file in "${fuzzers[@]}"; do
        name=$(basename "$file" .c)
        check "$name for $fuzz_seconds s" fuzz_one "$name" "$fuzz_seconds"
    done
}


# fuzz_one NAME SECONDS: what is found stays in build/fuzz

fuzz_one() {
    local name=$1 seconds=$2 corpus dict out=$build/fuzz

    corpus=$top/t/fuzz/corpus/${name%_fuzz}
    dict=$top/t/fuzz/${name%_fuzz}.dict

    mkdir -p "$out/found/$name"
    [ -d "$corpus" ] || corpus=
    [ -f "$dict" ] || dict=

    "$out/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$out/$name-" ${dict:+-dict="$dict"} \
        "$out/found/$name" ${corpus:+"$corpus"} > "$out/$name.log" 2>&1 \
        || { tail -n 40 "$out/$name.log"; return 1; }
}


part_t() {
    local files=()

    mapfile -t files < <(given_or_all t/*.t -- "$@")
    [ ${#files[@]} -gt 0 ] || return 0

    prove_files -r "$results" -f "$failures" -- "${files[@]}"
}


# the stand-in tests itself, where it stands in

part_standin() {
    local files=()

    mapfile -t files < <(given_or_all t/standin/*.t -- "$@")
    test_environment
    "$top/util/prove.pl" -r "$results" -f "$failures" -a "$work/after" \
        "${files[@]}"
}


# prove_files [OPTION ...] -- FILE ...: with the stores that they name

prove_files() {
    local options=()

    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift

    test_environment
    if grep -qE 'TEST_NGINX_(REDIS|MYSQL|RUN_DIR)' "$@"; then
        start_stores
        options+=(-b "$work/before")
    fi

    "$top/util/prove.pl" "${options[@]}" -a "$work/after" "$@"
}


# the real Test::Nginx where it is installed, else the stand-in

test_environment() {
    local lib=$top/t/lib

    [ "$module_so" != "$build/$module.so" ] || build_with gcc || exit 1
    perl -MTest::Nginx::Socket -e 1 2> /dev/null || lib=$lib:$top/t/standin

    run_dir=$work/stores
    make_nginx_wrapper > "$work/nginx"
    make_after_hook > "$work/after"
    chmod +x "$work/nginx" "$work/after"

    export PERL5LIB=$lib${PERL5LIB:+:$PERL5LIB}
    export TEST_NGINX_BINARY=$work/nginx
    export TEST_NGINX_LOAD_MODULES=$module_so
    export TEST_NGINX_SERVROOT=$work/servroot
    export TEST_NGINX_ERROR_LOG=$work/logs/blocks.log
    export TEST_NGINX_RUN_DIR=$run_dir
    export TEST_NGINX_REDIS=unix:$run_dir/redis.sock
    export TEST_NGINX_MYSQL="mysql://websocket:websocket@unix($run_dir/mariadb.sock)/websocket"
    TEST_NGINX_PORT=$(free_port)
    export TEST_NGINX_PORT
}


# each test's nginx writes its errors into one more log, which outlives the
# server root of the test; blocks.log has what sanitizers say at the end, too

make_nginx_wrapper() {
    cat << END
#!/bin/sh
exec $under ${under:+--log-file=$work/logs/valgrind.%p} "$(command -v "$nginx")" -g 'error_log $work/logs/error.log warn;' "\$@"
END
}


make_after_hook() {
    cat << END
#!/bin/sh
exec "$top/util/logs.sh" "$work/logs"/*
END
}


start_stores() {
    lock_run_dir
    start_redis
    start_mariadb
    prepare_database

    cat > "$work/before" << END
#!/bin/sh
set -e
redis-cli -s "$run_dir/redis.sock" flushall > /dev/null
mariadb --defaults-file="$run_dir/mariadb.cnf" << SQL
TRUNCATE websocket_events;
TRUNCATE websocket_connections;
TRUNCATE websocket_typing_indicators;
TRUNCATE websocket_presence;
TRUNCATE users;
TRUNCATE personal_access_tokens;
SOURCE $top/demo/accounts.sql
SQL
END
    chmod +x "$work/before"
}


free_port() {
    perl -I "$top/t/lib" -MTest::Nginx::Process=free_port \
        -e 'print free_port(), "\n"'
}


# given_or_all FILE ... -- [FILE ...]: the latter, if any, else the former
# as far as they exist

given_or_all() {
    local all=()

    while [ "$1" != -- ]; do
        [ ! -e "$1" ] || all+=("$1")
        shift
    done
    shift

    [ $# -eq 0 ] || all=("$@")
    [ ${#all[@]} -eq 0 ] || printf '%s\n' "${all[@]}"
}


part_e2e() {
    local files=() file

    mapfile -t files < <(given_or_all client/test/*.mjs t/e2e/*.mjs \
                             -- "$@")
    [ ${#files[@]} -gt 0 ] || return 0

    ensure_node_modules
    start_e2e || exit 1
    for file in "${files[@]}"; do
        e2e_one "$file"
        check "$file leaves no alert behind" clean_logs
    done

    kill -TERM "$e2e_pid"
    wait "$e2e_pid"
    check "end-to-end instance ends without an alert" clean_logs
}


clean_logs() {
    "$top/util/logs.sh" "$work/e2e/logs/error.log" "$work"/logs/*
}


start_e2e() {
    local port

    port=$(free_port)
    export RUN_DIR=$work/e2e
    export WS_URL=http://127.0.0.1:$port

    PORT=$port WORKERS=2 "$top/dev" run > "$work/e2e.out" 2>&1 &
    e2e_pid=$!

    until grep -q ^ready "$work/e2e.out"; do
        kill -0 "$e2e_pid" 2> /dev/null \
            || { cat "$work/e2e.out"; return 1; }
        sleep 0.1
    done
}


# node's own report above, its counts into the results; a file that hangs fails

e2e_one() {
    local file=$1

    : > "$work/e2e.tap"

    timeout --foreground "$e2e_seconds" \
    node --import "$top/t/e2e/lib/end.mjs" --test \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$work/e2e.tap" \
        "$file" || true

    awk -v file="$file" -v lines="$failure_lines" -v results="$results" '
        /^# pass /              { p = $3 }
        /^# (fail|cancelled) /  { f += $3 }

        /^ *not ok /            { print file ": " $0; n = lines }
        /^ *\.\.\.$|^ *# /       { n = 0 }
        n && !/not ok |^ *(---|duration_ms|type|location|failureType):?/ {
            print; n--
        }

        END {
            if (!p && !f) { print "not ok - " file " broke off"; f = 1 }
            print p + 0, f + 0 >> results
        }' "$work/e2e.tap" >> "$failures"
}


cmd_prove() {
    local file files=()

    [ $# -gt 0 ] || die "usage: ./dev prove FILE …"
    begin_test
    for file; do
        files+=("$(from_top "$file")")
    done

    in_group prove_files -v -- "${files[@]}"
}
