
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The first byte chooses the dialect, the rest is a message.  What is decoded
 * lies within the message, and is decoded alike after it was encoded.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_dialect.h>
#include <ngx_ws_raw.h>
#include <ngx_ws_sio.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(ngx_str_t *s, u_char *p, size_t len);
static u_char *encode(const ngx_ws_dialect_t *d, ngx_ws_packet_t *pkt,
    size_t *len);
static void same(ngx_str_t *a, ngx_str_t *b);
static void check(ngx_uint_t cond);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                   len;
    u_char                  *p, *out;
    ngx_ws_packet_t          a, b;
    const ngx_ws_dialect_t  *d;

    if (size == 0) {
        return 0;
    }

    d = &ngx_ws_dialects[data[0] % NGX_WS_DIALECTS_N];

    p = malloc(size - 1);
    check(p != NULL);

    ngx_memcpy(p, data + 1, size - 1);

    if (d->decode(&a, p, size - 1) != NGX_OK) {
        free(p);
        return 0;
    }

    within(&a.event, p, size - 1);
    within(&a.data, p, size - 1);
    within(&a.args, p, size - 1);
    within(&a.id, p, size - 1);

    out = encode(d, &a, &len);

    if (d->id == NGX_WS_DIALECT_SOCKETIO) {

        /* without the type of Engine.IO */

        check(out[0] == '4');
        check(d->decode(&b, out + 1, len - 1) == NGX_OK);
        check(b.kind == a.kind);
        check(b.attachments == a.attachments);
        same(&a.nsp, &b.nsp);
        same(&a.id, &b.id);

    } else {
        check(d->decode(&b, out, len) == NGX_OK);
    }

    same(&a.event, &b.event);
    same(&a.data, &b.data);
    same(&a.args, &b.args);

    free(out);
    free(p);

    return 0;
}


static void
within(ngx_str_t *s, u_char *p, size_t len)
{
    check(s->len == 0 || (s->data >= p && s->data + s->len <= p + len));
}


static u_char *
encode(const ngx_ws_dialect_t *d, ngx_ws_packet_t *pkt, size_t *len)
{
    u_char  *out;

    if (d->id == NGX_WS_DIALECT_SOCKETIO) {
        *len = ngx_ws_sio_encode(NULL, pkt);

    } else {
        *len = ngx_ws_raw_event(NULL, &pkt->nsp, &pkt->event, &pkt->data);
    }

    out = malloc(*len);
    check(out != NULL);

    if (d->id == NGX_WS_DIALECT_SOCKETIO) {
        check(ngx_ws_sio_encode(out, pkt) == *len);

    } else {
        check(ngx_ws_raw_event(out, &pkt->nsp, &pkt->event, &pkt->data)
              == *len);
    }

    return out;
}


static void
same(ngx_str_t *a, ngx_str_t *b)
{
    check(a->len == b->len
          && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0));
}


static void
check(ngx_uint_t cond)
{
    if (!cond) {
        abort();
    }
}
