
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_error.h>

#include "test.h"


static void rows(void);
static ngx_uint_t close_code(ngx_uint_t code);
static ngx_uint_t wire_code(ngx_str_t *code);
static void row(ngx_ws_error_e e, ngx_uint_t status, ngx_uint_t close,
    const char *code, const char *text);


/* what clients know, contract */

static const char  *codes[] = {
    "ok", "unauthenticated", "forbidden", "invalid", "not_found",
    "unknown_event", "too_large", "throttled", "unavailable",
    "identity_mismatch", "token_expired", NULL
};


int
main(void)
{
    rows();

    is_int(NGX_WS_OK, 0, "no error is 0");

    row(NGX_WS_OK, 200, 1000, "ok", "OK");
    row(NGX_WS_UNAUTHENTICATED, 401, 1008, "unauthenticated",
        "Unauthenticated.");
    row(NGX_WS_IDENTITY_MISMATCH, 403, 1008, "identity_mismatch",
        "The token belongs to somebody else.");
    row(NGX_WS_TOKEN_EXPIRED, 401, 1008, "token_expired",
        "The token has expired.");
    row(NGX_WS_FORBIDDEN, 403, 1008, "forbidden", "Unauthorized");
    row(NGX_WS_NOT_FOUND, 404, 1008, "not_found", "Not Found");
    row(NGX_WS_INVALID, 422, 1008, "invalid", "The given data was invalid.");
    row(NGX_WS_UNKNOWN_EVENT, 404, 1008, "unknown_event", "Unknown event.");
    row(NGX_WS_TOO_LARGE, 413, 1009, "too_large", "Content Too Large");
    row(NGX_WS_THROTTLED, 429, 1008, "throttled", "Too Many Attempts.");
    row(NGX_WS_UNAVAILABLE, 503, 1013, "unavailable", "Service Unavailable");
    row(NGX_WS_INTERNAL, 500, 1011, "unavailable", "Server Error");
    row(NGX_WS_BAD_JSON, 400, 1007, "invalid", "Malformed JSON.");
    row(NGX_WS_BAD_METHOD, 405, 1002, "invalid", "Method Not Allowed");
    row(NGX_WS_BAD_TYPE, 415, 1003, "invalid", "Unsupported Media Type");
    row(NGX_WS_BAD_NAMESPACE, 404, 1008, "not_found", "Invalid namespace");
    row(NGX_WS_SLOW_CLIENT, 503, 1013, "unavailable",
        "The client is too slow");

    ok(ngx_ws_error_get(NGX_WS_ERRORS_N) == ngx_ws_error_get(NGX_WS_INTERNAL),
       "behind the list: internal");
    ok(ngx_ws_error_get((ngx_ws_error_e) -1)
       == ngx_ws_error_get(NGX_WS_INTERNAL),
       "before the list: internal");

    return done();
}


static void
rows(void)
{
    ngx_uint_t             e, good;
    const ngx_ws_error_t  *error;

    for (e = 0; e < NGX_WS_ERRORS_N; e++) {

        error = ngx_ws_error_get((ngx_ws_error_e) e);

        good = (error->status == 200 && e == NGX_WS_OK)
               || (error->status >= 400 && error->status < 600);

        ok(good
           && close_code(error->close)
           && wire_code((ngx_str_t *) &error->code)
           && error->text.len,
           (char *) error->text.data);
    }
}


/* RFC 6455, section 7.4.1, and IANA's 1012 to 1014: what may be sent */

static ngx_uint_t
close_code(ngx_uint_t code)
{
    return code >= 1000 && code <= 1014
           && code != 1004 && code != 1005 && code != 1006;
}


static ngx_uint_t
wire_code(ngx_str_t *code)
{
    const char  **p;

    for (p = codes; *p; p++) {
        if (code->len == ngx_strlen(*p)
            && ngx_memcmp(code->data, *p, code->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
row(ngx_ws_error_e e, ngx_uint_t status, ngx_uint_t close, const char *code,
    const char *text)
{
    const ngx_ws_error_t  *error;

    error = ngx_ws_error_get(e);

    ok(error->status == status
       && error->close == close
       && ngx_strcmp(error->code.data, code) == 0
       && ngx_strcmp(error->text.data, text) == 0,
       text);
}
