
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The links to Redis, with a real server that is stopped, killed, locked and
 * filled under way.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_redis.h>

#include "loop.h"
#include "server.h"
#include "test.h"


#define CHANNELS  3000
#define BIG       (3 * 1024 * 1024)

/* of Redis in earnest; what is to time out puts the clock forward */
#define TIMEOUT   10000


/* what to destroy the links in */

enum {
    IN_NOTHING = 0,
    IN_UP,
    IN_DOWN,
    IN_SUBSCRIBER_UP,
    IN_SUBSCRIBER_DOWN,
    IN_MESSAGE,
    IN_REPLY,
    IN_FAILURE,
    IN_SUBSCRIBED,
    IN_LAST
};


static void on_up(void *data);
static void on_down(void *data);
static void on_subscriber_up(void *data);
static void on_subscriber_down(void *data);
static void on_message(void *data, ngx_str_t *channel, ngx_str_t *payload);
static void on_starting(void *data);
static void on_reply(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);
static void on_number(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);
static void on_first(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);
static void on_subscribed(void *data, ngx_int_t rc);
static void destroy_in(ngx_uint_t where);

static void clear(void);
static ngx_str_t str(const char *s);
static ngx_ws_redis_op_t *command(const char *name, const char *a,
    const char *b);
static void ids(void);
static void ids_again(void);
static ngx_str_t channel_name(ngx_uint_t n);
static ngx_uint_t channels_of_server(void);
static void server_has(ngx_uint_t channels, const char *name);
static void ready(void);

static void up(void);
static void commands(void);
static void transactions(void);
static void scripts(void);
static void limits(void);
static void cancelled(void);
static void subscriptions(void);
static void linger(void);
static void heartbeat(void);
static void killed(void);
static void restarted(void);
static void stopped(void);
static void again(void);
static void refused(void);
static void password(void);
static void memory(void);
static void destroyed(void);
static void at_exit(void);


static const ngx_ws_redis_handler_t  handler = {
    on_up, on_down, on_subscriber_up, on_subscriber_down, on_message,
    on_starting
};


static ngx_ws_redis_conf_t  conf;
static ngx_ws_redis_t      *rds;

/* counted since clear() */
static struct {
    ngx_uint_t              up, down;
    ngx_uint_t              subscriber_up, subscriber_down;
    ngx_uint_t              messages, message_len;
    ngx_uint_t              answered, declined, lost, errors;
    ngx_uint_t              elements, len;
    ngx_uint_t              subscribed, unsubscribed;
} seen;

static int64_t              number;
static ngx_uint_t           disordered;
static ngx_uint_t           destroying;
static ngx_uint_t           collected;
static ngx_ws_redis_op_t   *other;

static ngx_str_t            set[3] = {
    ngx_string("SET"), ngx_string("m"), ngx_string("1")
};

static ngx_ws_redis_cmd_t   sets[2] = { { set, 3 }, { set, 3 } };

static u_char               big[BIG];
static uint64_t             metrics[NGX_WS_METRIC_N];
uint64_t                   *ngx_ws_metrics = metrics;


int
main(void)
{
    ngx_memset(big, 'x', BIG);

    loop_init();
    server_init(&conf.addr);

    conf.prefix = str("ws:");
    conf.connect_timeout = TIMEOUT;
    conf.command_timeout = TIMEOUT;
    conf.db = 3;

    up();
    commands();
    transactions();
    scripts();
    limits();
    cancelled();
    subscriptions();
    linger();
    heartbeat();
    killed();
    restarted();
    stopped();
    again();
    refused();
    password();
    memory();
    destroyed();
    at_exit();

    server_stop();

    return done();
}


static void
up(void)
{
    clear();

    rds = ngx_ws_redis_create(&conf, &handler, NULL, &test_log);

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
    is_int(seen.errors + disordered, 0, "a script by its digest");

    server_command("SCRIPT FLUSH");

    clear();
    ids();
    ids();
    loop_until(&seen.answered, 2);
    is_int(seen.errors + disordered, 0, "by its text, once it was forgotten");
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
    is_int(disordered, 0, "in their order");
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
    is_int(disordered + seen.errors, 0, "in order");
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
    ready();
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
        ready();
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

    ready();
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


static void
destroyed(void)
{
    ngx_str_t   name;
    ngx_uint_t  i, where;

    ngx_ws_redis_destroy(rds);

    for (where = IN_UP; where < IN_LAST; where++) {
        clear();

        rds = ngx_ws_redis_create(&conf, &handler, NULL, &test_log);

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

    rds = ngx_ws_redis_create(&conf, &handler, NULL, &test_log);
    loop_until(&seen.up, 1);

    command("SET", "last", "12345");
    ngx_ws_redis_destroy(rds);
    is_int(loop_connections() + loop_timers(), 0, "nothing is left");

    rds = ngx_ws_redis_create(&conf, &handler, NULL, &test_log);
    loop_until(&seen.up, 2);

    command("GET", "last", NULL);
    loop_until(&seen.answered, 1);
    is_int(number, 12345, "what was started before the end is sent");

    ngx_ws_redis_destroy(rds);
    rds = NULL;
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


static void
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

static void
on_number(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    int64_t  last;

    last = number;

    on_reply(data, rc, reply);

    if (rc != NGX_OK) {
        number = last;

    } else if (number <= last) {
        disordered++;
    }
}


static void
on_first(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_redis_cancel(other);
    command("PING", NULL, NULL);

    on_reply(data, rc, reply);
}


static void
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


static void
clear(void)
{
    ngx_memzero(&seen, sizeof(seen));
    disordered = 0;
}


static ngx_str_t
str(const char *s)
{
    ngx_str_t  value;

    value.len = ngx_strlen(s);
    value.data = (u_char *) s;

    return value;
}


static ngx_ws_redis_op_t *
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


static void
ids(void)
{
    ngx_str_t  key, arg;

    key = str("ws:_:id");
    arg = str("10");

    (void) ngx_ws_redis_eval(rds, NGX_WS_REDIS_ID_BLOCK, &key, 1, &arg, 1,
                             on_number, NULL);
}


static void
ids_again(void)
{
    ngx_str_t  key, arg;

    key = str("ws:_:id");
    arg = str("10");

    (void) ngx_ws_redis_eval_again(rds, NGX_WS_REDIS_ID_BLOCK, &key, 1, &arg,
                                   1, on_number, NULL);
}


static ngx_str_t
channel_name(ngx_uint_t n)
{
    static char  name[32];

    snprintf(name, sizeof(name), "ch:%u", (unsigned) n);

    return str(name);
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


/* until the links stand that a loss may have broken */

static void
ready(void)
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
