
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * A load generator for plain WebSocket (one JSON object a message), by epoll:
 *
 *     load -p PORT [-s] [-f] [-P PID,...] [-m PID,...] [-r PATH]
 *          SCENARIO [N [M [W]]]
 *
 *     -s  by TLS
 *     -f  to the floor (floor.c): there is nobody to authenticate with
 *     -P  processes whose CPU time counts
 *     -m  processes whose memory counts: the workers
 *     -r  path of Redis' socket
 *
 *     idle N S       N sockets with three channels, S seconds of rest (of ten
 *                    members, of the user and of the tenant)
 *     fanout N M W   M messages to a channel of N, W of them in flight
 *     rooms N M W    N sockets in channels of ten
 *     pairs N M      N pairs, each one message to and fro, M in all
 *     connect M W    M connections that authenticate and subscribe
 *     cycle N M      N sockets opened and closed M times, each time in other
 *                    channels, with a message each
 *     club N W       N members of a tenant who come, W at once, and all go at
 *                    once, but for ten who look on
 *
 * Each prints a line of figures, club one for each way.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "load_cost.h"


#define LOAD_USERS       2000      /* of demo/load-users.sql */
#define LOAD_FIRST_USER  1001
#define LOAD_PAYLOAD     200
#define LOAD_ADDRESS     10000     /* sockets a source address */
#define LOAD_OPENING     128       /* handshakes under way at once */
#define LOAD_PATIENCE    30.0      /* seconds without any progress */
#define LOAD_SETTLE      10        /* seconds to come to rest */
#define LOAD_ROOMS       100000    /* names of channels a round */
#define LOAD_TRIM        26        /* seconds until memory is given back */
#define LOAD_WATCHERS    10        /* members who look on */


enum {
    LOAD_NONE = 0,
    LOAD_CONNECTING,
    LOAD_TLS,
    LOAD_UPGRADING,
    LOAD_AUTHENTICATING,
    LOAD_SUBSCRIBING,
    LOAD_READY
};


typedef struct {
    int        fd;
    int        state;
    SSL       *ssl;
    char      *part;               /* of a frame that is not complete */
    size_t     npart;
    unsigned   room;
} load_conn_t;


static void load_idle(unsigned n, unsigned seconds);
static void load_channels(const char *name, unsigned n, unsigned size,
    unsigned messages, unsigned flight);
static void load_pairs(unsigned n, unsigned messages);
static void load_connect(unsigned n, unsigned flight);
static void load_cycle(unsigned n, unsigned times);
static void load_club(unsigned n, unsigned flight);
static void load_club_wait(const char *what, load_cost_t *before,
    double start);

static void load_open_all(unsigned n, unsigned flight);
static void load_open_some(unsigned first, unsigned n, unsigned flight);
static void load_close_all(void);
static void load_open(load_conn_t *c);
static void load_close(load_conn_t *c);
static void load_turn(int timeout);
static void load_event(load_conn_t *c);
static void load_upgrade(load_conn_t *c);
static void load_read(load_conn_t *c);
static void load_message(load_conn_t *c, const char *p, size_t len);
static void load_write(load_conn_t *c, const char *p, size_t len);
static void load_send(load_conn_t *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void load_send_group(load_conn_t *c);
static void load_send_direct(load_conn_t *c);
static unsigned load_user(load_conn_t *c);

static double load_now(void);


static int            load_epoll;
static int            load_floor;
static int            load_port;
static SSL_CTX       *load_ssl;
static const char    *load_redis;
static load_cost_pids_t    load_cpu_pids, load_memory_pids;

static load_conn_t   *load_conns;
static unsigned       load_nconns;
static unsigned       load_room_size = 1;
static unsigned       load_round;
static unsigned       load_ready;
static unsigned       load_opening;
static int            load_ping_pong;
static int            load_members;    /* no channel is subscribed to */
static const char    *load_watched;    /* an event, at the first sockets */
static uint64_t       load_delivered;
static uint64_t       load_sent;
static uint64_t       load_wanted;
static uint64_t       load_done;       /* at the last progress */
static double         load_progress;
static char           load_text[LOAD_PAYLOAD + 1];


int
main(int argc, char **argv)
{
    int            opt;
    unsigned       i, arg[3] = { 0, 0, 0 };
    const char    *scenario;
    struct rlimit  rlmt;

    while ((opt = getopt(argc, argv, "p:sfP:m:r:")) != -1) {
        switch (opt) {

        case 'p':
            load_port = atoi(optarg);
            break;

        case 's':
            load_ssl = SSL_CTX_new(TLS_client_method());
            break;

        case 'f':
            load_floor = 1;
            break;

        case 'P':
            load_cost_pids(&load_cpu_pids, optarg);
            break;

        case 'm':
            load_cost_pids(&load_memory_pids, optarg);
            break;

        case 'r':
            load_redis = optarg;
            break;

        default:
            load_die("see the head of load.c");
        }
    }

    if (load_port == 0 || optind == argc) {
        load_die("see the head of load.c");
    }

    scenario = argv[optind++];

    for (i = 0; i < 3 && optind < argc; i++) {
        arg[i] = (unsigned) atoi(argv[optind++]);
    }

    signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rlmt) == 0) {
        rlmt.rlim_cur = rlmt.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rlmt);
    }

    memset(load_text, 'x', LOAD_PAYLOAD);
    load_epoll = epoll_create1(0);

    if (strcmp(scenario, "idle") == 0) {
        load_idle(arg[0], arg[1]);

    } else if (strcmp(scenario, "fanout") == 0) {
        load_channels(scenario, arg[0], arg[0], arg[1], arg[2]);

    } else if (strcmp(scenario, "rooms") == 0) {
        load_channels(scenario, arg[0], 10, arg[1], arg[2]);

    } else if (strcmp(scenario, "pairs") == 0) {
        load_pairs(arg[0], arg[1]);

    } else if (strcmp(scenario, "connect") == 0) {
        load_connect(arg[0], arg[1]);

    } else if (strcmp(scenario, "cycle") == 0) {
        load_cycle(arg[0], arg[1]);

    } else if (strcmp(scenario, "club") == 0) {
        load_club(arg[0], arg[1]);

    } else {
        load_die("no such scenario");
    }

    return 0;
}


