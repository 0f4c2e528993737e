
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_NAME_H_INCLUDED_
#define _NGX_WS_NAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Names of channels.
 *
 *     user:me  user:{self}  private-user.me  private-user.{self}   personal
 *     club:{own}  broadcast                                the tenant's own
 *     presence                                              its presence feed
 *     user:*  private-user.*  club:*  in any case         somebody else's
 *     anything else                                                 plain
 *
 * Several names are one channel, so keys and comparisons go by the kind and
 * the id, and by the name only where it is plain.
 */

#define NGX_WS_NAME_LEN  255

typedef enum {
    NGX_WS_NAME_PLAIN = 0,
    NGX_WS_NAME_PERSONAL,
    NGX_WS_NAME_TENANT,
    NGX_WS_NAME_PRESENCE
} ngx_ws_name_kind_e;

typedef struct {
    ngx_ws_name_kind_e  kind;
    uint64_t            id;        /* of the user or the tenant, 0 if plain */
    ngx_str_t           name;      /* as it was given; a view */
} ngx_ws_name_t;


/*
 * What the name means to this user of this tenant.  NGX_OK, NGX_DECLINED if
 * it is somebody else's, NGX_ERROR if it is no name: length, control
 * character, not UTF-8.
 */
ngx_int_t ngx_ws_name_resolve(ngx_str_t *name, uint64_t user, uint64_t tenant,
    ngx_ws_name_t *out);

/*
 * The one name for the record: private-user.{id}, broadcast, presence, or the
 * plain name.  Returns the length, and writes unless p is NULL.
 */
size_t ngx_ws_name_record(u_char *p, ngx_ws_name_t *name);

/*
 * Whether a text from outside may be kept and shown: 1..max bytes of valid
 * UTF-8 without control characters (U+0000..1F, U+007F..9F).  1 or 0.
 */
ngx_uint_t ngx_ws_name_visible(ngx_str_t *s, size_t max);


#endif /* _NGX_WS_NAME_H_INCLUDED_ */
