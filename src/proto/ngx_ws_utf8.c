
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_utf8.h>


/*
 * RFC 3629, section 4:
 *
 *     UTF8-1  00-7F
 *     UTF8-2  C2-DF  tail
 *     UTF8-3  E0     A0-BF  tail
 *             E1-EC  tail   tail
 *             ED     80-9F  tail
 *             EE-EF  tail   tail
 *     UTF8-4  F0     90-BF  tail  tail
 *             F1-F3  tail   tail  tail
 *             F4     80-8F  tail  tail
 *     tail    80-BF
 *
 * An automaton of nine states.  A state is the number of bits by which the
 * row of the next byte is shifted, so that a step is a single shift whose
 * lowest six bits are the new state: the loads of the rows do not wait for
 * each other.
 */


#define NGX_WS_UTF8_OK     0       /* between two characters */
#define NGX_WS_UTF8_TAIL1  6       /* one more byte of a character */
#define NGX_WS_UTF8_TAIL2  12
#define NGX_WS_UTF8_TAIL3  18
#define NGX_WS_UTF8_E0     24      /* after that byte */
#define NGX_WS_UTF8_ED     30
#define NGX_WS_UTF8_F0     36
#define NGX_WS_UTF8_F4     42
#define NGX_WS_UTF8_BAD    48

#define NGX_WS_UTF8_STATE  0x3f

#define NGX_WS_UTF8_HIGH   0x8080808080808080ull


#define ngx_ws_utf8_row(ok, tail1, tail2, tail3, e0, ed, f0, f4)              \
    ((uint64_t) NGX_WS_UTF8_##ok << NGX_WS_UTF8_OK                            \
     | (uint64_t) NGX_WS_UTF8_##tail1 << NGX_WS_UTF8_TAIL1                    \
     | (uint64_t) NGX_WS_UTF8_##tail2 << NGX_WS_UTF8_TAIL2                    \
     | (uint64_t) NGX_WS_UTF8_##tail3 << NGX_WS_UTF8_TAIL3                    \
     | (uint64_t) NGX_WS_UTF8_##e0 << NGX_WS_UTF8_E0                          \
     | (uint64_t) NGX_WS_UTF8_##ed << NGX_WS_UTF8_ED                          \
     | (uint64_t) NGX_WS_UTF8_##f0 << NGX_WS_UTF8_F0                          \
     | (uint64_t) NGX_WS_UTF8_##f4 << NGX_WS_UTF8_F4                          \
     | (uint64_t) NGX_WS_UTF8_BAD << NGX_WS_UTF8_BAD)

#define ngx_ws_utf8_next(state, ch)                                           \
    (ngx_ws_utf8_rows[ngx_ws_utf8_classes[ch]]                                \
     >> ((state) & NGX_WS_UTF8_STATE))


static uint64_t ngx_ws_utf8_step(uint64_t state, const u_char *p, size_t len);


/* the new states, by the class of a byte, for each state */

static const uint64_t  ngx_ws_utf8_rows[] = {

    /* 0: 00-7F */
    ngx_ws_utf8_row(OK,    BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 1: 80-8F */
    ngx_ws_utf8_row(BAD,   OK,  TAIL1, TAIL2, BAD,   TAIL1, BAD,   TAIL2),

    /* 2: 90-9F */
    ngx_ws_utf8_row(BAD,   OK,  TAIL1, TAIL2, BAD,   TAIL1, TAIL2, BAD),

    /* 3: A0-BF */
    ngx_ws_utf8_row(BAD,   OK,  TAIL1, TAIL2, TAIL1, BAD,   TAIL2, BAD),

    /* 4: C2-DF */
    ngx_ws_utf8_row(TAIL1, BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 5: E0 */
    ngx_ws_utf8_row(E0,    BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 6: E1-EC, EE-EF */
    ngx_ws_utf8_row(TAIL2, BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 7: ED */
    ngx_ws_utf8_row(ED,    BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 8: F0 */
    ngx_ws_utf8_row(F0,    BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 9: F1-F3 */
    ngx_ws_utf8_row(TAIL3, BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 10: F4 */
    ngx_ws_utf8_row(F4,    BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD),

    /* 11: C0-C1, F5-FF */
    ngx_ws_utf8_row(BAD,   BAD, BAD,   BAD,   BAD,   BAD,   BAD,   BAD)
};


static const u_char  ngx_ws_utf8_classes[256] = {

     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,

     1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
     2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,  2,
     3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,
     3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,  3,
    11, 11,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
     4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,  4,
     5,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  6,  7,  6,  6,
     8,  9,  9,  9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11
};


ngx_int_t
ngx_ws_utf8_check(ngx_ws_utf8_t *u, const u_char *p, size_t len)
{
    uint64_t  state, word[2];

    state = u->state;

    while (len >= 16) {
        ngx_memcpy(word, p, 16);

        if (state != NGX_WS_UTF8_OK
            || ((word[0] | word[1]) & NGX_WS_UTF8_HIGH))
        {
            state = ngx_ws_utf8_step(state, p, 16);
        }

        p += 16;
        len -= 16;
    }

    state = ngx_ws_utf8_step(state, p, len);

    u->state = (ngx_uint_t) state;

    return (state == NGX_WS_UTF8_BAD) ? NGX_ERROR : NGX_OK;
}


static uint64_t
ngx_ws_utf8_step(uint64_t state, const u_char *p, size_t len)
{
    for (/* void */; len >= 4; p += 4, len -= 4) {
        state = ngx_ws_utf8_next(state, p[0]);
        state = ngx_ws_utf8_next(state, p[1]);
        state = ngx_ws_utf8_next(state, p[2]);
        state = ngx_ws_utf8_next(state, p[3]);
    }

    for (/* void */; len; p++, len--) {
        state = ngx_ws_utf8_next(state, *p);
    }

    return state & NGX_WS_UTF8_STATE;
}