static void
load_idle(unsigned n, unsigned seconds)
{
    double  memory, cpu, end;

    memory = load_cost_memory(&load_memory_pids);

    load_room_size = 10;
    load_open_all(n, LOAD_OPENING);

    for (end = load_now() + LOAD_SETTLE; load_now() < end; /* void */) {
        load_turn(100);
    }

    memory = load_cost_memory(&load_memory_pids) - memory;
    cpu = load_cost_cpu(&load_cpu_pids);

    for (end = load_now() + seconds; load_now() < end; /* void */) {
        load_turn(100);
    }

    cpu = load_cost_cpu(&load_cpu_pids) - cpu;

    printf("idle %u: %.0f bytes a connection", n, memory / n);

    if (seconds) {
        printf(", %.1f us of CPU a connection and minute",
               cpu * 1e6 / n * 60 / seconds);
    }

    printf("\n");
}


static void
load_channels(const char *name, unsigned n, unsigned size, unsigned messages,
    unsigned flight)
{
    double    cpu, start;
    unsigned  i;

    if (flight == 0) {
        flight = 1;
    }

    load_room_size = size;
    load_open_all(n, LOAD_OPENING);
    load_turn(500);

    load_delivered = 0;
    load_wanted = (uint64_t) messages * size;
    cpu = load_cost_cpu(&load_cpu_pids);
    start = load_now();
    load_progress = start;

    while (load_delivered < load_wanted) {

        while (load_sent < messages
               && load_sent * size < load_delivered + (uint64_t) flight * size)
        {
            /* a room after the other, their members in turn */

            i = (unsigned) (load_sent * size + load_sent % size) % n;

            load_send_group(&load_conns[i]);
            load_sent++;
        }

        load_turn(1000);
    }

    cpu = load_cost_cpu(&load_cpu_pids) - cpu;

    printf("%s %u, %u in flight: %.2f CPU s a million deliveries, "
           "%.0f deliveries a second, %s\n",
           name, n, flight, cpu * 1e6 / (double) load_wanted,
           (double) load_wanted / (load_now() - start),
           load_delivered == load_wanted ? "none twice" : "TOO MANY");
}


static void
load_pairs(unsigned n, unsigned messages)
{
    double    cpu, start;
    unsigned  i;

    load_open_all(2 * n, LOAD_OPENING);
    load_turn(500);

    load_ping_pong = 1;
    load_delivered = 0;
    load_wanted = messages;
    cpu = load_cost_cpu(&load_cpu_pids);
    start = load_now();
    load_progress = start;

    for (i = 0; i < n; i++) {
        load_send_direct(&load_conns[2 * i]);
        load_sent++;
    }

    while (load_delivered < load_wanted) {
        load_turn(1000);
    }

    cpu = load_cost_cpu(&load_cpu_pids) - cpu;

    printf("pairs %u: %.2f CPU s a million messages, %.0f us to and fro\n",
           n, cpu * 1e6 / messages,
           (load_now() - start) * 2e6 * n / messages);
}


