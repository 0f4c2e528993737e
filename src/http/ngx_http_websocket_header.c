
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>


static ngx_str_t *ngx_http_websocket_header_next(ngx_list_part_t **part,
    ngx_uint_t *i, const char *name);


ngx_str_t *
ngx_http_websocket_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *n)
{
    ngx_str_t        *first, *value;
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;

    i = 0;
    found = 0;
    first = NULL;
    part = &r->headers_in.headers.part;

    while ((value = ngx_http_websocket_header_next(&part, &i, name)) != NULL) {
        if (found++ == 0) {
            first = value;
        }
    }

    if (n) {
        *n = found;
    }

    return first;
}


ngx_int_t
ngx_http_websocket_header_list(ngx_http_request_t *r, const char *name,
    ngx_str_t *list)
{
    u_char           *p;
    size_t            len;
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;

    ngx_str_null(list);

    len = 0;
    i = 0;
    part = &r->headers_in.headers.part;

    while ((value = ngx_http_websocket_header_next(&part, &i, name)) != NULL) {
        len += value->len + 1;
    }

    if (len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    list->data = p;
    list->len = len - 1;

    i = 0;
    part = &r->headers_in.headers.part;

    while ((value = ngx_http_websocket_header_next(&part, &i, name)) != NULL) {
        p = ngx_cpymem(p, value->data, value->len);
        *p++ = ',';
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_websocket_header_add(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  s;

    s.len = ngx_strlen(value);
    s.data = (u_char *) value;

    return ngx_http_websocket_header_add_str(r, name, &s);
}


ngx_int_t
ngx_http_websocket_header_add_str(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;

#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


/* *part and *i tell where to go on */

static ngx_str_t *
ngx_http_websocket_header_next(ngx_list_part_t **part, ngx_uint_t *i,
    const char *name)
{
    size_t            len;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    while (*part) {

        while (*i < (*part)->nelts) {
            h = (ngx_table_elt_t *) (*part)->elts + (*i)++;

            if (h->key.len == len
                && ngx_strncmp(h->lowcase_key, name, len) == 0)
            {
                return &h->value;
            }
        }

        *part = (*part)->next;
        *i = 0;
    }

    return NULL;
}
