#!/bin/sh
# Writes text files as C strings: embed.sh KIND [FILE ...]
#
# For each FILE "path/name.ext" a "static const char ngx_ws_KIND_name[]",
# and one list of the names: NGX_WS_KIND_LIST(X) with an X(name) for each.

set -eu

LC_ALL=C
export LC_ALL

kind=$1
shift

guard=NGX_WS_$(echo "$kind" | tr '[:lower:]' '[:upper:]')_LIST

printf '\n#ifndef _%s_INCLUDED_\n#define _%s_INCLUDED_\n' "$guard" "$guard"

list=

for file; do
    name=${file##*/}
    name=${name%.*}

    if [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file: no newline at end of file" >&2
        exit 1
    fi

    printf '\n\nstatic const char  ngx_ws_%s_%s[] =\n' "$kind" "$name"
    sed -e 's/[\\"?]/\\&/g' -e 's/	/\\t/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
    printf '    "";\n'

    list="$list  \\
    X($name)"
done

printf '\n\n#define %s(X)%s\n\n\n#endif\n' "$guard" "$list"
