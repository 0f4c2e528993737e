
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_token.h>

#include "test.h"


#define BROADCAST     NGX_WS_TOKEN_ABILITY_BROADCAST
#define NOTIFICATION  NGX_WS_TOKEN_ABILITY_NOTIFICATION
#define ALL           (NGX_WS_TOKEN_ABILITY_ALL|BROADCAST|NOTIFICATION)


static void bearer(const char *value, const char *expected);
static void no_bearer(const char *value, ngx_int_t rc);
static void token_is(const char *text, uint64_t id, const char *secret);
static void no_token(const char *text);
static void lengths(void);
static void digests(void);
static void comparison(void);
static void abilities(const char *json, ngx_uint_t bits);


static const char  *refused[] = {
    "", "|", "|abc", "1|", "0|abc", "01|abc", "+1|abc", "-1|abc", "a|abc",
    "1a|abc", "1.0|abc", "0x1|abc", "1e3|abc", "18446744073709551616|abc",
    "99999999999999999999|a", " 1|abc", "1 |abc", "1|a b", "1|abc\n", "1|\x7f",
    "1|\xc3\xa9", "\xd9\xa1|abc",
    NULL
};


int
main(void)
{
    const char  **p;

    for (p = refused; *p; p++) {
        no_token(*p);
    }

    bearer("Bearer abc", "abc");
    bearer("bearer abc", "abc");
    bearer("BEARER abc", "abc");
    bearer("Bearer   abc  ", "abc");
    bearer("Bearer 1|demo-token-john", "1|demo-token-john");
    bearer("Bearer a.b-c_d~e+f/g==", "a.b-c_d~e+f/g==");

    no_bearer("", NGX_DECLINED);
    no_bearer("Bear", NGX_DECLINED);
    no_bearer("Basic YTpi", NGX_DECLINED);
    no_bearer("Bearerabc", NGX_DECLINED);
    no_bearer("Bearer\tabc", NGX_DECLINED);
    no_bearer(" Bearer abc", NGX_DECLINED);
    no_bearer("Token Bearer abc", NGX_DECLINED);
    no_bearer("Bearer", NGX_ERROR);
    no_bearer("Bearer ", NGX_ERROR);
    no_bearer("Bearer    ", NGX_ERROR);
    no_bearer("Bearer a b", NGX_ERROR);
    no_bearer("Bearer a\tb", NGX_ERROR);
    no_bearer("Bearer a\x7f", NGX_ERROR);
    no_bearer("Bearer \xc3\xa9", NGX_ERROR);

    token_is("abc", 0, "abc");
    token_is("1", 0, "1");
    token_is("1|abc", 1, "abc");
    token_is("12|a|b", 12, "a|b");
    token_is("1||", 1, "|");
    token_is("18446744073709551615|a", UINT64_MAX, "a");

    lengths();
    digests();
    comparison();

    abilities("[\"*\"]", ALL);
    abilities("[\"presence\"]", 0);
    abilities("[\"broadcast:send\"]", BROADCAST);
    abilities("[\"notification:send\"]", NOTIFICATION);
    abilities("[\"notification:send\",\"x\",\"broadcast:send\"]",
              BROADCAST|NOTIFICATION);
    abilities(" [ \"x\" , \"*\" ] ", ALL);
    abilities("[\"broadcast\\u003asend\"]", BROADCAST);
    abilities("[\"broadcast:send \",\"Broadcast:send\",\"broadcast:*\"]", 0);
    abilities("[\"*\\u0000\",\"**\",\"\"]", 0);
    abilities("[[\"*\"],{\"*\":1},1,null,true]", 0);
    abilities("[]", 0);
    abilities("", 0);
    abilities("null", 0);
    abilities("\"*\"", 0);
    abilities("*", 0);
    abilities("{\"0\":\"*\"}", 0);
    abilities("[\"*\"", 0);
    abilities("[\"*\"]x", 0);

    return done();
}


static void
bearer(const char *value, const char *expected)
{
    ngx_str_t  s, token;

    s.len = ngx_strlen(value);
    s.data = guard(value, s.len);

    is_int(ngx_ws_token_bearer(&s, &token), NGX_OK, value);
    is_str(&token, expected, "the token");

    unguard(s.data, s.len);
}


