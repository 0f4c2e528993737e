
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_id.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry_row.h>
#include <ngx_ws_socket.h>
#include <ngx_ws_sweep.h>
#include <ngx_ws_time.h>


/* how long a connection is kept whose id nobody but its socket knew */
#define NGX_WS_SOCKET_KEEP        60000

/* ends of sockets that Redis has to be told of */
#define NGX_WS_SOCKET_ENDS        100000
#define NGX_WS_SOCKET_SENT        256
#define NGX_WS_SOCKET_RETRY       1000

#define NGX_WS_SOCKET_KEYS        12
#define NGX_WS_SOCKET_ARGS        18


struct ngx_ws_socket_ends_s {
    ngx_ws_worker_t                *worker;
    ngx_queue_t                     waiting;
    ngx_rbtree_t                    sockets;     /* whose ends are waiting */
    ngx_rbtree_node_t               sentinel;
    ngx_queue_t                     sent;
    ngx_uint_t                      n;           /* of both */
    ngx_uint_t                      nsent;
    ngx_event_t                     retry;
};


typedef struct {
    ngx_rbtree_node_t               node;        /* key is the socket */
    ngx_queue_t                     queue;
    ngx_ws_socket_ends_t           *ends;
    uint64_t                        tenant;
    uint64_t                        user;
    uint64_t                        socket;
    ngx_msec_t                      grace;
    ngx_str_t                       connection_id;
    u_char                          data[];
} ngx_ws_socket_end_t;


/* A login, in the pool of its call. */

typedef struct {
    ngx_ws_socket_login_t           result;
    ngx_ws_registry_connection_t    conn;
    uint64_t                        socket;
} ngx_ws_socket_ctx_t;


/* The arguments of a script. */

typedef struct {
    ngx_str_t                       keys[NGX_WS_SOCKET_KEYS];
    ngx_str_t                       args[NGX_WS_SOCKET_ARGS];
    ngx_uint_t                      nkeys;
    ngx_uint_t                      nargs;
    ngx_ws_redis_key_t              key[NGX_WS_SOCKET_KEYS];
    u_char                         *last;
    u_char                          text[8 * NGX_INT64_LEN
                                         + NGX_WS_TIME_MS_LEN
                                         + NGX_WS_SWEEP_MEMBER_LEN];
} ngx_ws_socket_script_t;


static void ngx_ws_socket_login_send(void *data, ngx_int_t rc,
    uint64_t event);
static void ngx_ws_socket_logged_in(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_socket_ends_wait(ngx_ws_socket_end_t *end);
static void ngx_ws_socket_ends_flush(ngx_ws_socket_ends_t *ends);
static void ngx_ws_socket_ends_flush_of(ngx_ws_socket_ends_t *ends,
    uint64_t socket);
static ngx_ws_socket_end_t *ngx_ws_socket_ends_find(
    ngx_ws_socket_ends_t *ends, uint64_t socket);
static void ngx_ws_socket_ends_take(ngx_ws_socket_end_t *end);
static void ngx_ws_socket_ends_send(ngx_ws_socket_end_t *end);
static void ngx_ws_socket_logout_send(void *data, ngx_int_t rc, uint64_t id);
static ngx_ws_redis_op_t *ngx_ws_socket_logout_eval(ngx_ws_socket_end_t *end,
    uint64_t id);
static void ngx_ws_socket_logged_out(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_socket_ends_later(ngx_ws_socket_end_t *end);
static void ngx_ws_socket_ends_retry(ngx_event_t *ev);
static void ngx_ws_socket_script(ngx_ws_socket_script_t *script,
    ngx_ws_worker_t *w, const ngx_ws_redis_key_e *kinds, ngx_uint_t n,
    uint64_t tenant, uint64_t user, ngx_str_t *connection_id);
static void ngx_ws_socket_text(ngx_ws_socket_script_t *script,
    ngx_str_t *text);
static void ngx_ws_socket_number(ngx_ws_socket_script_t *script, uint64_t n);
static void ngx_ws_socket_time(ngx_ws_socket_script_t *script);
static void ngx_ws_socket_due(ngx_ws_socket_script_t *script, uint64_t tenant,
    uint64_t user);


ngx_ws_socket_ends_t *
ngx_ws_socket_ends_create(ngx_ws_worker_t *w)
{
    ngx_ws_socket_ends_t  *ends;

    ends = ngx_calloc(sizeof(ngx_ws_socket_ends_t), w->log);
    if (ends == NULL) {
        return NULL;
    }

    ends->worker = w;

    ngx_queue_init(&ends->waiting);
    ngx_queue_init(&ends->sent);
    ngx_rbtree_init(&ends->sockets, &ends->sentinel, ngx_rbtree_insert_value);

    ends->retry.handler = ngx_ws_socket_ends_retry;
    ends->retry.data = ends;
    ends->retry.log = w->log;
    ends->retry.cancelable = 1;

    return ends;
}


void
ngx_ws_socket_ends_destroy(ngx_ws_socket_ends_t *ends)
{
    ngx_queue_t  *q;

    if (ends->retry.timer_set) {
        ngx_del_timer(&ends->retry);
    }

    ngx_queue_add(&ends->waiting, &ends->sent);

    while (!ngx_queue_empty(&ends->waiting)) {
        q = ngx_queue_head(&ends->waiting);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_ws_socket_end_t, queue));
    }

    ngx_free(ends);
}


