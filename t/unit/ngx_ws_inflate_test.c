
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <zlib.h>

#include <ngx_ws_inflate.h>
#include <ngx_ws_reader.h>

#include "test.h"


#define MAX  70000


/*
 * What a client sends: frames as "FIRST:payload" in hexadecimal, with "^"
 * behind the byte from which they are wrong, else that is the last one.  What
 * comes of it: "T(text) B(binary) P(ping) E1007".
 */

typedef struct {
    const char          *name;
    const char          *in;
    const char          *out;
} case_t;


typedef struct {
    const char          *expected;
    size_t               bad;

    ngx_ws_reader_t      reader;
    size_t               fed;
    ngx_uint_t           wrong;
    size_t               len;
    char                 out[1024];
} state_t;


static void run(const case_t *cases, size_t n);
static size_t build(const case_t *c, u_char *p, size_t *bad);
static void start(void *data);
static ngx_int_t piece(void *data, u_char *p, size_t len);
static ngx_uint_t check(void *data);
static void record(state_t *st, ngx_uint_t kind, ngx_str_t *data,
    ngx_uint_t code);
static void parameters(void);
static void conversation(ngx_ws_deflate_params_t *params, size_t step,
    const char *name);
static void limits(void);
static void bomb(void);
static void many_final_blocks(void);
static void interleaved(void);
static void memory(void);
static void no_memory(void);
static size_t compress_message(z_stream *z, ngx_uint_t first, u_char *in,
    size_t len, u_char *frame);
static z_stream *compressor(int bits);
static void compressor_end(z_stream *z);
static u_char *allocate(size_t size);


static feed_t                   ways = { start, piece, check };

static size_t                   max = 1000;
static ngx_ws_deflate_t        *worker;
static ngx_ws_deflate_params_t  terms;


/* without takeover */

static const case_t  messages[] = {

    /* RFC 7692, section 7.2.3 */

    { "7.2.3.1: one block", "c1:f248cdc9c90700", "T(Hello)" },
    { "7.2.3.1: in two frames", "41:f248cd 80:c9c90700", "T(Hello)" },
    { "7.2.3.3: a stored block", "c1:000500faff48656c6c6f00", "T(Hello)" },
    { "7.2.3.4: BFINAL", "c1:f348cdc9c9070000", "T(Hello)" },
    { "7.2.3.5: two blocks", "c1:f248050000 00ffffcac9c90700", "T(Hello)" },
    { "7.2.3.6: an empty message", "c1:00", "T()" },

    { "twice the same", "c1:f248cdc9c90700 c1:f248cdc9c90700",
      "T(Hello) T(Hello)" },
    { "binary", "c2:f248cdc9c90700", "B(Hello)" },
    { "not compressed, between", "c1:f248cdc9c90700 81:4869 c1:f248cdc9c90700",
      "T(Hello) T(Hi) T(Hello)" },
    { "ping between", "41:f248cd 89:70 80:c9c90700", "P(p) T(Hello)" },
    { "empty frames between", "41: 00:f248cdc9 00: 00:c907 80:00",
      "T(Hello)" },
    { "an empty frame at last", "41:f248cdc9c90700 80:", "T(Hello)" },
    { "no payload at all", "c1: c1:f248cdc9c90700", "T() T(Hello)" },
    { "BFINAL at the very end", "c1:f348cdc9c90700 c1:f248cdc9c90700",
      "T(Hello) T(Hello)" },
    { "BFINAL in the middle", "c1:f348cdc9c90700f248cdc9c90700",
      "T(HelloHello)" },
    { "a dynamic block", "c1:1c8cc711003008c36675dd7f84983ce0b01080026567bd2d"
      "6868350a52b7c851391d7373feec9e95fe63841bcc1faddc97a80f",
      "T(abcabcddeabcfffabdacbdabcaabbccddeeffabcdefbcadfebcabdeafcbdaefcabcd"
      "aebfcadbefcabdcefabdecf)" },

    { "bad block type", "c1:ff^ffff", "E1007" },
    { "bad stored length", "c1:0005000000^", "E1007" },
    { "cut in a block", "c1:f248cdc9", "E1007" },
    { "cut in a stored block", "c1:000500faff48656c", "E1007" },
    { "the tail is there, so once too often", "c1:f248cdc9c907000000ffff",
      "E1007" },
    { "looks back before the message", "c1:f248cdc9c90700 c1:f20011^0000",
      "T(Hello) E1007" },
    { "text before is given", "81:6869 c1:ff^ffff", "T(hi) E1007" },

    { "bad UTF-8 inside", "c1:000300fcff61ff^6200", "E1007" },
    { "bad UTF-8 inside the first frame", "41:000300fcff61ff^62 80:00",
      "E1007" },
    { "unfinished UTF-8", "c1:000200fdff61c300", "E1007" },
    { "a character over two frames", "41:000200fdff61c3 80:000100feffa400",
      "T(a\xc3\xa4)" },
    { "bad UTF-8 is good in binary", "c2:000300fcff61ff6200", "B(a\xff" "b)" }
};


