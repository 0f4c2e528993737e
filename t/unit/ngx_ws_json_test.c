
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json.h>

#include "test.h"


static ngx_ws_json_t *parse(const char *text);
static void refused(const char *text, size_t len, ngx_ws_error_e expected,
    const char *name);
static void many_values(void);
static void nothing(void);
static void members(void);
static void arrays(void);
static void iteration(void);
static void strings(void);
static void uint_is(const char *text, ngx_int_t rc, uint64_t value);
static void id_is(const char *text, ngx_int_t rc, uint64_t value);
static void bool_is(const char *text, ngx_int_t rc, ngx_uint_t value);
static void lengths(const char *text, size_t chars, size_t units);
static void written(const char *text, const char *expected);


int
main(void)
{
    refused("", 0, NGX_WS_BAD_JSON, "nothing");
    refused("{", 1, NGX_WS_BAD_JSON, "cut off");
    refused("{}x", 3, NGX_WS_BAD_JSON, "trailing garbage");
    refused("{}{}", 4, NGX_WS_BAD_JSON, "two texts");
    refused("{}\0", 3, NGX_WS_BAD_JSON, "trailing NUL");
    refused("\"a\0b\"", 5, NGX_WS_BAD_JSON, "NUL in a string");
    refused("\"\xff\"", 3, NGX_WS_BAD_JSON, "not UTF-8");
    refused("NaN", 3, NGX_WS_BAD_JSON, "NaN");
    refused("-Infinity", 9, NGX_WS_BAD_JSON, "Infinity");
    refused("{'a':1}", 7, NGX_WS_BAD_JSON, "single quotes");
    refused("[1,]", 4, NGX_WS_BAD_JSON, "trailing comma");
    refused("/**/1", 5, NGX_WS_BAD_JSON, "comment");
    refused("\"a\tb\"", 5, NGX_WS_BAD_JSON, "tab in a string");
    refused("{\"a\\u0000b\":1}", 14, NGX_WS_BAD_JSON, "NUL in a key");
    refused("18446744073709551616", 20, NGX_WS_BAD_JSON, "above 64 bits");
    refused("-9223372036854775809", 20, NGX_WS_BAD_JSON, "below 64 bits");
    refused("[[[[[1]]]]]", 11, NGX_WS_TOO_LARGE, "too deep");

    many_values();
    nothing();
    members();
    arrays();
    iteration();
    strings();

    uint_is("0", NGX_OK, 0);
    uint_is("-0", NGX_OK, 0);
    uint_is("1", NGX_OK, 1);
    uint_is("18446744073709551615", NGX_OK, UINT64_MAX);
    uint_is("9223372036854775808", NGX_OK, 9223372036854775808ULL);
    uint_is("-1", NGX_ERROR, 0);
    uint_is("5.0", NGX_OK, 5);
    uint_is("1e3", NGX_OK, 1000);
    uint_is("9007199254740991.0", NGX_OK, NGX_WS_JSON_ID_MAX);
    uint_is("5.5", NGX_ERROR, 0);
    uint_is("-5.0", NGX_ERROR, 0);
    uint_is("1e300", NGX_ERROR, 0);
    uint_is("1e999", NGX_ERROR, 0);
    uint_is("\"0\"", NGX_OK, 0);
    uint_is("\"42\"", NGX_OK, 42);
    uint_is("\"18446744073709551615\"", NGX_OK, UINT64_MAX);
    uint_is("\"18446744073709551616\"", NGX_ERROR, 0);
    uint_is("\"99999999999999999999\"", NGX_ERROR, 0);
    uint_is("\"\"", NGX_ERROR, 0);
    uint_is("\"007\"", NGX_ERROR, 0);
    uint_is("\"00\"", NGX_ERROR, 0);
    uint_is("\"+1\"", NGX_ERROR, 0);
    uint_is("\"-1\"", NGX_ERROR, 0);
    uint_is("\" 1\"", NGX_ERROR, 0);
    uint_is("\"1 \"", NGX_ERROR, 0);
    uint_is("\"1.0\"", NGX_ERROR, 0);
    uint_is("\"1e3\"", NGX_ERROR, 0);
    uint_is("\"0x1\"", NGX_ERROR, 0);
    uint_is("\"1\\u0000\"", NGX_ERROR, 0);
    uint_is("\"\xd9\xa1\"", NGX_ERROR, 0);
    uint_is("null", NGX_DECLINED, 0);
    uint_is("true", NGX_ERROR, 0);
    uint_is("[1]", NGX_ERROR, 0);
    uint_is("{}", NGX_ERROR, 0);

    id_is("0", NGX_ERROR, 0);
    id_is("1", NGX_OK, 1);
    id_is("\"1\"", NGX_OK, 1);
    id_is("9007199254740991", NGX_OK, 9007199254740991ULL);
    id_is("\"9007199254740991\"", NGX_OK, 9007199254740991ULL);
    id_is("9007199254740992", NGX_ERROR, 0);
    id_is("\"9007199254740992\"", NGX_ERROR, 0);
    id_is("9007199254740992.0", NGX_ERROR, 0);
    id_is("null", NGX_DECLINED, 0);

    bool_is("true", NGX_OK, 1);
    bool_is("false", NGX_OK, 0);
    bool_is("1", NGX_OK, 1);
    bool_is("0", NGX_OK, 0);
    bool_is("\"1\"", NGX_OK, 1);
    bool_is("\"0\"", NGX_OK, 0);
    bool_is("null", NGX_DECLINED, 0);
    bool_is("2", NGX_ERROR, 0);
    bool_is("-1", NGX_ERROR, 0);
    bool_is("1.0", NGX_ERROR, 0);
    bool_is("\"2\"", NGX_ERROR, 0);
    bool_is("\"true\"", NGX_ERROR, 0);
    bool_is("\"\"", NGX_ERROR, 0);
    bool_is("\"01\"", NGX_ERROR, 0);
    bool_is("[]", NGX_ERROR, 0);
    bool_is("{}", NGX_ERROR, 0);

    lengths("", 0, 0);
    lengths("abc", 3, 3);
    lengths("\xc3\xa9\xe2\x82\xac", 2, 2);
    lengths("\xf0\x9f\x98\x80", 1, 2);
    lengths("a\xf4\x8f\xbf\xbfz\xef\xbf\xbf", 4, 5);

    written("null", "null");
    written("true", "true");
    written(" [ ] ", "[]");
    written(" { } ", "{}");
    written("[ 1 , -2 , 18446744073709551615, -9223372036854775808 ]",
            "[1,-2,18446744073709551615,-9223372036854775808]");
    written("[1.50,1e3,1E-5,-0.0,1e999]", "[1.50,1e3,1E-5,-0.0,1e999]");
    written("{\"b\" : null, \"a\" : [ false, {\"c\":\"x\"} ]}",
            "{\"b\":null,\"a\":[false,{\"c\":\"x\"}]}");
    written("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
    written("\"\\/ \\u0041 \\u00e9 \\n \\u0000 \\\" \\\\\"",
            "\"/ A \xc3\xa9 \\n \\u0000 \\\" \\\\\"");
    written("\"\\ud83d\\ude00 \\ud83d\"",
            "\"\xf0\x9f\x98\x80 \xef\xbf\xbd\"");
    written("{\"k\\n\\\"\":1}", "{\"k\\n\\\"\":1}");

    return done();
}


static ngx_ws_json_t *
parse(const char *text)
{
    size_t           len;
    u_char          *p;
    ngx_ws_json_t   *root;
    ngx_ws_error_e   error;

    len = ngx_strlen(text);

    p = guard(text, len);
    root = ngx_ws_json_parse(p, len, 4, &error);
    unguard(p, len);

    if (root == NULL) {
        diag("not parsed: %s", text);
        exit(2);
    }

    return root;
}


static void
refused(const char *text, size_t len, ngx_ws_error_e expected,
    const char *name)
{
    u_char          *p;
    ngx_ws_error_e   error;

    error = NGX_WS_OK;

    p = guard(text, len);

    ok(ngx_ws_json_parse(p, len, 4, &error) == NULL && error == expected,
       name);

    unguard(p, len);
}


static void
many_values(void)
{
    size_t           i;
    u_char          *text;
    ngx_ws_json_t   *root;
    ngx_ws_error_e   error;

    /* "[0,0,...]": the array is a value itself */

    text = malloc(2 * NGX_WS_JSON_VALUES + 1);

    for (i = 0; i < NGX_WS_JSON_VALUES; i++) {
        text[2 * i] = ',';
        text[2 * i + 1] = '0';
    }

    text[0] = '[';
    text[2 * NGX_WS_JSON_VALUES - 2] = ']';

    root = ngx_ws_json_parse(text, 2 * NGX_WS_JSON_VALUES - 1, 4, &error);

    is_int(ngx_ws_json_array_n(root), NGX_WS_JSON_VALUES - 1,
           "as many values as are allowed");

    ngx_ws_json_free(root);

    text[2 * NGX_WS_JSON_VALUES - 2] = ',';
    text[2 * NGX_WS_JSON_VALUES] = ']';

    refused((char *) text, 2 * NGX_WS_JSON_VALUES + 1, NGX_WS_TOO_LARGE,
            "one value more");

    free(text);
}


/* what is absent can be asked for everything */

static void
nothing(void)
{
    uint64_t             n;
    ngx_str_t            s;
    ngx_uint_t           i, flag;
    ngx_ws_json_t       *nodes[2];
    ngx_ws_json_iter_t   it;

    nodes[0] = NULL;
    nodes[1] = parse("null");

    ok(nodes[1] != NULL, "null is a tree");

    for (i = 0; i < 2; i++) {
        is_int(ngx_ws_json_type(nodes[i]), NGX_WS_JSON_NULL, "nothing: type");
        ok(ngx_ws_json_get(nodes[i], "a") == NULL, "nothing: get");
        is_int(ngx_ws_json_has(nodes[i], "a"), 0, "nothing: has");
        is_int(ngx_ws_json_array_n(nodes[i]), 0, "nothing: array_n");
        ok(ngx_ws_json_array_get(nodes[i], 0) == NULL, "nothing: array_get");
        is_int(ngx_ws_json_string(nodes[i], &s), NGX_DECLINED,
               "nothing: string");
        is_int(ngx_ws_json_uint(nodes[i], 0, 1, &n), NGX_DECLINED,
               "nothing: uint");
        is_int(ngx_ws_json_id(nodes[i], &n), NGX_DECLINED, "nothing: id");
        is_int(ngx_ws_json_bool(nodes[i], &flag), NGX_DECLINED,
               "nothing: bool");

        ngx_ws_json_first(&it, nodes[i]);
        is_int(ngx_ws_json_next(&it), NGX_DONE, "nothing: next");

        ngx_ws_json_free(nodes[i]);
    }
}


static void
members(void)
{
    ngx_str_t       s;
    ngx_ws_json_t  *root;

    root = parse("{\"a\":1,\"b\":null,\"c\":\"x\",\"d\":[],\"e\":{},"
                 "\"f\":true,\"g\":1.5,\"\":0,\"a\":\"last\",\"\\u0068\":1}");

    is_int(ngx_ws_json_type(root), NGX_WS_JSON_OBJECT, "type: object");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "c")), NGX_WS_JSON_STRING,
           "type: string");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "d")), NGX_WS_JSON_ARRAY,
           "type: array");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "e")), NGX_WS_JSON_OBJECT,
           "type: object");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "f")), NGX_WS_JSON_BOOL,
           "type: bool");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "g")), NGX_WS_JSON_NUMBER,
           "type: number");
    is_int(ngx_ws_json_type(ngx_ws_json_get(root, "")), NGX_WS_JSON_NUMBER,
           "the empty key");

    ok(ngx_ws_json_get(root, "b") == NULL, "null is nothing");
    is_int(ngx_ws_json_has(root, "b"), 1, "but it is there");
    is_int(ngx_ws_json_has(root, "z"), 0, "this is not");
    is_int(ngx_ws_json_has(root, "h"), 1, "an escaped key");
    ok(ngx_ws_json_get(ngx_ws_json_get(root, "d"), "a") == NULL,
       "an array has no members");
    is_int(ngx_ws_json_has(ngx_ws_json_get(root, "c"), "a"), 0,
           "nor has a string");

    is_int(ngx_ws_json_string(ngx_ws_json_get(root, "a"), &s), NGX_OK,
           "of equal keys");
    is_str(&s, "last", "the last wins");

    ngx_ws_json_free(root);
}


