/* Where a journal lies in a bucket. Pure. */
#include "journal/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES_DIGITS 20

/* Is it one that stands as it is? */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '.' || c == '/';
}

/* Bytes of the part up to the next slash, if it is "." or ".."; else 0. */
static size_t dots(const char *part)
{
    size_t n = strcspn(part, "/");

    return (n == 1 || n == 2) && strspn(part, ".") >= n ? n : 0;
}

/* One byte of a log's name. Returns where it ends. */
static size_t put(char *out, size_t at, char c, bool plain)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned byte = (unsigned char)c;

    if (at + 4 >= JOURNAL_PLACE_SIZE)
        return at;
    if (plain) {
        out[at] = c;
        return at + 1;
    }
    out[at] = '%';
    out[at + 1] = digits[byte >> 4];
    out[at + 2] = digits[byte & 15];
    return at + 3;
}

char *journal_place_log(const char *prefix, const char *log, char out[JOURNAL_PLACE_SIZE])
{
    size_t at = (size_t)snprintf(out, JOURNAL_PLACE_SIZE, "%.*s", JOURNAL_PLACE_PREFIX_MAX, prefix);
    size_t hidden = dots(log);

    for (const char *c = log; *c; c++) {
        at = put(out, at, *c, is_plain(*c) && !hidden);
        hidden = *c == '/' ? dots(c + 1) : hidden - (hidden > 0);
    }
    at = put(out, at, '/', true);
    out[at] = '\0';
    return out;
}

char *journal_place_segment(const char *folder, const char *file, char out[JOURNAL_PLACE_SIZE])
{
    (void)snprintf(out, JOURNAL_PLACE_SIZE, "%s" JOURNAL_PLACE_SEGMENTS "%s", folder,
                   file); /* fits */
    return out;
}

char *journal_place_checkpoint(const char *folder, uint64_t lines, char out[JOURNAL_PLACE_SIZE])
{
    (void)snprintf(out, JOURNAL_PLACE_SIZE, "%s" JOURNAL_PLACE_CHECKPOINTS "%0*" PRIu64, folder,
                   LINES_DIGITS, lines); /* fits */
    return out;
}

char *journal_place_checkpoints(const char *folder, char out[JOURNAL_PLACE_SIZE])
{
    (void)snprintf(out, JOURNAL_PLACE_SIZE, "%s" JOURNAL_PLACE_CHECKPOINTS, folder); /* fits */
    return out;
}

bool journal_place_lines(const char *folder, const char *key, uint64_t *ret)
{
    char again[JOURNAL_PLACE_SIZE];
    size_t n = strlen(folder) + strlen(JOURNAL_PLACE_CHECKPOINTS);
    uint64_t lines = 0;

    if (strlen(key) != n + LINES_DIGITS)
        return false;
    for (const char *c = key + n; *c >= '0' && *c <= '9'; c++)
        lines = lines * 10 + (uint64_t)(*c - '0'); /* what is too large is another number again */
    if (strcmp(journal_place_checkpoint(folder, lines, again), key) != 0)
        return false;
    *ret = lines;
    return true;
}