void
ngx_ws_socket_ends_up(ngx_ws_socket_ends_t *ends)
{
    /* ahead of those who log in again */

    if (ends->retry.timer_set) {
        ngx_del_timer(&ends->retry);
    }

    ngx_ws_socket_ends_flush(ends);
}


void
ngx_ws_socket_login(ngx_ws_call_t *call, ngx_ws_registry_connection_t *conn,
    uint64_t socket)
{
    ngx_ws_socket_ctx_t  *ctx;

    ctx = ngx_pcalloc(call->pool, sizeof(ngx_ws_socket_ctx_t));
    if (ctx == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ctx->conn = *conn;
    ctx->socket = socket;
    call->state = ctx;

    ctx->result.connection_id = conn->connection_id;

    if (conn->connection_id.len == 0
        && ngx_ws_registry_id(call->pool, &ctx->result.connection_id)
           != NGX_OK)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    /* a former login of the socket may have been by the same connection */
    ngx_ws_socket_ends_flush_of(call->worker->ends, socket);

    ngx_ws_id_next(call->worker->ids, 1, ngx_ws_socket_login_send, call);
}


/* With the id of an event, in case that others are to hear of it. */

static void
ngx_ws_socket_login_send(void *data, ngx_int_t rc, uint64_t event)
{
    ngx_ws_call_t *call = data;

    uint64_t                       keep;
    ngx_str_t                      sockets, none;
    ngx_ws_worker_t               *w;
    ngx_ws_identity_t             *id;
    ngx_ws_redis_key_t             key;
    ngx_ws_socket_ctx_t           *ctx;
    ngx_ws_socket_script_t         script;
    ngx_ws_registry_connection_t  *conn;

    static const ngx_ws_redis_key_e  kinds[] = {
        NGX_WS_REDIS_KEY_CONNECTION,
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_LEASES,
        NGX_WS_REDIS_KEY_JOINED,
        NGX_WS_REDIS_KEY_STATUS,
        NGX_WS_REDIS_KEY_ONLINE,
        NGX_WS_REDIS_KEY_ALL_PRESENCE,
        NGX_WS_REDIS_KEY_TENANT,
        NGX_WS_REDIS_KEY_OWNED,
        NGX_WS_REDIS_KEY_EDGES,
        NGX_WS_REDIS_KEY_PENDING,
        NGX_WS_REDIS_KEY_FLIGHT
    };

    w = call->worker;
    id = call->identity;
    ctx = call->state;
    conn = &ctx->conn;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    keep = ngx_ws_registry_keep(w);

    ngx_ws_socket_script(&script, w, kinds, sizeof(kinds) / sizeof(kinds[0]),
                         id->tenant, id->user, &ctx->result.connection_id);

    ngx_str_null(&none);
    sockets = *ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_OWNED, 0, 0, &none);

    ngx_ws_socket_text(&script, &ctx->result.connection_id);
    ngx_ws_socket_number(&script, id->tenant);
    ngx_ws_socket_number(&script, id->user);
    ngx_ws_socket_number(&script, keep);
    ngx_ws_socket_number(&script, conn->connection_id.len
                                  ? keep : NGX_WS_SOCKET_KEEP);
    ngx_ws_socket_text(&script, &w->incarnation);
    ngx_ws_socket_number(&script, ctx->socket);
    ngx_ws_socket_text(&script, &conn->ip_address);
    ngx_ws_socket_text(&script, &conn->session_id);
    ngx_ws_socket_text(&script, &conn->browser);
    ngx_ws_socket_text(&script, &conn->device_type);
    ngx_ws_socket_text(&script, &sockets);
    ngx_ws_socket_number(&script, call->conf->presence_grace);
    ngx_ws_socket_text(&script, &w->conf->redis.prefix);
    ngx_ws_socket_text(&script, &id->name);
    ngx_ws_socket_number(&script, event);
    ngx_ws_socket_time(&script);
    ngx_ws_socket_due(&script, id->tenant, id->user);

    if (ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LOGIN, script.keys,
                          script.nkeys, script.args, script.nargs,
                          ngx_ws_socket_logged_in, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_socket_logged_in(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t               error;
    ngx_ws_socket_ctx_t    *ctx;
    ngx_ws_socket_login_t  *result;

    ctx = call->state;
    result = &ctx->result;

    if (rc == NGX_ERROR) {
        /* it may have been taken: whoever is refused must not be there */
        ngx_ws_socket_logout(call->worker, call->identity, call->conf,
                             &result->connection_id, ctx->socket);
    }

    if (rc == NGX_OK
        && ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a login: \"%V\"", &error);
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

    ngx_ws_registry_row(call->worker, &result->connection_id);

    result->waiting = (ngx_uint_t) ngx_ws_redis_reply_integer(
                                      ngx_ws_redis_reply_element(reply, 0));
    result->channels = ngx_ws_redis_reply_string(
                                      ngx_ws_redis_reply_element(reply, 1));

    ngx_log_error(NGX_LOG_INFO, call->log, 0,
                  "connection registered by a socket, connection_id: \"%V\", "
                  "user_id: %uL, tenant_id: %uL", &result->connection_id,
                  call->identity->user, call->identity->tenant);

    ngx_ws_call_done(call);
}


void
ngx_ws_socket_logout(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    ngx_ws_service_conf_t *conf, ngx_str_t *connection_id, uint64_t socket)
{
    ngx_ws_socket_end_t   *end;
    ngx_ws_socket_ends_t  *ends;

    ends = w->ends;

    if (ends->n >= NGX_WS_SOCKET_ENDS) {
        ngx_log_error(NGX_LOG_WARN, w->log, 0,
                      "redis is not told of the end of a connection: "
                      "too many wait");
        return;
    }

    end = ngx_alloc(sizeof(ngx_ws_socket_end_t) + connection_id->len, w->log);
    if (end == NULL) {
        return;
    }

    end->ends = ends;
    end->tenant = id->tenant;
    end->user = id->user;
    end->socket = socket;
    end->grace = conf->presence_grace;
    end->connection_id.len = connection_id->len;
    end->connection_id.data = end->data;
    ngx_memcpy(end->data, connection_id->data, connection_id->len);

    ngx_ws_socket_ends_wait(end);
    ends->n++;

    ngx_ws_socket_ends_flush(ends);
}


static void
ngx_ws_socket_ends_wait(ngx_ws_socket_end_t *end)
{
    ngx_queue_insert_tail(&end->ends->waiting, &end->queue);

    end->node.key = (ngx_rbtree_key_t) end->socket;
    ngx_rbtree_insert(&end->ends->sockets, &end->node);
}


static void
ngx_ws_socket_ends_flush(ngx_ws_socket_ends_t *ends)
{
    ngx_queue_t          *q;
    ngx_ws_socket_end_t  *end;

    while (!ngx_queue_empty(&ends->waiting)
           && ends->nsent < NGX_WS_SOCKET_SENT
           && !ends->retry.timer_set
           && ngx_ws_redis_ready(ends->worker->redis))
    {
        q = ngx_queue_head(&ends->waiting);

        end = ngx_queue_data(q, ngx_ws_socket_end_t, queue);

        ngx_ws_socket_ends_take(end);
        ngx_ws_socket_ends_send(end);
    }
}


/* Those of one socket, which do not wait for their turn. */

static void
ngx_ws_socket_ends_flush_of(ngx_ws_socket_ends_t *ends, uint64_t socket)
{
    ngx_queue_t           all, *q;
    ngx_ws_socket_end_t  *end;

    ngx_queue_init(&all);

    while ((end = ngx_ws_socket_ends_find(ends, socket)) != NULL) {
        ngx_ws_socket_ends_take(end);
        ngx_queue_insert_tail(&all, &end->queue);
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        ngx_ws_socket_ends_send(ngx_queue_data(q, ngx_ws_socket_end_t, queue));
    }
}


static ngx_ws_socket_end_t *
ngx_ws_socket_ends_find(ngx_ws_socket_ends_t *ends, uint64_t socket)
{
    ngx_rbtree_node_t  *node;

    for (node = ends->sockets.root;
         node != &ends->sentinel;
         node = (socket < node->key) ? node->left : node->right)
    {
        if (socket == node->key) {
            return ngx_rbtree_data(node, ngx_ws_socket_end_t, node);
        }
    }

    return NULL;
}


static void
ngx_ws_socket_ends_take(ngx_ws_socket_end_t *end)
{
    ngx_queue_remove(&end->queue);
    ngx_rbtree_delete(&end->ends->sockets, &end->node);
}


static void
ngx_ws_socket_ends_send(ngx_ws_socket_end_t *end)
{
    ngx_ws_socket_ends_t  *ends;

    ends = end->ends;

    ngx_queue_insert_tail(&ends->sent, &end->queue);
    ends->nsent++;

    ngx_ws_id_next(ends->worker->ids, 1, ngx_ws_socket_logout_send, end);
}


static void
ngx_ws_socket_logout_send(void *data, ngx_int_t rc, uint64_t id)
{
    ngx_ws_socket_end_t *end = data;

    if (rc != NGX_OK || ngx_ws_socket_logout_eval(end, id) == NULL) {
        ngx_ws_socket_ends_later(end);
    }
}


static ngx_ws_redis_op_t *
ngx_ws_socket_logout_eval(ngx_ws_socket_end_t *end, uint64_t id)
{
    ngx_ws_worker_t         *w;
    ngx_ws_socket_script_t   script;

    static const ngx_ws_redis_key_e  kinds[] = {
        NGX_WS_REDIS_KEY_CONNECTION,
        NGX_WS_REDIS_KEY_EVENTS,
        NGX_WS_REDIS_KEY_JOINED,
        NGX_WS_REDIS_KEY_STATUS,
        NGX_WS_REDIS_KEY_ONLINE,
        NGX_WS_REDIS_KEY_ALL_PRESENCE,
        NGX_WS_REDIS_KEY_TENANT,
        NGX_WS_REDIS_KEY_OWNED,
        NGX_WS_REDIS_KEY_EDGES
    };

    w = end->ends->worker;

    ngx_ws_socket_script(&script, w, kinds, sizeof(kinds) / sizeof(kinds[0]),
                         end->tenant, end->user, &end->connection_id);

    ngx_ws_socket_text(&script, &end->connection_id);
    ngx_ws_socket_text(&script, &w->incarnation);
    ngx_ws_socket_number(&script, end->socket);
    ngx_ws_socket_number(&script, end->tenant);
    ngx_ws_socket_number(&script, end->user);
    ngx_ws_socket_text(&script, &w->conf->redis.prefix);
    ngx_ws_socket_number(&script, end->grace);
    ngx_ws_socket_number(&script, id);
    ngx_ws_socket_time(&script);
    ngx_ws_socket_due(&script, end->tenant, end->user);

    return ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LOGOUT, script.keys,
                             script.nkeys, script.args, script.nargs,
                             ngx_ws_socket_logged_out, end);
}


static void
ngx_ws_socket_logged_out(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_ws_socket_end_t *end = data;

    ngx_str_t              error;
    ngx_ws_socket_ends_t  *ends;

    ends = end->ends;

    if (rc != NGX_OK) {
        /* whoever is not seen to leave would be a ghost */
        ngx_ws_socket_ends_later(end);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, ends->worker->log, 0,
                      "redis refused the end of a socket: \"%V\"", &error);
    }

    ngx_queue_remove(&end->queue);
    ngx_free(end);

    ends->nsent--;
    ends->n--;

    ngx_ws_socket_ends_flush(ends);
}


