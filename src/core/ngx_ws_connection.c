
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_connection.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_reader.h>
#include <ngx_ws_send.h>


#define NGX_WS_CONNECTION_LINGER  5000     /* wait for the peer's close, ms */


typedef struct {
    size_t                       len;
    u_char                       data[];
} ngx_ws_connection_held_t;


typedef struct {
    ngx_ws_transport_t           transport;
    ngx_connection_t            *connection;
    ngx_ws_loop_t               *loop;
    ngx_ws_session_conf_t       *conf;
    ngx_ws_send_queue_t          queue;

    ngx_ws_reader_t             *reader;   /* of a message under way */
    ngx_ws_connection_held_t    *held;     /* read while paused */
    ngx_ws_loop_context_t       *context;  /* of what is sent compressed */

    ngx_log_t                    log;      /* the connection's */
    ngx_ws_deflate_params_t      deflate;

    unsigned                     paused:1;
    unsigned                     received:1;   /* a part of a message */
    unsigned                     queued:1;     /* in the dirty queue */
    unsigned                     slow:1;       /* the queue is full */
    unsigned                     closing:1;    /* our close frame is queued */
    unsigned                     failed:1;     /* no frame can be read on */
    unsigned                     peer_closed:1;

    uint8_t                      address_len;
    u_char                       address[];
} ngx_ws_connection_t;


static ngx_int_t ngx_ws_connection_send(ngx_ws_transport_t *t,
    ngx_ws_buf_t *wb);
static ngx_ws_buf_t *ngx_ws_connection_deflated(ngx_ws_connection_t *wsc,
    ngx_ws_buf_t *wb);
static void ngx_ws_connection_close(ngx_ws_transport_t *t, ngx_uint_t code);
static void ngx_ws_connection_pause(ngx_ws_transport_t *t);
static void ngx_ws_connection_resume(ngx_ws_transport_t *t);
static ngx_ws_send_queue_t *ngx_ws_connection_queue(ngx_ws_transport_t *t);
static ngx_uint_t ngx_ws_connection_receiving(ngx_ws_transport_t *t);
static ngx_uint_t ngx_ws_connection_joined(ngx_ws_transport_t *t);

static void ngx_ws_connection_read_handler(ngx_event_t *rev);
static void ngx_ws_connection_read(ngx_ws_connection_t *wsc);
static void ngx_ws_connection_end(ngx_ws_connection_t *wsc);
static void ngx_ws_connection_feed(ngx_ws_connection_t *wsc, u_char *pos,
    u_char *end);
static void ngx_ws_connection_frames(ngx_ws_connection_t *wsc,
    ngx_ws_reader_t *rd, u_char *pos, u_char *end);
static void ngx_ws_connection_keep(ngx_ws_connection_t *wsc,
    ngx_ws_reader_t *rd);
static ngx_int_t ngx_ws_connection_hold(ngx_ws_connection_t *wsc, u_char *pos,
    u_char *end);
static void ngx_ws_connection_message(ngx_ws_connection_t *wsc,
    ngx_ws_reader_out_t *out);
static void ngx_ws_connection_peer_close(ngx_ws_connection_t *wsc,
    ngx_uint_t code);

static void ngx_ws_connection_write_handler(ngx_event_t *wev);
static void ngx_ws_connection_flush_handler(ngx_event_t *ev);
static void ngx_ws_connection_flush(ngx_ws_connection_t *wsc);
static void ngx_ws_connection_dirty(ngx_ws_connection_t *wsc);

static void ngx_ws_connection_detach(ngx_ws_connection_t *wsc,
    ngx_uint_t code);
static void ngx_ws_connection_shut(ngx_ws_connection_t *wsc,
    ngx_uint_t code);
static void ngx_ws_connection_shut_done(ngx_ws_connection_t *wsc);
#if (NGX_SSL)
static void ngx_ws_connection_ssl_shut_handler(ngx_connection_t *c);
#endif
static void ngx_ws_connection_linger(ngx_ws_connection_t *wsc);
static void ngx_ws_connection_destroy(ngx_ws_connection_t *wsc);
static u_char *ngx_ws_connection_log_error(ngx_log_t *log, u_char *buf,
    size_t len);


