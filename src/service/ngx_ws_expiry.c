
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_expiry.h>
#include <ngx_ws_mysql_log.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_EXPIRY_TICK       500       /* ms, of looking at the clock */
#define NGX_WS_EXPIRY_MORE       10        /* ms, when that was not all */
#define NGX_WS_EXPIRY_AT_ONCE    256
#define NGX_WS_EXPIRY_CHECK_MIN  500       /* ms, between checks */
#define NGX_WS_EXPIRY_BATCH      1000      /* ids a query */


struct ngx_ws_expiry_s {
    ngx_ws_worker_t         *worker;
    ngx_ws_identities_t     *identities;
    ngx_event_t              tick;

    ngx_event_t              check;        /* begins a round */
    uint32_t                 round;
    ngx_ws_mysql_op_t       *op;
    ngx_ws_mysql_stmt_t     *stmt;         /* of the batch */
    ngx_uint_t               n;
    uint64_t                 ids[NGX_WS_EXPIRY_BATCH];

    ngx_ws_redis_key_t       channel;
    ngx_event_t              revoke;
    ngx_uint_t               nrevoked;
    uint64_t                 revoked[NGX_WS_EXPIRY_BATCH];

    ngx_ws_mysql_log_t       refusal;
};


static void ngx_ws_expiry_tick(ngx_event_t *ev);
static void ngx_ws_expiry_end(ngx_ws_expiry_t *ex, ngx_ws_identity_t *id);

static void ngx_ws_expiry_check(ngx_event_t *ev);
static void ngx_ws_expiry_batch(ngx_ws_expiry_t *ex);
static ngx_uint_t ngx_ws_expiry_wanted(ngx_ws_expiry_t *ex,
    ngx_ws_identity_t *id);
static void ngx_ws_expiry_round_end(ngx_ws_expiry_t *ex);
static void ngx_ws_expiry_checked(void *data, ngx_ws_mysql_result_t *res);
static ngx_uint_t ngx_ws_expiry_missing(ngx_ws_expiry_t *ex,
    ngx_ws_mysql_result_t *res);

static int ngx_libc_cdecl ngx_ws_expiry_compare(const void *one,
    const void *two);

static void ngx_ws_expiry_revoke(ngx_event_t *ev);
static void ngx_ws_expiry_gone(ngx_ws_expiry_t *ex, uint64_t *ids,
    ngx_uint_t n, ngx_ws_mysql_stmt_t *stmt);
static ngx_uint_t ngx_ws_expiry_has(uint64_t *ids, ngx_uint_t n, uint64_t id);


static ngx_str_t  ngx_ws_expiry_names[] = {
    ngx_string("ids"),
    ngx_null_string
};


ngx_ws_mysql_stmt_t *
ngx_ws_expiry_compile(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_str_t             err, sanctum;
    ngx_ws_mysql_stmt_t  *stmt;

    if (text == NULL) {
        sanctum = ngx_ws_mysql_stmt_text("token_check");
        text = &sanctum;
    }

    stmt = ngx_ws_mysql_stmt_compile(cf->pool, text, NGX_WS_MYSQL_LIST,
                                     ngx_ws_expiry_names, &err);

    if (stmt == NULL && err.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"websocket_token_check_query\": %V",
                           &err);
    }

    return stmt;
}


ngx_ws_expiry_t *
ngx_ws_expiry_create(ngx_ws_worker_t *w, ngx_ws_identities_t *identities)
{
    ngx_ws_expiry_t  *ex;

    ex = ngx_calloc(sizeof(ngx_ws_expiry_t), w->log);
    if (ex == NULL) {
        return NULL;
    }

    ex->worker = w;
    ex->identities = identities;

    ex->tick.handler = ngx_ws_expiry_tick;
    ex->check.handler = ngx_ws_expiry_check;
    ex->revoke.handler = ngx_ws_expiry_revoke;

    ex->tick.data = ex;
    ex->check.data = ex;
    ex->revoke.data = ex;

    ex->tick.log = w->log;
    ex->check.log = w->log;
    ex->revoke.log = w->log;

    ex->tick.cancelable = 1;
    ex->check.cancelable = 1;
    ex->revoke.cancelable = 1;

    if (w->redis) {
        (void) ngx_ws_redis_key(&ex->channel, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_REVOKE, 0, 0, NULL);

        if (ngx_ws_redis_subscribe(w->redis, &ex->channel.str, NULL, ex)
            != NGX_OK)
        {
            ngx_free(ex);
            return NULL;
        }
    }

    ngx_add_timer(&ex->tick, NGX_WS_EXPIRY_TICK);
    ngx_ws_expiry_round_end(ex);

    return ex;
}


