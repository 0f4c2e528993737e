
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_POLL_LEFT_H_INCLUDED_
#define _NGX_WS_POLL_LEFT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * Polling sessions that have gone over to a WebSocket lately: a request may
 * come late, or a second WebSocket.
 */

typedef struct {
    ngx_rbtree_t         tree;
    ngx_rbtree_node_t    sentinel;
    ngx_queue_t          queue;        /* in the order of their time */
    ngx_event_t          timer;
    ngx_log_t           *log;
} ngx_ws_poll_left_t;


void ngx_ws_poll_left_init(ngx_ws_poll_left_t *left, ngx_log_t *log);
void ngx_ws_poll_left_cleanup(ngx_ws_poll_left_t *left);

/* Remembers a sid for so many milliseconds. */
void ngx_ws_poll_left_add(ngx_ws_poll_left_t *left, ngx_str_t *sid,
    ngx_msec_t time);
ngx_uint_t ngx_ws_poll_left_has(ngx_ws_poll_left_t *left, ngx_str_t *sid);


#endif /* _NGX_WS_POLL_LEFT_H_INCLUDED_ */
