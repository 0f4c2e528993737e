
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The value of an Authorization header, and a column of abilities.  A token
 * is what its id and its secret make up, and bits are given for words only.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_token.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void token(ngx_str_t *s);
static ngx_uint_t contains(ngx_str_t *s, const char *word);
static void check(ngx_uint_t cond);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t   s, bearer;
    ngx_uint_t  bits;

    if (size == 0) {
        return 0;
    }

    s.len = size;
    s.data = malloc(size);
    check(s.data != NULL);

    ngx_memcpy(s.data, data, size);

    if (ngx_ws_token_bearer(&s, &bearer) == NGX_OK) {
        check(bearer.len >= 1 && bearer.len <= NGX_WS_TOKEN_LEN);
        check(bearer.data > s.data
              && bearer.data + bearer.len <= s.data + s.len);
        token(&bearer);
    }

    token(&s);

    bits = ngx_ws_token_abilities(&s);

    check(!(bits & NGX_WS_TOKEN_ABILITY_ALL)
          || contains(&s, "*") || contains(&s, "\\u00"));

    free(s.data);

    return 0;
}


static void
token(ngx_str_t *s)
{
    u_char          *p, *last, buf[NGX_WS_TOKEN_LEN], hex[NGX_WS_TOKEN_HEX];
    ngx_ws_token_t   t;

    if (ngx_ws_token_parse(s, &t) != NGX_OK) {
        return;
    }

    check(s->len <= NGX_WS_TOKEN_LEN && t.secret.len);

    p = buf;
    last = buf + sizeof(buf);

    if (t.id) {
        p = ngx_slprintf(p, last, "%uL|", t.id);
    }

    p = ngx_slprintf(p, last, "%V", &t.secret);

    check((size_t) (p - buf) == s->len
          && ngx_memcmp(buf, s->data, s->len) == 0);

    ngx_ws_token_hex(&t.secret, hex);
    check(ngx_ws_token_equal(hex, hex, NGX_WS_TOKEN_HEX));
}


static ngx_uint_t
contains(ngx_str_t *s, const char *word)
{
    size_t  i, len;

    len = ngx_strlen(word);

    for (i = 0; i + len <= s->len; i++) {
        if (ngx_memcmp(s->data + i, word, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check(ngx_uint_t cond)
{
    if (!cond) {
        abort();
    }
}
