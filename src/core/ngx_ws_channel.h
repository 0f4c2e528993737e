
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CHANNEL_H_INCLUDED_
#define _NGX_WS_CHANNEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_table.h>


/*
 * This worker's table of channels and who listens to them here.  A channel is
 * named by its key in Redis, so that names of two tenants never meet.
 */

typedef struct ngx_ws_channel_s       ngx_ws_channel_t;
typedef struct ngx_ws_channels_s      ngx_ws_channels_t;
typedef struct ngx_ws_subscription_s  ngx_ws_subscription_t;


struct ngx_ws_subscription_s {
    ngx_queue_t             queue;        /* in the channel */
    ngx_ws_subscription_t  *next;         /* of the same subscriber */
    ngx_ws_channel_t       *channel;
    void                   *subscriber;
};


struct ngx_ws_channel_s {
    ngx_ws_table_node_t     node;
    ngx_queue_t             subscriptions;
    uint32_t                nsubscriptions;
    u_char                  name[];
};


typedef struct {
    /* The first member has come, the last one has gone. */
    void                  (*filled)(void *data, ngx_str_t *name);
    void                  (*emptied)(void *data, ngx_str_t *name);
} ngx_ws_channels_handler_t;


typedef void (*ngx_ws_channel_each_pt)(void *subscriber, void *data);


ngx_ws_channels_t *ngx_ws_channels_create(
    const ngx_ws_channels_handler_t *handler, void *data, ngx_log_t *log);
void ngx_ws_channels_destroy(ngx_ws_channels_t *chs);

ngx_ws_channel_t *ngx_ws_channel_find(ngx_ws_channels_t *chs,
    ngx_str_t *name);

/* A view of the name, which lives as long as the channel. */
ngx_str_t ngx_ws_channel_name(ngx_ws_channel_t *ch);

/*
 * Adds the subscriber, whose list starts at *list.  NGX_OK, NGX_DECLINED when
 * it is in already, NGX_ERROR without memory.
 */
ngx_int_t ngx_ws_channel_join(ngx_ws_channels_t *chs, ngx_str_t *name,
    ngx_ws_subscription_t **list, void *subscriber);

/* NGX_OK, or NGX_DECLINED when the subscriber is not in the channel. */
ngx_int_t ngx_ws_channel_leave(ngx_ws_channels_t *chs, ngx_str_t *name,
    ngx_ws_subscription_t **list);

void ngx_ws_channel_leave_all(ngx_ws_channels_t *chs,
    ngx_ws_subscription_t **list);

/*
 * Calls each(subscriber, data) for every member.  A member that leaves or is
 * freed meanwhile, also another than the one at hand, is not called.
 */
void ngx_ws_channel_each(ngx_ws_channels_t *chs, ngx_ws_channel_t *ch,
    ngx_ws_channel_each_pt each, void *data);

/* How many subscriptions there are in all. */
ngx_uint_t ngx_ws_channels_count(ngx_ws_channels_t *chs);


#endif /* _NGX_WS_CHANNEL_H_INCLUDED_ */
