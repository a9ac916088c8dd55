/* The file behind a PUT: what is summed up of its bytes, one piece at a time and two. */
#include "uploaders/source.h"

#include "base/crc.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB ((size_t)1024)

/* A file of n bytes that are all different from their neighbours, open to be read. */
static int make(const char *bytes, size_t n)
{
    int fd = openat(scratch_fd(), "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static char *noise(size_t n)
{
    char *p = malloc(n + 1);
    assert_non_null(p);
    srand(7);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)rand();
    return p;
}

/* What the sums of these bytes are, each computed by itself. */
static void check_sums(const struct source_sums *sums, const char *p, size_t n)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    digest_sha256(p, n, digest);
    assert_string_equal(sums->payload_hash, hex_encode(digest, sizeof(digest), hex));
    assert_int_equal(sums->crc, crc64nvme(0, p, n));
}

/* Two pieces of a file come as they lie there, each with its own sums. */
static void check_pieces(size_t first, size_t second)
{
    char *bytes = noise(first + second), *x = malloc(first + 1), *y = malloc(second + 1);
    struct source_sums sums[2] = {{.hashes = true}, {.hashes = true}};
    const struct source_piece pieces[2] = {{0, x, first, &sums[0]}, {first, y, second, &sums[1]}};
    int fd = make(bytes, first + second);
    assert_int_equal(source_read_both(fd, pieces), 0);
    assert_memory_equal(x, bytes, first);
    assert_memory_equal(y, bytes + first, second);
    check_sums(&sums[0], bytes, first);
    check_sums(&sums[1], bytes + first, second);
    source_close(fd);
    free(bytes);
    free(x);
    free(y);
}

static void test_two_pieces(void **state)
{
    (void)state;
    check_pieces(1, 1);
    check_pieces(256 * KIB, 256 * KIB);
    check_pieces(700 * KIB, 700 * KIB);
    check_pieces(700 * KIB, 3);
    check_pieces(256 * KIB + 1, 256 * KIB - 1);
    check_pieces(5, 600 * KIB);
}

/* A file that ends in either piece is told, and neither has a hash to be signed. */
static void test_two_pieces_cut_off(void **state)
{
    (void)state;
    static const size_t there[] = {0, 100, 4 * KIB, 4 * KIB + 10};
    char *bytes = noise(8 * KIB), *x = malloc(4 * KIB), *y = malloc(4 * KIB);
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        struct source_sums sums[2] = {{.hashes = true}, {.hashes = true}};
        const struct source_piece pieces[2] = {{0, x, 4 * KIB, &sums[0]},
                                               {4 * KIB, y, 4 * KIB, &sums[1]}};
        int fd = make(bytes, there[i]);
        assert_int_equal(source_read_both(fd, pieces), ERR_CHANGED);
        assert_string_equal(sums[0].payload_hash, "");
        assert_string_equal(sums[1].payload_hash, "");
        source_close(fd);
    }
    free(bytes);
    free(x);
    free(y);
}

/* Without a hash asked for there is none, and it can be computed afterwards. */
static void test_hash_afterwards(void **state)
{
    (void)state;
    char *bytes = noise(3000), *x = malloc(3000);
    struct source_sums one = {.hashes = false}, other = {.hashes = false};
    int fd = make(bytes, 3000);
    assert_int_equal(source_read(fd, 0, x, 3000, &one), 0);
    assert_string_equal(one.payload_hash, "");
    source_hash(&one, (struct span){x, 3000});
    check_sums(&one, bytes, 3000);

    other.crc = crc64nvme(0, bytes, 1000);
    one.payload_hash[0] = '\0';
    source_hash_both(&one, (struct span){x, 3000}, &other, (struct span){bytes, 1000});
    check_sums(&one, bytes, 3000);
    check_sums(&other, bytes, 1000);
    source_close(fd);
    free(bytes);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_two_pieces, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_two_pieces_cut_off, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_hash_afterwards, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
