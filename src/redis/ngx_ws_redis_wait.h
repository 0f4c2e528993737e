
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REDIS_WAIT_H_INCLUDED_
#define _NGX_WS_REDIS_WAIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_redis_link.h>


/*
 * Who waits until Redis has confirmed a channel, in a list for each channel;
 * nobody waits longer than four seconds, a short absence of Redis included.
 */

typedef struct ngx_ws_redis_wait_s  ngx_ws_redis_wait_t;

typedef struct {
    ngx_ws_redis_link_t  *link;
    ngx_queue_t           waiting;     /* in order of their ends */
    ngx_queue_t           done;        /* to be called */
    ngx_event_t           timer;
    ngx_event_t           post;
} ngx_ws_redis_waits_t;


void ngx_ws_redis_wait_init(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_link_t *link);
void ngx_ws_redis_wait_cleanup(ngx_ws_redis_waits_t *waits);

/*
 * Adds a waiter to the list, which stays where it is; one that is confirmed
 * already is called in the next turn of the loop.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_ws_redis_wait_add(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list, ngx_uint_t confirmed,
    ngx_ws_redis_subscribed_pt done, void *data);

/* Forgets one waiter of the list with this data, unless it is NULL. */
void ngx_ws_redis_wait_drop(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list, void *data);

/* Forgets all waiters of the list. */
void ngx_ws_redis_wait_drop_all(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list);

/* Calls all of the list, in the order in which they came. */
void ngx_ws_redis_wait_confirm(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list);


#endif /* _NGX_WS_REDIS_WAIT_H_INCLUDED_ */
