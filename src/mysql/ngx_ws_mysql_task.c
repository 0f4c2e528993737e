
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_process_cycle.h>

#include <ngx_ws_mysql_execute.h>
#include <ngx_ws_mysql_task.h>


#define NGX_WS_MYSQL_ATTEMPTS    3
#define NGX_WS_MYSQL_PARAMS      65535         /* of a prepared statement */
#define NGX_WS_MYSQL_PARAM_SIZE  16            /* beside a string's bytes */


static ngx_int_t ngx_ws_mysql_task_attempt(ngx_ws_mysql_task_t *task);
static ngx_uint_t ngx_ws_mysql_task_late(ngx_ws_mysql_task_t *task);
static ngx_int_t ngx_ws_mysql_task_steps(ngx_ws_mysql_task_t *task);
static ngx_int_t ngx_ws_mysql_task_step(ngx_ws_mysql_task_t *task,
    ngx_ws_mysql_step_t *step);
static ngx_int_t ngx_ws_mysql_task_insert(ngx_ws_mysql_task_t *task,
    ngx_ws_mysql_step_t *step, ngx_uint_t row, ngx_uint_t n,
    ngx_uint_t limit);
static ngx_uint_t ngx_ws_mysql_task_chunk(ngx_ws_mysql_task_t *task,
    ngx_ws_mysql_step_t *step, ngx_uint_t row, ngx_uint_t limit);
static ngx_int_t ngx_ws_mysql_task_put_aside(ngx_ws_mysql_task_t *task,
    ngx_uint_t row, ngx_uint_t errnum, ngx_str_t *error);
static void ngx_ws_mysql_task_failed(ngx_ws_mysql_task_t *task,
    ngx_int_t rc);


static const ngx_uint_t  ngx_ws_mysql_task_sizes[] = {
    NGX_WS_MYSQL_UNITS, 100, 10, 1
};


ngx_uint_t
ngx_ws_mysql_task_units(ngx_uint_t n)
{
    ngx_uint_t  i;

    i = sizeof(ngx_ws_mysql_task_sizes) / sizeof(ngx_uint_t) - 1;

    while (i > 0 && ngx_ws_mysql_task_sizes[i] < n) {
        i--;
    }

    return ngx_ws_mysql_task_sizes[i];
}


void
ngx_ws_mysql_task_run(ngx_ws_mysql_task_t *task)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    task->away = 0;
    task->crowded = 0;

    for (i = 1; /* void */ ; i++) {

        ngx_ws_mysql_task_free(task);
        ngx_memzero(&task->res, sizeof(ngx_ws_mysql_result_t));

        task->pool = ngx_create_pool(1024, task->log);

        /* a worker that is told to stop waits for its threads */

        if (task->pool == NULL || ngx_terminate
            || ngx_ws_mysql_task_late(task))
        {
            task->res.rc = NGX_DECLINED;
            return;
        }

        rc = ngx_ws_mysql_task_attempt(task);

        if (rc == NGX_OK) {
            task->res.bad = task->bad.elts;
            task->res.nbad = task->bad.nelts;
            return;
        }

        ngx_ws_mysql_task_failed(task, rc);

        if ((rc != NGX_BUSY && rc != NGX_ABORT) || task->away
            || i == NGX_WS_MYSQL_ATTEMPTS)
        {
            return;
        }

        if (rc == NGX_BUSY) {
            ngx_msleep((10 << i) + ngx_random() % 10);
        }
    }
}


void
ngx_ws_mysql_task_free(ngx_ws_mysql_task_t *task)
{
    if (task->pool) {
        ngx_destroy_pool(task->pool);
        task->pool = NULL;
    }
}


/*
 * Returns what the link does; NGX_AGAIN only if nobody knows whether a change
 * was made.
 */