static void
load_connect(unsigned n, unsigned flight)
{
    double  cpu, start;

    if (flight == 0) {
        flight = 64;
    }

    cpu = load_cost_cpu(&load_cpu_pids);
    start = load_now();

    load_open_all(n, flight);

    printf("connect %u, %u at once: %.0f a second, "
           "%.2f CPU s a million\n", n, flight, n / (load_now() - start),
           (load_cost_cpu(&load_cpu_pids) - cpu) * 1e6 / n);
}


/* The first half of the rounds is the warm-up. */

static void
load_cycle(unsigned n, unsigned times)
{
    double    end, memory, middle;
    unsigned  i, k;

    middle = 0;
    memory = 0;

    printf("cycle %u: KB after each round", n);

    for (i = 0; i < times; i++) {
        load_round = i;
        load_open_all(n, LOAD_OPENING);

        load_delivered = 0;
        load_wanted = n;

        for (k = 0; k < n; k++) {
            load_send_group(&load_conns[k]);
        }

        while (load_delivered < load_wanted) {
            load_turn(1000);
        }

        load_close_all();

        for (end = load_now() + LOAD_TRIM; load_now() < end; /* void */) {
            load_turn(1000);
        }

        memory = load_cost_memory(&load_memory_pids);

        if (i == (times - 1) / 2) {
            middle = memory;
        }

        printf(" %.0f", memory / 1024);
        fflush(stdout);
    }

    printf(", %.1f bytes more a socket in the second half\n",
           (memory - middle) / n / (times / 2));
}


/* Those who look on have come before; each of them is to hear of all others. */

static void
load_club(unsigned n, unsigned flight)
{
    double       end, start;
    unsigned     i;
    load_cost_t  before;

    load_conns = calloc(n, sizeof(load_conn_t));
    load_nconns = n;

    load_members = 1;
    load_open_some(0, LOAD_WATCHERS, flight);

    for (end = load_now() + 3; load_now() < end; /* void */) {
        load_turn(100);
    }

    load_wanted = (uint64_t) LOAD_WATCHERS * (n - LOAD_WATCHERS);

    load_watched = "{\"event\":\"user:online\"";
    load_delivered = 0;
    load_cost(&before, &load_memory_pids, load_redis);

    load_open_some(LOAD_WATCHERS, n, flight);

    start = load_now();
    load_club_wait("come", &before, start);

    load_watched = "{\"event\":\"user:offline\"";
    load_delivered = 0;
    load_cost(&before, &load_memory_pids, load_redis);
    start = load_now();

    for (i = LOAD_WATCHERS; i < n; i++) {
        load_close(&load_conns[i]);
    }

    load_club_wait("gone", &before, start);
}


static void
load_club_wait(const char *what, load_cost_t *before, double start)
{
    double       known, end, n;
    load_cost_t  after;

    while (load_delivered < load_wanted) {
        load_turn(1000);
    }

    known = load_now();

    for (end = known + 1; load_now() < end; /* void */) {
        load_turn(100);
    }

    load_cost(&after, &load_memory_pids, load_redis);

    n = (double) load_wanted / LOAD_WATCHERS;

    printf("club %u, %s: %.0f us of the workers a member, %.0f of Redis, "
           "%.1f commands, %.1f writes; known after %.1f s, %s\n",
           load_nconns, what, (after.workers - before->workers) * 1e6 / n,
           (after.redis - before->redis) * 1e6 / n,
           (after.commands - before->commands) / n,
           (after.writes - before->writes) / n, known - start,
           load_delivered == load_wanted ? "none twice" : "TOO MANY");
}


static void
load_open_all(unsigned n, unsigned flight)
{
    if (load_conns == NULL) {
        load_conns = calloc(n, sizeof(load_conn_t));
        load_nconns = n;
    }

    load_ready = 0;
    load_open_some(0, n, flight);
}


static void
load_open_some(unsigned first, unsigned n, unsigned flight)
{
    unsigned  i;

    load_progress = load_now();

    for (i = first; load_ready < n; /* void */) {

        while (i < n && load_opening < flight) {
            load_open(&load_conns[i++]);
        }

        load_turn(1000);
    }
}


static void
load_close_all(void)
{
    unsigned  i;

    for (i = 0; i < load_nconns; i++) {
        load_close(&load_conns[i]);
    }
}


