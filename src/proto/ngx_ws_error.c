
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_error.h>


static const ngx_ws_error_t  ngx_ws_errors[] = {

#define NGX_WS_ERROR_ROW(symbol, status, close, code, text)                   \
    { status, close, ngx_string(code), ngx_string(text) },

    NGX_WS_ERRORS(NGX_WS_ERROR_ROW)

#undef NGX_WS_ERROR_ROW
};


const ngx_ws_error_t *
ngx_ws_error_get(ngx_ws_error_e e)
{
    if ((ngx_uint_t) e >= NGX_WS_ERRORS_N) {
        e = NGX_WS_INTERNAL;
    }

    return &ngx_ws_errors[e];
}
