/*
 * What is answered. Pure.
 */
#ifndef LOCKSTEP_S3D_REPLY_H
#define LOCKSTEP_S3D_REPLY_H

#include "tests/s3d/code.h"
#include "tests/s3d/object.h"

#define HTTP_DATE_SIZE 32
#define ISO_DATE_SIZE  32

struct reply {
    unsigned status;
    enum code code; /* for the log */
    struct pairs headers;
    struct buf body;
    int fd; /* the body lies in this file, or -1; owned */
    uint64_t offset;
    uint64_t size; /* bytes of the body, wherever it lies */
    bool bodyless; /* announce `size` and send nothing (HEAD) */
    char id[20];   /* x-amz-request-id */
};

/* reply_begin(r, number): empty, status 200. */
void reply_begin(struct reply *r, uint64_t number);
/* reply_reset(r): throw away what was said so far, keep the id. */
void reply_reset(struct reply *r);
void reply_release(struct reply *r);

/* reply_header(r, name, value): add one. */
void reply_header(struct reply *r, const char *name, const char *value);

/* reply_xml(r): begin an XML body with the declaration. reply_error(r, code, resource, extra): the
 * whole error document; `extra` is XML to add, "" for none. */
void reply_xml(struct reply *r);
void reply_error(struct reply *r, enum code code, const char *resource, const char *extra);

/* reply_encryption(r, headers): how an object with these headers is encrypted. */
void reply_encryption(struct reply *r, const struct pairs *headers);

/* reply_describe(r, o, with_checksum): the headers that tell of an object. */
void reply_describe(struct reply *r, const struct object *o, bool with_checksum);

/* reply_checksum(r, o): x-amz-checksum-* and -type. reply_version(r, o): x-amz-version-id and
 * delete marker. reply_etag(out, o): the ETag in quotes, at least 64 bytes; returns out. */
void reply_checksum(struct reply *r, const struct object *o);
void reply_version(struct reply *r, const struct object *o);
char *reply_etag(char out[64], const char *etag);

/* http_date(s, out), iso_date(s, out): the spellings of a time; return out. */
char *http_date(int64_t s, char out[HTTP_DATE_SIZE]);
char *iso_date(int64_t s, char out[ISO_DATE_SIZE]);

#endif
