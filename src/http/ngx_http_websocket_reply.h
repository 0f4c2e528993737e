
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_HTTP_WEBSOCKET_REPLY_H_INCLUDED_
#define _NGX_HTTP_WEBSOCKET_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_ws_call.h>
#include <ngx_ws_eio.h>
#include <ngx_ws_error.h>


/*
 * Answers: each sends one and returns what a content handler returns.  body is
 * JSON and lives as long as the request; NULL for none.
 */
ngx_int_t ngx_http_websocket_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/* The same with status 200 and a text of another type. */
ngx_int_t ngx_http_websocket_reply_text(ngx_http_request_t *r,
    const char *type, ngx_str_t *body);

/* {"message":"..."}, with the header fields that belong to the error */
ngx_int_t ngx_http_websocket_reply_error(ngx_http_request_t *r,
    ngx_ws_error_e error);

/* A call's result with the status, or its error. */
ngx_int_t ngx_http_websocket_reply_call(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_uint_t status);

/* {"code":0,"message":"Transport unknown"} */
ngx_int_t ngx_http_websocket_reply_engine(ngx_http_request_t *r,
    ngx_ws_eio_error_e error);


#endif /* _NGX_HTTP_WEBSOCKET_REPLY_H_INCLUDED_ */
