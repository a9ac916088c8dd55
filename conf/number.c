/* Single numbers with units, quoting, and the distance of words. Pure. */
#include "base/err.h"
#include "conf/value.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: the way back takes the first that divides. */
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit size_units[] = {
    {"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20}, {"K", 1ull << 10}, {"", 1},
};

/* Decimal digits and one of the units, nothing else. */
static int parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
    uint64_t v = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return ERR_LIMIT;
    }
    if (p == text)
        return ERR_SYNTAX;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(p, units[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(v, units[i].factor, &v) || v > INT64_MAX)
            return ERR_LIMIT;
        *ret = v;
        return 0;
    }
    return ERR_SYNTAX;
}

/* The number with the largest unit that divides it. */
static char *render_with_unit(uint64_t v, const struct unit *units, char *out)
{
    while (v % units->factor != 0 || (v == 0 && units->factor != 1))
        units++;
    (void)snprintf(out, VALUE_NUMBER_MAX, "%llu%s", (unsigned long long)(v / units->factor),
                   units->name); /* fits */
    return out;
}

int value_price(const char *text, int64_t *ret)
{
    int64_t v = 0;
    int behind = -1; /* digits behind the point; -1: none was seen */
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '.' && behind < 0 && p != text) {
            behind = 0;
            continue;
        }
        if (*p < '0' || *p > '9' || behind == 9)
            return ERR_SYNTAX;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
            return ERR_LIMIT;
        behind += behind >= 0;
    }
    if (text[0] == '\0' || behind == 0)
        return ERR_SYNTAX;
    for (int i = behind < 0 ? 0 : behind; i < 9; i++)
        if (__builtin_mul_overflow(v, 10, &v))
            return ERR_LIMIT;
    *ret = v;
    return 0;
}

char *value_price_text(int64_t billionths, char *out)
{
    int n = snprintf(out, VALUE_NUMBER_MAX, "%lld.%09lld", (long long)(billionths / 1000000000),
                     (long long)(billionths % 1000000000)); /* fits */
    while (out[n - 1] == '0' && out[n - 2] != '.')
        out[--n] = '\0';
    return out;
}

int value_duration(const char *text, int64_t *ret_ms)
{
    uint64_t v;
    int r = parse_with_unit(text, duration_units,
                            sizeof(duration_units) / sizeof(duration_units[0]), &v);
    if (r == 0)
        *ret_ms = (int64_t)v;
    return r;
}

int value_size(const char *text, uint64_t *ret_bytes)
{
    return parse_with_unit(text, size_units, sizeof(size_units) / sizeof(size_units[0]), ret_bytes);
}

char *value_duration_text(int64_t ms, char *out)
{
    return render_with_unit((uint64_t)ms, duration_units, out);
}

char *value_size_text(uint64_t bytes, char *out)
{
    return render_with_unit(bytes, size_units, out);
}

/* How one byte is written in quotes; returns the bytes in out[5]. */
static size_t quote_byte(unsigned char c, char *out)
{
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    if (c >= 0x20 && c != 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    return (size_t)snprintf(out, 5, "\\x%02x", c);
}

char *value_quote(const char *text, char *out, size_t size)
{
    size_t len = 1;
    size_t cut = 1; /* the last place where "..." and the closing quote still fit */
    out[0] = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        char one[5];
        size_t n = quote_byte(*p, one);
        if (len + n + 2 > size) {
            memcpy(out + cut, "...", 3);
            len = cut + 3;
            break;
        }
        memcpy(out + len, one, n);
        len += n;
        if (len + 5 <= size)
            cut = len;
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t value_distance(const char *a, const char *b)
{
    size_t n = strlen(a);
    size_t m = strlen(b);
    if (n > VALUE_WORD_MAX || m > VALUE_WORD_MAX)
        return n + m;
    size_t d[VALUE_WORD_MAX + 1][VALUE_WORD_MAX + 1];
    for (size_t i = 0; i <= n; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            size_t v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            v = least(v, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                v = least(v, d[i - 2][j - 2] + 1);
            d[i][j] = v;
        }
    }
    return d[n][m];
}
