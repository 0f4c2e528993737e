#!/bin/sh
# Looks through error logs after a test and empties them: logs.sh FILE ...
#
# Prints alerts, emergencies and what sanitizers say, and fails if there are
# any. That a worker was killed by signal 9 is a test's own doing.

set -eu

found=0

for file; do
    [ -s "$file" ] || continue

    if grep -E '\[(alert|emerg)\]|(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:' \
            "$file" | grep -v 'exited on signal 9$'
    then
        found=1
    fi

    : > "$file"
done

exit $found
