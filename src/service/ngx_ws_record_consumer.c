
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_backoff.h>
#include <ngx_ws_lock.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql_log.h>
#include <ngx_ws_record_batch.h>
#include <ngx_ws_record_consumer.h>
#include <ngx_ws_record_watch.h>


/* entries of a first batch, and bytes of any */
#define NGX_WS_RECORD_CONSUMER_FIRST  64
#define NGX_WS_RECORD_CONSUMER_BYTES  (4 * 1024 * 1024)

/* "(" is before the id of an entry, for what is behind it */
#define NGX_WS_RECORD_CONSUMER_ID     (2 * NGX_INT64_LEN + 1)

/* while nothing comes, so many times the time between two looks */
#define NGX_WS_RECORD_CONSUMER_REST   4

#define NGX_WS_RECORD_CONSUMER_RETRY_MIN  100
#define NGX_WS_RECORD_CONSUMER_RETRY_MAX  2000


struct ngx_ws_record_consumer_s {
    ngx_ws_worker_t           *worker;
    ngx_pool_t                *pool;
    ngx_ws_mysql_stmt_t       *stmts[NGX_WS_RECORD_ROW_KINDS];
    ngx_ws_mysql_stmt_t       *orphans;

    ngx_ws_lock_t              lock;
    ngx_ws_redis_key_t         stream;
    ngx_ws_redis_key_t         poison;

    ngx_event_t                poll;
    ngx_ws_record_watch_t      watch;
    ngx_ws_backoff_t           backoff;
    ngx_ws_mysql_log_t         refusal;

    ngx_ws_record_batch_t     *batch;      /* MySQL is at it */
    ngx_uint_t                 count;      /* entries to read */
    ngx_str_t                  last;       /* entry that MySQL has */
    ngx_msec_t                 began;      /* with the batch */
    ngx_msec_t                 wait;       /* to the next look */

    unsigned                   reading:1;
    unsigned                   mine:1;     /* the lock, as Redis has it */
    unsigned                   unsure:1;   /* which entry is the last */

    u_char                     id[1 + NGX_WS_RECORD_CONSUMER_ID];
};


static void ngx_ws_record_consumer_taken(void *data);
static void ngx_ws_record_consumer_lost(void *data);
static void ngx_ws_record_consumer_poll(ngx_event_t *ev);
static void ngx_ws_record_consumer_read(ngx_ws_record_consumer_t *cons);
static ngx_ws_redis_op_t *ngx_ws_record_consumer_begin(
    ngx_ws_record_consumer_t *cons);
