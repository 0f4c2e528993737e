
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_frame.h>

#include "test.h"


#define MAX  100000


/* heads one after the other, and where the last one breaks */

typedef struct {
    const char      *name;
    const char      *head;         /* hexadecimal */
    const char      *read;         /* "OPCODE[+F][+R] LENGTH, ..." */
    uint16_t         error;
    size_t           at;           /* bytes up to the one that is wrong */
    ngx_uint_t       deflate;
} case_t;


typedef struct {
    const case_t    *c;
    ngx_ws_frame_t   frame;
    size_t           fed;
    ngx_uint_t       right;
    char             read[256];
} state_t;


static void start(void *data);
static ngx_int_t piece(void *data, u_char *p, size_t len);
static ngx_uint_t check(void *data);
static void heads(void);
static void first_bytes(void);
static void lengths(void);
static void masks(void);
static void encoded(void);
static void closes(void);
static void close_codes(void);
static void close_encoded(void);
static size_t unhex(const char *hex, u_char *p);


static feed_t  ways = { start, piece, check };


static const case_t  cases[] = {

    { "RFC 6455, 5.7: masked text", "8185 37fa213d", "1+F 5", 0, 0, 0 },
    { "nothing yet", "", "", 0, 0, 0 },
    { "empty text", "8180 00000000", "1+F 0", 0, 0, 0 },
    { "125 bytes", "82fd 01020304", "2+F 125", 0, 0, 0 },
    { "126 bytes", "82fe007e 01020304", "2+F 126", 0, 0, 0 },
    { "127 bytes", "82fe007f 01020304", "2+F 127", 0, 0, 0 },
    { "65535 bytes", "82feffff 01020304", "2+F 65535", 0, 0, 0 },
    { "65536 bytes", "82ff0000000000010000 01020304", "2+F 65536", 0, 0, 0 },
    { "the limit", "82ff00000000000186a0 01020304", "2+F 100000", 0, 0, 0 },

    { "ping", "8980 01020304", "9+F 0", 0, 0, 0 },
    { "pong of 125 bytes", "8afd 01020304", "10+F 125", 0, 0, 0 },
    { "close", "8882 01020304", "8+F 2", 0, 0, 0 },

    { "two fragments", "0181 01020304 8082 01020304", "1 1, 0+F 2", 0, 0, 0 },
    { "ping between two fragments",
      "0181 01020304 8980 01020304 8082 01020304", "1 1, 9+F 0, 0+F 2",
      0, 0, 0 },
    { "two messages", "0180 00000000 8080 00000000 8281 00000000",
      "1 0, 0+F 0, 2+F 1", 0, 0, 0 },

    { "no mask", "8105 37fa213d", "", 1002, 2, 0 },
    { "no mask, long", "827f", "", 1002, 2, 0 },
    { "control without mask", "8900", "", 1002, 2, 0 },

    { "RSV1", "c180", "", 1002, 1, 0 },
    { "RSV2", "a180", "", 1002, 1, 0 },
    { "RSV3", "9180", "", 1002, 1, 0 },
    { "RSV2 with compression", "a180", "", 1002, 1, 1 },
    { "RSV3 with compression", "9180", "", 1002, 1, 1 },
    { "RSV1 in a ping", "c980", "", 1002, 1, 0 },
    { "RSV1 in a ping with compression", "c980", "", 1002, 1, 1 },
    { "RSV1 in a close with compression", "c880", "", 1002, 1, 1 },
    { "RSV after a good frame", "8180 00000000 b180", "1+F 0", 1002, 7, 0 },

    { "compressed", "c187 01020304", "1+F+R 7", 0, 0, 1 },
    { "compressed fragments", "4287 01020304 8081 00000000",
      "2+R 7, 0+F 1", 0, 0, 1 },
    { "compressed, then not", "c187 01020304 8181 00000000",
      "1+F+R 7, 1+F 1", 0, 0, 1 },
    { "RSV1 in a later fragment", "4187 01020304 c0", "1+R 7", 1002, 7, 1 },
    { "RSV1 in a later fragment only", "0187 01020304 c0", "1 7", 1002, 7,
      1 },

    { "control in fragments", "0980", "", 1002, 1, 0 },
    { "close in fragments", "0880", "", 1002, 1, 0 },
    { "control of 126 bytes", "89fe", "", 1002, 2, 0 },
    { "control of 2^16 bytes", "88ff", "", 1002, 2, 0 },

    { "continuation of nothing", "8080", "", 1002, 1, 0 },
    { "unfinished continuation of nothing", "0080", "", 1002, 1, 0 },
    { "continuation of a whole message", "8180 00000000 80", "1+F 0",
      1002, 7, 0 },
    { "continuation of a finished one",
      "0180 00000000 8080 00000000 80", "1 0, 0+F 0", 1002, 13, 0 },
    { "text within text", "0180 00000000 81", "1 0", 1002, 7, 0 },
    { "binary within text", "0180 00000000 02", "1 0", 1002, 7, 0 },

    { "16 bits for 125", "81fe007d", "", 1002, 4, 0 },
    { "16 bits for 0", "81fe0000", "", 1002, 4, 0 },
    { "64 bits for 65535", "81ff000000000000ffff", "", 1002, 8, 0 },
    { "64 bits for 1", "81ff0000000000000001", "", 1002, 8, 0 },
    { "64 bits, the highest one", "81ff8000000000000000", "", 1002, 3, 0 },
    { "64 bits, all", "81ffffffffffffffffff", "", 1002, 3, 0 },

    { "over the limit", "82ff00000000000186a1", "", 1009, 10, 0 },
    { "far over the limit", "82ff7fffffffffffffff", "", 1009, 3, 0 },
    { "over the limit at the sixth byte", "82ff000000000100", "", 1009, 7,
      0 },
    { "fragments over the limit",
      "02feffff 00000000 00fe86a1 00000000 0081", "2 65535, 0 34465",
      1009, 18, 0 },
    { "fragments over the limit, 16 bits",
      "02feffff 00000000 80fe86a2", "2 65535", 1009, 12, 0 },
    { "control frames are not counted",
      "02ff00000000000186a0 00000000 89fd 00000000 8080 00000000",
      "2 100000, 9+F 125, 0+F 0", 0, 0, 0 },
    { "each message has the limit",
      "82ff00000000000186a0 00000000 82ff00000000000186a0 00000000",
      "2+F 100000, 2+F 100000", 0, 0, 0 },
    { "compressed, twice the limit and 1024",
      "c2ff0000000000031140 00000000", "2+F+R 201024", 0, 0, 1 },
    { "compressed, over that", "c2ff0000000000031141", "", 1009, 10, 1 }
};


