
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_id.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_sweep.h>
#include <ngx_ws_time.h>


#define NGX_WS_PRESENCE_REST     90000   /* without a call, ms */
#define NGX_WS_PRESENCE_RETRY    1000
#define NGX_WS_PRESENCE_MESSAGE  500     /* characters */
#define NGX_WS_PRESENCE_KEYS     8
#define NGX_WS_PRESENCE_ARGS     16


struct ngx_ws_presences_s {
    ngx_ws_sweep_t         sweep;
};


/* One change on its way, in the pool of its call. */

typedef struct {
    const char            *what;
    ngx_ws_presence_t     *presence;
    uint64_t               tenant;
    uint64_t               user;
    uint64_t               id;
    ngx_event_t            retry;
} ngx_ws_presence_op_t;


static void ngx_ws_presences_due(ngx_ws_worker_t *w, uint64_t tenant,
    uint64_t user, ngx_str_t *name);
static void ngx_ws_presence_change(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, const char *what, ngx_str_t *connection_id,
    ngx_str_t *device);
static ngx_ws_presence_op_t *ngx_ws_presence_op(ngx_ws_call_t *call,
    const char *what, ngx_ws_presence_t *presence);
static void ngx_ws_presence_tell(ngx_ws_call_t *call);
static void ngx_ws_presence_id(void *data, ngx_int_t rc, uint64_t id);
static ngx_int_t ngx_ws_presence_send(ngx_ws_call_t *call);
static u_char *ngx_ws_presence_number(ngx_str_t *s, u_char *p, uint64_t n);
static void ngx_ws_presence_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_presence_failed(ngx_ws_call_t *call);
static void ngx_ws_presence_retry(ngx_event_t *ev);
static void ngx_ws_presence_nobody(ngx_ws_call_t *call);


static const char  *ngx_ws_presence_statuses[] = {
    "online", "away", "busy", "offline", NULL
};

static const char  *ngx_ws_presence_devices[] = {
    "mobile", "desktop", "tablet", "web", NULL
};


ngx_ws_presences_t *
ngx_ws_presences_create(ngx_ws_worker_t *w)
{
    ngx_ws_presences_t  *presences;

    presences = ngx_alloc(sizeof(ngx_ws_presences_t), w->log);
    if (presences == NULL) {
        return NULL;
    }

    ngx_ws_sweep_init(&presences->sweep, w, "presence",
                      NGX_WS_REDIS_KEY_ALL_PRESENCE, ngx_ws_presences_due);

    return presences;
}


void
ngx_ws_presences_destroy(ngx_ws_presences_t *presences)
{
    ngx_ws_sweep_cleanup(&presences->sweep);
    ngx_free(presences);
}


void
ngx_ws_presences_up(ngx_ws_presences_t *presences)
{
    ngx_ws_sweep_up(&presences->sweep);
}


void
ngx_ws_presences_down(ngx_ws_presences_t *presences)
{
    ngx_ws_sweep_down(&presences->sweep);
}


/*
 * The grace is over, or a connection without a socket has fallen silent; user
 * 0: it is time to tell the edges that have been collected.
 */

