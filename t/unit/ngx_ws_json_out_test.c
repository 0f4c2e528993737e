
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json_out.h>

#include "test.h"


static void is_out(ngx_ws_json_out_t *out, const char *expected,
    const char *name);
static void structure(void);
static void values(void);
static void limits(void);
static void growth(void);
static void copies(void);
static void escape(const char *in, size_t len, const char *expected);


int
main(void)
{
    structure();
    values();
    limits();
    growth();
    copies();

    escape("", 0, "");
    escape("plain /text/ \x7f", 14, "plain /text/ \x7f");
    escape("\"\\", 2, "\\\"\\\\");
    escape("\b\f\n\r\t", 5, "\\b\\f\\n\\r\\t");
    escape("\0\x01\x1f", 3, "\\u0000\\u0001\\u001f");
    escape("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x80\xa8", 12,
           "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x80\xa8");

    /* what is not UTF-8, a byte at a time */
    escape("\xff", 1, "\xef\xbf\xbd");
    escape("a\x80z", 3, "a\xef\xbf\xbdz");
    escape("\xc3\xa9\xc3", 3, "\xc3\xa9\xef\xbf\xbd");
    escape("\xc3\"", 2, "\xef\xbf\xbd\\\"");
    escape("\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd");
    escape("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    escape("\xf0\x9f\x98\x80\xff\xc3\xa9", 7,
           "\xf0\x9f\x98\x80\xef\xbf\xbd\xc3\xa9");

    return done();
}


static void
is_out(ngx_ws_json_out_t *out, const char *expected, const char *name)
{
    ok(!out->failed, name);
    is_mem(out->data, out->len, expected, ngx_strlen(expected), name);
}


static void
structure(void)
{
    ngx_str_t          key;
    ngx_ws_json_out_t  out;

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_object_end(&out);

    is_out(&out, "{}", "an empty object");

    ngx_ws_json_out_reset(&out);

    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_array_end(&out);

    is_out(&out, "[]", "an empty array");

    ngx_ws_json_out_reset(&out);

    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "a");
    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_uint(&out, 1);
    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_array_end(&out);
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_key(&out, "b");
    ngx_ws_json_out_null(&out);
    ngx_ws_json_out_object_end(&out);
    ngx_ws_json_out_text(&out, "c");
    ngx_ws_json_out_array_end(&out);
    ngx_ws_json_out_key(&out, "d");
    ngx_ws_json_out_object(&out);
    ngx_ws_json_out_object_end(&out);

    ngx_str_set(&key, "e\"\n");
    ngx_ws_json_out_key_str(&out, &key);
    ngx_ws_json_out_bool(&out, 1);

    ngx_ws_json_out_key(&out, "f");
    ngx_ws_json_out_bool(&out, 0);
    ngx_ws_json_out_object_end(&out);

    is_out(&out, "{\"a\":[1,[],{\"b\":null},\"c\"],\"d\":{},"
                 "\"e\\\"\\n\":true,\"f\":false}", "commas");

    ngx_ws_json_out_free(&out);
}


static void
values(void)
{
    ngx_str_t          s;
    ngx_ws_json_out_t  out;

    ngx_ws_json_out_init(&out, 4096);

    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_uint(&out, 0);
    ngx_ws_json_out_uint(&out, UINT64_MAX);
    ngx_ws_json_out_int(&out, INT64_MIN);
    ngx_ws_json_out_int(&out, INT64_MAX);
    ngx_ws_json_out_text(&out, "");

    ngx_str_null(&s);
    ngx_ws_json_out_string(&out, &s);

    ngx_str_set(&s, "a\"b\\c\xff");
    ngx_ws_json_out_string(&out, &s);

    ngx_str_set(&s, "{\"raw\": 1}");
    ngx_ws_json_out_raw(&out, &s);

    ngx_ws_json_out_array_end(&out);

    is_out(&out, "[0,18446744073709551615,-9223372036854775808,"
                 "9223372036854775807,\"\",\"\",\"a\\\"b\\\\c\xef\xbf\xbd\","
                 "{\"raw\": 1}]", "values");

    ngx_ws_json_out_free(&out);
}