static void
load_open(load_conn_t *c)
{
    int                 on;
    unsigned            n;
    struct sockaddr_in  sin;
    struct epoll_event  ee;

    n = (unsigned) (c - load_conns);
    on = 1;

    c->room = load_round * LOAD_ROOMS + n / load_room_size;
    c->fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (c->fd == -1) {
        load_die("socket");
    }

    (void) setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
                      sizeof(on));
    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x100 + n / LOAD_ADDRESS);

    if (bind(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        load_die("bind");
    }

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((uint16_t) load_port);

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        load_die("connect");
    }

    ee.events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET;
    ee.data.ptr = c;

    if (epoll_ctl(load_epoll, EPOLL_CTL_ADD, c->fd, &ee) == -1) {
        load_die("epoll_ctl");
    }

    c->state = LOAD_CONNECTING;
    load_opening++;
}


static void
load_close(load_conn_t *c)
{
    if (c->ssl) {
        SSL_free(c->ssl);
        c->ssl = NULL;
    }

    free(c->part);
    c->part = NULL;
    c->npart = 0;

    close(c->fd);
    c->state = LOAD_NONE;
}


static void
load_turn(int timeout)
{
    int                 i, n;
    uint64_t            done;
    struct epoll_event  events[512];

    n = epoll_wait(load_epoll, events, 512, timeout);

    for (i = 0; i < n; i++) {
        load_event(events[i].data.ptr);
    }

    done = load_delivered + load_ready;

    if (done != load_done) {
        load_done = done;
        load_progress = load_now();

    } else if (load_now() - load_progress > LOAD_PATIENCE
               && load_delivered < load_wanted)
    {
        fprintf(stderr, "load: %llu of %llu deliveries\n",
                (unsigned long long) load_delivered,
                (unsigned long long) load_wanted);
        exit(1);
    }
}


static void
load_event(load_conn_t *c)
{
    int        err;
    socklen_t  len;

    if (c->state == LOAD_NONE) {
        return;
    }

    if (c->state == LOAD_CONNECTING) {
        len = sizeof(err);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 || err) {
            errno = err;
            load_die("connect");
        }

        c->state = LOAD_UPGRADING;

        if (load_ssl) {
            c->ssl = SSL_new(load_ssl);
            SSL_set_fd(c->ssl, c->fd);
            SSL_set_connect_state(c->ssl);
            c->state = LOAD_TLS;

        } else {
            load_upgrade(c);
        }
    }

    if (c->state == LOAD_TLS) {
        if (SSL_do_handshake(c->ssl) != 1) {
            return;
        }

        c->state = LOAD_UPGRADING;
        load_upgrade(c);
    }

    load_read(c);
}