static const ngx_ws_transport_ops_t  ngx_ws_connection_ops = {
    ngx_string("websocket"),
    NGX_WS_METRIC_CONNECTIONS_WEBSOCKET,
    ngx_ws_connection_send,
    ngx_ws_connection_close,
    ngx_ws_connection_pause,
    ngx_ws_connection_resume,
    ngx_ws_connection_queue,
    ngx_ws_connection_receiving,
    ngx_ws_connection_joined
};


ngx_ws_transport_t *
ngx_ws_connection_create(ngx_connection_t *c,
    ngx_ws_connection_params_t *params)
{
    size_t                len;
    ngx_ws_connection_t  *wsc;

    len = ngx_min(params->address.len, NGX_SOCKADDR_STRLEN);

    wsc = ngx_calloc(offsetof(ngx_ws_connection_t, address) + len, c->log);
    if (wsc == NULL) {
        return NULL;
    }

    wsc->transport.ops = &ngx_ws_connection_ops;
    wsc->transport.log = &wsc->log;
    wsc->connection = c;
    wsc->loop = params->loop;
    wsc->conf = params->conf;
    wsc->deflate = params->deflate;

    wsc->address_len = (uint8_t) len;
    ngx_memcpy(wsc->address, params->address.data, len);

    if (params->received.len
        && ngx_ws_connection_hold(wsc, params->received.data,
                                  params->received.data
                                  + params->received.len)
           != NGX_OK)
    {
        ngx_free(wsc);
        return NULL;
    }

    c->data = wsc;
    c->idle = 1;
    c->read->handler = ngx_ws_connection_read_handler;
    c->write->handler = ngx_ws_connection_write_handler;

    /* so that nothing of the connection's pool is needed any more */

    wsc->log = *c->log;
    wsc->log.data = wsc;
    wsc->log.handler = ngx_ws_connection_log_error;
    wsc->log.action = "reading websocket";

    c->log = &wsc->log;
    c->read->log = &wsc->log;
    c->write->log = &wsc->log;
    c->pool->log = &wsc->log;

    (void) ngx_tcp_nodelay(c);

    ngx_ws_loop_count(wsc->loop, 1);

    ngx_post_event(c->read, &ngx_posted_events);

    return &wsc->transport;
}


static ngx_int_t
ngx_ws_connection_send(ngx_ws_transport_t *t, ngx_ws_buf_t *wb)
{
    ngx_ws_connection_t  *wsc;

    wsc = (ngx_ws_connection_t *) t;

    if (wsc->closing || wsc->slow) {
        return NGX_BUSY;
    }

    wb = ngx_ws_connection_deflated(wsc, wb);

    if ((wsc->queue.count
         && wsc->queue.bytes + ngx_ws_send_cost(wb) > wsc->conf->send_queue)
        || ngx_ws_send_push(&wsc->queue, wb, wsc->connection->log) != NGX_OK)
    {
        wsc->slow = 1;
    }

    ngx_ws_buf_unref(wb);

    ngx_ws_connection_dirty(wsc);

    return wsc->slow ? NGX_BUSY : NGX_OK;
}


/* The buffer as the client takes it, with a reference of its own. */

static ngx_ws_buf_t *
ngx_ws_connection_deflated(ngx_ws_connection_t *wsc, ngx_ws_buf_t *wb)
{
    ngx_ws_buf_t              *form;
    ngx_ws_deflate_t          *deflate;
    ngx_ws_deflate_context_t  *context;

    if (!wsc->deflate.on || ngx_ws_buf_len(wb) < NGX_WS_BUF_DEFLATE_MIN) {
        return ngx_ws_buf_ref(wb);
    }

    deflate = ngx_ws_loop_deflate(wsc->loop);

    if (wsc->deflate.server_takeover && !wb->shared) {

        context = ngx_ws_loop_context(wsc->loop, &wsc->context);

        if (context) {
            form = ngx_ws_buf_deflate(wb, deflate, wsc->deflate.server_bits,
                                      context, &wsc->log);

            return form ? form : ngx_ws_buf_ref(wb);
        }
    }

    form = ngx_ws_buf_deflated(wb, deflate, wsc->deflate.server_bits,
                               &wsc->log);

    if (form != wb && wsc->context) {
        /* it goes into the client's window, too */
        ngx_ws_loop_context_drop(wsc->context);
    }

    return ngx_ws_buf_ref(form);
}


