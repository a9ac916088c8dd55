/*
 * As much of cmocka as the pure unit tests use, in one header: for programs that are built for
 * another processor and run by an emulator, without libraries of that processor. The words that it
 * prints are cmocka's, as ./dev counts them. Never beside the real one.
 */
#ifndef LOCKSTEP_TESTS_ARM_CMOCKA_H
#define LOCKSTEP_TESTS_ARM_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f                                                                                      \
    }

/* Where a test that fails or skips goes back to: 1 failed, 2 skipped. */
static jmp_buf mini_back;

/* One that nothing is called for is no fault. */
__attribute__((noreturn, unused)) static void mini_fail(const char *what, const char *file,
                                                        int line)
{
    fprintf(stderr, "[  ERROR   ] --- %s\n[   LINE   ] --- %s:%d\n", what, file, line);
    longjmp(mini_back, 1);
}

#define mini_check(holds, what)                                                                    \
    do {                                                                                           \
        if (!(holds))                                                                              \
            mini_fail((what), __FILE__, __LINE__);                                                 \
    } while (0)

#define assert_true(c)                 mini_check((c), #c)
#define assert_false(c)                mini_check(!(c), "not: " #c)
#define assert_non_null(p)             mini_check((p) != NULL, #p " is not NULL")
#define assert_null(p)                 mini_check((p) == NULL, #p " is NULL")
#define assert_ptr_equal(a, b)         mini_check((a) == (b), #a " == " #b)
#define assert_int_equal(a, b)         mini_check((intmax_t)(a) == (intmax_t)(b), #a " == " #b)
#define assert_string_equal(a, b)      mini_check(strcmp((a), (b)) == 0, #a " equals " #b)
#define assert_string_not_equal(a, b)  mini_check(strcmp((a), (b)) != 0, #a " is not " #b)
#define assert_memory_equal(a, b, n)   mini_check(memcmp((a), (b), (n)) == 0, #a " has " #b)
#define assert_in_range(v, least, max) mini_check((v) >= (least) && (v) <= (max), #v " in range")

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        fprintf(stderr, __VA_ARGS__);                                                              \
        mini_fail("", __FILE__, __LINE__);                                                         \
    } while (0)
#define skip() longjmp(mini_back, 2)

/* Run them all; the number of those that failed. */
__attribute__((unused)) static int mini_run(const struct CMUnitTest *tests, size_t n,
                                            int (*begin)(void **state), int (*end)(void **state))
{
    static int counts[3];
    void *state = NULL;
    volatile size_t i;
    if (begin && begin(&state) != 0)
        return 1;
    for (i = 0; i < n; i++) {
        int how = setjmp(mini_back);
        if (how == 0)
            tests[i].test(&state);
        counts[how]++;
        if (how == 1)
            fprintf(stderr, "[  FAILED  ] %s\n", tests[i].name);
    }
    printf("[  PASSED  ] %d test(s).\n", counts[0]);
    if (counts[1] > 0)
        printf("[  FAILED  ] %d test(s).\n", counts[1]);
    if (counts[2] > 0)
        printf("[  SKIPPED ] %d test(s).\n", counts[2]);
    return counts[1] + (end && end(&state) != 0 ? 1 : 0);
}

#define cmocka_run_group_tests(tests, begin, end)                                                  \
    mini_run((tests), sizeof(tests) / sizeof((tests)[0]), (begin), (end))

#endif
