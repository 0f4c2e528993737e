
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <dlfcn.h>
#include <mysql.h>
#include <poll.h>
#include <pthread.h>

#include <ngx_ws_mysql_link.h>


#define NGX_WS_MYSQL_PREPARED     32
#define NGX_WS_MYSQL_PACKET       (16 * 1024 * 1024)
#define NGX_WS_MYSQL_ROWS_MAX     10000
#define NGX_WS_MYSQL_RESULT_SIZE  (8 * 1024 * 1024)

/* after so many seconds a connection may have died without a sign */
#define NGX_WS_MYSQL_IDLE         30

/* errors of the servers, some of MariaDB's or MySQL's alone */
#define NGX_WS_MYSQL_ECHANGED     1020
#define NGX_WS_MYSQL_ESHUTDOWN    1053
#define NGX_WS_MYSQL_ELOCKWAIT    1205
#define NGX_WS_MYSQL_EDEADLOCK    1213
#define NGX_WS_MYSQL_ENOSTMT      1243
#define NGX_WS_MYSQL_ETRUNCATED   1265
#define NGX_WS_MYSQL_EREADONLY    1290
#define NGX_WS_MYSQL_EWRONGVALUE  1366
#define NGX_WS_MYSQL_EKILLED      1927
#define NGX_WS_MYSQL_EKILLED2     3169
#define NGX_WS_MYSQL_ECHECK       3819
#define NGX_WS_MYSQL_EIDLE        4031


typedef struct {
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_uint_t               units;
    MYSQL_STMT              *handle;
} ngx_ws_mysql_prepared_t;


struct ngx_ws_mysql_link_s {
    ngx_ws_mysql_conf_t     *conf;
    ngx_log_t               *log;
    MYSQL                   *mysql;
    time_t                   used;        /* monotonic */
    size_t                   room;
    ngx_uint_t               victim;
    ngx_ws_mysql_prepared_t  prepared[NGX_WS_MYSQL_PREPARED];
    ngx_uint_t               errnum;
    char                     error[MYSQL_ERRMSG_SIZE];
};


/* a result set that is being read; a long string takes a second look */

typedef struct {
    int64_t                  number;
    unsigned long            length;
    char                     is_null;
    u_char                   string[64];
} ngx_ws_mysql_cell_t;

typedef struct {
    ngx_ws_mysql_link_t     *link;
    MYSQL_STMT              *handle;
    MYSQL_BIND              *binds;       /* of the columns */
    ngx_ws_mysql_cell_t     *cells;
    ngx_pool_t              *pool;
    ngx_ws_mysql_result_t   *res;
} ngx_ws_mysql_fetch_t;


static ngx_int_t ngx_ws_mysql_link_connect(ngx_ws_mysql_link_t *link);
static ngx_int_t ngx_ws_mysql_link_session(ngx_ws_mysql_link_t *link);
static ngx_uint_t ngx_ws_mysql_link_is_alive(ngx_ws_mysql_link_t *link);
static ngx_int_t ngx_ws_mysql_link_prepare(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, MYSQL_STMT **handle);
static ngx_int_t ngx_ws_mysql_link_prepare_text(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, MYSQL_STMT *handle);
static ngx_int_t ngx_ws_mysql_link_bind(ngx_ws_mysql_link_t *link,
    MYSQL_STMT *handle, ngx_ws_mysql_value_t *v, ngx_uint_t n);
static ngx_int_t ngx_ws_mysql_link_fetch(ngx_ws_mysql_fetch_t *ft);
static ngx_int_t ngx_ws_mysql_link_fetch_columns(ngx_ws_mysql_fetch_t *ft,
    MYSQL_RES *meta);
static ngx_int_t ngx_ws_mysql_link_fetch_rows(ngx_ws_mysql_fetch_t *ft);
static ngx_int_t ngx_ws_mysql_link_fetch_row(ngx_ws_mysql_fetch_t *ft,
    ngx_ws_mysql_value_t *v);
