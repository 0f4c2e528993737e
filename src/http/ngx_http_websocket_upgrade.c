
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_ws_handshake.h>


#define NGX_HTTP_WEBSOCKET_UPGRADE_RESERVE(n)  ((n) / 64 + 2)

/* bits of a window that a client may keep over messages */
#define NGX_HTTP_WEBSOCKET_UPGRADE_WINDOW      12


static ngx_ws_error_e ngx_http_websocket_upgrade_request(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_websocket_upgrade_full(ngx_http_request_t *r);
static ngx_ws_error_e ngx_http_websocket_upgrade_key(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up);
static ngx_ws_error_e ngx_http_websocket_upgrade_extensions(
    ngx_http_request_t *r, ngx_http_websocket_upgrade_t *up);
static ngx_ws_error_e ngx_http_websocket_upgrade_protocol(
    ngx_http_request_t *r, ngx_http_websocket_upgrade_t *up);
static ngx_ws_error_e ngx_http_websocket_upgrade_token(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up);
static ngx_int_t ngx_http_websocket_upgrade_refuse(ngx_http_request_t *r,
    ngx_ws_error_e error);
static void ngx_http_websocket_upgrade_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_upgrade_headers(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up);


ngx_uint_t
ngx_http_websocket_upgrade_wanted(ngx_http_request_t *r)
{
    ngx_str_t  list;

    static ngx_str_t  websocket = ngx_string("websocket");

    /* in other versions the field means nothing (RFC 9110, section 7.8) */

    if (r->http_version == NGX_HTTP_VERSION_11
        && ngx_http_websocket_header_list(r, "upgrade", &list) == NGX_OK
        && ngx_ws_handshake_token(&list, &websocket))
    {
        return 1;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "websocket handshake refused: no \"Upgrade: websocket\" of "
                  "HTTP/1.1, which a proxy has to pass");

    return 0;
}


ngx_int_t
ngx_http_websocket_upgrade(ngx_http_request_t *r,
    const ngx_ws_dialect_t *dialect)
{
    ngx_int_t                      rc;
    ngx_ws_error_e                 error;
    ngx_http_websocket_ctx_t      *ctx;
    ngx_http_websocket_upgrade_t  *up;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    up = ngx_pcalloc(r->pool, sizeof(ngx_http_websocket_upgrade_t));
    if (up == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    up->dialect = dialect;
    ctx->upgrade = up;

    error = ngx_http_websocket_upgrade_request(r);

    if (error == NGX_WS_OK) {
        error = ngx_http_websocket_upgrade_key(r, up);
    }

    if (error == NGX_WS_OK) {
        error = ngx_http_websocket_upgrade_extensions(r, up);
    }

    if (error == NGX_WS_OK) {
        error = ngx_http_websocket_upgrade_protocol(r, up);
    }

    if (error == NGX_WS_OK) {
        error = ngx_http_websocket_upgrade_token(r, up);
    }

    if (error != NGX_WS_OK) {
        return ngx_http_websocket_upgrade_refuse(r, error);
    }

    if (dialect && dialect->id == NGX_WS_DIALECT_SOCKETIO
        && ngx_http_arg(r, (u_char *) "sid", 3, &up->sid) == NGX_OK
        && up->sid.len)
    {
        return ngx_http_websocket_poll_probe(r);
    }

    rc = ngx_http_websocket_limit_connect(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_websocket_upgrade_accept(r);
}


/*
 * The callers of a content handler use the request after it, and an internal
 * redirect holds a count of it: the answer has an event of its own.
 */

ngx_int_t
ngx_http_websocket_upgrade_accept(ngx_http_request_t *r)
{
    r->main->count++;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_websocket_upgrade_handler;

    ngx_post_event(r->connection->write, &ngx_posted_events);

    return NGX_DONE;
}


/* RFC 6455, section 4.2.1, and what would be in the way of the hijack */

static ngx_ws_error_e
ngx_http_websocket_upgrade_request(ngx_http_request_t *r)
{
    ngx_str_t   list, *version;
    ngx_uint_t  n;

    static ngx_str_t  upgrade = ngx_string("upgrade");

    if (r->method != NGX_HTTP_GET) {
        return NGX_WS_BAD_METHOD;
    }

    if (ngx_http_websocket_header_list(r, "connection", &list) != NGX_OK
        || !ngx_ws_handshake_token(&list, &upgrade)
        || r->headers_in.content_length_n > 0
        || r->headers_in.chunked
        || r != r->main)
    {
        return NGX_WS_BAD_REQUEST;
    }

    version = ngx_http_websocket_header(r, "sec-websocket-version", &n);

    if (n != 1
        || version->len != 2
        || ngx_strncmp(version->data, "13", 2) != 0)
    {
        return NGX_WS_BAD_VERSION;
    }

    if (ngx_exiting || ngx_terminate) {
        /* this worker tells its connections to leave only once */
        r->keepalive = 0;
        return NGX_WS_LEAVING;
    }

    if (ngx_http_websocket_upgrade_full(r)) {
        r->keepalive = 0;
        return NGX_WS_FULL;
    }

    return NGX_WS_OK;
}


/*
 * A socket stays for long: the last connections and descriptors of the worker
 * are kept for requests, which nginx could not even refuse without them.
 */

static ngx_uint_t
ngx_http_websocket_upgrade_full(ngx_http_request_t *r)
{
    struct rlimit   rlmt;
    ngx_cycle_t    *cycle;

    cycle = (ngx_cycle_t *) ngx_cycle;

    if (cycle->free_connection_n
        <= NGX_HTTP_WEBSOCKET_UPGRADE_RESERVE(cycle->connection_n))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "%ui worker_connections are not enough "
                      "for more sockets", cycle->connection_n);
        return 1;
    }

    /* the lowest free descriptor is the one that a connection gets */

    if (getrlimit(RLIMIT_NOFILE, &rlmt) == 0
        && rlmt.rlim_cur != RLIM_INFINITY
        && (rlim_t) r->connection->fd
           + NGX_HTTP_WEBSOCKET_UPGRADE_RESERVE(rlmt.rlim_cur)
           >= rlmt.rlim_cur)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "%ui open files are not enough for more sockets",
                      (ngx_uint_t) rlmt.rlim_cur);
        return 1;
    }

    return 0;
}


