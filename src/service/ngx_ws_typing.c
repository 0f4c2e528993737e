
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_id.h>
#include <ngx_ws_record.h>
#include <ngx_ws_registry.h>
#include <ngx_ws_sweep.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>
#include <ngx_ws_user.h>


#define NGX_WS_TYPING_TARGETS  102     /* participants, the channel */
#define NGX_WS_TYPING_JSON     8192
#define NGX_WS_TYPING_TEXT                                                    \
    (sizeof("typing ") + NGX_INT64_LEN + 1 + NGX_WS_NAME_LEN)


struct ngx_ws_typings_s {
    ngx_ws_sweep_t       sweep;
};


/* One change on its way, in the pool of its call. */

typedef struct {
    ngx_ws_typing_t     *typing;
    uint64_t             tenant;
    uint64_t             user;
    uint64_t             id;
    uint64_t             started;
    uint64_t             except;       /* number of the typing socket */
    ngx_uint_t           due;          /* only if it has expired */

    ngx_ws_registry_socket_t  find;    /* the typing socket, by REST */

    ngx_ws_redis_key_t   key;          /* typing of the conversation */
    ngx_ws_redis_key_t   all;
    ngx_ws_redis_key_t   conversation;
    ngx_ws_redis_key_t   to;           /* one channel; empty: all targets */
    ngx_str_t            member;       /* "tenant user conversation" */

    ngx_uint_t           ntargets;
    uint64_t             targets[NGX_WS_TYPING_TARGETS];
} ngx_ws_typing_op_t;


static void ngx_ws_typings_expire(ngx_ws_worker_t *w, uint64_t tenant,
    uint64_t user, ngx_str_t *conversation);
static void ngx_ws_typings_expired(ngx_ws_call_t *call);

static void ngx_ws_typing_linked(ngx_ws_call_t *call, ngx_str_t *owner);
static void ngx_ws_typing_change(ngx_ws_call_t *call);
static ngx_ws_typing_op_t *ngx_ws_typing_op(ngx_ws_call_t *call,
    ngx_ws_typing_t *typing, uint64_t tenant, uint64_t user);
static ngx_uint_t ngx_ws_typing_keys(ngx_ws_call_t *call, ngx_str_t *keys);
static void ngx_ws_typing_recipient(ngx_ws_call_t *call, ngx_int_t found,
    ngx_str_t *name);
