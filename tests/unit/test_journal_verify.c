/* The verifier: each kind of damage and forgery is found and named; and what readers make of it. */
#include "base/err.h"
#include "journal/batch.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCHES_MAX 32

/* A segment in parts: part[0] is the header's batch. Each is its bytes with the commit line. */
struct parts {
    struct test_bytes all;
    struct span part[BATCHES_MAX];
    size_t count;
    char path[TEST_PATH_SIZE];
};

static struct parts parts_read(const struct test_dir *d, size_t segment)
{
    struct parts p = {0};
    const char *from;

    p.all = test_file_read(test_file_name(d, segment, p.path));
    from = p.all.data;
    for (const char *at = from; at < p.all.data + p.all.n;) {
        const char *lf = memchr(at, '\n', (size_t)(p.all.data + p.all.n - at));

        assert_non_null(lf);
        if (strncmp(at, "{\"k\":\"c\"", 8) == 0) {
            assert_true(p.count < BATCHES_MAX);
            p.part[p.count++] = (struct span){from, (size_t)(lf + 1 - from)};
            from = lf + 1;
        }
        at = lf + 1;
    }
    return p;
}

/* Put the parts in this order into the file; order ends with -1. Releases them. */
static void parts_write(struct parts *p, const int *order)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    for (; *order >= 0; order++)
        assert_int_equal(buf_append_span(&out, p->part[*order]), 0);
    test_file_write(p->path, out.data, out.len);
    buf_release(&out);
    free(p->all.data);
}

/* The body of a part, without its commit line. */
static struct span part_body(struct span part)
{
    const char *commit = strstr(part.p, "{\"k\":\"c\"");

    return (struct span){part.p, (size_t)(commit - part.p)};
}

/* Two segments: header and three batches of two records; header and two batches of two. */
static void make_two(struct test_dir *d)
{
    struct journal_options opt = test_options();
    struct journal *j;

    test_dir_make(d);
    opt.segment_bytes = 1500;
    j = test_open(d, &opt, NULL);
    for (unsigned i = 0; i < 5; i++) {
        test_append(j, 2);
        assert_int_equal(journal_flush(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_file_count(d, ".jsonl"), 2);
    assert_int_equal(test_verify(d).count, 0);
}

/* Exactly one fault, of this kind, in this segment, at this offset (any if -1). */
static void check_one(const struct test_dir *d, const char *kind, size_t segment, int64_t offset)
{
    struct test_faults v = test_verify(d);
    char path[TEST_PATH_SIZE];

    for (size_t i = 1; i < v.count && i < TEST_FAULTS_MAX; i++)
        print_error("also %s:%lu %s %s\n", v.fault[i].file, (unsigned long)v.fault[i].offset,
                    v.fault[i].kind, v.fault[i].detail);
    assert_int_equal(v.count, 1);
    assert_int_equal(v.verdict.faults, 1);
    assert_string_equal(v.fault[0].kind, kind);
    assert_true(v.fault[0].detail[0]);
    assert_false(v.fault[0].harmless);
    test_file_name(d, segment, path);
    assert_string_equal(v.fault[0].file, strrchr(path, '/') + 1);
    if (offset >= 0)
        assert_int_equal(v.fault[0].offset, offset);
}

static void test_a_dropped_batch(void **state)
{
    struct test_dir d;
    struct parts p;
    unsigned errors;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 0);
    parts_write(&p, (const int[]){0, 1, 3, -1});
    /* The segment is shorter than the next header says, but its faults are one. */
    assert_string_equal(test_verify(&d).fault[0].kind, "sequence");
    assert_int_equal(test_verify(&d).verdict.records, 8);
    assert_int_equal(test_read_all(&d, 0, &errors), 8);
    assert_true(errors > 0);
    test_dir_remove(&d);

    make_two(&d);
    p = parts_read(&d, 1);
    parts_write(&p, (const int[]){0, 2, -1});
    check_one(&d, "sequence", 1, -1);
    assert_int_equal(test_read_all(&d, 0, &errors), 8);
    assert_int_equal(errors, 1);
    test_dir_remove(&d);
}

static void test_the_last_batch_of_a_closed_segment_dropped(void **state)
{
    struct test_dir d;
    struct parts p;
    unsigned errors;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 0);
    parts_write(&p, (const int[]){0, 1, 2, -1});
    check_one(&d, "truncated", 0, -1);
    assert_int_equal(test_read_all(&d, 0, &errors), 8);
    assert_int_equal(errors, 1);
    test_dir_remove(&d);
}

