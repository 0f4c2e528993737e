
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_reader.h>

#include "test.h"


/*
 * What a client sends:
 *
 *     81"text"    a masked frame by its first byte, with that payload
 *     81*300      the same with 300 times "*"
 *     !8105       bytes as they are
 *     ^           in or behind any of these: the byte before is the one from
 *                 which the input is wrong; else it is the last one
 *
 * What comes out of it, in this order:
 *
 *     T(text) B(text) P(ping) O(pong) C1000(reason) E1002
 *
 * with *300 for more than 16 times "*".
 */

typedef struct {
    const char          *name;
    const char          *in;
    const char          *out;
} case_t;


typedef struct {
    const char          *expected;
    size_t               bad;      /* bytes up to the one that is wrong */

    ngx_ws_reader_t      reader;
    size_t               fed;
    ngx_uint_t           wrong;
    size_t               len;
    char                 out[4096];
} state_t;


static void run(const case_t *cases, size_t n);
static size_t build(const char *spec, u_char *p, size_t *bad);
static u_char *build_frame(u_char first, u_char *p, const char *payload,
    size_t len);
static void start(void *data);
static ngx_int_t piece(void *data, u_char *p, size_t len);
static ngx_uint_t check(void *data);
static void record(state_t *st, ngx_ws_reader_out_t *out);
static void sizes(void);
static void many_fragments(void);
static void fragments_of_all_sizes(void);
static void in_place(void);
static void memory(void);
static void no_memory(void);
static u_char *allocate(size_t size);


static const u_char  mask[] = { 0x37, 0xfa, 0x21, 0x3d };

static feed_t        ways = { start, piece, check };

static size_t        max = 1000000;


static const case_t  frames[] = {

    { "nothing", "", "" },
    { "empty text", "81\"\"", "T()" },
    { "empty binary", "82\"\"", "B()" },
    { "text", "81\"Hello\"", "T(Hello)" },
    { "binary", "82\"\xff\xfe\x80\"", "B(\xff\xfe\x80)" },
    { "two messages", "81\"a\"82\"b\"", "T(a) B(b)" },
    { "125 bytes", "81*125", "T*125" },
    { "126 bytes", "81*126", "T*126" },
    { "127 bytes", "81*127", "T*127" },
    { "128 bytes", "82*128", "B*128" },

    { "ping", "89\"\"", "P()" },
    { "ping with a payload", "89\"Hello, world!\"", "P(Hello, world!)" },
    { "ping with bytes", "89\"\xff\xfe\xfd\"", "P(\xff\xfe\xfd)" },
    { "ping of 125 bytes", "89*125", "P*125" },
    { "ping of 126 bytes", "!89fe^007e37fa213d", "E1002" },
    { "pong nobody asked for", "8a\"\"", "O()" },
    { "pong with a payload", "8a\"x\"89\"y\"", "O(x) P(y)" },
    { "ten pings", "89\"0\"89\"1\"89\"2\"89\"3\"89\"4\"89\"5\"89\"6\"89\"7\""
      "89\"8\"89\"9\"", "P(0) P(1) P(2) P(3) P(4) P(5) P(6) P(7) P(8) P(9)" },

    { "RSV1", "c1^\"Hello\"", "E1002" },
    { "RSV2 behind a good message", "81\"Hello\"a1^\"Hello\"89\"\"",
      "T(Hello) E1002" },
    { "RSV1 and 2", "81\"Hello\"e1^\"Hello\"89\"\"", "T(Hello) E1002" },
    { "RSV3", "81\"Hello\"91^\"Hello\"89\"\"", "T(Hello) E1002" },
    { "all RSV, binary", "f2^\"Hello\"", "E1002" },
    { "RSV2 and 3, ping", "b9^\"Hello\"", "E1002" },
    { "all RSV, close", "f8^\"\"", "E1002" },

    { "opcode 3", "83^\"\"", "E1002" },
    { "opcode 4", "84^\"x\"", "E1002" },
    { "opcode 5 behind text", "81\"a\"85^\"\"89\"\"", "T(a) E1002" },
    { "opcode 6", "86^\"x\"", "E1002" },
    { "opcode 7 behind text", "81\"a\"87^\"x\"89\"\"", "T(a) E1002" },
    { "opcode 11", "8b^\"\"", "E1002" },
    { "opcode 12", "8c^\"x\"", "E1002" },
    { "opcode 13 behind text", "81\"a\"8d^\"\"89\"\"", "T(a) E1002" },
    { "opcode 14", "8e^\"x\"", "E1002" },
    { "opcode 15 behind a ping", "89\"a\"8f^\"x\"89\"\"", "P(a) E1002" },

    { "no mask", "81\"a\"!8105^48656c6c6f", "T(a) E1002" },
    { "no mask, empty", "!8100^", "E1002" },
    { "no mask in a ping", "!8900^", "E1002" },
    { "a mask of nulls", "!81850000000048656c6c6f", "T(Hello)" },

    { "length not the shortest", "81\"a\"!82fe007d^", "T(a) E1002" },
    { "length above 2^63", "!82ff80^00000000000000", "E1002" }
};


