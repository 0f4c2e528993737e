
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LATENCY_H_INCLUDED_
#define _NGX_WS_LATENCY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_metrics.h>


/* Time in microseconds, from no particular moment on. */
uint64_t ngx_ws_latency_now(void);

/* What has passed since then goes into the metric's moving average. */
void ngx_ws_latency_add(ngx_ws_metric_e metric, uint64_t since);


#endif /* _NGX_WS_LATENCY_H_INCLUDED_ */
