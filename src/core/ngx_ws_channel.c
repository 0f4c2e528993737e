
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_channel.h>


/*
 * Iterations that are under way, innermost first: whoever removes the
 * subscription or channel an iteration stands at moves it on.
 */

typedef struct ngx_ws_channel_iterator_s  ngx_ws_channel_iterator_t;

struct ngx_ws_channel_iterator_s {
    ngx_ws_channel_iterator_t        *outer;
    ngx_ws_channel_t                 *channel;
    ngx_queue_t                      *next;
};


struct ngx_ws_channels_s {
    ngx_ws_table_t                    table;
    ngx_uint_t                        count;
    ngx_ws_channel_iterator_t        *iterator;
    const ngx_ws_channels_handler_t  *handler;
    void                             *data;
    ngx_log_t                        *log;
};


static ngx_ws_channel_t *ngx_ws_channel_create(ngx_ws_channels_t *chs,
    ngx_str_t *name);
static void ngx_ws_channel_remove(ngx_ws_channels_t *chs,
    ngx_ws_subscription_t *sub);


ngx_ws_channels_t *
ngx_ws_channels_create(const ngx_ws_channels_handler_t *handler, void *data,
    ngx_log_t *log)
{
    ngx_ws_channels_t  *chs;

    chs = ngx_calloc(sizeof(ngx_ws_channels_t), log);
    if (chs == NULL) {
        return NULL;
    }

    if (ngx_ws_table_init(&chs->table, offsetof(ngx_ws_channel_t, name), log)
        != NGX_OK)
    {
        ngx_free(chs);
        return NULL;
    }

    chs->handler = handler;
    chs->data = data;
    chs->log = log;

    return chs;
}


void
ngx_ws_channels_destroy(ngx_ws_channels_t *chs)
{
    ngx_ws_table_cleanup(&chs->table);
    ngx_free(chs);
}


ngx_ws_channel_t *
ngx_ws_channel_find(ngx_ws_channels_t *chs, ngx_str_t *name)
{
    return (ngx_ws_channel_t *) ngx_ws_table_find(&chs->table, name);
}


ngx_str_t
ngx_ws_channel_name(ngx_ws_channel_t *ch)
{
    ngx_str_t  name;

    name.len = ch->node.len;
    name.data = ch->name;

    return name;
}


ngx_int_t
ngx_ws_channel_join(ngx_ws_channels_t *chs, ngx_str_t *name,
    ngx_ws_subscription_t **list, void *subscriber)
{
    ngx_ws_channel_t       *ch;
    ngx_ws_subscription_t  *sub;

    ch = ngx_ws_channel_find(chs, name);

    if (ch != NULL) {
        for (sub = *list; sub; sub = sub->next) {
            if (sub->channel == ch) {
                return NGX_DECLINED;
            }
        }
    }

    sub = ngx_alloc(sizeof(ngx_ws_subscription_t), chs->log);
    if (sub == NULL) {
        return NGX_ERROR;
    }

    if (ch == NULL) {
        ch = ngx_ws_channel_create(chs, name);
        if (ch == NULL) {
            ngx_free(sub);
            return NGX_ERROR;
        }
    }

    sub->channel = ch;
    sub->subscriber = subscriber;
    sub->next = *list;
    *list = sub;

    ngx_queue_insert_tail(&ch->subscriptions, &sub->queue);
    chs->count++;

    if (ch->nsubscriptions++ == 0) {
        chs->handler->filled(chs->data, name);
    }

    return NGX_OK;
}


static ngx_ws_channel_t *
ngx_ws_channel_create(ngx_ws_channels_t *chs, ngx_str_t *name)
{
    ngx_ws_channel_t  *ch;

    ch = ngx_alloc(offsetof(ngx_ws_channel_t, name) + name->len, chs->log);
    if (ch == NULL) {
        return NULL;
    }

    ngx_queue_init(&ch->subscriptions);
    ch->nsubscriptions = 0;

    ngx_ws_table_insert(&chs->table, &ch->node, name);

    return ch;
}


ngx_int_t
ngx_ws_channel_leave(ngx_ws_channels_t *chs, ngx_str_t *name,
    ngx_ws_subscription_t **list)
{
    ngx_ws_channel_t        *ch;
    ngx_ws_subscription_t   *sub, **prev;

    for (prev = list; *prev; prev = &(*prev)->next) {

        sub = *prev;
        ch = sub->channel;

        if (ch->node.len == name->len
            && ngx_memcmp(ch->name, name->data, name->len) == 0)
        {
            *prev = sub->next;
            ngx_ws_channel_remove(chs, sub);
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_ws_channel_leave_all(ngx_ws_channels_t *chs, ngx_ws_subscription_t **list)
{
    ngx_ws_subscription_t  *sub;

    while (*list) {
        sub = *list;
        *list = sub->next;
        ngx_ws_channel_remove(chs, sub);
    }
}


static void
ngx_ws_channel_remove(ngx_ws_channels_t *chs, ngx_ws_subscription_t *sub)
{
    ngx_str_t                   name;
    ngx_ws_channel_t           *ch;
    ngx_ws_channel_iterator_t  *it;

    ch = sub->channel;

    for (it = chs->iterator; it; it = it->outer) {
        if (it->next == &sub->queue) {
            it->next = ngx_queue_next(it->next);
        }
    }

    ngx_queue_remove(&sub->queue);
    ngx_free(sub);

    chs->count--;

    if (--ch->nsubscriptions) {
        return;
    }

    name = ngx_ws_channel_name(ch);
    chs->handler->emptied(chs->data, &name);

    for (it = chs->iterator; it; it = it->outer) {
        if (it->channel == ch) {
            it->channel = NULL;
        }
    }

    ngx_ws_table_delete(&chs->table, &ch->node);
    ngx_free(ch);
}


void
ngx_ws_channel_each(ngx_ws_channels_t *chs, ngx_ws_channel_t *ch,
    ngx_ws_channel_each_pt each, void *data)
{
    ngx_queue_t                *q;
    ngx_ws_subscription_t      *sub;
    ngx_ws_channel_iterator_t   it;

    it.outer = chs->iterator;
    it.channel = ch;
    it.next = ngx_queue_head(&ch->subscriptions);

    chs->iterator = &it;

    while (it.channel && it.next != ngx_queue_sentinel(&ch->subscriptions)) {

        q = it.next;
        it.next = ngx_queue_next(q);

        sub = ngx_queue_data(q, ngx_ws_subscription_t, queue);

        each(sub->subscriber, data);
    }

    chs->iterator = it.outer;
}


ngx_uint_t
ngx_ws_channels_count(ngx_ws_channels_t *chs)
{
    return chs->count;
}
