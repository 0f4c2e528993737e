
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_backoff.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql_server.h>


#define NGX_WS_MYSQL_SERVER_PROBE_MIN   200
#define NGX_WS_MYSQL_SERVER_PROBE_MAX   1000
#define NGX_WS_MYSQL_SERVER_PROBE_IDLE  15000

/* how long one that is full is not asked for another connection */
#define NGX_WS_MYSQL_SERVER_CROWDED     1000

/* so long after the last time that is told again */
#define NGX_WS_MYSQL_SERVER_QUIET       60000


struct ngx_ws_mysql_server_s {
    ngx_ws_mysql_conf_t      *conf;
    ngx_thread_pool_t        *tp;
    ngx_log_t                *log;

    /* after three pointers as in ngx_connection_t, for the debug log */
    ngx_int_t                 ident;

    const ngx_ws_mysql_server_handler_t  *handler;
    void                     *data;

    /*
     * The last one that was used is taken first: the others may rest.  Those
     * without a connection lie below.
     */
    ngx_ws_mysql_link_t     **idle;
    ngx_uint_t                nidle;
    ngx_uint_t                nopen;      /* of all links */

    ngx_event_t               timer;      /* of the probe */
    ngx_event_t               crowded;    /* no new connection until then */
    ngx_ws_mysql_run_t        probe;

    ngx_ws_backoff_t          backoff;
    ngx_msec_t                seen;       /* when it answered last */
    ngx_msec_t                full;       /* when it was, the last time */

    unsigned                  probing:1;  /* a probe is under way */
    unsigned                  doubt:1;    /* ask it now */
    unsigned                  away:1;
};


static void ngx_ws_mysql_server_thread(void *data, ngx_log_t *log);
static void ngx_ws_mysql_server_done(ngx_event_t *ev);
static void ngx_ws_mysql_server_release(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_run_t *run);
static void ngx_ws_mysql_server_full(ngx_ws_mysql_server_t *server,
    ngx_str_t *error);
static void ngx_ws_mysql_server_crowded_handler(ngx_event_t *ev);
static void ngx_ws_mysql_server_seen(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_task_t *task);
static void ngx_ws_mysql_server_away(ngx_ws_mysql_server_t *server,
    ngx_str_t *error);
static void ngx_ws_mysql_server_probe_arm(ngx_ws_mysql_server_t *server);
static void ngx_ws_mysql_server_probe_handler(ngx_event_t *ev);
static void ngx_ws_mysql_server_probe_done(ngx_ws_mysql_run_t *run,
    ngx_int_t rc);


ngx_ws_mysql_server_t *
ngx_ws_mysql_server_create(ngx_ws_mysql_conf_t *conf, ngx_thread_pool_t *tp,
    const ngx_ws_mysql_server_handler_t *handler, void *data, ngx_log_t *log)
{
    ngx_uint_t              i;
    ngx_ws_mysql_server_t  *server;

    if (ngx_ws_mysql_link_init(log) != NGX_OK) {
        return NULL;
    }

    server = ngx_calloc(sizeof(ngx_ws_mysql_server_t)
                        + conf->threads * sizeof(ngx_ws_mysql_link_t *), log);
    if (server == NULL) {
        return NULL;
    }

    server->conf = conf;
    server->tp = tp;
    server->log = log;
    server->ident = -1;
    server->handler = handler;
    server->data = data;
    server->idle = (ngx_ws_mysql_link_t **) (server + 1);

    for (i = 0; i < conf->threads; i++) {
        server->idle[i] = ngx_ws_mysql_link_create(conf, log);

        if (server->idle[i] == NULL) {
            ngx_ws_mysql_server_destroy(server);
            return NULL;
        }

        server->nidle++;
    }

    server->timer.handler = ngx_ws_mysql_server_probe_handler;
    server->timer.data = server;
    server->timer.log = log;
    server->timer.cancelable = 1;

    server->crowded.handler = ngx_ws_mysql_server_crowded_handler;
    server->crowded.data = server;
    server->crowded.log = log;
    server->crowded.cancelable = 1;

    server->probe.done = ngx_ws_mysql_server_probe_done;
    server->probe.data = server;

    ngx_ws_backoff_init(&server->backoff, NGX_WS_MYSQL_SERVER_PROBE_MIN,
                        NGX_WS_MYSQL_SERVER_PROBE_MAX);

    ngx_ws_metric_set(MYSQL_UP, 1);

    /* connects the first link, and tells whether it can */

    server->doubt = 1;
    ngx_add_timer(&server->timer, 1);

    return server;
}


