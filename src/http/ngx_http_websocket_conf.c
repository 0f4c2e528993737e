
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_auth.h>
#include <ngx_ws_expiry.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql_conf.h>
#include <ngx_ws_redis_conf.h>
#include <ngx_ws_user.h>
#include <ngx_ws_zone.h>


#define NGX_HTTP_WEBSOCKET_ZONE_SIZE  (8 * 1024 * 1024)

/* a message has to fit into 32 bits together with what is around it */
#define NGX_HTTP_WEBSOCKET_SIZE_MAX   (1024 * 1024 * 1024)

/*
 * Timers of browsers have 31 bits of milliseconds, and what a client waits
 * for is the sum of two.
 */
#define NGX_HTTP_WEBSOCKET_TIME_MAX   86400000

/* in seconds; as Redis' milliseconds it is far from 63 bits */
#define NGX_HTTP_WEBSOCKET_KEEP_MAX   ((time_t) 36500 * 24 * 60 * 60)


typedef struct {
    ngx_http_websocket_door_e     door;
    ngx_str_t                     directive;
    ngx_http_handler_pt           handler;
} ngx_http_websocket_conf_door_t;


static char *ngx_http_websocket_conf_invalid(ngx_conf_t *cf, ngx_str_t *arg);
static char *ngx_http_websocket_conf_open(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_http_websocket_loc_conf_t *wlcf);
static char *ngx_http_websocket_conf_prefix(ngx_conf_t *cf);


static ngx_http_websocket_conf_door_t  ngx_http_websocket_conf_doors[] = {

    { NGX_HTTP_WEBSOCKET_API,
      ngx_string("websocket_api"),
      ngx_http_websocket_api_handler },

    { NGX_HTTP_WEBSOCKET_SOCKETIO,
      ngx_string("websocket_socketio"),
      ngx_http_websocket_engine_handler },

    { NGX_HTTP_WEBSOCKET_RAW,
      ngx_string("websocket"),
      ngx_http_websocket_raw_handler },

    { NGX_HTTP_WEBSOCKET_STATUS,
      ngx_string("websocket_status"),
      ngx_http_websocket_status_handler },

    { NGX_HTTP_WEBSOCKET_NONE, ngx_null_string, NULL }
};


static ngx_conf_enum_t  ngx_http_websocket_conf_echo_values[] = {
    { ngx_string("off"), NGX_WS_ECHO_OFF },
    { ngx_string("on"), NGX_WS_ECHO_ON },
    { ngx_string("engineio"), NGX_WS_ECHO_ENGINEIO },
    { ngx_null_string, 0 }
};


char *
ngx_http_websocket_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    ngx_str_t  *value;

    if (wmcf->redis) {
        return "is duplicate";
    }

    wmcf->redis = 1;

    value = cf->args->elts;

    return ngx_ws_redis_conf(cf, &wmcf->conf.redis, &value[1],
                             cf->args->nelts - 1);
}


char *
ngx_http_websocket_conf_mysql(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    ngx_str_t  *value;

    if (wmcf->mysql) {
        return "is duplicate";
    }

    wmcf->mysql = 1;

    value = cf->args->elts;

    return ngx_ws_mysql_conf(cf, &wmcf->conf.mysql, &value[1],
                             cf->args->nelts - 1);
}