static ngx_int_t ngx_ws_mysql_link_fetch_string(ngx_ws_mysql_fetch_t *ft,
    ngx_uint_t column, ngx_str_t *s);
static ngx_int_t ngx_ws_mysql_link_failed(ngx_ws_mysql_link_t *link,
    MYSQL_STMT *handle);
static ngx_int_t ngx_ws_mysql_link_classify(ngx_uint_t err,
    const char *state);
static ngx_int_t ngx_ws_mysql_link_refuse(ngx_ws_mysql_link_t *link,
    const char *text);
static ngx_uint_t ngx_ws_mysql_link_seconds(ngx_ws_mysql_link_t *link);
static time_t ngx_ws_mysql_link_now(void);
static void ngx_ws_mysql_link_pin(void);
static void ngx_ws_mysql_link_thread(void);
static void ngx_ws_mysql_link_thread_end(void *data);


static pthread_key_t        ngx_ws_mysql_link_key;
static __thread ngx_uint_t  ngx_ws_mysql_link_ready;


ngx_int_t
ngx_ws_mysql_link_init(ngx_log_t *log)
{
    ngx_err_t  err;

    ngx_ws_mysql_link_pin();

    if (mysql_library_init(0, NULL, NULL) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "mysql_library_init() failed");
        return NGX_ERROR;
    }

    err = pthread_key_create(&ngx_ws_mysql_link_key,
                             ngx_ws_mysql_link_thread_end);
    if (err) {
        ngx_log_error(NGX_LOG_EMERG, log, err, "pthread_key_create() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_ws_mysql_link_t *
ngx_ws_mysql_link_create(ngx_ws_mysql_conf_t *conf, ngx_log_t *log)
{
    ngx_ws_mysql_link_t  *link;

    link = ngx_calloc(sizeof(ngx_ws_mysql_link_t), log);
    if (link == NULL) {
        return NULL;
    }

    link->conf = conf;
    link->log = log;

    return link;
}


void
ngx_ws_mysql_link_destroy(ngx_ws_mysql_link_t *link)
{
    ngx_ws_mysql_link_close(link);
    ngx_free(link);
}


ngx_int_t
ngx_ws_mysql_link_open(ngx_ws_mysql_link_t *link)
{
    ngx_ws_mysql_link_thread();

    link->errnum = 0;
    link->error[0] = '\0';

    if (!ngx_ws_mysql_link_is_alive(link)) {
        ngx_ws_mysql_link_close(link);

        if (ngx_ws_mysql_link_connect(link) != NGX_OK) {
            ngx_ws_mysql_link_close(link);
            return NGX_ABORT;
        }
    }

    link->used = ngx_ws_mysql_link_now();

    return NGX_OK;
}


/* the connection first: statements then end without a word to the server */

void
ngx_ws_mysql_link_close(ngx_ws_mysql_link_t *link)
{
    ngx_uint_t  i;

    if (link->mysql == NULL) {
        return;
    }

    mysql_close(link->mysql);
    link->mysql = NULL;

    for (i = 0; i < NGX_WS_MYSQL_PREPARED; i++) {

        if (link->prepared[i].stmt) {
            (void) mysql_stmt_close(link->prepared[i].handle);
            link->prepared[i].stmt = NULL;
        }
    }

    link->victim = 0;
}


ngx_int_t
ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link, const char *sql)
{
    return (mysql_query(link->mysql, sql) == 0)
           ? NGX_OK : ngx_ws_mysql_link_failed(link, NULL);
}


ngx_int_t
ngx_ws_mysql_link_execute(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_ws_mysql_value_t *params,
    ngx_uint_t units, ngx_pool_t *pool, ngx_ws_mysql_result_t *res)
{
    ngx_int_t             rc;
    ngx_uint_t            n;
    MYSQL_STMT           *handle;
    ngx_ws_mysql_fetch_t  ft;

    rc = ngx_ws_mysql_link_prepare(link, stmt, units, &handle);

    if (rc != NGX_OK) {
        return (rc == NGX_AGAIN) ? NGX_ABORT : rc;
    }

    /* the server reads quotes and comments as we do, or it does not run */

    n = stmt->nhead + units * stmt->nunit + stmt->ntail;

    if (mysql_stmt_param_count(handle) != n) {
        return ngx_ws_mysql_link_refuse(link,
                                        "unexpected number of placeholders");
    }

    rc = ngx_ws_mysql_link_bind(link, handle, params, n);

    if (rc != NGX_OK) {
        return rc;
    }

    if (mysql_stmt_field_count(handle) == 0) {
        res->affected += mysql_stmt_affected_rows(handle);
        return NGX_OK;
    }

    ft.link = link;
    ft.handle = handle;
    ft.pool = pool;
    ft.res = res;

    rc = ngx_ws_mysql_link_fetch(&ft);

    /* rows that were not read are read away here */

    if (mysql_stmt_free_result(handle) != 0 && rc == NGX_OK) {
        rc = ngx_ws_mysql_link_failed(link, handle);
    }

    return rc;
}


size_t
ngx_ws_mysql_link_room(ngx_ws_mysql_link_t *link)
{
    return link->room;
}


ngx_uint_t
ngx_ws_mysql_link_errnum(ngx_ws_mysql_link_t *link)
{
    return link->errnum;
}


ngx_str_t
ngx_ws_mysql_link_error(ngx_ws_mysql_link_t *link)
{
    ngx_str_t  s;

    s.data = (u_char *) link->error;
    s.len = ngx_strlen(link->error);

    return s;
}


static ngx_int_t
ngx_ws_mysql_link_connect(ngx_ws_mysql_link_t *link)
{
    char                 *host, *path;
    MYSQL                *mysql;
    unsigned int          seconds, off;
    ngx_ws_mysql_conf_t  *conf;

    mysql = mysql_init(NULL);
    if (mysql == NULL) {
        return ngx_ws_mysql_link_refuse(link, "no memory");
    }

    link->mysql = mysql;

    conf = link->conf;
    seconds = ngx_ws_mysql_link_seconds(link);
    off = 0;

    (void) mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    (void) mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    (void) mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    (void) mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");

    /* else the server may ask for files of this machine */
    (void) mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);

    host = (char *) conf->host.data;
    path = NULL;

    if (conf->unix_path.len) {
        host = NULL;
        path = (char *) conf->unix_path.data;
    }

    if (mysql_real_connect(mysql, host, (char *) conf->user.data,
                           (char *) conf->password.data,
                           (char *) conf->database.data, conf->port, path, 0)
        == NULL)
    {
        return ngx_ws_mysql_link_failed(link, NULL);
    }

    return ngx_ws_mysql_link_session(link);
}