void
ngx_ws_mysql_server_destroy(ngx_ws_mysql_server_t *server)
{
    if (server->probe.task.link) {
        ngx_ws_mysql_link_destroy(server->probe.task.link);
        ngx_ws_mysql_task_free(&server->probe.task);
    }

    while (server->nidle) {
        ngx_ws_mysql_link_destroy(server->idle[--server->nidle]);
    }

    if (server->timer.timer_set) {
        ngx_del_timer(&server->timer);
    }

    if (server->crowded.timer_set) {
        ngx_del_timer(&server->crowded);
    }

    ngx_free(server);
}


/* while it is full only a link that is connected is of use */

ngx_uint_t
ngx_ws_mysql_server_usable(ngx_ws_mysql_server_t *server)
{
    if (server->nidle == 0) {
        return 0;
    }

    return !server->crowded.timer_set
           || server->nopen == 0
           || ngx_ws_mysql_link_is_open(server->idle[server->nidle - 1]);
}


ngx_int_t
ngx_ws_mysql_server_run(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_run_t *run)
{
    run->server = server;
    run->task.link = server->idle[--server->nidle];
    run->open = ngx_ws_mysql_link_is_open(run->task.link);

    run->thread.ctx = &run->task;
    run->thread.handler = ngx_ws_mysql_server_thread;
    run->thread.event.handler = ngx_ws_mysql_server_done;
    run->thread.event.data = run;
    run->thread.event.log = server->log;

    if (ngx_thread_task_post(server->tp, &run->thread) == NGX_OK) {
        return NGX_OK;
    }

    server->nidle++;
    run->task.link = NULL;

    return NGX_ERROR;
}


ngx_uint_t
ngx_ws_mysql_server_is_up(ngx_ws_mysql_server_t *server)
{
    return !server->away;
}


static void
ngx_ws_mysql_server_thread(void *data, ngx_log_t *log)
{
    ngx_ws_mysql_task_t *task = data;

    task->log = log;

    ngx_ws_mysql_task_run(task);
}


static void
ngx_ws_mysql_server_done(ngx_event_t *ev)
{
    ngx_ws_mysql_run_t     *run;
    ngx_ws_mysql_server_t  *server;

    run = ev->data;
    server = run->server;

    ngx_log_debug3(NGX_LOG_DEBUG_CORE, server->log, 0,
                   "mysql done rc:%i errnum:%ui rows:%ui", run->task.res.rc,
                   run->task.res.errnum, run->task.res.nrows);

    ngx_ws_mysql_server_release(server, run);

    if (run->task.crowded && server->nopen) {
        ngx_ws_mysql_server_full(server, &run->task.res.error);
        run->done(run, NGX_AGAIN);
        return;
    }

    ngx_ws_mysql_server_seen(server, &run->task);
    run->done(run, NGX_OK);
}


static void
ngx_ws_mysql_server_release(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_run_t *run)
{
    ngx_uint_t            open;
    ngx_ws_mysql_link_t  *link;

    link = run->task.link;
    run->task.link = NULL;

    open = ngx_ws_mysql_link_is_open(link);

    server->nopen -= run->open;
    server->nopen += open;

    if (open) {
        server->idle[server->nidle++] = link;
        return;
    }

    ngx_memmove(server->idle + 1, server->idle,
                server->nidle * sizeof(ngx_ws_mysql_link_t *));
    server->idle[0] = link;
    server->nidle++;
}


