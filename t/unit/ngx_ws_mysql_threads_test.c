
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * The event side and the task in threads, built with ThreadSanitizer: what
 * one side hands to the other is not touched by both.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_thread_pool.h>
#include <pthread.h>

#include <ngx_ws_metrics.h>
#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_execute.h>
#include <ngx_ws_mysql_link.h>

#include "test.h"


#define THREADS  4
#define QUERIES  20000


struct ngx_ws_mysql_link_s {
    ngx_uint_t                used;
    u_char                    error[16];
};


static void query(uint64_t n);
static void answered(void *data, ngx_ws_mysql_result_t *res);
static void complete(void);
static void *thread(void *data);


static ngx_ws_mysql_t       *my;
static ngx_ws_mysql_conf_t   conf;
static ngx_ws_mysql_stmt_t   stmt;
static ngx_uint_t            order;

static ngx_uint_t            right;
static ngx_uint_t            declined;

static ngx_thread_task_t    *posted;
static ngx_thread_task_t    *completed;
static ngx_uint_t            ending;
static pthread_mutex_t       mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t        cond = PTHREAD_COND_INITIALIZER;

static uint64_t              metrics[NGX_WS_METRIC_N];

uint64_t                    *ngx_ws_metrics = metrics;
ngx_queue_t                  ngx_posted_next_events;
ngx_rbtree_t                 ngx_event_timer_rbtree;
volatile ngx_msec_t          ngx_current_msec;
sig_atomic_t                 ngx_terminate;


int
main(void)
{
    pthread_t   ids[THREADS];
    ngx_uint_t  i;

    ngx_queue_init(&ngx_posted_next_events);

    conf.threads = THREADS;
    conf.timeout = 2000;

    stmt.nnames = 1;
    stmt.nhead = 1;
    stmt.order = &order;

    my = ngx_ws_mysql_create(&conf, NULL, &test_log);

    for (i = 0; i < THREADS; i++) {
        (void) pthread_create(&ids[i], NULL, thread, NULL);
    }

    for (i = 0; i < QUERIES; i++) {
        query(i);

        while (metrics[NGX_WS_METRIC_MYSQL_PENDING] > 100) {
            complete();
        }
    }

    while (metrics[NGX_WS_METRIC_MYSQL_PENDING]) {
        complete();
    }

    is_int(right + declined, QUERIES, "each query has its answer");
    is_int(declined, QUERIES / 10, "... also if it is refused");

    (void) pthread_mutex_lock(&mutex);
    ending = 1;
    (void) pthread_cond_broadcast(&cond);
    (void) pthread_mutex_unlock(&mutex);

    for (i = 0; i < THREADS; i++) {
        (void) pthread_join(ids[i], NULL);
    }

    ngx_ws_mysql_destroy(my);

    return done();
}


static void
query(uint64_t n)
{
    u_char                text[NGX_INT64_LEN];
    ngx_str_t             s;
    ngx_ws_mysql_value_t  v;

    s.data = text;
    s.len = ngx_sprintf(text, "%uL", n) - text;

    ngx_ws_mysql_set_str(&v, &s);

    (void) ngx_ws_mysql_query(my, &stmt, &v, 1, answered,
                              (void *) (uintptr_t) n);
}


static void
answered(void *data, ngx_ws_mysql_result_t *res)
{
    uint64_t  n;

    if (res->rc == NGX_ERROR) {
        declined += (res->error.len == 7);

    } else if (res->nrows == 1
               && ngx_ws_mysql_get_uint(&res->values[0], &n) == NGX_OK
               && n == (uintptr_t) data)
    {
        right++;
    }
}


static void
complete(void)
{
    ngx_thread_task_t  *next, *t;

    (void) pthread_mutex_lock(&mutex);
    t = completed;
    completed = NULL;
    (void) pthread_mutex_unlock(&mutex);

    for ( /* void */ ; t; t = next) {
        next = t->next;
        t->event.handler(&t->event);
    }
}


static void *
thread(void *data)
{
    ngx_thread_task_t  *t;

    (void) pthread_mutex_lock(&mutex);

    while (!ending) {
        t = posted;

        if (t == NULL) {
            (void) pthread_cond_wait(&cond, &mutex);
            continue;
        }

        posted = t->next;

        (void) pthread_mutex_unlock(&mutex);
        t->handler(t->ctx, &test_log);
        (void) pthread_mutex_lock(&mutex);

        t->next = completed;
        completed = t;
    }

    (void) pthread_mutex_unlock(&mutex);

    return NULL;
}


ngx_int_t
ngx_thread_task_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task)
{
    (void) pthread_mutex_lock(&mutex);

    task->next = posted;
    posted = task;

    (void) pthread_cond_signal(&cond);
    (void) pthread_mutex_unlock(&mutex);

    return NGX_OK;
}


/* timers never end here */

void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
}


ngx_int_t
ngx_ws_mysql_get_uint(ngx_ws_mysql_value_t *v, uint64_t *n)
{
    *n = (uint64_t) ngx_atoi(v->as.s.data, v->as.s.len);

    return NGX_OK;
}


ngx_int_t
ngx_ws_mysql_link_init(ngx_log_t *log)
{
    return NGX_OK;
}


ngx_ws_mysql_link_t *
ngx_ws_mysql_link_create(ngx_ws_mysql_conf_t *c, ngx_log_t *log)
{
    return ngx_calloc(sizeof(ngx_ws_mysql_link_t), log);
}


void
ngx_ws_mysql_link_destroy(ngx_ws_mysql_link_t *link)
{
    ngx_free(link);
}


ngx_int_t
ngx_ws_mysql_link_open(ngx_ws_mysql_link_t *link)
{
    link->used++;

    return NGX_OK;
}


ngx_uint_t
ngx_ws_mysql_link_is_open(ngx_ws_mysql_link_t *link)
{
    return link->used > 0;
}


void
ngx_ws_mysql_link_close(ngx_ws_mysql_link_t *link)
{
}


ngx_int_t
ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link, const char *sql)
{
    return NGX_OK;
}


/* gives the value back; what ends with a zero is refused */

ngx_int_t
ngx_ws_mysql_execute(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *st, ngx_ws_mysql_value_t *params,
    ngx_uint_t units, ngx_pool_t *pool, ngx_ws_mysql_result_t *res)
{
    ngx_str_t  *s;

    s = &params[0].as.s;

    if (s->data[s->len - 1] == '0') {
        (void) ngx_cpystrn(link->error, (u_char *) "refused",
                           sizeof(link->error));
        return NGX_ERROR;
    }

    res->values = ngx_palloc(pool, sizeof(ngx_ws_mysql_value_t));

    res->values[0].type = NGX_WS_MYSQL_STRING;
    res->values[0].as.s.len = s->len;
    res->values[0].as.s.data = ngx_pstrdup(pool, s);

    res->nrows = 1;
    res->ncols = 1;

    return NGX_OK;
}


size_t
ngx_ws_mysql_link_room(ngx_ws_mysql_link_t *link)
{
    return 1024 * 1024;
}


ngx_uint_t
ngx_ws_mysql_link_errnum(ngx_ws_mysql_link_t *link)
{
    return 1;
}


ngx_str_t
ngx_ws_mysql_link_error(ngx_ws_mysql_link_t *link)
{
    ngx_str_t  s;

    s.data = link->error;
    s.len = ngx_strlen(link->error);

    return s;
}
