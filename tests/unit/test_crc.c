/* Checksums: known values, every way against the definition, and combination. */
#include "base/crc.h"
#include "base/crc_ways.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BYTES 5000

static uint8_t bytes[BYTES];

/* Fill the bytes, always alike. */
static int fill(void **state)
{
    (void)state;
    srand(23);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)rand();
    return 0;
}

static void test_known_values(void **state)
{
    static const uint8_t zeroes[4096];
    uint8_t ones[32];

    (void)state;
    assert_true(crc64nvme(0, "123456789", 9) == UINT64_C(0xae8b14860a799888));
    assert_true(crc64nvme(0, "", 0) == 0);
    assert_true(crc64nvme(0, zeroes, sizeof(zeroes)) == UINT64_C(0x6482d367eb22b64e));
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
    assert_int_equal(crc32c(0, zeroes, 32), 0x8a9136aa); /* RFC 3720, B.4 */
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
}

/* By the definition, bit by bit. */
static uint64_t slow64(uint64_t r, const uint8_t *p, size_t n)
{
    for (; n > 0; p++, n--) {
        r ^= *p;
        for (int bit = 0; bit < 8; bit++)
            r = r >> 1 ^ (r & 1 ? CRC64_POLY : 0);
    }
    return r;
}

/* By the definition, bit by bit. */
static uint32_t slow32(uint32_t r, const uint8_t *p, size_t n)
{
    for (; n > 0; p++, n--) {
        r ^= *p;
        for (int bit = 0; bit < 8; bit++)
            r = r >> 1 ^ (r & 1 ? CRC32_POLY : 0);
    }
    return r;
}

static void test_tables_agree_with_the_definition(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n++) {
        for (size_t at = 0; at < 9; at++) {
            uint64_t r = n * UINT64_C(0x9e3779b97f4a7c15);

            assert_true(crc64_by_table(r, bytes + at, n) == slow64(r, bytes + at, n));
            assert_true(crc32_by_table((uint32_t)r, bytes + at, n) ==
                        slow32((uint32_t)r, bytes + at, n));
        }
    }
}

static void test_clmul_agrees_with_the_tables(void **state)
{
    (void)state;
    if (!crc_x86_works().clmul)
        skip();
    for (size_t n = 0; n < 1000; n++) {
        uint64_t r = ~(n * UINT64_C(0x9e3779b97f4a7c15));

        assert_true(crc64_by_clmul(r, bytes + n % 17, n) == crc64_by_table(r, bytes + n % 17, n));
    }
    for (int i = 0; i < 5000; i++) {
        size_t at = (size_t)rand() % 64;
        size_t n = (size_t)rand() % (BYTES - at);
        uint64_t r = (uint64_t)rand() << 33 ^ (uint64_t)rand();

        assert_true(crc64_by_clmul(r, bytes + at, n) == crc64_by_table(r, bytes + at, n));
    }
}

static void test_wide_clmul_agrees_with_the_tables(void **state)
{
    (void)state;
    if (!crc_x86_works().wide)
        skip();
    for (size_t n = 0; n < 2600; n++) {
        uint64_t r = ~(n * UINT64_C(0x9e3779b97f4a7c15));
        uint64_t by_table = crc64_by_table(r, bytes + n % 65, n);

        assert_true(crc64_by_wide_clmul(r, bytes + n % 65, n) == by_table);
        assert_true(crc64_by_clmul(r, bytes + n % 65, n) == by_table);
    }
}

static void test_sse42_agrees_with_the_tables(void **state)
{
    (void)state;
    if (!crc_x86_works().sse42)
        skip();
    for (int i = 0; i < 5000; i++) {
        size_t at = (size_t)rand() % 64;
        size_t n = (size_t)rand() % (i % 2 ? BYTES - at : 40);
        uint32_t r = (uint32_t)rand();

        assert_true(crc32_by_sse42(r, bytes + at, n) == crc32_by_table(r, bytes + at, n));
    }
}

static void test_pmull_agrees_with_the_tables(void **state)
{
    (void)state;
    if (!crc_arm_works().pmull)
        skip();
    for (size_t n = 0; n < 1000; n++) {
        uint64_t r = ~(n * UINT64_C(0x9e3779b97f4a7c15));

        assert_true(crc64_by_pmull(r, bytes + n % 17, n) == crc64_by_table(r, bytes + n % 17, n));
    }
    for (int i = 0; i < 5000; i++) {
        size_t at = (size_t)rand() % 64;
        size_t n = (size_t)rand() % (BYTES - at);
        uint64_t r = (uint64_t)rand() << 33 ^ (uint64_t)rand();

        assert_true(crc64_by_pmull(r, bytes + at, n) == crc64_by_table(r, bytes + at, n));
    }
}

