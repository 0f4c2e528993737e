
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_ws_frame.h>


#define NGX_HTTP_WEBSOCKET_REPLY_LIMIT  (1024 * 1024)

#define NGX_HTTP_UNPROCESSABLE          422
#define NGX_HTTP_UPGRADE_REQUIRED       426


static ngx_int_t ngx_http_websocket_reply_send(ngx_http_request_t *r,
    ngx_uint_t status, const char *type, ngx_str_t *body);
static void ngx_http_websocket_reply_reason(ngx_http_request_t *r);
static void ngx_http_websocket_reply_close(ngx_http_request_t *r,
    ngx_uint_t code);
static ngx_int_t ngx_http_websocket_reply_refuse(ngx_http_request_t *r,
    ngx_ws_error_e error, ngx_str_t *message, ngx_array_t *invalid);
static ngx_int_t ngx_http_websocket_reply_refuse_headers(
    ngx_http_request_t *r, ngx_ws_error_e error);
static ngx_int_t ngx_http_websocket_reply_challenge(ngx_http_request_t *r);
static void ngx_http_websocket_reply_invalid(ngx_ws_json_out_t *out,
    ngx_array_t *invalid);
static ngx_uint_t ngx_http_websocket_reply_same_field(
    ngx_ws_call_invalid_t *a, ngx_ws_call_invalid_t *b);


ngx_int_t
ngx_http_websocket_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    return ngx_http_websocket_reply_send(r, status, "application/json", body);
}


ngx_int_t
ngx_http_websocket_reply_text(ngx_http_request_t *r, const char *type,
    ngx_str_t *body)
{
    return ngx_http_websocket_reply_send(r, NGX_HTTP_OK, type, body);
}


static ngx_int_t
ngx_http_websocket_reply_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    if (r->headers_in.expect && !r->expect_tested) {
        /*
         * a client that waits for "100 Continue" gets the answer itself, and
         * may send the body or not (RFC 9110, section 10.1.1)
         */
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    r->headers_out.status = status;
    ngx_http_websocket_reply_reason(r);

    if (body == NULL) {
        r->header_only = 1;
        r->headers_out.content_length_n = 0;

        return ngx_http_send_header(r);
    }

    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type_len = strcspn(type, ";");
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = body->len;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_websocket_reply_error(ngx_http_request_t *r, ngx_ws_error_e error)
{
    return ngx_http_websocket_reply_refuse(r, error, NULL, NULL);
}


ngx_int_t
ngx_http_websocket_reply_call(ngx_http_request_t *r, ngx_ws_call_t *call,
    ngx_uint_t status)
{
    ngx_str_t  body;

    if (call->error != NGX_WS_OK) {
        return ngx_http_websocket_reply_refuse(r, call->error, &call->message,
                                               call->invalid);
    }

    /* the call's memory ends before the answer is sent */

    body.len = call->result.len;
    body.data = ngx_pstrdup(r->pool, &call->result);

    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply(r, status, &body);
}


ngx_int_t
ngx_http_websocket_reply_engine(ngx_http_request_t *r,
    ngx_ws_eio_error_e error)
{
    ngx_str_t  body;

    body.len = ngx_ws_eio_error(NULL, error);

    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) ngx_ws_eio_error(body.data, error);

    ngx_http_websocket_reply_close(r, error == NGX_WS_EIO_FORBIDDEN
                                      ? NGX_WS_CLOSE_POLICY
                                      : NGX_WS_CLOSE_PROTOCOL);

    return ngx_http_websocket_reply(r, ngx_ws_eio_error_status(error), &body);
}


/* nginx has no words for these */

static void
ngx_http_websocket_reply_reason(ngx_http_request_t *r)
{
    switch (r->headers_out.status) {

    case NGX_HTTP_UNPROCESSABLE:
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
        break;

    case NGX_HTTP_UPGRADE_REQUIRED:
        ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");
        break;

    default:
        break;
    }
}


/* a socket that does not come to be is closed, so to say, for the log */

static void
ngx_http_websocket_reply_close(ngx_http_request_t *r, ngx_uint_t code)
{
    ngx_http_websocket_ctx_t       *ctx;
    ngx_http_websocket_loc_conf_t  *wlcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (ctx && wlcf->door != NGX_HTTP_WEBSOCKET_API) {
        ctx->close = code;
    }
}


