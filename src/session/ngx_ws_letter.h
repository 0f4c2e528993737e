
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_LETTER_H_INCLUDED_
#define _NGX_WS_LETTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>
#include <ngx_ws_worker.h>


/*
 * Letters between workers, by the channels that are their own: a verb, a head
 * of some words, and a body of any size.  A large body does not go through
 * the channel, where what waits for a slow reader is limited, but lies in a
 * key meanwhile.
 */

#define NGX_WS_LETTER_HEAD  192

typedef struct ngx_ws_letter_s  ngx_ws_letter_t;

/*
 * NGX_OK a worker has got it, whose name is in *owner; NGX_DECLINED there is
 * none; NGX_ERROR Redis is away, and nobody knows.
 */
typedef void (*ngx_ws_letter_sent_pt)(void *data, ngx_int_t rc,
    ngx_str_t *owner);

typedef void (*ngx_ws_letter_handler_pt)(ngx_ws_worker_t *w, ngx_str_t *verb,
    ngx_str_t *head, ngx_str_t *body);


/* Lives with the sender, as its body does, until sent() or cancelled. */

struct ngx_ws_letter_s {
    ngx_ws_worker_t         *worker;
    ngx_str_t                to;           /* an incarnation, or else */
    ngx_str_t                sid;          /* whoever owns this session */
    ngx_str_t                body;
    ngx_ws_letter_sent_pt    sent;         /* or NULL */
    void                    *data;

    /* of the letter itself */
    ngx_queue_t              queue;
    ngx_ws_redis_op_t       *op;
    ngx_uint_t               waiting;      /* in the queue */
    size_t                   len;
    u_char                   head[NGX_WS_LETTER_HEAD];  /* with the verb */
};


/* w->letters.  NULL without memory. */
ngx_ws_letters_t *ngx_ws_letters_create(ngx_ws_worker_t *w,
    ngx_ws_letter_handler_pt handler);
void ngx_ws_letters_destroy(ngx_ws_letters_t *letters);

/*
 * Sends a letter whose members up to data are set; verb and head, separated
 * by a space, are in the format.  sent() is never called from inside, nor at
 * all after NGX_ERROR, which is without memory.
 */
ngx_int_t ngx_ws_letter_send(ngx_ws_letter_t *letter, const char *fmt, ...);

/* sent() will not be called; what has gone is gone. */
void ngx_ws_letter_cancel(ngx_ws_letter_t *letter);

/*
 * A letter without a body, of which nobody needs to know what becomes; to or
 * sid is NULL.
 */
void ngx_ws_letter_post(ngx_ws_worker_t *w, ngx_str_t *to, ngx_str_t *sid,
    const char *fmt, ...);

/* The same to a worker and to this one, at one moment of Redis. */
void ngx_ws_letter_mark(ngx_ws_worker_t *w, ngx_str_t *to, const char *fmt,
    ...);

/* What came by the worker's channel behind the word "letter". */
void ngx_ws_letter_receive(ngx_ws_worker_t *w, ngx_str_t *text);


#endif /* _NGX_WS_LETTER_H_INCLUDED_ */
