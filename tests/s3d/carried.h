/*
 * What objects carry besides their bytes: which values S3 takes, keys of customers, ACLs. Pure.
 *
 * An object keeps what it was given among its headers. Of a customer's key only the MD5 is kept, as
 * S3 keeps a salted hash. Bytes are stored as they are: nothing is encrypted here, but no ETag of
 * an object under a key of KMS or of a customer is an MD5, as with S3.
 */
#ifndef LOCKSTEP_S3D_CARRIED_H
#define LOCKSTEP_S3D_CARRIED_H

#include "tests/s3d/code.h"
#include "tests/s3d/object.h"
#include "tests/s3d/request.h"

#define CARRIED_OWNER "111122223333" /* of all buckets here */

/* carried_check(r): class, ACL, tags, encryption, key and owner that the request names are such as
 * S3 takes. */
enum code carried_check(const struct request *r) __attribute__((warn_unused_result));

/* carried_keep(r, ret): what of that an object keeps, besides the headers that are kept as they
 * are. */
void carried_keep(const struct request *r, struct pairs *ret);

/* carried_key_fits(r, prefix, headers): the request has the customer's key (in headers that begin
 * with `prefix`, "x-amz-" or "x-amz-copy-source-") that these headers of an object want, and none
 * where they want none. */
enum code carried_key_fits(const struct request *r, const char *prefix, const struct pairs *headers)
    __attribute__((warn_unused_result));

/* carried_readable(o): it does not lie in an archive. */
enum code carried_readable(const struct object *o) __attribute__((warn_unused_result));

/* carried_etag(o, number): another ETag where it may not be an MD5. */
void carried_etag(struct object *o, uint64_t number);

/* carried_is_told(name): HEAD and GET tell this kept header. carried_is_own(name): a copy does not
 * take it over from its source. */
bool carried_is_told(const char *name);
bool carried_is_own(const char *name);

/* carried_tag_count(headers): how many tags there are. */
unsigned carried_tag_count(const struct pairs *headers);

/* carried_acl(headers, out): the AccessControlPolicy of the canned ACL. */
void carried_acl(const struct pairs *headers, struct buf *out);

#endif
