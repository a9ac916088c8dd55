/* Sorting more than memory holds. */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include "agent/service/spill.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL (4 * SPILL_ENTRY_MAX)

static struct spill *fresh(size_t memory)
{
    struct spill *s = NULL;

    assert_int_equal(spill_new(memory, &s), 0);
    return s;
}

/* These must come out, in order. */
static void expect_all(struct spill *s, unsigned count)
{
    struct err e = {0};
    struct span got;
    char entry[300];
    unsigned n;
    int rc;

    for (n = 0; (rc = spill_next(s, &got, &e)) > 0; n++) {
        int len = snprintf(entry, sizeof entry, "%08u/%0*u", n, (int)(n % 250), n);

        assert_int_equal(got.n, len);
        assert_memory_equal(got.p, entry, got.n);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n, count);
    assert_int_equal(spill_next(s, &got, &e), 0);
}

/* So many entries of different lengths, each once, in no order; they must come out in order, and so
 * again and again. */
static void sort(unsigned count, size_t memory, bool spills)
{
    struct spill *s = fresh(memory);
    struct err e = {0};
    struct span got;
    char entry[300];

    for (unsigned i = 0; i < count; i++) {
        const unsigned k = (unsigned)((uint64_t)i * 7919 % count); /* a prime: each once */
        int len = snprintf(entry, sizeof entry, "%08u/%0*u", k, (int)(k % 250), k);

        assert_int_equal(spill_add(s, (struct span){entry, (size_t)len}, &e), 0);
    }
    assert_int_equal(spill_sort(s, &e), 0);
    assert_int_equal(spill_spilled(s) > 0, spills);
    expect_all(s, count);
    assert_int_equal(spill_rewind(s, &e), 0);
    for (unsigned i = 0; i < count / 3; i++)
        assert_int_equal(spill_next(s, &got, &e), 1);
    assert_int_equal(spill_rewind(s, &e), 0);
    expect_all(s, count);
    spill_free(s);
}

static void test_in_memory(void **state)
{
    (void)state;
    sort(0, SMALL, false);
    sort(1, SMALL, false);
    sort(100, SMALL, false);
}

static void test_in_runs(void **state)
{
    (void)state;
    assert_int_equal(setenv("TMPDIR", scratch_path(), 1), 0);
    sort(500, 8 * SMALL, false);
    sort(2000, 8 * SMALL, true);
    sort(7000, 8 * SMALL, true);
    assert_int_equal(scratch_count(), 0);
}

/* An entry comes before those that it begins; the same one twice is there twice. */
static void test_order(void **state)
{
    static const char *const in[] = {"ab", "a", "b", "", "ab", "a\xff", "abc"};
    static const char *const out[] = {"", "a", "ab", "ab", "abc", "a\xff", "b"};
    struct spill *s = fresh(SMALL);
    struct err e = {0};
    struct span got;

    (void)state;
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_int_equal(spill_add(s, span_of(in[i]), &e), 0);
    assert_int_equal(spill_sort(s, &e), 0);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        assert_int_equal(spill_next(s, &got, &e), 1);
        assert_true(span_equal(got, span_of(out[i])));
    }
    spill_free(s);
    spill_free(NULL);
}

/* More runs than memory can read at once, too long an entry, no place for the file. */
static void test_limits(void **state)
{
    static char big[SPILL_ENTRY_MAX + 1];
    struct spill *s = fresh(SMALL);
    struct err e = {0};

    (void)state;
    assert_int_equal(spill_add(s, (struct span){big, sizeof big}, &e), ERR_LIMIT);
    assert_int_equal(setenv("TMPDIR", scratch_path(), 1), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(spill_add(s, (struct span){big, SPILL_ENTRY_MAX}, &e), 0);
    assert_int_equal(spill_sort(s, &e), ERR_LIMIT);
    assert_true(strstr(e.what, "too long to be sorted") != NULL);
    spill_free(s);
    s = fresh(SMALL);
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(spill_add(s, (struct span){big, SPILL_ENTRY_MAX}, &e), 0);
    assert_int_equal(spill_add(s, (struct span){big, SPILL_ENTRY_MAX}, &e), -ENOENT);
    assert_string_equal(e.where, "/nonexistent");
    spill_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_in_runs),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
