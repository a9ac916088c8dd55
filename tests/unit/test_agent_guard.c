/*
 * The guard: what passes, what is held, and what counts as "at once".
 */
#include "tests/unit/unit.h"

#include "agent/core/guard.h"

#include <string.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX 256

static const struct guard_limits usual = {
    .max_removals = 1000, .max_percent = 20, .max_hourly = 2000};

static const struct {
    const char *label;
    struct guard_limits limits;
    struct guard_question q;
    enum guard_verdict verdict;
} cases[] = {
    {"one of many", {1000, 20, 0}, {.removals = 1, .objects = 1, .indexed = 50}, GUARD_PASS},
    {"none", {1000, 20, 0}, {.removals = 0, .objects = 0, .indexed = 50}, GUARD_PASS},
    {"none of none", {1000, 20, 0}, {0}, GUARD_PASS},
    {"of an empty index", {1000, 20, 0}, {.removals = 3, .objects = 3}, GUARD_PASS},
    {"all but one", {1000, 20, 0}, {.removals = 49, .objects = 49, .indexed = 50}, GUARD_PASS},
    {"all", {1000, 20, 0}, {.removals = 50, .objects = 50, .indexed = 50}, GUARD_EMPTIED},
    {"more than all", {1000, 20, 0}, {.removals = 51, .objects = 51, .indexed = 50}, GUARD_EMPTIED},
    {"all, and what never came to S3",
     {1000, 20, 0},
     {.removals = 60, .objects = 50, .indexed = 50},
     GUARD_EMPTIED},
    {"some, and more that never came to S3",
     {1000, 20, 0},
     {.removals = 60, .objects = 49, .indexed = 50},
     GUARD_PASS},
    {"the only one", {1000, 20, 0}, {.removals = 1, .objects = 1, .indexed = 1}, GUARD_EMPTIED},
    {"at the number",
     {1000, 20, 0},
     {.removals = 1000, .objects = 1000, .indexed = 2000},
     GUARD_PASS},
    {"past the number",
     {1000, 20, 0},
     {.removals = 1001, .objects = 1001, .indexed = 2000},
     GUARD_TOO_MANY},
    {"at the share",
     {1000, 20, 0},
     {.removals = 2000, .objects = 2000, .indexed = 10000},
     GUARD_PASS},
    {"past the share",
     {1000, 20, 0},
     {.removals = 2001, .objects = 2001, .indexed = 10000},
     GUARD_TOO_MANY},
    {"too many come before emptied",
     {10, 20, 0},
     {.removals = 50, .objects = 50, .indexed = 50},
     GUARD_TOO_MANY},
    {"no number, a share", {0, 20, 0}, {.removals = 10, .objects = 10, .indexed = 50}, GUARD_PASS},
    {"no number, past the share",
     {0, 20, 0},
     {.removals = 11, .objects = 11, .indexed = 50},
     GUARD_TOO_MANY},
    {"nothing may go", {0, 0, 0}, {.removals = 1, .objects = 1, .indexed = 50}, GUARD_TOO_MANY},
    {"a number alone", {5, 0, 0}, {.removals = 5, .objects = 5, .indexed = 50}, GUARD_PASS},
    {"a share that is rounded down",
     {0, 1, 0},
     {.removals = 2, .objects = 2, .indexed = 199},
     GUARD_TOO_MANY},
    {"a share of 199", {0, 1, 0}, {.removals = 1, .objects = 1, .indexed = 199}, GUARD_PASS},
    {"every share but not all",
     {0, 100, 0},
     {.removals = 49, .objects = 49, .indexed = 50},
     GUARD_PASS},
    {"with what just passed",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .recent = 1000, .indexed = 2000},
     GUARD_TOO_MANY},
    {"with what just passed, below",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .recent = 999, .indexed = 2000},
     GUARD_PASS},
    /* What passed counts towards what the mapping held: 1600 + 400 are 20 % of 10000. */
    {"a share in two goes",
     {0, 20, 0},
     {.removals = 400, .objects = 400, .recent = 1600, .indexed = 8400},
     GUARD_PASS},
    {"a share in two goes, past",
     {0, 20, 0},
     {.removals = 401, .objects = 401, .recent = 1600, .indexed = 8400},
     GUARD_TOO_MANY},
    {"a huge index",
     {0, 50, 0},
     {.removals = UINT64_MAX / 4, .objects = UINT64_MAX / 4, .indexed = UINT64_MAX / 2},
     GUARD_PASS},
    {"others are held",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .held = 1, .indexed = 50},
     GUARD_HELD},
    {"another root",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .indexed = 50, .root_changed = true},
     GUARD_ROOT_CHANGED},
    {"no root",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .indexed = 50, .root_lost = true},
     GUARD_ROOT_LOST},
    {"no root, nothing asked", {1000, 20, 0}, {.root_lost = true}, GUARD_ROOT_LOST},
    {"the gravest is named",
     {0, 0, 0},
     {.removals = 50,
      .objects = 50,
      .held = 9,
      .indexed = 50,
      .root_lost = true,
      .root_changed = true},
     GUARD_ROOT_LOST},
    {"a root before the held",
     {0, 0, 0},
     {.removals = 50, .objects = 50, .held = 9, .indexed = 50, .root_changed = true},
     GUARD_ROOT_CHANGED},
    {"the held before the many",
     {0, 0, 0},
     {.removals = 50, .objects = 50, .held = 9, .indexed = 50},
     GUARD_HELD},
    {"the marker before the held",
     {0, 0, 0},
     {.removals = 50, .objects = 50, .held = 9, .indexed = 50, .marker = GUARD_MARKER_MISSING},
     GUARD_NO_MARKER},
    {"another marker, for a single one",
     {1000, 20, 0},
     {.removals = 1, .objects = 1, .indexed = 50, .marker = GUARD_MARKER_OTHER},
     GUARD_OTHER_MARKER},
    {"the root before the marker",
     {0, 0, 0},
     {.removals = 1, .indexed = 50, .root_changed = true, .marker = GUARD_MARKER_MISSING},
     GUARD_ROOT_CHANGED},
    {"an hour's number",
     {200, 0, 1000},
     {.removals = 100, .objects = 100, .hourly = 900, .indexed = 50000},
     GUARD_PASS},
    {"past the hour's number",
     {200, 0, 1000},
     {.removals = 101, .objects = 101, .hourly = 900, .indexed = 50000},
     GUARD_TOO_FAST},
    {"what may go at once may go within the hour, too",
     {200, 5, 100},
     {.removals = 2000, .objects = 2000, .indexed = 50000},
     GUARD_PASS},
    {"but not twice",
     {200, 5, 100},
     {.removals = 2000, .objects = 2000, .hourly = 2000, .indexed = 48000},
     GUARD_TOO_FAST},
    {"at once before the hour",
     {200, 0, 100},
     {.removals = 201, .objects = 201, .hourly = 900, .indexed = 50000},
     GUARD_TOO_MANY},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum guard_verdict v = guard_ask(&cases[i].limits, &cases[i].q);

        if (v != cases[i].verdict)
            fail_msg("%s: %d", cases[i].label, v);
    }
}

