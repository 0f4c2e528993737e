
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_ENGINE_H_INCLUDED_
#define _NGX_WS_ENGINE_H_INCLUDED_


#include <ngx_ws_session.h>


/*
 * Engine.IO v4: the packets below Socket.IO's.
 */

extern const ngx_ws_session_wire_t  ngx_ws_engine_wire;

/* the same with each message sent back */
extern const ngx_ws_session_wire_t  ngx_ws_engine_echo_wire;


#endif /* _NGX_WS_ENGINE_H_INCLUDED_ */
