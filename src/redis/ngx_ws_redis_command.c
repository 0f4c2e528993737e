
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/time.h>
#include <hiredis/async.h>

#include <ngx_ws_latency.h>
#include <ngx_ws_metrics.h>
#include <ngx_ws_redis_command.h>
#include <ngx_ws_redis_error.h>
#include <ngx_ws_redis_link.h>
#include <ngx_ws_redis_resp.h>


/* under way at once: one command is always taken, whatever its size */
#define NGX_WS_REDIS_COMMAND_MAX    65536
#define NGX_WS_REDIS_COMMAND_BYTES  (16 * 1024 * 1024)

/* how long a loss of the link is bridged */
#define NGX_WS_REDIS_COMMAND_AGAIN  5000


struct ngx_ws_redis_op_s {
    ngx_queue_t               queue;        /* of the kept or the failed */
    ngx_ws_redis_commands_t  *commands;

    ngx_ws_redis_reply_pt     handler;
    void                     *data;

    size_t                    size;         /* 0 unless it was sent */
    uint64_t                  sent;         /* when, in microseconds */
    ngx_int_t                 rc;           /* of a failure */

    /* to send a script once more */
    ngx_ws_redis_script_t    *script;
    ngx_uint_t                nkeys;
    ngx_uint_t                nargs;        /* with the keys */
    size_t                    len;
    ngx_msec_t                until;        /* it may be sent again */

    unsigned                  again:1;      /* it may be at all */
    unsigned                  kept:1;       /* is among those */
    unsigned                  lost:1;       /* the link was, under way */
    unsigned                  waiting:1;    /* for the link */

    u_char                    args[];       /* as they are sent */
};


struct ngx_ws_redis_commands_s {
    ngx_ws_redis_link_t            link;

    const ngx_ws_redis_handler_t  *handler;
    void                          *data;

    ngx_ws_redis_subscriber_t     *subscriber;

    ngx_uint_t                     n;
    size_t                         bytes;

    ngx_queue_t                    kept;     /* in the order of their ends */
    ngx_event_t                    end;

    ngx_queue_t                    failed;
    ngx_event_t                    post;

    ngx_ws_redis_errors_t          errors;

    unsigned                       demoted:1;   /* the server: a replica */
};


static void ngx_ws_redis_command_opening(void *data);
static void ngx_ws_redis_command_opened(void *data);
static void ngx_ws_redis_command_idle(void *data);
static void ngx_ws_redis_command_closed(void *data);
static void ngx_ws_redis_command_destroyed(void *data);

static ngx_ws_redis_op_t *ngx_ws_redis_command_create_op(
    ngx_ws_redis_commands_t *cmds, size_t len, ngx_ws_redis_reply_pt handler,
    void *data);
static ngx_int_t ngx_ws_redis_command_admit(ngx_ws_redis_commands_t *cmds,
    size_t size);
static ngx_uint_t ngx_ws_redis_command_full(ngx_ws_redis_commands_t *cmds,
    size_t size);
static ngx_int_t ngx_ws_redis_command_send(ngx_ws_redis_commands_t *cmds,
    ngx_str_t *argv, ngx_uint_t argc, redisCallbackFn *fn,
    ngx_ws_redis_op_t *op);
static ngx_int_t ngx_ws_redis_command_send_multi(
    ngx_ws_redis_commands_t *cmds, ngx_ws_redis_cmd_t *cmd, ngx_uint_t n,
    ngx_ws_redis_op_t *op);
static ngx_int_t ngx_ws_redis_command_send_sha1(ngx_ws_redis_op_t *op);
static ngx_int_t ngx_ws_redis_command_send_script(ngx_ws_redis_op_t *op,
    ngx_str_t *name, ngx_str_t *script);
static ngx_int_t ngx_ws_redis_command_send_text(
    ngx_ws_redis_commands_t *cmds, ngx_str_t *text, redisCallbackFn *fn,
    ngx_ws_redis_op_t *op);
static void ngx_ws_redis_command_sent(ngx_ws_redis_op_t *op, size_t size);

