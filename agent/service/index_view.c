/* Shell. The index as it was at its last commit, for another thread. */
#include "agent/service/index_lmdb.h"

#include "agent/service/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct index_view {
    MDB_txn *txn;
    MDB_dbi objects, meta;
};

int index_view_open(struct index *ix, struct index_view **ret)
{
    struct index_view *v = calloc(1, sizeof *v);
    int rc;

    if (!v)
        return -ENOMEM;
    v->objects = ix->objects;
    v->meta = ix->meta;
    rc = index_code(mdb_txn_begin(ix->env, NULL, MDB_RDONLY, &v->txn));
    if (rc) {
        free(v);
        return rc;
    }
    *ret = v;
    return 0;
}

bool index_view_has(struct index_view *view, const char *key)
{
    char room[INDEX_KEY_MAX];
    MDB_val k = index_key(key, room), v;
    unsigned flags;

    return mdb_get(view->txn, view->objects, &k, &v) == 0 &&
           stored_flags(v.mv_data, v.mv_size, &flags) == 0 && !(flags & KNOWN_UNCERTAIN);
}

bool index_view_keeps(struct index_view *view, const char *key)
{
    char room[INDEX_KEY_MAX];
    MDB_val k = index_key(key, room), v;
    unsigned flags;

    return mdb_get(view->txn, view->objects, &k, &v) == 0 &&
           stored_flags(v.mv_data, v.mv_size, &flags) == 0 && (flags & KNOWN_KEPT) != 0;
}

int index_view_meta(struct index_view *view, const char *name, void *value, size_t *size)
{
    return index_meta_read(view->txn, view->meta, name, value, size);
}

bool index_view_span(struct index_view *view, const char *name, struct span *ret)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v;

    if (mdb_get(view->txn, view->meta, &k, &v))
        return false;
    *ret = (struct span){v.mv_data, v.mv_size};
    return true;
}

void index_view_close(struct index_view *v)
{
    if (!v)
        return;
    mdb_txn_abort(v->txn);
    free(v);
}
