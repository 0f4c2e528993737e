
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_auth.h>
#include <ngx_ws_bus.h>
#include <ngx_ws_call.h>
#include <ngx_ws_cleanup.h>
#include <ngx_ws_expiry.h>
#include <ngx_ws_id.h>
#include <ngx_ws_lease.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_listen.h>
#include <ngx_ws_message_batch.h>
#include <ngx_ws_pending.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_random.h>
#include <ngx_ws_record.h>
#include <ngx_ws_registry_row.h>
#include <ngx_ws_socket.h>
#include <ngx_ws_stats.h>
#include <ngx_ws_typing.h>
#include <ngx_ws_user.h>
#include <ngx_ws_worker.h>


/* of the host's name in the incarnation */
#define NGX_WS_WORKER_HOST  32


static ngx_int_t ngx_ws_worker_open_redis(ngx_ws_worker_t *w);
static ngx_int_t ngx_ws_worker_open_mysql(ngx_ws_worker_t *w,
    ngx_cycle_t *cycle);
static void ngx_ws_worker_name(ngx_ws_worker_t *w);
static void ngx_ws_worker_up(void *data);
static void ngx_ws_worker_down(void *data);
static void ngx_ws_worker_state(void *data);
static void ngx_ws_worker_deaf(void *data);
static void ngx_ws_worker_message(void *data, ngx_str_t *channel,
    ngx_str_t *payload);
static void ngx_ws_worker_starting(void *data);


static const ngx_ws_redis_handler_t  ngx_ws_worker_redis_handler = {
    ngx_ws_worker_up,
    ngx_ws_worker_down,
    ngx_ws_worker_state,
    ngx_ws_worker_deaf,
    ngx_ws_worker_message,
    ngx_ws_worker_starting
};


ngx_ws_worker_t *
ngx_ws_worker_create(ngx_cycle_t *cycle, ngx_ws_worker_conf_t *conf,
    const ngx_ws_worker_handler_t *handler)
{
    ngx_ws_worker_t  *w;

    w = ngx_calloc(sizeof(ngx_ws_worker_t), cycle->log);
    if (w == NULL) {
        return NULL;
    }

    w->conf = conf;
    w->handler = handler;
    w->log = cycle->log;
    w->zone = conf->zone;

    ngx_queue_init(&w->calls);
    ngx_rbtree_init(&w->sockets, &w->sockets_sentinel,
                    ngx_rbtree_insert_value);

    ngx_ws_worker_name(w);

    /* numbers of Redis' scripts are doubles, of 53 bits */

    ngx_ws_random((u_char *) &w->sequence, sizeof(uint64_t));
    w->sequence >>= 12;

    if (w->zone) {
        ngx_ws_zone_attach(w->zone);
    }

    w->timers = ngx_ws_timers_create(handler->timer, w->log);
    if (w->timers == NULL) {
        goto failed;
    }

    if (conf->redis.addr.socklen && ngx_ws_worker_open_redis(w) != NGX_OK) {
        goto failed;
    }

    if (conf->mysql.database.len
        && ngx_ws_worker_open_mysql(w, cycle) != NGX_OK)
    {
        goto failed;
    }

    ngx_ws_stats_line_start(w);

    return w;

failed:

    ngx_ws_worker_destroy(w);

    return NULL;
}


