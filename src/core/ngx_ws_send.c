
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_send.h>


#define NGX_WS_SEND_RING  8        /* buffers in the smallest ring */
#define NGX_WS_SEND_IOVS  64       /* buffers a system call */


static ngx_int_t ngx_ws_send_grow(ngx_ws_send_queue_t *q, ngx_log_t *log);
static void ngx_ws_send_sent(ngx_ws_send_queue_t *q, ngx_buf_t *b,
    ngx_uint_t n);


#define ngx_ws_send_slot(q, i)                                                \
    (&(q)->ring[((q)->first + (i)) & ((q)->size - 1)])


ngx_int_t
ngx_ws_send_push(ngx_ws_send_queue_t *q, ngx_ws_buf_t *wb, ngx_log_t *log)
{
    if (q->count == q->size && ngx_ws_send_grow(q, log) != NGX_OK) {
        return NGX_ERROR;
    }

    *ngx_ws_send_slot(q, q->count) = ngx_ws_buf_ref(wb);

    q->count++;
    q->bytes += ngx_ws_send_cost(wb);

    ngx_ws_metric_add(SEND_QUEUE, ngx_ws_send_cost(wb));

    return NGX_OK;
}


static ngx_int_t
ngx_ws_send_grow(ngx_ws_send_queue_t *q, ngx_log_t *log)
{
    uint32_t        i, size;
    ngx_ws_buf_t  **ring;

    size = q->size ? q->size * 2 : NGX_WS_SEND_RING;

    ring = ngx_alloc(size * sizeof(ngx_ws_buf_t *), log);
    if (ring == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < q->count; i++) {
        ring[i] = *ngx_ws_send_slot(q, i);
    }

    if (q->ring) {
        ngx_free(q->ring);
    }

    q->ring = ring;
    q->size = size;
    q->first = 0;

    return NGX_OK;
}


ngx_int_t
ngx_ws_send_flush(ngx_ws_send_queue_t *q, ngx_connection_t *c)
{
    off_t          sent;
    ngx_buf_t      bufs[NGX_WS_SEND_IOVS], *b;
    ngx_uint_t     i, n;
    ngx_chain_t    chain[NGX_WS_SEND_IOVS], *rest;
    ngx_ws_buf_t  *wb;

    for ( ;; ) {

        n = ngx_min(q->count, NGX_WS_SEND_IOVS);

        if (n == 0 && !c->buffered) {
            break;
        }

        ngx_memzero(bufs, n * sizeof(ngx_buf_t));

        for (i = 0; i < n; i++) {
            wb = *ngx_ws_send_slot(q, i);

            b = &bufs[i];
            b->start = wb->data;
            b->pos = wb->data + (i == 0 ? q->offset : 0);
            b->last = wb->data + wb->size;
            b->end = b->last;
            b->memory = 1;

            chain[i].buf = b;
            chain[i].next = &chain[i + 1];
        }

        if (n) {
            /* TLS collects small buffers until it is told to write them */
            bufs[n - 1].flush = (n == q->count);
            chain[n - 1].next = NULL;
        }

        sent = c->sent;

        rest = c->send_chain(c, n ? chain : NULL, 0);

        ngx_ws_metric_add(BYTES_SENT, c->sent - sent);

        if (rest == NGX_CHAIN_ERROR) {
            return NGX_ERROR;
        }

        ngx_ws_send_sent(q, bufs, n);

        if (rest != NULL || (c->buffered && !c->write->ready)) {

            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                return NGX_ERROR;
            }

            return NGX_AGAIN;
        }
    }

    ngx_ws_send_cleanup(q);

#if (NGX_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }
#endif

    /* a level-triggered event would come on and on */

    return ngx_handle_write_event(c->write, 0);
}


static void
ngx_ws_send_sent(ngx_ws_send_queue_t *q, ngx_buf_t *b, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (b[i].pos != b[i].last) {
            q->offset = (uint32_t) (b[i].pos - b[i].start);
            return;
        }

        ngx_ws_send_shift(q);
    }
}


ngx_ws_buf_t *
ngx_ws_send_get(ngx_ws_send_queue_t *q, ngx_uint_t i)
{
    return *ngx_ws_send_slot(q, i);
}


void
ngx_ws_send_shift(ngx_ws_send_queue_t *q)
{
    ngx_ws_buf_t  *wb;

    wb = *ngx_ws_send_slot(q, 0);

    q->first++;
    q->count--;
    q->bytes -= ngx_ws_send_cost(wb);
    q->offset = 0;

    ngx_ws_metric_sub(SEND_QUEUE, ngx_ws_send_cost(wb));

    ngx_ws_buf_unref(wb);
}


void
ngx_ws_send_drop(ngx_ws_send_queue_t *q)
{
    uint32_t       i, keep;
    ngx_ws_buf_t  *wb;

    keep = q->offset ? 1 : 0;

    for (i = keep; i < q->count; i++) {
        wb = *ngx_ws_send_slot(q, i);
        q->bytes -= ngx_ws_send_cost(wb);

        ngx_ws_metric_sub(SEND_QUEUE, ngx_ws_send_cost(wb));
        ngx_ws_metric_add(MESSAGES_DROPPED, wb->messages);

        ngx_ws_buf_unref(wb);
    }

    q->count = ngx_min(q->count, keep);
}


void
ngx_ws_send_cleanup(ngx_ws_send_queue_t *q)
{
    uint32_t  i;

    for (i = 0; i < q->count; i++) {
        ngx_ws_buf_unref(*ngx_ws_send_slot(q, i));
    }

    ngx_ws_metric_sub(SEND_QUEUE, q->bytes);

    if (q->ring) {
        ngx_free(q->ring);
    }

    ngx_memzero(q, sizeof(ngx_ws_send_queue_t));
}
