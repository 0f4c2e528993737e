
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_lease.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>


/* milliseconds, as the scripts have them */
#define NGX_WS_LEASE_TIME    "8000"
#define NGX_WS_LEASE_SILENT  "2000"
#define NGX_WS_LEASE_LOOK    "500"
#define NGX_WS_LEASE_AWAY    "3000"

#define NGX_WS_LEASE_RENEW   1000

/* connections of a dead one, at once */
#define NGX_WS_LEASE_PAGE    "100"

#define NGX_WS_LEASE_NAME    64


struct ngx_ws_leases_s {
    ngx_ws_worker_t     *worker;
    ngx_ws_redis_op_t   *op;
    ngx_event_t          timer;
    ngx_queue_t          takeovers;
    ngx_uint_t           begun;        /* unsigned  begun:1; */
};


typedef struct {
    ngx_queue_t          queue;
    ngx_ws_leases_t     *leases;
    ngx_ws_redis_op_t   *op;
    ngx_str_t            incarnation;
    u_char               data[NGX_WS_LEASE_NAME];
} ngx_ws_lease_takeover_t;


static void ngx_ws_lease_timer_handler(ngx_event_t *ev);
static void ngx_ws_lease_renew(ngx_ws_leases_t *leases);
static void ngx_ws_lease_renewed(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_lease_take(ngx_ws_leases_t *leases, ngx_str_t *dead);
static void ngx_ws_lease_page(ngx_ws_lease_takeover_t *to);
static void ngx_ws_lease_paged(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_lease_taken(ngx_ws_lease_takeover_t *to);
static void ngx_ws_lease_end(ngx_ws_leases_t *leases);


ngx_ws_leases_t *
ngx_ws_leases_create(ngx_ws_worker_t *w)
{
    ngx_ws_leases_t  *leases;

    leases = ngx_calloc(sizeof(ngx_ws_leases_t), w->log);
    if (leases == NULL) {
        return NULL;
    }

    leases->worker = w;

    ngx_queue_init(&leases->takeovers);

    leases->timer.handler = ngx_ws_lease_timer_handler;
    leases->timer.data = leases;
    leases->timer.log = w->log;
    leases->timer.cancelable = 1;

    return leases;
}


void
ngx_ws_leases_destroy(ngx_ws_leases_t *leases)
{
    ngx_queue_t              *q;
    ngx_ws_lease_takeover_t  *to;

    while (!ngx_queue_empty(&leases->takeovers)) {
        q = ngx_queue_head(&leases->takeovers);
        to = ngx_queue_data(q, ngx_ws_lease_takeover_t, queue);

        ngx_ws_redis_cancel(to->op);
        ngx_ws_lease_taken(to);
    }

    if (leases->op) {
        ngx_ws_redis_cancel(leases->op);
    }

    if (leases->timer.timer_set) {
        ngx_del_timer(&leases->timer);
    }

    ngx_ws_lease_end(leases);

    ngx_free(leases);
}


void
ngx_ws_lease_up(ngx_ws_leases_t *leases)
{
    ngx_ws_lease_timer_handler(&leases->timer);
}


void
ngx_ws_lease_begin(ngx_ws_leases_t *leases)
{
    leases->begun = 0;

    ngx_ws_lease_up(leases);
}


static void
ngx_ws_lease_timer_handler(ngx_event_t *ev)
{
    ngx_ws_leases_t  *leases;

    leases = ev->data;

    ngx_add_timer(ev, NGX_WS_LEASE_RENEW);

    if (leases->op == NULL) {
        ngx_ws_lease_renew(leases);
    }
}


static void
ngx_ws_lease_renew(ngx_ws_leases_t *leases)
{
    ngx_str_t            args[7], keys[3], none, *prefix;
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   all, channel, dead, watch;

    w = leases->worker;
    prefix = &w->conf->redis.prefix;

    ngx_str_null(&none);

    keys[0] = *ngx_ws_redis_key(&all, prefix, NGX_WS_REDIS_KEY_LEASES, 0, 0,
                                NULL);
    keys[1] = *ngx_ws_redis_key(&watch, prefix, NGX_WS_REDIS_KEY_WATCH, 0, 0,
                                NULL);
    keys[2] = *ngx_ws_redis_key(&dead, prefix, NGX_WS_REDIS_KEY_DEAD, 0, 0,
                                NULL);

    args[0] = w->incarnation;
    ngx_str_set(&args[1], NGX_WS_LEASE_TIME);
    args[2].len = 1;
    args[2].data = (u_char *) (leases->begun ? "0" : "1");
    args[3] = *ngx_ws_redis_key(&channel, prefix, NGX_WS_REDIS_KEY_WORKER,
                                0, 0, &none);
    ngx_str_set(&args[4], NGX_WS_LEASE_SILENT);
    ngx_str_set(&args[5], NGX_WS_LEASE_LOOK);
    ngx_str_set(&args[6], NGX_WS_LEASE_AWAY);

    leases->op = ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LEASE, keys, 3,
                                   args, 7, ngx_ws_lease_renewed, leases);
}


static void
ngx_ws_lease_renewed(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_leases_t *leases = data;

    ngx_str_t   dead;
    ngx_uint_t  i;

    leases->op = NULL;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY)
    {
        return;
    }

    if (ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0)) == 0)
    {
        ngx_ws_worker_renew(leases->worker);
        return;
    }

    leases->begun = 1;

    for (i = 1; i < ngx_ws_redis_reply_count(reply); i++) {
        dead = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply,
                                                                    i));
        ngx_ws_lease_take(leases, &dead);
    }
}