/* The sum slides: each count leaves it a minute later, to the second. */
static void test_the_window_slides(void **state)
{
    struct guard_recent r = {0};
    const int64_t t0 = 1000000;

    (void)state;
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0), 0);
    guard_passed(&r, GUARD_WINDOW_MS, 5, t0);
    guard_passed(&r, GUARD_WINDOW_MS, 2, t0 + 999);
    guard_passed(&r, GUARD_WINDOW_MS, 10, t0 + 30000);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0 + 30000), 17);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0 + GUARD_WINDOW_MS - 1), 17);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0 + GUARD_WINDOW_MS), 10);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0 + 30000 + GUARD_WINDOW_MS - 1), 10);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, t0 + 30000 + GUARD_WINDOW_MS), 0);
}

/* A slot that is used again forgets what it had a minute ago. */
static void test_slots_are_used_again(void **state)
{
    struct guard_recent r = {0};

    (void)state;
    for (int64_t s = 1; s <= 5 * GUARD_SLOTS; s++) {
        guard_passed(&r, GUARD_WINDOW_MS, 3, s * 1000);
        assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, s * 1000),
                         3 * (uint64_t)(s < GUARD_SLOTS ? s : GUARD_SLOTS));
    }
    guard_passed(&r, GUARD_WINDOW_MS, 1, 100000000);
    assert_int_equal(guard_recent_count(&r, GUARD_WINDOW_MS, 100000000), 1);
}