/*
 * Times are UTC, bad data is an error and never bent into shape, and a lock
 * is given up before our own time-out, which the server would not notice.
 */

static ngx_int_t
ngx_ws_mysql_link_session(ngx_ws_mysql_link_t *link)
{
    u_char      *last, sql[256];
    MYSQL_RES   *result;
    MYSQL_ROW    row;
    ngx_int_t    packet;
    ngx_uint_t   seconds;

    seconds = ngx_ws_mysql_link_seconds(link) - 1;

    last = ngx_snprintf(sql, sizeof(sql) - 1,
                        "SET SESSION time_zone = '+00:00', "
                        "sql_mode = 'TRADITIONAL', autocommit = 1, "
                        "sql_select_limit = %d, lock_wait_timeout = %ui, "
                        "innodb_lock_wait_timeout = %ui",
                        NGX_WS_MYSQL_ROWS_MAX + 1, seconds, seconds);
    *last = '\0';

    if (mysql_query(link->mysql, (char *) sql) != 0
        || mysql_query(link->mysql, "SELECT @@max_allowed_packet") != 0)
    {
        return ngx_ws_mysql_link_failed(link, NULL);
    }

    result = mysql_store_result(link->mysql);
    if (result == NULL) {
        return ngx_ws_mysql_link_failed(link, NULL);
    }

    row = mysql_fetch_row(result);
    packet = NGX_ERROR;

    if (row && row[0]) {
        packet = ngx_atoi((u_char *) row[0], ngx_strlen(row[0]));
    }

    mysql_free_result(result);

    if (packet == NGX_ERROR || packet > NGX_WS_MYSQL_PACKET) {
        packet = NGX_WS_MYSQL_PACKET;
    }

    /* a sixteenth is for the head of the packet */
    link->room = (size_t) packet - (size_t) packet / 16;

    return NGX_OK;
}