static void test_a_duplicated_batch(void **state)
{
    struct test_dir d;
    struct parts p;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 1);
    parts_write(&p, (const int[]){0, 1, 1, 2, -1});
    check_one(&d, "sequence", 1, -1);
    assert_int_equal(test_verify(&d).verdict.records, 10);
    assert_int_equal(test_read_all(&d, 0, NULL), 10);
    test_dir_remove(&d);
}

static void test_swapped_batches(void **state)
{
    struct test_faults v;
    struct test_dir d;
    struct parts p;
    unsigned errors;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 0);
    parts_write(&p, (const int[]){0, 2, 1, 3, -1});
    v = test_verify(&d);
    assert_int_equal(v.verdict.faults, 2); /* a gap, and what stands behind it too late */
    assert_string_equal(v.fault[0].kind, "sequence");
    assert_string_equal(v.fault[1].kind, "sequence");
    (void)test_read_all(&d, 0, &errors);
    assert_int_equal(errors, 1);
    test_dir_remove(&d);
}

static void test_a_batch_of_another_journal(void **state)
{
    struct test_dir d, other;
    struct parts p, q;

    (void)state;
    make_two(&d);
    make_two(&other);
    p = parts_read(&d, 1);
    q = parts_read(&other, 1);
    /* The records are the same; what they are chained to is not. */
    free(p.all.data);
    p.all.data = NULL;
    p = parts_read(&d, 1);
    p.part[2] = q.part[2];
    parts_write(&p, (const int[]){0, 1, 2, -1});
    check_one(&d, "chain", 1, -1);
    free(q.all.data);
    test_dir_remove(&d);
    test_dir_remove(&other);
}

static void test_a_removed_segment(void **state)
{
    struct test_dir d;
    char path[TEST_PATH_SIZE];

    (void)state;
    make_two(&d);
    assert_int_equal(unlink(test_file_name(&d, 0, path)), 0);
    check_one(&d, "header", 0, 0);
    assert_int_equal(test_verify(&d).verdict.first_seq, 7);
    test_dir_remove(&d);
}

static void test_a_replaced_segment(void **state)
{
    struct test_dir d, other;
    char path[TEST_PATH_SIZE], theirs[TEST_PATH_SIZE];
    struct test_bytes all;

    (void)state;
    make_two(&d);
    make_two(&other);
    all = test_file_read(test_file_name(&other, 1, theirs));
    test_file_write(test_file_name(&d, 1, path), all.data, all.n);
    check_one(&d, "header", 1, 0);
    free(all.data);
    test_dir_remove(&d);
    test_dir_remove(&other);
}

static void test_a_renamed_segment(void **state)
{
    struct test_dir d;
    char path[TEST_PATH_SIZE], to[TEST_PATH_SIZE];

    (void)state;
    make_two(&d);
    snprintf(to, sizeof(to), "%s/00000000000000000008.jsonl", d.path);
    assert_int_equal(rename(test_file_name(&d, 1, path), to), 0);
    check_one(&d, "header", 1, 0);
    test_dir_remove(&d);
}

/* Write a segment anew with its commit lines made to fit, after `change` was at its bodies: what
 * somebody does who knows the format. chain is where the segment begins. */
static void forge(const struct test_dir *d, size_t segment, const char *from, const char *to,
                  bool fix_chain)
{
    struct parts p = parts_read(d, segment);
    struct journal_commit commit;
    struct journal_head head = {.next_seq = 1};
    bool changed = false;
    struct buf out;

    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < p.count; i++) {
        struct span body = part_body(p.part[i]), line = {body.p + body.n, 0};
        size_t at = out.len;
        char *hit;

        line.n = p.part[i].n - body.n - 1;
        assert_int_equal(journal_commit_decode(line, &commit), 0);
        assert_int_equal(buf_append_span(&out, body), 0);
        hit = strstr(out.data + at, from);
        if (hit) {
            memcpy(hit, to, strlen(to));
            changed = true;
        }
        if (i == 0) /* the chain begins with what the header says */
            assert_int_equal(hex_decode(strstr(out.data, "\"ph\":\"") + 6, 64, head.chain), 0);
        head.next_seq = commit.last + 1;
        if (fix_chain || (hit && !fix_chain))
            assert_int_equal(journal_batch_close(&head, &out, at, commit.records), 0);
        else
            assert_int_equal(buf_append(&out, line.p, line.n + 1), 0);
        if (!fix_chain)
            memcpy(head.chain, commit.chain, SHA256_BYTES);
    }
    assert_true(changed);
    test_file_write(p.path, out.data, out.len);
    buf_release(&out);
    free(p.all.data);
}

static void test_an_edited_record_with_its_crc_made_to_fit(void **state)
{
    struct test_dir d;

    (void)state;
    make_two(&d);
    /* Commit line recomputed: the batch after it no longer follows from it. */
    forge(&d, 0, "dir/3.jpg", "dir/X.jpg", false);
    check_one(&d, "chain", 0, -1);
    test_dir_remove(&d);
}

