
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_client.h>
#include <ngx_ws_mysql_execute.h>


#define NGX_WS_MYSQL_RESULT_SIZE  (8 * 1024 * 1024)


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


static ngx_int_t ngx_ws_mysql_execute_prepare(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, ngx_uint_t params,
    MYSQL_STMT **handle);
static ngx_ws_mysql_prepared_t *ngx_ws_mysql_execute_place(
    ngx_ws_mysql_link_t *link, ngx_uint_t params);
static ngx_int_t ngx_ws_mysql_execute_prepare_text(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, MYSQL_STMT *handle);
static ngx_int_t ngx_ws_mysql_execute_bind(ngx_ws_mysql_link_t *link,
    MYSQL_STMT *handle, ngx_ws_mysql_value_t *v, ngx_uint_t n);
static ngx_int_t ngx_ws_mysql_execute_fetch(ngx_ws_mysql_fetch_t *ft);
static ngx_int_t ngx_ws_mysql_execute_columns(ngx_ws_mysql_fetch_t *ft,
    MYSQL_RES *meta);
static void ngx_ws_mysql_execute_unbind(ngx_ws_mysql_fetch_t *ft);
static ngx_int_t ngx_ws_mysql_execute_rows(ngx_ws_mysql_fetch_t *ft);
static ngx_int_t ngx_ws_mysql_execute_row(ngx_ws_mysql_fetch_t *ft,
    ngx_ws_mysql_value_t *v);
static ngx_int_t ngx_ws_mysql_execute_string(ngx_ws_mysql_fetch_t *ft,
    ngx_uint_t column, ngx_str_t *s);


ngx_int_t
ngx_ws_mysql_execute(ngx_ws_mysql_link_t *link, ngx_ws_mysql_stmt_t *stmt,
    ngx_ws_mysql_value_t *params, ngx_uint_t units, ngx_pool_t *pool,
    ngx_ws_mysql_result_t *res)
{
    ngx_int_t             rc;
    ngx_uint_t            n;
    MYSQL_STMT           *handle;
    ngx_ws_mysql_fetch_t  ft;

    n = stmt->nhead + units * stmt->nunit + stmt->ntail;

    rc = ngx_ws_mysql_execute_prepare(link, stmt, units, n, &handle);

    if (rc != NGX_OK) {
        return (rc == NGX_AGAIN) ? NGX_ABORT : rc;
    }

    /* the server reads quotes and comments as we do, or it does not run */

    if (mysql_stmt_param_count(handle) != n) {
        return ngx_ws_mysql_link_refuse(link,
                                        "unexpected number of placeholders");
    }

    rc = ngx_ws_mysql_execute_bind(link, handle, params, n);

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

    rc = ngx_ws_mysql_execute_fetch(&ft);

    /* rows that were not read are read away here */

    if (mysql_stmt_free_result(handle) != 0 && rc == NGX_OK) {
        rc = ngx_ws_mysql_link_failed(link, handle);
    }

    return rc;
}


static ngx_int_t
ngx_ws_mysql_execute_prepare(ngx_ws_mysql_link_t *link,
    ngx_ws_mysql_stmt_t *stmt, ngx_uint_t units, ngx_uint_t params,
    MYSQL_STMT **handle)
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

    ready = ngx_ws_mysql_execute_place(link, params);

    if (ready->stmt) {
        ready->stmt = NULL;
        (void) mysql_stmt_close(ready->handle);
    }

    *handle = mysql_stmt_init(link->mysql);
    if (*handle == NULL) {
        return ngx_ws_mysql_link_refuse(link, "no memory");
    }

    rc = ngx_ws_mysql_execute_prepare_text(link, stmt, units, *handle);

    if (rc != NGX_OK) {
        (void) mysql_stmt_close(*handle);
        return rc;
    }

    ready->stmt = stmt;
    ready->units = units;
    ready->handle = *handle;

    return NGX_OK;
}


/* Where a statement may stay, in turn. */

static ngx_ws_mysql_prepared_t *
ngx_ws_mysql_execute_place(ngx_ws_mysql_link_t *link, ngx_uint_t params)
{
    ngx_uint_t  i, n;

    if (params > NGX_WS_MYSQL_PARAMS) {
        i = link->victim[1];
        link->victim[1] = (i + 1) % NGX_WS_MYSQL_LARGE;

        return &link->prepared[i];
    }

    n = NGX_WS_MYSQL_PREPARED - NGX_WS_MYSQL_LARGE;
    i = link->victim[0];
    link->victim[0] = (i + 1) % n;

    return &link->prepared[NGX_WS_MYSQL_LARGE + i];
}


static ngx_int_t
ngx_ws_mysql_execute_prepare_text(ngx_ws_mysql_link_t *link,
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
ngx_ws_mysql_execute_bind(ngx_ws_mysql_link_t *link, MYSQL_STMT *handle,
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
ngx_ws_mysql_execute_fetch(ngx_ws_mysql_fetch_t *ft)
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
        rc = ngx_ws_mysql_execute_columns(ft, meta);
    }

    mysql_free_result(meta);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = (mysql_stmt_bind_result(ft->handle, ft->binds) == 0)
         ? ngx_ws_mysql_execute_rows(ft)
         : ngx_ws_mysql_link_failed(ft->link, ft->handle);

    ngx_ws_mysql_execute_unbind(ft);

    return rc;
}


static ngx_int_t
ngx_ws_mysql_execute_columns(ngx_ws_mysql_fetch_t *ft, MYSQL_RES *meta)
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


/*
 * The statement outlives the pool, and MySQL's library writes the length of
 * numbers where it was told to as soon as the statement is executed again.
 */

static void
ngx_ws_mysql_execute_unbind(ngx_ws_mysql_fetch_t *ft)
{
    ngx_uint_t  i;

    ngx_memzero(ft->binds, ft->res->ncols * sizeof(MYSQL_BIND));

    for (i = 0; i < ft->res->ncols; i++) {
        ft->binds[i].buffer_type = MYSQL_TYPE_NULL;
    }

    (void) mysql_stmt_bind_result(ft->handle, ft->binds);
}


static ngx_int_t
ngx_ws_mysql_execute_rows(ngx_ws_mysql_fetch_t *ft)
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

        rc = ngx_ws_mysql_execute_row(ft, v);

        if (rc != NGX_OK) {
            return rc;
        }

        res->nrows++;
    }

    res->values = values.elts;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_execute_row(ngx_ws_mysql_fetch_t *ft, ngx_ws_mysql_value_t *v)
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
            rc = ngx_ws_mysql_execute_string(ft, i, &v->as.s);

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
ngx_ws_mysql_execute_string(ngx_ws_mysql_fetch_t *ft, ngx_uint_t column,
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
