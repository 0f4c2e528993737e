
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <json-c/json.h>

#include <ngx_ws_json.h>
#include <ngx_ws_json_scan.h>


static json_object *ngx_ws_json_object(ngx_ws_json_t *node);
static ngx_int_t ngx_ws_json_number(json_object *obj, uint64_t *value);
static ngx_int_t ngx_ws_json_digits(json_object *obj, uint64_t *value);
static void ngx_ws_json_write_array(ngx_ws_json_out_t *out,
    ngx_ws_json_t *node);
static void ngx_ws_json_write_object(ngx_ws_json_out_t *out,
    ngx_ws_json_t *node);
static void ngx_ws_json_write_number(ngx_ws_json_out_t *out,
    json_object *obj);


/* json-c has NULL for null: this is the tree of a text that is just that */

static const u_char  ngx_ws_json_null;


ngx_ws_json_t *
ngx_ws_json_parse(u_char *p, size_t len, ngx_uint_t depth,
    ngx_ws_error_e *error)
{
    json_object              *obj;
    struct json_tokener      *tok;
    ngx_ws_json_scan_t        s;
    enum json_tokener_error   err;

    /*
     * What is valid, UTF-8 too, is decided here: how strict json-c is differs
     * from version to version, and it spends hundreds of bytes on "[]".
     */

    if (ngx_ws_json_scan(&s, p, len, depth) != NGX_OK) {
        *error = s.too_deep ? NGX_WS_TOO_LARGE : NGX_WS_BAD_JSON;
        return NULL;
    }

    if (s.values > NGX_WS_JSON_VALUES || s.value.len > NGX_MAX_INT32_VALUE) {
        *error = NGX_WS_TOO_LARGE;
        return NULL;
    }

    /* json-c has C strings as keys, and cuts an integer to 64 bits */

    if (s.nul_key || s.big) {
        *error = NGX_WS_BAD_JSON;
        return NULL;
    }

    tok = json_tokener_new_ex((int) s.deepest + 2);
    if (tok == NULL) {
        *error = NGX_WS_INTERNAL;
        return NULL;
    }

    json_tokener_set_flags(tok, JSON_TOKENER_STRICT);

    obj = json_tokener_parse_ex(tok, (const char *) s.value.data,
                                (int) s.value.len);
    err = json_tokener_get_error(tok);

    if (err == json_tokener_continue) {

        /* only a NUL tells it that a number or a literal is over */

        obj = json_tokener_parse_ex(tok, "", 1);
        err = json_tokener_get_error(tok);
    }

    json_tokener_free(tok);

    if (err != json_tokener_success) {
        *error = NGX_WS_BAD_JSON;
        return NULL;
    }

    if (obj == NULL) {
        return (ngx_ws_json_t *) &ngx_ws_json_null;
    }

    return (ngx_ws_json_t *) obj;
}


void
ngx_ws_json_free(ngx_ws_json_t *root)
{
    json_object_put(ngx_ws_json_object(root));
}


ngx_ws_json_type_e
ngx_ws_json_type(ngx_ws_json_t *node)
{
    switch (json_object_get_type(ngx_ws_json_object(node))) {

    case json_type_boolean:
        return NGX_WS_JSON_BOOL;

    case json_type_int:
    case json_type_double:
        return NGX_WS_JSON_NUMBER;

    case json_type_string:
        return NGX_WS_JSON_STRING;

    case json_type_array:
        return NGX_WS_JSON_ARRAY;

    case json_type_object:
        return NGX_WS_JSON_OBJECT;

    case json_type_null:
        break;
    }

    return NGX_WS_JSON_NULL;
}


ngx_ws_json_t *
ngx_ws_json_get(ngx_ws_json_t *object, const char *key)
{
    json_object  *value;

    if (ngx_ws_json_type(object) != NGX_WS_JSON_OBJECT
        || !json_object_object_get_ex(ngx_ws_json_object(object), key, &value))
    {
        return NULL;
    }

    return (ngx_ws_json_t *) value;
}


ngx_uint_t
ngx_ws_json_has(ngx_ws_json_t *object, const char *key)
{
    return ngx_ws_json_type(object) == NGX_WS_JSON_OBJECT
           && json_object_object_get_ex(ngx_ws_json_object(object), key, NULL);
}


