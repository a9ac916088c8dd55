/*
 * One version of one object: what the server knows of it without looking at its file. Pure.
 *
 * On disk a version is one file: the body, then this text, then a footer:
 *
 *   <body bytes> <"name:value\n" lines> <8 hex digits: bytes of the lines> "S3D1"
 *
 * A file without a whole footer is a torn write and counts as not there.
 */
#ifndef LOCKSTEP_S3D_OBJECT_H
#define LOCKSTEP_S3D_OBJECT_H

#include "tests/s3d/hashes.h"
#include "tests/s3d/text.h"

#include <stdatomic.h>

#define OBJECT_FOOTER_BYTES 12
#define OBJECT_LINES_MAX    65536

struct object {
    atomic_uint refs;
    char *key;
    char *file;       /* path of its file; owned */
    uint64_t seq;     /* rises with every version stored */
    char version[20]; /* "null" where the server keeps no versions */
    bool marker;      /* a delete marker: nothing but a key and a version */
    uint64_t size;    /* bytes of the body */
    int64_t mtime_s;
    char etag[48]; /* without quotes */
    bool has_checksum;
    bool composite; /* the checksum is one over the parts' checksums, "...-N" */
    enum hash algorithm;
    char checksum[HASH_TEXT_MAX];
    struct pairs headers; /* Content-Type, x-amz-meta-* ... : as they are given back */
    struct object *older; /* the version before this one; holds a reference */
};

/* object_new(key): one reference. object_ref, object_unref: count; the last unref frees. */
struct object *object_new(const char *key);
struct object *object_ref(struct object *o);
void object_unref(struct object *o);

/* object_etag_fits(o, condition): is its ETag the one of If-Match or the like: quoted, bare, "*"?
 */
bool object_etag_fits(const struct object *o, const char *condition);

/* object_render(o, out): lines and footer. */
void object_render(const struct object *o, struct buf *out);

/* object_footer(p, ret): the bytes of the lines, from the last OBJECT_FOOTER_BYTES of a file. */
bool object_footer(const char *p, uint64_t *ret);

/* object_parse(lines, n): a new object, or NULL where they are not what object_render makes. */
struct object *object_parse(const char *lines, size_t n);

#endif
