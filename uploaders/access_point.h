/*
 * Access points, named by their ARN. Pure.
 *
 *   arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME      (or accesspoint:NAME)
 */
#ifndef LOCKSTEP_UPLOADERS_ACCESS_POINT_H
#define LOCKSTEP_UPLOADERS_ACCESS_POINT_H

#include "base/err.h"

#include <stdbool.h>

#define ACCESS_POINT_REGION_MAX 63
#define ACCESS_POINT_ACCOUNT    12 /* digits */
#define ACCESS_POINT_NAME_MIN   3
#define ACCESS_POINT_NAME_MAX   50
#define ACCESS_POINT_ARN_MAX    191 /* bytes: more than the parts come to */

struct access_point {
    char region[ACCESS_POINT_REGION_MAX + 1];
    char account[ACCESS_POINT_ACCOUNT + 1];
    char name[ACCESS_POINT_NAME_MAX + 1];
    char arn[ACCESS_POINT_ARN_MAX + 1]; /* with "accesspoint/" */
};

/* access_point_is_arn(bucket): what stands where a bucket's name is expected is an ARN. */
bool access_point_is_arn(const char *bucket);

/* access_point_parse(arn, ret, e): 0; ERR_SYNTAX for one that is written wrongly; -ENOTSUP for that
 * of something else: a bucket, Outposts, Object Lambda, a directory bucket, a multi-region access
 * point. */
int access_point_parse(const char *arn, struct access_point *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
