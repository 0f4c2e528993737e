
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _UTF8_REFERENCE_H_INCLUDED_
#define _UTF8_REFERENCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * UTF-8 by arithmetic: slow, and shares nothing with the automaton.
 *
 * NGX_OK     a text
 * NGX_AGAIN  the beginning of one
 * NGX_ERROR  neither; *bad is the index of the first byte from which that is
 *            certain
 */

static ngx_inline ngx_int_t
utf8_reference(const u_char *p, size_t len, size_t *bad)
{
    size_t    i, size, n;
    uint32_t  low, high, least, most;

    for (i = 0; i < len; i += size) {

        if (p[i] < 0x80) {
            size = 1;
            continue;
        }

        if (p[i] >= 0xc0 && p[i] < 0xe0) {
            size = 2;
            least = 0x80;
            most = 0x7ff;
            low = p[i] & 0x1f;

        } else if (p[i] >= 0xe0 && p[i] < 0xf0) {
            size = 3;
            least = 0x800;
            most = 0xffff;
            low = p[i] & 0x0f;

        } else if (p[i] >= 0xf0 && p[i] < 0xf8) {
            size = 4;
            least = 0x10000;
            most = 0x10ffff;
            low = p[i] & 0x07;

        } else {
            *bad = i;
            return NGX_ERROR;
        }

        for (n = 1; /* void */; n++) {

            /* the code points that these n bytes can become */

            high = ((low + 1) << (6 * (size - n))) - 1;

            if (high < least || low << (6 * (size - n)) > most
                || (low << (6 * (size - n)) >= 0xd800 && high <= 0xdfff))
            {
                *bad = i + n - 1;
                return NGX_ERROR;
            }

            if (n == size) {
                break;
            }

            if (i + n == len) {
                return NGX_AGAIN;
            }

            if ((p[i + n] & 0xc0) != 0x80) {
                *bad = i + n;
                return NGX_ERROR;
            }

            low = low << 6 | (p[i + n] & 0x3f);
        }
    }

    return NGX_OK;
}


#endif /* _UTF8_REFERENCE_H_INCLUDED_ */
