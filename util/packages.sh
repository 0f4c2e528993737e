# shellcheck shell=bash

# Packages: what is missing is installed from Debian, and no server among
# it starts by itself. Read by ./dev.
#
# A need is "WHAT[|WHAT ...]=PACKAGE": a command or a path, with wildcards; one
# of them is enough, wherever it comes from.

needs_build=(
    gcc=gcc
    make=make
    /usr/include/stdio.h=libc6-dev
    /usr/share/nginx/src/conf_flags=nginx-dev
    nginx=nginx
    /usr/include/hiredis/async.h=libhiredis-dev
    /usr/include/json-c/json.h=libjson-c-dev
    "mariadb_config|mysql_config=libmariadb-dev"
    /usr/include/zlib.h=zlib1g-dev
    /usr/include/openssl/evp.h=libssl-dev
)

needs_node=(
    node=nodejs
    npm=npm
)

# their units would start at the next boot
servers="nginx redis-server"


# missing_packages NEED ...: prints the packages that have to come

missing_packages() {
    local need whats what found

    for need; do
        found=
        IFS='|' read -r -a whats <<< "${need%%=*}"
        for what in "${whats[@]}"; do
            case $what in
                /*)
                    ! compgen -G "$what" > /dev/null || found=1
                    ;;
                *)
                    ! command -v "$what" > /dev/null || found=1
                    ;;
            esac
        done
        [ -n "$found" ] || echo "${need#*=}"
    done | sort -u
}


# ensure_packages NEED ...: installs what is missing, or says what to do

ensure_packages() {
    local missing

    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0

    if ! command -v apt-get > /dev/null; then
        die "missing: ${missing[*]} (names of Debian's packages)"
    fi

    if [ "$(id -u)" != 0 ]; then
        die "missing packages, as root: apt-get install ${missing[*]}"
    fi

    say "installing ${missing[*]}"
    mkdir -p "$build"
    if ! install_packages "${missing[@]}" > "$build/packages.log" 2>&1; then
        tail -n 15 "$build/packages.log" >&2
        die "packages could not be installed: ${missing[*]}"
    fi

    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -gt 0 ]; then
        die "still missing after the installation: ${missing[*]}"
    fi
}


# in a process of its own, so that its traps end with it

install_packages() (
    export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
    local policy=/usr/sbin/policy-rc.d saved=/usr/sbin/policy-rc.d.dev-saved
    local server new=()

    exec 9< /var/lib/dpkg
    flock 9

    for server in $servers; do
        [[ " $* " != *" $server "* ]] || new+=("$server")
    done

    # invoke-rc.d asks this file before it starts anything
    [ ! -e "$policy" ] || [ -e "$saved" ] || mv "$policy" "$saved"
    trap 'rm -f "$policy"; [ ! -e "$saved" ] || mv "$saved" "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"

    apt-get update -q \
        && apt-get install -q -y --no-install-recommends \
               -o DPkg::Lock::Timeout=300 "$@" \
        || exit 1

    for server in "${new[@]}"; do
        deb-systemd-helper disable "$server.service" || true
        update-rc.d "$server" disable || true
    done
)


# npm's packages as package-lock.json has them

ensure_node_modules() {
    ensure_packages "${needs_node[@]}"

    if [ "$top/node_modules/.package-lock.json" -nt "$top/package-lock.json" ]
    then
        return 0
    fi

    say "installing npm's packages"
    mkdir -p "$build"
    if ! (cd "$top" && npm ci) > "$build/npm.log" 2>&1; then
        tail -n 15 "$build/npm.log" >&2
        die "npm's packages could not be installed"
    fi
    touch "$top/node_modules/.package-lock.json"
}
