/* Buckets and objects: an index in memory, a file a version on disk. Shell. */
#include "tests/s3d/store.h"

#include "base/tree.h"
#include "tests/s3d/disk.h"
#include "tests/s3d/index.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct bucket {
    char *name;
    struct index *index;
};

struct store {
    pthread_mutex_t lock; /* of everything below; never held over reading or writing a body */
    char *root;
    char *spool;
    bool versioning;
    atomic_ullong seq;
    struct bucket *buckets; /* in order of their names */
    size_t buckets_n;
};

/* The bucket of that name, or NULL. Called with the lock. */
static struct bucket *find_bucket(const struct store *s, const char *name)
{
    for (size_t i = 0; i < s->buckets_n; i++)
        if (strcmp(s->buckets[i].name, name) == 0)
            return &s->buckets[i];
    return NULL;
}

/* Add a bucket in its place. */
static struct bucket *add_bucket(struct store *s, const char *name)
{
    s->buckets = mem_grow(s->buckets, (s->buckets_n + 1) * sizeof(*s->buckets));
    size_t at = s->buckets_n++;
    for (; at > 0 && strcmp(s->buckets[at - 1].name, name) > 0; at--)
        s->buckets[at] = s->buckets[at - 1];
    s->buckets[at] = (struct bucket){mem_dup(name), index_new()};
    return &s->buckets[at];
}

/* Put a version in front of the key's others, or where its seq belongs while loading. */
static void link_version(struct bucket *b, struct object *o)
{
    struct object *newest = index_get(b->index, o->key);
    if (!newest || newest->seq < o->seq) {
        o->older = newest;
        (void)index_set(b->index, o->key, object_ref(o)); /* newest is now held by o->older */
        return;
    }
    while (newest->older && newest->older->seq > o->seq)
        newest = newest->older;
    o->older = newest->older;
    newest->older = object_ref(o);
}

/* Loading: take in one version from disk. */
static void load_version(void *context, const char *bucket, struct object *o)
{
    struct store *s = context;
    struct bucket *b = find_bucket(s, bucket);
    if (!b)
        b = add_bucket(s, bucket);
    if (!o)
        return;
    if (o->seq >= atomic_load(&s->seq))
        atomic_store(&s->seq, o->seq + 1);
    link_version(b, o);
    struct object *newest = index_get(b->index, o->key);
    if (strcmp(newest->version, "null") == 0 && newest->older) {
        (void)unlink(newest->older->file); /* replaced by a newer one just before the end */
        object_unref(newest->older);
        newest->older = NULL;
    }
    object_unref(o);
}

int store_open(const char *root, bool versioning, struct store **ret)
{
    struct store *s = mem_new(sizeof(*s));
    s->root = mem_dup(root);
    s->spool = disk_join(root, ".spool");
    s->versioning = versioning;
    atomic_init(&s->seq, 1);
    (void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
    int code = disk_prepare(root, s->spool);
    if (!code)
        code = disk_load(root, load_version, s);
    if (code) {
        store_close(s);
        return code;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->buckets_n; i++) {
        free(s->buckets[i].name);
        index_free(s->buckets[i].index);
    }
    free(s->buckets);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->root);
    free(s->spool);
    free(s);
}

const char *store_spool(const struct store *s)
{
    return s->spool;
}

bool store_is_versioned(const struct store *s)
{
    return s->versioning;
}

enum code store_bucket_check(struct store *s, const char *bucket)
{
    (void)pthread_mutex_lock(&s->lock);
    enum code code = find_bucket(s, bucket) ? CODE_OK : CODE_NO_SUCH_BUCKET;
    (void)pthread_mutex_unlock(&s->lock);
    return code;
}

enum code store_bucket_create(struct store *s, const char *bucket)
{
    enum code code = CODE_OK;
    (void)pthread_mutex_lock(&s->lock);
    if (find_bucket(s, bucket))
        code = CODE_BUCKET_EXISTS;
    else if (disk_make_bucket(s->root, bucket) != 0)
        code = CODE_INTERNAL_ERROR;
    else
        (void)add_bucket(s, bucket);
    (void)pthread_mutex_unlock(&s->lock);
    return code;
}

enum code store_bucket_delete(struct store *s, const char *bucket)
{
    enum code code = CODE_OK;
    (void)pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, bucket);
    if (!b) {
        code = CODE_NO_SUCH_BUCKET;
    } else if (index_count(b->index) > 0) {
        code = CODE_BUCKET_NOT_EMPTY;
    } else {
        disk_remove_bucket(s->root, bucket);
        free(b->name);
        index_free(b->index);
        size_t at = (size_t)(b - s->buckets);
        memmove(b, b + 1, (s->buckets_n - at - 1) * sizeof(*b));
        s->buckets_n--;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return code;
}

char **store_buckets(struct store *s, size_t *ret_n)
{
    (void)pthread_mutex_lock(&s->lock);
    char **names = mem_new((s->buckets_n + 1) * sizeof(*names));
    for (size_t i = 0; i < s->buckets_n; i++)
        names[i] = mem_dup(s->buckets[i].name);
    *ret_n = s->buckets_n;
    (void)pthread_mutex_unlock(&s->lock);
    return names;
}

/* Hold a condition against the current version; with the lock. */
static enum code check_condition(const struct condition *cond, const struct object *now)
{
    bool exists = now && !now->marker;
    if (!cond)
        return CODE_OK;
    if (cond->if_absent && exists)
        return CODE_PRECONDITION_FAILED;
    if (!cond->if_match)
        return CODE_OK;
    if (!exists)
        return CODE_NO_SUCH_KEY;
    return object_etag_fits(now, cond->if_match) ? CODE_OK : CODE_PRECONDITION_FAILED;
}

