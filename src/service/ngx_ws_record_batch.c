
/*
 * Copyright (C) ngx_http_websocket_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_ws_record_batch.h>


/* what is kept of the server's text about a row */
#define NGX_WS_RECORD_BATCH_ERROR  500


static ngx_int_t ngx_ws_record_batch_alloc(ngx_ws_record_batch_t *batch,
    ngx_uint_t *nkinds);
static ngx_int_t ngx_ws_record_batch_entry(ngx_ws_record_batch_t *batch,
    ngx_ws_record_entry_t *entry, ngx_ws_redis_reply_t *reply);
static void ngx_ws_record_batch_refuse(ngx_ws_record_batch_t *batch,
    ngx_ws_record_entry_t *entry, ngx_uint_t errnum, ngx_str_t *error);


ngx_ws_record_batch_t *
ngx_ws_record_batch_create(ngx_ws_redis_reply_t *entries,
    ngx_ws_mysql_stmt_t **stmts, ngx_log_t *log)
{
    ngx_uint_t                 i, nkinds[NGX_WS_RECORD_ROW_KINDS + 1];
    ngx_pool_t                *pool;
    ngx_ws_redis_reply_t      *entry, *fields;
    ngx_ws_record_batch_t     *batch;
    ngx_ws_record_row_kind_e   kind;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);
    if (pool == NULL) {
        return NULL;
    }

    batch = ngx_pcalloc(pool, sizeof(ngx_ws_record_batch_t));
    if (batch == NULL) {
        goto failed;
    }

    batch->pool = pool;
    batch->n = ngx_ws_redis_reply_count(entries);

    batch->entries = ngx_pcalloc(pool,
                                 batch->n * sizeof(ngx_ws_record_entry_t));
    if (batch->entries == NULL) {
        goto failed;
    }

    ngx_memzero(nkinds, sizeof(nkinds));

    for (i = 0; i < batch->n; i++) {
        entry = ngx_ws_redis_reply_element(entries, i);
        fields = ngx_ws_redis_reply_element(entry, 1);

        kind = ngx_ws_record_row_kind(fields);
        nkinds[kind] += ngx_ws_record_row_count(kind, fields);
    }

    for (i = 0; i < NGX_WS_RECORD_ROW_KINDS; i++) {
        batch->rows[i].stmt = stmts[i];
    }

    if (ngx_ws_record_batch_alloc(batch, nkinds) != NGX_OK) {
        goto failed;
    }

    for (i = 0; i < batch->n; i++) {
        entry = ngx_ws_redis_reply_element(entries, i);

        if (ngx_ws_record_batch_entry(batch, &batch->entries[i], entry)
            != NGX_OK)
        {
            goto failed;
        }
    }

    return batch;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_ws_record_batch_destroy(ngx_ws_record_batch_t *batch)
{
    ngx_destroy_pool(batch->pool);
}


static ngx_int_t
ngx_ws_record_batch_alloc(ngx_ws_record_batch_t *batch, ngx_uint_t *nkinds)
{
    ngx_uint_t             i;
    ngx_ws_record_rows_t  *rows;

    for (i = 0; i < NGX_WS_RECORD_ROW_KINDS; i++) {
        rows = &batch->rows[i];

        if (nkinds[i] == 0) {
            continue;
        }

        rows->values = ngx_palloc(batch->pool,
                                  nkinds[i] * rows->stmt->nnames
                                  * sizeof(ngx_ws_mysql_value_t));

        rows->entries = ngx_palloc(batch->pool,
                                   nkinds[i]
                                   * sizeof(ngx_ws_record_entry_t *));

        if (rows->values == NULL || rows->entries == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ws_record_batch_entry(ngx_ws_record_batch_t *batch,
    ngx_ws_record_entry_t *entry, ngx_ws_redis_reply_t *reply)
{
    ngx_str_t                  id;
    ngx_uint_t                 i, n;
    ngx_ws_mysql_value_t      *values;
    ngx_ws_record_rows_t      *rows;
    ngx_ws_redis_reply_t      *fields;
    ngx_ws_record_row_kind_e   kind;

    static ngx_str_t  unknown = ngx_string("unknown kind");

    id = ngx_ws_redis_reply_string(ngx_ws_redis_reply_element(reply, 0));
    fields = ngx_ws_redis_reply_element(reply, 1);

    entry->id.len = id.len;
    entry->id.data = ngx_pstrdup(batch->pool, &id);

    if (entry->id.data == NULL) {
        return NGX_ERROR;
    }

    /* a pending entry that was deleted meanwhile has no fields */

    if (ngx_ws_redis_reply_count(fields) == 0) {
        return NGX_OK;
    }

    kind = ngx_ws_record_row_kind(fields);

    if (kind == NGX_WS_RECORD_ROW_KINDS) {
        ngx_ws_record_batch_refuse(batch, entry, 0, &unknown);
        return NGX_OK;
    }

    rows = &batch->rows[kind];
    values = &rows->values[rows->n * rows->stmt->nnames];

    if (ngx_ws_record_row_values(kind, fields, values, batch->pool)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ngx_ws_record_row_count(kind, fields);

    for (i = 0; i < n * rows->stmt->nnames; i++) {
        if (values[i].type == NGX_WS_MYSQL_STRING) {
            batch->size += values[i].as.s.len;
        }
    }

    for (i = 0; i < n; i++) {
        rows->entries[rows->n++] = entry;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_ws_record_batch_items(ngx_ws_record_batch_t *batch,
    ngx_ws_mysql_item_t *items)
{
    ngx_uint_t             i, n;
    ngx_ws_record_rows_t  *rows;

    n = 0;

    for (i = 0; i < NGX_WS_RECORD_ROW_KINDS; i++) {
        rows = &batch->rows[i];

        if (rows->n == 0) {
            continue;
        }

        items[n].stmt = rows->stmt;
        items[n].values = rows->values;
        items[n].n = rows->n * rows->stmt->nnames;

        batch->items[n++] = rows;
    }

    return n;
}


void
ngx_ws_record_batch_refused(ngx_ws_record_batch_t *batch,
    ngx_ws_mysql_result_t *res)
{
    ngx_uint_t               i, k;
    ngx_ws_mysql_bad_t      *bad;
    ngx_ws_record_entry_t  **entry;

    for (i = 0; i < res->nbad; i++) {
        bad = &res->bad[i];
        entry = &batch->items[bad->item]->entries[bad->row];

        ngx_ws_record_batch_refuse(batch, *entry, bad->errnum, &bad->error);

        for (k = bad->row; k && entry[-1] == entry[0]; k--) {
            entry--;
        }

        entry[0]->row = bad->row - k + 1;
    }
}


static void
ngx_ws_record_batch_refuse(ngx_ws_record_batch_t *batch,
    ngx_ws_record_entry_t *entry, ngx_uint_t errnum, ngx_str_t *error)
{
    entry->refused = 1;
    entry->errnum = errnum;

    if (error->len == 0) {
        return;
    }

    entry->error.data = ngx_pnalloc(batch->pool, NGX_WS_RECORD_BATCH_ERROR);
    if (entry->error.data == NULL) {
        return;
    }

    entry->error.len = ngx_min(error->len, NGX_WS_RECORD_BATCH_ERROR);
    ngx_memcpy(entry->error.data, error->data, entry->error.len);
}
