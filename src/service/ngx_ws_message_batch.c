
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_message_batch.h>
#include <ngx_ws_message_send.h>
#include <ngx_ws_redis.h>
#include <ngx_ws_redis_key.h>


/* in one script, unless a message alone is more */
#define NGX_WS_MESSAGE_BATCH_TARGETS  100
#define NGX_WS_MESSAGE_BATCH_BYTES    131072

/* seconds that Redis knows a script that is sent again after a lost link */
#define NGX_WS_MESSAGE_BATCH_AGAIN    "20"

/* ahead of those of the messages */
#define NGX_WS_MESSAGE_BATCH_KEYS     4
#define NGX_WS_MESSAGE_BATCH_ARGS     1


struct ngx_ws_message_batch_s {
    ngx_ws_worker_t        *worker;
    ngx_ws_call_t          *first;
    ngx_ws_call_t          *last;
    ngx_uint_t              nkeys;
    ngx_uint_t              nargs;
    ngx_uint_t              ntargets;
    size_t                  bytes;
    ngx_event_t             post;
};


static ngx_int_t ngx_ws_message_batch_send(ngx_ws_message_batch_t *batch);
static void ngx_ws_message_batch_post_handler(ngx_event_t *ev);
static void ngx_ws_message_batch_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_message_batch_clear(ngx_ws_message_batch_t *batch);


ngx_ws_message_batch_t *
ngx_ws_message_batch_create(ngx_ws_worker_t *w)
{
    ngx_ws_message_batch_t  *batch;

    batch = ngx_calloc(sizeof(ngx_ws_message_batch_t), w->log);
    if (batch == NULL) {
        return NULL;
    }

    batch->worker = w;
    batch->post.handler = ngx_ws_message_batch_post_handler;
    batch->post.data = batch;
    batch->post.log = w->log;

    ngx_ws_message_batch_clear(batch);

    return batch;
}


void
ngx_ws_message_batch_destroy(ngx_ws_message_batch_t *batch)
{
    batch->worker->batch = NULL;

    (void) ngx_ws_message_batch_send(batch);

    if (batch->post.posted) {
        ngx_delete_posted_event(&batch->post);
    }

    ngx_free(batch);
}


void
ngx_ws_message_batch_add(ngx_ws_message_batch_t *batch, ngx_ws_call_t *call)
{
    ngx_ws_message_t  *last, *msg;

    msg = call->state;

    if (batch->first
        && (batch->ntargets + msg->ntargets > NGX_WS_MESSAGE_BATCH_TARGETS
            || batch->bytes + msg->size > NGX_WS_MESSAGE_BATCH_BYTES))
    {
        ngx_ws_message_batch_flush(batch);
    }

    if (batch->first == NULL) {
        batch->first = call;

    } else {
        last = batch->last->state;
        last->next = call;
    }

    batch->last = call;
    batch->nkeys += msg->nkeys;
    batch->nargs += msg->nargs;
    batch->ntargets += msg->ntargets;
    batch->bytes += msg->size;

    ngx_post_event(&batch->post, &ngx_posted_events);
}


void
ngx_ws_message_batch_flush(ngx_ws_message_batch_t *batch)
{
    /* without memory they wait for the event, which may call somebody */

    (void) ngx_ws_message_batch_send(batch);
}


static ngx_int_t
ngx_ws_message_batch_send(ngx_ws_message_batch_t *batch)
{
    ngx_str_t           *args, *keys, *nextarg, *nextkey, *prefix;
    ngx_ws_call_t       *call, *first;
    ngx_ws_message_t    *msg;
    ngx_ws_redis_op_t   *op;
    ngx_ws_redis_key_t   again, events, flight, texts;

    first = batch->first;

    if (first == NULL) {
        return NGX_OK;
    }

    keys = ngx_alloc((batch->nkeys + batch->nargs) * sizeof(ngx_str_t),
                     batch->worker->log);
    if (keys == NULL) {
        return NGX_ERROR;
    }

    args = keys + batch->nkeys;
    msg = first->state;

    prefix = &batch->worker->conf->redis.prefix;

    keys[0] = *ngx_ws_redis_key(&events, prefix, NGX_WS_REDIS_KEY_EVENTS,
                                0, 0, NULL);
    keys[1] = *ngx_ws_redis_key(&again, prefix, NGX_WS_REDIS_KEY_SENT,
                                0, msg->id, NULL);
    keys[2] = *ngx_ws_redis_key(&flight, prefix, NGX_WS_REDIS_KEY_FLIGHT,
                                0, 0, NULL);
    keys[3] = *ngx_ws_redis_key(&texts, prefix, NGX_WS_REDIS_KEY_FLIGHT_TEXT,
                                0, 0, NULL);
    nextkey = &keys[NGX_WS_MESSAGE_BATCH_KEYS];

    ngx_str_set(&args[0], NGX_WS_MESSAGE_BATCH_AGAIN);
    nextarg = &args[NGX_WS_MESSAGE_BATCH_ARGS];

    for (call = first; call; call = msg->next) {
        msg = call->state;

        ngx_memcpy(nextkey, msg->keys, msg->nkeys * sizeof(ngx_str_t));
        nextkey += msg->nkeys;

        ngx_memcpy(nextarg, msg->args, msg->nargs * sizeof(ngx_str_t));
        nextarg += msg->nargs;
    }

    /* the script is the command that is about to be started */

    batch->first = NULL;

    op = ngx_ws_redis_eval_again(batch->worker->redis,
                                 NGX_WS_REDIS_MESSAGE_SEND, keys,
                                 batch->nkeys, args, batch->nargs,
                                 ngx_ws_message_batch_done, first);
    ngx_free(keys);

    if (op == NULL) {
        batch->first = first;
        return NGX_ERROR;
    }

    ngx_ws_message_batch_clear(batch);

    return NGX_OK;
}


static void
ngx_ws_message_batch_post_handler(ngx_event_t *ev)
{
    ngx_ws_message_batch_t *batch = ev->data;

    ngx_ws_call_t  *first;

    if (ngx_ws_message_batch_send(batch) != NGX_OK) {
        first = batch->first;
        ngx_ws_message_batch_clear(batch);

        ngx_ws_message_batch_done(first, NGX_DECLINED, NULL);
    }
}


static void
ngx_ws_message_batch_done(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply)
{
    ngx_uint_t             i, each;
    ngx_ws_call_t         *call, *next;
    ngx_ws_message_t      *msg;
    ngx_ws_redis_reply_t  *element;

    i = 0;
    each = (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ARRAY);

    for (call = data; call; call = next) {
        msg = call->state;
        next = msg->next;
        element = each ? ngx_ws_redis_reply_element(reply, i++) : reply;

        ngx_ws_message_sent(call, rc, element);
    }
}


static void
ngx_ws_message_batch_clear(ngx_ws_message_batch_t *batch)
{
    batch->first = NULL;
    batch->last = NULL;
    batch->nkeys = NGX_WS_MESSAGE_BATCH_KEYS;
    batch->nargs = NGX_WS_MESSAGE_BATCH_ARGS;
    batch->ntargets = 0;
    batch->bytes = 0;
}
