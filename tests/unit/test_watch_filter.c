/* Which names are passed over, and the two ways to ask agree. */
#include "tests/unit/unit.h"
#include "watchers/filter.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *path;
    bool excluded;
} defaults[] = {
    {"a/img.jpg", false},
    {"train.lst", false},
    {".img.jpg.swp", true},
    {".img.jpg.swo", true},
    {".img.jpg.swpx", true},
    {"img.jpg~", true},
    {"deep/in/img.jpg~", true},
    {"#img.txt#", true},
    {"#1.jpg", false},
    {".#img.txt", true},
    {".nfs0123456789abcdef01234567", true},
    {".nfs0123456789abcdef0123456", false},
    {".nfs0123456789abcdef012345678", false},
    {".nfs-notes.jpg", false},
    {"img.tmp", true},
    {"img.tmp.jpg", false},
    {".lockstep-1a2b.tmp", true},
    {"lockstep-1.jpg", false},
    {".~lock.train.ods#", true},
    {".img.jpg.Ab12Cd", true},
    {".img.Ab12Cd", true},
    {".a.jpg", false},
    {".hidden", false},
    {".hidden.jpg", false},
    {".hidden.jpeg", false},
    {"img.jpg.Ab12Cd", false},
    {".img.jpg.Ab12C-", false},
    {".Ab12Cd", false},
    {"img.jpg.part", true},
    {"img.jpg.partial", true},
    {"img.jpg.crdownload", true},
    {".git/objects/ab/cdef", true},
    {"a/.git", true},
    {".gitignore", false},
    {"git/a.jpg", false},
    {"img.jpg.filepart", true},
    {"part", false},
    {".goutputstream-AB12CD", true},
    {"sedAb12Cd", false}, /* of sed -i; but a class may be called "sedan2001" */
    {"sedan.jpg", false},
    {"sediment", false},
    {"4913", false},
    {"x.tmp/img.jpg", true},
    {"x/y.part/z/img.jpg", true},
    {"", false},
    {"~", true},
};

static void test_defaults(void **state)
{
    const struct watch_filter f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (watch_filter_excludes(&f, defaults[i].path) != defaults[i].excluded) {
            fail_msg("\"%s\" is %sexcluded", defaults[i].path, defaults[i].excluded ? "not " : "");
        }
    }
}

/* Ask by the walk's way: component by component. */
static bool walk_excludes(const struct filter *f, const char *path)
{
    char dir[256] = "";
    const char *at = path;

    while (*at != '\0') {
        const size_t n = strcspn(at, "/");
        char name[256];

        memcpy(name, at, n);
        name[n] = '\0';
        if (filter_excludes_name(f, dir, name)) {
            return true;
        }
        memcpy(dir, path, (size_t)(at - path) + n);
        dir[(size_t)(at - path) + n] = '\0';
        at += n + (at[n] == '/');
    }
    return false;
}

static void test_both_ways_agree(void **state)
{
    static const char *const own[] = {"*.lst",    "raw/**",  "a/?.jpg", "[0-9]*",
                                      "\\[x\\]*", "keep\\*", "",        NULL};
    static const char *const paths[] = {"train.lst", "raw",       "raw/x",   "raw/x/y",  "a/b.jpg",
                                        "a/bc.jpg",  "b/a/b.jpg", "7up",     "up7",      "x/7/y",
                                        "[x]1",      "x1",        "keep*",   "keepall",  "raws",
                                        "a.tmp/b",   "q.tmp",     "t.lst/u", "deep/7/z", "x"};

    (void)state;
    for (int without = 0; without < 2; without++) {
        const struct watch_filter plain = {.patterns = own, .without_defaults = without != 0};
        struct filter *f = NULL;

        assert_int_equal(filter_new(&plain, &f), 0);
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            if (watch_filter_excludes(&plain, paths[i]) != walk_excludes(f, paths[i])) {
                fail_msg("the two ways disagree on \"%s\"", paths[i]);
            }
        }
        for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
            assert_int_equal(watch_filter_excludes(&plain, defaults[i].path),
                             walk_excludes(f, defaults[i].path));
        }
        filter_free(f);
    }
}

static void test_own_patterns(void **state)
{
    static const char *const own[] = {"*.lst", "raw/*.png", NULL};
    const struct watch_filter with = {.patterns = own};
    const struct watch_filter without = {.patterns = own, .without_defaults = true};

    (void)state;
    assert_true(watch_filter_excludes(&with, "x/train.lst"));
    assert_true(watch_filter_excludes(&with, "raw/a.png"));
    assert_false(watch_filter_excludes(&with, "x/raw/a.png"));
    assert_true(watch_filter_excludes(&with, "a.tmp"));
    assert_false(watch_filter_excludes(&without, "a.tmp"));
    assert_true(watch_filter_excludes(&without, "a.lst"));
    assert_true(watch_filter_excludes(&without, "d/.lockstep-lock")); /* ours never goes to S3 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_both_ways_agree),
        cmocka_unit_test(test_own_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
