
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_thread_pool.h>

#include <ngx_ws_mysql_conf.h>

#include "test.h"


static void places(void);
static void decoded(void);
static void parameters(void);
static void password_files(void);
static void defaults(void);
static void bad(const char *args, const char *error);
static void is_password(const char *content, const char *password,
    const char *name);
static char *set(const char *args);


static ngx_conf_t            cf;
static ngx_cycle_t           cycle;
static ngx_ws_mysql_conf_t   conf;
static u_char                message[1024];
static ngx_str_t             logged;
static ngx_str_t             resolved;
static ngx_str_t             pool;
static char                  path[] = "/tmp/ngx_ws_mysql_conf_test.XXXXXX";


int
main(void)
{
    cf.cycle = &cycle;
    cf.pool = ngx_create_pool(4096, &test_log);
    cf.log = &test_log;

    places();
    decoded();
    defaults();
    parameters();
    password_files();

    ngx_destroy_pool(cf.pool);

    return done();
}


static void
places(void)
{
    set("mysql://u:p@db.example:3307/d");
    is_str(&resolved, "db.example:3307", "a host with a port");
    is_str(&conf.host, "192.0.2.1", "... is resolved");
    is_int(conf.port, 3307, "... and its port");
    is_int(conf.unix_path.len, 0, "... is no path");

    set("mysql://u@[::1]/d");
    is_str(&resolved, "[::1]", "an IPv6 address");
    is_int(conf.port, 3306, "... without a port");

    resolved.len = 0;
    set("mysql://u:p@unix(/run/my@sqld/my.sock)/d");
    is_int(resolved.len, 0, "a path is not resolved");
    is_str(&conf.unix_path, "/run/my@sqld/my.sock", "... but taken as it is");
    is_int(conf.unix_path.data[conf.unix_path.len], 0, "... ends with NUL");
    is_str(&conf.database, "d", "... and the database behind it");

    bad("http://u@h/d", "mysql URL must begin with \"mysql://\"");
    bad("mysql:/", "mysql URL must begin with \"mysql://\"");
    bad("mysql://", "mysql URL has no \"user@\"");
    bad("mysql://host/d", "mysql URL has no \"user@\"");
    bad("mysql://u:pass/word@host/d", "mysql URL has no \"user@\"");
    bad("mysql://@host/d", "mysql URL has no user");
    bad("mysql://:p@host/d", "mysql URL has no user");
    bad("mysql://u@host", "mysql URL must end with \"/database\"");
    bad("mysql://u@host/", "mysql URL must end with \"/database\"");
    bad("mysql://u@host/d/e", "mysql URL must end with \"/database\"");
    bad("mysql://u@unix(/x)", "mysql URL must end with \"/database\"");
    bad("mysql://u@unix(/x)d", "mysql URL must end with \"/database\"");
    bad("mysql://u@unix(/x/d", "mysql URL has no \")\"");
    bad("mysql://u@unix()/d",
        "mysql URL has no absolute path of a socket in \"unix()\"");
    bad("mysql://u@unix(x)/d",
        "mysql URL has no absolute path of a socket in \"unix()\"");
    bad("mysql://u:secret@bad/d", "host not found in mysql host \"bad\"");
}


