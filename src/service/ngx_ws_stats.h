
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_STATS_H_INCLUDED_
#define _NGX_WS_STATS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_call.h>


/*
 * Statistics: a tenant's, counted in the record, and the line in the log that
 * tells of all workers here every conf->stats_interval.
 */

typedef struct {
    uint64_t        total_connections;    /* rows kept */
    uint64_t        active_connections;   /* live ones */
    uint64_t        unique_users;         /* distinct among those */
    uint64_t        pending_events;       /* accepted, not yet delivered */
    uint64_t        failed_events;
} ngx_ws_stats_counts_t;

/* NULL: MySQL cannot be asked now. */
typedef void (*ngx_ws_stats_done_pt)(ngx_ws_call_t *call,
    ngx_ws_stats_counts_t *counts);


ngx_ws_stats_t *ngx_ws_stats_create(ngx_ws_worker_t *w);

/* Those who still wait are not called. */
void ngx_ws_stats_destroy(ngx_ws_stats_t *stats);

/*
 * The counts of the tenant of the call's identity: calls done() exactly once,
 * at once when there is a recent answer.
 */
void ngx_ws_stats_count(ngx_ws_call_t *call, ngx_ws_stats_done_pt done);

/* The line in the log, written by one worker here while it lives. */
void ngx_ws_stats_line_start(ngx_ws_worker_t *w);
void ngx_ws_stats_line_stop(ngx_ws_worker_t *w);


#endif /* _NGX_WS_STATS_H_INCLUDED_ */