static const case_t  with_takeover[] = {

    { "7.2.3.2: sharing the window", "c1:f248cdc9c90700 c1:f200110000",
      "T(Hello) T(Hello)" },
    { "and again", "c1:f248cdc9c90700 c1:f200110000 c1:f200110000",
      "T(Hello) T(Hello) T(Hello)" },
    { "a plain message is not in the window",
      "c1:f248cdc9c90700 81:776f726c64 c1:f200110000",
      "T(Hello) T(world) T(Hello)" },
    { "an empty message between", "c1:f248cdc9c90700 c1:00 c1:f200110000",
      "T(Hello) T() T(Hello)" },
    { "no payload between", "c1:f248cdc9c90700 c1: c1:f200110000",
      "T(Hello) T() T(Hello)" },
    { "a message without context", "c1:f248cdc9c90700 c1:f248cdc9c90700",
      "T(Hello) T(Hello)" },
    { "nothing to look back to", "c1:f20011^0000", "E1007" }
};


#define N(cases)  (sizeof(cases) / sizeof((cases)[0]))


int
main(void)
{
    worker = ngx_ws_deflate_create(&test_log);

    terms.on = 1;
    terms.server_bits = 15;
    terms.client_bits = 15;

    run(messages, N(messages));

    terms.client_takeover = 1;

    run(with_takeover, N(with_takeover));

    parameters();
    limits();
    bomb();
    many_final_blocks();
    interleaved();
    memory();
    no_memory();

    ngx_ws_deflate_destroy(worker);

    return done();
}


static void
run(const case_t *cases, size_t n)
{
    size_t    i, len;
    u_char    in[1024];
    state_t   st;

    for (i = 0; i < n; i++) {
        len = build(&cases[i], in, &st.bad);
        st.expected = cases[i].out;

        feed(&ways, &st, in, len, cases[i].name);
    }
}


static size_t
build(const case_t *c, u_char *p, size_t *bad)
{
    u_char      *from, *payload;
    const char  *s;

    from = p;
    payload = p;
    *bad = 0;

    for (s = c->in; *s; s++) {

        if (*s == ' ') {
            continue;
        }

        if (*s == '^') {
            *bad = (size_t) (p - from);
            continue;
        }

        if (s[2] == ':') {
            *p++ = (u_char) ngx_hextoi((u_char *) s, 2);
            *p++ = 0x80;
            p = ngx_cpymem(p, "\x00\x00\x00\x00", 4);
            s += 2;

            payload = p;
            continue;
        }

        *p++ = (u_char) ngx_hextoi((u_char *) s, 2);
        payload[-5]++;
        s++;
    }

    if (*bad == 0) {
        *bad = (size_t) (p - from);
    }

    return (size_t) (p - from);
}


