/*
 * The body of a request as it comes in: decoded, hashed, kept in memory while it is small and in a
 * file beyond, and held in the end against everything that the headers claim of it. Shell.
 */
#ifndef LOCKSTEP_S3D_BODY_H
#define LOCKSTEP_S3D_BODY_H

#include "tests/s3d/auth.h"
#include "tests/s3d/chunks.h"
#include "tests/s3d/hashes.h"

#define BODY_MEMORY_MAX (1 << 20) /* an object's body beyond this goes to a file */
#define BODY_XML_MAX    (4 << 20)
#define BODY_OBJECT_MAX ((uint64_t)5 << 30)

struct body {
    enum body_use use;
    struct buf memory;
    int fd;     /* the spool file, or -1 */
    char *file; /* its path; the file is removed with the body unless it was taken */
    const char *spool_dir;
    uint64_t size; /* decoded bytes */
    bool framed;   /* aws-chunked */
    struct chunks chunks;
    uint64_t announced; /* bytes that must come, UINT64_MAX if nobody said */
    struct hashes hashes;
    struct hash_value claimed[HASH_COUNT];
    struct hash_value got[HASH_COUNT];
    bool has_checksum;  /* the request carries an x-amz-checksum-* ... */
    enum hash checksum; /* ... of this kind; otherwise HASH_CRC64NVME is computed */
    enum code error;    /* the first failure; later bytes are dropped */
};

/* body_begin(b, r, a, spool_dir): read what the headers claim. b->error tells of what is wrong.
 * spool_dir is borrowed. */
void body_begin(struct body *b, const struct request *r, const struct auth *a,
                const char *spool_dir);

/* body_add(b, p, n): the next bytes as they came. */
void body_add(struct body *b, const char *p, size_t n);

/* body_end(b): all came. The verdict; CODE_OK: b->got is set and the bytes are in memory or fd. */
enum code body_end(struct body *b) __attribute__((warn_unused_result));

/* body_spool(b): see to it that the bytes of a body that ended well are in its file. */
enum code body_spool(struct body *b) __attribute__((warn_unused_result));

/* body_release(b): also of a body that never began (all zero but fd -1). */
void body_release(struct body *b);

/* spool_name(dir): a fresh path in it; the caller's to free. Thread-safe. */
char *spool_name(const char *dir);

#endif
