/* Where what was at a path is by now, and what tells nothing. */
#include "tests/unit/unit.h"

#include "agent/core/ways.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    *state = ways_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    ways_free(*state);
    return 0;
}

/* The last path of what was at the key at the moment, with '!' where it was deleted, '?' where it
 * is not known where to it left. */
static const char *since(const struct ways *w, const char *key, uint64_t moment)
{
    static char at[4096];
    char next[4096];

    (void)snprintf(at, sizeof at, "%s", key);
    for (int i = 0; i < WAYS_STEPS_MAX; i++) {
        switch (ways_on(w, at, moment, next, sizeof next, &moment)) {
        case WAYS_STAYED:
            return at;
        case WAYS_ENDED:
            return strcat(at, "!");
        case WAYS_LOST:
            return strcat(at, "?");
        case WAYS_LEFT:
            (void)snprintf(at, sizeof at, "%s", next);
        }
    }
    return "ring";
}

static void test_a_path_goes_with_the_directories_above_it(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "i/a/", "i/b/"), 0);
    assert_int_equal(ways_note(w, "i/b/", "i/c/d/"), 0);
    assert_string_equal(since(w, "i/a/s/x.jpg", 1), "i/c/d/s/x.jpg");
    assert_string_equal(since(w, "i/b/s/x.jpg", 1), "i/c/d/s/x.jpg");
    assert_string_equal(since(w, "i/c/d/s/x.jpg", 1), "i/c/d/s/x.jpg");
    assert_string_equal(since(w, "i/aa/x.jpg", 1), "i/aa/x.jpg");
    assert_string_equal(since(w, "x.jpg", 1), "x.jpg");
    assert_string_equal(since(w, "i/a", 1), "i/a"); /* a file by that name */
}

static void test_one_step_tells_the_moment_of_the_next(void **state)
{
    struct ways *w = *state;
    uint64_t moment = 77;
    char out[64];

    assert_int_equal(ways_now(w), 1);
    assert_int_equal(ways_note(w, "a/", "b/"), 0);
    assert_int_equal(ways_now(w), 2);
    assert_int_equal(ways_on(w, "c/x", 1, out, sizeof out, &moment), WAYS_STAYED);
    assert_int_equal(moment, 77);
    assert_int_equal(ways_on(w, "a/x", 1, out, sizeof out, &moment), WAYS_LEFT);
    assert_string_equal(out, "b/x");
    assert_int_equal(moment, 2);
    assert_int_equal(ways_on(w, "a/x", 2, out, sizeof out, &moment), WAYS_STAYED);
}

/* incoming/ becomes batch1/, and another incoming/ becomes batch2/: 1.jpg may be in either, and is
 * where the directory went that was there at the moment. */
static void test_a_place_that_was_left_twice_was_left_by_two(void **state)
{
    struct ways *w = *state;
    uint64_t moments[3];

    for (int i = 0; i < 3; i++) {
        char to[16];

        moments[i] = ways_now(w);
        (void)snprintf(to, sizeof to, "batch%d/", i + 1);
        assert_int_equal(ways_note(w, "incoming/", to), 0);
    }
    assert_string_equal(since(w, "incoming/1.jpg", moments[0]), "batch1/1.jpg");
    assert_string_equal(since(w, "incoming/1.jpg", moments[1]), "batch2/1.jpg");
    assert_string_equal(since(w, "incoming/1.jpg", moments[2]), "batch3/1.jpg");
    assert_string_equal(since(w, "incoming/1.jpg", ways_now(w)), "incoming/1.jpg");
}

/* What left a place before the path came there is another content of it. */
static void test_what_was_there_before_is_not_followed(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "b/", "old/"), 0);
    assert_int_equal(ways_note(w, "a/", "b/"), 0);
    assert_string_equal(since(w, "a/x", 1), "b/x");
    assert_int_equal(ways_note(w, "b/", "a/"), 0); /* and back */
    assert_string_equal(since(w, "a/x", 1), "a/x");
}

static void test_files_leave_directories_and_the_first_of_both_counts(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "a/x", "z/y"), 0);
    assert_int_equal(ways_note(w, "a/", "b/"), 0);
    assert_int_equal(ways_note(w, "a/w", "a/x"), 0); /* in the new one */
    assert_int_equal(ways_note(w, "b/gone", NULL), 0);
    assert_string_equal(since(w, "a/x", 1), "z/y");
    assert_string_equal(since(w, "a/x", 2), "b/x");
    assert_string_equal(since(w, "a/w", 1), "b/w");
    assert_string_equal(since(w, "a/w", 3), "a/x");
    assert_string_equal(since(w, "a/gone", 1), "b/gone!");
    assert_int_equal(ways_note(w, "z/", NULL), 0); /* out of sight */
    assert_string_equal(since(w, "a/x", 1), "z/y?");
}

