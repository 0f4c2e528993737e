
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"


#define LOAD_USERS       2000      /* of demo/load-users.sql */
#define LOAD_FIRST_USER  1001
#define LOAD_PAYLOAD     200
#define LOAD_ADDRESS     10000     /* sockets a source address */
#define LOAD_PATIENCE    30.0      /* seconds without any progress */
#define LOAD_ROOMS       100000    /* names of channels a round */


enum {
    LOAD_SOCKET_NONE = 0,
    LOAD_SOCKET_CONNECTING,
    LOAD_SOCKET_TLS,
    LOAD_SOCKET_UPGRADING,
    LOAD_SOCKET_AUTHENTICATING,
    LOAD_SOCKET_SUBSCRIBING,
    LOAD_SOCKET_READY
};


static void load_socket_send_channel(load_socket_t *c, unsigned channel);
static void load_socket_open(load_socket_t *c);
static void load_socket_event(load_socket_t *c);
static void load_socket_upgrade(load_socket_t *c);
static void load_socket_read(load_socket_t *c);
static void load_socket_message(load_socket_t *c, const char *p, size_t len);
static unsigned load_socket_user(load_socket_t *c);
static void load_socket_send(load_socket_t *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void load_socket_write(load_socket_t *c, const char *p, size_t len);


static int       load_socket_epoll;
static SSL_CTX  *load_socket_tls;
static uint64_t  load_socket_done;         /* at the last progress */
static double    load_socket_progress;
static char      load_socket_text[LOAD_PAYLOAD + 1];


void
load_socket_init(void)
{
    memset(load_socket_text, 'x', LOAD_PAYLOAD);
    load_socket_epoll = epoll_create1(0);

    if (load.tls) {
        load_socket_tls = SSL_CTX_new(TLS_client_method());
    }
}


void
load_socket_open_all(unsigned n, unsigned flight)
{
    if (load.sockets == NULL) {
        load.sockets = calloc(n, sizeof(load_socket_t));
        load.n = n;
    }

    load.ready = 0;
    load_socket_open_some(0, n, flight);
}


void
load_socket_open_some(unsigned first, unsigned n, unsigned flight)
{
    unsigned  i;

    load_socket_progress = load_now();

    for (i = first; load.ready < n; /* void */) {

        while (i < n && load.opening < flight) {
            load_socket_open(&load.sockets[i++]);
        }

        load_socket_turn(1000);
    }
}


void
load_socket_close_all(void)
{
    unsigned  i;

    for (i = 0; i < load.n; i++) {
        load_socket_close(&load.sockets[i]);
    }
}


void
load_socket_close(load_socket_t *c)
{
    if (c->ssl) {
        SSL_free(c->ssl);
        c->ssl = NULL;
    }

    free(c->part);
    c->part = NULL;
    c->npart = 0;

    close(c->fd);
    c->state = LOAD_SOCKET_NONE;
}


void
load_socket_turn(int timeout)
{
    int                 i, n;
    uint64_t            done;
    struct epoll_event  events[512];

    n = epoll_wait(load_socket_epoll, events, 512, timeout);

    for (i = 0; i < n; i++) {
        load_socket_event(events[i].data.ptr);
    }

    done = load.delivered + load.ready;

    if (done != load_socket_done) {
        load_socket_done = done;
        load_socket_progress = load_now();

    } else if (load_now() - load_socket_progress > LOAD_PATIENCE
               && load.delivered < load.wanted)
    {
        fprintf(stderr, "load: %llu of %llu deliveries\n",
                (unsigned long long) load.delivered,
                (unsigned long long) load.wanted);
        exit(1);
    }
}


void
load_socket_turns(double seconds, int timeout)
{
    double  end;

    for (end = load_now() + seconds; load_now() < end; /* void */) {
        load_socket_turn(timeout);
    }
}


void
load_socket_send_group(load_socket_t *c)
{
    load_socket_send_channel(c, c->room);
}


void
load_socket_send_direct(load_socket_t *c)
{
    unsigned  other;

    other = (unsigned) (c - load.sockets) ^ 1;

    if (load.floor) {
        load_socket_send_channel(c, other);
        return;
    }

    load_socket_send(c, "{\"event\":\"message:direct\",\"data\":{"
                     "\"recipientId\":%u,\"channel\":\"pair-%u\","
                     "\"message\":\"%s\"}}",
                     load_socket_user(&load.sockets[other]), other,
                     load_socket_text);
}


static void
load_socket_send_channel(load_socket_t *c, unsigned channel)
{
    load_socket_send(c, "{\"event\":\"message:group\",\"data\":{"
                     "\"channel\":\"bench-%u\",\"message\":\"%s\"}}",
                     channel, load_socket_text);
}


static void
load_socket_open(load_socket_t *c)
{
    int                 on;
    unsigned            n;
    struct sockaddr_in  sin;
    struct epoll_event  ee;

    n = (unsigned) (c - load.sockets);
    on = 1;

    c->room = load.round * LOAD_ROOMS + n / load.room_size;
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
    sin.sin_port = htons((uint16_t) load.port);

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        load_die("connect");
    }

    ee.events = EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET;
    ee.data.ptr = c;

    if (epoll_ctl(load_socket_epoll, EPOLL_CTL_ADD, c->fd, &ee) == -1) {
        load_die("epoll_ctl");
    }

    c->state = LOAD_SOCKET_CONNECTING;
    load.opening++;
}


