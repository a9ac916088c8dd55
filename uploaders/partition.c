/*
 * Amazon's partitions. Pure. The table is that of the AWS SDKs (botocore, partitions.json).
 */
#include "uploaders/partition.h"

#include <stdio.h>
#include <string.h>

static const struct partition partitions[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"us-gov-", "aws-us-gov", "amazonaws.com", "api.aws", true},
    {"us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov", true},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", true},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", true},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", true},
    {"eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", true},
};

static const struct partition aws = {"", "aws", "amazonaws.com", "api.aws", true};

const struct partition *partition_of(const char *region)
{
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
        if (strncmp(region, partitions[i].regions, strlen(partitions[i].regions)) == 0)
            return &partitions[i];
    return &aws;
}

char *partition_sts(const char *region, bool fips, bool dualstack, char *out, size_t size)
{
    const struct partition *p = partition_of(region);
    /* In GovCloud the plain ones are FIPS endpoints. */
    bool own_name = fips && !(strcmp(p->arn, "aws-us-gov") == 0 && !dualstack);
    snprintf(out, size, "https://sts%s.%s.%s", own_name ? "-fips" : "", region,
             dualstack ? p->dualstack : p->suffix);
    return out;
}
