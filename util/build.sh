# shellcheck shell=bash

# Building: nginx trees under build/, one a compiler. Read by ./dev.

nginx_dev=/usr/share/nginx/src

cc_opt="-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2"
ld_opt="-Wl,-z,relro -Wl,-z,now"


cmd_build() {
    local tree

    ensure_packages "${needs_build[@]}"
    tree=$(module_tree)
    build_module "$tree"
    cp "$tree/objs/$module.so" "$build/.$module.so"
    mv "$build/.$module.so" "$build/$module.so"
    say "built build/$module.so"
}


# the tree's name holds the package's version: an upgrade starts afresh

module_tree() {
    local cc=${CC:-gcc}

    echo "$build/nginx-$(nginx_dev_version)-${cc##*/}"
}


nginx_dev_version() {
    dpkg-query -W -f '${Version}' nginx-dev
}


build_module() {
    make_in_tree "$1" modules || die "the build failed"
}


# the headers that the unit tests take from there

build_headers() {
    make_in_tree "$1" objs/ngx_ws_scripts.h objs/ngx_ws_sql.h \
        || die "the tree could not be configured"
}


make_in_tree() {
    local tree=$1 cc=${CC:-gcc}

    shift
    command -v "$cc" > /dev/null || die "the compiler $cc is missing"

    if [ ! -d "$tree" ]; then
        remove_old_trees "nginx-" "-${cc##*/}"
        cp -rL "$nginx_dev" "$tree.new"
        mv "$tree.new" "$tree"
    fi

    (
        cd "$tree" && exec 8>> .lock && flock 8 \
            && configure_module "$cc" \
            && make_quiet -f objs/Makefile "$@"
    )
}


remove_old_trees() {
    local old

    for old in "$build/$1"[0-9]*"$2"; do
        [ ! -d "$old" ] || rm -rf "$old"
    done
}


# configure again only when its input is another: the set of our files and
# the text of what configure reads

configure_module() {
    local cc=$1 print

    print=$(fingerprint "$cc" "$("$cc" --version)" "$cc_opt" "$ld_opt")
    [ "$(cat .configured 2> /dev/null)" != "$print" ] || return 0

    rm -rf objs
    (
        NGX_CONF_FLAGS=()
        # shellcheck disable=SC1091
        . ./conf_flags
        configure_quiet --with-cc="$cc" --with-cc-opt="$cc_opt" \
            --with-ld-opt="$ld_opt" "${NGX_CONF_FLAGS[@]}" \
            --add-dynamic-module="$top"
    ) || return 1
    echo "$print" > .configured
}


fingerprint() {
    {
        printf '%s\n' "$@"
        cd "$top" || exit 1
        sha256sum config config.make util/exports.map
        printf '%s\n' src/*/*.[ch] src/redis/lua/*.lua src/mysql/sql/*.sql
    } | sha256sum
}


configure_quiet() {
    say "configuring in build/${PWD##*/}"
    if ! NGX_WS_WARNINGS=YES ./configure "$@" > configure.log 2>&1; then
        grep "error:" configure.log >&2 || tail -n 15 configure.log >&2
        return 1
    fi
}


make_quiet() {
    say "making in build/${PWD##*/}"
    # nginx's recipes print whole command lines
    make -s -j2 "$@"
}


# the complete source of Debian's nginx, without Debian's patches: nginx-dev
# has headers only

nginx_source() {
    local version dir

    version=$(nginx_dev_version)
    version=${version%-*}
    dir=$build/source/nginx-${version#*:}

    if [ ! -f "$dir/src/core/nginx.c" ]; then
        say "fetching the source of nginx $version"
        mkdir -p "$build/source"
        (
            cd "$build/source" && fetch_source > fetch.log 2>&1 \
                && tar xzf nginx_*.orig.tar.gz
        ) || die "no source of nginx $version, see build/source/fetch.log"
    fi

    echo "$dir"
}


# by deb-src lines of our own beside the machine's deb lines

fetch_source() {
    local codename opts

    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    opts=(
        -o Dir::Etc::SourceList="$PWD/sources.list"
        -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists="$PWD/lists"
    )

    mkdir -p lists/partial
    # shellcheck disable=SC2016
    apt-get indextargets 'Created-By: Packages' \
        --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        | grep -E " $codename(-[a-z]+)? " | sort -u > sources.list

    apt-get "${opts[@]}" -q update \
        && apt-get "${opts[@]}" -q source --tar-only --download-only nginx
}
