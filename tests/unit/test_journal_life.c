/* The life of a path: which records belong to it, whatever its names were. */
#include "tests/unit/unit.h"

#include "journal/life.h"

#include <stdlib.h>
#include <string.h>

/* A short journal: operation, path, second path. Numbers are from 1. */
struct line {
    enum journal_op op;
    const char *path;
    const char *path2;
    const char *mapping; /* NULL: "images" */
    enum journal_state state;
    uint64_t tx;
};

static struct journal_record record(const struct line *lines, size_t i)
{
    return (struct journal_record){.seq = i + 1,
                                   .op = lines[i].op,
                                   .state = lines[i].state,
                                   .tx = lines[i].tx,
                                   .mapping = lines[i].mapping ? lines[i].mapping : "images",
                                   .path = lines[i].path,
                                   .path2 = lines[i].path2};
}

/* The numbers of the records that belong to the path must be these, ended by 0. */
static void expect(const struct line *lines, size_t n, const char *path, const size_t *wanted)
{
    struct life *l = life_new(path);

    assert_non_null(l);
    for (size_t i = 0; i < n; i++) {
        const struct journal_record r = record(lines, i);

        assert_int_equal(life_gather(l, &r), 0);
    }
    assert_int_equal(life_trace(l), 0);
    for (size_t i = 0; i < n; i++) {
        const struct journal_record r = record(lines, i);

        if (life_has(l, &r) != (*wanted == i + 1))
            fail_msg("record %zu of %s: %s", i + 1, path,
                     *wanted == i + 1 ? "is missing" : "is another's");
        wanted += *wanted == i + 1;
    }
    assert_int_equal(*wanted, 0);
    life_free(l);
}

#define EXPECT(lines, path, ...)                                                                   \
    expect(lines, sizeof(lines) / sizeof(*(lines)), path, (const size_t[]){__VA_ARGS__})

static void test_backwards_and_forwards(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},     {JOURNAL_RENAME, "a", "b", NULL, 0, 0},
        {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},    {JOURNAL_RENAME, "b", "c", NULL, 0, 0},
        {JOURNAL_ADD, "other", NULL, NULL, 0, 0}, {JOURNAL_EDIT, "c", NULL, NULL, 0, 0},
    };

    (void)state;
    EXPECT(lines, "a", 1, 2, 3, 4, 6, 0);
    EXPECT(lines, "b", 1, 2, 3, 4, 6, 0);
    EXPECT(lines, "c", 1, 2, 3, 4, 6, 0);
    EXPECT(lines, "other", 5, 0);
    EXPECT(lines, "none", 0);
}

/* Who has a name before or after is another. */
static void test_names_that_others_had(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},    /* 1: the first a */
        {JOURNAL_REMOVE, "a", NULL, NULL, 0, 0}, /* 2 */
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},    /* 3: the second */
        {JOURNAL_RENAME, "a", "b", NULL, 0, 0},  /* 4 */
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},    /* 5: the third */
        {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},   /* 6 */
        {JOURNAL_RENAME, "x", "b", NULL, 0, 0},  /* 7: over the second */
        {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},   /* 8: of x */
    };

    (void)state;
    EXPECT(lines, "b", 3, 4, 6, 7, 8, 0);
    EXPECT(lines, "a", 1, 2, 3, 4, 5, 6, 7, 0);
    EXPECT(lines, "x", 7, 8, 0);
}

