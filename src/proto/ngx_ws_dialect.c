
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_dialect.h>
#include <ngx_ws_raw.h>
#include <ngx_ws_sio.h>


const ngx_ws_dialect_t  ngx_ws_dialects[] = {

    { NGX_WS_DIALECT_SOCKETIO,
      ngx_string("socketio"),
      ngx_ws_sio_decode,
      ngx_ws_sio_event,
      ngx_ws_sio_ack,
      ngx_ws_sio_connect,
      ngx_ws_sio_connect_error,
      ngx_ws_sio_disconnect },

    { NGX_WS_DIALECT_RAW,
      ngx_string("raw"),
      ngx_ws_raw_decode,
      ngx_ws_raw_event,
      ngx_ws_raw_ack,
      NULL,
      NULL,
      NULL }
};
