
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_record_row.h>


typedef struct {
    ngx_str_t        kind;
    const char      *stmt;
    ngx_str_t       *names;
} ngx_ws_record_row_t;


static ngx_ws_mysql_stmt_t *ngx_ws_record_row_stmt(ngx_pool_t *pool,
    const char *name, ngx_ws_mysql_kind_e kind, ngx_str_t *names);
static ngx_str_t ngx_ws_record_row_field(ngx_ws_redis_reply_t *fields,
    const char *field);
static ngx_uint_t ngx_ws_record_row_begins(ngx_ws_record_row_kind_e kind,
    ngx_str_t *name);
static ngx_uint_t ngx_ws_record_row_same(ngx_str_t *name, ngx_str_t *other);
static ngx_int_t ngx_ws_record_row_event_text(ngx_ws_mysql_value_t *values,
    ngx_str_t *text, ngx_pool_t *pool);
static void ngx_ws_record_row_split(ngx_ws_mysql_value_t *values,
    ngx_uint_t n);


/* instead of id and payload of an event */

static ngx_str_t  ngx_ws_record_row_text = ngx_string("text");


#define NGX_WS_RECORD_ROW_EVENT_ID       0
#define NGX_WS_RECORD_ROW_EVENT_PAYLOAD  6

static ngx_str_t  ngx_ws_record_row_event[] = {
    ngx_string("id"),
    ngx_string("tenant_id"),
    ngx_string("user_id"),
    ngx_string("created_at"),
    ngx_string("event_type"),
    ngx_string("channel"),
    ngx_string("payload"),
    ngx_string("status"),
    ngx_null_string
};


static ngx_str_t  ngx_ws_record_row_status[] = {
    ngx_string("id"),
    ngx_string("status"),
    ngx_string("retry_count"),
    ngx_string("error_message"),
    ngx_string("updated_at"),
    ngx_null_string
};


static ngx_str_t  ngx_ws_record_row_connection[] = {
    ngx_string("connection_id"),
    ngx_string("updated_at"),
    ngx_string("tenant_id"),
    ngx_string("user_id"),
    ngx_string("status"),
    ngx_string("connected_at"),
    ngx_string("subscribed_channels"),
    ngx_string("last_activity_at"),
    ngx_string("disconnected_at"),
    ngx_string("ip_address"),
    ngx_string("session_id"),
    ngx_string("browser"),
    ngx_string("device_type"),
    ngx_null_string
};


static ngx_str_t  ngx_ws_record_row_typing[] = {
    ngx_string("tenant_id"),
    ngx_string("user_id"),
    ngx_string("conversation_id"),
    ngx_string("conversation_type"),
    ngx_string("is_typing"),
    ngx_string("started_at"),
    ngx_string("expires_at"),
    ngx_string("updated_at"),
    ngx_null_string
};


static ngx_str_t  ngx_ws_record_row_presence[] = {
    ngx_string("tenant_id"),
    ngx_string("user_id"),
    ngx_string("status"),
    ngx_string("device"),
    ngx_string("last_message"),
    ngx_string("away_since"),
    ngx_string("last_seen_at"),
    ngx_string("updated_at"),
    ngx_null_string
};


/* by ngx_ws_record_row_kind_e */

static const ngx_ws_record_row_t  ngx_ws_record_rows[] = {

    { ngx_string("event"),
      "event_insert",
      ngx_ws_record_row_event },

    { ngx_string("status"),
      "event_status",
      ngx_ws_record_row_status },

    { ngx_string("connection"),
      "connection_upsert",
      ngx_ws_record_row_connection },

    { ngx_string("typing"),
      "typing_upsert",
      ngx_ws_record_row_typing },

    { ngx_string("presence"),
      "presence_upsert",
      ngx_ws_record_row_presence }
};


ngx_ws_mysql_stmt_t *
ngx_ws_record_row_compile(ngx_pool_t *pool, ngx_ws_record_row_kind_e kind)
{
    return ngx_ws_record_row_stmt(pool, ngx_ws_record_rows[kind].stmt,
                                  NGX_WS_MYSQL_ROWS,
                                  ngx_ws_record_rows[kind].names);
}