static void ngx_ws_typing_begin(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_typing_note(ngx_ws_call_t *call,
    ngx_ws_typing_t *typing, ngx_str_t *note);
static void ngx_ws_typing_begun(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_typing_clear(ngx_ws_call_t *call);
static void ngx_ws_typing_cleared(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static ngx_int_t ngx_ws_typing_noted(ngx_ws_call_t *call, ngx_str_t *note);
static void ngx_ws_typing_targets(ngx_ws_typing_op_t *op,
    ngx_ws_redis_reply_t *reply, ngx_uint_t i);
static void ngx_ws_typing_tell(ngx_ws_call_t *call);
static void ngx_ws_typing_id(void *data, ngx_int_t rc, uint64_t id);
static void ngx_ws_typing_publish(ngx_ws_call_t *call);
static ngx_int_t ngx_ws_typing_event(ngx_ws_call_t *call, ngx_str_t *data);
static ngx_int_t ngx_ws_typing_record(ngx_ws_call_t *call, ngx_str_t *data,
    ngx_ws_redis_cmd_t *cmds, ngx_uint_t *n);
static void ngx_ws_typing_published(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_typing_done(ngx_ws_call_t *call);
static void ngx_ws_typing_failed(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);

static void ngx_ws_typing_ended(ngx_ws_call_t *call);


static const char  *ngx_ws_typing_types[] = {
    "direct", "group", "broadcast", NULL
};


ngx_ws_typings_t *
ngx_ws_typings_create(ngx_ws_worker_t *w)
{
    ngx_ws_typings_t  *typings;

    typings = ngx_alloc(sizeof(ngx_ws_typings_t), w->log);
    if (typings == NULL) {
        return NULL;
    }

    ngx_ws_sweep_init(&typings->sweep, w, "typing",
                      NGX_WS_REDIS_KEY_ALL_TYPING, ngx_ws_typings_expire);

    return typings;
}


void
ngx_ws_typings_destroy(ngx_ws_typings_t *typings)
{
    ngx_ws_sweep_cleanup(&typings->sweep);
    ngx_free(typings);
}


void
ngx_ws_typings_up(ngx_ws_typings_t *typings)
{
    ngx_ws_sweep_up(&typings->sweep);
}


void
ngx_ws_typings_down(ngx_ws_typings_t *typings)
{
    ngx_ws_sweep_down(&typings->sweep);
}


static void
ngx_ws_typings_expire(ngx_ws_worker_t *w, uint64_t tenant, uint64_t user,
    ngx_str_t *conversation)
{
    ngx_ws_call_t       *call;
    ngx_ws_typing_t     *typing;
    ngx_ws_typing_op_t  *op;

    call = ngx_ws_call_create(w, NULL, NULL, ngx_ws_typings_expired, NULL);
    if (call == NULL) {
        return;
    }

    typing = ngx_pcalloc(call->pool, sizeof(ngx_ws_typing_t));
    op = typing ? ngx_ws_typing_op(call, typing, tenant, user) : NULL;

    if (op) {
        typing->conversation.len = conversation->len;
        typing->conversation.data = ngx_pstrdup(call->pool, conversation);
    }

    if (op == NULL || typing->conversation.data == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    op->due = 1;

    ngx_ws_typing_clear(call);
}


static void
ngx_ws_typings_expired(ngx_ws_call_t *call)
{
    /* what failed is still due */
}


ngx_ws_typing_t *
ngx_ws_typing_create(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *conversation, const char *type, const char *is_typing)
{
    ngx_uint_t        i;
    ngx_ws_typing_t  *typing;

    typing = ngx_pcalloc(call->pool, sizeof(ngx_ws_typing_t));
    if (typing == NULL) {
        call->error = NGX_WS_INTERNAL;
        return NULL;
    }

    i = 0;

    (void) ngx_ws_call_name(call, in, conversation, NGX_WS_FIELD_REQUIRED,
                            &typing->conversation);
    (void) ngx_ws_call_choice(call, in, type, 0, ngx_ws_typing_types, &i);
    (void) ngx_ws_call_bool(call, in, is_typing, NGX_WS_FIELD_REQUIRED,
                            &typing->is_typing);

    typing->type.data = (u_char *) ngx_ws_typing_types[i];
    typing->type.len = ngx_strlen(ngx_ws_typing_types[i]);

    return typing;
}


void
ngx_ws_typing_set(ngx_ws_call_t *call, ngx_ws_typing_t *typing)
{
    ngx_ws_typing_op_t  *op;

    op = ngx_ws_typing_op(call, typing, call->identity->tenant,
                          call->identity->user);
    if (op == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    if (typing->connection_id.len) {
        op->find.call = call;
        op->find.connection_id = typing->connection_id;
        op->find.found = ngx_ws_typing_linked;

        ngx_ws_registry_socket(&op->find);
        return;
    }

    ngx_ws_typing_change(call);
}


/* The linked socket's worker gets to know: the typing ends with the socket. */

static void
ngx_ws_typing_linked(ngx_ws_call_t *call, ngx_str_t *owner)
{
    u_char               buf[NGX_WS_TYPING_TEXT];
    ngx_str_t            text;
    ngx_ws_typing_t     *typing;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    typing = op->typing;

    if (owner->len && typing->is_typing) {
        text.data = buf;
        text.len = ngx_sprintf(buf, "typing %uL %V", call->socket,
                               &typing->conversation)
                   - buf;

        ngx_ws_bus_control(call->worker, owner, &text);
    }

    ngx_ws_typing_change(call);
}


static void
ngx_ws_typing_change(ngx_ws_call_t *call)
{
    ngx_ws_typing_t     *typing;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    typing = op->typing;

    if (!typing->is_typing) {
        ngx_ws_typing_clear(call);
        return;
    }

    if (typing->recipient) {
        ngx_ws_user_find(call, typing->recipient, ngx_ws_typing_recipient);
        return;
    }

    ngx_ws_typing_begin(call);
}


static ngx_ws_typing_op_t *
ngx_ws_typing_op(ngx_ws_call_t *call, ngx_ws_typing_t *typing,
    uint64_t tenant, uint64_t user)
{
    ngx_ws_typing_op_t  *op;

    op = ngx_pcalloc(call->pool, sizeof(ngx_ws_typing_op_t));
    if (op == NULL) {
        return NULL;
    }

    op->typing = typing;
    op->tenant = tenant;
    op->user = user;

    call->state = op;

    return op;
}


/* Redis' names of what the change is about; 0 keys without memory. */

static ngx_uint_t
ngx_ws_typing_keys(ngx_ws_call_t *call, ngx_str_t *keys)
{
    ngx_str_t           *prefix, *name;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    prefix = &call->worker->conf->redis.prefix;
    name = &op->typing->conversation;

    keys[0] = *ngx_ws_redis_key(&op->key, prefix, NGX_WS_REDIS_KEY_TYPING,
                                op->tenant, 0, name);
    keys[1] = *ngx_ws_redis_key(&op->all, prefix,
                                NGX_WS_REDIS_KEY_ALL_TYPING, 0, 0, NULL);
    keys[2] = *ngx_ws_redis_key(&op->conversation, prefix,
                                NGX_WS_REDIS_KEY_CONVERSATION, op->tenant, 0,
                                name);

    op->member.data = ngx_pnalloc(call->pool, NGX_WS_SWEEP_MEMBER_LEN);
    if (op->member.data == NULL) {
        return 0;
    }

    op->member.len = ngx_ws_sweep_member(op->member.data, op->tenant,
                                         op->user, name)
                     - op->member.data;

    return 3;
}


static void
ngx_ws_typing_recipient(ngx_ws_call_t *call, ngx_int_t found, ngx_str_t *name)
{
    if (found != NGX_OK) {
        ngx_ws_call_failed(call, found == NGX_DECLINED ? NGX_WS_NOT_FOUND
                                                       : NGX_WS_UNAVAILABLE);
        return;
    }

    ngx_ws_typing_begin(call);
}


static void
ngx_ws_typing_begin(ngx_ws_call_t *call)
{
    u_char               user[NGX_INT64_LEN], ttl[NGX_INT64_LEN];
    ngx_str_t            args[4], keys[3];
    ngx_uint_t           n;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    n = ngx_ws_typing_keys(call, keys);

    args[0].data = user;
    args[0].len = ngx_sprintf(user, "%uL", op->user) - user;
    args[1] = op->member;
    args[2].data = ttl;
    args[2].len = ngx_sprintf(ttl, "%M", call->conf->typing_ttl) - ttl;

    if (n == 0
        || ngx_ws_typing_note(call, op->typing, &args[3]) != NGX_OK
        || ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_TYPING_SET,
                             keys, n, args, 4, ngx_ws_typing_begun, call)
           == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


/* What has to be known to list it, and to tell the same people of its end. */

static ngx_int_t
ngx_ws_typing_note(ngx_ws_call_t *call, ngx_ws_typing_t *typing,
    ngx_str_t *note)
{
    ngx_int_t           rc;
    ngx_ws_name_t       name;
    ngx_ws_json_out_t   out;
    ngx_ws_typing_op_t *op;

    op = call->state;
    op->to.str.len = 0;

    if (typing->channel.name.len) {
        ngx_ws_bus_key(call->worker, op->tenant, &typing->channel, &op->to);

    } else if (typing->recipient) {
        ngx_memzero(&name, sizeof(ngx_ws_name_t));
        name.kind = NGX_WS_NAME_PERSONAL;
        name.id = typing->recipient;
        ngx_ws_bus_key(call->worker, op->tenant, &name, &op->to);
    }

    ngx_ws_json_out_init(&out, NGX_WS_TYPING_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "name");
    ngx_ws_json_out_string(&out, &call->identity->name);
    ngx_ws_json_out_key(&out, "type");
    ngx_ws_json_out_string(&out, &typing->type);
    ngx_ws_json_out_key(&out, "to");
    ngx_ws_json_out_string(&out, &op->to.str);
    ngx_ws_json_out_key(&out, "socket");
    ngx_ws_json_out_uint(&out, call->socket);
    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, call->pool, note);

    ngx_ws_json_out_free(&out);

    return rc;
}


static void
ngx_ws_typing_begun(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_ws_typing_op_t  *op;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_typing_failed(call, rc, reply);
        return;
    }

    op = call->state;

    op->except = call->socket;
    op->typing->fresh = (ngx_uint_t) ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 0));
    op->started = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 1));
    op->typing->expires = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 2));

    ngx_ws_typing_targets(op, reply, 3);
    ngx_ws_typing_tell(call);
}