static void
ngx_ws_presences_due(ngx_ws_worker_t *w, uint64_t tenant, uint64_t user,
    ngx_str_t *name)
{
    ngx_ws_call_t         *call;
    ngx_ws_presence_t     *presence;
    ngx_ws_presence_op_t  *op;

    call = ngx_ws_call_create(w, NULL, NULL, ngx_ws_presence_nobody, NULL);
    if (call == NULL) {
        return;
    }

    presence = ngx_pcalloc(call->pool, sizeof(ngx_ws_presence_t));
    op = presence ? ngx_ws_presence_op(call, user ? "look" : "tell",
                                       presence) : NULL;

    if (op == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    op->tenant = tenant;
    op->user = user;

    ngx_ws_presence_tell(call);
}


ngx_ws_presence_t *
ngx_ws_presence_create(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *last_message)
{
    ngx_uint_t          i;
    ngx_ws_presence_t  *presence;

    presence = ngx_pcalloc(call->pool, sizeof(ngx_ws_presence_t));
    if (presence == NULL) {
        call->error = NGX_WS_INTERNAL;
        return NULL;
    }

    if (ngx_ws_call_choice(call, in, "status", NGX_WS_FIELD_REQUIRED,
                           ngx_ws_presence_statuses, &i)
        == NGX_OK)
    {
        presence->status.data = (u_char *) ngx_ws_presence_statuses[i];
        presence->status.len = ngx_strlen(presence->status.data);
    }

    if (ngx_ws_call_choice(call, in, "device", 0, ngx_ws_presence_devices, &i)
        == NGX_OK)
    {
        presence->device.data = (u_char *) ngx_ws_presence_devices[i];
        presence->device.len = ngx_strlen(presence->device.data);
    }

    if (ngx_ws_call_string(call, in, last_message, 0, NGX_WS_PRESENCE_MESSAGE,
                           &presence->last_message)
        != NGX_OK)
    {
        ngx_str_null(&presence->last_message);
    }

    presence->has_message = ngx_ws_json_has(in, last_message);

    return presence;
}


void
ngx_ws_presence_set(ngx_ws_call_t *call, ngx_ws_presence_t *presence)
{
    ngx_ws_presence_op_t  *op;

    op = ngx_ws_presence_op(call, "set", presence);
    if (op == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ngx_ws_presence_tell(call);
}


void
ngx_ws_presence_join(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id, ngx_str_t *device)
{
    ngx_ws_presence_change(w, id, conf, "join", connection_id, device);
}


void
ngx_ws_presence_leave(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id)
{
    ngx_ws_presence_change(w, id, conf, "leave", connection_id, NULL);
}


void
ngx_ws_presence_touch(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id)
{
    ngx_ws_presence_change(w, id, conf, "touch", connection_id, NULL);
}


static void
ngx_ws_presence_change(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, const char *what, ngx_str_t *connection_id,
    ngx_str_t *device)
{
    ngx_ws_call_t         *call;
    ngx_ws_presence_t     *presence;
    ngx_ws_presence_op_t  *op;

    call = ngx_ws_call_create(w, id, conf, ngx_ws_presence_nobody, NULL);
    if (call == NULL) {
        return;
    }

    presence = ngx_pcalloc(call->pool, sizeof(ngx_ws_presence_t));
    op = presence ? ngx_ws_presence_op(call, what, presence) : NULL;

    if (op) {
        presence->connection_id.len = connection_id->len;
        presence->connection_id.data = ngx_pstrdup(call->pool, connection_id);
    }

    if (op == NULL || presence->connection_id.data == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    if (device && device->len) {
        presence->device.len = device->len;
        presence->device.data = ngx_pstrdup(call->pool, device);

        if (presence->device.data == NULL) {
            ngx_str_null(&presence->device);
        }
    }

    ngx_ws_presence_tell(call);
}


static ngx_ws_presence_op_t *
ngx_ws_presence_op(ngx_ws_call_t *call, const char *what,
    ngx_ws_presence_t *presence)
{
    ngx_ws_presence_op_t  *op;

    op = ngx_pcalloc(call->pool, sizeof(ngx_ws_presence_op_t));
    if (op == NULL) {
        return NULL;
    }

    op->what = what;
    op->presence = presence;

    if (call->identity) {
        op->tenant = call->identity->tenant;
        op->user = call->identity->user;
    }

    call->state = op;

    return op;
}


/* An id in case that others are to hear of it. */

static void
ngx_ws_presence_tell(ngx_ws_call_t *call)
{
    ngx_ws_id_next(call->worker->ids, 1, ngx_ws_presence_id, call);
}


static void
ngx_ws_presence_id(void *data, ngx_int_t rc, uint64_t id)
{
    ngx_ws_call_t *call = data;

    ngx_ws_presence_op_t  *op;

    op = call->state;
    op->id = id;

    if (rc != NGX_OK || ngx_ws_presence_send(call) != NGX_OK) {
        ngx_ws_presence_failed(call);
    }
}


static ngx_int_t
ngx_ws_presence_send(ngx_ws_call_t *call)
{
    u_char                *p, numbers[5 * NGX_INT64_LEN];
    u_char                 time[NGX_WS_TIME_MS_LEN];
    u_char                 member[NGX_WS_SWEEP_MEMBER_LEN];
    ngx_str_t              args[NGX_WS_PRESENCE_ARGS], none, *prefix;
    ngx_str_t              keys[NGX_WS_PRESENCE_KEYS];
    ngx_uint_t             i;
    ngx_ws_worker_t       *w;
    ngx_ws_presence_t     *presence;
    ngx_ws_redis_key_t     key[NGX_WS_PRESENCE_KEYS];
    ngx_ws_presence_op_t  *op;

    static const ngx_ws_redis_key_e  kinds[NGX_WS_PRESENCE_KEYS] = {
        NGX_WS_REDIS_KEY_STATUS,
        NGX_WS_REDIS_KEY_ONLINE,
        NGX_WS_REDIS_KEY_ALL_PRESENCE,
        NGX_WS_REDIS_KEY_TENANT,
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_CONNECTION,
        NGX_WS_REDIS_KEY_OWNED,
        NGX_WS_REDIS_KEY_EDGES
    };

    w = call->worker;
    op = call->state;
    presence = op->presence;
    prefix = &w->conf->redis.prefix;

    ngx_str_set(&none, "");

    for (i = 0; i < NGX_WS_PRESENCE_KEYS; i++) {
        keys[i] = *ngx_ws_redis_key(&key[i], prefix, kinds[i], op->tenant,
                                    op->user,
                                    kinds[i] == NGX_WS_REDIS_KEY_OWNED
                                    ? &w->incarnation
                                    : &presence->connection_id);
    }

    args[0].len = ngx_strlen(op->what);
    args[0].data = (u_char *) op->what;

    p = ngx_ws_presence_number(&args[1], numbers, op->tenant);
    p = ngx_ws_presence_number(&args[2], p, op->user);
    p = ngx_ws_presence_number(&args[5], p, NGX_WS_PRESENCE_REST);
    p = ngx_ws_presence_number(&args[10], p,
                               call->conf ? call->conf->presence_grace : 0);
    (void) ngx_ws_presence_number(&args[11], p, op->id);

    args[3] = call->identity ? call->identity->name : none;
    args[4] = presence->connection_id;
    args[6] = presence->status;
    args[7] = presence->device;
    args[8] = presence->last_message;
    args[9].len = 1;
    args[9].data = (u_char *) (presence->has_message ? "1" : "0");

    args[12].len = NGX_WS_TIME_MS_LEN;
    args[12].data = time;
    (void) ngx_ws_time_iso_ms(time, ngx_ws_worker_now());

    args[13].data = member;
    args[13].len = ngx_ws_sweep_member(member, op->tenant, op->user, &none)
                   - member;

    /* no socket */

    args[14] = none;
    args[15] = none;

    return ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_PRESENCE, keys,
                             NGX_WS_PRESENCE_KEYS, args, NGX_WS_PRESENCE_ARGS,
                             ngx_ws_presence_done, call)
           ? NGX_OK : NGX_ERROR;
}


static u_char *
ngx_ws_presence_number(ngx_str_t *s, u_char *p, uint64_t n)
{
    s->data = p;
    p = ngx_sprintf(p, "%uL", n);
    s->len = p - s->data;

    return p;
}


static void
ngx_ws_presence_done(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t              error;
    ngx_ws_presence_op_t  *op;

    op = call->state;

    if (rc != NGX_OK) {
        ngx_ws_presence_failed(call);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a change of presence: \"%V\"", &error);

        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    /* as it is now: it may not have been given */

    op->presence->device = ngx_ws_redis_reply_string(
                                      ngx_ws_redis_reply_element(reply, 1));

    if (op->presence->answer) {
        op->presence->answer(call, op->presence);
    }

    ngx_ws_call_done(call);
}


/* A leave that Redis has not taken would leave a ghost behind. */

static void
ngx_ws_presence_failed(ngx_ws_call_t *call)
{
    ngx_ws_presence_op_t  *op;

    op = call->state;

    if (op->what[0] != 'l' || call->identity == NULL || ngx_exiting) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    op->retry.handler = ngx_ws_presence_retry;
    op->retry.data = call;
    op->retry.log = call->log;
    op->retry.cancelable = 1;

    ngx_add_timer(&op->retry, NGX_WS_PRESENCE_RETRY);
}


static void
ngx_ws_presence_retry(ngx_event_t *ev)
{
    ngx_ws_presence_tell(ev->data);
}


static void
ngx_ws_presence_nobody(ngx_ws_call_t *call)
{
    /* nobody waits for it */
}