int
main(void)
{
    heads();
    first_bytes();
    lengths();
    masks();
    encoded();
    closes();
    close_codes();
    close_encoded();

    return done();
}


static void
heads(void)
{
    size_t      len;
    u_char      in[64];
    state_t     st;
    ngx_uint_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        st.c = &cases[i];
        len = unhex(st.c->head, in);

        feed(&ways, &st, in, len, st.c->name);
    }
}


static void
start(void *data)
{
    state_t  *st = data;

    ngx_memzero(&st->frame, sizeof(ngx_ws_frame_t));
    st->frame.max = MAX;
    st->frame.deflate = (st->c->deflate != 0);

    st->fed = 0;
    st->right = (st->c->error == 0);
    st->read[0] = '\0';
}


static ngx_int_t
piece(void *data, u_char *p, size_t len)
{
    state_t  *st = data;

    size_t      n;
    u_char     *pos;
    ngx_int_t   rc;

    pos = p;

    for ( ;; ) {
        rc = ngx_ws_frame_parse(&st->frame, &pos, p + len);

        if (rc == NGX_AGAIN) {
            st->fed += len;

            if (pos != p + len) {
                diag("input is left");
                st->right = 0;
                return NGX_DONE;
            }

            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            st->right = (st->frame.error == st->c->error
                         && st->frame.reason != NULL
                         && st->fed + (size_t) (pos - p) == st->c->at);

            if (!st->right) {
                diag("error %d after %zu bytes", (int) st->frame.error,
                     st->fed + (size_t) (pos - p));
            }

            return NGX_DONE;
        }

        n = ngx_strlen(st->read);

        snprintf(st->read + n, sizeof(st->read) - n, "%s%d%s%s %llu",
                 n ? ", " : "", st->frame.opcode,
                 st->frame.fin ? "+F" : "", st->frame.rsv1 ? "+R" : "",
                 (unsigned long long) st->frame.length);
    }
}


static ngx_uint_t
check(void *data)
{
    state_t  *st = data;

    if (ngx_strcmp(st->read, st->c->read) != 0) {
        diag("read \"%s\"", st->read);
        return 0;
    }

    return st->right;
}


/* each of the 256 first bytes, in and out of a message */

