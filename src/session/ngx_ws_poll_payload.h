
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_POLL_PAYLOAD_H_INCLUDED_
#define _NGX_WS_POLL_PAYLOAD_H_INCLUDED_


#include <ngx_ws_poll.h>


/*
 * The bodies of a polling session's requests: packets, as Engine.IO v4 has
 * them.  For the transport itself.
 */

/*
 * Goes on with the POST that is here, as far as the session takes packets and
 * there is room for the answers to them; at its end it is answered.
 */
void ngx_ws_poll_payload_read(ngx_ws_poll_t *poll);

/* Answers the GET that is held, if there is something to say. */
void ngx_ws_poll_payload_write(ngx_ws_poll_t *poll);


#endif /* _NGX_WS_POLL_PAYLOAD_H_INCLUDED_ */
