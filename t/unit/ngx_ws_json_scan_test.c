
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json_scan.h>

#include "test.h"


#define DEPTH  8


static ngx_int_t scan(ngx_ws_json_scan_t *s, const char *text, size_t len);
static void valid(const char *text);
static void invalid(const char *text, size_t len, const char *name);
static void cuts(const char *text);
static void counts(void);
static void integers(void);
static void elements(const char *text, const char *expected);
static void unescape(const char *in, const char *out, size_t len);


/* texts that must not be taken; NUL bytes are tested apart from these */

static const char  *bad[] = {
    "", " ", "\t\n",
    "nul", "nulll", "NULL", "True", "tru", "falsee", "undefined",
    "NaN", "nan", "Infinity", "-Infinity", "inf",
    "01", "00", "-", "-01", "+1", "1.", ".5", "-.5", "1.e1", "1e", "1e+",
    "1E-", "1e1.5", "0x10", "1 2", "1,", "--1", "1_000", "1a",
    "\"", "\"a", "a\"", "'a'", "\"a\" \"b\"", "\"\\\"", "\"\\x41\"",
    "\"\\u\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\U0041\"",
    "\"\n\"", "\"\t\"", "\"\x1f\"", "\"\\\n\"", "\"\\'\"", "\"\\0\"",
    "[", "]", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[1}", "[]]",
    "[\"a\":1]", "[]1", "[] []",
    "{", "}", "{]", "{1}", "{1:2}", "{a:1}", "{'a':1}", "{\"a\"}",
    "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
    "{\"a\":1,\"b\"}", "{\"a\"::1}", "{null:1}", "{[]:1}", "{\"a\":1}}",
    "// a\n1", "/* a */ 1", "1 # a", "\xef\xbb\xbf" "1", "\xc2\xa0" "1",
    "1\f", "1\v", "[1]x",

    /* RFC 3629: alone, cut, overlong, surrogates, above U+10FFFF */
    "\"\x80\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe2\x82\"", "\"\xf0\x9f\x98\"",
    "\"\xc0\xaf\"", "\"\xc1\xbf\"", "\"\xe0\x80\xaf\"", "\"\xf0\x80\x80\xaf\"",
    "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"", "\"\xf4\x90\x80\x80\"",
    "\"\xf5\x80\x80\x80\"", "\"\xff\"", "\"\xfe\"", "[1]\xc3",

    /* nested one deeper than is allowed */
    "[[[[[[[[[]]]]]]]]]", "{\"a\":[[[[[[[{}]]]]]]]}",
    NULL
};


