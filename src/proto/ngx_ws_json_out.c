
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json_out.h>
#include <ngx_ws_utf8.h>


#define NGX_WS_JSON_OUT_MIN  256


static u_char *ngx_ws_json_out_value(ngx_ws_json_out_t *out, size_t len);
static u_char *ngx_ws_json_out_reserve(ngx_ws_json_out_t *out, size_t len);
static void ngx_ws_json_out_open(ngx_ws_json_out_t *out, u_char bracket);
static void ngx_ws_json_out_close(ngx_ws_json_out_t *out, u_char bracket);
static void ngx_ws_json_out_bytes(ngx_ws_json_out_t *out, const void *data,
    size_t len);
static size_t ngx_ws_json_out_plain(u_char *p, size_t len, ngx_uint_t valid);
static size_t ngx_ws_json_out_byte(u_char *p, u_char ch);
static size_t ngx_ws_json_out_character(u_char *p, size_t len);


void
ngx_ws_json_out_init(ngx_ws_json_out_t *out, size_t limit)
{
    ngx_memzero(out, sizeof(ngx_ws_json_out_t));

    out->limit = limit;
}


void
ngx_ws_json_out_reset(ngx_ws_json_out_t *out)
{
    out->len = 0;
    out->comma = 0;
    out->failed = 0;
}


void
ngx_ws_json_out_free(ngx_ws_json_out_t *out)
{
    ngx_free(out->data);

    ngx_ws_json_out_init(out, out->limit);
}


ngx_int_t
ngx_ws_json_out_copy(ngx_ws_json_out_t *out, ngx_pool_t *pool, ngx_str_t *s)
{
    if (out->failed) {
        return NGX_ERROR;
    }

    s->data = ngx_pnalloc(pool, out->len);
    if (s->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(s->data, out->data, out->len);
    s->len = out->len;

    return NGX_OK;
}


void
ngx_ws_json_out_object(ngx_ws_json_out_t *out)
{
    ngx_ws_json_out_open(out, '{');
}


void
ngx_ws_json_out_object_end(ngx_ws_json_out_t *out)
{
    ngx_ws_json_out_close(out, '}');
}


void
ngx_ws_json_out_array(ngx_ws_json_out_t *out)
{
    ngx_ws_json_out_open(out, '[');
}


void
ngx_ws_json_out_array_end(ngx_ws_json_out_t *out)
{
    ngx_ws_json_out_close(out, ']');
}


void
ngx_ws_json_out_key(ngx_ws_json_out_t *out, const char *key)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(key);

    p = ngx_ws_json_out_value(out, len + sizeof("\"\":") - 1);
    if (p == NULL) {
        return;
    }

    *p++ = '"';
    p = ngx_cpymem(p, key, len);
    *p++ = '"';
    *p = ':';

    out->comma = 0;
}


void
ngx_ws_json_out_key_str(ngx_ws_json_out_t *out, ngx_str_t *key)
{
    u_char  *p;

    ngx_ws_json_out_string(out, key);

    p = ngx_ws_json_out_reserve(out, 1);
    if (p == NULL) {
        return;
    }

    *p = ':';

    out->comma = 0;
}


void
ngx_ws_json_out_string(ngx_ws_json_out_t *out, ngx_str_t *value)
{
    size_t   len;
    u_char  *p;

    len = ngx_ws_json_out_escape(NULL, value);

    p = ngx_ws_json_out_value(out, len + sizeof("\"\"") - 1);
    if (p == NULL) {
        return;
    }

    *p++ = '"';
    (void) ngx_ws_json_out_escape(p, value);
    p[len] = '"';
}


void
ngx_ws_json_out_text(ngx_ws_json_out_t *out, const char *value)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(value);

    p = ngx_ws_json_out_value(out, len + sizeof("\"\"") - 1);
    if (p == NULL) {
        return;
    }

    *p++ = '"';
    p = ngx_cpymem(p, value, len);
    *p = '"';
}


void
ngx_ws_json_out_uint(ngx_ws_json_out_t *out, uint64_t value)
{
    u_char  *p, buf[NGX_INT64_LEN];

    p = ngx_sprintf(buf, "%uL", value);

    ngx_ws_json_out_bytes(out, buf, (size_t) (p - buf));
}


void
ngx_ws_json_out_int(ngx_ws_json_out_t *out, int64_t value)
{
    u_char  *p, buf[NGX_INT64_LEN];

    if (value >= 0) {
        ngx_ws_json_out_uint(out, (uint64_t) value);
        return;
    }

    p = ngx_sprintf(buf, "-%uL", 0 - (uint64_t) value);

    ngx_ws_json_out_bytes(out, buf, (size_t) (p - buf));
}


void
ngx_ws_json_out_bool(ngx_ws_json_out_t *out, ngx_uint_t value)
{
    if (value) {
        ngx_ws_json_out_bytes(out, "true", 4);

    } else {
        ngx_ws_json_out_bytes(out, "false", 5);
    }
}


void
ngx_ws_json_out_null(ngx_ws_json_out_t *out)
{
    ngx_ws_json_out_bytes(out, "null", 4);
}


