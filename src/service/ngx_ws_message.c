
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_id.h>
#include <ngx_ws_message.h>
#include <ngx_ws_name.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_time.h>
#include <ngx_ws_token.h>
#include <ngx_ws_typing.h>
#include <ngx_ws_user.h>


#define NGX_WS_MESSAGE_UNITS    5000     /* of UTF-16 */
#define NGX_WS_MESSAGE_JSON     131072   /* a message escaped at its worst */
#define NGX_WS_MESSAGE_TARGETS  1000
#define NGX_WS_MESSAGE_KEYS     4        /* and three for each target */
#define NGX_WS_MESSAGE_ARGS     10       /* and two for each target */


/* What tells one kind of message from another. */

typedef struct {
    ngx_str_t                     event;
    ngx_str_t                     type;          /* in the record */
    const char                   *sender;        /* name of its field */

    /* writes the kind's own fields */
    void                        (*write)(ngx_ws_call_t *call,
                                         ngx_ws_json_out_t *out);

    unsigned                      kept:1;        /* until somebody has it */
    unsigned                      receipts:1;
    unsigned                      id:1;          /* is in the data */
} ngx_ws_message_kind_t;


/* One message on its way: in the call's pool, the fields in the document. */

typedef struct {
    const ngx_ws_message_kind_t  *kind;
    ngx_ws_json_t                *in;

    ngx_ws_name_t                *targets;
    ngx_uint_t                    ntargets;
    ngx_uint_t                    checked;       /* of them */
    ngx_uint_t                    found;

    ngx_str_t                     message;
    ngx_str_t                     conversation;
    ngx_str_t                     client_id;
    uint64_t                      about;         /* of a receipt */
    uint64_t                      id;            /* of the first target's */
    uint64_t                      time;

    unsigned                      finding:1;
    unsigned                      failed:1;
} ngx_ws_message_t;


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
static void ngx_ws_message_id(void *data, ngx_int_t rc);
static ngx_int_t ngx_ws_message_send(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_message_data(ngx_ws_call_t *call, ngx_str_t *head,
    ngx_str_t *tail);
static ngx_int_t ngx_ws_message_keys(ngx_ws_call_t *call, ngx_str_t *keys);
static ngx_int_t ngx_ws_message_key(ngx_ws_call_t *call, ngx_str_t *str,
    ngx_ws_redis_key_e kind, uint64_t user, ngx_str_t *name);
static ngx_int_t ngx_ws_message_args(ngx_ws_call_t *call, ngx_str_t *args);
static void ngx_ws_message_sent(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_message_result(ngx_ws_call_t *call, uint64_t id,
    uint64_t n);

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
    ngx_ws_message_write_text, 1, 1, 1
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_group = {
    ngx_string("message:group"), ngx_string("message_sent"), "userId",
    ngx_ws_message_write_group, 0, 0, 1
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_broadcast = {
    ngx_string("broadcast:message"), ngx_string("broadcast_message"),
    "senderId", ngx_ws_message_write_broadcast, 0, 0, 1
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_notification = {
    ngx_string("notification:received"), ngx_string("notification_received"),
    "senderId", ngx_ws_message_write_notification, 1, 1, 1
};

static const ngx_ws_message_kind_t  ngx_ws_message_kind_delivered = {
    ngx_string("message:delivered"), ngx_string("message_delivered"),
    "userId", ngx_ws_message_write_delivered, 1, 0, 0
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
    ngx_str_t            argv[3];
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

    ngx_str_set(&argv[0], "ZSCORE");
    argv[1] = *ngx_ws_redis_key(&inbox, &call->worker->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_INBOX,
                                call->identity->tenant, call->identity->user,
                                NULL);
    argv[2].data = p;
    argv[2].len = ngx_sprintf(p, "%uL:%uL", msg->about, msg->targets->id) - p;

    if (ngx_ws_redis_command(call->worker->redis, argv, 3,
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

    ngx_ws_message_id(call, NGX_OK);
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

    ngx_ws_message_id(call, NGX_OK);
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

    ngx_ws_message_id(call, NGX_OK);
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
ngx_ws_message_id(void *data, ngx_int_t rc)
{
    ngx_ws_call_t *call = data;

    ngx_ws_message_t  *msg;

    msg = call->state;

    if (rc == NGX_OK) {
        rc = ngx_ws_id_next(call->worker->ids, msg->ntargets, &msg->id,
                            ngx_ws_message_id, call);
        if (rc == NGX_AGAIN) {
            return;
        }
    }

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_ws_message_send(call) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_int_t
ngx_ws_message_send(ngx_ws_call_t *call)
{
    ngx_str_t         *args, *keys;
    ngx_uint_t         nargs, nkeys;
    ngx_ws_message_t  *msg;

    msg = call->state;
    msg->time = ngx_ws_worker_now();

    nkeys = NGX_WS_MESSAGE_KEYS + 3 * msg->ntargets;
    nargs = NGX_WS_MESSAGE_ARGS + 2 * msg->ntargets;

    keys = ngx_palloc(call->pool, nkeys * sizeof(ngx_str_t));
    args = ngx_palloc(call->pool, nargs * sizeof(ngx_str_t));

    if (keys == NULL || args == NULL
        || ngx_ws_message_keys(call, keys) != NGX_OK
        || ngx_ws_message_args(call, args) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_MESSAGE_SEND,
                             keys, nkeys, args, nargs, ngx_ws_message_sent,
                             call)
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_message_keys(ngx_ws_call_t *call, ngx_str_t *keys)
{
    ngx_uint_t          i;
    ngx_ws_name_t      *target;
    ngx_ws_message_t   *msg;
    ngx_ws_redis_key_t  key;

    msg = call->state;

    if (ngx_ws_message_key(call, &keys[0], NGX_WS_REDIS_KEY_EVENTS, 0, NULL)
        != NGX_OK
        || ngx_ws_message_key(call, &keys[1], NGX_WS_REDIS_KEY_DEDUP,
                              call->identity->user, &msg->client_id)
           != NGX_OK
        || ngx_ws_message_key(call, &keys[2], NGX_WS_REDIS_KEY_TYPING, 0,
                              &msg->conversation)
           != NGX_OK
        || ngx_ws_message_key(call, &keys[3], NGX_WS_REDIS_KEY_CONVERSATION,
                              0, &msg->conversation)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    keys += NGX_WS_MESSAGE_KEYS;

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
            && ngx_ws_message_key(call, &keys[1], NGX_WS_REDIS_KEY_PENDING,
                                  target->id, NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (msg->kind->receipts
            && ngx_ws_message_key(call, &keys[2], NGX_WS_REDIS_KEY_INBOX,
                                  target->id, NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        keys += 3;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_message_key(ngx_ws_call_t *call, ngx_str_t *str,
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
ngx_ws_message_args(ngx_ws_call_t *call, ngx_str_t *args)
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

    if (ngx_ws_message_data(call, &args[6], &args[7]) != NGX_OK) {
        return NGX_ERROR;
    }

    args[8].len = 1;
    args[8].data = (u_char *) (msg->client_id.len ? "1" : "0");
    args[9].len = 1;
    args[9].data = (u_char *) (msg->conversation.len ? "1" : "0");

    args += NGX_WS_MESSAGE_ARGS;

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
ngx_ws_message_data(ngx_ws_call_t *call, ngx_str_t *head, ngx_str_t *tail)
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

    ngx_ws_json_out_init(&out, NGX_WS_MESSAGE_JSON);

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
ngx_ws_message_sent(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
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

    if (ngx_ws_message_result(call,
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
ngx_ws_message_result(ngx_ws_call_t *call, uint64_t id, uint64_t n)
{
    uint64_t            i;
    ngx_int_t           rc;
    ngx_ws_message_t   *msg;
    ngx_ws_json_out_t   out;

    msg = call->state;

    ngx_ws_json_out_init(&out, NGX_WS_MESSAGE_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_text(&out, "ok");

    if (n == 1 && msg->kind->id) {
        ngx_ws_json_out_key(&out, "messageId");
        ngx_ws_json_out_uint(&out, id);
    }

    if (msg->kind == &ngx_ws_message_kind_notification) {
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
