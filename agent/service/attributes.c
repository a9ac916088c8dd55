/* Shell. What the objects of each path carry, by the rules of the configuration. */
#include "agent/service/attributes.h"

#include "base/digest.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE_MAX 64 /* bytes: a key in base64, and an end of line */

_Static_assert(KNOWN_ATTRIBUTES_SHIFT + S3_MARK_BITS == 32, "a mark fills the flags");

/* The set of those paths of which the same rules hold. */
struct variant {
    uint64_t rules; /* bit i: rule i */
    struct s3_attributes *set;
};

struct attributes {
    const struct conf *conf;
    uint8_t (*keys)[S3_CUSTOMER_KEY_BYTES]; /* one for each rule */
    struct variant *variants;
    size_t count;
};

_Static_assert(CONF_OBJECTS_MAX <= 64, "rules are bits of a number");

/* 32 bytes as they are, or their base64. */
static int key_parse(const uint8_t *text, size_t n, uint8_t out[S3_CUSTOMER_KEY_BYTES])
{
    uint8_t bytes[KEY_FILE_MAX];
    size_t got = 0;
    int rc = 0;

    if (n == S3_CUSTOMER_KEY_BYTES) {
        memcpy(out, text, n);
        return 0;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n != base64_size(S3_CUSTOMER_KEY_BYTES) ||
        base64_decode((const char *)text, n, bytes, &got) || got != S3_CUSTOMER_KEY_BYTES)
        rc = ERR_SYNTAX;
    else
        memcpy(out, bytes, got);
    explicit_bzero(bytes, sizeof bytes);
    return rc;
}

/* A customer's key out of its file. */
static int key_read(const char *file, uint8_t out[S3_CUSTOMER_KEY_BYTES], struct err *e)
{
    uint8_t text[KEY_FILE_MAX];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    int rc = n < 0 ? -errno : key_parse(text, (size_t)n, out);

    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof text);
    if (rc == 0)
        return 0;
    return err_set(e, rc, file, "a key of 32 bytes, or its base64",
                   rc == ERR_SYNTAX ? "this is no key" : "the key cannot be read: %s",
                   err_name(rc));
}

int attributes_new(const struct conf *conf, struct attributes **ret, struct err *e)
{
    struct attributes *x = calloc(1, sizeof *x);
    int rc = 0;

    if (x)
        x->keys = calloc(conf->object_count + 1, sizeof *x->keys);
    if (!x || !x->keys) {
        free(x);
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    }
    x->conf = conf;
    for (size_t i = 0; i < conf->object_count && rc == 0; i++)
        if (conf->objects[i].encryption.key_file)
            rc = key_read(conf->objects[i].encryption.key_file, x->keys[i], e);
    if (rc) {
        attributes_free(x);
        return rc;
    }
    *ret = x;
    return 0;
}

void attributes_free(struct attributes *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->count; i++)
        s3_attributes_free(x->variants[i].set);
    free(x->variants);
    explicit_bzero(x->keys, (x->conf->object_count + 1) * sizeof *x->keys);
    free(x->keys);
    free(x);
}

/* A header that the rule may set. */
static int add_header(struct s3_attributes *a, int rc, const char *name, const char *value)
{
    return rc || !value ? rc : s3_attributes_set(a, name, value);
}

/* Names and values. */
static int add_pairs(struct s3_attributes *a, int rc, const struct conf_pairs *pairs,
                     int (*add)(struct s3_attributes *a, const char *name, const char *value))
{
    for (size_t i = 0; i < pairs->count && rc == 0; i++)
        rc = add(a, pairs->items[i].name, pairs->items[i].value);
    return rc;
}

/* How the rule has it encrypted; what an earlier one said of that is void. */
static int add_encryption(struct s3_attributes *a, const struct conf_encryption *how,
                          const uint8_t key[S3_CUSTOMER_KEY_BYTES])
{
    static const char *const names[] = {[CONF_ENCRYPTION_S3] = "AES256",
                                        [CONF_ENCRYPTION_KMS] = "aws:kms",
                                        [CONF_ENCRYPTION_KMS_TWICE] = "aws:kms:dsse"};
    int rc;

    if (how->kind == CONF_ENCRYPTION_UNSET)
        return 0;
    s3_attributes_plain(a);
    if (how->kind == CONF_ENCRYPTION_CUSTOMER) {
        s3_attributes_customer_key(a, key);
        return 0;
    }
    rc = s3_attributes_set(a, "x-amz-server-side-encryption", names[how->kind]);
    rc = add_header(a, rc, "x-amz-server-side-encryption-aws-kms-key-id", how->key);
    rc = add_header(a, rc, "x-amz-server-side-encryption-bucket-key-enabled",
                    how->bucket_key ? "true" : NULL);
    return add_pairs(a, rc, &how->context, s3_attributes_context);
}

