
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_bus.h>
#include <ngx_ws_letter.h>
#include <ngx_ws_random.h>
#include <ngx_ws_redis_key.h>


/*
 * text     = "letter " place " " verb " " head LF body
 * place    = "-" / name          the body is here, or in the key of that name
 */

#define NGX_WS_LETTER_INLINE   16384       /* the largest body in the text */
#define NGX_WS_LETTER_KEEP     "10000"     /* the others in Redis, ms */
#define NGX_WS_LETTER_BYTES    4194304     /* of those, on their way at once */
#define NGX_WS_LETTER_FETCHES  4           /* and here */


struct ngx_ws_letters_s {
    ngx_ws_worker_t            *worker;
    ngx_ws_letter_handler_pt    handler;
    ngx_queue_t                 waiting;      /* large ones, for their turn */
    size_t                      bytes;
    ngx_queue_t                 fetches;      /* the same, that came */
    ngx_uint_t                  nfetches;
};


typedef struct {
    ngx_queue_t                 queue;
    ngx_ws_letters_t           *letters;
    ngx_str_t                   name;
    ngx_str_t                   head;
    u_char                      data[];
} ngx_ws_letter_fetch_t;


static ngx_int_t ngx_ws_letter_start(ngx_ws_letter_t *letter);
static ngx_ws_redis_op_t *ngx_ws_letter_publish(ngx_ws_letter_t *letter,
    ngx_str_t *key, ngx_str_t *text);
static ngx_ws_redis_op_t *ngx_ws_letter_eval(ngx_ws_letter_t *letter,
    ngx_str_t *key, ngx_str_t *text);
static void ngx_ws_letter_replied(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);
static void ngx_ws_letter_next(ngx_ws_letters_t *letters, size_t done);
static void ngx_ws_letter_open(ngx_ws_letters_t *letters, ngx_str_t *head,
    ngx_str_t *body);
static void ngx_ws_letter_fetch(ngx_ws_letter_fetch_t *fetch);
static void ngx_ws_letter_fetched(void *data, ngx_int_t rc,
    ngx_ws_redis_reply_t *reply);


ngx_ws_letters_t *
ngx_ws_letters_create(ngx_ws_worker_t *w, ngx_ws_letter_handler_pt handler)
{
    ngx_ws_letters_t  *letters;

    letters = ngx_calloc(sizeof(ngx_ws_letters_t), w->log);
    if (letters == NULL) {
        return NULL;
    }

    letters->worker = w;
    letters->handler = handler;

    ngx_queue_init(&letters->waiting);
    ngx_queue_init(&letters->fetches);

    return letters;
}


void
ngx_ws_letters_destroy(ngx_ws_letters_t *letters)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&letters->fetches)) {
        q = ngx_queue_head(&letters->fetches);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_ws_letter_fetch_t, queue));
    }

    ngx_free(letters);
}


ngx_int_t
ngx_ws_letter_send(ngx_ws_letter_t *letter, const char *fmt, ...)
{
    u_char            *p;
    va_list            args;
    ngx_ws_letters_t  *letters;

    va_start(args, fmt);
    p = ngx_vslprintf(letter->head, letter->head + NGX_WS_LETTER_HEAD, fmt,
                      args);
    va_end(args);

    letter->len = p - letter->head;
    letter->op = NULL;
    letter->waiting = 0;

    letters = letter->worker->letters;

    if (letter->body.len > NGX_WS_LETTER_INLINE
        && letters->bytes
        && letters->bytes + letter->body.len > NGX_WS_LETTER_BYTES)
    {
        letter->waiting = 1;
        ngx_queue_insert_tail(&letters->waiting, &letter->queue);

        return NGX_OK;
    }

    return ngx_ws_letter_start(letter);
}


void
ngx_ws_letter_post(ngx_ws_worker_t *w, ngx_str_t *to, ngx_str_t *sid,
    const char *fmt, ...)
{
    u_char           *p;
    va_list           args;
    ngx_ws_letter_t   letter;

    ngx_memzero(&letter, sizeof(ngx_ws_letter_t));

    va_start(args, fmt);
    p = ngx_vslprintf(letter.head, letter.head + NGX_WS_LETTER_HEAD, fmt,
                      args);
    va_end(args);

    letter.worker = w;
    letter.len = p - letter.head;

    if (to) {
        letter.to = *to;

    } else {
        letter.sid = *sid;
    }

    (void) ngx_ws_letter_start(&letter);
}