ngx_ws_mysql_stmt_t *
ngx_ws_record_row_orphans(ngx_pool_t *pool)
{
    static ngx_str_t  none = ngx_null_string;

    return ngx_ws_record_row_stmt(pool, "event_orphans", NGX_WS_MYSQL_ONE,
                                  &none);
}


static ngx_ws_mysql_stmt_t *
ngx_ws_record_row_stmt(ngx_pool_t *pool, const char *name,
    ngx_ws_mysql_kind_e kind, ngx_str_t *names)
{
    ngx_str_t             err, text;
    ngx_ws_mysql_stmt_t  *stmt;

    text = ngx_ws_mysql_stmt_text(name);

    stmt = ngx_ws_mysql_stmt_compile(pool, &text, kind, names, &err);

    if (stmt == NULL && err.len) {
        ngx_log_error(NGX_LOG_ALERT, pool->log, 0,
                      "statement \"%s\" does not compile: %V", name, &err);
    }

    return stmt;
}


ngx_ws_record_row_kind_e
ngx_ws_record_row_kind(ngx_ws_redis_reply_t *fields)
{
    ngx_str_t   value;
    ngx_uint_t  k;

    value = ngx_ws_record_row_field(fields, "kind");

    for (k = 0; k < NGX_WS_RECORD_ROW_KINDS; k++) {
        if (value.len == ngx_ws_record_rows[k].kind.len
            && ngx_memcmp(value.data, ngx_ws_record_rows[k].kind.data,
                          value.len)
               == 0)
        {
            break;
        }
    }

    return k;
}


/* Empty if it is absent. */

static ngx_str_t
ngx_ws_record_row_field(ngx_ws_redis_reply_t *fields, const char *field)
{
    size_t      len;
    ngx_str_t   name, value;
    ngx_uint_t  i, n;

    len = ngx_strlen(field);
    n = ngx_ws_redis_reply_count(fields);

    for (i = 0; i + 1 < n; i += 2) {
        name = ngx_ws_redis_reply_string(
                                     ngx_ws_redis_reply_element(fields, i));

        if (name.len == len && ngx_memcmp(name.data, field, len) == 0) {
            return ngx_ws_redis_reply_string(
                                 ngx_ws_redis_reply_element(fields, i + 1));
        }
    }

    ngx_str_null(&value);

    return value;
}


ngx_uint_t
ngx_ws_record_row_count(ngx_ws_record_row_kind_e kind,
    ngx_ws_redis_reply_t *fields)
{
    size_t       k;
    ngx_str_t    ids, name;
    ngx_uint_t   i, n, rows;

    rows = 0;

    if (kind == NGX_WS_RECORD_ROW_KINDS) {
        return 1;
    }

    if (kind == NGX_WS_RECORD_ROW_STATUS) {
        ids = ngx_ws_record_row_field(fields, "id");

        for (k = 0; k < ids.len; k++) {
            rows += (ids.data[k] == ' ');
        }

        return rows + 1;
    }

    n = ngx_ws_redis_reply_count(fields);

    for (i = 0; i + 1 < n; i += 2) {
        name = ngx_ws_redis_reply_string(
                                     ngx_ws_redis_reply_element(fields, i));

        rows += ngx_ws_record_row_begins(kind, &name);
    }

    return ngx_max(rows, 1);
}


/* Whether the field is the first one of a row. */

static ngx_uint_t
ngx_ws_record_row_begins(ngx_ws_record_row_kind_e kind, ngx_str_t *name)
{
    ngx_str_t  *first;

    first = ngx_ws_record_rows[kind].names;

    return ngx_ws_record_row_same(name, first)
           || (kind == NGX_WS_RECORD_ROW_EVENT
               && ngx_ws_record_row_same(name, &ngx_ws_record_row_text));
}


