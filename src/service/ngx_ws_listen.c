
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_listen.h>
#include <ngx_ws_name.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_registry.h>


#define NGX_WS_LISTEN_WAIT   5000
#define NGX_WS_LISTEN_AGAIN  50
#define NGX_WS_LISTEN_TEXT                                                    \
    (sizeof("leave ") + 2 * NGX_INT64_LEN + 64 + NGX_WS_NAME_LEN + 3)


struct ngx_ws_listens_s {
    ngx_queue_t            waiting;
    uint64_t               next;
};


/* One request, in the pool of its call. */

typedef struct {
    ngx_queue_t            queue;
    ngx_ws_call_t         *call;
    ngx_event_t            timer;
    ngx_msec_t             deadline;
    uint64_t               request;
    ngx_str_t              connection_id;
    ngx_str_t              channel;
    unsigned               listens:1;
    unsigned               asked:1;
    unsigned               again:1;      /* the socket was not there */
} ngx_ws_listen_op_t;


static void ngx_ws_listen_find(ngx_ws_listen_op_t *op);
static void ngx_ws_listen_found(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_ws_error_e ngx_ws_listen_check(ngx_ws_call_t *call,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_listen_ask(ngx_ws_listen_op_t *op, ngx_str_t *owner,
    ngx_str_t *socket);
static void ngx_ws_listen_timer_handler(ngx_event_t *ev);
static void ngx_ws_listen_done(ngx_ws_listen_op_t *op, ngx_ws_error_e error);


ngx_ws_listens_t *
ngx_ws_listens_create(ngx_ws_worker_t *w)
{
    ngx_ws_listens_t  *listens;

    listens = ngx_calloc(sizeof(ngx_ws_listens_t), w->log);
    if (listens) {
        ngx_queue_init(&listens->waiting);
    }

    return listens;
}


void
ngx_ws_listens_destroy(ngx_ws_listens_t *listens)
{
    ngx_queue_t         *q;
    ngx_ws_listen_op_t  *op;

    while (!ngx_queue_empty(&listens->waiting)) {
        q = ngx_queue_head(&listens->waiting);
        op = ngx_queue_data(q, ngx_ws_listen_op_t, queue);

        ngx_queue_remove(q);
        ngx_del_timer(&op->timer);
        ngx_ws_call_failed(op->call, NGX_WS_UNAVAILABLE);
    }

    ngx_free(listens);
}


void
ngx_ws_listen(ngx_ws_call_t *call, ngx_str_t *connection_id,
    ngx_str_t *channel, ngx_uint_t listens)
{
    ngx_ws_name_t        name;
    ngx_ws_listen_op_t  *op;

    op = ngx_pcalloc(call->pool, sizeof(ngx_ws_listen_op_t));
    if (op == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    op->call = call;
    op->connection_id = *connection_id;
    op->channel = *channel;
    op->listens = listens;
    call->state = op;

    if (ngx_ws_name_resolve(channel, call->identity->user,
                            call->identity->tenant, &name)
        != NGX_OK)
    {
        ngx_ws_call_failed(call, NGX_WS_FORBIDDEN);
        return;
    }

    ngx_ws_listen_find(op);
}


static void
ngx_ws_listen_find(ngx_ws_listen_op_t *op)
{
    ngx_str_t            argv[7];
    ngx_ws_call_t       *call;
    ngx_ws_redis_key_t   key;

    call = op->call;

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = *ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_CONNECTION, 0, 0,
                                &op->connection_id);
    ngx_str_set(&argv[2], "tenant_id");
    ngx_str_set(&argv[3], "user_id");
    ngx_str_set(&argv[4], "status");
    ngx_str_set(&argv[5], "owner");
    ngx_str_set(&argv[6], "socket");

    if (ngx_ws_redis_command(call->worker->redis, argv, 7,
                             ngx_ws_listen_found, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_listen_found(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t            owner, socket;
    ngx_ws_error_e       error;
    ngx_ws_listen_op_t  *op;

    op = call->state;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY)
    {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    error = ngx_ws_listen_check(call, reply);

    if (error != NGX_WS_OK) {
        ngx_ws_call_failed(call, error);
        return;
    }

    ngx_ws_registry_channel(call->worker, call->identity, &op->connection_id,
                            &op->channel, op->listens, 0);

    owner = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 3));
    socket = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 4));

    if (owner.len == 0 || owner.len > 64 || socket.len > NGX_INT64_LEN) {
        /* no socket yet */
        ngx_ws_listen_done(op, NGX_WS_OK);
        return;
    }

    ngx_ws_listen_ask(op, &owner, &socket);
}


static ngx_ws_error_e
ngx_ws_listen_check(ngx_ws_call_t *call, ngx_ws_redis_reply_t *reply)
{
    uint64_t   tenant, user;
    ngx_str_t  status;

    tenant = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));
    user = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 1));
    status = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 2));

    if (tenant != call->identity->tenant) {
        return NGX_WS_NOT_FOUND;
    }

    if (user != call->identity->user) {
        return NGX_WS_FORBIDDEN;
    }

    return (status.len == sizeof("connected") - 1) ? NGX_WS_OK
                                                   : NGX_WS_NOT_FOUND;
}