static void ngx_ws_redis_command_pong(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_ws_redis_command_queued(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_ws_redis_command_replied(redisAsyncContext *ac, void *reply,
    void *data);
static ngx_int_t ngx_ws_redis_command_error(ngx_ws_redis_commands_t *cmds,
    ngx_str_t *text);
static void ngx_ws_redis_command_finish(ngx_ws_redis_op_t *op, ngx_int_t rc,
    void *reply);
static ngx_int_t ngx_ws_redis_command_keep(ngx_ws_redis_op_t *op);
static void ngx_ws_redis_command_resend(ngx_ws_redis_commands_t *cmds);
static void ngx_ws_redis_command_end_handler(ngx_event_t *ev);
static void ngx_ws_redis_command_unkeep(ngx_ws_redis_op_t *op);
static void ngx_ws_redis_command_fail(ngx_ws_redis_op_t *op, ngx_int_t rc);
static void ngx_ws_redis_command_post_handler(ngx_event_t *ev);


static const ngx_ws_redis_link_handler_t  ngx_ws_redis_command_link = {
    "commands",
    ngx_ws_redis_command_opening,
    ngx_ws_redis_command_opened,
    ngx_ws_redis_command_idle,
    ngx_ws_redis_command_closed,
    ngx_ws_redis_command_destroyed
};


ngx_ws_redis_commands_t *
ngx_ws_redis_command_create(ngx_ws_redis_conf_t *conf,
    const ngx_ws_redis_handler_t *handler, void *data,
    ngx_ws_redis_subscriber_t *sub, ngx_log_t *log)
{
    ngx_ws_redis_commands_t  *cmds;

    cmds = ngx_calloc(sizeof(ngx_ws_redis_commands_t), log);
    if (cmds == NULL) {
        return NULL;
    }

    cmds->handler = handler;
    cmds->data = data;
    cmds->subscriber = sub;

    ngx_queue_init(&cmds->kept);
    ngx_queue_init(&cmds->failed);

    cmds->end.handler = ngx_ws_redis_command_end_handler;
    cmds->end.data = cmds;
    cmds->end.log = log;

    cmds->post.handler = ngx_ws_redis_command_post_handler;
    cmds->post.data = cmds;
    cmds->post.log = log;

    ngx_ws_redis_link_init(&cmds->link, conf, &ngx_ws_redis_command_link,
                           cmds, log);

    return cmds;
}


void
ngx_ws_redis_command_destroy(ngx_ws_redis_commands_t *cmds)
{
    ngx_ws_redis_link_destroy(&cmds->link);
}


ngx_uint_t
ngx_ws_redis_command_ready(ngx_ws_redis_commands_t *cmds)
{
    return ngx_ws_redis_link_ready(&cmds->link)
           && !ngx_ws_redis_command_full(cmds, 0);
}


ngx_ws_redis_op_t *
ngx_ws_redis_command_start(ngx_ws_redis_commands_t *cmds, ngx_str_t *argv,
    ngx_uint_t argc, ngx_ws_redis_reply_pt handler, void *data)
{
    size_t              size;
    ngx_ws_redis_op_t  *op;

    op = ngx_ws_redis_command_create_op(cmds, 0, handler, data);
    if (op == NULL) {
        return NULL;
    }

    size = ngx_ws_redis_resp_command(NULL, argv, argc);

    if (ngx_ws_redis_command_admit(cmds, size) != NGX_OK
        || ngx_ws_redis_command_send(cmds, argv, argc,
                                     ngx_ws_redis_command_replied, op)
           != NGX_OK)
    {
        ngx_ws_redis_command_fail(op, NGX_DECLINED);
        return op;
    }

    ngx_ws_redis_command_sent(op, size);

    return op;
}


ngx_ws_redis_op_t *
ngx_ws_redis_command_multi(ngx_ws_redis_commands_t *cmds,
    ngx_ws_redis_cmd_t *cmd, ngx_uint_t n, ngx_ws_redis_reply_pt handler,
    void *data)
{
    size_t              size;
    ngx_int_t           rc;
    ngx_uint_t          i;
    ngx_ws_redis_op_t  *op;

    op = ngx_ws_redis_command_create_op(cmds, 0, handler, data);
    if (op == NULL) {
        return NULL;
    }

    size = 0;

    for (i = 0; i < n; i++) {
        size += ngx_ws_redis_resp_command(NULL, cmd[i].argv, cmd[i].argc);
    }

    if (ngx_ws_redis_command_admit(cmds, size) != NGX_OK) {
        ngx_ws_redis_command_fail(op, NGX_DECLINED);
        return op;
    }

    rc = ngx_ws_redis_command_send_multi(cmds, cmd, n, op);

    if (rc != NGX_OK) {
        ngx_ws_redis_command_fail(op, rc);
        return op;
    }

    ngx_ws_redis_command_sent(op, size);

    return op;
}


ngx_ws_redis_op_t *
ngx_ws_redis_command_eval(ngx_ws_redis_commands_t *cmds,
    ngx_ws_redis_script_e script, ngx_str_t *keys, ngx_uint_t nkeys,
    ngx_str_t *args, ngx_uint_t nargs, ngx_uint_t again,
    ngx_ws_redis_reply_pt handler, void *data)
{
    u_char             *p;
    size_t              len;
    ngx_ws_redis_op_t  *op;

    len = ngx_ws_redis_resp_strings(NULL, keys, nkeys)
          + ngx_ws_redis_resp_strings(NULL, args, nargs);

    op = ngx_ws_redis_command_create_op(cmds, len, handler, data);
    if (op == NULL) {
        return NULL;
    }

    op->script = ngx_ws_redis_script(script);
    op->nkeys = nkeys;
    op->nargs = nkeys + nargs;
    op->len = len;
    op->again = again;
    op->until = ngx_current_msec + NGX_WS_REDIS_COMMAND_AGAIN;

    p = (u_char *) ngx_ws_redis_resp_strings(op->args, keys, nkeys);
    (void) ngx_ws_redis_resp_strings(p, args, nargs);

    if (ngx_ws_redis_command_admit(cmds, len) != NGX_OK
        || ngx_ws_redis_command_send_sha1(op) != NGX_OK)
    {
        ngx_ws_redis_command_fail(op, NGX_DECLINED);
        return op;
    }

    ngx_ws_redis_command_sent(op, len);

    return op;
}


void
ngx_ws_redis_command_cancel(ngx_ws_redis_op_t *op)
{
    op->handler = NULL;
}


static void
ngx_ws_redis_command_opening(void *data)
{
    ngx_ws_redis_commands_t *cmds = data;

    ngx_str_t   argv[3];
    ngx_uint_t  i;

    ngx_str_set(&argv[0], "SCRIPT");
    ngx_str_set(&argv[1], "LOAD");

    for (i = 0; i < NGX_WS_REDIS_SCRIPTS; i++) {
        argv[2] = ngx_ws_redis_script(i)->text;
        ngx_ws_redis_link_greet(&cmds->link, argv, 3, 1);
    }
}


static void
ngx_ws_redis_command_opened(void *data)
{
    ngx_ws_redis_commands_t *cmds = data;

    ngx_ws_redis_link_settled(&cmds->link);

    ngx_ws_redis_command_resend(cmds);

    if (cmds->handler->up) {
        cmds->handler->up(cmds->data);
    }
}


static void
ngx_ws_redis_command_idle(void *data)
{
    ngx_ws_redis_commands_t *cmds = data;

    ngx_str_t  ping;

    ngx_str_set(&ping, "PING");

    if (ngx_ws_redis_command_send(cmds, &ping, 1, ngx_ws_redis_command_pong,
                                  NULL)
        == NGX_OK)
    {
        ngx_ws_redis_link_sent(&cmds->link, 1);
    }
}


static void
ngx_ws_redis_command_closed(void *data)
{
    ngx_ws_redis_commands_t *cmds = data;

    if (cmds->handler->down) {
        cmds->handler->down(cmds->data);
    }
}


static void
ngx_ws_redis_command_destroyed(void *data)
{
    ngx_ws_redis_commands_t *cmds = data;

    ngx_queue_t  *q;

    ngx_queue_add(&cmds->failed, &cmds->kept);

    while (!ngx_queue_empty(&cmds->failed)) {
        q = ngx_queue_head(&cmds->failed);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_ws_redis_op_t, queue));
    }

    if (cmds->end.timer_set) {
        ngx_del_timer(&cmds->end);
    }

    if (cmds->post.posted) {
        ngx_delete_posted_event(&cmds->post);
    }

    ngx_free(cmds);
}


