
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_METRICS_H_INCLUDED_
#define _NGX_WS_METRICS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_zone.h>


/*
 * X(symbol, type, name, label, value of the label, help): rows of one name
 * stand together, and only the first one's help is shown.  "websocket_" is
 * put before the name.
 *
 * COUNTER  only grows; the sum over all processes that ever were
 * GAUGE    the sum over the living workers
 * MAX      the largest of the living workers'
 * STATE    1 if it is so in all living workers, else 0
 */

#define NGX_WS_METRICS(X)                                                     \
                                                                              \
    X(WORKERS, GAUGE, "workers", NULL, NULL,                                  \
      "Worker processes")                                                     \
                                                                              \
    X(CONNECTIONS_WEBSOCKET, GAUGE, "connections", "transport", "websocket",  \
      "Live sessions")                                                        \
    X(CONNECTIONS_POLLING, GAUGE, "connections", "transport", "polling",      \
      "Live sessions")                                                        \
    X(SUBSCRIPTIONS, GAUGE, "subscriptions", NULL, NULL,                      \
      "Channel memberships of live sessions")                                 \
                                                                              \
    X(CONNECTS, COUNTER, "connects_total", NULL, NULL,                        \
      "Sessions begun")                                                       \
    X(CLOSES_1000, COUNTER, "closes_total", "code", "1000",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1001, COUNTER, "closes_total", "code", "1001",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1002, COUNTER, "closes_total", "code", "1002",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1003, COUNTER, "closes_total", "code", "1003",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1005, COUNTER, "closes_total", "code", "1005",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1006, COUNTER, "closes_total", "code", "1006",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1007, COUNTER, "closes_total", "code", "1007",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1008, COUNTER, "closes_total", "code", "1008",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1009, COUNTER, "closes_total", "code", "1009",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1011, COUNTER, "closes_total", "code", "1011",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1012, COUNTER, "closes_total", "code", "1012",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_1013, COUNTER, "closes_total", "code", "1013",                   \
      "Sessions ended, by the code of the close frame")                       \
    X(CLOSES_OTHER, COUNTER, "closes_total", "code", "other",                 \
      "Sessions ended, by the code of the close frame")                       \
                                                                              \
    X(MESSAGES_RECEIVED, COUNTER, "messages_received_total", NULL, NULL,      \
      "Messages from clients")                                                \
    X(MESSAGES_SENT, COUNTER, "messages_sent_total", NULL, NULL,              \
      "Messages to clients")                                                  \
    X(BYTES_RECEIVED, COUNTER, "received_bytes_total", NULL, NULL,            \
      "Bytes from clients after the handshake")                               \
    X(BYTES_SENT, COUNTER, "sent_bytes_total", NULL, NULL,                    \
      "Bytes to clients after the handshake")                                 \
    X(SEND_QUEUE, GAUGE, "send_queue_bytes", NULL, NULL,                      \
      "Bytes that wait for clients")                                          \
    X(MESSAGES_DROPPED, COUNTER, "messages_dropped_total", NULL, NULL,        \
      "Messages that waited for clients which were too slow")                 \
    X(SLOW_CLIENTS, COUNTER, "slow_clients_total", NULL, NULL,                \
      "Clients closed because their send queue was full")                     \
    X(THROTTLED, COUNTER, "throttled_total", NULL, NULL,                      \
      "Requests and events refused by a throttle")                            \
                                                                              \
    X(POLLS_RELAYED, COUNTER, "polls_relayed_total", NULL, NULL,              \
      "Requests of polling that were passed to another worker")               \
    X(MOVES, COUNTER, "moves_total", NULL, NULL,                              \
      "Polling sessions taken over from another worker by a WebSocket")       \
                                                                              \
    X(AUTHENTICATIONS, COUNTER, "authentications_total", NULL, NULL,          \
      "Tokens accepted")                                                      \
    X(AUTH_FAILURES, COUNTER, "auth_failures_total", NULL, NULL,              \
      "Tokens refused")                                                       \
    X(TOKEN_HITS, COUNTER, "token_cache_hits_total", NULL, NULL,              \
      "Tokens found in the zone")                                             \
    X(TOKEN_MISSES, COUNTER, "token_cache_misses_total", NULL, NULL,          \
      "Tokens looked up in MySQL")                                            \
                                                                              \
    X(REDIS_UP, STATE, "redis_up", NULL, NULL,                                \
      "Whether every worker reaches Redis")                                   \
    X(REDIS_LATENCY, MAX, "redis_latency_microseconds", NULL, NULL,           \
      "Time until Redis answers, smoothed")                                   \
    X(REDIS_PENDING, GAUGE, "redis_pending", NULL, NULL,                      \
      "Commands that Redis has not answered yet")                             \
    X(REDIS_COMMANDS, COUNTER, "redis_commands_total", NULL, NULL,            \
      "Commands sent to Redis")                                               \
    X(REDIS_ERRORS, COUNTER, "redis_errors_total", NULL, NULL,                \
      "Commands that Redis refused or did not answer")                        \
    X(REDIS_MEMORY, MAX, "redis_memory_bytes", NULL, NULL,                    \
      "Memory that Redis uses")                                               \
    X(REDIS_MEMORY_LIMIT, MAX, "redis_memory_limit_bytes", NULL, NULL,        \
      "Redis' maxmemory, 0 if it has none")                                   \
                                                                              \
    X(MYSQL_UP, STATE, "mysql_up", NULL, NULL,                                \
      "Whether every worker reaches MySQL")                                   \
    X(MYSQL_LATENCY, MAX, "mysql_latency_microseconds", NULL, NULL,           \
      "Time until MySQL has answered, waiting included, smoothed")            \
    X(MYSQL_PENDING, GAUGE, "mysql_pending", NULL, NULL,                      \
      "Statements that wait or run")                                          \
    X(MYSQL_QUERIES, COUNTER, "mysql_queries_total", NULL, NULL,              \
      "Statements and transactions executed")                                 \
    X(MYSQL_ERRORS, COUNTER, "mysql_errors_total", NULL, NULL,                \
      "Statements and transactions that failed or were declined")             \
                                                                              \
    X(RECORD_PENDING, GAUGE, "record_pending", NULL, NULL,                    \
      "Events accepted and not yet in MySQL")                                 \
    X(RECORD_LAG, MAX, "record_lag_milliseconds", NULL, NULL,                 \
      "Age of the oldest of these events")                                    \
    X(RECORD_WRITTEN, COUNTER, "record_written_total", NULL, NULL,            \
      "Events written to MySQL")                                              \
    X(RECORD_FAILED, COUNTER, "record_failed_total", NULL, NULL,              \
      "Events that MySQL refused and that were put aside")


