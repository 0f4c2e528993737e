
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry_row.h>


#define NGX_WS_REGISTRY_ROW_DELAY  200
#define NGX_WS_REGISTRY_ROW_RETRY  1000

/* in one script */
#define NGX_WS_REGISTRY_ROW_BATCH  50


struct ngx_ws_registry_rows_s {
    ngx_ws_worker_t    *worker;
    ngx_rbtree_t        rbtree;          /* of those that wait */
    ngx_rbtree_node_t   sentinel;
    ngx_queue_t         waiting;
    ngx_queue_t         sent;            /* by one script */
    ngx_uint_t          nwaiting;
    ngx_event_t         event;
};


typedef struct {
    ngx_str_node_t      sn;              /* connection_id */
    ngx_queue_t         queue;
    u_char              data[];
} ngx_ws_registry_row_t;


static void ngx_ws_registry_row_later(ngx_ws_registry_rows_t *rows,
    ngx_msec_t delay);
static void ngx_ws_registry_row_handler(ngx_event_t *ev);
static ngx_int_t ngx_ws_registry_row_send(ngx_ws_registry_rows_t *rows);
static void ngx_ws_registry_row_sent(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_registry_row_again(ngx_ws_registry_rows_t *rows);
static void ngx_ws_registry_row_free(ngx_queue_t *queue);


ngx_ws_registry_rows_t *
ngx_ws_registry_rows_create(ngx_ws_worker_t *w)
{
    ngx_ws_registry_rows_t  *rows;

    rows = ngx_calloc(sizeof(ngx_ws_registry_rows_t), w->log);
    if (rows == NULL) {
        return NULL;
    }

    rows->worker = w;

    ngx_rbtree_init(&rows->rbtree, &rows->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&rows->waiting);
    ngx_queue_init(&rows->sent);

    rows->event.handler = ngx_ws_registry_row_handler;
    rows->event.data = rows;
    rows->event.log = w->log;
    rows->event.cancelable = 1;

    return rows;
}


void
ngx_ws_registry_rows_destroy(ngx_ws_registry_rows_t *rows)
{
    if (rows->event.timer_set) {
        ngx_del_timer(&rows->event);
    }

    ngx_ws_registry_row_free(&rows->waiting);
    ngx_ws_registry_row_free(&rows->sent);

    ngx_free(rows);
}


void
ngx_ws_registry_row(ngx_ws_worker_t *w, ngx_str_t *connection_id)
{
    uint32_t                 hash;
    ngx_ws_registry_row_t   *row;
    ngx_ws_registry_rows_t  *rows;

    rows = w->rows;
    hash = ngx_crc32_long(connection_id->data, connection_id->len);

    if (ngx_str_rbtree_lookup(&rows->rbtree, connection_id, hash)) {
        return;
    }

    row = ngx_alloc(sizeof(ngx_ws_registry_row_t) + connection_id->len,
                    w->log);
    if (row == NULL) {
        return;
    }

    row->sn.node.key = hash;
    row->sn.str.len = connection_id->len;
    row->sn.str.data = row->data;
    ngx_memcpy(row->data, connection_id->data, connection_id->len);

    ngx_rbtree_insert(&rows->rbtree, &row->sn.node);
    ngx_queue_insert_tail(&rows->waiting, &row->queue);
    rows->nwaiting++;

    if (ngx_queue_empty(&rows->sent)) {
        ngx_ws_registry_row_later(rows, NGX_WS_REGISTRY_ROW_DELAY);
    }
}


static void
ngx_ws_registry_row_later(ngx_ws_registry_rows_t *rows, ngx_msec_t delay)
{
    if (!rows->event.timer_set) {
        ngx_add_timer(&rows->event, delay);
    }
}


static void
ngx_ws_registry_row_handler(ngx_event_t *ev)
{
    ngx_ws_registry_rows_t *rows = ev->data;

    if (!ngx_ws_redis_ready(rows->worker->redis)
        || ngx_ws_registry_row_send(rows) != NGX_OK)
    {
        ngx_ws_registry_row_again(rows);
    }
}


static ngx_int_t
ngx_ws_registry_row_send(ngx_ws_registry_rows_t *rows)
{
    ngx_str_t               args[NGX_WS_REGISTRY_ROW_BATCH], *prefix;
    ngx_str_t               keys[NGX_WS_REGISTRY_ROW_BATCH + 1];
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_ws_redis_key_t      key[NGX_WS_REGISTRY_ROW_BATCH + 1];
    ngx_ws_registry_row_t  *row;

    prefix = &rows->worker->conf->redis.prefix;
    keys[0] = *ngx_ws_redis_key(&key[0], prefix, NGX_WS_REDIS_KEY_EVENTS,
                                0, 0, NULL);

    for (n = 0; n < NGX_WS_REGISTRY_ROW_BATCH; n++) {

        if (ngx_queue_empty(&rows->waiting)) {
            break;
        }

        q = ngx_queue_head(&rows->waiting);
        row = ngx_queue_data(q, ngx_ws_registry_row_t, queue);

        args[n] = row->sn.str;
        keys[n + 1] = *ngx_ws_redis_key(&key[n + 1], prefix,
                                        NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                        &row->sn.str);

        ngx_rbtree_delete(&rows->rbtree, &row->sn.node);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&rows->sent, q);
        rows->nwaiting--;
    }

    return ngx_ws_redis_eval(rows->worker->redis,
                             NGX_WS_REDIS_CONNECTION_RECORD, keys, n + 1,
                             args, n, ngx_ws_registry_row_sent, rows)
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_ws_registry_row_sent(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_registry_rows_t *rows = data;

    ngx_str_t  error;

    if (rc != NGX_OK) {
        ngx_ws_registry_row_again(rows);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, rows->worker->log, 0,
                      "redis refused to record connections: \"%V\"", &error);
    }

    ngx_ws_registry_row_free(&rows->sent);

    if (rows->nwaiting >= NGX_WS_REGISTRY_ROW_BATCH) {
        ngx_ws_registry_row_handler(&rows->event);

    } else if (rows->nwaiting) {
        ngx_ws_registry_row_later(rows, NGX_WS_REGISTRY_ROW_DELAY);
    }
}


/* What was sent may have been taken, which does no harm. */

static void
ngx_ws_registry_row_again(ngx_ws_registry_rows_t *rows)
{
    ngx_queue_t            *q;
    ngx_ws_registry_row_t  *row;

    while (!ngx_queue_empty(&rows->sent)) {
        q = ngx_queue_head(&rows->sent);
        ngx_queue_remove(q);

        row = ngx_queue_data(q, ngx_ws_registry_row_t, queue);

        if (ngx_str_rbtree_lookup(&rows->rbtree, &row->sn.str,
                                  row->sn.node.key))
        {
            ngx_free(row);
            continue;
        }

        ngx_rbtree_insert(&rows->rbtree, &row->sn.node);
        ngx_queue_insert_tail(&rows->waiting, q);
        rows->nwaiting++;
    }

    ngx_ws_registry_row_later(rows, NGX_WS_REGISTRY_ROW_RETRY);
}


static void
ngx_ws_registry_row_free(ngx_queue_t *queue)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_ws_registry_row_t, queue));
    }
}
