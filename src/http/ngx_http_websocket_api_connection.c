
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>
#include <ngx_ws_agent.h>
#include <ngx_ws_name.h>
#include <ngx_ws_registry.h>


#define NGX_HTTP_WEBSOCKET_SESSION_ID_LEN  255
#define NGX_HTTP_WEBSOCKET_BROWSER_LEN     50


static void ngx_http_websocket_api_client(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_registry_connection_t *conn);
static void ngx_http_websocket_api_log_connection(ngx_http_request_t *r,
    ngx_str_t *connection_id);


static const char  *ngx_http_websocket_device_types[] = {
    "mobile", "desktop", "tablet", NULL
};


void
ngx_http_websocket_api_connect(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_str_t                      s;
    ngx_uint_t                     i;
    ngx_ws_registry_connection_t   conn;

    ngx_memzero(&conn, sizeof(ngx_ws_registry_connection_t));

    if (ngx_ws_call_name(call, in, "connection_id", 0, &s) == NGX_OK) {
        conn.connection_id = s;
        ngx_http_websocket_api_log_connection(r, &s);
    }

    if (ngx_ws_call_string(call, in, "session_id", 0,
                           NGX_HTTP_WEBSOCKET_SESSION_ID_LEN, &s)
        == NGX_OK)
    {
        conn.session_id = s;
    }

    if (ngx_ws_call_string(call, in, "browser", 0,
                           NGX_HTTP_WEBSOCKET_BROWSER_LEN, &s)
        == NGX_OK)
    {
        conn.browser = s;
    }

    if (ngx_ws_call_choice(call, in, "device_type", 0,
                           ngx_http_websocket_device_types, &i)
        == NGX_OK)
    {
        conn.device_type.data = (u_char *) ngx_http_websocket_device_types[i];
        conn.device_type.len = ngx_strlen(conn.device_type.data);
    }

    if (call->error == NGX_WS_OK) {
        ngx_http_websocket_api_client(r, call, &conn);
    }

    if (call->error != NGX_WS_OK) {
        ngx_ws_call_done(call);
        return;
    }

    ngx_ws_registry_connect(call, &conn);
}


void
ngx_http_websocket_api_disconnect(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_json_t *in)
{
    ngx_str_t  connection_id;

    if (ngx_ws_call_name(call, in, "connection_id", NGX_WS_FIELD_REQUIRED,
                         &connection_id)
        != NGX_OK)
    {
        ngx_ws_call_done(call);
        return;
    }

    ngx_http_websocket_api_log_connection(r, &connection_id);

    ngx_ws_registry_disconnect(call, &connection_id);
}


/* what the request tells about its client, in memory of the call */

static void
ngx_http_websocket_api_client(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_ws_registry_connection_t *conn)
{
    ngx_str_t  browser, device;

    conn->ip_address.len = r->connection->addr_text.len;
    conn->ip_address.data = ngx_pstrdup(call->pool, &r->connection->addr_text);

    if (conn->ip_address.data == NULL) {
        call->error = NGX_WS_INTERNAL;
        return;
    }

    if (r->headers_in.user_agent == NULL) {
        return;
    }

    ngx_ws_agent_parse(&r->headers_in.user_agent->value, &browser, &device);

    if (conn->browser.len == 0) {
        conn->browser = browser;
    }

    if (conn->device_type.len == 0) {
        conn->device_type = device;
    }
}


static void
ngx_http_websocket_api_log_connection(ngx_http_request_t *r,
    ngx_str_t *connection_id)
{
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    ctx->connection_id.data = ngx_pstrdup(r->pool, connection_id);

    if (ctx->connection_id.data) {
        ctx->connection_id.len = connection_id->len;
    }
}


void
ngx_http_websocket_api_connection_id(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in, ngx_str_t *connection_id)
{
    ngx_str_t  *id;

    if (ngx_ws_call_name(call, in, "connection_id", 0, connection_id)
        != NGX_DECLINED)
    {
        return;
    }

    id = ngx_http_websocket_header(r, "x-connection-id", NULL);

    if (id && ngx_ws_name_visible(id, NGX_WS_NAME_LEN)) {
        connection_id->data = ngx_pstrdup(call->pool, id);

        if (connection_id->data == NULL) {
            call->error = NGX_WS_INTERNAL;
            return;
        }

        connection_id->len = id->len;
    }
}