static void
ngx_ws_lease_take(ngx_ws_leases_t *leases, ngx_str_t *dead)
{
    ngx_ws_lease_takeover_t  *to;

    ngx_log_error(NGX_LOG_NOTICE, leases->worker->log, 0,
                  "worker %V is dead, its connections end", dead);

    if (dead->len > NGX_WS_LEASE_NAME) {
        return;
    }

    to = ngx_calloc(sizeof(ngx_ws_lease_takeover_t), leases->worker->log);
    if (to == NULL) {
        /* somebody comes back to it */
        return;
    }

    to->leases = leases;
    to->incarnation.len = dead->len;
    to->incarnation.data = to->data;
    ngx_memcpy(to->data, dead->data, dead->len);

    ngx_queue_insert_tail(&leases->takeovers, &to->queue);

    ngx_ws_lease_page(to);
}


static void
ngx_ws_lease_page(ngx_ws_lease_takeover_t *to)
{
    u_char               time[NGX_WS_TIME_MS_LEN];
    ngx_str_t            args[4], keys[8], *prefix;
    ngx_uint_t           i;
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   key[8];

    static const ngx_ws_redis_key_e  kinds[] = {
        NGX_WS_REDIS_KEY_DEAD,
        NGX_WS_REDIS_KEY_OWNED,
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_ALL_TYPING,
        NGX_WS_REDIS_KEY_ALL_PRESENCE,
        NGX_WS_REDIS_KEY_FLIGHT,
        NGX_WS_REDIS_KEY_FLIGHT_TEXT,
        NGX_WS_REDIS_KEY_FLIGHT_TAKEN
    };

    w = to->leases->worker;
    prefix = &w->conf->redis.prefix;

    for (i = 0; i < 8; i++) {
        keys[i] = *ngx_ws_redis_key(&key[i], prefix, kinds[i], 0, 0,
                                    &to->incarnation);
    }

    args[0] = to->incarnation;
    args[1] = *prefix;
    ngx_str_set(&args[2], NGX_WS_LEASE_PAGE);
    args[3].len = NGX_WS_TIME_MS_LEN;
    args[3].data = time;
    (void) ngx_ws_time_iso_ms(time, ngx_ws_worker_now());

    to->op = ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_TAKEOVER, keys, 8, args,
                               4, ngx_ws_lease_paged, to);
    if (to->op == NULL) {
        ngx_ws_lease_taken(to);
    }
}


/* What is not done to its end is found again by a later look. */

static void
ngx_ws_lease_paged(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_lease_takeover_t *to = data;

    ngx_str_t  error;

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, to->leases->worker->log, 0,
                      "redis refused to take over from %V: \"%V\"",
                      &to->incarnation, &error);
    }

    if (rc == NGX_OK && ngx_ws_redis_reply_integer(reply) == 1) {
        ngx_ws_lease_page(to);
        return;
    }

    ngx_ws_lease_taken(to);
}


static void
ngx_ws_lease_taken(ngx_ws_lease_takeover_t *to)
{
    ngx_queue_remove(&to->queue);
    ngx_free(to);
}


static void
ngx_ws_lease_end(ngx_ws_leases_t *leases)
{
    ngx_str_t            keys[3], *prefix;
    ngx_ws_worker_t     *w;
    ngx_ws_redis_key_t   all, dead, sockets;

    w = leases->worker;
    prefix = &w->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&all, prefix, NGX_WS_REDIS_KEY_LEASES, 0, 0,
                                NULL);
    keys[1] = *ngx_ws_redis_key(&dead, prefix, NGX_WS_REDIS_KEY_DEAD, 0, 0,
                                NULL);
    keys[2] = *ngx_ws_redis_key(&sockets, prefix, NGX_WS_REDIS_KEY_OWNED,
                                0, 0, &w->incarnation);

    (void) ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LEASE_END, keys, 3,
                             &w->incarnation, 1, NULL, NULL);
}
