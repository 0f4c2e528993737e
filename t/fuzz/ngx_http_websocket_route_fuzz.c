
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * First byte: the location and the slash at its end; the rest: the path of a
 * request line, which nginx' own parser reads first.  A route that is found is
 * the one that its path spells.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>

#include "fuzz.h"
#include "test.h"


static ngx_int_t line(ngx_http_request_t *r, const uint8_t *data, size_t size);
static ngx_int_t uri(ngx_http_request_t *r);
static void find(ngx_http_request_t *r, ngx_str_t *name);
static void spelt(ngx_http_request_t *r, ngx_str_t *name,
    const ngx_http_websocket_route_t *route, ngx_str_t *param);


static const ngx_uint_t  methods[] = {
    NGX_HTTP_GET, NGX_HTTP_HEAD, NGX_HTTP_POST, NGX_HTTP_PUT
};

ngx_module_t  ngx_http_core_module;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void                       *conf[1];
    ngx_uint_t                  i;
    ngx_connection_t            c;
    ngx_http_request_t          r;
    ngx_http_core_loc_conf_t    clcf;

    static ngx_str_t  names[] = {
        ngx_string("/api/"),
        ngx_string("/api"),
        ngx_string("/"),
        ngx_string("")
    };

    if (size == 0) {
        return 0;
    }

    ngx_memzero(&r, sizeof(ngx_http_request_t));
    ngx_memzero(&c, sizeof(ngx_connection_t));
    ngx_memzero(&clcf, sizeof(ngx_http_core_loc_conf_t));

    c.log = &test_log;
    r.connection = &c;

    clcf.name = names[data[0] % 4];
    conf[0] = &clcf;
    r.loc_conf = conf;

    r.pool = ngx_create_pool(1024, &test_log);

    if (r.pool == NULL) {
        abort();
    }

    if (line(&r, data + 1, size - 1) == NGX_OK
        && uri(&r) == NGX_OK
        && r.uri.len >= clcf.name.len
        && ngx_strncmp(r.uri.data, clcf.name.data, clcf.name.len) == 0)
    {

        for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
            r.method = methods[i];
            find(&r, &clcf.name);
        }
    }

    ngx_destroy_pool(r.pool);

    return 0;
}


static ngx_int_t
line(ngx_http_request_t *r, const uint8_t *data, size_t size)
{
    u_char     *p;
    ngx_buf_t   b;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    p = ngx_pnalloc(r->pool, size + sizeof("GET  HTTP/1.1\r\n"));
    if (p == NULL) {
        abort();
    }

    b.pos = p;
    b.start = p;

    p = ngx_cpymem(p, "GET ", sizeof("GET ") - 1);
    p = ngx_cpymem(p, data, size);
    b.last = ngx_cpymem(p, " HTTP/1.1\r\n", sizeof(" HTTP/1.1\r\n") - 1);
    b.end = b.last;

    return ngx_http_parse_request_line(r, &b);
}


/* as ngx_http_process_request_uri() does it */

static ngx_int_t
uri(ngx_http_request_t *r)
{
    if (r->uri_start == NULL || r->uri_end == NULL) {
        return NGX_ERROR;
    }

    r->uri.len = (r->args_start ? r->args_start - 1 : r->uri_end)
                 - r->uri_start;
    r->uri.data = r->uri_start;

    r->unparsed_uri.len = r->uri_end - r->uri_start;
    r->unparsed_uri.data = r->uri_start;
    r->valid_unparsed_uri = 1;

    if (!r->complex_uri && !r->quoted_uri) {
        return r->uri.len ? NGX_OK : NGX_ERROR;
    }

    r->uri.data = ngx_pnalloc(r->pool, r->uri_end - r->uri_start + 1);
    if (r->uri.data == NULL) {
        abort();
    }

    return ngx_http_parse_complex_uri(r, 1);
}


static void
find(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_int_t                          rc;
    ngx_str_t                          param;
    ngx_uint_t                         mask, method;
    const ngx_http_websocket_route_t  *route;

    route = NULL;

    rc = ngx_http_websocket_route_find(r, &route, &param, &mask);

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    switch (rc) {

    case NGX_OK:
        if (route == NULL || route->method != method || !(mask & method)) {
            abort();
        }

        spelt(r, name, route, &param);
        break;

    case NGX_DECLINED:
        if (mask == 0 || (mask & method)
            || ngx_http_websocket_route_methods(mask)->len == 0)
        {
            abort();
        }

        break;

    case NGX_HTTP_NOT_FOUND:
        if (mask) {
            abort();
        }

        break;

    default:
        abort();
    }
}


/* location, slash, pattern with the parameter in its place, slash or not */

static void
spelt(ngx_http_request_t *r, ngx_str_t *name,
    const ngx_http_websocket_route_t *route, ngx_str_t *param)
{
    u_char     *p, *brace;
    size_t      len;
    ngx_str_t   path;

    len = name->len + 1 + route->pattern.len + param->len + 1;

    path.data = ngx_pnalloc(r->pool, len);
    if (path.data == NULL) {
        abort();
    }

    p = ngx_cpymem(path.data, name->data, name->len);

    if (name->len && p[-1] != '/') {
        *p++ = '/';
    }

    brace = ngx_strlchr(route->pattern.data,
                        route->pattern.data + route->pattern.len, '{');

    if ((brace != NULL) != (param->len != 0)) {
        abort();
    }

    len = brace ? (size_t) (brace - route->pattern.data) : route->pattern.len;

    p = ngx_cpymem(p, route->pattern.data, len);

    if (param->len) {
        p = ngx_cpymem(p, param->data, param->len);
    }

    path.len = p - path.data;

    len = r->uri.len;

    if (len == path.len + 1 && r->uri.data[path.len] == '/') {
        len--;
    }

    if (len != path.len || ngx_memcmp(r->uri.data, path.data, len) != 0) {
        abort();
    }
}


/* what the table names */

#define stub(name)                                                            \
                                                                              \
    void                                                                      \
    ngx_http_websocket_api_##name(ngx_http_request_t *r, ngx_ws_call_t *call, \
        ngx_ws_json_t *in)                                                    \
    {                                                                         \
        /* never called */                                                    \
    }

stub(connect)
stub(disconnect)
stub(subscribe)
stub(unsubscribe)
stub(presence_set)
stub(presence_get)
stub(presence_online)
stub(typing_set)
stub(typing_list)
stub(stats)
