
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_auth.h>
#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_limit.h>
#include <ngx_ws_login.h>
#include <ngx_ws_login_claim.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_socket.h>


#define NGX_WS_LOGIN_CHANNELS  2       /* the personal one, the tenant's */


struct ngx_ws_login_s {
    ngx_ws_session_t              *session;     /* NULL once it has ended */
    ngx_ws_call_t                 *call;        /* it ends with the login */
    ngx_ws_identity_t             *identity;
    ngx_ws_auth_wait_t            *wait;
    ngx_ws_redis_op_t             *op;

    ngx_ws_login_claim_t           claim;

    ngx_ws_redis_key_t             keys[NGX_WS_LOGIN_CHANNELS];
    ngx_ws_bus_wait_t              waits[NGX_WS_LOGIN_CHANNELS];
    ngx_uint_t                     waiting;

    uint64_t                       socket;      /* the session's number */

    ngx_queue_t                    held;        /* until it is answered */
    size_t                         bytes;       /* of them */

    unsigned                       holding:1;
    unsigned                       missed:1;    /* messages to be fetched */
    unsigned                       linking:1;
    unsigned                       entered:1;   /* to be undone */
};


typedef struct {
    ngx_queue_t                    queue;
    ngx_ws_buf_t                  *buf;
} ngx_ws_login_held_t;


static ngx_ws_login_t *ngx_ws_login_create(ngx_ws_session_t *s,
    ngx_ws_call_t *call);
static void ngx_ws_login_start(ngx_ws_login_t *login);
static void ngx_ws_login_verified(void *data, ngx_int_t rc,
    ngx_ws_identity_t *id);
