
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_ECHO_H_INCLUDED_
#define _NGX_WS_ECHO_H_INCLUDED_


#include <ngx_ws_session.h>
#include <ngx_ws_sio.h>


/*
 * The echo application ("websocket_echo"), for conformance suites and health
 * checks.  What it sends back are the client's bytes, never encoded anew.
 */

/*
 * Socket.IO: namespaces "/" and "/custom"; after CONNECT an event "auth" with
 * its payload; "message" comes back as "message-back", "message-with-ack" is
 * acknowledged, with the arguments they came with.
 */
extern const ngx_ws_session_app_t  ngx_ws_echo_app;

/* In s->state: an answer that waits for the attachments to send with it. */

#define NGX_WS_ECHO_BUFS  (1 + NGX_WS_SIO_ATTACHMENTS)

typedef struct {
    size_t          bytes;
    ngx_uint_t      n;             /* have come */
    ngx_uint_t      wanted;
    ngx_ws_buf_t   *bufs[NGX_WS_ECHO_BUFS];
} ngx_ws_echo_t;


/* Plain WebSocket: every message comes back as it is. */
void ngx_ws_echo_message(ngx_ws_session_t *s, ngx_uint_t opcode, u_char *p,
    size_t len);

/* Frees s->state, an event whose attachments have not all come. */
void ngx_ws_echo_cleanup(ngx_ws_session_t *s);


#endif /* _NGX_WS_ECHO_H_INCLUDED_ */
