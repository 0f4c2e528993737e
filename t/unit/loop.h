
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _LOOP_H_INCLUDED_
#define _LOOP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * An event loop behind nginx's functions for connections and events, with
 * nginx's own timers and posted events, and a clock that can be put forward.
 */

#define LOOP_CONNECTIONS  8

void loop_init(void);

/* One turn, which waits for a millisecond at most. */
void loop_turn(void);

/* Turns until *counter is n or more, for 20 seconds; tells whether it is. */
ngx_uint_t loop_until(ngx_uint_t *counter, ngx_uint_t n);

/* Turns for that many milliseconds. */
void loop_run(ngx_msec_t timeout);

/* Puts the clock forward and runs what is due. */
void loop_advance(ngx_msec_t msec);

/* Connections and timers that are in use. */
ngx_uint_t loop_connections(void);
ngx_uint_t loop_timers(void);

/* ngx_get_connection() gives none while it is set. */
extern ngx_uint_t  loop_full;


#endif /* _LOOP_H_INCLUDED_ */
