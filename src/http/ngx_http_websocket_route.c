
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket_route.h>


#define NGX_HTTP_WEBSOCKET_ROUTE_SEGMENTS  2


typedef struct {
    ngx_str_t                     segments[NGX_HTTP_WEBSOCKET_ROUTE_SEGMENTS];
    ngx_uint_t                    n;
} ngx_http_websocket_path_t;


static ngx_int_t ngx_http_websocket_route_tail(ngx_http_request_t *r,
    ngx_str_t *tail);
static ngx_uint_t ngx_http_websocket_route_raw(ngx_http_request_t *r,
    ngx_str_t *tail);
static ngx_int_t ngx_http_websocket_route_split(ngx_http_request_t *r,
    ngx_str_t *tail, ngx_uint_t encoded, ngx_http_websocket_path_t *path);
static ngx_uint_t ngx_http_websocket_route_match(ngx_str_t *pattern,
    ngx_http_websocket_path_t *path, ngx_str_t *param);


static ngx_http_websocket_route_t  ngx_http_websocket_routes[] = {

    { NGX_HTTP_POST,
      ngx_string("connect"),
      NGX_HTTP_CREATED,
      ngx_http_websocket_api_connect },

    { NGX_HTTP_POST,
      ngx_string("disconnect"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_disconnect },

    { NGX_HTTP_POST,
      ngx_string("subscribe"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_subscribe },

    { NGX_HTTP_POST,
      ngx_string("unsubscribe"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_unsubscribe },

    { NGX_HTTP_POST,
      ngx_string("presence/update"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_presence_set },

    { NGX_HTTP_GET,
      ngx_string("presence/{user}"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_presence_get },

    { NGX_HTTP_GET,
      ngx_string("online-users"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_presence_online },

    { NGX_HTTP_POST,
      ngx_string("typing"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_typing_set },

    { NGX_HTTP_GET,
      ngx_string("typing/{conversation}"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_typing_list },

    { NGX_HTTP_GET,
      ngx_string("stats"),
      NGX_HTTP_OK,
      ngx_http_websocket_api_stats },

    { 0, ngx_null_string, 0, NULL }
};


ngx_int_t
ngx_http_websocket_route_find(ngx_http_request_t *r,
    const ngx_http_websocket_route_t **route, ngx_str_t *param,
    ngx_uint_t *methods)
{
    ngx_str_t                    tail;
    ngx_uint_t                   encoded, method;
    ngx_http_websocket_path_t    path;
    ngx_http_websocket_route_t  *rt;

    *methods = 0;

    if (ngx_http_websocket_route_tail(r, &tail) != NGX_OK) {
        return NGX_HTTP_NOT_FOUND;
    }

    encoded = ngx_http_websocket_route_raw(r, &tail);

    switch (ngx_http_websocket_route_split(r, &tail, encoded, &path)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return NGX_HTTP_NOT_FOUND;

    default:
        return NGX_ERROR;
    }

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (rt = ngx_http_websocket_routes; rt->handler; rt++) {

        if (!ngx_http_websocket_route_match(&rt->pattern, &path, param)) {
            continue;
        }

        *methods |= rt->method;

        if (rt->method == method) {
            *route = rt;
            return NGX_OK;
        }
    }

    return *methods ? NGX_DECLINED : NGX_HTTP_NOT_FOUND;
}


ngx_str_t *
ngx_http_websocket_route_methods(ngx_uint_t methods)
{
    static ngx_str_t  get = ngx_string("GET, HEAD");
    static ngx_str_t  post = ngx_string("POST");
    static ngx_str_t  both = ngx_string("GET, HEAD, POST");

    switch (methods) {

    case NGX_HTTP_GET:
        return &get;

    case NGX_HTTP_POST:
        return &post;

    default:
        return &both;
    }
}


/* what follows the location's prefix and a slash */

static ngx_int_t
ngx_http_websocket_route_tail(ngx_http_request_t *r, ngx_str_t *tail)
{
    size_t                     n;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    n = clcf->name.len;

    if (r->uri.len < n) {
        return NGX_DECLINED;
    }

    if (n && r->uri.data[n - 1] != '/') {

        if (r->uri.len == n || r->uri.data[n] != '/') {
            return NGX_DECLINED;
        }

        n++;
    }

    tail->data = r->uri.data + n;
    tail->len = r->uri.len - n;

    return NGX_OK;
}


/*
 * nginx has decoded the path, so that "%2F" in an id looks like the end of
 * the segment: takes the end of what the client sent that decodes to the tail
 * instead, if there is one.  Gives 1 if the tail is percent-encoded now.
 */

static ngx_uint_t
ngx_http_websocket_route_raw(ngx_http_request_t *r, ngx_str_t *tail)
{
    u_char  *p, *end, *src, *dst, *decoded;

    if (!r->quoted_uri || !r->valid_unparsed_uri || tail->len == 0) {
        return 0;
    }

    p = r->unparsed_uri.data;

    end = ngx_strlchr(p, p + r->unparsed_uri.len, '?');
    if (end == NULL) {
        end = p + r->unparsed_uri.len;
    }

    decoded = ngx_pnalloc(r->pool, end - p);
    if (decoded == NULL) {
        return 0;
    }

    while (p < end) {

        if (*p++ != '/') {
            continue;
        }

        src = p;
        dst = decoded;
        ngx_unescape_uri(&dst, &src, end - p, 0);

        if ((size_t) (dst - decoded) == tail->len
            && ngx_memcmp(decoded, tail->data, tail->len) == 0)
        {
            tail->data = p;
            tail->len = end - p;
            return 1;
        }
    }

    return 0;
}


/* a slash at the end does not count */

static ngx_int_t
ngx_http_websocket_route_split(ngx_http_request_t *r, ngx_str_t *tail,
    ngx_uint_t encoded, ngx_http_websocket_path_t *path)
{
    u_char     *p, *end, *slash, *src, *dst;
    ngx_str_t  *s;

    p = tail->data;
    end = tail->data + tail->len;

    if (p < end && end[-1] == '/') {
        end--;
    }

    for (path->n = 0; p < end; p = slash + 1) {

        if (path->n == NGX_HTTP_WEBSOCKET_ROUTE_SEGMENTS) {
            return NGX_DECLINED;
        }

        slash = ngx_strlchr(p, end, '/');
        if (slash == NULL) {
            slash = end;
        }

        s = &path->segments[path->n++];
        s->data = p;
        s->len = slash - p;

        if (!encoded) {
            continue;
        }

        s->data = ngx_pnalloc(r->pool, s->len + 1);
        if (s->data == NULL) {
            return NGX_ERROR;
        }

        src = p;
        dst = s->data;
        ngx_unescape_uri(&dst, &src, slash - p, 0);
        s->len = dst - s->data;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_websocket_route_match(ngx_str_t *pattern,
    ngx_http_websocket_path_t *path, ngx_str_t *param)
{
    u_char      *p, *end, *slash;
    ngx_str_t   *s;
    ngx_uint_t   i;

    ngx_str_null(param);

    p = pattern->data;
    end = pattern->data + pattern->len;

    for (i = 0; p < end; i++) {

        if (i == path->n) {
            return 0;
        }

        s = &path->segments[i];

        slash = ngx_strlchr(p, end, '/');
        if (slash == NULL) {
            slash = end;
        }

        if (*p == '{') {

            if (s->len == 0) {
                return 0;
            }

            *param = *s;

        } else if (s->len != (size_t) (slash - p)
                   || ngx_strncmp(s->data, p, s->len) != 0)
        {
            return 0;
        }

        p = slash + 1;
    }

    return i == path->n;
}
