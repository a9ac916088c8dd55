/*
 * Amazon's partitions, and the names of its hosts in them. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_PARTITION_H
#define LOCKSTEP_UPLOADERS_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

/* Regions that are apart from all others: own accounts, own names. */
struct partition {
    const char *regions;   /* what the names of its regions begin with */
    const char *arn;       /* its name in an ARN */
    const char *suffix;    /* of host names */
    const char *dualstack; /* of those with IPv6, but for S3's */
    bool s3_fips;          /* S3 has FIPS endpoints there */
};

/* partition_of(region): never NULL; a region of no known kind belongs to "aws". Static. */
const struct partition *partition_of(const char *region);

/* partition_sts(region, fips, dualstack, out, size): "https://sts.eu-west-1.amazonaws.com". Returns
 * out. */
char *partition_sts(const char *region, bool fips, bool dualstack, char *out, size_t size);

#endif
