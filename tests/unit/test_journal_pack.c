/* Compressed segments: that they say what the plain ones said, and what damage to them says. */
#include "journal/pack.h"

#include "base/err.h"
#include "journal/content.h"
#include "journal/index.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT 8192 /* bytes, where there are many */
#define FIRST   "00000000000000000001.jsonl"

/* A journal of closed segments and an open one. */
static void fill(const struct test_dir *d, uint64_t segment_bytes, unsigned batches)
{
    struct journal_options opt = test_options();
    struct journal *j;

    opt.segment_bytes = segment_bytes;
    j = test_open(d, &opt, NULL);
    for (unsigned i = 0; i < batches; i++) {
        test_append(j, 7);
        assert_int_equal(journal_flush(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
}

struct told {
    unsigned count, made;
    int code;
};

/* journal_index_told. */
static bool on_segment(void *arg, const char *segment, int code, bool made)
{
    struct told *t = arg;

    assert_non_null(strstr(segment, ".jsonl"));
    t->count++;
    t->made += made;
    t->code = code ? code : t->code;
    return true;
}

/* Make indexes, then compress. */
static struct told pack(const struct test_dir *d)
{
    struct told t = {0};
    struct err e = {0};

    assert_int_equal(journal_index_all(d->path, NULL, false, on_segment, &t, &e), 0);
    t = (struct told){0};
    assert_int_equal(journal_pack_all(d->path, on_segment, &t, &e), 0);
    return t;
}

static char *path_of(const struct test_dir *d, const char *name, char out[TEST_PATH_SIZE])
{
    snprintf(out, TEST_PATH_SIZE, "%s/%s", d->path, name);
    return out;
}

/* All bytes of a segment, read in pieces of a size. */
static struct test_bytes content_of(const struct test_dir *d, const char *name, size_t piece)
{
    const int dir_fd = open(d->path, O_RDONLY | O_DIRECTORY);
    struct journal_content c;
    struct journal_name n;
    struct test_bytes all = {malloc(4u << 20), 0};
    ssize_t got;

    assert_true(dir_fd >= 0 && all.data && journal_any_name_parse(name, &n));
    assert_int_equal(journal_content_open(&c, dir_fd, n), 0);
    while ((got = journal_content_read(&c, all.data + all.n, piece, all.n)) > 0)
        all.n += (size_t)got;
    assert_int_equal(got, 0);
    journal_content_close(&c);
    close(dir_fd);
    return all;
}

static void test_says_what_it_said(void **state)
{
    struct test_faults before, after;
    struct test_bytes plain, packed;
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    struct told t;
    size_t closed;

    (void)state;
    test_dir_make(&d);
    fill(&d, SEGMENT, 60);
    before = test_verify(&d);
    closed = test_file_count(&d, ".jsonl") - 1;
    assert_true(closed > 4);
    plain = test_file_read(path_of(&d, FIRST, path));
    t = pack(&d);
    assert_int_equal(t.made, closed);
    assert_int_equal(t.code, 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    assert_int_equal(test_file_count(&d, ".jsonl.zst"), closed);
    for (size_t piece = 1; piece < 20000; piece = piece * 7 + 1) {
        packed = content_of(&d, FIRST, piece);
        assert_int_equal(packed.n, plain.n);
        assert_memory_equal(packed.data, plain.data, plain.n);
        free(packed.data);
    }
    free(plain.data);
    after = test_verify(&d);
    assert_int_equal(after.count, 0);
    assert_memory_equal(&after.verdict, &before.verdict, sizeof before.verdict);
    assert_int_equal(test_read_all(&d, 1, NULL), 420);
    assert_int_equal(test_read_all(&d, 100, NULL), 321);
    t = pack(&d);
    assert_int_equal(t.count, closed);
    assert_int_equal(t.made, 0);
    test_fill(&d, 3, 5); /* the writer goes on */
    assert_int_equal(test_read_all(&d, 1, NULL), 435);
    test_dir_remove(&d);
}

/* An index is bound to the time of the file, which stays. */
static void test_the_index_stays_good(void **state)
{
    struct journal_places places;
    struct journal_name first = {1, 0};
    struct test_bytes plain;
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    int fd;

    (void)state;
    test_dir_make(&d);
    fill(&d, SEGMENT, 30);
    plain = test_file_read(path_of(&d, FIRST, path));
    (void)pack(&d);
    fd = open(d.path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(journal_index_find(fd, first, plain.n, NULL, &places), 0);
    journal_places_release(&places);
    close(fd);
    free(plain.data);
    test_dir_remove(&d);
}

/* A segment without an index, and so a damaged one, stays as it is. */
static void test_what_is_damaged_stays_plain(void **state)
{
    struct test_bytes bytes;
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    struct told t;

    (void)state;
    test_dir_make(&d);
    fill(&d, SEGMENT, 30);
    bytes = test_file_read(path_of(&d, FIRST, path));
    bytes.data[bytes.n / 2] ^= 1;
    test_file_write(path, bytes.data, bytes.n);
    t = pack(&d);
    assert_int_equal(t.code, -ENODATA);
    assert_true(t.made == t.count - 1 && t.made > 1);
    assert_int_equal(access(path, F_OK), 0);
    free(bytes.data);
    test_dir_remove(&d);
}

/* Somebody died after the compressed file was in place: the plain one counts, whatever is in the
 * other, which is made again. */
static void test_the_plain_one_counts(void **state)
{
    struct test_bytes plain;
    char path[TEST_PATH_SIZE], zst[TEST_PATH_SIZE];
    struct test_dir d;
    struct told t;

    (void)state;
    test_dir_make(&d);
    fill(&d, SEGMENT, 30);
    plain = test_file_read(path_of(&d, FIRST, path));
    test_file_write(path_of(&d, FIRST ".zst", zst), "not this", 8);
    assert_int_equal(test_verify(&d).count, 0);
    assert_int_equal(test_read_all(&d, 1, NULL), 210);
    t = pack(&d);
    assert_int_equal(t.made, t.count);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(test_verify(&d).count, 0);
    free(plain.data);
    test_dir_remove(&d);
}

/* Of several frames: (where each begins, and the table). */
static size_t frames_of(const struct test_bytes *zst, size_t at[16])
{
    size_t count = 0;
    uint64_t size;

    at[0] = 0;
    while (!packed_table_begins((struct span){zst->data + at[count], zst->n - at[count]}, &size)) {
        struct packed_frame f;

        assert_int_equal(
            packed_frame_look((struct span){zst->data + at[count], zst->n - at[count]}, &f), 0);
        at[count + 1] = at[count] + f.packed;
        count++;
    }
    return count;
}

/* A closed segment of four frames, and an open one behind it; what the compressed file is. */
static struct test_bytes make_frames(struct test_dir *d, char zst[TEST_PATH_SIZE], size_t at[16])
{
    struct test_bytes bytes;

    test_dir_make(d);
    fill(d, 1000000, 1200);
    assert_int_equal(pack(d).made, 1);
    bytes = test_file_read(path_of(d, FIRST ".zst", zst));
    assert_int_equal(frames_of(&bytes, at), 4);
    return bytes;
}

/* The one fault that there is. */
static void assert_fault(const struct test_dir *d, const char *kind, uint64_t offset)
{
    struct test_faults f = test_verify(d);

    assert_int_equal(f.verdict.faults, 1);
    assert_string_equal(f.fault[0].file, FIRST ".zst");
    assert_string_equal(f.fault[0].kind, kind);
    assert_int_equal(f.fault[0].offset, offset);
}

static void test_a_damaged_frame_is_one_fault(void **state)
{
    char zst[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir d;
    size_t at[16];
    unsigned errors;

    (void)state;
    bytes = make_frames(&d, zst, at);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = at[i]; k < at[i + 1]; k += (at[i + 1] - at[i]) / 5) {
            bytes.data[k] = (char)~bytes.data[k]; /* a bit alone may mean nothing: test_every_bit */
            test_file_write(zst, bytes.data, bytes.n);
            assert_fault(&d, "frame", at[i]);
            bytes.data[k] = (char)~bytes.data[k];
        }
    }
    bytes.data[at[2] + 100] ^= 1;
    test_file_write(zst, bytes.data, bytes.n);
    assert_true(test_read_all(&d, 1, &errors) > 4000); /* the others can still be read */
    assert_int_equal(errors, 1);
    bytes.data[at[1] + 100] ^= 1;
    bytes.data[at[0] + 100] ^= 1;
    test_file_write(zst, bytes.data, bytes.n);
    assert_int_equal(test_verify(&d).verdict.faults, 3);
    free(bytes.data);
    test_dir_remove(&d);
}

/* Every byte of the table: nothing is lost, and that is told. */
static void test_a_damaged_table_is_one_fault(void **state)
{
    char zst[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir d;
    size_t at[16];

    (void)state;
    bytes = make_frames(&d, zst, at);
    for (size_t k = at[4]; k < bytes.n; k += TEST_STRIDE) {
        struct test_faults f;

        bytes.data[k] ^= 1;
        test_file_write(zst, bytes.data, bytes.n);
        f = test_verify(&d);
        assert_int_equal(f.verdict.faults, 1);
        assert_string_equal(f.fault[0].kind, "table");
        assert_in_range(f.fault[0].offset, at[4], k);
        assert_int_equal(f.verdict.records, 8400);
        bytes.data[k] ^= 1;
    }
    bytes.data[at[4] + PACKED_TABLE_HEAD + PACKED_ENTRY + 8] ^= 1; /* another checksum */
    test_file_write(zst, bytes.data, bytes.n);
    assert_fault(&d, "table", at[4] + PACKED_TABLE_HEAD + PACKED_ENTRY);
    assert_int_equal(test_read_all(&d, 1, NULL), 8400);
    free(bytes.data);
    test_dir_remove(&d);
}

static void test_an_end_that_is_missing(void **state)
{
    char zst[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir d;
    size_t at[16];

    (void)state;
    bytes = make_frames(&d, zst, at);
    for (size_t n = 0; n < bytes.n; n += n < at[4] ? at[4] / 37 : TEST_STRIDE) {
        size_t from = 0;

        for (size_t i = 0; i <= 4; i++)
            from = at[i] <= n ? at[i] : from;
        test_file_write(zst, bytes.data, n);
        assert_fault(&d, "truncated", from);
    }
    free(bytes.data);
    test_dir_remove(&d);
}

static void test_bytes_that_follow(void **state)
{
    char zst[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir d;
    size_t at[16];
    char *twice;

    (void)state;
    bytes = make_frames(&d, zst, at);
    twice = malloc(2 * bytes.n);
    assert_non_null(twice);
    memcpy(twice, bytes.data, bytes.n);
    memcpy(twice + bytes.n, bytes.data, bytes.n);
    test_file_write(zst, twice, bytes.n + 1);
    assert_fault(&d, "trailing", bytes.n);
    test_file_write(zst, twice, 2 * bytes.n);
    assert_fault(&d, "trailing", bytes.n);
    free(twice);
    free(bytes.data);
    test_dir_remove(&d);
}

/* Every bit of a small one: a fault, or one of the few bits that mean nothing to who decompresses;
 * never a record that was not written, and none that is missing without a word. */
static void test_every_bit(void **state)
{
    char zst[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_faults whole, f;
    struct test_dir d;
    unsigned errors, idle = 0;

    (void)state;
    test_dir_make(&d);
    fill(&d, 2048, 6);
    whole = test_verify(&d);
    assert_true(pack(&d).made > 0);
    bytes = test_file_read(path_of(&d, FIRST ".zst", zst));
    for (size_t k = 0; k < bytes.n * 8; k += TEST_STRIDE) {
        bytes.data[k / 8] ^= (char)(1 << k % 8);
        test_file_write(zst, bytes.data, bytes.n);
        f = test_verify(&d);
        idle += f.count == 0;
        if (f.count == 0)
            assert_memory_equal(&f.verdict, &whole.verdict, sizeof whole.verdict);
        if (test_read_all(&d, 1, &errors) != whole.verdict.records)
            assert_true(errors > 0 && f.verdict.faults > 0);
        bytes.data[k / 8] ^= (char)(1 << k % 8);
    }
    assert_true(idle < bytes.n * 8 / 100);
    free(bytes.data);
    test_dir_remove(&d);
}

/* The segment behind the compressed one is lost: nothing is written into what is closed. */
static void test_recovery_goes_on_behind_it(void **state)
{
    struct journal_recovery found;
    struct test_bytes before, after;
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    uint64_t records;

    (void)state;
    test_dir_make(&d);
    fill(&d, SEGMENT, 30);
    (void)pack(&d);
    assert_int_equal(unlink(test_file_name(&d, 0, path)), 0);
    records = test_read_all(&d, 1, NULL);
    before = content_of(&d, FIRST, SEGMENT);
    assert_int_equal(journal_close(test_open(&d, NULL, &found)), 0);
    assert_int_equal(found.next_seq, records + 1);
    assert_int_equal(found.corrupt_segments, 0);
    test_fill(&d, 2, 3);
    after = content_of(&d, FIRST, SEGMENT);
    assert_int_equal(before.n, after.n);
    assert_int_equal(test_read_all(&d, 1, NULL), records + 6);
    assert_int_equal(test_verify(&d).count, 0);
    free(before.data);
    free(after.data);
    test_dir_remove(&d);
}

/* A name is not given again because its file is compressed. */
static void test_no_name_is_used_again(void **state)
{
    struct journal_name name;
    char file[JOURNAL_FILE_SIZE], path[TEST_PATH_SIZE];
    struct test_dir d;

    (void)state;
    assert_true(journal_any_name_parse(FIRST ".zst", &name) && name.first == 1);
    assert_string_equal(journal_packed_name(name, file), FIRST ".zst");
    assert_false(journal_any_name_parse(FIRST ".zst.zst", &name));
    assert_false(journal_any_name_parse(".zst", &name));
    assert_false(journal_name_parse(FIRST ".zst", &name));
    test_dir_make(&d);
    test_file_write(path_of(&d, FIRST ".zst", path), "", 0);
    assert_int_equal(journal_content_is_packed(AT_FDCWD, name), false);
    {
        struct journal_options opt = test_options();
        struct journal_recovery found;
        struct journal *j = NULL;
        struct err e = {0};

        assert_int_equal(journal_open(d.path, &opt, TEST_NOW_US, &j, &found, &e), ERR_CORRUPT);
        assert_true(e.what[0]);
    }
    test_dir_remove(&d);
}

/* A frame ends with a line, and none is longer than it may be. */
static void test_cuts(void **state)
{
    static char bytes[PACKED_FRAME_MAX + 10];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(packed_cut((struct span){bytes, 0}), 0);
    assert_int_equal(packed_cut((struct span){bytes, 9}), 9);
    assert_int_equal(packed_cut((struct span){bytes, sizeof bytes}), PACKED_FRAME_MAX);
    bytes[PACKED_FRAME_MAX] = '\n'; /* one too late */
    assert_int_equal(packed_cut((struct span){bytes, sizeof bytes}), PACKED_FRAME_MAX);
    bytes[99] = '\n';
    assert_int_equal(packed_cut((struct span){bytes, sizeof bytes}), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_what_it_said),
        cmocka_unit_test(test_the_index_stays_good),
        cmocka_unit_test(test_what_is_damaged_stays_plain),
        cmocka_unit_test(test_the_plain_one_counts),
        cmocka_unit_test(test_a_damaged_frame_is_one_fault),
        cmocka_unit_test(test_a_damaged_table_is_one_fault),
        cmocka_unit_test(test_an_end_that_is_missing),
        cmocka_unit_test(test_bytes_that_follow),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_recovery_goes_on_behind_it),
        cmocka_unit_test(test_no_name_is_used_again),
        cmocka_unit_test(test_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