/* Give the version its number and the name of its file. */
static void number_version(struct store *s, const char *bucket, struct object *o)
{
    o->seq = atomic_fetch_add(&s->seq, 1);
    o->mtime_s = o->mtime_s ? o->mtime_s : (int64_t)time(NULL);
    if (s->versioning)
        (void)snprintf(o->version, sizeof(o->version), "%016llx", (unsigned long long)o->seq);
    o->file = disk_object_path(s->root, bucket, o->key, o->seq);
}

/* Make `o`, whose file is in place, the current version if the condition holds. */
static enum code publish(struct store *s, const char *bucket, struct object *o,
                         const struct condition *cond)
{
    struct object *replaced = NULL;
    (void)pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, bucket);
    struct object *now = b ? index_get(b->index, o->key) : NULL;
    enum code code = b ? check_condition(cond, now) : CODE_NO_SUCH_BUCKET;
    if (code == CODE_OK && s->versioning)
        link_version(b, o);
    else if (code == CODE_OK)
        replaced = index_set(b->index, o->key, object_ref(o));
    (void)pthread_mutex_unlock(&s->lock);
    if (code)
        (void)unlink(o->file); /* a name that nobody else knows */
    if (replaced)
        (void)unlink(replaced->file); /* readers hold it open */
    object_unref(replaced);
    return code;
}

enum code store_put_file(struct store *s, const char *bucket, struct object *o, int fd,
                         const char *file, uint64_t size, const struct condition *cond)
{
    o->size = size;
    number_version(s, bucket, o);
    if (disk_adopt(o, fd, file) != 0)
        return CODE_INTERNAL_ERROR;
    return publish(s, bucket, o, cond);
}

enum code store_put(struct store *s, const char *bucket, struct object *o, struct body *body,
                    const struct condition *cond)
{
    if (body->fd >= 0)
        return store_put_file(s, bucket, o, body->fd, body->file, body->size, cond);
    o->size = body->size;
    number_version(s, bucket, o);
    if (disk_write(o, body->memory.data, body->memory.len) != 0)
        return CODE_INTERNAL_ERROR;
    return publish(s, bucket, o, cond);
}

/* The version of that id among a key's versions. */
static struct object *find_version(struct object *newest, const char *version)
{
    while (newest && strcmp(newest->version, version) != 0)
        newest = newest->older;
    return newest;
}

enum code store_get(struct store *s, const char *bucket, const char *key, const char *version,
                    struct object **ret)
{
    enum code code = CODE_OK;
    *ret = NULL;
    (void)pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, bucket);
    struct object *o = b ? index_get(b->index, key) : NULL;
    if (o && version)
        o = find_version(o, version);
    if (!b)
        code = CODE_NO_SUCH_BUCKET;
    else if (!o)
        code = version ? CODE_NO_SUCH_VERSION : CODE_NO_SUCH_KEY;
    else if (o->marker)
        code = version ? CODE_METHOD_NOT_ALLOWED : CODE_NO_SUCH_KEY;
    else
        *ret = object_ref(o);
    (void)pthread_mutex_unlock(&s->lock);
    return code;
}

enum code store_read(const struct object *o, int *ret_fd)
{
    int fd = open(o->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return CODE_INTERNAL_ERROR;
    *ret_fd = fd;
    return CODE_OK;
}

/* Take one version out of a key's list; returns the index's or the list's reference to it. */
static struct object *unlink_version(struct bucket *b, const char *key, const char *version)
{
    struct object *newest = index_get(b->index, key);
    if (!newest)
        return NULL;
    if (!version || strcmp(newest->version, version) == 0) {
        struct object *older = newest->older;
        newest->older = NULL;
        return index_set(b->index, key, older);
    }
    for (struct object *o = newest; o->older; o = o->older) {
        struct object *found = o->older;
        if (strcmp(found->version, version) != 0)
            continue;
        o->older = found->older;
        found->older = NULL;
        return found;
    }
    return NULL;
}

/* Put a delete marker in front of a key's versions. */
static enum code put_marker(struct store *s, const char *bucket, const char *key,
                            const struct condition *cond, struct object **ret)
{
    struct object *marker = object_new(key);
    marker->marker = true;
    number_version(s, bucket, marker);
    enum code code =
        disk_write(marker, "", 0) == 0 ? publish(s, bucket, marker, cond) : CODE_INTERNAL_ERROR;
    if (code)
        object_unref(marker);
    else
        *ret = marker;
    return code;
}

enum code store_delete(struct store *s, const char *bucket, const char *key, const char *version,
                       const struct condition *cond, struct object **ret)
{
    *ret = NULL;
    if (s->versioning && !version)
        return put_marker(s, bucket, key, cond, ret);
    (void)pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, bucket);
    enum code code = b ? check_condition(cond, index_get(b->index, key)) : CODE_NO_SUCH_BUCKET;
    if (!code)
        *ret = unlink_version(b, key, version);
    (void)pthread_mutex_unlock(&s->lock);
    if (*ret)
        (void)unlink((*ret)->file); /* readers hold it open */
    return code;
}

enum code store_list(struct store *s, const char *bucket, const struct listing_query *q,
                     struct listing *ret)
{
    *ret = (struct listing){0};
    (void)pthread_mutex_lock(&s->lock);
    struct bucket *b = find_bucket(s, bucket);
    if (b && q->max > 0)
        listing_fill(b->index, q, ret);
    (void)pthread_mutex_unlock(&s->lock);
    return b ? CODE_OK : CODE_NO_SUCH_BUCKET;
}