void
ngx_ws_letter_mark(ngx_ws_worker_t *w, ngx_str_t *to, const char *fmt, ...)
{
    u_char              *p;
    va_list              args;
    ngx_str_t            there[3], here[3];
    ngx_ws_redis_cmd_t   cmds[2];
    ngx_ws_redis_key_t   channel;

    u_char  text[NGX_WS_LETTER_HEAD + sizeof("letter - \n")];

    p = ngx_cpymem(text, "letter - ", sizeof("letter - ") - 1);

    va_start(args, fmt);
    p = ngx_vslprintf(p, p + NGX_WS_LETTER_HEAD, fmt, args);
    va_end(args);

    *p++ = '\n';

    ngx_str_set(&there[0], "PUBLISH");
    there[1] = *ngx_ws_redis_key(&channel, &w->conf->redis.prefix,
                                 NGX_WS_REDIS_KEY_WORKER, 0, 0, to);
    there[2].len = p - text;
    there[2].data = text;

    here[0] = there[0];
    here[1] = *ngx_ws_bus_own(w->bus);
    here[2] = there[2];

    cmds[0].argv = there;
    cmds[0].argc = 3;
    cmds[1].argv = here;
    cmds[1].argc = 3;

    (void) ngx_ws_redis_multi(w->redis, cmds, 2, NULL, NULL);
}


static ngx_int_t
ngx_ws_letter_start(ngx_ws_letter_t *letter)
{
    u_char             *p;
    size_t              size;
    ngx_str_t           name, text;
    ngx_ws_worker_t    *w;
    ngx_ws_redis_op_t  *op;
    ngx_ws_redis_key_t  key;

    u_char  id[NGX_WS_RANDOM_ID_LEN], buf[1024];

    w = letter->worker;

    ngx_str_set(&name, "-");

    size = sizeof("letter   \n") + NGX_WS_RANDOM_ID_LEN + letter->len;

    if (letter->body.len > NGX_WS_LETTER_INLINE) {
        ngx_ws_random_id(id);

        name.len = NGX_WS_RANDOM_ID_LEN;
        name.data = id;

    } else {
        size += letter->body.len;
    }

    text.data = buf;

    if (size > sizeof(buf)) {
        text.data = ngx_alloc(size, w->log);
        if (text.data == NULL) {
            return NGX_ERROR;
        }
    }

    p = ngx_sprintf(text.data, "letter %V %*s\n", &name, letter->len,
                    letter->head);

    if (letter->body.len && name.len == 1) {
        p = ngx_cpymem(p, letter->body.data, letter->body.len);
    }

    text.len = p - text.data;

    (void) ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_LETTER, 0, 0, &name);

    op = letter->to.len ? ngx_ws_letter_publish(letter, &key.str, &text)
                        : ngx_ws_letter_eval(letter, &key.str, &text);

    if (text.data != buf) {
        ngx_free(text.data);
    }

    if (op == NULL) {
        return NGX_ERROR;
    }

    letter->op = op;

    if (letter->body.len > NGX_WS_LETTER_INLINE) {
        w->letters->bytes += letter->body.len;
    }

    return NGX_OK;
}


static ngx_ws_redis_op_t *
ngx_ws_letter_publish(ngx_ws_letter_t *letter, ngx_str_t *key,
    ngx_str_t *text)
{
    ngx_str_t               set[5], publish[3];
    ngx_ws_worker_t        *w;
    ngx_ws_redis_cmd_t      cmds[2];
    ngx_ws_redis_key_t      channel;
    ngx_ws_redis_reply_pt   replied;

    w = letter->worker;
    replied = letter->sent ? ngx_ws_letter_replied : NULL;

    ngx_str_set(&publish[0], "PUBLISH");
    publish[1] = *ngx_ws_redis_key(&channel, &w->conf->redis.prefix,
                                   NGX_WS_REDIS_KEY_WORKER, 0, 0,
                                   &letter->to);
    publish[2] = *text;

    if (letter->body.len <= NGX_WS_LETTER_INLINE) {
        return ngx_ws_redis_command(w->redis, publish, 3, replied, letter);
    }

    ngx_str_set(&set[0], "SET");
    set[1] = *key;
    set[2] = letter->body;
    ngx_str_set(&set[3], "PX");
    ngx_str_set(&set[4], NGX_WS_LETTER_KEEP);

    cmds[0].argv = set;
    cmds[0].argc = 5;
    cmds[1].argv = publish;
    cmds[1].argc = 3;

    return ngx_ws_redis_multi(w->redis, cmds, 2, replied, letter);
}


