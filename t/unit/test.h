
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _TEST_H_INCLUDED_
#define _TEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Results in TAP.  Each call of ok() and is_*() is one test; done() prints
 * the plan and gives what main() returns.  "name" must not be NULL.
 */

void ok(ngx_uint_t cond, const char *name);
void is_int(int64_t got, int64_t expected, const char *name);
void is_str(ngx_str_t *got, const char *expected, const char *name);
void is_mem(const void *got, size_t got_len, const void *expected, size_t len,
    const char *name);
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int done(void);


/*
 * A copy of the data whose last byte is followed by a page without access:
 * whoever reads or writes past the end is killed.  unguard() takes what
 * guard() gave, and the same length.
 */

u_char *guard(const void *data, size_t len);
void unguard(u_char *p, size_t len);


/*
 * Feeds an input to a resumable parser in all the ways it may come: whole,
 * in two parts at every cut (up to FEED_CUTS bytes of input), one byte at a
 * time.  Each piece lies before a page without access and is overwritten by
 * the next one.  One test in all.
 *
 * start    makes a new state
 * piece    takes one piece whole; anything but NGX_OK ends this feeding
 * check    is called after the last piece, tells whether the outcome is
 *          right, and releases the state
 */

#define FEED_CUTS  2048

typedef struct {
    void        (*start)(void *data);
    ngx_int_t   (*piece)(void *data, u_char *p, size_t len);
    ngx_uint_t  (*check)(void *data);
} feed_t;

void feed(feed_t *f, void *data, const void *in, size_t len,
    const char *name);


/*
 * Makes the nth ngx_alloc() or ngx_calloc() from now on fail, none by zero.
 * Tells whether the one that was asked for last has failed meanwhile.
 */

ngx_uint_t fail_alloc(ngx_uint_t nth);

/* 1 as soon as it has */
extern ngx_uint_t  alloc_failed;


extern ngx_log_t  test_log;


#endif /* _TEST_H_INCLUDED_ */
