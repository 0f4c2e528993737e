
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_event.h>
#include <ngx_ws_listen.h>
#include <ngx_ws_name.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry.h>


#define NGX_WS_EVENT_CHANNELS  1024    /* of one client */
#define NGX_WS_EVENT_REMOTE    1024


typedef struct {
    ngx_ws_call_t       *call;
    ngx_str_t            name;
    ngx_ws_redis_key_t   key;
    ngx_ws_bus_wait_t    wait;
    ngx_uint_t           fresh;         /* unsigned  fresh:1; */
} ngx_ws_event_channel_t;


/* A REST call from another worker, or this one. */

typedef struct {
    ngx_pool_t          *pool;
    ngx_ws_worker_t     *worker;
    ngx_str_t            incarnation;
    ngx_str_t            request;
    ngx_ws_redis_key_t   key;
    ngx_ws_bus_wait_t    wait;
} ngx_ws_event_remote_t;


static ngx_ws_event_channel_t *ngx_ws_event_channel(ngx_ws_session_t *s,
    ngx_ws_call_t *call, ngx_ws_json_t *in, ngx_ws_name_t *name);
static void ngx_ws_event_channel_joined(void *data, ngx_int_t rc);
static void ngx_ws_event_channel_done(ngx_ws_event_channel_t *ec);
static void ngx_ws_event_remote_joined(void *data, ngx_int_t rc);


void
ngx_ws_event_subscribe(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_int_t                rc;
    ngx_ws_name_t            name;
    ngx_ws_event_channel_t  *ec;

    ec = ngx_ws_event_channel(s, call, in, &name);
    if (ec == NULL) {
        ngx_ws_call_failed(call, call->error);
        return;
    }

    if (s->nsubscriptions >= NGX_WS_EVENT_CHANNELS) {
        ngx_str_set(&call->message, "Too many channels.");
        ngx_ws_call_failed(call, NGX_WS_FORBIDDEN);
        return;
    }

    rc = ngx_ws_session_join(s, &ec->key.str);
    if (rc == NGX_ERROR) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ec->fresh = (rc == NGX_OK);

    rc = ngx_ws_bus_confirm(s->worker->bus, &ec->wait);

    if (rc != NGX_AGAIN) {
        ngx_ws_event_channel_joined(ec, rc);
    }
}


static void
ngx_ws_event_channel_joined(void *data, ngx_int_t rc)
{
    ngx_ws_event_channel_t *ec = data;

    ngx_ws_session_t  *s;

    s = ngx_ws_event_session(ec->call);

    if (rc == NGX_OK) {

        if (s && ec->fresh) {
            ngx_ws_registry_channel(s->worker, s->identity, &s->connection_id,
                                    &ec->name, 1, 1);
        }

        ngx_ws_event_channel_done(ec);
        return;
    }

    /* nobody holds a subscription that was refused */

    if (s && ec->fresh) {
        (void) ngx_ws_session_leave(s, &ec->key.str);
    }

    ngx_ws_call_failed(ec->call, NGX_WS_UNAVAILABLE);
}


void
ngx_ws_event_unsubscribe(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_name_t            name;
    ngx_ws_event_channel_t  *ec;

    ec = ngx_ws_event_channel(s, call, in, &name);
    if (ec == NULL) {
        ngx_ws_call_failed(call, call->error);
        return;
    }

    /* the two that come with authentication go with it */

    if (name.kind != NGX_WS_NAME_PERSONAL && name.kind != NGX_WS_NAME_TENANT
        && ngx_ws_session_leave(s, &ec->key.str) == NGX_OK)
    {
        ngx_ws_registry_channel(s->worker, s->identity, &s->connection_id,
                                &ec->name, 0, 1);
    }

    ngx_ws_event_channel_done(ec);
}


/* NULL with call->error set. */

