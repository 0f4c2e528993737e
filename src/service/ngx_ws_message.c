
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_message.h>
#include <ngx_ws_message_send.h>
#include <ngx_ws_name.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_token.h>
#include <ngx_ws_user.h>


#define NGX_WS_MESSAGE_UNITS    5000     /* of UTF-16 */
#define NGX_WS_MESSAGE_TARGETS  1000


static ngx_ws_message_t *ngx_ws_message_create(ngx_ws_call_t *call,
    ngx_ws_json_t *in, const ngx_ws_message_kind_t *kind,
    ngx_uint_t ntargets);
static void ngx_ws_message_text(ngx_ws_call_t *call, ngx_ws_message_t *msg);
static void ngx_ws_message_channel(ngx_ws_call_t *call,
    ngx_ws_message_t *msg, ngx_str_t *channel);
static ngx_uint_t ngx_ws_message_able(ngx_ws_call_t *call,
    ngx_uint_t ability);
static void ngx_ws_message_recipients(ngx_ws_call_t *call,
    ngx_ws_message_t *msg);
static void ngx_ws_message_find(ngx_ws_call_t *call);
static void ngx_ws_message_found(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);
static void ngx_ws_message_receipt(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);

static void ngx_ws_message_write_text(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_message_write_group(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_message_write_broadcast(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_message_write_notification(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_message_write_delivered(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out);
static void ngx_ws_message_write_field(ngx_ws_json_out_t *out,
    ngx_ws_json_t *in, const char *field);


static const ngx_ws_message_kind_t  ngx_ws_message_kind_direct = {
    ngx_string("message:direct"), ngx_string("message_sent"), "senderId",
    ngx_ws_message_write_text, 1, 1, 1, 0
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_group = {
    ngx_string("message:group"), ngx_string("message_sent"), "userId",
    ngx_ws_message_write_group, 0, 0, 1, 0
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_broadcast = {
    ngx_string("broadcast:message"), ngx_string("broadcast_message"),
    "senderId", ngx_ws_message_write_broadcast, 0, 0, 1, 0
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_notification = {
    ngx_string("notification:received"), ngx_string("notification_received"),
    "senderId", ngx_ws_message_write_notification, 1, 1, 1, 1
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_delivered = {
    ngx_string("message:delivered"), ngx_string("message_delivered"),
    "userId", ngx_ws_message_write_delivered, 1, 0, 0, 0
};


void
ngx_ws_message_direct(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_ws_message_t  *msg;

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_direct, 1);
    if (msg == NULL) {
        return;
    }

    ngx_ws_message_text(call, msg);

    msg->targets->kind = NGX_WS_NAME_PERSONAL;

    (void) ngx_ws_call_id(call, in, "recipientId", NGX_WS_FIELD_REQUIRED,
                          &msg->targets->id);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_ws_message_find(call);
}


void
ngx_ws_message_group(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_str_t          channel;
    ngx_ws_message_t  *msg;

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_group, 1);
    if (msg == NULL) {
        return;
    }

    ngx_ws_message_text(call, msg);

    (void) ngx_ws_call_name(call, in, "channel", NGX_WS_FIELD_REQUIRED,
                            &channel);

    ngx_ws_message_channel(call, msg, &channel);
}


void
ngx_ws_message_broadcast(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_str_t          channel, type;
    ngx_ws_message_t  *msg;

    if (!ngx_ws_message_able(call, NGX_WS_TOKEN_ABILITY_BROADCAST)) {
        return;
    }

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_broadcast, 1);
    if (msg == NULL) {
        return;
    }

    ngx_ws_message_text(call, msg);

    (void) ngx_ws_call_string(call, in, "messageType", 0, 50, &type);

    if (ngx_ws_call_name(call, in, "channel", 0, &channel) != NGX_OK) {
        ngx_str_set(&channel, "broadcast");
    }

    ngx_ws_message_channel(call, msg, &channel);
}


void
ngx_ws_message_notification(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_str_t          s;
    ngx_ws_message_t  *msg;

    if (!ngx_ws_message_able(call, NGX_WS_TOKEN_ABILITY_NOTIFICATION)) {
        return;
    }

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_notification,
                                NGX_WS_MESSAGE_TARGETS);
    if (msg == NULL) {
        return;
    }

    (void) ngx_ws_call_string(call, in, "title", NGX_WS_FIELD_REQUIRED, 255,
                              &s);
    (void) ngx_ws_call_string(call, in, "body", NGX_WS_FIELD_REQUIRED,
                              NGX_WS_MESSAGE_UNITS, &s);
    (void) ngx_ws_call_string(call, in, "icon", 0, 2048, &s);
    (void) ngx_ws_call_string(call, in, "tag", 0, 255, &s);

    ngx_ws_message_recipients(call, msg);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_ws_message_find(call);
}


void
ngx_ws_message_delivered(ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    u_char              *p;
    ngx_str_t            argv[5];
    ngx_ws_message_t    *msg;
    ngx_ws_redis_key_t   inbox;

    msg = ngx_ws_message_create(call, in, &ngx_ws_message_kind_delivered, 1);
    if (msg == NULL) {
        return;
    }

    msg->targets->kind = NGX_WS_NAME_PERSONAL;

    (void) ngx_ws_call_id(call, in, "messageId", NGX_WS_FIELD_REQUIRED,
                          &msg->about);
    (void) ngx_ws_call_id(call, in, "senderId", NGX_WS_FIELD_REQUIRED,
                          &msg->targets->id);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    /* one receipt is enough */

    p = ngx_pnalloc(call->pool, 8 + 2 * NGX_INT64_LEN);
    if (p == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    msg->client_id.data = p;
    msg->client_id.len = ngx_sprintf(p, "receipt:%uL", msg->about) - p;

    p += msg->client_id.len;

    /* the latest are at the end */

    ngx_str_set(&argv[0], "LPOS");
    argv[1] = *ngx_ws_redis_key(&inbox, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_INBOX,
                                call->identity->tenant, call->identity->user,
                                NULL);
    argv[2].data = p;
    argv[2].len = ngx_sprintf(p, "%uL:%uL", msg->about, msg->targets->id) - p;
    ngx_str_set(&argv[3], "RANK");
    ngx_str_set(&argv[4], "-1");

    if (ngx_ws_redis_command(call->worker->redis, argv, 5,
                             ngx_ws_message_receipt, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_message_receipt(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    if (rc != NGX_OK
        || ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_NIL) {
        /* not a message to this user */
        ngx_ws_call_failed(call, NGX_WS_NOT_FOUND);
        return;
    }

    ngx_ws_message_send(call);
}


/* NULL when the call has failed; what is wrong is in the call otherwise. */

static ngx_ws_message_t *
ngx_ws_message_create(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const ngx_ws_message_kind_t *kind, ngx_uint_t ntargets)
{
    ngx_ws_message_t  *msg;

    msg = ngx_pcalloc(call->pool, sizeof(ngx_ws_message_t));

    if (msg) {
        msg->targets = ngx_pcalloc(call->pool,
                                   ntargets * sizeof(ngx_ws_name_t));
    }

    if (msg == NULL || msg->targets == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return NULL;
    }

    msg->kind = kind;
    msg->in = in;
    msg->ntargets = 1;
    call->state = msg;

    if (ngx_ws_call_name(call, in, "clientMessageId", 0, &msg->client_id)
        != NGX_OK)
    {
        ngx_str_null(&msg->client_id);
    }

    return msg;
}


static void
ngx_ws_message_text(ngx_ws_call_t *call, ngx_ws_message_t *msg)
{
    if (ngx_ws_call_string(call, msg->in, "message", NGX_WS_FIELD_REQUIRED,
                           NGX_WS_MESSAGE_UNITS, &msg->message)
        == NGX_OK
        && ngx_ws_json_utf16_len(&msg->message) > NGX_WS_MESSAGE_UNITS)
    {
        ngx_ws_call_add_invalid(call, "message",
                                "The %s field must not be greater than "
                                "5000 characters.");
    }

    if (ngx_ws_call_name(call, msg->in, "conversationId", 0,
                         &msg->conversation)
        != NGX_OK)
    {
        ngx_str_null(&msg->conversation);
    }
}


static void
ngx_ws_message_channel(ngx_ws_call_t *call, ngx_ws_message_t *msg,
    ngx_str_t *channel)
{
    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    if (ngx_ws_name_resolve(channel, call->identity->user,
                            call->identity->tenant, msg->targets)
        != NGX_OK)
    {
        ngx_str_set(&call->message, "The channel is somebody else's.");
        ngx_ws_call_failed(call, NGX_WS_FORBIDDEN);
        return;
    }

    ngx_ws_message_send(call);
}


/* 0 when the call has failed. */

static ngx_uint_t
ngx_ws_message_able(ngx_ws_call_t *call, ngx_uint_t ability)
{
    if (call->identity->abilities & (ability|NGX_WS_TOKEN_ABILITY_ALL)) {
        return 1;
    }

    ngx_str_set(&call->message, "The token lacks the ability.");
    ngx_ws_call_failed(call, NGX_WS_FORBIDDEN);

    return 0;
}


static void
ngx_ws_message_recipients(ngx_ws_call_t *call, ngx_ws_message_t *msg)
{
    uint64_t        id;
    ngx_uint_t      i, k, n;
    ngx_ws_json_t  *list;

    list = ngx_ws_json_get(msg->in, "recipientIds");
    msg->ntargets = 0;

    if (list == NULL) {
        ngx_ws_call_add_invalid(call, "recipientIds",
                                "The %s field is required.");
        return;
    }

    n = ngx_ws_json_array_n(list);

    if (n == 0 || n > NGX_WS_MESSAGE_TARGETS) {
        ngx_ws_call_add_invalid(call, "recipientIds",
                                n ? "The %s field must not have more than "
                                    "1000 items."
                                  : "The %s field must be an array with at "
                                    "least one item.");
        return;
    }

    for (i = 0; i < n; i++) {

        if (ngx_ws_json_id(ngx_ws_json_array_get(list, i), &id) != NGX_OK) {
            ngx_ws_call_add_invalid(call, "recipientIds",
                                    "The %s field must hold integers.");
            return;
        }

        for (k = 0; k < msg->ntargets; k++) {
            if (msg->targets[k].id == id) {
                break;
            }
        }

        if (k == msg->ntargets) {
            msg->targets[k].kind = NGX_WS_NAME_PERSONAL;
            msg->targets[k].id = id;
            msg->ntargets++;
        }
    }
}


/* Leaves those recipients that are of the tenant; one after the other. */

static void
ngx_ws_message_find(ngx_ws_call_t *call)
{
    ngx_uint_t         checked;
    ngx_ws_message_t  *msg;

    msg = call->state;

    while (msg->checked < msg->ntargets) {

        checked = msg->checked;
        msg->finding = 1;

        ngx_ws_user_find(call, msg->targets[checked].id,
                         ngx_ws_message_found);

        msg->finding = 0;

        if (msg->failed) {
            ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
            return;
        }

        if (msg->checked == checked) {
            /* MySQL is asked */
            return;
        }
    }

    msg->ntargets = msg->found;

    if (msg->found == 0) {
        ngx_ws_call_failed(call, NGX_WS_NOT_FOUND);
        return;
    }

    ngx_ws_message_send(call);
}


static void
ngx_ws_message_found(ngx_ws_call_t *call, ngx_int_t found, ngx_str_t *name)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    if (found == NGX_ERROR) {

        if (msg->finding) {
            msg->failed = 1;
            return;
        }

        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (found == NGX_OK) {
        msg->targets[msg->found++] = msg->targets[msg->checked];
    }

    msg->checked++;

    if (!msg->finding) {
        ngx_ws_message_find(call);
    }
}


static void
ngx_ws_message_write_text(ngx_ws_call_t *call, ngx_ws_json_out_t *out)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_json_out_key(out, "message");
    ngx_ws_json_out_string(out, &msg->message);
    ngx_ws_json_out_key(out, "conversationId");

    if (msg->conversation.len) {
        ngx_ws_json_out_string(out, &msg->conversation);

    } else {
        ngx_ws_json_out_null(out);
    }
}


static void
ngx_ws_message_write_group(ngx_ws_call_t *call, ngx_ws_json_out_t *out)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_message_write_text(call, out);
    ngx_ws_json_out_key(out, "channel");
    ngx_ws_json_out_string(out, &msg->targets->name);
}


static void
ngx_ws_message_write_broadcast(ngx_ws_call_t *call, ngx_ws_json_out_t *out)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_json_out_key(out, "message");
    ngx_ws_json_out_string(out, &msg->message);
    ngx_ws_message_write_field(out, msg->in, "messageType");
    ngx_ws_json_out_key(out, "channel");
    ngx_ws_json_out_string(out, &msg->targets->name);
}


static void
ngx_ws_message_write_notification(ngx_ws_call_t *call,
    ngx_ws_json_out_t *out)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_message_write_field(out, msg->in, "title");
    ngx_ws_message_write_field(out, msg->in, "body");
    ngx_ws_message_write_field(out, msg->in, "icon");
    ngx_ws_message_write_field(out, msg->in, "tag");
}


static void
ngx_ws_message_write_delivered(ngx_ws_call_t *call, ngx_ws_json_out_t *out)
{
    ngx_ws_message_t  *msg;

    msg = call->state;

    ngx_ws_json_out_key(out, "messageId");
    ngx_ws_json_out_uint(out, msg->about);
}


static void
ngx_ws_message_write_field(ngx_ws_json_out_t *out, ngx_ws_json_t *in,
    const char *field)
{
    ngx_str_t  s;

    ngx_ws_json_out_key(out, field);

    if (ngx_ws_json_string(ngx_ws_json_get(in, field), &s) == NGX_OK) {
        ngx_ws_json_out_string(out, &s);

    } else {
        ngx_ws_json_out_null(out);
    }
}