static ngx_ws_redis_op_t *
ngx_ws_redis_command_create_op(ngx_ws_redis_commands_t *cmds, size_t len,
    ngx_ws_redis_reply_pt handler, void *data)
{
    ngx_ws_redis_op_t  *op;

    if (cmds->handler->starting) {
        cmds->handler->starting(cmds->data);
    }

    op = ngx_alloc(sizeof(ngx_ws_redis_op_t) + len, cmds->link.log);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(ngx_ws_redis_op_t));

    op->commands = cmds;
    op->handler = handler;
    op->data = data;

    return op;
}


static ngx_int_t
ngx_ws_redis_command_admit(ngx_ws_redis_commands_t *cmds, size_t size)
{
    if (!ngx_ws_redis_link_ready(&cmds->link)) {
        return NGX_DECLINED;
    }

    if (ngx_ws_redis_command_full(cmds, size)) {
        ngx_ws_redis_error_full(&cmds->errors, cmds->link.log);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_ws_redis_command_full(ngx_ws_redis_commands_t *cmds, size_t size)
{
    return cmds->n > 0
           && (cmds->n >= NGX_WS_REDIS_COMMAND_MAX
               || cmds->bytes + size > NGX_WS_REDIS_COMMAND_BYTES);
}


static ngx_int_t
ngx_ws_redis_command_send(ngx_ws_redis_commands_t *cmds, ngx_str_t *argv,
    ngx_uint_t argc, redisCallbackFn *fn, ngx_ws_redis_op_t *op)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    text = ngx_ws_redis_resp_create(argv, argc, cmds->link.log);
    if (text.data == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_ws_redis_command_send_text(cmds, &text, fn, op);

    ngx_free(text.data);

    return rc;
}


static ngx_int_t
ngx_ws_redis_command_send_multi(ngx_ws_redis_commands_t *cmds,
    ngx_ws_redis_cmd_t *cmd, ngx_uint_t n, ngx_ws_redis_op_t *op)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    ngx_str_set(&name, "MULTI");

    if (ngx_ws_redis_command_send(cmds, &name, 1, ngx_ws_redis_command_queued,
                                  NULL)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        if (ngx_ws_redis_command_send(cmds, cmd[i].argv, cmd[i].argc,
                                      ngx_ws_redis_command_queued, NULL)
            != NGX_OK)
        {
            goto failed;
        }
    }

    ngx_str_set(&name, "EXEC");

    if (ngx_ws_redis_command_send(cmds, &name, 1,
                                  ngx_ws_redis_command_replied, op)
        == NGX_OK)
    {
        ngx_ws_redis_link_sent(&cmds->link, n + 1);
        return NGX_OK;
    }

failed:

    /* all later commands would belong to the transaction */

    ngx_ws_redis_link_close(&cmds->link, "no memory");

    return NGX_DECLINED;
}


static ngx_int_t
ngx_ws_redis_command_send_sha1(ngx_ws_redis_op_t *op)
{
    ngx_str_t  name, sha1;

    ngx_str_set(&name, "EVALSHA");
    sha1.len = sizeof(op->script->sha1);
    sha1.data = op->script->sha1;

    return ngx_ws_redis_command_send_script(op, &name, &sha1);
}


static ngx_int_t
ngx_ws_redis_command_send_script(ngx_ws_redis_op_t *op, ngx_str_t *name,
    ngx_str_t *script)
{
    size_t     len;
    u_char    *p, number[NGX_INT_T_LEN];
    ngx_int_t  rc;
    ngx_str_t  text, argv[3];

    argv[0] = *name;
    argv[1] = *script;
    argv[2].data = number;
    argv[2].len = ngx_sprintf(number, "%ui", op->nkeys) - number;

    len = ngx_ws_redis_resp_array(NULL, 3 + op->nargs)
          + ngx_ws_redis_resp_strings(NULL, argv, 3)
          + op->len;

    text.data = ngx_alloc(len + 1, op->commands->link.log);
    if (text.data == NULL) {
        return NGX_DECLINED;
    }

    text.len = len;

    p = (u_char *) ngx_ws_redis_resp_array(text.data, 3 + op->nargs);
    p = (u_char *) ngx_ws_redis_resp_strings(p, argv, 3);
    p = ngx_cpymem(p, op->args, op->len);
    *p = '\0';

    rc = ngx_ws_redis_command_send_text(op->commands, &text,
                                        ngx_ws_redis_command_replied, op);
    ngx_free(text.data);

    return rc;
}


static ngx_int_t
ngx_ws_redis_command_send_text(ngx_ws_redis_commands_t *cmds,
    ngx_str_t *text, redisCallbackFn *fn, ngx_ws_redis_op_t *op)
{
    if (!ngx_ws_redis_link_ready(&cmds->link)) {
        return NGX_DECLINED;
    }

    if (redisAsyncFormattedCommand(cmds->link.event.context, fn, op,
                                   (char *) text->data, text->len)
        != REDIS_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_ws_redis_command_sent(ngx_ws_redis_op_t *op, size_t size)
{
    ngx_ws_redis_commands_t  *cmds;

    cmds = op->commands;

    op->size = sizeof(ngx_ws_redis_op_t) + size;
    op->sent = ngx_ws_latency_now();

    cmds->n++;
    cmds->bytes += op->size;

    ngx_ws_metric_add(REDIS_COMMANDS, 1);
    ngx_ws_metric_set(REDIS_PENDING, cmds->n);

    ngx_ws_redis_link_sent(&cmds->link, 1);
}


static void
ngx_ws_redis_command_pong(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_ws_redis_link_t  *link;

    link = ac->data;

    if (reply) {
        ngx_ws_redis_link_answered(link);
    }
}


/* MULTI and what is between it and EXEC */

static void
ngx_ws_redis_command_queued(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_str_t                 text;
    ngx_ws_redis_link_t      *link;
    ngx_ws_redis_commands_t  *cmds;

    link = ac->data;
    cmds = link->data;

    if (reply == NULL) {
        return;
    }

    ngx_ws_redis_link_answered(link);

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        text = ngx_ws_redis_reply_string(reply);
        (void) ngx_ws_redis_command_error(cmds, &text);
    }
}


static void
ngx_ws_redis_command_replied(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_ws_redis_op_t *op = data;

    ngx_int_t                 rc;
    ngx_str_t                 name, text;
    ngx_ws_redis_commands_t  *cmds;

    cmds = op->commands;

    if (reply == NULL) {
        if (ngx_ws_redis_command_keep(op) != NGX_OK) {
            ngx_ws_redis_command_fail(op, NGX_ERROR);
        }

        return;
    }

    ngx_ws_redis_link_answered(&cmds->link);
    ngx_ws_latency_add(NGX_WS_METRIC_REDIS_LATENCY, op->sent);

    rc = NGX_OK;

    if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR) {
        text = ngx_ws_redis_reply_string(reply);

        if (op->script && ngx_ws_redis_error_is(&text, "NOSCRIPT")) {
            ngx_str_set(&name, "EVAL");

            rc = ngx_ws_redis_command_send_script(op, &name,
                                                  &op->script->text);
            if (rc == NGX_OK) {
                ngx_ws_redis_link_sent(&cmds->link, 1);
                return;
            }

        } else {
            rc = ngx_ws_redis_command_error(cmds, &text);
        }
    }

    if (rc == NGX_DECLINED && op->lost) {
        /* this time: the first one may have been taken */
        rc = NGX_ERROR;
    }

    ngx_ws_redis_command_finish(op, rc, (rc == NGX_OK) ? reply : NULL);

    if (cmds->demoted && !cmds->link.destroyed) {
        cmds->demoted = 0;

        ngx_ws_redis_link_demoted(&cmds->link);
        ngx_ws_redis_subscribe_demoted(cmds->subscriber);
    }
}


static ngx_int_t
ngx_ws_redis_command_error(ngx_ws_redis_commands_t *cmds, ngx_str_t *text)
{
    if (ngx_ws_redis_error_readonly(text)) {
        cmds->demoted = 1;
    }

    return ngx_ws_redis_error(&cmds->errors, text, cmds->link.log);
}


static void
ngx_ws_redis_command_finish(ngx_ws_redis_op_t *op, ngx_int_t rc, void *reply)
{
    void                     *data;
    ngx_ws_redis_reply_pt     handler;
    ngx_ws_redis_commands_t  *cmds;

    cmds = op->commands;
    handler = op->handler;
    data = op->data;

    ngx_ws_redis_command_unkeep(op);

    if (op->size) {
        cmds->n--;
        cmds->bytes -= op->size;

        ngx_ws_metric_set(REDIS_PENDING, cmds->n);
    }

    if (rc != NGX_OK || ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ERROR)
    {
        ngx_ws_metric_add(REDIS_ERRORS, 1);
    }

    ngx_free(op);

    if (handler) {
        handler(data, rc, reply);
    }
}


/* Those whose link was lost are sent again by the next, if it is in time. */

static ngx_int_t
ngx_ws_redis_command_keep(ngx_ws_redis_op_t *op)
{
    ngx_ws_redis_commands_t  *cmds;

    cmds = op->commands;

    if (!op->again
        || op->handler == NULL
        || (ngx_msec_int_t) (op->until - ngx_current_msec) <= 0
        || cmds->link.destroyed)
    {
        return NGX_DECLINED;
    }

    op->lost = 1;
    op->waiting = 1;

    if (!op->kept) {
        op->kept = 1;
        ngx_queue_insert_tail(&cmds->kept, &op->queue);
    }

    if (!cmds->end.timer_set) {
        ngx_add_timer(&cmds->end, op->until - ngx_current_msec);
    }

    return NGX_OK;
}


static void
ngx_ws_redis_command_resend(ngx_ws_redis_commands_t *cmds)
{
    ngx_queue_t        *q;
    ngx_ws_redis_op_t  *op;

    for (q = ngx_queue_head(&cmds->kept);
         q != ngx_queue_sentinel(&cmds->kept);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_ws_redis_op_t, queue);

        if (op->waiting && ngx_ws_redis_command_send_sha1(op) == NGX_OK) {
            op->waiting = 0;
            ngx_ws_redis_link_sent(&cmds->link, 1);
        }
    }
}


