/* Proofs: for every leaf of trees of every size, and nothing else passes. */
#include "base/err.h"
#include "journal/batch.h"
#include "journal/checkpoint.h"
#include "journal/frame.h"
#include "journal/proof.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVES 70

/* The i-th line. */
static struct span line_of(unsigned i, char out[16])
{
    snprintf(out, 16, "line %u", i);
    return span_of(out);
}

/* The root by RFC 6962's definition, from the leaves themselves. */
static void root_by_definition(unsigned from, unsigned n, uint8_t out[SHA256_BYTES])
{
    uint8_t in[1 + 2 * SHA256_BYTES] = {1};
    unsigned k = 1;
    char text[17] = "";

    if (n == 1) {
        struct span line = line_of(from, text + 1);

        digest_sha256(text, line.n + 1, out); /* text[0] is 0x00 */
        return;
    }
    while (k * 2 < n)
        k *= 2;
    root_by_definition(from, k, in + 1);
    root_by_definition(from + k, n - k, in + 1 + SHA256_BYTES);
    digest_sha256(in, sizeof in, out);
}

static void test_every_leaf_of_every_tree(void **state)
{
    uint8_t roots[LEAVES + 1][SHA256_BYTES], root[SHA256_BYTES];
    struct journal_tree before = {.count = 0};
    char text[16];

    (void)state;
    for (unsigned n = 1; n <= LEAVES; n++)
        root_by_definition(0, n, roots[n]);
    for (unsigned m = 0; m < LEAVES; m++) {
        struct proof_path path;

        proof_path_init(&path, &before);
        for (unsigned n = m + 1; n <= LEAVES; n++) {
            struct journal_proof p = {0};

            proof_path_push(&path, line_of(n - 1, text));
            assert_int_equal(proof_path_size(&path), n);
            proof_path_end(&path, &p);
            assert_int_equal(p.index, m);
            p.line = line_of(m, text);
            assert_int_equal(journal_proof_root(&p, n, root), 0);
            assert_memory_equal(root, roots[n], SHA256_BYTES);
            /* Of no other size, at no other place, with no hash more or less. */
            for (unsigned other = 1; other <= LEAVES; other++)
                assert_true(other == n || journal_proof_root(&p, other, root) != 0 ||
                            memcmp(root, roots[other], SHA256_BYTES) != 0);
            for (p.index = 0; p.index <= LEAVES; p.index++)
                assert_true(p.index == m || journal_proof_root(&p, n, root) != 0 ||
                            memcmp(root, roots[n], SHA256_BYTES) != 0);
            p.index = m;
            p.count++;
            assert_int_equal(journal_proof_root(&p, n, root), ERR_CORRUPT);
            p.count -= 2;
            assert_true(p.count > LEAVES || journal_proof_root(&p, n, root) == ERR_CORRUPT);
        }
        journal_tree_push(&before, line_of(m, text));
    }
}

/* A signed journal of several segments whose last record no checkpoint covers. */
static struct test_dir make(struct journal **ret)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_options opt = test_options();
    struct err e = {0};
    struct test_dir d;

    test_dir_make(&d);
    opt.segment_bytes = 1500;
    *ret = test_open(&d, &opt, NULL);
    assert_int_equal(journal_sign(*ret, &secret, TEST_NOW_US, &e), 0);
    for (unsigned i = 0; i < 20; i++) {
        test_append(*ret, 2);
        assert_int_equal(journal_sync(*ret), 0);
        assert_int_equal(journal_tick(*ret, TEST_NOW_US + (int64_t)i * 20000000), 0);
    }
    test_append(*ret, 1);
    assert_int_equal(journal_sync(*ret), 0);
    return d;
}

