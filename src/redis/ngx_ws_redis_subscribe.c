
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis_key.h>
#include <ngx_ws_redis_link.h>
#include <ngx_ws_redis_resp.h>
#include <ngx_ws_redis_subscribe.h>
#include <ngx_ws_redis_wait.h>
#include <ngx_ws_table.h>


/* channels in one command */
#define NGX_WS_REDIS_SUBSCRIBE_BATCH   512

/* how long a channel stays subscribed that nobody wants */
#define NGX_WS_REDIS_SUBSCRIBE_LINGER  5000


typedef enum {
    NGX_WS_REDIS_CHANNEL_UNSENT = 0,
    NGX_WS_REDIS_CHANNEL_SENT,
    NGX_WS_REDIS_CHANNEL_CONFIRMED
} ngx_ws_redis_channel_e;


/* there may be one for each socket: keep it small */

typedef struct {
    ngx_ws_table_node_t          node;
    ngx_queue_t                  queue;      /* unsent or lingering */

    ngx_ws_redis_wait_t         *waits;
    uint32_t                     left;       /* since when it lingers, ms */
    uint32_t                     wants;
    u_char                       state;      /* ngx_ws_redis_channel_e */
    u_char                       name[];
} ngx_ws_redis_channel_t;


struct ngx_ws_redis_subscriber_s {
    ngx_ws_redis_link_t            link;

    const ngx_ws_redis_handler_t  *handler;
    void                          *data;

    ngx_ws_table_t                 channels;

    ngx_queue_t                    unsent;
    ngx_queue_t                    lingering;
    ngx_event_t                    post;
    ngx_event_t                    timer;

    ngx_ws_redis_waits_t           waits;

    /* what a new link must confirm before it is as good as the old one */
    ngx_uint_t                     restoring;

    unsigned                       up:1;
};


static void ngx_ws_redis_subscribe_opened(void *data);
static void ngx_ws_redis_subscribe_idle(void *data);
static void ngx_ws_redis_subscribe_closed(void *data);
static void ngx_ws_redis_subscribe_destroyed(void *data);

static ngx_ws_redis_channel_t *ngx_ws_redis_subscribe_find(
    ngx_ws_redis_subscriber_t *sub, ngx_str_t *name);
static ngx_ws_redis_channel_t *ngx_ws_redis_subscribe_create_channel(
    ngx_ws_redis_subscriber_t *sub, ngx_str_t *name);
static void ngx_ws_redis_subscribe_free_channel(
    ngx_ws_redis_subscriber_t *sub, ngx_ws_redis_channel_t *ch);

static void ngx_ws_redis_subscribe_post_handler(ngx_event_t *ev);
static void ngx_ws_redis_subscribe_linger_handler(ngx_event_t *ev);

static ngx_int_t ngx_ws_redis_subscribe_heartbeat(
    ngx_ws_redis_subscriber_t *sub);
static ngx_uint_t ngx_ws_redis_subscribe_send_unsent(
    ngx_ws_redis_subscriber_t *sub);
static ngx_uint_t ngx_ws_redis_subscribe_send_left(
    ngx_ws_redis_subscriber_t *sub);
static ngx_int_t ngx_ws_redis_subscribe_send(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *argv, ngx_uint_t argc);

static void ngx_ws_redis_subscribe_answer(void *data, void *reply);
static void ngx_ws_redis_subscribe_confirm(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *name);


static const ngx_ws_redis_link_handler_t  ngx_ws_redis_subscribe_link = {
    "subscriptions",
    NULL,
    ngx_ws_redis_subscribe_opened,
    ngx_ws_redis_subscribe_idle,
    ngx_ws_redis_subscribe_closed,
    ngx_ws_redis_subscribe_destroyed
};


