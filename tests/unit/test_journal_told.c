/* Whatever call fails under them, those who tell of a journal say so and leave nothing open. */
#include "base/clock.h"
#include "base/err.h"
#include "journal/columns.h"
#include "journal/life.h"
#include "journal/past.h"
#include "journal/tally.h"
#include "journal/weave.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct test_dir d;

static int set_up(void **state)
{
    (void)state;
    test_dir_make(&d);
    test_fill(&d, 4, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_dir_remove(&d);
    return 0;
}

/* What readers make of records: what S3 had, figures, the life of a path. */
struct told {
    struct past *past;
    struct tally *tally, *sum;
    struct life *life;
};

static int tell(void *arg, const struct journal_record *rec)
{
    const struct told *t = arg;
    int rc = past_apply(t->past, rec);

    if (rc == 0)
        rc = tally_add(t->tally, rec);
    return rc ? rc : life_gather(t->life, rec);
}

/* Records of changes of all kinds, so that all of it has something to do. */
static int tell_changes(struct told *t)
{
    static const enum journal_op ops[] = {JOURNAL_PUT, JOURNAL_RENAME, JOURNAL_COPY, JOURNAL_REMOVE,
                                          JOURNAL_DELETE};
    static const enum journal_state states[] = {JOURNAL_INTENT, JOURNAL_DONE, JOURNAL_FAILED};
    int rc = 0;

    for (unsigned i = 0; i < 30 && rc == 0; i++) {
        char path[32], path2[32], why[32];
        const struct journal_record rec = {.seq = i + 1,
                                           .time_us = TEST_NOW_US + i * 3600 * US_PER_S,
                                           .op = ops[i % 5],
                                           .state = states[i % 3],
                                           .mapping = i % 2 ? "images" : "lists",
                                           .tx = i,
                                           .path = path,
                                           .path2 = ops[i % 5] == JOURNAL_RENAME ? path2 : NULL,
                                           .why = why,
                                           .size = i,
                                           .has = JOURNAL_HAS_FILE};

        snprintf(path, sizeof path, "dir/%u.jpg", i);
        snprintf(path2, sizeof path2, "other/%u.jpg", i);
        snprintf(why, sizeof why, "cause %u", i);
        rc = tell(t, &rec);
    }
    return rc;
}

static int account(void)
{
    struct told t = {past_new(), tally_new(), tally_new(), life_new("dir")};
    const struct past_object **objects = NULL;
    struct journal_reader *r = NULL;
    struct err e = {0};
    size_t n;
    int rc = t.past && t.tally && t.sum && t.life ? 0 : -ENOMEM;

    if (rc == 0)
        rc = journal_reader_open(d.path, 1, &r, &e);
    if (rc == 0)
        rc = test_drain(r, tell, &t);
    if (rc == 0)
        rc = tell_changes(&t);
    if (rc == 0)
        rc = life_trace(t.life);
    if (rc == 0)
        rc = past_list(t.past, NULL, "", &objects, &n);
    if (rc == 0)
        rc = tally_sum(t.sum, t.tally);
    if (rc == 0)
        assert_int_equal(tally_all(t.sum)->records, tally_all(t.tally)->records);
    free(objects);
    journal_reader_close(r);
    past_free(t.past);
    tally_free(t.tally);
    tally_free(t.sum);
    life_free(t.life);
    return rc;
}

static void test_accounts(void **state)
{
    const struct deed deed = {NULL, account, NULL, 20};

    (void)state;
    assert_int_equal(account(), 0);
    each_call_fails(&deed);
}

/* Two journals as one, and each line as a row. */
static int weave(void)
{
    struct journal_strand strands[2] = {{.host = "a"}, {.host = "b"}};
    struct journal_weave *w = NULL;
    struct journal_record rec;
    struct journal_row row;
    struct buf out;
    struct span line;
    struct err e = {0};
    enum journal_read got;
    size_t from;
    int rc = journal_reader_open(d.path, 1, &strands[0].reader, &e);

    buf_init(&out, 1u << 20);
    journal_row_init(&row);
    if (rc == 0)
        rc = journal_reader_open(d.path, 1, &strands[1].reader, &e);
    if (rc == 0)
        rc = journal_weave_new(strands, 2, &w);
    if (rc == 0)
        rc = journal_csv_header(&out);
    while (rc == 0 && (got = journal_weave_read(w, &rec, &line, &from, &e)) != JOURNAL_READ_END) {
        rc = got == JOURNAL_READ_ERROR ? e.code : journal_row_read(&row, line);
        if (rc == 0)
            rc = journal_csv_row(&row, &out);
    }
    journal_weave_free(w);
    journal_reader_close(strands[0].reader);
    journal_reader_close(strands[1].reader);
    journal_row_release(&row);
    buf_release(&out);
    return rc;
}

static void test_weaving(void **state)
{
    const struct deed deed = {NULL, weave, NULL, 20};

    (void)state;
    assert_int_equal(weave(), 0);
    each_call_fails(&deed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_weaving),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
