
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_decimal.h>


u_char *
ngx_ws_decimal(u_char *p, uint64_t n)
{
    u_char  *last, *end;

    end = p + ngx_ws_decimal_len(n);
    last = end;

    do {
        *--last = (u_char) ('0' + n % 10);
        n /= 10;
    } while (n);

    return end;
}


size_t
ngx_ws_decimal_len(uint64_t n)
{
    size_t  len;

    for (len = 1; n > 9; n /= 10) {
        len++;
    }

    return len;
}
