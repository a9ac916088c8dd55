/* Uploads in parts: how they are divided, and which parts of an earlier run are kept. */
#include "uploaders/parts.h"

#include "base/crc.h"
#include "tests/unit/unit.h"

#include <string.h>

#define MIB UINT64_C(1048576)

/* Every byte lies in exactly one part, no part is too large, none but the last too small. */
static void check_plan(uint64_t size, uint64_t part_bytes)
{
    struct parts_plan plan;
    uint64_t at = 0;
    assert_true(parts_divide(size, part_bytes, &plan));
    assert_in_range(plan.count, 1, PARTS_MAX);
    assert_true(plan.part_bytes >= part_bytes && plan.part_bytes % MIB == 0);
    for (unsigned i = 0; i < plan.count; i++) {
        assert_true(parts_offset(&plan, i) == at);
        assert_true(parts_length(&plan, i) > 0);
        assert_true(i + 1 == plan.count || parts_length(&plan, i) == plan.part_bytes);
        at += parts_length(&plan, i);
    }
    assert_true(at == size);
}

static void test_divide(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1,
                                     5 * MIB - 1,
                                     5 * MIB,
                                     5 * MIB + 1,
                                     60 * MIB,
                                     UINT64_C(50000) * MIB,
                                     UINT64_C(50000) * MIB + 1,
                                     UINT64_C(5) << 40,
                                     (UINT64_C(50000) << 30) - 12345,
                                     UINT64_C(50000) << 30};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_plan(sizes[i], 5 * MIB);
        check_plan(sizes[i], 8 * MIB + 1);
    }
    struct parts_plan plan = {.count = 77};
    assert_false(parts_divide((UINT64_C(50000) << 30) + 1, 5 * MIB, &plan));
    assert_false(parts_divide(0, 5 * MIB, &plan));
    assert_false(parts_divide(1, (UINT64_C(5) << 30) + 1, &plan));
    assert_int_equal(plan.count, 77);
}

static void test_parts_of_a_copy(void **state)
{
    (void)state;
    struct parts_plan plan;
    assert_true(parts_copy_bytes(60 * MIB, 5 * MIB) == 5 * MIB);
    assert_true(
        parts_divide(UINT64_C(6) << 30, parts_copy_bytes(UINT64_C(6) << 30, 8 * MIB), &plan));
    assert_int_equal(plan.count, 256);
    assert_true(plan.part_bytes == 24 * MIB);
    assert_true(
        parts_divide(UINT64_C(40) << 40, parts_copy_bytes(UINT64_C(40) << 40, 8 * MIB), &plan));
    assert_int_equal(plan.count, 8192);
}

static void test_a_kept_part(void **state)
{
    (void)state;
    static const char digits[] = "123456789";
    uint64_t crc = crc64nvme(0, digits, 9);
    struct s3_part part = {.number = 1, .size = 9, .etag = "25f9e794323b453885f5181f1b624d0b"};
    assert_true(parts_same(&part, digits, 9, crc)); /* by its MD5 */
    assert_false(parts_same(&part, "123456780", 9, crc64nvme(0, "123456780", 9)));
    assert_false(parts_same(&part, digits, 8, crc64nvme(0, digits, 8)));
    part.has_crc = true; /* the checksum goes before the ETag, which may be no MD5 */
    part.crc64 = crc;
    strcpy(part.etag, "of another form");
    assert_true(parts_same(&part, digits, 9, crc));
    part.crc64 ^= 1;
    assert_false(parts_same(&part, digits, 9, crc));
    strcpy(part.etag, "25f9e794323b453885f5181f1b624d0b");
    assert_false(parts_same(&part, digits, 9, crc));
}

static void test_the_whole(void **state)
{
    (void)state;
    static const char text[] = "123456789";
    char etag[S3_ETAG_MAX] = "kept";
    uint64_t crc = 1;
    struct s3_part parts[2] = {
        {.number = 1, .size = 4, .etag = "81dc9bdb52d04dc20036dbd8313ed055", .has_crc = true},
        {.number = 2, .size = 5, .etag = "ea3e6f9a8ab7a7a3fdf0d4a3a3ba7d55", .has_crc = true}};
    parts[0].crc64 = crc64nvme(0, text, 4);
    parts[1].crc64 = crc64nvme(0, text + 4, 5);
    assert_true(parts_crc(parts, 2, &crc));
    assert_true(crc == UINT64_C(0xae8b14860a799888));
    assert_true(parts_etag(parts, 1, etag)); /* md5(unhex("81dc...55")), by md5sum */
    assert_string_equal(etag, "00e4595eafdabb56b49cbf810aadd5aa-1");
    parts[1].has_crc = false;
    assert_false(parts_crc(parts, 2, &crc));
    assert_true(crc == UINT64_C(0xae8b14860a799888));
    strcpy(parts[1].etag, "not an MD5");
    assert_false(parts_etag(parts, 2, etag));
    assert_string_equal(etag, "00e4595eafdabb56b49cbf810aadd5aa-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divide),
        cmocka_unit_test(test_parts_of_a_copy),
        cmocka_unit_test(test_a_kept_part),
        cmocka_unit_test(test_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