static void
decoded(void)
{
    set("mysql://a%40b:p%3a%2F%25%C3%A9@h/my%20d");
    is_str(&conf.user, "a@b", "a user");
    is_str(&conf.password, "p:/%\xc3\xa9", "a password");
    is_str(&conf.database, "my d", "a database");
    ok(conf.user.data[conf.user.len] == 0
       && conf.password.data[conf.password.len] == 0
       && conf.database.data[conf.database.len] == 0
       && conf.host.data[conf.host.len] == 0, "all end with NUL");

    set("mysql://u:a:b@h/d");
    is_str(&conf.password, "a:b", "the first colon ends the user");

    set("mysql://u:a@b@h/d");
    is_str(&conf.password, "a@b", "the last @ ends the password");

    set("mysql://u:@h/d");
    is_str(&conf.password, "", "an empty password");

    bad("mysql://u:%@h/d", "mysql URL has a \"%\" that is not followed by "
        "two hexadecimal digits, or by \"00\"");
    bad("mysql://u:%4@h/d", "mysql URL has a \"%\" that is not followed by "
        "two hexadecimal digits, or by \"00\"");
    bad("mysql://u:%00@h/d", "mysql URL has a \"%\" that is not followed by "
        "two hexadecimal digits, or by \"00\"");
    bad("mysql://u@h/d%g0", "mysql URL has a \"%\" that is not followed by "
        "two hexadecimal digits, or by \"00\"");
}


static void
defaults(void)
{
    ok(set("mysql://u@h/d") == NGX_CONF_OK, "a URL alone");
    is_str(&conf.password, "", "no password");
    ok(conf.password.data[0] == 0, "... ends with NUL");
    is_str(&pool, "default", "the default pool is claimed");
    is_int(conf.threads, 4, "threads");
    is_int(conf.batch, 1000, "batch");
    is_int(conf.flush, 100, "flush");
    is_int(conf.timeout, 2000, "timeout");
}


static void
parameters(void)
{
    ok(set("mysql://u@h/d pool=p threads=64 batch=1 flush=60s timeout=3s")
       == NGX_CONF_OK, "all parameters");
    is_str(&pool, "p", "the pool is claimed");
    is_int(conf.threads, 64, "threads");
    is_int(conf.batch, 1, "batch");
    is_int(conf.flush, 60000, "flush");
    is_int(conf.timeout, 3000, "timeout");

    bad("mysql://u@h/d threads=0",
        "invalid value \"threads=0\": it must be from 1 to 64");
    bad("mysql://u@h/d threads=65",
        "invalid value \"threads=65\": it must be from 1 to 64");
    bad("mysql://u@h/d batch=1001",
        "invalid value \"batch=1001\": it must be from 1 to 1000");
    bad("mysql://u@h/d batch=x",
        "invalid value \"batch=x\": it must be from 1 to 1000");
    bad("mysql://u@h/d flush=0",
        "invalid value \"flush=0\": it must be from 1ms to 60s");
    bad("mysql://u@h/d flush=61s",
        "invalid value \"flush=61s\": it must be from 1ms to 60s");
    bad("mysql://u@h/d timeout=1s",
        "invalid value \"timeout=1s\": it must be from 2s to 60s");
    bad("mysql://u@h/d threads=", "invalid parameter \"threads\"");
    bad("mysql://u@h/d password=secret", "invalid parameter \"password\"");
    bad("mysql://u@h/d secret", "invalid parameter \"secret\"");
}


static void
password_files(void)
{
    ngx_fd_t  fd;

    static char  large[2048];

    fd = mkstemp(path);
    ok(fd != NGX_INVALID_FILE, "a file");
    (void) close(fd);

    is_password("secret", "secret", "a file with a password");
    is_password("secret\n", "secret", "... with an end of line");
    is_password("secret\r\nmore\n", "secret", "... the first line");
    is_password(" s p ", " s p ", "... with spaces");
    is_password("", "", "... with nothing");

    ngx_memset(large, 'x', sizeof(large) - 1);
    is_password(large, NULL, "... with too much");

    (void) unlink(path);

    set("mysql://u@h/d password_file=/nonexistent/file");
    is_str(&logged, "open() \"/nonexistent/file\" failed", "no such file");

    set("mysql://u:p@h/d password_file=/nonexistent/file");
    is_str(&logged, "invalid value \"password_file=/nonexistent/file\": "
           "there is a password already", "two passwords");
}


