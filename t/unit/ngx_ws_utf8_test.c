
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_utf8.h>

#include "test.h"
#include "utf8_reference.h"


typedef struct {
    ngx_ws_utf8_t   utf8;
    size_t          fed;
    ngx_int_t       rc;
    ngx_int_t       expected;
    size_t          bad;
} state_t;


static void start(void *data);
static ngx_int_t piece(void *data, u_char *p, size_t len);
static ngx_uint_t check(void *data);
static void texts(void);
static void code_points(void);
static void byte_pairs(void);
static void positions(void);
static void long_text(void);
static ngx_uint_t agrees(const u_char *p, size_t len);


static feed_t  ways = { start, piece, check };


int
main(void)
{
    texts();
    code_points();
    byte_pairs();
    positions();
    long_text();

    return done();
}


static void
start(void *data)
{
    state_t  *st = data;

    ngx_ws_utf8_init(&st->utf8);
    st->fed = 0;
    st->rc = NGX_OK;
}


static ngx_int_t
piece(void *data, u_char *p, size_t len)
{
    state_t  *st = data;

    st->rc = ngx_ws_utf8_check(&st->utf8, p, len);

    if (st->rc != NGX_OK) {

        /* in the piece where the bad byte lies, neither before nor after */

        if (st->bad < st->fed || st->bad >= st->fed + len) {
            diag("failed in bytes %zu to %zu, bad is %zu", st->fed,
                 st->fed + len - 1, st->bad);
            st->expected = NGX_DONE;
        }

        return NGX_DONE;
    }

    st->fed += len;

    return NGX_OK;
}


static ngx_uint_t
check(void *data)
{
    state_t  *st = data;

    if (st->rc == NGX_OK && !ngx_ws_utf8_complete(&st->utf8)) {
        st->rc = NGX_AGAIN;
    }

    return st->rc == st->expected;
}


/* RFC 3629; after the list of Markus Kuhn and RFC 6455's own demands */

static void
texts(void)
{
    state_t     st;
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        const char  *text;
        ngx_int_t    expected;
        size_t       bad;
    } cases[] = {
        { "empty", "", NGX_OK, 0 },
        { "ASCII", "Hello, world!", NGX_OK, 0 },
        { "2, 3 and 4 bytes", "\xce\xba\xe1\xbd\xb9\xf0\x90\x8d\x88", NGX_OK,
          0 },
        { "least of 2 bytes", "\xc2\x80", NGX_OK, 0 },
        { "most of 2 bytes", "\xdf\xbf", NGX_OK, 0 },
        { "least of 3 bytes", "\xe0\xa0\x80", NGX_OK, 0 },
        { "last before surrogates", "\xed\x9f\xbf", NGX_OK, 0 },
        { "first after surrogates", "\xee\x80\x80", NGX_OK, 0 },
        { "most of 3 bytes", "\xef\xbf\xbf", NGX_OK, 0 },
        { "least of 4 bytes", "\xf0\x90\x80\x80", NGX_OK, 0 },
        { "most of all", "\xf4\x8f\xbf\xbf", NGX_OK, 0 },
        { "byte order mark", "\xef\xbb\xbftext", NGX_OK, 0 },

        { "1 of 2 bytes", "a\xc3", NGX_AGAIN, 0 },
        { "1 of 3 bytes", "a\xe2", NGX_AGAIN, 0 },
        { "2 of 3 bytes", "a\xe2\x82", NGX_AGAIN, 0 },
        { "1 of 4 bytes", "a\xf0", NGX_AGAIN, 0 },
        { "2 of 4 bytes", "a\xf0\x9f", NGX_AGAIN, 0 },
        { "3 of 4 bytes", "a\xf0\x9f\x98", NGX_AGAIN, 0 },

        { "lone tail", "ab\x80zz", NGX_ERROR, 2 },
        { "tail too many", "\xc3\xa4\xa4zz", NGX_ERROR, 2 },
        { "lead after lead", "\xc3\xc3\xa4", NGX_ERROR, 1 },
        { "ASCII in a character", "\xe2\x82zz", NGX_ERROR, 2 },
        { "c0 never begins", "a\xc0\x80", NGX_ERROR, 1 },
        { "c1 never begins", "a\xc1\xbf", NGX_ERROR, 1 },
        { "f5 never begins", "a\xf5\x80\x80\x80", NGX_ERROR, 1 },
        { "f8, five bytes", "\xf8\x88\x80\x80\x80", NGX_ERROR, 0 },
        { "fc, six bytes", "\xfc\x84\x80\x80\x80\x80", NGX_ERROR, 0 },
        { "fe", "a\xfez", NGX_ERROR, 1 },
        { "ff", "a\xffz", NGX_ERROR, 1 },
        { "overlong, 3 bytes", "\xe0\x9f\xbf", NGX_ERROR, 1 },
        { "overlong, 4 bytes", "\xf0\x8f\xbf\xbf", NGX_ERROR, 1 },
        { "first surrogate", "\xed\xa0\x80", NGX_ERROR, 1 },
        { "last surrogate", "\xed\xbf\xbf", NGX_ERROR, 1 },
        { "a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80", NGX_ERROR, 1 },
        { "above 10ffff", "\xf4\x90\x80\x80", NGX_ERROR, 1 },
        { "bad byte behind good text", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc"
          "\xce\xb5\xf4\x90\x80\x80\x65\x64\x69\x74\x65\x64", NGX_ERROR, 12 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        st.expected = cases[i].expected;
        st.bad = cases[i].bad;

        feed(&ways, &st, cases[i].text, ngx_strlen(cases[i].text),
             cases[i].name);
    }
}


