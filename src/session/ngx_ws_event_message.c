
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_event.h>
#include <ngx_ws_message.h>


void
ngx_ws_event_message_direct(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_message_direct(call, in);
}


void
ngx_ws_event_message_group(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_message_group(call, in);
}


void
ngx_ws_event_message_delivered(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_message_delivered(call, in);
}


void
ngx_ws_event_broadcast(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_message_broadcast(call, in);
}


void
ngx_ws_event_notification(ngx_ws_session_t *s, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_message_notification(call, in);
}
