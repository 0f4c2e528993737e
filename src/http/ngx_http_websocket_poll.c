
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_ws_relay.h>


/*
 * The polling transport's requests, held until the session answers them.
 */

struct ngx_http_websocket_poll_s {
    ngx_ws_poll_request_t         request;
    ngx_http_request_t           *r;
    ngx_http_websocket_ctx_t     *ctx;
    ngx_ws_poll_answer_t          answer;

    unsigned                      known:1;      /* to the session */
    unsigned                      asking:1;     /* the session, right now */
    unsigned                      answered:1;
    unsigned                      lost:1;       /* the answer is */
};


static ngx_int_t ngx_http_websocket_poll_open(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_poll_post(ngx_http_request_t *r);
static ngx_int_t ngx_http_websocket_poll_body(ngx_http_request_t *r,
    ngx_int_t rc);
static ngx_http_websocket_poll_t *ngx_http_websocket_poll_create(
    ngx_http_request_t *r, ngx_ws_poll_kind_e kind);
static ngx_int_t ngx_http_websocket_poll_ask(ngx_http_websocket_poll_t *poll);
static ngx_int_t ngx_http_websocket_poll_hold(
    ngx_http_websocket_poll_t *poll);
static void ngx_http_websocket_poll_answer(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_answer_t *answer);
static ngx_int_t ngx_http_websocket_poll_reply(
    ngx_http_websocket_poll_t *poll);
static void ngx_http_websocket_poll_free_body(void *data);


ngx_int_t
ngx_http_websocket_poll(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   sid, jsonp;
    ngx_http_websocket_poll_t  *poll;

    if (ngx_http_arg(r, (u_char *) "j", 1, &jsonp) == NGX_OK) {
        /* JSONP is a way around of CORS, and of our check of origins */
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_REQUEST);
    }

    if (ngx_http_arg(r, (u_char *) "sid", 3, &sid) != NGX_OK || sid.len == 0) {
        return ngx_http_websocket_poll_open(r);
    }

    if (r->method == NGX_HTTP_POST) {
        return ngx_http_websocket_poll_post(r);
    }

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_METHOD);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    poll = ngx_http_websocket_poll_create(r, NGX_WS_POLL_GET);
    if (poll == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_poll_ask(poll);
}


/* the handshake */

static ngx_int_t
ngx_http_websocket_poll_open(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_ws_session_params_t          params;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_websocket_poll_t       *poll;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_METHOD);
    }

    if (!ngx_http_websocket_arg(r, "EIO", "4")) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_VERSION);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_websocket_limit_connect(r);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(&params, sizeof(ngx_ws_session_params_t));

    params.worker = wmcf->worker;
    params.conf = &wlcf->session;
    params.dialect = &ngx_ws_dialects[NGX_WS_DIALECT_SOCKETIO];
    params.address = r->connection->addr_text;

    if (r->headers_in.user_agent) {
        params.agent = r->headers_in.user_agent->value;
    }

    if (wlcf->session.echo == NGX_WS_ECHO_OFF
        && ngx_http_websocket_access_token(r, &params.token) == NGX_ERROR)
    {
        return ngx_http_websocket_reply_error(r, NGX_WS_UNAUTHENTICATED);
    }

    poll = ngx_http_websocket_poll_create(r, NGX_WS_POLL_GET);
    if (poll == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    poll->request.sid.data = ngx_pnalloc(r->pool, NGX_WS_RANDOM_ID_LEN);
    if (poll->request.sid.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    poll->asking = 1;

    rc = ngx_ws_poll_open(&params, clcf->error_log, &poll->request);

    poll->asking = 0;

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (poll->answered) {
        return ngx_http_websocket_poll_reply(poll);
    }

    poll->known = 1;

    return ngx_http_websocket_poll_hold(poll);
}


static ngx_int_t
ngx_http_websocket_poll_post(ngx_http_request_t *r)
{
    ngx_str_t                       *type;
    ngx_http_websocket_ctx_t        *ctx;
    ngx_http_websocket_poll_t       *poll;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    static ngx_str_t  binary = ngx_string("application/octet-stream");

    poll = ngx_http_websocket_poll_create(r, NGX_WS_POLL_POST);
    if (poll == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);

    if (r->headers_in.content_type) {
        type = &r->headers_in.content_type->value;

        if (type->len == binary.len
            && ngx_strncasecmp(type->data, binary.data, binary.len) == 0)
        {
            /* of a former protocol, and the end of the session */
            ngx_ws_relay_gone(wmcf->worker, &poll->request);
            return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_REQUEST);
        }
    }

    poll->asking = 1;

    (void) ngx_ws_relay_begin(wmcf->worker, &poll->request);

    poll->asking = 0;

    if (poll->answered) {
        return ngx_http_websocket_poll_reply(poll);
    }

    poll->known = 1;

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    return ngx_http_websocket_body_read(r, ctx, wlcf->session.max_message_size,
                                        ngx_http_websocket_poll_body);
}


