
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>


static ngx_uint_t ngx_http_websocket_bundle_name(ngx_str_t *name);
static ngx_int_t ngx_http_websocket_bundle_open(ngx_http_request_t *r,
    ngx_str_t *path, ngx_open_file_info_t *of);
static ngx_int_t ngx_http_websocket_bundle_headers(ngx_http_request_t *r,
    ngx_str_t *name, ngx_open_file_info_t *of);
static ngx_int_t ngx_http_websocket_bundle_send(ngx_http_request_t *r,
    ngx_str_t *path, ngx_open_file_info_t *of);


/* what the reference server gives out */

static ngx_str_t  ngx_http_websocket_bundle_names[] = {
    ngx_string("socket.io.js"),
    ngx_string("socket.io.min.js"),
    ngx_string("socket.io.esm.min.js"),
    ngx_string("socket.io.msgpack.min.js"),
    ngx_null_string
};


char *
ngx_http_websocket_bundle_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t        *value, dir;
    ngx_file_info_t   fi;

    if (wlcf->bundle.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    dir = value[1];

    if (dir.len == 0) {
        return "names no directory";
    }

    if (ngx_conf_full_name(cf->cycle, &dir, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_file_info(dir.data, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_file_info_n " \"%V\" failed", &dir);
        return NGX_CONF_ERROR;
    }

    if (!ngx_is_dir(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" is not a directory",
                           &dir, &value[0]);
        return NGX_CONF_ERROR;
    }

    wlcf->bundle.data = ngx_pnalloc(cf->pool, dir.len + 1);
    if (wlcf->bundle.data == NULL) {
        return NGX_CONF_ERROR;
    }

    wlcf->bundle.len = ngx_sprintf(wlcf->bundle.data, "%V/", &dir)
                       - wlcf->bundle.data;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_websocket_bundle(ngx_http_request_t *r)
{
    u_char                         *p;
    ngx_int_t                       rc;
    ngx_str_t                       name, path;
    ngx_open_file_info_t            of;
    ngx_http_websocket_loc_conf_t  *wlcf;

    for (p = r->uri.data + r->uri.len; p > r->uri.data; p--) {
        if (p[-1] == '/') {
            break;
        }
    }

    name.data = p;
    name.len = r->uri.data + r->uri.len - p;

    if (!ngx_http_websocket_bundle_name(&name)) {
        return NGX_DECLINED;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {

        if (ngx_http_websocket_header_add(r, "Allow", "GET, HEAD") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_websocket_reply_error(r, NGX_WS_BAD_METHOD);
    }

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (wlcf->bundle.len == 0) {
        return ngx_http_websocket_reply_error(r, NGX_WS_NOT_FOUND);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    path.data = ngx_pnalloc(r->pool, wlcf->bundle.len + name.len + 1);
    if (path.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    path.len = ngx_sprintf(path.data, "%V%V%Z", &wlcf->bundle, &name)
               - path.data - 1;

    rc = ngx_http_websocket_bundle_open(r, &path, &of);

    if (rc == NGX_DECLINED) {
        return ngx_http_websocket_reply_error(r, NGX_WS_NOT_FOUND);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_websocket_bundle_headers(r, &name, &of) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_bundle_send(r, &path, &of);
}


/* a source map has ".map" behind */

static ngx_uint_t
ngx_http_websocket_bundle_name(ngx_str_t *name)
{
    size_t      len;
    ngx_str_t  *s;

    len = name->len;

    if (len > 4 && ngx_strncmp(name->data + len - 4, ".map", 4) == 0) {
        len -= 4;
    }

    for (s = ngx_http_websocket_bundle_names; s->len; s++) {
        if (s->len == len && ngx_strncmp(s->data, name->data, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_websocket_bundle_open(ngx_http_request_t *r, ngx_str_t *path,
    ngx_open_file_info_t *of)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(of, sizeof(ngx_open_file_info_t));

    of->read_ahead = clcf->read_ahead;
    of->directio = clcf->directio;
    of->valid = clcf->open_file_cache_valid;
    of->min_uses = clcf->open_file_cache_min_uses;
    of->errors = clcf->open_file_cache_errors;
    of->events = clcf->open_file_cache_events;

    if (ngx_open_cached_file(clcf->open_file_cache, path, of, r->pool)
        == NGX_OK)
    {
        if (of->is_file) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"%V\" is not a regular file", path);

        return NGX_DECLINED;
    }

    if (of->err == 0) {
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, of->err,
                  "%s \"%V\" failed", of->failed, path);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_websocket_bundle_headers(ngx_http_request_t *r, ngx_str_t *name,
    ngx_open_file_info_t *of)
{
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = of->size;
    r->headers_out.last_modified_time = of->mtime;

    if (name->data[name->len - 1] == 'p') {
        ngx_str_set(&r->headers_out.content_type, "application/json");

    } else {
        ngx_str_set(&r->headers_out.content_type, "application/javascript");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_set(&r->headers_out.charset, "utf-8");

    if (ngx_http_set_etag(r) != NGX_OK
        || ngx_http_websocket_header_add(r, "Cache-Control",
                                         "public, max-age=0")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_websocket_origin_check(r) != NGX_OK) {
        /* a script of another site, which may run it but not read it */
        return ngx_http_websocket_header_add(r, "Vary", "Origin");
    }

    return ngx_http_websocket_origin_headers(r);
}


static ngx_int_t
ngx_http_websocket_bundle_send(ngx_http_request_t *r, ngx_str_t *path,
    ngx_open_file_info_t *of)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));
    if (b->file == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->allow_ranges = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->file_last = of->size;
    b->in_file = b->file_last ? 1 : 0;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    b->file->fd = of->fd;
    b->file->name = *path;
    b->file->log = r->connection->log;
    b->file->directio = of->is_directio;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