static void
start(void *data)
{
    state_t  *st = data;

    ngx_ws_reader_init(&st->reader, max, &terms, worker, &test_log);

    st->fed = 0;
    st->wrong = 0;
    st->len = 0;
    st->out[0] = '\0';
}


static ngx_int_t
piece(void *data, u_char *p, size_t len)
{
    state_t  *st = data;

    u_char               *pos;
    ngx_int_t             rc;
    ngx_ws_reader_out_t   out;

    pos = p;

    while ((rc = ngx_ws_reader_next(&st->reader, &pos, p + len, &out))
           == NGX_OK)
    {
        record(st, (out.opcode == NGX_WS_FRAME_TEXT) ? 'T'
                   : (out.opcode == NGX_WS_FRAME_BINARY) ? 'B' : 'P',
               &out.data, 0);
    }

    if (rc == NGX_AGAIN) {
        st->wrong |= (pos != p + len);
        st->fed += len;
        return NGX_OK;
    }

    record(st, 'E', NULL, st->reader.error);

    if (st->bad <= st->fed || st->bad > st->fed + len) {
        diag("failed in bytes %zu to %zu, bad is number %zu", st->fed + 1,
             st->fed + len, st->bad);
        st->wrong = 1;
    }

    return NGX_DONE;
}


static ngx_uint_t
check(void *data)
{
    state_t  *st = data;

    ngx_ws_reader_cleanup(&st->reader);

    if (ngx_strcmp(st->out, st->expected) != 0) {
        diag("got \"%s\"", st->out);
        return 0;
    }

    return !st->wrong;
}


static void
record(state_t *st, ngx_uint_t kind, ngx_str_t *data, ngx_uint_t code)
{
    char    *p;
    size_t   size;

    p = st->out + st->len;
    size = sizeof(st->out) - st->len;

    if (kind == 'E') {
        st->len += (size_t) snprintf(p, size, "%sE%d", st->len ? " " : "",
                                     (int) code);
        return;
    }

    st->len += (size_t) snprintf(p, size, "%s%c(%.*s)", st->len ? " " : "",
                                 (int) kind, (int) data->len,
                                 (char *) data->data);
}


/* a client with each window, with and without takeover, in all pieces */

static void
parameters(void)
{
    char         name[80];
    ngx_uint_t   i, bits, takeover;

    static const size_t  steps[] = { 1, 7, 1000, 65536, 100000000 };

    max = MAX;

    for (takeover = 0; takeover < 2; takeover++) {
        for (bits = 8; bits <= 15; bits++) {
            for (i = 0; i < N(steps); i++) {
                terms.client_takeover = (takeover != 0);
                terms.client_bits = bits & 0x1f;

                snprintf(name, sizeof(name),
                         "window of %d bits, %s takeover, read by %zu",
                         (int) bits, takeover ? "with" : "without", steps[i]);

                conversation(&terms, steps[i], name);
            }
        }
    }

    terms.client_takeover = 1;
    terms.client_bits = 15;
}