static void ngx_ws_record_consumer_began(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_consumer_last(ngx_ws_record_consumer_t *cons,
    ngx_str_t *id);
static ngx_ws_redis_op_t *ngx_ws_record_consumer_get(
    ngx_ws_record_consumer_t *cons);
static void ngx_ws_record_consumer_owner(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_consumer_got(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *entries);
static ngx_uint_t ngx_ws_record_consumer_answered(
    ngx_ws_record_consumer_t *cons, ngx_int_t rc, ngx_ws_redis_reply_t *reply,
    ngx_ws_redis_type_e type);
static void ngx_ws_record_consumer_write(ngx_ws_record_consumer_t *cons,
    ngx_ws_redis_reply_t *entries);
static void ngx_ws_record_consumer_written(void *data,
    ngx_ws_mysql_result_t *res);
static void ngx_ws_record_consumer_finish(ngx_ws_record_consumer_t *cons);
static ngx_int_t ngx_ws_record_consumer_tell(ngx_ws_record_consumer_t *cons,
    ngx_uint_t refused);
static ngx_int_t ngx_ws_record_consumer_aside(ngx_ws_record_consumer_t *cons,
    ngx_ws_record_entry_t *entry, ngx_str_t *args);
static void ngx_ws_record_consumer_told(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_consumer_next(ngx_ws_record_consumer_t *cons,
    ngx_uint_t full);
static void ngx_ws_record_consumer_failed(ngx_ws_record_consumer_t *cons);


static const ngx_ws_lock_handler_t  ngx_ws_record_consumer_handler = {
    ngx_ws_record_consumer_taken,
    ngx_ws_record_consumer_lost
};


/* the name of the group, whose position is what MySQL has, and of the lock */

static ngx_str_t  ngx_ws_record_consumer_name = ngx_string("record");


ngx_ws_record_consumer_t *
ngx_ws_record_consumer_create(ngx_ws_worker_t *w)
{
    ngx_str_t                 *prefix;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    ngx_ws_record_consumer_t  *cons;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, w->log);
    if (pool == NULL) {
        return NULL;
    }

    cons = ngx_pcalloc(pool, sizeof(ngx_ws_record_consumer_t));
    if (cons == NULL) {
        goto failed;
    }

    for (i = 0; i < NGX_WS_RECORD_ROW_KINDS; i++) {
        cons->stmts[i] = ngx_ws_record_row_compile(pool, i);
        if (cons->stmts[i] == NULL) {
            goto failed;
        }
    }

    cons->orphans = ngx_ws_record_row_orphans(pool);
    if (cons->orphans == NULL) {
        goto failed;
    }

    cons->worker = w;
    cons->pool = pool;

    prefix = &w->conf->redis.prefix;

    (void) ngx_ws_redis_key(&cons->stream, prefix, NGX_WS_REDIS_KEY_EVENTS,
                            0, 0, NULL);
    (void) ngx_ws_redis_key(&cons->poison, prefix, NGX_WS_REDIS_KEY_POISON,
                            0, 0, NULL);

    ngx_ws_lock_init(&cons->lock, w, "record", &ngx_ws_record_consumer_handler,
                     cons);

    ngx_ws_backoff_init(&cons->backoff, NGX_WS_RECORD_CONSUMER_RETRY_MIN,
                        NGX_WS_RECORD_CONSUMER_RETRY_MAX);

    cons->poll.handler = ngx_ws_record_consumer_poll;
    cons->poll.data = cons;
    cons->poll.log = w->log;
    cons->poll.cancelable = 1;

    ngx_ws_record_watch_init(&cons->watch, w, &cons->lock, &cons->stream.str,
                             &ngx_ws_record_consumer_name);

    return cons;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_ws_record_consumer_destroy(ngx_ws_record_consumer_t *cons)
{
    ngx_ws_record_consumer_lost(cons);
    ngx_ws_lock_cleanup(&cons->lock);

    if (cons->batch) {
        ngx_ws_record_batch_destroy(cons->batch);
    }

    ngx_destroy_pool(cons->pool);
}


void
ngx_ws_record_consumer_up(ngx_ws_record_consumer_t *cons)
{
    ngx_ws_lock_up(&cons->lock);
}


void
ngx_ws_record_consumer_down(ngx_ws_record_consumer_t *cons)
{
    ngx_ws_lock_down(&cons->lock);
}


static void
ngx_ws_record_consumer_taken(void *data)
{
    ngx_ws_record_consumer_t *cons = data;

    ngx_log_error(NGX_LOG_INFO, cons->worker->log, 0,
                  "this worker writes the record");

    cons->unsure = 1;
    cons->count = ngx_min(NGX_WS_RECORD_CONSUMER_FIRST,
                          cons->worker->conf->mysql.batch);
    cons->wait = cons->worker->conf->mysql.flush;

    ngx_ws_backoff_reset(&cons->backoff);

    ngx_ws_record_consumer_read(cons);
    ngx_ws_record_watch_start(&cons->watch);
}


static void
ngx_ws_record_consumer_lost(void *data)
{
    ngx_ws_record_consumer_t *cons = data;

    if (cons->poll.timer_set) {
        ngx_del_timer(&cons->poll);
    }

    ngx_ws_record_watch_stop(&cons->watch);
}


static void
ngx_ws_record_consumer_poll(ngx_event_t *ev)
{
    ngx_ws_record_consumer_t *cons = ev->data;

    ngx_ws_record_consumer_read(cons);
}


static void
ngx_ws_record_consumer_read(ngx_ws_record_consumer_t *cons)
{
    ngx_ws_redis_op_t  *op;

    if (cons->reading || cons->batch || !ngx_ws_lock_held(&cons->lock)) {
        return;
    }

    if (!ngx_ws_mysql_is_up(cons->worker->mysql)) {
        ngx_ws_record_consumer_failed(cons);
        return;
    }

    op = cons->unsure ? ngx_ws_record_consumer_begin(cons)
                      : ngx_ws_record_consumer_get(cons);

    if (op == NULL) {
        ngx_ws_record_consumer_failed(cons);
        return;
    }

    cons->reading = 1;
}


static ngx_ws_redis_op_t *
ngx_ws_record_consumer_begin(ngx_ws_record_consumer_t *cons)
{
    cons->unsure = 0;

    return ngx_ws_redis_eval(cons->worker->redis, NGX_WS_REDIS_RECORD_BEGIN,
                             &cons->stream.str, 1,
                             &ngx_ws_record_consumer_name, 1,
                             ngx_ws_record_consumer_began, cons);
}


static void
ngx_ws_record_consumer_began(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_record_consumer_t *cons = data;

    ngx_str_t  id;

    if (!ngx_ws_record_consumer_answered(cons, rc, reply,
                                         NGX_WS_REDIS_STRING))
    {
        return;
    }

    id = ngx_ws_redis_reply_string(reply);
    ngx_ws_record_consumer_last(cons, &id);

    ngx_ws_record_consumer_read(cons);
}


static void
ngx_ws_record_consumer_last(ngx_ws_record_consumer_t *cons, ngx_str_t *id)
{
    cons->id[0] = '(';
    cons->last.data = &cons->id[1];
    cons->last.len = ngx_min(id->len, NGX_WS_RECORD_CONSUMER_ID);

    ngx_memcpy(cons->last.data, id->data, cons->last.len);
}


/*
 * Whoever was held up, and has lost the lock, may come late: it sees that.
 * Not by MULTI, of which a Redis that is full takes none.
 */

static ngx_ws_redis_op_t *
ngx_ws_record_consumer_get(ngx_ws_record_consumer_t *cons)
{
    u_char     text[NGX_INT_T_LEN];
    ngx_str_t  get[2], range[6];

    ngx_str_set(&get[0], "GET");
    get[1] = cons->lock.key.str;

    ngx_str_set(&range[0], "XRANGE");
    range[1] = cons->stream.str;
    range[2].data = cons->id;
    range[2].len = 1 + cons->last.len;
    ngx_str_set(&range[3], "+");
    ngx_str_set(&range[4], "COUNT");
    range[5].data = text;
    range[5].len = ngx_sprintf(text, "%ui", cons->count) - text;

    cons->mine = 0;

    if (ngx_ws_redis_command(cons->worker->redis, get, 2,
                             ngx_ws_record_consumer_owner, cons)
        == NULL)
    {
        return NULL;
    }

    return ngx_ws_redis_command(cons->worker->redis, range, 6,
                                ngx_ws_record_consumer_got, cons);
}


static void
ngx_ws_record_consumer_owner(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_record_consumer_t *cons = data;

    ngx_str_t  *me, owner;

    owner = ngx_ws_redis_reply_string(reply);
    me = &cons->worker->incarnation;

    cons->mine = (rc == NGX_OK && owner.len == me->len
                  && ngx_memcmp(owner.data, me->data, me->len) == 0);
}


static void
ngx_ws_record_consumer_got(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *entries)
{
    ngx_ws_record_consumer_t *cons = data;

    if (!ngx_ws_record_consumer_answered(cons, rc, entries,
                                         NGX_WS_REDIS_ARRAY))
    {
        return;
    }

    if (!cons->mine) {
        ngx_ws_record_consumer_failed(cons);
        return;
    }

    if (ngx_ws_redis_reply_count(entries)) {
        cons->wait = cons->worker->conf->mysql.flush;
        ngx_ws_record_consumer_write(cons, entries);
        return;
    }

    cons->wait = ngx_min(cons->wait * 2,
                         cons->worker->conf->mysql.flush
                         * NGX_WS_RECORD_CONSUMER_REST);

    ngx_ws_record_consumer_next(cons, cons->unsure);
}


/* Whether it is an answer of the type; else it will be tried again. */

static ngx_uint_t
ngx_ws_record_consumer_answered(ngx_ws_record_consumer_t *cons, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply, ngx_ws_redis_type_e type)
{
    ngx_str_t  error;

    cons->reading = 0;

    if (rc == NGX_OK && ngx_ws_redis_reply_type(reply) == type) {
        return 1;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, cons->worker->log, 0,
                      "redis gives no entries of the record: \"%V\"",
                      &error);
    }

    ngx_ws_record_consumer_failed(cons);

    return 0;
}


static void
ngx_ws_record_consumer_write(ngx_ws_record_consumer_t *cons,
    ngx_ws_redis_reply_t *entries)
{
    ngx_uint_t           nitems;
    ngx_ws_mysql_item_t  items[NGX_WS_RECORD_ROW_KINDS + 1];

    cons->began = ngx_current_msec;
    cons->batch = ngx_ws_record_batch_create(entries, cons->stmts,
                                             cons->worker->log);
    if (cons->batch == NULL) {
        ngx_ws_record_consumer_failed(cons);
        return;
    }

    nitems = ngx_ws_record_batch_items(cons->batch, items);

    if (nitems == 0) {
        ngx_ws_record_consumer_finish(cons);
        return;
    }

    if (cons->batch->rows[NGX_WS_RECORD_ROW_STATUS].n) {
        items[nitems].stmt = cons->orphans;
        items[nitems].values = NULL;
        items[nitems].n = 0;
        nitems++;
    }

    /* after a long stop of the process the lock may be somebody else's */

    if (ngx_ws_lock_held(&cons->lock)
        && ngx_ws_mysql_transaction(cons->worker->mysql, items, nitems,
                                    cons->lock.until,
                                    ngx_ws_record_consumer_written, cons))
    {
        return;
    }

    ngx_ws_record_consumer_failed(cons);
}


static void
ngx_ws_record_consumer_written(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_record_consumer_t *cons = data;

    if (res->rc == NGX_OK) {
        ngx_ws_mysql_log_taken(&cons->refusal);
        ngx_ws_record_batch_refused(cons->batch, res);
        ngx_ws_record_consumer_finish(cons);
        return;
    }

    /* that it is away is told elsewhere */

    if (res->errnum && ngx_ws_mysql_is_up(cons->worker->mysql)) {
        ngx_ws_mysql_log_seldom(&cons->refusal, cons->worker->log,
                                "refuses the record", res);
    }

    /* it may have been too much for the time that a statement has */

    cons->count = ngx_max(cons->count / 2, 1);

    ngx_ws_record_consumer_failed(cons);
}


static void
ngx_ws_record_consumer_finish(ngx_ws_record_consumer_t *cons)
{
    ngx_uint_t              i, full, refused;
    ngx_ws_record_batch_t  *batch;

    batch = cons->batch;
    refused = 0;

    for (i = 0; i < batch->n; i++) {
        refused += batch->entries[i].refused;
    }

    full = (batch->n >= cons->count);

    if (ngx_ws_record_consumer_tell(cons, refused) != NGX_OK) {
        cons->unsure = 1;
    }

    ngx_ws_metric_add(RECORD_WRITTEN, batch->n - refused);
    ngx_ws_metric_add(RECORD_FAILED, refused);

    cons->batch = NULL;

    if (batch->size > NGX_WS_RECORD_CONSUMER_BYTES) {
        cons->count = ngx_max(cons->count / 2, 1);

    } else if (batch->size < NGX_WS_RECORD_CONSUMER_BYTES / 4
               && ngx_current_msec - cons->began
                  < cons->worker->conf->mysql.timeout / 4)
    {
        cons->count = ngx_min(cons->count * 2,
                              cons->worker->conf->mysql.batch);
    }

    ngx_ws_record_batch_destroy(batch);
    ngx_ws_backoff_reset(&cons->backoff);

    ngx_ws_record_consumer_next(cons, full);
}


/* Redis knows what MySQL has before it is asked for more. */

static ngx_int_t
ngx_ws_record_consumer_tell(ngx_ws_record_consumer_t *cons, ngx_uint_t refused)
{
    u_char                 *p;
    ngx_str_t              *args, keys[2], *last;
    ngx_uint_t              i, nargs;
    ngx_ws_record_batch_t  *batch;

    batch = cons->batch;
    last = &batch->entries[batch->n - 1].id;

    args = ngx_palloc(batch->pool, (4 + 4 * refused) * sizeof(ngx_str_t));
    p = ngx_pnalloc(batch->pool, NGX_INT_T_LEN);

    if (args == NULL || p == NULL) {
        return NGX_ERROR;
    }

    keys[0] = cons->stream.str;
    keys[1] = cons->poison.str;

    args[0] = ngx_ws_record_consumer_name;
    args[1] = cons->last;
    args[2] = *last;
    args[3].data = p;
    args[3].len = ngx_sprintf(p, "%ui", batch->n) - p;
    nargs = 4;

    for (i = 0; i < batch->n; i++) {

        if (!batch->entries[i].refused) {
            continue;
        }

        if (ngx_ws_record_consumer_aside(cons, &batch->entries[i],
                                         &args[nargs])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        nargs += 4;
    }

    if (ngx_ws_redis_eval(cons->worker->redis, NGX_WS_REDIS_RECORD_DONE, keys,
                          2, args, nargs, ngx_ws_record_consumer_told, cons)
        == NULL)
    {
        return NGX_ERROR;
    }

    ngx_ws_record_consumer_last(cons, last);

    return NGX_OK;
}


/* The server's text may quote data: it goes to Redis, not into the log. */

static ngx_int_t
ngx_ws_record_consumer_aside(ngx_ws_record_consumer_t *cons,
    ngx_ws_record_entry_t *entry, ngx_str_t *args)
{
    u_char  *p;

    ngx_log_error(NGX_LOG_ERR, cons->worker->log, 0,
                  "entry %V of the record is put aside, with the reason, "
                  "in the stream \"%V\": error %ui",
                  &entry->id, &cons->poison.str, entry->errnum);

    p = ngx_pnalloc(cons->batch->pool, 2 * NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    args[0] = entry->id;

    args[1].data = p;
    p = ngx_sprintf(p, "%ui", entry->errnum);
    args[1].len = p - args[1].data;

    args[2] = entry->error;

    args[3].data = p;
    p = ngx_sprintf(p, "%ui", entry->row);
    args[3].len = p - args[3].data;

    return NGX_OK;
}


static void
ngx_ws_record_consumer_told(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_record_consumer_t *cons = data;

    if (rc != NGX_OK || ngx_ws_redis_reply_integer(reply) != 1) {
        cons->unsure = 1;
    }
}


/* A full batch is followed at once, after a smaller one there is time. */

static void
ngx_ws_record_consumer_next(ngx_ws_record_consumer_t *cons, ngx_uint_t full)
{
    if (full) {
        ngx_ws_record_consumer_read(cons);
        return;
    }

    if (ngx_ws_lock_held(&cons->lock)) {
        ngx_add_timer(&cons->poll, cons->wait);
    }
}


static void
ngx_ws_record_consumer_failed(ngx_ws_record_consumer_t *cons)
{
    if (cons->batch) {
        ngx_ws_record_batch_destroy(cons->batch);
        cons->batch = NULL;
    }

    cons->unsure = 1;

    /* what comes together meanwhile may have any number of rows */

    cons->count = ngx_min(cons->count, NGX_WS_RECORD_CONSUMER_FIRST);

    if (ngx_ws_lock_held(&cons->lock)) {
        ngx_add_timer(&cons->poll, ngx_ws_backoff_next(&cons->backoff,
                                                       ngx_random()));
    }
}
