
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <ngx_http_websocket.h>


/*
 * A distribution may add a bit field to ngx_connection_t without a change of
 * the module signature: a module that was built from other sources loads then
 * and misreads the bits behind it, such as "idle" and "close".
 */

ngx_int_t
ngx_http_websocket_layout_check(ngx_cycle_t *cycle)
{
    ngx_uint_t         same;
    ngx_connection_t  *c;

    c = ngx_get_connection(0, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->idle = 1;
    ngx_reusable_connection(c, 1);

    same = c->reusable;

    ngx_reusable_connection(c, 0);

    same = same && !c->reusable && c->idle;

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    if (!same) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "the websocket module was built for another nginx than "
                      "this one: its structures differ; build it from the "
                      "sources of this nginx (Debian: nginx-dev)");
        return NGX_ERROR;
    }

    return NGX_OK;
}