static void test_every_record_of_a_journal(void **state)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_secret other = test_secret("a.example/log", 2);
    struct journal *j;
    struct test_dir d;
    struct err e = {0};
    struct buf text, store;
    uint64_t seq, last;

    (void)state;
    d = make(&j);
    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    last = journal_next_seq(j) - 1;
    for (seq = 1; seq < last; seq++) {
        struct journal_proof p;
        struct buf again;
        uint64_t got;

        buf_reset(&text);
        assert_int_equal(journal_prove(d.path, seq, &text, &e), 0);
        assert_int_equal(journal_proof_parse((struct span){text.data, text.len}, &store, &p), 0);
        assert_int_equal(journal_proof_check(&p, &secret.key, 1, &e), 0);
        assert_int_equal(journal_line_seq(p.line, &got), 0);
        assert_int_equal(got, seq);
        assert_int_equal(journal_proof_check(&p, &other.key, 1, &e), ERR_CORRUPT);
        buf_init(&again, JOURNAL_PROOF_MAX);
        assert_int_equal(journal_proof_render(&p, &again), 0);
        assert_string_equal(again.data, text.data);
        buf_release(&again);
    }
    assert_int_equal(journal_prove(d.path, last, &text, &e), -ENODATA);
    assert_int_equal(journal_prove(d.path, last + 1, &text, &e), -ENOENT);
    assert_int_equal(journal_close(j), 0);
    buf_reset(&text);
    assert_int_equal(journal_prove(d.path, last, &text, &e), 0);
    buf_release(&text);
    buf_release(&store);
    test_dir_remove(&d);
}

/* No bit of a proof can be another one. */
static void test_flips(void **state)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_proof p;
    struct journal *j;
    struct test_dir d;
    struct err e = {0};
    struct buf text, store;

    (void)state;
    d = make(&j);
    assert_int_equal(journal_close(j), 0);
    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_prove(d.path, 7, &text, &e), 0);
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        text.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_true(journal_proof_parse((struct span){text.data, text.len}, &store, &p) ||
                    journal_proof_check(&p, &secret.key, 1, &e));
        text.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < text.len; n++)
        assert_true(journal_proof_parse((struct span){text.data, n}, &store, &p) ||
                    journal_proof_check(&p, &secret.key, 1, &e));
    buf_release(&text);
    buf_release(&store);
    test_dir_remove(&d);
}

/* A proof that says more than one can, or of another log than the key's, or of nothing. */
static void test_what_is_no_proof(void **state)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    static char extra[JOURNAL_LINE_MAX * 2];
    struct journal_proof p;
    struct journal *j;
    struct test_dir d;
    struct err e = {0};
    struct buf text, more, store;
    const char *hashes;

    (void)state;
    d = make(&j);
    assert_int_equal(journal_close(j), 0);
    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&more, 4 * JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_prove(d.path, 7, &text, &e), 0);
    assert_int_equal(journal_proof_parse((struct span){text.data, text.len}, &store, &p), 0);
    assert_int_equal(journal_proof_check(&p, &secret.key, 1, &e), 0);
    p.index++; /* another place */
    assert_int_equal(journal_proof_check(&p, &secret.key, 1, &e), ERR_CORRUPT);
    p.index = UINT64_MAX;
    assert_int_equal(journal_proof_check(&p, &secret.key, 1, &e), ERR_CORRUPT);
    p.line.p = NULL;
    assert_int_equal(journal_proof_check(&p, &secret.key, 1, &e), ERR_SYNTAX);

    hashes = strchr(strstr(text.data, "index "), '\n') + 1;
    assert_int_equal(buf_append(&more, text.data, (size_t)(hashes - text.data)), 0);
    for (unsigned i = 0; i <= JOURNAL_PROOF_HASHES; i++)
        assert_int_equal(buf_append(&more, hashes, strcspn(hashes, "\n") + 1), 0);
    assert_int_equal(buf_append_str(&more, "\n"), 0);
    assert_int_equal(journal_proof_parse((struct span){more.data, more.len}, &store, &p),
                     ERR_SYNTAX);

    memset(extra, 'A', sizeof extra - 1);
    buf_reset(&more);
    assert_int_equal(buf_append(&more, text.data, strcspn(text.data, "\n") + 1), 0);
    assert_int_equal(buf_appendf(&more, "extra %s\nindex 0\n\n", extra), 0);
    assert_int_equal(journal_proof_parse((struct span){more.data, more.len}, &store, &p),
                     ERR_SYNTAX);
    buf_release(&text);
    buf_release(&more);
    buf_release(&store);
    test_dir_remove(&d);
}

