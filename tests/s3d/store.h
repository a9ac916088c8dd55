/*
 * Buckets and objects: an index in memory, a file a version on disk. Shell. Thread-safe.
 *
 *   <root>/<bucket>/<2 hex>/<sha256 of the key>.<seq>   one version: body, properties, footer
 *   <root>/.spool/                                      bodies on their way in; emptied at start
 *
 * No name on disk is made of a key's own bytes, so no key leads anywhere. Nothing is synced: this
 * is a test server. Uploads in parts live in memory (their parts in .spool) and end with the
 * process.
 */
#ifndef LOCKSTEP_S3D_STORE_H
#define LOCKSTEP_S3D_STORE_H

#include "tests/s3d/body.h"
#include "tests/s3d/code.h"
#include "tests/s3d/listing.h"
#include "tests/s3d/object.h"

struct store;

/* store_open(root, versioning, ret): create or load. 0 or -errno. */
int store_open(const char *root, bool versioning, struct store **ret)
    __attribute__((warn_unused_result));
void store_close(struct store *s);

const char *store_spool(const struct store *s);
bool store_is_versioned(const struct store *s);

/* Buckets. store_buckets: their names in order, each the caller's to free, as is the array. */
enum code store_bucket_create(struct store *s, const char *bucket)
    __attribute__((warn_unused_result));
enum code store_bucket_delete(struct store *s, const char *bucket)
    __attribute__((warn_unused_result));
enum code store_bucket_check(struct store *s, const char *bucket)
    __attribute__((warn_unused_result));
char **store_buckets(struct store *s, size_t *ret_n);

/* What must hold of the key's current object for a change to be made; strings borrowed. */
struct condition {
    const char *if_match; /* an ETag, quoted or not, or "*"; NULL: no condition */
    bool if_absent;       /* If-None-Match: * */
};

/* store_put(s, bucket, o, body, cond): make `o` the key's current version with the bytes of the
 * body. size, seq and version of `o` are set here, and its reference stays the caller's. */
enum code store_put(struct store *s, const char *bucket, struct object *o, struct body *body,
                    const struct condition *cond) __attribute__((warn_unused_result));

/* store_put_file(s, bucket, o, fd, file, size, cond): the same with the bytes of a spool file; on
 * success the file has moved away. */
enum code store_put_file(struct store *s, const char *bucket, struct object *o, int fd,
                         const char *file, uint64_t size, const struct condition *cond)
    __attribute__((warn_unused_result));

/* store_get(s, bucket, key, version, ret): a reference to the current version (version NULL) or to
 * that one. A delete marker is CODE_NO_SUCH_KEY, or with its version named CODE_METHOD_NOT_ALLOWED;
 * *ret is then NULL. */
enum code store_get(struct store *s, const char *bucket, const char *key, const char *version,
                    struct object **ret) __attribute__((warn_unused_result));

/* store_read(o, ret_fd): a descriptor of the version's file; the body is its first o->size bytes.
 */
enum code store_read(const struct object *o, int *ret_fd) __attribute__((warn_unused_result));

/* store_delete(s, bucket, key, version, cond, ret): remove the version, or the current object (with
 * versioning: put a marker). Not an error where there is none. *ret: the marker put or the version
 * removed (a reference), or NULL. */
enum code store_delete(struct store *s, const char *bucket, const char *key, const char *version,
                       const struct condition *cond, struct object **ret)
    __attribute__((warn_unused_result));

/* store_list(s, bucket, q, ret): one page, to be given to listing_release(). */
enum code store_list(struct store *s, const char *bucket, const struct listing_query *q,
                     struct listing *ret) __attribute__((warn_unused_result));

#endif
