
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_deflate.h>
#include <ngx_ws_inflate.h>

#include "fuzz.h"
#include "test.h"


/*
 * First byte: size of the pieces; second: window and takeover; the rest: in
 * turn a message to compress and to get back, and compressed bytes.
 */

#define MAX  65536


static void there_and_back(u_char *p, size_t size, size_t step,
    ngx_uint_t bits);
static void there_and_back_takeover(u_char *p, size_t size, size_t step,
    ngx_uint_t bits);
static void garbage(const u_char *p, size_t size, size_t step,
    ngx_uint_t bits, ngx_uint_t takeover);
static ngx_int_t inflated(ngx_ws_inflate_t *z, const u_char *p, size_t size,
    size_t step, u_char *to, size_t *len);


static u_char             place[2][MAX];
static ngx_ws_deflate_t  *worker;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       step;
    u_char      *p;
    ngx_uint_t   bits, takeover;

    if (size < 2 || size > MAX / 2) {
        return 0;
    }

    if (worker == NULL) {
        worker = ngx_ws_deflate_create(&test_log);
    }

    step = (size_t) data[0] + 1;
    bits = 8 + data[1] % 8;
    takeover = data[1] >> 7;

    data += 2;
    size -= 2;

    p = copy(data, size);

    there_and_back(p, size, step, bits);
    there_and_back_takeover(p, size, step, bits);
    garbage(p, size, step, bits, takeover);

    free(p);

    return 0;
}


static void
there_and_back(u_char *p, size_t size, size_t step, ngx_uint_t bits)
{
    size_t             len;
    ngx_str_t          out;
    ngx_uint_t         window;
    ngx_ws_inflate_t   z;

    window = ngx_ws_deflate_window(size, bits);

    if (ngx_ws_deflate_message(worker, window, NULL, p, size, &out)
        != NGX_OK)
    {
        return;
    }

    ngx_memzero(&z, sizeof(ngx_ws_inflate_t));
    z.deflate = worker;
    z.bits = (u_char) bits;

    if (out.len >= size
        || inflated(&z, out.data, out.len, step, place[0], &len) != NGX_OK
        || len != size
        || ngx_memcmp(place[0], p, size) != 0)
    {
        abort();
    }

    ngx_ws_inflate_drop(&z);
}


static void
there_and_back_takeover(u_char *p, size_t size, size_t step, ngx_uint_t bits)
{
    size_t                     len;
    ngx_str_t                  out;
    ngx_uint_t                 i, window;
    ngx_ws_inflate_t           z;
    ngx_ws_deflate_context_t   context;

    context.len = 0;

    ngx_memzero(&z, sizeof(ngx_ws_inflate_t));
    z.deflate = worker;
    z.bits = (u_char) bits;
    z.takeover = 1;

    for (i = 0; i < 4; i++) {

        if (i == 2) {
            /* may be forgotten at any time */
            context.len = 0;
        }

        window = ngx_ws_deflate_window(context.len + size, bits);

        if (ngx_ws_deflate_message(worker, window, &context, p, size, &out)
            != NGX_OK)
        {
            continue;
        }

        ngx_ws_deflate_context_add(&context, p, size);

        if (inflated(&z, out.data, out.len, step, place[0], &len) != NGX_OK
            || len != size
            || ngx_memcmp(place[0], p, size) != 0)
        {
            abort();
        }
    }

    ngx_ws_inflate_drop(&z);
}


/*
 * Whatever it is, it is the same in all pieces, twice; but that zlib lets a
 * distance reach beyond a small window into what the same call has written.
 */

static void
garbage(const u_char *p, size_t size, size_t step, ngx_uint_t bits,
    ngx_uint_t takeover)
{
    size_t             len[2];
    ngx_int_t          rc[2];
    ngx_uint_t         i, k;
    ngx_ws_inflate_t   z[2];

    ngx_memzero(z, sizeof(z));

    for (k = 0; k < 2; k++) {
        z[k].deflate = worker;
        z[k].bits = (u_char) bits;
        z[k].takeover = (takeover != 0);
    }

    for (i = 0; i < 2; i++) {
        for (k = 0; k < 2; k++) {
            rc[k] = inflated(&z[k], p, size, k ? step : MAX, place[k],
                             &len[k]);
        }

        if (rc[0] == NGX_OK && rc[1] != NGX_OK && bits < 15) {
            break;
        }

        if (rc[0] != rc[1]
            || (rc[0] == NGX_OK
                && (len[0] != len[1]
                    || ngx_memcmp(place[0], place[1], len[0]) != 0)))
        {
            abort();
        }

        if (rc[0] != NGX_OK) {
            break;
        }

        if (z[0].stream || (!takeover && z[0].window)) {
            abort();
        }
    }

    ngx_ws_inflate_drop(&z[0]);
    ngx_ws_inflate_drop(&z[1]);
}


/* a message; both input and output in parts of "step" */

static ngx_int_t
inflated(ngx_ws_inflate_t *z, const u_char *p, size_t size, size_t step,
    u_char *to, size_t *len)
{
    u_char      *pos, *last, *out, *end;
    ngx_int_t    rc;
    ngx_uint_t   finish;

    pos = (u_char *) p;
    last = pos + size;
    out = to;
    end = to;
    finish = 0;

    for ( ;; ) {

        if (out == end) {
            if (end == to + MAX) {
                return NGX_DONE;
            }

            end = ngx_min(end + step, to + MAX);
        }

        if (finish) {
            rc = ngx_ws_inflate_finish(z, &out, end);

        } else {
            rc = ngx_ws_inflate_read(z, &pos, ngx_min(pos + step, last), &out,
                                     end);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_AGAIN) {
            if (out != end) {
                abort();
            }

            continue;
        }

        if (finish) {
            *len = (size_t) (out - to);
            return NGX_OK;
        }

        finish = (pos == last);
    }
}