/*
 * A server says nothing unasked, save that it is leaving: something to read
 * is the end of the connection, seen before a statement is lost with it.
 */

static ngx_uint_t
ngx_ws_mysql_link_is_alive(ngx_ws_mysql_link_t *link)
{
    struct pollfd  pfd;

    if (link->mysql == NULL) {
        return 0;
    }

    pfd.fd = link->mysql->net.fd;
    pfd.events = POLLIN;
    pfd.revents = 0;

    if (poll(&pfd, 1, 0) != 0) {
        return 0;
    }

    if (ngx_ws_mysql_link_now() - link->used < NGX_WS_MYSQL_IDLE) {
        return 1;
    }

    return mysql_ping(link->mysql) == 0;
}


static ngx_int_t
ngx_ws_mysql_link_prepare(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, MYSQL_STMT **handle)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_ws_mysql_prepared_t  *ready;

    for (i = 0; i < NGX_WS_MYSQL_PREPARED; i++) {
        ready = &link->prepared[i];

        if (ready->stmt == stmt && ready->units == units) {
            *handle = ready->handle;
            return NGX_OK;
        }
    }

    ready = &link->prepared[link->victim];
    link->victim = (link->victim + 1) % NGX_WS_MYSQL_PREPARED;

    if (ready->stmt) {
        ready->stmt = NULL;
        (void) mysql_stmt_close(ready->handle);
    }

    *handle = mysql_stmt_init(link->mysql);
    if (*handle == NULL) {
        return ngx_ws_mysql_link_refuse(link, "no memory");
    }

    rc = ngx_ws_mysql_link_prepare_text(link, stmt, units, *handle);

    if (rc != NGX_OK) {
        (void) mysql_stmt_close(*handle);
        return rc;
    }

    ready->stmt = stmt;
    ready->units = units;
    ready->handle = *handle;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_link_prepare_text(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, MYSQL_STMT *handle)
{
    size_t      len;
    u_char     *p, *text;
    ngx_int_t   rc;
    ngx_uint_t  i;

    len = stmt->head.len + units * (sizeof(", ") - 1 + stmt->unit.len)
          + stmt->tail.len;

    text = ngx_alloc(len + 1, link->log);
    if (text == NULL) {
        return ngx_ws_mysql_link_refuse(link, "no memory");
    }

    p = ngx_cpymem(text, stmt->head.data, stmt->head.len);

    for (i = 0; i < units && stmt->unit.len; i++) {

        if (i) {
            p = ngx_cpymem(p, ", ", sizeof(", ") - 1);
        }

        p = ngx_cpymem(p, stmt->unit.data, stmt->unit.len);
    }

    p = ngx_cpymem(p, stmt->tail.data, stmt->tail.len);

    rc = (mysql_stmt_prepare(handle, (char *) text, p - text) == 0)
         ? NGX_OK : ngx_ws_mysql_link_failed(link, handle);

    ngx_free(text);

    return rc;
}


/* binds and executes: in between, the library keeps the pointers */

