/*
 * Uploads in parts that are under way: in memory, their parts in spool files. Shell. Thread-safe.
 */
#ifndef LOCKSTEP_S3D_UPLOADS_H
#define LOCKSTEP_S3D_UPLOADS_H

#include "tests/s3d/code.h"
#include "tests/s3d/hashes.h"
#include "tests/s3d/text.h"

#define PART_NUMBER_MAX 10000

struct part {
    unsigned number;
    char *file; /* owned; removed with the part */
    uint64_t size;
    int64_t mtime_s;
    struct hash_value md5;
    bool has_checksum;
    enum hash algorithm;
    struct hash_value checksum;
};

struct upload {
    struct upload *next;
    char *id;
    char *bucket;
    char *key;
    int64_t mtime_s;
    struct pairs headers;
    bool has_algorithm; /* the parts' checksum was named when it began */
    enum hash algorithm;
    bool composite;
    struct part *parts; /* by number */
    size_t parts_n;
};

struct uploads;

struct uploads *uploads_new(void);
void uploads_free(struct uploads *u);

/* uploads_begin(u, up): takes over a new upload and gives it its id; the id is copied to ret_id. */
void uploads_begin(struct uploads *u, struct upload *up, char ret_id[40]);

/* uploads_lock(u, id, bucket, key): that upload, borrowed, with the table locked until
 * uploads_unlock(u). NULL, and no lock, if there is none. */
struct upload *uploads_lock(struct uploads *u, const char *id, const char *bucket, const char *key);
void uploads_unlock(struct uploads *u);

/* uploads_take(u, id, bucket, key): out of the table, the caller's; NULL if there is none (or
 * another request has it). uploads_put(u, up): back in. */
struct upload *uploads_take(struct uploads *u, const char *id, const char *bucket, const char *key);
void uploads_put(struct uploads *u, struct upload *up);

/* upload_new(bucket, key), upload_free(up): with the parts' files. */
struct upload *upload_new(const char *bucket, const char *key);
void upload_free(struct upload *up);

/* upload_set_part(up, p): takes over the part, in place of one of that number. upload_part: the one
 * of that number, or NULL. */
void upload_set_part(struct upload *up, struct part p);
struct part *upload_part(struct upload *up, unsigned number);

/* uploads_visit(u, bucket, visit, context): each of a bucket, by key and then by age, under the
 * lock. */
typedef void upload_visit(void *context, const struct upload *up);
void uploads_visit(struct uploads *u, const char *bucket, upload_visit *visit, void *context);

#endif
