
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>
#include <ngx_ws_time.h>
#include <ngx_ws_typing.h>


static void ngx_http_websocket_api_typing_go(ngx_ws_call_t *call,
    void *data);
static void ngx_http_websocket_api_typing_answer(ngx_ws_call_t *call,
    ngx_ws_typing_t *typing);


void
ngx_http_websocket_api_typing_set(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_typing_t  *typing;

    typing = ngx_ws_typing_create(call, in, "conversation_id",
                                  "conversation_type", "is_typing");

    if (typing == NULL) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_http_websocket_api_connection_id(r, call, in,
                                         &typing->connection_id);

    ngx_http_websocket_throttle(call,
                                call->error == NGX_WS_OK && typing->is_typing
                                ? &typing->conversation : NULL,
                                ngx_http_websocket_api_typing_go, typing);
}


static void
ngx_http_websocket_api_typing_go(ngx_ws_call_t *call, void *data)
{
    ngx_ws_typing_t *typing = data;

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    typing->answer = ngx_http_websocket_api_typing_answer;

    ngx_ws_typing_set(call, typing);
}


static void
ngx_http_websocket_api_typing_answer(ngx_ws_call_t *call,
    ngx_ws_typing_t *typing)
{
    u_char              buf[NGX_WS_TIME_LEN];
    ngx_str_t           time;
    ngx_ws_json_out_t   out;

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "conversation_id");
    ngx_ws_json_out_string(&out, &typing->conversation);
    ngx_ws_json_out_key(&out, "is_typing");
    ngx_ws_json_out_bool(&out, typing->is_typing);
    ngx_ws_json_out_key(&out, "expires_at");

    if (typing->expires) {
        time.len = NGX_WS_TIME_LEN;
        time.data = buf;
        (void) ngx_ws_time_iso(buf, typing->expires);
        ngx_ws_json_out_string(&out, &time);

    } else {
        ngx_ws_json_out_null(&out);
    }

    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_object_end(&out);

    if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(&out);
}


void
ngx_http_websocket_api_typing_list(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_str_t                 *conversation;
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);
    conversation = &ctx->param;

    if (!ngx_ws_name_visible(conversation, NGX_WS_NAME_LEN)) {
        ngx_ws_call_failed(call, NGX_WS_NOT_FOUND);
        return;
    }

    ngx_ws_typing_list(call, conversation);
}