static void
first_bytes(void)
{
    u_char           p[6], *pos;
    ngx_int_t        rc;
    ngx_uint_t       i, bad, deflate, within, good, opcode;
    ngx_ws_frame_t   f;

    bad = 0;

    for (i = 0; i < 1024; i++) {

        deflate = i >> 8 & 1;
        within = i >> 9;
        opcode = i & 0x0f;

        ngx_memzero(p, sizeof(p));
        p[0] = (u_char) i;
        p[1] = 0x80;

        ngx_memzero(&f, sizeof(ngx_ws_frame_t));
        f.max = MAX;
        f.deflate = (deflate != 0);
        f.fragmented = (within != 0);

        pos = p;
        rc = ngx_ws_frame_parse(&f, &pos, p + 6);

        switch (opcode) {

        case 0:
            good = within && !(i & 0x70);
            break;

        case 1:
        case 2:
            good = !within && !(i & 0x30) && (deflate || !(i & 0x40));
            break;

        case 8:
        case 9:
        case 10:
            good = (i & 0xf0) == 0x80;
            break;

        default:
            good = 0;
        }

        if (rc != (good ? NGX_OK : NGX_ERROR)
            || pos != p + (good ? 6 : 1)
            || (!good && f.error != 1002))
        {
            diag("first byte %02x, deflate %d, within %d", p[0],
                 (int) deflate, (int) within);
            bad++;
        }
    }

    ok(bad == 0, "every first byte");
}


/* what the encoder writes, masked, is read as it was meant */

static void
lengths(void)
{
    size_t           n;
    u_char           head[NGX_WS_FRAME_HEAD_MAX + 4], *p, *pos;
    uint64_t         len;
    ngx_int_t        rc;
    ngx_uint_t       bits, bad;
    ngx_ws_frame_t   f;

    bad = 0;

    for (bits = 0; bits < 63 * 3; bits++) {
        len = ((uint64_t) 1 << bits / 3) + bits % 3 - 1;

        n = ngx_ws_frame_head(NULL, 0x82, len);
        p = (u_char *) ngx_ws_frame_head(head, 0x82, len);

        if (p != head + n) {
            bad++;
        }

        head[1] |= 0x80;
        ngx_memcpy(p, "mask", 4);

        ngx_memzero(&f, sizeof(ngx_ws_frame_t));
        f.max = (size_t) 1 << 63;

        pos = head;
        rc = ngx_ws_frame_parse(&f, &pos, p + 4);

        if (rc != NGX_OK || pos != p + 4 || f.length != len
            || ngx_memcmp(f.mask, "mask", 4) != 0)
        {
            diag("length %llu", (unsigned long long) len);
            bad++;
        }
    }

    ok(bad == 0, "every power of two, one less and one more");
}


static void
masks(void)
{
    size_t      i, len, offset, bad;
    u_char     *p, plain[200];

    static const u_char  mask[] = { 0x37, 0xfa, 0x21, 0x3d };

    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = (u_char) (i * 7);
    }

    bad = 0;

    for (len = 0; len <= sizeof(plain); len++) {
        for (offset = 0; offset < 9; offset++) {
            p = guard(plain, len);

            ngx_ws_frame_unmask(p, len, mask, offset);

            for (i = 0; i < len; i++) {
                if (p[i] != (plain[i] ^ mask[(offset + i) % 4])) {
                    bad++;
                }
            }

            unguard(p, len);
        }
    }

    is_int((int64_t) bad, 0, "masks at every length and offset");

    p = guard("\x7f\x9f\x4d\x51\x58", 5);
    ngx_ws_frame_unmask(p, 5, mask, 0);
    is_mem(p, 5, "Hello", 5, "RFC 6455, 5.7: masked Hello");
    unguard(p, 5);
}


static void
encoded(void)
{
    u_char      head[NGX_WS_FRAME_HEAD_MAX], *p, wanted[16];
    size_t      len;
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        ngx_uint_t   first;
        uint64_t     len;
        const char  *head;
    } list[] = {
        { "head of Hello", 0x81, 5, "8105" },
        { "head of a pong", 0x8a, 0, "8a00" },
        { "head of 125 bytes", 0x82, 125, "827d" },
        { "head of 126 bytes", 0x82, 126, "827e007e" },
        { "head of 256 bytes", 0x82, 256, "827e0100" },
        { "head of 65535 bytes", 0x82, 65535, "827effff" },
        { "head of 65536 bytes", 0x82, 65536, "827f0000000000010000" },
        { "head of a compressed text", 0xc1, 7, "c107" }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        p = (u_char *) ngx_ws_frame_head(head, list[i].first, list[i].len);
        len = unhex(list[i].head, wanted);

        is_mem(head, (size_t) (p - head), wanted, len, list[i].name);
    }
}