/* Many small batches are one accident: passing and asking in turn, the guard closes at the limit.
 */
static void test_small_batches_add_up(void **state)
{
    struct guard_recent r = {0};
    uint64_t indexed = 20000, gone = 0;
    int64_t now_ms = 5000;

    (void)state;
    for (;; now_ms += 100) {
        struct guard_question q = {.removals = 50,
                                   .objects = 50,
                                   .recent = guard_recent_count(&r, GUARD_WINDOW_MS, now_ms),
                                   .indexed = indexed};

        if (guard_ask(&usual, &q) != GUARD_PASS)
            break;
        guard_passed(&r, GUARD_WINDOW_MS, 50, now_ms);
        indexed -= 50;
        gone += 50;
    }
    assert_int_equal(gone, 4000);
}

/* The hour's window is the same with longer slots; a clock that is set back forgets nothing. */
static void test_the_hour_slides(void **state)
{
    struct guard_recent r = {0};
    const int64_t t0 = INT64_C(1800000000000);

    (void)state;
    guard_passed(&r, GUARD_HOUR_MS, 7, t0);
    assert_int_equal(guard_recent_count(&r, GUARD_HOUR_MS, t0 + GUARD_HOUR_MS - 1), 7);
    assert_int_equal(guard_recent_count(&r, GUARD_HOUR_MS, t0 + GUARD_HOUR_MS), 0);
    assert_int_equal(guard_recent_count(&r, GUARD_HOUR_MS, t0 - 2 * GUARD_HOUR_MS), 7);
}

static const struct {
    enum guard_verdict verdict;
    const char *words;
} sentences[] = {
    {GUARD_PASS, "1500 removals may go"},
    {GUARD_ROOT_LOST, "the directory cannot be reached; nothing is concluded from that"},
    {GUARD_ROOT_CHANGED, "another device or directory lies under the path than before"},
    {GUARD_EMPTIED, "all 4900 files would be removed: the tree is empty"},
    {GUARD_TOO_MANY,
     "1600 removals at once (100 of them just passed), more than 1000 of 5000 files"},
    {GUARD_NO_MARKER, "the marker of the tree is not there"},
    {GUARD_OTHER_MARKER, "the marker of the tree is another file than before"},
    {GUARD_TOO_FAST, "2100 removals within an hour (600 of them passed before), more than 2000"},
    {GUARD_HELD, "removals of this mapping are held already"},
};

static void test_verdicts_have_words(void **state)
{
    const struct guard_question q = {
        .removals = 1500, .objects = 1500, .recent = 100, .hourly = 600, .indexed = 4900};
    char out[WORDS_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(sentences); i++)
        assert_string_equal(guard_words(sentences[i].verdict, &usual, &q, out, sizeof out),
                            sentences[i].words);
    /* Too little room cuts, and terminates. */
    memset(out, 'x', sizeof out);
    assert_string_equal(guard_words(GUARD_PASS, &usual, &q, out, 5), "1500");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_the_window_slides),
        cmocka_unit_test(test_the_hour_slides),
        cmocka_unit_test(test_slots_are_used_again),
        cmocka_unit_test(test_small_batches_add_up),
        cmocka_unit_test(test_verdicts_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