static void test_directories_within_directories(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "a/b/", "c/"), 0);
    assert_int_equal(ways_note(w, "a/", "d/"), 0);
    assert_string_equal(since(w, "a/b/x", 1), "c/x");
    assert_string_equal(since(w, "a/b/x", 2), "d/b/x");
    assert_string_equal(since(w, "a/x", 1), "d/x");
}

/* When, and which file by its inode. */
static uint64_t named(const struct ways *w, const char *key, uint64_t *ret_ino)
{
    struct file_id file = {0};
    const uint64_t moment = ways_named_at(w, key, &file);

    *ret_ino = file.ino;
    return moment;
}

static void test_a_name_is_right_at_the_last_moment_that_is_told(void **state)
{
    const struct file_id none = {0}, one = {.ino = 11, .born_ns = 1},
                         two = {.ino = 22, .born_ns = 1};
    struct ways *w = *state;
    uint64_t ino;

    assert_int_equal(named(w, "a/x", &ino), 0);
    assert_int_equal(ways_named(w, "a/x", 5, none), 0);
    assert_int_equal(named(w, "a/x", &ino), 5);
    assert_int_equal(ino, 0);
    assert_int_equal(ways_named(w, "a/x", 9, one), 0);
    assert_int_equal(ways_named(w, "a/x", 7, two), 0);
    assert_int_equal(named(w, "a/x", &ino), 9);
    assert_int_equal(ino, 11);
    assert_int_equal(ways_named(w, "a/x", 12, two), 0);
    assert_int_equal(named(w, "a/x", &ino), 12);
    assert_int_equal(ino, 22);
    assert_int_equal(ways_named(w, "a/x", 13, none), 0); /* another, whose birth is not known */
    assert_int_equal(named(w, "a/x", &ino), 13);
    assert_int_equal(ino, 0);
    assert_int_equal(named(w, "a/y", &ino), 0);
}

static void test_nothing_is_told_of_the_time_before_it_was_cleared(void **state)
{
    const struct file_id none = {0};
    struct ways *w = *state;
    uint64_t now, ino;

    assert_int_equal(ways_note(w, "a/", "b/"), 0);
    assert_int_equal(ways_named(w, "a/x", 1, none), 0);
    now = ways_now(w);
    ways_clear(w);
    assert_int_equal(ways_now(w), now); /* who has a moment from before has no other one's */
    assert_string_equal(since(w, "a/x", 1), "a/x");
    assert_int_equal(named(w, "a/x", &ino), 0);
    assert_int_equal(ways_named(w, "a/x", now - 1, none), 0);
    assert_int_equal(named(w, "a/x", &ino), 0);
    assert_int_equal(ways_named(w, "a/x", now, none), 0);
    assert_int_equal(named(w, "a/x", &ino), now);
    assert_int_equal(ways_note(w, "a/", "c/"), 0);
    assert_string_equal(since(w, "a/x", now), "c/x");
}

/* Notes `count` leavings of places whose names begin and end so. */
static void note_others(struct ways *w, int count, char name, const char *end)
{
    for (int i = 0; i < count; i++) {
        char from[32];

        (void)snprintf(from, sizeof from, "%c%d%s", name, i, end);
        assert_int_equal(ways_note(w, from, "b/"), 0);
    }
}

static void test_the_oldest_is_forgotten(void **state)
{
    const struct file_id none = {0};
    struct ways *w = *state;
    uint64_t ino;

    assert_int_equal(ways_note(w, "a/", "b1/"), 0);
    assert_int_equal(ways_note(w, "a/", "b2/"), 0);
    note_others(w, WAYS_DIRS_MAX - 2, 'd', "/");
    assert_string_equal(since(w, "a/x", 1), "b1/x");
    assert_int_equal(ways_named(w, "a/x", 1, none), 0);
    assert_int_equal(named(w, "a/x", &ino), 1);
    note_others(w, 1, 'e', "/");
    assert_int_equal(named(w, "a/x", &ino), 0); /* what it was then is not known any more */
    assert_string_equal(since(w, "a/x", 2), "b2/x");
    note_others(w, 1, 'f', "/");
    assert_string_equal(since(w, "a/x", 1), "a/x");
}

