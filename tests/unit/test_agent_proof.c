/*
 * Files held against what S3 tells of objects: by every checksum that S3 may have, by ETags of one
 * request and of parts, and what cannot be compared.
 */
#include "tests/unit/unit.h"

#include "agent/core/proof.h"
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024 * 1024)

/* Bytes that do not repeat soon. */
static uint8_t *content(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);
    uint32_t x = 12345;

    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (uint8_t)(x >> 24);
    }
    return p;
}

/* Hold bytes against an object; they come in pieces of odd sizes. */
static enum proof_verdict hold(struct proof *p, const struct s3_head *head, const char *etag,
                               uint64_t size, const uint8_t *data, size_t n)
{
    proof_begin(p, head, etag, size);
    for (size_t at = 0, step = 1; at < n; at += step, step = step * 3 + 1) {
        if (step > n - at)
            step = n - at;
        proof_add(p, data + at, step);
    }
    return proof_end(p);
}

/* What a tool that uploads in parts gets as ETag. */
static const char *parts_etag(const uint8_t *data, size_t n, size_t part)
{
    static char etag[S3_ETAG_MAX];
    uint8_t md5s[64 * MD5_BYTES], md5[MD5_BYTES];
    char hex[2 * MD5_BYTES + 1];
    size_t count = 0;

    for (size_t at = 0; at < n; at += part, count++)
        digest_md5(data + at, n - at < part ? n - at : part, md5s + count * MD5_BYTES);
    digest_md5(md5s, count * MD5_BYTES, md5);
    snprintf(etag, sizeof etag, "%s-%zu", hex_encode(md5, sizeof md5, hex), count);
    return etag;
}

static void test_every_checksum(void **state)
{
    uint8_t *data = content(70000), other[CHECKSUM_BYTES_MAX];
    struct proof p;

    (void)state;
    for (int k = 0; k < CHECKSUM_MD5; k++) {
        struct s3_head head = {.has = {[0] = 0}};
        struct checksum c;

        checksum_begin(&c, (enum checksum_kind)k);
        checksum_add(&c, data, 70000);
        checksum_end(&c, head.checksums[k]);
        head.has[k] = 1;
        assert_int_equal(hold(&p, &head, "no-md5", 70000, data, 70000), PROOF_EQUAL);
        assert_string_equal(p.means, checksum_name((enum checksum_kind)k));
        assert_int_equal(hold(&p, &head, "", 70000, data, 69999), PROOF_DIFFERENT);
        memcpy(other, head.checksums[k], sizeof other);
        head.checksums[k][checksum_bytes((enum checksum_kind)k) - 1] ^= 1;
        assert_int_equal(hold(&p, &head, "", 70000, data, 70000), PROOF_DIFFERENT);
    }
    free(data);
}

static void test_etag_of_one_request(void **state)
{
    uint8_t *data = content(1000), md5[MD5_BYTES];
    struct s3_head opaque = {.etag_is_opaque = true};
    struct proof p;
    char hex[2 * MD5_BYTES + 1];

    (void)state;
    digest_md5(data, 1000, md5);
    hex_encode(md5, sizeof md5, hex);
    assert_int_equal(hold(&p, NULL, hex, 1000, data, 1000), PROOF_EQUAL);
    assert_string_equal(p.means, "the ETag (MD5)");
    assert_int_equal(hold(&p, &opaque, hex, 1000, data, 1000), PROOF_IMPOSSIBLE);
    assert_non_null(strstr(p.why, "encrypted"));
    assert_int_equal(hold(&p, NULL, "abc", 1000, data, 1000), PROOF_IMPOSSIBLE);
    assert_int_equal(hold(&p, NULL, "", 1000, data, 1000), PROOF_IMPOSSIBLE);
    data[999] ^= 0x80;
    assert_int_equal(hold(&p, NULL, hex, 1000, data, 1000), PROOF_DIFFERENT);
    assert_int_equal(hold(&p, NULL, "d41d8cd98f00b204e9800998ecf8427e", 0, data, 0), PROOF_EQUAL);
    free(data);
}

/* The checksum of the file is there for the index, however it was compared. */
static void test_crc64_comes_along(void **state)
{
    struct proof p;

    (void)state;
    assert_int_equal(
        hold(&p, NULL, "25f9e794323b453885f5181f1b624d0b", 9, (const uint8_t *)"123456789", 9),
        PROOF_EQUAL);
    assert_true(p.crc64 == UINT64_C(0xae8b14860a799888));
    assert_int_equal(hold(&p, NULL, "?", 9, (const uint8_t *)"123456789", 9), PROOF_IMPOSSIBLE);
    assert_true(p.crc64 == UINT64_C(0xae8b14860a799888));
}

static void test_etag_of_parts(void **state)
{
    const size_t n = 33 * MIB + 77;
    static const size_t parts[] = {5 * MIB, 8 * MIB, 15 * MIB, 16 * MIB, 7 * MIB};
    uint8_t *data = content(n);
    struct s3_head opaque = {.etag_is_opaque = true};
    struct proof p;

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_int_equal(hold(&p, NULL, parts_etag(data, n, parts[i]), n, data, n), PROOF_EQUAL);
        assert_non_null(strstr(p.means, "parts of"));
        assert_int_equal(hold(&p, &opaque, parts_etag(data, n, parts[i]), n, data, n),
                         PROOF_IMPOSSIBLE);
    }
    /* parts of one byte more than a MiB: nobody does that, and nothing is claimed */
    assert_int_equal(hold(&p, NULL, parts_etag(data, n, MIB + 1), n, data, n), PROOF_IMPOSSIBLE);
    assert_non_null(strstr(p.why, "no usual size"));
    /* one part alone may have been of any size */
    assert_int_equal(hold(&p, NULL, parts_etag(data, n, n), n, data, n), PROOF_EQUAL);
    const char *etag = parts_etag(data, n, 64 * MIB);
    data[0] ^= 1;
    assert_int_equal(hold(&p, NULL, etag, n, data, n), PROOF_DIFFERENT);
    free(data);
}

static void test_part_sizes(void **state)
{
    uint64_t out[PROOF_SIZES_MAX];

    (void)state;
    assert_int_equal(proof_part_sizes(17 * MIB, 3, out), 2 + 1); /* 8, then 6 and 7 */
    assert_true(out[0] == 8 * MIB);
    assert_int_equal(proof_part_sizes(0, 1, out), 0);
    assert_int_equal(proof_part_sizes(17 * MIB, 0, out), 0);
    assert_int_equal(proof_part_sizes(17 * MIB, 10001, out), 0);
    assert_int_equal(proof_part_sizes(100, 2, out), 0); /* parts below a MiB */
    assert_int_equal(proof_part_sizes(UINT64_MAX / 2, 2, out), PROOF_SIZES_MAX);
}

/* A composite checksum is none of the whole: it is not even read (head.c), so ETags decide. */
static void test_nothing_to_compare(void **state)
{
    struct s3_head composite = {.is_composite = true, .etag_is_opaque = true};
    struct proof p;

    (void)state;
    assert_int_equal(hold(&p, &composite, "25f9e794323b453885f5181f1b624d0b-2", 9,
                          (const uint8_t *)"123456789", 9),
                     PROOF_IMPOSSIBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_checksum),    cmocka_unit_test(test_etag_of_one_request),
        cmocka_unit_test(test_crc64_comes_along), cmocka_unit_test(test_etag_of_parts),
        cmocka_unit_test(test_part_sizes),        cmocka_unit_test(test_nothing_to_compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
