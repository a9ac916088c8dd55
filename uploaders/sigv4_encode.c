/*
 * Percent-encoding of paths and queries, as it is signed and sent (RFC 3986). Pure.
 */
#include "uploaders/sigv4.h"

#include "base/err.h"
#include "uploaders/undo.h"

#include <stdbool.h>
#include <string.h>

/* A byte that percent-encoding leaves alone (RFC 3986, unreserved). */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Append `text` encoded; `slash` is kept where it is '/' and encoded where it is 0. */
static int encode(const char *text, char slash, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    int rc = buf_reserve(out, strlen(text));
    while (!rc && *text) {
        size_t run = 0;
        while (is_unreserved((unsigned char)text[run]) || (slash && text[run] == slash))
            run++;
        rc = buf_append(out, text, run);
        text += run;
        if (rc || !*text)
            break;
        unsigned char c = (unsigned char)*text++;
        char triple[3] = {'%', digits[c >> 4], digits[c & 15]};
        rc = buf_append(out, triple, sizeof(triple));
    }
    return rc;
}

int sigv4_encode_path(const char *path, struct buf *out)
{
    size_t len = out->len;
    return undo_append(out, len, encode(path, '/', out));
}

int sigv4_encode(const char *text, struct buf *out)
{
    size_t len = out->len;
    return undo_append(out, len, encode(text, 0, out));
}

/* Order of two texts once encoded, without encoding them: '%' comes before all unreserved bytes,
 * and hex digits are in the order of the bytes that they spell. */
static int compare_encoded(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    unsigned char x = (unsigned char)*a;
    unsigned char y = (unsigned char)*b;
    if (!x || !y)
        return (x != 0) - (y != 0);
    if (is_unreserved(x) != is_unreserved(y))
        return is_unreserved(x) ? 1 : -1;
    return x - y;
}

/* Sort parameters in place by encoded name, then value. */
static void sort_params(const struct sigv4_pair **at, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct sigv4_pair *p = at[i];
        size_t j = i;
        for (; j > 0; j--) {
            int order = compare_encoded(at[j - 1]->name, p->name);
            if (!order)
                order = compare_encoded(at[j - 1]->value, p->value);
            if (order <= 0)
                break;
            at[j] = at[j - 1];
        }
        at[j] = p;
    }
}

int sigv4_encode_query(const struct sigv4_pair *pairs, size_t n, struct buf *out)
{
    const struct sigv4_pair *at[SIGV4_PAIRS_MAX];
    if (n > SIGV4_PAIRS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < n; i++)
        at[i] = &pairs[i];
    sort_params(at, n);
    size_t len = out->len;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = i ? buf_append_byte(out, '&') : 0;
        rc = rc ?: encode(at[i]->name, 0, out);
        rc = rc ?: buf_append_byte(out, '=');
        rc = rc ?: encode(at[i]->value, 0, out);
    }
    return undo_append(out, len, rc);
}