static void
ngx_ws_typing_clear(ngx_ws_call_t *call)
{
    u_char               user[NGX_INT64_LEN];
    ngx_str_t            args[3], keys[3];
    ngx_uint_t           n;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    n = ngx_ws_typing_keys(call, keys);

    args[0].data = user;
    args[0].len = ngx_sprintf(user, "%uL", op->user) - user;
    args[1] = op->member;
    args[2].data = (u_char *) (op->due ? "1" : "0");
    args[2].len = 1;

    if (n == 0
        || ngx_ws_redis_eval(call->worker->redis, NGX_WS_REDIS_TYPING_CLEAR,
                             keys, n, args, 3, ngx_ws_typing_cleared, call)
           == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static void
ngx_ws_typing_cleared(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    ngx_str_t            note;
    ngx_ws_typing_op_t  *op;

    if (rc == NGX_OK && ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_NIL) {
        /* it was not so */
        ngx_ws_typing_done(call);
        return;
    }

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_typing_failed(call, rc, reply);
        return;
    }

    op = call->state;

    op->typing->fresh = 1;
    op->started = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, 0));
    note = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 1));

    if (ngx_ws_typing_noted(call, &note) != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ngx_ws_typing_targets(op, reply, 2);
    ngx_ws_typing_tell(call);
}


