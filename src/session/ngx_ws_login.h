
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LOGIN_H_INCLUDED_
#define _NGX_WS_LOGIN_H_INCLUDED_


#include <ngx_ws_bus.h>
#include <ngx_ws_session.h>


/*
 * From a token to an authenticated session: the token is verified, the
 * personal channel and the tenant's are joined, the connection is linked.  The
 * client's messages wait meanwhile.
 */

/* The event "auth": {token, userId, clubId, connectionId}. */
void ngx_ws_login_event(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);

/*
 * The same with a call of any kind: it will end, unless there is no memory,
 * NGX_ERROR.
 */
ngx_int_t ngx_ws_login_begin(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in);

/* Whose call it is; NULL if the session has ended. */
ngx_ws_session_t *ngx_ws_login_session(ngx_ws_call_t *call);

/*
 * ngx_ws_login_door.c: Socket.IO's CONNECT to the main namespace, with the
 * same fields in its payload or none; the handshake's token counts if the
 * payload has none.
 */
void ngx_ws_login_connect(ngx_ws_session_t *s, ngx_ws_packet_t *pkt);

/* The handshake's token, where the dialect has no CONNECT. */
void ngx_ws_login_handshake(ngx_ws_session_t *s);

/* Joins the channels that are remembered of a connection: a JSON array. */
void ngx_ws_login_channels(ngx_ws_session_t *s, ngx_str_t *list);

/* The answer to CONNECT. */
void ngx_ws_login_connect_ok(ngx_ws_session_t *s);

/*
 * An event of a channel during the login: NGX_OK if it comes behind the
 * answer, NGX_DECLINED if it is to be delivered now.
 */
ngx_int_t ngx_ws_login_hold(ngx_ws_login_t *login, ngx_ws_bus_event_t *ev,
    ngx_ws_buf_t *wb);

/* The session ends while a login is under way. */
void ngx_ws_login_cancel(ngx_ws_session_t *s);


#endif /* _NGX_WS_LOGIN_H_INCLUDED_ */
