
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * First byte: how large the pieces are that a body comes in and whether there
 * are pauses; second: the limit; the rest: the body.  All of it is read, or
 * none; then it is JSON of which every kind of field is taken, and what is
 * taken is as it was asked for.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_call.h>
#include <ngx_ws_name.h>

#include "fuzz.h"
#include "test.h"


typedef struct {
    const u_char              *pos;
    const u_char              *end;
    size_t                     size;          /* of a piece */
    ngx_uint_t                 pauses;
    ngx_uint_t                 paused;
    ngx_int_t                  rc;
    ngx_uint_t                 called;

    ngx_http_request_t         r;
    ngx_http_request_body_t    rb;
    ngx_http_websocket_ctx_t   ctx;
    ngx_connection_t           c;
    ngx_event_t                read;
} input_t;


static void start(input_t *in, size_t size);
static void piece(input_t *in);
static ngx_int_t end(ngx_http_request_t *r, ngx_int_t rc);
static void fields(u_char *p, size_t len);
static void field(ngx_ws_json_t *in, const char *name);
static void taken(ngx_ws_call_t *call, ngx_int_t rc, ngx_uint_t good);


static input_t             *input;

ngx_module_t                ngx_http_websocket_module;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void      *ctx[1];
    u_char    *body;
    size_t     limit;
    input_t    in;

    if (size < 2) {
        return 0;
    }

    ngx_memzero(&in, sizeof(input_t));

    input = &in;

    body = copy(data + 2, size - 2);
    limit = data[1] * 16;

    in.pos = body;
    in.end = body + size - 2;
    in.size = 1 + data[0] % 64;
    in.pauses = data[0] >> 6;

    ctx[0] = &in.ctx;
    in.r.ctx = ctx;

    start(&in, size - 2);

    (void) ngx_http_websocket_body_read(&in.r, &in.ctx, limit, end);

    while (!in.called) {
        in.r.read_event_handler(&in.r);
    }

    if (in.called != 1) {
        abort();
    }

    if (size - 2 > limit) {
        if (in.rc != NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            abort();
        }

    } else if (in.rc != NGX_OK
               || in.ctx.body.len != size - 2
               || (size > 2
                   && ngx_memcmp(in.ctx.body.data, body, size - 2) != 0))
    {
        abort();

    } else {
        fields(in.ctx.body.data, in.ctx.body.len);
    }

    ngx_destroy_pool(in.r.pool);
    free(body);

    return 0;
}


static void
start(input_t *in, size_t size)
{
    ngx_http_request_t  *r;

    r = &in->r;

    r->pool = ngx_create_pool(1024, &test_log);
    if (r->pool == NULL) {
        abort();
    }

    in->c.log = &test_log;
    in->c.read = &in->read;

    r->main = r;
    r->connection = &in->c;

    if (in->size % 2) {
        r->headers_in.content_length_n = size;

    } else {
        r->headers_in.content_length_n = -1;
        r->headers_in.chunked = 1;
    }
}


/* in place of nginx' reading: pieces, and pauses between them */

ngx_int_t
ngx_http_read_client_request_body(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt post_handler)
{
    r->request_body = &input->rb;
    r->reading_body = (input->pos < input->end);

    piece(input);
    post_handler(r);

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_read_unbuffered_request_body(ngx_http_request_t *r)
{
    if (input->pauses && !input->paused) {
        input->paused = input->pauses;
        return NGX_AGAIN;
    }

    if (input->paused) {
        input->paused--;
    }

    piece(input);

    return r->reading_body ? NGX_AGAIN : NGX_OK;
}


static void
piece(input_t *in)
{
    size_t        n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    n = ngx_min(in->size, (size_t) (in->end - in->pos));

    b = ngx_calloc_buf(in->r.pool);
    cl = ngx_palloc(in->r.pool, sizeof(ngx_chain_t));

    if (b == NULL || cl == NULL) {
        abort();
    }

    b->pos = (u_char *) in->pos;
    b->last = b->pos + n;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;

    in->rb.bufs = cl;
    in->pos += n;
    in->r.reading_body = (in->pos < in->end);
}


static ngx_int_t
end(ngx_http_request_t *r, ngx_int_t rc)
{
    input->called++;
    input->rc = rc;

    return NGX_DONE;
}


static void
fields(u_char *p, size_t len)
{
    ngx_ws_json_t   *in;
    ngx_ws_error_e   error;

    static const char  *names[] = {
        "connection_id", "channel", "status", "is_typing", "x"
    };

    ngx_uint_t  i;

    in = ngx_ws_json_parse(p, len, NGX_WS_JSON_DEPTH, &error);

    if (in == NULL) {
        if (error != NGX_WS_BAD_JSON && error != NGX_WS_TOO_LARGE) {
            abort();
        }

        return;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        field(in, names[i]);
    }

    ngx_ws_json_free(in);
}


static void
field(ngx_ws_json_t *in, const char *name)
{
    uint64_t        id;
    ngx_int_t       rc;
    ngx_str_t       s;
    ngx_uint_t      n;
    ngx_ws_call_t   call;

    static const char  *words[] = { "online", "away", NULL };

    ngx_memzero(&call, sizeof(ngx_ws_call_t));

    call.pool = ngx_create_pool(1024, &test_log);
    if (call.pool == NULL) {
        abort();
    }

    rc = ngx_ws_call_string(&call, in, name, 0, 50, &s);
    taken(&call, rc, rc == NGX_OK && s.len > 0 && ngx_ws_json_chars(&s) <= 50);

    rc = ngx_ws_call_name(&call, in, name, NGX_WS_FIELD_REQUIRED, &s);
    taken(&call, rc, rc == NGX_OK && ngx_ws_name_visible(&s, NGX_WS_NAME_LEN));

    id = 0;
    rc = ngx_ws_call_id(&call, in, name, 0, &id);
    taken(&call, rc, id >= 1 && id <= NGX_WS_JSON_ID_MAX);

    n = 2;
    rc = ngx_ws_call_bool(&call, in, name, NGX_WS_FIELD_REQUIRED, &n);
    taken(&call, rc, n <= 1);

    n = 2;
    rc = ngx_ws_call_choice(&call, in, name, 0, words, &n);
    taken(&call, rc, n <= 1);

    ngx_destroy_pool(call.pool);
}


/* a refusal is noted once, with its words */

static void
taken(ngx_ws_call_t *call, ngx_int_t rc, ngx_uint_t good)
{
    ngx_ws_call_invalid_t  *v;

    if (rc == NGX_OK && !good) {
        abort();
    }

    if (rc != NGX_ERROR) {
        if (call->error != NGX_WS_OK || call->invalid != NULL) {
            abort();
        }

        return;
    }

    if (call->error != NGX_WS_INVALID || call->invalid->nelts != 1) {
        abort();
    }

    v = call->invalid->elts;

    if (v->text.len == 0 || v->text.data[v->text.len - 1] != '.') {
        abort();
    }

    call->error = NGX_WS_OK;
    call->invalid = NULL;
}


/* what else is linked */

ngx_rbtree_t  ngx_event_timer_rbtree;


void
ngx_http_block_reading(ngx_http_request_t *r)
{
    /* never called */
}


void
ngx_http_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    if (!input->called) {
        abort();
    }
}
