
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_decimal.h>
#include <ngx_ws_pending.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_PENDING_PAGE   "50"           /* messages */
#define NGX_WS_PENDING_AGE    "2592000000"   /* 30 days */
#define NGX_WS_PENDING_TRIES  "5"
#define NGX_WS_PENDING_DELAY  10             /* for others to come along, ms */
#define NGX_WS_PENDING_RETRY  1000
#define NGX_WS_PENDING_KEYS   8
#define NGX_WS_PENDING_WAITS  10000

/* ms; of so many that are on their way those that are for longer, in us */
#define NGX_WS_PENDING_SWEEP  5000
#define NGX_WS_PENDING_SOME   "1000"
#define NGX_WS_PENDING_LONG   "60000000"

#define NGX_WS_PENDING_GROUP  50             /* messages that are alike */

/* those of pending_land.lua; of pending_mark.lua */
#define NGX_WS_PENDING_FLIGHT     3
#define NGX_WS_PENDING_MARK_KEYS  4


struct ngx_ws_pendings_s {
    ngx_ws_worker_t        *worker;
    ngx_queue_t             waiting;         /* what Redis has to be told */
    ngx_queue_t             failed;          /* it comes first */
    ngx_queue_t             sent;            /* batches */
    ngx_uint_t              n;               /* of all */
    ngx_uint_t              nmarks;          /* that wait */
    uint64_t                fetches;         /* until now */
    ngx_event_t             timer;
    ngx_event_t             sweep;
    ngx_ws_redis_op_t      *sweeping;
    size_t                  swept;           /* up to this one */
    u_char                  last[NGX_WS_REDIS_KEY_LEN + NGX_INT64_LEN + 1];
    unsigned                retrying:1;
};


typedef struct {
    ngx_queue_t             queue;
    uint64_t                tenant;
    uint64_t                user;
    ngx_ws_pending_what_e   what;
    ngx_uint_t              n;
    ngx_ws_pending_mark_t   marks[];
} ngx_ws_pending_op_t;


typedef struct {
    ngx_queue_t             queue;
    ngx_queue_t             ops;
    ngx_ws_pendings_t      *pendings;
    ngx_ws_redis_op_t      *redis;
} ngx_ws_pending_batch_t;


/* The arguments of a script under construction. */

typedef struct {
    ngx_pool_t             *pool;
    ngx_str_t              *keys;
    ngx_str_t              *args;
    ngx_uint_t              nkeys;
    ngx_uint_t              nargs;
    ngx_str_t              *group;           /* the last one's arguments */
    ngx_ws_pending_what_e   what;            /* it is */
    ngx_uint_t              n;               /* messages in it */
} ngx_ws_pending_script_t;


typedef struct {
    ngx_ws_redis_key_t      key[NGX_WS_PENDING_KEYS];
    ngx_str_t               str[NGX_WS_PENDING_KEYS];
} ngx_ws_pending_keys_t;


static ngx_int_t ngx_ws_pending_flush(ngx_ws_pendings_t *pendings);
static ngx_int_t ngx_ws_pending_send(ngx_ws_pendings_t *pendings,
    ngx_queue_t *last, ngx_uint_t n, ngx_uint_t nmarks);
static ngx_int_t ngx_ws_pending_script(ngx_ws_pendings_t *pendings,
    ngx_ws_pending_script_t *script, ngx_ws_pending_op_t *op);
static ngx_int_t ngx_ws_pending_group(ngx_ws_pending_script_t *script,
    ngx_ws_pending_what_e what);
static ngx_int_t ngx_ws_pending_key(ngx_ws_pendings_t *pendings,
    ngx_ws_pending_script_t *script, ngx_ws_redis_key_e kind);
