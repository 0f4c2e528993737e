
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis_conf.h>
#include <ngx_ws_redis_key.h>


#define NGX_WS_REDIS_CONF_PORT          6379
#define NGX_WS_REDIS_CONF_TIMEOUT       2000
#define NGX_WS_REDIS_CONF_MAX_DB        65535
#define NGX_WS_REDIS_CONF_MAX_PASSWORD  4096


typedef struct {
    ngx_str_t       name;           /* with "=" */
    char         *(*set)(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
                         ngx_str_t *value);
} ngx_ws_redis_conf_param_t;


static char *ngx_ws_redis_conf_url(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t url);
static char *ngx_ws_redis_conf_unix(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t url);
static char *ngx_ws_redis_conf_redis(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t url);
static char *ngx_ws_redis_conf_user(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *user);
static char *ngx_ws_redis_conf_address(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *address);
static char *ngx_ws_redis_conf_db(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *db);
static char *ngx_ws_redis_conf_param(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *arg);
static char *ngx_ws_redis_conf_prefix(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *value);
static char *ngx_ws_redis_conf_connect_timeout(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *value);
static char *ngx_ws_redis_conf_command_timeout(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *value);
static char *ngx_ws_redis_conf_timeout(ngx_conf_t *cf, ngx_msec_t *timeout,
    ngx_str_t *value);
