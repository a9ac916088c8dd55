/*
 * Manifests: which objects in S3 a training job reads, made of a list. Pure.
 *
 * A manifest file is one JSON array, [{"prefix":"s3://bucket/images/"},"cat/a.jpg",...]: the job
 * gets these objects alone. An augmented manifest has a JSON line an image, with its label:
 * {"source-ref":"s3://bucket/images/cat/a.jpg","class":"0"}. Both in the order of the list.
 *
 * Limits are those of S3 (a key has up to 1024 bytes of UTF-8) and of SageMaker's S3DataSource.
 */
#ifndef LOCKSTEP_LISTS_MANIFEST_H
#define LOCKSTEP_LISTS_MANIFEST_H

#include "lists/check.h"

#define S3_KEY_BYTES_MAX  1024
#define S3_URI_BYTES_MAX  1024
#define S3_BUCKET_MIN     3
#define S3_BUCKET_MAX     63
#define ATTRIBUTE_DEFAULT "class"

struct manifest_options {
    const char *prefix;    /* "s3://bucket/images/", of the images; ends in '/' */
    bool augmented;        /* labels, too */
    const char *attribute; /* their name */
    /* Whether the object of an image is kept out of S3; NULL: none is. */
    bool (*excludes)(void *arg, const char *path);
    void *arg;
};

/* s3_uri_check(uri, e): s3:// with a bucket's name and a key or none, within the limits above. 0 or
 * ERR_SYNTAX. */
int s3_uri_check(const char *uri, struct err *e) __attribute__((warn_unused_result));

/* manifest_write(list, opt, out, ret_images, e): append it to out. Blank rows are passed over; any
 * other row that cannot be in it ends it. 0, ERR_SYNTAX, ERR_LIMIT, -ENOMEM; on error out is as
 * before. */
int manifest_write(const struct lst_list *list, const struct manifest_options *opt, struct buf *out,
                   uint64_t *ret_images, struct err *e) __attribute__((warn_unused_result));

#endif