/* A journal that is damaged, or was made anew, proves nothing there. */
static void test_damaged_journals(void **state)
{
    struct journal *j;
    struct test_dir d;
    struct test_bytes all;
    struct err e = {0};
    struct buf text;
    char path[TEST_PATH_SIZE];
    char *at;

    (void)state;
    d = make(&j);
    assert_int_equal(journal_close(j), 0);
    buf_init(&text, JOURNAL_PROOF_MAX);
    all = test_file_read(test_file_name(&d, 1, path));
    at = memmem(all.data, all.n, "dir/", 4);
    *at ^= 1;
    test_file_write(path, all.data, all.n);
    free(all.data);
    assert_int_equal(journal_prove(d.path, 2, &text, &e), 0);
    buf_reset(&text);
    for (uint64_t seq = 1; seq < 30; seq++) {
        int rc = journal_prove(d.path, seq, &text, &e);

        assert_true(rc == 0 || rc == ERR_CORRUPT);
        buf_reset(&text);
    }
    assert_int_equal(journal_prove("/nowhere", 1, &text, &e), -ENOENT);
    buf_release(&text);
    test_dir_remove(&d);
}

/* A journal of several segments that signs only from the last one on, as when a key is configured
 * later: proofs lead through all segments. */
static struct test_dir make_signed_late(void)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_options opt = test_options();
    struct err e = {0};
    struct test_dir d;
    struct journal *j;

    test_dir_make(&d);
    opt.segment_bytes = 1500;
    j = test_open(&d, &opt, NULL);
    for (unsigned i = 0; i < 20; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    assert_int_equal(journal_close(j), 0);
    assert_true(test_file_count(&d, ".jsonl") > 3);
    assert_int_equal(test_file_count(&d, ".checkpoints"), 1);
    return d;
}

/* What comes of a proof of a record; it must hold where there is one. */
static int prove(const struct test_dir *d, uint64_t seq, struct err *e)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_proof p;
    struct buf text, store;
    int rc;

    *e = (struct err){0};
    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    rc = journal_prove(d->path, seq, &text, e);
    assert_int_equal(text.len > 0, rc == 0);
    if (rc == 0) {
        assert_int_equal(journal_proof_parse((struct span){text.data, text.len}, &store, &p), 0);
        assert_int_equal(journal_proof_check(&p, &secret.key, 1, e), 0);
    } else {
        assert_true(e->what[0]);
    }
    buf_release(&text);
    buf_release(&store);
    return rc;
}

static void test_through_segments(void **state)
{
    struct test_dir d = make_signed_late();
    struct err e;

    (void)state;
    for (uint64_t seq = 1; seq <= 40; seq++)
        assert_int_equal(prove(&d, seq, &e), 0);
    test_dir_remove(&d);
}

/* A segment in between is lost: what lies before it cannot be proven any more, what follows can. */
static void test_through_a_gap(void **state)
{
    struct test_dir d = make_signed_late();
    char path[TEST_PATH_SIZE];
    uint64_t first;
    struct err e;

    (void)state;
    first = strtoull(strrchr(test_file_name(&d, 2, path), '/') + 1, NULL, 10);
    assert_int_equal(unlink(test_file_name(&d, 1, path)), 0);
    for (uint64_t seq = 1; seq <= 40; seq++) {
        const int rc = prove(&d, seq, &e);

        if (seq >= first)
            assert_int_equal(rc, 0);
        else if (rc != ERR_CORRUPT) /* not even there, of what was lost */
            assert_int_equal(rc, -ENOENT);
    }
    assert_int_equal(prove(&d, 1, &e), ERR_CORRUPT);
    assert_int_equal(prove(&d, first - 1, &e), -ENOENT);
    test_dir_remove(&d);
}

