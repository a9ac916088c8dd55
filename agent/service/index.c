/* Shell. The index over LMDB. */
#include "agent/service/index_cache.h"
#include "agent/service/stored.h"

#include "base/digest.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_VERSION     2                   /* 1: it is never told when a file was made */
#define INDEX_MAP_BYTES   (UINT64_C(1) << 36) /* address space, not memory: 64 GiB */
#define INDEX_KEY_MAX     500                 /* longer keys are stored by prefix and hash */
#define INDEX_KEY_PREFIX  468
#define INDEX_READERS_MAX 64

struct index {
    MDB_env *env;
    MDB_txn *txn; /* the open one: writing, or reading where nothing was written */
    bool writing;
    bool read_only;
    MDB_dbi objects, inodes, held, meta;
    index_change_fn *changed; /* NULL: nobody wants to know */
    index_commit_fn *committing;
    void *observer;
    struct index_cache *cache; /* NULL: others write */
};

struct index_view {
    MDB_txn *txn;
    MDB_dbi objects, meta;
};

/* LMDB's code as one of ours. */
static int index_code(int rc)
{
    if (rc == 0)
        return 0;
    if (rc == MDB_NOTFOUND)
        return -ENOENT;
    if (rc > 0)
        return -rc;
    return rc == MDB_VERSION_MISMATCH ? ERR_VERSION : rc == MDB_MAP_FULL ? -ENOSPC : ERR_CORRUPT;
}

/* The transaction to read in. */
static int index_read_txn(struct index *ix)
{
    if (ix->txn)
        return 0;
    return index_code(mdb_txn_begin(ix->env, NULL, MDB_RDONLY, &ix->txn));
}

/* The transaction to write in; a reading one is ended first. */
static int index_write_txn(struct index *ix)
{
    if (ix->writing)
        return 0;
    if (ix->read_only)
        return -EROFS;
    if (ix->txn)
        mdb_txn_abort(ix->txn);
    ix->txn = NULL;
    int rc = index_code(mdb_txn_begin(ix->env, NULL, 0, &ix->txn));

    ix->writing = rc == 0;
    return rc;
}

/* End a reading transaction so that it pins no old pages. */
static void index_rest(struct index *ix)
{
    if (ix->txn && !ix->writing) {
        mdb_txn_abort(ix->txn);
        ix->txn = NULL;
    }
}

int index_commit(struct index *ix)
{
    int rc;

    if (!ix->writing) {
        index_rest(ix);
        return 0;
    }
    rc = ix->committing ? ix->committing(ix->observer) : 0;
    if (rc)
        return rc;
    rc = index_code(mdb_txn_commit(ix->txn));
    ix->txn = NULL;
    ix->writing = false;
    if (rc)
        index_cache_clear(ix->cache);
    return rc;
}

int index_sync(struct index *ix)
{
    return index_code(mdb_env_sync(ix->env, 1));
}

/* Open the databases and check the format's version. */
static int index_open_dbs(struct index *ix, struct err *e)
{
    unsigned create = ix->read_only ? 0 : MDB_CREATE;
    uint32_t version = 0;
    size_t size = sizeof version;
    int rc = ix->read_only ? index_read_txn(ix) : index_write_txn(ix);

    if (rc == 0)
        rc = index_code(mdb_dbi_open(ix->txn, "objects", create, &ix->objects));
    if (rc == 0)
        rc = index_code(mdb_dbi_open(ix->txn, "inodes", create, &ix->inodes));
    if (rc == 0)
        rc = index_code(mdb_dbi_open(ix->txn, "held", create, &ix->held));
    if (rc == 0)
        rc = index_code(mdb_dbi_open(ix->txn, "meta", create, &ix->meta));
    if (rc)
        return err_set(e, rc, "index", NULL, "the databases cannot be opened: %s", err_name(rc));
    rc = index_meta_get(ix, "version", &version, &size);
    if (!ix->read_only && (rc == -ENOENT || (rc == 0 && version < INDEX_VERSION))) {
        version = INDEX_VERSION;
        rc = index_meta_put(ix, "version", &version, sizeof version);
    }
    if (rc == 0 && version > INDEX_VERSION)
        return err_set(e, ERR_VERSION, "index", "use the newer lockstep",
                       "format %u is newer than this program's %u", version, INDEX_VERSION);
    if (ix->read_only && rc == 0) {
        /* Handles of a reading transaction live on only if it is committed. */
        rc = index_code(mdb_txn_commit(ix->txn));
        ix->txn = NULL;
        return rc;
    }
    return rc ? rc : index_commit(ix);
}

