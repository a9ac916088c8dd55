/* Several journals as one stream, and what tells them apart. */
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "journal/identity.h"
#include "journal/weave.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRANDS 3

/* A journal with records of these times, in milliseconds; 0 ends them. */
static void fill(struct test_dir *d, const char *host, const int *times_ms)
{
    struct journal_options opt = test_options();
    const struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal *j;

    test_dir_make(d);
    opt.host = host;
    j = test_open(d, &opt, NULL);
    for (; *times_ms; times_ms++)
        assert_int_equal(journal_append(j, &rec, *times_ms * US_PER_MS, NULL), 0);
    assert_int_equal(journal_close(j), 0);
}

/* Journals that are open to be woven. */
struct bed {
    struct test_dir dirs[STRANDS];
    struct journal_identity ids[STRANDS];
    struct journal_strand strands[STRANDS];
    struct journal_weave *weave;
};

static void bed_open(struct bed *b)
{
    struct err e = {0};

    for (size_t i = 0; i < STRANDS; i++) {
        assert_int_equal(journal_identity_read(b->dirs[i].path, &b->ids[i], &e), 0);
        b->strands[i].host = b->ids[i].host;
        b->strands[i].uuid = b->ids[i].uuid;
        b->strands[i].last = UINT64_MAX;
        assert_int_equal(journal_reader_open(b->dirs[i].path, 1, &b->strands[i].reader, &e), 0);
    }
    assert_int_equal(journal_weave_new(b->strands, STRANDS, &b->weave), 0);
}

static void bed_close(struct bed *b)
{
    journal_weave_free(b->weave);
    for (size_t i = 0; i < STRANDS; i++) {
        journal_reader_close(b->strands[i].reader);
        test_dir_remove(&b->dirs[i]);
    }
}

/* What comes out must be this: "strand:number@milliseconds ", one after the other. */
static void expect(struct bed *b, const char *wanted)
{
    struct journal_record rec;
    struct span line;
    struct err e = {0};
    char got[512] = "";
    size_t which, n = 0;

    while (journal_weave_read(b->weave, &rec, &line, &which, &e) == JOURNAL_READ_RECORD) {
        char number[32];

        n += (size_t)snprintf(got + n, sizeof(got) - n, "%zu:%d@%d ", which, (int)rec.seq,
                              (int)(rec.time_us / US_PER_MS));
        snprintf(number, sizeof(number), "{\"q\":%d,", (int)rec.seq);
        assert_int_equal(strncmp(line.p, number, strlen(number)), 0);
    }
    assert_int_equal(e.code, 0);
    assert_string_equal(got, wanted);
}

static void test_by_time_then_by_host(void **state)
{
    struct bed b;

    (void)state;
    fill(&b.dirs[0], "carol", (const int[]){10, 30, 30, 50, 0});
    fill(&b.dirs[1], "alice", (const int[]){20, 30, 60, 0});
    fill(&b.dirs[2], "bob", (const int[]){30, 0});
    bed_open(&b);
    expect(&b, "0:1@10 1:1@20 1:2@30 2:1@30 0:2@30 0:3@30 0:4@50 1:3@60 ");
    bed_close(&b);
}

/* A journal keeps its order: what follows a clock that was set back comes at once. */
static void test_a_clock_that_was_set_back(void **state)
{
    struct bed b;

    (void)state;
    fill(&b.dirs[0], "a", (const int[]){10, 90, 20, 95, 0});
    fill(&b.dirs[1], "b", (const int[]){15, 25, 92, 0});
    fill(&b.dirs[2], "c", (const int[]){0});
    bed_open(&b);
    expect(&b, "0:1@10 1:1@15 1:2@25 0:2@90 0:3@20 1:3@92 0:4@95 ");
    bed_close(&b);
}

/* Two journals of one host: always in the same order, by what they are. */
static void test_the_same_host(void **state)
{
    struct bed b;
    bool first;

    (void)state;
    for (size_t i = 0; i < STRANDS; i++)
        fill(&b.dirs[i], i < 2 ? "same" : "zoe", (const int[]){10, 0});
    bed_open(&b);
    assert_string_equal(b.ids[0].host, "same");
    assert_int_equal(strlen(b.ids[0].uuid), 36);
    assert_string_not_equal(b.ids[0].uuid, b.ids[1].uuid);
    first = strcmp(b.ids[0].uuid, b.ids[1].uuid) < 0;
    expect(&b, first ? "0:1@10 1:1@10 2:1@10 " : "1:1@10 0:1@10 2:1@10 ");
    bed_close(&b);
}

