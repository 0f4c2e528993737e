
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_http_websocket_reply.h>
#include <ngx_ws_metrics.h>


#define NGX_HTTP_WEBSOCKET_LIMIT_MAX     1000000
#define NGX_HTTP_WEBSOCKET_LIMIT_WINDOW  86400000

/* all that a user has are looked through at a login */
#define NGX_HTTP_WEBSOCKET_LIMIT_CONNECTIONS  1000


static ngx_int_t ngx_http_websocket_limit_refuse(ngx_http_request_t *r,
    ngx_msec_t wait);


char *
ngx_http_websocket_limit_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t       limit, window;
    ngx_str_t      *value;
    ngx_ws_rate_t  *rate;

    rate = (ngx_ws_rate_t *) ((char *) conf + cmd->offset);

    if (rate->limit != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "off") == 0) {
            rate->limit = 0;
            rate->window = 0;
            return NGX_CONF_OK;
        }

        return "needs a limit and a window like \"60 1m\", or \"off\"";
    }

    limit = ngx_atoi(value[1].data, value[1].len);

    if (limit <= 0 || limit > NGX_HTTP_WEBSOCKET_LIMIT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid limit \"%V\" in \"%V\", it must be "
                           "between 1 and %d",
                           &value[1], &value[0], NGX_HTTP_WEBSOCKET_LIMIT_MAX);
        return NGX_CONF_ERROR;
    }

    window = ngx_parse_time(&value[2], 0);

    if (window <= 0 || window > NGX_HTTP_WEBSOCKET_LIMIT_WINDOW) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid window \"%V\" in \"%V\", it must be a "
                           "time up to 1d", &value[2], &value[0]);
        return NGX_CONF_ERROR;
    }

    rate->limit = (ngx_uint_t) limit;
    rate->window = (ngx_msec_t) window;

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_limit_connections(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_loc_conf_t *wlcf = conf;

    ngx_int_t   limit;
    ngx_str_t  *value;

    if (wlcf->service.connection_limit != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wlcf->service.connection_evict = 1;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        wlcf->service.connection_limit = 0;
        return NGX_CONF_OK;
    }

    limit = ngx_atoi(value[1].data, value[1].len);

    if (limit <= 0 || limit > NGX_HTTP_WEBSOCKET_LIMIT_CONNECTIONS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid limit \"%V\" in \"%V\", it must be "
                           "\"off\" or between 1 and %d",
                           &value[1], &value[0],
                           NGX_HTTP_WEBSOCKET_LIMIT_CONNECTIONS);
        return NGX_CONF_ERROR;
    }

    wlcf->service.connection_limit = (ngx_uint_t) limit;

    if (cf->args->nelts == 2
        || ngx_strcmp(value[2].data, "evict_oldest") == 0)
    {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[2].data, "reject") == 0) {
        wlcf->service.connection_evict = 0;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid policy \"%V\" in \"%V\", it must be "
                       "\"evict_oldest\" or \"reject\"",
                       &value[2], &value[0]);

    return NGX_CONF_ERROR;
}


void
ngx_http_websocket_limit_merge(ngx_ws_rate_t *conf, ngx_ws_rate_t *prev,
    ngx_uint_t limit, ngx_msec_t window)
{
    if (conf->limit != NGX_CONF_UNSET_UINT) {
        return;
    }

    if (prev->limit != NGX_CONF_UNSET_UINT) {
        *conf = *prev;
        return;
    }

    conf->limit = limit;
    conf->window = window;
}


ngx_int_t
ngx_http_websocket_limit_failures(ngx_http_request_t *r)
{
    uint64_t                         address;
    ngx_msec_t                       wait;
    ngx_ws_zone_t                   *zone;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    zone = wmcf->conf.zone;

    address = ngx_ws_zone_address(zone, NGX_WS_ZONE_FAILURES,
                                  &r->connection->addr_text);
    (void) ngx_ws_zone_hit(zone, address, &wlcf->service.auth_rate,
                           ngx_ws_worker_now(), 0, &wait);

    return ngx_http_websocket_limit_refuse(r, wait);
}


ngx_int_t
ngx_http_websocket_limit_connect(ngx_http_request_t *r)
{
    uint64_t                         address;
    ngx_msec_t                       wait;
    ngx_ws_zone_t                   *zone;
    ngx_ws_rate_t                   *rate;
    ngx_http_websocket_loc_conf_t   *wlcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_get_module_main_conf(r, ngx_http_websocket_module);
    wlcf = ngx_http_get_module_loc_conf(r, ngx_http_websocket_module);

    zone = wmcf->conf.zone;
    rate = &wlcf->session.connect_rate;

    if (rate->limit == 0) {
        return NGX_DECLINED;
    }

    address = ngx_ws_zone_address(zone, NGX_WS_ZONE_CONNECTS,
                                  &r->connection->addr_text);

    if (ngx_ws_zone_hit(zone, address, rate, ngx_ws_worker_now(), 1, &wait)
        == NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "too many new sessions of one address");

    ngx_ws_metric_add(THROTTLED, 1);

    return ngx_http_websocket_limit_refuse(r, wait);
}


static ngx_int_t
ngx_http_websocket_limit_refuse(ngx_http_request_t *r, ngx_msec_t wait)
{
    if (ngx_http_websocket_throttle_retry(r, wait) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_websocket_reply_error(r, NGX_WS_THROTTLED);
}
