/* Paths below a root. */
#include "base/err.h"
#include "base/path.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void test_check(void **state)
{
    static const struct {
        const char *path;
        int want;
    } cases[] = {
        {"", 0},
        {"a", 0},
        {"a/b", 0},
        {"a/b/c.png", 0},
        {".hidden", 0},
        {"..a", 0},
        {"a..", 0},
        {"...", 0},
        {"a b\n\xff", 0},
        {"/", ERR_SYNTAX},
        {"/a", ERR_SYNTAX},
        {"a/", ERR_SYNTAX},
        {"a//b", ERR_SYNTAX},
        {".", ERR_SYNTAX},
        {"..", ERR_SYNTAX},
        {"a/..", ERR_SYNTAX},
        {"../a", ERR_SYNTAX},
        {"a/./b", ERR_SYNTAX},
        {"a/../b", ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (path_check(cases[i].path) != cases[i].want)
            fail_msg("path_check(\"%s\")", cases[i].path);
}

static void test_check_lengths(void **state)
{
    char path[5000];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[PATH_COMPONENT_MAX] = '\0';
    assert_int_equal(path_check(path), 0);
    path[PATH_COMPONENT_MAX] = 'x';
    path[PATH_COMPONENT_MAX + 1] = '\0';
    assert_int_equal(path_check(path), -ENAMETOOLONG);
    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 100 == 99 ? '/' : 'x';
    path[PATH_BYTES_MAX] = '\0';
    assert_int_equal(path_check(path), 0);
    path[PATH_BYTES_MAX] = 'x';
    path[PATH_BYTES_MAX + 1] = '\0';
    assert_int_equal(path_check(path), -ENAMETOOLONG);
}

static void test_join(void **state)
{
    char out[8] = "before";

    (void)state;
    assert_int_equal(path_join(out, sizeof(out), "abc", "defg"), -ENAMETOOLONG);
    assert_string_equal(out, "before");
    assert_int_equal(path_join(out, sizeof(out), "abc", "def"), 0);
    assert_string_equal(out, "abc/def");
    assert_int_equal(path_join(out, sizeof(out), "", "name"), 0);
    assert_string_equal(out, "name");
    assert_int_equal(path_join(out, sizeof(out), "dir", ""), 0);
    assert_string_equal(out, "dir");
    assert_int_equal(path_join(out, sizeof(out), out, "x"), 0);
    assert_string_equal(out, "dir/x");
    assert_int_equal(path_join(out, 1, "", ""), 0);
    assert_string_equal(out, "");
    assert_int_equal(path_join(out, 0, "", ""), -ENAMETOOLONG);
}

static void test_name_and_parent(void **state)
{
    char out[8] = "before";

    (void)state;
    assert_string_equal(path_name("a/b/c"), "c");
    assert_string_equal(path_name("c"), "c");
    assert_string_equal(path_name(""), "");
    assert_int_equal(path_parent(out, 3, "a/b/c"), -ENAMETOOLONG);
    assert_string_equal(out, "before");
    assert_int_equal(path_parent(out, 4, "a/b/c"), 0);
    assert_string_equal(out, "a/b");
    assert_int_equal(path_parent(out, sizeof(out), out), 0);
    assert_string_equal(out, "a");
    assert_int_equal(path_parent(out, sizeof(out), "a"), 0);
    assert_string_equal(out, "");
    assert_int_equal(path_parent(out, sizeof(out), ""), 0);
    assert_string_equal(out, "");
}

static void test_within_and_rebase(void **state)
{
    char out[16] = "before";

    (void)state;
    assert_true(path_is_within("a/b", ""));
    assert_true(path_is_within("", ""));
    assert_true(path_is_within("a/b", "a"));
    assert_true(path_is_within("a/b", "a/b"));
    assert_false(path_is_within("a/bc", "a/b"));
    assert_false(path_is_within("a", "a/b"));
    assert_false(path_is_within("", "a"));
    assert_int_equal(path_rebase(out, sizeof(out), "ab/c", "a", "x"), -EINVAL);
    assert_int_equal(path_rebase(out, 5, "a/b/c", "a", "xy"), -ENAMETOOLONG);
    assert_string_equal(out, "before");
    assert_int_equal(path_rebase(out, sizeof(out), "a/b/c", "a", "xy"), 0);
    assert_string_equal(out, "xy/b/c");
    assert_int_equal(path_rebase(out, sizeof(out), "a/b/c", "a/b/c", "z"), 0);
    assert_string_equal(out, "z");
    assert_int_equal(path_rebase(out, sizeof(out), "a/b", "", "z"), 0);
    assert_string_equal(out, "z/a/b");
    assert_int_equal(path_rebase(out, sizeof(out), "a/b", "a", ""), 0);
    assert_string_equal(out, "b");
    assert_int_equal(path_rebase(out, sizeof(out), "a", "a", ""), 0);
    assert_string_equal(out, "");
}

/* path_place_fn: what the arguments say, two words a place. */
static const char *place_of(const void *arg, const char *dir)
{
    for (const char *const *words = arg; words[0]; words += 2)
        if (strcmp(words[0], dir) == 0)
            return words[1];
    return NULL;
}

static void test_carried(void **state)
{
    static const char *const places[] = {"a/", "x/", "a/b/", "y/z/",  "u/v/", "",
                                         "u/", "w/", "s/",   "long/", NULL};
    char out[32];

    (void)state;
    assert_true(path_carried(out, sizeof(out), "a/c/1", place_of, places));
    assert_string_equal(out, "x/c/1");
    assert_true(path_carried(out, sizeof(out), "a/b/c/1", place_of, places)); /* the innermost */
    assert_string_equal(out, "y/z/c/1");
    assert_true(path_carried(out, sizeof(out), "a/", place_of, places));
    assert_string_equal(out, "x/");
    assert_false(path_carried(out, sizeof(out), "u/v/1", place_of, places)); /* nor outwards */
    assert_true(path_carried(out, sizeof(out), "u/1", place_of, places));
    assert_false(path_carried(out, sizeof(out), "ab/1", place_of, places));
    assert_false(path_carried(out, sizeof(out), "1", place_of, places));
    assert_false(path_carried(out, 6, "s/1", place_of, places));
    assert_true(path_carried(out, 7, "s/1", place_of, places));
    assert_string_equal(out, "long/1");
    assert_false(path_carried(out, 3, "a/1", place_of, places));
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(path_is_utf8(""));
    assert_true(path_is_utf8("plain/ascii \"\\ \x01\x7f"));
    assert_true(path_is_utf8("\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x98\x80"));
    assert_false(path_is_utf8("a\xff"));
    assert_false(path_is_utf8("\xc3"));
    assert_false(path_is_utf8("long enough for words \xed\xa0\x80"));
}

static void test_glob(void **state)
{
    static const struct {
        const char *pattern;
        const char *path;
        bool want;
    } cases[] = {
        /* without a slash: the last component */
        {"*.png", "a.png", true},
        {"*.png", "a/b/c.png", true},
        {"*.png", "a.png/b", false},
        {"a", "b/a", true},
        {"a", "a/b", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a/b", true},
        {"?", "", false},
        {"**", "a/b", true},
        /* with one: the whole path */
        {"a/*", "a/b", true},
        {"a/*", "a/", true},
        {"a/*", "a/b/c", false},
        {"a/*", "b/a/b", false},
        {"*/b", "a/b", true},
        {"*/b", "a/a/b", false},
        {"a/*/c", "a/b/c", true},
        {"a/*/c", "a/b/b/c", false},
        {"a/?/c", "a/b/c", true},
        {"a?b/c", "a/b/c", false},
        {"*/*", "a", false},
        /* two stars */
        {"a/**", "a/b", true},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"**/c", "c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "a/bc", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/x/c", true},
        {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "a/xc", false},
        {"a/**/c", "ac", false},
        {"a**/c", "ab/x/c", true},
        {"a**/c", "a/c", true},
        {"a**c/", "abc/", true},
        {"**/*.png", "x/y/z.png", true},
        {"**/*.png", "z.png", true},
        {"**/b/**/d", "a/b/c/d", true},
        {"**/b/**/d", "b/d", true},
        {"**/**/d", "d", true},
        {"***/x", "a/x", true},
        /* what follows a star can be found late */
        {"*ab", "aab", true},
        {"*a*b*c", "xaxbxbxc", true},
        {"*a*b*c", "xaxcxb", false},
        {"**/a*b/c", "a/ab/axb/c", true},
        {"a*b*/c", "axbxb/c", true},
        {"*.tar.*", "x.tar.tar.gz", true},
        /* sets */
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]", "d", true},
        {"[!a-c]", "b", false},
        {"[^a]", "b", true},
        {"[^a]", "a", false},
        {"[]a]", "]", true},
        {"[!]a]", "b", true},
        {"[!]a]", "]", false},
        {"[a-]", "-", true},
        {"[-a]", "-", true},
        {"[\\]]", "]", true},
        {"[\\a-c]", "b", true},
        {"[a\\-c]", "b", false},
        {"[a\\-c]", "-", true},
        {"[c-a]", "b", false},
        {"a[/]b/c", "a/b/c", false},
        {"a[!x]b/c", "a/b/c", false},
        {"[abc", "[abc", true},
        {"[abc", "a", false},
        {"[", "[", true},
        {"[]", "[]", true},
        {"[\xc3-\xc5]x", "\xc4x", true},
        /* quoting */
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\?", "?", true},
        {"\\[a]", "[a]", true},
        {"\\\\", "\\", true},
        {"a\\", "a\\", true},
        {"\\a", "a", true},
        {"a\\/b", "a/b", true},
        /* bytes, not characters, and no special dot */
        {"??", "\xc3\xa9", true},
        {"*", ".hidden", true},
        {"a.b", "axb", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (path_glob(cases[i].pattern, cases[i].path) != cases[i].want)
            fail_msg("path_glob(\"%s\", \"%s\") is not %d", cases[i].pattern, cases[i].path,
                     cases[i].want);
}

/* By trying everything: '*', "**", '?' and literals only. */
static bool glob_slowly(const char *p, const char *t, bool at_head)
{
    bool deep = p[0] == '*' && p[1] == '*';

    if (*p == '\0')
        return *t == '\0';
    if (deep && at_head && p[2] == '/') {
        for (const char *at = t; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
            if (glob_slowly(p + 3, at, true))
                return true;
        return false;
    }
    if (*p == '*') {
        for (;; t++) {
            if (glob_slowly(p + 1 + deep, t, false))
                return true;
            if (*t == '\0' || (!deep && *t == '/'))
                return false;
        }
    }
    if (*t == '\0' || (*p == '?' ? *t == '/' : *p != *t))
        return false;
    return glob_slowly(p + 1, t + 1, *p == '/');
}

static void test_glob_agrees_with_trying_everything(void **state)
{
    static const char pattern_bytes[] = "ab/*?*/";
    static const char text_bytes[] = "ab/a";
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char pattern[9] = {0};
        char text[10] = {0};
        unsigned pattern_n = 1 + (seed >> 8) % 8;
        unsigned text_n;

        for (unsigned k = 0; k < pattern_n; k++) {
            seed = seed * 1103515245 + 12345;
            pattern[k] = pattern_bytes[(seed >> 16) % (sizeof(pattern_bytes) - 1)];
        }
        seed = seed * 1103515245 + 12345;
        text_n = (seed >> 16) % 10;
        for (unsigned k = 0; k < text_n; k++) {
            seed = seed * 1103515245 + 12345;
            text[k] = text_bytes[(seed >> 16) % (sizeof(text_bytes) - 1)];
        }
        if (!strchr(pattern, '/') || strstr(pattern, "***"))
            continue;
        if (path_glob(pattern, text) != glob_slowly(pattern, text, true))
            fail_msg("path_glob(\"%s\", \"%s\")", pattern, text);
    }
}

static void test_glob_is_linear(void **state)
{
    char pattern[2001];
    char text[PATH_BYTES_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(pattern) - 1; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof(pattern) - 2] = 'b';
    pattern[sizeof(pattern) - 1] = '\0';
    memset(text, 'a', sizeof(text));
    text[PATH_BYTES_MAX] = '\0';
    assert_false(path_glob(pattern, text));
    pattern[sizeof(pattern) - 2] = 'a';
    assert_true(path_glob(pattern, text));
    text[PATH_BYTES_MAX] = 'a';
    text[PATH_BYTES_MAX + 1] = '\0';
    assert_false(path_glob("a*", text)); /* longer than a path can be */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_lengths),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_name_and_parent),
        cmocka_unit_test(test_within_and_rebase),
        cmocka_unit_test(test_carried),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_agrees_with_trying_everything),
        cmocka_unit_test(test_glob_is_linear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