static ngx_ws_event_channel_t *
ngx_ws_event_channel(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in, ngx_ws_name_t *name)
{
    ngx_str_t                channel;
    ngx_ws_event_channel_t  *ec;

    if (ngx_ws_call_name(call, in, "channel", NGX_WS_FIELD_REQUIRED, &channel)
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_ws_name_resolve(&channel, s->identity->user, s->identity->tenant,
                            name)
        != NGX_OK)
    {
        call->error = NGX_WS_FORBIDDEN;
        ngx_str_set(&call->message, "The channel is somebody else's.");
        return NULL;
    }

    ec = ngx_palloc(call->pool, sizeof(ngx_ws_event_channel_t));
    if (ec == NULL) {
        call->error = NGX_WS_INTERNAL;
        return NULL;
    }

    ngx_ws_bus_key(s->worker, s->identity->tenant, name, &ec->key);

    ec->call = call;
    ec->name = channel;
    ec->wait.channel = ec->key.str;
    ec->wait.done = ngx_ws_event_channel_joined;
    ec->wait.data = ec;

    return ec;
}


static void
ngx_ws_event_channel_done(ngx_ws_event_channel_t *ec)
{
    ngx_ws_call_t      *call;
    ngx_ws_json_out_t   out;

    call = ec->call;

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_text(&out, "ok");
    ngx_ws_json_out_key(&out, "channel");
    ngx_ws_json_out_string(&out, &ec->name);
    ngx_ws_json_out_object_end(&out);

    if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(&out);

    ngx_ws_call_done(call);
}


void
ngx_ws_event_remote(ngx_ws_worker_t *w, ngx_str_t *rest, ngx_uint_t listens)
{
    uint64_t                number;
    ngx_int_t               rc;
    ngx_str_t               channel, incarnation, request;
    ngx_pool_t             *pool;
    ngx_ws_name_t           name;
    ngx_ws_session_t       *s;
    ngx_ws_event_remote_t  *remote;

    channel = *rest;

    ngx_ws_bus_word(&channel, &request);
    ngx_ws_bus_word(&channel, &incarnation);

    if (ngx_ws_bus_number(&channel, &number) != NGX_OK) {
        return;
    }

    s = ngx_ws_session_find(w, number);

    if (s == NULL || s->identity == NULL || s->shell || s->frozen
        || ngx_ws_name_resolve(&channel, s->identity->user,
                               s->identity->tenant, &name)
           != NGX_OK)
    {
        ngx_ws_listen_answer(w, &incarnation, &request, NGX_DECLINED);
        return;
    }

    pool = ngx_create_pool(NGX_WS_EVENT_REMOTE, w->log);
    if (pool == NULL) {
        return;
    }

    remote = ngx_pcalloc(pool, sizeof(ngx_ws_event_remote_t));
    if (remote == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    remote->pool = pool;
    remote->worker = w;
    remote->incarnation.len = incarnation.len;
    remote->incarnation.data = ngx_pstrdup(pool, &incarnation);
    remote->request.len = request.len;
    remote->request.data = ngx_pstrdup(pool, &request);

    ngx_ws_bus_key(w, s->identity->tenant, &name, &remote->key);

    if (!listens) {

        if (name.kind != NGX_WS_NAME_PERSONAL
            && name.kind != NGX_WS_NAME_TENANT)
        {
            (void) ngx_ws_session_leave(s, &remote->key.str);
        }

        ngx_ws_event_remote_joined(remote, NGX_OK);
        return;
    }

    rc = NGX_ERROR;

    if (s->nsubscriptions < NGX_WS_EVENT_CHANNELS) {
        rc = ngx_ws_session_join(s, &remote->key.str);
    }

    if (rc != NGX_ERROR) {
        remote->wait.channel = remote->key.str;
        remote->wait.done = ngx_ws_event_remote_joined;
        remote->wait.data = remote;

        rc = ngx_ws_bus_confirm(w->bus, &remote->wait);
    }

    if (rc != NGX_AGAIN) {
        ngx_ws_event_remote_joined(remote, rc);
    }
}


static void
ngx_ws_event_remote_joined(void *data, ngx_int_t rc)
{
    ngx_ws_event_remote_t *remote = data;

    if (remote->incarnation.data && remote->request.data) {
        ngx_ws_listen_answer(remote->worker, &remote->incarnation,
                             &remote->request, rc == NGX_OK ? NGX_OK
                                                            : NGX_ERROR);
    }

    ngx_destroy_pool(remote->pool);
}
