
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The floor under every figure: a server that does nothing but pass messages
 * on.  "floor PORT"; one process, epoll, one write a connection and turn.  A
 * message with "subscribe" joins the channel that it names, another one goes
 * to those who did; everybody gets a ping each 25 seconds.  Nothing is
 * checked: only load.c may come.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define FLOOR_ROOMS    65536
#define FLOOR_CONNS    65536
#define FLOOR_QUEUE    65536
#define FLOOR_BEATS    64          /* when pings go out, an interval */
#define FLOOR_BEAT     391         /* ms */


typedef struct floor_conn_s  floor_conn_t;

struct floor_conn_s {
    int            fd;
    int            open;
    floor_conn_t  *next;           /* in the room */
    int            dirty;
    char          *out;
    size_t         nout;
};


static void floor_accept(int fd);
static void floor_read(floor_conn_t *c);
static void floor_message(floor_conn_t *c, char *p, size_t len);
static void floor_put(floor_conn_t *c, const char *p, size_t len);
static void floor_flush(void);
static int floor_ping(void);


static int            floor_epoll;
static floor_conn_t   floor_conns[FLOOR_CONNS];
static floor_conn_t  *floor_rooms[FLOOR_ROOMS];
static floor_conn_t  *floor_dirty[FLOOR_CONNS];
static unsigned       floor_ndirty;


int
main(int argc, char **argv)
{
    int                 fd, i, n, on;
    struct rlimit       rlmt;
    struct sockaddr_in  sin;
    struct epoll_event  ee, events[512];

    if (argc != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 1;
    }

    signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rlmt) == 0) {
        rlmt.rlim_cur = rlmt.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rlmt);
    }

    on = 1;
    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((unsigned short) atoi(argv[1]));

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 511) == -1)
    {
        perror("floor");
        return 1;
    }

    floor_epoll = epoll_create1(0);
    ee.events = EPOLLIN;
    ee.data.ptr = NULL;
    (void) epoll_ctl(floor_epoll, EPOLL_CTL_ADD, fd, &ee);

    for ( ;; ) {
        n = epoll_wait(floor_epoll, events, 512, floor_ping());

        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                floor_accept(fd);

            } else {
                floor_read(events[i].data.ptr);
            }
        }

        floor_flush();
    }
}


static void
floor_accept(int fd)
{
    int                 s, on;
    floor_conn_t       *c;
    struct epoll_event  ee;

    on = 1;

    while ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
        (void) setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        c = &floor_conns[s];
        c->fd = s;

        ee.events = EPOLLIN|EPOLLET;
        ee.data.ptr = c;
        (void) epoll_ctl(floor_epoll, EPOLL_CTL_ADD, s, &ee);
    }
}


static void
floor_read(floor_conn_t *c)
{
    char     *p, *end, *text;
    size_t    len;
    ssize_t   n;

    static char        buffer[65536];
    static const char  upgraded[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                    "Connection: upgrade\r\n"
                                    "Upgrade: websocket\r\n\r\n";

    while ((n = recv(c->fd, buffer, sizeof(buffer), 0)) > 0) {

        if (!c->open) {
            c->open = 1;
            floor_put(c, upgraded, sizeof(upgraded) - 1);
            continue;
        }

        /* load.c writes each frame at once, by a mask of zero */

        for (p = buffer, end = buffer + n; end - p >= 6; p = text + len) {
            len = p[1] & 0x7f;
            text = p + 6;

            if (len == 126) {
                len = (size_t) (unsigned char) p[2] << 8
                      | (unsigned char) p[3];
                text = p + 8;
            }

            floor_message(c, text, len);
        }
    }
}


static void
floor_message(floor_conn_t *c, char *p, size_t len)
{
    char          *room, head[4];
    unsigned       n;
    floor_conn_t  *member;

    static const char  ack[] = "\x81\x26"
                               "{\"event\":\"ack\",\"data\":{\"status\":\"ok\"}}";

    room = memmem(p, len, "bench-", 6);
    n = room ? (unsigned) atoi(room + 6) % FLOOR_ROOMS : 0;

    if (memmem(p, len < 30 ? len : 30, "subscribe", 9)) {
        c->next = floor_rooms[n];
        floor_rooms[n] = c;
        floor_put(c, ack, sizeof(ack) - 1);
        return;
    }

    head[0] = (char) 0x81;
    head[1] = 126;
    head[2] = (char) (len >> 8);
    head[3] = (char) len;

    for (member = floor_rooms[n]; member; member = member->next) {
        floor_put(member, head, 4);
        floor_put(member, p, len);
    }
}


static void
floor_put(floor_conn_t *c, const char *p, size_t len)
{
    if (c->out == NULL) {
        c->out = malloc(FLOOR_QUEUE);
    }

    if (c->nout + len > FLOOR_QUEUE) {
        (void) !send(c->fd, c->out, c->nout, 0);
        c->nout = 0;
    }

    memcpy(c->out + c->nout, p, len);
    c->nout += len;

    if (!c->dirty) {
        c->dirty = 1;
        floor_dirty[floor_ndirty++] = c;
    }
}


static void
floor_flush(void)
{
    unsigned       i;
    floor_conn_t  *c;

    for (i = 0; i < floor_ndirty; i++) {
        c = floor_dirty[i];

        (void) !send(c->fd, c->out, c->nout, 0);

        c->nout = 0;
        c->dirty = 0;
        free(c->out);
        c->out = NULL;
    }

    floor_ndirty = 0;
}


/* Pings those whose turn it is; milliseconds to the next ones. */

static int
floor_ping(void)
{
    int              i;
    long             now;
    struct timespec  ts;

    static long      beat;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    now = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

    if (now / FLOOR_BEAT != beat) {
        beat = now / FLOOR_BEAT;

        for (i = (int) (beat % FLOOR_BEATS); i < FLOOR_CONNS;
             i += FLOOR_BEATS)
        {
            if (floor_conns[i].open) {
                floor_put(&floor_conns[i], "\x89\0", 2);
            }
        }

        floor_flush();
    }

    return (int) (FLOOR_BEAT - now % FLOOR_BEAT);
}