static void
ngx_ws_connection_close(ngx_ws_transport_t *t, ngx_uint_t code)
{
    ngx_ws_connection_t  *wsc;

    wsc = (ngx_ws_connection_t *) t;

    wsc->transport.handler = NULL;
    ngx_ws_connection_resume(t);
    ngx_ws_connection_shut(wsc, code);
}


static void
ngx_ws_connection_pause(ngx_ws_transport_t *t)
{
    ((ngx_ws_connection_t *) t)->paused = 1;
}


static void
ngx_ws_connection_resume(ngx_ws_transport_t *t)
{
    ngx_event_t          *rev;
    ngx_ws_connection_t  *wsc;

    wsc = (ngx_ws_connection_t *) t;

    if (!wsc->paused) {
        return;
    }

    wsc->paused = 0;
    rev = wsc->connection->read;

    if (!rev->posted) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


static ngx_ws_send_queue_t *
ngx_ws_connection_queue(ngx_ws_transport_t *t)
{
    return &((ngx_ws_connection_t *) t)->queue;
}


static ngx_uint_t
ngx_ws_connection_receiving(ngx_ws_transport_t *t)
{
    ngx_uint_t            received;
    ngx_ws_connection_t  *wsc;

    wsc = (ngx_ws_connection_t *) t;

    received = wsc->received || wsc->paused;
    wsc->received = 0;

    return received;
}


static ngx_uint_t
ngx_ws_connection_joined(ngx_ws_transport_t *t)
{
    return !((ngx_ws_connection_t *) t)->deflate.on;
}


static void
ngx_ws_connection_read_handler(ngx_event_t *rev)
{
    ngx_connection_t     *c;
    ngx_ws_connection_t  *wsc;

    c = rev->data;
    wsc = c->data;

    ngx_log_debug2(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "websocket read handler, closing:%d paused:%d",
                   wsc->closing, wsc->paused);

    if (rev->timedout) {
        ngx_ws_connection_destroy(wsc);
        return;
    }

    if (c->close) {
        c->close = 0;

        if (c->error) {
            /* worker_shutdown_timeout */
            ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);
            ngx_ws_connection_destroy(wsc);
            return;
        }

        if (wsc->transport.handler) {
            wsc->transport.handler->leaving(wsc->transport.data);
        }

        return;
    }

    ngx_ws_connection_read(wsc);
}


/*
 * One buffer a turn: whoever sends without a pause has to let the others have
 * theirs.
 */

static void
ngx_ws_connection_read(ngx_ws_connection_t *wsc)
{
    ssize_t                    n;
    ngx_event_t               *rev;
    ngx_connection_t          *c;
    ngx_ws_connection_held_t  *held;

    c = wsc->connection;
    rev = c->read;

    if (wsc->held && !wsc->paused) {
        held = wsc->held;
        wsc->held = NULL;

        ngx_ws_connection_feed(wsc, held->data, held->data + held->len);

        ngx_free(held);
    }

    if (!wsc->paused && rev->ready) {

        n = c->recv(c, wsc->loop->buffer, NGX_WS_LOOP_BUFFER);

        if (n == NGX_ERROR) {
            ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);
            ngx_ws_connection_destroy(wsc);
            return;
        }

        if (n == 0) {
            ngx_ws_connection_end(wsc);
            return;
        }

        if (n > 0) {
            ngx_ws_metric_add(BYTES_RECEIVED, n);

            ngx_ws_connection_feed(wsc, wsc->loop->buffer,
                                   wsc->loop->buffer + n);

            if (rev->ready) {
                ngx_post_event(rev, &ngx_posted_next_events);
                return;
            }
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);
        ngx_ws_connection_destroy(wsc);
    }
}


/* The peer sends no more; it may have closed its own side alone. */

