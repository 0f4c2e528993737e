
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_decimal.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_random.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry.h>
#include <ngx_ws_registry_row.h>
#include <ngx_ws_time.h>


/* how long Redis keeps a connection after its last sign of life, at least */
#define NGX_WS_REGISTRY_KEEP      3600000

/* that are remembered of a connection */
#define NGX_WS_REGISTRY_CHANNELS  1024

#define NGX_WS_REGISTRY_ARGS      13
#define NGX_WS_REGISTRY_ANSWER    2048
#define NGX_WS_REGISTRY_MOVE_KEYS  6


/* of a call, in its pool */

typedef struct {
    ngx_str_t            connection_id;
    ngx_str_t            device;
} ngx_ws_registry_ctx_t;


static ngx_ws_registry_ctx_t *ngx_ws_registry_ctx(ngx_ws_call_t *call,
    ngx_str_t *connection_id);
static void ngx_ws_registry_registered(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_registry_connected(ngx_ws_call_t *call,
    uint64_t since);
static void ngx_ws_registry_disconnected(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_registry_members(ngx_ws_worker_t *w,
    ngx_ws_identity_t *id, ngx_str_t *connection_id);
static ngx_str_t *ngx_ws_registry_sockets(ngx_ws_worker_t *w,
    ngx_ws_redis_key_t *key);
static ngx_ws_redis_op_t *ngx_ws_registry_eval(ngx_ws_worker_t *w,
    ngx_ws_redis_script_e script, ngx_str_t *args, ngx_uint_t nargs,
    ngx_ws_redis_reply_pt handler, void *data);
static u_char *ngx_ws_registry_number(ngx_str_t *s, u_char *p, uint64_t n);


void
ngx_ws_registry_connect(ngx_ws_call_t *call,
    ngx_ws_registry_connection_t *conn)
{
    u_char                 *p, buf[3 * NGX_INT64_LEN];
    ngx_str_t               args[NGX_WS_REGISTRY_ARGS];
    ngx_ws_worker_t        *w;
    ngx_ws_registry_ctx_t  *ctx;

    w = call->worker;

    ctx = ngx_ws_registry_ctx(call, &conn->connection_id);
    if (ctx == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    if (conn->device_type.len) {
        ctx->device.len = conn->device_type.len;
        ctx->device.data = ngx_pstrdup(call->pool, &conn->device_type);

        if (ctx->device.data == NULL) {
            ngx_ws_call_failed(call, NGX_WS_INTERNAL);
            return;
        }
    }

    args[0] = ctx->connection_id;
    p = ngx_ws_registry_number(&args[1], buf, call->identity->tenant);
    p = ngx_ws_registry_number(&args[2], p, call->identity->user);
    (void) ngx_ws_registry_number(&args[3], p, ngx_ws_registry_keep(w));
    args[4] = args[3];

    /* no socket */

    ngx_str_null(&args[5]);
    ngx_str_null(&args[6]);

    args[7] = conn->ip_address;
    args[8] = conn->session_id;
    args[9] = conn->browser;
    args[10] = conn->device_type;

    ngx_str_null(&args[11]);
    ngx_str_null(&args[12]);

    if (ngx_ws_registry_eval(w, NGX_WS_REDIS_CONNECTION_REGISTER, args,
                             NGX_WS_REGISTRY_ARGS, ngx_ws_registry_registered,
                             call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_ws_registry_ctx_t *
ngx_ws_registry_ctx(ngx_ws_call_t *call, ngx_str_t *connection_id)
{
    ngx_ws_registry_ctx_t  *ctx;

    ctx = ngx_pcalloc(call->pool, sizeof(ngx_ws_registry_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    call->state = ctx;

    if (connection_id->len) {
        ctx->connection_id.data = ngx_pstrdup(call->pool, connection_id);
        ctx->connection_id.len = connection_id->len;

        return ctx->connection_id.data ? ctx : NULL;
    }

    if (ngx_ws_registry_id(call->pool, &ctx->connection_id) != NGX_OK) {
        return NULL;
    }

    return ctx;
}


ngx_int_t
ngx_ws_registry_id(ngx_pool_t *pool, ngx_str_t *id)
{
    size_t  prefix;

    prefix = sizeof("conn_") - 1;

    /* the last character goes: 24 bytes take 16 less on the heap than 25 */

    id->len = prefix + NGX_WS_RANDOM_ID_LEN - 1;
    id->data = ngx_pnalloc(pool, id->len + 1);

    if (id->data == NULL) {
        return NGX_ERROR;
    }

    ngx_ws_random_id(ngx_cpymem(id->data, "conn_", prefix));

    return NGX_OK;
}


static void
ngx_ws_registry_registered(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t               error;
    ngx_ws_registry_ctx_t  *ctx;

    ctx = call->state;

    if (rc == NGX_OK
        && ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a connection: \"%V\"", &error);
        rc = NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_NIL) {
        ngx_ws_registry_taken(call);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, call->log, 0,
                  "connection registered by REST, connection_id: \"%V\", "
                  "user_id: %uL, tenant_id: %uL", &ctx->connection_id,
                  call->identity->user, call->identity->tenant);

    ngx_ws_presence_join(call->worker, call->identity, call->conf,
                         &ctx->connection_id, &ctx->device);

    if (ngx_ws_registry_connected(call, ngx_ws_redis_reply_integer(reply))
        != NGX_OK)
    {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_call_done(call);
}


void
ngx_ws_registry_taken(ngx_ws_call_t *call)
{
    ngx_ws_call_add_invalid(call, "connection_id",
                            "The %s has already been taken.");
    ngx_ws_call_done(call);
}


static ngx_int_t
ngx_ws_registry_connected(ngx_ws_call_t *call, uint64_t since)
{
    u_char                  buf[NGX_WS_TIME_LEN];
    ngx_int_t               rc;
    ngx_str_t               time;
    ngx_ws_json_out_t       out;
    ngx_ws_registry_ctx_t  *ctx;

    ctx = call->state;

    (void) ngx_ws_time_iso(buf, since);
    time.len = NGX_WS_TIME_LEN;
    time.data = buf;

    ngx_ws_json_out_init(&out, NGX_WS_REGISTRY_ANSWER);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "connection_id");
    ngx_ws_json_out_string(&out, &ctx->connection_id);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_text(&out, "connected");
    ngx_ws_json_out_key(&out, "user_id");
    ngx_ws_json_out_uint(&out, call->identity->user);
    ngx_ws_json_out_key(&out, "connected_at");
    ngx_ws_json_out_string(&out, &time);
    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, call->pool, &call->result);
    ngx_ws_json_out_free(&out);

    return rc;
}


void
ngx_ws_registry_disconnect(ngx_ws_call_t *call, ngx_str_t *connection_id)
{
    u_char              *p, buf[2 * NGX_INT64_LEN];
    ngx_str_t            args[4], none;
    ngx_ws_redis_key_t   prefix;

    ngx_str_set(&none, "");

    if (ngx_ws_registry_ctx(call, connection_id) == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    args[0] = *connection_id;
    p = ngx_ws_registry_number(&args[1], buf, call->identity->tenant);
    (void) ngx_ws_registry_number(&args[2], p, call->identity->user);
    args[3] = *ngx_ws_redis_key(&prefix, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_WORKER, 0, 0, &none);

    if (ngx_ws_registry_eval(call->worker, NGX_WS_REDIS_CONNECTION_DISCONNECT,
                             args, 4, ngx_ws_registry_disconnected, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_registry_disconnected(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t               answer;
    ngx_ws_registry_ctx_t  *ctx;

    ctx = call->state;
    answer = ngx_ws_redis_reply_string(reply);

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        call->error = NGX_WS_UNAVAILABLE;

    } else if (answer.len == 2) {
        ngx_log_error(NGX_LOG_INFO, call->log, 0,
                      "connection disconnected by REST, connection_id: "
                      "\"%V\", user_id: %uL, tenant_id: %uL",
                      &ctx->connection_id, call->identity->user,
                      call->identity->tenant);

        ngx_ws_presence_leave(call->worker, call->identity, call->conf,
                              &ctx->connection_id);
        ngx_ws_registry_members(call->worker, call->identity,
                                &ctx->connection_id);
        ngx_str_set(&call->result,
                    "{\"message\":\"Disconnected successfully\"}");

    } else if (ngx_strncmp(answer.data, "forbidden", answer.len) == 0) {
        call->error = NGX_WS_FORBIDDEN;

    } else {
        call->error = NGX_WS_NOT_FOUND;
    }

    ngx_ws_call_done(call);
}


void
ngx_ws_registry_touch(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id)
{
    u_char     *p, buf[3 * NGX_INT64_LEN];
    ngx_str_t   args[4];

    args[0] = *connection_id;
    p = ngx_ws_registry_number(&args[1], buf, id->tenant);
    p = ngx_ws_registry_number(&args[2], p, id->user);
    (void) ngx_ws_registry_number(&args[3], p, ngx_ws_registry_keep(w));

    (void) ngx_ws_registry_eval(w, NGX_WS_REDIS_CONNECTION_TOUCH, args, 4,
                                NULL, NULL);
}


void
ngx_ws_registry_channel(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id, ngx_str_t *channel, ngx_uint_t listens,
    ngx_uint_t live)
{
    u_char     *p, buf[4 * NGX_INT64_LEN + NGX_WS_TIME_MS_LEN];
    ngx_str_t   args[9];

    args[0] = *connection_id;
    p = ngx_ws_registry_number(&args[1], buf, id->tenant);
    p = ngx_ws_registry_number(&args[2], p, id->user);
    args[3] = *channel;
    p = ngx_ws_registry_number(&args[4], p, listens);
    p = ngx_ws_registry_number(&args[5], p, NGX_WS_REGISTRY_CHANNELS);
    args[6] = w->conf->redis.prefix;
    args[7].len = NGX_WS_TIME_MS_LEN;
    args[7].data = p;
    (void) ngx_ws_time_iso_ms(p, ngx_ws_worker_now());

    if (live) {
        ngx_str_set(&args[8], "0");

    } else {
        ngx_str_set(&args[8], "1");
    }

    (void) ngx_ws_registry_eval(w, NGX_WS_REDIS_CONNECTION_CHANNEL, args, 9,
                                NULL, NULL);

    if (live) {
        ngx_ws_registry_row(w, connection_id);
    }
}


/*
 * Whoever sits in the connection's channels hears of what has just become of
 * it.
 */

static void
ngx_ws_registry_members(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id)
{
    u_char               *p, buf[2 * NGX_INT64_LEN + NGX_WS_TIME_MS_LEN];
    ngx_str_t             args[5], keys[2], *prefix;
    ngx_ws_redis_key_t    connection, joined;

    prefix = &w->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&connection, prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                connection_id);
    keys[1] = *ngx_ws_redis_key(&joined, prefix, NGX_WS_REDIS_KEY_JOINED,
                                0, 0, connection_id);

    args[0] = *prefix;
    p = ngx_ws_registry_number(&args[1], buf, id->tenant);
    p = ngx_ws_registry_number(&args[2], p, id->user);
    args[3].len = NGX_WS_TIME_MS_LEN;
    args[3].data = p;
    (void) ngx_ws_time_iso_ms(p, ngx_ws_worker_now());

    ngx_str_null(&args[4]);

    (void) ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_MEMBERS, keys, 2, args, 5,
                             NULL, NULL);
}


/*
 * The keys are always the connection's, by its id in args[0], events, leases
 * and the channels that the connection counts in.
 */

static ngx_ws_redis_op_t *
ngx_ws_registry_eval(ngx_ws_worker_t *w, ngx_ws_redis_script_e script,
    ngx_str_t *args, ngx_uint_t nargs, ngx_ws_redis_reply_pt handler,
    void *data)
{
    ngx_str_t            keys[4], *prefix;
    ngx_ws_redis_key_t   connection, events, leases, joined;

    prefix = &w->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&connection, prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0, &args[0]);
    keys[1] = *ngx_ws_redis_key(&events, prefix, NGX_WS_REDIS_KEY_EVENTS,
                                0, 0, NULL);
    keys[2] = *ngx_ws_redis_key(&leases, prefix, NGX_WS_REDIS_KEY_LEASES,
                                0, 0, NULL);
    keys[3] = *ngx_ws_redis_key(&joined, prefix, NGX_WS_REDIS_KEY_JOINED,
                                0, 0, &args[0]);

    return ngx_ws_redis_eval(w->redis, script, keys, 4, args, nargs, handler,
                             data);
}


/* What the keys of all owners' sockets begin with. */

static ngx_str_t *
ngx_ws_registry_sockets(ngx_ws_worker_t *w, ngx_ws_redis_key_t *key)
{
    ngx_str_t  none;

    ngx_str_null(&none);

    return ngx_ws_redis_key(key, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_OWNED, 0, 0, &none);
}


static u_char *
ngx_ws_registry_number(ngx_str_t *s, u_char *p, uint64_t n)
{
    s->data = p;
    p = ngx_sprintf(p, "%uL", n);
    s->len = p - s->data;

    return p;
}


uint64_t
ngx_ws_registry_keep(ngx_ws_worker_t *w)
{
    uint64_t  keep;

    keep = (uint64_t) w->conf->retention_connections * 1000;

    return ngx_max(keep, NGX_WS_REGISTRY_KEEP);
}


ngx_ws_redis_op_t *
ngx_ws_registry_move(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_str_t *connection_id, uint64_t socket, ngx_str_t *from,
    ngx_ws_pending_mark_t *marks, ngx_uint_t n, ngx_ws_redis_reply_pt handler,
    void *data)
{
    u_char               buf[NGX_INT64_LEN], *p;
    ngx_str_t            keys[NGX_WS_REGISTRY_MOVE_KEYS], args[6];
    ngx_uint_t           i;
    ngx_ws_redis_op_t   *op;
    ngx_ws_redis_key_t   key[NGX_WS_REGISTRY_MOVE_KEYS], sockets;

    static const ngx_ws_redis_key_e  kinds[NGX_WS_REGISTRY_MOVE_KEYS] = {
        NGX_WS_REDIS_KEY_CONNECTION,
        NGX_WS_REDIS_KEY_PENDING,
        NGX_WS_REDIS_KEY_TAKEN,
        NGX_WS_REDIS_KEY_FLIGHT,
        NGX_WS_REDIS_KEY_FLIGHT_TEXT,
        NGX_WS_REDIS_KEY_FLIGHT_TAKEN
    };

    ngx_ws_registry_row(w, connection_id);

    args[0] = *connection_id;
    args[1] = *from;
    (void) ngx_ws_registry_number(&args[2], buf, socket);
    args[3] = w->incarnation;
    args[4] = *ngx_ws_registry_sockets(w, &sockets);

    args[5].data = ngx_alloc(n * (NGX_INT64_LEN + 1) + 1, w->log);
    if (args[5].data == NULL) {
        return NULL;
    }

    p = args[5].data;

    for (i = 0; i < n; i++) {
        p = ngx_ws_decimal(p, marks[i].seq);
        *p++ = ' ';
    }

    args[5].len = p - args[5].data;

    for (i = 0; i < NGX_WS_REGISTRY_MOVE_KEYS; i++) {
        keys[i] = *ngx_ws_redis_key(&key[i], &w->conf->redis.prefix, kinds[i],
                                    id->tenant, id->user, connection_id);
    }

    op = ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_CONNECTION_MOVE, keys,
                           NGX_WS_REGISTRY_MOVE_KEYS, args, 6, handler, data);

    ngx_free(args[5].data);

    return op;
}