static const case_t  fragments[] = {

    { "two", "01\"Hel\"80\"lo\"", "T(Hello)" },
    { "three", "02\"He\"00\"l\"80\"lo\"", "B(Hello)" },
    { "ping between", "01\"Hel\"89\"x\"80\"lo\"", "P(x) T(Hello)" },
    { "pings and a pong between",
      "01\"H\"89\"x\"00\"e\"8a\"y\"89\"\"80\"llo\"",
      "P(x) O(y) P() T(Hello)" },
    { "empty ones", "01\"\"00\"\"80\"\"", "T()" },
    { "empty first", "01\"\"80\"Hello\"", "T(Hello)" },
    { "empty last", "01\"Hello\"80\"\"", "T(Hello)" },
    { "empty but the middle", "01\"\"00\"Hello\"80\"\"", "T(Hello)" },
    { "two messages", "01\"a\"80\"b\"02\"c\"80\"d\"", "T(ab) B(cd)" },

    { "ping in fragments", "09^\"a\"80\"b\"", "E1002" },
    { "pong in fragments", "0a^\"a\"80\"b\"", "E1002" },
    { "close in fragments", "08^\"\"", "E1002" },

    { "continuation of nothing", "80^\"a\"81\"b\"", "E1002" },
    { "unfinished continuation of nothing", "00^\"a\"81\"b\"", "E1002" },
    { "continuation behind a message", "01\"a\"80\"b\"80^\"c\"",
      "T(ab) E1002" },
    { "unfinished one behind a message", "01\"a\"80\"b\"00^\"c\"81\"d\"",
      "T(ab) E1002" },
    { "text within text", "01\"a\"81^\"b\"", "E1002" },
    { "text within text, behind a message", "81\"a\"01\"b\"01^\"c\"",
      "T(a) E1002" },
    { "binary within text", "01\"a\"82^\"b\"", "E1002" },
    { "RSV3 in a later one", "01\"a\"90^\"b\"", "E1002" }
};


static const case_t  texts[] = {

    { "UTF-8", "81\"\xce\xba\xe1\xbd\xb9\xf0\x90\x8d\x88\"",
      "T(\xce\xba\xe1\xbd\xb9\xf0\x90\x8d\x88)" },
    { "a character over two frames", "01\"\xe2\"80\"\x82\xac\"",
      "T(\xe2\x82\xac)" },
    { "a character over four frames",
      "01\"\xf0\"00\"\x9f\"00\"\x98\"80\"\x80\"", "T(\xf0\x9f\x98\x80)" },
    { "a character with a ping inside", "01\"\xe2\x82\"89\"\xff\"80\"\xac\"",
      "P(\xff) T(\xe2\x82\xac)" },
    { "empty frames in a character",
      "01\"\xe2\"00\"\"00\"\x82\"00\"\"80\"\xac\"", "T(\xe2\x82\xac)" },

    { "bad byte", "81\"a\"81\"b\xff^c\"", "T(a) E1007" },
    { "overlong, behind a message", "81\"a\"81\"b\xc0^\x80\"", "T(a) E1007" },
    { "surrogate", "81\"\xed\xa0^\x80\"", "E1007" },
    { "above 10ffff", "81\"\xce\xba\xf4\x90^\x80\x80" "edited\"", "E1007" },
    { "bad byte in the first of two", "01\"a\xff^\"80\"b\"", "E1007" },
    { "bad byte in the last of two", "01\"\xce\xba\"80\"\xce\xce^\"",
      "E1007" },
    { "bad byte behind a ping", "01\"\xe2\x82\"89\"p\"80\"\x28^\"",
      "P(p) E1007" },
    { "at once, not at the frame's end",
      "01\"\xf4\"00\"\x90^\"00\"\x80\"80\"\x80\"", "E1007" },
    { "unfinished at the end", "81\"a\xe2\x82\"", "E1007" },
    { "unfinished at the end of fragments", "01\"a\xe2\"80\"\x82\"",
      "E1007" },
    { "unfinished, then an empty frame", "01\"\xe2\x82\"80\"\"",
      "E1007" },
    { "unfinished, then another message", "81\"\xe2\x82^\"81\"\xac\"",
      "E1007" },
    { "nothing left behind by the last one",
      "82\"\xe2\x82\"81\"\xe2\x82\xac\"", "B(\xe2\x82) T(\xe2\x82\xac)" },
    { "binary is not text", "02\"\xff\"80\"\xed\xa0\"", "B(\xff\xed\xa0)" },
    { "pings are not text", "89\"\xff\"8a\"\xed\xa0\"",
      "P(\xff) O(\xed\xa0)" }
};


