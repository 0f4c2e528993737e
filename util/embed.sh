#!/bin/sh
# Writes text files as C strings: embed.sh KIND [FILE ...]
#
# For each FILE "path/name.ext" a "static const char ngx_ws_KIND_name[]",
# and one list of the names: NGX_WS_KIND_LIST(X) with an X(name) for each.
#
# A line "--@ part" stands for a Lua function of that name: the script
# part.lua beside the file, with its own KEYS and ARGV.

set -eu

LC_ALL=C
export LC_ALL

kind=$1
shift

expand() {
    while IFS= read -r line; do
        case $line in
            '--@ '*)
                printf 'local function %s(KEYS, ARGV)\n' "${line#--@ }"
                expand "${file%/*}/${line#--@ }.lua"
                printf 'end\n'
                ;;
            *)
                printf '%s\n' "$line"
                ;;
        esac
    done < "$1"
}

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

    parts=$(sed -n 's/^--@ //p' "$file")

    for part in $parts; do
        if [ ! -f "${file%/*}/$part.lua" ]; then
            echo "$file: no part \"$part\"" >&2
            exit 1
        fi
    done

    printf '\n\nstatic const char  ngx_ws_%s_%s[] =\n' "$kind" "$name"
    expand "$file" \
        | sed -e 's/[\\"?]/\\&/g' -e 's/	/\\t/g' -e 's/^/    "/' -e 's/$/\\n"/'
    printf '    "";\n'

    list="$list  \\
    X($name)"
done

printf '\n\n#define %s(X)%s\n\n\n#endif\n' "$guard" "$list"
