
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_frame.h>
#include <ngx_ws_utf8.h>


/*
 * RFC 6455, section 5.2:
 *
 *     frame   first second [length] [mask] payload
 *     first   FIN RSV1 RSV2 RSV3 opcode(4)
 *     second  MASK length(7)
 *     length  2 bytes if the seven bits say 126, 8 bytes if 127;
 *             the shortest form only
 *     mask    4 bytes; a client always has it, a server never
 */


#define NGX_WS_FRAME_OPCODE    0x0f
#define NGX_WS_FRAME_RESERVED  0x30          /* RSV2, RSV3 */
#define NGX_WS_FRAME_MASK      0x80
#define NGX_WS_FRAME_LENGTH    0x7f


static ngx_int_t ngx_ws_frame_first(ngx_ws_frame_t *f, u_char ch);
static ngx_int_t ngx_ws_frame_second(ngx_ws_frame_t *f, u_char ch);
static ngx_int_t ngx_ws_frame_length(ngx_ws_frame_t *f, ngx_uint_t size);
static void ngx_ws_frame_done(ngx_ws_frame_t *f);
static ngx_int_t ngx_ws_frame_error(ngx_ws_frame_t *f, uint16_t code,
    const char *reason);
static ngx_uint_t ngx_ws_frame_close_valid(ngx_uint_t code);


ngx_int_t
ngx_ws_frame_parse(ngx_ws_frame_t *f, u_char **pos, u_char *end)
{
    u_char     *p, ch;
    ngx_int_t   rc;
    enum {
        sw_first = 0,
        sw_second,
        sw_length_2,
        sw_length_8,
        sw_mask
    };

    p = *pos;
    rc = NGX_OK;

    while (p < end && rc == NGX_OK) {

        ch = *p++;

        switch (f->state) {

        case sw_first:

            rc = ngx_ws_frame_first(f, ch);
            f->state = sw_second;
            break;

        case sw_second:

            rc = ngx_ws_frame_second(f, ch);

            f->state = (f->left == 0) ? sw_mask
                       : (f->left == 2) ? sw_length_2 : sw_length_8;

            if (f->left == 0) {
                f->left = 4;
            }

            break;

        case sw_length_2:
        case sw_length_8:

            f->length = f->length << 8 | ch;
            f->left--;

            rc = ngx_ws_frame_length(f, (f->state == sw_length_2) ? 2 : 8);

            if (f->left == 0) {
                f->state = sw_mask;
                f->left = 4;
            }

            break;

        case sw_mask:

            f->mask[4 - f->left] = ch;
            f->left--;

            if (f->left == 0) {
                f->state = sw_first;
                ngx_ws_frame_done(f);

                *pos = p;
                return NGX_OK;
            }

            break;
        }
    }

    *pos = p;

    return (rc == NGX_OK) ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_ws_frame_first(ngx_ws_frame_t *f, u_char ch)
{
    f->opcode = ch & NGX_WS_FRAME_OPCODE;
    f->fin = ((ch & NGX_WS_FRAME_FIN) != 0);
    f->rsv1 = ((ch & NGX_WS_FRAME_RSV1) != 0);

    if ((ch & NGX_WS_FRAME_RESERVED) || (f->rsv1 && !f->deflate)) {
        return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                  "a frame with a reserved bit");
    }

    switch (f->opcode) {

    case NGX_WS_FRAME_CONTINUATION:

        /* RFC 7692, section 6.1: RSV1 stands in the first frame only */

        if (!f->fragmented || f->rsv1) {
            return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                      "a continuation of no message");
        }

        return NGX_OK;

    case NGX_WS_FRAME_TEXT:
    case NGX_WS_FRAME_BINARY:

        if (f->fragmented) {
            return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                      "a message within another one");
        }

        f->compressed = f->rsv1;
        f->total = 0;

        return NGX_OK;

    case NGX_WS_FRAME_CLOSE:
    case NGX_WS_FRAME_PING:
    case NGX_WS_FRAME_PONG:

        if (!f->fin) {
            return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                      "a fragmented control frame");
        }

        if (f->rsv1) {
            return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                      "a compressed control frame");
        }

        return NGX_OK;

    default:

        return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                  "a frame of a reserved opcode");
    }
}


static ngx_int_t
ngx_ws_frame_second(ngx_ws_frame_t *f, u_char ch)
{
    u_char  len;

    len = ch & NGX_WS_FRAME_LENGTH;

    if (!(ch & NGX_WS_FRAME_MASK)) {
        return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                  "an unmasked frame");
    }

    if ((f->opcode & NGX_WS_FRAME_CONTROL) && len > NGX_WS_FRAME_CONTROL_MAX) {
        return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                  "a too long control frame");
    }

    f->length = 0;
    f->left = 0;

    if (len == 126) {
        f->left = 2;
        return NGX_OK;
    }

    if (len == 127) {
        f->left = 8;
        return NGX_OK;
    }

    f->length = len;

    return ngx_ws_frame_length(f, 1);
}


/*
 * "size" is that of the length field; what is still to come of it leaves a
 * range of lengths, which must reach into what is allowed
 */

