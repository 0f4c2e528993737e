
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_HTTP_WEBSOCKET_ROUTE_H_INCLUDED_
#define _NGX_HTTP_WEBSOCKET_ROUTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>


typedef struct ngx_http_websocket_route_s  ngx_http_websocket_route_t;

/*
 * Starts a service function with the call; in is the request's body, NULL if
 * it has none.  Both, and what is made of them, outlive the request: memory
 * is taken from call->pool.
 */
typedef void (*ngx_http_websocket_route_pt)(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);


struct ngx_http_websocket_route_s {
    ngx_uint_t                    method;
    ngx_str_t                     pattern;       /* below the location */
    ngx_uint_t                    status;        /* of success */
    ngx_http_websocket_route_pt   handler;
};


/*
 * Finds the route of the request, a HEAD being a GET: NGX_OK with *route and
 * *param (what stands for "{...}", percent-decoded), NGX_DECLINED when the
 * path is known and the method is not, NGX_HTTP_NOT_FOUND, or NGX_ERROR
 * without memory.  *methods gets the methods of the path (NGX_HTTP_GET, ...).
 */
ngx_int_t ngx_http_websocket_route_find(ngx_http_request_t *r,
    const ngx_http_websocket_route_t **route, ngx_str_t *param,
    ngx_uint_t *methods);

/* The list for Allow: "GET, HEAD" */
ngx_str_t *ngx_http_websocket_route_methods(ngx_uint_t methods);


/*
 * What the body or else the header names, checked and in the call's memory;
 * empty if neither does.  What is wrong is noted in the call.
 */
void ngx_http_websocket_api_connection_id(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in, ngx_str_t *connection_id);


/* ngx_http_websocket_api_*.c */

void ngx_http_websocket_api_connect(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_disconnect(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_subscribe(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_unsubscribe(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_presence_set(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_presence_get(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_presence_online(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_typing_set(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_typing_list(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);
void ngx_http_websocket_api_stats(ngx_http_request_t *r,
    ngx_ws_call_t *call, ngx_ws_json_t *in);


#endif /* _NGX_HTTP_WEBSOCKET_ROUTE_H_INCLUDED_ */
