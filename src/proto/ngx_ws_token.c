
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * credentials  = "Bearer" 1*SP token *SP
 * token        = id "|" secret / secret
 * id           = 1-9 *digit
 * secret       = 1*( visible ASCII )      without "|" where there is no id
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <ngx_ws_json.h>
#include <ngx_ws_token.h>


typedef struct {
    ngx_str_t       name;
    ngx_uint_t      bits;
} ngx_ws_token_ability_t;


static ngx_int_t ngx_ws_token_check(ngx_str_t *token);
static ngx_int_t ngx_ws_token_id(u_char *p, u_char *end, uint64_t *id);


static ngx_ws_token_ability_t  ngx_ws_token_ability_names[] = {

    { ngx_string("*"),
      NGX_WS_TOKEN_ABILITY_ALL
      |NGX_WS_TOKEN_ABILITY_BROADCAST
      |NGX_WS_TOKEN_ABILITY_NOTIFICATION },

    { ngx_string("broadcast:send"),
      NGX_WS_TOKEN_ABILITY_BROADCAST },

    { ngx_string("notification:send"),
      NGX_WS_TOKEN_ABILITY_NOTIFICATION },

    { ngx_null_string, 0 }
};


ngx_int_t
ngx_ws_token_bearer(ngx_str_t *value, ngx_str_t *token)
{
    u_char  *p, *last;
    size_t   scheme;

    scheme = sizeof("Bearer") - 1;

    if (value->len < scheme
        || ngx_strncasecmp(value->data, (u_char *) "Bearer", scheme) != 0)
    {
        return NGX_DECLINED;
    }

    p = value->data + scheme;
    last = value->data + value->len;

    if (p < last && *p != ' ') {
        return NGX_DECLINED;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    while (p < last && last[-1] == ' ') {
        last--;
    }

    token->data = p;
    token->len = (size_t) (last - p);

    return ngx_ws_token_check(token);
}


ngx_int_t
ngx_ws_token_parse(ngx_str_t *token, ngx_ws_token_t *t)
{
    u_char  *bar, *last;

    if (ngx_ws_token_check(token) != NGX_OK) {
        return NGX_ERROR;
    }

    last = token->data + token->len;

    bar = ngx_strlchr(token->data, last, '|');

    if (bar == NULL) {
        t->id = 0;
        t->secret = *token;

        return NGX_OK;
    }

    t->secret.data = bar + 1;
    t->secret.len = (size_t) (last - bar - 1);

    if (t->secret.len == 0) {
        return NGX_ERROR;
    }

    return ngx_ws_token_id(token->data, bar, &t->id);
}


void
ngx_ws_token_digest(ngx_str_t *s, u_char *digest)
{
    (void) SHA256(s->data, s->len, digest);
}


void
ngx_ws_token_hex(ngx_str_t *s, u_char *hex)
{
    u_char  digest[NGX_WS_TOKEN_DIGEST];

    ngx_ws_token_digest(s, digest);

    (void) ngx_hex_dump(hex, digest, NGX_WS_TOKEN_DIGEST);
}


ngx_uint_t
ngx_ws_token_equal(u_char *a, u_char *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}


ngx_uint_t
ngx_ws_token_abilities(ngx_str_t *json)
{
    ngx_str_t                s;
    ngx_uint_t               bits, i;
    ngx_ws_json_t           *root;
    ngx_ws_error_e           error;
    ngx_ws_token_ability_t  *a;

    root = ngx_ws_json_parse(json->data, json->len, NGX_WS_JSON_DEPTH, &error);
    if (root == NULL) {
        return 0;
    }

    bits = 0;

    for (i = 0; i < ngx_ws_json_array_n(root); i++) {

        if (ngx_ws_json_string(ngx_ws_json_array_get(root, i), &s) != NGX_OK) {
            continue;
        }

        for (a = ngx_ws_token_ability_names; a->name.len; a++) {

            if (a->name.len == s.len
                && ngx_memcmp(a->name.data, s.data, s.len) == 0)
            {
                bits |= a->bits;
            }
        }
    }

    ngx_ws_json_free(root);

    return bits;
}


static ngx_int_t
ngx_ws_token_check(ngx_str_t *token)
{
    size_t  i;

    if (token->len == 0 || token->len > NGX_WS_TOKEN_LEN) {
        return NGX_ERROR;
    }

    for (i = 0; i < token->len; i++) {
        if (token->data[i] <= 0x20 || token->data[i] >= 0x7f) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_token_id(u_char *p, u_char *end, uint64_t *id)
{
    uint64_t  n, digit;

    /* one token has one form, so that it has one place in a cache */

    if (p == end || *p == '0') {
        return NGX_ERROR;
    }

    for (n = 0; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_ERROR;
        }

        digit = (uint64_t) (*p - '0');

        if (n > (UINT64_MAX - digit) / 10) {
            return NGX_ERROR;
        }

        n = n * 10 + digit;
    }

    *id = n;

    return NGX_OK;
}
