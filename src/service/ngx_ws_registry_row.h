
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_REGISTRY_ROW_H_INCLUDED_
#define _NGX_WS_REGISTRY_ROW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_worker.h>


/*
 * Connections of this worker's sockets that are to be recorded: a moment
 * later, and many at once, so that the channels that follow a login are in the
 * same row.  Should the worker die before, whoever takes over records them.
 */


/* NULL without memory. */
ngx_ws_registry_rows_t *ngx_ws_registry_rows_create(ngx_ws_worker_t *w);
void ngx_ws_registry_rows_destroy(ngx_ws_registry_rows_t *rows);

/* The connection has changed, as Redis knows; tried until it is recorded. */
void ngx_ws_registry_row(ngx_ws_worker_t *w, ngx_str_t *connection_id);


#endif /* _NGX_WS_REGISTRY_ROW_H_INCLUDED_ */