static void
ngx_ws_connection_end(ngx_ws_connection_t *wsc)
{
    ngx_connection_t  *c;

    c = wsc->connection;

    ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);

    wsc->failed = 1;
    wsc->peer_closed = 1;

    if (wsc->queue.count == 0 && !c->buffered) {
        ngx_ws_connection_destroy(wsc);
        return;
    }

    if ((ngx_event_flags & NGX_USE_LEVEL_EVENT)
        && c->read->active
        && ngx_del_event(c->read, NGX_READ_EVENT, 0) != NGX_OK)
    {
        ngx_ws_connection_destroy(wsc);
        return;
    }

    if (!wsc->closing) {
        wsc->closing = 1;
        ngx_add_timer(c->read, NGX_WS_CONNECTION_LINGER);
    }

    ngx_ws_connection_dirty(wsc);
}


static void
ngx_ws_connection_feed(ngx_ws_connection_t *wsc, u_char *pos, u_char *end)
{
    ngx_ws_reader_t  *rd;

    rd = wsc->reader;

    if (rd == NULL) {
        rd = &wsc->loop->reader;
        ngx_ws_reader_init(rd, wsc->conf->max_message_size, &wsc->deflate,
                           wsc->deflate.on ? ngx_ws_loop_deflate(wsc->loop)
                                           : NULL,
                           &wsc->log);
    }

    ngx_ws_connection_frames(wsc, rd, pos, end);
    ngx_ws_connection_keep(wsc, rd);
}


static void
ngx_ws_connection_frames(ngx_ws_connection_t *wsc, ngx_ws_reader_t *rd,
    u_char *pos, u_char *end)
{
    ngx_int_t            rc;
    ngx_ws_reader_out_t  out;

    while (!wsc->failed) {

        if (wsc->paused && pos != end) {

            if (ngx_ws_connection_hold(wsc, pos, end) != NGX_OK) {
                ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_INTERNAL);
                ngx_ws_connection_shut(wsc, NGX_WS_CLOSE_INTERNAL);
            }

            return;
        }

        rc = ngx_ws_reader_next(rd, &pos, end, &out);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc == NGX_ERROR) {
            ngx_log_error(NGX_LOG_INFO, &wsc->log, 0,
                          "client sent %s, closing with %uD",
                          rd->reason, (uint32_t) rd->error);

            wsc->failed = 1;

            if (wsc->transport.handler) {
                wsc->transport.handler->refused(wsc->transport.data,
                                                rd->error);
            }

            ngx_ws_connection_detach(wsc, rd->error);
            ngx_ws_connection_shut(wsc, rd->error);

            return;
        }

        ngx_ws_connection_message(wsc, &out);
    }
}


/* Needed in the middle of a message, and where a window is kept over them. */

static void
ngx_ws_connection_keep(ngx_ws_connection_t *wsc, ngx_ws_reader_t *rd)
{
    ngx_uint_t  resting;

    resting = ngx_ws_reader_resting(rd);
    wsc->received = !resting;

    if (wsc->failed || (resting && !ngx_ws_reader_window(rd))) {

        ngx_ws_reader_cleanup(rd);

        if (rd == wsc->reader) {
            ngx_free(rd);
            wsc->reader = NULL;
        }

        return;
    }

    if (rd == wsc->reader) {
        return;
    }

    wsc->reader = ngx_alloc(sizeof(ngx_ws_reader_t), &wsc->log);

    if (wsc->reader == NULL) {
        ngx_ws_reader_cleanup(rd);

        wsc->failed = 1;
        ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_INTERNAL);
        ngx_ws_connection_shut(wsc, NGX_WS_CLOSE_INTERNAL);
        return;
    }

    *wsc->reader = *rd;
}


static ngx_int_t
ngx_ws_connection_hold(ngx_ws_connection_t *wsc, u_char *pos, u_char *end)
{
    wsc->held = ngx_alloc(sizeof(ngx_ws_connection_held_t) + (end - pos),
                          wsc->connection->log);
    if (wsc->held == NULL) {
        return NGX_ERROR;
    }

    wsc->held->len = end - pos;
    ngx_memcpy(wsc->held->data, pos, end - pos);

    return NGX_OK;
}


