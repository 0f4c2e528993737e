
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <zlib.h>

#include <ngx_ws_frame.h>
#include <ngx_ws_inflate.h>


/*
 * RFC 7692, section 7.2.2: 00 00 FF FF is appended to a message, which then
 * ends by an empty stored block.
 */


#define NGX_WS_INFLATE_TAIL      4

/* zlib's data_type: between two blocks, no bit of the next one taken */

#define NGX_WS_INFLATE_BOUNDARY  128


static ngx_int_t ngx_ws_inflate_step(ngx_ws_inflate_t *z, u_char **pos,
    u_char *last, u_char **out, u_char *end);
static ngx_int_t ngx_ws_inflate_start(ngx_ws_inflate_t *z);
static ngx_int_t ngx_ws_inflate_keep(ngx_ws_inflate_t *z);
static void ngx_ws_inflate_release(ngx_ws_inflate_t *z);
static void ngx_ws_inflate_destroy(z_stream *stream);
static ngx_int_t ngx_ws_inflate_error(ngx_ws_inflate_t *z, int rc);


static u_char  ngx_ws_inflate_tail[] = { 0x00, 0x00, 0xff, 0xff };


ngx_int_t
ngx_ws_inflate_read(ngx_ws_inflate_t *z, u_char **pos, u_char *last,
    u_char **out, u_char *end)
{
    if (z->stream == NULL && ngx_ws_inflate_start(z) != NGX_OK) {
        return ngx_ws_inflate_error(z, Z_MEM_ERROR);
    }

    return ngx_ws_inflate_step(z, pos, last, out, end);
}


ngx_int_t
ngx_ws_inflate_finish(ngx_ws_inflate_t *z, u_char **out, u_char *end)
{
    u_char     *p;
    ngx_int_t   rc;

    /*
     * A block with BFINAL at the very end, not followed by the byte which
     * section 7.2.3.4 asks for, and a message of no bytes are complete
     * without the tail.
     */

    if (z->stream && (z->stream->total_in || z->tail)) {

        p = ngx_ws_inflate_tail + z->tail;

        rc = ngx_ws_inflate_step(z, &p,
                                 ngx_ws_inflate_tail + NGX_WS_INFLATE_TAIL,
                                 out, end);

        z->tail = (u_char) (p - ngx_ws_inflate_tail);

        if (rc != NGX_OK) {
            return rc;
        }

        if (z->stream->data_type != NGX_WS_INFLATE_BOUNDARY) {
            return ngx_ws_inflate_error(z, Z_DATA_ERROR);
        }
    }

    if (z->stream && z->takeover && ngx_ws_inflate_keep(z) != NGX_OK) {
        return ngx_ws_inflate_error(z, Z_MEM_ERROR);
    }

    ngx_ws_inflate_release(z);

    return NGX_OK;
}


void
ngx_ws_inflate_drop(ngx_ws_inflate_t *z)
{
    ngx_ws_inflate_release(z);

    if (z->window) {
        ngx_free(z->window);
        z->window = NULL;
        z->window_len = 0;
        z->window_size = 0;
    }
}


static ngx_int_t
ngx_ws_inflate_step(ngx_ws_inflate_t *z, u_char **pos, u_char *last,
    u_char **out, u_char *end)
{
    int        rc;
    z_stream  *stream;

    stream = z->stream;

    stream->next_in = *pos;
    stream->avail_in = (u_int) (last - *pos);
    stream->next_out = *out;
    stream->avail_out = (u_int) ngx_min(end - *out, NGX_MAX_INT32_VALUE);

    for ( ;; ) {

        rc = inflate(stream, Z_SYNC_FLUSH);

        *pos = stream->next_in;
        *out = stream->next_out;

        switch (rc) {

        case Z_OK:
        case Z_BUF_ERROR:

            if (stream->avail_out == 0) {
                return NGX_AGAIN;
            }

            if (stream->avail_in == 0) {
                return NGX_OK;
            }

            break;

        case Z_STREAM_END:

            /* a block with BFINAL; others may follow, with a new window */

            (void) inflateReset(stream);

            if (stream->avail_in == 0) {
                return NGX_OK;
            }

            break;

        default:

            return ngx_ws_inflate_error(z, rc);
        }
    }
}


static ngx_int_t
ngx_ws_inflate_start(ngx_ws_inflate_t *z)
{
    int        rc, bits;
    z_stream  *stream;

    bits = - (int) z->bits;

    stream = z->deflate->inflate;

    if (stream) {
        z->deflate->inflate = NULL;
        rc = inflateReset2(stream, bits);

    } else {
        stream = ngx_ws_deflate_zlib(z->deflate->log);
        if (stream == NULL) {
            return NGX_ERROR;
        }

        rc = inflateInit2(stream, bits);
    }

    if (rc == Z_OK && z->window_len) {
        rc = inflateSetDictionary(stream, z->window, z->window_len);
    }

    if (rc != Z_OK) {
        ngx_ws_inflate_destroy(stream);
        return NGX_ERROR;
    }

    z->stream = stream;
    z->tail = 0;

    return NGX_OK;
}


/* keeps the window for the next message */

static ngx_int_t
ngx_ws_inflate_keep(ngx_ws_inflate_t *z)
{
    u_int  len;

    if (inflateGetDictionary(z->stream, NULL, &len) != Z_OK) {
        return NGX_ERROR;
    }

    if (len > z->window_size) {

        if (z->window) {
            ngx_free(z->window);
        }

        z->window_len = 0;
        z->window_size = ngx_align(len, (u_int) 1024);

        z->window = ngx_alloc(z->window_size, z->deflate->log);
        if (z->window == NULL) {
            z->window_size = 0;
            return NGX_ERROR;
        }
    }

    if (len && inflateGetDictionary(z->stream, z->window, &len) != Z_OK) {
        return NGX_ERROR;
    }

    z->window_len = len;

    return NGX_OK;
}


static void
ngx_ws_inflate_release(ngx_ws_inflate_t *z)
{
    if (z->stream == NULL) {
        return;
    }

    if (z->deflate->inflate == NULL) {
        z->deflate->inflate = z->stream;

    } else {
        ngx_ws_inflate_destroy(z->stream);
    }

    z->stream = NULL;
}


static void
ngx_ws_inflate_destroy(z_stream *stream)
{
    (void) inflateEnd(stream);
    ngx_free(stream);
}


static ngx_int_t
ngx_ws_inflate_error(ngx_ws_inflate_t *z, int rc)
{
    if (rc == Z_MEM_ERROR) {
        z->error = NGX_WS_CLOSE_INTERNAL;
        z->reason = "more than memory holds";

    } else {
        z->error = NGX_WS_CLOSE_INVALID;
        z->reason = "invalid compressed data";
    }

    return NGX_ERROR;
}