static const char  *good[] = {
    "null", "true", "false", " true ", "\t\r\n null \r\n\t",
    "0", "-0", "1", "-1", "10", "1234567890123456789012345678901234567890",
    "0.5", "-0.5", "1.25", "0e0", "1e5", "1E5", "1e+5", "1e-5", "1.5e10",
    "-1.5E-10", "1e999", "0.000", "100",
    "\"\"", "\"a\"", " \"a\" ", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\\u00e9\\uABCD\\uabcd\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"", "\"\\ude00\"", "\"\x7f\"", "\"/\"", "\"'\"",
    "\"\xc2\x80\"", "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"",
    "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"",
    "\"\xf4\x8f\xbf\xbf\"", "\"\xe2\x80\xa8\"", "\"\xef\xbb\xbf\"",
    "[]", "[ ]", "[1]", "[1,2]", " [ 1 , 2 ] ", "[[],[[]]]",
    "[null,true,false,0,\"\",{},[]]", "[1.5,-2]",
    "{}", "{ }", "{\"\":1}", "{\"a\":1}", " { \"a\" : 1 , \"b\" : [ ] } ",
    "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":{\"c\":{}}}}", "{\"\\u0000\":1}",
    "[[[[[[[[]]]]]]]]", "{\"a\":[[[[[[{}]]]]]]}",
    NULL
};


int
main(void)
{
    const char  **p;

    for (p = good; *p; p++) {
        valid(*p);
    }

    for (p = bad; *p; p++) {
        invalid(*p, ngx_strlen(*p), **p ? *p : "empty");
    }

    invalid("\0", 1, "NUL");
    invalid("1\0", 2, "NUL behind");
    invalid("\"\0\"", 3, "NUL in a string");
    invalid("[\0]", 3, "NUL in an array");

    cuts("{\"a\":[1,-2.5e+3,\"\\u00e9\\n\xc3\xa9\",true,false,null],"
         "\"b\":{}}");

    counts();
    integers();

    elements("[]", "");
    elements(" [ ] ", "");
    elements("[1]", "=1;");
    elements("[ \"a\" , [1, 2] ,{\"b\": 3}, null ]",
             "=\"a\";=[1, 2];={\"b\": 3};=null;");
    elements("{}", "");
    elements(" {\"a\" : 1,\"b\\n\":[ 2 ] , \"\":\"\"} ",
             "a=1;b\\n=[ 2 ];=\"\";");
    elements("{\"a\":1,\"a\":2}", "a=1;a=2;");
    elements("[1,2]x", "=1;=2;error");
    elements("[1,2", "=1;=2;error");
    elements("[1,]", "=1;error");
    elements("[1,[}]", "=1;error");
    elements("{\"a\":1,2}", "a=1;error");
    elements("[1}", "=1;error");
    elements("{\"a\":1]", "a=1;error");
    elements("[[[[[[[[[]]]]]]]]]", "error");
    elements("1", "not open");
    elements("\"[]\"", "not open");
    elements("null", "not open");
    elements("", "not open");
    elements("[\"\xff\"]", "not open");

    unescape("", "", 0);
    unescape("plain", "plain", 5);
    unescape("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
    unescape("a\\u0041\\u00e9z", "aA\xc3\xa9z", 5);
    unescape("\\u0000", "\0", 1);
    unescape("\\u007f\\u0080\\u07ff\\u0800\\uffff",
             "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    unescape("\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4);
    unescape("\\uD800\\uDC00\\uDBFF\\uDFFF",
             "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    unescape("\\ud83d", "\xef\xbf\xbd", 3);
    unescape("\\ude00x", "\xef\xbf\xbdx", 4);
    unescape("\\ud83d\\n", "\xef\xbf\xbd\n", 4);
    unescape("\\ud83d\\uffff", "\xef\xbf\xbd\xef\xbf\xbf", 6);
    unescape("\\ud83d\\u0041", "\xef\xbf\xbd" "A", 4);
    unescape("\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);
    unescape("\\\\u0041", "\\u0041", 6);
    unescape("\xc3\xa9\\n", "\xc3\xa9\n", 3);

    return done();
}


static ngx_int_t
scan(ngx_ws_json_scan_t *s, const char *text, size_t len)
{
    u_char     *p;
    ngx_int_t   rc;

    p = guard(text, len);
    rc = ngx_ws_json_scan(s, p, len, DEPTH);
    unguard(p, len);

    return rc;
}


static void
valid(const char *text)
{
    ngx_ws_json_scan_t  s;

    ok(scan(&s, text, ngx_strlen(text)) == NGX_OK, text);
}


static void
invalid(const char *text, size_t len, const char *name)
{
    ngx_ws_json_scan_t  s;

    ok(scan(&s, text, len) == NGX_ERROR, name);
}


/* no part of an object is a text of its own */

static void
cuts(const char *text)
{
    size_t              i, bad_cut, len;
    ngx_ws_json_scan_t  s;

    len = ngx_strlen(text);
    bad_cut = 0;

    for (i = 0; i < len; i++) {
        if (scan(&s, text, i) != NGX_ERROR) {
            bad_cut = i;
        }
    }

    is_int(bad_cut, 0, "no cut of it is valid");
    is_int(scan(&s, text, len), NGX_OK, "the whole is");
}


static void
counts(void)
{
    ngx_ws_json_scan_t  s;

    ok(scan(&s, "1", 1) == NGX_OK && s.deepest == 0 && s.values == 1,
       "a number: no depth, one value");

    ok(scan(&s, "[{\"a\":[1,2]},3,[]]", 18) == NGX_OK
       && s.deepest == 3 && s.values == 7,
       "nested: depth and values");

    ok(scan(&s, " [1] ", 5) == NGX_OK && s.value.len == 3,
       "value is without white space");

    ok(scan(&s, "[[[[[[[[[1]]]]]]]]]", 19) == NGX_ERROR && s.too_deep,
       "too deep is told");
    ok(scan(&s, "[[[[[[[[1]]]]]]]", 16) == NGX_ERROR && !s.too_deep,
       "too deep is not told of bad syntax");

    ok(scan(&s, "[\"\\u0000\"]", 10) == NGX_OK && !s.nul_key,
       "NUL in a value is no NUL in a key");
    ok(scan(&s, "{\"a\\u0000\":1}", 13) == NGX_OK && s.nul_key,
       "NUL in a key is told");
    ok(scan(&s, "{\"\\\\u0000\":\"\\u0000\"}", 20) == NGX_OK && !s.nul_key,
       "an escaped backslash is no NUL");
    ok(scan(&s, "{\"a\":\"\\u0000\",\"b\":1}", 20) == NGX_OK && !s.nul_key,
       "nor is one in the value before it");
    ok(scan(&s, "{\"\\u0000\":{\"a\":1}}", 18) == NGX_OK && s.nul_key,
       "NUL in a key is not forgotten");
}


static void
integers(void)
{
    ngx_uint_t           i;
    ngx_ws_json_scan_t   s;

    static const struct {
        const char  *text;
        ngx_uint_t   big;
    } all[] = {
        { "0", 0 },
        { "-0", 0 },
        { "18446744073709551615", 0 },
        { "18446744073709551616", 1 },
        { "18446744073709551620", 1 },
        { "20000000000000000000", 1 },
        { "100000000000000000000", 1 },
        { "-9223372036854775808", 0 },
        { "-9223372036854775809", 1 },
        { "-10000000000000000000", 1 },
        { "100000000000000000000.0", 0 },
        { "100000000000000000000e1", 0 },
        { "\"100000000000000000000\"", 0 },
        { "[18446744073709551616,1]", 1 },
        { NULL, 0 }
    };

    for (i = 0; all[i].text; i++) {
        ok(scan(&s, all[i].text, ngx_strlen(all[i].text)) == NGX_OK
           && s.big == all[i].big,
           all[i].text);
    }
}


static void
elements(const char *text, const char *expected)
{
    u_char              *p, *last, out[256];
    size_t               len;
    ngx_int_t            rc;
    ngx_ws_json_scan_t   s;

    len = ngx_strlen(text);
    p = guard(text, len);
    last = out;

    if (ngx_ws_json_scan_open(&s, p, len, DEPTH) != NGX_OK) {
        last = ngx_sprintf(last, "not open");

    } else {

        while ((rc = ngx_ws_json_scan_next(&s)) == NGX_OK) {
            last = ngx_sprintf(last, "%V=%V;", &s.key, &s.value);
        }

        if (rc != NGX_DONE) {
            last = ngx_sprintf(last, "error");
        }
    }

    is_mem(out, last - out, expected, ngx_strlen(expected),
           len ? text : "empty");

    unguard(p, len);
}


static void
unescape(const char *in, const char *out, size_t len)
{
    size_t     n;
    ngx_str_t  s;

    n = ngx_strlen(in);

    s.len = n;
    s.data = guard(in, n);

    ngx_ws_json_scan_unescape(&s);

    is_mem(s.data, s.len, out, len, n ? in : "empty");

    unguard(s.data, n);
}