static void
ngx_ws_redis_command_end_handler(ngx_event_t *ev)
{
    ngx_ws_redis_commands_t *cmds = ev->data;

    ngx_msec_int_t          left;
    ngx_queue_t            *q;
    ngx_ws_redis_op_t      *op;
    ngx_ws_redis_reply_pt   handler;

    ngx_ws_redis_link_enter(&cmds->link);

    while (!ngx_queue_empty(&cmds->kept) && !cmds->link.destroyed) {
        q = ngx_queue_head(&cmds->kept);
        op = ngx_queue_data(q, ngx_ws_redis_op_t, queue);

        left = (ngx_msec_int_t) (op->until - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            break;
        }

        if (op->waiting) {
            ngx_ws_redis_command_finish(op, NGX_ERROR, NULL);
            continue;
        }

        /* under way again: nobody waits for the answer any more */

        ngx_ws_redis_command_unkeep(op);

        handler = op->handler;
        op->handler = NULL;

        if (handler) {
            handler(op->data, NGX_ERROR, NULL);
        }
    }

    ngx_ws_redis_link_leave(&cmds->link);
}


static void
ngx_ws_redis_command_unkeep(ngx_ws_redis_op_t *op)
{
    if (op->kept) {
        op->kept = 0;
        ngx_queue_remove(&op->queue);
    }
}


/*
 * The user is told in the next turn of the loop: somebody who tries again at
 * once must not keep this one from ending.
 */

static void
ngx_ws_redis_command_fail(ngx_ws_redis_op_t *op, ngx_int_t rc)
{
    ngx_ws_redis_commands_t  *cmds;

    cmds = op->commands;

    op->rc = rc;

    ngx_ws_redis_command_unkeep(op);
    ngx_queue_insert_tail(&cmds->failed, &op->queue);

    if (!cmds->link.destroyed) {
        ngx_post_event(&cmds->post, &ngx_posted_next_events);
    }
}


static void
ngx_ws_redis_command_post_handler(ngx_event_t *ev)
{
    ngx_ws_redis_commands_t *cmds = ev->data;

    ngx_queue_t        *q, *last;
    ngx_ws_redis_op_t  *op;

    ngx_ws_redis_link_enter(&cmds->link);

    last = ngx_queue_last(&cmds->failed);

    do {
        q = ngx_queue_head(&cmds->failed);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_ws_redis_op_t, queue);
        ngx_ws_redis_command_finish(op, op->rc, NULL);

    } while (q != last && !cmds->link.destroyed);

    ngx_ws_redis_link_leave(&cmds->link);
}