static ngx_int_t
ngx_ws_typing_noted(ngx_ws_call_t *call, ngx_str_t *note)
{
    ngx_str_t            to, type;
    ngx_ws_json_t       *in;
    ngx_ws_error_e       error;
    ngx_ws_typing_op_t  *op;

    op = call->state;

    in = ngx_ws_json_parse(note->data, note->len, NGX_WS_JSON_DEPTH, &error);
    if (in == NULL) {
        return NGX_ERROR;
    }

    ngx_str_null(&to);
    ngx_str_null(&type);

    (void) ngx_ws_json_string(ngx_ws_json_get(in, "to"), &to);
    (void) ngx_ws_json_string(ngx_ws_json_get(in, "type"), &type);
    (void) ngx_ws_json_uint(ngx_ws_json_get(in, "socket"), 0,
                            (uint64_t) -1, &op->except);

    op->to.str.data = op->to.data;
    op->to.str.len = ngx_min(to.len, NGX_WS_REDIS_KEY_LEN);
    ngx_memcpy(op->to.data, to.data, op->to.str.len);

    op->typing->type.len = type.len;
    op->typing->type.data = ngx_pstrdup(call->pool, &type);

    ngx_ws_json_free(in);

    return op->typing->type.data ? NGX_OK : NGX_ERROR;
}


static void
ngx_ws_typing_targets(ngx_ws_typing_op_t *op, ngx_ws_redis_reply_t *reply,
    ngx_uint_t i)
{
    for ( /* void */ ; i < ngx_ws_redis_reply_count(reply); i++) {

        if (op->ntargets == NGX_WS_TYPING_TARGETS) {
            break;
        }

        op->targets[op->ntargets++] = ngx_ws_redis_reply_integer(
                                       ngx_ws_redis_reply_element(reply, i));
    }
}


/* Beginning and end are events of the record; to go on is none. */

static void
ngx_ws_typing_tell(ngx_ws_call_t *call)
{
    ngx_ws_typing_op_t  *op;

    op = call->state;

    if (op->typing->fresh) {
        ngx_ws_id_next(call->worker->ids, 1, ngx_ws_typing_id, call);

    } else {
        ngx_ws_typing_publish(call);
    }
}


static void
ngx_ws_typing_id(void *data, ngx_int_t rc, uint64_t id)
{
    ngx_ws_call_t *call = data;

    ngx_ws_typing_op_t  *op;

    if (rc != NGX_OK) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    op = call->state;
    op->id = id;

    ngx_ws_typing_publish(call);
}


static void
ngx_ws_typing_publish(ngx_ws_call_t *call)
{
    ngx_str_t            data, text;
    ngx_uint_t           i, n;
    ngx_ws_name_t        name;
    ngx_ws_bus_event_t   ev;
    ngx_ws_redis_cmd_t  *cmds;
    ngx_ws_typing_op_t  *op;

    op = call->state;
    n = 0;

    cmds = ngx_palloc(call->pool, (NGX_WS_TYPING_TARGETS + 3)
                                  * sizeof(ngx_ws_redis_cmd_t));

    if (cmds == NULL
        || ngx_ws_typing_event(call, &data) != NGX_OK
        || ngx_ws_typing_record(call, &data, cmds, &n) != NGX_OK)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    ngx_memzero(&ev, sizeof(ngx_ws_bus_event_t));
    ev.except = op->except;
    ngx_str_set(&ev.event, "user:typing");
    ev.data = data;

    text = ngx_ws_bus_encode(call->pool, &ev);

    if (op->to.str.len) {
        n += ngx_ws_bus_publish(call->pool, &op->to.str, &text, &cmds[n]);

    } else {
        name.kind = NGX_WS_NAME_PLAIN;
        name.id = 0;
        name.name = op->typing->conversation;
        ngx_ws_bus_key(call->worker, op->tenant, &name, &op->to);
        n += ngx_ws_bus_publish(call->pool, &op->to.str, &text, &cmds[n]);

        for (i = 0; i < op->ntargets; i++) {
            name.kind = NGX_WS_NAME_PERSONAL;
            name.id = op->targets[i];
            ngx_ws_bus_key(call->worker, op->tenant, &name, &op->to);
            n += ngx_ws_bus_publish(call->pool, &op->to.str, &text, &cmds[n]);
        }
    }

    if (ngx_ws_redis_multi(call->worker->redis, cmds, n,
                           ngx_ws_typing_published, call)
        == NULL)
    {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }
}