static void
closes(void)
{
    size_t       len;
    u_char       in[128], *p;
    ngx_str_t    reason;
    ngx_int_t    rc;
    ngx_uint_t   i, code;

    static const struct {
        const char  *name;
        const char  *payload;
        ngx_int_t    rc;
        ngx_uint_t   code;
        const char  *reason;
    } list[] = {
        { "close without payload", "", NGX_OK, 1005, "" },
        { "close of one byte", "03", NGX_ERROR, 1002, "" },
        { "close with a code", "03e8", NGX_OK, 1000, "" },
        { "close with a reason", "03e9627965", NGX_OK, 1001, "bye" },
        { "close with a reason in UTF-8", "0fa0e282ac", NGX_OK, 4000,
          "\xe2\x82\xac" },
        { "close with bad UTF-8", "03e8ceb9ff", NGX_ERROR, 1007, "" },
        { "close with unfinished UTF-8", "03e8e282", NGX_ERROR, 1007, "" },
        { "close with a bad code and bad UTF-8", "03ede282", NGX_ERROR, 1002,
          "" }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        len = unhex(list[i].payload, in);
        p = guard(in, len);

        code = 0;
        rc = ngx_ws_frame_close_parse(p, len, &code, &reason);

        if (rc != list[i].rc || code != list[i].code) {
            diag("%d, code %d", (int) rc, (int) code);
            rc = NGX_DONE;
        }

        ok(rc == list[i].rc
           && reason.len == ngx_strlen(list[i].reason)
           && (reason.len == 0
               || ngx_memcmp(reason.data, list[i].reason, reason.len) == 0),
           list[i].name);

        unguard(p, len);
    }
}


static void
close_codes(void)
{
    u_char      p[2];
    ngx_str_t   reason;
    ngx_int_t   rc;
    ngx_uint_t  i, code, good, bad;

    bad = 0;

    for (i = 0; i < 65536; i++) {
        p[0] = (u_char) (i >> 8);
        p[1] = (u_char) i;

        rc = ngx_ws_frame_close_parse(p, 2, &code, &reason);

        good = (i >= 1000 && i <= 1014 && i != 1004 && i != 1005 && i != 1006)
               || (i >= 3000 && i < 5000);

        if (rc != (good ? NGX_OK : NGX_ERROR) || code != (good ? i : 1002)) {
            diag("close code %d", (int) i);
            bad++;
        }
    }

    ok(bad == 0, "every close code");
}


static void
close_encoded(void)
{
    size_t       i, n;
    u_char       frame[NGX_WS_FRAME_CLOSE_MAX], *p;
    u_char       text[200];
    ngx_str_t    reason, got;
    ngx_uint_t   code, bad;

    p = (u_char *) ngx_ws_frame_close(frame, 1000, NULL);
    is_mem(frame, (size_t) (p - frame), "\x88\x02\x03\xe8", 4,
           "a close frame with a code");

    ngx_str_set(&reason, "bye");
    p = (u_char *) ngx_ws_frame_close(frame, 1001, &reason);
    is_mem(frame, (size_t) (p - frame), "\x88\x05\x03\xe9" "bye", 7,
           "a close frame with a reason");

    p = (u_char *) ngx_ws_frame_close(frame, NGX_WS_CLOSE_NO_STATUS, &reason);
    is_mem(frame, (size_t) (p - frame), "\x88\x00", 2,
           "a code that is never sent");

    p = (u_char *) ngx_ws_frame_close(frame, NGX_WS_CLOSE_ABNORMAL, NULL);
    is_mem(frame, (size_t) (p - frame), "\x88\x00", 2,
           "another code that is never sent");

    /* reasons of all lengths, cut between two characters of 3 bytes */

    bad = 0;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (u_char) "\xe2\x82\xac"[i % 3];
    }

    reason.data = text;

    for (reason.len = 0; reason.len < sizeof(text); reason.len += 3) {
        n = ngx_ws_frame_close(NULL, 1000, &reason);
        p = (u_char *) ngx_ws_frame_close(frame, 1000, &reason);

        if (p != frame + n
            || n > sizeof(frame)
            || frame[1] != n - 2
            || ngx_ws_frame_close_parse(frame + 2, n - 2, &code, &got)
               != NGX_OK
            || got.len != ngx_min(reason.len, 123))
        {
            diag("a reason of %zu bytes", reason.len);
            bad++;
        }
    }

    ok(bad == 0, "reasons of all lengths");

    ngx_memset(text, 'z', sizeof(text));
    ngx_memcpy(text + 121, "\xe2\x82\xac", 3);
    reason.len = 124;

    p = (u_char *) ngx_ws_frame_close(frame, 1000, &reason);
    is_int(p - frame, 2 + 2 + 121, "a reason cut between two characters");
}


static size_t
unhex(const char *hex, u_char *p)
{
    u_char  *start = p;

    for (/* void */; *hex; hex++) {
        if (*hex != ' ') {
            *p++ = (u_char) ngx_hextoi((u_char *) hex, 2);
            hex++;
        }
    }

    return (size_t) (p - start);
}
