
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <ngx_ws_loop.h>


#define NGX_WS_LOOP_TRIM        500        /* connections that come or go */
#define NGX_WS_LOOP_TRIM_DELAY  2000       /* ms */
#define NGX_WS_LOOP_TRIM_LAST   20000
#define NGX_WS_LOOP_UNUSED      30000      /* streams are dropped, ms */
#define NGX_WS_LOOP_MMAP        131072     /* bytes: given back when freed */


static void ngx_ws_loop_trim_handler(ngx_event_t *ev);
static void ngx_ws_loop_unused_handler(ngx_event_t *ev);


ngx_ws_loop_t *
ngx_ws_loop_create(void (*release)(ngx_connection_t *c), ngx_log_t *log)
{
    ngx_ws_loop_t  *loop;

    loop = ngx_calloc(sizeof(ngx_ws_loop_t), log);
    if (loop == NULL) {
        return NULL;
    }

#if defined(__GLIBC__)

    /*
     * by default glibc raises this to the size of what was freed, whereupon
     * each thread keeps some megabytes of its largest batch for MySQL
     */

    (void) mallopt(M_MMAP_THRESHOLD, NGX_WS_LOOP_MMAP);

#endif

    loop->deflate = ngx_ws_deflate_create(log);
    if (loop->deflate == NULL) {
        ngx_free(loop);
        return NULL;
    }

    loop->release = release;

    ngx_queue_init(&loop->dirty);
    ngx_queue_init(&loop->contexts);

    loop->flush.data = loop;
    loop->flush.log = log;

    loop->trim.data = loop;
    loop->trim.handler = ngx_ws_loop_trim_handler;
    loop->trim.log = log;
    loop->trim.cancelable = 1;

    loop->unused.data = loop;
    loop->unused.handler = ngx_ws_loop_unused_handler;
    loop->unused.log = log;
    loop->unused.cancelable = 1;

    return loop;
}


void
ngx_ws_loop_destroy(ngx_ws_loop_t *loop)
{
    if (loop->flush.posted) {
        ngx_delete_posted_event(&loop->flush);
    }

    if (loop->trim.timer_set) {
        ngx_del_timer(&loop->trim);
    }

    if (loop->unused.timer_set) {
        ngx_del_timer(&loop->unused);
    }

    ngx_ws_deflate_destroy(loop->deflate);
    ngx_free(loop);
}


void
ngx_ws_loop_count(ngx_ws_loop_t *loop, ngx_int_t n)
{
    ngx_int_t  changed;

    loop->count += n;

    changed = (ngx_int_t) (loop->count - loop->trimmed);

    if (ngx_abs(changed) >= NGX_WS_LOOP_TRIM
        && loop->wait != NGX_WS_LOOP_TRIM_DELAY)
    {
        loop->wait = NGX_WS_LOOP_TRIM_DELAY;
        ngx_add_timer(&loop->trim, loop->wait);
    }
}


static void
ngx_ws_loop_trim_handler(ngx_event_t *ev)
{
    ngx_ws_loop_t  *loop;

    loop = ev->data;

    loop->trimmed = loop->count;

#if defined(__GLIBC__)

    /*
     * what sockets keep lies scattered among what was freed, which glibc does
     * not give back by itself; it takes about a millisecond
     */

    (void) malloc_trim(0);

#endif

    /* and again, as the record of their coming takes longer to be written */

    loop->wait *= 3;

    if (loop->wait > NGX_WS_LOOP_TRIM_LAST) {
        loop->wait = 0;
        return;
    }

    ngx_add_timer(&loop->trim, loop->wait);
}


ngx_ws_deflate_t *
ngx_ws_loop_deflate(ngx_ws_loop_t *loop)
{
    loop->used = 1;

    if (!loop->unused.timer_set) {
        ngx_add_timer(&loop->unused, NGX_WS_LOOP_UNUSED);
    }

    return loop->deflate;
}


static void
ngx_ws_loop_unused_handler(ngx_event_t *ev)
{
    ngx_queue_t            *q;
    ngx_ws_loop_t          *loop;
    ngx_ws_loop_context_t  *context;

    loop = ev->data;

    while (!ngx_queue_empty(&loop->contexts)) {
        q = ngx_queue_head(&loop->contexts);
        context = ngx_queue_data(q, ngx_ws_loop_context_t, queue);

        if (ngx_current_msec - context->used < NGX_WS_LOOP_UNUSED) {
            break;
        }

        ngx_ws_loop_context_drop(context);
    }

    if (loop->used) {
        loop->used = 0;
        ngx_add_timer(ev, NGX_WS_LOOP_UNUSED);
        return;
    }

    ngx_ws_deflate_drop(loop->deflate);
}


ngx_ws_deflate_context_t *
ngx_ws_loop_context(ngx_ws_loop_t *loop, ngx_ws_loop_context_t **owner)
{
    ngx_ws_loop_context_t  *context;

    context = *owner;

    if (context) {
        ngx_queue_remove(&context->queue);

    } else {
        context = ngx_alloc(sizeof(ngx_ws_loop_context_t), loop->trim.log);
        if (context == NULL) {
            return NULL;
        }

        context->owner = owner;
        context->deflate.len = 0;
        *owner = context;
    }

    context->used = ngx_current_msec;
    ngx_queue_insert_tail(&loop->contexts, &context->queue);

    return &context->deflate;
}


void
ngx_ws_loop_context_drop(ngx_ws_loop_context_t *context)
{
    *context->owner = NULL;

    ngx_queue_remove(&context->queue);
    ngx_free(context);
}
