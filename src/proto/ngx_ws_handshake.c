
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include <ngx_ws_handshake.h>


/*
 * RFC 6455, section 9.1, with RFC 7230's lists and optional white space:
 *
 *     extension-list  1#extension
 *     extension       token *( ";" param )
 *     param           token [ "=" ( token | quoted-string ) ]
 *                     what is quoted must be a token too
 *
 * RFC 7692, section 7.1, the parameters of permessage-deflate:
 *
 *     server_no_context_takeover
 *     client_no_context_takeover
 *     server_max_window_bits "=" bits
 *     client_max_window_bits [ "=" bits ]
 *     bits            8 .. 15, without a leading zero
 */


#define NGX_WS_HANDSHAKE_KEY_LEN      24
#define NGX_WS_HANDSHAKE_NONCE_LEN    16
#define NGX_WS_HANDSHAKE_SHA1_LEN     20

#define NGX_WS_HANDSHAKE_SERVER_NONE  0x1
#define NGX_WS_HANDSHAKE_CLIENT_NONE  0x2
#define NGX_WS_HANDSHAKE_SERVER_BITS  0x4
#define NGX_WS_HANDSHAKE_CLIENT_BITS  0x8


typedef struct {
    ngx_str_t    name;
    ngx_uint_t   number;           /* of one or two digits, else 0 */
    ngx_uint_t   valued;           /* unsigned  valued:1; */
} ngx_ws_handshake_param_t;


typedef struct {
    ngx_uint_t   seen;
    ngx_uint_t   server_bits;
    ngx_uint_t   client_bits;
    ngx_uint_t   unfit;            /* unsigned  unfit:1; */
} ngx_ws_handshake_offer_t;


static ngx_int_t ngx_ws_handshake_extension(u_char **pos, u_char *last,
    ngx_ws_handshake_offer_t *offer);
static ngx_int_t ngx_ws_handshake_param(u_char **pos, u_char *last,
    ngx_ws_handshake_param_t *param);
static ngx_int_t ngx_ws_handshake_value(u_char **pos, u_char *last,
    ngx_ws_handshake_param_t *param);
static void ngx_ws_handshake_offer(ngx_ws_handshake_offer_t *offer,
    ngx_ws_handshake_param_t *param);
static void ngx_ws_handshake_agree(ngx_ws_handshake_offer_t *offer,
    ngx_ws_deflate_params_t *params);
static ngx_int_t ngx_ws_handshake_next(u_char **pos, u_char *last);
static ngx_int_t ngx_ws_handshake_word(u_char **pos, u_char *last,
    ngx_str_t *word);
static void ngx_ws_handshake_space(u_char **pos, u_char *last);
static ngx_uint_t ngx_ws_handshake_tchar(u_char ch);


static ngx_str_t  ngx_ws_handshake_name = ngx_string("permessage-deflate");

/* in the order of NGX_WS_HANDSHAKE_*_NONE and _BITS */

static ngx_str_t  ngx_ws_handshake_params[] = {
    ngx_string("server_no_context_takeover"),
    ngx_string("client_no_context_takeover"),
    ngx_string("server_max_window_bits"),
    ngx_string("client_max_window_bits")
};

#define NGX_WS_HANDSHAKE_NPARAMS                                              \
    (sizeof(ngx_ws_handshake_params) / sizeof(ngx_str_t))