int index_open(const char *state_dir, bool read_only, struct index **ret, struct err *e)
{
    char dir[PATH_BYTES_MAX + 1];
    struct index *ix = calloc(1, sizeof *ix);
    int rc;

    if (!ix)
        return err_set(e, -ENOMEM, state_dir, NULL, "no memory");
    ix->read_only = read_only;
    rc = path_join(dir, sizeof dir, state_dir, "index");
    if (rc == 0 && !read_only && mkdir(dir, 0700) && errno != EEXIST)
        rc = -errno;
    if (rc == 0)
        rc = index_code(mdb_env_create(&ix->env));
    rc = rc ? rc : index_code(mdb_env_set_mapsize(ix->env, INDEX_MAP_BYTES));
    rc = rc ? rc : index_code(mdb_env_set_maxdbs(ix->env, 4));
    rc = rc ? rc : index_code(mdb_env_set_maxreaders(ix->env, INDEX_READERS_MAX));
    if (rc == 0)
        rc = index_code(mdb_env_open(
            ix->env, dir, MDB_NOMETASYNC | MDB_NOTLS | (read_only ? MDB_RDONLY : 0), 0600));
    if (rc)
        rc = err_set(e, rc, dir, NULL, "the index cannot be opened: %s", err_name(rc));
    else
        rc = index_open_dbs(ix, e);
    if (rc) {
        index_close(ix);
        return rc;
    }
    if (!read_only)
        ix->cache = index_cache_new(); /* slower without */
    *ret = ix;
    return 0;
}

void index_close(struct index *ix)
{
    if (!ix)
        return;
    if (ix->txn)
        mdb_txn_abort(ix->txn);
    if (ix->env)
        mdb_env_close(ix->env);
    index_cache_free(ix->cache);
    free(ix);
}

/* The key as LMDB gets it; `room` holds the short form of a long one. */
static MDB_val index_key(const char *key, char room[INDEX_KEY_MAX])
{
    size_t n = strlen(key);

    if (n <= INDEX_KEY_MAX)
        return (MDB_val){n, (void *)(uintptr_t)key};
    memcpy(room, key, INDEX_KEY_PREFIX);
    digest_sha256(key, n, (uint8_t *)room + INDEX_KEY_PREFIX);
    return (MDB_val){INDEX_KEY_MAX, room};
}

/* Decode a stored value. `full_key` (may be NULL) gets the whole key, from LMDB's or the value. */
static int object_decode(MDB_val k, MDB_val v, struct index_entry *ret,
                         char full_key[STORED_KEY_MAX + 1])
{
    int rc = stored_decode(v.mv_data, v.mv_size, ret, full_key);

    if (rc || !full_key || full_key[0])
        return rc;
    if (k.mv_size > INDEX_KEY_MAX)
        return ERR_CORRUPT;
    memcpy(full_key, k.mv_data, k.mv_size);
    full_key[k.mv_size] = '\0';
    return 0;
}

int index_get(struct index *ix, const char *key, struct index_entry *ret)
{
    char room[INDEX_KEY_MAX];
    MDB_val k, v;
    int rc = index_cache_get(ix->cache, key, ret);

    if (rc != -EAGAIN)
        return rc;
    k = index_key(key, room);
    rc = index_read_txn(ix);
    if (rc == 0)
        rc = index_code(mdb_get(ix->txn, ix->objects, &k, &v));
    if (rc == 0)
        rc = object_decode(k, v, ret, NULL);
    if (rc == 0 || rc == -ENOENT)
        index_cache_note(ix->cache, key, rc ? NULL : ret);
    return rc;
}

/* Take the key out of "inodes". */
static int inode_forget(struct index *ix, uint64_t ino, const char *key)
{
    uint8_t pair[STORED_PAIR_BYTES];
    MDB_val k = {sizeof pair, pair};
    int rc;

    stored_pair(ino, key, pair);
    rc = index_code(mdb_del(ix->txn, ix->inodes, &k, NULL));
    return rc == -ENOENT ? 0 : rc;
}

/* Note the key under its file's inode. */
static int inode_note(struct index *ix, uint64_t ino, const char *key)
{
    uint8_t pair[STORED_PAIR_BYTES];
    MDB_val k = {sizeof pair, pair}, v = {strlen(key), (void *)(uintptr_t)key};

    stored_pair(ino, key, pair);
    return index_code(mdb_put(ix->txn, ix->inodes, &k, &v, 0));
}

