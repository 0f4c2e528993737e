
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>

#include <ngx_ws_mysql_client.h>


#define NGX_WS_MYSQL_PACKET       (16 * 1024 * 1024)

/* after so many seconds a connection may have died without a sign */
#define NGX_WS_MYSQL_IDLE         30

/* errors of the servers, some of MariaDB's or MySQL's alone */
#define NGX_WS_MYSQL_ECHANGED     1020
#define NGX_WS_MYSQL_ECONNECTIONS 1040
#define NGX_WS_MYSQL_ESHUTDOWN    1053
#define NGX_WS_MYSQL_EUSER        1203
#define NGX_WS_MYSQL_ELOCKWAIT    1205
#define NGX_WS_MYSQL_EDEADLOCK    1213
#define NGX_WS_MYSQL_ENOSTMT      1243
#define NGX_WS_MYSQL_ETRUNCATED   1265
#define NGX_WS_MYSQL_EUSERLIMIT   1226
#define NGX_WS_MYSQL_EREADONLY    1290
#define NGX_WS_MYSQL_ECHARACTERS  1300
#define NGX_WS_MYSQL_EOVERFLOWED  1301
#define NGX_WS_MYSQL_EWRONGVALUE  1366
#define NGX_WS_MYSQL_EVIEWCHECK   1369
#define NGX_WS_MYSQL_EWRONGTYPE   1411
#define NGX_WS_MYSQL_EPARTITION   1526
#define NGX_WS_MYSQL_EREPREPARE   1615
#define NGX_WS_MYSQL_ENOTFOUND    1643
#define NGX_WS_MYSQL_ESIGNAL      1644
#define NGX_WS_MYSQL_EREADMODE    1836
#define NGX_WS_MYSQL_EKILLED      1927
#define NGX_WS_MYSQL_EKILLED2     3169
#define NGX_WS_MYSQL_ECHECK       3819
#define NGX_WS_MYSQL_EIDLE        4031


static ngx_int_t ngx_ws_mysql_link_connect(ngx_ws_mysql_link_t *link);
static void ngx_ws_mysql_link_tls(ngx_ws_mysql_conf_t *conf, MYSQL *mysql);
static ngx_int_t ngx_ws_mysql_link_session(ngx_ws_mysql_link_t *link);
static ngx_uint_t ngx_ws_mysql_link_is_alive(ngx_ws_mysql_link_t *link);
static ngx_uint_t ngx_ws_mysql_link_is_crowded(ngx_ws_mysql_link_t *link);
static ngx_int_t ngx_ws_mysql_link_classify(ngx_uint_t err,
    const char *state);
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

            return ngx_ws_mysql_link_is_crowded(link) ? NGX_BUSY : NGX_ABORT;
        }
    }

    link->used = ngx_ws_mysql_link_now();

    return NGX_OK;
}


ngx_uint_t
ngx_ws_mysql_link_is_open(ngx_ws_mysql_link_t *link)
{
    return link->mysql != NULL;
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

    ngx_memzero(link->victim, sizeof(link->victim));
}


ngx_int_t
ngx_ws_mysql_link_command(ngx_ws_mysql_link_t *link, const char *sql)
{
    return (mysql_query(link->mysql, sql) == 0)
           ? NGX_OK : ngx_ws_mysql_link_failed(link, NULL);
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

    ngx_ws_mysql_link_tls(conf, mysql);

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
 * MariaDB's library refuses servers whose certificate it cannot verify, and
 * those that have none, from 3.4 on; on this machine nobody can listen.
 */

static void
ngx_ws_mysql_link_tls(ngx_ws_mysql_conf_t *conf, MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION

    my_bool  off;

    off = 0;

    if (conf->unix_path.len
        || ngx_strncmp(conf->host.data, "127.", 4) == 0
        || ngx_strcmp(conf->host.data, "::1") == 0)
    {
        (void) mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
    }

#endif
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


static ngx_uint_t
ngx_ws_mysql_link_is_crowded(ngx_ws_mysql_link_t *link)
{
    return link->errnum == NGX_WS_MYSQL_ECONNECTIONS
           || link->errnum == NGX_WS_MYSQL_EUSER
           || link->errnum == NGX_WS_MYSQL_EUSERLIMIT;
}


ngx_int_t
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
    case NGX_WS_MYSQL_ECHARACTERS:
    case NGX_WS_MYSQL_EOVERFLOWED:
    case NGX_WS_MYSQL_EWRONGVALUE:
    case NGX_WS_MYSQL_EVIEWCHECK:
    case NGX_WS_MYSQL_EWRONGTYPE:
    case NGX_WS_MYSQL_EPARTITION:
    case NGX_WS_MYSQL_ENOTFOUND:
    case NGX_WS_MYSQL_ESIGNAL:
    case NGX_WS_MYSQL_ECHECK:
        /* the row's, although one of the servers has no class for it */
        return NGX_DECLINED;

    case NGX_WS_MYSQL_ENOSTMT:
    case NGX_WS_MYSQL_EREADONLY:
    case NGX_WS_MYSQL_EREPREPARE:
    case NGX_WS_MYSQL_EREADMODE:
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

    /*
     * Values, constraints, and what a trigger refuses.  All else is the
     * server's or the table's, as a disk that is full: no row is to blame.
     */

    if (ngx_strncmp(state, "22", 2) == 0 || ngx_strncmp(state, "23", 2) == 0
        || ngx_strncmp(state, "45", 2) == 0)
    {
        return NGX_DECLINED;
    }

    return NGX_ERROR;
}


ngx_int_t
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