static void
conversation(ngx_ws_deflate_params_t *params, size_t step, const char *name)
{
    size_t                i, n, len, held;
    u_char               *text, *frame, *pos, *end, *last;
    z_stream             *z;
    ngx_int_t             rc;
    ngx_uint_t            bad;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    static const size_t  lens[] = { 0, 1, 5, 300, 3000, 0, 40000, MAX, 200 };

    text = allocate(MAX);
    frame = allocate(MAX * 2);

    for (i = 0; i < MAX; i++) {
        text[i] = (u_char) "WebSocket, Socket.IO, and some more: "[i * i % 37];
    }

    ngx_ws_reader_init(&rd, max, params, worker, &test_log);

    /* zlib's own smallest window is 2^9, from which it takes 250 bytes */

    z = compressor(ngx_max(params->client_bits, 9));
    bad = 0;

    for (i = 0; i < N(lens); i++) {

        len = lens[i];
        n = compress_message(z, 0xc1, text, len, frame);

        if (!params->client_takeover) {
            (void) deflateReset(z);
        }

        pos = frame;
        last = frame + n;
        rc = NGX_AGAIN;

        while (pos < last && rc == NGX_AGAIN) {
            end = pos + ngx_min(step, (size_t) (last - pos));
            rc = ngx_ws_reader_next(&rd, &pos, end, &out);
        }

        if (rc != NGX_OK || out.data.len != len
            || (len && ngx_memcmp(out.data.data, text, len) != 0))
        {
            diag("message %zu of %zu bytes: %d, error %d", i, len, (int) rc,
                 (int) rd.error);
            bad++;
            break;
        }

        /* zlib's memory is the worker's again */

        rc = ngx_ws_reader_next(&rd, &pos, last, &out);
        held = rd.inflate ? rd.inflate->window_size : 0;

        if (rc != NGX_AGAIN || rd.message || (rd.inflate && rd.inflate->stream)
            || held > (params->client_takeover
                       ? ngx_max((size_t) 1 << params->client_bits, 1024) : 0))
        {
            diag("message %zu: %d, window %zu", i, (int) rc, held);
            bad++;
        }
    }

    ok(bad == 0, name);

    compressor_end(z);
    ngx_ws_reader_cleanup(&rd);
    free(text);
    free(frame);
}


static void
limits(void)
{
    u_char    *text, *frame;
    size_t     n;
    state_t    st;
    z_stream  *z;

    text = allocate(65);
    frame = allocate(1000);
    ngx_memset(text, 'x', 65);

    max = 64;

    z = compressor(15);
    n = compress_message(z, 0xc1, text, 64, frame);
    compressor_end(z);

    st.expected = "T(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)";
    feed(&ways, &st, frame, n, "as long as is allowed");

    z = compressor(15);
    n = compress_message(z, 0xc1, text, 65, frame);
    compressor_end(z);

    /* all but the byte that ends the message belong to the text */

    st.expected = "E1009";
    st.bad = n - 1;
    feed(&ways, &st, frame, n, "one byte more");

    max = 0;
    n = (size_t) (ngx_cpymem(frame, "\xc1\x81\0\0\0\0\0", 7) - frame);
    st.expected = "T()";
    feed(&ways, &st, frame, n, "nothing, where nothing is allowed");

    free(text);
    free(frame);
}


/* a gigabyte in a megabyte: what is allowed is all that is ever held */

static void
bomb(void)
{
    size_t                i, n;
    u_char               *zeros, *frame, *pos;
    z_stream             *z;
    ngx_int_t             rc;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    zeros = allocate(1 << 20);
    frame = allocate(1 << 16);
    ngx_memzero(zeros, 1 << 20);

    max = 1 << 20;
    z = compressor(15);

    ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);

    rc = NGX_AGAIN;

    for (i = 0; i < 1000 && rc == NGX_AGAIN; i++) {
        n = compress_message(z, i ? 0x00 : 0x42, zeros, 1 << 20, frame);
        pos = frame;
        rc = ngx_ws_reader_next(&rd, &pos, frame + n, &out);

        if (rd.message_size > max + 1) {
            rc = NGX_DONE;
        }
    }

    ok(rc == NGX_ERROR && rd.error == NGX_WS_CLOSE_TOO_BIG && i == 2
       && rd.message == NULL && rd.inflate == NULL,
       "a bomb in fragments");

    ngx_ws_reader_cleanup(&rd);
    compressor_end(z);

    z = compressor(15);
    max = 100;

    n = compress_message(z, 0xc2, zeros, 1 << 20, frame);
    ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);
    pos = frame;
    rc = ngx_ws_reader_next(&rd, &pos, frame + n, &out);

    is_int(rc == NGX_ERROR ? rd.error : 0, NGX_WS_CLOSE_TOO_BIG,
           "a bomb in one frame");

    ngx_ws_reader_cleanup(&rd);
    compressor_end(z);
    free(zeros);
    free(frame);
}


