
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_pending.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_PENDING_PAGE   "50"           /* messages */
#define NGX_WS_PENDING_AGE    "2592000000"   /* 30 days */
#define NGX_WS_PENDING_TRIES  "5"
#define NGX_WS_PENDING_RETRY  1000
#define NGX_WS_PENDING_KEYS   4
#define NGX_WS_PENDING_WAITS  10000


struct ngx_ws_pendings_s {
    ngx_queue_t             waiting;         /* what Redis has not taken */
    ngx_uint_t              nwaiting;
    ngx_event_t             retry;
};


typedef struct {
    ngx_queue_t             queue;
    ngx_ws_call_t          *call;
    ngx_ws_pending_what_e   what;
    ngx_ws_pending_mark_t  *marks;
    ngx_uint_t              n;
} ngx_ws_pending_op_t;


typedef struct {
    ngx_ws_redis_key_t      key[NGX_WS_PENDING_KEYS];
    ngx_str_t               str[NGX_WS_PENDING_KEYS];
} ngx_ws_pending_keys_t;


static void ngx_ws_pending_keys(ngx_ws_call_t *call,
    ngx_ws_pending_keys_t *keys);
static void ngx_ws_pending_wait(ngx_ws_call_t *call);
static void ngx_ws_pending_send(ngx_ws_call_t *call);
static void ngx_ws_pending_marked(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_pending_retry(ngx_event_t *ev);
static void ngx_ws_pending_nobody(ngx_ws_call_t *call);
static void ngx_ws_pending_fetched(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_pending_event(ngx_ws_bus_event_t *ev,
    ngx_ws_redis_reply_t *reply, ngx_uint_t i);


/* by ngx_ws_pending_what_e */

static ngx_str_t  ngx_ws_pending_whats[] = {
    ngx_string("taken"),
    ngx_string("done"),
    ngx_string("seen"),
    ngx_string("back")
};


ngx_ws_pendings_t *
ngx_ws_pendings_create(ngx_ws_worker_t *w)
{
    ngx_ws_pendings_t  *pendings;

    pendings = ngx_calloc(sizeof(ngx_ws_pendings_t), w->log);
    if (pendings == NULL) {
        return NULL;
    }

    ngx_queue_init(&pendings->waiting);

    pendings->retry.handler = ngx_ws_pending_retry;
    pendings->retry.data = pendings;
    pendings->retry.log = w->log;
    pendings->retry.cancelable = 1;

    return pendings;
}


void
ngx_ws_pendings_destroy(ngx_ws_pendings_t *pendings)
{
    ngx_queue_t          *q;
    ngx_ws_pending_op_t  *op;

    while (!ngx_queue_empty(&pendings->waiting)) {
        q = ngx_queue_head(&pendings->waiting);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_ws_pending_op_t, queue);
        ngx_ws_call_done(op->call);
    }

    if (pendings->retry.timer_set) {
        ngx_del_timer(&pendings->retry);
    }

    ngx_free(pendings);
}


void
ngx_ws_pending_mark(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_pending_what_e what, ngx_ws_pending_mark_t *marks, ngx_uint_t n)
{
    ngx_ws_call_t        *call;
    ngx_ws_pending_op_t  *op;

    for ( /* void */ ; n > NGX_WS_PENDING_MARKS; n -= NGX_WS_PENDING_MARKS) {
        ngx_ws_pending_mark(w, id, what, marks, NGX_WS_PENDING_MARKS);
        marks += NGX_WS_PENDING_MARKS;
    }

    if (n == 0) {
        return;
    }

    call = ngx_ws_call_create(w, id, NULL, ngx_ws_pending_nobody, NULL);
    if (call == NULL) {
        return;
    }

    op = ngx_pcalloc(call->pool, sizeof(ngx_ws_pending_op_t));

    if (op) {
        op->call = call;
        op->what = what;
        op->n = n;
        op->marks = ngx_palloc(call->pool, n * sizeof(ngx_ws_pending_mark_t));
    }

    if (op == NULL || op->marks == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_memcpy(op->marks, marks, n * sizeof(ngx_ws_pending_mark_t));
    call->state = op;

    if (w->pendings->nwaiting) {
        ngx_ws_pending_wait(call);

    } else {
        ngx_ws_pending_send(call);
    }
}


static void
ngx_ws_pending_keys(ngx_ws_call_t *call, ngx_ws_pending_keys_t *keys)
{
    ngx_uint_t  i;

    static const ngx_ws_redis_key_e  kinds[NGX_WS_PENDING_KEYS] = {
        NGX_WS_REDIS_KEY_PENDING,
        NGX_WS_REDIS_KEY_TAKEN,
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_LEASES
    };

    for (i = 0; i < NGX_WS_PENDING_KEYS; i++) {
        keys->str[i] = *ngx_ws_redis_key(&keys->key[i],
                                         &call->worker->conf->redis.prefix,
                                         kinds[i], call->identity->tenant,
                                         call->identity->user, NULL);
    }
}


static void
ngx_ws_pending_send(ngx_ws_call_t *call)
{
    u_char                 *p;
    ngx_str_t               args[2 + 2 * NGX_WS_PENDING_MARKS];
    ngx_uint_t              i;
    ngx_ws_pending_op_t    *op;
    ngx_ws_pending_keys_t   keys;

    u_char  numbers[2 * NGX_WS_PENDING_MARKS * NGX_INT64_LEN];

    op = call->state;
    ngx_ws_pending_keys(call, &keys);

    args[0] = ngx_ws_pending_whats[op->what];
    args[1] = call->worker->incarnation;

    p = numbers;

    for (i = 0; i < op->n; i++) {
        args[2 + 2 * i].data = p;
        p = ngx_sprintf(p, "%uL", op->marks[i].seq);
        args[2 + 2 * i].len = p - args[2 + 2 * i].data;

        args[3 + 2 * i].data = p;
        p = ngx_sprintf(p, "%uL", op->marks[i].id);
        args[3 + 2 * i].len = p - args[3 + 2 * i].data;
    }

    if (ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_PENDING_MARK,
                          keys.str, NGX_WS_PENDING_KEYS, args, 2 + 2 * op->n,
                          ngx_ws_pending_marked, call)
        == NULL)
    {
        ngx_ws_call_done(call);
    }
}


static void
ngx_ws_pending_marked(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    if (rc == NGX_OK) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_ws_pending_wait(call);
}


/* In the order in which it happened: what is later would hide it. */

static void
ngx_ws_pending_wait(ngx_ws_call_t *call)
{
    ngx_ws_pendings_t    *pendings;
    ngx_ws_pending_op_t  *op;

    op = call->state;
    pendings = call->worker->pendings;

    if (ngx_exiting || pendings->nwaiting == NGX_WS_PENDING_WAITS) {
        /* whoever finds no lease of this worker delivers them again */
        ngx_ws_call_done(call);
        return;
    }

    ngx_queue_insert_tail(&pendings->waiting, &op->queue);
    pendings->nwaiting++;

    if (!pendings->retry.timer_set) {
        ngx_add_timer(&pendings->retry, NGX_WS_PENDING_RETRY);
    }
}


/* Whatever fails again comes back later, in the same order. */

static void
ngx_ws_pending_retry(ngx_event_t *ev)
{
    ngx_queue_t          *q;
    ngx_ws_pendings_t    *pendings;
    ngx_ws_pending_op_t  *op;

    pendings = ev->data;

    while (!ngx_queue_empty(&pendings->waiting)) {
        q = ngx_queue_head(&pendings->waiting);
        ngx_queue_remove(q);
        pendings->nwaiting--;

        op = ngx_queue_data(q, ngx_ws_pending_op_t, queue);
        ngx_ws_pending_send(op->call);
    }
}


static void
ngx_ws_pending_nobody(ngx_ws_call_t *call)
{
    /* nobody waits for it */
}


void
ngx_ws_pending_fetch(ngx_ws_call_t *call, size_t bytes,
    const ngx_ws_pending_handler_t *handler)
{
    u_char                  buf[NGX_SIZE_T_LEN];
    ngx_str_t               args[5];
    ngx_ws_pending_keys_t   keys;

    ngx_ws_pending_keys(call, &keys);

    ngx_str_set(&args[0], NGX_WS_PENDING_PAGE);
    args[1].data = buf;
    args[1].len = ngx_sprintf(buf, "%uz", bytes) - buf;
    args[2] = call->worker->incarnation;
    ngx_str_set(&args[3], NGX_WS_PENDING_AGE);
    ngx_str_set(&args[4], NGX_WS_PENDING_TRIES);

    call->state = (void *) handler;

    if (ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_PENDING_FETCH,
                          keys.str, NGX_WS_PENDING_KEYS, args, 5,
                          ngx_ws_pending_fetched, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_pending_fetched(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_uint_t                       i;
    ngx_ws_bus_event_t               ev;
    const ngx_ws_pending_handler_t  *handler;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY)
    {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    handler = call->state;

    if (ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0))) {
        handler->elsewhere(call);
    }

    for (i = 1; i + 1 < ngx_ws_redis_reply_count(reply); i += 2) {
        if (ngx_ws_pending_event(&ev, reply, i) == NGX_OK) {
            handler->each(call, &ev);
        }
    }

    ngx_ws_call_done(call);
}


/* "id event data" */

static ngx_int_t
ngx_ws_pending_event(ngx_ws_bus_event_t *ev, ngx_ws_redis_reply_t *reply,
    ngx_uint_t i)
{
    u_char     *id, *last, *p;
    ngx_str_t   text;

    ngx_memzero(ev, sizeof(ngx_ws_bus_event_t));

    ev->seq = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply,
                                                                    i));
    text = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply,
                                                                i + 1));
    last = text.data + text.len;

    id = ngx_strlchr(text.data, last, ' ');
    p = id ? ngx_strlchr(id + 1, last, ' ') : NULL;

    if (p == NULL) {
        return NGX_ERROR;
    }

    ev->id = (uint64_t) ngx_atoof(text.data, id - text.data);
    ev->event.data = id + 1;
    ev->event.len = p - ev->event.data;
    ev->data.data = p + 1;
    ev->data.len = last - ev->data.data;

    return NGX_OK;
}
