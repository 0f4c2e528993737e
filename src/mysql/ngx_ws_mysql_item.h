
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#ifndef _NGX_WS_MYSQL_ITEM_H_INCLUDED_
#define _NGX_WS_MYSQL_ITEM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql.h>
#include <ngx_ws_mysql_task.h>


/* What is asked for, copied for a thread. */

/* Bytes that ngx_ws_mysql_item_copy() writes. */
size_t ngx_ws_mysql_item_size(ngx_ws_mysql_item_t *items, ngx_uint_t nitems);

/*
 * Makes the task's steps of them, in a block aligned for a pointer: a copy of
 * all that the thread reads, but for the statements.
 */
void ngx_ws_mysql_item_copy(ngx_ws_mysql_item_t *items, ngx_uint_t nitems,
    ngx_ws_mysql_task_t *task, void *block);


#endif /* _NGX_WS_MYSQL_ITEM_H_INCLUDED_ */