static void
load_upgrade(load_conn_t *c)
{
    char  request[512];
    int   n;

    n = snprintf(request, sizeof(request),
                 "GET /ws HTTP/1.1\r\n"
                 "Host: localhost\r\n"
                 "Connection: Upgrade\r\n"
                 "Upgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

    load_write(c, request, (size_t) n);
}


static void
load_read(load_conn_t *c)
{
    char     *p, *end, *head;
    size_t    len, size, npart;
    ssize_t   n;

    static char  buffer[1 << 20];

    for ( ;; ) {
        npart = c->npart;
        memcpy(buffer, c->part, npart);
        free(c->part);
        c->part = NULL;
        c->npart = 0;

        p = buffer + npart;
        size = sizeof(buffer) - npart;

        n = c->ssl ? SSL_read(c->ssl, p, (int) size) : recv(c->fd, p, size, 0);

        if (n == 0 && !c->ssl) {
            load_die("a connection was closed");
        }

        p = buffer;
        end = buffer + npart + (n > 0 ? n : 0);

        if (n > 0 && c->state == LOAD_UPGRADING) {
            head = memmem(p, (size_t) (end - p), "\r\n\r\n", 4);

            if (end - p >= 12 && memcmp(p, "HTTP/1.1 101", 12) != 0) {
                load_die("no 101");
            }

            if (head) {
                p = head + 4;
                c->state = LOAD_AUTHENTICATING;
                load_message(c, NULL, 0);
            }
        }

        while (c->state > LOAD_UPGRADING && end - p >= 2) {
            len = (unsigned char) p[1];
            head = p + 2;

            if (len == 126) {
                if (end - p < 4) {
                    break;
                }

                len = (size_t) (unsigned char) p[2] << 8
                      | (unsigned char) p[3];
                head = p + 4;
            }

            if (len > (size_t) (end - head) || end < head) {
                break;
            }

            if ((p[0] & 0xf) == 0x9) {
                load_write(c, "\x8a\x80\0\0\0\0", 6);

            } else if ((p[0] & 0xf) == 0x8) {
                load_die("a close frame");

            } else {
                load_message(c, head, len);
            }

            p = head + len;
        }

        if (p != end) {
            c->npart = (size_t) (end - p);
            c->part = malloc(c->npart);
            memcpy(c->part, p, c->npart);
        }

        if (n <= 0) {
            return;
        }
    }
}


/* NULL: the upgrade */

static void
load_message(load_conn_t *c, const char *p, size_t len)
{
    static const char  group[] = "{\"event\":\"message:group\"";
    static const char  direct[] = "{\"event\":\"message:direct\"";
    static const char  ack[] = "{\"event\":\"ack\"";

    if (p == NULL) {

        if (!load_floor) {
            load_send(c, "{\"event\":\"auth\",\"id\":1,\"data\":"
                      "{\"token\":\"%u|load-token-%u\"}}",
                      load_user(c), load_user(c));
            return;
        }

        c->state = LOAD_SUBSCRIBING;
        load_send(c, "{\"event\":\"subscribe\",\"id\":2,\"data\":"
                  "{\"channel\":\"bench-%u\"}}", c->room);
        return;
    }

    if (len >= sizeof(ack) && memcmp(p, ack, sizeof(ack) - 1) == 0) {

        if (memmem(p, len, "\"status\":\"ok\"", 13) == NULL) {
            fprintf(stderr, "load: %.*s\n", (int) len, p);
            exit(1);
        }

        if (c->state == LOAD_AUTHENTICATING && !load_members) {
            c->state = LOAD_SUBSCRIBING;
            load_send(c, "{\"event\":\"subscribe\",\"id\":2,\"data\":"
                      "{\"channel\":\"bench-%u\"}}", c->room);

        } else if (c->state < LOAD_READY) {
            c->state = LOAD_READY;
            load_ready++;
            load_opening--;
        }

        return;
    }

    if (load_watched && len >= strlen(load_watched)
        && memcmp(p, load_watched, strlen(load_watched)) == 0)
    {
        load_delivered += (c < load_conns + LOAD_WATCHERS);
        return;
    }

    if (len >= sizeof(direct)
        && (memcmp(p, group, sizeof(group) - 1) == 0
            || memcmp(p, direct, sizeof(direct) - 1) == 0))
    {
        load_delivered++;

        if (load_ping_pong && load_sent < load_wanted) {
            load_send_direct(c);
            load_sent++;
        }
    }
}


static void
load_write(load_conn_t *c, const char *p, size_t len)
{
    ssize_t  n;

    n = c->ssl ? SSL_write(c->ssl, p, (int) len)
               : send(c->fd, p, len, MSG_NOSIGNAL);

    if (n != (ssize_t) len) {
        load_die("send");
    }
}


static void
load_send(load_conn_t *c, const char *fmt, ...)
{
    int        n;
    char       frame[1024], *text;
    va_list    args;

    text = frame + 8;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(frame) - 8, fmt, args);
    va_end(args);

    memset(frame, 0, 8);             /* the mask is zero */

    if (n < 126) {
        frame[2] = (char) 0x81;
        frame[3] = (char) (0x80 | n);
        load_write(c, frame + 2, (size_t) n + 6);
        return;
    }

    frame[0] = (char) 0x81;
    frame[1] = (char) (0x80 | 126);
    frame[2] = (char) (n >> 8);
    frame[3] = (char) n;
    load_write(c, frame, (size_t) n + 8);
}


static void
load_send_group(load_conn_t *c)
{
    load_send(c, "{\"event\":\"message:group\",\"data\":{\"channel\":"
              "\"bench-%u\",\"message\":\"%s\"}}", c->room, load_text);
}


/* to the other one of the pair, which is another user's */

static void
load_send_direct(load_conn_t *c)
{
    unsigned  other;

    other = (unsigned) (c - load_conns) ^ 1;

    if (load_floor) {
        load_send(c, "{\"event\":\"message:group\",\"data\":{\"channel\":"
                  "\"bench-%u\",\"message\":\"%s\"}}", other, load_text);
        return;
    }

    load_send(c, "{\"event\":\"message:direct\",\"data\":{\"recipientId\":%u,"
              "\"channel\":\"pair-%u\",\"message\":\"%s\"}}",
              load_user(&load_conns[other]), other, load_text);
}


static unsigned
load_user(load_conn_t *c)
{
    unsigned  n;

    n = (unsigned) (c - load_conns);

    return LOAD_FIRST_USER + (load_members ? n : n % LOAD_USERS);
}


static double
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


void
load_die(const char *text)
{
    fprintf(stderr, "load: %s: %s\n", text, strerror(errno));
    exit(1);
}
