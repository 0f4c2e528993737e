
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_auth_row.h>
#include <ngx_ws_mysql_log.h>
#include <ngx_ws_token.h>


typedef enum {
    NGX_WS_AUTH_ROW_ID = 0,
    NGX_WS_AUTH_ROW_HASH,
    NGX_WS_AUTH_ROW_TOKEN
} ngx_ws_auth_row_name_e;


static ngx_ws_mysql_value_t *ngx_ws_auth_row_column(
    ngx_ws_mysql_result_t *res, const char *name);
static ngx_int_t ngx_ws_auth_row_owner(ngx_ws_zone_token_t *token,
    ngx_ws_mysql_result_t *res, ngx_log_t *log);
static ngx_int_t ngx_ws_auth_row_secret(ngx_ws_mysql_result_t *res,
    ngx_ws_mysql_stmt_t *stmt, u_char *hash, ngx_log_t *log);
static ngx_uint_t ngx_ws_auth_row_by_secret(ngx_ws_mysql_stmt_t *stmt);
static ngx_int_t ngx_ws_auth_row_expires(ngx_ws_mysql_value_t *v,
    uint64_t *ms);
static ngx_int_t ngx_ws_auth_row_date(ngx_str_t *s, uint64_t *sec);


ngx_str_t  ngx_ws_auth_row_names[] = {
    ngx_string("id"),
    ngx_string("hash"),
    ngx_string("token"),
    ngx_null_string
};


void
ngx_ws_auth_row_values(ngx_ws_mysql_value_t *values, uint64_t id,
    ngx_str_t *hash, ngx_str_t *token)
{
    if (id) {
        ngx_ws_mysql_set_uint(&values[NGX_WS_AUTH_ROW_ID], id);

    } else {
        ngx_ws_mysql_set_null(&values[NGX_WS_AUTH_ROW_ID]);
    }

    ngx_ws_mysql_set_str(&values[NGX_WS_AUTH_ROW_HASH], hash);
    ngx_ws_mysql_set_str(&values[NGX_WS_AUTH_ROW_TOKEN], token);
}