static const case_t  closes[] = {

    { "no payload", "88\"\"", "C1005()" },
    { "code", "!88820000000003e8", "C1000()" },
    { "code and reason", "88\"\x0f\xa1" "bye\"", "C4001(bye)" },
    { "longest reason", "88\"\x03\xe8"
      "*****************************************"
      "*****************************************"
      "*****************************************\"", "C1000*123" },
    { "behind a message", "81\"a\"88\"\x03\xe9\"", "T(a) C1001()" },
    { "two", "88\"\x03\xe9\"88\"\x03\xe9\"", "C1001()" },
    { "ping behind", "88\"\x03\xe9\"89\"x\"", "C1001()" },
    { "text behind", "88\"\x03\xe9\"81\"x\"", "C1001()" },
    { "garbage behind", "88\"\x03\xe9\"!ffffffff", "C1001()" },
    { "within fragments", "01\"a\"88\"\x03\xe9\"80\"b\"", "C1001()" },

    { "one byte", "88\"\x03\"", "E1002" },
    { "126 bytes", "!88fe^007e", "E1002" },
    { "code 0", "!8882000000000000^89", "E1002" },
    { "code 999", "88\"\x03\xe7\"", "E1002" },
    { "code 1004", "88\"\x03\xec\"", "E1002" },
    { "code 1005", "88\"\x03\xed\"", "E1002" },
    { "code 1006", "88\"\x03\xee\"", "E1002" },
    { "code 1015", "88\"\x03\xf7\"", "E1002" },
    { "code 1016", "88\"\x03\xf8\"", "E1002" },
    { "code 2999", "88\"\x0b\xb7\"", "E1002" },
    { "code 5000", "88\"\x13\x88\"", "E1002" },
    { "code 65535", "88\"\xff\xff\"", "E1002" },
    { "bad reason behind a message", "81\"a\"88\"\x03\xe9" "a\xff^\"81\"b\"",
      "T(a) E1007" }
};


static const case_t  limits[] = {

    { "the limit", "82*64", "B*64" },
    { "the limit in fragments", "02*32 00*32 80\"\"", "B*64" },
    { "the limit, message by message", "82*64 81*64", "B*64 T*64" },
    { "one more", "82\"a\"!82c1^37fa213d", "B(a) E1009" },
    { "one more in fragments", "02*64 89\"p\" !8081^37fa213d", "P(p) E1009" },
    { "far more", "!82ff7f^ffffffffffffff37fa213d", "E1009" },
    { "far more in a fragment", "02\"a\"!00fe80^", "E1009" },
    { "pings may be longer", "89*125", "P*125" }
};


#define N(cases)  (sizeof(cases) / sizeof((cases)[0]))


int
main(void)
{
    run(frames, N(frames));
    run(fragments, N(fragments));
    run(texts, N(texts));
    run(closes, N(closes));

    max = 64;
    run(limits, N(limits));

    max = 0;
    run(&frames[1], 1);

    max = 16 * 1024 * 1024;
    sizes();
    many_fragments();
    fragments_of_all_sizes();
    in_place();
    memory();
    no_memory();

    return done();
}