void
ngx_ws_expiry_destroy(ngx_ws_expiry_t *ex)
{
    ngx_del_timer(&ex->tick);

    if (ex->check.timer_set) {
        ngx_del_timer(&ex->check);
    }

    if (ex->revoke.timer_set) {
        ngx_del_timer(&ex->revoke);
    }

    if (ex->op) {
        ngx_ws_mysql_cancel(ex->op);
    }

    ngx_free(ex);
}


static void
ngx_ws_expiry_tick(ngx_event_t *ev)
{
    ngx_ws_expiry_t *ex = ev->data;

    ngx_uint_t          n;
    ngx_msec_t          next;
    ngx_ws_identity_t  *id;

    next = NGX_WS_EXPIRY_TICK;

    for (n = 0; /* void */ ; n++) {
        id = ngx_ws_identity_next(ex->identities);

        if (id == NULL || id->expires > ngx_ws_worker_now()) {
            break;
        }

        if (n == NGX_WS_EXPIRY_AT_ONCE) {
            next = NGX_WS_EXPIRY_MORE;
            break;
        }

        ngx_ws_expiry_end(ex, id);
    }

    ngx_add_timer(&ex->tick, next);
}


static void
ngx_ws_expiry_end(ngx_ws_expiry_t *ex, ngx_ws_identity_t *id)
{
    /* whoever holds it may let go of it */

    (void) ngx_ws_identity_ref(id);

    ngx_ws_identity_end(id);
    ex->worker->handler->expired(ex->worker, id);

    ngx_ws_identity_unref(id);
}


static void
ngx_ws_expiry_check(ngx_event_t *ev)
{
    ngx_ws_expiry_t *ex = ev->data;

    ex->round++;

    ngx_ws_expiry_batch(ex);
}


/*
 * The next tokens of this round, of one query.  Whoever has had his turn goes
 * to the end of the list.
 */

static void
ngx_ws_expiry_batch(ngx_ws_expiry_t *ex)
{
    ngx_uint_t             i;
    ngx_queue_t           *q, *next, *all;
    ngx_ws_identity_t     *id;
    ngx_ws_mysql_value_t  *values;

    all = &ex->identities->all;
    ex->stmt = NULL;
    ex->n = 0;

    for (q = ngx_queue_head(all); q != ngx_queue_sentinel(all); q = next) {

        next = ngx_queue_next(q);
        id = ngx_queue_data(q, ngx_ws_identity_t, queue);

        if (id->round == ex->round || ex->n == NGX_WS_EXPIRY_BATCH) {
            break;
        }

        if (ngx_ws_expiry_wanted(ex, id)) {

            if (ex->stmt && ex->stmt != id->check) {
                continue;
            }

            ex->stmt = id->check;
            ex->ids[ex->n++] = id->token;
        }

        id->round = ex->round;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(all, q);
    }

    if (ex->n == 0) {
        ngx_ws_expiry_round_end(ex);
        return;
    }

    values = ngx_alloc(ex->n * sizeof(ngx_ws_mysql_value_t),
                       ex->worker->log);

    if (values) {
        for (i = 0; i < ex->n; i++) {
            ngx_ws_mysql_set_uint(&values[i], ex->ids[i]);
        }

        ex->op = ngx_ws_mysql_query(ex->worker->mysql, ex->stmt, values,
                                    ex->n, ngx_ws_expiry_checked, ex);
        ngx_free(values);
    }

    if (ex->op == NULL) {
        ngx_ws_expiry_round_end(ex);
    }
}


static ngx_uint_t
ngx_ws_expiry_wanted(ngx_ws_expiry_t *ex, ngx_ws_identity_t *id)
{
    return id->token && id->check && !id->dead
           && !ngx_queue_empty(&id->sockets);
}


/* A deletion is noticed within the time that a token is cached for. */

static void
ngx_ws_expiry_round_end(ngx_ws_expiry_t *ex)
{
    ngx_msec_t  interval;

    interval = ex->worker->conf->token_cache / 2;

    ngx_add_timer(&ex->check, ngx_max(interval, NGX_WS_EXPIRY_CHECK_MIN));
}


static void
ngx_ws_expiry_checked(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_expiry_t *ex = data;

    ngx_uint_t  n;

    ex->op = NULL;

    if (res->rc != NGX_OK) {

        if (res->rc == NGX_ERROR) {
            ngx_ws_mysql_log_seldom(&ex->refusal, ex->worker->log,
                                    "refused "
                                    "\"websocket_token_check_query\"", res);
        }

        ngx_ws_expiry_round_end(ex);
        return;
    }

    ngx_ws_mysql_log_taken(&ex->refusal);

    n = ngx_ws_expiry_missing(ex, res);

    if (n) {
        ngx_ws_expiry_gone(ex, ex->ids, n, ex->stmt);
    }

    ngx_ws_expiry_batch(ex);
}


