
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_agent.h>
#include <ngx_ws_auth.h>
#include <ngx_ws_bus.h>
#include <ngx_ws_delivery.h>
#include <ngx_ws_event.h>
#include <ngx_ws_frame.h>
#include <ngx_ws_limit.h>
#include <ngx_ws_login.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_random.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry.h>
#include <ngx_ws_token.h>


#define NGX_WS_LOGIN_CHANNELS  2       /* the personal one, the tenant's */


struct ngx_ws_login_s {
    ngx_ws_session_t              *session;     /* NULL once it has ended */
    ngx_ws_call_t                 *call;        /* it ends with the login */
    ngx_ws_identity_t             *identity;
    ngx_ws_auth_wait_t            *wait;
    ngx_ws_redis_op_t             *op;

    ngx_str_t                      token;
    ngx_str_t                      user;        /* as the client claims */
    ngx_str_t                      club;
    ngx_ws_registry_connection_t   connection;

    ngx_ws_redis_key_t             keys[NGX_WS_LOGIN_CHANNELS];
    ngx_ws_bus_wait_t              waits[NGX_WS_LOGIN_CHANNELS];
    ngx_uint_t                     waiting;

    uint64_t                       socket;      /* the session's number */
    unsigned                       linking:1;
};


static ngx_int_t ngx_ws_login_fields(ngx_ws_session_t *s,
    ngx_ws_login_t *login, ngx_ws_json_t *in);
static ngx_int_t ngx_ws_login_claim(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_str_t *value);
static ngx_ws_login_t *ngx_ws_login_create(ngx_ws_session_t *s,
    ngx_ws_call_t *call);
static void ngx_ws_login_start(ngx_ws_login_t *login);
static void ngx_ws_login_verified(void *data, ngx_int_t rc,
    ngx_ws_identity_t *id);
