
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_token.h>


static void ngx_http_websocket_access_done(void *data, ngx_int_t rc,
    ngx_ws_identity_t *id);
static void ngx_http_websocket_access_set(ngx_http_websocket_ctx_t *ctx,
    ngx_ws_identity_t *id);


ngx_int_t
ngx_http_websocket_access(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_http_websocket_access_pt handler)
{
    ngx_int_t                        rc;
    ngx_str_t                        token;
    ngx_ws_identity_t               *id;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (ngx_http_websocket_access_token(r, &token) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = ngx_ws_auth_verify(wmcf->worker, &wlcf->service, &token,
                            &r->connection->addr_text, &id, &ctx->wait,
                            ngx_http_websocket_access_done, ctx);

    if (rc == NGX_OK) {
        ngx_http_websocket_access_set(ctx, id);

    } else if (rc == NGX_AGAIN) {
        ctx->access_handler = handler;
    }

    return rc;
}


ngx_int_t
ngx_http_websocket_access_token(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_str_null(token);

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    return ngx_ws_token_bearer(&r->headers_in.authorization->value, token);
}


static void
ngx_http_websocket_access_done(void *data, ngx_int_t rc,
    ngx_ws_identity_t *id)
{
    ngx_http_websocket_ctx_t  *ctx = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ctx->wait = NULL;

    if (rc == NGX_OK) {
        ngx_http_websocket_access_set(ctx, id);
    }

    if (ngx_http_websocket_has_left(ctx)) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "http websocket access done: %i", rc);

    ctx->access_handler(r, rc);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_websocket_access_set(ngx_http_websocket_ctx_t *ctx,
    ngx_ws_identity_t *id)
{
    ctx->identity = id;
    ctx->user = id->user;
    ctx->tenant = id->tenant;
}
