/* Where a journal lies in a bucket. */
#include "journal/place.h"
#include "tests/unit/unit.h"

#include <string.h>

static void test_logs_have_folders_of_their_own(void **state)
{
    static const struct {
        const char *log, *folder;
    } cases[] = {
        {"example.com/images", "e/example.com/images/"},
        {"a_b-c.1", "e/a_b-c.1/"},
        {"a:b%c", "e/a%3Ab%25c/"},
        {"gr\303\274n", "e/gr%C3%BCn/"},
        {"..", "e/%2E%2E/"},
        {".", "e/%2E/"},
        {"../x/./y", "e/%2E%2E/x/%2E/y/"},
        {"...", "e/.../"},
        {"a/..b", "e/a/..b/"},
        {"x/..", "e/x/%2E%2E/"},
    };
    char out[JOURNAL_PLACE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(journal_place_log("e/", cases[i].log, out), cases[i].folder);
    assert_string_equal(journal_place_log("", "a", out), "a/");
}

static void test_the_longest_fit(void **state)
{
    char prefix[JOURNAL_PLACE_PREFIX_MAX + 1], log[129], folder[JOURNAL_PLACE_SIZE];
    char out[JOURNAL_PLACE_SIZE];

    (void)state;
    memset(prefix, 'p', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    memset(log, ':', sizeof log - 1);
    log[sizeof log - 1] = '\0';
    journal_place_log(prefix, log, folder);
    assert_int_equal(strlen(folder), JOURNAL_PLACE_PREFIX_MAX + 3 * 128 + 1);
    assert_int_equal(strlen(journal_place_checkpoint(folder, UINT64_MAX, out)),
                     strlen(folder) + strlen(JOURNAL_PLACE_CHECKPOINTS) + 20);
    assert_int_equal(
        strlen(journal_place_segment(folder, "00000000000000000001.4294967295.jsonl", out)),
        strlen(folder) + strlen(JOURNAL_PLACE_SEGMENTS) + 37);
}

static void test_checkpoints_are_named_by_size(void **state)
{
    static const char *const others[] = {
        "e/a/checkpoints/0000000000000000007",  "e/a/checkpoints/000000000000000000071",
        "e/a/checkpoints/0000000000000000000x", "e/a/checkpoints/-0000000000000000007",
        "e/b/checkpoints/00000000000000000007", "e/a/segments/00000000000000000001.jsonl",
        "e/a/checkpoints/99999999999999999999", "e/a/checkpoints/"};
    char out[JOURNAL_PLACE_SIZE];
    uint64_t lines = 5;

    (void)state;
    assert_string_equal(journal_place_checkpoint("e/a/", 7, out),
                        "e/a/checkpoints/00000000000000000007");
    assert_true(journal_place_lines("e/a/", out, &lines));
    assert_int_equal(lines, 7);
    journal_place_checkpoint("e/a/", UINT64_MAX, out);
    assert_true(journal_place_lines("e/a/", out, &lines));
    assert_true(lines == UINT64_MAX);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(journal_place_lines("e/a/", others[i], &lines));
    assert_true(lines == UINT64_MAX);
    assert_string_equal(journal_place_segment("e/a/", "x.jsonl", out), "e/a/segments/x.jsonl");
    assert_string_equal(journal_place_checkpoints("e/a/", out), "e/a/checkpoints/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_logs_have_folders_of_their_own),
                                       cmocka_unit_test(test_the_longest_fit),
                                       cmocka_unit_test(test_checkpoints_are_named_by_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
