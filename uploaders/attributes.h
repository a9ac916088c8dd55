/*
 * What an object carries besides its bytes and POSIX metadata: content headers, metadata, tags,
 * storage class, ACL, encryption. Pure.
 *
 *   s3_attributes_new -> set, tag, context, customer_key ... -> s3_attributes_seal -> transfers
 *
 * After it is sealed it never changes, so that any number of transfers may borrow it from any
 * thread. Two that are made of the same have the same mark.
 */
#ifndef LOCKSTEP_UPLOADERS_ATTRIBUTES_H
#define LOCKSTEP_UPLOADERS_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct s3_attributes;

#define S3_CUSTOMER_KEY_BYTES 32

/* s3_attributes_new(): empty; NULL without memory. s3_attributes_free(a): wipes the key; NULL is
 * allowed. */
struct s3_attributes *s3_attributes_new(void);
void s3_attributes_free(struct s3_attributes *a);

/* Each replaces what was set under that name before. 0 or -ENOMEM. Values can stand in a header as
 * they are. s3_attributes_set: a header, in lower case. */
int s3_attributes_set(struct s3_attributes *a, const char *header, const char *value)
    __attribute__((warn_unused_result));
int s3_attributes_metadata(struct s3_attributes *a, const char *name, const char *value)
    __attribute__((warn_unused_result));
int s3_attributes_tag(struct s3_attributes *a, const char *key, const char *value)
    __attribute__((warn_unused_result));
int s3_attributes_context(struct s3_attributes *a, const char *key, const char *value)
    __attribute__((warn_unused_result)); /* of KMS */

/* s3_attributes_customer_key(a, key): SSE-C. The key never leaves but in requests. */
void s3_attributes_customer_key(struct s3_attributes *a, const uint8_t key[S3_CUSTOMER_KEY_BYTES]);

/* s3_attributes_plain(a): encryption set so far is taken back. */
void s3_attributes_plain(struct s3_attributes *a);

/* s3_attributes_seal(a): nothing more is set. 0, -ENOMEM, or ERR_LIMIT where it is too much. */
int s3_attributes_seal(struct s3_attributes *a) __attribute__((warn_unused_result));

/* s3_attributes_mark(a): 0 where nothing is set (or a is NULL), else a number of S3_MARK_BITS bits
 * that is never S3_MARK_FOREIGN. */
#define S3_MARK_BITS    24
#define S3_MARK_FOREIGN 0xffffffu /* for objects of which it is not known what they carry */
uint32_t s3_attributes_mark(const struct s3_attributes *a);

/* s3_attributes_get(a, header): the value, or NULL; also of what was tagged, and where a is NULL.
 */
const char *s3_attributes_get(const struct s3_attributes *a, const char *header);

/* s3_attributes_next(a, &at, &name, &value): walk the headers in order of their names, at = 0 to
 * begin; false at the end. Without those of a customer's key. */
bool s3_attributes_next(const struct s3_attributes *a, size_t *at, const char **ret_name,
                        const char **ret_value);

/* s3_attributes_key(a, ret_md5): a customer's key in base64, and its MD5; NULL where there is none.
 */
const char *s3_attributes_key(const struct s3_attributes *a, const char **ret_md5);

/* What a header is to a copy. */
enum s3_header_kind {
    S3_HEADER_OTHER,      /* not of the object, or not to be sent */
    S3_HEADER_CONTENT,    /* goes by the metadata directive: Content-*, Cache-Control, metadata */
    S3_HEADER_TAGS,       /* goes by the tagging directive */
    S3_HEADER_OWN,        /* of each object by itself: class, redirect, ACL */
    S3_HEADER_ENCRYPTION, /* the same, all of them or none */
};

/* s3_header_kind(name): in lower case. */
enum s3_header_kind s3_header_kind(const char *name);

#endif
