
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_TOKEN_H_INCLUDED_
#define _NGX_WS_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Bearer tokens as Laravel Sanctum gives them out. */

#define NGX_WS_TOKEN_LEN     1024
#define NGX_WS_TOKEN_DIGEST  32
#define NGX_WS_TOKEN_HEX     64

#define NGX_WS_TOKEN_ABILITY_BROADCAST     0x01   /* broadcast:send */
#define NGX_WS_TOKEN_ABILITY_NOTIFICATION  0x02   /* notification:send */
#define NGX_WS_TOKEN_ABILITY_ALL           0x80   /* "*": the others, too */

typedef struct {
    uint64_t        id;            /* of the token's row; 0: find by digest */
    ngx_str_t       secret;        /* what the digest is of; a view */
} ngx_ws_token_t;


/*
 * The token in the value of an Authorization header (RFC 6750, section 2.1).
 * NGX_OK, NGX_DECLINED for another scheme or no header (len 0), NGX_ERROR if
 * it is malformed.
 */
ngx_int_t ngx_ws_token_bearer(ngx_str_t *value, ngx_str_t *token);

/*
 * "id|secret", split at the first "|", or a bare secret.  NGX_OK, NGX_ERROR:
 * no such token can exist (length, characters other than visible ASCII, an id
 * that is not a canonical number).
 */
ngx_int_t ngx_ws_token_parse(ngx_str_t *token, ngx_ws_token_t *t);

/* SHA-256: NGX_WS_TOKEN_DIGEST bytes, or NGX_WS_TOKEN_HEX lower-case digits */
void ngx_ws_token_digest(ngx_str_t *s, u_char *digest);
void ngx_ws_token_hex(ngx_str_t *s, u_char *hex);

/* Compares n bytes in a time that depends on n alone.  1 or 0. */
ngx_uint_t ngx_ws_token_equal(u_char *a, u_char *b, size_t n);

/*
 * Bits of a JSON array of abilities; none for what is empty, null or not an
 * array.
 */
ngx_uint_t ngx_ws_token_abilities(ngx_str_t *json);


#endif /* _NGX_WS_TOKEN_H_INCLUDED_ */
