
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_HTTP_WEBSOCKET_H_INCLUDED_
#define _NGX_HTTP_WEBSOCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_ws_auth.h>
#include <ngx_ws_call.h>
#include <ngx_ws_conf.h>
#include <ngx_ws_connection.h>
#include <ngx_ws_dialect.h>
#include <ngx_ws_handshake.h>
#include <ngx_ws_worker.h>


/* what a location is for */

typedef enum {
    NGX_HTTP_WEBSOCKET_NONE = 0,
    NGX_HTTP_WEBSOCKET_API,
    NGX_HTTP_WEBSOCKET_SOCKETIO,
    NGX_HTTP_WEBSOCKET_RAW,
    NGX_HTTP_WEBSOCKET_STATUS
} ngx_http_websocket_door_e;


typedef struct {
    ngx_ws_worker_conf_t          conf;
    void                         *auth_query;    /* the defaults */
    void                         *token_check;
    void                         *user_query;
    ngx_array_t                   places;        /* of ..._place_t */

    /* of this process; NULL where no location needs them */
    ngx_ws_loop_t                *loop;
    ngx_ws_worker_t              *worker;

    unsigned                      redis:1;       /* is configured */
    unsigned                      mysql:1;
    unsigned                      warned:1;      /* of the missing bundle */
    unsigned                      warned_check:1;  /* of the missing query */
} ngx_http_websocket_main_conf_t;


typedef struct {
    ngx_http_websocket_door_e     door;
    ngx_http_handler_pt           handler;
    ngx_ws_session_conf_t         session;
    ngx_ws_service_conf_t         service;
    ngx_array_t                  *origins;       /* NULL: the same alone */
    ngx_str_t                     bundle;        /* ends with a slash */
    ngx_uint_t                    status_format;
} ngx_http_websocket_loc_conf_t;


/* a location's directive that is checked when everything is known */

typedef struct {
    ngx_http_websocket_loc_conf_t  *conf;
    ngx_http_core_loc_conf_t       *core;
    ngx_str_t                       directive;
    ngx_str_t                       file;
    ngx_uint_t                      line;
} ngx_http_websocket_place_t;


/* what a handshake has agreed on */

typedef struct {
    const ngx_ws_dialect_t       *dialect;
    ngx_str_t                     accept;
    ngx_ws_deflate_params_t       deflate;
    ngx_str_t                     protocol;
    ngx_str_t                     token;
    ngx_str_t                     sid;           /* to be taken over */
    ngx_str_t                     owner;         /* in another worker */
    uint64_t                      ticket;
    ngx_uint_t                    busy;          /* it can not be */
    u_char                        accept_data[NGX_WS_HANDSHAKE_ACCEPT_LEN];
} ngx_http_websocket_upgrade_t;


typedef struct ngx_http_websocket_ctx_s   ngx_http_websocket_ctx_t;
typedef struct ngx_http_websocket_poll_s  ngx_http_websocket_poll_t;

typedef void (*ngx_http_websocket_access_pt)(ngx_http_request_t *r,
    ngx_int_t rc);
typedef ngx_int_t (*ngx_http_websocket_body_pt)(ngx_http_request_t *r,
    ngx_int_t rc);


struct ngx_http_websocket_ctx_s {
    ngx_http_request_t           *request;

    ngx_ws_identity_t            *identity;
    ngx_ws_auth_wait_t           *wait;          /* for the token's answer */
    ngx_http_websocket_access_pt  access_handler;

    ngx_str_t                     body;
    size_t                        body_size;     /* of the memory */
    size_t                        body_limit;
    ngx_http_websocket_body_pt    body_handler;

    const struct ngx_http_websocket_route_s  *route;
    ngx_str_t                     param;         /* of the route, decoded */
    ngx_ws_call_t                *call;          /* under way */

    ngx_http_websocket_upgrade_t *upgrade;       /* under way */
    ngx_http_websocket_poll_t    *poll;          /* held, or answered */

    /* for the log, which is written when the rest is gone */
    uint64_t                      user;
    uint64_t                      tenant;
    uint64_t                      close;         /* code of a refusal */
    ngx_str_t                     connection_id;
    ngx_str_t                     transport;

