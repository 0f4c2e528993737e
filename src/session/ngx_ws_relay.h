
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_RELAY_H_INCLUDED_
#define _NGX_WS_RELAY_H_INCLUDED_


#include <ngx_ws_poll.h>


/*
 * Requests of polling sessions wherever these are: in this worker, or in
 * another one, of this machine or not, which answers through Redis.
 */


/* What the files of relaying and moving share. */

struct ngx_ws_relay_s {
    ngx_ws_worker_t           *worker;
    uint64_t                   sequence;

    ngx_rbtree_t               calls;        /* requests of ours, by id */
    ngx_rbtree_node_t          calls_sentinel;
    ngx_queue_t                held;         /* until the worker hears */
    ngx_uint_t                 nheld;
    ngx_msec_t                 created;
    ngx_rbtree_t               peers;        /* who holds them, by name */
    ngx_rbtree_node_t          peers_sentinel;
    ngx_rbtree_t               moves;        /* sessions that come, by sid */
    ngx_rbtree_node_t          moves_sentinel;
    ngx_rbtree_t               handovers;    /* that go, by sid */
    ngx_rbtree_node_t          handovers_sentinel;

    ngx_ws_goodbye_t           goodbye;

    unsigned                   started:1;    /* it has heard */
};


/* w->relay and w->letters.  NGX_ERROR without memory. */
ngx_int_t ngx_ws_relay_create(ngx_ws_worker_t *w);
void ngx_ws_relay_destroy(ngx_ws_worker_t *w);

/*
 * As the functions of the same names in ngx_ws_poll.h; a request is always
 * answered, at the latest when its session's worker was not heard of for four
 * seconds.  A worker that has just begun may need as long before it can ask.
 */
ngx_int_t ngx_ws_relay_begin(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);
void ngx_ws_relay_request(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);
void ngx_ws_relay_gone(ngx_ws_worker_t *w, ngx_ws_poll_request_t *pr);

/* For ngx_ws_relay_peer.c: whoever holds these calls does not answer. */
void ngx_ws_relay_lost(ngx_queue_t *calls);

/* The link for messages is lost, and with it whatever was under way. */
void ngx_ws_relay_deaf(ngx_ws_worker_t *w);

/* Both links stand: what has waited for the first time of it is sent. */
void ngx_ws_relay_hearing(ngx_ws_worker_t *w);


#endif /* _NGX_WS_RELAY_H_INCLUDED_ */