static ngx_uint_t
ngx_ws_record_row_same(ngx_str_t *name, ngx_str_t *other)
{
    return name->len == other->len
           && ngx_memcmp(name->data, other->data, name->len) == 0;
}


ngx_int_t
ngx_ws_record_row_values(ngx_ws_record_row_kind_e kind,
    ngx_ws_redis_reply_t *fields, ngx_ws_mysql_value_t *values,
    ngx_pool_t *pool)
{
    ngx_str_t    name, value, *names;
    ngx_uint_t   i, k, n, nnames, rows;

    names = ngx_ws_record_rows[kind].names;

    for (k = 0; names[k].len; k++) {
        ngx_ws_mysql_set_null(&values[k]);
    }

    nnames = k;
    rows = 0;
    n = ngx_ws_redis_reply_count(fields);

    for (i = 0; i + 1 < n; i += 2) {
        name = ngx_ws_redis_reply_string(
                                     ngx_ws_redis_reply_element(fields, i));
        value = ngx_ws_redis_reply_string(
                                 ngx_ws_redis_reply_element(fields, i + 1));

        if (ngx_ws_record_row_begins(kind, &name) && rows++) {
            ngx_memcpy(values + nnames, values,
                       nnames * sizeof(ngx_ws_mysql_value_t));
            values += nnames;
        }

        if (kind == NGX_WS_RECORD_ROW_EVENT
            && ngx_ws_record_row_same(&name, &ngx_ws_record_row_text))
        {
            if (ngx_ws_record_row_event_text(values, &value, pool) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        for (k = 0; k < nnames; k++) {
            if (ngx_ws_record_row_same(&name, &names[k])) {
                ngx_ws_mysql_set_str(&values[k], &value);
                break;
            }
        }
    }

    if (kind == NGX_WS_RECORD_ROW_STATUS) {
        ngx_ws_record_row_split(values, nnames);
    }

    return NGX_OK;
}


/* "id event data" */

static ngx_int_t
ngx_ws_record_row_event_text(ngx_ws_mysql_value_t *values, ngx_str_t *text,
    ngx_pool_t *pool)
{
    u_char     *last, *p;
    ngx_str_t   data, event, id, payload;

    last = text->data + text->len;

    id.data = text->data;
    p = ngx_strlchr(id.data, last, ' ');
    id.len = (p ? p : last) - id.data;

    event.data = p ? p + 1 : last;
    p = ngx_strlchr(event.data, last, ' ');
    event.len = (p ? p : last) - event.data;

    data.data = p ? p + 1 : last;
    data.len = last - data.data;

    payload.data = ngx_pnalloc(pool, sizeof("{\"event\":\"\",\"data\":}")
                                     + event.len + data.len);
    if (payload.data == NULL) {
        return NGX_ERROR;
    }

    payload.len = ngx_sprintf(payload.data, "{\"event\":\"%V\",\"data\":%V}",
                              &event, &data)
                  - payload.data;

    ngx_ws_mysql_set_str(&values[NGX_WS_RECORD_ROW_EVENT_ID], &id);
    ngx_ws_mysql_set_str(&values[NGX_WS_RECORD_ROW_EVENT_PAYLOAD], &payload);

    return NGX_OK;
}


/* The first of n values names all ids: a row for each. */

static void
ngx_ws_record_row_split(ngx_ws_mysql_value_t *values, ngx_uint_t n)
{
    u_char     *p, *last;
    ngx_str_t   id, rest;

    if (values->type != NGX_WS_MYSQL_STRING) {
        return;
    }

    rest = values->as.s;

    for ( ;; ) {
        last = rest.data + rest.len;
        p = ngx_strlchr(rest.data, last, ' ');

        id.data = rest.data;
        id.len = (p ? p : last) - rest.data;
        ngx_ws_mysql_set_str(values, &id);

        if (p == NULL) {
            return;
        }

        ngx_memcpy(values + n, values, n * sizeof(ngx_ws_mysql_value_t));
        values += n;

        rest.data = p + 1;
        rest.len = last - rest.data;
    }
}
