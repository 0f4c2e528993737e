
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LOGIN_H_INCLUDED_
#define _NGX_WS_LOGIN_H_INCLUDED_


#include <ngx_ws_session.h>


/*
 * From a token to an authenticated session: the token is verified, the
 * connection linked, the personal channel and the tenant's are joined.  The
 * client's messages wait meanwhile.
 */

/* The event "auth": {token, userId, clubId, connectionId}. */
void ngx_ws_login_event(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);

/*
 * Socket.IO's CONNECT to the main namespace, with the same fields in its
 * payload or none; the handshake's token counts if the payload has none.
 */
void ngx_ws_login_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);

/* The handshake's token, where the dialect has no CONNECT. */
void ngx_ws_login_handshake(ngx_ws_session_t *s);

/* Joins the channels that are remembered of a connection: a JSON array. */
void ngx_ws_login_channels(ngx_ws_session_t *s, ngx_str_t *list);

/* The session ends while a login is under way. */
void ngx_ws_login_cancel(ngx_ws_session_t *s);


#endif /* _NGX_WS_LOGIN_H_INCLUDED_ */
