
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_CALL_H_INCLUDED_
#define _NGX_WS_CALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_error.h>
#include <ngx_ws_identity.h>
#include <ngx_ws_json.h>
#include <ngx_ws_worker.h>


/*
 * One request to the service layer, whichever door it came through.  A door
 * creates it, fills in who asks, and starts a service function with it; the
 * service writes the answer into it and calls ngx_ws_call_done() exactly once,
 * perhaps before the function returns.  A door whose client has gone sets
 * data to NULL and lets the call end by itself: what was begun is finished.
 * hold() tells a door of several calls that this one takes its time: those
 * behind it wait for its end, as they would overtake it.
 */

typedef struct ngx_ws_call_s  ngx_ws_call_t;

typedef void (*ngx_ws_call_pt)(ngx_ws_call_t *call);


struct ngx_ws_call_s {
    ngx_queue_t          queue;           /* of the worker's calls */
    ngx_pool_t          *pool;            /* ends with the call */
    ngx_log_t           *log;             /* the location's, or worker's */
    ngx_ws_worker_t     *worker;
    ngx_ws_identity_t   *identity;        /* a reference, or NULL */
    uint64_t             socket;          /* number of it; 0: by REST */
    ngx_ws_service_conf_t  *conf;         /* of the location */

    ngx_ws_call_pt       done;            /* the door's; data may be NULL */
    void                *data;

    ngx_ws_call_pt       hold;            /* the door's, or NULL */

    ngx_ws_error_e       error;           /* NGX_WS_OK, or why not */
    ngx_str_t            message;         /* instead of the error's own text */
    ngx_array_t         *invalid;         /* ngx_ws_call_invalid_t */
    ngx_str_t            result;          /* JSON of the answer, in the pool */

    ngx_ws_call_pt       next;            /* the service's own */
    void                *state;
};


typedef struct {
    ngx_str_t            field;
    ngx_str_t            text;            /* Laravel's sentence */
} ngx_ws_call_invalid_t;


/*
 * Takes a reference of its own to identity, which is NULL as long as nobody
 * is known.  NULL without memory.
 */
ngx_ws_call_t *ngx_ws_call_create(ngx_ws_worker_t *worker,
    ngx_ws_identity_t *identity, ngx_ws_service_conf_t *conf,
    ngx_ws_call_pt done, void *data);

/* Ends the call: the door's done() is called, then the pool is destroyed. */
void ngx_ws_call_done(ngx_ws_call_t *call);
void ngx_ws_call_failed(ngx_ws_call_t *call, ngx_ws_error_e error);

/* At the end of the worker: drops the calls under way, no door is told. */
void ngx_ws_call_drop_all(ngx_ws_worker_t *worker);

/*
 * Notes that a field is wrong and sets error to NGX_WS_INVALID.  format is
 * Laravel's sentence with "%s" for the field's name in Laravel's way; field
 * is a static text.
 */
void ngx_ws_call_add_invalid(ngx_ws_call_t *call, const char *field,
    const char *format);


/*
 * Fields of the request: each notes what is wrong in the call and returns
 * NGX_ERROR, gives NGX_DECLINED when an optional one is absent or null, and
 * NGX_OK with the value.  Strings point into the JSON document; one of white
 * space only is as null for every kind of field, as in Laravel.
 */

#define NGX_WS_FIELD_REQUIRED  1

/* max in characters */
ngx_int_t ngx_ws_call_string(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_uint_t flags, size_t max, ngx_str_t *value);

/* what becomes a part of a key: at most 255 bytes, no control characters */
ngx_int_t ngx_ws_call_name(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_uint_t flags, ngx_str_t *value);

ngx_int_t ngx_ws_call_id(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_uint_t flags, uint64_t *value);
ngx_int_t ngx_ws_call_bool(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_uint_t flags, ngx_uint_t *value);

/* One of the words in the NULL-terminated list; value is its index. */
ngx_int_t ngx_ws_call_choice(ngx_ws_call_t *call, ngx_ws_json_t *in,
    const char *field, ngx_uint_t flags, const char **words,
    ngx_uint_t *value);


#endif /* _NGX_WS_CALL_H_INCLUDED_ */