ngx_ws_redis_subscriber_t *
ngx_ws_redis_subscribe_create(ngx_ws_redis_conf_t *conf,
    const ngx_ws_redis_handler_t *handler, void *data, ngx_log_t *log)
{
    ngx_ws_redis_subscriber_t  *sub;

    sub = ngx_calloc(sizeof(ngx_ws_redis_subscriber_t), log);
    if (sub == NULL) {
        return NULL;
    }

    sub->handler = handler;
    sub->data = data;

    if (ngx_ws_table_init(&sub->channels,
                          offsetof(ngx_ws_redis_channel_t, name), log)
        != NGX_OK)
    {
        ngx_free(sub);
        return NULL;
    }

    ngx_queue_init(&sub->unsent);
    ngx_queue_init(&sub->lingering);

    sub->post.handler = ngx_ws_redis_subscribe_post_handler;
    sub->post.data = sub;
    sub->post.log = log;

    sub->timer.handler = ngx_ws_redis_subscribe_linger_handler;
    sub->timer.data = sub;
    sub->timer.log = log;
    sub->timer.cancelable = 1;

    ngx_ws_redis_link_init(&sub->link, conf, &ngx_ws_redis_subscribe_link,
                           sub, log);
    ngx_ws_redis_wait_init(&sub->waits, &sub->link);

    return sub;
}


void
ngx_ws_redis_subscribe_destroy(ngx_ws_redis_subscriber_t *sub)
{
    ngx_ws_redis_link_destroy(&sub->link);
}


void
ngx_ws_redis_subscribe_demoted(ngx_ws_redis_subscriber_t *sub)
{
    ngx_ws_redis_link_demoted(&sub->link);
}


ngx_uint_t
ngx_ws_redis_subscribe_ready(ngx_ws_redis_subscriber_t *sub)
{
    return sub->up && ngx_ws_redis_link_ready(&sub->link);
}