ngx_int_t
ngx_ws_handshake_accept(ngx_str_t *key, u_char *accept)
{
    u_char      nonce[ngx_base64_decoded_length(NGX_WS_HANDSHAKE_KEY_LEN)];
    u_char      digest[NGX_WS_HANDSHAKE_SHA1_LEN];
    ngx_str_t   src, dst;
    ngx_sha1_t  sha1;

    if (key->len != NGX_WS_HANDSHAKE_KEY_LEN) {
        return NGX_ERROR;
    }

    dst.data = nonce;

    if (ngx_decode_base64(&dst, key) != NGX_OK
        || dst.len != NGX_WS_HANDSHAKE_NONCE_LEN
        || ngx_strncmp(key->data + NGX_WS_HANDSHAKE_KEY_LEN - 2, "==", 2) != 0)
    {
        return NGX_ERROR;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    ngx_sha1_final(digest, &sha1);

    src.data = digest;
    src.len = NGX_WS_HANDSHAKE_SHA1_LEN;
    dst.data = accept;

    ngx_encode_base64(&dst, &src);

    return NGX_OK;
}


ngx_uint_t
ngx_ws_handshake_token(ngx_str_t *list, ngx_str_t *token)
{
    u_char  *p, *last, *start, *end;

    p = list->data;
    last = p + list->len;

    for ( ;; ) {

        ngx_ws_handshake_space(&p, last);
        start = p;

        while (p < last && *p != ',') {
            p++;
        }

        for (end = p; end > start; end--) {
            if (end[-1] != ' ' && end[-1] != '\t') {
                break;
            }
        }

        if ((size_t) (end - start) == token->len
            && ngx_strncasecmp(start, token->data, token->len) == 0)
        {
            return 1;
        }

        if (p == last) {
            return 0;
        }

        p++;
    }
}


ngx_int_t
ngx_ws_handshake_protocols(ngx_str_t *list)
{
    u_char      *p, *last;
    ngx_str_t    names[NGX_WS_HANDSHAKE_PROTOCOLS];
    ngx_uint_t   i, n;

    p = list->data;
    last = p + list->len;

    n = 0;

    while (ngx_ws_handshake_next(&p, last) == NGX_OK) {

        if (n == NGX_WS_HANDSHAKE_PROTOCOLS
            || ngx_ws_handshake_word(&p, last, &names[n]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        for (i = 0; i < n; i++) {
            if (names[i].len == names[n].len
                && ngx_strncmp(names[i].data, names[n].data, names[n].len)
                   == 0)
            {
                return NGX_ERROR;
            }
        }

        n++;

        ngx_ws_handshake_space(&p, last);

        if (p < last && *p != ',') {
            return NGX_ERROR;
        }
    }

    return n ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_ws_handshake_deflate(ngx_str_t *list, ngx_ws_deflate_params_t *params)
{
    u_char                    *p, *last;
    ngx_int_t                  rc, found;
    ngx_ws_handshake_offer_t   offer;

    p = list->data;
    last = p + list->len;

    params->on = 0;

    found = NGX_ERROR;

    while (ngx_ws_handshake_next(&p, last) == NGX_OK) {

        rc = ngx_ws_handshake_extension(&p, last, &offer);

        if (rc == NGX_ERROR) {
            params->on = 0;
            return NGX_ERROR;
        }

        if (rc == NGX_OK && found != NGX_OK) {
            ngx_ws_handshake_agree(&offer, params);
        }

        if (found != NGX_OK) {
            found = rc;
        }
    }

    return found;
}


/* NGX_OK an offer that can be accepted, NGX_DECLINED any other extension */

static ngx_int_t
ngx_ws_handshake_extension(u_char **pos, u_char *last,
    ngx_ws_handshake_offer_t *offer)
{
    ngx_str_t                 name;
    ngx_ws_handshake_param_t  param;

    ngx_memzero(offer, sizeof(ngx_ws_handshake_offer_t));

    if (ngx_ws_handshake_word(pos, last, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    for ( ;; ) {

        ngx_ws_handshake_space(pos, last);

        if (*pos == last || **pos == ',') {
            break;
        }

        if (*(*pos)++ != ';') {
            return NGX_ERROR;
        }

        if (ngx_ws_handshake_param(pos, last, &param) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_ws_handshake_offer(offer, &param);
    }

    if (name.len != ngx_ws_handshake_name.len
        || ngx_strncmp(name.data, ngx_ws_handshake_name.data, name.len) != 0
        || offer->unfit)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_handshake_param(u_char **pos, u_char *last,
    ngx_ws_handshake_param_t *param)
{
    param->valued = 0;
    param->number = 0;

    ngx_ws_handshake_space(pos, last);

    if (ngx_ws_handshake_word(pos, last, &param->name) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_ws_handshake_space(pos, last);

    if (*pos == last || **pos != '=') {
        return NGX_OK;
    }

    (*pos)++;

    ngx_ws_handshake_space(pos, last);

    param->valued = 1;

    return ngx_ws_handshake_value(pos, last, param);
}


static ngx_int_t
ngx_ws_handshake_value(u_char **pos, u_char *last,
    ngx_ws_handshake_param_t *param)
{
    u_char      *p, ch;
    ngx_uint_t   len, number, quoted;

    p = *pos;

    quoted = (p < last && *p == '"');

    if (quoted) {
        p++;
    }

    number = 0;

    for (len = 0; p < last; len++) {

        if (quoted && *p == '"') {
            break;
        }

        if (quoted && *p == '\\' && ++p == last) {
            return NGX_ERROR;
        }

        ch = *p;

        if (!ngx_ws_handshake_tchar(ch)) {

            if (quoted) {
                return NGX_ERROR;
            }

            break;
        }

        number = (ch >= '0' && ch <= '9' && number < 100)
                 ? number * 10 + (ngx_uint_t) (ch - '0') : 100;
        p++;
    }

    if (len == 0 || (quoted && p == last)) {
        return NGX_ERROR;
    }

    /* two digits say ten at least, or there is a leading zero */

    param->number = (len == ((number < 10) ? 1 : 2)) ? number : 0;

    *pos = quoted ? p + 1 : p;

    return NGX_OK;
}


static void
ngx_ws_handshake_offer(ngx_ws_handshake_offer_t *offer,
    ngx_ws_handshake_param_t *param)
{
    ngx_str_t   *name;
    ngx_uint_t   i, flag, fit;

    flag = 0;

    for (i = 0; i < NGX_WS_HANDSHAKE_NPARAMS; i++) {
        name = &ngx_ws_handshake_params[i];

        if (param->name.len == name->len
            && ngx_strncmp(param->name.data, name->data, name->len) == 0)
        {
            flag = (ngx_uint_t) 1 << i;
            break;
        }
    }

    fit = (param->number >= NGX_WS_DEFLATE_BITS_MIN
           && param->number <= NGX_WS_DEFLATE_BITS_MAX);

    switch (flag) {

    case NGX_WS_HANDSHAKE_SERVER_NONE:
    case NGX_WS_HANDSHAKE_CLIENT_NONE:
        fit = !param->valued;
        break;

    case NGX_WS_HANDSHAKE_SERVER_BITS:
        offer->server_bits = param->number;
        break;

    case NGX_WS_HANDSHAKE_CLIENT_BITS:

        if (!param->valued) {
            fit = 1;
            param->number = NGX_WS_DEFLATE_BITS_MAX;
        }

        offer->client_bits = param->number;
        break;

    default:
        fit = 0;
    }

    if (!fit || (offer->seen & flag)) {
        offer->unfit = 1;
    }

    offer->seen |= flag;
}


static void
ngx_ws_handshake_agree(ngx_ws_handshake_offer_t *offer,
    ngx_ws_deflate_params_t *params)
{
    params->on = 1;

    if (offer->seen & NGX_WS_HANDSHAKE_SERVER_NONE) {
        params->server_takeover = 0;
    }

    if (offer->seen & NGX_WS_HANDSHAKE_CLIENT_NONE) {
        params->client_takeover = 0;
    }

    params->server_bits_named = 0;
    params->client_bits_named = 0;

    /* what a client asks of the server has to be answered */

    if (offer->seen & NGX_WS_HANDSHAKE_SERVER_BITS) {
        params->server_bits_named = 1;

        if (offer->server_bits < params->server_bits) {
            params->server_bits = offer->server_bits & 0x1f;
        }
    }

    /* the client's own window may be limited only if it has said so */

    if (!(offer->seen & NGX_WS_HANDSHAKE_CLIENT_BITS)) {
        params->client_bits = NGX_WS_DEFLATE_BITS_MAX;
        return;
    }

    if (offer->client_bits < params->client_bits) {
        params->client_bits = offer->client_bits & 0x1f;
    }

    if (params->client_bits < NGX_WS_DEFLATE_BITS_MAX) {
        params->client_bits_named = 1;
    }
}


uintptr_t
ngx_ws_handshake_deflate_answer(u_char *p, ngx_ws_deflate_params_t *params)
{
    size_t       len;
    ngx_str_t   *name;
    ngx_uint_t   i, bits[NGX_WS_HANDSHAKE_NPARAMS];
    ngx_uint_t   named[NGX_WS_HANDSHAKE_NPARAMS];

    named[0] = !params->server_takeover;
    named[1] = !params->client_takeover;
    named[2] = params->server_bits_named;
    named[3] = params->client_bits_named;

    bits[0] = 0;
    bits[1] = 0;
    bits[2] = params->server_bits;
    bits[3] = params->client_bits;

    len = ngx_ws_handshake_name.len;

    if (p) {
        p = ngx_cpymem(p, ngx_ws_handshake_name.data, len);
    }

    for (i = 0; i < NGX_WS_HANDSHAKE_NPARAMS; i++) {

        if (!named[i]) {
            continue;
        }

        name = &ngx_ws_handshake_params[i];

        if (p == NULL) {
            len += sizeof("; ") - 1 + name->len;
            len += bits[i] ? (bits[i] < 10 ? 2 : 3) : 0;
            continue;
        }

        p = ngx_sprintf(p, "; %V", name);

        if (bits[i]) {
            p = ngx_sprintf(p, "=%ui", bits[i]);
        }
    }

    return p ? (uintptr_t) p : len;
}


/* to the next element of a list: NGX_DONE at its end */

static ngx_int_t
ngx_ws_handshake_next(u_char **pos, u_char *last)
{
    while (*pos < last && (**pos == ',' || **pos == ' ' || **pos == '\t')) {
        (*pos)++;
    }

    return (*pos < last) ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_ws_handshake_word(u_char **pos, u_char *last, ngx_str_t *word)
{
    u_char  *p;

    for (p = *pos; p < last && ngx_ws_handshake_tchar(*p); p++) {
        /* void */
    }

    word->data = *pos;
    word->len = (size_t) (p - *pos);

    *pos = p;

    return word->len ? NGX_OK : NGX_ERROR;
}


static void
ngx_ws_handshake_space(u_char **pos, u_char *last)
{
    while (*pos < last && (**pos == ' ' || **pos == '\t')) {
        (*pos)++;
    }
}


static ngx_uint_t
ngx_ws_handshake_tchar(u_char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9')
           || (ch && ngx_strchr("!#$%&'*+-.^_`|~", ch));
}
