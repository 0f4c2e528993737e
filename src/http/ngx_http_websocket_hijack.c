
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_probe.h>
#include <ngx_ws_session.h>


#define NGX_HTTP_WEBSOCKET_HIJACK_POOL  1024


static void ngx_http_websocket_hijack_handler(ngx_http_request_t *r);
static void ngx_http_websocket_hijack_take(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_hijack_params(ngx_http_request_t *r,
    ngx_pool_t *pool, ngx_ws_connection_params_t *params,
    ngx_ws_session_params_t *session);
static ngx_int_t ngx_http_websocket_hijack_copy(ngx_pool_t *pool,
    ngx_str_t *dst, ngx_str_t *src);
static void ngx_http_websocket_hijack_free(ngx_http_request_t *r);
static void ngx_http_websocket_hijack_free_chain(ngx_connection_t *c,
    ngx_chain_t *cl);
static void ngx_http_websocket_hijack_start(ngx_connection_t *c,
    ngx_ws_connection_params_t *params, ngx_ws_session_params_t *session,
    ngx_uint_t busy);
static void ngx_http_websocket_hijack_shrink(ngx_connection_t *c);
#if (NGX_HTTP_SSL)
static ngx_pool_t *ngx_http_websocket_hijack_ssl_pool(ngx_connection_t *c);
#endif


void
ngx_http_websocket_hijack(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");

    /* "error_page" may have led here, and would tell its own status */
    r->err_status = 0;

    /* "limit_rate" is for bodies, and would delay even this */
    r->limit_rate = 0;
    r->limit_rate_set = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    r->write_event_handler = ngx_http_websocket_hijack_handler;

    ngx_http_websocket_hijack_handler(r);
}


static void
ngx_http_websocket_hijack_handler(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (r->buffered || c->buffered) {

        if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_ERROR);
            return;
        }
    }

    if (r->buffered || c->buffered) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        ngx_add_timer(wev, clcf->send_timeout);

        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    ngx_http_websocket_hijack_take(r);
}


/*
 * Frees everything of HTTP and leaves the connection to a session.  The caller
 * sees c->destroyed and does not touch the request again.
 */