static void
arrays(void)
{
    uint64_t        n;
    ngx_ws_json_t  *root;

    root = parse("[10,null,30]");

    is_int(ngx_ws_json_array_n(root), 3, "three elements");
    is_int(ngx_ws_json_uint(ngx_ws_json_array_get(root, 0), 0, 99, &n), NGX_OK,
           "the first");
    is_int(n, 10, "its value");
    ok(ngx_ws_json_array_get(root, 1) == NULL, "null");
    is_int(ngx_ws_json_uint(ngx_ws_json_array_get(root, 2), 0, 29, &n),
           NGX_ERROR, "above the maximum");
    is_int(ngx_ws_json_uint(ngx_ws_json_array_get(root, 2), 31, 99, &n),
           NGX_ERROR, "below the minimum");
    is_int(n, 10, "nothing is set then");
    ok(ngx_ws_json_array_get(root, 3) == NULL, "outside");
    ok(ngx_ws_json_get(root, "0") == NULL, "an index is no key");

    ngx_ws_json_free(root);

    root = parse("{\"0\":1}");

    is_int(ngx_ws_json_array_n(root), 0, "an object is no array");
    ok(ngx_ws_json_array_get(root, 0) == NULL, "and has no elements");

    ngx_ws_json_free(root);
}


static void
iteration(void)
{
    u_char              *last, out[64];
    ngx_str_t            s;
    ngx_ws_json_t       *root;
    ngx_ws_json_iter_t   it;

    root = parse("{\"b\":\"1\",\"a\":null,\"\":\"3\"}");

    last = out;
    ngx_ws_json_first(&it, root);

    while (ngx_ws_json_next(&it) == NGX_OK) {
        last = ngx_sprintf(last, "%V=", &it.key);

        if (ngx_ws_json_string(it.value, &s) == NGX_OK) {
            last = ngx_sprintf(last, "%V", &s);
        }

        *last++ = ';';
    }

    is_mem(out, last - out, "b=1;a=;=3;", 10, "members in their order");
    is_int(ngx_ws_json_next(&it), NGX_DONE, "done stays done");

    ngx_ws_json_free(root);

    root = parse("[1]");

    ngx_ws_json_first(&it, root);
    is_int(ngx_ws_json_next(&it), NGX_DONE, "an array has no members");

    ngx_ws_json_free(root);
}


