/* Shell. The index: values by name. */
#include "agent/service/index_lmdb.h"

#include <errno.h>
#include <string.h>

int index_meta_read(MDB_txn *txn, MDB_dbi meta, const char *name, void *value, size_t *size)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;
    int rc = index_code(mdb_get(txn, meta, &k, &v));

    if (rc)
        return rc;
    if (v.mv_size > *size)
        return -ENOSPC;
    memcpy(value, v.mv_data, v.mv_size);
    *size = v.mv_size;
    return 0;
}

int index_meta_get(struct index *ix, const char *name, void *value, size_t *size)
{
    int rc = index_read_txn(ix);

    return rc ? rc : index_meta_read(ix->txn, ix->meta, name, value, size);
}

int index_meta_put(struct index *ix, const char *name, const void *value, size_t size)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v = {size, (void *)(uintptr_t)value};
    int rc = index_write_txn(ix);

    return rc ? rc : index_code(mdb_put(ix->txn, ix->meta, &k, &v, 0));
}

int index_meta_remove(struct index *ix, const char *name)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name};
    int rc = index_write_txn(ix);

    if (rc == 0)
        rc = index_code(mdb_del(ix->txn, ix->meta, &k, NULL));
    return rc == -ENOENT ? 0 : rc;
}

int index_meta_each(struct index *ix, const char *prefix,
                    int (*fn)(void *arg, const void *value, size_t size), void *arg)
{
    MDB_val k = {strlen(prefix), (void *)(uintptr_t)prefix}, v;
    MDB_cursor *c = NULL;
    int rc = index_read_txn(ix);

    if (rc == 0)
        rc = index_code(mdb_cursor_open(ix->txn, ix->meta, &c));
    if (rc)
        return rc;
    rc = index_code(mdb_cursor_get(c, &k, &v, MDB_SET_RANGE));
    while (rc == 0 && index_may_match(k, prefix)) {
        rc = fn(arg, v.mv_data, v.mv_size);
        if (rc == 0)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    mdb_cursor_close(c);
    return rc == -ENOENT ? 0 : rc;
}

int index_meta_sweep(struct index *ix, const char *prefix, index_stale_fn *is_stale, void *arg)
{
    MDB_val k = {strlen(prefix), (void *)(uintptr_t)prefix}, v;
    MDB_cursor *c = NULL;
    int rc = index_write_txn(ix);

    if (rc == 0)
        rc = index_code(mdb_cursor_open(ix->txn, ix->meta, &c));
    if (rc)
        return rc;
    for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); rc == 0 && index_may_match(k, prefix);
         rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
        if (!is_stale(arg, v.mv_data, v.mv_size))
            continue;
        rc = mdb_cursor_del(c, 0);
        if (rc)
            break;
    }
    mdb_cursor_close(c);
    rc = index_code(rc);
    return rc == -ENOENT ? 0 : rc;
}
