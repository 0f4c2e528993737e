
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


/*
 * A text.  Whatever the scanner takes, json-c takes, but for what is said in
 * ngx_ws_json.h; what is written is taken by both and written alike; the
 * elements make up the whole.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_json.h>
#include <ngx_ws_json_scan.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tree(u_char *p, size_t len, ngx_ws_json_scan_t *s);
static void elements(u_char *p, size_t len, ngx_uint_t valid);
static void string(u_char *p, size_t len);
static void check(ngx_uint_t cond);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char              *p;
    ngx_uint_t           valid;
    ngx_ws_json_scan_t   s;

    if (size == 0) {
        return 0;
    }

    p = malloc(size);
    check(p != NULL);

    ngx_memcpy(p, data, size);

    valid = (ngx_ws_json_scan(&s, p, size, NGX_WS_JSON_DEPTH) == NGX_OK);

    if (valid) {
        tree(p, size, &s);
    }

    elements(p, size, valid);
    string(p, size);

    free(p);

    return 0;
}


static void
tree(u_char *p, size_t len, ngx_ws_json_scan_t *s)
{
    ngx_ws_json_t      *root;
    ngx_ws_error_e      error;
    ngx_ws_json_out_t   out, again;

    root = ngx_ws_json_parse(p, len, NGX_WS_JSON_DEPTH, &error);

    if (s->values > NGX_WS_JSON_VALUES || s->nul_key || s->big) {
        check(root == NULL);
        return;
    }

    check(root != NULL);

    ngx_ws_json_out_init(&out, 6 * len + 16);
    ngx_ws_json_write(&out, root);
    ngx_ws_json_free(root);

    check(!out.failed);

    root = ngx_ws_json_parse(out.data, out.len, NGX_WS_JSON_DEPTH, &error);
    check(root != NULL);

    ngx_ws_json_out_init(&again, out.len);
    ngx_ws_json_write(&again, root);
    ngx_ws_json_free(root);

    check(!again.failed);
    check(again.len == out.len);
    check(ngx_memcmp(again.data, out.data, out.len) == 0);

    ngx_ws_json_out_free(&out);
    ngx_ws_json_out_free(&again);
}


static void
elements(u_char *p, size_t len, ngx_uint_t valid)
{
    ngx_int_t            rc;
    ngx_ws_json_scan_t   s, value;

    if (ngx_ws_json_scan_open(&s, p, len, NGX_WS_JSON_DEPTH) != NGX_OK) {
        return;
    }

    while ((rc = ngx_ws_json_scan_next(&s)) == NGX_OK) {

        check(s.value.data >= p && s.value.data + s.value.len <= p + len);
        check(s.key.len == 0
              || (s.key.data > p && s.key.data + s.key.len < s.value.data));

        check(ngx_ws_json_scan(&value, s.value.data, s.value.len,
                               NGX_WS_JSON_DEPTH)
              == NGX_OK);
        check(value.value.len == s.value.len);
    }

    check((rc == NGX_DONE) == valid);
}


/* as the bytes of a string, then between the quotes of one */

static void
string(u_char *p, size_t len)
{
    size_t               n;
    u_char              *quoted;
    ngx_str_t            s;
    ngx_ws_json_scan_t   scan;

    s.data = p;
    s.len = len;

    n = ngx_ws_json_out_escape(NULL, &s);

    quoted = malloc(n + 2);
    check(quoted != NULL);

    quoted[0] = '"';
    check(ngx_ws_json_out_escape(quoted + 1, &s) == n);
    quoted[n + 1] = '"';

    check(ngx_ws_json_scan(&scan, quoted, n + 2, 0) == NGX_OK);

    s.data = quoted + 1;
    s.len = n;

    ngx_ws_json_scan_unescape(&s);

    check(s.len >= len);
    check(s.len > len || len == 0 || ngx_memcmp(s.data, p, len) == 0);

    free(quoted);
}


static void
check(ngx_uint_t cond)
{
    if (!cond) {
        abort();
    }
}
