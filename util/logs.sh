#!/bin/sh
# Looks through error logs after a test and empties them: logs.sh FILE ...
#
# Prints alerts, emergencies and what sanitizers or valgrind say, and fails if
# there are any. That a worker was killed by signal 9 is a test's own doing.

set -eu

trouble='\[(alert|emerg)\]|runtime error:|^==[0-9]+== '
trouble="$trouble|ERROR: (Address|UndefinedBehavior)Sanitizer"

# a worker killed by signal 9; what UBSan finds in nginx's own files
expected='exited on signal 9$|^src/.*runtime error:'

# main() loses the first pool where a configuration is refused
first_pool='#[23] [^\n]* in main src/core/nginx[.]c'

look() {
    grep -E "$trouble" "$1" | grep -vE "$expected"

    if grep -q ' leak of ' "$1"; then
        awk -v RS= -v first_pool="$first_pool" \
            '/ leak of / && $0 !~ first_pool' "$1"
    fi
}

found=0

for file; do
    [ -s "$file" ] || continue

    out=$(look "$file" || true)

    if [ -n "$out" ]; then
        printf '%s\n' "$out"
        found=1
    fi

    : > "$file"
done

exit $found
