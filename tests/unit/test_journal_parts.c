/* Verifying in parts: the answers are those of one thread that goes through all in order, whatever
 * was damaged; and a journal without a fault is verified so. */
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mix.h"
#include "journal/verify.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 32

/* Add several segments to a journal, signed by the n-th key unless that is negative, by a host of
 * that name. */
static void add_segments(const struct test_dir *dir, int key, const char *host)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct err e = {0};
    struct journal *j;

    opt.segment_bytes = 3000;
    opt.batch_bytes = 700;
    opt.host = host;
    j = test_open(dir, &opt, &found);
    if (key >= 0) {
        struct journal_secret secret = test_secret("example.com/log", (uint8_t)key);

        assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    }
    for (unsigned i = 0; i < 12; i++) {
        test_append(j, 5 + i % 3);
        assert_int_equal(journal_checkpoint(j, TEST_NOW_US + i * INT64_C(1000000)), 0);
    }
    assert_int_equal(journal_close(j), 0);
}

/* A journal of several segments; with keys, by another one from the middle on. */
static void make_journal(const struct test_dir *dir, bool with_keys)
{
    add_segments(dir, with_keys ? 0 : -1, "h");
    add_segments(dir, with_keys ? 1 : -1, "h");
    assert_true(test_file_count(dir, ".jsonl") > 4);
}

/* journal_verify's: everything that is told, as text. */
static void tell(void *arg, const struct journal_fault *f)
{
    assert_int_equal(buf_appendf(arg, "%s %" PRIu64 " %" PRIu64 " %s %d: %s\n", f->file, f->offset,
                                 f->seq, f->kind, f->harmless, f->detail),
                     0);
}

/* All that the verifier says, with so many threads. */
static void verify(const struct test_dir *dir, const struct journal_trust *trust, unsigned threads,
                   struct buf *out)
{
    struct journal_verdict v = {0};
    struct err e = {0};
    int rc;

    buf_reset(out);
    rc = journal_verify_with(dir->path, trust, threads, tell, out, &v, &e);
    assert_int_equal(buf_appendf(out,
                                 "%d %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                                 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %" PRIu64 " %" PRIu64
                                 " %" PRIu64 " %" PRIu64 "\n",
                                 rc, e.what, v.segments, v.records, v.batches, v.bytes, v.faults,
                                 v.torn, v.first_seq, v.last_seq, v.chain, v.leaves, v.checkpoints,
                                 v.anchors, v.signed_leaves),
                     0);
}

/* The same with one thread and with three. Returns whether there was a fault. */
static bool same(const struct test_dir *dir, const struct journal_trust *trust)
{
    struct buf one, three;
    bool faults;

    buf_init(&one, 1u << 20);
    buf_init(&three, 1u << 20);
    verify(dir, trust, 1, &one);
    verify(dir, trust, 3, &three);
    assert_string_equal(one.data, three.data);
    faults = strchr(one.data, '\n')[1] != '\0';
    buf_release(&one);
    buf_release(&three);
    return faults;
}

/* Can it be verified in parts? */
static bool in_parts(const struct test_dir *dir, const struct journal_trust *trust)
{
    const int fd = open(dir->path, O_RDONLY | O_DIRECTORY);
    struct verification v;
    bool done;

    assert_int_equal(verification_begin(&v, fd, trust, NULL, NULL), 0);
    done = verification_in_parts(&v, 3);
    verification_end(&v);
    close(fd);
    return done;
}

/* The keys that sign, both or the first, and an early checkpoint. */
struct auditor {
    struct journal_key keys[2];
    struct journal_anchor anchor;
    struct test_bytes note;
    struct journal_trust trust;
};

static void auditor_init(struct auditor *a, const struct test_dir *dir, size_t keys)
{
    for (uint8_t i = 0; i < 2; i++)
        a->keys[i] = test_secret("example.com/log", i).key;
    a->note = test_note(dir);
    a->anchor = (struct journal_anchor){"kept", {a->note.data, a->note.n}};
    a->trust = (struct journal_trust){a->keys, keys, &a->anchor, 1};
}

static void test_good_journals(void **state)
{
    struct auditor both, one;
    struct test_dir dir;
    char file[TEST_PATH_SIZE];
    FILE *f;

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, false);
    assert_true(in_parts(&dir, NULL));
    assert_false(same(&dir, NULL));
    f = fopen(test_file_name(&dir, test_file_count(&dir, ".jsonl") - 1, file), "a");
    assert_non_null(f);
    fputs("{\"q\":", f);
    fclose(f);
    assert_true(in_parts(&dir, NULL)); /* a torn tail is harmless */
    assert_true(same(&dir, NULL));
    test_dir_remove(&dir);

    test_dir_make(&dir);
    make_journal(&dir, true);
    auditor_init(&both, &dir, 2);
    auditor_init(&one, &dir, 1);
    assert_true(in_parts(&dir, NULL)); /* the keys are those that it names, one after the other */
    assert_false(same(&dir, NULL));
    assert_true(in_parts(&dir, &both.trust));
    assert_false(same(&dir, &both.trust));
    assert_false(in_parts(&dir, &one.trust));
    assert_true(same(&dir, &one.trust));
    free(both.note.data);
    free(one.note.data);
    test_dir_remove(&dir);
}