static void
limits(void)
{
    ngx_uint_t         i;
    ngx_ws_json_out_t  out;

    ngx_ws_json_out_init(&out, 5);

    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_text(&out, "a");
    ngx_ws_json_out_array_end(&out);

    is_out(&out, "[\"a\"]", "just the limit");

    ngx_ws_json_out_null(&out);

    ok(out.failed, "one value more fails");
    is_int(out.len, 5, "nothing was written");

    ngx_ws_json_out_reset(&out);

    ngx_ws_json_out_array(&out);
    ngx_ws_json_out_text(&out, "abc");
    ngx_ws_json_out_array_end(&out);

    ok(out.failed, "failing sticks");
    is_int(out.len, 1, "nothing is written after it");

    ngx_ws_json_out_reset(&out);
    ngx_ws_json_out_null(&out);

    is_out(&out, "null", "good again after a reset");

    ngx_ws_json_out_free(&out);

    ngx_ws_json_out_init(&out, 1000);

    for (i = 0; i < 1000; i++) {
        ngx_ws_json_out_text(&out, "value");
    }

    ok(out.failed && out.len <= 1000 && out.size <= 1000,
       "memory stays within the limit");

    ngx_ws_json_out_free(&out);
}


static void
growth(void)
{
    u_char            *p;
    ngx_uint_t         i, good;
    ngx_ws_json_out_t  out;

    ngx_ws_json_out_init(&out, 1000000);

    ngx_ws_json_out_array(&out);

    for (i = 0; i < 10000; i++) {
        ngx_ws_json_out_uint(&out, i % 10);
    }

    ngx_ws_json_out_array_end(&out);

    is_int(out.len, 20001, "10000 values");

    good = 1;

    for (i = 0, p = out.data + 1; i < 10000; i++, p += 2) {
        good &= (p[0] == '0' + i % 10 && p[1] == (i < 9999 ? ',' : ']'));
    }

    ok(good, "all in their places");

    p = out.data;

    ngx_ws_json_out_reset(&out);
    ngx_ws_json_out_null(&out);

    ok(out.data == p, "a reset keeps the memory");

    ngx_ws_json_out_free(&out);

    ok(out.data == NULL && out.limit == 1000000, "free keeps the limit");

    ngx_ws_json_out_null(&out);

    is_out(&out, "null", "and can be written to");

    ngx_ws_json_out_free(&out);
}


static void
copies(void)
{
    ngx_str_t          s;
    ngx_pool_t        *pool;
    ngx_ws_json_out_t  out;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, &test_log);

    ngx_ws_json_out_init(&out, 4);
    ngx_ws_json_out_null(&out);

    is_int(ngx_ws_json_out_copy(&out, pool, &s), NGX_OK, "copied");

    ngx_ws_json_out_reset(&out);
    ngx_ws_json_out_text(&out, "ab");

    is_str(&s, "null", "the copy is its own");

    ngx_ws_json_out_null(&out);

    is_int(ngx_ws_json_out_copy(&out, pool, &s), NGX_ERROR,
           "what failed is not copied");

    ngx_ws_json_out_free(&out);
    ngx_destroy_pool(pool);
}


static void
escape(const char *in, size_t len, const char *expected)
{
    size_t      n;
    u_char     *p;
    ngx_str_t   s;

    s.len = len;
    s.data = guard(in, len);

    n = ngx_ws_json_out_escape(NULL, &s);

    is_int(n, ngx_strlen(expected), "length of the escaped");

    p = guard(expected, n);
    ngx_memzero(p, n);

    is_int(ngx_ws_json_out_escape(p, &s), n, "and when written");
    is_mem(p, n, expected, n, len ? expected : "empty");

    unguard(p, n);
    unguard(s.data, len);
}
