
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_JSON_SCAN_H_INCLUDED_
#define _NGX_WS_JSON_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A strict validator of JSON (RFC 8259, UTF-8 as RFC 3629 has it) that makes
 * no tree: it gives the bytes of an array's elements, or of an object's
 * members, as they came.
 */

typedef struct {
    ngx_str_t       key;           /* between the quotes, escapes and all */
    ngx_str_t       value;         /* without white space around it */

    u_char         *pos;
    u_char         *end;
    ngx_uint_t      depth;         /* nesting at pos, */
    ngx_uint_t      max_depth;     /* allowed, */
    ngx_uint_t      deepest;       /* and met */
    ngx_uint_t      values;        /* values passed, nested ones too */
    unsigned        object:1;
    unsigned        first:1;
    unsigned        too_deep:1;    /* the reason for NGX_ERROR */
    unsigned        nul:1;         /* the last string has an escaped NUL */
    unsigned        nul_key:1;     /* a key had one */
    unsigned        big:1;         /* an integer needs more than 64 bits */
} ngx_ws_json_scan_t;


/* A whole text: NGX_OK or NGX_ERROR; its value and the counts are in s. */
ngx_int_t ngx_ws_json_scan(ngx_ws_json_scan_t *s, u_char *p, size_t len,
    ngx_uint_t max_depth);

/*
 * A whole text that is an array or an object, element by element.  _open():
 * NGX_OK, or NGX_ERROR if it begins otherwise.  _next(): NGX_OK with value,
 * and key in an object; NGX_DONE at the end of a text that is valid to its
 * last byte; NGX_ERROR.
 */
ngx_int_t ngx_ws_json_scan_open(ngx_ws_json_scan_t *s, u_char *p, size_t len,
    ngx_uint_t max_depth);
ngx_int_t ngx_ws_json_scan_next(ngx_ws_json_scan_t *s);

/*
 * Resolves the escapes, in place, of what stood between a valid string's
 * quotes; a lone surrogate becomes U+FFFD.
 */
void ngx_ws_json_scan_unescape(ngx_str_t *s);

#endif /* _NGX_WS_JSON_SCAN_H_INCLUDED_ */
