
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <ngx_ws_redis_wait.h>


#define NGX_WS_REDIS_WAIT_TIMEOUT  4000


struct ngx_ws_redis_wait_s {
    ngx_queue_t                   queue;
    ngx_ws_redis_wait_t         **list;
    ngx_ws_redis_wait_t          *next;     /* the one before it in the list */
    ngx_ws_redis_wait_t         **prev;     /* what points to it there */
    ngx_ws_redis_subscribed_pt    done;
    void                         *data;
    ngx_msec_t                    since;
    ngx_int_t                     rc;
};


static void ngx_ws_redis_wait_unlink(ngx_ws_redis_wait_t *wait);
static void ngx_ws_redis_wait_call(ngx_ws_redis_waits_t *waits);
static void ngx_ws_redis_wait_post_handler(ngx_event_t *ev);
static void ngx_ws_redis_wait_timer_handler(ngx_event_t *ev);


void
ngx_ws_redis_wait_init(ngx_ws_redis_waits_t *waits, ngx_ws_redis_link_t *link)
{
    waits->link = link;

    ngx_queue_init(&waits->waiting);
    ngx_queue_init(&waits->done);

    waits->timer.handler = ngx_ws_redis_wait_timer_handler;
    waits->timer.data = waits;
    waits->timer.log = link->log;
    waits->timer.cancelable = 1;

    waits->post.handler = ngx_ws_redis_wait_post_handler;
    waits->post.data = waits;
    waits->post.log = link->log;
}


void
ngx_ws_redis_wait_cleanup(ngx_ws_redis_waits_t *waits)
{
    ngx_queue_t  *q;

    ngx_queue_add(&waits->done, &waits->waiting);

    while (!ngx_queue_empty(&waits->done)) {
        q = ngx_queue_head(&waits->done);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_ws_redis_wait_t, queue));
    }

    if (waits->timer.timer_set) {
        ngx_del_timer(&waits->timer);
    }

    if (waits->post.posted) {
        ngx_delete_posted_event(&waits->post);
    }
}


ngx_int_t
ngx_ws_redis_wait_add(ngx_ws_redis_waits_t *waits, ngx_ws_redis_wait_t **list,
    ngx_uint_t confirmed, ngx_ws_redis_subscribed_pt done, void *data)
{
    ngx_ws_redis_wait_t  *wait;

    wait = ngx_alloc(sizeof(ngx_ws_redis_wait_t), waits->link->log);
    if (wait == NULL) {
        return NGX_ERROR;
    }

    wait->list = list;
    wait->done = done;
    wait->data = data;
    wait->since = ngx_current_msec;
    wait->rc = NGX_OK;

    if (confirmed) {
        ngx_queue_insert_tail(&waits->done, &wait->queue);
        ngx_post_event(&waits->post, &ngx_posted_next_events);

        return NGX_OK;
    }

    wait->next = *list;
    wait->prev = list;

    if (wait->next) {
        wait->next->prev = &wait->next;
    }

    *list = wait;

    ngx_queue_insert_tail(&waits->waiting, &wait->queue);

    if (!waits->timer.timer_set) {
        ngx_add_timer(&waits->timer, NGX_WS_REDIS_WAIT_TIMEOUT);
    }

    return NGX_OK;
}


void
ngx_ws_redis_wait_drop(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list, void *data)
{
    ngx_queue_t          *q;
    ngx_ws_redis_wait_t  *wait;

    if (data == NULL) {
        return;
    }

    for (wait = *list; wait; wait = wait->next) {

        if (wait->data == data) {
            ngx_ws_redis_wait_unlink(wait);
            goto found;
        }
    }

    for (q = ngx_queue_head(&waits->done);
         q != ngx_queue_sentinel(&waits->done);
         q = ngx_queue_next(q))
    {
        wait = ngx_queue_data(q, ngx_ws_redis_wait_t, queue);

        if (wait->list == list && wait->data == data) {
            goto found;
        }
    }

    return;

found:

    ngx_queue_remove(&wait->queue);
    ngx_free(wait);
}


void
ngx_ws_redis_wait_drop_all(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list)
{
    ngx_ws_redis_wait_t  *wait;

    while (*list) {
        wait = *list;

        ngx_ws_redis_wait_unlink(wait);
        ngx_queue_remove(&wait->queue);
        ngx_free(wait);
    }
}


void
ngx_ws_redis_wait_confirm(ngx_ws_redis_waits_t *waits,
    ngx_ws_redis_wait_t **list)
{
    ngx_queue_t          *q;
    ngx_ws_redis_wait_t  *wait;

    /* the last that came is the first of the list */

    q = ngx_queue_last(&waits->done);

    for (wait = *list; wait; wait = wait->next) {
        ngx_queue_remove(&wait->queue);
        ngx_queue_insert_after(q, &wait->queue);
    }

    *list = NULL;

    ngx_ws_redis_wait_call(waits);
}


static void
ngx_ws_redis_wait_unlink(ngx_ws_redis_wait_t *wait)
{
    *wait->prev = wait->next;

    if (wait->next) {
        wait->next->prev = wait->prev;
    }
}


/* each may drop others that wait, ask anew, or destroy the whole */

static void
ngx_ws_redis_wait_call(ngx_ws_redis_waits_t *waits)
{
    void                        *data;
    ngx_int_t                    rc;
    ngx_queue_t                 *q;
    ngx_ws_redis_wait_t         *wait;
    ngx_ws_redis_subscribed_pt   done;

    ngx_ws_redis_link_enter(waits->link);

    while (!ngx_queue_empty(&waits->done) && !waits->link->destroyed) {
        q = ngx_queue_head(&waits->done);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_ws_redis_wait_t, queue);
        done = wait->done;
        data = wait->data;
        rc = wait->rc;

        ngx_free(wait);

        done(data, rc);
    }

    ngx_ws_redis_link_leave(waits->link);
}


static void
ngx_ws_redis_wait_post_handler(ngx_event_t *ev)
{
    ngx_ws_redis_wait_call(ev->data);
}


static void
ngx_ws_redis_wait_timer_handler(ngx_event_t *ev)
{
    ngx_ws_redis_waits_t *waits = ev->data;

    ngx_msec_t            waited;
    ngx_queue_t          *q;
    ngx_ws_redis_wait_t  *wait;

    while (!ngx_queue_empty(&waits->waiting)) {
        q = ngx_queue_head(&waits->waiting);
        wait = ngx_queue_data(q, ngx_ws_redis_wait_t, queue);

        waited = ngx_current_msec - wait->since;

        if (waited < NGX_WS_REDIS_WAIT_TIMEOUT) {
            ngx_add_timer(ev, NGX_WS_REDIS_WAIT_TIMEOUT - waited);
            break;
        }

        ngx_ws_redis_wait_unlink(wait);
        ngx_queue_remove(q);

        wait->rc = NGX_ERROR;
        ngx_queue_insert_tail(&waits->done, q);
    }

    ngx_ws_redis_wait_call(waits);
}
