
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_mysql_item.h>


static ngx_uint_t ngx_ws_mysql_item_units(ngx_ws_mysql_item_t *item);
static ngx_uint_t ngx_ws_mysql_item_nparams(ngx_ws_mysql_item_t *item);
static ngx_ws_mysql_value_t *ngx_ws_mysql_item_param(
    ngx_ws_mysql_item_t *item, ngx_uint_t units, ngx_uint_t k);


size_t
ngx_ws_mysql_item_size(ngx_ws_mysql_item_t *items, ngx_uint_t nitems)
{
    size_t                 size;
    ngx_uint_t             i, k, n, units;
    ngx_ws_mysql_value_t  *v;

    size = nitems * sizeof(ngx_ws_mysql_step_t);

    for (i = 0; i < nitems; i++) {
        n = ngx_ws_mysql_item_nparams(&items[i]);
        units = ngx_ws_mysql_item_units(&items[i]);
        size += n * sizeof(ngx_ws_mysql_value_t);

        for (k = 0; k < n; k++) {
            v = ngx_ws_mysql_item_param(&items[i], units, k);

            if (v->type == NGX_WS_MYSQL_STRING) {
                size += v->as.s.len;
            }
        }
    }

    return size;
}


/* the steps, then the values of all of them, then the strings' bytes */

void
ngx_ws_mysql_item_copy(ngx_ws_mysql_item_t *items, ngx_uint_t nitems,
    ngx_ws_mysql_task_t *task, void *block)
{
    u_char                *p;
    ngx_uint_t             i, k, n, total;
    ngx_ws_mysql_step_t   *step;
    ngx_ws_mysql_value_t  *v;

    total = 0;

    for (i = 0; i < nitems; i++) {
        total += ngx_ws_mysql_item_nparams(&items[i]);
    }

    step = block;
    v = (ngx_ws_mysql_value_t *) (step + nitems);
    p = (u_char *) (v + total);

    task->steps = step;
    task->nsteps = nitems;

    for (i = 0; i < nitems; i++, step++) {
        n = ngx_ws_mysql_item_nparams(&items[i]);

        step->stmt = items[i].stmt;
        step->units = ngx_ws_mysql_item_units(&items[i]);
        step->params = v;

        for (k = 0; k < n; k++, v++) {
            *v = *ngx_ws_mysql_item_param(&items[i], step->units, k);

            if (v->type == NGX_WS_MYSQL_STRING) {
                p = ngx_cpymem(p, v->as.s.data, v->as.s.len);
                v->as.s.data = p - v->as.s.len;
            }
        }
    }
}


static ngx_uint_t
ngx_ws_mysql_item_units(ngx_ws_mysql_item_t *item)
{
    switch (item->stmt->kind) {

    case NGX_WS_MYSQL_ROWS:
        return item->n / item->stmt->nnames;

    case NGX_WS_MYSQL_LIST:
        return ngx_ws_mysql_task_units(item->n - (item->stmt->nnames - 1));

    default: /* NGX_WS_MYSQL_ONE */
        return 1;
    }
}


static ngx_uint_t
ngx_ws_mysql_item_nparams(ngx_ws_mysql_item_t *item)
{
    return item->stmt->nhead
           + item->stmt->nunit * ngx_ws_mysql_item_units(item)
           + item->stmt->ntail;
}


/* the value of the "?" number k; a list is filled up with its last item */

static ngx_ws_mysql_value_t *
ngx_ws_mysql_item_param(ngx_ws_mysql_item_t *item, ngx_uint_t units,
    ngx_uint_t k)
{
    ngx_uint_t            *order, row;
    ngx_ws_mysql_stmt_t   *stmt;

    stmt = item->stmt;
    order = stmt->order;

    if (k >= stmt->nhead && k < stmt->nhead + units * stmt->nunit) {
        k -= stmt->nhead;
        row = k / stmt->nunit;

        if (stmt->kind == NGX_WS_MYSQL_LIST) {
            return &item->values[ngx_min(stmt->nnames - 1 + row,
                                         item->n - 1)];
        }

        return &item->values[row * stmt->nnames + order[k % stmt->nunit]];
    }

    if (k >= stmt->nhead) {
        k -= (units - 1) * stmt->nunit;
    }

    return &item->values[order[k]];
}
