
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_POLL_ANNOUNCE_H_INCLUDED_
#define _NGX_WS_POLL_ANNOUNCE_H_INCLUDED_


#include <ngx_ws_poll.h>


/*
 * Makes known in Redis which worker owns a polling session, for as long as it
 * is one.  The client hears of its session when others do.
 */

void ngx_ws_poll_announce(ngx_ws_poll_t *poll);

/* Ends it; with forget Redis is told, else it forgets by itself. */
void ngx_ws_poll_announce_end(ngx_ws_poll_t *poll, ngx_uint_t forget);


#endif /* _NGX_WS_POLL_ANNOUNCE_H_INCLUDED_ */
