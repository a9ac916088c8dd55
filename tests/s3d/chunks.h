/*
 * The aws-chunked framing of a body, decoded and its signatures verified. Pure.
 *
 *   <hex size>[;chunk-signature=<hex>]\r\n <bytes> \r\n ... 0[;chunk-signature=<hex>]\r\n
 *   [<name>:<value>\r\n ...] [x-amz-trailer-signature:<hex>\r\n] \r\n
 *
 * Each signature covers the one before it, the first the one of the request.
 */
#ifndef LOCKSTEP_S3D_CHUNKS_H
#define LOCKSTEP_S3D_CHUNKS_H

#include "tests/s3d/auth.h"

#define CHUNK_LINE_MAX 4096

enum chunk_state {
    CHUNK_HEADER,  /* in the line of a size */
    CHUNK_DATA,    /* `left` bytes of it to come */
    CHUNK_END,     /* the CRLF after the bytes */
    CHUNK_TRAILER, /* lines after the last chunk */
    CHUNK_DONE
};

struct chunks {
    struct auth auth; /* signature: the last one that held */
    enum chunk_state state;
    uint64_t left;
    char line[CHUNK_LINE_MAX];
    size_t line_n;
    char claimed[SHA256_HEX];  /* the signature that the chunk's header carries */
    struct sha256 sha;         /* of the chunk's bytes */
    bool last;                 /* this is the chunk of size 0 */
    struct buf signed_trailer; /* "name:value\n" lines */
    struct pairs trailer;
    bool trailer_signed;
};

/* A run of the body's own bytes, or of none. */
typedef void chunk_sink(void *context, const char *p, size_t n);

void chunks_begin(struct chunks *c, const struct auth *auth);
void chunks_release(struct chunks *c);

/* chunks_add(c, p, n, sink, context): decode; the body's bytes go to the sink. */
enum code chunks_add(struct chunks *c, const char *p, size_t n, chunk_sink *sink, void *context)
    __attribute__((warn_unused_result));

/* chunks_end(c): was it all, and was it signed? The trailer is in c->trailer. */
enum code chunks_end(const struct chunks *c) __attribute__((warn_unused_result));

#endif
