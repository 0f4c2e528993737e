
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _PLAYED_H_INCLUDED_
#define _PLAYED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql.h>


/*
 * MySQL on links that are played, and so is the thread pool: a list of tasks,
 * which run when the test says so.
 */

typedef struct {
    ngx_uint_t           done;
    ngx_uint_t           again;            /* queries its callback makes */
    ngx_int_t            rc;
    ngx_str_t            error;
    u_char               text[64];
    ngx_uint_t           n;
} answer_t;


/* The settings, and create(). */
void begin(void);
void create(void);

/* Until nothing goes on, and destroy(), which tests that nothing is left. */
void end(void);
void destroy(void);

/* SELECT of a number. */
ngx_ws_mysql_op_t *query(answer_t *a, uint64_t n);
void answered(void *data, ngx_ws_mysql_result_t *res);

/* What the links were told since the last time; that is of no interest. */
void is_sent(const char *expected, const char *name);
void forget(void);

/* Until nothing goes on. */
void loop(void);

/* The tasks that are there now, their completion, and posted events. */
void complete(void);

/* The threads end with their tasks, and nobody hears of it. */
void run_tasks(void);

/* Time goes on, but no task is run. */
void step(ngx_msec_t msec);

/* How many are set. */
ngx_uint_t timers(ngx_uint_t cancelable);


extern ngx_ws_mysql_t        *my;
extern ngx_ws_mysql_conf_t    conf;
extern ngx_ws_mysql_stmt_t    select_stmt, update_stmt;

extern ngx_uint_t             pool_full;
extern ngx_uint_t             links;
extern ngx_uint_t             nopen;
extern ngx_uint_t             nopen_max;   /* what the server takes */
extern ngx_int_t              open_rc;     /* of the played link's calls */
extern ngx_int_t              execute_rc;


#endif /* _PLAYED_H_INCLUDED_ */
