/*
 * What an object says of itself: its content type and its POSIX metadata. Pure.
 *
 * The metadata is the convention of FSx for Lustre and DataSync: permissions as the octal st_mode
 * with its type, owner and group as decimals, times as nanoseconds with the suffix "ns" (without it
 * they would be read as milliseconds).
 */
#ifndef LOCKSTEP_UPLOADERS_HEADERS_H
#define LOCKSTEP_UPLOADERS_HEADERS_H

#include "uploaders/uploaders.h"

#include <stdbool.h>

/* headers_content_type(key): by the ending, in any case; "application/octet-stream" where it says
 * nothing. Static. s3_check_key of uploaders.h is here too. */
const char *headers_content_type(const char *key);

#define HEADERS_POSIX_COUNT 5
#define HEADERS_VALUE_SIZE  32

/* A header; the name static, in lower case. */
struct header {
    const char *name;
    char value[HEADERS_VALUE_SIZE];
};

/* headers_posix(p, out): x-amz-meta-file-permissions, -owner, -group, -mtime, and -user-agent (who
 * wrote it), sorted by name. */
void headers_posix(const struct s3_posix *p, struct header out[HEADERS_POSIX_COUNT]);

/* headers_is_posix(name): one of those, in any case: what is left out when an object's metadata is
 * sent again with new POSIX metadata. */
bool headers_is_posix(const char *name);

#endif
