
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_value.h>

#include "test.h"


static void number(const char *text, ngx_int_t rc, uint64_t n);
static void others(void);


int
main(void)
{
    number("0", NGX_OK, 0);
    number("12", NGX_OK, 12);
    number("007", NGX_OK, 7);
    number("12.", NGX_OK, 12);
    number("12.000", NGX_OK, 12);
    number("18446744073709551615", NGX_OK, UINT64_MAX);
    number("18446744073709551615.0", NGX_OK, UINT64_MAX);

    number("", NGX_ERROR, 0);
    number("18446744073709551616", NGX_ERROR, 0);
    number("184467440737095516150", NGX_ERROR, 0);
    number("-1", NGX_ERROR, 0);
    number("+1", NGX_ERROR, 0);
    number(" 1", NGX_ERROR, 0);
    number("1 ", NGX_ERROR, 0);
    number("1.5", NGX_ERROR, 0);
    number("1.0.0", NGX_ERROR, 0);
    number(".0", NGX_ERROR, 0);
    number("1e3", NGX_ERROR, 0);
    number("a", NGX_ERROR, 0);

    others();

    return done();
}


static void
number(const char *text, ngx_int_t rc, uint64_t n)
{
    size_t                len;
    u_char               *p;
    uint64_t              got;
    ngx_str_t             s;
    ngx_ws_mysql_value_t  v;

    len = ngx_strlen(text);
    p = guard(text, len);
    got = n;

    s.data = p;
    s.len = len;
    ngx_ws_mysql_set_str(&v, &s);

    ok(ngx_ws_mysql_get_uint(&v, &got) == rc && got == n, text);

    unguard(p, len);
}


static void
others(void)
{
    u_char                buf[NGX_INT64_LEN];
    uint64_t              n;
    ngx_str_t             s;
    ngx_ws_mysql_value_t  v;

    ngx_ws_mysql_set_null(&v);
    is_int(ngx_ws_mysql_get_uint(&v, &n), NGX_DECLINED, "NULL is no number");
    s = ngx_ws_mysql_get_str(&v, buf);
    is_str(&s, "", "but an empty string");

    ngx_ws_mysql_set_uint(&v, UINT64_MAX);
    ok(ngx_ws_mysql_get_uint(&v, &n) == NGX_OK && n == UINT64_MAX,
       "the largest number");
    s = ngx_ws_mysql_get_str(&v, buf);
    is_str(&s, "18446744073709551615", "... as a string");

    v.type = NGX_WS_MYSQL_INT;
    v.as.i = INT64_MIN;
    is_int(ngx_ws_mysql_get_uint(&v, &n), NGX_ERROR, "the smallest number");
    s = ngx_ws_mysql_get_str(&v, buf);
    is_str(&s, "-9223372036854775808", "... as a string");

    v.as.i = 3;
    ok(ngx_ws_mysql_get_uint(&v, &n) == NGX_OK && n == 3, "a signed number");
}
