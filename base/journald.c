/* Entries of systemd's journal in its native protocol. Pure. */
#include "base/journald.h"

#include <stdint.h>
#include <string.h>

int journald_field(struct buf *out, const char *name, const char *value)
{
    size_t name_n = strlen(name), n = strlen(value), before = out->len;
    uint8_t length[8];
    int rc;

    if (!memchr(value, '\n', n))
        return buf_appendf(out, "%s=%s\n", name, value);
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)((uint64_t)n >> 8 * i);
    rc = buf_reserve(out, name_n + 1 + sizeof(length) + n + 1);
    if (rc == 0)
        rc = buf_append(out, name, name_n);
    if (rc == 0)
        rc = buf_append_byte(out, '\n');
    if (rc == 0)
        rc = buf_append(out, length, sizeof(length));
    if (rc == 0)
        rc = buf_append(out, value, n);
    if (rc == 0)
        rc = buf_append_byte(out, '\n');
    if (rc != 0)
        out->len = before;
    return rc;
}
