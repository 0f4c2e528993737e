
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_latency.h>


#define NGX_WS_LATENCY_SMOOTH  8


uint64_t
ngx_ws_latency_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}


void
ngx_ws_latency_add(ngx_ws_metric_e metric, uint64_t since)
{
    uint64_t  *value;

    value = &ngx_ws_metrics[metric];

    *value = (*value * (NGX_WS_LATENCY_SMOOTH - 1)
              + ngx_ws_latency_now() - since)
             / NGX_WS_LATENCY_SMOOTH;
}
