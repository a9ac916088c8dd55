/* What the verifier says of checkpoints, and what nobody can forge without the key. */
#include "base/err.h"
#include "journal/checkpoint.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG "a.example/log"

/* What the journals of these tests hold. */
struct shape {
    unsigned batches;
    const char *odd; /* path of the first record, or NULL */
    uint8_t key;     /* 0 none */
};

/* A journal of small segments with a checkpoint after nearly each batch of two records. */
static struct test_dir make(struct shape shape)
{
    const struct journal_record first = {.op = JOURNAL_ADD, .path = shape.odd ? shape.odd : "a"};
    struct journal_options opt = test_options();
    struct journal_secret secret = test_secret(LOG, shape.key);
    struct err e = {0};
    struct test_dir d;
    struct journal *j;

    test_dir_make(&d);
    opt.segment_bytes = 1500;
    opt.checkpoint_ms = 1;
    j = test_open(&d, &opt, NULL);
    if (shape.key)
        assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    assert_int_equal(journal_append(j, &first, TEST_NOW_US, NULL), 0);
    for (unsigned i = 0; i < shape.batches; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync(j), 0);
        assert_int_equal(journal_tick(j, TEST_NOW_US + (int64_t)i * 2000), 0);
    }
    assert_int_equal(journal_close(j), 0);
    return d;
}

/* What one who trusts the n-th key and has kept these notes (ending with NULL) is told. */
static struct test_faults told(const struct test_dir *d, uint8_t n, const struct test_bytes *kept)
{
    struct journal_secret secret = test_secret(LOG, n);
    struct journal_anchor anchor = {.name = "kept"};
    struct journal_trust trust = {.keys = &secret.key, .key_count = n ? 1 : 0, .anchors = &anchor};

    if (kept) {
        anchor.note = (struct span){kept->data, kept->n};
        trust.anchor_count = 1;
    }
    return test_verify_trusting(d, &trust);
}

/* The first fault is of this kind. */
static void expect(struct test_faults v, const char *kind)
{
    assert_true(v.verdict.faults > 0);
    assert_string_equal(v.fault[0].kind, kind);
    assert_true(v.fault[0].detail[0]);
}

/* Copy all files whose names end so from one journal to another. */
static void copy_files(const struct test_dir *from, const struct test_dir *to, const char *suffix)
{
    char command[256];

    snprintf(command, sizeof command, "cp %s/*%s %s/", from->path, suffix, to->path);
    assert_int_equal(system(command), 0); /* NOLINT: a test's own words */
}

static void test_good(void **state)
{
    struct test_dir d, short_one;
    struct test_bytes kept;
    struct test_faults v;

    (void)state;
    d = make((struct shape){20, NULL, 1});
    short_one = make((struct shape){7, NULL, 1});
    kept = test_note(&short_one);
    assert_int_equal(told(&d, 0, NULL).count, 0);
    v = told(&d, 1, NULL);
    assert_int_equal(v.count, 0);
    assert_true(v.verdict.segments > 3 && v.verdict.checkpoints > 10);
    assert_int_equal(v.verdict.signed_leaves, v.verdict.leaves);
    assert_int_equal(v.verdict.anchors, 0);
    expect(told(&d, 2, NULL), "wrong key");
    free(kept.data);
    kept = test_note(&d);
    v = told(&d, 1, &kept);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.anchors, 1);
    free(kept.data);
    test_dir_remove(&short_one);
    test_dir_remove(&d);
}

/* Journals of different lives; the uuid alone makes their trees others. */
static void test_forked(void **state)
{
    struct test_dir d, other;
    struct test_bytes kept, mine;

    (void)state;
    d = make((struct shape){20, NULL, 1});
    other = make((struct shape){12, "b", 1});
    kept = test_note(&other);
    mine = test_note(&d);
    expect(told(&d, 1, &kept), "forked");
    expect(told(&d, 0, &kept), "forked");
    expect(told(&other, 1, &mine), "truncated");
    free(kept.data);
    free(mine.data);
    test_dir_remove(&other);
    test_dir_remove(&d);
}