/* Lines that were signed are cut off: the checkpoint speaks of more than there is. */
static void test_cut_behind_the_record(void **state)
{
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    struct journal *j;
    struct test_dir d;
    struct err e;
    char *end;

    (void)state;
    d = make_signed_late();
    j = test_open(&d, NULL, NULL);
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0); /* one batch, which nothing signs */
    all = test_file_read(test_file_name(&d, test_file_count(&d, ".jsonl") - 1, path));
    assert_int_equal(prove(&d, 1, &e), 0);
    assert_int_equal(prove(&d, 43, &e), -ENODATA);
    end = memmem(all.data, all.n, "\"o\":\"key\"", 9);
    assert_non_null(end);
    end = memrchr(all.data, '\n', (size_t)(end - all.data)); /* before the batch that was signed */
    test_file_write(path, all.data, (size_t)(end + 1 - all.data));
    assert_int_equal(prove(&d, 1, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.right, "journal verify"));
    assert_int_equal(prove(&d, 41, &e), -ENOENT);
    free(all.data);
    test_dir_remove(&d);
}

/* The journal was made anew with other lines, and the old checkpoints put beside it. */
static void test_checkpoints_of_another_journal(void **state)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    char note[TEST_PATH_SIZE], path[TEST_PATH_SIZE];
    struct test_bytes kept;
    struct test_dir d[2];
    struct err e;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct journal *j;

        test_dir_make(&d[i]);
        j = test_open(&d[i], NULL, NULL); /* the headers have other identities */
        assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
        test_append(j, 5);
        assert_int_equal(journal_close(j), 0);
        assert_int_equal(prove(&d[i], 3, &e), 0);
    }
    test_file_name(&d[0], 0, path);
    snprintf(note, sizeof note, "%.*s.checkpoints", (int)(strstr(path, ".jsonl") - path), path);
    kept = test_file_read(note);
    test_file_name(&d[1], 0, path);
    snprintf(note, sizeof note, "%.*s.checkpoints", (int)(strstr(path, ".jsonl") - path), path);
    test_file_write(note, kept.data, kept.n);
    assert_int_equal(prove(&d[1], 3, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.what, "over other lines"));
    free(kept.data);
    test_dir_remove(&d[0]);
    test_dir_remove(&d[1]);
}

/* Among the checkpoints stand notes that are none: they are passed over. */
static void test_notes_that_are_no_checkpoints(void **state)
{
    static const char *const strange[] = {
        "nothing\n\nsigned\n\n", "a.example/log\nmany\nAAAA\n\n\xe2\x80\x94 a.example/log "
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"};
    char note[TEST_PATH_SIZE], path[TEST_PATH_SIZE];
    struct test_dir d = make_signed_late();
    struct test_bytes own;
    struct err e;

    (void)state;
    test_file_name(&d, test_file_count(&d, ".jsonl") - 1, path);
    snprintf(note, sizeof note, "%.*s.checkpoints", (int)(strstr(path, ".jsonl") - path), path);
    own = test_file_read(note);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        struct buf all;

        test_file_write(note, strange[i], strlen(strange[i]));
        assert_int_equal(prove(&d, 40, &e), -ENODATA);
        buf_init(&all, 1u << 16);
        assert_int_equal(buf_append_str(&all, strange[i]), 0);
        assert_int_equal(buf_append(&all, own.data, own.n), 0);
        test_file_write(note, all.data, all.len);
        assert_int_equal(prove(&d, 40, &e), 0);
        buf_release(&all);
    }
    test_file_write(note, own.data, own.n - 5); /* one that a crash has cut */
    assert_int_equal(prove(&d, 40, &e), -ENODATA);
    free(own.data);
    test_dir_remove(&d);
}

/* The writer has begun a segment that has no header yet: what was signed before can be proven, what
 * was not is not covered yet. */
