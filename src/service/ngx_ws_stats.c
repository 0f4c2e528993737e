
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_process_cycle.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql_log.h>
#include <ngx_ws_stats.h>


#define NGX_WS_STATS_COLUMNS   5

/*
 * An answer is kept for as many times as long as it took, so that a tenant
 * costs a tenth of one of MySQL's threads at most: some milliseconds for a
 * small one, and a large one's are not older than this.
 */
#define NGX_WS_STATS_KEEP      10
#define NGX_WS_STATS_KEEP_MAX  2000


struct ngx_ws_stats_s {
    ngx_ws_worker_t         *worker;
    ngx_pool_t              *pool;
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_rbtree_t             tenants;
    ngx_rbtree_node_t        sentinel;
};


/* a tenant that MySQL is being asked for, or was a moment ago */

typedef struct {
    ngx_str_node_t           node;         /* its str is the tenant */
    uint64_t                 tenant;
    ngx_ws_stats_t          *stats;
    ngx_ws_mysql_op_t       *op;           /* NULL: there is an answer */
    ngx_msec_t               asked;
    ngx_event_t              timer;        /* the answer's end */
    ngx_ws_stats_counts_t    counts;
    ngx_queue_t              waits;
} ngx_ws_stats_tenant_t;


/* in the call's pool */

typedef struct {
    ngx_queue_t              queue;
    ngx_ws_call_t           *call;
    ngx_ws_stats_done_pt     done;
} ngx_ws_stats_wait_t;


static ngx_int_t ngx_ws_stats_compile(ngx_ws_stats_t *stats);
static ngx_ws_stats_tenant_t *ngx_ws_stats_tenant(ngx_ws_stats_t *stats,
    uint64_t tenant);
static ngx_ws_stats_tenant_t *ngx_ws_stats_ask(ngx_ws_stats_t *stats,
    uint64_t tenant, uint32_t hash);
static void ngx_ws_stats_answer(void *data, ngx_ws_mysql_result_t *res);
static ngx_int_t ngx_ws_stats_read(ngx_ws_stats_counts_t *counts,
    ngx_ws_mysql_result_t *res);
static void ngx_ws_stats_timer(ngx_event_t *ev);
static void ngx_ws_stats_forget(ngx_ws_stats_tenant_t *t);
static void ngx_ws_stats_line(ngx_event_t *ev);


static ngx_str_t  ngx_ws_stats_names[] = {
    ngx_string("tenant_id"),
    ngx_null_string
};


ngx_ws_stats_t *
ngx_ws_stats_create(ngx_ws_worker_t *w)
{
    ngx_pool_t      *pool;
    ngx_ws_stats_t  *stats;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, w->log);
    if (pool == NULL) {
        return NULL;
    }

    stats = ngx_pcalloc(pool, sizeof(ngx_ws_stats_t));
    if (stats == NULL) {
        goto failed;
    }

    stats->worker = w;
    stats->pool = pool;

    ngx_rbtree_init(&stats->tenants, &stats->sentinel,
                    ngx_str_rbtree_insert_value);

    if (ngx_ws_stats_compile(stats) != NGX_OK) {
        goto failed;
    }

    return stats;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_ws_stats_compile(ngx_ws_stats_t *stats)
{
    ngx_str_t  err, text;

    text = ngx_ws_mysql_stmt_text("stats_count");

    stats->stmt = ngx_ws_mysql_stmt_compile(stats->pool, &text,
                                            NGX_WS_MYSQL_ONE,
                                            ngx_ws_stats_names, &err);

    if (stats->stmt == NULL && err.len) {
        ngx_log_error(NGX_LOG_ALERT, stats->worker->log, 0,
                      "invalid query of statistics: %V", &err);
    }

    return stats->stmt ? NGX_OK : NGX_ERROR;
}


void
ngx_ws_stats_destroy(ngx_ws_stats_t *stats)
{
    ngx_ws_stats_tenant_t  *t;

    while (stats->tenants.root != &stats->sentinel) {
        t = (ngx_ws_stats_tenant_t *) ngx_rbtree_min(stats->tenants.root,
                                                     &stats->sentinel);
        if (t->op) {
            ngx_ws_mysql_cancel(t->op);
        }

        ngx_ws_stats_forget(t);
    }

    ngx_destroy_pool(stats->pool);
}


void
ngx_ws_stats_count(ngx_ws_call_t *call, ngx_ws_stats_done_pt done)
{
    ngx_ws_stats_wait_t    *wait;
    ngx_ws_stats_tenant_t  *t;

    wait = ngx_palloc(call->pool, sizeof(ngx_ws_stats_wait_t));

    t = wait ? ngx_ws_stats_tenant(call->worker->stats,
                                   call->identity->tenant)
             : NULL;

    if (t == NULL) {
        done(call, NULL);
        return;
    }

    if (t->op == NULL) {
        done(call, &t->counts);
        return;
    }

    wait->call = call;
    wait->done = done;
    ngx_queue_insert_tail(&t->waits, &wait->queue);
}


