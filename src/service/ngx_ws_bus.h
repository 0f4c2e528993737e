
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_BUS_H_INCLUDED_
#define _NGX_WS_BUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * Events between sockets of all workers: PUBLISH on a channel's key, one
 * encoding a dialect on arrival, references to the subscribers.
 */

typedef struct {
    uint64_t        id;            /* messageId, 0 where there is none */
    uint64_t        except;        /* number of a socket that gets it not */
    ngx_str_t       event;
    ngx_str_t       data;          /* one JSON value */
} ngx_ws_bus_event_t;

typedef void (*ngx_ws_bus_joined_pt)(void *data, ngx_int_t rc);


ngx_ws_bus_t *ngx_ws_bus_create(ngx_ws_worker_t *w);
void ngx_ws_bus_destroy(ngx_ws_bus_t *bus);

/*
 * The argument of PUBLISH for the event, in the pool; len 0 without memory.
 */
ngx_str_t ngx_ws_bus_encode(ngx_ws_worker_t *w, ngx_pool_t *pool,
    ngx_ws_bus_event_t *ev);

/*
 * Asks Redis for the channel's messages, whose first member has just joined
 * or is about to: done(data, NGX_OK) once Redis has confirmed, NGX_ERROR when
 * it did not in time.  NGX_OK when that is so already, else NGX_AGAIN.
 */
ngx_int_t ngx_ws_bus_want(ngx_ws_worker_t *w, ngx_ws_channel_t *ch,
    ngx_ws_bus_joined_pt done, void *data);

/* Publishes on the worker's own channel of an incarnation: "verb rest". */
void ngx_ws_bus_control(ngx_ws_worker_t *w, ngx_str_t *incarnation,
    ngx_str_t *text);


#endif /* _NGX_WS_BUS_H_INCLUDED_ */
