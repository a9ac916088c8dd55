/* What the parts of the index (index*.c) share of LMDB. Theirs alone. */
#ifndef LOCKSTEP_AGENT_SERVICE_INDEX_LMDB_H
#define LOCKSTEP_AGENT_SERVICE_INDEX_LMDB_H

#include "agent/service/index.h"

#include <lmdb.h>

#define INDEX_KEY_MAX 500 /* longer keys are stored by prefix and hash */

struct index {
    MDB_env *env;
    MDB_txn *txn; /* the open one: writing, or reading where nothing was written */
    bool writing;
    bool read_only;
    MDB_dbi objects, inodes, held, meta;
    index_change_fn *changed; /* NULL: nobody wants to know */
    void *changed_arg;
};

/* LMDB's code as one of ours. */
int index_code(int rc);

/* The transaction to read in: ix->txn. */
int index_read_txn(struct index *ix);

/* The transaction to write in; a reading one is ended first. */
int index_write_txn(struct index *ix);

/* The key as LMDB gets it; `room` holds the short form of a long one. */
MDB_val index_key(const char *key, char room[INDEX_KEY_MAX]);

/* The stored key can still be one with this prefix. */
bool index_may_match(MDB_val k, const char *prefix);

/* A meta value in a transaction, as index_meta_get. */
int index_meta_read(MDB_txn *txn, MDB_dbi meta, const char *name, void *value, size_t *size);

#endif