static ngx_ws_stats_tenant_t *
ngx_ws_stats_tenant(ngx_ws_stats_t *stats, uint64_t tenant)
{
    uint32_t                hash;
    ngx_str_t               s;
    ngx_ws_stats_tenant_t  *t;

    s.len = sizeof(uint64_t);
    s.data = (u_char *) &tenant;

    hash = ngx_crc32_short(s.data, s.len);

    t = (ngx_ws_stats_tenant_t *) ngx_str_rbtree_lookup(&stats->tenants, &s,
                                                        hash);

    return t ? t : ngx_ws_stats_ask(stats, tenant, hash);
}


static ngx_ws_stats_tenant_t *
ngx_ws_stats_ask(ngx_ws_stats_t *stats, uint64_t tenant, uint32_t hash)
{
    ngx_ws_mysql_value_t    value;
    ngx_ws_stats_tenant_t  *t;

    t = ngx_calloc(sizeof(ngx_ws_stats_tenant_t), stats->worker->log);
    if (t == NULL) {
        return NULL;
    }

    ngx_ws_mysql_set_uint(&value, tenant);

    t->op = ngx_ws_mysql_query(stats->worker->mysql, stats->stmt, &value, 1,
                               ngx_ws_stats_answer, t);
    if (t->op == NULL) {
        ngx_free(t);
        return NULL;
    }

    t->tenant = tenant;
    t->stats = stats;
    t->asked = ngx_current_msec;
    ngx_queue_init(&t->waits);

    t->timer.handler = ngx_ws_stats_timer;
    t->timer.data = t;
    t->timer.log = stats->worker->log;
    t->timer.cancelable = 1;

    t->node.node.key = hash;
    t->node.str.len = sizeof(uint64_t);
    t->node.str.data = (u_char *) &t->tenant;

    ngx_rbtree_insert(&stats->tenants, &t->node.node);

    return t;
}


static void
ngx_ws_stats_answer(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_stats_tenant_t *t = data;

    ngx_int_t             rc;
    ngx_msec_t            keep;
    ngx_queue_t          *q;
    ngx_ws_stats_wait_t  *wait;

    rc = ngx_ws_stats_read(&t->counts, res);

    if (res->rc == NGX_ERROR) {
        ngx_ws_mysql_log_refused(t->stats->worker->log,
                                 "refuses the query of statistics", res);
    }

    while (!ngx_queue_empty(&t->waits)) {
        q = ngx_queue_head(&t->waits);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_ws_stats_wait_t, queue);
        wait->done(wait->call, rc == NGX_OK ? &t->counts : NULL);
    }

    t->op = NULL;

    keep = (ngx_current_msec - t->asked) * NGX_WS_STATS_KEEP;

    if (rc != NGX_OK || keep == 0) {
        ngx_ws_stats_forget(t);
        return;
    }

    ngx_add_timer(&t->timer, ngx_min(keep, NGX_WS_STATS_KEEP_MAX));
}


static ngx_int_t
ngx_ws_stats_read(ngx_ws_stats_counts_t *counts, ngx_ws_mysql_result_t *res)
{
    ngx_uint_t  i;
    uint64_t   *columns[NGX_WS_STATS_COLUMNS];

    if (res->rc != NGX_OK || res->nrows != 1
        || res->ncols != NGX_WS_STATS_COLUMNS)
    {
        return NGX_ERROR;
    }

    columns[0] = &counts->total_connections;
    columns[1] = &counts->active_connections;
    columns[2] = &counts->unique_users;
    columns[3] = &counts->pending_events;
    columns[4] = &counts->failed_events;

    for (i = 0; i < NGX_WS_STATS_COLUMNS; i++) {
        if (ngx_ws_mysql_get_uint(&res->values[i], columns[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_ws_stats_timer(ngx_event_t *ev)
{
    ngx_ws_stats_forget(ev->data);
}


static void
ngx_ws_stats_forget(ngx_ws_stats_tenant_t *t)
{
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    ngx_rbtree_delete(&t->stats->tenants, &t->node.node);
    ngx_free(t);
}


void
ngx_ws_stats_line_start(ngx_ws_worker_t *w)
{
    if (w->conf->stats_interval == 0 || w->zone == NULL || ngx_worker != 0) {
        return;
    }

    w->stats_line.handler = ngx_ws_stats_line;
    w->stats_line.data = w;
    w->stats_line.log = w->log;
    w->stats_line.cancelable = 1;

    ngx_add_timer(&w->stats_line, w->conf->stats_interval);
}


void
ngx_ws_stats_line_stop(ngx_ws_worker_t *w)
{
    if (w->stats_line.timer_set) {
        ngx_del_timer(&w->stats_line);
    }
}


/* The worker that comes after a reload tells of those that leave, too. */

static void
ngx_ws_stats_line(ngx_event_t *ev)
{
    ngx_ws_worker_t *w = ev->data;

    uint64_t  sums[NGX_WS_METRIC_N];

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, w->conf->stats_interval);

    ngx_ws_metrics_sum(w->zone, sums);

    ngx_log_error(NGX_LOG_NOTICE, w->log, 0,
                  "websocket stats: connections: %uL, subscriptions: %uL",
                  sums[NGX_WS_METRIC_CONNECTIONS_WEBSOCKET]
                  + sums[NGX_WS_METRIC_CONNECTIONS_POLLING],
                  sums[NGX_WS_METRIC_SUBSCRIPTIONS]);
}
