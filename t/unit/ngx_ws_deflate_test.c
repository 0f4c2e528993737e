
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <zlib.h>

#include <ngx_ws_deflate.h>

#include "test.h"


#define MAX  200000


static void messages(void);
static void windows(void);
static void small_windows(void);
static void not_worth_it(void);
static void takeover(void);
static void contexts(void);
static void context_end(void);
static size_t sent(ngx_ws_deflate_t *d, ngx_uint_t bits,
    ngx_ws_deflate_context_t *context, u_char *p, size_t len, ngx_str_t *res,
    z_stream *z);
static void dropped(void);
static void no_memory(void);
static size_t inflated(z_stream *z, const u_char *in, size_t len, u_char *out,
    size_t size);
static z_stream *inflater(int bits);
static void inflater_end(z_stream *z);
static void fill(u_char *p, size_t len, ngx_uint_t kind);


static u_char  text[MAX], back[MAX];


int
main(void)
{
    messages();
    windows();
    small_windows();
    not_worth_it();
    takeover();
    contexts();
    context_end();
    dropped();
    no_memory();

    return done();
}


/* every length, each message for itself */

static void
messages(void)
{
    size_t              len, n;
    u_char             *in;
    z_stream           *z;
    ngx_str_t           res;
    ngx_int_t           rc;
    ngx_uint_t          kind, window, bad, shrunk;
    ngx_ws_deflate_t   *d;

    d = ngx_ws_deflate_create(&test_log);

    for (kind = 0; kind < 3; kind++) {

        fill(text, MAX, kind);
        bad = 0;
        shrunk = 0;

        for (len = 0; len <= MAX; len += (len < 1100) ? 1 : 7919) {

            in = guard(text, len);
            window = ngx_ws_deflate_window(len, 15);
            rc = ngx_ws_deflate_message(d, window, NULL, in, len, &res);
            unguard(in, len);

            if (rc == NGX_DECLINED) {
                continue;
            }

            z = inflater(15);
            n = inflated(z, res.data, res.len, back, MAX);
            inflater_end(z);

            shrunk++;

            if (rc != NGX_OK || n != len || res.len >= len
                || ngx_memcmp(back, text, len) != 0)
            {
                diag("%zu bytes: %zu, back %zu", len, res.len, n);
                bad++;
            }
        }

        ok(bad == 0 && (kind == 2) == (shrunk == 0),
           kind == 0 ? "JSON of all lengths"
           : kind == 1 ? "equal bytes of all lengths"
           : "noise is not compressed");
    }

    ngx_ws_deflate_destroy(d);
}


static void
windows(void)
{
    is_int((int64_t) ngx_ws_deflate_window(0, 15), 9, "window of nothing");
    is_int((int64_t) ngx_ws_deflate_window(250, 15), 9, "of 250 bytes");
    is_int((int64_t) ngx_ws_deflate_window(251, 15), 10, "of 251 bytes");
    is_int((int64_t) ngx_ws_deflate_window(1000, 15), 11, "of 1000 bytes");
    is_int((int64_t) ngx_ws_deflate_window(1000, 11), 11,
           "of 1000 bytes for 11 bits");
    is_int((int64_t) ngx_ws_deflate_window(1000, 10), 10,
           "of 1000 bytes for 10 bits");
    is_int((int64_t) ngx_ws_deflate_window(1000, 9), 9,
           "of 1000 bytes for 9 bits");
    is_int((int64_t) ngx_ws_deflate_window(1000, 8), 9,
           "of 1000 bytes for 8 bits");
    is_int((int64_t) ngx_ws_deflate_window(100, 8), 9,
           "of 100 bytes for 8 bits");
    is_int((int64_t) ngx_ws_deflate_window(32768, 15), 15, "of 32768 bytes");
    is_int((int64_t) ngx_ws_deflate_window(100000000, 15), 15,
           "of 100000000 bytes");
}


/*
 * A peer with a window of "bits" must understand: its inflater gives a byte at
 * a time, so it can look back to nothing but its window.
 */

static void
small_windows(void)
{
    size_t              len, n;
    z_stream           *z;
    ngx_str_t           res;
    ngx_int_t           rc;
    ngx_uint_t          bits, kind, bad;
    ngx_ws_deflate_t   *d;

    d = ngx_ws_deflate_create(&test_log);

    for (bits = 8; bits <= 15; bits++) {

        bad = 0;

        for (kind = 0; kind < 2; kind++) {
            fill(text, MAX, kind);

            for (len = 100; len <= MAX; len += len / 3) {

                rc = ngx_ws_deflate_message(d,
                                            ngx_ws_deflate_window(len, bits),
                                            NULL, text, len, &res);

                z = inflater((int) bits);
                n = inflated(z, res.data, res.len, back, 1);
                inflater_end(z);

                if (rc != NGX_OK || n != len
                    || ngx_memcmp(back, text, len) != 0)
                {
                    diag("%zu bytes for %d bits", len, (int) bits);
                    bad++;
                }
            }
        }

        snprintf((char *) back, sizeof(back), "a client's window of %d bits",
                 (int) bits);
        ok(bad == 0, (char *) back);
    }

    ngx_ws_deflate_destroy(d);
}