static void
strings(void)
{
    ngx_str_t       s;
    ngx_ws_json_t  *root;

    root = parse("[\"\",\"a\\u0000b\",\"\\ud83d\\ude00\",\"\\ude00\",1]");

    is_int(ngx_ws_json_string(ngx_ws_json_array_get(root, 0), &s), NGX_OK,
           "empty");
    is_int(s.len, 0, "no bytes");

    is_int(ngx_ws_json_string(ngx_ws_json_array_get(root, 1), &s), NGX_OK,
           "with a NUL");
    is_mem(s.data, s.len, "a\0b", 3, "three bytes");

    is_int(ngx_ws_json_string(ngx_ws_json_array_get(root, 2), &s), NGX_OK,
           "a pair of surrogates");
    is_str(&s, "\xf0\x9f\x98\x80", "one character");

    is_int(ngx_ws_json_string(ngx_ws_json_array_get(root, 3), &s), NGX_OK,
           "a lone surrogate");
    is_str(&s, "\xef\xbf\xbd", "replaced");

    is_int(ngx_ws_json_string(ngx_ws_json_array_get(root, 4), &s), NGX_ERROR,
           "a number is no string");

    ngx_ws_json_free(root);
}


static void
uint_is(const char *text, ngx_int_t rc, uint64_t value)
{
    uint64_t        n;
    ngx_int_t       got;
    ngx_ws_json_t  *root;

    n = 0;
    root = parse(text);
    got = ngx_ws_json_uint(root, 0, UINT64_MAX, &n);

    ok(got == rc && n == value, text);

    ngx_ws_json_free(root);
}


