
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_decimal.h>

#include "test.h"


int
main(void)
{
    u_char      buf[NGX_INT64_LEN + 1], *end, sample[NGX_INT64_LEN + 1];
    uint64_t    n, power;
    ngx_uint_t  bad, i;

    bad = 0;
    n = 0;
    power = 1;

    for (i = 0; i < 20000; i++) {
        ngx_memset(buf, 'x', sizeof(buf));

        end = ngx_ws_decimal(buf, n);
        *ngx_sprintf(sample, "%uL", n) = '\0';

        bad += (*end != 'x' || (size_t) (end - buf) != ngx_ws_decimal_len(n));
        *end = '\0';
        bad += (ngx_strcmp(buf, sample) != 0);

        /* below and at each power of ten, then anything */

        if (i < 40) {
            n = power - (i % 2 == 0);
            power *= (i % 2) ? 10 : 1;

        } else {
            n = n * 6364136223846793005 + 1442695040888963407;
        }
    }

    is_int(bad, 0, "digits as ngx_sprintf() writes them, and no more");

    end = ngx_ws_decimal(buf, (uint64_t) -1);
    is_int(end - buf, 20, "up to the largest");
    end = ngx_ws_decimal(buf, 0);
    is_int(end - buf, 1, "zero is a digit");

    return done();
}
