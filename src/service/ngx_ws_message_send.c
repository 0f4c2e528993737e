
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_id.h>
#include <ngx_ws_message_send.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>


#define NGX_WS_MESSAGE_SEND_JSON  131072   /* a message escaped at its worst */
#define NGX_WS_MESSAGE_SEND_KEYS  4        /* and three for each target */
#define NGX_WS_MESSAGE_SEND_ARGS  10       /* and two for each target */

/* seconds that a repeat is known: a client's, our own after a lost link */
#define NGX_WS_MESSAGE_SEND_DEDUP  "86400"
#define NGX_WS_MESSAGE_SEND_SENT   "20"


static void ngx_ws_message_send_id(void *data, ngx_int_t rc);
static ngx_int_t ngx_ws_message_send_start(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_message_send_data(ngx_ws_call_t *call,
    ngx_str_t *head, ngx_str_t *tail);
static ngx_int_t ngx_ws_message_send_keys(ngx_ws_call_t *call,
    ngx_str_t *keys);
static ngx_int_t ngx_ws_message_send_key(ngx_ws_call_t *call, ngx_str_t *str,
    ngx_ws_redis_key_e kind, uint64_t user, ngx_str_t *name);
static ngx_int_t ngx_ws_message_send_args(ngx_ws_call_t *call,
    ngx_str_t *args);
static void ngx_ws_message_send_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_message_send_result(ngx_ws_call_t *call, uint64_t id,
    uint64_t n);


void
ngx_ws_message_send(ngx_ws_call_t *call)
{
    ngx_ws_message_send_id(call, NGX_OK);
}


static void
ngx_ws_message_send_id(void *data, ngx_int_t rc)
{
    ngx_ws_call_t *call = data;

    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc == NGX_OK) {
        rc = ngx_ws_id_next(call->worker->ids, msg->ntargets, &msg->id,
                            ngx_ws_message_send_id, call);
        if (rc == NGX_AGAIN) {
            return;
        }
    }

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_message_send_start(call) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_int_t
ngx_ws_message_send_start(ngx_ws_call_t *call)
{
    ngx_str_t         *args, *keys;
    ngx_uint_t         nargs, nkeys;
    ngx_ws_message_t  *msg;

    msg = call->state;
    msg->time = ngx_ws_worker_now();

    nkeys = NGX_WS_MESSAGE_SEND_KEYS + 3 * msg->ntargets;
    nargs = NGX_WS_MESSAGE_SEND_ARGS + 2 * msg->ntargets;

    keys = ngx_palloc(call->pool, nkeys * sizeof(ngx_str_t));
    args = ngx_palloc(call->pool, nargs * sizeof(ngx_str_t));

    if (keys == NULL || args == NULL
        || ngx_ws_message_send_keys(call, keys) != NGX_OK
        || ngx_ws_message_send_args(call, args) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ws_redis_eval_again(call->worker->redis,
                                   NGX_WS_REDIS_MESSAGE_SEND, keys, nkeys,
                                   args, nargs, ngx_ws_message_send_done,
                                   call)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_message_send_keys(ngx_ws_call_t *call, ngx_str_t *keys)
{
    ngx_uint_t          i;
    ngx_ws_name_t      *target;
    ngx_ws_message_t   *msg;
    ngx_ws_redis_key_t  key;

    msg = call->state;

    if (ngx_ws_message_send_key(call, &keys[0], NGX_WS_REDIS_KEY_EVENTS, 0,
                                NULL)
        != NGX_OK
        || ngx_ws_message_send_key(call, &keys[1],
                                   msg->client_id.len
                                       ? NGX_WS_REDIS_KEY_DEDUP
                                       : NGX_WS_REDIS_KEY_SENT,
                                   msg->client_id.len
                                       ? call->identity->user : msg->id,
                                   &msg->client_id)
           != NGX_OK
        || ngx_ws_message_send_key(call, &keys[2], NGX_WS_REDIS_KEY_TYPING,
                                   0, &msg->conversation)
           != NGX_OK
        || ngx_ws_message_send_key(call, &keys[3],
                                   NGX_WS_REDIS_KEY_CONVERSATION, 0,
                                   &msg->conversation)
           != NGX_OK)
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

        ngx_str_null(&keys[1]);
        ngx_str_null(&keys[2]);

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
    uint64_t           numbers[4];
    ngx_uint_t         i;
    ngx_ws_name_t     *target;
    ngx_ws_message_t  *msg;

    msg = call->state;

    numbers[0] = msg->id;
    numbers[1] = call->identity->tenant;
    numbers[2] = call->identity->user;
    numbers[3] = msg->time;

    p = ngx_pnalloc(call->pool, (4 + msg->ntargets) * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 4; i++) {
        args[i].data = p;
        p = ngx_sprintf(p, "%uL", numbers[i]);
        args[i].len = p - args[i].data;
    }

    args[4] = msg->kind->type;
    args[5] = msg->kind->event;

    if (ngx_ws_message_send_data(call, &args[6], &args[7]) != NGX_OK) {
        return NGX_ERROR;
    }

    if (msg->client_id.len) {
        ngx_str_set(&args[8], NGX_WS_MESSAGE_SEND_DEDUP);

    } else {
        ngx_str_set(&args[8], NGX_WS_MESSAGE_SEND_SENT);
    }

    args[9].len = 1;
    args[9].data = (u_char *) (msg->conversation.len ? "1" : "0");

    args += NGX_WS_MESSAGE_SEND_ARGS;

    for (i = 0; i < msg->ntargets; i++) {
        target = &msg->targets[i];

        args[0].len = ngx_ws_name_record(NULL, target);
        args[0].data = ngx_pnalloc(call->pool, args[0].len);
        if (args[0].data == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_ws_name_record(args[0].data, target);

        ngx_str_null(&args[1]);

        if (target->kind == NGX_WS_NAME_PERSONAL) {
            args[1].data = p;
            p = ngx_sprintf(p, "%uL", target->id);
            args[1].len = p - args[1].data;
        }

        args += 2;
    }

    return NGX_OK;
}


/* The data of the event, in two parts where each recipient has an id. */

static ngx_int_t
ngx_ws_message_send_data(ngx_ws_call_t *call, ngx_str_t *head, ngx_str_t *tail)
{
    u_char              buf[NGX_WS_TIME_MS_LEN];
    ngx_int_t           rc;
    ngx_str_t           time;
    ngx_ws_message_t   *msg;
    ngx_ws_json_out_t   out;

    static ngx_str_t  id = ngx_string("\"messageId\":");

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

    if (!msg->kind->id) {
        ngx_ws_json_out_object_end(&out);
        ngx_str_null(tail);

    } else {
        ngx_ws_json_out_raw(&out, &id);
        ngx_str_set(tail, "}");
    }

    rc = ngx_ws_json_out_copy(&out, call->pool, head);

    ngx_ws_json_out_free(&out);

    return rc;
}


static void
ngx_ws_message_send_done(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t          error;
    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, rc == NGX_DECLINED ? NGX_WS_UNAVAILABLE
                                                    : NGX_WS_MAYBE_TAKEN);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a message: \"%V\"", &error);

        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_redis_reply_integer(ngx_ws_redis_reply_element(reply, 2))) {
        ngx_ws_typing_end(call->worker, call->identity, call->socket,
                          &msg->conversation);
    }

    if (ngx_ws_message_send_result(call,
                 ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 0)),
                 ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 1)))
        != NGX_OK)
    {
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