static ngx_int_t
ngx_ws_typing_event(ngx_ws_call_t *call, ngx_str_t *data)
{
    u_char               buf[NGX_WS_TIME_MS_LEN];
    ngx_int_t            rc;
    ngx_str_t            time;
    ngx_ws_json_out_t    out;
    ngx_ws_typing_op_t  *op;

    op = call->state;

    time.len = NGX_WS_TIME_MS_LEN;
    time.data = buf;
    (void) ngx_ws_time_iso_ms(buf, ngx_ws_worker_now());

    ngx_ws_json_out_init(&out, NGX_WS_TYPING_JSON);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "userId");
    ngx_ws_json_out_uint(&out, op->user);
    ngx_ws_json_out_key(&out, "isTyping");
    ngx_ws_json_out_bool(&out, op->typing->is_typing);
    ngx_ws_json_out_key(&out, "conversationId");
    ngx_ws_json_out_string(&out, &op->typing->conversation);
    ngx_ws_json_out_key(&out, "timestamp");
    ngx_ws_json_out_string(&out, &time);
    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, call->pool, data);

    ngx_ws_json_out_free(&out);

    return rc;
}


static ngx_int_t
ngx_ws_typing_record(ngx_ws_call_t *call, ngx_str_t *data,
    ngx_ws_redis_cmd_t *cmds, ngx_uint_t *n)
{
    ngx_ws_typing_t        *typing;
    ngx_ws_typing_op_t     *op;
    ngx_ws_record_event_t   ev;

    op = call->state;
    typing = op->typing;

    if (ngx_ws_record_typing(call->worker, call->pool, op->tenant, op->user,
                             &typing->conversation, &typing->type,
                             op->started, typing->expires, &cmds[(*n)++])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!typing->fresh) {
        return NGX_OK;
    }

    ev.id = op->id;
    ev.tenant = op->tenant;
    ev.user = op->user;
    ngx_str_set(&ev.type, "typing");
    ev.channel = typing->conversation;
    ngx_str_set(&ev.status, "delivered");
    ev.time = ngx_ws_worker_now();

    ngx_str_set(&ev.event, "user:typing");
    ev.data = *data;

    return ngx_ws_record_event(call->worker, call->pool, &ev, &cmds[(*n)++]);
}


static void
ngx_ws_typing_published(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_call_t *call = data;

    if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_ARRAY) {
        ngx_ws_typing_failed(call, rc, reply);
        return;
    }

    ngx_ws_typing_done(call);
}


static void
ngx_ws_typing_done(ngx_ws_call_t *call)
{
    ngx_ws_typing_op_t  *op;

    op = call->state;

    if (op->typing->answer) {
        op->typing->answer(call, op->typing);
    }

    ngx_ws_call_done(call);
}


static void
ngx_ws_typing_failed(ngx_ws_call_t *call, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_str_t  error;

    if (rc == NGX_OK) {
        error = ngx_ws_redis_reply_string(reply);

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "redis refused a change of typing: \"%V\"", &error);
    }

    ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
}


void
ngx_ws_typing_end(ngx_ws_worker_t *w, ngx_ws_identity_t *id,
    uint64_t socket, ngx_str_t *conversation)
{
    ngx_ws_call_t    *call;
    ngx_ws_typing_t  *typing;

    call = ngx_ws_call_create(w, id, NULL, ngx_ws_typing_ended, NULL);
    if (call == NULL) {
        return;
    }

    typing = ngx_pcalloc(call->pool, sizeof(ngx_ws_typing_t));

    if (typing) {
        typing->conversation.len = conversation->len;
        typing->conversation.data = ngx_pstrdup(call->pool, conversation);
    }

    if (typing == NULL || typing->conversation.data == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    call->socket = socket;

    ngx_ws_typing_set(call, typing);
}


static void
ngx_ws_typing_ended(ngx_ws_call_t *call)
{
    /* what failed expires */
}