static ngx_int_t
ngx_ws_mysql_link_bind(ngx_ws_mysql_link_t *link, MYSQL_STMT *handle,
    ngx_ws_mysql_value_t *v, ngx_uint_t n)
{
    char         is_null;
    ngx_int_t    rc;
    ngx_uint_t   i;
    MYSQL_BIND  *binds;

    binds = ngx_calloc((n + 1) * sizeof(MYSQL_BIND), link->log);
    if (binds == NULL) {
        return ngx_ws_mysql_link_refuse(link, "no memory");
    }

    is_null = 1;

    for (i = 0; i < n; i++) {

        switch (v[i].type) {

        case NGX_WS_MYSQL_NULL:
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].is_null = (void *) &is_null;
            break;

        case NGX_WS_MYSQL_INT:
        case NGX_WS_MYSQL_UINT:
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].is_unsigned = (v[i].type == NGX_WS_MYSQL_UINT);
            binds[i].buffer = &v[i].as;
            break;

        case NGX_WS_MYSQL_STRING:
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].buffer = v[i].as.s.data;
            binds[i].buffer_length = v[i].as.s.len;
            break;
        }
    }

    rc = (mysql_stmt_bind_param(handle, binds) == 0
          && mysql_stmt_execute(handle) == 0)
         ? NGX_OK : ngx_ws_mysql_link_failed(link, handle);

    ngx_free(binds);

    return rc;
}


static ngx_int_t
ngx_ws_mysql_link_fetch(ngx_ws_mysql_fetch_t *ft)
{
    ngx_int_t               rc;
    MYSQL_RES              *meta;
    ngx_ws_mysql_result_t  *res;

    meta = mysql_stmt_result_metadata(ft->handle);
    if (meta == NULL) {
        return ngx_ws_mysql_link_failed(ft->link, ft->handle);
    }

    res = ft->res;

    res->nrows = 0;
    res->ncols = mysql_num_fields(meta);

    ft->binds = ngx_pcalloc(ft->pool, res->ncols * sizeof(MYSQL_BIND));
    ft->cells = ngx_pcalloc(ft->pool,
                            res->ncols * sizeof(ngx_ws_mysql_cell_t));
    res->names = ngx_pcalloc(ft->pool, res->ncols * sizeof(ngx_str_t));

    if (ft->binds == NULL || ft->cells == NULL || res->names == NULL) {
        rc = ngx_ws_mysql_link_refuse(ft->link, "no memory");

    } else {
        rc = ngx_ws_mysql_link_fetch_columns(ft, meta);
    }

    mysql_free_result(meta);

    if (rc != NGX_OK) {
        return rc;
    }

    if (mysql_stmt_bind_result(ft->handle, ft->binds) != 0) {
        return ngx_ws_mysql_link_failed(ft->link, ft->handle);
    }

    return ngx_ws_mysql_link_fetch_rows(ft);
}


