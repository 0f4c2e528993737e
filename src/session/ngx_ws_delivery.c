
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_delivery.h>
#include <ngx_ws_event.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_pending.h>


#define NGX_WS_DELIVERY_CHECK  20      /* whether the queue has drained, ms */
#define NGX_WS_DELIVERY_ASK    100     /* messages without an answer */
#define NGX_WS_DELIVERY_MAX    4096    /* the others wait in Redis */
#define NGX_WS_DELIVERY_RATE   8       /* of them ask in a millisecond */
#define NGX_WS_DELIVERY_AGAIN  1000    /* after a failure, ms */


struct ngx_ws_delivery_s {
    ngx_ws_session_t       *session;
    ngx_ws_call_t          *fetching;
    ngx_event_t             timer;
    ngx_uint_t              fetched;   /* by the call under way */

    ngx_ws_pending_mark_t  *marks;     /* sent, without an answer since */
    ngx_uint_t              n;
    ngx_uint_t              size;
    ngx_uint_t              taken;     /* of them, by the kernel */
    uint32_t                answered;  /* up to this place, perhaps */

    ngx_queue_t             held;      /* came while it catches up */
    size_t                  bytes;     /* of them */

    unsigned                catching:1;    /* up with what waited */
    unsigned                unsure:1;      /* whether it was given some */
    unsigned                missed:1;      /* too much has come meanwhile */
    unsigned                crossing:1;    /* answered, if it had them */
};


static ngx_ws_delivery_t *ngx_ws_delivery_create(ngx_ws_session_t *s);
static void ngx_ws_delivery_free(ngx_ws_delivery_t *d);
static void ngx_ws_delivery_fetch(ngx_ws_delivery_t *d);
static void ngx_ws_delivery_each(ngx_ws_call_t *call,
    ngx_ws_bus_event_t *ev);
static ngx_int_t ngx_ws_delivery_known(ngx_ws_delivery_t *d,
    ngx_ws_pending_mark_t *mark);
static void ngx_ws_delivery_fetched(ngx_ws_call_t *call);
static void ngx_ws_delivery_release(ngx_ws_delivery_t *d, uint64_t seq);
static void ngx_ws_delivery_drop(ngx_ws_delivery_t *d,
    ngx_ws_delivery_held_t *held);
static ngx_int_t ngx_ws_delivery_add(ngx_ws_delivery_t *d,
    ngx_ws_bus_event_t *ev);
static void ngx_ws_delivery_timer_handler(ngx_event_t *ev);
static ngx_uint_t ngx_ws_delivery_gone(ngx_ws_delivery_t *d);
static void ngx_ws_delivery_done(ngx_ws_delivery_t *d, ngx_uint_t n);
static void ngx_ws_delivery_crossed(ngx_ws_delivery_t *d);


static const ngx_ws_pending_handler_t  ngx_ws_delivery_handler = {
    ngx_ws_delivery_each
};


void
ngx_ws_delivery_start(ngx_ws_session_t *s)
{
    ngx_ws_delivery_t  *d;

    if (s->delivery) {
        return;
    }

    d = ngx_ws_delivery_create(s);

    if (d) {
        d->catching = 1;
        ngx_ws_delivery_fetch(d);
    }
}


/* There only while there is something to remember. */

static ngx_ws_delivery_t *
ngx_ws_delivery_create(ngx_ws_session_t *s)
{
    ngx_ws_delivery_t  *d;

    d = ngx_calloc(sizeof(ngx_ws_delivery_t), s->transport->log);
    if (d == NULL) {
        return NULL;
    }

    d->session = s;
    ngx_queue_init(&d->held);
    d->timer.data = d;
    d->timer.handler = ngx_ws_delivery_timer_handler;

    /* the session's log is its transport's, which may be another one soon */

    d->timer.log = s->worker->log;

    s->delivery = d;

    return d;
}