/* All that one rule says. */
static int add_rule(struct s3_attributes *a, const struct conf_object *o,
                    const uint8_t key[S3_CUSTOMER_KEY_BYTES])
{
    int rc = add_header(a, 0, "content-type", o->content_type);

    rc = add_header(a, rc, "content-encoding", o->content_encoding);
    rc = add_header(a, rc, "content-disposition", o->content_disposition);
    rc = add_header(a, rc, "content-language", o->content_language);
    rc = add_header(a, rc, "cache-control", o->cache_control);
    rc = add_header(a, rc, "x-amz-storage-class", o->storage_class);
    rc = add_header(a, rc, "x-amz-acl", o->acl);
    rc = add_pairs(a, rc, &o->metadata, s3_attributes_metadata);
    rc = add_pairs(a, rc, &o->tags, s3_attributes_tag);
    return rc ? rc : add_encryption(a, &o->encryption, key);
}

/* Make the set of these rules. */
static int variant_make(struct attributes *x, uint64_t rules, const struct s3_attributes **ret)
{
    struct variant *variants = realloc(x->variants, (x->count + 1) * sizeof *variants);
    struct s3_attributes *set = s3_attributes_new();
    int rc = variants && set ? 0 : -ENOMEM;

    if (variants)
        x->variants = variants;
    for (size_t i = 0; i < x->conf->object_count && rc == 0; i++)
        if (rules >> i & 1)
            rc = add_rule(set, &x->conf->objects[i], x->keys[i]);
    if (rc == 0)
        rc = s3_attributes_seal(set);
    if (rc) {
        s3_attributes_free(set);
        return rc;
    }
    x->variants[x->count++] = (struct variant){.rules = rules, .set = set};
    *ret = set;
    return 0;
}

/* Does the rule hold for the path? */
static bool applies(const struct conf_object *o, unsigned mapping, const char *path)
{
    if (o->applies != SIZE_MAX && o->applies != mapping)
        return false;
    if (!o->match[0])
        return true;
    for (char *const *pattern = o->match; *pattern; pattern++)
        if (path_glob(*pattern, path))
            return true;
    return false;
}

int attributes_of(struct attributes *x, unsigned mapping, const char *path,
                  const struct s3_attributes **ret)
{
    uint64_t rules = 0;

    *ret = NULL;
    for (size_t i = 0; i < x->conf->object_count; i++)
        rules |= (uint64_t)applies(&x->conf->objects[i], mapping, path) << i;
    if (!rules)
        return 0;
    for (size_t i = 0; i < x->count; i++) {
        if (x->variants[i].rules == rules) {
            *ret = x->variants[i].set;
            return 0;
        }
    }
    return variant_make(x, rules, ret);
}

/* Text, or none, into the hash. */
static void hash_text(struct sha256 *s, const char *text)
{
    sha256_add(s, text ? text : "", text ? strlen(text) + 1 : 0);
    sha256_add(s, "", 1);
}

uint64_t attributes_of_rules(const struct attributes *x)
{
    struct sha256 s;
    uint8_t digest[SHA256_BYTES];
    uint64_t number;

    sha256_begin(&s);
    for (size_t i = 0; i < x->conf->object_count; i++) {
        const struct conf_object *o = &x->conf->objects[i];
        struct s3_attributes *set = s3_attributes_new();
        uint32_t mark = 0;

        if (set && add_rule(set, o, x->keys[i]) == 0 && s3_attributes_seal(set) == 0)
            mark = s3_attributes_mark(set);
        s3_attributes_free(set);
        sha256_add(&s, &mark, sizeof mark);
        hash_text(&s, o->mapping);
        for (char *const *pattern = o->match; *pattern; pattern++)
            hash_text(&s, *pattern);
    }
    sha256_end(&s, digest);
    memcpy(&number, digest, sizeof number);
    return number;
}

uint32_t attributes_mark(const struct known *known)
{
    return known->flags >> KNOWN_ATTRIBUTES_SHIFT;
}

void attributes_note(struct known *known, uint32_t mark)
{
    known->flags = (known->flags & ~KNOWN_ATTRIBUTES) | mark << KNOWN_ATTRIBUTES_SHIFT;
}