/* message and invalid may be NULL */

static ngx_int_t
ngx_http_websocket_reply_refuse(ngx_http_request_t *r, ngx_ws_error_e error,
    ngx_str_t *message, ngx_array_t *invalid)
{
    ngx_int_t              rc;
    ngx_str_t              body;
    ngx_ws_json_out_t      out;
    const ngx_ws_error_t  *e;

    if (ngx_http_websocket_reply_refuse_headers(r, error) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    e = ngx_ws_error_get(error);

    ngx_http_websocket_reply_close(r, e->close);

    ngx_ws_json_out_init(&out, NGX_HTTP_WEBSOCKET_REPLY_LIMIT);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "message");

    if (invalid && invalid->nelts) {
        ngx_http_websocket_reply_invalid(&out, invalid);

    } else if (message && message->len) {
        ngx_ws_json_out_string(&out, message);

    } else {
        ngx_ws_json_out_string(&out, (ngx_str_t *) &e->text);
    }

    ngx_ws_json_out_object_end(&out);

    rc = ngx_ws_json_out_copy(&out, r->pool, &body);

    ngx_ws_json_out_free(&out);

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply(r, e->status, &body);
}


static ngx_int_t
ngx_http_websocket_reply_refuse_headers(ngx_http_request_t *r,
    ngx_ws_error_e error)
{
    switch (ngx_ws_error_get(error)->status) {

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_http_websocket_reply_challenge(r);

    case NGX_HTTP_UPGRADE_REQUIRED:
        if (r->http_version == NGX_HTTP_VERSION_11
            && (ngx_http_websocket_header_add(r, "Upgrade", "websocket")
                != NGX_OK
                || ngx_http_websocket_header_add(r, "Connection", "upgrade")
                   != NGX_OK))
        {
            return NGX_ERROR;
        }

        /* RFC 6455, section 4.4 */
        return ngx_http_websocket_header_add(r, "Sec-WebSocket-Version",
                                               "13");

    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return ngx_http_websocket_header_add(r, "Retry-After", "5");

    default:
        return NGX_OK;
    }
}


/* RFC 6750, section 3; "auth_request" passes on what it finds here alone */

static ngx_int_t
ngx_http_websocket_reply_challenge(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "WWW-Authenticate");
    ngx_str_set(&h->value, "Bearer");

#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    r->headers_out.www_authenticate = h;

    return NGX_OK;
}


/* Laravel's summary and what it sums up, by field */

static void
ngx_http_websocket_reply_invalid(ngx_ws_json_out_t *out, ngx_array_t *invalid)
{
    u_char                 *p;
    ngx_str_t               message;
    ngx_uint_t              i, j;
    ngx_ws_call_invalid_t  *v;
    u_char                  buf[512];

    v = invalid->elts;

    if (invalid->nelts > 1) {
        p = ngx_snprintf(buf, sizeof(buf), "%V (and %ui more %s)", &v[0].text,
                         invalid->nelts - 1,
                         invalid->nelts == 2 ? "error" : "errors");

        message.len = p - buf;
        message.data = buf;

        ngx_ws_json_out_string(out, &message);

    } else {
        ngx_ws_json_out_string(out, &v[0].text);
    }

    ngx_ws_json_out_key(out, "errors");
    ngx_ws_json_out_object(out);

    for (i = 0; i < invalid->nelts; i++) {

        for (j = 0; j < i; j++) {
            if (ngx_http_websocket_reply_same_field(&v[j], &v[i])) {
                break;
            }
        }

        if (j < i) {
            continue;
        }

        ngx_ws_json_out_key_str(out, &v[i].field);
        ngx_ws_json_out_array(out);

        for ( /* void */ ; j < invalid->nelts; j++) {
            if (ngx_http_websocket_reply_same_field(&v[j], &v[i])) {
                ngx_ws_json_out_string(out, &v[j].text);
            }
        }

        ngx_ws_json_out_array_end(out);
    }

    ngx_ws_json_out_object_end(out);
}


static ngx_uint_t
ngx_http_websocket_reply_same_field(ngx_ws_call_invalid_t *a,
    ngx_ws_call_invalid_t *b)
{
    return a->field.len == b->field.len
           && ngx_strncmp(a->field.data, b->field.data, a->field.len) == 0;
}
