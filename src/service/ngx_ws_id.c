
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_id.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_ID_WAITS    10000
#define NGX_WS_ID_TIMEOUT  5000
#define NGX_WS_ID_RETRY    200


typedef struct {
    uint64_t             next;
    uint64_t             end;          /* the first that is not in it */
} ngx_ws_id_block_t;


struct ngx_ws_ids_s {
    ngx_ws_worker_t     *worker;
    ngx_ws_id_block_t    block;
    ngx_ws_id_block_t    spare;        /* fetched ahead */
    ngx_ws_redis_op_t   *op;
    ngx_queue_t          waits;
    ngx_uint_t           nwaits;
    ngx_event_t          retry;
};


typedef struct {
    ngx_queue_t          queue;
    ngx_uint_t           n;
    ngx_msec_t           deadline;
    ngx_ws_id_done_pt    done;
    void                *data;
} ngx_ws_id_wait_t;


static ngx_int_t ngx_ws_id_take(ngx_ws_ids_t *ids, ngx_uint_t n,
    uint64_t *id);
static void ngx_ws_id_fetch(ngx_ws_ids_t *ids);
static void ngx_ws_id_fetched(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_id_retry(ngx_event_t *ev);
static void ngx_ws_id_wake(ngx_ws_ids_t *ids);
static void ngx_ws_id_expire(ngx_ws_ids_t *ids);
static void ngx_ws_id_call(ngx_ws_ids_t *ids, ngx_ws_id_wait_t *wait,
    ngx_int_t rc, uint64_t id);


ngx_ws_ids_t *
ngx_ws_ids_create(ngx_ws_worker_t *w)
{
    ngx_ws_ids_t  *ids;

    ids = ngx_calloc(sizeof(ngx_ws_ids_t), w->log);
    if (ids == NULL) {
        return NULL;
    }

    ids->worker = w;

    ngx_queue_init(&ids->waits);

    ids->retry.handler = ngx_ws_id_retry;
    ids->retry.data = ids;
    ids->retry.log = w->log;
    ids->retry.cancelable = 1;

    return ids;
}


void
ngx_ws_ids_destroy(ngx_ws_ids_t *ids)
{
    ngx_queue_t  *q;

    if (ids->op) {
        ngx_ws_redis_cancel(ids->op);
    }

    if (ids->retry.timer_set) {
        ngx_del_timer(&ids->retry);
    }

    while (!ngx_queue_empty(&ids->waits)) {
        q = ngx_queue_head(&ids->waits);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_ws_id_wait_t, queue));
    }

    ngx_free(ids);
}


void
ngx_ws_id_up(ngx_ws_ids_t *ids)
{
    ngx_ws_id_fetch(ids);
}


void
ngx_ws_id_next(ngx_ws_ids_t *ids, ngx_uint_t n, ngx_ws_id_done_pt done,
    void *data)
{
    uint64_t           id;
    ngx_ws_id_wait_t  *wait;

    /* nobody overtakes those who wait, though there may be enough for one */

    if (ngx_queue_empty(&ids->waits)
        && ngx_ws_id_take(ids, n, &id) == NGX_OK)
    {
        ngx_ws_id_fetch(ids);
        done(data, NGX_OK, id);
        return;
    }

    wait = NULL;

    if (ids->nwaits < NGX_WS_ID_WAITS) {
        wait = ngx_alloc(sizeof(ngx_ws_id_wait_t), ids->worker->log);
    }

    if (wait == NULL) {
        done(data, NGX_ERROR, 0);
        return;
    }

    wait->n = n;
    wait->deadline = ngx_current_msec + NGX_WS_ID_TIMEOUT;
    wait->done = done;
    wait->data = data;

    ngx_queue_insert_tail(&ids->waits, &wait->queue);
    ids->nwaits++;

    ngx_ws_id_fetch(ids);

    if (!ids->retry.timer_set) {
        ngx_add_timer(&ids->retry, NGX_WS_ID_RETRY);
    }
}


