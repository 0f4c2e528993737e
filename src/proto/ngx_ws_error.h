
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_ERROR_H_INCLUDED_
#define _NGX_WS_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Whatever can be refused, once: symbol, HTTP status, WebSocket close code
 * (RFC 6455, section 7.4.1), code in "error" and "auth:error" events and in
 * acknowledgements, text.  The texts of REST answers are Laravel's.
 */

#define NGX_WS_ERRORS(X)                                                      \
                                                                              \
    X(OK, 200, 1000, "ok", "OK")                                              \
                                                                              \
    /* what a service refuses */                                              \
                                                                              \
    X(UNAUTHENTICATED, 401, 1008, "unauthenticated", "Unauthenticated.")      \
    X(IDENTITY_MISMATCH, 403, 1008, "identity_mismatch",                      \
      "The token belongs to somebody else.")                                  \
    X(TOKEN_EXPIRED, 401, 1008, "token_expired", "The token has expired.")    \
    X(FORBIDDEN, 403, 1008, "forbidden", "Unauthorized")                      \
    X(NOT_FOUND, 404, 1008, "not_found", "Not Found")                         \
    X(INVALID, 422, 1008, "invalid", "The given data was invalid.")           \
    X(UNKNOWN_EVENT, 404, 1008, "unknown_event", "Unknown event.")            \
    X(TOO_LARGE, 413, 1009, "too_large", "Content Too Large")                 \
    X(THROTTLED, 429, 1008, "throttled", "Too Many Attempts.")                \
    X(UNAVAILABLE, 503, 1013, "unavailable", "Service Unavailable")           \
    X(MAYBE_TAKEN, 503, 1013, "unavailable",                                  \
      "Service unavailable, the message may have been taken.")                \
    X(INTERNAL, 500, 1011, "unavailable", "Server Error")                     \
                                                                              \
    /* requests and handshakes */                                             \
                                                                              \
    X(BAD_REQUEST, 400, 1002, "invalid", "Bad Request")                       \
    X(BAD_JSON, 400, 1007, "invalid", "Malformed JSON.")                      \
    X(BAD_METHOD, 405, 1002, "invalid", "Method Not Allowed")                 \
    X(BAD_TYPE, 415, 1003, "invalid", "Unsupported Media Type")               \
    X(BAD_ORIGIN, 403, 1008, "forbidden", "Origin Not Allowed")               \
    X(BAD_VERSION, 426, 1002, "invalid", "Upgrade Required")                  \
                                                                              \
    /* what a client sends on its socket */                                   \
                                                                              \
    X(PROTOCOL, 400, 1002, "invalid", "Protocol error")                       \
    X(BAD_UTF8, 400, 1007, "invalid", "Text is not valid UTF-8")              \
    X(BAD_DEFLATE, 400, 1007, "invalid", "Compressed data is corrupt")        \
    X(BAD_BINARY, 400, 1003, "invalid", "Binary messages are not accepted")   \
    X(BAD_PACKET, 400, 1002, "invalid", "Parse error")                        \
    X(BAD_NAMESPACE, 404, 1008, "not_found", "Invalid namespace")             \
                                                                              \
    /* why a socket is closed */                                              \
                                                                              \
    X(SLOW_CLIENT, 503, 1013, "unavailable", "The client is too slow")        \
    X(FULL, 503, 1013, "unavailable", "The server is full")                   \
    X(LEAVING, 503, 1001, "unavailable", "The server is leaving")             \
    X(PING_TIMEOUT, 408, 1001, "unavailable", "Ping timeout")                 \
    X(AUTH_TIMEOUT, 401, 1008, "unauthenticated",                             \
      "Not authenticated in time.")                                           \
    X(CONNECTION_LIMIT, 429, 1008, "throttled", "Too many connections.")      \
    X(REPLACED, 409, 1008, "forbidden", "Replaced by a newer connection.")


typedef enum {

#define NGX_WS_ERROR_SYMBOL(symbol, status, close, code, text)                \
    NGX_WS_##symbol,

    NGX_WS_ERRORS(NGX_WS_ERROR_SYMBOL)

#undef NGX_WS_ERROR_SYMBOL

    NGX_WS_ERRORS_N
} ngx_ws_error_e;


typedef struct {
    ngx_uint_t      status;        /* of HTTP */
    ngx_uint_t      close;         /* of WebSocket */
    ngx_str_t       code;
    ngx_str_t       text;
} ngx_ws_error_t;


/* Never NULL: what is outside of the list is NGX_WS_INTERNAL. */
const ngx_ws_error_t *ngx_ws_error_get(ngx_ws_error_e e);


#endif /* _NGX_WS_ERROR_H_INCLUDED_ */
