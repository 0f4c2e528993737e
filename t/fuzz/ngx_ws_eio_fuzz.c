
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * A polling payload.  Its packets make the same payload again, but for the
 * padding of base64.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_eio.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t join(u_char *in, size_t len, u_char *out, ngx_uint_t *n);
static void check(ngx_uint_t cond);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       len;
    u_char      *in, *out, *again;
    ngx_uint_t   n, m;

    if (size == 0) {
        return 0;
    }

    in = malloc(size);
    out = malloc(2 * size + 4);
    again = malloc(2 * size + 4);

    check(in && out && again);

    ngx_memcpy(in, data, size);

    len = join(in, size, out, &n);

    if (len) {
        check(len >= size && len <= size + 2 * n);

        ngx_memcpy(again, out, len);

        check(join(again, len, out, &m) == len);
        check(m == n);

        in = realloc(in, len);
        check(in != NULL);

        ngx_memcpy(in, out, len);

        check(join(out, len, again, &m) == len);
        check(ngx_memcmp(in, again, len) == 0);
    }

    free(in);
    free(out);
    free(again);

    return 0;
}


/* the length of the same payload, 0 if it is none; decodes it in place */

static size_t
join(u_char *in, size_t len, u_char *out, ngx_uint_t *n)
{
    u_char               *pos, *last, *text;
    size_t                part;
    ngx_int_t             rc;
    ngx_str_t             packet;
    ngx_ws_eio_packet_t   pkt;

    pos = in;
    last = out;
    text = malloc(len + 1);

    check(text != NULL);

    for (*n = 0; /* void */ ; (*n)++) {

        rc = ngx_ws_eio_next(&pkt, &pos, in + len);

        if (rc != NGX_OK) {
            break;
        }

        packet = pkt.data;

        if (!pkt.binary) {
            text[0] = (u_char) ('0' + pkt.type);
            ngx_memcpy(text + 1, pkt.data.data, pkt.data.len);

            packet.data = text;
            packet.len = pkt.data.len + 1;
        }

        part = ngx_ws_eio_part(NULL, &packet, pkt.binary, *n == 0);
        check(ngx_ws_eio_part(last, &packet, pkt.binary, *n == 0) == part);
        last += part;
    }

    free(text);

    return (rc == NGX_DONE) ? (size_t) (last - out) : 0;
}


static void
check(ngx_uint_t cond)
{
    if (!cond) {
        abort();
    }
}
