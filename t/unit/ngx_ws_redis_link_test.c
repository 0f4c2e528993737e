
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The links with a server that is stopped, killed, locked and filled under
 * way, and without memory.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis.h>

#include "loop.h"
#include "redis.h"
#include "server.h"
#include "test.h"


static void killed(void);
static void restarted(void);
static void stopped(void);
static void again(void);
static void refused(void);
static void password(void);
static void memory(void);


int
main(void)
{
    redis_start();
    redis_subscribe();

    killed();
    restarted();
    stopped();
    again();
    refused();
    password();
    memory();

    ngx_ws_redis_destroy(rds);
    is_int(loop_connections() + loop_timers(), 0, "nothing is left");

    server_stop();

    return done();
}


static void
killed(void)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    clear();

    server_signal(SIGSTOP);

    for (i = 0; i < 100; i++) {
        command("PING", NULL, NULL);
    }

    loop_run(20);
    server_signal(SIGKILL);
    server_stop();

    loop_until(&seen.lost, 100);
    is_int(seen.lost, 100, "killed: perhaps taken");
    is_int(seen.down, 1, "down");

    loop_until(&seen.subscriber_down, 1);
    is_int(seen.subscriber_down, 1, "the subscriber, too");

    clear();

    name = str("ch:late");
    (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, &name);
    command("PING", NULL, NULL);
    ids();

    loop_until(&seen.declined, 2);
    is_int(seen.declined, 2, "declined while it is away");
    is_int(seen.unsubscribed, 0, "a subscription is waited for");

    loop_advance(4100);
    loop_until(&seen.unsubscribed, 1);
    is_int(seen.unsubscribed, 1, "for some seconds");
    is_int(ngx_ws_redis_subscribed(rds, &name), 0, "not subscribed");
}


static void
restarted(void)
{
    ngx_str_t  name;

    clear();

    name = str("ch:bridged");
    (void) ngx_ws_redis_subscribe(rds, &name, on_subscribed, NULL);

    server_start();
    loop_advance(3000);

    loop_until(&seen.up, 1);
    is_int(seen.up, 1, "up again");
    loop_until(&seen.subscriber_up, 1);
    is_int(seen.subscriber_up, 1, "the subscriber, too");
    is_int(seen.subscribed, 1, "who waited is served");
    server_has(CHANNELS + 2 + 1, "with all its channels");

    command("PUBLISH", "ch:late", "x");
    ok(loop_until(&seen.messages, 1), "also one that had been given up");
}


static void
stopped(void)
{
    clear();

    server_signal(SIGSTOP);
    command("PING", NULL, NULL);
    loop_run(20);
    loop_advance(700);
    is_int(seen.down, 0, "a short stop is waited for");

    server_signal(SIGCONT);
    loop_until(&seen.answered, 1);
    is_int(seen.answered, 1, "and answered");

    clear();

    server_signal(SIGSTOP);
    command("PING", NULL, NULL);
    loop_run(20);
    loop_advance(TIMEOUT + 100);
    server_signal(SIGCONT);
    loop_until(&seen.answered, 1);
    is_int(seen.lost, 0, "our own loop may have been held up");

    clear();

    server_signal(SIGSTOP);
    command("PING", NULL, NULL);
    loop_run(20);
    loop_advance(TIMEOUT + 100);
    loop_until(&seen.lost, 1);
    is_int(seen.lost, 1, "a longer one is a loss");
    is_int(seen.down, 1, "of the link");
    is_int(seen.subscriber_down, 0, "the subscriber has just asked");

    loop_advance(TIMEOUT + 100);
    loop_until(&seen.subscriber_down, 1);
    is_int(seen.subscriber_down, 1, "and waits no longer");

    server_signal(SIGCONT);
    loop_advance(3100);
    loop_until(&seen.up, 1);
    loop_advance(3100);
    loop_until(&seen.subscriber_up, 1);
    is_int(seen.up + seen.subscriber_up, 2, "up again");
}


static void
again(void)
{
    clear();

    number = 0;

    server_signal(SIGSTOP);
    ids_again();
    ids_again();
    command("PING", NULL, NULL);
    loop_run(20);
    server_signal(SIGKILL);
    server_stop();

    loop_until(&seen.down, 1);
    loop_until(&seen.lost, 1);
    loop_advance(1000);
    is_int(seen.lost, 1, "what may be sent again is not lost yet");

    ids_again();
    loop_until(&seen.declined, 1);
    is_int(seen.declined, 1, "a new one is declined");

    server_start();
    loop_advance(3000);
    loop_until(&seen.answered, 2);
    is_int(seen.answered, 2, "it is answered by the next link");
    is_int(seen.disordered + seen.errors, 0, "in order");
    is_int(seen.lost, 1, "and not lost");
    loop_advance(6000);
    is_int(seen.answered + seen.lost, 3, "once");

    clear();

    server_signal(SIGSTOP);
    ids_again();
    loop_run(20);
    server_signal(SIGKILL);
    server_stop();

    loop_until(&seen.down, 1);
    loop_advance(2500);
    is_int(seen.lost, 0, "kept for some seconds");
    loop_advance(2500);
    loop_until(&seen.lost, 1);
    is_int(seen.lost, 1, "and given up after them");

    clear();

    server_start();
    loop_advance(3100);
    loop_until(&seen.up, 1);

    number = 0;
    server_signal(SIGSTOP);
    ids_again();
    loop_run(20);
    server_signal(SIGKILL);
    server_stop();
    loop_until(&seen.down, 1);

    server_start();
    server_command("CONFIG SET min-replicas-to-write 1");
    loop_advance(3000);
    loop_until(&seen.lost, 1);
    is_int(seen.lost, 1, "refused the second time: perhaps taken");
    is_int(seen.declined, 0, "not declined");
    server_command("CONFIG SET min-replicas-to-write 0");

    loop_advance(3100);
    loop_until(&seen.subscriber_up, 1);
}