static void
ngx_ws_delivery_free(ngx_ws_delivery_t *d)
{
    ngx_queue_t       *q;
    ngx_ws_session_t  *s;

    s = d->session;

    while (!ngx_queue_empty(&d->held)) {
        q = ngx_queue_head(&d->held);
        ngx_ws_delivery_drop(d, ngx_queue_data(q, ngx_ws_delivery_held_t,
                                               queue));
    }

    if (d->unsure) {
        ngx_ws_pending_lost(s->worker, s->identity, s->node.key);
    }

    s->delivery = NULL;

    if (d->fetching) {
        d->fetching->data = NULL;
    }

    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    if (d->marks) {
        ngx_free(d->marks);
    }

    ngx_free(d);
}


static void
ngx_ws_delivery_fetch(ngx_ws_delivery_t *d)
{
    size_t                room;
    ngx_ws_call_t        *call;
    ngx_ws_session_t     *s;
    ngx_ws_send_queue_t  *queue;

    s = d->session;

    call = ngx_ws_call_create(s->worker, s->identity, s->conf->service,
                              ngx_ws_delivery_fetched, d);
    if (call == NULL) {
        return;
    }

    call->socket = s->node.key;

    d->fetching = call;
    d->fetched = 0;
    d->missed = 0;

    queue = s->transport->ops->queue(s->transport);
    room = s->conf->send_queue;
    room -= ngx_min(room, d->bytes + (queue ? queue->bytes : room));

    ngx_ws_pending_fetch(call, room, &ngx_ws_delivery_handler);
}


static void
ngx_ws_delivery_each(ngx_ws_call_t *call, ngx_ws_bus_event_t *ev)
{
    ngx_uint_t              i;
    ngx_ws_buf_t           *wb;
    ngx_ws_delivery_t      *d;
    ngx_ws_pending_mark_t   mark;

    d = call->data;

    mark.seq = ev->seq;
    mark.id = ev->id;

    if (d) {
        ngx_ws_delivery_release(d, ev->seq);

        if (ngx_ws_delivery_known(d, &mark) == NGX_OK) {
            return;
        }
    }

    /* nobody is here any more, or there is no memory */

    if (d == NULL || ngx_ws_delivery_add(d, ev) != NGX_OK) {
        ngx_ws_pending_mark(call->worker, call->identity,
                            NGX_WS_PENDING_BACK, &mark, 1);
        return;
    }

    d->fetched++;

    wb = ngx_ws_bus_buf(ev, d->session->dialect, d->session->transport->log);

    if (wb) {
        ngx_ws_session_send(d->session, ngx_ws_buf_ref(wb));
    }

    for (i = 0; i < NGX_WS_DIALECTS_N; i++) {
        if (ev->encoded[i]) {
            ngx_ws_buf_unref(ev->encoded[i]);
        }
    }
}


/*
 * The socket has it already, as one of several that had: the one that Redis
 * knew of has ended.
 */

