
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_auth_used.h>
#include <ngx_ws_mysql_log.h>


#define NGX_WS_AUTH_USED_FLUSH    5000
#define NGX_WS_AUTH_USED_REFUSED  600000


static void ngx_ws_auth_used_timer_handler(ngx_event_t *ev);
static void ngx_ws_auth_used_flush(ngx_ws_auth_used_t *used);
static void ngx_ws_auth_used_done(void *data, ngx_ws_mysql_result_t *res);


static ngx_str_t  ngx_ws_auth_used_names[] = {
    ngx_string("ids"),
    ngx_null_string
};


ngx_ws_mysql_stmt_t *
ngx_ws_auth_used_compile(ngx_conf_t *cf)
{
    ngx_str_t             err, text;
    ngx_ws_mysql_stmt_t  *stmt;

    text = ngx_ws_mysql_stmt_text("token_used");

    stmt = ngx_ws_mysql_stmt_compile(cf->pool, &text, NGX_WS_MYSQL_LIST,
                                     ngx_ws_auth_used_names, &err);

    if (stmt == NULL && err.len) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, 0,
                           "invalid statement \"token_used\": %V", &err);
    }

    return stmt;
}


void
ngx_ws_auth_used_init(ngx_ws_auth_used_t *used, ngx_ws_worker_t *w)
{
    used->worker = w;
    used->op = NULL;
    used->n = 0;
    used->refused = 0;

    ngx_memzero(&used->timer, sizeof(ngx_event_t));

    used->timer.handler = ngx_ws_auth_used_timer_handler;
    used->timer.data = used;
    used->timer.log = w->log;
    used->timer.cancelable = 1;
}


void
ngx_ws_auth_used_cleanup(ngx_ws_auth_used_t *used)
{
    if (used->timer.timer_set) {
        ngx_del_timer(&used->timer);
    }

    if (used->op) {
        ngx_ws_mysql_cancel(used->op);
        used->op = NULL;
    }
}


void
ngx_ws_auth_used_add(ngx_ws_auth_used_t *used, ngx_ws_mysql_stmt_t *stmt,
    uint64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < used->n; i++) {
        if (used->ids[i].as.u == id) {
            return;
        }
    }

    if (used->n == NGX_WS_AUTH_USED_MAX) {
        return;
    }

    used->stmt = stmt;

    ngx_ws_mysql_set_uint(&used->ids[used->n++], id);

    if (used->n == NGX_WS_AUTH_USED_MAX && !used->refused) {
        ngx_ws_auth_used_flush(used);

    } else if (!used->timer.timer_set) {
        ngx_add_timer(&used->timer, NGX_WS_AUTH_USED_FLUSH);
    }
}


static void
ngx_ws_auth_used_timer_handler(ngx_event_t *ev)
{
    ngx_ws_auth_used_flush(ev->data);
}


static void
ngx_ws_auth_used_flush(ngx_ws_auth_used_t *used)
{
    if (used->op || used->n == 0) {
        return;
    }

    used->op = ngx_ws_mysql_query(used->worker->mysql, used->stmt, used->ids,
                                  used->n, ngx_ws_auth_used_done, used);
    used->n = 0;
}


static void
ngx_ws_auth_used_done(void *data, ngx_ws_mysql_result_t *res)
{
    ngx_ws_auth_used_t  *used = data;

    used->op = NULL;

    used->refused = (res->rc == NGX_ERROR);

    if (used->refused) {
        ngx_ws_mysql_log_refused(used->worker->log,
                                 "refused to note the use of tokens", res);

        ngx_add_timer(&used->timer, NGX_WS_AUTH_USED_REFUSED);
        return;
    }

    /* what came meanwhile */

    if (used->n && !used->timer.timer_set) {
        ngx_add_timer(&used->timer, NGX_WS_AUTH_USED_FLUSH);
    }
}
