
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CONF_H_INCLUDED_
#define _NGX_WS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Settings of the lower layers as plain structs: the http configuration
 * embeds them, a layer reads only its own.  All times are milliseconds.
 */


typedef struct {
    ngx_addr_t              addr;             /* resolved; unix or inet */
    ngx_str_t               user;             /* AUTH user, may be empty */
    ngx_str_t               password;         /* may be empty */
    ngx_str_t               prefix;           /* of every key, "ws:" */
    ngx_uint_t              db;
    ngx_msec_t              connect_timeout;
    ngx_msec_t              command_timeout;
} ngx_ws_redis_conf_t;


typedef struct {
    ngx_str_t               host;             /* NUL-terminated, numeric */
    in_port_t               port;
    ngx_str_t               unix_path;        /* NUL-terminated, or empty */
    ngx_str_t               user;             /* these NUL-terminated too */
    ngx_str_t               password;
    ngx_str_t               database;
    ngx_str_t               pool;             /* name of a thread_pool */
    ngx_uint_t              threads;          /* statements in flight */
    ngx_uint_t              batch;            /* rows an INSERT */
    ngx_msec_t              flush;            /* longest wait for a batch */
    ngx_msec_t              timeout;          /* connect, read and write */
} ngx_ws_mysql_conf_t;


/* so many in a window; a limit of 0 is none */

typedef struct {
    ngx_uint_t              limit;
    ngx_msec_t              window;
} ngx_ws_rate_t;


/* what the service layer takes from the location */

typedef struct {
    ngx_log_t              *log;
    void                   *auth_query;       /* ngx_ws_auth_query_t * */
    void                   *token_check;      /* ngx_ws_mysql_stmt_t * */
    void                   *user_query;       /* ngx_ws_user_query_t * */
    ngx_msec_t              typing_ttl;
    ngx_msec_t              presence_grace;
    ngx_ws_rate_t           throttle;         /* of REST, by user */
    ngx_ws_rate_t           auth_rate;        /* failures of one address */
    ngx_uint_t              connection_limit; /* of a user; 0 is none */
    ngx_uint_t              connection_evict; /* the oldest, or refuse */
} ngx_ws_service_conf_t;


typedef struct {
    ngx_msec_t              ping_interval;
    ngx_msec_t              ping_timeout;
    ngx_msec_t              upgrade_timeout;
    ngx_msec_t              connect_timeout;
    size_t                  max_message_size;
    size_t                  send_queue;
    ngx_flag_t              compression;
    ngx_ws_rate_t           event_rate;       /* of one socket */
    ngx_ws_rate_t           connect_rate;     /* of one address */
    ngx_uint_t              echo;             /* NGX_WS_ECHO_* */
    ngx_ws_service_conf_t  *service;          /* of the same location */
} ngx_ws_session_conf_t;


#define NGX_WS_ECHO_OFF       0
#define NGX_WS_ECHO_ON        1
#define NGX_WS_ECHO_ENGINEIO  2


/* what one worker process needs, from the http block */

typedef struct {
    ngx_ws_redis_conf_t     redis;
    ngx_ws_mysql_conf_t     mysql;
    void                   *zone;             /* ngx_ws_zone_t * */
    ngx_msec_t              token_cache;      /* valid tokens, 60s */
    ngx_msec_t              token_cache_miss; /* unknown ones, 5s */
    time_t                  retention_connections;
    time_t                  retention_events;
    ngx_msec_t              stats_interval;   /* 0 is off */
} ngx_ws_worker_conf_t;


#endif /* _NGX_WS_CONF_H_INCLUDED_ */
