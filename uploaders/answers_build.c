/*
 * Bodies of requests. Pure.
 */
#include "base/crc.h"
#include "base/err.h"
#include "uploaders/answers.h"
#include "uploaders/undo.h"

#include <errno.h>
#include <string.h>

#define NAMESPACE       "http://s3.amazonaws.com/doc/2006-03-01/"
#define PART_NUMBER_MAX 10000

/* How a byte is written in XML; NULL: as it is. White space too, lest a reader normalise it. */
static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

/* Append a text, escaped. */
static int append_escaped(struct buf *out, const char *text)
{
    int rc = 0;
    while (!rc && *text) {
        size_t run = strcspn(text, "&<>\"\t\n\r");
        rc = buf_append(out, text, run);
        text += run;
        if (!rc && *text)
            rc = buf_append_str(out, escape_of(*text++));
    }
    return rc;
}

int answers_build_delete(const struct delete_item *items, size_t n, struct buf *out)
{
    size_t len = out->len;
    if (n > S3_BATCH_MAX)
        return ERR_LIMIT;
    int rc = buf_append_str(out, "<Delete xmlns=\"" NAMESPACE "\">");
    for (size_t i = 0; !rc && i < n; i++) {
        rc = s3_check_key(items[i].key, NULL) ? ERR_SYNTAX : 0;
        rc = rc ?: buf_append_str(out, "<Object><Key>");
        rc = rc ?: append_escaped(out, items[i].key);
        rc = rc ?: buf_append_str(out, "</Key>");
        if (items[i].etag && items[i].etag[0]) {
            rc = rc ?: buf_append_str(out, "<ETag>&quot;");
            rc = rc ?: append_escaped(out, items[i].etag);
            rc = rc ?: buf_append_str(out, "&quot;</ETag>");
        }
        rc = rc ?: buf_append_str(out, "</Object>");
    }
    rc = rc ?: buf_append_str(out, "</Delete>");
    return undo_append(out, len, rc);
}

/* Append one part. */
static int append_part(struct buf *out, const struct s3_part *part)
{
    char crc[CRC64_BASE64_SIZE];
    int rc = buf_append_str(out, "<Part>");
    if (part->has_crc)
        rc = rc
                 ?: buf_appendf(out, "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME>",
                                crc64nvme_base64(part->crc64, crc));
    rc = rc ?: buf_append_str(out, "<ETag>&quot;");
    rc = rc ?: append_escaped(out, part->etag);
    return rc ?: buf_appendf(out, "&quot;</ETag><PartNumber>%u</PartNumber></Part>", part->number);
}

int answers_build_complete(const struct s3_part *parts, size_t n, struct buf *out)
{
    size_t len = out->len;
    unsigned last = 0;
    int rc = buf_append_str(out, "<CompleteMultipartUpload xmlns=\"" NAMESPACE "\">");
    for (size_t i = 0; !rc && i < n; i++) {
        if (parts[i].number <= last || parts[i].number > PART_NUMBER_MAX)
            rc = -EINVAL;
        rc = rc ?: append_part(out, &parts[i]);
        last = parts[i].number;
    }
    rc = rc ?: buf_append_str(out, "</CompleteMultipartUpload>");
    return undo_append(out, len, rc);
}
