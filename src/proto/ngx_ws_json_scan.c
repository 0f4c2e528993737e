
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * value   = object / array / string / number / "true" / "false" / "null"
 * object  = "{" [ string ":" value *( "," string ":" value ) ] "}"
 * array   = "[" [ value *( "," value ) ] "]"
 * string  = <"> *( character / escape ) <">
 * number  = [ "-" ] ( "0" / 1-9 *digit ) [ "." 1*digit ]
 *           [ ( "e" / "E" ) [ "+" / "-" ] 1*digit ]
 *
 * White space may stand before and after each of these, RFC 8259.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json_scan.h>
#include <ngx_ws_utf8.h>


static ngx_int_t ngx_ws_json_scan_init(ngx_ws_json_scan_t *s, u_char *p,
    size_t len, ngx_uint_t max_depth);
static ngx_int_t ngx_ws_json_scan_element(ngx_ws_json_scan_t *s,
    ngx_uint_t object, ngx_uint_t first);
static ngx_int_t ngx_ws_json_scan_key(ngx_ws_json_scan_t *s, ngx_str_t *key);
static ngx_int_t ngx_ws_json_scan_value(ngx_ws_json_scan_t *s);
static ngx_int_t ngx_ws_json_scan_container(ngx_ws_json_scan_t *s,
    ngx_uint_t object);
static ngx_int_t ngx_ws_json_scan_string(ngx_ws_json_scan_t *s,
    ngx_str_t *string);
static ngx_int_t ngx_ws_json_scan_escape(ngx_ws_json_scan_t *s, u_char **pos);
static ngx_int_t ngx_ws_json_scan_number(ngx_ws_json_scan_t *s);
static ngx_int_t ngx_ws_json_scan_digits(ngx_ws_json_scan_t *s);
static ngx_uint_t ngx_ws_json_scan_fits(u_char *p, u_char *end);
static ngx_int_t ngx_ws_json_scan_literal(ngx_ws_json_scan_t *s,
    const char *literal, size_t len);
static void ngx_ws_json_scan_space(ngx_ws_json_scan_t *s);
static u_char ngx_ws_json_scan_escaped(u_char ch);
static u_char *ngx_ws_json_scan_unicode(u_char *dst, u_char **src,
    u_char *last);


