
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * Channels, and the heartbeat of the link that hears them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis.h>

#include "loop.h"
#include "redis.h"
#include "server.h"
#include "test.h"


static void subscriptions(void);
static void linger(void);
static void heartbeat(void);


int
main(void)
{
    redis_start();

    subscriptions();
    linger();
    heartbeat();

    ngx_ws_redis_destroy(rds);
    is_int(loop_connections() + loop_timers(), 0, "nothing is left");

    server_stop();

    return done();
}


static void
subscriptions(void)
{
    ngx_str_t   name, argv[3];
    ngx_uint_t  i;

    clear();

    for (i = 0; i < CHANNELS; i++) {
        name = channel_name(i);
        (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
    }

    is_int(seen.subscribed, 0, "nobody is called from inside");
    is_int(ngx_ws_redis_subscribed(rds, &name), 0, "not subscribed yet");

    ok(loop_until(&seen.subscribed, CHANNELS), "many channels");
    is_int(ngx_ws_redis_subscribed(rds, &name), 1, "subscribed");
    server_has(CHANNELS + 1, "with the heartbeat's");

    clear();
    command("PUBLISH", "ch:7", "hello");
    command("PUBLISH", "ch:none", "nobody");
    loop_until(&seen.answered, 2);
    loop_until(&seen.messages, 1);
    loop_run(10);
    is_int(seen.messages, 1, "a message");
    is_int(seen.message_len, 5, "and its payload");

    clear();
    argv[0] = str("PUBLISH");
    argv[1] = str("ch:7");
    argv[2].len = BIG;
    argv[2].data = big;
    (void) ngx_ws_redis_command(rds, argv, 3, NULL, NULL);
    loop_until(&seen.messages, 1);
    is_int(seen.message_len, BIG, "a large one");

    clear();
    name = str("ch:7");
    (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, &name);
    (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, &argv);
    ngx_ws_redis_unsubscribe(rds, &name, &argv);
    is_int(seen.subscribed, 0, "nobody is called from inside");
    loop_run(20);
    is_int(seen.subscribed, 1, "wanted twice, dropped once");
    ngx_ws_redis_unsubscribe(rds, &name, &name);

    clear();
    name = str("ch:new");
    (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, &name);
    ngx_ws_redis_unsubscribe(rds, &name, &name);
    loop_run(20);
    is_int(seen.subscribed, 0, "a want of a moment");
    server_has(CHANNELS + 1, "which Redis never hears of");
}


static void
linger(void)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    clear();

    for (i = 0; i < 1500; i++) {
        name = channel_name(i);
        ngx_ws_redis_unsubscribe(rds, &name, NULL);
    }

    loop_run(20);
    server_has(CHANNELS + 1, "lingers when left");

    for (i = 0; i < 100; i++) {
        name = channel_name(i);
        (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
    }

    loop_run(20);
    is_int(seen.subscribed, 100, "comes back for nothing");

    loop_advance(5500);
    loop_run(20);
    loop_advance(1100);
    loop_run(20);
    server_has(CHANNELS - 1400 + 1, "ends some time after");

    clear();

    for (i = 100; i < 1500; i++) {
        name = channel_name(i);
        (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);
    }

    ok(loop_until(&seen.subscribed, 1400), "comes back from Redis");
    server_has(CHANNELS + 1, "all of them");
}


static void
heartbeat(void)
{
    ngx_uint_t  i;

    clear();

    for (i = 0; i < 5; i++) {
        loop_advance(6000);
        server_has(CHANNELS + 1, "something is heard");
    }

    is_int(seen.down + seen.subscriber_down, 0, "nothing is lost by idling");
}