static ngx_ws_redis_op_t *
ngx_ws_letter_eval(ngx_ws_letter_t *letter, ngx_str_t *key, ngx_str_t *text)
{
    ngx_str_t           none, keys[2], args[4];
    ngx_ws_worker_t    *w;
    ngx_ws_redis_key_t  session, channel;

    w = letter->worker;
    ngx_str_set(&none, "");

    keys[0] = *ngx_ws_redis_key(&session, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_SESSION, 0, 0, &letter->sid);
    keys[1] = *key;

    args[0] = *ngx_ws_redis_key(&channel, &w->conf->redis.prefix,
                                NGX_WS_REDIS_KEY_WORKER, 0, 0, &none);
    args[1] = *text;
    args[2] = letter->body.len > NGX_WS_LETTER_INLINE ? letter->body : none;
    ngx_str_set(&args[3], NGX_WS_LETTER_KEEP);

    return ngx_ws_redis_eval(w->redis, NGX_WS_REDIS_LETTER_SEND, keys, 2,
                             args, 4,
                             letter->sent ? ngx_ws_letter_replied : NULL,
                             letter);
}


static void
ngx_ws_letter_replied(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_letter_t *letter = data;

    ngx_str_t               owner;
    ngx_ws_redis_reply_t   *last;

    letter->op = NULL;

    owner = letter->to;

    if (rc != NGX_OK) {
        rc = NGX_ERROR;

    } else if (letter->to.len == 0) {
        owner = ngx_ws_redis_reply_string(reply);

        if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_NIL) {
            rc = NGX_DECLINED;

        } else if (ngx_ws_redis_reply_type(reply) != NGX_WS_REDIS_STRING) {
            rc = NGX_ERROR;
        }

    } else {
        last = reply;

        if (ngx_ws_redis_reply_type(reply) == NGX_WS_REDIS_ARRAY) {
            last = ngx_ws_redis_reply_element(reply, 1);
        }

        if (ngx_ws_redis_reply_type(last) != NGX_WS_REDIS_INTEGER) {
            rc = NGX_ERROR;

        } else if (ngx_ws_redis_reply_integer(last) == 0) {
            rc = NGX_DECLINED;
        }
    }

    if (letter->body.len > NGX_WS_LETTER_INLINE) {
        ngx_ws_letter_next(letter->worker->letters, letter->body.len);
    }

    letter->sent(letter->data, rc, &owner);
}


void
ngx_ws_letter_cancel(ngx_ws_letter_t *letter)
{
    if (letter->waiting) {
        letter->waiting = 0;
        ngx_queue_remove(&letter->queue);
        return;
    }

    if (letter->op) {
        ngx_ws_redis_cancel(letter->op);
        letter->op = NULL;

        if (letter->body.len > NGX_WS_LETTER_INLINE) {
            ngx_ws_letter_next(letter->worker->letters, letter->body.len);
        }
    }
}


/* One has gone: those that waited may go. */

static void
ngx_ws_letter_next(ngx_ws_letters_t *letters, size_t done)
{
    ngx_queue_t      *q;
    ngx_ws_letter_t  *letter;

    letters->bytes -= done;

    while (!ngx_queue_empty(&letters->waiting)) {
        q = ngx_queue_head(&letters->waiting);
        letter = ngx_queue_data(q, ngx_ws_letter_t, queue);

        if (letters->bytes
            && letters->bytes + letter->body.len > NGX_WS_LETTER_BYTES)
        {
            return;
        }

        if (ngx_ws_letter_start(letter) != NGX_OK) {
            /* no memory: with the next one's end */
            return;
        }

        letter->waiting = 0;
        ngx_queue_remove(q);
    }
}


