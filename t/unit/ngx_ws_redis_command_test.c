
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * Commands, transactions and scripts, with a server that stays.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis.h>

#include "loop.h"
#include "redis.h"
#include "server.h"
#include "test.h"


static void commands(void);
static void transactions(void);
static void scripts(void);
static void limits(void);
static void cancelled(void);
static void on_first(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);


static ngx_ws_redis_op_t  *other;


int
main(void)
{
    redis_start();

    commands();
    transactions();
    scripts();
    limits();
    cancelled();

    ngx_ws_redis_destroy(rds);
    is_int(loop_connections() + loop_timers(), 0, "nothing is left");

    server_stop();

    return done();
}


static void
commands(void)
{
    ngx_str_t  argv[3];

    clear();

    command("SET", "a", "41");
    command("INCR", "a", NULL);
    is_int(seen.answered, 0, "nobody is called from inside");

    ok(loop_until(&seen.answered, 2), "two commands are answered");
    is_int(number, 42, "with a number");

    clear();
    command("GET", "a", NULL);
    loop_until(&seen.answered, 1);
    is_int(number, 42, "a string that is a number");

    clear();
    command("LPUSH", "a", "x");
    loop_until(&seen.answered, 1);
    is_int(seen.errors, 1, "an error is an answer");

    clear();
    argv[0] = str("SET");
    argv[1] = str("big");
    argv[2].len = BIG;
    argv[2].data = big;
    (void) ngx_ws_redis_command(rds, argv, 3, on_reply, NULL);
    command("GET", "big", NULL);
    ok(loop_until(&seen.answered, 2), "a large one is answered");
    is_int(seen.len, BIG, "with all of it");

    clear();
    argv[0] = str("DEL");
    (void) ngx_ws_redis_command(rds, argv, 2, NULL, NULL);
    command("DBSIZE", NULL, NULL);
    loop_until(&seen.answered, 1);
    is_int(seen.answered, 1, "one whose answer nobody wants");

    clear();
    collected = 1;
    command("GET", "collected", NULL);
    loop_until(&seen.answered, 2);
    is_int(number, 7, "what was collected goes first");
}


static void
transactions(void)
{
    ngx_str_t           incr[2], push[3];
    ngx_ws_redis_cmd_t  cmds[3];

    incr[0] = str("INCR");
    incr[1] = str("m");
    push[0] = str("LPUSH");
    push[1] = str("m");
    push[2] = str("x");

    cmds[0].argv = set;
    cmds[0].argc = 3;
    cmds[1].argv = incr;
    cmds[1].argc = 2;
    cmds[2].argv = push;
    cmds[2].argc = 3;

    clear();
    (void) ngx_ws_redis_multi(rds, cmds, 3, on_reply, NULL);
    loop_until(&seen.answered, 1);
    is_int(seen.elements, 3, "a transaction's answers");
    is_int(seen.errors, 1, "an error among them is seen");

    clear();
    set[2] = str("50");
    cmds[1].argc = 1;
    (void) ngx_ws_redis_multi(rds, cmds, 2, on_reply, NULL);
    loop_until(&seen.declined, 1);
    is_int(seen.declined, 1, "a wrong command declines all");

    clear();
    command("GET", "m", NULL);
    loop_until(&seen.answered, 1);
    is_int(number, 2, "and none was run");
}


static void
scripts(void)
{
    clear();

    number = 0;
    ids();
    ids();
    loop_until(&seen.answered, 2);
    is_int(seen.errors + seen.disordered, 0, "a script by its digest");

    server_command("SCRIPT FLUSH");

    clear();
    ids();
    ids();
    loop_until(&seen.answered, 2);
    is_int(seen.errors + seen.disordered, 0,
           "by its text, once it was forgotten");
}


static void
limits(void)
{
    ngx_str_t   argv[2];
    ngx_uint_t  i;

    clear();

    argv[0] = str("INCR");
    argv[1] = str("n");
    number = 0;

    for (i = 0; i < 70000; i++) {
        (void) ngx_ws_redis_command(rds, argv, 2, on_number, NULL);
    }

    is_int(ngx_ws_redis_ready(rds), 0, "not ready when full");
    loop_until(&seen.answered, 65536);
    is_int(seen.answered, 65536, "so many at once are taken");
    is_int(seen.disordered, 0, "in their order");
    is_int(seen.declined, 70000 - 65536, "the others are declined");
    is_int(ngx_ws_redis_ready(rds), 1, "ready again");

    clear();

    argv[0] = str("ECHO");
    argv[1].len = 1000000;
    argv[1].data = big;

    for (i = 0; i < 20; i++) {
        (void) ngx_ws_redis_command(rds, argv, 2, on_reply, NULL);
    }

    loop_until(&seen.answered, 16);
    is_int(seen.answered, 16, "so many bytes at once are taken");
    is_int(seen.declined, 4, "others are declined");
}


static void
cancelled(void)
{
    ngx_str_t  ping;

    clear();

    ping = str("PING");

    (void) ngx_ws_redis_command(rds, &ping, 1, on_first, NULL);
    other = command("PING", NULL, NULL);
    command("PING", NULL, NULL);

    loop_until(&seen.answered, 3);
    loop_run(10);
    is_int(seen.answered, 3, "one cancelled and one begun in a callback");
}


static void
on_first(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_redis_cancel(other);
    command("PING", NULL, NULL);

    on_reply(data, rc, reply);
}
