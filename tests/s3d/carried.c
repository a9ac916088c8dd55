/* What objects carry besides their bytes. Pure. */
#include "tests/s3d/carried.h"

#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CUSTOMER       "server-side-encryption-customer-"
#define CIPHER         "x-amz-server-side-encryption"
#define KEY_MD5        "x-amz-" CUSTOMER "key-MD5"
#define KEY_ALGORITHM  "x-amz-" CUSTOMER "algorithm"
#define CUSTOMER_BYTES 32
#define TAGS_MAX       10
#define TAG_NAME_MAX   128
#define TAG_VALUE_MAX  256

/* One of the words. */
static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

static const char *const classes[] = {"STANDARD",     "STANDARD_IA",         "ONEZONE_IA",
                                      "GLACIER_IR",   "INTELLIGENT_TIERING", "GLACIER",
                                      "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",  NULL};
static const char *const acls[] = {
    "private",       "public-read",       "public-read-write",         "authenticated-read",
    "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", NULL};
static const char *const ciphers[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};

/* Characters of UTF-8. */
static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* One "name=value" of x-amz-tagging, encoded. */
static bool tag_is_good(const char *text, size_t n)
{
    size_t name_n = strcspn(text, "=&");
    size_t value_at = name_n < n ? name_n + 1 : n;
    char *name = text_decode(text, name_n, true);
    char *value = text_decode(text + value_at, n - value_at, true);
    bool good = name && value && name[0] && characters(name) <= TAG_NAME_MAX &&
                characters(value) <= TAG_VALUE_MAX && strncmp(name, "aws:", 4) != 0;
    free(name);
    free(value);
    return good;
}

/* The tags of a text; -1 where one is bad or they are too many. */
static int count_tags(const char *text)
{
    int count = 0;
    while (*text) {
        size_t n = strcspn(text, "&");
        if (!tag_is_good(text, n) || ++count > TAGS_MAX)
            return -1;
        text += n + (text[n] == '&');
    }
    return count;
}

unsigned carried_tag_count(const struct pairs *headers)
{
    const char *tags = pairs_get(headers, "x-amz-tagging");
    int count = tags ? count_tags(tags) : 0;
    return count > 0 ? (unsigned)count : 0;
}

/* A header, by two pieces of its name. */
static const char *joined(const struct request *r, const char *prefix, const char *name)
{
    char full[96];
    (void)snprintf(full, sizeof(full), "%s%s", prefix, name); /* the longest has 70 bytes */
    return request_header(r, full);
}

/* A customer's key, all three headers of it, the MD5 right. ret_md5: its base64, or NULL. */
static enum code read_key(const struct request *r, const char *prefix, const char **ret_md5)
{
    uint8_t bytes[64];
    uint8_t digest[MD5_BYTES];
    char text[32];
    size_t n = 0;
    const char *algorithm = joined(r, prefix, CUSTOMER "algorithm");
    const char *key = joined(r, prefix, CUSTOMER "key");
    const char *md5 = joined(r, prefix, CUSTOMER "key-md5");
    *ret_md5 = NULL;
    if (!algorithm && !key && !md5)
        return CODE_OK;
    if (!algorithm || strcmp(algorithm, "AES256") != 0 || !key || !md5 || strlen(key) > 80 ||
        base64_decode(key, strlen(key), bytes, &n) != 0 || n != CUSTOMER_BYTES)
        return CODE_INVALID_ARGUMENT;
    digest_md5(bytes, n, digest);
    if (strcmp(base64_encode(digest, sizeof(digest), text), md5) != 0)
        return CODE_INVALID_ARGUMENT;
    *ret_md5 = md5;
    return CODE_OK;
}

/* The context of KMS is JSON in base64. */
static bool context_is_good(const char *text)
{
    size_t n = 0;
    uint8_t *bytes = mem_new(strlen(text) + 1);
    bool good = base64_decode(text, strlen(text), bytes, &n) == 0 && n >= 2 && bytes[0] == '{' &&
                bytes[n - 1] == '}';
    free(bytes);
    return good;
}

/* What is told of the encryption fits together. */
static enum code check_encryption(const struct request *r)
{
    const char *cipher = request_header(r, CIPHER);
    const char *key = request_header(r, CIPHER "-aws-kms-key-id");
    const char *context = request_header(r, CIPHER "-context");
    const char *bucket_key = request_header(r, CIPHER "-bucket-key-enabled");
    const char *md5 = NULL;
    enum code code = read_key(r, "x-amz-", &md5);
    if (code)
        return code;
    bool kms = cipher && strncmp(cipher, "aws:kms", strlen("aws:kms")) == 0;
    if ((cipher && (md5 || !is_one_of(cipher, ciphers))) || ((key || context) && !kms))
        return CODE_INVALID_ARGUMENT;
    if (bucket_key && strcmp(bucket_key, "true") != 0 && strcmp(bucket_key, "false") != 0)
        return CODE_INVALID_ARGUMENT;
    return context && !context_is_good(context) ? CODE_INVALID_ARGUMENT : CODE_OK;
}

