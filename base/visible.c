/* Text from outside, made harmless to look at. Pure. */
#include "base/visible.h"

#include "base/utf8.h"

#include <string.h>

size_t visible_length(const char *p, size_t n)
{
    size_t run = utf8_plain(p, n);
    unsigned char first;

    if (run > 0 || n == 0)
        return run;
    first = (unsigned char)p[0];
    if (first < 0x20 || first == 0x7f)
        return 0;
    if (first == 0xc2 && n > 1 && (unsigned char)p[1] < 0xa0)
        return 0;
    return utf8_length(p, n);
}

int visible_append(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    int rc = 0;

    while (n > 0 && rc == 0) {
        size_t k = visible_length(text, n);

        rc = k > 0 ? buf_append(out, text, k)
                   : buf_appendf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        k += k == 0;
        text += k;
        n -= k;
    }
    return rc;
}