#define NGX_WS_METRIC_SYMBOL(symbol, type, name, label, value, help)          \
    NGX_WS_METRIC_##symbol,

typedef enum {
    NGX_WS_METRICS(NGX_WS_METRIC_SYMBOL)
    NGX_WS_METRIC_N
} ngx_ws_metric_e;


typedef enum {
    NGX_WS_METRICS_PROMETHEUS = 0,
    NGX_WS_METRICS_JSON
} ngx_ws_metrics_format_e;


/*
 * The values of this process, written by nobody else: its slot in the zone
 * once attached.
 */
extern uint64_t  *ngx_ws_metrics;

#define ngx_ws_metric_add(symbol, n)                                          \
    (ngx_ws_metrics[NGX_WS_METRIC_##symbol] += (uint64_t) (n))

#define ngx_ws_metric_sub(symbol, n)                                          \
    (ngx_ws_metrics[NGX_WS_METRIC_##symbol] -= (uint64_t) (n))

#define ngx_ws_metric_set(symbol, n)                                          \
    (ngx_ws_metrics[NGX_WS_METRIC_##symbol] = (uint64_t) (n))


/*
 * The values of all workers as text, one buffer from the pool; NULL without
 * memory.
 */
ngx_buf_t *ngx_ws_metrics_render(ngx_pool_t *pool, ngx_ws_zone_t *zone,
    ngx_ws_metrics_format_e format);

/* The sums that are rendered, NGX_WS_METRIC_N of them. */
void ngx_ws_metrics_sum(ngx_ws_zone_t *zone, uint64_t *sums);

/* Sets all values to 0 save the counters. */
void ngx_ws_metrics_clear(uint64_t *values);

/* The counter of a close code. */
ngx_ws_metric_e ngx_ws_metrics_close(ngx_uint_t code);


#endif /* _NGX_WS_METRICS_H_INCLUDED_ */
