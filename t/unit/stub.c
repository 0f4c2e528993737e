
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * What a codec needs outside of nginx: the two symbols that nginx's own
 * string, SHA-1, pool and allocation sources ask for, and the test functions.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <sys/mman.h>

#include "test.h"


/* the linker is told --wrap=ngx_alloc and --wrap=ngx_calloc */

void *__wrap_ngx_alloc(size_t size, ngx_log_t *log);
void *__wrap_ngx_calloc(size_t size, ngx_log_t *log);
void *__real_ngx_alloc(size_t size, ngx_log_t *log) __attribute__((weak));
void *__real_ngx_calloc(size_t size, ngx_log_t *log) __attribute__((weak));

static void result(ngx_uint_t cond, const char *name);
static void dump(const char *title, const u_char *p, size_t len);
static size_t guard_size(size_t len);
static ngx_uint_t feed_parts(feed_t *f, void *data, const u_char *in,
    size_t len, size_t first, size_t rest, u_char *end);


static ngx_open_file_t     test_log_file;
static ngx_cycle_t         test_cycle;
static unsigned long long  tests;
static unsigned long long  failed;
static ngx_uint_t          alloc_nth;
ngx_uint_t                 alloc_failed;

ngx_log_t                  test_log;
volatile ngx_cycle_t      *ngx_cycle = &test_cycle;


static void __attribute__((constructor))
test_init(void)
{
    test_log.log_level = NGX_LOG_EMERG;
    test_log.file = &test_log_file;

    test_cycle.log = &test_log;

    ngx_pagesize = (ngx_uint_t) sysconf(_SC_PAGESIZE);
    ngx_cacheline_size = NGX_CPU_CACHE_LINE;

    for (ngx_pagesize_shift = 0;
         (ngx_uint_t) 1 << ngx_pagesize_shift < ngx_pagesize;
         ngx_pagesize_shift++)
    {
        /* void */
    }
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    diag("logged: %s", fmt);
}


void
ok(ngx_uint_t cond, const char *name)
{
    result(cond, name);
}


void
is_int(int64_t got, int64_t expected, const char *name)
{
    result(got == expected, name);

    if (got != expected) {
        diag("     got: %lld", (long long) got);
        diag("expected: %lld", (long long) expected);
    }
}


void
is_str(ngx_str_t *got, const char *expected, const char *name)
{
    is_mem(got->data, got->len, expected, ngx_strlen(expected), name);
}


void
is_mem(const void *got, size_t got_len, const void *expected, size_t len,
    const char *name)
{
    ngx_uint_t  same;

    same = (got_len == len
            && (len == 0 || ngx_memcmp(got, expected, len) == 0));

    result(same, name);

    if (!same) {
        dump("     got", got, got_len);
        dump("expected", expected, len);
    }
}


void
diag(const char *fmt, ...)
{
    va_list  args;

    fputs("# ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
}


int
done(void)
{
    printf("1..%llu\n", tests);

    return failed ? 1 : 0;
}


u_char *
guard(const void *data, size_t len)
{
    size_t   size;
    u_char  *p;

    size = guard_size(len);

    p = mmap(NULL, size + ngx_pagesize, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mprotect(p + size, ngx_pagesize, PROT_NONE) == -1) {
        diag("no memory for %zu bytes before a page without access", len);
        exit(2);
    }

    p += size - len;

    if (len) {
        ngx_memcpy(p, data, len);
    }

    return p;
}


void
unguard(u_char *p, size_t len)
{
    size_t  size;

    size = guard_size(len);

    if (munmap(p + len - size, size + ngx_pagesize) == -1) {
        diag("munmap() of %zu bytes failed", size);
        exit(2);
    }
}


void
feed(feed_t *f, void *data, const void *in, size_t len, const char *name)
{
    size_t      cut;
    u_char     *area;
    ngx_uint_t  rc;

    area = guard(in, len);
    rc = 1;

    if (!feed_parts(f, data, in, len, len, 1, area + len)) {
        diag("fed whole");
        rc = 0;
    }

    if (len <= FEED_CUTS) {
        for (cut = 1; cut < len; cut++) {
            if (!feed_parts(f, data, in, len, cut, len - cut, area + len)) {
                diag("fed in two parts, cut at %zu", cut);
                rc = 0;
            }
        }
    }

    if (!feed_parts(f, data, in, len, 1, 1, area + len)) {
        diag("fed one byte at a time");
        rc = 0;
    }

    unguard(area, len);

    result(rc, name);
}


ngx_uint_t
fail_alloc(ngx_uint_t nth)
{
    ngx_uint_t  rc;

    rc = alloc_failed;

    alloc_nth = nth;
    alloc_failed = 0;

    return rc;
}


void *
__wrap_ngx_alloc(size_t size, ngx_log_t *log)
{
    if (alloc_nth && --alloc_nth == 0) {
        alloc_failed = 1;
        return NULL;
    }

    return __real_ngx_alloc(size, log);
}


void *
__wrap_ngx_calloc(size_t size, ngx_log_t *log)
{
    if (alloc_nth && --alloc_nth == 0) {
        alloc_failed = 1;
        return NULL;
    }

    return __real_ngx_calloc(size, log);
}


static void
result(ngx_uint_t cond, const char *name)
{
    tests++;

    if (!cond) {
        failed++;
    }

    printf("%sok %llu - %s\n", cond ? "" : "not ", tests, name);
    fflush(stdout);
}


static void
dump(const char *title, const u_char *p, size_t len)
{
    size_t  i, n;

    n = ngx_min(len, 256);

    fprintf(stderr, "# %s: %zu bytes \"", title, len);

    for (i = 0; i < n; i++) {
        if (p[i] < 0x20 || p[i] > 0x7e) {
            fprintf(stderr, "\\x%02x", p[i]);

        } else {
            fputc(p[i], stderr);
        }
    }

    fprintf(stderr, "\"%s\n", n < len ? "..." : "");
}


static size_t
guard_size(size_t len)
{
    return len ? ngx_align(len, ngx_pagesize) : ngx_pagesize;
}


/* the first piece has "first" bytes, all others have "rest" */

static ngx_uint_t
feed_parts(feed_t *f, void *data, const u_char *in, size_t len, size_t first,
    size_t rest, u_char *end)
{
    size_t  n;

    f->start(data);

    for (n = ngx_min(first, len); len; n = ngx_min(rest, len)) {

        ngx_memcpy(end - n, in, n);

        if (f->piece(data, end - n, n) != NGX_OK) {
            break;
        }

        in += n;
        len -= n;
    }

    return f->check(data);
}
