
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_error.h>


#define NGX_WS_REDIS_ERROR_QUIET    10000

/* after all those of the table */
#define NGX_WS_REDIS_ERROR_FULL     (NGX_WS_REDIS_ERRORS - 1)

#define NGX_WS_REDIS_ERROR_CLUSTER  "; Redis Cluster is not supported"


typedef struct {
    const char     *code;
    const char     *hint;
    ngx_int_t       rc;
} ngx_ws_redis_error_t;


static ngx_str_t ngx_ws_redis_error_inner(ngx_str_t *text);
static ngx_uint_t ngx_ws_redis_error_new(ngx_ws_redis_errors_t *errors,
    ngx_uint_t i);


static ngx_ws_redis_error_t  ngx_ws_redis_error_list[] = {

    { "LOADING", "", NGX_DECLINED },
    { "READONLY", "", NGX_DECLINED },
    { "OOM", "", NGX_DECLINED },
    { "MISCONF", "", NGX_DECLINED },
    { "MASTERDOWN", "", NGX_DECLINED },
    { "NOREPLICAS", "", NGX_DECLINED },
    { "BUSY", "", NGX_DECLINED },
    { "NOAUTH", "", NGX_DECLINED },
    { "NOPERM", "", NGX_OK },
    { "MOVED", NGX_WS_REDIS_ERROR_CLUSTER, NGX_DECLINED },
    { "ASK", NGX_WS_REDIS_ERROR_CLUSTER, NGX_DECLINED },
    { "CROSSSLOT", NGX_WS_REDIS_ERROR_CLUSTER, NGX_DECLINED },
    { "CLUSTERDOWN", NGX_WS_REDIS_ERROR_CLUSTER, NGX_DECLINED },
    { "TRYAGAIN", NGX_WS_REDIS_ERROR_CLUSTER, NGX_DECLINED },

    { NULL, NULL, 0 }
};


ngx_int_t
ngx_ws_redis_error(ngx_ws_redis_errors_t *errors, ngx_str_t *text,
    ngx_log_t *log)
{
    ngx_str_t              inner, shown;
    ngx_uint_t             i;
    ngx_ws_redis_error_t  *err;

    /* a transaction of which a command was refused, which is known by now */

    if (ngx_ws_redis_error_is(text, "EXECABORT")) {
        return NGX_DECLINED;
    }

    inner = ngx_ws_redis_error_inner(text);
    err = ngx_ws_redis_error_list;

    for (i = 0; err[i].code; i++) {

        if (!ngx_ws_redis_error_is(&inner, err[i].code)) {
            continue;
        }

        if (ngx_ws_redis_error_new(errors, i)) {
            shown = ngx_ws_redis_error_text(&inner);

            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "redis refuses commands: %V%s",
                          &shown, err[i].hint);
        }

        return err[i].rc;
    }

    return NGX_OK;
}


void
ngx_ws_redis_error_full(ngx_ws_redis_errors_t *errors, ngx_log_t *log)
{
    if (ngx_ws_redis_error_new(errors, NGX_WS_REDIS_ERROR_FULL)) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "redis is too slow: too many commands are under way");
    }
}


ngx_str_t
ngx_ws_redis_error_text(ngx_str_t *text)
{
    u_char     *p;
    ngx_str_t   s;

    s = *text;

    p = ngx_strnstr(s.data, ", with args", s.len);
    if (p) {
        s.len = p - s.data;
    }

    return s;
}


ngx_uint_t
ngx_ws_redis_error_readonly(ngx_str_t *text)
{
    ngx_str_t  inner;

    inner = ngx_ws_redis_error_inner(text);

    return ngx_ws_redis_error_is(&inner, "READONLY");
}


ngx_uint_t
ngx_ws_redis_error_is(ngx_str_t *text, const char *code)
{
    size_t  len;

    len = ngx_strlen(code);

    return text->len >= len
           && ngx_memcmp(text->data, code, len) == 0
           && (text->len == len || text->data[len] == ' ');
}


/*
 * Redis before 7 answers "ERR Error running script (call to f_...):
 * @user_script:1: @user_script: 1: -OOM ..." when it refuses a script's first
 * write.
 */

static ngx_str_t
ngx_ws_redis_error_inner(ngx_str_t *text)
{
    u_char     *p;
    ngx_str_t   inner, script;

    inner = *text;
    ngx_str_set(&script, "ERR Error running script");

    if (text->len < script.len
        || ngx_memcmp(text->data, script.data, script.len) != 0)
    {
        return inner;
    }

    p = ngx_strnstr(text->data, ": -", text->len);

    if (p) {
        inner.data = p + sizeof(": -") - 1;
        inner.len = text->data + text->len - inner.data;
    }

    return inner;
}


static ngx_uint_t
ngx_ws_redis_error_new(ngx_ws_redis_errors_t *errors, ngx_uint_t i)
{
    ngx_uint_t  quiet;

    quiet = (errors->seen[i] == 0
             || ngx_current_msec - errors->seen[i]
                > NGX_WS_REDIS_ERROR_QUIET);

    errors->seen[i] = ngx_current_msec;

    return quiet;
}
