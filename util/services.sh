# shellcheck shell=bash

# The private instance in RUN_DIR: Redis, MariaDB and nginx. Read by ./dev.

needs_run=(
    nginx=nginx
    redis-server=redis-server
    redis-cli=redis-tools
    mariadbd=mariadb-server-core
    mariadb-install-db=mariadb-server-core
    mariadb=mariadb-client-core
)

run_dir=$(realpath -m "${RUN_DIR:-$top/.run}")
port=${PORT:-8080}
workers=${WORKERS:-2}

# another nginx and a module built for it: sanitizers
nginx=${NGINX_BINARY:-nginx}
module_so=${NGINX_MODULE:-$build/$module.so}

# the longest path that a unix socket may have, less our longest name
run_dir_max=90


cmd_run() {
    check_run
    lock_run_dir
    stop_leftovers
    ! port_taken \
        || die "port $port is taken, another one: PORT=$((port + 1)) ./dev run"

    ensure_packages "${needs_build[@]}" "${needs_run[@]}"
    (ensure_node_modules) || say "going on without /socket.io/socket.io.js"
    [ -n "${NGINX_MODULE:-}" ] || cmd_build

    trap 'stop_instance' EXIT
    trap 'exit 0' INT TERM HUP

    start_redis
    start_mariadb
    prepare_database
    start_nginx

    print_ready
    wait "$nginx_pid" || true
    die "nginx ended by itself, see $run_dir/logs/error.log"
}


cmd_start() {
    case ${1:-} in
        redis | mariadb)
            ;;
        *)
            die "usage: ./dev start redis|mariadb"
            ;;
    esac

    need_instance
    [ -z "$(running_pid "$1")" ] || die "$1 is running already"
    tied=()
    "start_$1"
}


cmd_sql() {
    need_instance
    exec mariadb --defaults-file="$run_dir/mariadb.cnf" "$@"
}


cmd_redis() {
    need_instance
    exec redis-cli -s "$run_dir/redis.sock" "$@"
}


# a bit at a time, so that nobody waits for it

cmd_cleanup() {
    local n all=0

    need_instance
    while n=$(mariadb --defaults-file="$run_dir/mariadb.cnf" -N -B \
                  < "$top/util/cleanup.sql") && [ "$n" -gt 0 ]; do
        all=$((all + n))
        sleep 0.05
    done
    [ "$n" = 0 ] || die "the clean-up failed"
    say "$all rows deleted"
}