static void
ngx_ws_socket_ends_later(ngx_ws_socket_end_t *end)
{
    ngx_ws_socket_ends_t  *ends;

    ends = end->ends;

    ngx_queue_remove(&end->queue);
    ends->nsent--;

    ngx_ws_socket_ends_wait(end);

    if (!ends->retry.timer_set) {
        ngx_add_timer(&ends->retry, NGX_WS_SOCKET_RETRY);
    }
}


static void
ngx_ws_socket_ends_retry(ngx_event_t *ev)
{
    ngx_ws_socket_ends_flush(ev->data);
}


/* The keys; arguments are added one by one. */

static void
ngx_ws_socket_script(ngx_ws_socket_script_t *script, ngx_ws_worker_t *w,
    const ngx_ws_redis_key_e *kinds, ngx_uint_t n, uint64_t tenant,
    uint64_t user, ngx_str_t *connection_id)
{
    ngx_uint_t   i;
    ngx_str_t   *name;

    for (i = 0; i < n; i++) {
        name = (kinds[i] == NGX_WS_REDIS_KEY_OWNED) ? &w->incarnation
                                                    : connection_id;

        script->keys[i] = *ngx_ws_redis_key(&script->key[i],
                                            &w->conf->redis.prefix, kinds[i],
                                            tenant, user, name);
    }

    script->nkeys = n;
    script->nargs = 0;
    script->last = script->text;
}