static void test_unsigned(void **state)
{
    struct test_dir d;

    (void)state;
    d = make((struct shape){8, NULL, 0});
    assert_int_equal(told(&d, 0, NULL).count, 0);
    expect(told(&d, 1, NULL), "unsigned");
    test_dir_remove(&d);
}

/* Whoever has the files and not the key makes all of it anew, and keeps the checkpoints or makes
 * some with a key of the same name. */
static void test_made_anew(void **state)
{
    struct test_dir d, forged, resigned;

    (void)state;
    d = make((struct shape){12, NULL, 1});
    forged = make((struct shape){13, "b", 0}); /* no fewer lines */
    resigned = make((struct shape){12, "b", 2});
    copy_files(&d, &forged, "checkpoint");
    expect(told(&forged, 1, NULL), "forked");
    expect(told(&forged, 0, NULL), "wrong key"); /* the key is not in the journal any more */
    copy_files(&d, &forged, ".checkpoints");
    assert_true(told(&forged, 1, NULL).verdict.faults > 0);
    expect(told(&resigned, 1, NULL), "wrong key");
    assert_int_equal(told(&resigned, 0, NULL).count, 0); /* which is why auditors have the key */
    test_dir_remove(&resigned);
    test_dir_remove(&forged);
    test_dir_remove(&d);
}