static void
is_password(const char *content, const char *password, const char *name)
{
    char      *rv;
    u_char     args[256];
    ngx_fd_t   fd;

    fd = open(path, O_WRONLY|O_TRUNC);

    if (write(fd, content, ngx_strlen(content))
        != (ssize_t) ngx_strlen(content))
    {
        ok(0, "write()");
    }

    (void) close(fd);

    *ngx_sprintf(args, "mysql://u@h/d password_file=%s", path) = '\0';

    rv = set((char *) args);

    if (password) {
        is_str(&conf.password, password, name);

    } else {
        ok(rv == NGX_CONF_ERROR, name);
    }
}


static void
bad(const char *args, const char *error)
{
    ok(set(args) == NGX_CONF_ERROR, args);
    is_str(&logged, error, "... is refused");
}


/* the arguments as nginx gives them: with a NUL behind */

static char *
set(const char *args)
{
    size_t       len;
    char        *copy, *p, *rv;
    ngx_str_t    list[8];
    ngx_uint_t   n;

    len = ngx_strlen(args);
    copy = malloc(len + 1);
    ngx_memcpy(copy, args, len + 1);

    n = 0;

    for (p = strtok(copy, " "); p; p = strtok(NULL, " ")) {
        list[n].data = (u_char *) p;
        list[n].len = ngx_strlen(p);
        n++;
    }

    /* nothing of what was there before may count */

    ngx_str_null(&logged);
    ngx_memset(&conf, 0xff, sizeof(ngx_ws_mysql_conf_t));

    rv = ngx_ws_mysql_conf(&cf, &conf, list, n);

    if (rv == NGX_CONF_OK) {
        pool.data = ngx_pstrdup(cf.pool, &pool);
        conf.pool = pool;
    }

    free(copy);

    return rv;
}


void ngx_cdecl
ngx_conf_log_error(ngx_uint_t level, ngx_conf_t *c, ngx_err_t err,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    logged.data = message;
    logged.len = ngx_vslprintf(message, message + sizeof(message), fmt, args)
                 - message;
    va_end(args);
}


ngx_int_t
ngx_conf_full_name(ngx_cycle_t *c, ngx_str_t *name, ngx_uint_t conf_prefix)
{
    return NGX_OK;
}


ngx_int_t
ngx_parse_url(ngx_pool_t *p, ngx_url_t *u)
{
    u_char                     *colon;

    static ngx_addr_t           addr;
    static struct sockaddr_in   sin;

    resolved.len = u->url.len;
    resolved.data = ngx_pstrdup(p, &u->url);

    if (ngx_strncmp(u->url.data, "bad", 3) == 0) {
        u->err = "host not found";
        return NGX_ERROR;
    }

    sin.sin_family = AF_INET;
    addr.sockaddr = (struct sockaddr *) &sin;
    addr.socklen = sizeof(struct sockaddr_in);

    u->addrs = &addr;
    u->naddrs = 1;
    u->port = u->default_port;

    colon = ngx_strlchr(u->url.data, u->url.data + u->url.len, ':');

    if (colon && u->url.data[0] != '[') {
        u->port = ngx_atoi(colon + 1, u->url.data + u->url.len - colon - 1);
    }

    return NGX_OK;
}


size_t
ngx_sock_ntop(struct sockaddr *sa, socklen_t socklen, u_char *text,
    size_t len, ngx_uint_t port)
{
    return ngx_cpymem(text, "192.0.2.1", 9) - text;
}


ngx_thread_pool_t *
ngx_thread_pool_add(ngx_conf_t *c, ngx_str_t *name)
{
    pool = *name;

    return (ngx_thread_pool_t *) &pool;
}


ngx_int_t
ngx_parse_time(ngx_str_t *line, ngx_uint_t is_sec)
{
    ngx_int_t  n;

    n = ngx_atoi(line->data, line->len - 1);

    return (n == NGX_ERROR) ? (line->data[0] == '0' ? 0 : NGX_ERROR)
                            : n * 1000;
}
