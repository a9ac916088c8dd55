/*
 * The small parsers of text in base/: times, patterns, hexadecimal, base64, paths. The first byte
 * chooses; what is accepted must come back the same.
 */
#include "base/clock.h"
#include "base/crc.h"
#include "base/digest.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A moment prints as a text that means the same moment. */
static void try_clock(const char *text)
{
    char iso[CLOCK_ISO_SIZE];
    int64_t us;
    int64_t again;

    if (clock_parse(text, INT64_C(1767323045123456), &us) != 0 && clock_parse_http(text, &us) != 0)
        return;
    if (clock_parse(clock_iso(us, iso), 0, &again) != 0 || again != us)
        abort();
}

/* The text is a pattern up to its first newline, and a path after it. */
static void try_glob(char *text)
{
    char *path = strchr(text, '\n');

    if (!path)
        return;
    *path++ = '\0';
    (void)path_glob(text, path); /* only whether it ends and stays in bounds */
    if (!strpbrk(text, "*?[\\") && strchr(text, '/') && strlen(path) <= PATH_BYTES_MAX &&
        path_glob(text, path) != (strcmp(text, path) == 0))
        abort();
}

/* What decodes encodes to the same text. */
static void try_base64(const char *text, size_t n)
{
    uint8_t *bytes = malloc(n / 4 * 3 + 1);
    char *again = malloc(n + 1);
    size_t bytes_n;
    uint64_t crc;
    char crc_text[CRC64_BASE64_SIZE];

    if (!bytes || !again)
        abort();
    if (base64_decode(text, n, bytes, &bytes_n) == 0 &&
        (base64_size(bytes_n) != n || memcmp(base64_encode(bytes, bytes_n, again), text, n) != 0))
        abort();
    if (crc64nvme_parse(text, &crc) == 0 && strcmp(crc64nvme_base64(crc, crc_text), text) != 0)
        abort();
    free(bytes);
    free(again);
}

/* What decodes encodes to the same text, in lower case. */
static void try_hex(const char *text, size_t n)
{
    uint8_t *bytes = malloc(n / 2 + 1);
    char *again = malloc(n + 1);

    if (!bytes || !again)
        abort();
    if (hex_decode(text, n, bytes) == 0 && strcasecmp(hex_encode(bytes, n / 2, again), text) != 0)
        abort();
    free(bytes);
    free(again);
}

/* A legal path is its parent and its name. */
static void try_path(const char *path)
{
    char parent[PATH_BYTES_MAX + 1];
    char again[PATH_BYTES_MAX + 1];

    (void)path_is_utf8(path); /* only whether it stays in bounds */
    if (path_check(path) != 0)
        return;
    if (path_parent(parent, sizeof(parent), path) != 0 || !path_is_within(path, parent) ||
        path_join(again, sizeof(again), parent, path_name(path)) != 0 || strcmp(path, again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;
    size_t n;

    if (size == 0)
        return 0;
    n = size - 1;
    text = malloc(n + 1);
    if (!text)
        abort();
    memcpy(text, data + 1, n);
    text[n] = '\0';
    switch (data[0]) {
    case 'c':
        try_clock(text);
        break;
    case 'g':
        try_glob(text);
        break;
    case 'b':
        try_base64(text, n);
        break;
    case 'h':
        try_hex(text, n);
        break;
    case 'p':
        try_path(text);
        break;
    }
    free(text);
    return 0;
}
