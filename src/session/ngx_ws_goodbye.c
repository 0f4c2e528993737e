
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_goodbye.h>


static void ngx_ws_goodbye_handler(ngx_event_t *rev);


void
ngx_ws_goodbye_watch(ngx_ws_goodbye_t *bye)
{
    ngx_connection_t  *c;

    if (bye->connection || ngx_exiting) {
        return;
    }

    /* any number but -1, which stands for a free connection */

    c = ngx_get_connection(0, ngx_cycle->log);
    if (c == NULL) {
        return;
    }

    c->data = bye;
    c->idle = 1;
    c->read->handler = ngx_ws_goodbye_handler;
    c->read->log = ngx_cycle->log;

    bye->connection = c;
}


void
ngx_ws_goodbye_cleanup(ngx_ws_goodbye_t *bye)
{
    ngx_connection_t  *c;

    c = bye->connection;

    if (c) {
        bye->connection = NULL;

        ngx_free_connection(c);
        c->fd = (ngx_socket_t) -1;
    }
}


static void
ngx_ws_goodbye_handler(ngx_event_t *rev)
{
    ngx_connection_t  *c;
    ngx_ws_goodbye_t  *bye;

    c = rev->data;
    bye = c->data;

    ngx_ws_goodbye_cleanup(bye);

    bye->handler(bye->data);
}
