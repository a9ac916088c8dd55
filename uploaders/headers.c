/*
 * Content types, POSIX metadata and the rules of keys. Pure.
 */
#include "uploaders/headers.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WRITER "lockstep"

/* Endings in ASCII order, so that they can be searched by halves. */
static const struct {
    const char *ending;
    const char *type;
} types[] = {
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"csv", "text/csv"},
    {"gif", "image/gif"},
    {"heic", "image/heic"},
    {"heif", "image/heif"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"idx", "text/plain"},
    {"jp2", "image/jp2"},
    {"jpe", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"json", "application/json"},
    {"jsonl", "application/x-ndjson"},
    {"jxl", "image/jxl"},
    {"lst", "text/plain"},
    {"md", "text/markdown"},
    {"pbm", "image/x-portable-bitmap"},
    {"pdf", "application/pdf"},
    {"pgm", "image/x-portable-graymap"},
    {"png", "image/png"},
    {"ppm", "image/x-portable-pixmap"},
    {"rec", "application/x-recordio"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"tsv", "text/tab-separated-values"},
    {"txt", "text/plain"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
};

const char *headers_content_type(const char *key)
{
    const char *slash = strrchr(key, '/');
    const char *dot = strrchr(slash ? slash : key, '.');
    size_t low = 0;
    size_t high = dot ? sizeof(types) / sizeof(types[0]) : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcasecmp(dot + 1, types[middle].ending);
        if (order == 0)
            return types[middle].type;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return "application/octet-stream";
}

void headers_posix(const struct s3_posix *p, struct header out[HEADERS_POSIX_COUNT])
{
    out[0].name = "x-amz-meta-file-group";
    snprintf(out[0].value, HEADERS_VALUE_SIZE, "%" PRIu32, p->gid);
    out[1].name = "x-amz-meta-file-mtime";
    snprintf(out[1].value, HEADERS_VALUE_SIZE, "%" PRId64 "ns", p->mtime_ns);
    out[2].name = "x-amz-meta-file-owner";
    snprintf(out[2].value, HEADERS_VALUE_SIZE, "%" PRIu32, p->uid);
    out[3].name = "x-amz-meta-file-permissions";
    snprintf(out[3].value, HEADERS_VALUE_SIZE, "%07" PRIo32, p->mode);
    out[4].name = "x-amz-meta-user-agent";
    memcpy(out[4].value, WRITER, sizeof(WRITER));
}

bool headers_is_posix(const char *name)
{
    static const char *const names[] = {
        "x-amz-meta-file-group",       "x-amz-meta-file-mtime", "x-amz-meta-file-owner",
        "x-amz-meta-file-permissions", "x-amz-meta-user-agent",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The code point of a well-formed character of n bytes. */
static uint32_t code_point(const unsigned char *p, size_t n)
{
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3fu);
    return c;
}

/* XML 1.0 can carry the code point (production Char), even as a reference. */
static bool is_xml_char(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

int s3_check_key(const char *key, struct err *e)
{
    size_t n = strlen(key);
    if (n == 0)
        return err_set(e, ERR_SYNTAX, "", "a key of at least one byte", "the key is empty");
    if (n > S3_KEY_MAX)
        return err_set(e, ERR_LIMIT, key, "at most 1024 bytes; a shorter path or prefix",
                       "the key has %zu bytes", n);
    const unsigned char *p = (const unsigned char *)key;
    for (size_t at = 0, step; at < n; at += step) {
        step = utf8_length(p + at, n - at);
        if (!step)
            return err_set(e, ERR_SYNTAX, key, "a name in UTF-8",
                           "byte 0x%02x at offset %zu is not UTF-8", p[at], at);
        uint32_t c = code_point(p + at, step);
        if (!is_xml_char(c))
            return err_set(e, ERR_SYNTAX, key, "a name without control characters",
                           "U+%04" PRIX32 " at offset %zu cannot stand in S3's answers", c, at);
    }
    return 0;
}
