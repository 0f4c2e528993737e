
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_route.h>
#include <ngx_ws_name.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_time.h>


static void ngx_http_websocket_api_presence_go(ngx_ws_call_t *call,
    void *data);
static void ngx_http_websocket_api_presence_answer(ngx_ws_call_t *call,
    ngx_ws_presence_t *presence);


void
ngx_http_websocket_api_presence_set(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_ws_presence_t  *presence;

    presence = ngx_ws_presence_create(call, in, "last_message");

    if (presence == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_http_websocket_api_connection_id(r, call, in,
                                         &presence->connection_id);

    ngx_http_websocket_throttle(call, NULL,
                                ngx_http_websocket_api_presence_go, presence);
}


static void
ngx_http_websocket_api_presence_go(ngx_ws_call_t *call, void *data)
{
    ngx_ws_presence_t *presence = data;

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    presence->answer = ngx_http_websocket_api_presence_answer;

    ngx_ws_presence_set(call, presence);
}


static void
ngx_http_websocket_api_presence_answer(ngx_ws_call_t *call,
    ngx_ws_presence_t *presence)
{
    u_char              buf[NGX_WS_TIME_LEN];
    ngx_str_t           time;
    ngx_ws_json_out_t   out;

    time.len = NGX_WS_TIME_LEN;
    time.data = buf;
    (void) ngx_ws_time_iso(buf, ngx_ws_worker_now());

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "status");
    ngx_ws_json_out_string(&out, &presence->status);
    ngx_ws_json_out_key(&out, "device");

    if (presence->device.len) {
        ngx_ws_json_out_string(&out, &presence->device);

    } else {
        ngx_ws_json_out_null(&out);
    }

    ngx_ws_json_out_key(&out, "updated_at");
    ngx_ws_json_out_string(&out, &time);
    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_object_end(&out);

    if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(&out);
}


void
ngx_http_websocket_api_presence_get(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_int_t                  user;
    ngx_str_t                 *param;
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);
    param = &ctx->param;

    if (param->len == 2 && ngx_strncmp(param->data, "me", 2) == 0) {
        ngx_ws_presence_get(call, call->identity->user);
        return;
    }

    user = ngx_atoi(param->data, param->len);

    if (user == NGX_ERROR || user == 0) {
        ngx_ws_call_failed(call, NGX_WS_NOT_FOUND);
        return;
    }

    ngx_ws_presence_get(call, user);
}


void
ngx_http_websocket_api_presence_online(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in)
{
    ngx_ws_presence_online(call);
}
