
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_metrics.h>


#define NGX_WS_METRICS_NUMBER  (sizeof("18446744073709551615") - 1)


typedef enum {
    ngx_ws_metrics_counter = 0,
    ngx_ws_metrics_gauge,
    ngx_ws_metrics_max,
    ngx_ws_metrics_state
} ngx_ws_metrics_type_e;


#define NGX_WS_METRICS_COUNTER  ngx_ws_metrics_counter
#define NGX_WS_METRICS_GAUGE    ngx_ws_metrics_gauge
#define NGX_WS_METRICS_MAX      ngx_ws_metrics_max
#define NGX_WS_METRICS_STATE    ngx_ws_metrics_state


typedef struct {
    ngx_ws_metrics_type_e   type;
    const char             *name;
    const char             *label;
    const char             *value;
    const char             *help;
} ngx_ws_metrics_row_t;


static size_t ngx_ws_metrics_len(void);
static u_char *ngx_ws_metrics_prometheus(u_char *p, uint64_t *sums);
static u_char *ngx_ws_metrics_json(u_char *p, uint64_t *sums);
static u_char *ngx_ws_metrics_number(u_char *p, ngx_uint_t i, uint64_t n);
static ngx_uint_t ngx_ws_metrics_is_first(ngx_uint_t i);
static ngx_uint_t ngx_ws_metrics_is_last(ngx_uint_t i);


#define NGX_WS_METRICS_ROW(symbol, type, name, label, value, help)            \
    { NGX_WS_METRICS_##type, name, label, value, help },

static const ngx_ws_metrics_row_t  ngx_ws_metrics_rows[] = {
    NGX_WS_METRICS(NGX_WS_METRICS_ROW)
};


/* until there is a slot */

static uint64_t  ngx_ws_metrics_nowhere[NGX_WS_METRIC_N];

uint64_t  *ngx_ws_metrics = ngx_ws_metrics_nowhere;


ngx_buf_t *
ngx_ws_metrics_render(ngx_pool_t *pool, ngx_ws_zone_t *zone,
    ngx_ws_metrics_format_e format)
{
    uint64_t    sums[NGX_WS_METRIC_N];
    ngx_buf_t  *b;

    b = ngx_create_temp_buf(pool, ngx_ws_metrics_len());
    if (b == NULL) {
        return NULL;
    }

    ngx_ws_metrics_sum(zone, sums);

    b->last = (format == NGX_WS_METRICS_JSON)
              ? ngx_ws_metrics_json(b->last, sums)
              : ngx_ws_metrics_prometheus(b->last, sums);

    return b;
}


void
ngx_ws_metrics_clear(uint64_t *values)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_WS_METRIC_N; i++) {

        if (ngx_ws_metrics_rows[i].type != ngx_ws_metrics_counter) {
            values[i] = 0;
        }
    }
}


ngx_ws_metric_e
ngx_ws_metrics_close(ngx_uint_t code)
{
    switch (code) {

    case 1000:
        return NGX_WS_METRIC_CLOSES_1000;

    case 1001:
        return NGX_WS_METRIC_CLOSES_1001;

    case 1002:
        return NGX_WS_METRIC_CLOSES_1002;

    case 1003:
        return NGX_WS_METRIC_CLOSES_1003;

    case 1005:
        return NGX_WS_METRIC_CLOSES_1005;

    case 1006:
        return NGX_WS_METRIC_CLOSES_1006;

    case 1007:
        return NGX_WS_METRIC_CLOSES_1007;

    case 1008:
        return NGX_WS_METRIC_CLOSES_1008;

    case 1009:
        return NGX_WS_METRIC_CLOSES_1009;

    case 1011:
        return NGX_WS_METRIC_CLOSES_1011;

    case 1012:
        return NGX_WS_METRIC_CLOSES_1012;

    case 1013:
        return NGX_WS_METRIC_CLOSES_1013;

    default:
        return NGX_WS_METRIC_CLOSES_OTHER;
    }
}


/* a process that died without a word has left its gauges behind */