static void
ngx_ws_connection_message(ngx_ws_connection_t *wsc, ngx_ws_reader_out_t *out)
{
    ngx_ws_buf_t        *wb;
    ngx_ws_transport_t  *t;

    t = &wsc->transport;

    if (out->opcode == NGX_WS_FRAME_CLOSE) {
        wsc->failed = 1;
        ngx_ws_connection_peer_close(wsc, out->code);
        return;
    }

    if (wsc->closing || t->handler == NULL) {
        return;
    }

    if (out->opcode == NGX_WS_FRAME_PING) {

        wb = ngx_ws_buf_create(NGX_WS_FRAME_PONG, out->data.len,
                               wsc->connection->log);
        if (wb) {
            ngx_memcpy(ngx_ws_buf_payload(wb), out->data.data, out->data.len);
            (void) ngx_ws_connection_send(t, wb);
            ngx_ws_buf_unref(wb);
        }
    }

    t->handler->message(t->data, out->opcode, out->data.data, out->data.len);
}


static void
ngx_ws_connection_peer_close(ngx_ws_connection_t *wsc, ngx_uint_t code)
{
    wsc->peer_closed = 1;

    if (wsc->closing) {
        ngx_ws_connection_dirty(wsc);
        return;
    }

    /* RFC 6455, section 5.5.1: the code is typically echoed */

    ngx_ws_connection_detach(wsc, code);
    ngx_ws_connection_shut(wsc, code);
}


static void
ngx_ws_connection_write_handler(ngx_event_t *wev)
{
    ngx_connection_t     *c;
    ngx_ws_connection_t  *wsc;

    c = wev->data;
    wsc = c->data;

    if (wsc->queue.count || c->buffered) {
        ngx_ws_connection_flush(wsc);
        return;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);
        ngx_ws_connection_destroy(wsc);
    }
}


/* nginx's own use of c->queue is for connections that it may close */

static void
ngx_ws_connection_dirty(ngx_ws_connection_t *wsc)
{
    ngx_ws_loop_t  *loop;

    if (wsc->queued) {
        return;
    }

    loop = wsc->loop;

    wsc->queued = 1;
    ngx_queue_insert_tail(&loop->dirty, &wsc->connection->queue);

    if (!loop->flush.posted) {
        loop->flush.handler = ngx_ws_connection_flush_handler;
        ngx_post_event(&loop->flush, &ngx_posted_events);
    }
}


static void
ngx_ws_connection_flush_handler(ngx_event_t *ev)
{
    ngx_queue_t           list, *q;
    ngx_ws_loop_t        *loop;
    ngx_connection_t     *c;
    ngx_ws_connection_t  *wsc;

    loop = ev->data;

    /* what becomes dirty meanwhile has its own event */

    ngx_queue_init(&list);

    if (!ngx_queue_empty(&loop->dirty)) {
        ngx_queue_add(&list, &loop->dirty);
        ngx_queue_init(&loop->dirty);
    }

    while (!ngx_queue_empty(&list)) {
        q = ngx_queue_head(&list);
        c = ngx_queue_data(q, ngx_connection_t, queue);
        wsc = c->data;

        ngx_queue_remove(q);
        wsc->queued = 0;

        if (wsc->slow && !wsc->closing) {
            ngx_log_error(NGX_LOG_INFO, c->log, 0,
                          "client is too slow, %uz bytes are queued",
                          wsc->queue.bytes);

            ngx_ws_send_drop(&wsc->queue);
            ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_TRY_LATER);
            ngx_ws_connection_shut(wsc, NGX_WS_CLOSE_TRY_LATER);
            continue;
        }

        if (c->write->ready || wsc->closing) {
            ngx_ws_connection_flush(wsc);
        }
    }
}


static void
ngx_ws_connection_flush(ngx_ws_connection_t *wsc)
{
    ngx_int_t  rc;

    rc = ngx_ws_send_flush(&wsc->queue, wsc->connection);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_ERROR) {
        ngx_ws_connection_detach(wsc, NGX_WS_CLOSE_ABNORMAL);
        ngx_ws_connection_destroy(wsc);
        return;
    }

    if (wsc->closing) {
        ngx_ws_connection_shut_done(wsc);
        return;
    }
}


/* Tells the session that its transport has ended. */