/* 30000 streams in a message must not cost a window each */

static void
many_final_blocks(void)
{
    size_t                i, n;
    u_char               *frame, *p, *pos;
    ngx_int_t             rc;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    max = 65536;
    n = 60000;
    frame = allocate(n + 100);

    p = (u_char *) ngx_ws_frame_head(frame, 0xc2, n);
    frame[1] |= 0x80;
    p = ngx_cpymem(p, "\0\0\0\0", 4);

    for (i = 0; i < n; i += 2) {
        *p++ = 0x03;
        *p++ = 0x00;
    }

    ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);

    pos = frame;
    rc = ngx_ws_reader_next(&rd, &pos, p, &out);
    ok(rc == NGX_OK && out.data.len == 0, "30000 blocks with BFINAL");

    /* nothing comes out, but there is an end to it */

    frame[0] = 0x42;

    for (i = 0; i < 4 && rc != NGX_ERROR; i++) {
        pos = frame;
        rc = ngx_ws_reader_next(&rd, &pos, p, &out);
        frame[0] = 0x00;
    }

    ok(rc == NGX_ERROR && rd.error == NGX_WS_CLOSE_TOO_BIG && i == 3,
       "empty blocks without end");

    ngx_ws_reader_cleanup(&rd);
    free(frame);
}


/* connections share the worker's decompressor, not each other's windows */

static void
interleaved(void)
{
    size_t                i, k, n[3];
    u_char                text[3][500], frame[3][1000], *pos[3];
    z_stream             *z[3];
    ngx_int_t             rc;
    ngx_uint_t            bad;
    ngx_ws_reader_t       rd[3];
    ngx_ws_reader_out_t   out;

    max = 1000;
    bad = 0;

    for (k = 0; k < 3; k++) {
        z[k] = compressor(15);
        ngx_ws_reader_init(&rd[k], max, &terms, worker, &test_log);
    }

    for (i = 0; i < 50; i++) {

        for (k = 0; k < 3; k++) {
            ngx_memset(text[k], (int) ('a' + k), sizeof(text[k]));
            (void) snprintf((char *) text[k] + 100, 100,
                            "client %zu, message %zu", k, i);
            n[k] = compress_message(z[k], 0xc2, text[k], sizeof(text[k]),
                                    frame[k]);
            pos[k] = frame[k];

            rc = ngx_ws_reader_next(&rd[k], &pos[k], frame[k] + n[k] / 2,
                                    &out);
            bad += (rc != NGX_AGAIN);
        }

        for (k = 0; k < 3; k++) {
            rc = ngx_ws_reader_next(&rd[k], &pos[k], frame[k] + n[k], &out);
            bad += (rc != NGX_OK || out.data.len != sizeof(text[k])
                    || ngx_memcmp(out.data.data, text[k], out.data.len) != 0);
        }
    }

    ok(bad == 0, "three clients whose messages arrive in halves");

    for (k = 0; k < 3; k++) {
        compressor_end(z[k]);
        ngx_ws_reader_cleanup(&rd[k]);
    }
}


/* a client may go in the middle of a message */

