
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_ZONE_H_INCLUDED_
#define _NGX_WS_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_conf.h>


/*
 * Shared memory of all workers ("websocket_zone"): what was asked of MySQL
 * about tokens and users, and a slot of counters for each worker process.
 * All times are wall clock, milliseconds since the epoch.
 */

#define NGX_WS_ZONE_NAME_LEN  255      /* bytes of a name that is kept */

typedef struct ngx_ws_zone_s  ngx_ws_zone_t;


/* what a token stands for; a bad one has valid == 0 and nothing else */

typedef struct {
    ngx_uint_t      valid;
    uint64_t        token;             /* id of the row */
    uint64_t        user;
    uint64_t        tenant;
    uint64_t        abilities;
    uint64_t        expires;           /* 0 never */
    ngx_str_t       name;
} ngx_ws_zone_token_t;


/*
 * At configuration.  size 0 names a zone that is defined elsewhere.  tag is
 * the module.  NULL with the reason logged ("... is too small, at least ...").
 */
ngx_ws_zone_t *ngx_ws_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    void *tag);

/*
 * In init_process and exit_process of a worker: takes the slot of metrics of
 * this process, with the gauges cleared, and gives it back.  Counters stay
 * there for ever, and whoever has the slot next goes on with them.
 */
void ngx_ws_zone_attach(ngx_ws_zone_t *zone);
void ngx_ws_zone_detach(ngx_ws_zone_t *zone);

/*
 * The metrics in slot i and whether their process lives; NULL if there is no
 * such slot, nor a later one.
 */
uint64_t *ngx_ws_zone_metrics(ngx_ws_zone_t *zone, ngx_uint_t i,
    ngx_uint_t *alive);

/*
 * Tokens by the digest (32 bytes) of what the client presented.  get: NGX_OK
 * with token->name in buf (NGX_WS_ZONE_NAME_LEN bytes), NGX_DECLINED if
 * nothing is known at the time now.  put: what is known until the time given;
 * a longer name is not kept at all.  None of them waits for another process.
 */
ngx_int_t ngx_ws_zone_token_get(ngx_ws_zone_t *zone, u_char *digest,
    uint64_t now, ngx_ws_zone_token_t *token, u_char *buf);
void ngx_ws_zone_token_put(ngx_ws_zone_t *zone, u_char *digest,
    uint64_t until, ngx_ws_zone_token_t *token);

/*
 * Forgets every entry of these token ids: walks through the whole table once
 * (about a millisecond), so give many ids at a time.  The ids get sorted.
 */
void ngx_ws_zone_token_revoke(ngx_ws_zone_t *zone, uint64_t *ids,
    ngx_uint_t n);

/*
 * Users of a tenant in the same way, by the hash of the query that was asked;
 * exists is 0 for one that is not there.
 */
ngx_int_t ngx_ws_zone_user_get(ngx_ws_zone_t *zone, uint64_t query,
    uint64_t tenant, uint64_t user, uint64_t now, ngx_uint_t *exists,
    ngx_str_t *name, u_char *buf);
void ngx_ws_zone_user_put(ngx_ws_zone_t *zone, uint64_t query,
    uint64_t tenant, uint64_t user, uint64_t until, ngx_uint_t exists,
    ngx_str_t *name);


/*
 * How often an address did something: _address() makes a key of its text,
 * with IPv6 of its network.  _hit() counts n times more and says NGX_BUSY if
 * that is more than the rate allows, with n 0 if not one more is; *wait tells
 * for how long, in milliseconds.
 */

typedef enum {
    NGX_WS_ZONE_CONNECTS = 0,
    NGX_WS_ZONE_FAILURES
} ngx_ws_zone_hits_e;

uint64_t ngx_ws_zone_address(ngx_ws_zone_t *zone, ngx_ws_zone_hits_e kind,
    ngx_str_t *address);
ngx_int_t ngx_ws_zone_hit(ngx_ws_zone_t *zone, uint64_t address,
    ngx_ws_rate_t *rate, uint64_t now, ngx_uint_t n, ngx_msec_t *wait);


#endif /* _NGX_WS_ZONE_H_INCLUDED_ */
