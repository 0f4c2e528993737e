
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>
#include <ngx_ws_json_out.h>
#include <ngx_ws_stats.h>


static void ngx_http_websocket_api_stats_answer(ngx_ws_call_t *call,
    ngx_ws_stats_counts_t *counts);


void
ngx_http_websocket_api_stats(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_ws_stats_count(call, ngx_http_websocket_api_stats_answer);
}


static void
ngx_http_websocket_api_stats_answer(ngx_ws_call_t *call,
    ngx_ws_stats_counts_t *counts)
{
    ngx_ws_json_out_t  out;

    if (counts == NULL) {
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    ngx_ws_json_out_init(&out, 512);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "data");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "total_connections");
    ngx_ws_json_out_uint(&out, counts->total_connections);
    ngx_ws_json_out_key(&out, "active_connections");
    ngx_ws_json_out_uint(&out, counts->active_connections);
    ngx_ws_json_out_key(&out, "unique_users");
    ngx_ws_json_out_uint(&out, counts->unique_users);
    ngx_ws_json_out_key(&out, "pending_events");
    ngx_ws_json_out_uint(&out, counts->pending_events);
    ngx_ws_json_out_key(&out, "failed_events");
    ngx_ws_json_out_uint(&out, counts->failed_events);
    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_object_end(&out);

    if (ngx_ws_json_out_copy(&out, call->pool, &call->result) != NGX_OK) {
        call->error = NGX_WS_INTERNAL;
    }

    ngx_ws_json_out_free(&out);

    ngx_ws_call_done(call);
}
