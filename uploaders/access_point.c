/*
 * Access points, named by their ARN. Pure. The rules of their names are those of the S3 User Guide
 * ("Access points restrictions and limitations").
 */
#include "uploaders/access_point.h"

#include "base/buf.h"
#include "uploaders/partition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char right[] = "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME";

enum field { FIELD_ARN, FIELD_PARTITION, FIELD_SERVICE, FIELD_REGION, FIELD_ACCOUNT, FIELDS };

/* An ARN cut at its colons; the last field may have more of them. */
struct arn {
    struct span fields[FIELDS];
    struct span resource;
};

static bool is(struct span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* May stand in a label of a host name. */
static bool is_label(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
}

static bool all(struct span s, bool (*fits)(char c))
{
    for (size_t i = 0; i < s.n; i++)
        if (!fits(s.p[i]))
            return false;
    return s.n > 0;
}

bool access_point_is_arn(const char *bucket)
{
    return strncmp(bucket, "arn:", 4) == 0;
}

/* Cut the text at its colons; false where there are too few. */
static bool cut(const char *text, struct arn *ret)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const char *colon = strchr(text, ':');
        if (!colon)
            return false;
        ret->fields[i] = (struct span){text, (size_t)(colon - text)};
        text = colon + 1;
    }
    ret->resource = (struct span){text, strlen(text)};
    return true;
}

/* What the ARN is of, where that is something that we do not work with; NULL otherwise. */
static const char *other_kind(const struct arn *a)
{
    static const struct {
        const char *service;
        const char *kind;
    } services[] = {
        {"s3-outposts", "S3 on Outposts"},
        {"s3-object-lambda", "an Object Lambda access point"},
        {"s3express", "a directory bucket (S3 Express)"},
        {"s3tables", "a table bucket"},
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (is(a->fields[FIELD_SERVICE], services[i].service))
            return services[i].kind;
    if (!is(a->fields[FIELD_SERVICE], "s3"))
        return "another service's ARN";
    if (a->resource.n < 11 || memcmp(a->resource.p, "accesspoint", 11) != 0)
        return "the ARN of a bucket or an object";
    return a->fields[FIELD_REGION].n == 0 ? "a multi-region access point" : NULL;
}

/* "accesspoint/name": the name; false where it is no good one. */
static bool read_name(const struct arn *a, char out[ACCESS_POINT_NAME_MAX + 1])
{
    struct span name = {a->resource.p + 12, a->resource.n < 12 ? 0 : a->resource.n - 12};
    if (name.n < ACCESS_POINT_NAME_MIN || name.n > ACCESS_POINT_NAME_MAX ||
        !strchr("/:", a->resource.p[11]) || !all(name, is_label) || name.p[0] == '-' ||
        name.p[name.n - 1] == '-')
        return false;
    memcpy(out, name.p, name.n);
    out[name.n] = '\0';
    return true;
}

/* The parts, one after the other. */
static int read_parts(const char *text, const struct arn *a, struct access_point *ap, struct err *e)
{
    struct span region = a->fields[FIELD_REGION], account = a->fields[FIELD_ACCOUNT];
    if (region.n > ACCESS_POINT_REGION_MAX || !all(region, is_label))
        return err_set(e, ERR_SYNTAX, text, right, "the ARN's region is none");
    memcpy(ap->region, region.p, region.n);
    if (account.n != ACCESS_POINT_ACCOUNT || !all(account, is_digit))
        return err_set(e, ERR_SYNTAX, text, right, "the ARN's account is not 12 digits");
    memcpy(ap->account, account.p, account.n);
    const struct partition *p = partition_of(ap->region);
    if (!is(a->fields[FIELD_PARTITION], p->arn))
        return err_set(e, ERR_SYNTAX, text, right,
                       "the ARN's region %s belongs to the partition \"%s\"", ap->region, p->arn);
    if (!read_name(a, ap->name))
        return err_set(e, ERR_SYNTAX, text, right,
                       "the access point's name is not 3 to 50 lower-case letters, digits and '-'");
    snprintf(ap->arn, sizeof(ap->arn), "arn:%s:s3:%s:%s:accesspoint/%s", p->arn, ap->region,
             ap->account, ap->name);
    return 0;
}

int access_point_parse(const char *arn, struct access_point *ret, struct err *e)
{
    struct arn a;
    struct access_point ap = {.name = ""};
    if (!access_point_is_arn(arn) || !cut(arn, &a))
        return err_set(e, ERR_SYNTAX, arn, right, "an ARN with too few parts");
    const char *kind = other_kind(&a);
    if (kind)
        return err_set(e, -ENOTSUP, arn, "the name of a bucket, or an access point's ARN",
                       "%s is not supported", kind);
    int rc = read_parts(arn, &a, &ap, e);
    if (rc == 0)
        *ret = ap;
    return rc;
}