static ngx_int_t
ngx_ws_mysql_link_fetch_columns(ngx_ws_mysql_fetch_t *ft, MYSQL_RES *meta)
{
    ngx_str_t    *name;
    ngx_uint_t    i;
    MYSQL_BIND   *bind;
    MYSQL_FIELD  *field;

    field = mysql_fetch_fields(meta);

    for (i = 0; i < ft->res->ncols; i++, field++) {
        name = &ft->res->names[i];
        bind = &ft->binds[i];

        name->len = ngx_strlen(field->name);
        name->data = ngx_pnalloc(ft->pool, name->len + 1);
        if (name->data == NULL) {
            return ngx_ws_mysql_link_refuse(ft->link, "no memory");
        }

        ngx_memcpy(name->data, field->name, name->len);

        bind->is_null = (void *) &ft->cells[i].is_null;
        bind->length = &ft->cells[i].length;

        switch (field->type) {

        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_SHORT:
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_LONGLONG:
        case MYSQL_TYPE_YEAR:
            bind->buffer_type = MYSQL_TYPE_LONGLONG;
            bind->buffer = &ft->cells[i].number;
            bind->is_unsigned = ((field->flags & UNSIGNED_FLAG) != 0);
            break;

        default:
            bind->buffer_type = MYSQL_TYPE_STRING;
            bind->buffer = ft->cells[i].string;
            bind->buffer_length = sizeof(ft->cells[i].string);
            break;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_link_fetch_rows(ngx_ws_mysql_fetch_t *ft)
{
    int                     failed;
    size_t                  size;
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_array_t             values;
    ngx_ws_mysql_value_t   *v;
    ngx_ws_mysql_result_t  *res;

    res = ft->res;
    size = 0;

    if (ngx_array_init(&values, ft->pool, 4 * res->ncols,
                       sizeof(ngx_ws_mysql_value_t))
        != NGX_OK)
    {
        return ngx_ws_mysql_link_refuse(ft->link, "no memory");
    }

    for ( ;; ) {
        failed = mysql_stmt_fetch(ft->handle);

        if (failed == MYSQL_NO_DATA) {
            break;
        }

        if (failed && failed != MYSQL_DATA_TRUNCATED) {
            return ngx_ws_mysql_link_failed(ft->link, ft->handle);
        }

        for (i = 0; i < res->ncols; i++) {
            size += sizeof(ngx_ws_mysql_value_t) + ft->cells[i].length;
        }

        if (res->nrows == NGX_WS_MYSQL_ROWS_MAX
            || size > NGX_WS_MYSQL_RESULT_SIZE)
        {
            return ngx_ws_mysql_link_refuse(ft->link,
                                            "the result is too large");
        }

        v = ngx_array_push_n(&values, res->ncols);
        if (v == NULL) {
            return ngx_ws_mysql_link_refuse(ft->link, "no memory");
        }

        rc = ngx_ws_mysql_link_fetch_row(ft, v);

        if (rc != NGX_OK) {
            return rc;
        }

        res->nrows++;
    }

    res->values = values.elts;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_link_fetch_row(ngx_ws_mysql_fetch_t *ft, ngx_ws_mysql_value_t *v)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_ws_mysql_cell_t  *cell;

    for (i = 0; i < ft->res->ncols; i++, v++) {
        cell = &ft->cells[i];

        if (cell->is_null) {
            v->type = NGX_WS_MYSQL_NULL;

        } else if (ft->binds[i].buffer_type == MYSQL_TYPE_STRING) {
            v->type = NGX_WS_MYSQL_STRING;
            rc = ngx_ws_mysql_link_fetch_string(ft, i, &v->as.s);

            if (rc != NGX_OK) {
                return rc;
            }

        } else if (ft->binds[i].is_unsigned) {
            v->type = NGX_WS_MYSQL_UINT;
            v->as.u = (uint64_t) cell->number;

        } else {
            v->type = NGX_WS_MYSQL_INT;
            v->as.i = cell->number;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_link_fetch_string(ngx_ws_mysql_fetch_t *ft, ngx_uint_t column,
    ngx_str_t *s)
{
    MYSQL_BIND            bind;
    ngx_ws_mysql_cell_t  *cell;

    cell = &ft->cells[column];
    s->len = cell->length;

    s->data = ngx_pnalloc(ft->pool, s->len + 1);
    if (s->data == NULL) {
        return ngx_ws_mysql_link_refuse(ft->link, "no memory");
    }

    if (s->len <= sizeof(cell->string)) {
        ngx_memcpy(s->data, cell->string, s->len);
        return NGX_OK;
    }

    bind = ft->binds[column];
    bind.buffer = s->data;
    bind.buffer_length = s->len;

    return (mysql_stmt_fetch_column(ft->handle, &bind, column, 0) == 0)
           ? NGX_OK : ngx_ws_mysql_link_failed(ft->link, ft->handle);
}


static ngx_int_t
ngx_ws_mysql_link_failed(ngx_ws_mysql_link_t *link, MYSQL_STMT *handle)
{
    const char  *text, *state;

    /* a lost connection is not always told to its statements */

    if (handle && mysql_stmt_errno(handle)) {
        link->errnum = mysql_stmt_errno(handle);
        text = mysql_stmt_error(handle);
        state = mysql_stmt_sqlstate(handle);

    } else {
        link->errnum = mysql_errno(link->mysql);
        text = mysql_error(link->mysql);
        state = mysql_sqlstate(link->mysql);
    }

    (void) ngx_cpystrn((u_char *) link->error, (u_char *) text,
                       sizeof(link->error));

    return ngx_ws_mysql_link_classify(link->errnum, state);
}


static ngx_int_t
ngx_ws_mysql_link_classify(ngx_uint_t err, const char *state)
{
    switch (err) {

    case NGX_WS_MYSQL_ECHANGED:
    case NGX_WS_MYSQL_ELOCKWAIT:
    case NGX_WS_MYSQL_EDEADLOCK:
        return NGX_BUSY;

    case NGX_WS_MYSQL_ETRUNCATED:
    case NGX_WS_MYSQL_EWRONGVALUE:
    case NGX_WS_MYSQL_ECHECK:
        return NGX_DECLINED;

    case NGX_WS_MYSQL_ENOSTMT:
    case NGX_WS_MYSQL_EREADONLY:
        /* not the server that we knew: a new connection may find it */
        return NGX_ABORT;

    case NGX_WS_MYSQL_ESHUTDOWN:
    case NGX_WS_MYSQL_EKILLED:
    case NGX_WS_MYSQL_EKILLED2:
    case NGX_WS_MYSQL_EIDLE:
        return NGX_AGAIN;
    }

    /* errors of the library itself, if it does not keep silent */

    if (err == 0 || (err >= 2000 && err < 3000)) {
        return NGX_AGAIN;
    }

#ifdef CER_MIN_ERROR
    if (err >= CER_MIN_ERROR && err <= CER_MAX_ERROR) {
        return NGX_AGAIN;
    }
#endif

    if (ngx_strncmp(state, "08", 2) == 0) {
        return NGX_AGAIN;
    }

    /* values, constraints, and what a trigger refuses */

    if (ngx_strncmp(state, "22", 2) == 0 || ngx_strncmp(state, "23", 2) == 0
        || ngx_strncmp(state, "45", 2) == 0)
    {
        return NGX_DECLINED;
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_ws_mysql_link_refuse(ngx_ws_mysql_link_t *link, const char *text)
{
    link->errnum = 0;

    (void) ngx_cpystrn((u_char *) link->error, (u_char *) text,
                       sizeof(link->error));

    return NGX_ERROR;
}


/* the library's unit; of two at least one is left for locks */

static ngx_uint_t
ngx_ws_mysql_link_seconds(ngx_ws_mysql_link_t *link)
{
    return ngx_max((link->conf->timeout + 999) / 1000, 2);
}


static time_t
ngx_ws_mysql_link_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec;
}


/*
 * At exit nginx unloads the module while threads of the pool, which it does
 * not join, may still be in the destructor below: one more reference keeps
 * the code until the process has ended.  Nothing is to do where the module is
 * a part of the binary.
 */

static void
ngx_ws_mysql_link_pin(void)
{
    Dl_info  info;

    if (dladdr(&ngx_ws_mysql_link_key, &info)) {
        (void) dlopen(info.dli_fname, RTLD_LAZY|RTLD_NOLOAD);
    }
}


/* the thread's own state in the library, made at its first use */

static void
ngx_ws_mysql_link_thread(void)
{
    if (ngx_ws_mysql_link_ready) {
        return;
    }

    ngx_ws_mysql_link_ready = 1;

    (void) mysql_thread_init();
    (void) pthread_setspecific(ngx_ws_mysql_link_key,
                               &ngx_ws_mysql_link_ready);
}


static void
ngx_ws_mysql_link_thread_end(void *data)
{
    mysql_thread_end();
}
