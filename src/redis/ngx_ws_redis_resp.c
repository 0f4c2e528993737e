
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_decimal.h>
#include <ngx_ws_redis_resp.h>


uintptr_t
ngx_ws_redis_resp_array(u_char *p, ngx_uint_t n)
{
    if (p == NULL) {
        return (sizeof("*" CRLF) - 1) + ngx_ws_decimal_len(n);
    }

    return (uintptr_t) ngx_sprintf(p, "*%ui" CRLF, n);
}


uintptr_t
ngx_ws_redis_resp_string(u_char *p, ngx_str_t *s)
{
    if (p == NULL) {
        return (sizeof("$" CRLF CRLF) - 1) + ngx_ws_decimal_len(s->len)
               + s->len;
    }

    *p++ = '$';
    p = ngx_ws_decimal(p, s->len);
    *p++ = CR;
    *p++ = LF;

    if (s->len) {
        p = ngx_cpymem(p, s->data, s->len);
    }

    *p++ = CR;
    *p++ = LF;

    return (uintptr_t) p;
}


uintptr_t
ngx_ws_redis_resp_strings(u_char *p, ngx_str_t *s, ngx_uint_t n)
{
    size_t      len;
    ngx_uint_t  i;

    len = 0;

    for (i = 0; i < n; i++) {

        if (p == NULL) {
            len += ngx_ws_redis_resp_string(NULL, &s[i]);
            continue;
        }

        p = (u_char *) ngx_ws_redis_resp_string(p, &s[i]);
    }

    return (p == NULL) ? len : (uintptr_t) p;
}


uintptr_t
ngx_ws_redis_resp_command(u_char *p, ngx_str_t *argv, ngx_uint_t argc)
{
    if (p == NULL) {
        return ngx_ws_redis_resp_array(NULL, argc)
               + ngx_ws_redis_resp_strings(NULL, argv, argc);
    }

    p = (u_char *) ngx_ws_redis_resp_array(p, argc);

    return ngx_ws_redis_resp_strings(p, argv, argc);
}


ngx_str_t
ngx_ws_redis_resp_create(ngx_str_t *argv, ngx_uint_t argc, ngx_log_t *log)
{
    u_char     *p;
    ngx_str_t   text;

    text.len = ngx_ws_redis_resp_command(NULL, argv, argc);

    text.data = ngx_alloc(text.len + 1, log);
    if (text.data == NULL) {
        return text;
    }

    p = (u_char *) ngx_ws_redis_resp_command(text.data, argv, argc);
    *p = '\0';

    return text;
}