static void ngx_ws_pending_marked(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_pending_timer_handler(ngx_event_t *ev);
static void ngx_ws_pending_retry(ngx_ws_pendings_t *pendings);
static void ngx_ws_pending_drop(ngx_ws_pendings_t *pendings,
    ngx_queue_t *ops);
static void ngx_ws_pending_sweep(ngx_event_t *ev);
static void ngx_ws_pending_swept(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_pending_keys(ngx_ws_call_t *call,
    ngx_ws_pending_keys_t *keys);
static void ngx_ws_pending_fetched(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_pending_event(ngx_ws_bus_event_t *ev,
    ngx_ws_redis_reply_t *reply, ngx_uint_t i);


/* by ngx_ws_pending_what_e */

static ngx_str_t  ngx_ws_pending_whats[] = {
    ngx_string("taken"),
    ngx_string("done"),
    ngx_string("seen"),
    ngx_string("back"),
    ngx_string("lost")
};


ngx_ws_pendings_t *
ngx_ws_pendings_create(ngx_ws_worker_t *w)
{
    ngx_ws_pendings_t  *pendings;

    pendings = ngx_calloc(sizeof(ngx_ws_pendings_t), w->log);
    if (pendings == NULL) {
        return NULL;
    }

    pendings->worker = w;

    ngx_queue_init(&pendings->waiting);
    ngx_queue_init(&pendings->failed);
    ngx_queue_init(&pendings->sent);

    pendings->timer.handler = ngx_ws_pending_timer_handler;
    pendings->timer.data = pendings;
    pendings->timer.log = w->log;
    pendings->timer.cancelable = 1;

    pendings->sweep.handler = ngx_ws_pending_sweep;
    pendings->sweep.data = pendings;
    pendings->sweep.log = w->log;
    pendings->sweep.cancelable = 1;

    ngx_add_timer(&pendings->sweep, NGX_WS_PENDING_SWEEP);

    return pendings;
}


void
ngx_ws_pendings_destroy(ngx_ws_pendings_t *pendings)
{
    ngx_queue_t             *q;
    ngx_ws_pending_batch_t  *batch;

    (void) ngx_ws_pending_flush(pendings);

    while (!ngx_queue_empty(&pendings->sent)) {
        q = ngx_queue_head(&pendings->sent);
        ngx_queue_remove(q);

        batch = ngx_queue_data(q, ngx_ws_pending_batch_t, queue);

        ngx_ws_redis_cancel(batch->redis);
        ngx_ws_pending_drop(pendings, &batch->ops);
        ngx_free(batch);
    }

    ngx_ws_pending_drop(pendings, &pendings->failed);
    ngx_ws_pending_drop(pendings, &pendings->waiting);

    if (pendings->timer.timer_set) {
        ngx_del_timer(&pendings->timer);
    }

    if (pendings->sweep.timer_set) {
        ngx_del_timer(&pendings->sweep);
    }

    if (pendings->sweeping) {
        ngx_ws_redis_cancel(pendings->sweeping);
    }

    ngx_free(pendings);
}


void
ngx_ws_pending_mark(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_pending_what_e what, ngx_ws_pending_mark_t *marks, ngx_uint_t n)
{
    ngx_ws_pendings_t    *pendings;
    ngx_ws_pending_op_t  *op;

    pendings = w->pendings;

    for ( /* void */ ; n > NGX_WS_PENDING_MARKS; n -= NGX_WS_PENDING_MARKS) {
        ngx_ws_pending_mark(w, id, what, marks, NGX_WS_PENDING_MARKS);
        marks += NGX_WS_PENDING_MARKS;
    }

    if (n == 0 || pendings->n >= NGX_WS_PENDING_WAITS) {
        /* whoever finds no lease of this worker delivers them again */
        return;
    }

    op = ngx_alloc(sizeof(ngx_ws_pending_op_t)
                   + n * sizeof(ngx_ws_pending_mark_t), w->log);
    if (op == NULL) {
        return;
    }

    op->tenant = id->tenant;
    op->user = id->user;
    op->what = what;
    op->n = n;
    ngx_memcpy(op->marks, marks, n * sizeof(ngx_ws_pending_mark_t));

    if (pendings->nmarks + n > NGX_WS_PENDING_MARKS) {
        (void) ngx_ws_pending_flush(pendings);
    }

    ngx_queue_insert_tail(&pendings->waiting, &op->queue);
    pendings->n++;
    pendings->nmarks += n;

    if (!pendings->timer.timer_set) {
        ngx_add_timer(&pendings->timer, NGX_WS_PENDING_DELAY);
    }
}


void
ngx_ws_pending_lost(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    uint64_t socket)
{
    ngx_ws_pending_mark_t  mark;

    mark.seq = socket;
    mark.id = w->pendings->fetches;

    ngx_ws_pending_mark(w, id, NGX_WS_PENDING_LOST, &mark, 1);
}


void
ngx_ws_pending_tell(ngx_ws_worker_t *w)
{
    (void) ngx_ws_pending_flush(w->pendings);
}


/* In the order in which it happened: what is later would hide it. */

static ngx_int_t
ngx_ws_pending_flush(ngx_ws_pendings_t *pendings)
{
    ngx_uint_t            n, nmarks;
    ngx_queue_t          *q;
    ngx_ws_pending_op_t  *op;

    if (pendings->retrying) {
        return NGX_OK;
    }

    while (!ngx_queue_empty(&pendings->waiting)) {

        n = 0;
        nmarks = 0;

        for (q = ngx_queue_head(&pendings->waiting);
             q != ngx_queue_sentinel(&pendings->waiting);
             q = ngx_queue_next(q))
        {
            op = ngx_queue_data(q, ngx_ws_pending_op_t, queue);

            if (n && nmarks + op->n > NGX_WS_PENDING_MARKS) {
                break;
            }

            n++;
            nmarks += op->n;
        }

        if (ngx_ws_pending_send(pendings, q, n, nmarks) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    pendings->nmarks = 0;

    return NGX_OK;
}


/* Those that wait, up to the one behind the last. */

static ngx_int_t
ngx_ws_pending_send(ngx_ws_pendings_t *pendings, ngx_queue_t *last,
    ngx_uint_t n, ngx_uint_t nmarks)
{
    ngx_int_t                 rc;
    ngx_uint_t                i, ngroups;
    ngx_queue_t              *q;
    ngx_ws_worker_t          *w;
    ngx_ws_pending_batch_t   *batch;
    ngx_ws_pending_script_t   script;

    static const ngx_ws_redis_key_e  kinds[NGX_WS_PENDING_MARK_KEYS] = {
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_FLIGHT,
        NGX_WS_REDIS_KEY_FLIGHT_TEXT,
        NGX_WS_REDIS_KEY_FLIGHT_TAKEN
    };

    w = pendings->worker;

    batch = ngx_alloc(sizeof(ngx_ws_pending_batch_t), w->log);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    script.pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, w->log);
    if (script.pool == NULL) {
        ngx_free(batch);
        return NGX_ERROR;
    }

    /* at most: one begins with each op, and where one is full */
    ngroups = n + nmarks / NGX_WS_PENDING_GROUP;

    script.keys = ngx_palloc(script.pool,
                             NGX_WS_PENDING_MARK_KEYS * sizeof(ngx_str_t));
    script.args = ngx_palloc(script.pool, (1 + 3 * ngroups + nmarks)
                                          * sizeof(ngx_str_t));
    script.nkeys = 0;
    script.nargs = 0;
    script.group = NULL;

    rc = NGX_ERROR;

    if (script.keys == NULL || script.args == NULL) {
        goto done;
    }

    for (i = 0; i < NGX_WS_PENDING_MARK_KEYS; i++) {
        if (ngx_ws_pending_key(pendings, &script, kinds[i]) != NGX_OK) {
            goto done;
        }
    }

    script.args[script.nargs++] = w->incarnation;

    for (q = ngx_queue_head(&pendings->waiting);
         q != last;
         q = ngx_queue_next(q))
    {
        if (ngx_ws_pending_script(pendings, &script,
                                  ngx_queue_data(q, ngx_ws_pending_op_t,
                                                 queue))
            != NGX_OK)
        {
            goto done;
        }
    }

    batch->pendings = pendings;
    batch->redis = ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_PENDING_MARK,
                                     script.keys, script.nkeys, script.args,
                                     script.nargs, ngx_ws_pending_marked,
                                     batch);
    if (batch->redis == NULL) {
        goto done;
    }

    ngx_queue_init(&batch->ops);

    while ((q = ngx_queue_head(&pendings->waiting)) != last) {
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&batch->ops, q);
    }

    ngx_queue_insert_tail(&pendings->sent, &batch->queue);
    rc = NGX_OK;

done:

    if (rc != NGX_OK) {
        ngx_free(batch);
    }

    ngx_destroy_pool(script.pool);

    return rc;
}


static ngx_int_t
ngx_ws_pending_script(ngx_ws_pendings_t *pendings,
    ngx_ws_pending_script_t *script, ngx_ws_pending_op_t *op)
{
    u_char              *p;
    ngx_str_t           *ids, *str;
    ngx_uint_t           i;
    ngx_ws_redis_key_t   key;

    (void) ngx_ws_redis_key(&key, &pendings->worker->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_PENDING, op->tenant, op->user,
                            NULL);

    for (i = 0; i < op->n; i++) {

        if (script->group == NULL || script->what != op->what
            || script->n == NGX_WS_PENDING_GROUP)
        {
            if (ngx_ws_pending_group(script, op->what) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        script->n++;

        str = &script->group[1];
        str->len = ngx_ws_decimal(str->data, script->n) - str->data;

        ids = &script->group[2];
        p = ids->data + ids->len;

        if (ids->len) {
            *p++ = ' ';
        }

        ids->len = ngx_ws_decimal(p, op->marks[i].id) - ids->data;

        p = ngx_pnalloc(script->pool, key.str.len + 1 + NGX_INT64_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        str = &script->args[script->nargs++];
        str->data = p;

        p = ngx_cpymem(p, key.str.data, key.str.len);
        *p++ = ' ';

        str->len = ngx_ws_decimal(p, op->marks[i].seq) - str->data;
    }

    return NGX_OK;
}


/* What, how many, their ids; both grow. */

static ngx_int_t
ngx_ws_pending_group(ngx_ws_pending_script_t *script,
    ngx_ws_pending_what_e what)
{
    u_char  *p;

    p = ngx_pnalloc(script->pool,
                    (1 + NGX_WS_PENDING_GROUP) * (NGX_INT64_LEN + 1));
    if (p == NULL) {
        return NGX_ERROR;
    }

    script->what = what;
    script->n = 0;
    script->group = &script->args[script->nargs];
    script->nargs += 3;

    script->group[0] = ngx_ws_pending_whats[what];
    script->group[1].data = p;
    script->group[2].data = p + NGX_INT64_LEN;
    script->group[2].len = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_pending_key(ngx_ws_pendings_t *pendings,
    ngx_ws_pending_script_t *script, ngx_ws_redis_key_e kind)
{
    ngx_str_t           *str;
    ngx_ws_redis_key_t   key;

    (void) ngx_ws_redis_key(&key, &pendings->worker->conf->redis.prefix, kind,
                            0, 0, NULL);

    str = &script->keys[script->nkeys++];

    str->len = key.str.len;
    str->data = ngx_pstrdup(script->pool, &key.str);

    return str->data ? NGX_OK : NGX_ERROR;
}


static void
ngx_ws_pending_marked(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_pending_batch_t *batch = data;

    ngx_ws_pendings_t  *pendings;

    pendings = batch->pendings;

    ngx_queue_remove(&batch->queue);

    if (rc == NGX_OK) {
        ngx_ws_pending_drop(pendings, &batch->ops);

    } else {
        ngx_queue_add(&pendings->failed, &batch->ops);
        pendings->retrying = 1;
        ngx_add_timer(&pendings->timer, NGX_WS_PENDING_RETRY);
    }

    ngx_free(batch);
}


static void
ngx_ws_pending_timer_handler(ngx_event_t *ev)
{
    ngx_ws_pending_retry(ev->data);
}


static void
ngx_ws_pending_retry(ngx_ws_pendings_t *pendings)
{
    pendings->retrying = 0;

    /* what has failed comes first */

    ngx_queue_add(&pendings->failed, &pendings->waiting);
    ngx_queue_init(&pendings->waiting);
    ngx_queue_add(&pendings->waiting, &pendings->failed);
    ngx_queue_init(&pendings->failed);

    if (ngx_ws_pending_flush(pendings) != NGX_OK) {
        ngx_add_timer(&pendings->timer, NGX_WS_PENDING_RETRY);
    }
}


static void
ngx_ws_pending_drop(ngx_ws_pendings_t *pendings, ngx_queue_t *ops)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(ops)) {
        q = ngx_queue_head(ops);
        ngx_queue_remove(q);
        pendings->n--;

        ngx_free(ngx_queue_data(q, ngx_ws_pending_op_t, queue));
    }
}


/* Who never comes back must not be waited for in what all share. */

static void
ngx_ws_pending_sweep(ngx_event_t *ev)
{
    ngx_ws_pendings_t *pendings = ev->data;

    ngx_str_t             args[3], keys[NGX_WS_PENDING_FLIGHT], *prefix;
    ngx_ws_redis_t       *redis;
    ngx_ws_redis_key_t    flight, texts, taken;

    ngx_add_timer(ev, NGX_WS_PENDING_SWEEP);

    redis = pendings->worker->redis;

    if (pendings->sweeping || !ngx_ws_redis_ready(redis)) {
        return;
    }

    prefix = &pendings->worker->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&flight, prefix, NGX_WS_REDIS_KEY_FLIGHT,
                                0, 0, NULL);
    keys[1] = *ngx_ws_redis_key(&texts, prefix, NGX_WS_REDIS_KEY_FLIGHT_TEXT,
                                0, 0, NULL);
    keys[2] = *ngx_ws_redis_key(&taken, prefix, NGX_WS_REDIS_KEY_FLIGHT_TAKEN,
                                0, 0, NULL);

    args[0].len = pendings->swept;
    args[0].data = pendings->last;
    ngx_str_set(&args[1], NGX_WS_PENDING_SOME);
    ngx_str_set(&args[2], NGX_WS_PENDING_LONG);

    pendings->sweeping = ngx_ws_redis_eval(redis, NGX_WS_REDIS_PENDING_SWEEP,
                                           keys, NGX_WS_PENDING_FLIGHT, args,
                                           3, ngx_ws_pending_swept, pendings);
}


static void
ngx_ws_pending_swept(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_pendings_t *pendings = data;

    ngx_str_t  last;

    pendings->sweeping = NULL;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_STRING)
    {
        return;
    }

    last = ngx_ws_redis_reply_string(reply);

    pendings->swept = 0;

    if (last.len <= sizeof(pendings->last)) {
        ngx_memcpy(pendings->last, last.data, last.len);
        pendings->swept = last.len;
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
        NGX_WS_REDIS_KEY_LEASES,
        NGX_WS_REDIS_KEY_FLIGHT,
        NGX_WS_REDIS_KEY_FLIGHT_TEXT,
        NGX_WS_REDIS_KEY_FLIGHT_TAKEN,
        NGX_WS_REDIS_KEY_LOST
    };

    for (i = 0; i < NGX_WS_PENDING_KEYS; i++) {
        keys->str[i] = *ngx_ws_redis_key(&keys->key[i],
                                         &call->worker->conf->redis.prefix,
                                         kinds[i], call->identity->tenant,
                                         call->identity->user, NULL);
    }
}


void
ngx_ws_pending_fetch(ngx_ws_call_t *call, size_t bytes,
    const ngx_ws_pending_handler_t *handler)
{
    u_char                  room[NGX_SIZE_T_LEN], socket[NGX_INT64_LEN],
                            number[NGX_INT64_LEN];
    ngx_str_t               args[7];
    ngx_ws_pendings_t      *pendings;
    ngx_ws_pending_keys_t   keys;

    /* what is marked already must not come again */

    pendings = call->worker->pendings;

    if (pendings->retrying && ngx_ws_redis_ready(call->worker->redis)) {
        ngx_ws_pending_retry(pendings);

    } else {
        (void) ngx_ws_pending_flush(pendings);
    }

    ngx_ws_pending_keys(call, &keys);

    ngx_str_set(&args[0], NGX_WS_PENDING_PAGE);
    args[1].data = room;
    args[1].len = ngx_sprintf(room, "%uz", bytes) - room;
    args[2] = call->worker->incarnation;
    args[3].data = socket;
    args[3].len = ngx_sprintf(socket, "%uL", call->socket) - socket;
    ngx_str_set(&args[4], NGX_WS_PENDING_AGE);
    ngx_str_set(&args[5], NGX_WS_PENDING_TRIES);
    args[6].data = number;
    args[6].len = ngx_sprintf(number, "%uL", ++pendings->fetches) - number;

    call->state = (void *) handler;

    if (ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_PENDING_FETCH,
                          keys.str, NGX_WS_PENDING_KEYS, args, 7,
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

    for (i = 0; i + 1 < ngx_ws_redis_reply_count(reply); i += 2) {
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
