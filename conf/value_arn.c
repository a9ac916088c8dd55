/* The ARN of an access point, where a bucket's name is expected. Pure. */
#include "conf/value.h"

#include <string.h>

#define ACCOUNT_DIGITS 12
#define NAME_MIN       3
#define NAME_MAX       50
#define REGION_MAX     63

enum field { FIELD_ARN, FIELD_PARTITION, FIELD_SERVICE, FIELD_REGION, FIELD_ACCOUNT, FIELDS };

/* The text at its colons; the last piece is the resource. */
struct arn {
    const char *at[FIELDS + 1];
    size_t n[FIELDS + 1];
};

/* Cut it; false where there are too few colons. */
static bool cut(const char *text, struct arn *ret)
{
    for (size_t i = 0; i <= FIELDS; i++) {
        ret->at[i] = text;
        ret->n[i] = i < FIELDS ? strcspn(text, ":") : strlen(text);
        if (i < FIELDS && text[ret->n[i]] != ':')
            return false;
        text += ret->n[i] + 1;
    }
    return true;
}

static bool is(const struct arn *a, enum field field, const char *text)
{
    return a->n[field] == strlen(text) && memcmp(a->at[field], text, a->n[field]) == 0;
}

/* All of these bytes, at least one, are among `allowed`. */
static bool made_of(const char *p, size_t n, const char *allowed)
{
    return n > 0 && strspn(p, allowed) >= n;
}

/* What the ARN names, where that is something that we do not work with. */
static const char *other_kind(const struct arn *a)
{
    static const struct {
        const char *service;
        const char *why;
    } services[] = {
        {"s3-outposts", "is of S3 on Outposts, which is not supported"},
        {"s3-object-lambda", "is an Object Lambda access point, which is not supported"},
        {"s3express", "is a directory bucket (S3 Express), which keeps no order of keys"},
        {"s3tables", "is a table bucket, which is not supported"},
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (is(a, FIELD_SERVICE, services[i].service))
            return services[i].why;
    }
    if (!is(a, FIELD_SERVICE, "s3"))
        return "is an ARN of another service";
    if (strncmp(a->at[FIELDS], "accesspoint", 11) != 0)
        return "is an ARN, but of no access point; a bucket is given by its name";
    if (a->n[FIELD_REGION] == 0)
        return "is a multi-region access point, which is not supported";
    return NULL;
}

/* The partition that a region belongs to, as far as it can be told by its name. */
static const char *partition_of(const char *region)
{
    static const char *const known[][2] = {
        {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"},
        {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
        {"eusc-", "aws-eusc"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(region, known[i][0], strlen(known[i][0])) == 0)
            return known[i][1];
    }
    return "aws";
}

const char *value_access_point(const char *text, char *out)
{
    static const char label[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    struct arn a;
    if (!cut(text, &a))
        return "is an ARN with too few parts";
    const char *why = other_kind(&a);
    if (why != NULL)
        return why;
    if (!made_of(a.at[FIELD_REGION], a.n[FIELD_REGION], label) || a.n[FIELD_REGION] > REGION_MAX)
        return "has a region that is none";
    if (a.n[FIELD_ACCOUNT] != ACCOUNT_DIGITS ||
        !made_of(a.at[FIELD_ACCOUNT], ACCOUNT_DIGITS, label + 26) ||
        memchr(a.at[FIELD_ACCOUNT], '-', ACCOUNT_DIGITS) != NULL)
        return "has an account that is not 12 digits";
    if (!is(&a, FIELD_PARTITION, partition_of(a.at[FIELD_REGION])))
        return "has a partition to which its region does not belong";
    const char *name = a.at[FIELDS] + 11;
    size_t n = *name == '/' || *name == ':' ? strlen(++name) : 0;
    if (n < NAME_MIN || n > NAME_MAX || !made_of(name, n, label) || name[0] == '-' ||
        name[n - 1] == '-')
        return "has a name that is not 3 to 50 lower-case letters, digits and '-'";
    size_t len = strlen(text);
    memcpy(out, text, len + 1);
    out[len - n - 1] = '/';
    return NULL;
}
