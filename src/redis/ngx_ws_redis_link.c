
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/time.h>
#include <hiredis/async.h>

#include <ngx_ws_redis_error.h>
#include <ngx_ws_redis_key.h>
#include <ngx_ws_redis_link.h>
#include <ngx_ws_redis_resp.h>


#define NGX_WS_REDIS_LINK_RETRY_MIN  100
#define NGX_WS_REDIS_LINK_RETRY_MAX  3000

/* a link that stood that long starts its retries afresh */
#define NGX_WS_REDIS_LINK_STABLE     5000

#define NGX_WS_REDIS_LINK_IDLE       5000

/* for the answer to what the loop, held up itself, has just sent */
#define NGX_WS_REDIS_LINK_GRACE      500

/* while away, another reason that Redis didn't give is told not before that */
#define NGX_WS_REDIS_LINK_QUIET      10000


static void ngx_ws_redis_link_connect(ngx_ws_redis_link_t *link);
static redisAsyncContext *ngx_ws_redis_link_context(
    ngx_ws_redis_link_t *link);
static void ngx_ws_redis_link_handshake(ngx_ws_redis_link_t *link);
static void ngx_ws_redis_link_greeted(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_ws_redis_link_opened(ngx_ws_redis_link_t *link);
static void ngx_ws_redis_link_left(void *data);
static void ngx_ws_redis_link_lost(ngx_ws_redis_link_t *link);
static void ngx_ws_redis_link_set_reason(ngx_ws_redis_link_t *link,
    const char *reason);
static void ngx_ws_redis_link_log_reason(ngx_ws_redis_link_t *link);
static void ngx_ws_redis_link_set_timer(ngx_ws_redis_link_t *link,
    ngx_msec_t timeout);
static void ngx_ws_redis_link_timer_handler(ngx_event_t *ev);
static void ngx_ws_redis_link_check(ngx_ws_redis_link_t *link);


void
ngx_ws_redis_link_init(ngx_ws_redis_link_t *link, ngx_ws_redis_conf_t *conf,
    const ngx_ws_redis_link_handler_t *handler, void *data, ngx_log_t *log)
{
    link->conf = conf;
    link->handler = handler;
    link->data = data;
    link->log = log;

    link->event.left = ngx_ws_redis_link_left;
    link->event.data = link;

    ngx_ws_redis_event_init(&link->event, log);

    link->timer.handler = ngx_ws_redis_link_timer_handler;
    link->timer.data = link;
    link->timer.log = log;

    ngx_ws_backoff_init(&link->backoff, NGX_WS_REDIS_LINK_RETRY_MIN,
                        NGX_WS_REDIS_LINK_RETRY_MAX);

    /* not at once: the caller is still being set up */

    ngx_ws_redis_link_set_timer(link, 0);
}


void
ngx_ws_redis_link_destroy(ngx_ws_redis_link_t *link)
{
    ngx_ws_redis_link_enter(link);

    link->destroyed = 1;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    ngx_ws_redis_event_flush(&link->event);
    ngx_ws_redis_event_free(&link->event);

    ngx_ws_redis_link_leave(link);
}


void
ngx_ws_redis_link_enter(ngx_ws_redis_link_t *link)
{
    ngx_ws_redis_event_enter(&link->event);
}


void
ngx_ws_redis_link_leave(ngx_ws_redis_link_t *link)
{
    ngx_ws_redis_event_leave(&link->event);
}


ngx_uint_t
ngx_ws_redis_link_ready(ngx_ws_redis_link_t *link)
{
    return link->state == NGX_WS_REDIS_LINK_UP
           && link->event.context
           && !link->closing
           && !link->destroyed;
}


void
ngx_ws_redis_link_close(ngx_ws_redis_link_t *link, const char *reason)
{
    if (link->event.context == NULL || link->closing) {
        return;
    }

    link->closing = 1;
    ngx_ws_redis_link_set_reason(link, reason);

    ngx_ws_redis_link_enter(link);

    ngx_ws_redis_event_free(&link->event);

    ngx_ws_redis_link_leave(link);
}


void
ngx_ws_redis_link_demoted(ngx_ws_redis_link_t *link)
{
    ngx_ws_redis_link_close(link, "it is a replica");
}


void
ngx_ws_redis_link_greet(ngx_ws_redis_link_t *link, ngx_str_t *argv,
    ngx_uint_t argc, ngx_uint_t optional)
{
    int        rc;
    ngx_str_t  text;

    if (link->event.context == NULL || link->closing) {
        /* given up for want of memory with the command before */
        return;
    }

    text = ngx_ws_redis_resp_create(argv, argc, link->log);
    if (text.data == NULL) {
        ngx_ws_redis_link_close(link, "no memory");
        return;
    }

    rc = redisAsyncFormattedCommand(link->event.context,
                                    ngx_ws_redis_link_greeted,
                                    optional ? link : NULL,
                                    (char *) text.data, text.len);

    ngx_free(text.data);

    if (rc != REDIS_OK) {
        ngx_ws_redis_link_close(link, "no memory");
        return;
    }

    link->greetings++;
}


void
ngx_ws_redis_link_sent(ngx_ws_redis_link_t *link, ngx_uint_t n)
{
    if (link->awaited == 0) {
        link->heard = ngx_current_msec;
        link->overdue = 0;
        ngx_ws_redis_link_set_timer(link, link->conf->command_timeout);
    }

    link->awaited += n;
    link->timer.cancelable = 0;
}


void
ngx_ws_redis_link_answered(ngx_ws_redis_link_t *link)
{
    link->heard = ngx_current_msec;

    if (--link->awaited == 0) {
        link->timer.cancelable = 1;
    }
}


void
ngx_ws_redis_link_heard(ngx_ws_redis_link_t *link)
{
    link->heard = ngx_current_msec;
}


void
ngx_ws_redis_link_settled(ngx_ws_redis_link_t *link)
{
    if (link->logged[0]) {
        link->logged[0] = '\0';

        ngx_log_error(NGX_LOG_NOTICE, link->log, 0, "redis is back (%s, %V)",
                      link->handler->name, &link->conf->addr.name);
    }
}


static void
ngx_ws_redis_link_connect(ngx_ws_redis_link_t *link)
{
    redisAsyncContext  *ac;

    link->state = NGX_WS_REDIS_LINK_OPENING;
    link->closing = 0;
    link->refused = 0;
    link->greetings = 0;
    link->awaited = 0;
    link->overdue = 0;
    link->reason[0] = '\0';
    link->event.error[0] = '\0';

    ac = ngx_ws_redis_link_context(link);

    if (ac == NULL) {
        ngx_ws_redis_link_set_reason(link, "no memory");
        return;
    }

    if (ac->err) {
        ngx_ws_redis_link_set_reason(link, ac->errstr);
        redisAsyncFree(ac);
        return;
    }

    if (ngx_ws_redis_event_attach(&link->event, ac) != NGX_OK) {
        ngx_ws_redis_link_set_reason(link, "no connection");
        redisAsyncFree(ac);
        return;
    }

    ac->data = link;

    ngx_ws_redis_link_set_timer(link, link->conf->connect_timeout);
    ngx_ws_redis_link_handshake(link);
}


/* the address is numeric: hiredis would resolve a name while we wait */

static redisAsyncContext *
ngx_ws_redis_link_context(ngx_ws_redis_link_t *link)
{
    size_t               len;
    ngx_addr_t          *addr;
#if (NGX_HAVE_UNIX_DOMAIN)
    struct sockaddr_un  *saun;
#endif
    u_char               text[NGX_SOCKADDR_STRLEN + 1];

    addr = &link->conf->addr;

#if (NGX_HAVE_UNIX_DOMAIN)

    if (addr->sockaddr->sa_family == AF_UNIX) {
        saun = (struct sockaddr_un *) addr->sockaddr;
        return redisAsyncConnectUnix(saun->sun_path);
    }

#endif

    len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text,
                        NGX_SOCKADDR_STRLEN, 0);
    text[len] = '\0';

    return redisAsyncConnect((char *) text,
                             ngx_inet_get_port(addr->sockaddr));
}