/* Lines, segments or checkpoints that are taken away. */
static void test_taken_away(void **state)
{
    struct test_dir d;
    struct test_bytes kept;
    char path[TEST_PATH_SIZE], checkpoints[TEST_PATH_SIZE + 16];
    size_t last;

    (void)state;
    d = make((struct shape){20, NULL, 1});
    kept = test_note(&d);
    last = test_file_count(&d, ".jsonl") - 1;
    test_file_name(&d, last, path);
    snprintf(checkpoints, sizeof checkpoints, "%.*scheckpoints", (int)(strlen(path) - 5), path);
    assert_int_equal(unlink(path), 0);
    expect(told(&d, 1, NULL), "truncated"); /* its checkpoints are there still */
    assert_int_equal(unlink(checkpoints), 0);
    expect(told(&d, 1, NULL), "truncated"); /* the newest is there still */
    snprintf(path, sizeof path, "%s/checkpoint", d.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(told(&d, 1, NULL).count, 0); /* which is why auditors keep checkpoints */
    expect(told(&d, 1, &kept), "truncated");
    free(kept.data);
    test_dir_remove(&d);
}

/* The last batch is cut off cleanly. */
static void test_cut(void **state)
{
    struct test_dir d;
    struct test_bytes all;
    char path[TEST_PATH_SIZE];
    size_t at;

    (void)state;
    d = make((struct shape){2, NULL, 1});
    all = test_file_read(test_file_name(&d, 0, path));
    for (at = all.n - 1; at > 0 && strncmp(all.data + at, "\n{\"k\":\"c\"", 9) != 0; at--)
        ;
    for (at--; at > 0 && strncmp(all.data + at, "\n{\"k\":\"c\"", 9) != 0; at--)
        ;
    at += 1 + strcspn(all.data + at + 1, "\n") + 1;
    assert_int_equal(truncate(path, (off_t)at), 0);
    expect(told(&d, 1, NULL), "truncated");
    free(all.data);
    test_dir_remove(&d);
}

/* Every bit of a segment's checkpoints, and of the newest. */
static void test_flips(void **state)
{
    struct test_dir d;
    struct test_bytes all;
    char path[TEST_PATH_SIZE + 16], segment[TEST_PATH_SIZE];
    size_t last_note = 0; /* where it begins */

    (void)state;
    d = make((struct shape){4, NULL, 1});
    test_file_name(&d, 0, segment);
    snprintf(path, sizeof path, "%.*scheckpoints", (int)(strlen(segment) - 5), segment);
    for (int newest = 0; newest < 2; newest++) {
        struct span rest, note;

        if (newest)
            snprintf(path, sizeof path, "%s/checkpoint", d.path);
        all = test_file_read(path);
        rest = (struct span){all.data, all.n};
        while (!newest && journal_checkpoints_next(&rest, &note))
            last_note = (size_t)(note.p - all.data);
        for (size_t bit = 0; bit < 8 * all.n; bit += TEST_STRIDE) {
            struct test_faults v;

            all.data[bit / 8] ^= (char)(1 << bit % 8);
            test_file_write(path, all.data, all.n);
            v = told(&d, 1, NULL);
            assert_true(v.count > 0);
            /* In an empty line of the last note: it is not whole. */
            assert_true(v.verdict.faults > 0 || (!newest && bit / 8 >= last_note));
            all.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        for (size_t cut = 1; !newest && cut < all.n; cut += TEST_STRIDE) {
            test_file_write(path, all.data, cut);
            assert_int_equal(told(&d, 1, NULL).verdict.faults, 0);
        }
        test_file_write(path, all.data, all.n);
        free(all.data);
    }
    test_dir_remove(&d);
}

/* Checkpoints in another order, or of another log. */
static void test_order(void **state)
{
    struct journal_secret other = test_secret("b.example/log", 1), mine = test_secret(LOG, 1);
    const struct journal_key keys[] = {mine.key, other.key};
    struct journal_trust trust = {.keys = keys, .key_count = 2};
    struct test_dir d;
    struct test_bytes all;
    struct span rest, first, second;
    struct buf out;
    char path[TEST_PATH_SIZE + 16], segment[TEST_PATH_SIZE];

    (void)state;
    d = make((struct shape){4, NULL, 1});
    test_file_name(&d, 0, segment);
    snprintf(path, sizeof path, "%.*scheckpoints", (int)(strlen(segment) - 5), segment);
    all = test_file_read(path);
    rest = (struct span){all.data, all.n};
    assert_true(journal_checkpoints_next(&rest, &first));
    assert_true(journal_checkpoints_next(&rest, &second));
    buf_init(&out, 1 << 20);
    assert_int_equal(buf_append_span(&out, second) | buf_append_byte(&out, '\n') |
                         buf_append_span(&out, first) | buf_append_byte(&out, '\n'),
                     0);
    test_file_write(path, out.data, out.len);
    expect(test_verify_trusting(&d, &trust), "order");
    /* Twice the same is not wrong: a writer that died may have signed it again. */
    buf_reset(&out);
    assert_int_equal(buf_append_span(&out, first) | buf_append_byte(&out, '\n') |
                         buf_append_span(&out, first) | buf_append_byte(&out, '\n'),
                     0);
    test_file_write(path, out.data, out.len);
    assert_int_equal(test_verify_trusting(&d, &trust).count, 0);
    /* A text of one log, signed by the key of another. */
    buf_reset(&out);
    rest = first;
    rest.n = (size_t)((char *)memmem(first.p, first.n, "\n\n", 2) + 1 - first.p);
    assert_int_equal(journal_note_sign(rest, &other, &out) | buf_append_byte(&out, '\n'), 0);
    test_file_write(path, out.data, out.len);
    expect(test_verify_trusting(&d, &trust), "wrong key");
    buf_release(&out);
    free(all.data);
    test_dir_remove(&d);
}

/* A journal that is damaged is one fault, not one for each checkpoint behind it. */
static void test_damage(void **state)
{
    struct test_dir d;
    struct test_bytes all;
    char path[TEST_PATH_SIZE];
    size_t at;

    (void)state;
    d = make((struct shape){20, NULL, 1});
    all = test_file_read(test_file_name(&d, 1, path));
    at = (size_t)((char *)memmem(all.data, all.n, "dir/", 4) - all.data);
    all.data[at] ^= 1;
    test_file_write(path, all.data, all.n);
    assert_int_equal(told(&d, 1, NULL).verdict.faults, 1);
    expect(told(&d, 1, NULL), "crc");
    free(all.data);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_forked),
        cmocka_unit_test(test_unsigned),   cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_taken_away), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flips),      cmocka_unit_test(test_order),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
