
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_loop.h>

#include "test.h"


#define N       100
#define UNUSED  30000        /* ms, after which a context is dropped */


static void contexts(void);
static void dropped(void);
static void no_memory(void);
static void clock_to(ngx_msec_t msec);
static ngx_uint_t held(void);


volatile ngx_msec_t            ngx_current_msec;

static ngx_ws_loop_t          *loop;
static ngx_ws_loop_context_t  *owners[N];


int
main(void)
{
    ngx_current_msec = 123456789;

    (void) ngx_event_timer_init(&test_log);

    loop = ngx_ws_loop_create(NULL, &test_log);
    if (loop == NULL) {
        return 2;
    }

    contexts();
    dropped();
    no_memory();

    ngx_ws_loop_destroy(loop);

    return done();
}


/* those that are used stay, the others give their memory back */

static void
contexts(void)
{
    ngx_uint_t                 i, bad;
    ngx_msec_t                 start;
    ngx_ws_deflate_context_t  *context;

    start = ngx_current_msec;
    bad = 0;

    for (i = 0; i < N; i++) {
        (void) ngx_ws_loop_deflate(loop);
        context = ngx_ws_loop_context(loop, &owners[i]);

        bad += (context == NULL || context->len != 0);
        ngx_ws_deflate_context_add(context, (u_char *) &i, sizeof(i));

        bad += (ngx_ws_loop_context(loop, &owners[i]) != context
                || context->len != sizeof(i));
    }

    ok(bad == 0, "each connection has its own context");
    is_int((int64_t) held(), N, "all are held");

    for (i = 1; i <= 8; i++) {
        clock_to(start + i * UNUSED / 2);

        (void) ngx_ws_loop_deflate(loop);
        (void) ngx_ws_loop_context(loop, &owners[7]);
    }

    is_int((int64_t) held(), 1, "but the one that is used all are dropped");
    ok(owners[7] && owners[7]->deflate.len == sizeof(i), "it is as it was");

    clock_to(ngx_current_msec + 3 * UNUSED);
    is_int((int64_t) held(), 0, "and at last this one, too");
    ok(!loop->unused.timer_set, "nothing is left to look for");
}


/* a connection drops its context when it closes, or forgets it */

static void
dropped(void)
{
    ngx_uint_t  i;

    for (i = 0; i < N; i++) {
        (void) ngx_ws_loop_deflate(loop);
        (void) ngx_ws_loop_context(loop, &owners[i]);
    }

    for (i = 0; i < N; i += 2) {
        ngx_ws_loop_context_drop(owners[i]);
    }

    is_int((int64_t) held(), N / 2, "contexts are dropped");

    for (i = 1; i < N; i += 2) {
        ngx_ws_loop_context_drop(owners[i]);
    }

    ok(held() == 0 && ngx_queue_empty(&loop->contexts), "all of them");
}


static void
no_memory(void)
{
    (void) fail_alloc(1);
    ok(ngx_ws_loop_context(loop, &owners[0]) == NULL && owners[0] == NULL,
       "no memory for a context");
    (void) fail_alloc(0);
}


static void
clock_to(ngx_msec_t msec)
{
    while (ngx_current_msec != msec) {
        ngx_current_msec = ngx_min(msec, ngx_current_msec + 500);
        ngx_event_expire_timers();
    }
}


static ngx_uint_t
held(void)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < N; i++) {
        n += (owners[i] != NULL);
    }

    return n;
}