void
ngx_ws_json_out_raw(ngx_ws_json_out_t *out, ngx_str_t *value)
{
    ngx_ws_json_out_bytes(out, value->data, value->len);
}


size_t
ngx_ws_json_out_escape(u_char *p, ngx_str_t *s)
{
    size_t          i, n, len;
    ngx_uint_t      valid;
    ngx_ws_utf8_t   utf8;

    if (s->len == 0) {
        return 0;
    }

    ngx_ws_utf8_init(&utf8);

    valid = (ngx_ws_utf8_check(&utf8, s->data, s->len) == NGX_OK
             && ngx_ws_utf8_complete(&utf8));

    len = 0;

    for (i = 0; i < s->len; i += n) {

        n = ngx_ws_json_out_plain(s->data + i, s->len - i, valid);

        if (n) {
            if (p) {
                ngx_memcpy(p + len, s->data + i, n);
            }

            len += n;
            continue;
        }

        n = 1;

        if (s->data[i] < 0x80) {
            len += ngx_ws_json_out_byte(p ? p + len : NULL, s->data[i]);
            continue;
        }

        n = ngx_ws_json_out_character(s->data + i, s->len - i);

        if (n == 0) {
            n = 1;

            if (p) {
                ngx_memcpy(p + len, "\xef\xbf\xbd", 3);
            }

            len += 3;
            continue;
        }

        if (p) {
            ngx_memcpy(p + len, s->data + i, n);
        }

        len += n;
    }

    return len;
}


/* room for a key or a value, the comma before it written */

static u_char *
ngx_ws_json_out_value(ngx_ws_json_out_t *out, size_t len)
{
    u_char  *p;

    if (!out->comma) {
        out->comma = 1;
        return ngx_ws_json_out_reserve(out, len);
    }

    p = ngx_ws_json_out_reserve(out, len + 1);
    if (p == NULL) {
        return NULL;
    }

    *p++ = ',';

    return p;
}


static u_char *
ngx_ws_json_out_reserve(ngx_ws_json_out_t *out, size_t len)
{
    size_t   size;
    u_char  *p;

    if (out->failed || len > out->limit - out->len) {
        out->failed = 1;
        return NULL;
    }

    if (len > out->size - out->len) {

        size = ngx_max(out->size * 2, out->len + len);
        size = ngx_max(size, NGX_WS_JSON_OUT_MIN);
        size = ngx_min(size, out->limit);

        p = realloc(out->data, size);
        if (p == NULL) {
            out->failed = 1;
            return NULL;
        }

        out->data = p;
        out->size = size;
    }

    p = out->data + out->len;

    out->len += len;

    return p;
}


static void
ngx_ws_json_out_open(ngx_ws_json_out_t *out, u_char bracket)
{
    ngx_ws_json_out_bytes(out, &bracket, 1);

    out->comma = 0;
}


static void
ngx_ws_json_out_close(ngx_ws_json_out_t *out, u_char bracket)
{
    out->comma = 0;

    ngx_ws_json_out_bytes(out, &bracket, 1);
}


static void
ngx_ws_json_out_bytes(ngx_ws_json_out_t *out, const void *data, size_t len)
{
    u_char  *p;

    p = ngx_ws_json_out_value(out, len);

    if (p) {
        ngx_memcpy(p, data, len);
    }
}


/* how many bytes from here on stay as they are */

static size_t
ngx_ws_json_out_plain(u_char *p, size_t len, ngx_uint_t valid)
{
    size_t  n;
    u_char  last;

    last = valid ? 0xff : 0x7f;

    for (n = 0; n < len; n++) {
        if (p[n] < 0x20 || p[n] == '"' || p[n] == '\\' || p[n] > last) {
            break;
        }
    }

    return n;
}


/* a byte that does not */

static size_t
ngx_ws_json_out_byte(u_char *p, u_char ch)
{
    u_char              letter;
    static const char   hex[] = "0123456789abcdef";

    switch (ch) {

    case '"':
    case '\\':
        letter = ch;
        break;

    case '\b':
        letter = 'b';
        break;

    case '\f':
        letter = 'f';
        break;

    case '\n':
        letter = 'n';
        break;

    case '\r':
        letter = 'r';
        break;

    case '\t':
        letter = 't';
        break;

    default:

        if (p) {
            p = ngx_cpymem(p, "\\u00", 4);
            *p++ = (u_char) hex[ch >> 4];
            *p = (u_char) hex[ch & 0xf];
        }

        return sizeof("\\u0000") - 1;
    }

    if (p) {
        *p++ = '\\';
        *p = letter;
    }

    return 2;
}


/* the length of the character that the bytes begin with, 0 if of none */

static size_t
ngx_ws_json_out_character(u_char *p, size_t len)
{
    size_t         n;
    ngx_ws_utf8_t  utf8;

    ngx_ws_utf8_init(&utf8);

    for (n = 0; n < len; n++) {

        if (ngx_ws_utf8_check(&utf8, p + n, 1) != NGX_OK) {
            return 0;
        }

        if (ngx_ws_utf8_complete(&utf8)) {
            return n + 1;
        }
    }

    return 0;
}