static void
ngx_ws_listen_ask(ngx_ws_listen_op_t *op, ngx_str_t *owner,
    ngx_str_t *socket)
{
    u_char            buf[NGX_WS_LISTEN_TEXT];
    ngx_str_t         text;
    ngx_ws_worker_t  *w;

    w = op->call->worker;

    op->request = ++w->listens->next;

    if (!op->asked) {
        op->asked = 1;
        op->deadline = ngx_current_msec + NGX_WS_LISTEN_WAIT;

        op->timer.handler = ngx_ws_listen_timer_handler;
        op->timer.data = op;
        op->timer.log = w->log;
    }

    ngx_queue_insert_tail(&w->listens->waiting, &op->queue);
    ngx_add_timer(&op->timer, NGX_WS_LISTEN_WAIT);

    text.data = buf;
    text.len = ngx_sprintf(buf, "%s %uL %V %V %V",
                           op->listens ? "join" : "leave", op->request,
                           &w->incarnation, socket, &op->channel)
               - buf;

    ngx_ws_bus_control(w, owner, &text);
}


void
ngx_ws_listen_answered(ngx_ws_worker_t *w, ngx_str_t *rest)
{
    uint64_t             request;
    ngx_str_t            ok;
    ngx_queue_t         *q;
    ngx_ws_listen_op_t  *op;

    ok = *rest;

    if (ngx_ws_bus_number(&ok, &request) != NGX_OK) {
        return;
    }

    for (q = ngx_queue_head(&w->listens->waiting);
         q != ngx_queue_sentinel(&w->listens->waiting);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_ws_listen_op_t, queue);

        if (op->request == request) {

            if (ok.len && ok.data[0] == '2') {
                op->again = 1;
                ngx_add_timer(&op->timer, NGX_WS_LISTEN_AGAIN);
                return;
            }

            ngx_queue_remove(q);
            ngx_del_timer(&op->timer);

            ngx_ws_listen_done(op, (ok.len && ok.data[0] == '1')
                                   ? NGX_WS_OK : NGX_WS_UNAVAILABLE);
            return;
        }
    }
}


static void
ngx_ws_listen_timer_handler(ngx_event_t *ev)
{
    ngx_ws_listen_op_t  *op;

    op = ev->data;

    ngx_queue_remove(&op->queue);

    if (!op->again) {
        ngx_ws_listen_done(op, NGX_WS_UNAVAILABLE);
        return;
    }

    if ((ngx_msec_int_t) (op->deadline - ngx_current_msec) <= 0) {
        /* it has gone: remembered, that is all */
        ngx_ws_listen_done(op, NGX_WS_OK);
        return;
    }

    op->again = 0;
    ngx_ws_listen_find(op);
}


static void
ngx_ws_listen_done(ngx_ws_listen_op_t *op, ngx_ws_error_e error)
{
    ngx_ws_call_t      *call;
    ngx_ws_json_out_t   out;

    call = op->call;
    call->error = error;

    if (error == NGX_WS_OK) {
        ngx_ws_json_out_init(&out, 4096);

        ngx_ws_json_out_object(&out);
        ngx_ws_json_out_key(&out, "message");
        ngx_ws_json_out_text(&out, op->listens ? "Subscribed to channel"
                                               : "Unsubscribed from channel");
        ngx_ws_json_out_key(&out, "channel");
        ngx_ws_json_out_string(&out, &op->channel);
        ngx_ws_json_out_object_end(&out);

        if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
            call->error = NGX_WS_INTERNAL;
        }

        ngx_ws_json_out_free(&out);
    }

    ngx_ws_call_done(call);
}


void
ngx_ws_listen_answer(ngx_ws_worker_t *w, ngx_str_t *incarnation,
    ngx_str_t *request, ngx_int_t rc)
{
    u_char     buf[sizeof("joined  1") + NGX_INT64_LEN];
    ngx_str_t  text;

    if (request->len > NGX_INT64_LEN) {
        return;
    }

    text.data = buf;
    text.len = ngx_sprintf(buf, "joined %V %c", request,
                           rc == NGX_OK ? '1' : rc == NGX_DECLINED ? '2' : '0')
               - buf;

    ngx_ws_bus_control(w, incarnation, &text);
}