static void
not_worth_it(void)
{
    ngx_str_t           res;
    ngx_int_t           rc;
    ngx_ws_deflate_t   *d;

    d = ngx_ws_deflate_create(&test_log);

    rc = ngx_ws_deflate_message(d, 9, NULL, text, 0, &res);
    is_int(rc, NGX_DECLINED, "an empty message");

    rc = ngx_ws_deflate_message(d, 9, NULL, (u_char *) "2probe", 6, &res);
    is_int(rc, NGX_DECLINED, "a few bytes");

    fill(text, MAX, 2);
    rc = ngx_ws_deflate_message(d, 15, NULL, text, MAX, &res);
    is_int(rc, NGX_DECLINED, "noise");

    fill(text, MAX, 0);
    rc = ngx_ws_deflate_message(d, 15, NULL, text, 1000, &res);
    is_int(rc, NGX_OK, "text behind noise");

    ngx_ws_deflate_destroy(d);
}


/*
 * The second message leans on the first one, whatever the client's window is;
 * its inflater keeps its own over all of them and gives a byte at a time.
 */

static void
takeover(void)
{
    size_t                     i, n, first;
    z_stream                  *z;
    ngx_str_t                  res;
    ngx_uint_t                 bits, bad;
    ngx_ws_deflate_t          *d;
    ngx_ws_deflate_context_t   context;

    fill(text, MAX, 0);
    d = ngx_ws_deflate_create(&test_log);

    for (bits = 8; bits <= 15; bits++) {

        context.len = 0;
        z = inflater((int) bits);
        first = 0;
        bad = 0;

        for (i = 0; i < 20; i++) {
            n = sent(d, bits, &context, text, 180, &res, z);

            bad += (n != 180);

            if (i == 0) {
                first = res.len;

            } else if (res.len * 4 > first) {
                bad++;
            }
        }

        snprintf((char *) back, sizeof(back), "takeover by %d bits",
                 (int) bits);
        ok(bad == 0, (char *) back);

        inflater_end(z);
    }

    ngx_ws_deflate_destroy(d);
}


/*
 * Messages of all lengths by a context, between them what stays as it is, what
 * others get, too, and contexts that are forgotten.
 */

static void
contexts(void)
{
    size_t                     len, n;
    z_stream                  *z;
    ngx_str_t                  res;
    ngx_uint_t                 bits, bad, i;
    ngx_ws_deflate_t          *d;
    ngx_ws_deflate_context_t   context;

    d = ngx_ws_deflate_create(&test_log);

    for (bits = 8; bits <= 15; bits++) {

        context.len = 0;
        z = inflater((int) bits);
        bad = 0;

        for (i = 0; i < 400; i++) {
            len = 1 + i * i % 9001;

            fill(text, len, i % 7 == 6 ? 2 : 0);

            if (i % 11 == 10) {
                n = sent(d, bits, NULL, text, len, &res, z);
                context.len = 0;

            } else {
                n = sent(d, bits, &context, text, len, &res, z);
            }

            if (n != len || context.len > NGX_WS_DEFLATE_CONTEXT) {
                diag("%zu bytes of %zu, bits %d", n, len, (int) bits);
                bad++;
            }

            if (i % 5 == 4) {
                ngx_ws_deflate_drop(d);
            }

            if (i % 37 == 36) {
                context.len = 0;
            }
        }

        snprintf((char *) back, sizeof(back), "contexts by %d bits",
                 (int) bits);
        ok(bad == 0, (char *) back);

        inflater_end(z);
    }

    ngx_ws_deflate_destroy(d);
}


/* the end of what was added is kept */

static void
context_end(void)
{
    size_t                     len, sum;
    ngx_uint_t                 i, bad;
    ngx_ws_deflate_context_t   context;

    fill(text, MAX, 2);
    context.len = 0;
    sum = 0;
    bad = 0;

    for (i = 0; sum < MAX - 10000; i++) {
        len = i * 131 % 9973;

        ngx_ws_deflate_context_add(&context, text + sum, len);
        sum += len;

        bad += (context.len != ngx_min(sum, NGX_WS_DEFLATE_CONTEXT)
                || ngx_memcmp(context.data, text + sum - context.len,
                              context.len) != 0);
    }

    ok(bad == 0, "a context is the end of what was sent");
}


/* Bytes that the peer gets right of a message, compressed or not. */

