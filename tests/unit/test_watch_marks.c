/* Marks are taken once their barrier came back and the scans that they want have ended. */
#include "tests/unit/unit.h"

#include "watchers/marks.h"

#include <stdlib.h>

static const uint64_t ended_none[2] = {0, 0};

/* A mark that wants these scans of two roots. */
static void add(struct marks *m, uint64_t number, uint64_t first, uint64_t second)
{
    struct mark *mark = mark_new(number, m->root_count);

    assert_non_null(mark);
    mark->scans[0] = first;
    mark->scans[1] = second;
    marks_add_take(m, mark);
}

/* The number of the mark that is taken; 0: none. */
static uint64_t take(struct marks *m, const uint64_t *ended)
{
    struct mark *mark = marks_take(m, ended);
    const uint64_t number = mark == NULL ? 0 : mark->number;

    free(mark);
    return number;
}

static void test_a_mark_needs_its_barrier(void **state)
{
    struct marks m = {.root_count = 2};

    (void)state;
    assert_false(marks_want_barrier(&m));
    add(&m, 1, 0, 0);
    assert_int_equal(take(&m, ended_none), 0);
    marks_barrier(&m); /* of somebody else: this one was not asked for yet */
    assert_int_equal(take(&m, ended_none), 0);
    assert_true(marks_want_barrier(&m));
    assert_false(marks_want_barrier(&m));
    add(&m, 2, 0, 0); /* after the barrier was asked for */
    marks_barrier(&m);
    assert_int_equal(take(&m, ended_none), 1);
    assert_int_equal(take(&m, ended_none), 0);
    assert_true(marks_want_barrier(&m));
    marks_barrier(&m);
    assert_int_equal(take(&m, ended_none), 2);
    assert_null(m.first);
}

static void test_a_mark_needs_its_scans(void **state)
{
    struct marks m = {.root_count = 2};

    (void)state;
    add(&m, 1, 3, 0);
    add(&m, 2, 0, 5);
    add(&m, 3, 0, 0);
    assert_true(marks_want_barrier(&m));
    marks_barrier(&m);
    assert_int_equal(take(&m, (const uint64_t[]){2, 4}), 3);
    assert_int_equal(take(&m, (const uint64_t[]){2, 4}), 0);
    assert_int_equal(take(&m, (const uint64_t[]){2, 5}), 2);
    assert_int_equal(take(&m, (const uint64_t[]){9, 9}), 1);
    add(&m, 4, 1, 1);
    marks_release(&m);
    assert_null(m.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mark_needs_its_barrier),
        cmocka_unit_test(test_a_mark_needs_its_scans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