static void ngx_ws_login_join(ngx_ws_login_t *login);
static void ngx_ws_login_joined(void *data, ngx_int_t rc);
static void ngx_ws_login_link(ngx_ws_login_t *login);
static void ngx_ws_login_linked(ngx_ws_call_t *call);
static void ngx_ws_login_limit(ngx_ws_login_t *login);
static void ngx_ws_login_limited(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_login_release(ngx_ws_login_t *login, ngx_ws_session_t *s);
static void ngx_ws_login_finish(ngx_ws_login_t *login);
static ngx_int_t ngx_ws_login_result(ngx_ws_login_t *login);
static void ngx_ws_login_end(ngx_ws_login_t *login, ngx_ws_error_e error);


void
ngx_ws_login_event(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    if (ngx_ws_login_begin(s, call, in) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


ngx_int_t
ngx_ws_login_begin(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_login_t  *login;

    login = ngx_ws_login_create(s, call);
    if (login == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ws_login_claim(call, s->client, in, &login->claim) != NGX_OK) {
        ngx_ws_login_end(login, call->error);
        return NGX_OK;
    }

    ngx_ws_login_start(login);

    return NGX_OK;
}


ngx_ws_session_t *
ngx_ws_login_session(ngx_ws_call_t *call)
{
    ngx_ws_login_t  *login;

    login = call->state;

    return login ? login->session : NULL;
}


static ngx_ws_login_t *
ngx_ws_login_create(ngx_ws_session_t *s, ngx_ws_call_t *call)
{
    ngx_ws_login_t  *login;

    login = ngx_pcalloc(call->pool, sizeof(ngx_ws_login_t));
    if (login == NULL) {
        return NULL;
    }

    login->session = s;
    login->call = call;
    login->socket = s->node.key;
    ngx_queue_init(&login->held);
    call->state = login;
    s->login = login;

    return login;
}


static void
ngx_ws_login_start(ngx_ws_login_t *login)
{
    ngx_int_t           rc;
    ngx_ws_session_t   *s;
    ngx_ws_identity_t  *id;

    s = login->session;

    rc = ngx_ws_auth_verify(s->worker, s->conf->service, &login->claim.token,
                            &s->client->address, &id, &login->wait,
                            ngx_ws_login_verified, login);

    if (rc != NGX_AGAIN) {
        ngx_ws_login_verified(login, rc, rc == NGX_OK ? id : NULL);
    }
}


static void
ngx_ws_login_verified(void *data, ngx_int_t rc, ngx_ws_identity_t *id)
{
    ngx_ws_login_t *login = data;

    ngx_str_t         *connection_id;
    ngx_ws_session_t  *s;

    s = login->session;
    connection_id = &login->claim.connection.connection_id;

    login->wait = NULL;
    login->identity = id;

    if (rc == NGX_BUSY) {
        ngx_ws_login_end(login, NGX_WS_THROTTLED);
        return;
    }

    if (rc != NGX_OK) {
        ngx_ws_login_end(login, rc == NGX_DECLINED ? NGX_WS_UNAUTHENTICATED
                                                   : NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_login_claim_check(login->call, &login->claim, id) != NGX_OK
        || (s->identity && (s->identity->user != id->user
                            || s->identity->tenant != id->tenant)))
    {
        ngx_ws_login_end(login, NGX_WS_IDENTITY_MISMATCH);
        return;
    }

    if (s->identity
        && (connection_id->len == 0
            || (connection_id->len == s->connection_id.len
                && ngx_memcmp(connection_id->data, s->connection_id.data,
                              s->connection_id.len)
                   == 0)))
    {
        /* the same user again: the new token counts */
        ngx_ws_session_identify(s, ngx_ws_identity_ref(id));

        login->missed = 1;
        ngx_ws_login_finish(login);
        return;
    }

    if (s->identity) {
        /* it is in its channels */
        ngx_ws_login_link(login);

    } else {
        ngx_ws_login_join(login);
    }
}


/* What is published from now on is not missed. */

static void
ngx_ws_login_join(ngx_ws_login_t *login)
{
    ngx_int_t            rc;
    ngx_str_t           *prefix;
    ngx_uint_t           i;
    ngx_ws_session_t    *s;
    ngx_ws_identity_t   *id;
    ngx_ws_bus_wait_t   *wait;
    ngx_ws_redis_key_t  *key;

    s = login->session;
    id = login->identity;
    prefix = &s->worker->conf->redis.prefix;

    login->entered = 1;
    login->holding = 1;

    key = login->keys;
    (void) ngx_ws_redis_key(&key[0], prefix, NGX_WS_REDIS_KEY_USER,
                            id->tenant, id->user, NULL);
    (void) ngx_ws_redis_key(&key[1], prefix, NGX_WS_REDIS_KEY_TENANT,
                            id->tenant, 0, NULL);

    /* so that an answer at once does not end it before the last one */
    login->waiting = 1;

    for (i = 0; i < NGX_WS_LOGIN_CHANNELS; i++) {

        rc = ngx_ws_session_join(s, &key[i].str);

        if (rc != NGX_ERROR) {
            wait = &login->waits[i];
            wait->channel = key[i].str;
            wait->done = ngx_ws_login_joined;
            wait->data = login;

            rc = ngx_ws_bus_confirm(s->worker->bus, wait);
        }

        if (rc == NGX_ERROR) {
            ngx_ws_login_end(login, NGX_WS_INTERNAL);
            return;
        }

        login->waiting += (rc == NGX_AGAIN);
    }

    ngx_ws_login_joined(login, NGX_OK);
}


static void
ngx_ws_login_joined(void *data, ngx_int_t rc)
{
    ngx_ws_login_t *login = data;

    if (rc != NGX_OK) {
        ngx_ws_login_end(login, NGX_WS_UNAVAILABLE);
        return;
    }

    if (--login->waiting == 0) {
        ngx_ws_login_link(login);
    }
}


static void
ngx_ws_login_link(ngx_ws_login_t *login)
{
    ngx_ws_call_t     *call;
    ngx_ws_session_t  *s;

    s = login->session;

    call = ngx_ws_call_create(s->worker, login->identity, s->conf->service,
                              ngx_ws_login_linked, login);
    if (call == NULL) {
        ngx_ws_login_end(login, NGX_WS_INTERNAL);
        return;
    }

    login->linking = 1;

    ngx_ws_socket_login(call, &login->claim.connection, s->node.key);
}


static void
ngx_ws_login_linked(ngx_ws_call_t *call)
{
    u_char                 *p;
    ngx_ws_login_t         *login;
    ngx_ws_session_t       *s;
    ngx_ws_socket_login_t  *linked;

    login = call->data;
    login->linking = 0;
    linked = call->state;
    s = login->session;

    if (call->error != NGX_WS_OK) {
        login->call->message = call->message;
        ngx_ws_login_end(login, call->error);
        return;
    }

    p = NULL;

    if (s && !login->identity->dead) {
        p = ngx_alloc(linked->connection_id.len, s->transport->log);
    }

    if (p == NULL) {
        ngx_ws_socket_logout(call->worker, login->identity, call->conf,
                             &linked->connection_id, login->socket);
        ngx_ws_login_end(login, login->identity->dead ? NGX_WS_TOKEN_EXPIRED
                                                      : NGX_WS_INTERNAL);
        return;
    }

    ngx_memcpy(p, linked->connection_id.data, linked->connection_id.len);

    if (s->identity) {
        /* the same user by another connection */
        ngx_ws_socket_logout(s->worker, s->identity, s->conf->service,
                             &s->connection_id, s->node.key);
        ngx_free(s->connection_id.data);
    }

    s->connection_id.len = linked->connection_id.len;
    s->connection_id.data = p;
    ngx_ws_session_identify(s, ngx_ws_identity_ref(login->identity));

    login->entered = 1;
    login->missed |= (linked->waiting != 0);

    ngx_ws_login_channels(s, &linked->channels);

    if (s->conf->service->connection_limit) {
        ngx_ws_login_limit(login);

    } else {
        ngx_ws_login_finish(login);
    }
}


/* Whether the user may have one more. */

static void
ngx_ws_login_limit(ngx_ws_login_t *login)
{
    ngx_ws_session_t  *s;

    s = login->session;

    login->op = ngx_ws_limit_join(s->worker, s->conf->service, s->identity,
                                  &s->connection_id, s->node.key,
                                  ngx_ws_login_limited, login);
    if (login->op == NULL) {
        ngx_ws_login_end(login, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_login_limited(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_login_t *login = data;

    login->op = NULL;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        ngx_ws_login_end(login, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_redis_reply_integer(reply) == 0) {
        ngx_ws_login_end(login, NGX_WS_CONNECTION_LIMIT);
        return;
    }

    ngx_ws_login_finish(login);
}


/* The channels that the connection had, or was given by REST. */

void
ngx_ws_login_channels(ngx_ws_session_t *s, ngx_str_t *list)
{
    ngx_str_t            channel;
    ngx_uint_t           i;
    ngx_ws_json_t       *in;
    ngx_ws_name_t        name;
    ngx_ws_error_e       error;
    ngx_ws_redis_key_t   key;

    in = NULL;

    if (list->len > sizeof("[]") - 1) {
        in = ngx_ws_json_parse(list->data, list->len, NGX_WS_JSON_DEPTH,
                               &error);
    }

    for (i = 0; i < ngx_ws_json_array_n(in); i++) {

        if (ngx_ws_json_string(ngx_ws_json_array_get(in, i), &channel)
            == NGX_OK
            && ngx_ws_name_resolve(&channel, s->identity->user,
                                   s->identity->tenant, &name)
               == NGX_OK)
        {
            ngx_ws_bus_key(s->worker, s->identity->tenant, &name, &key);
            (void) ngx_ws_session_join(s, &key.str);
        }
    }

    if (in) {
        ngx_ws_json_free(in);
    }
}


ngx_int_t
ngx_ws_login_hold(ngx_ws_login_t *login, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb)
{
    ngx_ws_login_held_t  *held;

    if (!login->holding) {
        return NGX_DECLINED;
    }

    if (ev->seq) {
        login->missed = 1;
        return NGX_OK;
    }

    if (login->bytes > login->session->conf->send_queue) {
        return NGX_DECLINED;
    }

    held = ngx_palloc(login->call->pool, sizeof(ngx_ws_login_held_t));
    if (held == NULL) {
        return NGX_DECLINED;
    }

    held->buf = ngx_ws_buf_ref(wb);
    login->bytes += wb->size;

    ngx_queue_insert_tail(&login->held, &held->queue);

    return NGX_OK;
}


/* s is NULL if nobody is to have them. */

static void
ngx_ws_login_release(ngx_ws_login_t *login, ngx_ws_session_t *s)
{
    ngx_queue_t          *q;
    ngx_ws_login_held_t  *held;

    login->holding = 0;

    while (!ngx_queue_empty(&login->held)) {
        q = ngx_queue_head(&login->held);
        ngx_queue_remove(q);

        held = ngx_queue_data(q, ngx_ws_login_held_t, queue);

        if (s) {
            ngx_ws_session_send(s, held->buf);

        } else {
            ngx_ws_buf_unref(held->buf);
        }
    }
}


static void
ngx_ws_login_finish(ngx_ws_login_t *login)
{
    ngx_ws_session_t  *s;

    s = login->session;

    if (ngx_ws_login_result(login) != NGX_OK) {
        ngx_ws_login_end(login, NGX_WS_INTERNAL);
        return;
    }

    ngx_ws_session_forget_client(s);

    if (s->dialect->connect && !s->connected) {
        ngx_ws_login_connect_ok(s);
    }

    ngx_ws_session_send_event(s, "authenticated", &login->call->result);
    ngx_ws_login_release(login, s);

    if (login->missed) {
        ngx_ws_delivery_start(s);
    }

    ngx_ws_login_end(login, NGX_WS_OK);
}


static ngx_int_t
ngx_ws_login_result(ngx_ws_login_t *login)
{
    ngx_int_t           rc;
    ngx_ws_json_out_t   out;
    ngx_ws_session_t   *s;

    s = login->session;

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_text(&out, "ok");
    ngx_ws_json_out_key(&out, "userId");
    ngx_ws_json_out_uint(&out, s->identity->user);
    ngx_ws_json_out_key(&out, "clubId");
    ngx_ws_json_out_uint(&out, s->identity->tenant);
    ngx_ws_json_out_key(&out, "connectionId");
    ngx_ws_json_out_string(&out, &s->connection_id);
    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, login->call->pool, &login->call->result);

    ngx_ws_json_out_free(&out);

    return rc;
}


/* Ends the login and its call, successful or not, with a session or not. */

static void
ngx_ws_login_end(ngx_ws_login_t *login, ngx_ws_error_e error)
{
    ngx_uint_t         i;
    ngx_ws_session_t  *s;

    s = login->session;

    for (i = 0; i < NGX_WS_LOGIN_CHANNELS; i++) {
        ngx_ws_bus_cancel(&login->waits[i]);
    }

    ngx_ws_login_release(login, NULL);

    if (s) {
        s->login = NULL;

        if (error != NGX_WS_OK && login->entered) {
            ngx_ws_session_logout(s);
        }
    }

    if (login->identity) {
        ngx_ws_identity_unref(login->identity);
    }

    ngx_ws_call_failed(login->call, error);
}


void
ngx_ws_login_cancel(ngx_ws_session_t *s)
{
    ngx_ws_login_t  *login;

    login = s->login;

    s->login = NULL;
    login->session = NULL;

    if (login->linking) {
        /* goes on, and is undone */
        ngx_ws_login_release(login, NULL);
        return;
    }

    if (login->wait) {
        ngx_ws_auth_cancel(login->wait);
    }

    if (login->op) {
        ngx_ws_redis_cancel(login->op);
    }

    ngx_ws_login_end(login, NGX_WS_OK);
}
