
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_mysql_log.h>


#define NGX_WS_MYSQL_LOG_SELDOM  60000     /* ms, between the same words */


/* What may quote data does not belong into a log. */

void
ngx_ws_mysql_log_refused(ngx_log_t *log, const char *what,
    ngx_ws_mysql_result_t *res)
{
    ngx_str_t  text;

    text = res->error;

    if (res->data) {
        ngx_str_set(&text, "bad data");
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "mysql %s: %V (%ui)", what, &text,
                  res->errnum);
}


void
ngx_ws_mysql_log_seldom(ngx_ws_mysql_log_t *seldom, ngx_log_t *log,
    const char *what, ngx_ws_mysql_result_t *res)
{
    if (seldom->refused
        && ngx_current_msec - seldom->said < NGX_WS_MYSQL_LOG_SELDOM)
    {
        return;
    }

    seldom->refused = 1;
    seldom->said = ngx_current_msec;

    ngx_ws_mysql_log_refused(log, what, res);
}