static void
ngx_ws_socket_text(ngx_ws_socket_script_t *script, ngx_str_t *text)
{
    script->args[script->nargs++] = *text;
}


static void
ngx_ws_socket_number(ngx_ws_socket_script_t *script, uint64_t n)
{
    ngx_str_t  text;

    text.data = script->last;
    script->last = ngx_sprintf(text.data, "%uL", n);
    text.len = script->last - text.data;

    ngx_ws_socket_text(script, &text);
}


static void
ngx_ws_socket_time(ngx_ws_socket_script_t *script)
{
    ngx_str_t  text;

    text.data = script->last;
    text.len = NGX_WS_TIME_MS_LEN;

    (void) ngx_ws_time_iso_ms(text.data, ngx_ws_worker_now());
    script->last += NGX_WS_TIME_MS_LEN;

    ngx_ws_socket_text(script, &text);
}


/* The user's member of what falls due. */

static void
ngx_ws_socket_due(ngx_ws_socket_script_t *script, uint64_t tenant,
    uint64_t user)
{
    ngx_str_t  text, none;

    ngx_str_null(&none);

    text.data = script->last;
    script->last = ngx_ws_sweep_member(text.data, tenant, user, &none);
    text.len = script->last - text.data;

    ngx_ws_socket_text(script, &text);
}
