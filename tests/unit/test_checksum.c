/*
 * The checksums of objects: the check values that everybody publishes, in one piece and in many.
 */
#include "tests/unit/unit.h"

#include "base/checksum.h"
#include "base/digest.h"

#include <string.h>

static const struct {
    enum checksum_kind kind;
    const char *empty, *digits; /* of "" and of "123456789" */
} cases[] = {
    {CHECKSUM_CRC64NVME, "0000000000000000", "ae8b14860a799888"},
    {CHECKSUM_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
    {CHECKSUM_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
    {CHECKSUM_CRC32C, "00000000", "e3069283"},
    {CHECKSUM_CRC32, "00000000", "cbf43926"},
    {CHECKSUM_MD5, "d41d8cd98f00b204e9800998ecf8427e", "25f9e794323b453885f5181f1b624d0b"},
};

/* The checksum of a text given in pieces of so many bytes, in hex. */
static const char *sum(enum checksum_kind kind, const char *text, size_t step)
{
    static char hex[2 * CHECKSUM_BYTES_MAX + 1];
    uint8_t out[CHECKSUM_BYTES_MAX];
    struct checksum c;
    size_t n = strlen(text);

    checksum_begin(&c, kind);
    for (size_t at = 0; at < n; at += step)
        checksum_add(&c, text + at, n - at < step ? n - at : step);
    assert_int_equal(checksum_end(&c, out), checksum_bytes(kind));
    return hex_encode(out, checksum_bytes(kind), hex);
}

static void test_check_values(void **state)
{
    (void)state;
    assert_int_equal(sizeof cases / sizeof *cases, CHECKSUM_COUNT);
    for (size_t i = 0; i < CHECKSUM_COUNT; i++) {
        assert_string_equal(sum(cases[i].kind, "", 1), cases[i].empty);
        for (size_t step = 1; step <= 9; step++)
            assert_string_equal(sum(cases[i].kind, "123456789", step), cases[i].digits);
        assert_true(checksum_name(cases[i].kind)[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check_values)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