static void
id_is(const char *text, ngx_int_t rc, uint64_t value)
{
    uint64_t        n;
    ngx_int_t       got;
    ngx_ws_json_t  *root;

    n = 0;
    root = parse(text);
    got = ngx_ws_json_id(root, &n);

    ok(got == rc && n == value, text);

    ngx_ws_json_free(root);
}


static void
bool_is(const char *text, ngx_int_t rc, ngx_uint_t value)
{
    ngx_int_t       got;
    ngx_uint_t      flag;
    ngx_ws_json_t  *root;

    flag = 0;
    root = parse(text);
    got = ngx_ws_json_bool(root, &flag);

    ok(got == rc && flag == value, text);

    ngx_ws_json_free(root);
}


static void
lengths(const char *text, size_t chars, size_t units)
{
    ngx_str_t  s;

    s.len = ngx_strlen(text);
    s.data = guard(text, s.len);

    is_int(ngx_ws_json_chars(&s), chars, "characters");
    is_int(ngx_ws_json_utf16_len(&s), units, "UTF-16 units");

    unguard(s.data, s.len);
}


static void
written(const char *text, const char *expected)
{
    ngx_ws_json_t      *root;
    ngx_ws_json_out_t   out;

    root = parse(text);

    ngx_ws_json_out_init(&out, 4096);
    ngx_ws_json_write(&out, root);

    ok(!out.failed, "written");
    is_mem(out.data, out.len, expected, ngx_strlen(expected), text);

    ngx_ws_json_out_free(&out);
    ngx_ws_json_free(root);
}
