
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_http_websocket_route.h>
#include <ngx_ws_dialect.h>


static ngx_int_t ngx_http_websocket_engine_options(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_engine_open(ngx_http_request_t *r);
static void ngx_http_websocket_ctx_cleanup(void *data);


/*
 * Engine.IO: the query tells the transport; the answers to bad requests are
 * the reference server's, in its order.
 */

ngx_int_t
ngx_http_websocket_engine_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_websocket_ctx_t  *ctx;

    rc = ngx_http_websocket_bundle(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    ctx = ngx_http_websocket_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_websocket_origin_check(r) != NGX_OK) {

        if (ngx_http_websocket_header_add(r, "Vary", "Origin") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_FORBIDDEN);
    }

    if (ngx_http_websocket_origin_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return ngx_http_websocket_engine_options(r);
    }

    if (ngx_http_websocket_arg(r, "transport", "websocket")) {
        ngx_str_set(&ctx->transport, "websocket");
        return ngx_http_websocket_engine_open(r);
    }

    if (ngx_http_websocket_arg(r, "transport", "polling")) {
        ngx_str_set(&ctx->transport, "polling");
        return ngx_http_websocket_poll(r);
    }

    return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_TRANSPORT);
}


static ngx_int_t
ngx_http_websocket_engine_options(ngx_http_request_t *r)
{
    ngx_str_t  *methods;

    methods = ngx_http_websocket_route_methods(NGX_HTTP_GET|NGX_HTTP_POST);

    if (ngx_http_websocket_header_add_str(r, "Allow", methods) != NGX_OK
        || ngx_http_websocket_origin_preflight(r, methods) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply(r, NGX_HTTP_NO_CONTENT, NULL);
}


static ngx_int_t
ngx_http_websocket_engine_open(ngx_http_request_t *r)
{
    ngx_str_t  sid;

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_METHOD);
    }

    if (!ngx_http_websocket_upgrade_wanted(r)) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_REQUEST);
    }

    if (ngx_http_arg(r, (u_char *) "sid", 3, &sid) != NGX_OK
        && !ngx_http_websocket_arg(r, "EIO", "4"))
    {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_VERSION);
    }

    return ngx_http_websocket_upgrade(r,
                                   &ngx_ws_dialects[NGX_WS_DIALECT_SOCKETIO]);
}


ngx_uint_t
ngx_http_websocket_arg(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  arg;

    return ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &arg) == NGX_OK
           && arg.len == ngx_strlen(value)
           && ngx_strncmp(arg.data, value, arg.len) == 0;
}


ngx_int_t
ngx_http_websocket_raw_handler(ngx_http_request_t *r)
{
    const ngx_ws_dialect_t         *dialect;
    ngx_http_websocket_ctx_t       *ctx;
    ngx_http_websocket_loc_conf_t  *wlcf;

    ctx = ngx_http_websocket_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&ctx->transport, "websocket");

    if (!ngx_http_websocket_upgrade_wanted(r)) {
        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_VERSION);
    }

    if (ngx_http_websocket_origin_check(r) != NGX_OK) {
        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_ORIGIN);
    }

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    dialect = (wlcf->session.echo == NGX_WS_ECHO_OFF)
              ? &ngx_ws_dialects[NGX_WS_DIALECT_RAW] : NULL;

    return ngx_http_websocket_upgrade(r, dialect);
}


ngx_http_websocket_ctx_t *
ngx_http_websocket_ctx(ngx_http_request_t *r)
{
    ngx_http_cleanup_t        *cln;
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_websocket_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_websocket_ctx_cleanup;
    cln->data = ctx;

    ctx->request = r;

    ngx_http_set_ctx(r, ctx, ngx_http_websocket_module);

    return ctx;
}


/*
 * What has come already is looked at, too: the client may have sent its
 * request and closed in one go, and no other event tells of that.
 */

void
ngx_http_websocket_wait(ngx_http_request_t *r)
{
    ngx_event_t  *rev;

    if (r != r->main) {
        return;
    }

    rev = r->connection->read;

    r->read_event_handler = ngx_http_test_reading;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else {
        (void) ngx_handle_read_event(rev, 0);
    }
}


ngx_uint_t
ngx_http_websocket_has_left(ngx_http_websocket_ctx_t *ctx)
{
    return ngx_http_get_module_ctx(ctx->request, ngx_http_websocket_module)
           != ctx;
}


static void
ngx_http_websocket_ctx_cleanup(void *data)
{
    ngx_http_websocket_ctx_t  *ctx = data;

    if (ctx->wait) {
        ngx_ws_auth_cancel(ctx->wait);
        ctx->wait = NULL;
    }

    if (ctx->poll) {
        ngx_http_websocket_poll_cleanup(ctx->poll);
        ctx->poll = NULL;
    }

    if (ctx->call) {
        /* what was begun is finished without us */
        ctx->call->data = NULL;
        ctx->call = NULL;
    }

    if (ctx->identity) {
        ngx_ws_identity_unref(ctx->identity);
        ctx->identity = NULL;
    }
}
