
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_id.h>
#include <ngx_ws_message.h>
#include <ngx_ws_name.h>
#include <ngx_ws_record.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>
#include <ngx_ws_user.h>


#define NGX_WS_MESSAGE_UNITS  5000     /* of UTF-16 */
#define NGX_WS_MESSAGE_JSON   131072   /* a message escaped at its worst */

#define NGX_WS_MESSAGE_RESULT                                                 \
    (sizeof("{\"status\":\"ok\",\"messageId\":}") + NGX_INT64_LEN)


/* What tells one kind of message from another. */

typedef struct {
    ngx_str_t             event;
    const char           *sender;      /* the name of the sender's field */
    ngx_str_t             status;      /* in the record, at first */
} ngx_ws_message_kind_t;


/* One message on its way: in the call's pool, the fields in the document. */

typedef struct {
    const ngx_ws_message_kind_t  *kind;
    ngx_ws_name_t                 target;
    ngx_str_t                     message;
    ngx_str_t                     conversation;
    uint64_t                      id;
    uint64_t                      time;
} ngx_ws_message_t;


static ngx_ws_message_t *ngx_ws_message_create(ngx_ws_call_t *call,
    ngx_ws_json_t *in, const ngx_ws_message_kind_t *kind);
static void ngx_ws_message_recipient(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);
static void ngx_ws_message_id(void *data, ngx_int_t rc);
static void ngx_ws_message_send(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_message_data(ngx_ws_call_t *call,
    ngx_ws_message_t *msg, ngx_str_t *data);
static ngx_int_t ngx_ws_message_record(ngx_ws_call_t *call,
    ngx_ws_message_t *msg, ngx_str_t *data, ngx_ws_redis_cmd_t *cmd);
static ngx_int_t ngx_ws_message_publish(ngx_ws_call_t *call,
    ngx_ws_message_t *msg, ngx_str_t *data, ngx_ws_redis_cmd_t *cmd);
static void ngx_ws_message_sent(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);


static const ngx_ws_message_kind_t  ngx_ws_message_kind_direct = {
    ngx_string("message:direct"),
    "senderId",
    ngx_string("pending")
};


static const ngx_ws_message_kind_t  ngx_ws_message_kind_group = {
    ngx_string("message:group"),
    "userId",
    ngx_string("delivered")
};


void
ngx_ws_message_direct(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_ws_message_t  *msg;

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_direct);
    if (msg == NULL) {
        return;
    }

    msg->target.kind = NGX_WS_NAME_PERSONAL;

    (void) ngx_ws_call_id(call, in, "recipientId", NGX_WS_FIELD_REQUIRED,
                          &msg->target.id);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_failed(call, call->error);
        return;
    }

    ngx_ws_user_find(call, msg->target.id, ngx_ws_message_recipient);
}


void
ngx_ws_message_group(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_str_t          channel;
    ngx_ws_message_t  *msg;

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_group);
    if (msg == NULL) {
        return;
    }

    (void) ngx_ws_call_name(call, in, "channel", NGX_WS_FIELD_REQUIRED,
                            &channel);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_failed(call, call->error);
        return;
    }

    if (ngx_ws_name_resolve(&channel, call->identity->user,
                            call->identity->tenant, &msg->target)
        != NGX_OK)
    {
        ngx_str_set(&call->message, "The channel is somebody else's.");
        ngx_ws_call_failed(call, NGX_WS_FORBIDDEN);
        return;
    }

    ngx_ws_message_id(call, NGX_OK);
}


/* NULL when the call has failed; what is wrong is in the call otherwise. */

static ngx_ws_message_t *
ngx_ws_message_create(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const ngx_ws_message_kind_t *kind)
{
    ngx_ws_message_t  *msg;

    msg = ngx_pcalloc(call->pool, sizeof(ngx_ws_message_t));
    if (msg == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return NULL;
    }

    call->state = msg;

    msg->kind = kind;

    if (ngx_ws_call_string(call, in, "message", NGX_WS_FIELD_REQUIRED,
                           NGX_WS_MESSAGE_UNITS, &msg->message)
        == NGX_OK
        && ngx_ws_json_utf16_len(&msg->message) > NGX_WS_MESSAGE_UNITS)
    {
        ngx_ws_call_add_invalid(call, "message",
                                "The %s field must not be greater than "
                                "5000 characters.");
    }

    (void) ngx_ws_call_string(call, in, "conversationId", 0, 255,
                              &msg->conversation);

    return msg;
}


static void
ngx_ws_message_recipient(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name)
{
    if (found != NGX_OK) {
        ngx_ws_call_failed(call, found == NGX_DECLINED ? NGX_WS_NOT_FOUND
                                                       : NGX_WS_UNAVAILABLE);
        return;
    }

    ngx_ws_message_id(call, NGX_OK);
}


static void
ngx_ws_message_id(void *data, ngx_int_t rc)
{
    ngx_ws_call_t *call = data;

    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc == NGX_OK) {
        rc = ngx_ws_id_next(call->worker->ids, 1, &msg->id, ngx_ws_message_id,
                            call);
        if (rc == NGX_AGAIN) {
            return;
        }
    }

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    ngx_ws_message_send(call);
}


/* Recorded and published in one transaction: Redis' order is everybody's. */

