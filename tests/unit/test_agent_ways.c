/* Where renamed directories went, and what tells nothing. */
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

/* One step of a path, or "-". */
static const char *on(const struct ways *w, const char *key)
{
    static char out[4096];

    return ways_on(w, key, out, sizeof out) ? out : "-";
}

static void test_a_path_goes_with_the_directories_above_it(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "i/a/", "i/b/"), 0);
    assert_int_equal(ways_note(w, "i/b/", "i/c/d/"), 0);
    assert_string_equal(on(w, "i/a/s/x.jpg"), "i/b/s/x.jpg");
    assert_string_equal(on(w, "i/b/s/x.jpg"), "i/c/d/s/x.jpg");
    assert_string_equal(on(w, "i/c/d/s/x.jpg"), "-");
    assert_string_equal(on(w, "i/aa/x.jpg"), "-");
    assert_string_equal(on(w, "x.jpg"), "-");
    ways_clear(w);
    assert_string_equal(on(w, "i/a/x.jpg"), "-");
    assert_int_equal(ways_note(w, "i/a/", "i/b/"), 0);
    assert_string_equal(on(w, "i/a/x.jpg"), "i/b/x.jpg");
}

/* incoming/ becomes batch1/, and another incoming/ becomes batch2/: 1.jpg may be in either. */
static void test_a_place_that_was_left_twice_tells_nothing(void **state)
{
    struct ways *w = *state;

    assert_int_equal(ways_note(w, "incoming/", "batch1/"), 0);
    assert_int_equal(ways_note(w, "incoming/", "batch2/"), 0);
    assert_string_equal(on(w, "incoming/1.jpg"), "-");
}

static void test_the_oldest_is_forgotten(void **state)
{
    struct ways *w = *state;
    char from[32], to[32];

    for (int i = 0; i <= WAYS_MAX; i++) {
        (void)snprintf(from, sizeof from, "a%d/", i);
        (void)snprintf(to, sizeof to, "b%d/", i);
        assert_int_equal(ways_note(w, from, to), 0);
    }
    assert_string_equal(on(w, "a0/x"), "-");
    assert_string_equal(on(w, "a1/x"), "b1/x");
}

static void test_what_does_not_fit_is_not_known(void **state)
{
    struct ways *w = *state;
    char out[8];

    assert_int_equal(ways_note(w, "a/", "bbbbbb/"), 0);
    assert_true(!ways_on(w, "a/x", out, sizeof out));
    assert_true(ways_on(w, "a/", out, sizeof out));
    assert_string_equal(out, "bbbbbb/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_path_goes_with_the_directories_above_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_place_that_was_left_twice_tells_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_is_not_known, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