/* Whose the bucket is to be, and who pays. */
static enum code check_terms(const struct request *r)
{
    const char *owner = request_header(r, "x-amz-expected-bucket-owner");
    const char *source = request_header(r, "x-amz-source-expected-bucket-owner");
    const char *payer = request_header(r, "x-amz-request-payer");
    if ((owner && strcmp(owner, CARRIED_OWNER) != 0) ||
        (source && strcmp(source, CARRIED_OWNER) != 0))
        return CODE_ACCESS_DENIED;
    return payer && strcmp(payer, "requester") != 0 ? CODE_INVALID_ARGUMENT : CODE_OK;
}

enum code carried_check(const struct request *r)
{
    const char *class = request_header(r, "x-amz-storage-class");
    const char *acl = request_header(r, "x-amz-acl");
    const char *tags = request_header(r, "x-amz-tagging");
    if (class && !is_one_of(class, classes))
        return CODE_INVALID_STORAGE_CLASS;
    if ((acl && !is_one_of(acl, acls)) || (tags && count_tags(tags) < 0))
        return CODE_INVALID_ARGUMENT;
    enum code code = check_terms(r);
    return code ? code : check_encryption(r);
}

void carried_keep(const struct request *r, struct pairs *ret)
{
    const char *md5 = NULL;
    if (read_key(r, "x-amz-", &md5) != CODE_OK || !md5)
        return; /* carried_check said so */
    pairs_add(ret, KEY_ALGORITHM, "AES256");
    pairs_add(ret, KEY_MD5, md5);
}

enum code carried_key_fits(const struct request *r, const char *prefix, const struct pairs *headers)
{
    const char *md5 = NULL;
    const char *wanted = pairs_get(headers, KEY_MD5);
    enum code code = read_key(r, prefix, &md5);
    if (code)
        return code;
    if (!md5 != !wanted)
        return CODE_INVALID_REQUEST;
    return md5 && strcmp(md5, wanted) != 0 ? CODE_ACCESS_DENIED : CODE_OK;
}

enum code carried_readable(const struct object *o)
{
    const char *class = pairs_get(&o->headers, "x-amz-storage-class");
    bool archived = class && (strcmp(class, "GLACIER") == 0 || strcmp(class, "DEEP_ARCHIVE") == 0);
    return archived ? CODE_INVALID_OBJECT_STATE : CODE_OK;
}

void carried_etag(struct object *o, uint64_t number)
{
    char text[96];
    uint8_t digest[MD5_BYTES];
    const char *cipher = pairs_get(&o->headers, CIPHER);
    const char *parts = strchr(o->etag, '-');
    char tail[16] = "";
    if ((!cipher || strcmp(cipher, "AES256") == 0) && !pairs_get(&o->headers, KEY_MD5))
        return;
    (void)snprintf(tail, sizeof(tail), "%s", parts ? parts : ""); /* "-10000" */
    (void)snprintf(text, sizeof(text), "%s %llu", o->etag, (unsigned long long)number); /* fits */
    digest_md5(text, strlen(text), digest);
    (void)hex_encode(digest, sizeof(digest), o->etag);
    (void)snprintf(o->etag + 2 * MD5_BYTES, sizeof(o->etag) - 2 * MD5_BYTES, "%s", tail); /* fits */
}

bool carried_is_told(const char *name)
{
    return strcmp(name, "x-amz-tagging") != 0 && strcmp(name, "x-amz-acl") != 0 &&
           strcmp(name, CIPHER "-context") != 0;
}

bool carried_is_own(const char *name)
{
    return strcmp(name, "x-amz-storage-class") == 0 || strcmp(name, "x-amz-acl") == 0 ||
           strcmp(name, "x-amz-website-redirect-location") == 0 ||
           text_has_prefix(name, "x-amz-object-lock-") || text_has_prefix(name, CIPHER);
}

/* One <Grant>: to a group by its name, or to the owner. */
static void add_grant(struct buf *out, const char *group, const char *permission)
{
    text_add(out, "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ");
    if (group) {
        text_add(out, "xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/");
        text_add(out, group);
        text_add(out, "</URI>");
    } else {
        text_add(out, "xsi:type=\"CanonicalUser\"><ID>" CARRIED_OWNER "</ID>");
    }
    text_add(out, "</Grantee>");
    text_tag(out, "Permission", permission);
    text_add(out, "</Grant>");
}

void carried_acl(const struct pairs *headers, struct buf *out)
{
    const char *acl = pairs_get(headers, "x-amz-acl");
    text_add(out, "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                  "<Owner><ID>" CARRIED_OWNER "</ID></Owner><AccessControlList>");
    add_grant(out, NULL, "FULL_CONTROL");
    if (acl && text_has_prefix(acl, "public-read"))
        add_grant(out, "AllUsers", "READ");
    if (acl && strcmp(acl, "public-read-write") == 0)
        add_grant(out, "AllUsers", "WRITE");
    if (acl && strcmp(acl, "authenticated-read") == 0)
        add_grant(out, "AuthenticatedUsers", "READ");
    text_add(out, "</AccessControlList></AccessControlPolicy>");
}
