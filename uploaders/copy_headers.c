/*
 * What a copy carries: of what its source has, and of what the rules say. Pure.
 *
 *   COPY, source not asked   it carries what the rules say of the key: the directive keeps content
 *                            headers, metadata and tags; class, ACL and encryption are told
 *   COPY, asked              class, redirect and encryption are told as HEAD says, the rest is kept
 *   COPY, other rules        the same, but what the source has of its own path's rules goes, and
 *                            what the rules say of the new path comes
 *   META                     all that HEAD told is sent again with new POSIX metadata
 *
 * HEAD does not tell the ACL nor the context of KMS: they are sent as the rules say.
 */
#include "uploaders/copy.h"

#include <string.h>

/* The source is under a key of the customer's. */
static bool is_customers(const struct call *head)
{
    return wire_head(&head->x, "x-amz-server-side-encryption-customer-algorithm") != NULL;
}

/* The rules say how the object is encrypted. */
static bool encrypts(const struct s3_attributes *a)
{
    const char *md5;
    return s3_attributes_get(a, "x-amz-server-side-encryption") || s3_attributes_key(a, &md5);
}

bool copy_changes(const struct transfer *t)
{
    return t->kind == TRANSFER_COPY &&
           (s3_attributes_mark(t->attributes) != s3_attributes_mark(t->source_attributes) ||
            strcmp(headers_content_type(t->key), headers_content_type(t->source_key)) != 0);
}

bool copy_changes_tags(const struct transfer *t)
{
    const char *now = s3_attributes_get(t->attributes, "x-amz-tagging");
    const char *before = s3_attributes_get(t->source_attributes, "x-amz-tagging");
    return t->kind == TRANSFER_COPY && strcmp(now ? now : "", before ? before : "") != 0;
}

bool copy_source_keyed(const struct transfer *t, const struct call *head)
{
    const char *md5;
    return head ? is_customers(head) : s3_attributes_key(t->attributes, &md5) != NULL;
}

bool copy_keyed(const struct transfer *t, const struct call *head)
{
    const char *md5;
    if (!s3_attributes_key(t->attributes, &md5))
        return false;
    return !head || copy_changes(t) || is_customers(head);
}

/* The source has this by the rules of its path, which do not hold for the new one. */
static bool is_of_rules(const struct transfer *t, const char *name, const char *value)
{
    const char *said = s3_attributes_get(t->source_attributes, name);
    if (!said && strcmp(name, "content-type") == 0)
        said = headers_content_type(t->source_key);
    return said && strcmp(said, value) == 0;
}

/* The source's encryption is the copy's. */
static bool keeps_encryption(const struct transfer *t, const struct call *head)
{
    const char *cipher = wire_head(&head->x, "x-amz-server-side-encryption");
    return !copy_changes(t) || (!encrypts(t->attributes) && cipher &&
                                !is_of_rules(t, "x-amz-server-side-encryption", cipher));
}

/* A header of the source's goes on as it is. */
static bool keeps(const struct transfer *t, const struct call *head, bool content, const char *name,
                  const char *value)
{
    switch (s3_header_kind(name)) {
    case S3_HEADER_OTHER:
    case S3_HEADER_TAGS:
        return false;
    case S3_HEADER_ENCRYPTION:
        return keeps_encryption(t, head);
    case S3_HEADER_CONTENT:
        if (!content || (t->kind == TRANSFER_META && headers_is_posix(name)))
            return false;
        break;
    case S3_HEADER_OWN:
        break;
    }
    if (!copy_changes(t))
        return true;
    return !s3_attributes_get(t->attributes, name) && !is_of_rules(t, name, value);
}

/* What the rules say and the source cannot tell. */
static void add_untold(struct call *call, const struct transfer *t, const struct call *head)
{
    static const char context[] = "x-amz-server-side-encryption-context";
    const char *acl = s3_attributes_get(t->attributes, "x-amz-acl");
    const char *text = s3_attributes_get(t->attributes, context);
    const char *cipher = wire_head(&head->x, "x-amz-server-side-encryption");
    if (acl)
        call_header(call, "x-amz-acl", acl);
    if (text && cipher && strncmp(cipher, "aws:kms", strlen("aws:kms")) == 0)
        call_header(call, context, text);
}

/* All that the rules say, but for tags: content headers only where they go (`content`). */
static void add_said(struct call *call, const struct transfer *t, bool content)
{
    const char *name, *value;
    for (size_t at = 0; s3_attributes_next(t->attributes, &at, &name, &value);) {
        enum s3_header_kind kind = s3_header_kind(name);
        if (kind != S3_HEADER_TAGS && (content || kind != S3_HEADER_CONTENT))
            call_header(call, name, value);
    }
}

/* The type by the ending of the new name, where that of the old one made it. */
static void add_type(struct call *call, const struct transfer *t, const struct call *head)
{
    const char *type = wire_head(&head->x, "content-type");
    if (!s3_attributes_get(t->attributes, "content-type") &&
        (!type || is_of_rules(t, "content-type", type)))
        call_header(call, "content-type", headers_content_type(t->key));
}

void copy_add_headers(struct call *call, const struct transfer *t, const struct call *head,
                      bool content)
{
    const char *name, *value;
    if (!head) {
        add_said(call, t, false);
    } else {
        for (size_t at = 0; wire_head_next(&head->x, &at, &name, &value);)
            if (keeps(t, head, content, name, value))
                call_header(call, name, value);
        if (!copy_changes(t)) {
            add_untold(call, t, head);
        } else {
            add_said(call, t, content);
            add_type(call, t, head);
        }
    }
    if (copy_keyed(t, head))
        task_add_key(call, t->attributes);
}

const struct s3_attributes *copy_source_rules(const struct transfer *t)
{
    return t->kind == TRANSFER_META ? t->attributes : t->source_attributes;
}

void copy_add_source_key(struct call *call, const struct transfer *t, bool keyed)
{
    if (keyed)
        task_add_source_key(call, copy_source_rules(t));
}
