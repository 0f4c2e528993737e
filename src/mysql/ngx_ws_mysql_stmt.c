
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_stmt.h>
#include <ngx_ws_sql.h>


/*
 * statement    = *( quoted / comment / placeholder / character )
 * quoted       = "'" ... "'" / DQUOTE ... DQUOTE / "`" ... "`"
 *                ; a backslash escapes in the first two; a doubled quote
 *                ; inside reads as two quoted ones
 * comment      = "-- " to the end of line / "#" to the end of line
 *                / slash "*" ... "*" slash
 * placeholder  = ":" ( ALPHA / "_" ) *( ALPHA / DIGIT / "_" )
 *
 * Comments of a line are left out of what is sent to the server.
 */

typedef enum {
    ngx_ws_mysql_in_head = 0,
    ngx_ws_mysql_in_unit,
    ngx_ws_mysql_in_tail
} ngx_ws_mysql_part_e;


typedef struct {
    u_char                  *pos;
    u_char                  *end;
    u_char                  *out;
    u_char                  *unit;        /* where these begin in out */
    u_char                  *tail;
    ngx_uint_t               depth;       /* of parentheses in the unit */
    ngx_ws_mysql_part_e      part;
    ngx_ws_mysql_stmt_t     *stmt;
    ngx_str_t               *names;
    const char              *error;
    ngx_str_t                at;          /* what the error is about */
    unsigned                 begun:1;     /* more than comments was seen */
    unsigned                 values:1;    /* the last word was VALUES */
    unsigned                 closed:1;    /* a semicolon was seen */
} ngx_ws_mysql_parse_t;


static ngx_int_t ngx_ws_mysql_parse(ngx_ws_mysql_parse_t *ps);
static ngx_int_t ngx_ws_mysql_parse_skipped(ngx_ws_mysql_parse_t *ps);
static ngx_int_t ngx_ws_mysql_parse_quoted(ngx_ws_mysql_parse_t *ps);
static ngx_int_t ngx_ws_mysql_parse_comment(ngx_ws_mysql_parse_t *ps);
static void ngx_ws_mysql_parse_word(ngx_ws_mysql_parse_t *ps);
static ngx_int_t ngx_ws_mysql_parse_name(ngx_ws_mysql_parse_t *ps);
static void ngx_ws_mysql_parse_character(ngx_ws_mysql_parse_t *ps);
static size_t ngx_ws_mysql_word(u_char *p, u_char *end);
static ngx_int_t ngx_ws_mysql_parse_fail(ngx_ws_mysql_parse_t *ps,
    const char *error, u_char *at, size_t len);
static ngx_int_t ngx_ws_mysql_parse_end(ngx_ws_mysql_parse_t *ps);
static void ngx_ws_mysql_parse_error(ngx_ws_mysql_parse_t *ps,
    ngx_pool_t *pool, ngx_str_t *err);


