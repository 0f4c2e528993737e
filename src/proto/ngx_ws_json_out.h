
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_JSON_OUT_H_INCLUDED_
#define _NGX_WS_JSON_OUT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * An append-only writer of JSON into a buffer that grows up to a limit.
 * Commas are its own business: a member is a key, then a value.  Whatever
 * fails, memory or limit, sets "failed", and all later calls do nothing, so
 * that the caller looks once, at the end.
 */

typedef struct {
    u_char         *data;
    size_t          len;
    size_t          size;
    size_t          limit;
    unsigned        comma:1;
    unsigned        failed:1;
} ngx_ws_json_out_t;


/* limit: of bytes in all; _reset() starts anew and keeps the memory */
void ngx_ws_json_out_init(ngx_ws_json_out_t *out, size_t limit);
void ngx_ws_json_out_reset(ngx_ws_json_out_t *out);
void ngx_ws_json_out_free(ngx_ws_json_out_t *out);

/* What was written, copied into the pool.  NGX_OK, NGX_ERROR if it failed. */
ngx_int_t ngx_ws_json_out_copy(ngx_ws_json_out_t *out, ngx_pool_t *pool,
    ngx_str_t *s);

void ngx_ws_json_out_object(ngx_ws_json_out_t *out);
void ngx_ws_json_out_object_end(ngx_ws_json_out_t *out);
void ngx_ws_json_out_array(ngx_ws_json_out_t *out);
void ngx_ws_json_out_array_end(ngx_ws_json_out_t *out);

/* _key() is for names in our code, which need no escapes */
void ngx_ws_json_out_key(ngx_ws_json_out_t *out, const char *key);
void ngx_ws_json_out_key_str(ngx_ws_json_out_t *out, ngx_str_t *key);

/*
 * text     a string of our code
 * raw      one value in JSON, as it is
 */
void ngx_ws_json_out_string(ngx_ws_json_out_t *out, ngx_str_t *value);
void ngx_ws_json_out_text(ngx_ws_json_out_t *out, const char *value);
void ngx_ws_json_out_uint(ngx_ws_json_out_t *out, uint64_t value);
void ngx_ws_json_out_int(ngx_ws_json_out_t *out, int64_t value);
void ngx_ws_json_out_bool(ngx_ws_json_out_t *out, ngx_uint_t value);
void ngx_ws_json_out_null(ngx_ws_json_out_t *out);
void ngx_ws_json_out_raw(ngx_ws_json_out_t *out, ngx_str_t *value);

/*
 * What stands between a string's quotes: escapes, and U+FFFD for bytes that
 * are not UTF-8.  Returns the length; writes unless p is NULL.
 */
size_t ngx_ws_json_out_escape(u_char *p, ngx_str_t *s);


#endif /* _NGX_WS_JSON_OUT_H_INCLUDED_ */
