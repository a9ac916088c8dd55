/* An answer to HEAD. Shell. See head.h. */
#include "uploaders/head.h"

#include "base/clock.h"
#include "base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VALUE_MAX (4 * ((CHECKSUM_BYTES_MAX + 2) / 3)) /* a checksum in base64 */

static const char *const checksum_headers[CHECKSUM_COUNT] = {
    [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme", [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
    [CHECKSUM_SHA1] = "x-amz-checksum-sha1",           [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
    [CHECKSUM_CRC32] = "x-amz-checksum-crc32",
};

/* A checksum as S3 spells it. A composite one has "-N" behind it, and is none. */
static bool read_checksum(const char *text, size_t bytes, uint8_t out[CHECKSUM_BYTES_MAX])
{
    uint8_t room[VALUE_MAX];
    size_t n;
    if (strlen(text) > VALUE_MAX || base64_decode(text, strlen(text), room, &n) || n != bytes)
        return false;
    memcpy(out, room, n);
    return true;
}

/* A number of the metadata; `end` is what may follow it. */
static bool read_number(const char *text, int base, int64_t most, const char *end, int64_t *ret)
{
    char *rest;
    errno = 0;
    long long n = strtoll(text, &rest, base);
    if (errno || rest == text || strcmp(rest, end) != 0 || n > most ||
        (most <= UINT32_MAX && n < 0))
        return false;
    *ret = n;
    return true;
}

/* The POSIX metadata, as FSx and DataSync write it. */
static void read_posix(const struct call *call, struct s3_head *ret)
{
    const char *mode = wire_head(&call->x, "x-amz-meta-file-permissions");
    const char *uid = wire_head(&call->x, "x-amz-meta-file-owner");
    const char *gid = wire_head(&call->x, "x-amz-meta-file-group");
    const char *mtime = wire_head(&call->x, "x-amz-meta-file-mtime");
    int64_t n;
    if (mode && read_number(mode, 8, UINT32_MAX, "", &n)) {
        ret->posix.mode = (uint32_t)n;
        ret->posix_has |= S3_HAS_MODE;
    }
    if (uid && read_number(uid, 10, UINT32_MAX, "", &n)) {
        ret->posix.uid = (uint32_t)n;
        ret->posix_has |= S3_HAS_UID;
    }
    if (gid && read_number(gid, 10, UINT32_MAX, "", &n)) {
        ret->posix.gid = (uint32_t)n;
        ret->posix_has |= S3_HAS_GID;
    }
    if (mtime && read_number(mtime, 10, INT64_MAX, "ns", &n)) {
        ret->posix.mtime_ns = n;
        ret->posix_has |= S3_HAS_MTIME;
    }
}

void head_read(const struct call *call, struct s3_head *ret)
{
    const char *type = wire_head(&call->x, "x-amz-checksum-type");
    const char *modified = wire_head(&call->x, "last-modified");
    const char *cipher = wire_head(&call->x, "x-amz-server-side-encryption");
    const char *writer = wire_head(&call->x, "x-amz-meta-user-agent");
    *ret = (struct s3_head){.is_composite = type && strcasecmp(type, "COMPOSITE") == 0};
    if (modified)
        (void)!clock_parse_http(modified, &ret->modified_us); /* else it stays 0: not told */
    ret->etag_is_opaque =
        (cipher && strcasecmp(cipher, "AES256") != 0) ||
        wire_head(&call->x, "x-amz-server-side-encryption-customer-algorithm") != NULL;
    for (int k = 0; k < CHECKSUM_COUNT; k++) {
        const char *text = checksum_headers[k] ? wire_head(&call->x, checksum_headers[k]) : NULL;
        ret->has[k] = text && !ret->is_composite &&
                      read_checksum(text, checksum_bytes((enum checksum_kind)k), ret->checksums[k]);
    }
    read_posix(call, ret);
    snprintf(ret->writer, sizeof(ret->writer), "%s", writer ? writer : "");
}