static ngx_int_t
ngx_ws_frame_length(ngx_ws_frame_t *f, ngx_uint_t size)
{
    uint64_t    least, most, limit;
    ngx_uint_t  shift;

    shift = 8 * (ngx_uint_t) f->left;
    least = f->length << shift;
    most = least | (((uint64_t) 1 << shift) - 1);

    if ((size == 8 && (most < 65536 || least >> 63))
        || (size == 2 && most < 126))
    {
        return ngx_ws_frame_error(f, NGX_WS_CLOSE_PROTOCOL,
                                  "a frame of an invalid length");
    }

    if (f->opcode & NGX_WS_FRAME_CONTROL) {
        return NGX_OK;
    }

    limit = f->compressed ? ngx_ws_frame_deflated_max(f->max) : f->max;

    if (least > limit - f->total) {
        return ngx_ws_frame_error(f, NGX_WS_CLOSE_TOO_BIG,
                                  "a too long message");
    }

    return NGX_OK;
}


static void
ngx_ws_frame_done(ngx_ws_frame_t *f)
{
    if (f->opcode & NGX_WS_FRAME_CONTROL) {
        return;
    }

    f->total += f->length;
    f->fragmented = !f->fin;
}


static ngx_int_t
ngx_ws_frame_error(ngx_ws_frame_t *f, uint16_t code, const char *reason)
{
    f->error = code;
    f->reason = reason;

    return NGX_ERROR;
}


void
ngx_ws_frame_unmask(u_char *p, size_t len, const u_char *mask,
    uint64_t offset)
{
    u_char      key[8];
    uint64_t    key64, word[4];
    ngx_uint_t  i;

    for (i = 0; i < 8; i++) {
        key[i] = mask[(offset + i) & 3];
    }

    ngx_memcpy(&key64, key, 8);

    for (/* void */; len >= 32; p += 32, len -= 32) {
        ngx_memcpy(word, p, 32);
        word[0] ^= key64;
        word[1] ^= key64;
        word[2] ^= key64;
        word[3] ^= key64;
        ngx_memcpy(p, word, 32);
    }

    for (/* void */; len >= 8; p += 8, len -= 8) {
        ngx_memcpy(word, p, 8);
        word[0] ^= key64;
        ngx_memcpy(p, word, 8);
    }

    for (i = 0; i < len; i++) {
        p[i] ^= key[i];
    }
}


uintptr_t
ngx_ws_frame_head(u_char *p, ngx_uint_t first, uint64_t len)
{
    ngx_uint_t  size;

    size = (len < 126) ? 0 : (len < 65536) ? 2 : 8;

    if (p == NULL) {
        return 2 + size;
    }

    *p++ = (u_char) first;
    *p++ = (size == 0) ? (u_char) len : (size == 2) ? 126 : 127;

    while (size) {
        size--;
        *p++ = (u_char) (len >> (8 * size));
    }

    return (uintptr_t) p;
}


uintptr_t
ngx_ws_frame_close(u_char *p, ngx_uint_t code, ngx_str_t *reason)
{
    size_t  len;

    if (!ngx_ws_frame_close_valid(code)) {
        return ngx_ws_frame_head(p, NGX_WS_FRAME_FIN|NGX_WS_FRAME_CLOSE, 0);
    }

    len = reason ? reason->len : 0;

    if (len > NGX_WS_FRAME_CONTROL_MAX - 2) {
        len = NGX_WS_FRAME_CONTROL_MAX - 2;

        while (len && (reason->data[len] & 0xc0) == 0x80) {
            len--;
        }
    }

    if (p == NULL) {
        return 2 + 2 + len;
    }

    p = (u_char *) ngx_ws_frame_head(p, NGX_WS_FRAME_FIN|NGX_WS_FRAME_CLOSE,
                                     2 + len);
    *p++ = (u_char) (code >> 8);
    *p++ = (u_char) code;

    if (len) {
        p = ngx_cpymem(p, reason->data, len);
    }

    return (uintptr_t) p;
}


ngx_int_t
ngx_ws_frame_close_parse(u_char *p, size_t len, ngx_uint_t *code,
    ngx_str_t *reason)
{
    ngx_ws_utf8_t  utf8;

    ngx_str_null(reason);

    if (len == 0) {
        *code = NGX_WS_CLOSE_NO_STATUS;
        return NGX_OK;
    }

    *code = (len == 1) ? 0 : ((ngx_uint_t) p[0] << 8 | p[1]);

    if (!ngx_ws_frame_close_valid(*code)) {
        *code = NGX_WS_CLOSE_PROTOCOL;
        return NGX_ERROR;
    }

    ngx_ws_utf8_init(&utf8);

    if (ngx_ws_utf8_check(&utf8, p + 2, len - 2) != NGX_OK
        || !ngx_ws_utf8_complete(&utf8))
    {
        *code = NGX_WS_CLOSE_INVALID;
        return NGX_ERROR;
    }

    reason->data = p + 2;
    reason->len = len - 2;

    return NGX_OK;
}


/*
 * 1004 has no meaning, 1005, 1006 and 1015 are for local use; what is below
 * 3000 and not registered may not be sent
 */

static ngx_uint_t
ngx_ws_frame_close_valid(ngx_uint_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
           || (code >= 3000 && code <= 4999);
}