static void
ngx_ws_connection_detach(ngx_ws_connection_t *wsc, ngx_uint_t code)
{
    const ngx_ws_transport_handler_t  *handler;

    handler = wsc->transport.handler;

    if (handler) {
        wsc->transport.handler = NULL;
        wsc->paused = 0;
        handler->closed(wsc->transport.data, code);
    }
}


/* Starts the closing handshake of RFC 6455, section 7.1. */

static void
ngx_ws_connection_shut(ngx_ws_connection_t *wsc, ngx_uint_t code)
{
    size_t             len;
    ngx_int_t          rc;
    ngx_ws_buf_t      *wb;
    ngx_connection_t  *c;

    if (wsc->closing) {
        return;
    }

    c = wsc->connection;

    wsc->closing = 1;
    c->log->action = "closing websocket";

    ngx_add_timer(c->read, NGX_WS_CONNECTION_LINGER);

    rc = NGX_ERROR;
    len = ngx_ws_frame_close(NULL, code, NULL) - ngx_ws_frame_head(NULL, 0, 0);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_CLOSE, len, c->log);
    if (wb) {
        (void) ngx_ws_frame_close(wb->data, code, NULL);

        rc = ngx_ws_send_push(&wsc->queue, wb, c->log);
        ngx_ws_buf_unref(wb);
    }

    if (rc != NGX_OK) {
        /* without a close frame the peer sees an abnormal end */
        ngx_ws_send_cleanup(&wsc->queue);
        wsc->peer_closed = 1;
    }

    ngx_ws_connection_dirty(wsc);
}


/* Everything has been sent, the close frame last. */

static void
ngx_ws_connection_shut_done(ngx_ws_connection_t *wsc)
{
#if (NGX_SSL)
    ngx_connection_t  *c;
#endif

    if (wsc->peer_closed) {
        ngx_ws_connection_destroy(wsc);
        return;
    }

    if (!wsc->failed) {
        return;
    }

#if (NGX_SSL)

    c = wsc->connection;

    if (c->ssl) {
        c->ssl->shutdown_without_free = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_ws_connection_ssl_shut_handler;
            return;
        }
    }

#endif

    ngx_ws_connection_linger(wsc);
}


#if (NGX_SSL)


static void
ngx_ws_connection_ssl_shut_handler(ngx_connection_t *c)
{
    c->read->handler = ngx_ws_connection_read_handler;
    c->write->handler = ngx_ws_connection_write_handler;

    ngx_add_timer(c->read, NGX_WS_CONNECTION_LINGER);

    ngx_ws_connection_linger(c->data);
}


#endif


/*
 * What the peer still sends can not be read as frames; it is thrown away
 * until the peer closes, since closing now might destroy the close frame.
 */

static void
ngx_ws_connection_linger(ngx_ws_connection_t *wsc)
{
    ngx_connection_t  *c;

    c = wsc->connection;

    if (ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1) {
        ngx_connection_error(c, ngx_socket_errno,
                             ngx_shutdown_socket_n " failed");
        ngx_ws_connection_destroy(wsc);
        return;
    }

    wsc->peer_closed = 1;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_next_events);
    }
}


static void
ngx_ws_connection_destroy(ngx_ws_connection_t *wsc)
{
    ngx_connection_t  *c;

    c = wsc->connection;

    if (wsc->queued) {
        ngx_queue_remove(&c->queue);
    }

    ngx_ws_send_cleanup(&wsc->queue);

    if (wsc->reader) {
        ngx_ws_reader_cleanup(wsc->reader);
        ngx_free(wsc->reader);
    }

    if (wsc->held) {
        ngx_free(wsc->held);
    }

    if (wsc->context) {
        ngx_ws_loop_context_drop(wsc->context);
    }

    wsc->log.handler = NULL;
    wsc->log.action = NULL;

    wsc->loop->release(c);

    ngx_ws_loop_count(wsc->loop, -1);

    ngx_free(wsc);
}


static u_char *
ngx_ws_connection_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char               *p;
    ngx_ws_connection_t  *wsc;

    p = buf;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
    }

    wsc = log->data;

    return ngx_snprintf(p, len, ", client: %*s",
                        (size_t) wsc->address_len, wsc->address);
}