static void
refused(void)
{
    redis_ready();
    clear();
    server_command("REPLICAOF 127.0.0.1 1");
    command("GET", "a", NULL);
    (void) ngx_ws_redis_multi(rds, sets, 1, on_reply, NULL);
    loop_until(&seen.declined, 1);
    is_int(seen.answered, 1, "a replica answers");
    is_int(seen.declined, 1, "but takes nothing");
    loop_until(&seen.down, 1);
    loop_until(&seen.subscriber_down, 1);
    is_int(seen.down + seen.subscriber_down, 2, "and is left");
    loop_advance(3100);
    loop_run(50);
    is_int(seen.up + seen.subscriber_up, 0, "for as long as it is one");
    server_command("REPLICAOF NO ONE");
    loop_advance(3100);
    loop_until(&seen.up, 1);
    loop_until(&seen.subscriber_up, 1);
    is_int(seen.up + seen.subscriber_up, 2, "up again");

    clear();
    server_command("CONFIG SET maxmemory 1");
    command("SET", "a", "1");
    (void) ngx_ws_redis_multi(rds, sets, 1, on_reply, NULL);
    loop_until(&seen.declined, 2);
    is_int(seen.declined, 2, "a full one takes nothing, in one or in many");
    server_command("CONFIG SET maxmemory 0");

    clear();
    command("SET", "a", "1");
    loop_until(&seen.answered, 1);
    is_int(seen.errors, 0, "all is well again");
}


static void
password(void)
{
    clear();

    server_command("CONFIG SET requirepass secret");
    server_password = "secret";
    server_command("CLIENT KILL TYPE normal");

    loop_until(&seen.down, 1);
    loop_advance(3100);
    loop_run(50);
    is_int(seen.up, 0, "does not come up without the password");

    conf.password = str("wrong");
    loop_advance(3100);
    loop_run(50);
    is_int(seen.up, 0, "nor with another");

    conf.password = str("secret");
    conf.user = str("default");
    loop_advance(3100);
    loop_until(&seen.up, 1);
    is_int(seen.up, 1, "comes up with it");
}


/* each allocation fails once, and all goes on */

static void
memory(void)
{
    ngx_str_t   name;
    ngx_uint_t  n, failed;

    clear();

    name = str("ch:memory");
    failed = 0;

    for (n = 1; n < 30; n++) {
        (void) fail_alloc(n);

        (void) command("PING", NULL, NULL);
        ids();
        (void) ngx_ws_redis_multi(rds, sets, 2, on_reply, NULL);

        if (ngx_ws_redis_subscribe(rds, &name, on_subscribed, &name)
            == NGX_OK)
        {
            ngx_ws_redis_unsubscribe(rds, &name, &name);
        }

        failed += fail_alloc(0);

        loop_run(10);
        redis_ready();
    }

    ok(failed > 8 && failed < 29, "allocations fail");

    for (n = 1; n < 4; n++) {
        clear();
        server_command("CLIENT KILL TYPE normal");
        loop_until(&seen.down, 1);

        (void) fail_alloc(n);
        loop_advance(3100);
        loop_until(&alloc_failed, 1);
        ok(fail_alloc(0), "so they do while it connects");

        loop_advance(3100);
        ok(loop_until(&seen.up, 1), "it connects again");
    }

    for (n = 1; n < 12; n++) {
        clear();
        server_command("CLIENT KILL TYPE pubsub");
        loop_until(&seen.subscriber_down, 1);

        (void) fail_alloc(n);
        loop_advance(3100);
        loop_until(&alloc_failed, 1);
        ok(fail_alloc(0), "or while it subscribes");

        loop_advance(3100);
        ok(loop_until(&seen.subscriber_up, 1), "all is asked for again");
        server_has(CHANNELS + 2 + 1, "and had");
    }

    redis_ready();
    clear();
    command("PING", NULL, NULL);
    loop_until(&seen.answered, 1);
    is_int(seen.answered, 1, "and all goes on");

    loop_full = 1;
    server_command("CLIENT KILL TYPE normal");
    loop_until(&seen.down, 1);
    loop_advance(3100);
    is_int(seen.up, 0, "no connection is left");

    loop_full = 0;
    loop_advance(3100);
    ok(loop_until(&seen.up, 1), "one is free again");
}