static void test_a_segment_that_is_begun(void **state)
{
    struct test_dir d = make_signed_late();
    char path[TEST_PATH_SIZE];
    struct journal *j = test_open(&d, NULL, NULL);
    struct err e;

    (void)state;
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    snprintf(path, sizeof path, "%s/%020d.jsonl", d.path, 44);
    test_file_write(path, "{\"k\":\"h\"", 8);
    for (uint64_t seq = 1; seq <= 41; seq++)
        assert_int_equal(prove(&d, seq, &e), 0);
    assert_int_equal(prove(&d, 42, &e), -ENODATA);
    assert_non_null(strstr(e.what, "no checkpoint covers"));
    test_dir_remove(&d);
}

/* What a tree has is the lines, however they lie in batches: a checkpoint may end within one, and a
 * line that no one knows is a leaf like others. */
static void test_a_checkpoint_within_a_batch(void **state)
{
    const struct journal_record rec = {
        .seq = 1, .time_us = TEST_NOW_US, .op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_head head = {.next_seq = 1};
    struct journal_tree tree = {.count = 0};
    const struct journal_header h = {.uuid = "11111111-2222-4333-8444-555555555555",
                                     .first = 1,
                                     .time_us = TEST_NOW_US,
                                     .previous = "",
                                     .host = "host",
                                     .boot = "boot",
                                     .version = "1"};
    char path[TEST_PATH_SIZE];
    struct buf out, note;
    struct span rest, line;
    struct test_dir d;
    struct err e;
    size_t body;

    (void)state;
    test_dir_make(&d);
    buf_init(&out, 1u << 16);
    buf_init(&note, JOURNAL_NOTE_MAX);
    assert_int_equal(journal_header_encode(&h, &out), 0);
    rest = (struct span){out.data, out.len};
    while (journal_line_next(&rest, &line))
        journal_tree_push(&tree, line);
    assert_int_equal(journal_batch_close(&head, &out, 0, 0), 0);
    body = out.len;
    assert_int_equal(buf_append_str(&out, "{\"x\":1}\n"), 0);
    for (head.next_seq = 1; head.next_seq < 5; head.next_seq++) {
        struct journal_record one = rec;

        one.seq = head.next_seq;
        assert_int_equal(journal_record_encode(&one, &out), 0);
    }
    rest = (struct span){out.data + body, out.len - body};
    while (tree.count < 4 && journal_line_next(&rest, &line)) /* two records of the four */
        journal_tree_push(&tree, line);
    assert_int_equal(journal_batch_close(&head, &out, body, 4), 0);
    assert_int_equal(journal_checkpoint_sign(&tree, &secret, &note), 0);
    assert_int_equal(buf_append_str(&note, "\n"), 0);
    snprintf(path, sizeof path, "%s/%020d.jsonl", d.path, 1);
    test_file_write(path, out.data, out.len);
    snprintf(path, sizeof path, "%s/%020d.checkpoints", d.path, 1);
    test_file_write(path, note.data, note.len);
    assert_int_equal(prove(&d, 1, &e), 0);
    assert_int_equal(prove(&d, 2, &e), 0);
    assert_int_equal(prove(&d, 3, &e), -ENODATA);
    assert_int_equal(prove(&d, 5, &e), -ENOENT);
    buf_release(&out);
    buf_release(&note);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_leaf_of_every_tree),
        cmocka_unit_test(test_every_record_of_a_journal),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_what_is_no_proof),
        cmocka_unit_test(test_damaged_journals),
        cmocka_unit_test(test_through_segments),
        cmocka_unit_test(test_through_a_gap),
        cmocka_unit_test(test_cut_behind_the_record),
        cmocka_unit_test(test_checkpoints_of_another_journal),
        cmocka_unit_test(test_notes_that_are_no_checkpoints),
        cmocka_unit_test(test_a_segment_that_is_begun),
        cmocka_unit_test(test_a_checkpoint_within_a_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