static ngx_int_t
ngx_http_websocket_poll_body(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_websocket_ctx_t        *ctx;
    ngx_http_websocket_main_conf_t  *wmcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);

        ngx_ws_poll_cancel(wmcf->worker, &ctx->poll->request);
        ctx->poll->known = 0;

        return ngx_http_websocket_reply_error(r, NGX_WS_TOO_LARGE);
    }

    if (rc == NGX_HTTP_BAD_REQUEST) {
        return ngx_http_websocket_reply_engine(r, NGX_WS_EIO_BAD_REQUEST);
    }

    if (rc != NGX_OK) {
        return ngx_http_websocket_reply_error(r, NGX_WS_INTERNAL);
    }

    ctx->poll->request.body = ctx->body;

    return ngx_http_websocket_poll_ask(ctx->poll);
}


ngx_int_t
ngx_http_websocket_poll_probe(ngx_http_request_t *r)
{
    ngx_http_websocket_poll_t  *poll;

    poll = ngx_http_websocket_poll_create(r, NGX_WS_POLL_PROBE);
    if (poll == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_poll_ask(poll);
}


static ngx_http_websocket_poll_t *
ngx_http_websocket_poll_create(ngx_http_request_t *r, ngx_ws_poll_kind_e kind)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_websocket_ctx_t   *ctx;
    ngx_http_websocket_poll_t  *poll;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_websocket_poll_t));
    if (cln == NULL) {
        return NULL;
    }

    poll = cln->data;
    ngx_memzero(poll, sizeof(ngx_http_websocket_poll_t));

    cln->handler = ngx_http_websocket_poll_free_body;

    poll->r = r;
    poll->ctx = ctx;
    poll->request.kind = kind;
    poll->request.answer = ngx_http_websocket_poll_answer;

    (void) ngx_http_arg(r, (u_char *) "sid", 3, &poll->request.sid);

    ctx->poll = poll;

    return poll;
}


static ngx_int_t
ngx_http_websocket_poll_ask(ngx_http_websocket_poll_t *poll)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(poll->r, ngx_http_websocket_module);

    poll->asking = 1;

    ngx_ws_relay_request(wmcf->worker, &poll->request);

    poll->asking = 0;

    if (poll->answered) {
        return ngx_http_websocket_poll_reply(poll);
    }

    poll->known = 1;

    return ngx_http_websocket_poll_hold(poll);
}


static ngx_int_t
ngx_http_websocket_poll_hold(ngx_http_websocket_poll_t *poll)
{
    ngx_http_request_t  *r;

    r = poll->r;

    ngx_http_websocket_wait(r);
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_websocket_poll_answer(ngx_ws_poll_request_t *pr,
    ngx_ws_poll_answer_t *answer)
{
    ngx_int_t                   rc;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_websocket_ctx_t   *ctx;
    ngx_http_websocket_poll_t  *poll;

    poll = (ngx_http_websocket_poll_t *) pr;

    r = poll->r;
    c = r->connection;

    poll->answered = 1;
    poll->answer = *answer;

    ctx = poll->ctx;

    if (ngx_http_websocket_has_left(ctx)) {
        poll->lost = 1;
        return;
    }

    if (pr->kind == NGX_WS_POLL_PROBE && answer->owner.len) {
        ctx->upgrade->ticket = answer->ticket;
        ctx->upgrade->owner.len = answer->owner.len;
        ctx->upgrade->owner.data = ngx_pstrdup(r->pool, &answer->owner);

        if (ctx->upgrade->owner.data == NULL) {
            poll->answer.status = NGX_WS_POLL_UNAVAILABLE;
        }
    }

    if (poll->asking) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    rc = ngx_http_websocket_poll_reply(poll);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_websocket_poll_reply(ngx_http_websocket_poll_t *poll)
{
    ngx_int_t                  rc;
    ngx_str_t                  ok;
    ngx_http_request_t        *r;
    ngx_http_websocket_ctx_t  *ctx;

    r = poll->r;

    if (poll->answer.status == NGX_WS_POLL_REFUSED) {
        return ngx_http_websocket_reply_engine(r, poll->answer.code);
    }

    if (poll->answer.status == NGX_WS_POLL_UNAVAILABLE) {
        return ngx_http_websocket_reply_error(r, NGX_WS_UNAVAILABLE);
    }

    if (poll->request.kind == NGX_WS_POLL_PROBE) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);

        ctx->upgrade->busy = (poll->answer.status == NGX_WS_POLL_BUSY);

        return ngx_http_websocket_upgrade_accept(r);
    }

    if (ngx_http_websocket_header_add(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        poll->lost = 1;
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (poll->answer.status == NGX_WS_POLL_OK) {
        ngx_str_set(&ok, "ok");
        rc = ngx_http_websocket_reply_text(r, "text/html", &ok);

    } else {
        rc = ngx_http_websocket_reply_text(r, "text/plain; charset=UTF-8",
                                           &poll->answer.body);
    }

    if (rc == NGX_ERROR || rc > NGX_OK) {
        poll->lost = 1;
    }

    return rc;
}


void
ngx_http_websocket_poll_cleanup(ngx_http_websocket_poll_t *poll)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    if (poll->known
        && (!poll->answered || poll->lost || poll->r->out
            || poll->r->connection->buffered))
    {

        wmcf = ngx_http_get_module_main_conf(poll->r,
                                             ngx_http_websocket_module);

        ngx_ws_relay_gone(wmcf->worker, &poll->request);
    }
}


static void
ngx_http_websocket_poll_free_body(void *data)
{
    ngx_http_websocket_poll_t  *poll = data;

    if (poll->answer.body.data) {
        ngx_free(poll->answer.body.data);
    }
}
