/* Hexadecimal and base64 (RFC 4648). Pure. */
#include "base/digest.h"
#include "base/err.h"

#include <endian.h>
#include <string.h>

#define NOT_A_DIGIT  0xff
#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static const char base64_digits[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The eight digits of four bytes, all at once: each half byte gets a byte of its own, then 10-15
 * the distance from '9' to 'a'. */
static uint64_t hex_of_four(const uint8_t *in)
{
    uint32_t four;
    uint64_t v;
    uint64_t letters;

    memcpy(&four, in, sizeof(four));
    v = le32toh(four);
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v >> 4 | v << 8) & EACH_BYTE(0x0f);
    letters = (v + EACH_BYTE(6)) >> 4 & EACH_BYTE(1);
    return v + EACH_BYTE('0') + letters * ('a' - '9' - 1);
}

char *hex_encode(const void *p, size_t n, char *out)
{
    const uint8_t *in = p;
    size_t i = 0;

    for (; n - i >= 4; i += 4) {
        uint64_t digits = htole64(hex_of_four(in + i));

        memcpy(out + 2 * i, &digits, sizeof(digits));
    }
    for (; i < n; i++) {
        const uint8_t last[4] = {in[i]};
        uint64_t digits = htole64(hex_of_four(last));

        memcpy(out + 2 * i, &digits, 2);
    }
    out[2 * n] = '\0';
    return out;
}

/* The value of a hexadecimal digit of either case, NOT_A_DIGIT for others. */
static uint8_t hex_value(char c)
{
    static const uint8_t more[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };

    return (uint8_t)(more[(unsigned char)c] - 1);
}

int hex_decode(const char *text, size_t text_n, uint8_t *out)
{
    uint8_t all = 0;

    if (text_n % 2 != 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text_n; i++)
        all |= hex_value(text[i]);
    if (all > 15)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text_n; i += 2)
        out[i / 2] = (uint8_t)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    return 0;
}

size_t base64_size(size_t n)
{
    return (n / 3 + (n % 3 != 0)) * 4;
}

char *base64_encode(const void *p, size_t n, char *out)
{
    const uint8_t *in = p;
    char *o = out;

    for (; n >= 3; n -= 3, in += 3, o += 4) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        o[0] = base64_digits[v >> 18];
        o[1] = base64_digits[v >> 12 & 63];
        o[2] = base64_digits[v >> 6 & 63];
        o[3] = base64_digits[v & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0);

        o[0] = base64_digits[v >> 18];
        o[1] = base64_digits[v >> 12 & 63];
        o[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
        o[3] = '=';
        o += 4;
    }
    *o = '\0';
    return out;
}

/* The value of a base64 digit. */
static uint8_t base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    if (c == '+')
        return 62;
    return c == '/' ? 63 : NOT_A_DIGIT;
}

/* Decode four characters of which the last `pads` are padding; false where they are not base64. */
static int decode_group(const char *text, size_t pads, uint8_t *out)
{
    uint32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        uint8_t digit = i < 4 - pads ? base64_value(text[i]) : 0;

        if (digit == NOT_A_DIGIT)
            return ERR_SYNTAX;
        v = v << 6 | digit;
    }
    if ((pads == 1 && (v & 0xff) != 0) || (pads == 2 && (v & 0xffff) != 0))
        return ERR_SYNTAX; /* stray bits */
    for (size_t i = 0; i < 3 - pads; i++)
        out[i] = (uint8_t)(v >> (16 - 8 * i));
    return 0;
}

int base64_decode(const char *text, size_t text_n, uint8_t *out, size_t *ret_n)
{
    size_t pads = 0;
    size_t n = 0;

    if (text_n % 4 != 0)
        return ERR_SYNTAX;
    if (text_n > 0 && text[text_n - 1] == '=')
        pads = text[text_n - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < text_n; i += 4) {
        size_t group_pads = i + 4 == text_n ? pads : 0;
        int rc = decode_group(text + i, group_pads, out + n);

        if (rc < 0)
            return rc;
        n += 3 - group_pads;
    }
    *ret_n = n;
    return 0;
}
