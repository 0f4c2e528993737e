# shellcheck shell=bash

# Building: nginx trees under build/, one a compiler. Read by ./dev.

nginx_dev=/usr/share/nginx/src


cmd_build() {
    local cc=${CC:-gcc} tree

    ensure_packages "${needs_build[@]}"
    make_tree module "$cc" modules || die "the build failed"

    tree=$(tree_dir module "$cc")
    cp "$tree/objs/$module.so" "$build/.$module.so"
    mv "$build/.$module.so" "$build/$module.so"
    say "built build/$module.so"
}


# the tree's name holds the package's version: an upgrade starts afresh

tree_dir() {
    local kind=$1 cc=$2

    echo "$build/$kind-$(nginx_dev_version)-${cc##*/}"
}


nginx_dev_version() {
    dpkg-query -W -f '${Version}' nginx-dev
}


# make_tree KIND CC TARGET ...: the targets of nginx's own Makefile in a tree
# of that kind
#
#   module  nginx-dev's headers, for a module that Debian's nginx loads
#   asan    a whole nginx and the module, with sanitizers, and with the event
#           methods that Linux' nginx has not by default
#   static  a whole nginx with the module inside

make_tree() {
    local kind=$1 cc=$2 source=$nginx_dev warnings="" cc_opt ld_opt="" add tree
    local methods=()

    shift 2
    add=--add-dynamic-module=$top

    case $kind in
        module)
            cc_opt="-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2"
            ld_opt="-Wl,-z,relro -Wl,-z,now"
            warnings=YES
            ;;
        asan)
            source=$(nginx_source) || return 1
            ld_opt="-fsanitize=address,undefined"
            cc_opt="$ld_opt -O1 -fno-omit-frame-pointer -DNGX_DEBUG_PALLOC=1"
            methods=(--with-poll_module --with-select_module)
            ;;
        static)
            source=$(nginx_source) || return 1
            cc_opt="-O0"
            add=--add-module=$top
            ;;
    esac

    command -v "$cc" > /dev/null || die "the compiler $cc is missing"

    tree=$(tree_dir "$kind" "$cc")
    if [ ! -d "$tree" ]; then
        remove_old_trees "$kind" "$cc"
        mkdir -p "$build"
        cp -rL "$source" "$tree.new"
        mv "$tree.new" "$tree"
    fi

    (
        cd "$tree" && exec 8>> .lock && flock 8 \
            && configure_tree \
            && make_quiet "$@"
    )
}


remove_old_trees() {
    local old

    for old in "$build/$1"-*-"${2##*/}" "$build/$1"-*.new; do
        [ ! -d "$old" ] || rm -rf "$old"
    done
}


# configure again only when its input is another: the set of our files and
# the text of what configure reads

configure_tree() {
    local print

    print=$(fingerprint "$("$cc" --version)" "$cc_opt" "$ld_opt" "$add" \
                        "${methods[@]}")
    [ "$(cat .configured 2> /dev/null)" != "$print" ] || return 0

    say "configuring in build/${PWD##*/}"
    if ! run_configure > configure.log 2>&1; then
        grep "error:" configure.log >&2 || tail -n 15 configure.log >&2
        return 1
    fi
    echo "$print" > .configured
}


run_configure() (
    NGX_CONF_FLAGS=()
    # shellcheck disable=SC1091
    . "$nginx_dev/conf_flags"
    rm -rf objs
    NGX_WS_WARNINGS=$warnings ./configure --with-cc="$cc" \
        --with-cc-opt="$cc_opt" --with-ld-opt="$ld_opt" \
        "${NGX_CONF_FLAGS[@]}" "${methods[@]}" "$add"
)


fingerprint() {
    {
        printf '%s\n' "$@"
        cd "$top" || exit 1
        sha256sum config config.make util/exports.map
        printf '%s\n' src/*/*.[ch] src/redis/lua/*.lua src/mysql/sql/*.sql
    } | sha256sum
}


make_quiet() {
    say "making in build/${PWD##*/}"
    # nginx's recipes would print whole command lines
    make -s -j2 -f objs/Makefile "$@"
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