static ngx_int_t
ngx_ws_mysql_task_attempt(ngx_ws_mysql_task_t *task)
{
    ngx_int_t             rc;
    ngx_ws_mysql_step_t  *step;

    if (ngx_array_init(&task->bad, task->pool, 1, sizeof(ngx_ws_mysql_bad_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_ws_mysql_link_open(task->link);

    if (rc != NGX_OK) {
        task->away = 1;
        task->crowded = (rc == NGX_BUSY);
        return NGX_ABORT;
    }

    if (task->nsteps == 0) {
        rc = ngx_ws_mysql_link_command(task->link, "DO 0");

        return (rc == NGX_AGAIN) ? NGX_ABORT : rc;
    }

    step = task->steps;

    task->transaction = (task->nsteps > 1 || task->fenced
                         || (step->stmt->kind == NGX_WS_MYSQL_ROWS
                             && step->units > 1));

    if (!task->transaction) {
        rc = ngx_ws_mysql_task_step(task, step);

        return (rc == NGX_AGAIN && step->stmt->read_only) ? NGX_ABORT : rc;
    }

    rc = ngx_ws_mysql_task_steps(task);

    if (rc == NGX_AGAIN) {
        /* what was not committed is undone */
        return NGX_ABORT;
    }

    /* whoever comes after us waits for the rows that we have changed */

    if (rc == NGX_OK && ngx_ws_mysql_task_late(task)) {
        return NGX_BUSY;
    }

    if (rc == NGX_OK) {
        rc = ngx_ws_mysql_link_command(task->link, "COMMIT");
    }

    return rc;
}


static ngx_uint_t
ngx_ws_mysql_task_late(ngx_ws_mysql_task_t *task)
{
    ngx_msec_t  now;

#if (NGX_HAVE_CLOCK_MONOTONIC)
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    now = (ngx_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
#else
    struct timeval  tv;

    ngx_gettimeofday(&tv);
    now = (ngx_msec_t) tv.tv_sec * 1000 + tv.tv_usec / 1000;
#endif

    return task->fenced && (ngx_msec_int_t) (task->until - now) <= 0;
}


static ngx_int_t
ngx_ws_mysql_task_steps(ngx_ws_mysql_task_t *task)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = ngx_ws_mysql_link_command(task->link, "START TRANSACTION");

    for (i = 0; rc == NGX_OK && i < task->nsteps; i++) {
        task->res.item = i;
        rc = ngx_ws_mysql_task_step(task, &task->steps[i]);
    }

    return rc;
}


static ngx_int_t
ngx_ws_mysql_task_step(ngx_ws_mysql_task_t *task, ngx_ws_mysql_step_t *step)
{
    if (step->stmt->kind == NGX_WS_MYSQL_ROWS) {
        return ngx_ws_mysql_task_insert(task, step, 0, step->units,
                                        NGX_WS_MYSQL_UNITS);
    }

    return ngx_ws_mysql_execute(task->link, step->stmt, step->params,
                                step->units, task->pool, &task->res);
}


/*
 * A statement of many rows fails as a whole: it is done again in smaller ones
 * until the rows at fault stand alone.
 */

static ngx_int_t
ngx_ws_mysql_task_insert(ngx_ws_mysql_task_t *task, ngx_ws_mysql_step_t *step,
    ngx_uint_t row, ngx_uint_t n, ngx_uint_t limit)
{
    ngx_str_t   error;
    ngx_int_t   rc;
    ngx_uint_t  units;

    while (n) {
        units = ngx_ws_mysql_task_chunk(task, step, row, ngx_min(n, limit));

        if (units == 0) {
            units = 1;
            ngx_str_set(&error, "the row is larger than max_allowed_packet");
            rc = ngx_ws_mysql_task_put_aside(task, row, NGX_WS_MYSQL_ETOOLARGE,
                                             &error);

        } else {
            rc = ngx_ws_mysql_execute(task->link, step->stmt,
                                      step->params + row * step->stmt->nunit,
                                      units, task->pool, &task->res);
        }

        if (rc == NGX_DECLINED) {

            if (units == 1) {
                error = ngx_ws_mysql_link_error(task->link);
                rc = ngx_ws_mysql_task_put_aside(task, row,
                                         ngx_ws_mysql_link_errnum(task->link),
                                         &error);

            } else {
                rc = ngx_ws_mysql_task_insert(task, step, row, units,
                                              units / 10);
            }
        }

        if (rc != NGX_OK) {
            return rc;
        }

        row += units;
        n -= units;
    }

    return NGX_OK;
}


/* how many rows go into one statement; 0 if not even one */

static ngx_uint_t
ngx_ws_mysql_task_chunk(ngx_ws_mysql_task_t *task, ngx_ws_mysql_step_t *step,
    ngx_uint_t row, ngx_uint_t limit)
{
    size_t                 size, room;
    ngx_uint_t             i, k, n, params;
    ngx_ws_mysql_value_t  *v;

    params = step->stmt->nunit;
    v = step->params + row * params;

    room = ngx_ws_mysql_link_room(task->link);
    size = 0;

    for (n = 0; n < limit; n++) {

        for (k = 0; k < params; k++, v++) {
            size += NGX_WS_MYSQL_PARAM_SIZE;

            if (v->type == NGX_WS_MYSQL_STRING) {
                size += v->as.s.len;
            }
        }

        if (size > room || (n + 1) * params > NGX_WS_MYSQL_PARAMS) {
            break;
        }
    }

    if (n == 0) {
        return 0;
    }

    for (i = 0; ngx_ws_mysql_task_sizes[i] > n; i++) { /* void */ }

    return ngx_ws_mysql_task_sizes[i];
}


static ngx_int_t
ngx_ws_mysql_task_put_aside(ngx_ws_mysql_task_t *task, ngx_uint_t row,
    ngx_uint_t errnum, ngx_str_t *error)
{
    ngx_ws_mysql_bad_t  *bad;

    bad = ngx_array_push(&task->bad);
    if (bad == NULL) {
        return NGX_ERROR;
    }

    bad->item = task->res.item;
    bad->row = row;
    bad->errnum = errnum;
    bad->error.len = error->len;
    bad->error.data = ngx_pstrdup(task->pool, error);

    return bad->error.data ? NGX_OK : NGX_ERROR;
}


/* fills the result, and ends whatever a transaction has begun */

static void
ngx_ws_mysql_task_failed(ngx_ws_mysql_task_t *task, ngx_int_t rc)
{
    ngx_str_t               error;
    ngx_ws_mysql_result_t  *res;

    res = &task->res;

    res->errnum = ngx_ws_mysql_link_errnum(task->link);

    error = ngx_ws_mysql_link_error(task->link);
    res->error.data = ngx_pstrdup(task->pool, &error);
    res->error.len = res->error.data ? error.len : 0;

    res->affected = 0;
    res->nrows = 0;

    switch (rc) {

    case NGX_DECLINED:
        res->data = 1;
        res->rc = NGX_ERROR;
        break;

    case NGX_ERROR:
    case NGX_AGAIN:
        res->rc = rc;
        break;

    default: /* NGX_BUSY, NGX_ABORT */
        res->rc = NGX_DECLINED;
    }

    if (rc == NGX_ABORT || rc == NGX_AGAIN
        || (task->transaction
            && ngx_ws_mysql_link_command(task->link, "ROLLBACK") != NGX_OK))
    {
        ngx_ws_mysql_link_close(task->link);
    }
}