static void
ngx_ws_message_send(ngx_ws_call_t *call)
{
    ngx_str_t            data;
    ngx_ws_message_t    *msg;
    ngx_ws_redis_cmd_t   cmds[5];

    msg = call->state;
    msg->time = ngx_ws_worker_now();

    if (ngx_ws_message_data(call, msg, &data) != NGX_OK
        || ngx_ws_message_record(call, msg, &data, &cmds[0]) != NGX_OK
        || ngx_ws_message_publish(call, msg, &data, &cmds[1]) != NGX_OK
        || ngx_ws_typing_check(call, &msg->conversation, &cmds[2]) != NGX_OK
        || ngx_ws_typing_participants(call, &msg->conversation,
                                      msg->target.kind == NGX_WS_NAME_PERSONAL
                                      ? msg->target.id : call->identity->user,
                                      &cmds[3])
           != NGX_OK
        || ngx_ws_redis_multi(call->worker->redis, cmds,
                              msg->conversation.len ? 5 : 2,
                              ngx_ws_message_sent, call)
           == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_int_t
ngx_ws_message_data(ngx_ws_call_t *call, ngx_ws_message_t *msg,
    ngx_str_t *data)
{
    u_char              buf[NGX_WS_TIME_MS_LEN];
    ngx_int_t           rc;
    ngx_str_t           time;
    ngx_ws_json_out_t   out;

    time.len = NGX_WS_TIME_MS_LEN;
    time.data = buf;
    (void) ngx_ws_time_iso_ms(buf, msg->time);

    ngx_ws_json_out_init(&out, NGX_WS_MESSAGE_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, msg->kind->sender);
    ngx_ws_json_out_uint(&out, call->identity->user);
    ngx_ws_json_out_key(&out, "message");
    ngx_ws_json_out_string(&out, &msg->message);
    ngx_ws_json_out_key(&out, "conversationId");

    if (msg->conversation.len) {
        ngx_ws_json_out_string(&out, &msg->conversation);

    } else {
        ngx_ws_json_out_null(&out);
    }

    if (msg->kind == &ngx_ws_message_kind_group) {
        ngx_ws_json_out_key(&out, "channel");
        ngx_ws_json_out_string(&out, &msg->target.name);
    }

    ngx_ws_json_out_key(&out, "timestamp");
    ngx_ws_json_out_string(&out, &time);
    ngx_ws_json_out_key(&out, "messageId");
    ngx_ws_json_out_uint(&out, msg->id);
    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, call->pool, data);

    ngx_ws_json_out_free(&out);

    return rc;
}


static ngx_int_t
ngx_ws_message_record(ngx_ws_call_t *call, ngx_ws_message_t *msg,
    ngx_str_t *data, ngx_ws_redis_cmd_t *cmd)
{
    ngx_ws_record_event_t  ev;

    ev.id = msg->id;
    ev.tenant = call->identity->tenant;
    ev.user = call->identity->user;
    ngx_str_set(&ev.type, "message_sent");
    ev.event = msg->kind->event;
    ev.data = *data;
    ev.status = msg->kind->status;
    ev.time = msg->time;

    ev.channel.len = ngx_ws_name_record(NULL, &msg->target);
    ev.channel.data = ngx_pnalloc(call->pool, ev.channel.len);
    if (ev.channel.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_ws_name_record(ev.channel.data, &msg->target);

    return ngx_ws_record_event(call->worker, call->pool, &ev, cmd);
}


static ngx_int_t
ngx_ws_message_publish(ngx_ws_call_t *call, ngx_ws_message_t *msg,
    ngx_str_t *data, ngx_ws_redis_cmd_t *cmd)
{
    ngx_str_t            text;
    ngx_ws_bus_event_t   ev;
    ngx_ws_redis_key_t   key;

    ngx_ws_bus_key(call->worker, call->identity->tenant, &msg->target, &key);

    ngx_memzero(&ev, sizeof(ngx_ws_bus_event_t));
    ev.id = msg->id;
    ev.event = msg->kind->event;
    ev.data = *data;

    text = ngx_ws_bus_encode(call->pool, &ev);

    return ngx_ws_bus_publish(call->pool, &key.str, &text, cmd) ? NGX_OK
                                                                : NGX_ERROR;
}


static void
ngx_ws_message_sent(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t          error;
    ngx_uint_t         i;
    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, rc == NGX_DECLINED ? NGX_WS_UNAVAILABLE
                                                    : NGX_WS_MAYBE_TAKEN);
        return;
    }

    /* refused as a whole, or one of its commands */

    for (i = 0; i < ngx_ws_redis_reply_count(reply); i++) {
        if (ngx_ws_redis_reply_type(ngx_ws_redis_reply_element(reply, i))
            == NGX_WS_REDIS_ERROR)
        {
            reply = ngx_ws_redis_reply_element(reply, i);
            break;
        }
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

    call->result.data = ngx_pnalloc(call->pool, NGX_WS_MESSAGE_RESULT);
    if (call->result.data == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    call->result.len = ngx_sprintf(call->result.data,
                                   "{\"status\":\"ok\",\"messageId\":%uL}",
                                   msg->id)
                       - call->result.data;

    ngx_ws_call_done(call);
}