/*
 * It takes no more connections, but this worker has one: that is not a server
 * that is away.
 */

static void
ngx_ws_mysql_server_full(ngx_ws_mysql_server_t *server, ngx_str_t *error)
{
    if (server->full == 0
        || ngx_current_msec - server->full > NGX_WS_MYSQL_SERVER_QUIET)
    {
        ngx_log_error(NGX_LOG_WARN, server->log, 0,
                      "mysql takes no more connections: %V, this worker "
                      "goes on with %ui of %ui", error, server->nopen,
                      server->conf->threads);
    }

    server->full = ngx_current_msec;
    ngx_add_timer(&server->crowded, NGX_WS_MYSQL_SERVER_CROWDED);
}


static void
ngx_ws_mysql_server_crowded_handler(ngx_event_t *ev)
{
    ngx_ws_mysql_server_t *server = ev->data;

    server->handler->ready(server->data);
}


static void
ngx_ws_mysql_server_seen(ngx_ws_mysql_server_t *server,
    ngx_ws_mysql_task_t *task)
{
    if (task->away) {
        ngx_ws_mysql_server_away(server, &task->res.error);
        return;
    }

    switch (task->res.rc) {

    case NGX_OK:
    case NGX_ERROR:
        break;

    case NGX_AGAIN:
        /* was it the connection, or is it the server? */
        server->doubt = 1;
        ngx_add_timer(&server->timer, 1);
        return;

    default:
        return;
    }

    server->seen = ngx_current_msec;

    if (server->away) {
        server->away = 0;
        ngx_ws_metric_set(MYSQL_UP, 1);
        ngx_ws_backoff_reset(&server->backoff);

        ngx_log_error(NGX_LOG_NOTICE, server->log, 0, "mysql is back");
    }
}


static void
ngx_ws_mysql_server_away(ngx_ws_mysql_server_t *server, ngx_str_t *error)
{
    if (!server->away) {
        server->away = 1;
        ngx_ws_metric_set(MYSQL_UP, 0);

        if (server->conf->unix_path.len) {
            ngx_log_error(NGX_LOG_ERR, server->log, 0,
                          "mysql is away: %V", error);

        } else {
            /* the client library tells of the host alone */
            ngx_log_error(NGX_LOG_ERR, server->log, 0,
                          "mysql is away: %V (%V:%d)", error,
                          &server->conf->host, (int) server->conf->port);
        }

        ngx_ws_mysql_server_probe_arm(server);
    }

    server->handler->away(server->data);
}


static void
ngx_ws_mysql_server_probe_arm(ngx_ws_mysql_server_t *server)
{
    ngx_msec_t  timeout;

    timeout = server->away ? ngx_ws_backoff_next(&server->backoff,
                                                 ngx_random())
                           : NGX_WS_MYSQL_SERVER_PROBE_IDLE;

    ngx_add_timer(&server->timer, timeout);
}


static void
ngx_ws_mysql_server_probe_handler(ngx_event_t *ev)
{
    ngx_ws_mysql_server_t *server = ev->data;

    if (server->probing) {
        return;
    }

    if (server->nidle && (server->away || server->doubt
                          || ngx_current_msec - server->seen
                             >= NGX_WS_MYSQL_SERVER_PROBE_IDLE))
    {
        server->doubt = 0;

        if (ngx_ws_mysql_server_run(server, &server->probe) == NGX_OK) {
            server->probing = 1;
            return;
        }
    }

    ngx_ws_mysql_server_probe_arm(server);
}


static void
ngx_ws_mysql_server_probe_done(ngx_ws_mysql_run_t *run, ngx_int_t rc)
{
    ngx_ws_mysql_server_t  *server;

    server = run->data;
    server->handler->ready(server->data);

    ngx_ws_mysql_task_free(&run->task);
    server->probing = 0;

    ngx_ws_mysql_server_probe_arm(server);
}
