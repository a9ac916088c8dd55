/* Pure. Keys of the trash. See trash.h. */
#include "agent/core/trash.h"

#include "base/clock.h"
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#define STAMP_LEN (TRASH_STAMP_SIZE - 1)
#define TAIL_LEN  (1 + 2 * SHA256_BYTES) /* of a key that is cut: '~' and digits */

void trash_stamp(int64_t us, char out[TRASH_STAMP_SIZE])
{
    char iso[CLOCK_ISO_SIZE];

    clock_iso(us, iso); /* 2026-01-31T08:15:00.000000Z */
    snprintf(out, TRASH_STAMP_SIZE, "%.13s-%.2s-%.6sZ", iso, iso + 14, iso + 17);
}

/* Where a text may be cut: not within a character of UTF-8. */
static size_t cut_at(const char *text, size_t n)
{
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

void trash_key(const char *prefix, const char *stamp, const char *key, char out[TRASH_KEY_MAX + 1])
{
    size_t head = strlen(prefix) + STAMP_LEN + 1, n = strlen(key);
    uint8_t hash[SHA256_BYTES];
    char digits[SHA256_HEX] = "";

    if (head + n > TRASH_KEY_MAX) {
        digest_sha256(key, n, hash);
        hex_encode(hash, sizeof hash, digits);
        n = cut_at(key, TRASH_KEY_MAX - TAIL_LEN - head);
    }
    snprintf(out, TRASH_KEY_MAX + 1, "%s%s/%.*s%s%s", prefix, stamp, (int)n, key,
             digits[0] ? "~" : "", digits);
}

/* Does the text begin with a time as trash_stamp writes it, then '/'? */
static bool has_form(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd-dd-dd.dddZ/";

    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return text[sizeof form - 1] != '\0';
}

bool trash_time(const char *prefix, const char *key, int64_t *ret_us)
{
    size_t n = strlen(prefix);
    const char *stamp = key + n;
    char iso[CLOCK_ISO_SIZE];

    if (strncmp(key, prefix, n) != 0 || !has_form(stamp))
        return false;
    snprintf(iso, sizeof iso, "%.13s:%.2s:%.7s", stamp, stamp + 14, stamp + 17);
    return clock_parse(iso, 0, ret_us) == 0;
}