static ngx_uint_t ngx_ws_login_matches(ngx_str_t *claim, uint64_t id);
static void ngx_ws_login_link(ngx_ws_login_t *login);
static void ngx_ws_login_linked(ngx_ws_call_t *call);
static void ngx_ws_login_limit(ngx_ws_login_t *login);
static void ngx_ws_login_limited(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_login_enter(ngx_ws_login_t *login);
static void ngx_ws_login_restore(ngx_ws_login_t *login);
static void ngx_ws_login_restored(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_login_join(ngx_ws_login_t *login);
static void ngx_ws_login_joined(void *data, ngx_int_t rc);
static void ngx_ws_login_finish(ngx_ws_login_t *login);
static ngx_int_t ngx_ws_login_result(ngx_ws_login_t *login);
static void ngx_ws_login_end(ngx_ws_login_t *login, ngx_ws_error_e error);
static void ngx_ws_login_connect_done(ngx_ws_call_t *call);
static void ngx_ws_login_connect_ok(ngx_ws_session_t *s);
static void ngx_ws_login_connect_error(ngx_ws_session_t *s,
    ngx_ws_error_e error);
static void ngx_ws_login_handshake_done(ngx_ws_call_t *call);
static void ngx_ws_login_unhold(ngx_ws_session_t *s);


void
ngx_ws_login_event(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_login_t  *login;

    login = ngx_ws_login_create(s, call);

    if (login == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    if (ngx_ws_login_fields(s, login, in) != NGX_OK) {
        ngx_ws_login_end(login, call->error);
        return;
    }

    ngx_ws_login_start(login);
}


void
ngx_ws_login_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt)
{
    ngx_ws_call_t   *call;
    ngx_ws_json_t   *in;
    ngx_ws_login_t  *login;
    ngx_ws_error_e   error;

    in = NULL;

    if (pkt->data.len) {
        in = ngx_ws_json_parse(pkt->data.data, pkt->data.len,
                               NGX_WS_JSON_DEPTH, &error);
        if (in == NULL) {
            ngx_ws_login_connect_error(s, error);
            return;
        }
    }

    if (s->client->token.len == 0
        && ngx_ws_json_get(in, "token") == NULL)
    {
        ngx_ws_json_free(in);
        ngx_ws_login_connect_ok(s);
        return;
    }

    call = ngx_ws_call_create(s->worker, NULL, s->service,
                              ngx_ws_login_connect_done, NULL);

    login = call ? ngx_ws_login_create(s, call) : NULL;

    if (login == NULL) {
        ngx_ws_json_free(in);

        if (call) {
            ngx_ws_call_done(call);
        }

        ngx_ws_login_connect_error(s, NGX_WS_INTERNAL);
        return;
    }

    s->held = 1;
    ngx_ws_event_flow(s);

    if (ngx_ws_login_fields(s, login, in) != NGX_OK) {
        ngx_ws_json_free(in);
        ngx_ws_login_end(login, call->error);
        return;
    }

    ngx_ws_json_free(in);

    ngx_ws_login_start(login);
}


void
ngx_ws_login_handshake(ngx_ws_session_t *s)
{
    ngx_ws_call_t   *call;
    ngx_ws_login_t  *login;

    call = ngx_ws_call_create(s->worker, NULL, s->service,
                              ngx_ws_login_handshake_done, NULL);
    if (call == NULL) {
        return;
    }

    login = ngx_ws_login_create(s, call);
    if (login == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    s->held = 1;
    ngx_ws_event_flow(s);

    if (ngx_ws_login_fields(s, login, NULL) != NGX_OK) {
        ngx_ws_login_end(login, call->error);
        return;
    }

    ngx_ws_login_start(login);
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
    call->state = login;
    s->login = login;

    return login;
}


/* Copies what the client says, since its message does not live on. */

static ngx_int_t
ngx_ws_login_fields(ngx_ws_session_t *s, ngx_ws_login_t *login,
    ngx_ws_json_t *in)
{
    ngx_str_t                      token, *str[5];
    ngx_uint_t                     i;
    ngx_ws_call_t                 *call;
    ngx_ws_registry_connection_t  *conn;

    call = login->call;
    conn = &login->connection;

    token = s->client->token;

    (void) ngx_ws_call_string(call, in, "token",
                              token.len ? 0 : NGX_WS_FIELD_REQUIRED,
                              NGX_WS_TOKEN_LEN, &token);
    (void) ngx_ws_call_name(call, in, "connectionId", 0,
                            &conn->connection_id);
    (void) ngx_ws_login_claim(call, in, "userId", &login->user);
    (void) ngx_ws_login_claim(call, in, "clubId", &login->club);

    if (call->error != NGX_WS_OK) {
        return NGX_ERROR;
    }

    login->token = token;
    conn->ip_address = s->client->address;
    ngx_ws_agent_parse(&s->client->agent, &conn->browser,
                       &conn->device_type);

    str[0] = &login->token;
    str[1] = &login->user;
    str[2] = &login->club;
    str[3] = &conn->connection_id;
    str[4] = &conn->ip_address;

    for (i = 0; i < 5; i++) {
        if (str[i]->len == 0) {
            ngx_str_null(str[i]);
            continue;
        }

        str[i]->data = ngx_pstrdup(call->pool, str[i]);
        if (str[i]->data == NULL) {
            call->error = NGX_WS_INTERNAL;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* An id that the client claims: a number or a text, compared as texts. */

static ngx_int_t
ngx_ws_login_claim(ngx_ws_call_t *call, ngx_ws_json_t *in, const char *field,
    ngx_str_t *value)
{
    uint64_t        id;
    ngx_ws_json_t  *node;

    node = ngx_ws_json_get(in, field);

    if (ngx_ws_json_type(node) != NGX_WS_JSON_NUMBER) {
        return ngx_ws_call_string(call, in, field, 0, 64, value);
    }

    if (ngx_ws_json_id(node, &id) != NGX_OK) {
        /* nobody's */
        ngx_str_set(value, "0");
        return NGX_OK;
    }

    value->data = ngx_pnalloc(call->pool, NGX_INT64_LEN);
    if (value->data == NULL) {
        call->error = NGX_WS_INTERNAL;
        return NGX_ERROR;
    }

    value->len = ngx_sprintf(value->data, "%uL", id) - value->data;

    return NGX_OK;
}


static void
ngx_ws_login_start(ngx_ws_login_t *login)
{
    ngx_int_t           rc;
    ngx_ws_session_t   *s;
    ngx_ws_identity_t  *id;

    s = login->session;

    rc = ngx_ws_auth_verify(s->worker, s->service, &login->token,
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

    ngx_ws_session_t  *s;

    s = login->session;

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

    if (!ngx_ws_login_matches(&login->user, id->user)
        || !ngx_ws_login_matches(&login->club, id->tenant)
        || (s->identity && (s->identity->user != id->user
                            || s->identity->tenant != id->tenant)))
    {
        ngx_ws_login_end(login, NGX_WS_IDENTITY_MISMATCH);
        return;
    }

    if (s->identity
        && (login->connection.connection_id.len == 0
            || (login->connection.connection_id.len == s->connection_id.len
                && ngx_memcmp(login->connection.connection_id.data,
                              s->connection_id.data, s->connection_id.len)
                   == 0)))
    {
        /* the same user again: the new token counts */
        ngx_ws_session_identify(s, ngx_ws_identity_ref(id));

        ngx_ws_login_finish(login);
        return;
    }

    ngx_ws_login_link(login);
}


static ngx_uint_t
ngx_ws_login_matches(ngx_str_t *claim, uint64_t id)
{
    size_t  len;
    u_char  text[NGX_INT64_LEN];

    if (claim->len == 0) {
        return 1;
    }

    len = ngx_sprintf(text, "%uL", id) - text;

    return claim->len == len && ngx_memcmp(claim->data, text, len) == 0;
}


static void
ngx_ws_login_link(ngx_ws_login_t *login)
{
    ngx_ws_call_t     *call;
    ngx_ws_session_t  *s;

    s = login->session;

    call = ngx_ws_call_create(s->worker, login->identity, s->service,
                              ngx_ws_login_linked, login);
    if (call == NULL) {
        ngx_ws_login_end(login, NGX_WS_INTERNAL);
        return;
    }

    login->linking = 1;

    ngx_ws_registry_link(call, &login->connection, s->node.key);
}


static void
ngx_ws_login_linked(ngx_ws_call_t *call)
{
    u_char            *p;
    ngx_ws_login_t    *login;
    ngx_ws_session_t  *s;

    login = call->data;
    login->linking = 0;
    s = login->session;

    if (s == NULL) {
        if (call->error == NGX_WS_OK) {
            ngx_ws_registry_unlink(call->worker, login->identity,
                                   &call->result, login->socket);
        }

        ngx_ws_login_end(login, NGX_WS_OK);
        return;
    }

    if (call->error != NGX_WS_OK) {
        login->call->message = call->message;
        ngx_ws_login_end(login, call->error);
        return;
    }

    p = NULL;

    if (!login->identity->dead) {
        p = ngx_alloc(call->result.len, s->log);
    }

    if (p == NULL) {
        ngx_ws_registry_unlink(call->worker, login->identity, &call->result,
                               s->node.key);
        ngx_ws_login_end(login, login->identity->dead ? NGX_WS_TOKEN_EXPIRED
                                                      : NGX_WS_INTERNAL);
        return;
    }

    ngx_memcpy(p, call->result.data, call->result.len);

    if (s->identity) {
        /* the same user by another connection */
        ngx_ws_registry_unlink(s->worker, s->identity, &s->connection_id,
                               s->node.key);
        ngx_ws_presence_leave(s->worker, s->identity, s->service,
                              &s->connection_id, s->node.key);
        ngx_free(s->connection_id.data);
    }

    s->connection_id.len = call->result.len;
    s->connection_id.data = p;
    ngx_ws_session_identify(s, ngx_ws_identity_ref(login->identity));

    if (s->service->connection_limit) {
        ngx_ws_login_limit(login);

    } else {
        ngx_ws_login_enter(login);
    }
}


/* Whether the user may have one more. */

static void
ngx_ws_login_limit(ngx_ws_login_t *login)
{
    ngx_ws_session_t  *s;

    s = login->session;

    /* until it has joined, it is not logged in */
    login->waiting = 1;

    login->op = ngx_ws_limit_join(s->worker, s->service, s->identity,
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

    ngx_ws_login_enter(login);
}


static void
ngx_ws_login_enter(ngx_ws_login_t *login)
{
    if (login->connection.connection_id.len) {
        ngx_ws_login_restore(login);

    } else {
        ngx_ws_login_join(login);
    }
}


/* The channels that the connection had, or was given by REST. */

static void
ngx_ws_login_restore(ngx_ws_login_t *login)
{
    ngx_str_t            argv[3];
    ngx_ws_session_t    *s;
    ngx_ws_redis_key_t   key;

    s = login->session;

    ngx_str_set(&argv[0], "HGET");
    argv[1] = *ngx_ws_redis_key(&key, &s->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                &s->connection_id);
    ngx_str_set(&argv[2], "subscribed_channels");

    /* until it has joined, it is not logged in */
    login->waiting = 1;

    login->op = ngx_ws_redis_command(s->worker->redis, argv, 3,
                                     ngx_ws_login_restored, login);
    if (login->op == NULL) {
        ngx_ws_login_end(login, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_login_restored(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_login_t *login = data;

    ngx_str_t          list;
    ngx_ws_session_t  *s;

    login->op = NULL;
    s = login->session;

    if (rc != NGX_OK) {
        ngx_ws_login_end(login, NGX_WS_UNAVAILABLE);
        return;
    }

    list = ngx_ws_redis_reply_string(reply);

    ngx_ws_login_channels(s, &list);
    ngx_ws_login_join(login);
}


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

    if (list->len) {
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

    ngx_ws_session_t  *s;

    if (rc != NGX_OK) {
        ngx_ws_login_end(login, NGX_WS_UNAVAILABLE);
        return;
    }

    if (--login->waiting == 0) {
        s = login->session;

        ngx_ws_presence_join(s->worker, s->identity, s->service,
                             &s->connection_id,
                             &login->connection.device_type, s->node.key);

        ngx_ws_login_finish(login);
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
    ngx_ws_delivery_start(s);

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

    if (s) {
        s->login = NULL;

        if (error != NGX_WS_OK && login->waiting) {
            /* linked, but not in its channels */
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


static void
ngx_ws_login_connect_done(ngx_ws_call_t *call)
{
    ngx_ws_login_t    *login;
    ngx_ws_session_t  *s;

    login = call->state;

    if (login == NULL || login->session == NULL) {
        return;
    }

    s = login->session;

    ngx_ws_login_unhold(s);

    if (call->error != NGX_WS_OK) {
        ngx_ws_login_connect_error(s, call->error);
    }
}


static void
ngx_ws_login_connect_ok(ngx_ws_session_t *s)
{
    u_char         id[NGX_WS_RANDOM_ID_LEN];
    size_t         len;
    ngx_str_t      nsp, sid;
    ngx_ws_buf_t  *wb;

    s->connected = 1;

    ngx_ws_random_id(id);

    ngx_str_set(&nsp, "/");
    sid.len = NGX_WS_RANDOM_ID_LEN;
    sid.data = id;

    len = s->dialect->connect(NULL, &nsp, &sid);

    wb = ngx_ws_buf_create(NGX_WS_FRAME_TEXT, len, s->log);
    if (wb) {
        (void) s->dialect->connect(ngx_ws_buf_payload(wb), &nsp, &sid);
        ngx_ws_session_send(s, wb);
    }
}


static void
ngx_ws_login_connect_error(ngx_ws_session_t *s, ngx_ws_error_e error)
{
    ngx_str_t  nsp;

    ngx_str_set(&nsp, "/");

    ngx_ws_event_connect_error(s, &nsp, error);
}


static void
ngx_ws_login_handshake_done(ngx_ws_call_t *call)
{
    ngx_ws_login_t    *login;
    ngx_ws_session_t  *s;

    login = call->state;

    if (login == NULL || login->session == NULL) {
        return;
    }

    s = login->session;

    ngx_ws_login_unhold(s);

    if (call->error != NGX_WS_OK) {
        ngx_ws_event_refuse_auth(s, call->error);
    }
}


static void
ngx_ws_login_unhold(ngx_ws_session_t *s)
{
    s->held = 0;
    ngx_ws_event_flow(s);
}
