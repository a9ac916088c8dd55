/* The beginning of a journal that is removed: what is said of it, and who may have done it. */
#include "base/err.h"
#include "journal/checkpoint.h"
#include "journal/walk.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT 4096

/* A journal of several segments that is open, signed if `signs`. */
static struct journal *make(struct test_dir *d, bool signs)
{
    struct journal_options opt = test_options();
    struct journal_secret secret = test_secret("log", 1);
    struct err e = {0};
    struct journal *j;

    test_dir_make(d);
    opt.segment_bytes = SEGMENT;
    j = test_open(d, &opt, NULL);
    if (signs)
        assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    for (unsigned i = 0; i < 30; i++) {
        test_append(j, 5);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_true(test_file_count(d, ".jsonl") > 4);
    return j;
}

/* Remove the oldest. The last record that went. */
static uint64_t retire(struct journal *j)
{
    struct journal_oldest oldest;

    assert_int_equal(journal_oldest(j, &oldest), 0);
    assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), 0);
    return oldest.last_seq;
}

/* All that is wrong, by one thread and by several. */
static struct test_faults verify(const struct test_dir *d, const struct journal_trust *trust)
{
    struct test_faults all = test_verify_trusting(d, trust);
    struct journal_verdict one;
    struct err e = {0};

    assert_int_equal(journal_verify_with(d->path, trust, 1, NULL, NULL, &one, &e), 0);
    assert_memory_equal(&one, &all.verdict, sizeof one);
    assert_int_equal(journal_verify_with(d->path, trust, 3, NULL, NULL, &one, &e), 0);
    assert_memory_equal(&one, &all.verdict, sizeof one);
    return all;
}

/* Remove the oldest segment without a word. */
static void take_away(const struct test_dir *d)
{
    char path[TEST_PATH_SIZE], *dot;

    assert_int_equal(unlink(test_file_name(d, 0, path)), 0);
    dot = strstr(path, ".jsonl");
    snprintf(dot, 20, ".checkpoints");
    (void)unlink(path);
}

static void test_it_is_said(void **state)
{
    (void)state;
    for (int signs = 0; signs < 2; signs++) {
        struct test_dir d;
        struct journal *j = make(&d, signs);
        const size_t before = test_file_count(&d, ".jsonl");
        uint64_t first, gone;
        struct test_faults f;

        (void)retire(j);
        gone = retire(j);
        assert_in_range(test_file_count(&d, ".jsonl"), before - 2, before - 1);
        assert_int_equal(journal_close(j), 0);
        f = verify(&d, NULL);
        assert_int_equal(f.count, 0);
        assert_int_equal(f.verdict.removed, gone);
        assert_in_range(f.verdict.removed_by, f.verdict.last_seq - 1, f.verdict.last_seq);
        assert_int_equal(f.verdict.checkpoints > 0, signs);
        assert_int_equal(f.verdict.first_seq, gone + 1);
        assert_true(f.verdict.removed_leaves > gone && strlen(f.verdict.removed_chain) == 64);
        assert_int_equal(journal_first_seq(d.path, &first), 0);
        assert_int_equal(first, gone + 1);
        assert_int_equal(journal_close(test_open(&d, NULL, NULL)), 0); /* it can be gone on with */
        test_dir_remove(&d);
    }
}

static void test_it_is_not_said(void **state)
{
    struct test_dir d;
    struct journal *j = make(&d, true);
    struct test_faults f;

    (void)state;
    (void)retire(j);
    assert_int_equal(journal_close(j), 0);
    take_away(&d); /* one more than was said */
    f = verify(&d, NULL);
    assert_int_equal(f.verdict.faults, 1);
    assert_string_equal(f.fault[0].kind, "header");
    assert_int_equal(f.verdict.removed, 0);
    test_dir_remove(&d);
}

/* It was said, and the writer died before it was done; nothing is missing. */
static void test_less_is_gone_than_was_said(void **state)
{
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    struct journal *j = make(&d, true);
    struct test_bytes bytes = test_file_read(test_file_name(&d, 0, path));
    struct test_faults f;

    (void)state;
    (void)retire(j);
    assert_int_equal(journal_close(j), 0);
    test_file_write(path, bytes.data, bytes.n);
    f = verify(&d, NULL);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.verdict.removed, 0);
    assert_int_equal(f.verdict.first_seq, 1);
    free(bytes.data);
    test_dir_remove(&d);
}