static ngx_int_t
ngx_ws_delivery_known(ngx_ws_delivery_t *d, ngx_ws_pending_mark_t *mark)
{
    ngx_uint_t         i;
    ngx_ws_session_t  *s;

    s = d->session;

    for (i = 0; i < d->n; i++) {

        if (d->marks[i].seq == mark->seq) {

            if (i < d->taken) {
                ngx_ws_pending_mark(s->worker, s->identity,
                                    NGX_WS_PENDING_TAKEN, mark, 1);
            }

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static void
ngx_ws_delivery_fetched(ngx_ws_call_t *call)
{
    ngx_ws_session_t   *s;
    ngx_ws_delivery_t  *d;

    d = call->data;

    if (d == NULL) {

        if (call->error != NGX_WS_OK) {
            ngx_ws_pending_lost(call->worker, call->identity, call->socket);
        }

        return;
    }

    s = d->session;
    d->fetching = NULL;
    d->unsure = (call->error != NGX_WS_OK);

    if (call->error == NGX_WS_OK && d->fetched == 0 && !d->missed) {
        d->catching = 0;

        ngx_ws_delivery_release(d, (uint64_t) -1);

        if (d->n == 0) {
            ngx_ws_delivery_free(d);
        }

    } else if (call->error != NGX_WS_OK) {
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_AGAIN);

    } else if (!d->timer.timer_set) {
        /* the next page when this one has gone */
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_CHECK);
    }

    /* somebody may wait for that; neither may be there after it */
    ngx_ws_event_flow(s);
}


/* What has been held from before a message, which may be held, too. */

static void
ngx_ws_delivery_release(ngx_ws_delivery_t *d, uint64_t seq)
{
    ngx_queue_t             *q;
    ngx_ws_bus_event_t       ev;
    ngx_ws_delivery_held_t  *held;

    while (!ngx_queue_empty(&d->held)) {
        q = ngx_queue_head(&d->held);
        held = ngx_queue_data(q, ngx_ws_delivery_held_t, queue);

        if (held->mark.seq > seq) {
            return;
        }

        ev.seq = held->mark.seq;
        ev.id = held->mark.id;

        if (held->mark.seq < seq && ngx_ws_delivery_add(d, &ev) == NGX_OK) {
            ngx_ws_session_send(d->session, ngx_ws_buf_ref(held->buf));
        }

        ngx_ws_delivery_drop(d, held);
    }
}


static void
ngx_ws_delivery_drop(ngx_ws_delivery_t *d, ngx_ws_delivery_held_t *held)
{
    d->bytes -= held->buf->size;

    ngx_queue_remove(&held->queue);
    ngx_ws_buf_unref(held->buf);
    ngx_free(held);
}


ngx_int_t
ngx_ws_delivery_accept(ngx_ws_session_t *s, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb)
{
    ngx_ws_pending_mark_t  mark;

    ngx_ws_delivery_t  *d;

    if (ev->seq == 0) {
        return NGX_OK;
    }

    if (ev->seq == NGX_WS_PENDING_FETCH) {

        if (s->identity) {
            ngx_ws_delivery_catch_up(s);
        }

        return NGX_DECLINED;
    }

    d = s->delivery;

    if (d && d->n >= NGX_WS_DELIVERY_MAX) {
        ngx_ws_delivery_catch_up(s);
    }

    if (d && d->catching) {
        /* comes in its turn */
        mark.seq = ev->seq;
        mark.id = ev->id;
        ngx_ws_delivery_hold(s, &mark, wb);
        return NGX_DECLINED;
    }

    if (s->identity == NULL || ev->seq <= s->delivered) {
        return NGX_DECLINED;
    }

    if (d == NULL) {
        d = ngx_ws_delivery_create(s);
        if (d == NULL) {
            return NGX_DECLINED;
        }
    }

    return ngx_ws_delivery_add(d, ev);
}


/*
 * It is not to be fetched: another socket of the user may answer for it first.
 */

void
ngx_ws_delivery_hold(ngx_ws_session_t *s, ngx_ws_pending_mark_t *mark,
    ngx_ws_buf_t *wb)
{
    ngx_ws_delivery_t       *d;
    ngx_ws_delivery_held_t  *held;

    if (s->delivery == NULL && ngx_ws_delivery_create(s) == NULL) {
        return;
    }

    d = s->delivery;

    if (mark->seq <= s->delivered) {
        return;
    }

    held = NULL;

    if (d->bytes + wb->size <= s->conf->send_queue) {
        held = ngx_alloc(sizeof(ngx_ws_delivery_held_t), s->transport->log);
    }

    if (held == NULL) {
        d->missed = 1;
        return;
    }

    held->mark = *mark;
    held->buf = ngx_ws_buf_ref(wb);

    ngx_queue_insert_tail(&d->held, &held->queue);
    d->bytes += wb->size;
}


static ngx_int_t
ngx_ws_delivery_add(ngx_ws_delivery_t *d, ngx_ws_bus_event_t *ev)
{
    ngx_uint_t              size;
    ngx_ws_pending_mark_t  *marks;

    if (d->n == d->size) {
        size = d->size ? d->size * 2 : 4;

        marks = ngx_alloc(size * sizeof(ngx_ws_pending_mark_t),
                          d->session->transport->log);
        if (marks == NULL) {
            return NGX_DECLINED;
        }

        if (d->marks) {
            ngx_memcpy(marks, d->marks, d->n * sizeof(ngx_ws_pending_mark_t));
            ngx_free(d->marks);
        }

        d->marks = marks;
        d->size = size;
    }

    d->marks[d->n].seq = ev->seq;
    d->marks[d->n].id = ev->id;
    d->marks[d->n].place = d->session->nsent + 1;
    d->n++;
    d->session->delivered = ngx_max(d->session->delivered, ev->seq);

    if (!d->timer.timer_set) {
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_CHECK);
    }

    return NGX_OK;
}


