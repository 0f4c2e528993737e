
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>
#include <ngx_ws_relay.h>
#include <ngx_ws_session.h>


static ngx_int_t ngx_http_websocket_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_websocket_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_websocket_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_websocket_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_websocket_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_websocket_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_websocket_init_process(ngx_cycle_t *cycle);
static void ngx_http_websocket_exit_process(ngx_cycle_t *cycle);


static ngx_conf_post_t  ngx_http_websocket_time_post = {
    ngx_http_websocket_conf_time
};

static ngx_conf_post_t  ngx_http_websocket_size_post = {
    ngx_http_websocket_conf_size
};


static ngx_command_t  ngx_http_websocket_commands[] = {

    { ngx_string("websocket_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_websocket_conf_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_mysql"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_websocket_conf_mysql,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_token_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_conf_token_cache,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_retention"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_conf_retention,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_stats_interval"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_stats_interval,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_auth_query"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_auth_query,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_token_check_query"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_token_check,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_user_query"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_user_query,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_allowed_origins"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_websocket_origin_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_socketio"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_conf_echo,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.echo),
      NULL },

    { ngx_string("websocket_ping_interval"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.ping_interval),
      &ngx_http_websocket_time_post },

    { ngx_string("websocket_ping_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.ping_timeout),
      &ngx_http_websocket_time_post },

    { ngx_string("websocket_upgrade_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.upgrade_timeout),
      &ngx_http_websocket_time_post },

    { ngx_string("websocket_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.connect_timeout),
      &ngx_http_websocket_time_post },

    { ngx_string("websocket_max_message_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.max_message_size),
      &ngx_http_websocket_size_post },

    { ngx_string("websocket_typing_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, service.typing_ttl),
      &ngx_http_websocket_time_post },

    { ngx_string("websocket_presence_grace"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, service.presence_grace),
      NULL },

    { ngx_string("websocket_throttle"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_limit_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, service.throttle),
      NULL },

    { ngx_string("websocket_connection_limit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_limit_connections,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("websocket_connect_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_limit_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.connect_rate),
      NULL },

    { ngx_string("websocket_auth_failure_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_limit_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, service.auth_rate),
      NULL },

    { ngx_string("websocket_event_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_websocket_limit_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.event_rate),
      NULL },

    { ngx_string("websocket_send_queue"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.send_queue),
      &ngx_http_websocket_size_post },

    { ngx_string("websocket_compression"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_websocket_loc_conf_t, session.compression),
      NULL },

    { ngx_string("websocket_socketio_bundle"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_websocket_bundle_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_websocket_module_ctx = {
    ngx_http_websocket_preconfiguration,   /* preconfiguration */
    ngx_http_websocket_postconfiguration,  /* postconfiguration */

    ngx_http_websocket_create_main_conf,   /* create main configuration */
    ngx_http_websocket_init_main_conf,     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_websocket_create_loc_conf,    /* create location configuration */
    ngx_http_websocket_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_websocket_module = {
    NGX_MODULE_V1,
    &ngx_http_websocket_module_ctx,        /* module context */
    ngx_http_websocket_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_websocket_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_websocket_exit_process,       /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_websocket_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_websocket_variables_add(cf);
}


static ngx_int_t
ngx_http_websocket_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_websocket_module);

    return ngx_http_websocket_place_check(cf, wmcf);
}


static void *
ngx_http_websocket_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_websocket_main_conf_t));
    if (wmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     wmcf->conf.redis, wmcf->conf.mysql = { 0 };
     *     wmcf->conf.zone = NULL;
     *     wmcf->auth_query, wmcf->token_check, wmcf->user_query = NULL;
     *     wmcf->loop, wmcf->worker = NULL;
     *     wmcf->redis, wmcf->mysql, wmcf->warned, wmcf->warned_check = 0;
     */

    wmcf->conf.token_cache = NGX_CONF_UNSET_MSEC;
    wmcf->conf.token_cache_miss = NGX_CONF_UNSET_MSEC;
    wmcf->conf.retention_connections = NGX_CONF_UNSET;
    wmcf->conf.retention_events = NGX_CONF_UNSET;
    wmcf->conf.stats_interval = NGX_CONF_UNSET_MSEC;

    if (ngx_array_init(&wmcf->places, cf->pool, 4,
                       sizeof(ngx_http_websocket_place_t))
        != NGX_OK)
    {
        return NULL;
    }

    return wmcf;
}


static char *
ngx_http_websocket_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_websocket_main_conf_t  *wmcf = conf;

    ngx_conf_init_msec_value(wmcf->conf.token_cache, 60000);
    ngx_conf_init_msec_value(wmcf->conf.token_cache_miss, 5000);
    ngx_conf_init_value(wmcf->conf.retention_connections, 24 * 60 * 60);
    ngx_conf_init_value(wmcf->conf.retention_events, 30 * 24 * 60 * 60);
    ngx_conf_init_msec_value(wmcf->conf.stats_interval, 60000);

    if (ngx_http_websocket_conf_defaults(cf, wmcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_websocket_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_websocket_loc_conf_t  *wlcf;

    wlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_websocket_loc_conf_t));
    if (wlcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     wlcf->door = NGX_HTTP_WEBSOCKET_NONE;
     *     wlcf->handler = NULL;
     *     wlcf->service.log = NULL;
     *     wlcf->bundle = { 0, NULL };
     *     wlcf->status_format = 0;
     */

    wlcf->session.ping_interval = NGX_CONF_UNSET_MSEC;
    wlcf->session.ping_timeout = NGX_CONF_UNSET_MSEC;
    wlcf->session.upgrade_timeout = NGX_CONF_UNSET_MSEC;
    wlcf->session.connect_timeout = NGX_CONF_UNSET_MSEC;
    wlcf->session.max_message_size = NGX_CONF_UNSET_SIZE;
    wlcf->session.send_queue = NGX_CONF_UNSET_SIZE;
    wlcf->session.compression = NGX_CONF_UNSET;
    wlcf->session.event_rate.limit = NGX_CONF_UNSET_UINT;
    wlcf->session.connect_rate.limit = NGX_CONF_UNSET_UINT;
    wlcf->session.echo = NGX_CONF_UNSET_UINT;

    wlcf->service.auth_query = NGX_CONF_UNSET_PTR;
    wlcf->service.token_check = NGX_CONF_UNSET_PTR;
    wlcf->service.user_query = NGX_CONF_UNSET_PTR;
    wlcf->service.typing_ttl = NGX_CONF_UNSET_MSEC;
    wlcf->service.presence_grace = NGX_CONF_UNSET_MSEC;
    wlcf->service.throttle.limit = NGX_CONF_UNSET_UINT;
    wlcf->service.auth_rate.limit = NGX_CONF_UNSET_UINT;
    wlcf->service.connection_limit = NGX_CONF_UNSET_UINT;
    wlcf->service.connection_evict = NGX_CONF_UNSET_UINT;

    wlcf->origins = NGX_CONF_UNSET_PTR;

    return wlcf;
}


static char *
ngx_http_websocket_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_websocket_loc_conf_t  *prev = parent;
    ngx_http_websocket_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_websocket_main_conf_t  *wmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    wmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_websocket_module);

    ngx_conf_merge_msec_value(conf->session.ping_interval,
                              prev->session.ping_interval, 25000);
    ngx_conf_merge_msec_value(conf->session.ping_timeout,
                              prev->session.ping_timeout, 20000);
    ngx_conf_merge_msec_value(conf->session.upgrade_timeout,
                              prev->session.upgrade_timeout, 10000);
    ngx_conf_merge_msec_value(conf->session.connect_timeout,
                              prev->session.connect_timeout, 45000);
    ngx_conf_merge_size_value(conf->session.max_message_size,
                              prev->session.max_message_size, 1000000);
    ngx_conf_merge_size_value(conf->session.send_queue,
                              prev->session.send_queue, 1024 * 1024);
    ngx_conf_merge_value(conf->session.compression,
                              prev->session.compression, 0);
    ngx_http_websocket_limit_merge(&conf->session.event_rate,
                              &prev->session.event_rate, 0, 0);
    ngx_http_websocket_limit_merge(&conf->session.connect_rate,
                              &prev->session.connect_rate, 0, 0);

    conf->session.service = &conf->service;
    conf->service.log = clcf->error_log;

    ngx_conf_merge_ptr_value(conf->service.auth_query,
                              prev->service.auth_query, wmcf->auth_query);
    ngx_conf_merge_ptr_value(conf->service.token_check,
                              prev->service.token_check, wmcf->token_check);

    if (conf->service.auth_query != wmcf->auth_query
        && conf->service.token_check == wmcf->token_check)
    {
        /* which is good for the default query alone */
        conf->service.token_check = NULL;
    }

    ngx_conf_merge_ptr_value(conf->service.user_query,
                              prev->service.user_query, wmcf->user_query);
    ngx_conf_merge_msec_value(conf->service.typing_ttl,
                              prev->service.typing_ttl, 30000);
    ngx_conf_merge_msec_value(conf->service.presence_grace,
                              prev->service.presence_grace, 5000);
    ngx_http_websocket_limit_merge(&conf->service.throttle,
                              &prev->service.throttle, 60, 60000);
    ngx_http_websocket_limit_merge(&conf->service.auth_rate,
                              &prev->service.auth_rate, 0, 0);
    ngx_conf_merge_uint_value(conf->service.connection_limit,
                              prev->service.connection_limit, 0);
    ngx_conf_merge_uint_value(conf->service.connection_evict,
                              prev->service.connection_evict, 1);

    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_str_value(conf->bundle, prev->bundle, "");

    if (clcf->noname && clcf->handler == NULL) {
        /* an "if" or "limit_except" inside of a location */
        conf->door = prev->door;
        conf->handler = prev->handler;
        conf->status_format = prev->status_format;

        ngx_conf_merge_uint_value(conf->session.echo, prev->session.echo,
                              NGX_WS_ECHO_OFF);

        clcf->handler = conf->handler;
    }

    ngx_conf_init_uint_value(conf->session.echo, NGX_WS_ECHO_OFF);

    if (conf->door != NGX_HTTP_WEBSOCKET_NONE) {
        /* websocket_max_message_size limits bodies, in its turn */
        clcf->client_max_body_size = 0;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_websocket_init_process(ngx_cycle_t *cycle)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    wmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_websocket_module);

    if (wmcf == NULL || wmcf->places.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_websocket_layout_check(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    wmcf->loop = ngx_ws_loop_create(ngx_http_websocket_hijack_release,
                                    cycle->log);
    if (wmcf->loop == NULL) {
        return NGX_ERROR;
    }

    wmcf->worker = ngx_ws_worker_create(cycle, &wmcf->conf,
                                        &ngx_ws_session_worker_handler);
    if (wmcf->worker == NULL) {
        return NGX_ERROR;
    }

    wmcf->worker->polls = ngx_ws_polls_create(wmcf->worker);
    if (wmcf->worker->polls == NULL
        || ngx_ws_relay_create(wmcf->worker) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_websocket_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_websocket_main_conf_t  *wmcf;

    wmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_websocket_module);

    if (wmcf == NULL) {
        return;
    }

    if (wmcf->worker) {

        if (wmcf->worker->polls) {
            ngx_ws_polls_destroy(wmcf->worker->polls);
        }

        ngx_ws_relay_destroy(wmcf->worker);
        ngx_ws_worker_destroy(wmcf->worker);
        wmcf->worker = NULL;
    }

    if (wmcf->loop) {
        ngx_ws_loop_destroy(wmcf->loop);
        wmcf->loop = NULL;
    }
}