int index_put(struct index *ix, const char *key, const struct known *known, bool *ret_new)
{
    char room[INDEX_KEY_MAX];
    MDB_val k = index_key(key, room), v;
    bool with_key = k.mv_data == room;
    struct index_entry old;
    int rc = strlen(key) > STORED_KEY_MAX ? -ENAMETOOLONG : index_write_txn(ix), had;

    if (rc)
        return rc;
    had = index_get(ix, key, &old);
    if (had && had != -ENOENT)
        return had;
    index_cache_forget(ix->cache, key);
    if (had == 0 && old.known.ino != known->ino)
        rc = inode_forget(ix, old.known.ino, key);
    if (rc == 0 && (had || old.known.ino != known->ino))
        rc = inode_note(ix, known->ino, key);
    v.mv_size = stored_size(known, with_key ? key : NULL);
    if (rc == 0)
        rc = index_code(mdb_put(ix->txn, ix->objects, &k, &v, MDB_RESERVE));
    if (rc)
        return rc;
    stored_encode(known, with_key ? key : NULL, v.mv_data);
    if (ret_new)
        *ret_new = had == -ENOENT;
    if (ix->changed)
        ix->changed(ix->observer, key, had ? NULL : &old.known, known);
    return 0;
}

int index_remove(struct index *ix, const char *key, bool *ret_was)
{
    char room[INDEX_KEY_MAX];
    MDB_val k = index_key(key, room);
    struct index_entry old;
    int rc = index_write_txn(ix);

    if (rc == 0)
        rc = index_get(ix, key, &old);
    *ret_was = rc == 0;
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    index_cache_forget(ix->cache, key);
    rc = inode_forget(ix, old.known.ino, key);
    if (rc == 0)
        rc = index_code(mdb_del(ix->txn, ix->objects, &k, NULL));
    if (rc == 0 && ix->changed)
        ix->changed(ix->observer, key, &old.known, NULL);
    return rc;
}

void index_observe(struct index *ix, index_change_fn *changed, index_commit_fn *committing,
                   void *arg)
{
    ix->changed = changed;
    ix->committing = committing;
    ix->observer = arg;
}

int index_generation(struct index *ix, uint64_t *ret)
{
    int rc = index_read_txn(ix);

    if (rc == 0)
        *ret = mdb_txn_id(ix->txn);
    return rc;
}

/* The place where keys with this prefix begin. */
static MDB_val index_seek_key(const char *from)
{
    size_t n = strlen(from);

    return (MDB_val){n < INDEX_KEY_PREFIX ? n : INDEX_KEY_PREFIX, (void *)(uintptr_t)from};
}

/* The stored key can still be one with this prefix. */
static bool index_may_match(MDB_val k, const char *prefix)
{
    MDB_val p = index_seek_key(prefix);

    return k.mv_size >= p.mv_size && memcmp(k.mv_data, p.mv_data, p.mv_size) == 0;
}

/* A cursor in a table, at the first key from *k on (of no bytes: at the first of all). 0, -ENOENT
 * or another code; *ret: NULL if there is none to close. */
static int walk_open(struct index *ix, const MDB_dbi *table, MDB_cursor **ret, MDB_val *k,
                     MDB_val *v)
{
    int rc = index_read_txn(ix);

    *ret = NULL;
    if (rc == 0)
        rc = index_code(mdb_cursor_open(ix->txn, *table, ret));
    return rc ? rc : index_code(mdb_cursor_get(*ret, k, v, k->mv_size ? MDB_SET_RANGE : MDB_FIRST));
}

/* The end of a walk: its code. */
static int walk_end(MDB_cursor *c, int rc)
{
    if (c)
        mdb_cursor_close(c);
    return rc == -ENOENT ? 0 : rc;
}

/* The same in the objects, where the walk is of those with the prefix, behind `after` if not NULL.
 */
static int walk_objects(struct index *ix, const char *prefix, const char *after, MDB_cursor **ret,
                        MDB_val *k, MDB_val *v)
{
    char room[INDEX_KEY_MAX];
    MDB_val last;
    int rc;

    *k = after ? index_key(after, room) : index_seek_key(prefix);
    last = *k;
    rc = walk_open(ix, &ix->objects, ret, k, v);
    if (rc == 0 && after && k->mv_size == last.mv_size &&
        memcmp(k->mv_data, last.mv_data, last.mv_size) == 0)
        rc = index_code(mdb_cursor_get(*ret, k, v, MDB_NEXT));
    return rc;
}