static void
run(const case_t *cases, size_t n)
{
    size_t     i, len;
    u_char     in[4096];
    state_t    st;

    for (i = 0; i < n; i++) {
        len = build(cases[i].in, in, &st.bad);
        st.expected = cases[i].out;

        feed(&ways, &st, in, len, cases[i].name);
    }
}


static size_t
build(const char *spec, u_char *p, size_t *bad)
{
    char         payload[1024];
    size_t       len;
    u_char       first, *from;
    ngx_uint_t   marked;

    from = p;
    *bad = 0;

    while (*spec) {

        if (*spec == ' ') {
            spec++;
            continue;
        }

        if (*spec == '^') {
            spec++;
            *bad = (size_t) (p - from);
            continue;
        }

        if (*spec == '!') {
            spec++;

            while (ngx_hextoi((u_char *) spec, 1) != NGX_ERROR) {
                *p++ = (u_char) ngx_hextoi((u_char *) spec, 2);
                spec += 2;

                if (*spec == '^') {
                    spec++;
                    *bad = (size_t) (p - from);
                }
            }

            continue;
        }

        first = (u_char) ngx_hextoi((u_char *) spec, 2);
        spec += 2;

        if (*spec == '^') {
            spec++;
            *bad = (size_t) (p - from) + 1;
        }

        len = 0;
        marked = 0;

        if (*spec == '*') {
            len = (size_t) strtol(spec + 1, (char **) &spec, 10);
            ngx_memset(payload, '*', len);

        } else {

            for (spec++; *spec != '"'; spec++) {
                if (*spec == '^') {
                    marked = len;

                } else {
                    payload[len++] = *spec;
                }
            }

            spec++;
        }

        p = build_frame(first, p, payload, len);

        if (marked) {
            *bad = (size_t) (p - from) - len + marked;
        }
    }

    if (*bad == 0) {
        *bad = (size_t) (p - from);
    }

    return (size_t) (p - from);
}


static u_char *
build_frame(u_char first, u_char *p, const char *payload, size_t len)
{
    u_char  *head;

    head = p;

    p = (u_char *) ngx_ws_frame_head(p, first, len);
    head[1] |= 0x80;
    p = ngx_cpymem(p, mask, 4);

    ngx_memcpy(p, payload, len);
    ngx_ws_frame_unmask(p, len, mask, 0);

    return p + len;
}


