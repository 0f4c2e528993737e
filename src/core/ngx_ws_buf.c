
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_buf.h>
#include <ngx_ws_frame.h>


static ngx_ws_buf_t *ngx_ws_buf_alloc(ngx_uint_t first, size_t len,
    ngx_log_t *log);
static ngx_ws_buf_t *ngx_ws_buf_form(ngx_ws_buf_t *wb,
    ngx_ws_deflate_t *deflate, ngx_uint_t window,
    ngx_ws_deflate_context_t *context, ngx_log_t *log);


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
    wb->window = 0;
    wb->shared = 0;
    wb->messages = 1;
    wb->deflated = NULL;

    (void) ngx_ws_frame_head(wb->data, first, len);

    return wb;
}


ngx_ws_buf_t *
ngx_ws_buf_join(ngx_ws_buf_t **wbs, ngx_uint_t n, ngx_log_t *log)
{
    size_t         size;
    u_char        *p;
    ngx_uint_t     i;
    ngx_ws_buf_t  *wb;

    size = 0;

    for (i = 0; i < n; i++) {
        size += wbs[i]->size;
    }

    wb = ngx_alloc(sizeof(ngx_ws_buf_t) + size, log);
    if (wb == NULL) {
        return NULL;
    }

    ngx_memzero(wb, sizeof(ngx_ws_buf_t));

    wb->refs = 1;
    wb->size = (uint32_t) size;
    wb->messages = (uint32_t) n;

    p = wb->data;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, wbs[i]->data, wbs[i]->size);
    }

    return wb;
}


ngx_ws_buf_t *
ngx_ws_buf_deflated(ngx_ws_buf_t *wb, ngx_ws_deflate_t *deflate,
    ngx_uint_t server_bits, ngx_log_t *log)
{
    ngx_uint_t     window;
    ngx_ws_buf_t  *form;

    if (ngx_ws_buf_len(wb) < NGX_WS_BUF_DEFLATE_MIN) {
        return wb;
    }

    window = ngx_ws_deflate_window(ngx_ws_buf_len(wb), server_bits);

    for (form = wb->deflated; form; form = form->deflated) {
        if (form->window == window) {
            return form->size ? form : wb;
        }
    }

    form = ngx_ws_buf_form(wb, deflate, window, NULL, log);

    if (form == NULL) {
        /* remembers that it does not pay */

        form = ngx_calloc(sizeof(ngx_ws_buf_t), log);
        if (form == NULL) {
            return wb;
        }

        form->refs = 1;
    }

    form->window = (u_char) window;
    form->deflated = wb->deflated;
    wb->deflated = form;

    return form->size ? form : wb;
}


ngx_ws_buf_t *
ngx_ws_buf_deflate(ngx_ws_buf_t *wb, ngx_ws_deflate_t *deflate,
    ngx_uint_t server_bits, ngx_ws_deflate_context_t *context, ngx_log_t *log)
{
    ngx_uint_t     window;
    ngx_ws_buf_t  *form;

    window = ngx_ws_deflate_window(context->len + ngx_ws_buf_len(wb),
                                   server_bits);

    form = ngx_ws_buf_form(wb, deflate, window, context, log);

    if (form) {
        ngx_ws_deflate_context_add(context, ngx_ws_buf_payload(wb),
                                   ngx_ws_buf_len(wb));
    }

    return form;
}


static ngx_ws_buf_t *
ngx_ws_buf_form(ngx_ws_buf_t *wb, ngx_ws_deflate_t *deflate, ngx_uint_t window,
    ngx_ws_deflate_context_t *context, ngx_log_t *log)
{
    ngx_str_t      out;
    ngx_ws_buf_t  *form;

    if (ngx_ws_deflate_message(deflate, window, context,
                               ngx_ws_buf_payload(wb), ngx_ws_buf_len(wb),
                               &out)
        != NGX_OK)
    {
        return NULL;
    }

    form = ngx_ws_buf_alloc(wb->data[0] | NGX_WS_FRAME_RSV1, out.len, log);

    if (form) {
        ngx_memcpy(ngx_ws_buf_payload(form), out.data, out.len);
    }

    return form;
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
    ngx_ws_buf_t  *form, *next;

    if (--wb->refs) {
        return;
    }

    /* a compressed form may outlive the message in somebody's queue */

    if (wb->window == 0) {
        for (form = wb->deflated; form; form = next) {
            next = form->deflated;
            ngx_ws_buf_unref(form);
        }
    }

    ngx_free(wb);
}
