
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TIMER_H_INCLUDED_
#define _NGX_WS_TIMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Timers of which there are very many and which may be some 50 ms late: a
 * wheel under a single event of nginx, which is set only as long as one of
 * them is.  One takes 24 bytes instead of 96, and what is due together costs
 * one turn of the loop.
 */

typedef struct ngx_ws_timers_s  ngx_ws_timers_t;


/* To be zeroed; in the owner's struct. */

typedef struct {
    ngx_queue_t     queue;
    ngx_msec_t      due;
} ngx_ws_timer_t;


/* What is due, no longer set; it may set or delete any timer. */
typedef void (*ngx_ws_timer_pt)(ngx_ws_timer_t *timer);


/* NULL without memory. */
ngx_ws_timers_t *ngx_ws_timers_create(ngx_ws_timer_pt handler,
    ngx_log_t *log);
void ngx_ws_timers_destroy(ngx_ws_timers_t *ts);

/* Sets the timer, or sets it anew; after is less than 2^31 ms. */
void ngx_ws_timer_add(ngx_ws_timers_t *ts, ngx_ws_timer_t *timer,
    ngx_msec_t after);

/* Does nothing if the timer is not set. */
void ngx_ws_timer_del(ngx_ws_timers_t *ts, ngx_ws_timer_t *timer);


#endif /* _NGX_WS_TIMER_H_INCLUDED_ */
