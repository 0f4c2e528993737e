
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_reader.h>

#include "fuzz.h"
#include "test.h"
#include "utf8_reference.h"


/*
 * First byte: size of the pieces; second: the terms, takeover in the highest
 * bit, the window below it, no compression by zero; the rest: what a client
 * sends.
 */

#define MAX  5000


typedef struct {
    uint32_t    crc;
    ngx_uint_t  error;
    ngx_uint_t  deflate;    /* that of compressed data */
} outcome_t;


static outcome_t outcome(const uint8_t *data, size_t size, size_t step,
    ngx_ws_deflate_params_t *params);
static void check(ngx_ws_reader_out_t *out);


static ngx_ws_deflate_t  *worker;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                    step;
    outcome_t                 whole, pieces;
    ngx_ws_deflate_params_t   params;

    if (size < 2) {
        return 0;
    }

    if (worker == NULL) {
        worker = ngx_ws_deflate_create(&test_log);
    }

    ngx_memzero(&params, sizeof(ngx_ws_deflate_params_t));

    step = (size_t) data[0] + 1;

    params.on = (data[1] != 0);
    params.client_takeover = (data[1] & 0x80) != 0;
    params.client_bits = 8 + data[1] % 8;

    data += 2;
    size -= 2;

    whole = outcome(data, size, size, &params);
    pieces = outcome(data, size, step, &params);

    /* zlib may reach beyond a small window, into what a call has written */

    if (pieces.deflate && params.client_bits < 15) {
        return 0;
    }

    if (whole.crc != pieces.crc || whole.error != pieces.error) {
        abort();
    }

    return 0;
}


static outcome_t
outcome(const uint8_t *data, size_t size, size_t step,
    ngx_ws_deflate_params_t *params)
{
    size_t                n;
    u_char               *p, *pos;
    ngx_int_t             rc;
    outcome_t             res;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    res.crc = 0;
    rc = NGX_AGAIN;

    ngx_ws_reader_init(&rd, MAX, params, worker, &test_log);

    while (size && rc == NGX_AGAIN) {

        n = ngx_min(step, size);
        p = copy(data, n);
        pos = p;

        while ((rc = ngx_ws_reader_next(&rd, &pos, p + n, &out)) == NGX_OK) {

            check(&out);

            res.crc = res.crc * 31 + (uint32_t) out.opcode;
            res.crc = res.crc * 31 + (uint32_t) out.data.len;

            while (out.data.len--) {
                res.crc = res.crc * 31 + *out.data.data++;
            }
        }

        if (rc == NGX_AGAIN && (pos != p + n || rd.message_size > MAX + 1)) {
            abort();
        }

        free(p);
        data += n;
        size -= n;
    }

    res.error = rd.error;
    res.deflate = rd.reason
                  && ngx_strcmp(rd.reason, "invalid compressed data") == 0;

    if (rc == NGX_ERROR && (rd.error < 1000 || rd.reason == NULL)) {
        abort();
    }

    ngx_ws_reader_cleanup(&rd);

    return res;
}


static void
check(ngx_ws_reader_out_t *out)
{
    size_t  bad;

    switch (out->opcode) {

    case NGX_WS_FRAME_TEXT:
    case NGX_WS_FRAME_CLOSE:

        if (utf8_reference(out->data.data, out->data.len, &bad) != NGX_OK) {
            abort();
        }

        break;

    case NGX_WS_FRAME_BINARY:
    case NGX_WS_FRAME_PING:
    case NGX_WS_FRAME_PONG:
        break;

    default:
        abort();
    }

    if (out->data.len > MAX) {
        abort();
    }

    if ((out->opcode & NGX_WS_FRAME_CONTROL)
        && out->data.len > NGX_WS_FRAME_CONTROL_MAX)
    {
        abort();
    }

    /* the data may be written to */

    if (out->data.len) {
        out->data.data[0] = out->data.data[out->data.len - 1];
    }
}
