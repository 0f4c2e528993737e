
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_mysql_conf.h>


/*
 * url        = "mysql://" user [ ":" password ] "@" place "/" database
 * place      = "unix(" path ")" / host [ ":" port ]
 */

typedef char *(*ngx_ws_mysql_conf_pt)(ngx_conf_t *cf,
    ngx_ws_mysql_conf_t *conf, ngx_str_t *value);


typedef struct {
    ngx_str_t                name;
    ngx_ws_mysql_conf_pt     set;
} ngx_ws_mysql_conf_param_t;


static size_t ngx_ws_mysql_conf_name(ngx_str_t *arg);
static char *ngx_ws_mysql_conf_url(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *url);
static char *ngx_ws_mysql_conf_user(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *user);
static char *ngx_ws_mysql_conf_host(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *host);
static char *ngx_ws_mysql_conf_unix(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *path);
static char *ngx_ws_mysql_conf_decode(ngx_conf_t *cf, ngx_str_t *to,
    u_char *p, u_char *end);
static char *ngx_ws_mysql_conf_invalid(ngx_conf_t *cf, const char *what);
static char *ngx_ws_mysql_conf_password_file(ngx_conf_t *cf,
    ngx_ws_mysql_conf_t *conf, ngx_str_t *value);
static char *ngx_ws_mysql_conf_pool(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value);
static char *ngx_ws_mysql_conf_threads(ngx_conf_t *cf,
    ngx_ws_mysql_conf_t *conf, ngx_str_t *value);
static char *ngx_ws_mysql_conf_batch(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value);
static char *ngx_ws_mysql_conf_flush(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value);
static char *ngx_ws_mysql_conf_timeout(ngx_conf_t *cf,
    ngx_ws_mysql_conf_t *conf, ngx_str_t *value);


static const ngx_ws_mysql_conf_param_t  ngx_ws_mysql_conf_params[] = {
    { ngx_string("password_file="), ngx_ws_mysql_conf_password_file },
    { ngx_string("pool="), ngx_ws_mysql_conf_pool },
    { ngx_string("threads="), ngx_ws_mysql_conf_threads },
    { ngx_string("batch="), ngx_ws_mysql_conf_batch },
    { ngx_string("flush="), ngx_ws_mysql_conf_flush },
    { ngx_string("timeout="), ngx_ws_mysql_conf_timeout },
    { ngx_null_string, NULL }
};


