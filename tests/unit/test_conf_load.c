/* conf/: the file itself, and the directories that it names. */
#include "base/err.h"
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory of the test's own, and in it a file. */
struct place {
    char dir[64];
    char file[80];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/test_conf.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->file, sizeof(p->file), "%s/l.conf", p->dir);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"l.conf", "link", "images/inner", "images", "lists"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
        (void)remove(path); /* some of them are not there in some tests */
    }
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
    return 0;
}

static void make_dir(const struct place *p, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void write_file(const struct place *p, const char *text, size_t n)
{
    FILE *f = fopen(p->file, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* conf_load's faults must be these, "@" standing for the place's directory. */
static void expect_load_faults(const struct place *p, const char *file, const char *expected)
{
    struct conf *c = NULL;
    struct conf_faults faults;
    assert_int_equal(conf_load(file, &c, &faults), ERR_SYNTAX);
    assert_null(c);
    char got[4096] = "";
    for (size_t i = 0; i < faults.count; i++) {
        char one[2048];
        (void)err_text(&faults.items[i], one, sizeof(one));
        strncat(got, one, sizeof(got) - strlen(got) - 2);
        strcat(got, "\n");
    }
    conf_faults_release(&faults);
    char want[4096] = "";
    for (const char *s = expected; *s != '\0'; s++) {
        size_t n = strlen(want);
        if (*s == '@')
            strcat(want, p->dir);
        else
            want[n] = *s;
    }
    assert_string_equal(got, want);
}

static void test_load_faults(void **state)
{
    const struct place *p = *state;
    const char *give =
        "give the path of a configuration file; lockstep.conf.sample is one to begin "
        "with\n";
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "@/l.conf: cannot be read: No such file or directory; %s", give);
    expect_load_faults(p, p->file, expected);
    (void)snprintf(expected, sizeof(expected), "@: cannot be read: Is a directory; %s", give);
    expect_load_faults(p, p->dir, expected);
    write_file(p, "a\0b", 3);
    (void)snprintf(expected, sizeof(expected), "@/l.conf: holds a NUL byte, so it is not text; %s",
                   give);
    expect_load_faults(p, p->file, expected);
}

static void test_load(void **state)
{
    const struct place *p = *state;
    char text[2048];
    int n = snprintf(text, sizeof(text),
                     "state_dir = \"%s/link/state\";\n"
                     "s3: { bucket = \"abc\"; ca_file = \"%s/none.pem\"; }; journal: { key = "
                     "\"%s/none.key\"; };\n"
                     "repositories = ( { name = \"i\"; path = \"%s/images\"; prefix = \"i\"; },\n"
                     " { name = \"k\"; path = \"%s/link\"; prefix = \"k\"; } );\n"
                     "lists = ( { name = \"l\"; path = \"%s/lists\"; prefix = \"l\"; "
                     "repository = \"i\"; } );\n",
                     p->dir, p->dir, p->dir, p->dir, p->dir, p->dir);
    write_file(p, text, (size_t)n);
    expect_load_faults(
        p, p->file,
        "@/l.conf:1: state_dir: @/link/state lies within @/link (line 4); a path outside the "
        "watched trees\n"
        "@/l.conf:2: s3.ca_file: @/none.pem: No such file or directory; expected a PEM "
        "file that can be read\n"
        "@/l.conf:2: journal.key: @/none.key: No such file or directory; expected a file that "
        "\"lockstep journal key new\" has made\n"
        "@/l.conf:3: repositories[0].path: @/images: No such file or directory; "
        "expected a directory that exists and can be read\n"
        "@/l.conf:4: repositories[1].path: @/link: No such file or directory; "
        "expected a directory that exists and can be read\n"
        "@/l.conf:5: lists[0].path: @/lists: No such file or directory; "
        "expected a directory that exists and can be read\n");
}

/* A symbolic link hides that one tree lies in another, and the state in a tree: found all the
 * same. */
static void test_load_canonical(void **state)
{
    const struct place *p = *state;
    char text[2048];
    char link[128];
    char target[128];
    make_dir(p, "images");
    make_dir(p, "images/inner");
    make_dir(p, "lists");
    (void)snprintf(link, sizeof(link), "%s/link", p->dir);
    (void)snprintf(target, sizeof(target), "%s/images/inner", p->dir);
    assert_int_equal(symlink(target, link), 0);
    int n = snprintf(text, sizeof(text),
                     "state_dir = \"%s/link/state/deep\"; journal_dir = \"/nowhere/j\"; socket = "
                     "\"/nowhere/s\";\n"
                     "s3: { bucket = \"abc\"; };\n"
                     "repositories = ( { name = \"i\"; path = \"%s/images\"; prefix = \"i\"; },\n"
                     " { name = \"k\"; path = \"%s/link\"; prefix = \"k\"; } );\n",
                     p->dir, p->dir, p->dir);
    write_file(p, text, (size_t)n);
    expect_load_faults(
        p, p->file,
        "@/l.conf:1: state_dir: @/images/inner/state/deep lies within @/images (line 3); a path "
        "outside the watched trees\n"
        "@/l.conf:1: state_dir: @/images/inner/state/deep lies within @/images/inner (line 4); a "
        "path outside the watched trees\n"
        "@/l.conf:4: repositories[1].path: @/images/inner lies within @/images (line 3); trees "
        "must "
        "not overlap\n");
    n = snprintf(text, sizeof(text),
                 "s3: { bucket = \"abc\"; };\n"
                 "repositories = ( { name = \"i\"; path = \"%s/link\"; prefix = \"i\"; } );\n"
                 "lists = ( { name = \"l\"; path = \"%s/lists/.\"; prefix = \"l\"; repository = "
                 "\"i\"; } );\n",
                 p->dir, p->dir);
    write_file(p, text, (size_t)n);
    struct conf *c = NULL;
    struct conf_faults faults;
    assert_int_equal(conf_load(p->file, &c, &faults), 0);
    assert_int_equal(faults.count, 0);
    assert_string_equal(c->mappings[0].path, target);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load_faults, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_load, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_load_canonical, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