check_run() {
    [[ "$port" =~ ^[1-9][0-9]{0,4}$ && "$port" -le 65535 ]] \
        || die "PORT is not a port: \"$port\""
    [[ "$workers" =~ ^[1-9][0-9]*$ ]] \
        || die "WORKERS is not a number: \"$workers\""
    [ ${#run_dir} -le $run_dir_max ] \
        || die "RUN_DIR is too long for unix sockets, at most $run_dir_max" \
               "bytes: $run_dir"
    [[ "$run_dir" =~ ^[[:alnum:]/._+,=~-]+$ ]] \
        || die "RUN_DIR has characters that configurations don't take:" \
               "$run_dir"
}


port_taken() {
    # in a subshell: the redirection's own message is of no use
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null
}


# the lock is held by this process alone and ends with it

lock_run_dir() {
    mkdir -p "$(dirname "$run_dir")"
    [ -d "$run_dir" ] || mkdir -m 700 "$run_dir"
    exec 9>> "$run_dir/lock"
    flock -n 9 || die "already running in $run_dir, another one beside it:" \
                      "RUN_DIR=.run2 PORT=$((port + 1)) ./dev run"
    mkdir -p "$run_dir"/{logs,redis,tmp}
}


need_instance() {
    if [ ! -e "$run_dir/lock" ] || flock -n "$run_dir/lock" true; then
        die "nothing runs in $run_dir: ./dev run"
    fi
}


# running_pid NAME: the process of NAME.pid, if it is one of ours

running_pid() {
    local pid

    pid=$(cat "$run_dir/$1.pid" 2> /dev/null) || return 0
    [ -n "$pid" ] || return 0
    if grep -qsF "$run_dir/" "/proc/$pid/cmdline"; then
        echo "$pid"
    fi
}


# stop NAME SIGNAL ...: each signal has its time, the last is KILL

stop() {
    local name=$1 pid signal i

    shift
    pid=$(running_pid "$name")
    [ -n "$pid" ] || return 0

    for signal in "$@" KILL; do
        kill -s "$signal" "$pid" 2> /dev/null || return 0
        for (( i = 0; i < 50; i++ )); do
            kill -0 "$pid" 2> /dev/null || return 0
            sleep 0.1
        done
    done
}


stop_instance() {
    trap '' INT TERM HUP
    say "stopping"
    stop_servers
}


stop_servers() {
    stop nginx QUIT TERM
    stop mariadb TERM
    stop redis TERM
}


stop_leftovers() {
    local name

    for name in nginx mariadb redis; do
        [ -z "$(running_pid $name)" ] \
            || say "stopping $name, left over from an earlier run"
    done
    stop_servers
    rm -f "$run_dir"/{nginx,mariadb,redis}.pid
}


# start NAME COMMAND ...: in a session of its own, so that Ctrl-C in a
# terminal reaches ./dev alone; it ends with us, however we end, unless we
# are ./dev start

tied=(setpriv --pdeathsig TERM)

start() {
    local name=$1

    shift
    setsid "${tied[@]}" "$@" > "$run_dir/logs/$name.out" 2>&1 9>&- < /dev/null &
}


# await NAME LOG COMMAND ...: until COMMAND works or the process is gone

await() {
    local name=$1 log=$2 pid=$! i

    shift 2
    for (( i = 0; i < 600; i++ )); do
        ! "$@" > /dev/null 2>&1 || return 0
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.05
    done
    tail -n 10 "$run_dir/logs/$name.out" "$log" >&2 || true
    die "$name did not start, see $log"
}


start_redis() {
    say "starting redis"
    cat > "$run_dir/redis.conf" << END
port 0
unixsocket $run_dir/redis.sock
pidfile $run_dir/redis.pid
logfile $run_dir/logs/redis.log
dir $run_dir/redis
appendonly yes
appendfsync always
save ""
END
    start redis redis-server "$run_dir/redis.conf"
    await redis "$run_dir/logs/redis.log" \
        redis-cli -s "$run_dir/redis.sock" -e ping
    disown
}


start_mariadb() {
    local data=$run_dir/mariadb

    cat > "$run_dir/mariadb.cnf" << END
[client]
socket = $run_dir/mariadb.sock
user = root
default-character-set = utf8mb4

[mariadb-client]
database = websocket

[mariadbd]
datadir = $data
socket = $run_dir/mariadb.sock
pid-file = $run_dir/mariadb.pid
log-error = $run_dir/logs/mariadb.log
tmpdir = $run_dir/tmp
skip-networking
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
innodb-buffer-pool-size = 64M
innodb-log-file-size = 48M
END

    if [ ! -d "$data" ]; then
        say "creating MariaDB's data folder"
        rm -rf "$data.new"
        TMPDIR=$run_dir/tmp \
            mariadb-install-db --no-defaults --datadir="$data.new" \
            --user="$(id -un)" --auth-root-authentication-method=normal \
            --force --skip-test-db > "$run_dir/logs/mariadb.out" 2>&1 \
            || { grep -i error "$run_dir/logs/mariadb.out" >&2 \
                     || tail -n 10 "$run_dir/logs/mariadb.out" >&2
                 die "MariaDB's data folder could not be created"; }
        mv "$data.new" "$data"
    fi

    say "starting mariadb"
    start mariadb mariadbd --defaults-file="$run_dir/mariadb.cnf" \
        --user="$(id -un)"
    await mariadb "$run_dir/logs/mariadb.log" \
        mariadb --defaults-file="$run_dir/mariadb.cnf" -D "" -e "SELECT 1"
    disown
}


prepare_database() {
    local cnf=--defaults-file=$run_dir/mariadb.cnf

    say "applying migrations, seeding the demo accounts"
    mariadb "$cnf" --database= << END
CREATE DATABASE IF NOT EXISTS websocket
    CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER IF NOT EXISTS websocket@localhost IDENTIFIED BY 'websocket';
GRANT ALL ON websocket.* TO websocket@localhost;
END
    "$top/util/migrate.sh" "$cnf" websocket >&2
    mariadb "$cnf" < "$top/demo/accounts.sql"
    if [ "${WS_LOAD_USERS:-}" = 1 ]; then
        mariadb "$cnf" < "$top/demo/load-users.sql"
    fi
}


start_nginx() {
    say "starting nginx"
    ulimit -n "$(ulimit -Hn)"
    make_nginx_conf > "$run_dir/nginx.conf"
    start nginx "$nginx" -p "$run_dir/" -c "$run_dir/nginx.conf" \
        -e "$run_dir/logs/error.log" -g "daemon off;"
    nginx_pid=$!
    await nginx "$run_dir/logs/error.log" nginx_ready
}


# its pid file is written when the port is its own; all workers have Redis

nginx_ready() {
    [ -s "$run_dir/nginx.pid" ] && port_taken && redis_up
}


redis_up() (
    exec 3<> "/dev/tcp/127.0.0.1/$port" \
        && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 \
        && grep -q '^websocket_redis_up 1' <&3
)


make_nginx_conf() {
    local conf user="" bundle=$top/node_modules/socket.io-client/dist files

    [ "$(id -u)" != 0 ] || user="user  root;"

    if [ -d "$bundle" ]; then
        bundle="websocket_socketio_bundle  \"$bundle\";"
    else
        bundle=""
    fi

    files=$(ulimit -n)
    [ "$files" != unlimited ] && [ "$files" -lt 16384 ] || files=16384

    conf=$(< "$top/demo/nginx.conf.in")
    conf=${conf//@RUN_DIR@/"$run_dir"}
    conf=${conf//@TOP@/"$top"}
    conf=${conf//@MODULE@/"$module_so"}
    conf=${conf//@PORT@/"$port"}
    conf=${conf//@WORKERS@/"$workers"}
    conf=${conf//@FILES@/"$files"}
    conf=${conf//@USER@/"$user"}
    conf=${conf//@BUNDLE@/"$bundle"}
    echo "$conf"
}


print_ready() {
    cat << END
ready http://127.0.0.1:$port/

Log in with "Authorization: Bearer TOKEN", one of
    1|demo-token-john   John Doe, tenant 1
    2|demo-token-jane   Jane Smith, tenant 1
    3|demo-token-ada    Ada Park, tenant 1
    4|demo-token-eve    Eve Outsider, tenant 2
    5|demo-token-max    Max Limited, tenant 1, may "presence" only
END
    if [ "${WS_LOAD_USERS:-}" = 1 ]; then
        echo "    N|load-token-N      Load User N of 1001 to 3000, tenant 3"
    fi
    echo "Ctrl-C stops it."
}
