/* The tables of what objects carry. Pure. */
#include "conf/attribute.h"
#include "conf/setting.h"
#include "conf/value.h"

_Static_assert(sizeof(enum conf_encryption_kind) == sizeof(unsigned),
               "choices are stored as unsigned");

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A text of a rule that is not set unless it is given. */
#define RULE_TEXT(name_, normal_, right_, help_)                                                   \
    {                                                                                              \
        .name = #name_, .kind = SETTING_TEXT, .offset = offsetof(struct conf_object, name_),       \
        .normal = (normal_), .right = (right_), .help = (help_)                                    \
    }

static const char header_right[] = "at most 1024 printable ASCII characters";

static const struct setting objects[] = {
    {.name = "match",
     .kind = SETTING_PATTERNS,
     .offset = offsetof(struct conf_object, match),
     .max = 256,
     .normal = value_pattern,
     .right = "a list of at most 256 patterns: ( \"*.png\", \"raw/**\" )",
     .help = "which paths; none: all"},
    RULE_TEXT(mapping, value_name, "the name of a mapping", "of which mapping; default: of all"),
    RULE_TEXT(content_type, value_content_type, "a type such as \"image/png\"",
              "Content-Type; default: by the name's ending"),
    RULE_TEXT(content_encoding, value_header, header_right, "Content-Encoding"),
    RULE_TEXT(content_disposition, value_header, header_right, "Content-Disposition"),
    RULE_TEXT(content_language, value_header, header_right, "Content-Language"),
    RULE_TEXT(cache_control, value_header, header_right, "Cache-Control"),
    RULE_TEXT(storage_class, value_storage_class,
              "STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, "
              "DEEP_ARCHIVE or REDUCED_REDUNDANCY, in quotes",
              "the storage class"),
    RULE_TEXT(acl, value_acl,
              "private, public-read, public-read-write, authenticated-read, aws-exec-read, "
              "bucket-owner-read or bucket-owner-full-control, in quotes",
              "a canned ACL"),
    {.name = "metadata",
     .kind = SETTING_PAIRS,
     .offset = offsetof(struct conf_object, metadata),
     .max = ATTRIBUTE_METADATA_MANY,
     .normal = value_metadata,
     .normal_name = value_metadata_name,
     .right = "a group of at most 24: { name = \"value\"; }, or a list: ( \"name=value\" )",
     .help = "metadata of the user's own"},
    {.name = "tags",
     .kind = SETTING_PAIRS,
     .offset = offsetof(struct conf_object, tags),
     .max = ATTRIBUTE_TAGS_MANY,
     .normal = value_tag,
     .normal_name = value_tag_name,
     .right = "a group of at most 10: { key = \"value\"; }, or a list: ( \"key=value\" ); letters, "
              "digits, blanks and + - = . _ : / @, 128 and 256 characters",
     .help = "tags"},
    {.name = "encryption",
     .kind = SETTING_GROUP,
     .right = "a group: encryption: { kind = \"kms\"; };",
     .help = "how S3 encrypts it; default: as the bucket says"},
};

/* In the order of enum conf_encryption_kind, of which the first is "not set". */
static const char *const kinds[] = {"", "s3", "kms", "kms-dsse", "customer", NULL};

static const struct setting encryption[] = {
    {.name = "kind",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_encryption, kind),
     .required = true,
     .words = kinds,
     .right = "\"s3\", \"kms\", \"kms-dsse\" or \"customer\"",
     .help = "by whose key"},
    {.name = "key",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_encryption, key),
     .normal = value_kms_key,
     .right = "a key's id, \"alias/...\" or \"arn:aws:kms:REGION:ACCOUNT:key/...\"",
     .help = "KMS: which key; default: the account's own for S3"},
    {.name = "bucket_key",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_encryption, bucket_key),
     .fallback = "false",
     .right = "true or false",
     .help = "KMS: a key of the bucket saves most requests to KMS"},
    {.name = "context",
     .kind = SETTING_PAIRS,
     .offset = offsetof(struct conf_encryption, context),
     .max = 8,
     .normal = value_context,
     .normal_name = value_context_name,
     .right = "a group of at most 8: { name = \"value\"; }, or a list: ( \"name=value\" )",
     .help = "KMS: the encryption context"},
    {.name = "key_file",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_encryption, key_file),
     .normal = value_tree,
     .right = "the absolute path of a file with a key of 32 bytes, or its base64",
     .help = "customer: the key"},
};

const struct setting_table setting_objects = {objects, COUNT_OF(objects)};
const struct setting_table setting_encryption = {encryption, COUNT_OF(encryption)};
