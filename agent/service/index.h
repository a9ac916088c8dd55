/*
 * The index: what is known to be in S3, by key, in LMDB. Shell.
 *
 * Derived state: journal and disk can make it again. Writes gather in one transaction until
 * index_commit; the owner thread sees them at once, others (views, other processes) after it.
 *
 * Keys are ordered bytewise, as S3 lists them. LMDB takes keys of at most 511 bytes; a longer one
 * is stored under its first 468 bytes and its SHA-256, so that among such keys alone the order is
 * lost.
 *
 * Databases: "objects" key -> struct known; "inodes" inode and key's hash -> key; "held" key -> is
 * it released; "meta" name -> value.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_INDEX_H
#define LOCKSTEP_AGENT_SERVICE_INDEX_H

#include "agent/core/plan.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;

/* An entry with the memory that its moved_to needs. */
struct index_entry {
    struct known known;
    char moved_to[1025];
};

/* index_open(state_dir, read_only, ret, e): state_dir/index; made if missing (not read-only:
 * -ENOENT then). ERR_VERSION where its format is newer than this program. */
int index_open(const char *state_dir, bool read_only, struct index **ret, struct err *e)
    __attribute__((warn_unused_result));
/* index_open_empty(ret, e): an index with nothing in it that vanishes when it is closed; for use
 * where index_open said -ENOENT, whose fault in e it clears. */
int index_open_empty(struct index **ret, struct err *e) __attribute__((warn_unused_result));
/* index_close(ix): what was not committed is lost. NULL is allowed. */
void index_close(struct index *ix);

/* index_commit(ix): make the writes so far durable and visible. */
int index_commit(struct index *ix) __attribute__((warn_unused_result));

/* index_sync(ix): what was committed outlives a loss of power too (index_commit alone may lose the
 * last commit then). */
int index_sync(struct index *ix) __attribute__((warn_unused_result));

/* index_get(ix, key, ret): 0 or -ENOENT; other negative codes where LMDB fails. */
int index_get(struct index *ix, const char *key, struct index_entry *ret)
    __attribute__((warn_unused_result));
/* index_put(ix, key, known, ret_new): ret_new (may be NULL): it was not there. -ENAMETOOLONG past
 * 1024 bytes; index_hold too. */
int index_put(struct index *ix, const char *key, const struct known *known, bool *ret_new)
    __attribute__((warn_unused_result));
/* index_remove(ix, key, ret_was): it may be absent. */
int index_remove(struct index *ix, const char *key, bool *ret_was)
    __attribute__((warn_unused_result));

/* index_observe(ix, changed, committing, arg): `changed` hears of each entry that is put or removed
 * from now on, with what it was and is; NULL: there was or is none. It may not use the index.
 * `committing` is called before writes are committed, and may write meta values; what it returns
 * but 0 index_commit hands back, with nothing committed. */
typedef void index_change_fn(void *arg, const char *key, const struct known *was,
                             const struct known *now);
typedef int index_commit_fn(void *arg);
void index_observe(struct index *ix, index_change_fn *changed, index_commit_fn *committing,
                   void *arg);

/* index_generation(ix, ret): the number of the commit that what was written will be part of; where
 * nothing was written, of the last one. Each that changes anything has the next higher one, whoever
 * makes it. */
int index_generation(struct index *ix, uint64_t *ret) __attribute__((warn_unused_result));

/* Walkers: fn may not write to the index; a non-zero return stops and is handed back. */
typedef int index_fn(void *arg, const char *key, const struct known *known);
/* index_each_under(ix, prefix, after, fn, arg): keys that start with prefix and, where after (one
 * with the prefix, in the index or not) is not NULL, lie behind it; in the order in which they are
 * stored. */
int index_each_under(struct index *ix, const char *prefix, const char *after, index_fn *fn,
                     void *arg) __attribute__((warn_unused_result));
/* index_each_inode(ix, ino, fn, arg): the entries made from a file with this inode. */
int index_each_inode(struct index *ix, uint64_t ino, index_fn *fn, void *arg)
    __attribute__((warn_unused_result));
/* index_each_child(ix, dir, file, directory, arg): what the index has directly in a directory
 * (`dir` is "" or a key ending in '/'): `file` for objects, `directory` for names that only occur
 * before a '/' (name without it; may be told twice). */
int index_each_child(struct index *ix, const char *dir, index_fn *file,
                     int (*directory)(void *arg, const char *name), void *arg)
    __attribute__((warn_unused_result));

/* index_count(ix, prefix, ret): entries under a prefix; walks them. */
int index_count(struct index *ix, const char *prefix, uint64_t *ret)
    __attribute__((warn_unused_result));

/* The held removals. ret_new (may be NULL): it was not held yet. index_each_held: all under a
 * prefix, in no order. */
int index_hold(struct index *ix, const char *key, bool released, bool *ret_new)
    __attribute__((warn_unused_result));
/* index_unhold(ix, key, ret_was). */
int index_unhold(struct index *ix, const char *key, bool *ret_was)
    __attribute__((warn_unused_result));
/* index_is_held(ix, key, ret): held, and not released. */
int index_is_held(struct index *ix, const char *key, bool *ret) __attribute__((warn_unused_result));
int index_each_held(struct index *ix, const char *prefix,
                    int (*fn)(void *arg, const char *key, bool released), void *arg)
    __attribute__((warn_unused_result));

/* Meta values. index_meta_get: *size is the room before, the size after; -ENOENT, -ENOSPC. */
int index_meta_get(struct index *ix, const char *name, void *value, size_t *size)
    __attribute__((warn_unused_result));
int index_meta_put(struct index *ix, const char *name, const void *value, size_t size)
    __attribute__((warn_unused_result));

/* index_meta_remove(ix, name): it may be absent. */
int index_meta_remove(struct index *ix, const char *name) __attribute__((warn_unused_result));
/* index_meta_each(ix, prefix, from, fn, arg): the values whose names begin with the prefix, in the
 * order of the names; if `from` is not NULL, from that name on. fn may not write to the index; a
 * non-zero return stops and is handed back. */
typedef int index_meta_fn(void *arg, struct span name, struct span value);
int index_meta_each(struct index *ix, const char *prefix, const char *from, index_meta_fn *fn,
                    void *arg) __attribute__((warn_unused_result));

/* A view of what is committed, for another thread. One thread each; short-lived. */
struct index_view;
int index_view_open(struct index *ix, struct index_view **ret) __attribute__((warn_unused_result));
/* index_view_has(v, key): the object is in S3 for certain (not UNCERTAIN). */
bool index_view_has(struct index_view *v, const char *key);
/* index_view_keeps(v, key): the object stays though its file is gone (KEPT). */
bool index_view_keeps(struct index_view *v, const char *key);
/* index_view_meta(v, name, value, size): as index_meta_get. */
int index_view_meta(struct index_view *v, const char *name, void *value, size_t *size)
    __attribute__((warn_unused_result));
/* index_view_span(v, name, ret): the value where it lies, until the view is closed. False: there is
 * none, or it cannot be read. */
bool index_view_span(struct index_view *v, const char *name, struct span *ret);
void index_view_close(struct index_view *v);

#endif