static void test_leavings_are_told_from_the_last_on(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_left(w, "a/x", ways_now(w)), 0);
    assert_int_equal(ways_gone_on(w), 0);
    assert_int_equal(ways_note(w, "a/", "b/"), 0);   /* 1 */
    assert_int_equal(ways_note(w, "a/x", "c"), 0);   /* 2 */
    assert_int_equal(ways_note(w, "a/y", NULL), 0);  /* 3 */
    assert_int_equal(ways_note(w, "a/", "d/"), 0);   /* 4 */
    assert_int_equal(ways_note(w, "a/s/", NULL), 0); /* 5 */
    assert_int_equal(ways_gone_on(w), 4);            /* behind it nothing is known to be anywhere */
    assert_int_equal(ways_left(w, "a/x", ways_now(w)), 4);
    assert_int_equal(ways_left(w, "a/x", 4), 2);
    assert_int_equal(ways_left(w, "a/x", 2), 1);
    assert_int_equal(ways_left(w, "a/x", 1), 0);
    assert_int_equal(ways_left(w, "a/s/z", ways_now(w)), 5);
    assert_int_equal(ways_left(w, "a/s/z", 5), 4);
    assert_int_equal(ways_left(w, "b/x", ways_now(w)), 0);
    ways_clear(w);
    assert_int_equal(ways_left(w, "a/x", ways_now(w)), 0);
    assert_int_equal(ways_gone_on(w), 0);
}

static void test_what_was_forgotten_is_known_to_be(void **state)
{
    const struct file_id none = {0};
    struct ways *w = *state;
    uint64_t moment, ino;

    assert_false(ways_forgot(w));
    assert_int_equal(ways_note(w, "f", "g"), 0);
    note_others(w, WAYS_DIRS_MAX, 'd', "/");
    assert_false(ways_forgot(w));
    moment = ways_now(w);
    note_others(w, WAYS_DIRS_MAX + 1, 'd', "/");
    assert_true(ways_forgot(w));
    note_others(w, WAYS_FILES_MAX, 'f', ""); /* the first is older than those directories */
    assert_int_equal(ways_named(w, "a/x", moment, none), 0);
    assert_int_equal(named(w, "a/x", &ino), 0);
    ways_clear(w);
    assert_false(ways_forgot(w));
    note_others(w, 1, 'd', "/");
    assert_false(ways_forgot(w));
}

static void test_files_do_not_push_directories_out(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "a/", "b/"), 0);
    note_others(w, WAYS_FILES_MAX + 1, 'f', "");
    assert_string_equal(since(w, "a/x", 1), "b/x");
    assert_string_equal(since(w, "f0", 1), "f0");
    assert_string_equal(since(w, "f1", 1), "b/");
}

static void test_long_names_are_fewer(void **state)
{
    static char from[4001], to[4001];
    struct ways *w = *state;
    const size_t fit = WAYS_BYTES_MAX / 8002; /* both with their ends */

    memset(from, 'f', sizeof from - 1);
    memset(to, 't', sizeof to - 1);
    for (size_t i = 0; i <= fit; i++) {
        (void)snprintf(from, 9, "%08zu", i);
        from[8] = 'f';
        assert_int_equal(ways_note(w, from, to), 0);
    }
    assert_string_equal(since(w, from, 1), to);
    memcpy(from, "00000001", 8);
    assert_string_equal(since(w, from, 1), to);
    memcpy(from, "00000000", 8);
    assert_string_equal(since(w, from, 1), from);
}

static void test_what_does_not_fit_is_not_known(void **state)
{
    struct ways *w = *state;
    uint64_t moment;
    char out[8];

    assert_int_equal(ways_note(w, "a/", "bbbbbb/"), 0);
    assert_int_equal(ways_on(w, "a/x", 1, out, sizeof out, &moment), WAYS_LOST);
    assert_int_equal(moment, 2);
}

/* A place is left by one content after the other: only what left it in time was there. */
static void test_what_led_to_a_place_left_before_it_was_left(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "n", "p"), 0); /* 1 */
    assert_int_equal(ways_note(w, "a", "n"), 0); /* 2: comes when that has left */
    assert_int_equal(ways_note(w, "n", "q"), 0); /* 3 */
    assert_int_equal(ways_led(w, "n", "p", ways_now(w)), 0);
    assert_int_equal(ways_led(w, "n", "p", 3), 1);
    assert_int_equal(ways_led(w, "a", "n", ways_now(w)), 2);
    assert_int_equal(ways_led(w, "a", "n", 2), 0);
    assert_int_equal(ways_led(w, "a", "q", ways_now(w)), 2); /* by way of n */
    assert_int_equal(ways_led(w, "a", "q", 3), 0);
    assert_int_equal(ways_led(w, "a", "p", ways_now(w)), 0);
    assert_int_equal(ways_led(w, "x", "p", ways_now(w)), 0);
    assert_int_equal(ways_note(w, "r", NULL), 0);
    assert_int_equal(ways_led(w, "r", "p", ways_now(w)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_led_to_a_place_left_before_it_was_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_path_goes_with_the_directories_above_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_one_step_tells_the_moment_of_the_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_place_that_was_left_twice_was_left_by_two, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_there_before_is_not_followed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_files_leave_directories_and_the_first_of_both_counts,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories_within_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_is_right_at_the_last_moment_that_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_told_of_the_time_before_it_was_cleared,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leavings_are_told_from_the_last_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_forgotten_is_known_to_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_do_not_push_directories_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names_are_fewer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_not_known, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