static ngx_int_t
ngx_ws_id_take(ngx_ws_ids_t *ids, ngx_uint_t n, uint64_t *id)
{
    if (ids->block.end - ids->block.next < n) {

        if (ids->spare.end - ids->spare.next < n) {
            return NGX_DECLINED;
        }

        /* what is left of the block is too small: nobody gets it */

        ids->block = ids->spare;
        ids->spare.next = ids->spare.end;
    }

    *id = ids->block.next;
    ids->block.next += n;

    return NGX_OK;
}


/* Ahead of need: when less than half a block is left, or somebody waits. */

static void
ngx_ws_id_fetch(ngx_ws_ids_t *ids)
{
    u_char               text[NGX_INT_T_LEN];
    ngx_str_t            arg;
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   key;

    w = ids->worker;

    if (ids->op
        || ids->spare.next != ids->spare.end
        || (ids->block.end - ids->block.next > NGX_WS_ID_BLOCK / 2
            && ngx_queue_empty(&ids->waits))
        || !ngx_ws_redis_ready(w->redis))
    {
        return;
    }

    arg.data = text;
    arg.len = ngx_sprintf(text, "%d", NGX_WS_ID_BLOCK) - text;

    ids->op = ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_ID_BLOCK,
                                ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                                                 NGX_WS_REDIS_KEY_ID, 0, 0,
                                                 NULL),
                                1, &arg, 1, ngx_ws_id_fetched, ids);
}


static void
ngx_ws_id_fetched(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_ids_t *ids = data;

    int64_t    first;
    ngx_str_t  error;

    ids->op = NULL;

    if (rc != NGX_OK) {
        return;
    }

    first = ngx_ws_redis_reply_integer(reply);

    if (first <= 0) {
        error = ngx_ws_redis_reply_string(reply);
        ngx_log_error(NGX_LOG_ERR, ids->worker->log, 0,
                      "redis gives no ids: \"%V\"", &error);
        return;
    }

    ids->spare.next = (uint64_t) first;
    ids->spare.end = (uint64_t) first + NGX_WS_ID_BLOCK;

    if (ids->block.next == ids->block.end) {
        ids->block = ids->spare;
        ids->spare.next = ids->spare.end;
    }

    ngx_ws_id_wake(ids);
}


/* Runs while somebody waits. */

static void
ngx_ws_id_retry(ngx_event_t *ev)
{
    ngx_ws_ids_t *ids = ev->data;

    ngx_ws_id_expire(ids);

    if (ngx_queue_empty(&ids->waits)) {
        return;
    }

    ngx_ws_id_fetch(ids);
    ngx_add_timer(ev, NGX_WS_ID_RETRY);
}


static void
ngx_ws_id_wake(ngx_ws_ids_t *ids)
{
    uint64_t           id;
    ngx_queue_t       *q;
    ngx_ws_id_wait_t  *wait;

    while (!ngx_queue_empty(&ids->waits)) {
        q = ngx_queue_head(&ids->waits);
        wait = ngx_queue_data(q, ngx_ws_id_wait_t, queue);

        if (ngx_ws_id_take(ids, wait->n, &id) != NGX_OK) {
            break;
        }

        ngx_ws_id_call(ids, wait, NGX_OK, id);
    }

    ngx_ws_id_fetch(ids);
}


static void
ngx_ws_id_expire(ngx_ws_ids_t *ids)
{
    ngx_queue_t       *q;
    ngx_ws_id_wait_t  *wait;

    while (!ngx_queue_empty(&ids->waits)) {
        q = ngx_queue_head(&ids->waits);
        wait = ngx_queue_data(q, ngx_ws_id_wait_t, queue);

        if ((ngx_msec_int_t) (wait->deadline - ngx_current_msec) > 0) {
            return;
        }

        ngx_ws_id_call(ids, wait, NGX_ERROR, 0);
    }
}


static void
ngx_ws_id_call(ngx_ws_ids_t *ids, ngx_ws_id_wait_t *wait, ngx_int_t rc,
    uint64_t id)
{
    void               *data;
    ngx_ws_id_done_pt   done;

    done = wait->done;
    data = wait->data;

    ngx_queue_remove(&wait->queue);
    ids->nwaits--;
    ngx_free(wait);

    done(data, rc, id);
}