/* Leaves those ids that the rows do not have. */

static ngx_uint_t
ngx_ws_expiry_missing(ngx_ws_expiry_t *ex, ngx_ws_mysql_result_t *res)
{
    uint64_t    *good;
    ngx_uint_t   i, n, ngood;

    good = ngx_alloc((res->nrows + 1) * sizeof(uint64_t), ex->worker->log);
    if (good == NULL) {
        return 0;
    }

    ngood = 0;

    for (i = 0; i < res->nrows; i++) {
        if (ngx_ws_mysql_get_uint(&res->values[i * res->ncols], &good[ngood])
            == NGX_OK)
        {
            ngood++;
        }
    }

    ngx_qsort(good, ngood, sizeof(uint64_t), ngx_ws_expiry_compare);

    n = 0;

    for (i = 0; i < ex->n; i++) {
        if (!ngx_ws_expiry_has(good, ngood, ex->ids[i])) {
            ex->ids[n++] = ex->ids[i];
        }
    }

    ngx_free(good);

    return n;
}


static int ngx_libc_cdecl
ngx_ws_expiry_compare(const void *one, const void *two)
{
    uint64_t  a, b;

    a = *(const uint64_t *) one;
    b = *(const uint64_t *) two;

    return (a > b) - (a < b);
}


/*
 * Ids that come together are done together: the whole cache and all that are
 * here have to be looked through.
 */

ngx_int_t
ngx_ws_expiry_message(ngx_ws_expiry_t *ex, ngx_str_t *channel,
    ngx_str_t *payload)
{
    ngx_str_t  rest;

    if (channel->len != ex->channel.str.len
        || ngx_memcmp(channel->data, ex->channel.str.data, channel->len) != 0)
    {
        return NGX_DECLINED;
    }

    rest = *payload;

    while (rest.len) {

        if (ngx_ws_bus_number(&rest, &ex->revoked[ex->nrevoked]) != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, ex->worker->log, 0,
                          "redis channel \"%V\" has sent what is no id of a "
                          "token", channel);
            break;
        }

        if (++ex->nrevoked == NGX_WS_EXPIRY_BATCH) {
            ngx_ws_expiry_revoke(&ex->revoke);
        }
    }

    if (ex->nrevoked && !ex->revoke.timer_set) {
        ngx_add_timer(&ex->revoke, NGX_WS_EXPIRY_MORE);
    }

    return NGX_OK;
}


static void
ngx_ws_expiry_revoke(ngx_event_t *ev)
{
    ngx_ws_expiry_t *ex = ev->data;

    ngx_uint_t  n;

    n = ex->nrevoked;
    ex->nrevoked = 0;

    if (n) {
        ngx_ws_expiry_gone(ex, ex->revoked, n, NULL);
    }
}


/* stmt NULL: whichever query checks them.  The ids get sorted. */

static void
ngx_ws_expiry_gone(ngx_ws_expiry_t *ex, uint64_t *ids, ngx_uint_t n,
    ngx_ws_mysql_stmt_t *stmt)
{
    ngx_queue_t        *q, *next, *all, gone;
    ngx_ws_identity_t  *id;

    ngx_ws_zone_token_revoke(ex->worker->zone, ids, n);

    all = &ex->identities->all;
    ngx_queue_init(&gone);

    for (q = ngx_queue_head(all); q != ngx_queue_sentinel(all); q = next) {

        next = ngx_queue_next(q);
        id = ngx_queue_data(q, ngx_ws_identity_t, queue);

        if (id->token
            && ngx_ws_expiry_has(ids, n, id->token)
            && (stmt == NULL || stmt == id->check))
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&gone, q);
        }
    }

    while (!ngx_queue_empty(&gone)) {
        q = ngx_queue_head(&gone);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(all, q);

        ngx_ws_expiry_end(ex, ngx_queue_data(q, ngx_ws_identity_t, queue));
    }
}


static ngx_uint_t
ngx_ws_expiry_has(uint64_t *ids, ngx_uint_t n, uint64_t id)
{
    ngx_uint_t  first, last, middle;

    first = 0;
    last = n;

    while (first < last) {
        middle = (first + last) / 2;

        if (ids[middle] == id) {
            return 1;
        }

        if (ids[middle] < id) {
            first = middle + 1;

        } else {
            last = middle;
        }
    }

    return 0;
}
