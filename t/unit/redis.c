
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_redis.h>

#include "loop.h"
#include "redis.h"
#include "server.h"
#include "test.h"


static ngx_uint_t channels_of_server(void);
static void on_up(void *data);
static void on_down(void *data);
static void on_subscriber_up(void *data);
static void on_subscriber_down(void *data);
static void on_message(void *data, ngx_str_t *channel, ngx_str_t *payload);
static void on_starting(void *data);
static void destroy_in(ngx_uint_t where);


static const ngx_ws_redis_handler_t  handler = {
    on_up, on_down, on_subscriber_up, on_subscriber_down, on_message,
    on_starting
};


ngx_ws_redis_conf_t  conf;
ngx_ws_redis_t      *rds;

seen_t               seen;
int64_t              number;

ngx_uint_t           destroying;
ngx_uint_t           collected;

ngx_str_t            set[3] = {
    ngx_string("SET"), ngx_string("m"), ngx_string("1")
};

ngx_ws_redis_cmd_t   sets[2] = { { set, 3 }, { set, 3 } };

u_char               big[BIG];
static uint64_t      metrics[NGX_WS_METRIC_N];
uint64_t            *ngx_ws_metrics = metrics;


void
redis_init(void)
{
    ngx_memset(big, 'x', BIG);

    loop_init();
    server_init(&conf.addr);

    conf.prefix = str("ws:");
    conf.connect_timeout = TIMEOUT;
    conf.command_timeout = TIMEOUT;
    conf.db = 3;
}


void
redis_create(void)
{
    rds = ngx_ws_redis_create(&conf, &handler, NULL, &test_log);
}


void
redis_start(void)
{
    redis_init();
    server_start();
    redis_create();

    (void) loop_until(&seen.up, 1);
    (void) loop_until(&seen.subscriber_up, 1);
}


void
redis_subscribe(void)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    clear();

    for (i = 0; i < CHANNELS; i++) {
        name = channel_name(i);
        (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
    }

    (void) loop_until(&seen.subscribed, CHANNELS);
}


void
redis_ready(void)
{
    ngx_uint_t  i;

    for (i = 0; i < 2000; i++) {
        loop_run(10);

        if (ngx_ws_redis_ready(rds) && ngx_ws_redis_subscriber_ready(rds)) {
            return;
        }

        if (i % 10 == 0) {
            loop_advance(3100);
        }
    }
}


void
clear(void)
{
    ngx_memzero(&seen, sizeof(seen));
}


ngx_str_t
str(const char *s)
{
    ngx_str_t  value;

    value.len = ngx_strlen(s);
    value.data = (u_char *) s;

    return value;
}


ngx_str_t
channel_name(ngx_uint_t n)
{
    static char  name[32];

    snprintf(name, sizeof(name), "ch:%u", (unsigned) n);

    return str(name);
}


ngx_ws_redis_op_t *
command(const char *name, const char *a, const char *b)
{
    ngx_str_t   argv[3];
    ngx_uint_t  n;

    n = 1 + (a != NULL) + (b != NULL);

    argv[0] = str(name);
    argv[1] = str(a ? a : "");
    argv[2] = str(b ? b : "");

    return ngx_ws_redis_command(rds, argv, n, on_reply, NULL);
}


void
ids(void)
{
    ngx_str_t  key, arg;

    key = str("ws:_:id");
    arg = str("10");

    (void) ngx_ws_redis_eval(rds, NGX_WS_REDIS_ID_BLOCK, &key, 1, &arg, 1,
                             on_number, NULL);
}


void
ids_again(void)
{
    ngx_str_t  key, arg;

    key = str("ws:_:id");
    arg = str("10");

    (void) ngx_ws_redis_eval_again(rds, NGX_WS_REDIS_ID_BLOCK, &key, 1, &arg,
                                   1, on_number, NULL);
}


void
server_has(ngx_uint_t channels, const char *name)
{
    ngx_uint_t  i, n;

    n = channels_of_server();

    for (i = 0; i < 1000 && n != channels; i++) {
        loop_run(10);
        n = channels_of_server();
    }

    is_int(n, channels, name);
}


static ngx_uint_t
channels_of_server(void)
{
    ngx_str_t   argv[2];
    ngx_uint_t  answered;

    answered = seen.answered;

    argv[0] = str("PUBSUB");
    argv[1] = str("CHANNELS");
    (void) ngx_ws_redis_command(rds, argv, 2, on_reply, NULL);

    loop_until(&seen.answered, answered + 1);

    return seen.elements;
}


static void
on_up(void *data)
{
    seen.up++;
    destroy_in(IN_UP);
}


static void
on_down(void *data)
{
    seen.down++;
    destroy_in(IN_DOWN);
}


static void
on_subscriber_up(void *data)
{
    seen.subscriber_up++;
    destroy_in(IN_SUBSCRIBER_UP);
}


static void
on_subscriber_down(void *data)
{
    seen.subscriber_down++;
    destroy_in(IN_SUBSCRIBER_DOWN);
}


static void
on_message(void *data, ngx_str_t *channel, ngx_str_t *payload)
{
    seen.messages++;
    seen.message_len = payload->len;
    destroy_in(IN_MESSAGE);
}


static void
on_starting(void *data)
{
    if (collected) {
        collected = 0;
        command("SET", "collected", "7");
    }
}


void
on_reply(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_uint_t  i;

    seen.answered += (rc == NGX_OK);
    seen.declined += (rc == NGX_DECLINED);
    seen.lost += (rc == NGX_ERROR);

    number = ngx_ws_redis_reply_integer(reply);
    seen.len = ngx_ws_redis_reply_string(reply).len;
    seen.elements = ngx_ws_redis_reply_count(reply);

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        seen.errors++;
    }

    for (i = 0; i < seen.elements + 1; i++) {
        if (ngx_ws_redis_reply_type(ngx_ws_redis_reply_element(reply, i))
            == NGX_WS_REDIS_ERROR)
        {
            seen.errors++;
        }
    }

    destroy_in(rc == NGX_OK ? IN_REPLY : IN_FAILURE);
}


/* each answer is larger than the one before */

void
on_number(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    int64_t  last;

    last = number;

    on_reply(data, rc, reply);

    if (rc != NGX_OK) {
        number = last;

    } else if (number <= last) {
        seen.disordered++;
    }
}


void
on_subscribed(void *data, ngx_int_t rc)
{
    seen.subscribed += (rc == NGX_OK);
    seen.unsubscribed += (rc != NGX_OK);

    destroy_in(IN_SUBSCRIBED);
}


static void
destroy_in(ngx_uint_t where)
{
    if (destroying == where && rds) {
        ngx_ws_redis_destroy(rds);
        rds = NULL;
    }
}