/* Bytes that do not count, and look as if they named a key: who counts on them is found out. */
static void test_key_that_is_not_named(void **state)
{
    char file[TEST_PATH_SIZE];
    struct test_bytes last;
    struct test_dir dir;
    const char *line = NULL;
    FILE *f;

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, true);
    for (size_t i = test_file_count(&dir, ".jsonl"); !line; free(line ? NULL : last.data)) {
        last = test_file_read(test_file_name(&dir, --i, file));
        line = memmem(last.data, last.n, "\"o\":\"key\"", 9);
    }
    line = (const char *)memrchr(last.data, '\n', (size_t)(line - last.data)) + 1;
    f = fopen(test_file_name(&dir, 0, file), "a");
    assert_non_null(f);
    fwrite(line, 1, strcspn(line, "\n") + 1, f);
    fclose(f);
    assert_false(in_parts(&dir, NULL));
    assert_true(same(&dir, NULL)); /* superseded */
    free(last.data);
    test_dir_remove(&dir);
}

/* The names of all files. */
static size_t list_files(const struct test_dir *dir, char names[FILES_MAX][TEST_PATH_SIZE])
{
    DIR *d = opendir(dir->path);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(d);
    while ((entry = readdir(d)) && n < FILES_MAX)
        if (strstr(entry->d_name, ".jsonl") || strstr(entry->d_name, "checkpoint"))
            snprintf(names[n++], TEST_PATH_SIZE, "%s/%.100s", dir->path, entry->d_name);
    closedir(d);
    return n;
}

static size_t roll(uint64_t *dice, size_t sides)
{
    *dice = mix(*dice + 0x9e3779b9);
    return (size_t)(*dice % sides);
}

/* Do one thing to a file: a bit, a digit, a cut, a piece out or twice, or all of another file. */
static void damage(uint64_t *dice, const char *file, const struct test_bytes *was,
                   const struct test_bytes *other)
{
    const size_t at = roll(dice, was->n), n = 1 + roll(dice, was->n - at);
    char *now = malloc(was->n * 2);

    memcpy(now, was->data, was->n);
    switch (roll(dice, 6)) {
    case 0:
        now[at] ^= (char)(1u << roll(dice, 8));
        test_file_write(file, now, was->n);
        break;
    case 1:
        now[at] = (char)('0' + roll(dice, 10));
        test_file_write(file, now, was->n);
        break;
    case 2:
        test_file_write(file, now, at);
        break;
    case 3:
        memmove(now + at, now + at + n, was->n - at - n);
        test_file_write(file, now, was->n - n);
        break;
    case 4:
        memmove(now + at + n, was->data + at, was->n - at);
        test_file_write(file, now, was->n + n);
        break;
    default:
        if (roll(dice, 2))
            assert_int_equal(unlink(file), 0);
        else
            test_file_write(file, other->data, other->n);
        break;
    }
    free(now);
}

static void test_damaged_journals(void **state)
{
    static char names[FILES_MAX][TEST_PATH_SIZE];
    struct test_bytes was[FILES_MAX];
    struct auditor both;
    struct test_dir dir;
    uint64_t dice = 5;
    unsigned bad = 0;
    size_t n;

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, true);
    auditor_init(&both, &dir, 2);
    n = list_files(&dir, names);
    for (size_t i = 0; i < n; i++)
        was[i] = test_file_read(names[i]);
    for (unsigned round = 0; round < 160; round++) {
        const size_t i = roll(&dice, n);

        damage(&dice, names[i], &was[i], &was[roll(&dice, n)]);
        bad += same(&dir, round % 2 ? &both.trust : NULL);
        test_file_write(names[i], was[i].data, was[i].n);
    }
    assert_true(bad > 80);
    assert_false(same(&dir, NULL));
    for (size_t i = 0; i < n; i++)
        free(was[i].data);
    free(both.note.data);
    test_dir_remove(&dir);
}

/* Put the i-th segment of one journal into another. */
static void transplant(const struct test_dir *from, const struct test_dir *to, size_t i)
{
    char file[TEST_PATH_SIZE];
    struct test_bytes bytes = test_file_read(test_file_name(from, i, file));

    test_file_write(test_file_name(to, i, file), bytes.data, bytes.n);
    free(bytes.data);
}

/* Segments that are good by themselves, as is their place, but not of this journal; or of it, in
 * another course of things. */
static void test_foreign_segments(void **state)
{
    char names[FILES_MAX][TEST_PATH_SIZE], copy[TEST_PATH_SIZE];
    struct test_dir mine, other;
    size_t n;

    (void)state;
    test_dir_make(&mine);
    test_dir_make(&other);
    make_journal(&mine, false);
    make_journal(&other, false);
    transplant(&other, &mine, 2);
    assert_false(in_parts(&mine, NULL));
    assert_true(same(&mine, NULL));
    test_dir_remove(&mine);
    test_dir_remove(&other);

    test_dir_make(&mine);
    test_dir_make(&other);
    add_segments(&mine, -1, "h");
    n = list_files(&mine, names);
    for (size_t i = 0; i < n; i++) {
        struct test_bytes bytes = test_file_read(names[i]);

        snprintf(copy, sizeof copy, "%s%.100s", other.path, strrchr(names[i], '/'));
        test_file_write(copy, bytes.data, bytes.n);
        free(bytes.data);
    }
    add_segments(&mine, -1, "h");
    add_segments(&other, -1, "i");
    n = test_file_count(&mine, ".jsonl");
    transplant(&other, &mine, n - 2);
    assert_false(in_parts(&mine, NULL));
    assert_true(same(&mine, NULL));
    test_dir_remove(&mine);
    test_dir_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_journals),
        cmocka_unit_test(test_key_that_is_not_named),
        cmocka_unit_test(test_damaged_journals),
        cmocka_unit_test(test_foreign_segments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
