
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <zlib.h>

#include <ngx_ws_deflate.h>


/*
 * RFC 7692, section 7.2.1: a message is DEFLATE blocks up to a byte border,
 * where an empty stored block stands whose last bytes, 00 00 FF FF, are left
 * out.
 *
 * The smallest window of zlib's raw DEFLATE is 2^9 bytes, but it never looks
 * back further than the window less 262 bytes (its MIN_LOOKAHEAD): what it
 * makes by 9 bits is right for a peer with a window of 2^8 too.
 */


#define NGX_WS_DEFLATE_LEVEL      1
#define NGX_WS_DEFLATE_ZLIB_MIN   9
#define NGX_WS_DEFLATE_LOOKAHEAD  262
#define NGX_WS_DEFLATE_TAIL       4

#define NGX_WS_DEFLATE_KEEP       65536      /* of the place for the output */


static ngx_int_t ngx_ws_deflate_room(ngx_ws_deflate_t *d, size_t len);
static z_stream *ngx_ws_deflate_stream(ngx_ws_deflate_t *d, ngx_uint_t window,
    ngx_ws_deflate_context_t *context);
static z_stream *ngx_ws_deflate_stream_create(ngx_uint_t window,
    ngx_log_t *log);
static void *ngx_ws_deflate_alloc(void *opaque, u_int items, u_int size);
static void ngx_ws_deflate_free(void *opaque, void *address);


ngx_ws_deflate_t *
ngx_ws_deflate_create(ngx_log_t *log)
{
    ngx_ws_deflate_t  *d;

    d = ngx_calloc(sizeof(ngx_ws_deflate_t), log);
    if (d == NULL) {
        return NULL;
    }

    d->log = log;

    return d;
}


void
ngx_ws_deflate_destroy(ngx_ws_deflate_t *d)
{
    ngx_ws_deflate_drop(d);
    ngx_free(d);
}


void
ngx_ws_deflate_drop(ngx_ws_deflate_t *d)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(d->streams) / sizeof(d->streams[0]); i++) {

        if (d->streams[i]) {
            (void) deflateEnd(d->streams[i]);
            ngx_free(d->streams[i]);
            d->streams[i] = NULL;
        }
    }

    if (d->inflate) {
        (void) inflateEnd(d->inflate);
        ngx_free(d->inflate);
        d->inflate = NULL;
    }

    if (d->out) {
        ngx_free(d->out);
        d->out = NULL;
        d->size = 0;
    }
}


ngx_uint_t
ngx_ws_deflate_window(size_t len, ngx_uint_t server_bits)
{
    ngx_uint_t  bits;

    for (bits = NGX_WS_DEFLATE_ZLIB_MIN; bits < server_bits; bits++) {

        if (len + NGX_WS_DEFLATE_LOOKAHEAD <= (size_t) 1 << bits) {
            break;
        }
    }

    return bits;
}


ngx_int_t
ngx_ws_deflate_message(ngx_ws_deflate_t *d, ngx_uint_t window,
    ngx_ws_deflate_context_t *context, u_char *in, size_t len, ngx_str_t *out)
{
    int        rc;
    z_stream  *stream;

    if (len == 0
        || len > NGX_MAX_INT32_VALUE
        || ngx_ws_deflate_room(d, len) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    stream = ngx_ws_deflate_stream(d, window, context);
    if (stream == NULL) {
        return NGX_DECLINED;
    }

    /* room for less than the message: only where it pays */

    stream->next_in = in;
    stream->avail_in = (u_int) len;
    stream->next_out = d->out;
    stream->avail_out = (u_int) len;

    rc = deflate(stream, Z_SYNC_FLUSH);

    if (rc != Z_OK || stream->avail_in || stream->avail_out == 0) {
        return NGX_DECLINED;
    }

    out->data = d->out;
    out->len = (size_t) (stream->next_out - d->out) - NGX_WS_DEFLATE_TAIL;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_deflate_room(ngx_ws_deflate_t *d, size_t len)
{
    if (d->out && len <= d->size && d->size <= NGX_WS_DEFLATE_KEEP) {
        return NGX_OK;
    }

    if (d->out) {
        ngx_free(d->out);
    }

    d->size = ngx_max(len, NGX_WS_DEFLATE_KEEP);

    d->out = ngx_alloc(d->size, d->log);
    if (d->out == NULL) {
        d->size = 0;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The compressor, as new but for the context. */

static z_stream *
ngx_ws_deflate_stream(ngx_ws_deflate_t *d, ngx_uint_t window,
    ngx_ws_deflate_context_t *context)
{
    z_stream  *stream, **slot;

    slot = &d->streams[window - NGX_WS_DEFLATE_ZLIB_MIN];
    stream = *slot;

    if (stream) {
        (void) deflateReset(stream);

    } else {
        stream = ngx_ws_deflate_stream_create(window, d->log);
        if (stream == NULL) {
            return NULL;
        }

        *slot = stream;
    }

    /* zlib takes as much of the end of it as its window holds */

    if (context && context->len
        && deflateSetDictionary(stream, context->data, context->len) != Z_OK)
    {
        return NULL;
    }

    return stream;
}


static z_stream *
ngx_ws_deflate_stream_create(ngx_uint_t window, ngx_log_t *log)
{
    int        bits, memory;
    z_stream  *stream;

    stream = ngx_ws_deflate_zlib(log);
    if (stream == NULL) {
        return NULL;
    }

    /* a block then holds what the window does */

    bits = (int) window;
    memory = ngx_min(bits - 6, 8);

    if (deflateInit2(stream, NGX_WS_DEFLATE_LEVEL, Z_DEFLATED, -bits, memory,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        ngx_free(stream);
        return NULL;
    }

    return stream;
}


void
ngx_ws_deflate_context_add(ngx_ws_deflate_context_t *context, u_char *in,
    size_t len)
{
    size_t  keep;

    if (len > NGX_WS_DEFLATE_CONTEXT) {
        in += len - NGX_WS_DEFLATE_CONTEXT;
        len = NGX_WS_DEFLATE_CONTEXT;
    }

    keep = ngx_min(context->len, NGX_WS_DEFLATE_CONTEXT - len);

    ngx_memmove(context->data, context->data + context->len - keep, keep);
    ngx_memcpy(context->data + keep, in, len);

    context->len = (uint32_t) (keep + len);
}


struct z_stream_s *
ngx_ws_deflate_zlib(ngx_log_t *log)
{
    z_stream  *stream;

    stream = ngx_calloc(sizeof(z_stream), log);
    if (stream == NULL) {
        return NULL;
    }

    stream->zalloc = ngx_ws_deflate_alloc;
    stream->zfree = ngx_ws_deflate_free;
    stream->opaque = log;

    return stream;
}


static void *
ngx_ws_deflate_alloc(void *opaque, u_int items, u_int size)
{
    return ngx_alloc((size_t) items * size, opaque);
}


static void
ngx_ws_deflate_free(void *opaque, void *address)
{
    ngx_free(address);
}
