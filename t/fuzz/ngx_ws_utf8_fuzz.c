
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_utf8.h>

#include "fuzz.h"
#include "utf8_reference.h"


/* first byte: size of the pieces; the rest: a text */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          n, step, pos, bad;
    u_char         *p;
    ngx_int_t       rc, expected;
    ngx_ws_utf8_t   utf8;

    if (size == 0) {
        return 0;
    }

    step = (size_t) *data++ + 1;
    size--;

    bad = size;
    expected = utf8_reference(data, size, &bad);

    ngx_ws_utf8_init(&utf8);

    for (pos = 0; pos < size; pos += n) {
        n = ngx_min(step, size - pos);

        p = copy(data + pos, n);
        rc = ngx_ws_utf8_check(&utf8, p, n);
        free(p);

        if ((rc == NGX_ERROR) != (bad < pos + n)) {
            abort();
        }
    }

    if (expected != NGX_ERROR
        && ngx_ws_utf8_complete(&utf8) != (expected == NGX_OK))
    {
        abort();
    }

    return 0;
}
