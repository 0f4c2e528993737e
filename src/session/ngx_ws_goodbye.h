
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_GOODBYE_H_INCLUDED_
#define _NGX_WS_GOODBYE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/*
 * Tells that the worker is about to leave, where no idle connection does: by
 * one of its own without a socket, which nginx closes with the others.
 */

typedef struct {
    ngx_connection_t     *connection;
    void                (*handler)(void *data);
    void                 *data;
} ngx_ws_goodbye_t;


/*
 * handler and data are set; it is called once.  Without a free connection it
 * is tried again with the next call of this function.
 */
void ngx_ws_goodbye_watch(ngx_ws_goodbye_t *bye);
void ngx_ws_goodbye_cleanup(ngx_ws_goodbye_t *bye);


#endif /* _NGX_WS_GOODBYE_H_INCLUDED_ */