static size_t
sent(ngx_ws_deflate_t *d, ngx_uint_t bits, ngx_ws_deflate_context_t *context,
    u_char *p, size_t len, ngx_str_t *res, z_stream *z)
{
    size_t      n;
    ngx_uint_t  window;

    window = ngx_ws_deflate_window(len + (context ? context->len : 0), bits);

    if (ngx_ws_deflate_message(d, window, context, p, len, res) != NGX_OK) {
        return len;
    }

    if (context) {
        ngx_ws_deflate_context_add(context, p, len);
    }

    n = inflated(z, res->data, res->len, back, 1);

    return (n == len && ngx_memcmp(back, p, len) == 0) ? n : 0;
}


/* memory comes back at any time between two messages */

static void
dropped(void)
{
    size_t              i, n;
    z_stream           *z;
    ngx_str_t           res;
    ngx_uint_t          bad;
    ngx_ws_deflate_t   *d;

    d = ngx_ws_deflate_create(&test_log);
    z = inflater(15);
    fill(text, MAX, 0);
    bad = 0;

    for (i = 0; i < 50; i++) {
        if (ngx_ws_deflate_message(d, ngx_ws_deflate_window(i * 100, 15),
                                   NULL, text, i * 100, &res)
            == NGX_OK)
        {
            n = inflated(z, res.data, res.len, back, MAX);
            bad += (n != i * 100 || ngx_memcmp(back, text, n) != 0);

        } else {
            bad += (i > 0);
        }

        if (i % 5 == 0) {
            ngx_ws_deflate_drop(d);
            bad += (d->out != NULL || d->streams[6] != NULL);
        }
    }

    ok(bad == 0, "messages for one inflater, streams dropped meanwhile");

    ngx_ws_deflate_destroy(d);
    inflater_end(z);
}


/* whichever allocation fails, the message can be sent as it is */

static void
no_memory(void)
{
    ngx_str_t           res;
    ngx_int_t           rc;
    ngx_uint_t          n, bad;
    ngx_ws_deflate_t   *d;

    (void) fail_alloc(1);
    d = ngx_ws_deflate_create(&test_log);
    ok(fail_alloc(0) && d == NULL, "no memory for a worker");

    d = ngx_ws_deflate_create(&test_log);
    fill(text, MAX, 0);
    bad = 0;

    for (n = 1; n < 100; n++) {
        (void) fail_alloc(n);
        rc = ngx_ws_deflate_message(d, 15, NULL, text, 10000, &res);

        if (!fail_alloc(0)) {
            break;
        }

        bad += (rc != NGX_DECLINED);
        ngx_ws_deflate_drop(d);
    }

    ok(bad == 0 && n > 5 && rc == NGX_OK, "an allocation fails");

    ngx_ws_deflate_destroy(d);
}


/* one message by zlib itself, the output in parts of "size" */

static size_t
inflated(z_stream *z, const u_char *in, size_t len, u_char *to, size_t size)
{
    int            rc;
    u_char        *start;
    ngx_uint_t     i;
    const u_char  *part[2];
    size_t         lens[2];

    part[0] = in;
    lens[0] = len;
    part[1] = (u_char *) "\x00\x00\xff\xff";
    lens[1] = 4;

    start = to;

    for (i = 0; i < 2; i++) {
        z->next_in = (u_char *) part[i];
        z->avail_in = (u_int) lens[i];

        do {
            z->next_out = to;
            z->avail_out = (u_int) size;

            rc = inflate(z, Z_SYNC_FLUSH);
            to = z->next_out;

        } while (rc == Z_OK && z->avail_out == 0
                 && to < start + MAX);

        if ((rc != Z_OK && rc != Z_BUF_ERROR) || z->avail_in) {
            diag("inflate() is %d, %d left", rc, (int) z->avail_in);
            return 0;
        }
    }

    return (size_t) (to - start);
}


static z_stream *
inflater(int bits)
{
    z_stream  *z;

    z = calloc(1, sizeof(z_stream));

    if (z == NULL || inflateInit2(z, -bits) != Z_OK) {
        diag("no inflater");
        exit(2);
    }

    return z;
}


static void
inflater_end(z_stream *z)
{
    (void) inflateEnd(z);
    free(z);
}


static void
fill(u_char *p, size_t len, ngx_uint_t kind)
{
    size_t    i;
    u_char    line[64];
    uint32_t  seed = 1;

    for (i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;

        if (kind == 1) {
            p[i] = 'a';

        } else if (kind == 2) {
            p[i] = (u_char) (seed >> 16);

        } else {

            if (i % 40 == 0) {
                (void) snprintf((char *) line, sizeof(line),
                                "{\"event\":\"x%07u\",\"data\":{\"u\":%07u}}",
                                seed % 10000000, seed / 7 % 10000000);
            }

            p[i] = line[i % 40];
        }
    }
}
