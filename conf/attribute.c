/* Values of what objects carry: what S3 takes, and their normal form. Pure. */
#include "conf/attribute.h"

#include "base/path.h"
#include "conf/value.h"

#include <stdbool.h>
#include <string.h>

#define ACCOUNT_DIGITS 12
#define UUID_LENGTH    36
#define MULTI_LENGTH   36 /* "mrk-" and 32 hex digits */

static const char digits[] = "0123456789";
static const char hex_digits[] = "0123456789abcdefABCDEF";
static const char alnum[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* A copy into out, as long as it has at most `max` bytes. */
static const char *accept(const char *text, size_t max, char *out)
{
    size_t n = strlen(text);
    if (n > max)
        return "is too long";
    memcpy(out, text, n + 1);
    return NULL;
}

/* One of the words, of which the last is NULL. */
static bool is_word(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

const char *value_account(const char *text, char *out)
{
    if (strlen(text) != ACCOUNT_DIGITS || strspn(text, digits) != ACCOUNT_DIGITS)
        return "is not 12 digits";
    return accept(text, ACCOUNT_DIGITS, out);
}

const char *value_header(const char *text, char *out)
{
    size_t n = strlen(text);
    if (n == 0)
        return "is empty";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e)
            return "holds a byte that is not printable ASCII, which no header carries safely";
    }
    if (text[0] == ' ' || text[n - 1] == ' ')
        return "begins or ends with a blank, which no header keeps";
    return accept(text, ATTRIBUTE_HEADER_MAX, out);
}

/* How many bytes of a token (RFC 9110) the text begins with. */
static size_t token_length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0' &&
           (strchr(alnum, text[n]) != NULL || strchr("!#$%&'*+-.^_`|~", text[n])))
        n++;
    return n;
}

const char *value_content_type(const char *text, char *out)
{
    size_t type = token_length(text);
    size_t sub = text[type] == '/' ? token_length(text + type + 1) : 0;
    const char *rest = text + type + 1 + sub;
    if (type == 0 || sub == 0 || (*rest != '\0' && *rest != ';' && *rest != ' '))
        return "is not of the form type/subtype";
    return value_header(text, out);
}

const char *value_storage_class(const char *text, char *out)
{
    static const char *const words[] = {"STANDARD",     "STANDARD_IA",         "ONEZONE_IA",
                                        "GLACIER_IR",   "INTELLIGENT_TIERING", "GLACIER",
                                        "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",  NULL};
    return is_word(text, words) ? accept(text, VALUE_TEXT_MAX - 1, out) : "is no storage class";
}

const char *value_acl(const char *text, char *out)
{
    static const char *const words[] = {
        "private",       "public-read",       "public-read-write",         "authenticated-read",
        "aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", NULL};
    return is_word(text, words) ? accept(text, VALUE_TEXT_MAX - 1, out) : "is no canned ACL";
}

const char *value_metadata_name(const char *text, char *out)
{
    static const char *const own[] = {"file-group", "file-mtime", "file-owner", "file-permissions",
                                      "user-agent", "file-atime", NULL};
    size_t n = strlen(text);
    if (n == 0)
        return "is an empty name";
    if (token_length(text) != n)
        return "is a name with a byte that no header's name has";
    if (n > ATTRIBUTE_METADATA_MAX)
        return "is too long";
    for (size_t i = 0; i <= n; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    if (strncmp(out, "x-amz-", strlen("x-amz-")) == 0)
        return "begins with x-amz-, which is put there by itself";
    return is_word(out, own) ? "is a POSIX property, which is the file's to say" : NULL;
}

const char *value_metadata(const char *text, char *out)
{
    const char *why = value_header(text, out);
    return why != NULL ? why : accept(text, ATTRIBUTE_METADATA_MAX, out);
}

/* Characters of well-formed UTF-8. */
static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The part of a tag: letters, digits and blanks of any script, and + - = . _ : / @. */
static const char *tag_text(const char *text, size_t max, char *out)
{
    if (!path_is_utf8(text))
        return "is not UTF-8";
    if (characters(text) > max)
        return "has too many characters for a tag";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x80 && strchr(alnum, *p) == NULL && strchr(" +-=._:/@", *p) == NULL)
            return "holds a character that no tag has";
    }
    return accept(text, VALUE_TEXT_MAX - 1, out);
}

const char *value_tag_name(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is an empty name";
    if (strncmp(text, "aws:", strlen("aws:")) == 0)
        return "begins with aws:, which AWS keeps for itself";
    return tag_text(text, ATTRIBUTE_TAG_NAME_MAX, out);
}

const char *value_tag(const char *text, char *out)
{
    return tag_text(text, ATTRIBUTE_TAG_VALUE_MAX, out);
}

/* A key's id: a UUID, or that of a key of several regions. */
static bool is_key_id(const char *text)
{
    static const unsigned char dashes[] = {8, 13, 18, 23};
    if (strncmp(text, "mrk-", 4) == 0)
        return strlen(text) == MULTI_LENGTH && strspn(text + 4, hex_digits) == MULTI_LENGTH - 4;
    if (strlen(text) != UUID_LENGTH)
        return false;
    for (size_t i = 0, dash = 0; i < UUID_LENGTH; i++) {
        bool is_dash = dash < sizeof(dashes) && i == dashes[dash];
        dash += is_dash;
        if (is_dash ? text[i] != '-' : strchr(hex_digits, text[i]) == NULL)
            return false;
    }
    return true;
}

/* "alias/name" */
static bool is_alias(const char *text)
{
    static const char head[] = "alias/";
    size_t n = strlen(text);
    if (strncmp(text, head, strlen(head)) != 0 || n == strlen(head) || n > 256)
        return false;
    for (const char *p = text + strlen(head); *p != '\0'; p++) {
        if (strchr(alnum, *p) == NULL && strchr("/_-", *p) == NULL)
            return false;
    }
    return true;
}

/* What follows "arn:PARTITION:kms:REGION:ACCOUNT:"; NULL where it does not begin so. */
static const char *after_arn(const char *text)
{
    const char *at = text;
    for (int field = 0; field < 5; field++) {
        size_t n = strcspn(at, ":");
        bool good = field == 0   ? n == 3 && strncmp(at, "arn", n) == 0
                    : field == 1 ? n >= 3 && strncmp(at, "aws", 3) == 0
                    : field == 2 ? n == 3 && strncmp(at, "kms", n) == 0
                    : field == 3 ? n > 0
                                 : n == ACCOUNT_DIGITS && strspn(at, digits) == n;
        if (!good || at[n] != ':')
            return NULL;
        at += n + 1;
    }
    return at;
}

const char *value_kms_key(const char *text, char *out)
{
    const char *tail = strncmp(text, "arn:", 4) == 0 ? after_arn(text) : text;
    bool arn = tail != text;
    bool good = tail != NULL && ((arn && strncmp(tail, "key/", 4) == 0 && is_key_id(tail + 4)) ||
                                 (!arn && is_key_id(tail)) || is_alias(tail));
    if (!good)
        return "is no id, alias or ARN of a KMS key";
    return value_header(text, out);
}

const char *value_context_name(const char *text, char *out)
{
    if (strncmp(text, "aws:", strlen("aws:")) == 0)
        return "begins with aws:, which AWS keeps for itself";
    return value_context(text, out);
}

const char *value_context(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is empty";
    if (!path_is_utf8(text))
        return "is not UTF-8";
    return accept(text, ATTRIBUTE_CONTEXT_MAX, out);
}
