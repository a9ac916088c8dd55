/*
 * Values of what objects carry: what S3 takes, and their normal form. Pure. As value.h.
 */
#ifndef LOCKSTEP_CONF_ATTRIBUTE_H
#define LOCKSTEP_CONF_ATTRIBUTE_H

/* What S3 allows (User Guide, "Working with object metadata", "Object tagging"). */
#define ATTRIBUTE_HEADER_MAX 1024
#define ATTRIBUTE_METADATA_MAX                                                                     \
    1920 /* bytes of names and values: 2 KB less the POSIX properties                              \
          */
#define ATTRIBUTE_METADATA_MANY 24
#define ATTRIBUTE_TAGS_MANY     10
#define ATTRIBUTE_TAG_NAME_MAX  128 /* characters */
#define ATTRIBUTE_TAG_VALUE_MAX 256
#define ATTRIBUTE_CONTEXT_MAX   1024 /* bytes of an encryption context */

const char *value_account(const char *text, char *out); /* 12 digits */
const char *value_header(const char *text, char *out);  /* can stand in a header as it is */
const char *value_content_type(const char *text, char *out);
const char *value_storage_class(const char *text, char *out);
const char *value_acl(const char *text, char *out);           /* a canned one */
const char *value_metadata_name(const char *text, char *out); /* lower case */
const char *value_metadata(const char *text, char *out);
const char *value_tag_name(const char *text, char *out);
const char *value_tag(const char *text, char *out);
const char *value_kms_key(const char *text, char *out); /* id, ARN, alias */
const char *value_context_name(const char *text, char *out);
const char *value_context(const char *text, char *out);

#endif
