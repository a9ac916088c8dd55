/* The keys that a journal names itself, among records that name none and lines that are damaged. */
#include "base/err.h"
#include "journal/segment.h"
#include "journal/verify.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_1 "00000000000000000001.jsonl"

/* The keys that were named, by their number as test_secret makes them. */
struct named {
    uint8_t key[8];
    size_t count;
    int stop_at; /* answer this at the second one; 0: never */
};

static int on_key(void *arg, const struct journal_key *key)
{
    struct named *n = arg;
    uint8_t i = 1;

    while (i < 8) {
        const struct journal_secret secret = test_secret("log", i);

        if (journal_key_equal(&secret.key, key))
            break;
        i++;
    }
    assert_true(i < 8 && n->count < 8);
    n->key[n->count++] = i;
    return n->count == 2 ? n->stop_at : 0;
}

/* The record that names the n-th key, with its LF. */
static void put_key(struct buf *out, uint8_t n)
{
    const struct journal_secret secret = test_secret("log", n);
    char text[JOURNAL_KEY_TEXT_MAX];
    const struct journal_record rec = {.seq = n,
                                       .time_us = TEST_NOW_US,
                                       .op = JOURNAL_KEY,
                                       .state = JOURNAL_NOTE,
                                       .after = journal_key_format(&secret.key, text)};

    assert_int_equal(journal_record_encode(&rec, out), 0);
}

/* The keys that a segment of these bytes names; *rc is what the search says. */
static struct named named_in(const struct buf *bytes, int stop_at, int *rc)
{
    struct named n = {.stop_at = stop_at};
    const struct journal_name name = {1, 0};
    char path[TEST_PATH_SIZE];
    struct test_dir d;
    int fd;

    test_dir_make(&d);
    snprintf(path, sizeof path, "%s/" FILE_1, d.path);
    test_file_write(path, bytes->data, bytes->len);
    fd = open(d.path, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    *rc = verify_keys_named(fd, name, on_key, &n);
    close(fd);
    test_dir_remove(&d);
    return n;
}

static void test_every_key_in_order(void **state)
{
    struct named n;
    struct buf b;
    int rc;

    (void)state;
    buf_init(&b, 1u << 16);
    put_key(&b, 3); /* the file's first line: its header is gone */
    put_key(&b, 1);
    put_key(&b, 3);
    n = named_in(&b, 0, &rc);
    assert_int_equal(rc, 0);
    assert_int_equal(n.count, 3);
    assert_memory_equal(n.key, "\3\1\3", 3);
    n = named_in(&b, -ECANCELED, &rc); /* who is told may end it */
    assert_int_equal(rc, -ECANCELED);
    assert_int_equal(n.count, 2);
    buf_release(&b);
}

/* Each of them stands between two keys, which are found. */
static void test_what_names_no_key(void **state)
{
    static const char *const lines[] = {
        "{\"q\":1,\"t\":2,\"o\":\"key\",\"st\":\"note\"}\n",
        "{\"q\":1,\"t\":2,\"o\":\"key\",\"st\":\"note\",\"a\":\"no key\"}\n",
        "{\"q\":1,\"t\":2,\"o\":\"key\",\"st\":\"n", /* and the next line behind it */
        "{\"o\":\"key\",\"o\":\"key\",\n",
        "\n\n",
        "\"o\":\"key\",\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct named n;
        struct buf b;
        int rc;

        buf_init(&b, 1u << 16);
        put_key(&b, 1);
        assert_int_equal(buf_append_str(&b, lines[i]), 0);
        put_key(&b, 2); /* lost with the line that is cut */
        put_key(&b, 4);
        n = named_in(&b, 0, &rc);
        assert_int_equal(rc, 0);
        if (i == 2) {
            assert_int_equal(n.count, 2);
            assert_memory_equal(n.key, "\1\4", 2);
        } else {
            assert_int_equal(n.count, 3);
            assert_memory_equal(n.key, "\1\2\4", 3);
        }
        buf_release(&b);
    }
}

/* A key whose line is cut anywhere: not named, until it is whole. */
static void test_a_line_that_is_cut(void **state)
{
    struct named n;
    struct buf b;
    size_t whole, first;
    int rc;

    (void)state;
    buf_init(&b, 1u << 16);
    put_key(&b, 1);
    first = b.len;
    put_key(&b, 2);
    whole = b.len;
    while (b.len > first) {
        n = named_in(&b, 0, &rc);
        assert_int_equal(rc, 0);
        assert_int_equal(n.count, b.len == whole ? 2 : 1);
        b.len--;
    }
    buf_release(&b);
}

/* Wherever a key lies: at every cut of what is read at once, behind lines longer than any. */
static void test_far_into_a_segment(void **state)
{
    static const size_t before[] = {1u << 20, (1u << 20) - 1, (1u << 20) - 100, (1u << 20) + 1};
    char *fill = malloc(2u << 20);

    (void)state;
    assert_non_null(fill);
    memset(fill, 'x', 2u << 20);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (int ends = 0; ends < 2; ends++) {
            struct named n;
            struct buf b;
            int rc;

            buf_init(&b, 3u << 20);
            assert_int_equal(buf_append(&b, fill, before[i] - 1), 0);
            assert_int_equal(buf_append_str(&b, ends ? "\n" : "x"), 0);
            put_key(&b, 5); /* of the long line, where that has no end */
            put_key(&b, 6);
            n = named_in(&b, 0, &rc);
            assert_int_equal(rc, 0);
            assert_int_equal(n.count, 1 + ends);
            assert_int_equal(n.key[n.count - 1], 6);
            buf_release(&b);
        }
    }
    free(fill);
}

/* A signed journal with such records: nothing is wrong with it, and its own key counts. */
static void test_a_journal_with_such_records(void **state)
{
    static const char *const after[] = {NULL, "", "no key", "log+00000000+AAAA"};
    struct journal_secret secret = test_secret("log", 1);
    struct journal_options opt = test_options();
    struct journal_verdict one;
    struct test_faults f;
    struct journal *j;
    struct test_dir d;
    struct err e = {0};

    (void)state;
    test_dir_make(&d);
    opt.segment_bytes = 700;
    opt.checkpoint_ms = 1;
    j = test_open(&d, &opt, NULL);
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        const struct journal_record rec = {
            .op = JOURNAL_KEY, .state = JOURNAL_NOTE, .after = after[i]};

        assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), 0);
        test_append(j, 4);
        assert_int_equal(journal_sync(j), 0);
        if (i == 1)
            assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_true(test_file_count(&d, ".jsonl") > 2);
    f = test_verify(&d);
    assert_int_equal(f.count, 0);
    assert_true(f.verdict.checkpoints > 0);
    for (unsigned threads = 1; threads < 4; threads++) {
        assert_int_equal(journal_verify_with(d.path, NULL, threads, NULL, NULL, &one, &e), 0);
        assert_memory_equal(&one, &f.verdict, sizeof one);
    }
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_in_order),
        cmocka_unit_test(test_what_names_no_key),
        cmocka_unit_test(test_a_line_that_is_cut),
        cmocka_unit_test(test_far_into_a_segment),
        cmocka_unit_test(test_a_journal_with_such_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