static void
ngx_ws_delivery_timer_handler(ngx_event_t *ev)
{
    ngx_uint_t          gone;
    ngx_ws_session_t   *s;
    ngx_ws_delivery_t  *d;

    d = ev->data;
    s = d->session;

    if (s->moving || s->transport->ops->queue(s->transport) == NULL) {
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_CHECK);
        return;
    }

    gone = ngx_ws_delivery_gone(d);

    ngx_ws_pending_mark(s->worker, s->identity, NGX_WS_PENDING_TAKEN,
                        &d->marks[d->taken], gone - d->taken);
    d->taken = gone;

    if (d->crossing) {
        ngx_ws_delivery_crossed(d);
    }

    if (d->taken < d->n) {
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_CHECK);
        return;
    }

    if (d->n >= NGX_WS_DELIVERY_ASK) {
        ngx_ws_session_ask(s);
    }

    if (!d->catching) {

        if (d->n == 0) {
            ngx_ws_delivery_free(d);
        }

        return;
    }

    if (d->fetching) {
        return;
    }

    if (d->n >= NGX_WS_DELIVERY_MAX) {
        ngx_add_timer(&d->timer, NGX_WS_DELIVERY_CHECK);
        return;
    }

    ngx_ws_delivery_fetch(d);
}


/* How many of the messages are in the kernel, or in the answer to a poll. */

static ngx_uint_t
ngx_ws_delivery_gone(ngx_ws_delivery_t *d)
{
    uint32_t              sent;
    ngx_uint_t            i, n;
    ngx_ws_session_t     *s;
    ngx_ws_send_queue_t  *queue;

    s = d->session;
    queue = s->transport->ops->queue(s->transport);

    n = d->taken;

    if (queue == NULL || n == d->n) {
        return n;
    }

    sent = s->nsent - queue->count - s->transport->relayed;

    if ((int32_t) (sent - d->marks[n].place) < 0) {
        return n;
    }

    /* some may be of several frames */

    for (i = 0; i < queue->count; i++) {
        sent -= ngx_ws_send_get(queue, i)->messages - 1;
    }

    while (n < d->n && (int32_t) (sent - d->marks[n].place) >= 0) {
        n++;
    }

    return n;
}


void
ngx_ws_delivery_heard(ngx_ws_session_t *s)
{
    ngx_ws_delivery_t  *d;

    d = s->delivery;

    if (d == NULL || d->n == 0) {
        return;
    }

    if (s->transport->relayed) {
        /* who sends them may be dead */
        d->answered = s->nsent - s->transport->ops->queue(s->transport)->count;
        d->crossing = 1;
    }

    ngx_ws_delivery_done(d, ngx_ws_delivery_gone(d));

    if (d->n == 0 && !d->catching) {
        ngx_ws_delivery_free(d);
    }
}


/* The first n messages are. */

static void
ngx_ws_delivery_done(ngx_ws_delivery_t *d, ngx_uint_t n)
{
    ngx_uint_t         taken;
    ngx_ws_session_t  *s;

    s = d->session;
    taken = ngx_min(d->taken, n);

    ngx_ws_pending_mark(s->worker, s->identity, NGX_WS_PENDING_DONE,
                        d->marks, taken);
    ngx_ws_pending_mark(s->worker, s->identity, NGX_WS_PENDING_SEEN,
                        &d->marks[taken], n - taken);

    d->n -= n;
    d->taken -= taken;

    ngx_memmove(d->marks, &d->marks[n], d->n * sizeof(ngx_ws_pending_mark_t));
}