char *
ngx_ws_mysql_conf(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf, ngx_str_t *args,
    ngx_uint_t n)
{
    char                             *rv;
    ngx_str_t                         value;
    ngx_uint_t                        i;
    const ngx_ws_mysql_conf_param_t  *param;

    ngx_memzero(conf, sizeof(ngx_ws_mysql_conf_t));

    ngx_str_set(&conf->pool, "default");
    conf->threads = 4;
    conf->batch = 1000;
    conf->flush = 100;
    conf->timeout = 2000;

    rv = ngx_ws_mysql_conf_url(cf, conf, &args[0]);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 1; i < n; i++) {

        for (param = ngx_ws_mysql_conf_params; param->set; param++) {

            if (args[i].len > param->name.len
                && ngx_strncmp(args[i].data, param->name.data,
                               param->name.len)
                   == 0)
            {
                break;
            }
        }

        if (param->set == NULL) {
            /* not the value: what is misspelt may be a password */

            value.data = args[i].data;
            value.len = ngx_ws_mysql_conf_name(&args[i]);

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value);
            return NGX_CONF_ERROR;
        }

        value.data = args[i].data + param->name.len;
        value.len = args[i].len - param->name.len;

        rv = param->set(cf, conf, &value);

        if (rv == NGX_CONF_OK) {
            continue;
        }

        if (rv != NGX_CONF_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\": %s", &args[i], rv);
        }

        return NGX_CONF_ERROR;
    }

    if (conf->password.data == NULL) {
        ngx_str_set(&conf->password, "");
    }

    if (ngx_thread_pool_add(cf, &conf->pool) == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static size_t
ngx_ws_mysql_conf_name(ngx_str_t *arg)
{
    u_char  *p;

    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    return p ? (size_t) (p - arg->data) : arg->len;
}


static char *
ngx_ws_mysql_conf_url(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *url)
{
    char       *rv;
    u_char     *p, *at, *end;
    ngx_str_t   user, place;

    if (url->len < 8 || ngx_strncmp(url->data, "mysql://", 8) != 0) {
        return ngx_ws_mysql_conf_invalid(cf, "must begin with \"mysql://\"");
    }

    user.data = url->data + 8;
    end = url->data + url->len;

    at = NULL;

    for (p = user.data; p < end && *p != '/'; p++) {

        if (*p == '@') {
            at = p;

            if (end - p > 6 && ngx_strncmp(p + 1, "unix(", 5) == 0) {
                break;
            }
        }
    }

    if (at == NULL) {
        return ngx_ws_mysql_conf_invalid(cf, "has no \"user@\"");
    }

    user.len = at - user.data;
    place.data = at + 1;

    if (p == at) {
        /* a path has slashes of its own */

        place.data = p + 6;
        p = ngx_strlchr(place.data, end, ')');

        if (p == NULL) {
            return ngx_ws_mysql_conf_invalid(cf, "has no \")\"");
        }

        place.len = p++ - place.data;
        rv = ngx_ws_mysql_conf_unix(cf, conf, &place);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

        ngx_str_null(&place);

    } else {
        place.len = p - place.data;
    }

    if (end - p < 2 || *p != '/' || ngx_strlchr(p + 1, end, '/') != NULL) {
        return ngx_ws_mysql_conf_invalid(cf, "must end with \"/database\"");
    }

    rv = ngx_ws_mysql_conf_decode(cf, &conf->database, p + 1, end);

    if (rv == NGX_CONF_OK) {
        rv = ngx_ws_mysql_conf_user(cf, conf, &user);
    }

    if (rv == NGX_CONF_OK && place.data) {
        rv = ngx_ws_mysql_conf_host(cf, conf, &place);
    }

    return rv;
}


static char *
ngx_ws_mysql_conf_user(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *user)
{
    char    *rv;
    u_char  *colon, *end;

    end = user->data + user->len;
    colon = ngx_strlchr(user->data, end, ':');

    if (colon) {
        rv = ngx_ws_mysql_conf_decode(cf, &conf->password, colon + 1, end);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

        end = colon;
    }

    if (end == user->data) {
        return ngx_ws_mysql_conf_invalid(cf, "has no user");
    }

    return ngx_ws_mysql_conf_decode(cf, &conf->user, user->data, end);
}


static char *
ngx_ws_mysql_conf_host(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *host)
{
    u_char     *text;
    ngx_url_t   u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *host;
    u.default_port = 3306;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {

        if (u.err) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s in mysql host \"%V\"", u.err, &u.url);
        }

        return NGX_CONF_ERROR;
    }

    /* numeric, so that no thread ever asks a resolver */

    text = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 1);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    conf->host.data = text;
    conf->host.len = ngx_sock_ntop(u.addrs[0].sockaddr, u.addrs[0].socklen,
                                   text, NGX_SOCKADDR_STRLEN, 0);
    text[conf->host.len] = '\0';

    conf->port = u.port;

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_unix(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *path)
{
    if (path->len == 0 || path->data[0] != '/') {
        return ngx_ws_mysql_conf_invalid(cf, "has no absolute path of a "
                                             "socket in \"unix()\"");
    }

    if (path->len >= sizeof(((struct sockaddr_un *) NULL)->sun_path)) {
        return ngx_ws_mysql_conf_invalid(cf, "has a path of a socket that is "
                                             "too long");
    }

    conf->unix_path.len = path->len;
    conf->unix_path.data = ngx_pnalloc(cf->pool, path->len + 1);

    if (conf->unix_path.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_cpystrn(conf->unix_path.data, path->data, path->len + 1);

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_decode(ngx_conf_t *cf, ngx_str_t *to, u_char *p,
    u_char *end)
{
    u_char     *out;
    ngx_int_t   n;

    out = ngx_pnalloc(cf->pool, end - p + 1);
    if (out == NULL) {
        return NGX_CONF_ERROR;
    }

    to->data = out;

    while (p < end) {

        if (*p != '%') {
            *out++ = *p++;
            continue;
        }

        n = (end - p > 2) ? ngx_hextoi(p + 1, 2) : NGX_ERROR;

        if (n == NGX_ERROR || n == 0) {
            return ngx_ws_mysql_conf_invalid(cf, "has a \"%\" that is not "
                                                 "followed by two hexadecimal "
                                                 "digits, or by \"00\"");
        }

        *out++ = (u_char) n;
        p += 3;
    }

    to->len = out - to->data;
    *out = '\0';

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_invalid(ngx_conf_t *cf, const char *what)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "mysql URL %s", what);

    return NGX_CONF_ERROR;
}


static char *
ngx_ws_mysql_conf_password_file(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    u_char    *p;
    ssize_t    n;
    ngx_fd_t   fd;
    u_char     buf[1024];

    if (conf->password.data) {
        return "there is a password already";
    }

    if (ngx_conf_full_name(cf->cycle, value, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(value->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", value);
        return NGX_CONF_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", value);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", value);
    }

    if (n == -1) {
        return NGX_CONF_ERROR;
    }

    if (n == sizeof(buf)) {
        return "the file is too long";
    }

    buf[n] = '\n';
    for (p = buf; *p != '\n' && *p != '\r' && *p != '\0'; p++) { /* void */ }
    *p = '\0';

    conf->password.len = p - buf;
    conf->password.data = ngx_pnalloc(cf->pool, conf->password.len + 1);

    if (conf->password.data) {
        ngx_memcpy(conf->password.data, buf, conf->password.len + 1);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return conf->password.data ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_ws_mysql_conf_pool(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    conf->pool = *value;

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_threads(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > 64) {
        return "it must be from 1 to 64";
    }

    conf->threads = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_batch(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > 1000) {
        return "it must be from 1 to 1000";
    }

    conf->batch = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_ws_mysql_conf_flush(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n < 1 || n > 60000) {
        return "it must be from 1ms to 60s";
    }

    conf->flush = (ngx_msec_t) n;

    return NGX_CONF_OK;
}


/* one of the seconds is for locks, see the link's session */

static char *
ngx_ws_mysql_conf_timeout(ngx_conf_t *cf, ngx_ws_mysql_conf_t *conf,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    if (n < 2000 || n > 60000) {
        return "it must be from 2s to 60s";
    }

    conf->timeout = (ngx_msec_t) n;

    return NGX_CONF_OK;
}
