
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_frame.h>


static ngx_ws_buf_t *ngx_ws_buf_alloc(ngx_uint_t first, size_t len,
    ngx_log_t *log);


ngx_ws_buf_t *
ngx_ws_buf_create(ngx_uint_t opcode, size_t len, ngx_log_t *log)
{
    return ngx_ws_buf_alloc(NGX_WS_FRAME_FIN|opcode, len, log);
}


static ngx_ws_buf_t *
ngx_ws_buf_alloc(ngx_uint_t first, size_t len, ngx_log_t *log)
{
    size_t         head;
    ngx_ws_buf_t  *wb;

    head = ngx_ws_frame_head(NULL, first, len);

    wb = ngx_alloc(sizeof(ngx_ws_buf_t) + head + len, log);
    if (wb == NULL) {
        return NULL;
    }

    wb->refs = 1;
    wb->size = (uint32_t) (head + len);
    wb->head = (u_char) head;
    wb->binary = ((first & 0xf) == NGX_WS_FRAME_BINARY);
    wb->plain = 0;
    wb->deflated = NULL;

    (void) ngx_ws_frame_head(wb->data, first, len);

    return wb;
}


ngx_ws_buf_t *
ngx_ws_buf_deflated(ngx_ws_buf_t *wb, ngx_ws_deflate_t *deflate,
    ngx_log_t *log)
{
    ngx_str_t      out;
    ngx_ws_buf_t  *deflated;

    if (wb->deflated) {
        return wb->deflated;
    }

    if (wb->plain || ngx_ws_buf_len(wb) < NGX_WS_BUF_DEFLATE_MIN) {
        return wb;
    }

    /* a failure and a message that does not shrink are sent as they are */

    wb->plain = 1;

    if (ngx_ws_deflate_message(deflate, ngx_ws_buf_payload(wb),
                               ngx_ws_buf_len(wb), &out)
        != NGX_OK
        || out.len >= ngx_ws_buf_len(wb))
    {
        return wb;
    }

    deflated = ngx_ws_buf_alloc(wb->data[0] | NGX_WS_FRAME_RSV1, out.len,
                                log);
    if (deflated == NULL) {
        return wb;
    }

    ngx_memcpy(ngx_ws_buf_payload(deflated), out.data, out.len);

    wb->plain = 0;
    wb->deflated = deflated;

    return deflated;
}


ngx_ws_buf_t *
ngx_ws_buf_ref(ngx_ws_buf_t *wb)
{
    wb->refs++;
    return wb;
}


void
ngx_ws_buf_unref(ngx_ws_buf_t *wb)
{
    if (--wb->refs) {
        return;
    }

    if (wb->deflated) {
        ngx_ws_buf_unref(wb->deflated);
    }

    ngx_free(wb);
}
