
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_decimal.h>
#include <ngx_ws_id.h>
#include <ngx_ws_message_batch.h>
#include <ngx_ws_message_send.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>


#define NGX_WS_MESSAGE_SEND_JSON  131072   /* a message escaped at its worst */
#define NGX_WS_MESSAGE_SEND_KEYS  3        /* and three for each target */
#define NGX_WS_MESSAGE_SEND_ARGS  8        /* and two for each target */


static void ngx_ws_message_send_id(void *data, ngx_int_t rc, uint64_t id);
static ngx_int_t ngx_ws_message_send_start(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_message_send_keys(ngx_ws_call_t *call,
    ngx_str_t *keys);
static ngx_int_t ngx_ws_message_send_key(ngx_ws_call_t *call, ngx_str_t *str,
    ngx_ws_redis_key_e kind, uint64_t user, ngx_str_t *name);
static ngx_int_t ngx_ws_message_send_args(ngx_ws_call_t *call,
    ngx_str_t *args);
static ngx_int_t ngx_ws_message_send_text(ngx_ws_call_t *call,
    ngx_str_t *head, ngx_str_t *tail);
static ngx_int_t ngx_ws_message_send_data(ngx_ws_call_t *call,
    ngx_str_t *data, ngx_uint_t several);
static ngx_int_t ngx_ws_message_send_result(ngx_ws_call_t *call, uint64_t id,
    uint64_t n);


void
ngx_ws_message_send(ngx_ws_call_t *call)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_id_next(call->worker->ids, msg->ntargets, ngx_ws_message_send_id,
                   call);
}