static void
ngx_ws_redis_link_handshake(ngx_ws_redis_link_t *link)
{
    u_char                number[NGX_INT_T_LEN];
    ngx_str_t             argv[3];
    ngx_uint_t            n;
    ngx_ws_redis_key_t    key;
    ngx_ws_redis_conf_t  *conf;

    conf = link->conf;

    if (conf->password.len) {
        n = 0;
        ngx_str_set(&argv[n], "AUTH");
        n++;

        if (conf->user.len) {
            argv[n++] = conf->user;
        }

        argv[n++] = conf->password;

        ngx_ws_redis_link_greet(link, argv, n, 0);
    }

    if (conf->db) {
        ngx_str_set(&argv[0], "SELECT");
        argv[1].data = number;
        argv[1].len = ngx_sprintf(number, "%ui", conf->db) - number;

        ngx_ws_redis_link_greet(link, argv, 2, 0);
    }

    /* refused for instance while Redis loads its data */

    ngx_str_set(&argv[0], "PING");
    ngx_ws_redis_link_greet(link, argv, 1, 0);

    /* refused by a replica; there is no such key */

    ngx_str_set(&argv[0], "DEL");
    argv[1] = *ngx_ws_redis_key(&key, &conf->prefix,
                                NGX_WS_REDIS_KEY_HEARTBEAT, 0, 0, NULL);
    ngx_ws_redis_link_greet(link, argv, 2, 1);

    if (link->handler->opening) {
        link->handler->opening(link->data);
    }
}