char *
ngx_http_websocket_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    u_char     *p, *end;
    ssize_t     size;
    ngx_str_t  *value, name, s;

    if (wmcf->conf.zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    end = value[1].data + value[1].len;

    p = ngx_strlchr(value[1].data, end, ':');
    if (p == NULL) {
        p = end;
    }

    name.data = value[1].data;
    name.len = p - name.data;

    s.data = (p == end) ? p : p + 1;
    s.len = end - s.data;

    size = ngx_parse_size(&s);

    if (name.len == 0 || size <= 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\" in \"%V\", it must be a name "
                           "and a size like \"websocket:8m\"",
                           &value[1], &value[0]);
        return NGX_CONF_ERROR;
    }

    wmcf->conf.zone = ngx_ws_zone_add(cf, &name, (size_t) size,
                                      &ngx_http_websocket_module);

    return wmcf->conf.zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_websocket_conf_token_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    ngx_int_t   time;
    ngx_str_t  *value;

    if (wmcf->conf.token_cache != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    time = ngx_parse_time(&value[1], 0);
    if (time == NGX_ERROR) {
        return ngx_http_websocket_conf_invalid(cf, &value[1]);
    }

    wmcf->conf.token_cache = (ngx_msec_t) time;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    time = ngx_parse_time(&value[2], 0);
    if (time == NGX_ERROR) {
        return ngx_http_websocket_conf_invalid(cf, &value[2]);
    }

    wmcf->conf.token_cache_miss = (ngx_msec_t) time;

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_conf_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    time_t      time, *retention;
    ngx_str_t  *value, s;
    ngx_uint_t  i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "connections=", 12) == 0) {
            retention = &wmcf->conf.retention_connections;
            s.data = value[i].data + 12;

        } else if (ngx_strncmp(value[i].data, "events=", 7) == 0) {
            retention = &wmcf->conf.retention_events;
            s.data = value[i].data + 7;

        } else {
            return ngx_http_websocket_conf_invalid(cf, &value[i]);
        }

        if (*retention != NGX_CONF_UNSET) {
            return "is duplicate";
        }

        s.len = value[i].data + value[i].len - s.data;

        time = ngx_parse_time(&s, 1);
        if (time == (time_t) NGX_ERROR
            || time == 0
            || time > NGX_HTTP_WEBSOCKET_KEEP_MAX)
        {
            return ngx_http_websocket_conf_invalid(cf, &value[i]);
        }

        *retention = time;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_conf_stats_interval(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    ngx_int_t   time;
    ngx_str_t  *value;

    if (wmcf->conf.stats_interval != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        wmcf->conf.stats_interval = 0;
        return NGX_CONF_OK;
    }

    time = ngx_parse_time(&value[1], 0);
    if (time == NGX_ERROR || time == 0) {
        return ngx_http_websocket_conf_invalid(cf, &value[1]);
    }

    wmcf->conf.stats_interval = (ngx_msec_t) time;

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_conf_auth_query(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t  *value;

    if (wlcf->service.auth_query != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wlcf->service.auth_query = ngx_ws_auth_compile(cf, &value[1]);

    return wlcf->service.auth_query ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_websocket_conf_token_check(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t  *value;

    if (wlcf->service.token_check != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wlcf->service.token_check = ngx_ws_expiry_compile(cf, &value[1]);

    return wlcf->service.token_check ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_websocket_conf_user_query(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t  *value;

    if (wlcf->service.user_query != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    wlcf->service.user_query = ngx_ws_user_compile(cf, &value[1]);

    return wlcf->service.user_query ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_websocket_conf_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcasecmp(value[1].data, (u_char *) "off") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcasecmp(value[1].data, (u_char *) "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"%V\" directive, "
                           "it must be \"on\" or \"off\"",
                           &value[1], &value[0]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_websocket_conf_open(cf, &value[0], wlcf);
}


char *
ngx_http_websocket_conf_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    wlcf->status_format = NGX_WS_METRICS_JSON;

    if (cf->args->nelts == 2) {

        if (ngx_strcmp(value[1].data, "prometheus") == 0) {
            wlcf->status_format = NGX_WS_METRICS_PROMETHEUS;

        } else if (ngx_strcmp(value[1].data, "json") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid format \"%V\" in \"%V\", it must be "
                               "\"json\" or \"prometheus\"",
                               &value[1], &value[0]);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_websocket_conf_open(cf, &value[0], wlcf);
}


char *
ngx_http_websocket_conf_echo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_websocket_loc_conf_t  *wlcf = conf;

    char             *rv;
    ngx_str_t        *value;
    ngx_command_t     echo;

    value = cf->args->elts;

    echo = *cmd;
    echo.post = ngx_http_websocket_conf_echo_values;

    rv = ngx_conf_set_enum_slot(cf, &echo, conf);

    if (rv != NGX_CONF_OK || wlcf->session.echo == NGX_WS_ECHO_OFF) {
        return rv;
    }

    if (ngx_http_websocket_place_add(cf, &value[0], wlcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_conf_time(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *time = data;

    if (*time == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" must not be 0",
                           cf->args->elts);
        return NGX_CONF_ERROR;
    }

    if (*time > NGX_HTTP_WEBSOCKET_TIME_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" must be 1d at most",
                           cf->args->elts);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_websocket_conf_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    if (*size == 0 || *size > NGX_HTTP_WEBSOCKET_SIZE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must be between 1 and 1g",
                           cf->args->elts);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_websocket_conf_invalid(ngx_conf_t *cf, ngx_str_t *arg)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\" in \"%V\"",
                       arg, cf->args->elts);

    return NGX_CONF_ERROR;
}


/* a location has one content handler */

static char *
ngx_http_websocket_conf_open(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_http_websocket_loc_conf_t *wlcf)
{
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_websocket_conf_door_t  *d, *other;

    d = ngx_http_websocket_conf_doors;
    other = NULL;

    for ( /* void */ ; d->directive.len; d++) {

        if (d->door == wlcf->door) {
            other = d;
        }
    }

    for (d = ngx_http_websocket_conf_doors; d->directive.len; d++) {

        if (d->directive.len == directive->len
            && ngx_strncmp(d->directive.data, directive->data, directive->len)
               == 0)
        {
            break;
        }
    }

    if (other == d) {
        return "is duplicate";
    }

    if (other) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" conflicts with \"%V\" in the same "
                           "location", directive, &other->directive);
        return NGX_CONF_ERROR;
    }

    if (d->door == NGX_HTTP_WEBSOCKET_API
        && ngx_http_websocket_conf_prefix(cf) != NGX_CONF_OK)
    {
        return "needs a location with a prefix, neither exact (\"=\") nor "
               "with a regular expression nor named";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "conflicts with another content handler of the location";
    }

    clcf->handler = d->handler;

    wlcf->door = d->door;
    wlcf->handler = d->handler;

    if (ngx_http_websocket_place_add(cf, directive, wlcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* routes are found by what follows the location's name */

static char *
ngx_http_websocket_conf_prefix(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->exact_match || clcf->named) {
        return NGX_CONF_ERROR;
    }

#if (NGX_PCRE)

    if (clcf->regex) {
        return NGX_CONF_ERROR;
    }

#endif

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_websocket_conf_defaults(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf)
{
    ngx_str_t  name;

    if (wmcf->conf.zone == NULL && wmcf->places.nelts) {

        ngx_str_set(&name, "websocket");

        wmcf->conf.zone = ngx_ws_zone_add(cf, &name,
                                          NGX_HTTP_WEBSOCKET_ZONE_SIZE,
                                          &ngx_http_websocket_module);
        if (wmcf->conf.zone == NULL) {
            return NGX_ERROR;
        }
    }

    if (!wmcf->mysql) {
        return NGX_OK;
    }

    wmcf->auth_query = ngx_ws_auth_compile(cf, NULL);
    wmcf->token_check = ngx_ws_expiry_compile(cf, NULL);
    wmcf->user_query = ngx_ws_user_compile(cf, NULL);

    if (wmcf->auth_query == NULL || wmcf->token_check == NULL
        || wmcf->user_query == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