static void
load_socket_event(load_socket_t *c)
{
    int        err;
    socklen_t  len;

    if (c->state == LOAD_SOCKET_NONE) {
        return;
    }

    if (c->state == LOAD_SOCKET_CONNECTING) {
        len = sizeof(err);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1 || err) {
            errno = err;
            load_die("connect");
        }

        c->state = LOAD_SOCKET_UPGRADING;

        if (load.tls) {
            c->ssl = SSL_new(load_socket_tls);
            SSL_set_fd(c->ssl, c->fd);
            SSL_set_connect_state(c->ssl);
            c->state = LOAD_SOCKET_TLS;

        } else {
            load_socket_upgrade(c);
        }
    }

    if (c->state == LOAD_SOCKET_TLS) {
        if (SSL_do_handshake(c->ssl) != 1) {
            return;
        }

        c->state = LOAD_SOCKET_UPGRADING;
        load_socket_upgrade(c);
    }

    load_socket_read(c);
}


static void
load_socket_upgrade(load_socket_t *c)
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

    load_socket_write(c, request, (size_t) n);
}


static void
load_socket_read(load_socket_t *c)
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

        if (n > 0 && c->state == LOAD_SOCKET_UPGRADING) {
            head = memmem(p, (size_t) (end - p), "\r\n\r\n", 4);

            if (end - p >= 12 && memcmp(p, "HTTP/1.1 101", 12) != 0) {
                load_die("no 101");
            }

            if (head) {
                p = head + 4;
                c->state = LOAD_SOCKET_AUTHENTICATING;
                load_socket_message(c, NULL, 0);
            }
        }

        while (c->state > LOAD_SOCKET_UPGRADING && end - p >= 2) {
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
                load_socket_write(c, "\x8a\x80\0\0\0\0", 6);

            } else if ((p[0] & 0xf) == 0x8) {
                load_die("a close frame");

            } else {
                load_socket_message(c, head, len);
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
load_socket_message(load_socket_t *c, const char *p, size_t len)
{
    static const char  group[] = "{\"event\":\"message:group\"";
    static const char  direct[] = "{\"event\":\"message:direct\"";
    static const char  ack[] = "{\"event\":\"ack\"";

    if (p == NULL) {

        if (!load.floor) {
            load_socket_send(c, "{\"event\":\"auth\",\"id\":1,\"data\":"
                             "{\"token\":\"%u|load-token-%u\"}}",
                             load_socket_user(c), load_socket_user(c));
            return;
        }

        c->state = LOAD_SOCKET_SUBSCRIBING;
        load_socket_send(c, "{\"event\":\"subscribe\",\"id\":2,\"data\":"
                         "{\"channel\":\"bench-%u\"}}", c->room);
        return;
    }

    if (len >= sizeof(ack) && memcmp(p, ack, sizeof(ack) - 1) == 0) {

        if (memmem(p, len, "\"status\":\"ok\"", 13) == NULL) {
            fprintf(stderr, "load: %.*s\n", (int) len, p);
            exit(1);
        }

        if (c->state == LOAD_SOCKET_AUTHENTICATING && !load.members) {
            c->state = LOAD_SOCKET_SUBSCRIBING;
            load_socket_send(c, "{\"event\":\"subscribe\",\"id\":2,\"data\":"
                             "{\"channel\":\"bench-%u\"}}", c->room);

        } else if (c->state < LOAD_SOCKET_READY) {
            c->state = LOAD_SOCKET_READY;
            load.ready++;
            load.opening--;
        }

        return;
    }

    if (load.watched && len >= strlen(load.watched)
        && memcmp(p, load.watched, strlen(load.watched)) == 0)
    {
        load.delivered += (c < load.sockets + LOAD_WATCHERS);
        return;
    }

    if (len >= sizeof(direct)
        && (memcmp(p, group, sizeof(group) - 1) == 0
            || memcmp(p, direct, sizeof(direct) - 1) == 0))
    {
        load.delivered++;

        if (load.ping_pong && load.sent < load.wanted) {
            load_socket_send_direct(c);
            load.sent++;
        }
    }
}


static unsigned
load_socket_user(load_socket_t *c)
{
    unsigned  n;

    n = (unsigned) (c - load.sockets);

    return LOAD_FIRST_USER + (load.members ? n : n % LOAD_USERS);
}


static void
load_socket_send(load_socket_t *c, const char *fmt, ...)
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
        load_socket_write(c, frame + 2, (size_t) n + 6);
        return;
    }

    frame[0] = (char) 0x81;
    frame[1] = (char) (0x80 | 126);
    frame[2] = (char) (n >> 8);
    frame[3] = (char) n;
    load_socket_write(c, frame, (size_t) n + 8);
}


static void
load_socket_write(load_socket_t *c, const char *p, size_t len)
{
    ssize_t  n;

    n = c->ssl ? SSL_write(c->ssl, p, (int) len)
               : send(c->fd, p, len, MSG_NOSIGNAL);

    if (n != (ssize_t) len) {
        load_die("send");
    }
}