static ngx_int_t
ngx_ws_worker_open_redis(ngx_ws_worker_t *w)
{
    w->deaf = 1;

    w->redis = ngx_ws_redis_create(&w->conf->redis,
                                   &ngx_ws_worker_redis_handler, w, w->log);
    if (w->redis == NULL) {
        return NGX_ERROR;
    }

    w->bus = ngx_ws_bus_create(w);
    w->channels = ngx_ws_channels_create(&ngx_ws_bus_channels_handler, w,
                                         w->log);
    w->leases = ngx_ws_leases_create(w);
    w->ids = ngx_ws_ids_create(w);
    w->ends = ngx_ws_socket_ends_create(w);
    w->rows = ngx_ws_registry_rows_create(w);
    w->typings = ngx_ws_typings_create(w);
    w->presences = ngx_ws_presences_create(w);
    w->batch = ngx_ws_message_batch_create(w);
    w->pendings = ngx_ws_pendings_create(w);
    w->listens = ngx_ws_listens_create(w);

    if (w->bus == NULL || w->channels == NULL || w->leases == NULL
        || w->ids == NULL || w->ends == NULL || w->rows == NULL
        || w->typings == NULL || w->presences == NULL || w->batch == NULL
        || w->pendings == NULL || w->listens == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_worker_open_mysql(ngx_ws_worker_t *w, ngx_cycle_t *cycle)
{
    ngx_thread_pool_t  *tp;

    tp = ngx_thread_pool_get(cycle, &w->conf->mysql.pool);
    if (tp == NULL) {
        return NGX_ERROR;
    }

    w->mysql = ngx_ws_mysql_create(&w->conf->mysql, tp, w->log);
    if (w->mysql == NULL) {
        return NGX_ERROR;
    }

    w->auth = ngx_ws_auth_create(w);
    w->users = ngx_ws_users_create(w);
    w->record = ngx_ws_record_create(w);
    w->stats = ngx_ws_stats_create(w);
    w->cleanup = ngx_ws_cleanup_create(w);

    if (w->auth == NULL || w->users == NULL || w->record == NULL
        || w->stats == NULL || w->cleanup == NULL)
    {
        return NGX_ERROR;
    }

    w->expiry = ngx_ws_expiry_create(w, ngx_ws_auth_identities(w->auth));

    return w->expiry ? NGX_OK : NGX_ERROR;
}


void
ngx_ws_worker_destroy(ngx_ws_worker_t *w)
{
    if (w->listens) {
        ngx_ws_listens_destroy(w->listens);
    }

    ngx_ws_stats_line_stop(w);

    if (w->batch) {
        ngx_ws_message_batch_destroy(w->batch);
    }

    if (w->pendings) {
        ngx_ws_pendings_destroy(w->pendings);
    }

    if (w->presences) {
        ngx_ws_presences_destroy(w->presences);
    }

    if (w->typings) {
        ngx_ws_typings_destroy(w->typings);
    }

    if (w->rows) {
        ngx_ws_registry_rows_destroy(w->rows);
    }

    if (w->ends) {
        ngx_ws_socket_ends_destroy(w->ends);
    }

    if (w->cleanup) {
        ngx_ws_cleanup_destroy(w->cleanup);
    }

    if (w->stats) {
        ngx_ws_stats_destroy(w->stats);
    }

    if (w->record) {
        ngx_ws_record_destroy(w->record);
    }

    if (w->ids) {
        ngx_ws_ids_destroy(w->ids);
    }

    if (w->users) {
        ngx_ws_users_destroy(w->users);
    }

    if (w->expiry) {
        ngx_ws_expiry_destroy(w->expiry);
    }

    /* what the services above kept of them is gone, the identities aren't */

    ngx_ws_call_drop_all(w);

    if (w->auth) {
        ngx_ws_auth_destroy(w->auth);
    }

    if (w->channels) {
        ngx_ws_channels_destroy(w->channels);
    }

    if (w->bus) {
        ngx_ws_bus_destroy(w->bus);
    }

    if (w->mysql) {
        ngx_ws_mysql_destroy(w->mysql);
    }

    if (w->leases) {
        ngx_ws_leases_destroy(w->leases);
    }

    if (w->redis) {
        ngx_ws_redis_destroy(w->redis);
    }

    if (w->timers) {
        ngx_ws_timers_destroy(w->timers);
    }

    if (w->zone) {
        ngx_ws_zone_detach(w->zone);
    }

    ngx_free(w);
}


static void
ngx_ws_worker_name(ngx_ws_worker_t *w)
{
    char     host[NGX_MAXHOSTNAMELEN];
    u_char  *p, *last;

    if (gethostname(host, NGX_MAXHOSTNAMELEN) == -1) {
        host[0] = '\0';
    }

    host[NGX_MAXHOSTNAMELEN - 1] = '\0';

    p = w->incarnation_data;
    last = p + NGX_WS_WORKER_HOST;

    p = ngx_slprintf(p, last, "%s", host);
    p = ngx_sprintf(p, "-%P-", ngx_pid);

    ngx_ws_random_id(p);
    p += NGX_WS_RANDOM_ID_LEN;

    w->incarnation.data = w->incarnation_data;
    w->incarnation.len = p - w->incarnation_data;
}


static void
ngx_ws_worker_up(void *data)
{
    ngx_ws_worker_t *w = data;

    ngx_ws_worker_state(w);
    ngx_ws_lease_up(w->leases);

    ngx_ws_id_up(w->ids);
    ngx_ws_socket_ends_up(w->ends);
    ngx_ws_typings_up(w->typings);
    ngx_ws_presences_up(w->presences);

    if (w->record) {
        ngx_ws_record_up(w->record);
        ngx_ws_cleanup_up(w->cleanup);
    }

    if (w->auth) {
        ngx_ws_auth_up(w->auth);
    }
}


static void
ngx_ws_worker_down(void *data)
{
    ngx_ws_worker_t *w = data;

    ngx_ws_worker_state(w);

    ngx_ws_typings_down(w->typings);
    ngx_ws_presences_down(w->presences);

    if (w->record) {
        ngx_ws_record_down(w->record);
        ngx_ws_cleanup_down(w->cleanup);
    }
}


/* Both links are needed. */

static void
ngx_ws_worker_state(void *data)
{
    ngx_ws_worker_t *w = data;

    ngx_uint_t  up;

    up = ngx_ws_redis_ready(w->redis)
         && ngx_ws_redis_subscriber_ready(w->redis);

    ngx_ws_metric_set(REDIS_UP, up);

    if (up && w->deaf) {
        w->deaf = 0;
        w->handler->hearing(w);
    }
}


static void
ngx_ws_worker_deaf(void *data)
{
    ngx_ws_worker_t *w = data;

    w->deaf = 1;

    ngx_ws_worker_state(w);

    w->handler->deaf(w);
}


static void
ngx_ws_worker_message(void *data, ngx_str_t *channel, ngx_str_t *payload)
{
    ngx_ws_worker_t *w = data;

    if (w->expiry
        && ngx_ws_expiry_message(w->expiry, channel, payload) == NGX_OK)
    {
        return;
    }

    ngx_ws_bus_message(w->bus, channel, payload);
}


/* Commands reach Redis in the order in which they were started. */

static void
ngx_ws_worker_starting(void *data)
{
    ngx_ws_worker_t *w = data;

    if (w->batch) {
        ngx_ws_message_batch_flush(w->batch);
    }
}


void
ngx_ws_worker_renew(ngx_ws_worker_t *w)
{
    ngx_log_error(NGX_LOG_WARN, w->log, 0,
                  "worker %V has lost its lease, its sockets are closed",
                  &w->incarnation);

    w->handler->lost(w);

    /* its locks may be somebody else's */

    ngx_ws_worker_down(w);

    ngx_ws_worker_name(w);
    ngx_ws_bus_rename(w->bus);
    ngx_ws_lease_begin(w->leases);

    ngx_ws_worker_up(w);
}


uint64_t
ngx_ws_worker_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}