    unsigned                      calling:1;     /* the call's start */
};


extern ngx_module_t  ngx_http_websocket_module;


/* The request's context, made at the first call; NULL without memory. */
ngx_http_websocket_ctx_t *ngx_http_websocket_ctx(ngx_http_request_t *r);

/*
 * The request waits for something else than its client, who may go away
 * meanwhile.  A call back has to ask _has_left() first: "post_action" takes a
 * request whose client has gone to another location, and what was waited for
 * has nothing to do with it any more.
 */
void ngx_http_websocket_wait(ngx_http_request_t *r);
ngx_uint_t ngx_http_websocket_has_left(ngx_http_websocket_ctx_t *ctx);


/* ngx_http_websocket_conf.c: directives that are more than a slot */

char *ngx_http_websocket_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_mysql(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_token_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_stats_interval(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_websocket_conf_auth_query(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_token_check(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
char *ngx_http_websocket_conf_user_query(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_door(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_conf_echo(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* posts of slots */
char *ngx_http_websocket_conf_time(ngx_conf_t *cf, void *post, void *data);
char *ngx_http_websocket_conf_size(ngx_conf_t *cf, void *post, void *data);

/* Adds what is needed and was not configured, before merging. */
ngx_int_t ngx_http_websocket_conf_defaults(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf);


/*
 * ngx_http_websocket_limit.c: directives that limit, "LIMIT WINDOW" or "off"
 * in a slot of ngx_ws_rate_t, and their merging with a default
 */

char *ngx_http_websocket_limit_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_websocket_limit_connections(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
void ngx_http_websocket_limit_merge(ngx_ws_rate_t *conf, ngx_ws_rate_t *prev,
    ngx_uint_t limit, ngx_msec_t window);


/*
 * A client's address has brought too many bad tokens: 429.  _connect() counts
 * a new session: NGX_DECLINED, go on; else it was one too many, and refused.
 * Both give what a content handler returns.
 */
ngx_int_t ngx_http_websocket_limit_failures(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_limit_connect(ngx_http_request_t *r);


/*
 * ngx_http_websocket_place.c
 *
 * Remembers where the directive stands, to refuse after merging what does not
 * go together or lacks something.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_websocket_place_add(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_http_websocket_loc_conf_t *wlcf);
ngx_int_t ngx_http_websocket_place_check(ngx_conf_t *cf,
    ngx_http_websocket_main_conf_t *wmcf);


/* ngx_http_websocket_api.c: content handler of REST locations */

ngx_int_t ngx_http_websocket_api_handler(ngx_http_request_t *r);


/* ngx_http_websocket_handler.c: content handlers of socket locations */

ngx_int_t ngx_http_websocket_engine_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_raw_handler(ngx_http_request_t *r);

/* Whether the query's argument is just that. */
ngx_uint_t ngx_http_websocket_arg(ngx_http_request_t *r, const char *name,
    const char *value);


/*
 * ngx_http_websocket_poll.c
 *
 * A request with transport=polling; and whether the session of the query may
 * go over to the WebSocket that the request asks for, which is accepted then.
 * Both give what a content handler returns.  _cleanup(): the request ends.
 */
ngx_int_t ngx_http_websocket_poll(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_poll_probe(ngx_http_request_t *r);
void ngx_http_websocket_poll_cleanup(ngx_http_websocket_poll_t *poll);


/*
 * ngx_http_websocket_header.c
 *
 * Fields of the request by their names in lower case: the first one or NULL,
 * *n being how many there are; and all of them joined by commas, empty for
 * none.  Fields of the answer: name and value live as long as the request.
 */
ngx_str_t *ngx_http_websocket_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *n);
ngx_int_t ngx_http_websocket_header_list(ngx_http_request_t *r,
    const char *name, ngx_str_t *list);
ngx_int_t ngx_http_websocket_header_add(ngx_http_request_t *r,
    const char *name, const char *value);
ngx_int_t ngx_http_websocket_header_add_str(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


/*
 * ngx_http_websocket_access.c
 *
 * Verifies the request's bearer token: NGX_OK with ctx->identity,
 * NGX_DECLINED there is no valid one, NGX_ERROR it cannot be told now, or
 * NGX_AGAIN: handler() is called with one of these later, unless the request
 * ends before; the caller holds a count of the request until then.
 */
ngx_int_t ngx_http_websocket_access(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, ngx_http_websocket_access_pt handler);

/* The bearer token of the Authorization header, empty where there is none. */
ngx_int_t ngx_http_websocket_access_token(ngx_http_request_t *r,
    ngx_str_t *token);


/*
 * ngx_http_websocket_body.c
 *
 * Reads the request's body into ctx->body, in memory alone, at most limit
 * bytes, then calls handler() with NGX_OK or with the HTTP status of what went
 * wrong, and finalizes the request with what that returns.  Gives what a
 * content handler returns.
 */
ngx_int_t ngx_http_websocket_body_read(ngx_http_request_t *r,
    ngx_http_websocket_ctx_t *ctx, size_t limit,
    ngx_http_websocket_body_pt handler);


/*
 * ngx_http_websocket_throttle.c
 *
 * Goes on by next(call, data), or ends the call, if that is one too many of
 * the user, and writes the header fields that tell how many remain.  What is
 * wrong with the fields was noted in the call, and is said afterwards.  typing
 * is the conversation in which the user types, or goes on; NULL for none.
 */
void ngx_http_websocket_throttle(ngx_ws_call_t *call, ngx_str_t *typing,
    void (*next)(ngx_ws_call_t *call, void *data), void *data);

/* The fields of a refusal: Retry-After and when that is, in milliseconds. */
ngx_int_t ngx_http_websocket_throttle_retry(ngx_http_request_t *r,
    ngx_msec_t wait);


/*
 * ngx_http_websocket_origin.c
 *
 * _set() is the directive's.  _check(): NGX_OK, also without an Origin, or
 * NGX_DECLINED, logged.  _headers() writes the answer's CORS headers, which
 * are fit for a request that passed; _preflight() those of one to OPTIONS.
 */
char *ngx_http_websocket_origin_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_websocket_origin_check(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_origin_headers(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_origin_preflight(ngx_http_request_t *r,
    ngx_str_t *methods);


/*
 * ngx_http_websocket_upgrade.c
 *
 * Whether the request asks for a WebSocket (RFC 6455, section 4.2.1, the
 * Upgrade field alone), and the whole handshake: answers, or turns the
 * connection into a session.  Gives what a content handler returns.
 */
ngx_uint_t ngx_http_websocket_upgrade_wanted(ngx_http_request_t *r);
ngx_int_t ngx_http_websocket_upgrade(ngx_http_request_t *r,
    const ngx_ws_dialect_t *dialect);

/* The second half of it, once the session of the query was asked. */
ngx_int_t ngx_http_websocket_upgrade_accept(ngx_http_request_t *r);


/*
 * ngx_http_websocket_hijack.c
 *
 * Sends the 101 with the header fields that are there, then takes the
 * connection from the request as ctx->upgrade says.  For an event handler of
 * the request, which does not touch it again.
 */
void ngx_http_websocket_hijack(ngx_http_request_t *r);

/* Closes a connection that was taken so; see ngx_ws_loop_create(). */
void ngx_http_websocket_hijack_release(ngx_connection_t *c);


/*
 * ngx_http_websocket_bundle.c
 *
 * _set() is the directive's.  The other is a content handler which gives
 * NGX_DECLINED when no such file is asked for.
 */
char *ngx_http_websocket_bundle_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_websocket_bundle(ngx_http_request_t *r);

/* ngx_http_websocket_status.c: a content handler */
ngx_int_t ngx_http_websocket_status_handler(ngx_http_request_t *r);

/* ngx_http_websocket_variables.c */
ngx_int_t ngx_http_websocket_variables_add(ngx_conf_t *cf);

/*
 * ngx_http_websocket_layout.c: whether this nginx has the structures that the
 * module was compiled with.  NGX_OK, NGX_ERROR: logged.
 */
ngx_int_t ngx_http_websocket_layout_check(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_WEBSOCKET_H_INCLUDED_ */