static void test_an_edited_record_with_its_segment_made_to_fit(void **state)
{
    struct test_dir d;

    (void)state;
    make_two(&d);
    forge(&d, 0, "dir/3.jpg", "dir/X.jpg", true);
    check_one(&d, "chain", 1, 0); /* the next header knows how the segment ended */
    test_dir_remove(&d);
}

static void test_a_header_with_another_root(void **state)
{
    struct test_dir d;

    (void)state;
    make_two(&d);
    forge(&d, 1, "\"root\":\"", "\"root\":\"AAAA", true);
    check_one(&d, "root", 1, 0);
    test_dir_remove(&d);

    make_two(&d);
    forge(&d, 1, "\"fr\":\"", "\"fr\":\"AAAA", true);
    check_one(&d, "root", 1, 0);
    test_dir_remove(&d);
}

static void test_headers_that_do_not_fit(void **state)
{
    static const struct {
        const char *from, *to, *kind;
    } cases[] = {
        {"\"q\":7,\"t\"", "\"q\":8,\"t\"", "header"},  {"\"pf\":\"0", "\"pf\":\"1", "header"},
        {"\"j\":\"", "\"j\":\"!", "header"},           {"\"k\":\"h\"", "\"k\":\"x\"", "header"},
        {"\"ph\":\"", "\"ph\":\"0123456789", "chain"},
    };
    struct test_dir d;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_faults v;

        make_two(&d);
        forge(&d, 1, cases[i].from, cases[i].to, true);
        v = test_verify(&d);
        assert_true(v.verdict.faults >= 1);
        assert_string_equal(v.fault[0].kind, cases[i].kind);
        test_dir_remove(&d);
    }
}

static void test_lines_that_no_writer_writes(void **state)
{
    static const char *const changes[][2] = {{"\"o\":\"put\"", "\"o\":\"pat\""},
                                             {"{\"q\":8,", "{\"k\":8,"},
                                             {"\"i\":\"0x0\"", "\"i\":\"0x/\""}};
    struct test_dir d;

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct test_faults v;
        unsigned errors;

        make_two(&d);
        forge(&d, 1, changes[i][0], changes[i][1], true);
        v = test_verify(&d);
        assert_true(v.verdict.faults >= 1);
        assert_string_equal(v.fault[0].kind, i == 1 ? "commit" : "syntax");
        (void)test_read_all(&d, 0, &errors);
        assert_true(errors >= 1);
        test_dir_remove(&d);
    }
}

static void test_numbers_inside_a_batch(void **state)
{
    struct test_dir d;

    (void)state;
    make_two(&d);
    forge(&d, 1, "{\"q\":9,", "{\"q\":8,", true);
    assert_string_equal(test_verify(&d).fault[0].kind, "syntax");
    test_dir_remove(&d);
}

static void test_signatures_are_tolerated(void **state)
{
    struct journal_head head = {.next_seq = 11};
    struct test_bytes all;
    struct test_dir d;
    struct parts p;
    char path[TEST_PATH_SIZE], *chain;
    struct buf out;
    size_t from;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 1);
    buf_init(&out, 1 << 20);
    assert_int_equal(buf_append(&out, p.all.data, p.all.n), 0);
    chain = out.data + out.len - 64 - 3; /* ..."}LF */
    assert_int_equal(hex_decode(chain, 64, head.chain), 0);
    from = out.len;
    assert_int_equal(buf_append_str(&out, "{\"k\":\"s\",\"note\":\"to come\"}\n"), 0);
    assert_int_equal(journal_batch_close(&head, &out, from, 0), 0);
    test_file_write(p.path, out.data, out.len);
    assert_int_equal(test_verify(&d).count, 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 10);
    /* A writer goes on behind them, and the next header's root counts them. */
    test_fill(&d, 1, 3);
    assert_int_equal(test_verify(&d).count, 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 13);
    all = test_file_read(test_file_name(&d, 1, path));
    assert_memory_equal(all.data, out.data, out.len);
    free(all.data);
    free(p.all.data);
    buf_release(&out);
    test_dir_remove(&d);
}

