
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _REDIS_H_INCLUDED_
#define _REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_redis.h>


/*
 * The links to Redis of loop.h's loop and server.h's server, and what has
 * been heard of them.
 */

/* of Redis in earnest; what is to time out puts the clock forward */
#define TIMEOUT   10000

#define CHANNELS  3000
#define BIG       (3 * 1024 * 1024)


/* what to destroy the links in */

enum {
    IN_NOTHING = 0,
    IN_UP,
    IN_DOWN,
    IN_SUBSCRIBER_UP,
    IN_SUBSCRIBER_DOWN,
    IN_MESSAGE,
    IN_REPLY,
    IN_FAILURE,
    IN_SUBSCRIBED,
    IN_LAST
};


typedef struct {
    ngx_uint_t              up, down;
    ngx_uint_t              subscriber_up, subscriber_down;
    ngx_uint_t              messages, message_len;
    ngx_uint_t              answered, declined, lost, errors;
    ngx_uint_t              elements, len;
    ngx_uint_t              subscribed, unsubscribed;
    ngx_uint_t              disordered;
} seen_t;


/* The loop and the settings. */
void redis_init(void);

/* The links. */
void redis_create(void);

/* All of that, and the server; the links are up. */
void redis_start(void);

/* Subscribes to all channels, which the server then has. */
void redis_subscribe(void);

/* Until the links stand that a loss may have broken. */
void redis_ready(void);

/* Counts from zero. */
void clear(void);

ngx_str_t str(const char *s);

/* The name of the channel of that number, until the next call. */
ngx_str_t channel_name(ngx_uint_t n);

/* A command of one to three words; NULL where there is none. */
ngx_ws_redis_op_t *command(const char *name, const char *a, const char *b);

/* The script of ids, whose answers must grow; one that is sent again. */
void ids(void);
void ids_again(void);

/* How many channels the server has, as soon as it does. */
void server_has(ngx_uint_t channels, const char *name);

/* Callbacks that count; on_number() wants each answer larger than the last. */
void on_reply(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);
void on_number(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply);
void on_subscribed(void *data, ngx_int_t rc);


extern ngx_ws_redis_conf_t  conf;
extern ngx_ws_redis_t      *rds;           /* NULL once destroyed */

extern seen_t               seen;          /* since clear() */
extern int64_t              number;        /* the last answer's */

extern ngx_uint_t           destroying;    /* in what to destroy them */
extern ngx_uint_t           collected;     /* a command when others go */

extern ngx_ws_redis_cmd_t   sets[2];
extern ngx_str_t            set[3];
extern u_char               big[BIG];


#endif /* _REDIS_H_INCLUDED_ */
