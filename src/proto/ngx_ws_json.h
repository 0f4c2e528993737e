
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_JSON_H_INCLUDED_
#define _NGX_WS_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_error.h>
#include <ngx_ws_json_out.h>


/*
 * JSON documents (RFC 8259) as trees.  A tree is freed at its root; nodes and
 * strings are views that live as long as the root.  NULL is a good node for
 * every function here: it is what is absent, and the same as null.
 */

#define NGX_WS_JSON_DEPTH   64
#define NGX_WS_JSON_VALUES  8192
#define NGX_WS_JSON_ID_MAX  9007199254740991ULL

typedef struct ngx_ws_json_s  ngx_ws_json_t;

typedef enum {
    NGX_WS_JSON_NULL = 0,
    NGX_WS_JSON_BOOL,
    NGX_WS_JSON_NUMBER,
    NGX_WS_JSON_STRING,
    NGX_WS_JSON_ARRAY,
    NGX_WS_JSON_OBJECT
} ngx_ws_json_type_e;

typedef struct {
    ngx_str_t       key;
    ngx_ws_json_t  *value;

    void           *next;
} ngx_ws_json_iter_t;


/*
 * Parses a whole text strictly: valid UTF-8, no NUL, nothing behind the value
 * but white space, at most depth nested arrays and objects and at most
 * NGX_WS_JSON_VALUES values, integers within 64 bits.  Of equal keys the last
 * one wins.  The size is the caller's to limit.  NULL with *error one of
 * NGX_WS_BAD_JSON, NGX_WS_TOO_LARGE (depth, values), NGX_WS_INTERNAL (no
 * memory); a tree, also of a lone null, is freed by ngx_ws_json_free().
 */
ngx_ws_json_t *ngx_ws_json_parse(u_char *p, size_t len, ngx_uint_t depth,
    ngx_ws_error_e *error);
void ngx_ws_json_free(ngx_ws_json_t *root);

ngx_ws_json_type_e ngx_ws_json_type(ngx_ws_json_t *node);

/*
 * A member of an object: NULL if it is absent or null, which only _has()
 * tells apart.
 */
ngx_ws_json_t *ngx_ws_json_get(ngx_ws_json_t *object, const char *key);
ngx_uint_t ngx_ws_json_has(ngx_ws_json_t *object, const char *key);

/* 0 and NULL where the node is not an array, or the index outside of it */
ngx_uint_t ngx_ws_json_array_n(ngx_ws_json_t *array);
ngx_ws_json_t *ngx_ws_json_array_get(ngx_ws_json_t *array, ngx_uint_t i);

/*
 * The members of an object in their order: _first() makes the iterator,
 * _next() gives NGX_OK with key and value, or NGX_DONE.
 */
void ngx_ws_json_first(ngx_ws_json_iter_t *it, ngx_ws_json_t *object);
ngx_int_t ngx_ws_json_next(ngx_ws_json_iter_t *it);

/*
 * Values: NGX_OK, NGX_DECLINED if absent or null, NGX_ERROR if of another
 * type or out of range.
 *
 * string   may hold NUL bytes
 * uint     a number without a fraction, or a string of its digits, min..max
 * id       the same, 1..NGX_WS_JSON_ID_MAX
 * bool     Laravel's: true, false, 1, 0, "1", "0"
 */
ngx_int_t ngx_ws_json_string(ngx_ws_json_t *node, ngx_str_t *value);
ngx_int_t ngx_ws_json_uint(ngx_ws_json_t *node, uint64_t min, uint64_t max,
    uint64_t *value);
ngx_int_t ngx_ws_json_id(ngx_ws_json_t *node, uint64_t *value);
ngx_int_t ngx_ws_json_bool(ngx_ws_json_t *node, ngx_uint_t *value);

/* Lengths of valid UTF-8: in UTF-16 units, in characters (mb_strlen). */
size_t ngx_ws_json_utf16_len(ngx_str_t *s);
size_t ngx_ws_json_chars(ngx_str_t *s);

/*
 * Writes a tree as one value: no spaces, no escaped slashes, numbers as they
 * came.
 */
void ngx_ws_json_write(ngx_ws_json_out_t *out, ngx_ws_json_t *node);


#endif /* _NGX_WS_JSON_H_INCLUDED_ */