/* "data" is not NULL if Redis may refuse this one */

static void
ngx_ws_redis_link_greeted(redisAsyncContext *ac, void *reply, void *data)
{
    char                 *p;
    ngx_str_t             text;
    redisReply           *r;
    ngx_ws_redis_link_t  *link;

    r = reply;
    link = ac->data;

    if (r == NULL || link->closing || link->destroyed) {
        return;
    }

    if (r->type == REDIS_REPLY_ERROR) {

        /* the arguments of an unknown command follow, a password perhaps */

        p = strstr(r->str, ", with args");
        if (p) {
            *p = '\0';
        }

        text.len = ngx_strlen(r->str);
        text.data = (u_char *) r->str;

        if (ngx_ws_redis_error_readonly(&text)) {
            link->refused = 1;
            ngx_ws_redis_link_demoted(link);
            return;
        }

        if (data == NULL) {
            link->refused = 1;
            ngx_ws_redis_link_close(link, r->str);
            return;
        }

        if (!link->warned) {
            link->warned = 1;

            ngx_log_error(NGX_LOG_WARN, link->log, 0,
                          "redis refused a command on connecting: %s (%s, %V)",
                          r->str, link->handler->name,
                          &link->conf->addr.name);
        }
    }

    if (--link->greetings == 0) {
        ngx_ws_redis_link_opened(link);
    }
}


static void
ngx_ws_redis_link_opened(ngx_ws_redis_link_t *link)
{
    link->state = NGX_WS_REDIS_LINK_UP;
    link->since = ngx_current_msec;
    link->heard = ngx_current_msec;

    ngx_ws_redis_link_set_timer(link, NGX_WS_REDIS_LINK_IDLE);

    link->handler->opened(link->data);
}


static void
ngx_ws_redis_link_left(void *data)
{
    ngx_ws_redis_link_t *link = data;

    if (link->state != NGX_WS_REDIS_LINK_DOWN
        && link->event.context == NULL
        && !link->destroyed)
    {
        link->event.entered++;
        ngx_ws_redis_link_lost(link);
        link->event.entered--;
    }

    if (link->destroyed) {
        link->handler->destroyed(link->data);
    }
}