static void
code_points(void)
{
    size_t          n;
    u_char          p[4];
    uint32_t        c;
    ngx_uint_t      bad, valid;
    ngx_ws_utf8_t   utf8;

    bad = 0;

    for (c = 0; c < 0x200000; c++) {

        if (c < 0x80) {
            n = 1;
            p[0] = (u_char) c;

        } else if (c < 0x800) {
            n = 2;
            p[0] = (u_char) (0xc0 | c >> 6);

        } else if (c < 0x10000) {
            n = 3;
            p[0] = (u_char) (0xe0 | c >> 12);
            p[1] = (u_char) (0x80 | (c >> 6 & 0x3f));

        } else {
            n = 4;
            p[0] = (u_char) (0xf0 | c >> 18);
            p[1] = (u_char) (0x80 | (c >> 12 & 0x3f));
            p[2] = (u_char) (0x80 | (c >> 6 & 0x3f));
        }

        if (n > 1) {
            p[n - 1] = (u_char) (0x80 | (c & 0x3f));
        }

        ngx_ws_utf8_init(&utf8);

        valid = (ngx_ws_utf8_check(&utf8, p, n) == NGX_OK
                 && ngx_ws_utf8_complete(&utf8));

        if (valid != (c < 0xd800 || (c > 0xdfff && c < 0x110000))) {
            diag("code point %x", c);
            bad++;
        }
    }

    ok(bad == 0, "every code point");
}


static void
byte_pairs(void)
{
    u_char      p[4];
    ngx_uint_t  a, b, c, bad;

    static const u_char  thirds[] = {
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff
    };

    bad = 0;
    p[3] = 0x80;

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            for (c = 0; c < sizeof(thirds); c++) {
                p[0] = (u_char) a;
                p[1] = (u_char) b;
                p[2] = thirds[c];

                bad += !agrees(p, 2) || !agrees(p, 3) || !agrees(p, 4);
            }
        }
    }

    ok(bad == 0, "every pair of bytes");
}


/* the steps of 16 bytes must not hide what lies at their borders */

static void
positions(void)
{
    size_t       i, n, len, size;
    u_char      *p, text[72];
    ngx_uint_t   bad;

    static const char  *inserts[] = {
        "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3", "\x80",
        "\xed\xa0\x80", "\xf0\x9f\x98", "\xff"
    };

    bad = 0;

    for (n = 0; n < sizeof(inserts) / sizeof(inserts[0]); n++) {
        len = ngx_strlen(inserts[n]);

        for (i = 0; i + len <= sizeof(text); i++) {
            ngx_memset(text, 'a', sizeof(text));
            ngx_memcpy(text + i, inserts[n], len);

            for (size = i + len; size <= sizeof(text); size++) {
                p = guard(text, size);
                bad += !agrees(p, size);
                unguard(p, size);
            }
        }
    }

    ok(bad == 0, "a character at every place of a text");
}


static void
long_text(void)
{
    size_t    i;
    state_t   st;
    u_char   *text;

    text = malloc(1000000);
    if (text == NULL) {
        exit(2);
    }

    for (i = 0; i < 1000000; i += 5) {
        ngx_memcpy(text + i, "z\xf0\x9f\x98\x80", 5);
    }

    st.expected = NGX_OK;
    feed(&ways, &st, text, 1000000, "a million bytes");

    text[999999] = 0x20;

    st.expected = NGX_ERROR;
    st.bad = 999999;
    feed(&ways, &st, text, 1000000, "a million bytes, the last one is bad");

    free(text);
}


/* the whole, and every beginning, are judged as the reference does */

static ngx_uint_t
agrees(const u_char *p, size_t len)
{
    size_t          i, bad;
    ngx_int_t       rc, expected;
    ngx_ws_utf8_t   utf8;

    expected = utf8_reference(p, len, &bad);

    ngx_ws_utf8_init(&utf8);
    rc = ngx_ws_utf8_check(&utf8, p, len);

    if (rc == NGX_OK && !ngx_ws_utf8_complete(&utf8)) {
        rc = NGX_AGAIN;
    }

    if (rc != expected) {
        diag("%02x %02x ...: %d, expected %d", p[0], p[1], (int) rc,
             (int) expected);
        return 0;
    }

    ngx_ws_utf8_init(&utf8);

    for (i = 0; i < len; i++) {

        rc = ngx_ws_utf8_check(&utf8, p + i, 1);

        if ((rc == NGX_ERROR) != (expected == NGX_ERROR && i >= bad)) {
            diag("%02x %02x ...: %d at %zu", p[0], p[1], (int) rc, i);
            return 0;
        }
    }

    return 1;
}
