/* Settings of S3 held against each other. Pure. */
#include "conf/reading.h"
#include "conf/setting.h"

#include <string.h>

/* A fault of one setting of the group. */
#define S3_FAULT(r, group, name, right, ...)                                                       \
    fault_add(&(r)->faults, reading_node_line((group), (name)), "s3." name, (right), __VA_ARGS__)

/* A certificate for *.s3.amazonaws.com does not cover a bucket with dots. */
static void check_dots(struct reading *r, const struct node *group)
{
    const struct conf_s3 *s3 = &r->conf->s3;
    bool tls = s3->endpoint == NULL || strncmp(s3->endpoint, "https:", 6) == 0;
    if (s3->addressing == CONF_ADDRESS_VIRTUAL && tls && strncmp(s3->bucket, "arn:", 4) != 0 &&
        strchr(s3->bucket, '.') != NULL)
        S3_FAULT(r, group, "addressing", "expected \"path\" or \"auto\"",
                 "\"virtual\" cannot be verified by TLS for a bucket with dots (\"%s\")",
                 s3->bucket);
}

/* The name of an access point is part of the host's. */
static void check_access_point(struct reading *r, const struct node *group)
{
    const struct conf_s3 *s3 = &r->conf->s3;
    if (strncmp(s3->bucket, "arn:", 4) != 0)
        return;
    if (s3->addressing == CONF_ADDRESS_PATH)
        S3_FAULT(r, group, "addressing", "expected \"virtual\" or \"auto\"",
                 "\"path\" is not possible for an access point, whose name is part of the host's");
    const char *host = s3->endpoint == NULL ? "" : strstr(s3->endpoint, "://") + 3;
    bool address = *host == '[' || (*host && host[strspn(host, "0123456789.")] == '\0') ||
                   (*host && host[strspn(host, "0123456789.")] == ':');
    if (address)
        S3_FAULT(r, group, "endpoint", "expected a host with a name",
                 "\"%s\" is an address, and the name of an access point is part of the host's",
                 s3->endpoint);
}

/* What only Amazon's own endpoints have. */
static void check_forms(struct reading *r, const struct node *group)
{
    const struct conf_s3 *s3 = &r->conf->s3;
    bool china = (s3->region != NULL && strncmp(s3->region, "cn-", 3) == 0) ||
                 (s3->bucket != NULL && strncmp(s3->bucket, "arn:aws-cn:", 11) == 0);
    if (s3->fips && s3->endpoint != NULL)
        S3_FAULT(r, group, "fips", "leave one of the two out",
                 "only Amazon's own endpoints have a FIPS form, not %s", s3->endpoint);
    else if (s3->fips && china)
        S3_FAULT(r, group, "fips", "leave it out", "S3 has no FIPS endpoints in China");
    if (s3->dualstack && s3->endpoint != NULL)
        S3_FAULT(r, group, "dualstack", "leave one of the two out",
                 "only Amazon's own endpoints have a dual-stack form, not %s", s3->endpoint);
}

void reading_check_s3(struct reading *r)
{
    const struct node *group = node_member(source_root(r->source), "s3");
    if (group == NULL)
        return;
    if (r->conf->s3.bucket != NULL) {
        check_dots(r, group);
        check_access_point(r, group);
    }
    check_forms(r, group);
}