ngx_uint_t
ngx_ws_json_array_n(ngx_ws_json_t *array)
{
    if (ngx_ws_json_type(array) != NGX_WS_JSON_ARRAY) {
        return 0;
    }

    return json_object_array_length(ngx_ws_json_object(array));
}


ngx_ws_json_t *
ngx_ws_json_array_get(ngx_ws_json_t *array, ngx_uint_t i)
{
    if (i >= ngx_ws_json_array_n(array)) {
        return NULL;
    }

    return (ngx_ws_json_t *)
               json_object_array_get_idx(ngx_ws_json_object(array), i);
}


void
ngx_ws_json_first(ngx_ws_json_iter_t *it, ngx_ws_json_t *object)
{
    ngx_memzero(it, sizeof(ngx_ws_json_iter_t));

    if (ngx_ws_json_type(object) == NGX_WS_JSON_OBJECT) {
        it->next = json_object_get_object(ngx_ws_json_object(object))->head;
    }
}


ngx_int_t
ngx_ws_json_next(ngx_ws_json_iter_t *it)
{
    struct lh_entry  *entry;

    entry = it->next;

    if (entry == NULL) {
        return NGX_DONE;
    }

    it->key.data = (u_char *) lh_entry_k(entry);
    it->key.len = ngx_strlen(it->key.data);
    it->value = (ngx_ws_json_t *) lh_entry_v(entry);
    it->next = entry->next;

    return NGX_OK;
}


ngx_int_t
ngx_ws_json_string(ngx_ws_json_t *node, ngx_str_t *value)
{
    json_object  *obj;

    switch (ngx_ws_json_type(node)) {

    case NGX_WS_JSON_NULL:
        return NGX_DECLINED;

    case NGX_WS_JSON_STRING:
        obj = ngx_ws_json_object(node);
        value->data = (u_char *) json_object_get_string(obj);
        value->len = (size_t) json_object_get_string_len(obj);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


ngx_int_t
ngx_ws_json_uint(ngx_ws_json_t *node, uint64_t min, uint64_t max,
    uint64_t *value)
{
    uint64_t      n;
    ngx_int_t     rc;
    json_object  *obj;

    obj = ngx_ws_json_object(node);

    switch (ngx_ws_json_type(node)) {

    case NGX_WS_JSON_NULL:
        return NGX_DECLINED;

    case NGX_WS_JSON_NUMBER:
        rc = ngx_ws_json_number(obj, &n);
        break;

    case NGX_WS_JSON_STRING:
        rc = ngx_ws_json_digits(obj, &n);
        break;

    default:
        return NGX_ERROR;
    }

    if (rc != NGX_OK || n < min || n > max) {
        return NGX_ERROR;
    }

    *value = n;

    return NGX_OK;
}


ngx_int_t
ngx_ws_json_id(ngx_ws_json_t *node, uint64_t *value)
{
    return ngx_ws_json_uint(node, 1, NGX_WS_JSON_ID_MAX, value);
}


ngx_int_t
ngx_ws_json_bool(ngx_ws_json_t *node, ngx_uint_t *value)
{
    uint64_t      n;
    ngx_int_t     rc;
    json_object  *obj;

    obj = ngx_ws_json_object(node);

    if (json_object_is_type(obj, json_type_boolean)) {
        *value = json_object_get_boolean(obj) ? 1 : 0;
        return NGX_OK;
    }

    if (json_object_is_type(obj, json_type_double)) {
        return NGX_ERROR;
    }

    rc = ngx_ws_json_uint(node, 0, 1, &n);

    if (rc == NGX_OK) {
        *value = (ngx_uint_t) n;
    }

    return rc;
}


size_t
ngx_ws_json_utf16_len(ngx_str_t *s)
{
    size_t  i, n;

    n = ngx_ws_json_chars(s);

    for (i = 0; i < s->len; i++) {
        if (s->data[i] >= 0xf0) {
            n++;
        }
    }

    return n;
}


size_t
ngx_ws_json_chars(ngx_str_t *s)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < s->len; i++) {
        if ((s->data[i] & 0xc0) != 0x80) {
            n++;
        }
    }

    return n;
}