ngx_int_t
ngx_ws_json_scan(ngx_ws_json_scan_t *s, u_char *p, size_t len,
    ngx_uint_t max_depth)
{
    u_char  *start;

    if (ngx_ws_json_scan_init(s, p, len, max_depth) != NGX_OK) {
        return NGX_ERROR;
    }

    start = s->pos;

    if (ngx_ws_json_scan_value(s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_str_null(&s->key);

    s->value.data = start;
    s->value.len = (size_t) (s->pos - start);

    ngx_ws_json_scan_space(s);

    return (s->pos == s->end) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_ws_json_scan_open(ngx_ws_json_scan_t *s, u_char *p, size_t len,
    ngx_uint_t max_depth)
{
    if (ngx_ws_json_scan_init(s, p, len, max_depth) != NGX_OK
        || s->pos == s->end
        || max_depth == 0)
    {
        return NGX_ERROR;
    }

    switch (*s->pos) {

    case '[':
        break;

    case '{':
        s->object = 1;
        break;

    default:
        return NGX_ERROR;
    }

    s->pos++;
    s->depth = 1;
    s->deepest = 1;
    s->values = 1;
    s->first = 1;

    return NGX_OK;
}


ngx_int_t
ngx_ws_json_scan_next(ngx_ws_json_scan_t *s)
{
    ngx_int_t  rc;

    rc = ngx_ws_json_scan_element(s, s->object, s->first);

    s->first = 0;

    if (rc != NGX_DONE) {
        return rc;
    }

    ngx_ws_json_scan_space(s);

    return (s->pos == s->end) ? NGX_DONE : NGX_ERROR;
}


void
ngx_ws_json_scan_unescape(ngx_str_t *s)
{
    u_char  ch, *dst, *last, *src;

    last = s->data + s->len;

    dst = ngx_strlchr(s->data, last, '\\');
    if (dst == NULL) {
        return;
    }

    src = dst;

    while (src < last) {

        ch = *src++;

        if (ch == '\\') {
            ch = *src++;

            if (ch == 'u') {
                dst = ngx_ws_json_scan_unicode(dst, &src, last);
                continue;
            }

            ch = ngx_ws_json_scan_escaped(ch);
        }

        *dst++ = ch;
    }

    s->len = (size_t) (dst - s->data);
}


static ngx_int_t
ngx_ws_json_scan_init(ngx_ws_json_scan_t *s, u_char *p, size_t len,
    ngx_uint_t max_depth)
{
    ngx_ws_utf8_t  utf8;

    ngx_memzero(s, sizeof(ngx_ws_json_scan_t));

    if (len == 0) {
        return NGX_ERROR;
    }

    s->pos = p;
    s->end = p + len;
    s->max_depth = max_depth;

    /* once for all strings: outside of them only ASCII is valid anyway */

    ngx_ws_utf8_init(&utf8);

    if (ngx_ws_utf8_check(&utf8, p, len) != NGX_OK
        || !ngx_ws_utf8_complete(&utf8))
    {
        return NGX_ERROR;
    }

    ngx_ws_json_scan_space(s);

    return NGX_OK;
}


/* NGX_OK an element or a member, NGX_DONE the closing bracket */

static ngx_int_t
ngx_ws_json_scan_element(ngx_ws_json_scan_t *s, ngx_uint_t object,
    ngx_uint_t first)
{
    u_char     *start;
    ngx_str_t   key;

    ngx_ws_json_scan_space(s);

    if (s->pos == s->end) {
        return NGX_ERROR;
    }

    if (*s->pos == (object ? '}' : ']')) {
        s->pos++;
        return NGX_DONE;
    }

    if (!first) {
        if (*s->pos != ',') {
            return NGX_ERROR;
        }

        s->pos++;
        ngx_ws_json_scan_space(s);
    }

    ngx_str_null(&key);

    if (object && ngx_ws_json_scan_key(s, &key) != NGX_OK) {
        return NGX_ERROR;
    }

    start = s->pos;

    if (ngx_ws_json_scan_value(s) != NGX_OK) {
        return NGX_ERROR;
    }

    s->key = key;
    s->value.data = start;
    s->value.len = (size_t) (s->pos - start);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_json_scan_key(ngx_ws_json_scan_t *s, ngx_str_t *key)
{
    s->nul = 0;

    if (s->pos == s->end
        || *s->pos != '"'
        || ngx_ws_json_scan_string(s, key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->nul_key |= s->nul;

    ngx_ws_json_scan_space(s);

    if (s->pos == s->end || *s->pos != ':') {
        return NGX_ERROR;
    }

    s->pos++;
    ngx_ws_json_scan_space(s);

    return NGX_OK;
}


static ngx_int_t
ngx_ws_json_scan_value(ngx_ws_json_scan_t *s)
{
    ngx_str_t  string;

    if (s->pos == s->end) {
        return NGX_ERROR;
    }

    s->values++;

    switch (*s->pos) {

    case '{':
        return ngx_ws_json_scan_container(s, 1);

    case '[':
        return ngx_ws_json_scan_container(s, 0);

    case '"':
        return ngx_ws_json_scan_string(s, &string);

    case 't':
        return ngx_ws_json_scan_literal(s, "true", 4);

    case 'f':
        return ngx_ws_json_scan_literal(s, "false", 5);

    case 'n':
        return ngx_ws_json_scan_literal(s, "null", 4);

    default:
        return ngx_ws_json_scan_number(s);
    }
}


static ngx_int_t
ngx_ws_json_scan_container(ngx_ws_json_scan_t *s, ngx_uint_t object)
{
    ngx_int_t  rc;

    if (s->depth == s->max_depth) {
        s->too_deep = 1;
        return NGX_ERROR;
    }

    s->depth++;
    s->deepest = ngx_max(s->deepest, s->depth);

    s->pos++;

    rc = ngx_ws_json_scan_element(s, object, 1);

    while (rc == NGX_OK) {
        rc = ngx_ws_json_scan_element(s, object, 0);
    }

    s->depth--;

    return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ws_json_scan_string(ngx_ws_json_scan_t *s, ngx_str_t *string)
{
    u_char  ch, *p;

    p = s->pos + 1;

    string->data = p;

    while (p < s->end) {

        ch = *p;

        if (ch == '"') {
            string->len = (size_t) (p - string->data);
            s->pos = p + 1;
            return NGX_OK;
        }

        if (ch == '\\') {
            if (ngx_ws_json_scan_escape(s, &p) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (ch < 0x20) {
            return NGX_ERROR;
        }

        p++;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_ws_json_scan_escape(ngx_ws_json_scan_t *s, u_char **pos)
{
    u_char      ch, *p;
    ngx_int_t   code;

    p = *pos + 1;

    if (p == s->end) {
        return NGX_ERROR;
    }

    ch = *p++;

    switch (ch) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        break;

    case 'u':

        if (s->end - p < 4) {
            return NGX_ERROR;
        }

        code = ngx_hextoi(p, 4);

        if (code == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (code == 0) {
            s->nul = 1;
        }

        p += 4;
        break;

    default:
        return NGX_ERROR;
    }

    *pos = p;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_json_scan_number(ngx_ws_json_scan_t *s)
{
    u_char      *start;
    ngx_uint_t   integer;

    start = s->pos;
    integer = 1;

    if (*s->pos == '-') {
        s->pos++;
    }

    if (s->pos < s->end && *s->pos == '0') {
        s->pos++;

    } else if (ngx_ws_json_scan_digits(s) != NGX_OK) {
        return NGX_ERROR;
    }

    if (s->pos < s->end && *s->pos == '.') {
        s->pos++;
        integer = 0;

        if (ngx_ws_json_scan_digits(s) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (s->pos < s->end && (*s->pos == 'e' || *s->pos == 'E')) {
        s->pos++;
        integer = 0;

        if (s->pos < s->end && (*s->pos == '+' || *s->pos == '-')) {
            s->pos++;
        }

        if (ngx_ws_json_scan_digits(s) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (integer && !ngx_ws_json_scan_fits(start, s->pos)) {
        s->big = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_json_scan_digits(ngx_ws_json_scan_t *s)
{
    u_char  *p;

    for (p = s->pos; p < s->end && *p >= '0' && *p <= '9'; p++) {
        /* void */
    }

    if (p == s->pos) {
        return NGX_ERROR;
    }

    s->pos = p;

    return NGX_OK;
}


static ngx_uint_t
ngx_ws_json_scan_fits(u_char *p, u_char *end)
{
    uint64_t  n, max, digit;

    max = UINT64_MAX;

    if (*p == '-') {
        max = (uint64_t) INT64_MAX + 1;
        p++;
    }

    for (n = 0; p < end; p++) {
        digit = (uint64_t) (*p - '0');

        if (n > (max - digit) / 10) {
            return 0;
        }

        n = n * 10 + digit;
    }

    return 1;
}


static ngx_int_t
ngx_ws_json_scan_literal(ngx_ws_json_scan_t *s, const char *literal,
    size_t len)
{
    if ((size_t) (s->end - s->pos) < len
        || ngx_memcmp(s->pos, literal, len) != 0)
    {
        return NGX_ERROR;
    }

    s->pos += len;

    return NGX_OK;
}


static void
ngx_ws_json_scan_space(ngx_ws_json_scan_t *s)
{
    while (s->pos < s->end
           && (*s->pos == ' ' || *s->pos == '\t'
               || *s->pos == '\n' || *s->pos == '\r'))
    {
        s->pos++;
    }
}


static u_char
ngx_ws_json_scan_escaped(u_char ch)
{
    switch (ch) {

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return '\n';

    case 'r':
        return '\r';

    case 't':
        return '\t';

    default: /* quote, backslash, slash */
        return ch;
    }
}


/* *src is behind "\u"; what is written is never longer than what is read */

static u_char *
ngx_ws_json_scan_unicode(u_char *dst, u_char **src, u_char *last)
{
    u_char    *p;
    uint32_t   code, low;

    p = *src;

    code = (uint32_t) ngx_hextoi(p, 4);
    p += 4;

    if (code >= 0xd800 && code <= 0xdfff) {

        low = 0;

        if (code < 0xdc00 && last - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            low = (uint32_t) ngx_hextoi(p + 2, 4);
        }

        if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            p += 6;

        } else {
            code = 0xfffd;
        }
    }

    *src = p;

    if (code < 0x80) {
        *dst++ = (u_char) code;

    } else if (code < 0x800) {
        *dst++ = (u_char) (0xc0 | (code >> 6));
        *dst++ = (u_char) (0x80 | (code & 0x3f));

    } else if (code < 0x10000) {
        *dst++ = (u_char) (0xe0 | (code >> 12));
        *dst++ = (u_char) (0x80 | ((code >> 6) & 0x3f));
        *dst++ = (u_char) (0x80 | (code & 0x3f));

    } else {
        *dst++ = (u_char) (0xf0 | (code >> 18));
        *dst++ = (u_char) (0x80 | ((code >> 12) & 0x3f));
        *dst++ = (u_char) (0x80 | ((code >> 6) & 0x3f));
        *dst++ = (u_char) (0x80 | (code & 0x3f));
    }

    return dst;
}