static ngx_ws_error_e
ngx_http_websocket_upgrade_key(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up)
{
    ngx_str_t   *key;
    ngx_uint_t   n;

    key = ngx_http_websocket_header(r, "sec-websocket-key", &n);

    if (n != 1 || ngx_ws_handshake_accept(key, up->accept_data) != NGX_OK) {
        return NGX_WS_BAD_REQUEST;
    }

    up->accept.data = up->accept_data;
    up->accept.len = NGX_WS_HANDSHAKE_ACCEPT_LEN;

    return NGX_WS_OK;
}


static ngx_ws_error_e
ngx_http_websocket_upgrade_extensions(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up)
{
    ngx_str_t                       list;
    ngx_http_websocket_loc_conf_t  *wlcf;

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (!wlcf->session.compression) {
        return NGX_WS_OK;
    }

    if (ngx_http_websocket_header_list(r, "sec-websocket-extensions", &list)
        != NGX_OK)
    {
        return NGX_WS_INTERNAL;
    }

    /* for messages to one client alone, see ngx_ws_loop_context() */

    up->deflate.server_takeover = 1;
    up->deflate.server_bits = NGX_WS_DEFLATE_BITS_MAX;

    /* the client's window is kept while it is idle, so it has to be small */

    up->deflate.client_takeover = 1;
    up->deflate.client_bits = NGX_HTTP_WEBSOCKET_UPGRADE_WINDOW;

    if (list.len
        && ngx_ws_handshake_deflate(&list, &up->deflate) == NGX_ERROR)
    {
        return NGX_WS_BAD_REQUEST;
    }

    if (up->deflate.client_bits > NGX_HTTP_WEBSOCKET_UPGRADE_WINDOW) {
        up->deflate.client_takeover = 0;
    }

    return NGX_WS_OK;
}


/*
 * There are no subprotocols here, but a browser that names some takes no
 * answer without one: it gets the first, as from the reference server.
 */

static ngx_ws_error_e
ngx_http_websocket_upgrade_protocol(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up)
{
    u_char     *p, *end;
    ngx_str_t   list;

    if (ngx_http_websocket_header_list(r, "sec-websocket-protocol", &list)
        != NGX_OK)
    {
        return NGX_WS_INTERNAL;
    }

    if (list.len == 0) {
        return NGX_WS_OK;
    }

    if (ngx_ws_handshake_protocols(&list) != NGX_OK) {
        return NGX_WS_BAD_REQUEST;
    }

    p = list.data;
    end = list.data + list.len;

    while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
        p++;
    }

    up->protocol.data = p;

    while (p < end && *p != ' ' && *p != '\t' && *p != ',') {
        p++;
    }

    up->protocol.len = p - up->protocol.data;

    return NGX_WS_OK;
}


static ngx_ws_error_e
ngx_http_websocket_upgrade_token(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up)
{
    ngx_http_websocket_loc_conf_t  *wlcf;

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (wlcf->session.echo == NGX_WS_ECHO_OFF
        && ngx_http_websocket_access_token(r, &up->token) == NGX_ERROR)
    {
        return NGX_WS_UNAUTHENTICATED;
    }

    return NGX_WS_OK;
}


static ngx_int_t
ngx_http_websocket_upgrade_refuse(ngx_http_request_t *r, ngx_ws_error_e error)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "websocket handshake refused: %V",
                  &ngx_ws_error_get(error)->text);

    if (error == NGX_WS_BAD_METHOD
        && ngx_http_websocket_header_add(r, "Allow", "GET") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply_error(r, error);
}


static void
ngx_http_websocket_upgrade_handler(ngx_http_request_t *r)
{
    ngx_http_websocket_ctx_t  *ctx;

    if (r->count != 1) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "a request with background subrequests "
                      "(\"mirror\") can not be upgraded");

        ngx_http_finalize_request(r,
                        ngx_http_websocket_upgrade_refuse(r, NGX_WS_INTERNAL));
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    if (ngx_http_websocket_upgrade_headers(r, ctx->upgrade) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_websocket_hijack(r);
}


static ngx_int_t
ngx_http_websocket_upgrade_headers(ngx_http_request_t *r,
    ngx_http_websocket_upgrade_t *up)
{
    ngx_str_t  extensions;

    if (ngx_http_websocket_header_add(r, "Upgrade", "websocket") != NGX_OK
        || ngx_http_websocket_header_add_str(r, "Sec-WebSocket-Accept",
                                             &up->accept)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (up->protocol.len
        && ngx_http_websocket_header_add_str(r, "Sec-WebSocket-Protocol",
                                             &up->protocol)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!up->deflate.on) {
        return NGX_OK;
    }

    extensions.len = ngx_ws_handshake_deflate_answer(NULL, &up->deflate);

    extensions.data = ngx_pnalloc(r->pool, extensions.len);
    if (extensions.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_ws_handshake_deflate_answer(extensions.data, &up->deflate);

    return ngx_http_websocket_header_add_str(r, "Sec-WebSocket-Extensions",
                                             &extensions);
}
