
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
static void ngx_ws_record_row_split(ngx_ws_mysql_value_t *values,
    ngx_uint_t n);


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
    size_t      i;
    ngx_str_t   ids;
    ngx_uint_t  n;

    if (kind != NGX_WS_RECORD_ROW_STATUS) {
        return 1;
    }

    ids = ngx_ws_record_row_field(fields, "id");

    n = 1;

    for (i = 0; i < ids.len; i++) {
        n += (ids.data[i] == ' ');
    }

    return n;
}


void
ngx_ws_record_row_values(ngx_ws_record_row_kind_e kind,
    ngx_ws_redis_reply_t *fields, ngx_ws_mysql_value_t *values)
{
    ngx_str_t    name, value, *names;
    ngx_uint_t   i, k, n;

    names = ngx_ws_record_rows[kind].names;

    for (k = 0; names[k].len; k++) {
        ngx_ws_mysql_set_null(&values[k]);
    }

    n = ngx_ws_redis_reply_count(fields);

    for (i = 0; i + 1 < n; i += 2) {
        name = ngx_ws_redis_reply_string(
                                     ngx_ws_redis_reply_element(fields, i));

        for (k = 0; names[k].len; k++) {
            if (names[k].len == name.len
                && ngx_memcmp(names[k].data, name.data, name.len) == 0)
            {
                value = ngx_ws_redis_reply_string(
                                 ngx_ws_redis_reply_element(fields, i + 1));
                ngx_ws_mysql_set_str(&values[k], &value);
                break;
            }
        }
    }

    if (kind == NGX_WS_RECORD_ROW_STATUS) {
        for (k = 0; names[k].len; k++) { /* void */ }
        ngx_ws_record_row_split(values, k);
    }
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
