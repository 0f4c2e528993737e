# shellcheck shell=bash

# Checks beyond the tests: lint, sanitizers, valgrind, long fuzzing. Read by
# ./dev.

fuzz_seconds_long=60


cmd_lint() {
    begin_test
    part_lint
    advise_tool cppcheck lint_cppcheck
    if [ "${1:-}" = deep ]; then
        advise_tool clang-tidy lint_clang_tidy
    fi
    sum_up
}


# what the gates refuse fails, the rest of style.pl advises

part_lint() {
    check "includes point down only" "$top/util/layers.sh"
    check "no tabs, no long lines" "$top/util/style.pl"
    check "the documents say what the code has" "$top/util/doccheck.pl"
    check "shell scripts" lint_shell
    check "SQL that MySQL and MariaDB have" lint_sql
}


lint_shell() {
    shellcheck -x -a dev \
        && shellcheck util/embed.sh util/layers.sh util/logs.sh \
               util/migrate.sh .ci/run
}


# what MariaDB alone has

lint_sql() {
    ! grep -inE -e '\breturning\b|\bset statement\b|\bnextval\b|\bseq_[0-9]' \
        -e '\b(column|index|key|constraint) if (not )?exists\b' \
        -e '\bcreate (or replace|sequence)\b|\bexecute immediate\b' \
        -e '\b(nocopy|uuid|inet6)\b|\bfor system_time\b' \
        migrations/*.sql src/mysql/sql/*.sql demo/*.sql util/cleanup.sql
}


# advise_tool TOOL COMMAND: its words fail nothing

advise_tool() {
    if command -v "$1" > /dev/null; then
        say "$1 advises"
        "$2" || true
    else
        say "$1 is not installed: left out"
    fi
}


lint_cppcheck() {
    cppcheck --quiet --std=c99 --inline-suppr --enable=warning,portability \
        --suppress=missingIncludeSystem --suppress=nullPointerArithmetic \
        --suppress=returnDanglingLifetime \
        -j 2 src
}


lint_clang_tidy() {
    local tree dir

    make_tree module gcc objs/ngx_ws_scripts.h objs/ngx_ws_sql.h || return 1
    tree=$(tree_dir module gcc)
    for dir in src/*/; do
        echo "-I$top/$dir"
    done > "$build/compile_flags.txt"
    for dir in src/core src/event src/event/modules src/os/unix src/http \
               src/http/modules src/http/v2 objs
    do
        echo "-isystem$tree/$dir"
    done >> "$build/compile_flags.txt"
    mariadb_config --include | tr ' ' '\n' >> "$build/compile_flags.txt"

    find src -name '*.c' -print0 \
        | xargs -0 -r -n 4 -P 2 clang-tidy --quiet --checks="$tidy_checks" \
              -p "$build" 2> /dev/null
}

# Not: reserved names, nginx's way (_NGX_X_INCLUDED_); its macros, which assign
# in conditions; constants like 128 * 1024; and what doesn't see that a queue's
# node has left the queue, or that an encoder returns a length for NULL. The
# sanitizers look after memory.

tidy_checks="-*,bugprone-*,clang-analyzer-*,cert-*"
tidy_checks+=",-bugprone-reserved-identifier,-cert-dcl37-c"
tidy_checks+=",-bugprone-easily-swappable-parameters"
tidy_checks+=",-bugprone-assignment-in-if-condition"
tidy_checks+=",-bugprone-macro-parentheses"
tidy_checks+=",-bugprone-narrowing-conversions"
tidy_checks+=",-bugprone-implicit-widening-of-multiplication-result"
tidy_checks+=",-clang-analyzer-security.insecureAPI.*"
tidy_checks+=",-clang-analyzer-unix.Malloc"
tidy_checks+=",-clang-analyzer-core.NullDereference"


# a whole nginx with sanitizers; what they say lies beside the error log

cmd_asan() {
    if [ $# -eq 0 ]; then
        set -- t e2e
    fi

    begin_test
    make_tree asan gcc binary modules || die "the build failed"

    nginx=$(tree_dir asan gcc)/objs/nginx
    module_so=$(tree_dir asan gcc)/objs/$module.so
    export NGINX_BINARY=$nginx NGINX_MODULE=$module_so
    export ASAN_OPTIONS="detect_odr_violation=0:log_path=$work/logs/asan"
    export LSAN_OPTIONS="suppressions=$top/util/lsan.supp:print_suppressions=0:exitcode=0"
    export UBSAN_OPTIONS="print_stacktrace=1:log_path=$work/logs/ubsan"

    run_parts "$@"
    sum_up
}


# the unit tests, without sanitizers, and the files that need no stores

cmd_valgrind() {
    ensure_packages valgrind=valgrind
    begin_test

    under="valgrind -q --leak-check=full"
    under+=" --show-leak-kinds=definite --errors-for-leak-kinds=definite"
    under+=" --num-callers=30 --suppressions=$top/util/valgrind.supp"
    under+=" --error-exitcode=99"
    unit_out=$build/unit-plain
    unit_options=(sanitizers= warnings=-w)
    export TEST_NGINX_TIMEOUT=60

    if [ $# -eq 0 ]; then
        set -- unit t/10_*.t
    fi

    run_parts "$@"
    sum_up
}


# cmd_fuzz [NAME ...]: FUZZ_SECONDS each

cmd_fuzz() {
    local names=() name

    for name; do
        names+=("t/fuzz/${name%_fuzz}_fuzz.c")
    done

    begin_test
    fuzz_seconds=${FUZZ_SECONDS:-$fuzz_seconds_long}
    run_part fuzz "${names[@]}"
    sum_up
}


cmd_bench() {
    [ -x "$top/bench/run" ] || die "this checkout has no bench/run"
    cd "$top"
    exec bench/run "$@"
}
