
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_PROBE_H_INCLUDED_
#define _NGX_WS_PROBE_H_INCLUDED_


#include <ngx_ws_session.h>


/*
 * A WebSocket that wants to take over the polling session params->sid, for
 * which NGX_WS_POLL_OK was given, by this worker or by params->owner: the
 * client tries it by "2probe" and goes over to it by "5".  NGX_ERROR without
 * memory, the transport is the caller's to close.
 */
ngx_int_t ngx_ws_probe_create(ngx_ws_transport_t *t,
    ngx_ws_session_params_t *params);


#endif /* _NGX_WS_PROBE_H_INCLUDED_ */