/* What says so must be signed where the journal is. */
static void test_it_is_not_signed(void **state)
{
    struct journal_secret secret = test_secret("log", 1);
    struct journal_trust trust = {.keys = &secret.key, .key_count = 1};
    struct test_bytes note;
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    struct journal *j = make(&d, true);
    struct test_faults f;

    (void)state;
    assert_int_equal(journal_checkpoint(j, TEST_NOW_US), 0);
    note = test_note(&d);
    assert_int_equal(journal_close(j), 0);
    j = test_open(&d, NULL, NULL); /* does not sign */
    (void)retire(j);
    assert_int_equal(journal_close(j), 0);
    snprintf(path, sizeof path, "%s/checkpoint", d.path);
    test_file_write(path, note.data, note.n);
    f = verify(&d, &trust);
    assert_int_equal(f.verdict.faults, 1);
    assert_string_equal(f.fault[0].kind, "unsigned");
    free(note.data);
    test_dir_remove(&d);
}

/* A checkpoint over lines that are gone says nothing of those that are left; one over all that are
 * gone does, and a forged one is found. */
static void test_kept_checkpoints(void **state)
{
    struct journal_anchor anchor = {.name = "kept"};
    struct journal_trust trust = {.anchors = &anchor, .anchor_count = 1};
    char path[TEST_PATH_SIZE], *dot;
    struct test_bytes early, late;
    struct span rest;
    struct test_dir d;
    struct journal *j = make(&d, true);
    struct test_faults f;

    (void)state;
    dot = strstr(test_file_name(&d, 0, path), ".jsonl");
    snprintf(dot, 20, ".checkpoints");
    early = test_file_read(path); /* of the first segment: the last is at its end */
    (void)retire(j);
    (void)retire(j);
    assert_int_equal(journal_close(j), 0);
    late = test_note(&d);
    anchor.note = (struct span){late.data, late.n};
    f = verify(&d, &trust);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.verdict.anchors, 1);
    assert_int_equal(f.verdict.passed, 0);
    rest = (struct span){early.data, early.n};
    assert_true(journal_checkpoints_next(&rest, &anchor.note)); /* the first of the file */
    f = verify(&d, &trust);
    assert_int_equal(f.count, 0);
    assert_int_equal(f.verdict.passed, 1);
    free(early.data);
    free(late.data);
    test_dir_remove(&d);
}

/* The open segment never goes, nor does one that is not the oldest. */
static void test_the_last_stays(void **state)
{
    struct journal_oldest oldest, second;
    struct test_dir d;
    struct journal *j = make(&d, false);

    (void)state;
    assert_int_equal(journal_oldest(j, &oldest), 0);
    assert_in_range(oldest.closed_us - TEST_NOW_US, oldest.last_seq * 1000,
                    oldest.last_seq * 1000 + 10000);
    second = oldest;
    snprintf(second.file, sizeof second.file, "%020d.jsonl", 99999);
    assert_int_equal(journal_retire(j, &second, TEST_NOW_US), -ENOENT);
    while (journal_oldest(j, &oldest) == 0)
        assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), 0);
    assert_int_equal(journal_oldest(j, &oldest), -ENOENT);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(verify(&d, NULL).count, 0);
    test_dir_remove(&d);
}

/* Nothing goes where the files are not what the journal has made: each says so, and all stays. */
static void stays(struct journal *j, const struct test_dir *d, int rc)
{
    const size_t before = test_file_count(d, "");
    struct journal_oldest oldest;

    assert_int_equal(journal_oldest(j, &oldest), rc);
    memset(&oldest, 0, sizeof oldest);
    snprintf(oldest.file, sizeof oldest.file, "%020d.jsonl", 1);
    assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), rc);
    assert_int_equal(test_file_count(d, ""), before);
}

static void test_files_that_are_not_the_journal_s(void **state)
{
    struct journal_oldest oldest;
    char path[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir d;
    struct journal *j = make(&d, false);

    (void)state;
    assert_int_equal(journal_oldest(j, &oldest), 0);
    snprintf(oldest.file, sizeof oldest.file, "no segment");
    assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), -ENOENT);

    bytes = test_file_read(test_file_name(&d, 1, path));
    test_file_write(path, bytes.data, 9); /* the second has no header any more */
    stays(j, &d, -ENOENT);
    assert_int_equal(unlink(path), 0); /* the third does not follow the first */
    stays(j, &d, ERR_CORRUPT);
    test_file_write(path, bytes.data, bytes.n);
    (void)retire(j);
    while (journal_oldest(j, &oldest) == 0)
        assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), 0);
    snprintf(path, sizeof path, "%s/%020d.jsonl", d.path, 999999);
    test_file_write(path, bytes.data, bytes.n); /* behind the open one */
    stays(j, &d, -ENOENT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(verify(&d, NULL).count, 0);
    free(bytes.data);
    test_dir_remove(&d);
}