static void
ngx_ws_redis_link_lost(ngx_ws_redis_link_t *link)
{
    ngx_uint_t  opened;

    opened = (link->state == NGX_WS_REDIS_LINK_UP);

    link->state = NGX_WS_REDIS_LINK_DOWN;
    link->awaited = 0;

    ngx_ws_redis_link_set_reason(link, link->event.error);
    ngx_ws_redis_link_set_reason(link, "connection closed");

    ngx_ws_redis_link_log_reason(link);

    if (opened && ngx_current_msec - link->since > NGX_WS_REDIS_LINK_STABLE) {
        ngx_ws_backoff_reset(&link->backoff);
    }

    ngx_ws_redis_link_set_timer(link, ngx_ws_backoff_next(&link->backoff,
                                                          ngx_random()));

    if (opened) {
        link->handler->closed(link->data);
    }
}


/* the first reason counts: what follows from it is known later */

static void
ngx_ws_redis_link_set_reason(ngx_ws_redis_link_t *link, const char *reason)
{
    if (link->reason[0] == '\0') {
        (void) ngx_cpystrn((u_char *) link->reason, (u_char *) reason,
                           sizeof(link->reason));
    }
}


static void
ngx_ws_redis_link_log_reason(ngx_ws_redis_link_t *link)
{
    if (link->logged[0]) {

        if (ngx_strcmp(link->reason, link->logged) == 0) {
            return;
        }

        if (!link->refused
            && ngx_current_msec - link->told < NGX_WS_REDIS_LINK_QUIET)
        {
            return;
        }
    }

    ngx_memcpy(link->logged, link->reason, sizeof(link->logged));
    link->told = ngx_current_msec;

    ngx_log_error(NGX_LOG_ERR, link->log, 0, "redis is away: %s (%s, %V)",
                  link->reason, link->handler->name, &link->conf->addr.name);
}


static void
ngx_ws_redis_link_set_timer(ngx_ws_redis_link_t *link, ngx_msec_t timeout)
{
    /* a worker may exit while nothing is awaited */

    link->timer.cancelable = (link->awaited == 0);

    ngx_add_timer(&link->timer, timeout);
}


static void
ngx_ws_redis_link_timer_handler(ngx_event_t *ev)
{
    ngx_ws_redis_link_t *link = ev->data;

    ngx_ws_redis_link_enter(link);

    switch (link->state) {

    case NGX_WS_REDIS_LINK_DOWN:
        ngx_ws_redis_link_connect(link);
        break;

    case NGX_WS_REDIS_LINK_OPENING:
        ngx_ws_redis_link_close(link, "timed out while connecting");
        break;

    case NGX_WS_REDIS_LINK_UP:
        ngx_ws_redis_link_check(link);
        break;
    }

    ngx_ws_redis_link_leave(link);
}


static void
ngx_ws_redis_link_check(ngx_ws_redis_link_t *link)
{
    ngx_msec_t  silent, limit;

    /* who takes in what is large is not away */

    silent = ngx_min(ngx_current_msec - link->heard,
                     ngx_current_msec - link->event.writable);

    limit = link->awaited ? link->conf->command_timeout
                          : NGX_WS_REDIS_LINK_IDLE;

    if (silent < limit) {
        link->overdue = 0;
        ngx_ws_redis_link_set_timer(link, limit - silent);
        return;
    }

    if (link->awaited && !link->overdue) {
        /* our own loop may have been held up, and have sent it just now */
        link->overdue = 1;
        ngx_ws_redis_link_set_timer(link, NGX_WS_REDIS_LINK_GRACE);
        return;
    }

    if (link->awaited) {
        ngx_ws_redis_link_close(link, "no answer in time");
        return;
    }

    link->handler->idle(link->data);

    if (!link->timer.timer_set && !link->destroyed) {
        ngx_ws_redis_link_set_timer(link, limit);
    }
}