ngx_int_t
ngx_ws_auth_row_read(ngx_ws_zone_token_t *token, ngx_ws_mysql_result_t *res,
    ngx_ws_mysql_stmt_t *stmt, u_char *hash, u_char *buf, ngx_log_t *log)
{
    ngx_int_t              rc;
    ngx_str_t              abilities;
    ngx_ws_mysql_value_t  *v;

    ngx_memzero(token, sizeof(ngx_ws_zone_token_t));
    ngx_str_set(&token->name, "");

    if (res->rc == NGX_ERROR) {
        ngx_ws_mysql_log_refused(log, "refused \"websocket_auth_query\"", res);
    }

    if (res->rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (res->nrows == 0) {
        return NGX_OK;
    }

    rc = ngx_ws_auth_row_secret(res, stmt, hash, log);

    if (rc == NGX_OK) {
        rc = ngx_ws_auth_row_owner(token, res, log);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    v = ngx_ws_auth_row_column(res, "expires_at");

    if (v && ngx_ws_auth_row_expires(v, &token->expires) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "expires_at of a token is neither a time nor NULL");
        return NGX_OK;
    }

    v = ngx_ws_auth_row_column(res, "token_id");

    if (v && ngx_ws_mysql_get_uint(v, &token->token) != NGX_OK) {
        token->token = 0;
    }

    token->abilities = NGX_WS_TOKEN_ABILITY_ALL
                       |NGX_WS_TOKEN_ABILITY_BROADCAST
                       |NGX_WS_TOKEN_ABILITY_NOTIFICATION;

    v = ngx_ws_auth_row_column(res, "abilities");

    if (v) {
        abilities = ngx_ws_mysql_get_str(v, buf);
        token->abilities = ngx_ws_token_abilities(&abilities);
    }

    v = ngx_ws_auth_row_column(res, "name");

    if (v) {
        token->name = ngx_ws_mysql_get_str(v, buf);
    }

    token->valid = 1;

    return NGX_OK;
}


static ngx_ws_mysql_value_t *
ngx_ws_auth_row_column(ngx_ws_mysql_result_t *res, const char *name)
{
    size_t      len;
    ngx_uint_t  i;

    len = ngx_strlen(name);

    for (i = 0; i < res->ncols; i++) {
        if (res->names[i].len == len
            && ngx_strncasecmp(res->names[i].data, (u_char *) name, len) == 0)
        {
            return &res->values[i];
        }
    }

    return NULL;
}


/* NGX_DECLINED: the row is of nobody. */

static ngx_int_t
ngx_ws_auth_row_owner(ngx_ws_zone_token_t *token, ngx_ws_mysql_result_t *res,
    ngx_log_t *log)
{
    ngx_ws_mysql_value_t  *tenant, *user;

    user = ngx_ws_auth_row_column(res, "user_id");
    tenant = ngx_ws_auth_row_column(res, "tenant_id");

    if (user == NULL || tenant == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "\"websocket_auth_query\" gives no column \"%s\"",
                      user ? "tenant_id" : "user_id");
        return NGX_ERROR;
    }

    if (ngx_ws_mysql_get_uint(user, &token->user) != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "token is refused: its user_id is NULL or no number");
        return NGX_DECLINED;
    }

    if (ngx_ws_mysql_get_uint(tenant, &token->tenant) != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "token is refused: tenant_id of user %uL is NULL or no "
                      "number", token->user);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_auth_row_secret(ngx_ws_mysql_result_t *res, ngx_ws_mysql_stmt_t *stmt,
    u_char *hash, ngx_log_t *log)
{
    u_char                 buf[NGX_INT64_LEN];
    ngx_str_t              s;
    ngx_ws_mysql_value_t  *v;

    v = ngx_ws_auth_row_column(res, "token");

    if (v) {
        s = ngx_ws_mysql_get_str(v, buf);

        if (s.len != NGX_WS_TOKEN_HEX
            || !ngx_ws_token_equal(s.data, hash, NGX_WS_TOKEN_HEX))
        {
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    if (!ngx_ws_auth_row_by_secret(stmt)) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "\"websocket_auth_query\" looks for :id and gives no "
                      "column \"token\" to compare the secret with");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Whether the row can't have been found but by its secret. Where :id is looked
 * for, too, it may have been found by that alone, as in Sanctum's own query.
 */

static ngx_uint_t
ngx_ws_auth_row_by_secret(ngx_ws_mysql_stmt_t *stmt)
{
    ngx_uint_t  i;

    for (i = 0; i < stmt->nhead; i++) {
        if (stmt->order[i] == NGX_WS_AUTH_ROW_ID) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_ws_auth_row_expires(ngx_ws_mysql_value_t *v, uint64_t *ms)
{
    u_char      buf[NGX_INT64_LEN];
    uint64_t    sec;
    ngx_int_t   rc;
    ngx_str_t   s;

    rc = ngx_ws_mysql_get_uint(v, &sec);

    if (rc == NGX_DECLINED) {
        *ms = 0;
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        s = ngx_ws_mysql_get_str(v, buf);

        if (ngx_ws_auth_row_date(&s, &sec) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* 0 means never */

    *ms = sec ? sec * 1000 : 1;

    return NGX_OK;
}


/* "2025-10-24 10:00:00", with or without a fraction */

static ngx_int_t
ngx_ws_auth_row_date(ngx_str_t *s, uint64_t *sec)
{
    time_t      t;
    ngx_uint_t  i;
    struct tm   tm;
    ngx_int_t   n[6];

    static const u_char  at[] = { 0, 5, 8, 11, 14, 17 };

    if (s->len < sizeof("2025-10-24 10:00:00") - 1) {
        return NGX_ERROR;
    }

    for (i = 0; i < 6; i++) {
        n[i] = ngx_atoi(s->data + at[i], i ? 2 : 4);

        if (n[i] == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    ngx_memzero(&tm, sizeof(struct tm));

    tm.tm_year = (int) n[0] - 1900;
    tm.tm_mon = (int) n[1] - 1;
    tm.tm_mday = (int) n[2];
    tm.tm_hour = (int) n[3];
    tm.tm_min = (int) n[4];
    tm.tm_sec = (int) n[5];

    t = timegm(&tm);

    if (n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || t < 0) {
        return NGX_ERROR;
    }

    *sec = (uint64_t) t;

    return NGX_OK;
}
