
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_throttle.h>


typedef struct {
    ngx_ws_throttle_t    throttle;
    ngx_ws_call_t       *call;
    void               (*next)(ngx_ws_call_t *call, void *data);
    void                *data;
} ngx_http_websocket_throttle_t;


static void ngx_http_websocket_throttle_done(ngx_ws_throttle_t *throttle,
    ngx_int_t rc);
static ngx_int_t ngx_http_websocket_throttle_headers(ngx_http_request_t *r,
    ngx_ws_throttle_t *throttle, ngx_uint_t limit, ngx_int_t rc);
static ngx_int_t ngx_http_websocket_throttle_number(ngx_http_request_t *r,
    const char *name, uint64_t n);


void
ngx_http_websocket_throttle(ngx_ws_call_t *call, ngx_str_t *typing,
    void (*next)(ngx_ws_call_t *call, void *data), void *data)
{
    ngx_http_websocket_throttle_t  *t;

    if (call->conf->throttle.limit == 0) {
        next(call, data);
        return;
    }

    t = ngx_pcalloc(call->pool, sizeof(ngx_http_websocket_throttle_t));
    if (t == NULL) {
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    t->call = call;
    t->next = next;
    t->data = data;
    t->throttle.done = ngx_http_websocket_throttle_done;

    ngx_ws_throttle(call->worker, call->identity, &call->conf->throttle,
                    typing, &t->throttle);
}


static void
ngx_http_websocket_throttle_done(ngx_ws_throttle_t *throttle, ngx_int_t rc)
{
    ngx_ws_call_t                  *call;
    ngx_http_websocket_ctx_t       *ctx;
    ngx_http_websocket_throttle_t  *t;

    t = (ngx_http_websocket_throttle_t *) throttle;
    call = t->call;
    ctx = call->data;

    if (ctx == NULL) {
        /* the client has gone, and nothing was begun */
        ngx_ws_call_done(call);
        return;
    }

    if (rc == NGX_ERROR) {
        call->invalid = NULL;
        ngx_ws_call_failed(call, NGX_WS_UNAVAILABLE);
        return;
    }

    if (ngx_http_websocket_throttle_headers(ctx->request, throttle,
                                            call->conf->throttle.limit, rc)
        != NGX_OK)
    {
        call->invalid = NULL;
        ngx_ws_call_failed(call, NGX_WS_INTERNAL);
        return;
    }

    if (rc == NGX_BUSY) {
        call->invalid = NULL;
        ngx_ws_call_failed(call, NGX_WS_THROTTLED);
        return;
    }

    t->next(call, t->data);
}


static ngx_int_t
ngx_http_websocket_throttle_headers(ngx_http_request_t *r,
    ngx_ws_throttle_t *throttle, ngx_uint_t limit, ngx_int_t rc)
{
    if (ngx_http_websocket_throttle_number(r, "X-RateLimit-Limit", limit)
        != NGX_OK
        || ngx_http_websocket_throttle_number(r, "X-RateLimit-Remaining",
                                              throttle->remaining)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_websocket_throttle_retry(r, throttle->wait);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_websocket_throttle_retry(ngx_http_request_t *r, ngx_msec_t wait)
{
    uint64_t  seconds;

    /* whole seconds, none of them too early */

    seconds = (wait + 999) / 1000;

    if (ngx_http_websocket_throttle_number(r, "Retry-After", seconds)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_websocket_throttle_number(r, "X-RateLimit-Reset",
                                            (uint64_t) ngx_time() + seconds);
}


static ngx_int_t
ngx_http_websocket_throttle_number(ngx_http_request_t *r, const char *name,
    uint64_t n)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%uL", n) - value.data;

    return ngx_http_websocket_header_add_str(r, name, &value);
}