static void
start(void *data)
{
    state_t  *st = data;

    ngx_ws_reader_init(&st->reader, max, NULL, NULL, &test_log);

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

    for ( ;; ) {
        rc = ngx_ws_reader_next(&st->reader, &pos, p + len, &out);

        if (rc == NGX_AGAIN) {
            st->wrong |= (pos != p + len);
            st->fed += len;
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            break;
        }

        record(st, &out);
    }

    out.opcode = 0;
    out.code = st->reader.error;
    ngx_str_null(&out.data);

    record(st, &out);

    /* in the piece where the bad byte lies, neither before nor after */

    if (st->bad <= st->fed || st->bad > st->fed + len) {
        diag("failed in bytes %zu to %zu, bad is number %zu", st->fed + 1,
             st->fed + len, st->bad);
        st->wrong = 1;
    }

    /* and for good */

    st->wrong |= (st->reader.reason == NULL);
    st->wrong |= (ngx_ws_reader_next(&st->reader, &pos, p + len, &out)
                  != NGX_ERROR);

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
record(state_t *st, ngx_ws_reader_out_t *out)
{
    char        *p, *last, kind;
    size_t       i;

    p = st->out + st->len;
    last = st->out + sizeof(st->out) - 1;

    kind = (out->opcode == NGX_WS_FRAME_TEXT) ? 'T'
           : (out->opcode == NGX_WS_FRAME_BINARY) ? 'B'
           : (out->opcode == NGX_WS_FRAME_PING) ? 'P'
           : (out->opcode == NGX_WS_FRAME_PONG) ? 'O'
           : (out->opcode == NGX_WS_FRAME_CLOSE) ? 'C' : 'E';

    p += snprintf(p, (size_t) (last - p), "%s%c", st->len ? " " : "", kind);

    if (kind == 'C' || kind == 'E') {
        p += snprintf(p, (size_t) (last - p), "%d", (int) out->code);
    }

    for (i = 0; i < out->data.len && out->data.data[i] == '*'; i++) {
        /* void */
    }

    if (i > 16 && i == out->data.len) {
        p += snprintf(p, (size_t) (last - p), "*%zu", i);

    } else if (kind != 'E') {
        p += snprintf(p, (size_t) (last - p), "(%.*s)", (int) out->data.len,
                      (char *) out->data.data);
    }

    st->len = (size_t) (p - st->out);
}


/* of one frame */

static void
sizes(void)
{
    char        expected[32], name[64];
    size_t      i, len;
    u_char     *in, *p;
    state_t     st;

    static const size_t  list[] = {
        65535, 65536, 65537, 1048576, 16777216
    };

    in = allocate(16 * 1024 * 1024 + 14);
    p = allocate(16 * 1024 * 1024);

    ngx_memset(p, '*', 16 * 1024 * 1024);

    for (i = 0; i < N(list); i++) {
        len = (size_t) (build_frame(0x81, in, (char *) p, list[i]) - in);

        snprintf(expected, sizeof(expected), "T*%zu", list[i]);
        snprintf(name, sizeof(name), "%zu bytes", list[i]);

        st.expected = expected;
        feed(&ways, &st, in, len, name);
    }

    free(p);
    free(in);
}


static void
many_fragments(void)
{
    size_t      i;
    u_char     *in, *p;
    state_t     st;

    in = allocate(65536 * (6 + 17));

    for (p = in, i = 0; i < 65536; i++) {
        p = build_frame(i == 65535 ? 0x80 : i ? 0x00 : 0x02, p, "*", 1);
    }

    st.expected = "B*65536";
    feed(&ways, &st, in, (size_t) (p - in), "65536 fragments of one byte");

    for (p = in, i = 0; i < 65536; i++) {
        p = build_frame(i == 65535 ? 0x80 : i ? 0x00 : 0x01, p,
                        "*****************", 17);
    }

    st.expected = "T*1114112";
    feed(&ways, &st, in, (size_t) (p - in), "65536 fragments of 17 bytes");

    for (p = in, i = 0; i < 65536; i++) {
        p = build_frame(i == 65535 ? 0x80 : i ? 0x00 : 0x02, p, "", 0);
    }

    st.expected = "B()";
    feed(&ways, &st, in, (size_t) (p - in), "65536 empty fragments");

    free(in);
}


/* the content, not the amount alone */

static void
fragments_of_all_sizes(void)
{
    size_t                i, len, total;
    u_char               *in, *p, *pos, plain[300];
    ngx_int_t             rc;
    ngx_uint_t            bad;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = (u_char) (i * 11);
    }

    in = allocate(300 * 310);
    total = 0;

    for (p = in, i = 0; i < sizeof(plain); i++) {
        p = build_frame(i == 299 ? 0x80 : i ? 0x00 : 0x02, p,
                        (char *) plain + i, sizeof(plain) - i);
        total += sizeof(plain) - i;
    }

    ngx_ws_reader_init(&rd, max, NULL, NULL, &test_log);

    rc = NGX_AGAIN;

    for (pos = in, i = 1; pos < p && rc == NGX_AGAIN; i++) {
        rc = ngx_ws_reader_next(&rd, &pos, ngx_min(pos + i, p), &out);
    }

    bad = (rc != NGX_OK || out.data.len != total);

    if (!bad) {
        for (len = 0, i = 0; i < sizeof(plain); i++) {
            bad |= (ngx_memcmp(out.data.data + len, plain + i,
                               sizeof(plain) - i) != 0);
            len += sizeof(plain) - i;
        }
    }

    ok(!bad, "fragments of all sizes in pieces of all sizes");

    ngx_ws_reader_cleanup(&rd);
    free(in);
}


static void
in_place(void)
{
    u_char               *p, *end, *pos, in[4096];
    size_t                bad;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    end = in + build("81*200 89\"ping\" 01\"\" 80*300 82\"\"", in, &bad);
    pos = in;

    ngx_ws_reader_init(&rd, max, NULL, NULL, &test_log);

    (void) ngx_ws_reader_next(&rd, &pos, end, &out);
    ok(out.data.data == in + 8 && rd.message == NULL,
       "a text lies in the input");

    (void) ngx_ws_reader_next(&rd, &pos, end, &out);
    ok(out.data.data == in + 208 + 6 && rd.control == NULL,
       "a ping lies in the input");

    p = pos;

    (void) ngx_ws_reader_next(&rd, &pos, end, &out);
    ok(out.data.data == p + 6 + 8 && rd.message == NULL,
       "so does what stands in the last frame alone");

    (void) ngx_ws_reader_next(&rd, &pos, end, &out);
    ok(out.data.len == 0 && ngx_ws_reader_next(&rd, &pos, end, &out)
                            == NGX_AGAIN,
       "an empty message");

    ngx_ws_reader_cleanup(&rd);
}