static char *ngx_ws_redis_conf_password_file(ngx_conf_t *cf,
    ngx_ws_redis_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_ws_redis_conf_unescape(ngx_conf_t *cf, ngx_str_t *dst,
    u_char *src, size_t len);
static char *ngx_ws_redis_conf_failed(ngx_conf_t *cf, const char *reason);


static ngx_ws_redis_conf_param_t  ngx_ws_redis_conf_params[] = {

    { ngx_string("prefix="), ngx_ws_redis_conf_prefix },

    { ngx_string("connect_timeout="), ngx_ws_redis_conf_connect_timeout },

    { ngx_string("command_timeout="), ngx_ws_redis_conf_command_timeout },

    { ngx_string("password_file="), ngx_ws_redis_conf_password_file },

    { ngx_null_string, NULL }
};


char *
ngx_ws_redis_conf(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf, ngx_str_t *args,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_memzero(conf, sizeof(ngx_ws_redis_conf_t));

    ngx_str_set(&conf->prefix, "ws:");
    conf->connect_timeout = NGX_WS_REDIS_CONF_TIMEOUT;
    conf->command_timeout = NGX_WS_REDIS_CONF_TIMEOUT;

    if (ngx_ws_redis_conf_url(cf, conf, args[0]) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < n; i++) {
        if (ngx_ws_redis_conf_param(cf, conf, &args[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (conf->user.len && conf->password.len == 0) {
        return ngx_ws_redis_conf_failed(cf, "there is a user but no password");
    }

    return NGX_CONF_OK;
}


/* the URL may hold a password: it is never shown */

static char *
ngx_ws_redis_conf_url(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t url)
{
    if (ngx_strncmp(url.data, "unix:", 5) == 0) {
        url.data += 5;
        url.len -= 5;

        return ngx_ws_redis_conf_unix(cf, conf, url);
    }

    if (ngx_strncasecmp(url.data, (u_char *) "redis://", 8) == 0) {
        url.data += 8;
        url.len -= 8;

        return ngx_ws_redis_conf_redis(cf, conf, url);
    }

    if (ngx_strncasecmp(url.data, (u_char *) "rediss://", 9) == 0) {
        return ngx_ws_redis_conf_failed(cf, "TLS (rediss://) is not "
                                        "supported, use a unix socket or a "
                                        "tunnel");
    }

    return ngx_ws_redis_conf_failed(cf, "it must begin with \"redis://\" or "
                                    "\"unix:\"");
}


static char *
ngx_ws_redis_conf_unix(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t url)
{
    u_char     *p, *last;
    ngx_str_t   address, db;

    last = url.data + url.len;

    p = ngx_strlchr(url.data, last, '?');

    if (p) {
        url.len = p - url.data;
        p++;

        if (last - p < 3 || ngx_strncmp(p, "db=", 3) != 0) {
            return ngx_ws_redis_conf_failed(cf, "only \"db=\" may follow "
                                            "\"?\"");
        }

        db.data = p + 3;
        db.len = last - db.data;

        if (ngx_ws_redis_conf_db(cf, conf, &db) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (url.len == 0 || url.data[0] != '/') {
        return ngx_ws_redis_conf_failed(cf, "the path of the socket must "
                                        "begin with \"/\"");
    }

    /* nginx takes a colon for the end of the path */

    if (ngx_strlchr(url.data, url.data + url.len, ':')) {
        return ngx_ws_redis_conf_failed(cf, "there is a \":\" in the path of "
                                        "the socket");
    }

    address.len = sizeof("unix:") - 1 + url.len;

    address.data = ngx_pnalloc(cf->pool, address.len + 1);
    if (address.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(address.data, "unix:%V%Z", &url);

    return ngx_ws_redis_conf_address(cf, conf, &address);
}


static char *
ngx_ws_redis_conf_redis(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t url)
{
    u_char     *p, *at, *last;
    ngx_str_t   user, address, db;

    /* [ user "@" ] address [ "/" db ], "@" is not in an address nor a db */

    last = url.data + url.len;
    at = NULL;

    for (p = url.data; p < last; p++) {
        if (*p == '@') {
            at = p;
        }
    }

    address.data = url.data;

    if (at) {
        user.data = url.data;
        user.len = at - url.data;

        if (ngx_ws_redis_conf_user(cf, conf, &user) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        address.data = at + 1;
    }

    p = ngx_strlchr(address.data, last, '/');

    if (p) {
        db.data = p + 1;
        db.len = last - db.data;

        if (db.len
            && ngx_ws_redis_conf_db(cf, conf, &db) != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        last = p;
    }

    address.len = last - address.data;

    if (address.len == 0 || address.data[0] == ':') {
        return ngx_ws_redis_conf_failed(cf, "there is no host");
    }

    return ngx_ws_redis_conf_address(cf, conf, &address);
}


/* [user] ":" password, percent-encoded; or user alone */

static char *
ngx_ws_redis_conf_user(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *user)
{
    u_char  *p, *last;

    last = user->data + user->len;

    p = ngx_strlchr(user->data, last, ':');

    if (p == NULL) {
        p = last;
    }

    if (ngx_ws_redis_conf_unescape(cf, &conf->user, user->data,
                                   p - user->data)
        != NGX_OK)
    {
        return ngx_ws_redis_conf_failed(cf, "wrong percent-encoding in the "
                                        "user");
    }

    if (p == last) {
        return NGX_CONF_OK;
    }

    p++;

    if (ngx_ws_redis_conf_unescape(cf, &conf->password, p, last - p)
        != NGX_OK)
    {
        return ngx_ws_redis_conf_failed(cf, "wrong percent-encoding in the "
                                        "password");
    }

    return NGX_CONF_OK;
}


static char *
ngx_ws_redis_conf_address(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *address)
{
    ngx_url_t   u;
    ngx_uint_t  i;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *address;
    u.default_port = NGX_WS_REDIS_CONF_PORT;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid redis URL: %s in \"%V\"",
                           u.err ? u.err : "no memory", address);
        return NGX_CONF_ERROR;
    }

    conf->addr = u.addrs[0];

    /* "localhost" may be ::1 first, where not every Redis listens */

    for (i = 0; i < u.naddrs; i++) {
        if (u.addrs[i].sockaddr->sa_family == AF_INET) {
            conf->addr = u.addrs[i];
            break;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_ws_redis_conf_db(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf, ngx_str_t *db)
{
    ngx_int_t  n;

    n = ngx_atoi(db->data, db->len);

    if (n == NGX_ERROR || n > NGX_WS_REDIS_CONF_MAX_DB) {
        return ngx_ws_redis_conf_failed(cf, "the database must be a number");
    }

    conf->db = n;

    return NGX_CONF_OK;
}


static char *
ngx_ws_redis_conf_param(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *arg)
{
    u_char                     *p;
    ngx_str_t                   value, name;
    ngx_ws_redis_conf_param_t  *param;

    for (param = ngx_ws_redis_conf_params; param->name.len; param++) {

        if (arg->len >= param->name.len
            && ngx_strncmp(arg->data, param->name.data, param->name.len) == 0)
        {
            value.data = arg->data + param->name.len;
            value.len = arg->len - param->name.len;

            return param->set(cf, conf, &value);
        }
    }

    /* not the value: it might be a password */

    name = *arg;
    p = ngx_strlchr(name.data, name.data + name.len, '=');

    if (p) {
        name.len = p - name.data;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &name);

    return NGX_CONF_ERROR;
}


static char *
ngx_ws_redis_conf_prefix(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *value)
{
    size_t  i;

    if (value->len == 0 || value->len > NGX_WS_REDIS_KEY_PREFIX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the prefix must have 1 to %d bytes",
                           NGX_WS_REDIS_KEY_PREFIX);
        return NGX_CONF_ERROR;
    }

    /* braces mark what belongs together in a key */

    for (i = 0; i < value->len; i++) {

        if (value->data[i] <= ' ' || value->data[i] == 0x7f
            || value->data[i] == '{' || value->data[i] == '}')
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid character in the prefix \"%V\"",
                               value);
            return NGX_CONF_ERROR;
        }
    }

    conf->prefix = *value;

    return NGX_CONF_OK;
}


static char *
ngx_ws_redis_conf_connect_timeout(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *value)
{
    return ngx_ws_redis_conf_timeout(cf, &conf->connect_timeout, value);
}


static char *
ngx_ws_redis_conf_command_timeout(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *value)
{
    return ngx_ws_redis_conf_timeout(cf, &conf->command_timeout, value);
}


static char *
ngx_ws_redis_conf_timeout(ngx_conf_t *cf, ngx_msec_t *timeout,
    ngx_str_t *value)
{
    ngx_int_t  msec;

    msec = ngx_parse_time(value, 0);

    if (msec == NGX_ERROR || msec == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid timeout \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    *timeout = msec;

    return NGX_CONF_OK;
}


/* the first line of the file */

static char *
ngx_ws_redis_conf_password_file(ngx_conf_t *cf, ngx_ws_redis_conf_t *conf,
    ngx_str_t *value)
{
    u_char     *p;
    size_t      len;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_str_t   name;
    u_char      buf[NGX_WS_REDIS_CONF_MAX_PASSWORD];

    if (conf->password.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the password is given twice");
        return NGX_CONF_ERROR;
    }

    name = *value;

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &name);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", &name);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", &name);
    }

    if (n == -1) {
        return NGX_CONF_ERROR;
    }

    for (len = 0; len < (size_t) n; len++) {
        if (buf[len] == LF || buf[len] == CR) {
            break;
        }
    }

    if (len == 0 || len == sizeof(buf)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password in the first line of \"%V\"", &name);
        return NGX_CONF_ERROR;
    }

    p = ngx_pnalloc(cf->pool, len);

    if (p) {
        ngx_memcpy(p, buf, len);
        conf->password.len = len;
        conf->password.data = p;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return p ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_ws_redis_conf_unescape(ngx_conf_t *cf, ngx_str_t *dst, u_char *src,
    size_t len)
{
    u_char     *p, *last;
    ngx_int_t   c;

    p = ngx_pnalloc(cf->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    dst->data = p;

    for (last = src + len; src < last; src++) {

        if (*src != '%') {
            *p++ = *src;
            continue;
        }

        if (last - src < 3) {
            return NGX_ERROR;
        }

        c = ngx_hextoi(src + 1, 2);

        if (c == NGX_ERROR) {
            return NGX_ERROR;
        }

        *p++ = (u_char) c;
        src += 2;
    }

    dst->len = p - dst->data;

    return NGX_OK;
}


static char *
ngx_ws_redis_conf_failed(ngx_conf_t *cf, const char *reason)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid redis URL: %s", reason);

    return NGX_CONF_ERROR;
}