void
ngx_ws_letter_receive(ngx_ws_worker_t *w, ngx_str_t *text)
{
    u_char                 *p;
    ngx_str_t               place, head, body;
    ngx_ws_letters_t       *letters;
    ngx_ws_letter_fetch_t  *fetch;

    letters = w->letters;

    body = *text;
    ngx_ws_bus_word(&body, &place);

    p = ngx_strlchr(body.data, body.data + body.len, '\n');

    if (p == NULL) {
        ngx_log_error(NGX_LOG_ERR, w->log, 0, "malformed letter of a worker");
        return;
    }

    head.data = body.data;
    head.len = p - body.data;

    body.len -= head.len + 1;
    body.data = p + 1;

    if (place.len == 1) {
        ngx_ws_letter_open(letters, &head, &body);
        return;
    }

    fetch = ngx_alloc(sizeof(ngx_ws_letter_fetch_t) + place.len + head.len,
                      w->log);
    if (fetch == NULL) {
        return;
    }

    fetch->letters = letters;
    fetch->name.len = place.len;
    fetch->name.data = fetch->data;
    fetch->head.len = head.len;
    fetch->head.data = ngx_cpymem(fetch->data, place.data, place.len);
    ngx_memcpy(fetch->head.data, head.data, head.len);

    if (letters->nfetches == NGX_WS_LETTER_FETCHES) {
        ngx_queue_insert_tail(&letters->fetches, &fetch->queue);
        return;
    }

    ngx_ws_letter_fetch(fetch);
}


static void
ngx_ws_letter_open(ngx_ws_letters_t *letters, ngx_str_t *head,
    ngx_str_t *body)
{
    ngx_str_t  verb;

    ngx_ws_bus_word(head, &verb);

    letters->handler(letters->worker, &verb, head, body);
}


static void
ngx_ws_letter_fetch(ngx_ws_letter_fetch_t *fetch)
{
    ngx_str_t            get[2], del[2];
    ngx_ws_worker_t     *w;
    ngx_ws_redis_cmd_t   cmds[2];
    ngx_ws_redis_key_t   key;

    w = fetch->letters->worker;

    (void) ngx_ws_redis_key(&key, &w->conf->redis.prefix,
                            NGX_WS_REDIS_KEY_LETTER, 0, 0, &fetch->name);

    ngx_str_set(&get[0], "GET");
    get[1] = key.str;
    ngx_str_set(&del[0], "DEL");
    del[1] = key.str;

    cmds[0].argv = get;
    cmds[0].argc = 2;
    cmds[1].argv = del;
    cmds[1].argc = 2;

    if (ngx_ws_redis_multi(w->redis, cmds, 2, ngx_ws_letter_fetched, fetch)
        == NULL)
    {
        ngx_free(fetch);
        return;
    }

    fetch->letters->nfetches++;
}


static void
ngx_ws_letter_fetched(void *data, ngx_int_t rc, ngx_ws_redis_reply_t *reply)
{
    ngx_ws_letter_fetch_t *fetch = data;

    ngx_str_t              body;
    ngx_queue_t           *q;
    ngx_ws_letters_t      *letters;
    ngx_ws_redis_reply_t  *first;

    letters = fetch->letters;
    letters->nfetches--;

    if (!ngx_queue_empty(&letters->fetches)) {
        q = ngx_queue_head(&letters->fetches);
        ngx_queue_remove(q);
        ngx_ws_letter_fetch(ngx_queue_data(q, ngx_ws_letter_fetch_t, queue));
    }

    first = ngx_ws_redis_reply_element(reply, 0);

    if (rc == NGX_OK && ngx_ws_redis_reply_type(first) == NGX_WS_REDIS_STRING)
    {
        body = ngx_ws_redis_reply_string(first);
        ngx_ws_letter_open(letters, &fetch->head, &body);

    } else {
        ngx_log_error(NGX_LOG_ERR, letters->worker->log, 0,
                      "the body of a worker's letter is lost");
    }

    ngx_free(fetch);
}
