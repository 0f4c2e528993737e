
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_http_websocket_route.h>
#include <ngx_ws_json.h>
#include <ngx_ws_presence.h>
#include <ngx_ws_name.h>
#include <ngx_ws_registry.h>


static ngx_int_t ngx_http_websocket_api_headers(ngx_http_request_t *r,
    ngx_uint_t allowed);
static ngx_int_t ngx_http_websocket_api_options(ngx_http_request_t *r,
    ngx_str_t *methods);
static void ngx_http_websocket_api_resume(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_websocket_api_authorized(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_websocket_api_touch(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx);
static ngx_uint_t ngx_http_websocket_api_is_json(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_api_body(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_int_t ngx_http_websocket_api_call(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_ws_json_t *in);
static void ngx_http_websocket_api_done(ngx_ws_call_t *call);
static void ngx_http_websocket_api_free_json(void *data);


/*
 * The checks stand in the order that users were told: 404, 405, origin, 401,
 * 413, 415, 400, then what the service finds.
 */

ngx_int_t
ngx_http_websocket_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                 *methods;
    ngx_uint_t                 mask, allowed;
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_websocket_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_websocket_route_find(r, &ctx->route, &ctx->param, &mask);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allowed = (ngx_http_websocket_origin_check(r) == NGX_OK);

    if (ngx_http_websocket_api_headers(r, allowed) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_HTTP_NOT_FOUND) {
        return ngx_http_websocket_reply_error(r, NGX_WS_NOT_FOUND);
    }

    methods = ngx_http_websocket_route_methods(mask);

    if (rc == NGX_DECLINED && r->method != NGX_HTTP_OPTIONS) {

        if (ngx_http_websocket_header_add_str(r, "Allow", methods)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_METHOD);
    }

    if (!allowed) {
        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_ORIGIN);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_websocket_api_options(r, methods);
    }

    rc = ngx_http_websocket_access(r, ctx, ngx_http_websocket_api_resume);

    if (rc == NGX_AGAIN) {

        ngx_http_websocket_wait(r);
        r->main->count++;

        return NGX_DONE;
    }

    return ngx_http_websocket_api_authorized(r, ctx, rc);
}


static ngx_int_t
ngx_http_websocket_api_headers(ngx_http_request_t *r, ngx_uint_t allowed)
{
    if (ngx_http_websocket_header_add(r, "Cache-Control",
                                        "no-cache, private")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (allowed) {
        return ngx_http_websocket_origin_headers(r);
    }

    return ngx_http_websocket_header_add(r, "Vary", "Origin");
}


static ngx_int_t
ngx_http_websocket_api_options(ngx_http_request_t *r, ngx_str_t *methods)
{
    if (ngx_http_websocket_header_add_str(r, "Allow", methods) != NGX_OK
        || ngx_http_websocket_origin_preflight(r, methods) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply(r, NGX_HTTP_NO_CONTENT, NULL);
}


static void
ngx_http_websocket_api_resume(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    r->read_event_handler = ngx_http_block_reading;

    ngx_http_finalize_request(r, ngx_http_websocket_api_authorized(r, ctx,
                                                                   rc));
}


static ngx_int_t
ngx_http_websocket_api_authorized(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_websocket_loc_conf_t  *wlcf;

    if (rc == NGX_DECLINED) {
        return ngx_http_websocket_reply_error(r, NGX_WS_UNAUTHENTICATED);
    }

    if (rc == NGX_BUSY) {
        return ngx_http_websocket_limit_failures(r);
    }

    if (rc != NGX_OK) {
        return ngx_http_websocket_reply_error(r, NGX_WS_UNAVAILABLE);
    }

    ngx_http_websocket_api_touch(r, ctx);

    if (ctx->route->method == NGX_HTTP_GET) {

        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_http_websocket_api_call(r, ctx, NULL);
    }

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    return ngx_http_websocket_body_read(r, ctx, wlcf->session.max_message_size,
                                        ngx_http_websocket_api_body);
}


/* A call that names its connection keeps it alive. */

static void
ngx_http_websocket_api_touch(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx)
{
    ngx_str_t                       *id;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    id = ngx_http_websocket_header(r, "x-connection-id", NULL);

    if (id && ngx_ws_name_visible(id, NGX_WS_NAME_LEN)) {
        wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
        wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);
        ngx_ws_registry_touch(wmcf->worker, ctx->identity, id);
        ngx_ws_presence_touch(wmcf->worker, ctx->identity, &wlcf->service,
                              id);
    }
}


static ngx_int_t
ngx_http_websocket_api_body(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_ws_json_t             *in;
    ngx_ws_error_e             error;
    ngx_http_websocket_ctx_t  *ctx;

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return ngx_http_websocket_reply_error(r, NGX_WS_TOO_LARGE);
    }

    if (rc == NGX_HTTP_BAD_REQUEST) {
        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_REQUEST);
    }

    if (rc != NGX_OK) {
        return ngx_http_websocket_reply_error(r, NGX_WS_INTERNAL);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    /* without a body there is nothing to have a type */

    if ((r->headers_in.content_type || ctx->body.len)
        && !ngx_http_websocket_api_is_json(r))
    {
        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_TYPE);
    }

    if (ctx->body.len == 0) {
        return ngx_http_websocket_api_call(r, ctx, NULL);
    }

    in = ngx_ws_json_parse(ctx->body.data, ctx->body.len, NGX_WS_JSON_DEPTH,
                           &error);
    if (in == NULL) {
        return ngx_http_websocket_reply_error(r, error);
    }

    return ngx_http_websocket_api_call(r, ctx, in);
}


static ngx_uint_t
ngx_http_websocket_api_is_json(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    static ngx_str_t  json = ngx_string("application/json");

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    if (type->len < json.len
        || ngx_strncasecmp(type->data, json.data, json.len) != 0)
    {
        return 0;
    }

    len = json.len;

    while (len < type->len
           && (type->data[len] == ' ' || type->data[len] == '\t'))
    {
        len++;
    }

    return len == type->len || type->data[len] == ';';
}


static ngx_int_t
ngx_http_websocket_api_call(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_ws_json_t *in)
{
    ngx_ws_call_t                   *call;
    ngx_pool_cleanup_t              *cln;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    call = ngx_ws_call_create(wmcf->worker, ctx->identity, &wlcf->service,
                              ngx_http_websocket_api_done, ctx);
    if (call == NULL) {
        ngx_ws_json_free(in);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->call = call;
    ctx->calling = 1;
    r->main->count++;

    ngx_http_websocket_wait(r);

    cln = ngx_pool_cleanup_add(call->pool, 0);

    if (cln) {
        cln->handler = ngx_http_websocket_api_free_json;
        cln->data = in;

        ctx->route->handler(r, call, in);

    } else {
        ngx_ws_json_free(in);
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
    }

    ctx->calling = 0;

    return NGX_DONE;
}


static void
ngx_http_websocket_api_done(ngx_ws_call_t *call)
{
    ngx_http_websocket_ctx_t  *ctx = call->data;

    ngx_int_t            rc;
    ngx_uint_t           calling;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (ctx == NULL) {
        return;
    }

    r = ctx->request;
    c = r->connection;

    ctx->call = NULL;

    if (ngx_http_websocket_has_left(ctx)) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    calling = ctx->calling;

    rc = ngx_http_websocket_reply_call(r, call, ctx->route->status);

    ngx_http_finalize_request(r, rc);

    if (!calling) {
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_websocket_api_free_json(void *data)
{
    ngx_ws_json_free(data);
}