#define ngx_ws_mysql_sql(name)                                                \
    { { sizeof(#name) - 1, (u_char *) #name },                                \
      { sizeof(ngx_ws_sql_##name) - 1, (u_char *) ngx_ws_sql_##name } },

static const ngx_keyval_t  ngx_ws_mysql_sqls[] = {
    NGX_WS_SQL_LIST(ngx_ws_mysql_sql)
    { ngx_null_string, ngx_null_string }
};


ngx_ws_mysql_stmt_t *
ngx_ws_mysql_stmt_compile(ngx_pool_t *pool, ngx_str_t *text,
    ngx_ws_mysql_kind_e kind, ngx_str_t *names, ngx_str_t *err)
{
    u_char                *out;
    ngx_ws_mysql_stmt_t   *stmt;
    ngx_ws_mysql_parse_t   ps;

    ngx_str_null(err);

    stmt = ngx_pcalloc(pool, sizeof(ngx_ws_mysql_stmt_t));
    if (stmt == NULL) {
        return NULL;
    }

    /* a placeholder needs two characters at least */

    stmt->order = ngx_palloc(pool, (text->len / 2 + 1) * sizeof(ngx_uint_t));
    out = ngx_pnalloc(pool, text->len + 1);

    if (stmt->order == NULL || out == NULL) {
        return NULL;
    }

    stmt->kind = kind;

    for (stmt->nnames = 0; names[stmt->nnames].len; stmt->nnames++) {
        /* void */
    }

    ngx_memzero(&ps, sizeof(ngx_ws_mysql_parse_t));

    ps.pos = text->data;
    ps.end = text->data + text->len;
    ps.out = out;
    ps.stmt = stmt;
    ps.names = names;

    stmt->head.data = out;

    if (ngx_ws_mysql_parse(&ps) != NGX_OK
        || ngx_ws_mysql_parse_end(&ps) != NGX_OK)
    {
        ngx_ws_mysql_parse_error(&ps, pool, err);
        return NULL;
    }

    return stmt;
}


ngx_str_t
ngx_ws_mysql_stmt_text(const char *name)
{
    const ngx_keyval_t  *kv;

    for (kv = ngx_ws_mysql_sqls; kv->key.len; kv++) {
        if (ngx_strcmp(kv->key.data, name) == 0) {
            break;
        }
    }

    return kv->value;
}


static ngx_int_t
ngx_ws_mysql_parse(ngx_ws_mysql_parse_t *ps)
{
    u_char     *p;
    ngx_int_t   rc;

    while (ps->pos < ps->end) {

        rc = ngx_ws_mysql_parse_skipped(ps);

        if (rc == NGX_OK) {
            continue;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        p = ps->pos;

        if (ps->closed) {
            return ngx_ws_mysql_parse_fail(ps, "more than one statement",
                                           p, 0);
        }

        switch (*p) {

        case '\'':
        case '"':
        case '`':
            rc = ngx_ws_mysql_parse_quoted(ps);
            break;

        case '?':
            rc = ngx_ws_mysql_parse_fail(ps, "placeholder without a name",
                                         p, 1);
            break;

        case ':':
            rc = ngx_ws_mysql_parse_name(ps);
            break;

        case ';':
            ps->closed = 1;
            ps->pos++;
            rc = NGX_OK;
            break;

        default:

            if (ngx_ws_mysql_word(p, ps->end)) {
                ngx_ws_mysql_parse_word(ps);

            } else {
                ngx_ws_mysql_parse_character(ps);
            }

            rc = NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* NGX_DECLINED if neither white space nor a comment comes next */

static ngx_int_t
ngx_ws_mysql_parse_skipped(ngx_ws_mysql_parse_t *ps)
{
    size_t   left;
    u_char  *p;

    p = ps->pos;
    left = ps->end - p;

    switch (*p) {

    case ' ':
    case '\t':
    case '\r':
    case '\n':
        *ps->out++ = *p;
        ps->pos++;
        return NGX_OK;

    case '#':
        break;

    case '-':
        if (left > 1 && p[1] == '-' && (left == 2 || p[2] <= ' ')) {
            break;
        }

        return NGX_DECLINED;

    case '/':
        if (left > 1 && p[1] == '*') {
            return ngx_ws_mysql_parse_comment(ps);
        }

        return NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }

    p = ngx_strlchr(p, ps->end, '\n');
    ps->pos = (p != NULL) ? p : ps->end;

    return NGX_OK;
}


static ngx_int_t
ngx_ws_mysql_parse_comment(ngx_ws_mysql_parse_t *ps)
{
    u_char  *p, *start;

    start = ps->pos;

    for (p = start + 3; p < ps->end; p++) {

        if (p[0] == '/' && p[-1] == '*' && p > start + 2) {
            p++;
            ps->out = ngx_cpymem(ps->out, start, p - start);
            ps->pos = p;
            return NGX_OK;
        }
    }

    return ngx_ws_mysql_parse_fail(ps, "comment without end", start, 0);
}


static ngx_int_t
ngx_ws_mysql_parse_quoted(ngx_ws_mysql_parse_t *ps)
{
    u_char  *p, *start, quote;

    start = ps->pos;
    quote = *start;

    for (p = start + 1; p < ps->end; p++) {

        if (*p == '\\' && quote != '`') {
            p++;
            continue;
        }

        if (*p == quote) {
            p++;
            ps->out = ngx_cpymem(ps->out, start, p - start);
            ps->pos = p;
            ps->values = 0;
            return NGX_OK;
        }
    }

    return ngx_ws_mysql_parse_fail(ps, "quote without end", start, 1);
}


static void
ngx_ws_mysql_parse_word(ngx_ws_mysql_parse_t *ps)
{
    size_t   len;
    u_char  *p;

    p = ps->pos;
    len = ngx_ws_mysql_word(p, ps->end);

    if (!ps->begun && len == 6
        && ngx_strncasecmp(p, (u_char *) "select", 6) == 0)
    {
        ps->stmt->read_only = 1;
    }

    ps->begun = 1;

    ps->values = (len == 6
                  && ngx_strncasecmp(p, (u_char *) "values", 6) == 0);

    ps->out = ngx_cpymem(ps->out, p, len);
    ps->pos = p + len;
}


static ngx_int_t
ngx_ws_mysql_parse_name(ngx_ws_mysql_parse_t *ps)
{
    size_t                len;
    u_char               *p;
    ngx_uint_t            i, list;
    ngx_ws_mysql_stmt_t  *stmt;

    p = ps->pos;
    stmt = ps->stmt;

    len = ngx_ws_mysql_word(p + 1, ps->end);

    if (len == 0 || (p[1] >= '0' && p[1] <= '9')) {
        ngx_ws_mysql_parse_character(ps);
        return NGX_OK;
    }

    for (i = 0; i < stmt->nnames; i++) {

        if (ps->names[i].len == len
            && ngx_strncmp(ps->names[i].data, p + 1, len) == 0)
        {
            break;
        }
    }

    if (i == stmt->nnames) {
        return ngx_ws_mysql_parse_fail(ps, "unknown placeholder", p, len + 1);
    }

    if (stmt->kind == NGX_WS_MYSQL_ROWS && ps->part != ngx_ws_mysql_in_unit) {
        return ngx_ws_mysql_parse_fail(ps, "placeholder outside of the row",
                                       p, len + 1);
    }

    list = (stmt->kind == NGX_WS_MYSQL_LIST && i == stmt->nnames - 1);

    if (list) {

        if (ps->part != ngx_ws_mysql_in_head) {
            return ngx_ws_mysql_parse_fail(ps, "second use of the list",
                                           p, len + 1);
        }

        ps->part = ngx_ws_mysql_in_unit;
        ps->unit = ps->out;
    }

    stmt->order[stmt->nhead + stmt->nunit + stmt->ntail] = i;

    switch (ps->part) {

    case ngx_ws_mysql_in_head:
        stmt->nhead++;
        break;

    case ngx_ws_mysql_in_unit:
        stmt->nunit++;
        break;

    case ngx_ws_mysql_in_tail:
        stmt->ntail++;
        break;
    }

    *ps->out++ = '?';
    ps->pos = p + 1 + len;
    ps->values = 0;

    if (list) {
        ps->part = ngx_ws_mysql_in_tail;
        ps->tail = ps->out;
    }

    return NGX_OK;
}


/* the row of ROWS is what stands in parentheses after the first VALUES */

static void
ngx_ws_mysql_parse_character(ngx_ws_mysql_parse_t *ps)
{
    u_char  c;

    c = *ps->pos++;
    ps->begun = 1;

    if (ps->stmt->kind == NGX_WS_MYSQL_ROWS
        && ps->part == ngx_ws_mysql_in_head && c == '(' && ps->values)
    {
        ps->part = ngx_ws_mysql_in_unit;
        ps->unit = ps->out;
    }

    *ps->out++ = c;
    ps->values = 0;

    if (ps->stmt->kind != NGX_WS_MYSQL_ROWS
        || ps->part != ngx_ws_mysql_in_unit)
    {
        return;
    }

    if (c == '(') {
        ps->depth++;

    } else if (c == ')' && --ps->depth == 0) {
        ps->part = ngx_ws_mysql_in_tail;
        ps->tail = ps->out;
    }
}


static size_t
ngx_ws_mysql_word(u_char *p, u_char *end)
{
    u_char  c, *start;

    for (start = p; p < end; p++) {
        c = (u_char) (*p | 0x20);

        if ((c < 'a' || c > 'z') && (*p < '0' || *p > '9') && *p != '_') {
            break;
        }
    }

    return p - start;
}


static ngx_int_t
ngx_ws_mysql_parse_fail(ngx_ws_mysql_parse_t *ps, const char *error,
    u_char *at, size_t len)
{
    ps->error = error;
    ps->at.data = at;
    ps->at.len = len;

    return NGX_ERROR;
}


static ngx_int_t
ngx_ws_mysql_parse_end(ngx_ws_mysql_parse_t *ps)
{
    ngx_ws_mysql_stmt_t  *stmt;

    stmt = ps->stmt;

    if (!ps->begun) {
        return ngx_ws_mysql_parse_fail(ps, "no statement", NULL, 0);
    }

    if (stmt->kind == NGX_WS_MYSQL_ONE) {
        ps->unit = ps->out;
        ps->tail = ps->out;

    } else if (ps->part != ngx_ws_mysql_in_tail) {
        return ngx_ws_mysql_parse_fail(ps,
                                       stmt->kind == NGX_WS_MYSQL_ROWS
                                       ? "no row after VALUES"
                                       : "no placeholder of the list",
                                       NULL, 0);
    }

    stmt->head.len = ps->unit - stmt->head.data;

    stmt->unit.data = ps->unit;
    stmt->unit.len = ps->tail - ps->unit;

    stmt->tail.data = ps->tail;
    stmt->tail.len = ps->out - ps->tail;

    return NGX_OK;
}


static void
ngx_ws_mysql_parse_error(ngx_ws_mysql_parse_t *ps, ngx_pool_t *pool,
    ngx_str_t *err)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(ps->error) + sizeof(" \"\"") - 1 + ps->at.len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return;
    }

    err->data = p;

    p = ngx_sprintf(p, "%s", ps->error);

    if (ps->at.len) {
        p = ngx_sprintf(p, " \"%V\"", &ps->at);
    }

    err->len = p - err->data;
}