static void
memory(void)
{
    u_char               *pos, frame[] = { 0xc1, 0x87, 0, 0, 0, 0, 0xf2, 0x48,
                                           0xcd, 0xc9, 0xc9, 0x07, 0x00 };
    ngx_int_t             rc;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    ngx_ws_deflate_drop(worker);

    ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);

    pos = frame;
    rc = ngx_ws_reader_next(&rd, &pos, frame + 9, &out);
    ok(rc == NGX_AGAIN && rd.inflate->stream && worker->inflate == NULL,
       "a stream while a message is under way");

    ngx_ws_reader_cleanup(&rd);
    ok(rd.inflate == NULL && worker->inflate, "it is the worker's");

    ngx_ws_deflate_drop(worker);
    ok(worker->inflate == NULL, "and given back");

    ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);

    pos = frame;
    rc = ngx_ws_reader_next(&rd, &pos, frame + sizeof(frame), &out);
    ok(rc == NGX_OK && out.data.len == 5 && rd.inflate->window_len == 5,
       "the window is kept with takeover");

    ngx_ws_reader_cleanup(&rd);
    ok(rd.inflate == NULL, "and given back");
}


/* whichever allocation fails: 1011, and nothing is left behind */

static void
no_memory(void)
{
    size_t                i, k, n[3];
    u_char               *text, *frame, *pos;
    z_stream             *z;
    ngx_int_t             rc;
    ngx_uint_t            nth, bad;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    text = allocate(20000);
    frame = allocate(3 * 1000);

    for (i = 0; i < 20000; i++) {
        text[i] = (u_char) ('a' + i % 7 + i / 1000);
    }

    max = 100000;
    z = compressor(15);
    bad = 0;

    for (i = 0; i < 3; i++) {
        n[i] = compress_message(z, 0xc1, text, 100 + i * 9000,
                                frame + i * 1000);
    }

    for (nth = 1; nth < 100; nth++) {

        ngx_ws_deflate_drop(worker);
        ngx_ws_reader_init(&rd, max, &terms, worker, &test_log);
        (void) fail_alloc(nth);

        k = 0;
        rc = NGX_OK;

        for (i = 0; i < 3 && rc == NGX_OK; i++) {
            pos = frame + i * 1000;
            rc = ngx_ws_reader_next(&rd, &pos, pos + n[i], &out);
            k += (rc == NGX_OK && out.data.len == 100 + i * 9000);
        }

        if (!fail_alloc(0)) {
            break;
        }

        bad += (rc != NGX_ERROR || rd.error != NGX_WS_CLOSE_INTERNAL
                || rd.message || rd.inflate);

        ngx_ws_reader_cleanup(&rd);
    }

    ok(bad == 0 && nth > 5 && k == 3, "an allocation fails");

    ngx_ws_reader_cleanup(&rd);
    compressor_end(z);
    free(text);
    free(frame);
}


/* a whole frame, masked by nulls */

static size_t
compress_message(z_stream *z, ngx_uint_t first, u_char *in, size_t len,
    u_char *frame)
{
    size_t   n;
    u_char  *p, *payload;

    payload = allocate(len + len / 8 + 100);

    z->next_in = in;
    z->avail_in = (u_int) len;
    z->next_out = payload;
    z->avail_out = (u_int) (len + len / 8 + 100);

    if (len) {
        (void) deflate(z, Z_SYNC_FLUSH);
        n = (size_t) (z->next_out - payload);
        n -= (first & NGX_WS_FRAME_FIN) ? 4 : 0;

    } else {
        payload[0] = 0;
        n = 1;
    }

    p = (u_char *) ngx_ws_frame_head(frame, first, n);
    frame[1] |= 0x80;
    p = ngx_cpymem(p, "\0\0\0\0", 4);
    p = ngx_cpymem(p, payload, n);

    free(payload);

    return (size_t) (p - frame);
}


static z_stream *
compressor(int bits)
{
    z_stream  *z;

    z = calloc(1, sizeof(z_stream));

    if (z == NULL
        || deflateInit2(z, 6, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY)
           != Z_OK)
    {
        diag("no compressor");
        exit(2);
    }

    return z;
}


static void
compressor_end(z_stream *z)
{
    (void) deflateEnd(z);
    free(z);
}


static u_char *
allocate(size_t size)
{
    u_char  *p;

    p = malloc(size);

    if (p == NULL) {
        diag("no memory");
        exit(2);
    }

    return p;
}
