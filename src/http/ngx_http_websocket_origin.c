
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>


/*
 * Origins (RFC 6454): "null", or scheme "://" host [ ":" port ]; those of the
 * directive may also be "*" or have "*." in front of the host.
 */

typedef struct {
    ngx_str_t                     scheme;
    ngx_str_t                     host;          /* behind "*." */
    in_port_t                     port;          /* 0: not known */
    unsigned                      any:1;
    unsigned                      subdomains:1;
} ngx_http_websocket_origin_t;


static ngx_int_t ngx_http_websocket_origin_parse(ngx_str_t *text,
    ngx_http_websocket_origin_t *o);
static ngx_int_t ngx_http_websocket_origin_authority(u_char *p, u_char *end,
    ngx_http_websocket_origin_t *o);
static in_port_t ngx_http_websocket_origin_port(ngx_str_t *scheme);
static ngx_uint_t ngx_http_websocket_origin_same(ngx_http_request_t *r,
    ngx_http_websocket_origin_t *o);
static ngx_uint_t ngx_http_websocket_origin_listed(ngx_array_t *origins,
    ngx_http_websocket_origin_t *o);
static ngx_uint_t ngx_http_websocket_origin_equal(ngx_str_t *a, ngx_str_t *b);


char *
ngx_http_websocket_origin_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t                    *value;
    ngx_uint_t                    i;
    ngx_http_websocket_origin_t  *o;

    if (wlcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wlcf->origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                     sizeof(ngx_http_websocket_origin_t));
    if (wlcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        o = ngx_array_push(wlcf->origins);
        if (o == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_http_websocket_origin_parse(&value[i], o) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\" in \"%V\", it must be "
                               "like \"https://app.example.com\", "
                               "\"https://*.example.com\" or \"*\", "
                               "without a path", &value[i], &value[0]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_websocket_origin_check(ngx_http_request_t *r)
{
    ngx_str_t                      *value;
    ngx_uint_t                      n;
    ngx_http_websocket_origin_t     o;
    ngx_http_websocket_loc_conf_t  *wlcf;

    value = ngx_http_websocket_header(r, "origin", &n);
    if (value == NULL) {
        return NGX_OK;
    }

    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    if (n == 1
        && ngx_http_websocket_origin_parse(value, &o) == NGX_OK
        && !o.any
        && !o.subdomains
        && (ngx_http_websocket_origin_same(r, &o)
            || ngx_http_websocket_origin_listed(wlcf->origins, &o)))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "origin \"%V\" is not allowed, "
                  "see \"websocket_allowed_origins\"", value);

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_websocket_origin_headers(ngx_http_request_t *r)
{
    ngx_str_t  *origin;

    if (ngx_http_websocket_header_add(r, "Vary", "Origin") != NGX_OK) {
        return NGX_ERROR;
    }

    origin = ngx_http_websocket_header(r, "origin", NULL);
    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_http_websocket_header_add_str(r, "Access-Control-Allow-Origin",
                                            origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_websocket_header_add(r, "Access-Control-Allow-Credentials",
                                        "true")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_websocket_header_add(r, "Access-Control-Expose-Headers",
                                           "Retry-After, X-RateLimit-Limit, "
                                           "X-RateLimit-Remaining, "
                                           "X-RateLimit-Reset");
}


ngx_int_t
ngx_http_websocket_origin_preflight(ngx_http_request_t *r, ngx_str_t *methods)
{
    ngx_str_t  *headers;

    if (ngx_http_websocket_header(r, "access-control-request-method", NULL)
        == NULL)
    {
        return NGX_OK;
    }

    if (ngx_http_websocket_header_add_str(r, "Access-Control-Allow-Methods",
                                            methods)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    headers = ngx_http_websocket_header(r, "access-control-request-headers",
                                        NULL);

    if (headers
        && ngx_http_websocket_header_add_str(r,
                                               "Access-Control-Allow-Headers",
                                               headers)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_websocket_header_add(r, "Access-Control-Max-Age", "600");
}


static ngx_int_t
ngx_http_websocket_origin_parse(ngx_str_t *text,
    ngx_http_websocket_origin_t *o)
{
    u_char  *p, *end;

    ngx_memzero(o, sizeof(ngx_http_websocket_origin_t));

    if (text->len == 1 && text->data[0] == '*') {
        o->any = 1;
        return NGX_OK;
    }

    if (text->len == 4 && ngx_strncmp(text->data, "null", 4) == 0) {
        o->scheme = *text;
        return NGX_OK;
    }

    end = text->data + text->len;

    for (p = text->data; p < end && *p != ':'; p++) {
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
              || (*p >= '0' && *p <= '9') || *p == '+' || *p == '-'
              || *p == '.'))
        {
            return NGX_ERROR;
        }
    }

    o->scheme.data = text->data;
    o->scheme.len = p - text->data;

    if (o->scheme.len == 0
        || end - p <= 3
        || ngx_strncmp(p, "://", 3) != 0)
    {
        return NGX_ERROR;
    }

    p += 3;

    if (end - p > 2 && p[0] == '*' && p[1] == '.') {
        o->subdomains = 1;
        p += 2;
    }

    if (ngx_http_websocket_origin_authority(p, end, o) != NGX_OK) {
        return NGX_ERROR;
    }

    if (o->port == 0) {
        o->port = ngx_http_websocket_origin_port(&o->scheme);
    }

    return NGX_OK;
}


/* host [ ":" port ], as in the Host field */

static ngx_int_t
ngx_http_websocket_origin_authority(u_char *p, u_char *end,
    ngx_http_websocket_origin_t *o)
{
    ngx_int_t   port;
    ngx_uint_t  brackets;

    o->host.data = p;
    brackets = (p < end && *p == '[');

    for ( /* void */ ; p < end; p++) {

        if (*p == ':' && !brackets) {
            break;
        }

        if (*p == ']') {
            p++;
            break;
        }

        if (*p <= 0x20 || *p >= 0x7f || ngx_strchr("/?#@\\\"*,", *p)) {
            return NGX_ERROR;
        }
    }

    o->host.len = p - o->host.data;
    o->port = 0;

    if (o->host.len == 0) {
        return NGX_ERROR;
    }

    if (p == end) {
        return NGX_OK;
    }

    if (*p++ != ':') {
        return NGX_ERROR;
    }

    port = ngx_atoi(p, end - p);
    if (port < 1 || port > 65535) {
        return NGX_ERROR;
    }

    o->port = (in_port_t) port;

    return NGX_OK;
}


static in_port_t
ngx_http_websocket_origin_port(ngx_str_t *scheme)
{
    static ngx_str_t  http = ngx_string("http");
    static ngx_str_t  https = ngx_string("https");

    if (ngx_http_websocket_origin_equal(scheme, &http)) {
        return 80;
    }

    if (ngx_http_websocket_origin_equal(scheme, &https)) {
        return 443;
    }

    return 0;
}


/*
 * Without TLS here the scheme is not compared, nor then is a port that Host
 * leaves out: the connection may come from a proxy that ends TLS.
 */

static ngx_uint_t
ngx_http_websocket_origin_same(ngx_http_request_t *r,
    ngx_http_websocket_origin_t *o)
{
    ngx_str_t                    *host;
    ngx_http_websocket_origin_t   h;

    if (r->headers_in.host == NULL || o->host.len == 0) {
        return 0;
    }

    host = &r->headers_in.host->value;

    if (ngx_http_websocket_origin_authority(host->data,
                                            host->data + host->len, &h)
        != NGX_OK)
    {
        return 0;
    }

    h.scheme = o->scheme;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        ngx_str_set(&h.scheme, "https");
    }
#endif

    if (h.port == 0) {
        h.port = ngx_http_websocket_origin_port(&h.scheme);
    }

    return ngx_http_websocket_origin_equal(&h.scheme, &o->scheme)
           && ngx_http_websocket_origin_equal(&h.host, &o->host)
           && h.port == o->port;
}


static ngx_uint_t
ngx_http_websocket_origin_listed(ngx_array_t *origins,
    ngx_http_websocket_origin_t *o)
{
    size_t                        n;
    ngx_str_t                     host;
    ngx_uint_t                    i;
    ngx_http_websocket_origin_t  *a;

    if (origins == NULL) {
        return 0;
    }

    a = origins->elts;

    for (i = 0; i < origins->nelts; i++) {

        if (a[i].any) {
            return 1;
        }

        if (!ngx_http_websocket_origin_equal(&a[i].scheme, &o->scheme)
            || a[i].port != o->port)
        {
            continue;
        }

        host = o->host;

        if (a[i].subdomains) {

            if (host.len < a[i].host.len + 2) {
                continue;
            }

            n = host.len - a[i].host.len;

            if (host.data[n - 1] != '.') {
                continue;
            }

            host.data += n;
            host.len -= n;
        }

        if (ngx_http_websocket_origin_equal(&a[i].host, &host)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_websocket_origin_equal(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}