/* Of those that the client has answered, some are known to have come now. */

static void
ngx_ws_delivery_crossed(ngx_ws_delivery_t *d)
{
    ngx_uint_t  n;

    for (n = 0; n < d->n; n++) {
        if ((int32_t) (d->answered - d->marks[n].place) < 0) {
            break;
        }
    }

    d->crossing = (n > d->taken);

    ngx_ws_delivery_done(d, ngx_min(n, d->taken));
}


void
ngx_ws_delivery_heard_all(ngx_ws_session_t *s)
{
    s->transport->relayed = 0;

    if (s->delivery) {
        ngx_ws_delivery_heard(s);
        ngx_ws_pending_tell(s->worker);
    }
}


void
ngx_ws_delivery_end(ngx_ws_session_t *s)
{
    ngx_ws_delivery_t  *d;

    d = s->delivery;

    if (d) {
        ngx_ws_pending_mark(s->worker, s->identity, NGX_WS_PENDING_BACK,
                            d->marks, d->n);

        ngx_ws_delivery_free(d);
    }

    ngx_ws_pending_tell(s->worker);
}


ngx_uint_t
ngx_ws_delivery_busy(ngx_ws_session_t *s)
{
    return s->delivery && s->delivery->fetching;
}


ngx_uint_t
ngx_ws_delivery_catching(ngx_ws_session_t *s)
{
    return s->delivery && s->delivery->catching;
}


ngx_ws_pending_mark_t *
ngx_ws_delivery_marks(ngx_ws_session_t *s, ngx_uint_t *n)
{
    *n = s->delivery ? s->delivery->n : 0;

    return *n ? s->delivery->marks : NULL;
}


ngx_queue_t *
ngx_ws_delivery_held(ngx_ws_session_t *s)
{
    return s->delivery ? &s->delivery->held : NULL;
}


void
ngx_ws_delivery_restore(ngx_ws_session_t *s, ngx_ws_pending_mark_t *mark)
{
    ngx_ws_bus_event_t  ev;

    if (s->delivery == NULL && ngx_ws_delivery_create(s) == NULL) {
        return;
    }

    ev.seq = mark->seq;
    ev.id = mark->id;

    if (ngx_ws_delivery_add(s->delivery, &ev) == NGX_OK) {
        s->delivery->marks[s->delivery->n - 1].place = mark->place;
    }
}


void
ngx_ws_delivery_catch_up(ngx_ws_session_t *s)
{
    if (s->delivery == NULL && ngx_ws_delivery_create(s) == NULL) {
        return;
    }

    s->delivery->catching = 1;
    s->delivery->missed = 1;

    if (!s->delivery->timer.timer_set) {
        ngx_add_timer(&s->delivery->timer, NGX_WS_DELIVERY_CHECK);
    }
}


void
ngx_ws_delivery_forget(ngx_ws_session_t *s)
{
    if (s->delivery) {
        ngx_ws_delivery_free(s->delivery);
    }
}


void
ngx_ws_delivery_hearing(ngx_ws_worker_t *w)
{
    ngx_uint_t          n;
    ngx_rbtree_node_t  *node;
    ngx_ws_session_t   *s;

    if (w->sockets.root == w->sockets.sentinel) {
        return;
    }

    n = 0;

    for (node = ngx_rbtree_min(w->sockets.root, w->sockets.sentinel);
         node;
         node = ngx_rbtree_next(&w->sockets, node))
    {
        s = ngx_rbtree_data(node, ngx_ws_session_t, node);

        if (s->identity == NULL || s->shell) {
            continue;
        }

        ngx_ws_delivery_catch_up(s);

        /* not all at the same moment */

        if (s->delivery && !s->delivery->fetching) {
            ngx_add_timer(&s->delivery->timer,
                          NGX_WS_DELIVERY_CHECK + n++ / NGX_WS_DELIVERY_RATE);
        }
    }
}
