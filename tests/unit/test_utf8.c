/* Well-formed UTF-8, against the definition by code points. */
#include "base/utf8.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* Encode a code point as UTF-8 would, were there no forbidden ones. */
static size_t encode(uint32_t c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (unsigned char)(0xc0 | c >> 6);
        out[1] = (unsigned char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xe0 | c >> 12);
        out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (c & 0x3f));
    return 4;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1fffff; c++) {
        unsigned char bytes[4];
        size_t n = encode(c, bytes);
        size_t want = (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ? 0 : n;

        if (utf8_length(bytes, n) != want)
            fail_msg("U+%X", c);
        if (n > 1 && utf8_length(bytes, n - 1) != 0)
            fail_msg("U+%X cut short", c);
    }
}

static void test_malformed(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xf0\x9f\x98",
        "\xf0\x9f\x98\x28",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(utf8_length(bad[i], strlen(bad[i])), 0);
    assert_int_equal(utf8_length("", 0), 0);
}

/* The definition, byte by byte. */
static size_t plain_run(const unsigned char *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void test_plain_stops_at_every_byte_that_is_not(void **state)
{
    unsigned char text[40];

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 24; at++) {
            memset(text, 'a', sizeof(text));
            text[at] = (unsigned char)byte;
            for (size_t n = 0; n < sizeof(text); n++)
                assert_int_equal(utf8_plain(text, n), plain_run(text, n));
        }
    }
}

static void test_plain_on_random_bytes(void **state)
{
    unsigned char text[64];

    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        for (size_t k = 0; k < sizeof(text); k++)
            text[k] = (unsigned char)(rand() % 20 ? 0x20 + rand() % 0x60 : rand());
        assert_int_equal(utf8_plain(text, sizeof(text)), plain_run(text, sizeof(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_plain_stops_at_every_byte_that_is_not),
        cmocka_unit_test(test_plain_on_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