/* Up to the last record that is wanted; and what comes later is found by a later look. */
static void test_ends_and_goes_on(void **state)
{
    const struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal *j;
    struct bed b;

    (void)state;
    fill(&b.dirs[0], "a", (const int[]){10, 40, 0});
    fill(&b.dirs[1], "b", (const int[]){20, 30, 50, 0});
    fill(&b.dirs[2], "c", (const int[]){0});
    bed_open(&b);
    journal_weave_free(b.weave);
    b.strands[1].last = 2;
    assert_int_equal(journal_weave_new(b.strands, STRANDS, &b.weave), 0);
    expect(&b, "0:1@10 1:1@20 1:2@30 0:2@40 ");
    j = test_open(&b.dirs[2], NULL, NULL);
    assert_int_equal(journal_append(j, &rec, 35 * US_PER_MS, NULL), 0);
    assert_int_equal(journal_close(j), 0);
    expect(&b, "2:1@35 ");
    bed_close(&b);
}

/* Damage is told of with its strand, and the others go on. */
static void test_damage_names_its_journal(void **state)
{
    struct journal_record rec;
    struct test_bytes file;
    char name[TEST_PATH_SIZE];
    struct err e = {0};
    unsigned errors = 0, records = 0;
    enum journal_read got;
    struct bed b;
    size_t which;

    (void)state;
    fill(&b.dirs[0], "a", (const int[]){10, 40, 0});
    test_dir_make(&b.dirs[1]);
    test_fill(&b.dirs[1], 3, 4);
    fill(&b.dirs[2], "c", (const int[]){30, 0});
    file = test_file_read(test_file_name(&b.dirs[1], 0, name));
    *(char *)memmem(file.data, file.n, "dir/5", 5) ^= 1;
    test_file_write(name, file.data, file.n);
    free(file.data);
    bed_open(&b);
    while ((got = journal_weave_read(b.weave, &rec, NULL, &which, &e)) != JOURNAL_READ_END) {
        records += got == JOURNAL_READ_RECORD;
        errors += got == JOURNAL_READ_ERROR;
        if (got == JOURNAL_READ_ERROR)
            assert_true(which == 1 && e.code == ERR_CORRUPT);
    }
    assert_int_equal(records, 2 + 8 + 1);
    assert_int_equal(errors, 1);
    bed_close(&b);
}

/* Without a header that can be read it has no name; an older one will do. */
static void test_identity_of_what_is_damaged(void **state)
{
    const struct journal_options small = {.segment_bytes = 1,
                                          .ballast_bytes = JOURNAL_NO_BALLAST,
                                          .host = "here",
                                          .boot = "b",
                                          .version = "0"};
    struct journal_identity id = {"?", "?"};
    char name[TEST_PATH_SIZE];
    struct test_dir d;
    struct journal *j;
    struct err e = {0};

    (void)state;
    test_dir_make(&d);
    assert_int_equal(journal_identity_read(d.path, &id, &e), 0);
    assert_string_equal(id.uuid, "");
    assert_string_equal(id.host, "");
    j = test_open(&d, &small, NULL);
    for (int i = 0; i < 3; i++) {
        test_append(j, 1);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_true(test_file_count(&d, ".jsonl") > 1);
    test_file_write(test_file_name(&d, test_file_count(&d, ".jsonl") - 1, name), "rubbish\n", 8);
    assert_int_equal(journal_identity_read(d.path, &id, &e), 0);
    assert_string_equal(id.host, "here");
    test_dir_remove(&d);
    assert_int_equal(journal_identity_read(d.path, &id, &e), -ENOENT);
    assert_string_equal(id.host, "here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_time_then_by_host),
        cmocka_unit_test(test_a_clock_that_was_set_back),
        cmocka_unit_test(test_the_same_host),
        cmocka_unit_test(test_ends_and_goes_on),
        cmocka_unit_test(test_damage_names_its_journal),
        cmocka_unit_test(test_identity_of_what_is_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