static void test_directories_take_along(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_ADD, "d/1", NULL, NULL, 0, 0},     {JOURNAL_ADD, "d/2", NULL, NULL, 0, 0},
        {JOURNAL_RENAME, "d", "e/f", NULL, 0, 0},   {JOURNAL_EDIT, "e/f/1", NULL, NULL, 0, 0},
        {JOURNAL_RENAME, "e/f/1", "1", NULL, 0, 0}, {JOURNAL_EDIT, "1", NULL, NULL, 0, 0},
        {JOURNAL_RENAME, "e", "g", NULL, 0, 0},     {JOURNAL_EDIT, "g/f/2", NULL, NULL, 0, 0},
        {JOURNAL_ADD, "ee", NULL, NULL, 0, 0},
    };

    (void)state;
    EXPECT(lines, "1", 1, 3, 4, 5, 6, 0);
    EXPECT(lines, "d/1", 1, 3, 4, 5, 6, 0);
    EXPECT(lines, "g/f/2", 2, 3, 7, 8, 0);
    EXPECT(lines, "d", 1, 2, 3, 4, 5, 7, 8, 0);
}

static void test_rings_and_swaps_end(void **state)
{
    static const struct line ring[] = {
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},   {JOURNAL_RENAME, "a", "b", NULL, 0, 0},
        {JOURNAL_RENAME, "b", "a", NULL, 0, 0}, {JOURNAL_RENAME, "a", "b", NULL, 0, 0},
        {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},
    };
    static const struct line swap[] = {
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},   {JOURNAL_ADD, "b", NULL, NULL, 0, 0},
        {JOURNAL_RENAME, "a", "t", NULL, 0, 0}, {JOURNAL_RENAME, "b", "a", NULL, 0, 0},
        {JOURNAL_RENAME, "t", "b", NULL, 0, 0}, {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},
    };

    (void)state;
    EXPECT(ring, "a", 1, 2, 3, 4, 5, 0);
    EXPECT(ring, "b", 1, 2, 3, 4, 5, 0);
    EXPECT(swap, "t", 1, 3, 5, 6, 0);
}

static void test_mappings_and_states_are_told_apart(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_ADD, "a", NULL, "other", 0, 0},
        {JOURNAL_RENAME, "a", "b", "other", 0, 0},
        {JOURNAL_EDIT, "b", NULL, NULL, 0, 0},
        {JOURNAL_EDIT, "b", NULL, "other", 0, 0},
        {JOURNAL_RENAME, "b", "c", "other", JOURNAL_DONE, 0}, /* its intent alone counts */
        {JOURNAL_EDIT, "c", NULL, "other", 0, 0},
        {JOURNAL_IDLE, NULL, NULL, NULL, JOURNAL_NOTE, 0},
    };

    (void)state;
    EXPECT(lines, "a", 1, 2, 4, 5, 0);
}

/* What a rename did under the old name, later, is part of it; what others do there is not. */
static void test_outcomes_belong_to_their_intent(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_RENAME, "a", "b", NULL, 0, 1},
        {JOURNAL_ADD, "a", NULL, NULL, 0, 2},
        {JOURNAL_COPY, "b", "a", NULL, JOURNAL_DONE, 1},
        {JOURNAL_PUT, "a", NULL, NULL, JOURNAL_DONE, 2},
        {JOURNAL_DELETE, "a", NULL, NULL, JOURNAL_DONE, 1},
    };

    (void)state;
    EXPECT(lines, "b", 1, 3, 5, 0);
    EXPECT(lines, "a", 1, 2, 3, 4, 5, 0);
}

static void test_every_path_is_within_the_root(void **state)
{
    static const struct line lines[] = {
        {JOURNAL_ADD, "a", NULL, NULL, 0, 0},
        {JOURNAL_RENAME, "a", "b", NULL, 0, 0},
        {JOURNAL_IDLE, NULL, NULL, NULL, JOURNAL_NOTE, 0},
    };

    (void)state;
    EXPECT(lines, "", 1, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backwards_and_forwards),
        cmocka_unit_test(test_names_that_others_had),
        cmocka_unit_test(test_directories_take_along),
        cmocka_unit_test(test_rings_and_swaps_end),
        cmocka_unit_test(test_mappings_and_states_are_told_apart),
        cmocka_unit_test(test_outcomes_belong_to_their_intent),
        cmocka_unit_test(test_every_path_is_within_the_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