ngx_int_t
ngx_ws_redis_subscribe_add(ngx_ws_redis_subscriber_t *sub, ngx_str_t *channel,
    ngx_ws_redis_subscribed_pt done, void *data)
{
    ngx_uint_t               confirmed;
    ngx_ws_redis_channel_t  *ch;

    ch = ngx_ws_redis_subscribe_find(sub, channel);

    if (ch == NULL) {
        ch = ngx_ws_redis_subscribe_create_channel(sub, channel);
        if (ch == NULL) {
            return NGX_ERROR;
        }
    }

    if (ch->wants++ == 0 && ch->state != NGX_WS_REDIS_CHANNEL_UNSENT) {
        ngx_queue_remove(&ch->queue);
    }

    if (done == NULL) {
        return NGX_OK;
    }

    confirmed = ngx_ws_redis_subscribe_confirmed(sub, channel);

    if (ngx_ws_redis_wait_add(&sub->waits, &ch->waits, confirmed, done, data)
        != NGX_OK)
    {
        ngx_ws_redis_subscribe_remove(sub, channel, data);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_ws_redis_subscribe_remove(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *channel, void *data)
{
    ngx_ws_redis_channel_t  *ch;

    ch = ngx_ws_redis_subscribe_find(sub, channel);

    if (ch == NULL || ch->wants == 0) {
        ngx_log_error(NGX_LOG_ALERT, sub->link.log, 0,
                      "redis channel \"%V\" is not wanted", channel);
        return;
    }

    ngx_ws_redis_wait_drop(&sub->waits, &ch->waits, data);

    if (--ch->wants) {
        return;
    }

    ngx_ws_redis_wait_drop_all(&sub->waits, &ch->waits);

    if (ch->state == NGX_WS_REDIS_CHANNEL_UNSENT) {
        ngx_ws_redis_subscribe_free_channel(sub, ch);
        return;
    }

    ch->left = (uint32_t) ngx_current_msec;
    ngx_queue_insert_tail(&sub->lingering, &ch->queue);

    if (!sub->timer.timer_set) {
        ngx_add_timer(&sub->timer, NGX_WS_REDIS_SUBSCRIBE_LINGER);
    }
}


ngx_uint_t
ngx_ws_redis_subscribe_confirmed(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *channel)
{
    ngx_ws_redis_channel_t  *ch;

    if (!ngx_ws_redis_link_ready(&sub->link)) {
        return 0;
    }

    ch = ngx_ws_redis_subscribe_find(sub, channel);

    return ch && ch->state == NGX_WS_REDIS_CHANNEL_CONFIRMED;
}


static void
ngx_ws_redis_subscribe_opened(void *data)
{
    ngx_ws_redis_subscriber_t *sub = data;

    /* hiredis would keep the name of each channel, too */

    sub->link.event.answer = ngx_ws_redis_subscribe_answer;

    /* answers come in order: what is asked for later is confirmed later */

    if (ngx_ws_redis_subscribe_heartbeat(sub) == NGX_OK) {
        sub->restoring = 1 + ngx_ws_redis_subscribe_send_unsent(sub);
    }
}


/* Redis answers a SUBSCRIBE each time; other commands can't be used here */

static void
ngx_ws_redis_subscribe_idle(void *data)
{
    (void) ngx_ws_redis_subscribe_heartbeat(data);
}


static void
ngx_ws_redis_subscribe_closed(void *data)
{
    ngx_ws_redis_subscriber_t *sub = data;

    ngx_uint_t               up;
    ngx_queue_t             *q;
    ngx_ws_table_node_t     *node;
    ngx_ws_redis_channel_t  *ch;

    while (!ngx_queue_empty(&sub->lingering)) {
        q = ngx_queue_head(&sub->lingering);
        ch = ngx_queue_data(q, ngx_ws_redis_channel_t, queue);
        ngx_ws_redis_subscribe_free_channel(sub, ch);
    }

    for (node = ngx_ws_table_next(&sub->channels, NULL);
         node;
         node = ngx_ws_table_next(&sub->channels, node))
    {
        ch = (ngx_ws_redis_channel_t *) node;

        if (ch->state != NGX_WS_REDIS_CHANNEL_UNSENT) {
            ch->state = NGX_WS_REDIS_CHANNEL_UNSENT;
            ngx_queue_insert_tail(&sub->unsent, &ch->queue);
        }
    }

    up = sub->up;

    sub->up = 0;
    sub->restoring = 0;

    if (up && sub->handler->subscriber_down) {
        sub->handler->subscriber_down(sub->data);
    }
}


static void
ngx_ws_redis_subscribe_destroyed(void *data)
{
    ngx_ws_redis_subscriber_t *sub = data;

    ngx_ws_table_node_t  *node;

    ngx_ws_redis_wait_cleanup(&sub->waits);

    for ( ;; ) {
        node = ngx_ws_table_next(&sub->channels, NULL);
        if (node == NULL) {
            break;
        }

        ngx_ws_table_delete(&sub->channels, node);
        ngx_free(node);
    }

    ngx_ws_table_cleanup(&sub->channels);

    if (sub->post.posted) {
        ngx_delete_posted_event(&sub->post);
    }

    if (sub->timer.timer_set) {
        ngx_del_timer(&sub->timer);
    }

    ngx_free(sub);
}


static ngx_ws_redis_channel_t *
ngx_ws_redis_subscribe_find(ngx_ws_redis_subscriber_t *sub, ngx_str_t *name)
{
    return (ngx_ws_redis_channel_t *) ngx_ws_table_find(&sub->channels, name);
}


static ngx_ws_redis_channel_t *
ngx_ws_redis_subscribe_create_channel(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *name)
{
    ngx_ws_redis_channel_t  *ch;

    ch = ngx_alloc(offsetof(ngx_ws_redis_channel_t, name) + name->len,
                   sub->link.log);
    if (ch == NULL) {
        return NULL;
    }

    ngx_memzero(ch, offsetof(ngx_ws_redis_channel_t, name));

    ngx_ws_table_insert(&sub->channels, &ch->node, name);
    ngx_queue_insert_tail(&sub->unsent, &ch->queue);
    ngx_post_event(&sub->post, &ngx_posted_next_events);

    return ch;
}


static void
ngx_ws_redis_subscribe_free_channel(ngx_ws_redis_subscriber_t *sub,
    ngx_ws_redis_channel_t *ch)
{
    ngx_queue_remove(&ch->queue);
    ngx_ws_table_delete(&sub->channels, &ch->node);
    ngx_free(ch);
}


static void
ngx_ws_redis_subscribe_post_handler(ngx_event_t *ev)
{
    ngx_ws_redis_subscriber_t *sub = ev->data;

    ngx_ws_redis_link_enter(&sub->link);

    (void) ngx_ws_redis_subscribe_send_unsent(sub);

    ngx_ws_redis_link_leave(&sub->link);
}


static void
ngx_ws_redis_subscribe_linger_handler(ngx_event_t *ev)
{
    ngx_ws_redis_subscriber_t *sub = ev->data;

    ngx_ws_redis_link_enter(&sub->link);

    while (ngx_ws_redis_subscribe_send_left(sub)
           == NGX_WS_REDIS_SUBSCRIBE_BATCH)
    {
        /* void */
    }

    if (!ngx_queue_empty(&sub->lingering)) {
        ngx_add_timer(ev, 1000);
    }

    ngx_ws_redis_link_leave(&sub->link);
}


/* asks for an answer, whatever else is subscribed */

static ngx_int_t
ngx_ws_redis_subscribe_heartbeat(ngx_ws_redis_subscriber_t *sub)
{
    ngx_str_t           argv[2];
    ngx_ws_redis_key_t  key;

    ngx_str_set(&argv[0], "SUBSCRIBE");
    argv[1] = *ngx_ws_redis_key(&key, &sub->link.conf->prefix,
                                NGX_WS_REDIS_KEY_HEARTBEAT, 0, 0, NULL);

    if (ngx_ws_redis_subscribe_send(sub, argv, 2) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_ws_redis_link_sent(&sub->link, 1);

    return NGX_OK;
}


/* gives the number of channels asked for */

static ngx_uint_t
ngx_ws_redis_subscribe_send_unsent(ngx_ws_redis_subscriber_t *sub)
{
    ngx_str_t                argv[1 + NGX_WS_REDIS_SUBSCRIBE_BATCH];
    ngx_uint_t               i, n, sent;
    ngx_queue_t             *q;
    ngx_ws_redis_channel_t  *ch;

    ngx_str_set(&argv[0], "SUBSCRIBE");
    sent = 0;

    while (!ngx_queue_empty(&sub->unsent)) {

        n = 0;

        for (q = ngx_queue_head(&sub->unsent);
             q != ngx_queue_sentinel(&sub->unsent)
             && n < NGX_WS_REDIS_SUBSCRIBE_BATCH;
             q = ngx_queue_next(q))
        {
            ch = ngx_queue_data(q, ngx_ws_redis_channel_t, queue);
            argv[++n] = ngx_ws_table_name(&sub->channels, &ch->node);
        }

        if (ngx_ws_redis_subscribe_send(sub, argv, 1 + n) != NGX_OK) {
            break;
        }

        ngx_ws_redis_link_sent(&sub->link, n);
        sent += n;

        for (i = 0; i < n; i++) {
            q = ngx_queue_head(&sub->unsent);
            ngx_queue_remove(q);

            ch = ngx_queue_data(q, ngx_ws_redis_channel_t, queue);
            ch->state = NGX_WS_REDIS_CHANNEL_SENT;
        }
    }

    return sent;
}


/* gives the number of channels taken off the queue, at most a batch */

static ngx_uint_t
ngx_ws_redis_subscribe_send_left(ngx_ws_redis_subscriber_t *sub)
{
    ngx_str_t                argv[1 + NGX_WS_REDIS_SUBSCRIBE_BATCH];
    ngx_uint_t               i, n;
    ngx_queue_t             *q;
    ngx_ws_redis_channel_t  *ch;

    ngx_str_set(&argv[0], "UNSUBSCRIBE");
    n = 0;

    for (q = ngx_queue_head(&sub->lingering);
         q != ngx_queue_sentinel(&sub->lingering)
         && n < NGX_WS_REDIS_SUBSCRIBE_BATCH;
         q = ngx_queue_next(q))
    {
        ch = ngx_queue_data(q, ngx_ws_redis_channel_t, queue);

        /* an answer still under way would be taken for its successor's */

        if ((uint32_t) ngx_current_msec - ch->left
            < NGX_WS_REDIS_SUBSCRIBE_LINGER
            || ch->state != NGX_WS_REDIS_CHANNEL_CONFIRMED)
        {
            break;
        }

        argv[++n] = ngx_ws_table_name(&sub->channels, &ch->node);
    }

    if (n == 0 || ngx_ws_redis_subscribe_send(sub, argv, 1 + n) != NGX_OK) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        q = ngx_queue_head(&sub->lingering);
        ch = ngx_queue_data(q, ngx_ws_redis_channel_t, queue);
        ngx_ws_redis_subscribe_free_channel(sub, ch);
    }

    return n;
}


static ngx_int_t
ngx_ws_redis_subscribe_send(ngx_ws_redis_subscriber_t *sub, ngx_str_t *argv,
    ngx_uint_t argc)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (!ngx_ws_redis_link_ready(&sub->link)) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    text = ngx_ws_redis_resp_create(argv, argc, sub->link.log);

    if (text.data) {
        rc = ngx_ws_redis_event_send(&sub->link.event, &text);
        ngx_free(text.data);
    }

    if (rc != NGX_OK) {
        /* the next link asks for all anew */
        ngx_ws_redis_link_close(&sub->link, "no memory");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_ws_redis_subscribe_answer(void *data, void *reply)
{
    ngx_ws_redis_link_t *link = data;

    ngx_str_t                   kind, channel, payload;
    ngx_ws_redis_subscriber_t  *sub;

    sub = link->data;

    if (link->destroyed) {
        return;
    }

    ngx_ws_redis_link_heard(link);

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        kind = ngx_ws_redis_reply_string(reply);
        ngx_ws_redis_link_close(link, (char *) kind.data);
        return;
    }

    /* "message", "subscribe" or "unsubscribe": their lengths differ */

    kind = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 0));
    channel = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 1));

    if (kind.len == sizeof("message") - 1) {

        if (sub->handler->message) {
            payload = ngx_ws_redis_reply_string(
                                       ngx_ws_redis_reply_element(reply, 2));
            sub->handler->message(sub->data, &channel, &payload);
        }

        return;
    }

    if (kind.len == sizeof("subscribe") - 1) {
        ngx_ws_redis_subscribe_confirm(sub, &channel);
    }
}


static void
ngx_ws_redis_subscribe_confirm(ngx_ws_redis_subscriber_t *sub,
    ngx_str_t *name)
{
    ngx_ws_redis_channel_t  *ch;

    ngx_ws_redis_link_answered(&sub->link);

    ch = ngx_ws_redis_subscribe_find(sub, name);

    if (ch && ch->state == NGX_WS_REDIS_CHANNEL_SENT) {
        ch->state = NGX_WS_REDIS_CHANNEL_CONFIRMED;

        ngx_ws_redis_wait_confirm(&sub->waits, &ch->waits);
    }

    if (sub->restoring && --sub->restoring == 0 && !sub->link.destroyed) {
        sub->up = 1;
        ngx_ws_redis_link_settled(&sub->link);

        if (sub->handler->subscriber_up) {
            sub->handler->subscriber_up(sub->data);
        }
    }
}