void
ngx_ws_metrics_sum(ngx_ws_zone_t *zone, uint64_t *sums)
{
    uint64_t    *values;
    ngx_uint_t   alive, i, k, living;

    ngx_memzero(sums, NGX_WS_METRIC_N * sizeof(uint64_t));
    living = 0;

    for (i = 0; /* void */ ; i++) {
        values = ngx_ws_zone_metrics(zone, i, &alive);

        if (values == NULL) {
            break;
        }

        living += alive;

        for (k = 0; k < NGX_WS_METRIC_N; k++) {

            if (!alive
                && ngx_ws_metrics_rows[k].type != ngx_ws_metrics_counter)
            {
                continue;
            }

            if (ngx_ws_metrics_rows[k].type == ngx_ws_metrics_max) {
                sums[k] = ngx_max(sums[k], values[k]);

            } else {
                sums[k] += values[k];
            }
        }
    }

    for (k = 0; k < NGX_WS_METRIC_N; k++) {

        if (ngx_ws_metrics_rows[k].type == ngx_ws_metrics_state) {
            sums[k] = (living && sums[k] == living);
        }
    }
}


/* more than any of the formats needs */

static size_t
ngx_ws_metrics_len(void)
{
    size_t                       len;
    ngx_uint_t                   i;
    const ngx_ws_metrics_row_t  *row;

    len = sizeof("{}\n");

    for (i = 0; i < NGX_WS_METRIC_N; i++) {
        row = &ngx_ws_metrics_rows[i];

        len += sizeof("# HELP websocket_ \n" "# TYPE websocket_ counter\n"
                      "websocket_{=\"\"} \n")
               + 3 * ngx_strlen(row->name) + ngx_strlen(row->help)
               + NGX_WS_METRICS_NUMBER;

        if (row->label) {
            len += ngx_strlen(row->label) + ngx_strlen(row->value);
        }
    }

    return len;
}


static u_char *
ngx_ws_metrics_prometheus(u_char *p, uint64_t *sums)
{
    ngx_uint_t                   i;
    const ngx_ws_metrics_row_t  *row;

    for (i = 0; i < NGX_WS_METRIC_N; i++) {
        row = &ngx_ws_metrics_rows[i];

        if (ngx_ws_metrics_is_first(i)) {
            p = ngx_sprintf(p, "# HELP websocket_%s %s\n"
                               "# TYPE websocket_%s %s\n",
                            row->name, row->help, row->name,
                            row->type == ngx_ws_metrics_counter ? "counter"
                                                                : "gauge");
        }

        p = ngx_sprintf(p, "websocket_%s", row->name);

        if (row->label) {
            p = ngx_sprintf(p, "{%s=\"%s\"}", row->label, row->value);
        }

        *p++ = ' ';
        p = ngx_ws_metrics_number(p, i, sums[i]);
        *p++ = '\n';
    }

    return p;
}


/* rows with a label are members of an object of their name */

static u_char *
ngx_ws_metrics_json(u_char *p, uint64_t *sums)
{
    ngx_uint_t                   i;
    const ngx_ws_metrics_row_t  *row;

    *p++ = '{';

    for (i = 0; i < NGX_WS_METRIC_N; i++) {
        row = &ngx_ws_metrics_rows[i];

        if (i) {
            *p++ = ',';
        }

        if (ngx_ws_metrics_is_first(i)) {
            p = ngx_sprintf(p, "\"%s\":%s", row->name, row->label ? "{" : "");
        }

        if (row->label) {
            p = ngx_sprintf(p, "\"%s\":", row->value);
        }

        p = ngx_ws_metrics_number(p, i, sums[i]);

        if (row->label && ngx_ws_metrics_is_last(i)) {
            *p++ = '}';
        }
    }

    *p++ = '}';
    *p++ = '\n';

    return p;
}


/* a gauge that is below zero by a mistake shall be seen so */

static u_char *
ngx_ws_metrics_number(u_char *p, ngx_uint_t i, uint64_t n)
{
    if (ngx_ws_metrics_rows[i].type == ngx_ws_metrics_gauge) {
        return ngx_sprintf(p, "%L", (int64_t) n);
    }

    return ngx_sprintf(p, "%uL", n);
}


static ngx_uint_t
ngx_ws_metrics_is_first(ngx_uint_t i)
{
    return i == 0 || ngx_strcmp(ngx_ws_metrics_rows[i].name,
                                ngx_ws_metrics_rows[i - 1].name)
                     != 0;
}


static ngx_uint_t
ngx_ws_metrics_is_last(ngx_uint_t i)
{
    return i == NGX_WS_METRIC_N - 1 || ngx_ws_metrics_is_first(i + 1);
}