int index_each_under(struct index *ix, const char *prefix, const char *after, index_fn *fn,
                     void *arg)
{
    MDB_cursor *c;
    MDB_val k, v;
    size_t prefix_n = strlen(prefix);
    struct index_entry entry;
    char key[STORED_KEY_MAX + 1];
    int rc = walk_objects(ix, prefix, after, &c, &k, &v);

    while (rc == 0 && index_may_match(k, prefix)) {
        rc = object_decode(k, v, &entry, key);
        if (rc == 0 && strncmp(key, prefix, prefix_n) == 0)
            rc = fn(arg, key, &entry.known);
        if (rc == 0)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    return walk_end(c, rc);
}

int index_each_inode(struct index *ix, uint64_t ino, index_fn *fn, void *arg)
{
    MDB_cursor *c;
    uint8_t pair[STORED_PAIR_BYTES] = {0};
    MDB_val k = {8, pair}, v;
    struct index_entry entry;
    char key[STORED_KEY_MAX + 1];
    int rc;

    for (int i = 0; i < 8; i++)
        pair[i] = (uint8_t)(ino >> (56 - 8 * i));
    rc = walk_open(ix, &ix->inodes, &c, &k, &v);
    while (rc == 0 && k.mv_size == STORED_PAIR_BYTES && memcmp(k.mv_data, pair, 8) == 0) {
        if (v.mv_size >= sizeof key) {
            rc = ERR_CORRUPT;
            break;
        }
        memcpy(key, v.mv_data, v.mv_size);
        key[v.mv_size] = '\0';
        rc = index_get(ix, key, &entry);
        if (rc == 0)
            rc = fn(arg, key, &entry.known);
        if (rc == 0 || rc == -ENOENT)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    return walk_end(c, rc);
}

/* Place the cursor behind everything beneath the directory `dir` + `name`: at "dir/name0", since
 * '0' follows '/'. */
static int child_skip(MDB_cursor *c, const char *dir, const char *name, size_t name_n, MDB_val *k,
                      MDB_val *v)
{
    char seek[1026];
    int n = snprintf(seek, sizeof seek, "%s%.*s0", dir, (int)name_n, name);

    if (n >= INDEX_KEY_PREFIX)
        return index_code(mdb_cursor_get(c, k, v, MDB_NEXT));
    *k = (MDB_val){(size_t)n, seek};
    return index_code(mdb_cursor_get(c, k, v, MDB_SET_RANGE));
}

int index_each_child(struct index *ix, const char *dir, index_fn *file,
                     int (*directory)(void *arg, const char *name), void *arg)
{
    MDB_cursor *c;
    MDB_val k = index_seek_key(dir), v;
    size_t dir_n = strlen(dir);
    struct index_entry entry;
    char key[STORED_KEY_MAX + 1];
    int rc = walk_open(ix, &ix->objects, &c, &k, &v);

    while (rc == 0 && index_may_match(k, dir)) {
        char *slash;

        rc = object_decode(k, v, &entry, key);
        if (rc)
            break;
        slash = strncmp(key, dir, dir_n) == 0 ? strchr(key + dir_n, '/') : NULL;
        if (slash) {
            *slash = '\0';
            rc = directory(arg, key + dir_n);
            if (rc == 0)
                rc = child_skip(c, dir, key + dir_n, strlen(key + dir_n), &k, &v);
            continue;
        }
        if (strncmp(key, dir, dir_n) == 0)
            rc = file(arg, key, &entry.known);
        if (rc == 0)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    return walk_end(c, rc);
}

/* index_fn that counts. */
static int count_one(void *arg, const char *key, const struct known *known)
{
    (void)key;
    (void)known;
    ++*(uint64_t *)arg;
    return 0;
}

int index_count(struct index *ix, const char *prefix, uint64_t *ret)
{
    MDB_cursor *c;
    MDB_val k, v;
    uint64_t n = 0;
    int rc;

    if (strlen(prefix) > INDEX_KEY_PREFIX) { /* LMDB's keys do not tell */
        rc = index_each_under(ix, prefix, NULL, count_one, &n);
    } else {
        rc = walk_objects(ix, prefix, NULL, &c, &k, &v);
        for (; rc == 0 && index_may_match(k, prefix); n++)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
        rc = walk_end(c, rc);
    }
    if (rc == 0)
        *ret = n;
    return rc;
}

int index_hold(struct index *ix, const char *key, bool released, bool *ret_new)
{
    uint8_t hash[SHA256_BYTES];
    char value[1 + STORED_KEY_MAX];
    MDB_val k = {sizeof hash, hash}, v = {1 + strlen(key), value}, old;
    int rc = index_write_txn(ix);

    if (rc)
        return rc;
    if (v.mv_size > sizeof value)
        return -ENAMETOOLONG;
    digest_sha256(key, strlen(key), hash);
    value[0] = released;
    memcpy(value + 1, key, v.mv_size - 1);
    if (ret_new)
        *ret_new = mdb_get(ix->txn, ix->held, &k, &old) == MDB_NOTFOUND;
    return index_code(mdb_put(ix->txn, ix->held, &k, &v, 0));
}

int index_unhold(struct index *ix, const char *key, bool *ret_was)
{
    uint8_t hash[SHA256_BYTES];
    MDB_val k = {sizeof hash, hash}, v;
    int rc = index_read_txn(ix);

    *ret_was = false;
    digest_sha256(key, strlen(key), hash);
    if (rc == 0)
        rc = index_code(mdb_get(ix->txn, ix->held, &k, &v));
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    rc = index_write_txn(ix);
    if (rc == 0)
        rc = index_code(mdb_del(ix->txn, ix->held, &k, NULL));
    *ret_was = rc == 0;
    return rc;
}

int index_is_held(struct index *ix, const char *key, bool *ret)
{
    uint8_t hash[SHA256_BYTES];
    MDB_val k = {sizeof hash, hash}, v;
    int rc = index_read_txn(ix);

    digest_sha256(key, strlen(key), hash);
    if (rc == 0)
        rc = index_code(mdb_get(ix->txn, ix->held, &k, &v));
    *ret = rc == 0 && v.mv_size > 0 && *(const char *)v.mv_data == 0;
    return rc == -ENOENT ? 0 : rc;
}

int index_each_held(struct index *ix, const char *prefix,
                    int (*fn)(void *arg, const char *key, bool released), void *arg)
{
    MDB_cursor *c;
    MDB_val k = {0}, v;
    char key[STORED_KEY_MAX + 1];
    int rc = walk_open(ix, &ix->held, &c, &k, &v);

    while (rc == 0) {
        const char *p = v.mv_data;

        if (v.mv_size < 1 || v.mv_size > sizeof key) {
            rc = ERR_CORRUPT;
            break;
        }
        memcpy(key, p + 1, v.mv_size - 1);
        key[v.mv_size - 1] = '\0';
        if (strncmp(key, prefix, strlen(prefix)) == 0)
            rc = fn(arg, key, p[0] != 0);
        if (rc == 0)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    return walk_end(c, rc);
}

/* A meta value in a transaction. */
static int meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, void *value, size_t *size)
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

    return rc ? rc : meta_get(ix->txn, ix->meta, name, value, size);
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

int index_meta_each(struct index *ix, const char *prefix, const char *from, index_meta_fn *fn,
                    void *arg)
{
    MDB_val k = {strlen(from ? from : prefix), (void *)(uintptr_t)(from ? from : prefix)}, v;
    MDB_cursor *c;
    int rc = walk_open(ix, &ix->meta, &c, &k, &v);

    while (rc == 0 && index_may_match(k, prefix)) {
        rc = fn(arg, (struct span){k.mv_data, k.mv_size}, (struct span){v.mv_data, v.mv_size});
        if (rc == 0)
            rc = index_code(mdb_cursor_get(c, &k, &v, MDB_NEXT));
    }
    return walk_end(c, rc);
}

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

/* The flags of what is known of an object. False: nothing is. */
static bool view_flags(struct index_view *view, const char *key, unsigned *ret)
{
    char room[INDEX_KEY_MAX];
    MDB_val k = index_key(key, room), v;

    return mdb_get(view->txn, view->objects, &k, &v) == 0 &&
           stored_flags(v.mv_data, v.mv_size, ret) == 0;
}

bool index_view_has(struct index_view *view, const char *key)
{
    unsigned flags;

    return view_flags(view, key, &flags) && !(flags & KNOWN_UNCERTAIN);
}

bool index_view_keeps(struct index_view *view, const char *key)
{
    unsigned flags;

    return view_flags(view, key, &flags) && (flags & KNOWN_KEPT) != 0;
}

int index_view_meta(struct index_view *view, const char *name, void *value, size_t *size)
{
    return meta_get(view->txn, view->meta, name, value, size);
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