static void
no_bearer(const char *value, ngx_int_t rc)
{
    ngx_str_t  s, token;

    s.len = ngx_strlen(value);
    s.data = guard(value, s.len);

    is_int(ngx_ws_token_bearer(&s, &token), rc, s.len ? value : "empty");

    unguard(s.data, s.len);
}


static void
token_is(const char *text, uint64_t id, const char *secret)
{
    ngx_str_t       s;
    ngx_ws_token_t  t;

    s.len = ngx_strlen(text);
    s.data = guard(text, s.len);

    ok(ngx_ws_token_parse(&s, &t) == NGX_OK && t.id == id, text);
    is_str(&t.secret, secret, "its secret");

    unguard(s.data, s.len);
}


static void
no_token(const char *text)
{
    ngx_str_t       s;
    ngx_ws_token_t  t;

    s.len = ngx_strlen(text);
    s.data = guard(text, s.len);

    is_int(ngx_ws_token_parse(&s, &t), NGX_ERROR, s.len ? text : "empty");

    unguard(s.data, s.len);
}


static void
lengths(void)
{
    u_char          buf[sizeof("Bearer ") + NGX_WS_TOKEN_LEN];
    ngx_str_t       s, token;
    ngx_ws_token_t  t;

    ngx_memset(buf, 'a', sizeof(buf));
    ngx_memcpy(buf, "Bearer ", 7);

    s.data = buf;
    s.len = 7 + NGX_WS_TOKEN_LEN;

    is_int(ngx_ws_token_bearer(&s, &token), NGX_OK, "the longest");
    is_int(token.len, NGX_WS_TOKEN_LEN, "its length");
    is_int(ngx_ws_token_parse(&token, &t), NGX_OK, "it is a token");

    s.len++;

    is_int(ngx_ws_token_bearer(&s, &token), NGX_ERROR, "one byte more");

    s.data += 7;
    s.len -= 7;

    is_int(ngx_ws_token_parse(&s, &t), NGX_ERROR, "nor is it a token");

    s.len = 0;
    s.data = NULL;

    is_int(ngx_ws_token_bearer(&s, &token), NGX_DECLINED, "no header");
}


/* FIPS 180-4's examples */

static void
digests(void)
{
    u_char     *hex, *digest;
    ngx_str_t   s;

    static u_char  zero[NGX_WS_TOKEN_HEX];

    hex = guard(zero, NGX_WS_TOKEN_HEX);
    digest = guard(zero, NGX_WS_TOKEN_DIGEST);

    ngx_str_set(&s, "abc");

    ngx_ws_token_hex(&s, hex);
    is_mem(hex, NGX_WS_TOKEN_HEX,
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           64, "SHA-256 in hex");

    ngx_ws_token_digest(&s, digest);
    is_mem(digest, NGX_WS_TOKEN_DIGEST,
           "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
           "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
           32, "SHA-256");

    ngx_str_set(&s, "");

    ngx_ws_token_hex(&s, hex);
    is_mem(hex, NGX_WS_TOKEN_HEX,
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           64, "SHA-256 of nothing");

    unguard(hex, NGX_WS_TOKEN_HEX);
    unguard(digest, NGX_WS_TOKEN_DIGEST);
}


static void
comparison(void)
{
    u_char      a[32], b[32];
    ngx_uint_t  i, n;

    ngx_memset(a, 0x5a, 32);
    ngx_memset(b, 0x5a, 32);

    is_int(ngx_ws_token_equal(a, b, 32), 1, "equal");
    is_int(ngx_ws_token_equal(a, b, 0), 1, "nothing is equal");

    for (i = 0, n = 0; i < 32 * 8; i++) {
        b[i / 8] ^= 1 << i % 8;
        n += ngx_ws_token_equal(a, b, 32);
        b[i / 8] ^= 1 << i % 8;
    }

    is_int(n, 0, "any bit makes a difference");
}


static void
abilities(const char *json, ngx_uint_t bits)
{
    ngx_str_t  s;

    s.len = ngx_strlen(json);
    s.data = guard(json, s.len);

    is_int(ngx_ws_token_abilities(&s), bits, s.len ? json : "empty");

    unguard(s.data, s.len);
}
