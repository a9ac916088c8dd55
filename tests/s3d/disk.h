/*
 * The files under the store's root. Shell.
 */
#ifndef LOCKSTEP_S3D_DISK_H
#define LOCKSTEP_S3D_DISK_H

#include "tests/s3d/object.h"

/* disk_join(dir, name): "dir/name", the caller's to free. */
char *disk_join(const char *dir, const char *name);

/* disk_prepare(root, spool): make both, empty the spool. 0 or -errno. */
int disk_prepare(const char *root, const char *spool) __attribute__((warn_unused_result));

/* disk_load(root, visit, context): call visit for every bucket (o NULL) and every whole version in
 * it (the reference is the visitor's). Torn files are removed. 0 or -errno. */
typedef void disk_visit(void *context, const char *bucket, struct object *o);
int disk_load(const char *root, disk_visit *visit, void *context)
    __attribute__((warn_unused_result));

/* disk_make_bucket: the bucket's folder, 0 or -errno. disk_remove_bucket: of an empty one. */
int disk_make_bucket(const char *root, const char *bucket) __attribute__((warn_unused_result));
void disk_remove_bucket(const char *root, const char *bucket);

/* disk_object_path(...): where a version's file lies; the caller's to free. */
char *disk_object_path(const char *root, const char *bucket, const char *key, uint64_t seq);

/* disk_write(o, p, n): the file of `o` at o->file with this body. 0 or -errno, then without file.
 */
int disk_write(const struct object *o, const char *p, size_t n) __attribute__((warn_unused_result));

/* disk_adopt(o, fd, file): `file`, open as fd, holds the body: complete it, move it to o->file. */
int disk_adopt(const struct object *o, int fd, const char *file)
    __attribute__((warn_unused_result));

#endif
