
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>
#include <ngx_ws_listen.h>


static void ngx_http_websocket_api_channel(ngx_ws_call_t *call,
    ngx_ws_json_t *in, ngx_uint_t listens);


void
ngx_http_websocket_api_subscribe(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_http_websocket_api_channel(call, in, 1);
}


void
ngx_http_websocket_api_unsubscribe(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_http_websocket_api_channel(call, in, 0);
}


static void
ngx_http_websocket_api_channel(ngx_ws_call_t *call, ngx_ws_json_t *in,
    ngx_uint_t listens)
{
    ngx_str_t  channel, connection_id;

    (void) ngx_ws_call_name(call, in, "connection_id", NGX_WS_FIELD_REQUIRED,
                            &connection_id);
    (void) ngx_ws_call_name(call, in, "channel", NGX_WS_FIELD_REQUIRED,
                            &channel);

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_ws_listen(call, &connection_id, &channel, listens);
}
