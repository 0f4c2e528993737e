
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <poll.h>
#include <time.h>

#include "loop.h"
#include "test.h"


#define LOOP_TIMEOUT  20000


typedef struct {
    ngx_connection_t   connection;
    ngx_event_t        read;
    ngx_event_t        write;
    unsigned           used:1;
} loop_connection_t;


static ngx_int_t add_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t flags);
static ngx_int_t del_event(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t flags);
static void update_time(void);
static void process_events(int timeout);


static loop_connection_t    connections[LOOP_CONNECTIONS];
static ngx_msec_t           ahead;
static ngx_atomic_t         connection_counter;

ngx_uint_t                  loop_full;

ngx_atomic_t               *ngx_connection_counter = &connection_counter;
ngx_event_actions_t         ngx_event_actions;
volatile ngx_msec_t         ngx_current_msec;


void
loop_init(void)
{
    ngx_event_actions.add = add_event;
    ngx_event_actions.del = del_event;

    ngx_queue_init(&ngx_posted_accept_events);
    ngx_queue_init(&ngx_posted_next_events);
    ngx_queue_init(&ngx_posted_events);

    update_time();

    if (ngx_event_timer_init(&test_log) != NGX_OK) {
        exit(2);
    }
}


/* in the order of ngx_process_events_and_timers() */

void
loop_turn(void)
{
    int  timeout;

    timeout = 1;

    if (!ngx_queue_empty(&ngx_posted_next_events)) {
        ngx_event_move_posted_next((ngx_cycle_t *) ngx_cycle);
        timeout = 0;
    }

    process_events(timeout);
    update_time();
    ngx_event_expire_timers();
    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);
}


ngx_uint_t
loop_until(ngx_uint_t *counter, ngx_uint_t n)
{
    ngx_msec_t  since;

    since = ngx_current_msec;

    while (*counter < n && ngx_current_msec - since < LOOP_TIMEOUT) {
        loop_turn();
    }

    return *counter >= n;
}


void
loop_run(ngx_msec_t timeout)
{
    ngx_uint_t  n;
    ngx_msec_t  since;

    since = ngx_current_msec;

    /* a machine that stood still has turned too little */

    for (n = 0; n < timeout || ngx_current_msec - since < timeout; n++) {
        loop_turn();
    }
}


void
loop_advance(ngx_msec_t msec)
{
    ahead += msec;

    loop_turn();
    loop_turn();
}


ngx_uint_t
loop_connections(void)
{
    ngx_uint_t  i, n;

    for (i = 0, n = 0; i < LOOP_CONNECTIONS; i++) {
        n += connections[i].used;
    }

    return n;
}


ngx_uint_t
loop_timers(void)
{
    return ngx_event_timer_rbtree.root != ngx_event_timer_rbtree.sentinel;
}


ngx_connection_t *
ngx_get_connection(ngx_socket_t s, ngx_log_t *log)
{
    ngx_uint_t          i;
    loop_connection_t  *lc;

    for (i = 0; i < LOOP_CONNECTIONS && !loop_full; i++) {
        lc = &connections[i];

        if (lc->used) {
            continue;
        }

        ngx_memzero(lc, sizeof(loop_connection_t));

        lc->used = 1;
        lc->connection.fd = s;
        lc->connection.log = log;
        lc->connection.read = &lc->read;
        lc->connection.write = &lc->write;
        lc->read.data = &lc->connection;
        lc->write.data = &lc->connection;
        lc->write.write = 1;

        return &lc->connection;
    }

    return NULL;
}


void
ngx_free_connection(ngx_connection_t *c)
{
    loop_connection_t *lc = (loop_connection_t *) c;

    if (!lc->used || lc->read.active || lc->write.active
        || lc->read.posted || lc->write.posted
        || lc->read.timer_set || lc->write.timer_set)
    {
        ok(0, "a connection that is freed is at rest");
    }

    lc->used = 0;
}


static ngx_int_t
add_event(ngx_event_t *ev, ngx_int_t event, ngx_uint_t flags)
{
    if (ev->active || flags != NGX_LEVEL_EVENT) {
        ok(0, "an event is added once, level-triggered");
    }

    ev->active = 1;

    return NGX_OK;
}


static ngx_int_t
del_event(ngx_event_t *ev, ngx_int_t event, ngx_uint_t flags)
{
    if (!ev->active) {
        ok(0, "an event that is deleted was added");
    }

    ev->active = 0;

    return NGX_OK;
}


static void
update_time(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    ngx_current_msec = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ahead;
}


static void
process_events(int timeout)
{
    ngx_uint_t          i;
    struct pollfd       fds[LOOP_CONNECTIONS];
    loop_connection_t  *lc;

    for (i = 0; i < LOOP_CONNECTIONS; i++) {
        lc = &connections[i];

        fds[i].fd = lc->used ? lc->connection.fd : -1;
        fds[i].events = (lc->read.active ? POLLIN : 0)
                        | (lc->write.active ? POLLOUT : 0);
        fds[i].revents = 0;
    }

    if (poll(fds, LOOP_CONNECTIONS, timeout) <= 0) {
        return;
    }

    for (i = 0; i < LOOP_CONNECTIONS; i++) {
        lc = &connections[i];

        if ((fds[i].revents & (POLLIN|POLLERR|POLLHUP))
            && lc->read.active && lc->connection.fd == fds[i].fd)
        {
            lc->read.handler(&lc->read);
        }

        if ((fds[i].revents & (POLLOUT|POLLERR|POLLHUP))
            && lc->write.active && lc->connection.fd == fds[i].fd)
        {
            lc->write.handler(&lc->write);
        }
    }
}
