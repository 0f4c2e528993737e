
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/random.h>

#include <ngx_ws_random.h>


#define NGX_WS_RANDOM_BYTES  (NGX_WS_RANDOM_ID_LEN * 3 / 4)


void
ngx_ws_random(u_char *p, size_t n)
{
    ssize_t  rc;

    while (n) {
        rc = getrandom(p, n, 0);

        if (rc == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, ngx_errno,
                          "getrandom() failed");
            abort();
        }

        p += rc;
        n -= rc;
    }
}


void
ngx_ws_random_id(u_char *p)
{
    u_char     bytes[NGX_WS_RANDOM_BYTES];
    ngx_str_t  dst, src;

    ngx_ws_random(bytes, NGX_WS_RANDOM_BYTES);

    src.len = NGX_WS_RANDOM_BYTES;
    src.data = bytes;
    dst.data = p;

    ngx_encode_base64url(&dst, &src);
}