/* What says so cannot be signed now: nothing goes until it can. */
static void test_it_cannot_be_signed(void **state)
{
    char path[TEST_PATH_SIZE], newest[TEST_PATH_SIZE];
    struct journal_oldest oldest;
    struct test_bytes bytes;
    struct test_dir d;
    struct journal *j = make(&d, true);

    (void)state;
    assert_int_equal(journal_checkpoint(j, TEST_NOW_US), 0);
    bytes = test_note(&d);
    snprintf(newest, sizeof newest, "%s/checkpoint", d.path);
    assert_int_equal(unlink(newest), 0);
    assert_int_equal(mkdir(newest, 0700), 0); /* nothing takes its place */
    assert_int_equal(journal_oldest(j, &oldest), 0);
    assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), -EAGAIN);
    assert_int_equal(access(test_file_name(&d, 0, path), F_OK), 0);
    assert_non_null(strstr(path, oldest.file));
    assert_int_equal(rmdir(newest), 0);
    test_file_write(newest, bytes.data, bytes.n);
    assert_int_equal(journal_retire(j, &oldest, TEST_NOW_US), 0);
    assert_null(strstr(test_file_name(&d, 0, path), oldest.file));
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(verify(&d, NULL).count, 0);
    free(bytes.data);
    test_dir_remove(&d);
}

static void test_the_first_of_none(void **state)
{
    struct test_dir d;
    uint64_t first = 7;

    (void)state;
    test_dir_make(&d);
    assert_int_equal(journal_first_seq(d.path, &first), -ENOENT);
    assert_int_equal(journal_first_seq("/nowhere", &first), -ENOENT);
    assert_int_equal(first, 7);
    test_dir_remove(&d);
}

/* A record that speaks of the segments and is not what retention writes: nothing is excused by it.
 */
static void test_it_is_said_wrongly(void **state)
{
    char chain[2 * SHA256_BYTES + 1], root[2 * SHA256_BYTES + 1], left[JOURNAL_FILE_SIZE];
    struct journal_record rec;
    struct journal_header h;
    struct journal_name name;
    uint8_t bytes[SHA256_BYTES];
    char path[TEST_PATH_SIZE];
    struct buf store;
    int fd;

    (void)state;
    for (unsigned wrong = 0; wrong < 10; wrong++) {
        struct test_dir d;
        struct journal *j = make(&d, false);
        struct test_faults f;

        assert_true(journal_any_name_parse(strrchr(test_file_name(&d, 1, path), '/') + 1, &name));
        journal_name_format(name, left);
        fd = open(d.path, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        buf_init(&store, JOURNAL_LINE_MAX);
        assert_int_equal(journal_walk_header(fd, name, &store, &h), 0);
        close(fd);
        hex_encode(h.chain, SHA256_BYTES, chain);
        journal_tree_root(&h.tree, bytes);
        hex_encode(bytes, SHA256_BYTES, root);
        rec = (struct journal_record){.op = JOURNAL_RETIRE,
                                      .state = JOURNAL_NOTE,
                                      .path = h.previous,
                                      .path2 = left,
                                      .count = h.first - 1,
                                      .before = chain,
                                      .after = root};
        if (wrong == 1)
            rec.path2 = NULL;
        else if (wrong == 2)
            rec.before = NULL;
        else if (wrong == 3)
            rec.after = NULL;
        else if (wrong == 4)
            rec.path2 = h.previous;
        else if (wrong == 5)
            rec.count++;
        else if (wrong == 6)
            rec.before = root;
        else if (wrong == 7)
            rec.after = chain;
        else if (wrong == 8)
            rec.op = JOURNAL_IDLE;
        else if (wrong == 9)
            rec.count = 0;
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), 0);
        assert_int_equal(journal_close(j), 0);
        take_away(&d);
        f = verify(&d, NULL);
        assert_int_equal(f.verdict.faults, wrong > 0);
        assert_int_equal(f.verdict.removed, wrong ? 0 : h.first - 1);
        if (wrong)
            assert_non_null(strstr(f.fault[0].detail, "no record says"));
        buf_release(&store);
        test_dir_remove(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_said),
        cmocka_unit_test(test_it_is_not_said),
        cmocka_unit_test(test_it_is_not_signed),
        cmocka_unit_test(test_less_is_gone_than_was_said),
        cmocka_unit_test(test_kept_checkpoints),
        cmocka_unit_test(test_the_last_stays),
        cmocka_unit_test(test_files_that_are_not_the_journal_s),
        cmocka_unit_test(test_it_cannot_be_signed),
        cmocka_unit_test(test_the_first_of_none),
        cmocka_unit_test(test_it_is_said_wrongly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