static void test_a_torn_tail_is_harmless(void **state)
{
    struct test_faults v;
    struct test_dir d;
    struct parts p;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 1);
    assert_int_equal(truncate(p.path, (off_t)(p.all.n - 5)), 0);
    v = test_verify(&d);
    assert_int_equal(v.count, 1);
    assert_int_equal(v.verdict.faults, 0);
    assert_int_equal(v.verdict.torn, 1);
    assert_string_equal(v.fault[0].kind, "torn tail");
    assert_int_equal(v.fault[0].offset, p.part[2].p - p.all.data);
    assert_int_equal(v.verdict.last_seq, 8);
    assert_int_equal(test_read_all(&d, 0, NULL), 8);
    /* In a segment that another follows it is not. */
    free(p.all.data);
    p = parts_read(&d, 0);
    p.all.data[p.all.n - 2] = ']';
    test_file_write(p.path, p.all.data, p.all.n);
    v = test_verify(&d);
    assert_int_equal(v.verdict.faults, 1);
    assert_string_equal(v.fault[0].kind, "commit");
    free(p.all.data);
    test_dir_remove(&d);
}

/* One byte of a file xor-ed. */
static void flip(const char *path, size_t at, unsigned char bits)
{
    int fd = open(path, O_RDWR);
    unsigned char c;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
    c ^= bits;
    assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
    close(fd);
}

static void test_every_flipped_bit_is_one_fault(void **state)
{
    struct test_dir d;

    (void)state;
    make_two(&d);
    for (size_t segment = 0; segment < 2; segment++) {
        struct parts p = parts_read(&d, segment);
        size_t last = (size_t)(p.part[p.count - 1].p - p.all.data);

        for (size_t k = 0; k < p.all.n * 8; k += TEST_STRIDE) {
            const unsigned char bit = (unsigned char)(1u << k % 8);
            struct test_faults v;
            unsigned errors;
            uint64_t records;

            flip(p.path, k / 8, bit);
            v = test_verify(&d);
            records = test_read_all(&d, 0, &errors); /* none of them false */
            if (v.count != 1)
                print_error("%s at %zu bit %zu: %s, %s\n", p.path, k / 8, k % 8, v.fault[0].detail,
                            v.fault[1].detail);
            assert_int_equal(v.count, 1);
            if (v.fault[0].harmless)
                assert_true(segment == 1 && k / 8 >= last);
            assert_true(records >= 8 && records <= 10);
            if (strcmp(v.fault[0].kind, "chain") == 0)
                assert_int_equal(records, 10);
            flip(p.path, k / 8, bit);
        }
        free(p.all.data);
    }
    assert_int_equal(test_verify(&d).count, 0);
    test_dir_remove(&d);
}

static void test_long_damage_does_not_hide_what_follows(void **state)
{
    struct test_faults v;
    struct test_dir d;
    struct parts p;
    unsigned errors;
    struct buf out;

    (void)state;
    make_two(&d);
    p = parts_read(&d, 1);
    buf_init(&out, 40u << 20);
    assert_int_equal(buf_append_span(&out, p.part[0]), 0);
    /* More than the window holds, with neither lines nor commit lines in it. */
    assert_int_equal(buf_reserve(&out, 20u << 20), 0);
    memset(out.data + out.len, 'z', 20u << 20);
    out.len += 20u << 20;
    out.data[out.len - 1] = '\n';
    assert_int_equal(buf_append_span(&out, p.part[1]), 0);
    assert_int_equal(buf_append_span(&out, p.part[2]), 0);
    test_file_write(p.path, out.data, out.len);
    v = test_verify(&d);
    assert_int_equal(v.count, 1);
    assert_string_equal(v.fault[0].kind, "commit");
    assert_int_equal(v.fault[0].offset, p.part[0].n);
    assert_int_equal(v.verdict.records, 10);
    assert_int_equal(test_read_all(&d, 0, &errors), 10);
    assert_int_equal(errors, 1);
    buf_release(&out);
    free(p.all.data);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dropped_batch),
        cmocka_unit_test(test_the_last_batch_of_a_closed_segment_dropped),
        cmocka_unit_test(test_a_duplicated_batch),
        cmocka_unit_test(test_swapped_batches),
        cmocka_unit_test(test_a_batch_of_another_journal),
        cmocka_unit_test(test_a_removed_segment),
        cmocka_unit_test(test_a_replaced_segment),
        cmocka_unit_test(test_a_renamed_segment),
        cmocka_unit_test(test_an_edited_record_with_its_crc_made_to_fit),
        cmocka_unit_test(test_an_edited_record_with_its_segment_made_to_fit),
        cmocka_unit_test(test_a_header_with_another_root),
        cmocka_unit_test(test_headers_that_do_not_fit),
        cmocka_unit_test(test_lines_that_no_writer_writes),
        cmocka_unit_test(test_numbers_inside_a_batch),
        cmocka_unit_test(test_signatures_are_tolerated),
        cmocka_unit_test(test_a_torn_tail_is_harmless),
        cmocka_unit_test(test_every_flipped_bit_is_one_fault),
        cmocka_unit_test(test_long_damage_does_not_hide_what_follows),
    };

    return cmocka_run_group_tests_name("journal_verify", tests, NULL, NULL);
}