static void
ngx_ws_message_send_id(void *data, ngx_int_t rc, uint64_t id)
{
    ngx_ws_call_t *call = data;

    ngx_ws_message_t  *msg;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    msg = call->state;
    msg->id = id;

    if (ngx_ws_message_send_start(call) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_int_t
ngx_ws_message_send_start(ngx_ws_call_t *call)
{
    ngx_ws_message_t  *msg;

    msg = call->state;
    msg->time = ngx_ws_worker_now();

    msg->nkeys = NGX_WS_MESSAGE_SEND_KEYS + 3 * msg->ntargets;
    msg->nargs = NGX_WS_MESSAGE_SEND_ARGS + 2 * msg->ntargets;

    msg->keys = ngx_pcalloc(call->pool, msg->nkeys * sizeof(ngx_str_t));
    msg->args = ngx_pcalloc(call->pool, msg->nargs * sizeof(ngx_str_t));

    if (msg->keys == NULL || msg->args == NULL
        || ngx_ws_message_send_keys(call, msg->keys) != NGX_OK
        || ngx_ws_message_send_args(call, msg->args) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_ws_message_batch_add(call->worker->batch, call);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_message_send_keys(ngx_ws_call_t *call, ngx_str_t *keys)
{
    ngx_uint_t          i;
    ngx_ws_name_t      *target;
    ngx_ws_message_t   *msg;
    ngx_ws_redis_key_t  key;

    msg = call->state;

    if (msg->client_id.len
        && ngx_ws_message_send_key(call, &keys[0], NGX_WS_REDIS_KEY_DEDUP,
                                   call->identity->user, &msg->client_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (msg->conversation.len
        && (ngx_ws_message_send_key(call, &keys[1], NGX_WS_REDIS_KEY_TYPING,
                                    0, &msg->conversation)
            != NGX_OK
            || ngx_ws_message_send_key(call, &keys[2],
                                       NGX_WS_REDIS_KEY_CONVERSATION, 0,
                                       &msg->conversation)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    keys += NGX_WS_MESSAGE_SEND_KEYS;

    for (i = 0; i < msg->ntargets; i++) {
        target = &msg->targets[i];

        ngx_ws_bus_key(call->worker, call->identity->tenant, target, &key);

        keys[0].len = key.str.len;
        keys[0].data = ngx_pstrdup(call->pool, &key.str);
        if (keys[0].data == NULL) {
            return NGX_ERROR;
        }

        if (msg->kind->kept
            && ngx_ws_message_send_key(call, &keys[1],
                                       NGX_WS_REDIS_KEY_PENDING, target->id,
                                       NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (msg->kind->receipts
            && ngx_ws_message_send_key(call, &keys[2],
                                       NGX_WS_REDIS_KEY_INBOX, target->id,
                                       NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        keys += 3;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_message_send_key(ngx_ws_call_t *call, ngx_str_t *str,
    ngx_ws_redis_key_e kind, uint64_t user, ngx_str_t *name)
{
    ngx_ws_redis_key_t  key;

    (void) ngx_ws_redis_key(&key, &call->worker->conf->redis.prefix, kind,
                            call->identity->tenant, user, name);

    str->len = key.str.len;
    str->data = ngx_pstrdup(call->pool, &key.str);

    return str->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_message_send_args(ngx_ws_call_t *call, ngx_str_t *args)
{
    u_char            *p;
    uint64_t           numbers[5];
    ngx_uint_t         i;
    ngx_ws_name_t     *target;
    ngx_ws_message_t  *msg;

    msg = call->state;

    numbers[0] = msg->ntargets;
    numbers[1] = msg->id;
    numbers[2] = call->identity->tenant;
    numbers[3] = call->identity->user;
    numbers[4] = msg->time;

    p = ngx_pnalloc(call->pool, (5 + msg->ntargets) * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 5; i++) {
        args[i].data = p;
        p = ngx_ws_decimal(p, numbers[i]);
        args[i].len = p - args[i].data;
    }

    args[5] = msg->kind->type;

    if (ngx_ws_message_send_text(call, &args[6], &args[7]) != NGX_OK) {
        return NGX_ERROR;
    }

    msg->size = msg->ntargets * args[6].len;

    args += NGX_WS_MESSAGE_SEND_ARGS;

    for (i = 0; i < msg->ntargets; i++) {
        target = &msg->targets[i];

        args[0].len = ngx_ws_name_record(NULL, target);
        args[0].data = ngx_pnalloc(call->pool, args[0].len);
        if (args[0].data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_ws_name_record(args[0].data, target);

        if (msg->conversation.len && target->kind == NGX_WS_NAME_PERSONAL) {
            args[1].data = p;
            p = ngx_ws_decimal(p, target->id);
            args[1].len = p - args[1].data;
        }

        args += 2;
    }

    return NGX_OK;
}


/* "id event data"; what is between the ids where each target has its own. */

static ngx_int_t
ngx_ws_message_send_text(ngx_ws_call_t *call, ngx_str_t *head, ngx_str_t *tail)
{
    u_char            *p;
    ngx_str_t          data;
    ngx_uint_t         several;
    ngx_ws_message_t  *msg;

    msg = call->state;
    several = (msg->ntargets > 1);

    if (ngx_ws_message_send_data(call, &data, several) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(call->pool, NGX_INT64_LEN + msg->kind->event.len + 2
                                + data.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    head->data = p;

    if (several) {
        ngx_str_set(tail, "}");

    } else {
        p = ngx_sprintf(p, "%uL", msg->id);
    }

    head->len = ngx_sprintf(p, " %V %V", &msg->kind->event, &data)
                - head->data;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_message_send_data(ngx_ws_call_t *call, ngx_str_t *data,
    ngx_uint_t several)
{
    u_char              buf[NGX_WS_TIME_MS_LEN];
    ngx_int_t           rc;
    ngx_str_t           time;
    ngx_ws_message_t   *msg;
    ngx_ws_json_out_t   out;

    msg = call->state;

    time.len = NGX_WS_TIME_MS_LEN;
    time.data = buf;
    (void) ngx_ws_time_iso_ms(buf, msg->time);

    ngx_ws_json_out_init(&out, NGX_WS_MESSAGE_SEND_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, msg->kind->sender);
    ngx_ws_json_out_uint(&out, call->identity->user);
    msg->kind->write(call, &out);
    ngx_ws_json_out_key(&out, "timestamp");
    ngx_ws_json_out_string(&out, &time);

    if (msg->kind->id) {
        ngx_ws_json_out_key(&out, "messageId");
    }

    if (!several) {

        if (msg->kind->id) {
            ngx_ws_json_out_uint(&out, msg->id);
        }

        ngx_ws_json_out_object_end(&out);
    }

    rc = ngx_ws_json_out_copy(&out, call->pool, data);

    ngx_ws_json_out_free(&out);

    return rc;
}


void
ngx_ws_message_sent(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    uint64_t           id, n;
    ngx_str_t          error;
    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, rc == NGX_DECLINED ? NGX_WS_UNAVAILABLE
                                                    : NGX_WS_MAYBE_TAKEN);
        return;
    }

    id = msg->id;
    n = msg->ntargets;

    switch (ngx_ws_redis_reply_type(reply)) {

    case NGX_WS_REDIS_INTEGER:
        if (ngx_ws_redis_reply_integer(reply)) {
            ngx_ws_typing_end(call->worker, call->identity, call->socket,
                              &msg->conversation);
        }

        break;

    case NGX_WS_REDIS_ARRAY:
        id = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 0));
        n = ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 1));
        break;

    default:
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a message: \"%V\"", &error);

        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_message_send_result(call, id, n) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_call_done(call);
}


static ngx_int_t
ngx_ws_message_send_result(ngx_ws_call_t *call, uint64_t id, uint64_t n)
{
    uint64_t            i;
    ngx_int_t           rc;
    ngx_ws_message_t   *msg;
    ngx_ws_json_out_t   out;

    msg = call->state;

    ngx_ws_json_out_init(&out, NGX_WS_MESSAGE_SEND_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_text(&out, "ok");

    if (n == 1 && msg->kind->id) {
        ngx_ws_json_out_key(&out, "messageId");
        ngx_ws_json_out_uint(&out, id);
    }

    if (msg->kind->list) {
        ngx_ws_json_out_key(&out, "messageIds");
        ngx_ws_json_out_array(&out);

        for (i = 0; i < n; i++) {
            ngx_ws_json_out_uint(&out, id + i);
        }

        ngx_ws_json_out_array_end(&out);
    }

    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, call->pool, &call->result);

    ngx_ws_json_out_free(&out);

    return rc;
}