static void test_crc32_of_arm_agrees_with_the_tables(void **state)
{
    (void)state;
    if (!crc_arm_works().crc32)
        skip();
    for (int i = 0; i < 5000; i++) {
        size_t at = (size_t)rand() % 64;
        size_t n = (size_t)rand() % (i % 2 ? BYTES - at : 40);
        uint32_t r = (uint32_t)rand();

        assert_true(crc32_by_arm(r, bytes + at, n) == crc32_by_table(r, bytes + at, n));
    }
}

static void test_reads_no_byte_beyond(void **state)
{
    (void)state;
    for (size_t n = 1; n < 400; n++) {
        uint8_t *copy = malloc(n); /* so that the sanitizer sees each overrun */

        assert_non_null(copy);
        memcpy(copy, bytes, n);
        assert_true(crc64nvme(0, copy, n) == ~slow64(~UINT64_C(0), bytes, n));
        assert_true(crc32c(0, copy, n) == ~slow32(~UINT32_C(0), bytes, n));
        free(copy);
    }
}

static void test_continues(void **state)
{
    uint64_t whole64 = crc64nvme(0, bytes, BYTES);
    uint32_t whole32 = crc32c(0, bytes, BYTES);

    (void)state;
    for (int i = 0; i < 500; i++) {
        size_t cut = (size_t)rand() % (BYTES + 1);

        assert_true(crc64nvme(crc64nvme(0, bytes, cut), bytes + cut, BYTES - cut) == whole64);
        assert_true(crc32c(crc32c(0, bytes, cut), bytes + cut, BYTES - cut) == whole32);
    }
}

static void test_combines(void **state)
{
    uint64_t whole = crc64nvme(0, bytes, BYTES);

    (void)state;
    for (int i = 0; i < 500; i++) {
        size_t cut = i < 20 ? (size_t)i : (size_t)rand() % (BYTES + 1);
        uint64_t a = crc64nvme(0, bytes, cut);
        uint64_t b = crc64nvme(0, bytes + cut, BYTES - cut);

        assert_true(crc64nvme_combine(a, b, BYTES - cut) == whole);
    }
    assert_true(crc64nvme_combine(whole, 0, 0) == whole);
    assert_true(crc64nvme_combine(0, whole, BYTES) == whole);
}

static void test_combines_long_runs(void **state)
{
    uint64_t zero = crc64nvme(0, "\0", 1);
    uint64_t run = zero; /* of 2^k zero bytes */
    uint64_t n = 1;

    (void)state;
    for (int k = 0; k < 40; k++, n *= 2)
        run = crc64nvme_combine(run, run, n);
    assert_true(crc64nvme_combine(crc64nvme_combine(zero, run, n), zero, 1) ==
                crc64nvme_combine(crc64nvme_combine(zero, zero, 1), run, n));
    run = zero;
    n = 1;
    for (int k = 0; k < 12; k++, n *= 2)
        run = crc64nvme_combine(run, run, n);
    assert_true(run == UINT64_C(0x6482d367eb22b64e));
}

static void test_base64(void **state)
{
    char text[CRC64_BASE64_SIZE];
    uint64_t back = 7;

    (void)state;
    assert_string_equal(crc64nvme_base64(UINT64_C(0xae8b14860a799888), text), "rosUhgp5mIg=");
    assert_string_equal(crc64nvme_base64(0, text), "AAAAAAAAAAA=");
    assert_string_equal(crc64nvme_base64(UINT64_MAX, text), "//////////8=");
    assert_int_equal(crc64nvme_parse("rosUhgp5mIg=", &back), 0);
    assert_true(back == UINT64_C(0xae8b14860a799888));
    for (int i = 0; i < 1000; i++) {
        uint64_t crc = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();

        assert_int_equal(crc64nvme_parse(crc64nvme_base64(crc, text), &back), 0);
        assert_true(back == crc);
    }
}

static void test_base64_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "rosUhgp5mIg",
        "rosUhgp5mIg==",
        "rosUhgp5mIgA",
        "rosUhgp5mI==",
        "rosUhgp5mIh=",
        "rosUhgp5 Ig=",
        "rosUhgp5mIg=-1",
        "AAAA",
        "rosUhgp5mIgrosUhgp5mIg==",
    };
    uint64_t back = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(crc64nvme_parse(bad[i], &back), ERR_SYNTAX);
    assert_int_equal(back, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_tables_agree_with_the_definition),
        cmocka_unit_test(test_clmul_agrees_with_the_tables),
        cmocka_unit_test(test_wide_clmul_agrees_with_the_tables),
        cmocka_unit_test(test_sse42_agrees_with_the_tables),
        cmocka_unit_test(test_pmull_agrees_with_the_tables),
        cmocka_unit_test(test_crc32_of_arm_agrees_with_the_tables),
        cmocka_unit_test(test_reads_no_byte_beyond),
        cmocka_unit_test(test_continues),
        cmocka_unit_test(test_combines),
        cmocka_unit_test(test_combines_long_runs),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_base64_refuses),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
