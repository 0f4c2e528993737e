
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_resp.h>

#include "test.h"


static void command_is(ngx_str_t *argv, ngx_uint_t argc, const char *expected,
    size_t len, const char *name);


int
main(void)
{
    ngx_uint_t  i;
    ngx_str_t   text, argv[12];
    u_char      hundred[100];

    ngx_memset(hundred, 'x', sizeof(hundred));

    ngx_str_set(&argv[0], "PING");
    command_is(argv, 1, "*1\r\n$4\r\nPING\r\n", 14, "one word");

    ngx_str_set(&argv[0], "SET");
    ngx_str_set(&argv[1], "a\r\n\0$5");
    ngx_str_null(&argv[2]);
    command_is(argv, 3, "*3\r\n$3\r\nSET\r\n$6\r\na\r\n\0$5\r\n$0\r\n\r\n", 31,
               "any bytes, and none");

    for (i = 0; i < 12; i++) {
        ngx_str_set(&argv[i], "0123456789");
    }

    text = ngx_ws_redis_resp_create(argv, 12, &test_log);
    is_mem(text.data, 10, "*12\r\n$10\r\n", 10, "numbers of two digits");
    is_int(text.len, 5 + 12 * 17, "their length");
    ngx_free(text.data);

    argv[0].len = 100;
    argv[0].data = hundred;
    text = ngx_ws_redis_resp_create(argv, 1, &test_log);
    is_int(text.len, 4 + 6 + 102, "a length of three digits");
    ngx_free(text.data);

    (void) fail_alloc(1);
    text = ngx_ws_redis_resp_create(argv, 1, &test_log);
    ok(text.data == NULL, "no memory");

    return done();
}


static void
command_is(ngx_str_t *argv, ngx_uint_t argc, const char *expected, size_t len,
    const char *name)
{
    u_char     *p, *area;
    ngx_str_t   text;

    is_int(ngx_ws_redis_resp_command(NULL, argv, argc), len, name);

    area = guard(expected, len);
    ngx_memzero(area, len);

    p = (u_char *) ngx_ws_redis_resp_command(area, argv, argc);
    is_mem(area, p - area, expected, len, name);

    unguard(area, len);

    text = ngx_ws_redis_resp_create(argv, argc, &test_log);
    is_mem(text.data, text.len + 1, expected, len + 1, name);
    ngx_free(text.data);
}