static void
ngx_http_websocket_hijack_take(ngx_http_request_t *r)
{
    ngx_pool_t                  *pool;
    ngx_uint_t                   busy;
    ngx_connection_t            *c;
    ngx_http_websocket_ctx_t    *ctx;
    ngx_ws_session_params_t      session;
    ngx_ws_connection_params_t   params;

    c = r->connection;

    if (r->count != 1 || r->blocked || c->error || ngx_exiting) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    /* it lives longer than the log of the connection */

    pool = ngx_create_pool(NGX_HTTP_WEBSOCKET_HIJACK_POOL,
                           ngx_cycle->log);
    if (pool == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (ngx_http_websocket_hijack_params(r, pool, &params, &session)
        != NGX_OK)
    {
        ngx_destroy_pool(pool);
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);
    busy = ctx->upgrade->busy;

    ngx_http_websocket_hijack_free(r);
    ngx_http_websocket_hijack_start(c, &params, &session, busy);

    ngx_destroy_pool(pool);
}


/* what lies in the request's memory is copied; realip takes back addr_text */

static ngx_int_t
ngx_http_websocket_hijack_params(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_ws_connection_params_t *params, ngx_ws_session_params_t *session)
{
    ngx_str_t                        received, agent;
    ngx_http_websocket_ctx_t        *ctx;
    ngx_http_websocket_upgrade_t    *up;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);
    up = ctx->upgrade;

    ngx_memzero(params, sizeof(ngx_ws_connection_params_t));
    ngx_memzero(session, sizeof(ngx_ws_session_params_t));

    received.data = r->header_in->pos;
    received.len = r->header_in->last - r->header_in->pos;

    ngx_str_null(&agent);

    if (r->headers_in.user_agent) {
        agent = r->headers_in.user_agent->value;
    }

    if (ngx_http_websocket_hijack_copy(pool, &params->received, &received)
        != NGX_OK
        || ngx_http_websocket_hijack_copy(pool, &params->address,
                                          &r->connection->addr_text)
           != NGX_OK
        || ngx_http_websocket_hijack_copy(pool, &session->token, &up->token)
           != NGX_OK
        || ngx_http_websocket_hijack_copy(pool, &session->agent, &agent)
           != NGX_OK
        || ngx_http_websocket_hijack_copy(pool, &session->sid, &up->sid)
           != NGX_OK
        || ngx_http_websocket_hijack_copy(pool, &session->owner, &up->owner)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    params->loop = wmcf->loop;
    params->conf = &wlcf->session;
    params->deflate = up->deflate;

    session->worker = wmcf->worker;
    session->conf = &wlcf->session;
    session->dialect = up->dialect;
    session->ticket = up->ticket;
    session->address = params->address;

    return NGX_OK;
}


static ngx_int_t
ngx_http_websocket_hijack_copy(ngx_pool_t *pool, ngx_str_t *dst,
    ngx_str_t *src)
{
    if (src->len == 0) {
        ngx_str_set(dst, "");
        return NGX_OK;
    }

    dst->len = src->len;
    dst->data = ngx_pstrdup(pool, src);

    return dst->data ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_websocket_hijack_free(ngx_http_request_t *r)
{
    ngx_connection_t       *c;
    ngx_http_connection_t  *hc;

    c = r->connection;
    hc = r->http_connection;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    ngx_http_free_request(r, 0);

    /* an idle socket should not hold the buffers of the request's head */

    if (c->buffer) {
        (void) ngx_pfree(c->pool, c->buffer->start);
        c->buffer = NULL;
    }

    ngx_http_websocket_hijack_free_chain(c, hc->free);
    ngx_http_websocket_hijack_free_chain(c, hc->busy);

    hc->free = NULL;
    hc->busy = NULL;
    hc->nbusy = 0;

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }

#endif

    if (c->tcp_nopush == NGX_TCP_NOPUSH_SET) {

        if (ngx_tcp_push(c->fd) == -1) {
            ngx_connection_error(c, ngx_socket_errno, ngx_tcp_push_n
                                 " failed");
        }

        c->tcp_nopush = NGX_TCP_NOPUSH_UNSET;
    }
}


static void
ngx_http_websocket_hijack_free_chain(ngx_connection_t *c, ngx_chain_t *cl)
{
    ngx_chain_t  *ln;

    while (cl) {
        ln = cl;
        cl = cl->next;

        (void) ngx_pfree(c->pool, ln->buf->start);
        ngx_free_chain(c->pool, ln);
    }
}


static void
ngx_http_websocket_hijack_start(ngx_connection_t *c,
    ngx_ws_connection_params_t *params, ngx_ws_session_params_t *session,
    ngx_uint_t busy)
{
    ngx_int_t            rc;
    ngx_ws_transport_t  *t;

    t = ngx_ws_connection_create(c, params);

    if (t == NULL) {
        ngx_http_close_connection(c);
        return;
    }

    ngx_http_websocket_hijack_shrink(c);

    if (busy) {
        /* as with the reference server, not in the handshake */
        t->ops->close(t, ngx_ws_error_get(NGX_WS_OK)->close);
        return;
    }

    rc = session->sid.len ? ngx_ws_probe_create(t, session)
                          : ngx_ws_session_create(t, session);

    if (rc != NGX_OK) {
        t->ops->close(t, ngx_ws_error_get(NGX_WS_INTERNAL)->close);
    }
}


/* An idle socket needs nothing of its pool but what is said of TLS there. */

static void
ngx_http_websocket_hijack_shrink(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    pool = NULL;

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        pool = ngx_http_websocket_hijack_ssl_pool(c);
        if (pool == NULL) {
            return;
        }
    }

#endif

    ngx_destroy_pool(c->pool);

    c->pool = pool;
    c->sockaddr = NULL;
    c->socklen = 0;
    c->local_sockaddr = NULL;
    c->local_socklen = 0;
    c->proxy_protocol = NULL;
    ngx_str_null(&c->addr_text);
}


#if (NGX_HTTP_SSL)


/*
 * A pool that holds the connection's side of TLS, with room for the head of
 * its buffer; NULL where it can not be moved.
 */

static ngx_pool_t *
ngx_http_websocket_hijack_ssl_pool(ngx_connection_t *c)
{
    size_t                 size;
    ngx_pool_t            *pool;
    ngx_ssl_connection_t  *ssl;

    if (c->ssl->ocsp || c->ssl->in_early || c->buffered) {
        return NULL;
    }

    size = sizeof(ngx_pool_t) + sizeof(ngx_ssl_connection_t)
           + sizeof(ngx_buf_t) + sizeof(ngx_pool_large_t);

    pool = ngx_create_pool(ngx_align(size, NGX_POOL_ALIGNMENT), c->log);
    if (pool == NULL) {
        return NULL;
    }

    ssl = ngx_palloc(pool, sizeof(ngx_ssl_connection_t));
    if (ssl == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    *ssl = *c->ssl;
    ssl->buf = NULL;
    c->ssl = ssl;

    return pool;
}


#endif


void
ngx_http_websocket_hijack_release(ngx_connection_t *c)
{
    if (c->pool) {
        /* the end of TLS may have to wait, and its log is the session's */
        c->log = ngx_cycle->log;
        c->read->log = c->log;
        c->write->log = c->log;
        c->pool->log = c->log;

        ngx_http_close_connection(c);
        return;
    }

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif

    c->destroyed = 1;

    ngx_close_connection(c);
}
