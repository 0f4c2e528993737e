
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The links as a pair: how they come up, and that they can be destroyed in any
 * callback.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis.h>

#include "loop.h"
#include "redis.h"
#include "server.h"
#include "test.h"


static void up(void);
static void destroyed(void);
static void at_exit(void);


int
main(void)
{
    redis_init();

    up();
    destroyed();
    at_exit();

    server_stop();

    return done();
}


static void
up(void)
{
    clear();

    redis_create();

    command("SET", "a", "1");
    is_int(seen.declined, 0, "nobody is called from inside");
    is_int(ngx_ws_redis_ready(rds), 0, "not ready before Redis is there");

    loop_run(20);
    is_int(seen.declined, 1, "declined before Redis is there");

    server_start();

    ok(loop_until(&seen.up, 1), "up as soon as Redis is there");
    ok(loop_until(&seen.subscriber_up, 1), "and the subscriber");
    is_int(ngx_ws_redis_ready(rds), 1, "ready");
    is_int(ngx_ws_redis_subscriber_ready(rds), 1, "the subscriber, too");
    is_int(seen.down + seen.subscriber_down, 0, "what never was isn't lost");
}


static void
destroyed(void)
{
    ngx_str_t   name;
    ngx_uint_t  i, where;

    ngx_ws_redis_destroy(rds);

    for (where = IN_UP; where < IN_LAST; where++) {
        clear();

        redis_create();

        if (where == IN_UP || where == IN_SUBSCRIBER_UP) {
            destroying = where;
        }

        if (where == IN_FAILURE) {
            destroying = where;
            command("PING", NULL, NULL);
            command("PING", NULL, NULL);
        }

        for (i = 0; i < 10; i++) {
            name = channel_name(i);
            (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
        }

        if (destroying == IN_NOTHING) {
            loop_until(&seen.up, 1);
            loop_until(&seen.subscriber_up, 1);
            destroying = where;
        }

        if (where == IN_DOWN) {
            command("PING", NULL, NULL);
            server_command("CLIENT KILL TYPE normal");
        }

        if (where == IN_SUBSCRIBER_DOWN) {
            server_command("CLIENT KILL TYPE pubsub");
        }

        if (where == IN_MESSAGE) {
            command("PUBLISH", "ch:1", "x");
            command("PUBLISH", "ch:1", "x");
        }

        if (where == IN_REPLY) {
            command("PING", NULL, NULL);
            command("PING", NULL, NULL);
        }

        if (where == IN_SUBSCRIBED) {
            (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
            (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
        }

        for (i = 0; i < 20000 && rds; i++) {
            loop_turn();
        }

        ok(rds == NULL, "destroyed in a callback");
        is_int(loop_connections() + loop_timers(), 0, "nothing is left");

        loop_run(10);
        destroying = IN_NOTHING;
    }
}


static void
at_exit(void)
{
    clear();

    redis_create();
    loop_until(&seen.up, 1);

    command("SET", "last", "12345");
    ngx_ws_redis_destroy(rds);
    is_int(loop_connections() + loop_timers(), 0, "nothing is left");

    redis_create();
    loop_until(&seen.up, 2);

    command("GET", "last", NULL);
    loop_until(&seen.answered, 1);
    is_int(number, 12345, "what was started before the end is sent");

    ngx_ws_redis_destroy(rds);
    rds = NULL;
}
