
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>


#define NGX_HTTP_WEBSOCKET_BODY_SIZE  4096


static void ngx_http_websocket_body_begin(ngx_http_request_t *r);
static void ngx_http_websocket_body_event(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_body_take(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx);
static ngx_int_t ngx_http_websocket_body_append(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, u_char *p, size_t len);
static void ngx_http_websocket_body_done(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_int_t rc);


ngx_int_t
ngx_http_websocket_body_read(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, size_t limit,
    ngx_http_websocket_body_pt handler)
{
    ngx_int_t  rc;

    if (r->headers_in.content_length_n > (off_t) limit) {
        return handler(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);
    }

    if (r != r->main
        || (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked))
    {
        return handler(r, NGX_OK);
    }

    if (r->headers_in.content_length_n > 0) {
        limit = (size_t) r->headers_in.content_length_n;
    }

    ctx->body_limit = limit;
    ctx->body_handler = handler;

    /*
     * nginx's own buffering would write what exceeds its buffer to a file,
     * and a chunked body has no limit but the location's
     */

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_websocket_body_begin);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        r->keepalive = 0;
        return handler(r, rc);
    }

    return NGX_DONE;
}


static void
ngx_http_websocket_body_begin(ngx_http_request_t *r)
{
    if (r->reading_body) {
        r->read_event_handler = ngx_http_websocket_body_event;
    }

    ngx_http_websocket_body_event(r);
}


static void
ngx_http_websocket_body_event(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_websocket_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    for ( ;; ) {

        rc = ngx_http_websocket_body_take(r, ctx);

        if (rc != NGX_OK) {
            break;
        }

        if (!r->reading_body) {
            break;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            break;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }

    ngx_http_websocket_body_done(r, ctx, rc);
}


static ngx_int_t
ngx_http_websocket_body_take(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *ln;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    for (cl = r->request_body->bufs; cl; /* void */) {

        b = cl->buf;

        if (b->in_file) {
            /* another module has read the body before us */
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "request body is in a file, "
                          "see \"client_body_buffer_size\"");
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_http_websocket_body_append(r, ctx, b->pos, b->last - b->pos);

        if (rc != NGX_OK) {
            return rc;
        }

        ln = cl;
        cl = cl->next;

        if (r->reading_body) {
            /* its memory is for what comes next */
            b->pos = b->last;
            ngx_free_chain(r->pool, ln);
        }
    }

    if (r->reading_body) {
        r->request_body->bufs = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_websocket_body_append(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, u_char *p, size_t len)
{
    size_t   size;
    u_char  *data;

    if (len == 0) {
        return NGX_OK;
    }

    if (len > ctx->body_limit - ctx->body.len) {
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    if (len > ctx->body_size - ctx->body.len) {

        size = ngx_max(ctx->body_size * 2, NGX_HTTP_WEBSOCKET_BODY_SIZE);
        size = ngx_max(size, ctx->body.len + len);
        size = ngx_min(size, ctx->body_limit);

        data = ngx_pnalloc(r->pool, size);
        if (data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (ctx->body.len) {
            ngx_memcpy(data, ctx->body.data, ctx->body.len);
            (void) ngx_pfree(r->pool, ctx->body.data);
        }

        ctx->body.data = data;
        ctx->body_size = size;
    }

    ngx_memcpy(ctx->body.data + ctx->body.len, p, len);
    ctx->body.len += len;

    return NGX_OK;
}


static void
ngx_http_websocket_body_done(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    r->read_event_handler = ngx_http_block_reading;

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        /* the rest of the body is not read: no request can follow */
        r->keepalive = 0;
    }

    if (rc != NGX_HTTP_REQUEST_TIME_OUT && !c->error) {
        rc = ctx->body_handler(r, rc);
    }

    ngx_http_finalize_request(r, rc);
}