/* memory follows what has arrived, and goes with what was given */

static void
memory(void)
{
    size_t                len;
    u_char               *in, *payload, *pos;
    ngx_int_t             rc;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    in = allocate(4000014);
    payload = allocate(4000000);
    ngx_memset(payload, '*', 4000000);

    len = (size_t) (build_frame(0x82, in, (char *) payload, 4000000) - in);

    ngx_ws_reader_init(&rd, max, NULL, NULL, &test_log);

    pos = in;
    rc = ngx_ws_reader_next(&rd, &pos, in + 14, &out);
    ok(rc == NGX_AGAIN && rd.message == NULL, "a head takes no memory");

    rc = ngx_ws_reader_next(&rd, &pos, in + 15, &out);
    ok(rc == NGX_AGAIN && rd.message_size <= 1024, "a byte takes little");

    rc = ngx_ws_reader_next(&rd, &pos, in + 100000, &out);
    ok(rc == NGX_AGAIN && rd.message_size <= 200000, "100000 bytes");

    rc = ngx_ws_reader_next(&rd, &pos, in + 2100000, &out);
    ok(rc == NGX_AGAIN && rd.message_size <= 2100000, "two millions");

    rc = ngx_ws_reader_next(&rd, &pos, in + 3999000, &out);
    ok(rc == NGX_AGAIN && rd.message_size <= 4000000,
       "never more than the message will be");

    rc = ngx_ws_reader_next(&rd, &pos, in + len, &out);
    ok(rc == NGX_OK && out.data.len == 4000000, "the message");

    rc = ngx_ws_reader_next(&rd, &pos, in + len, &out);
    ok(rc == NGX_AGAIN && rd.message == NULL, "nothing is held behind it");

    pos = in;
    len = (size_t) (build_frame(0x89, in, "ping", 4) - in);
    rc = ngx_ws_reader_next(&rd, &pos, in + len - 1, &out);
    ok(rc == NGX_AGAIN && rd.control, "a ping that is cut");

    rc = ngx_ws_reader_next(&rd, &pos, in + len, &out);
    ok(rc == NGX_OK && out.data.len == 4, "the ping");

    rc = ngx_ws_reader_next(&rd, &pos, in + len, &out);
    ok(rc == NGX_AGAIN && rd.control == NULL, "nothing is held behind it");

    ngx_ws_reader_cleanup(&rd);
    free(payload);
    free(in);
}


/* whichever allocation fails: 1011, and nothing is left behind */

static void
no_memory(void)
{
    size_t                i, len, bad;
    u_char                in[4096], *p, *pos;
    ngx_int_t             rc;
    ngx_uint_t            n, wrong;
    ngx_ws_reader_t       rd;
    ngx_ws_reader_out_t   out;

    len = build("81*300 01*500 89\"ping\" 00*500 80*600 82*100 88\"\"", in,
                &bad);
    wrong = 0;

    p = allocate(len);

    for (n = 1; n < 100; n++) {

        ngx_memcpy(p, in, len);
        ngx_ws_reader_init(&rd, max, NULL, NULL, &test_log);
        (void) fail_alloc(n);

        rc = NGX_AGAIN;

        for (i = 0; i < len && rc != NGX_ERROR; i++) {
            pos = p + i;

            do {
                rc = ngx_ws_reader_next(&rd, &pos, p + i + 1, &out);
            } while (rc == NGX_OK);
        }

        if (!fail_alloc(0)) {
            break;
        }

        wrong += (rc != NGX_ERROR || rd.error != NGX_WS_CLOSE_INTERNAL
                  || rd.message || rd.control);

        ngx_ws_reader_cleanup(&rd);
    }

    ok(wrong == 0 && n > 5 && rc == NGX_AGAIN && rd.closed,
       "an allocation fails");

    ngx_ws_reader_cleanup(&rd);
    free(p);
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