void
ngx_ws_json_write(ngx_ws_json_out_t *out, ngx_ws_json_t *node)
{
    ngx_str_t  s;

    switch (ngx_ws_json_type(node)) {

    case NGX_WS_JSON_NULL:
        ngx_ws_json_out_null(out);
        break;

    case NGX_WS_JSON_BOOL:
        ngx_ws_json_out_bool(out, json_object_get_boolean(
                                                  ngx_ws_json_object(node))
                                  ? 1 : 0);
        break;

    case NGX_WS_JSON_NUMBER:
        ngx_ws_json_write_number(out, ngx_ws_json_object(node));
        break;

    case NGX_WS_JSON_STRING:
        (void) ngx_ws_json_string(node, &s);
        ngx_ws_json_out_string(out, &s);
        break;

    case NGX_WS_JSON_ARRAY:
        ngx_ws_json_write_array(out, node);
        break;

    case NGX_WS_JSON_OBJECT:
        ngx_ws_json_write_object(out, node);
        break;
    }
}


static json_object *
ngx_ws_json_object(ngx_ws_json_t *node)
{
    if (node == (ngx_ws_json_t *) &ngx_ws_json_null) {
        return NULL;
    }

    return (json_object *) node;
}


static ngx_int_t
ngx_ws_json_number(json_object *obj, uint64_t *value)
{
    double  d;

    if (json_object_is_type(obj, json_type_int)) {

        if (json_object_get_int64(obj) < 0) {
            return NGX_ERROR;
        }

        *value = json_object_get_uint64(obj);

        return NGX_OK;
    }

    d = json_object_get_double(obj);

    if (!(d >= 0 && d <= (double) NGX_WS_JSON_ID_MAX)) {
        return NGX_ERROR;
    }

    *value = (uint64_t) d;

    /* 5.0 and 1e3 are good, 5.5 is not */

    return ((double) *value < d) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_ws_json_digits(json_object *obj, uint64_t *value)
{
    size_t       i, len;
    uint64_t     n, digit;
    const char  *p;

    p = json_object_get_string(obj);
    len = (size_t) json_object_get_string_len(obj);

    if (len == 0 || (len > 1 && p[0] == '0')) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < len; i++) {

        if (p[i] < '0' || p[i] > '9') {
            return NGX_ERROR;
        }

        digit = (uint64_t) (p[i] - '0');

        if (n > (UINT64_MAX - digit) / 10) {
            return NGX_ERROR;
        }

        n = n * 10 + digit;
    }

    *value = n;

    return NGX_OK;
}


static void
ngx_ws_json_write_array(ngx_ws_json_out_t *out, ngx_ws_json_t *node)
{
    ngx_uint_t  i, n;

    n = ngx_ws_json_array_n(node);

    ngx_ws_json_out_array(out);

    for (i = 0; i < n; i++) {
        ngx_ws_json_write(out, ngx_ws_json_array_get(node, i));
    }

    ngx_ws_json_out_array_end(out);
}


static void
ngx_ws_json_write_object(ngx_ws_json_out_t *out, ngx_ws_json_t *node)
{
    ngx_ws_json_iter_t  it;

    ngx_ws_json_out_object(out);

    ngx_ws_json_first(&it, node);

    while (ngx_ws_json_next(&it) == NGX_OK) {
        ngx_ws_json_out_key_str(out, &it.key);
        ngx_ws_json_write(out, it.value);
    }

    ngx_ws_json_out_object_end(out);
}


static void
ngx_ws_json_write_number(ngx_ws_json_out_t *out, json_object *obj)
{
    size_t     len;
    int64_t    n;
    ngx_str_t  s;

    if (json_object_is_type(obj, json_type_int)) {

        n = json_object_get_int64(obj);

        if (n < 0) {
            ngx_ws_json_out_int(out, n);

        } else {
            ngx_ws_json_out_uint(out, json_object_get_uint64(obj));
        }

        return;
    }

    /* a double keeps the text that it was parsed from */

    s.data = (u_char *) json_object_to_json_string_length(obj,
                                                 JSON_C_TO_STRING_PLAIN, &len);
    s.len = len;

    if (s.data == NULL) {
        out->failed = 1;
        return;
    }

    ngx_ws_json_out_raw(out, &s);
}
