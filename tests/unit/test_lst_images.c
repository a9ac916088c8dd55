/* The images that lists name, and that lie below a directory: each kind of file that there can be.
 */
#include "lists/check.h"
#include "lists/make.h"
#include "tests/unit/lst_bed.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HEAD      "\xff\xd8\xff\xc0\x00\x0b\x08"
#define TAIL      "\x01\x01\x11\x00\xff\xd9"
#define GOOD      HEAD "\x00\x10\x00\x10" TAIL /* 16 by 16 */
#define FLAT      HEAD "\x00\x04\x00\x10" TAIL
#define NARROW    HEAD "\x00\x10\x00\x04" TAIL
#define NO_RULE   LST_RULE_COUNT
#define NAMES_MAX 16

static const struct {
    const char *path;
    const char *bytes; /* NULL: no regular file */
    size_t n;
    enum lst_rule rule; /* what is said of it */
} files[] = {
#define FILE_OF(path, bytes, rule)                                                                 \
    {                                                                                              \
        path, bytes, sizeof(bytes) - 1, rule                                                       \
    }
    FILE_OF("good.jpg", GOOD, NO_RULE),
    FILE_OF("flat.jpg", FLAT, LST_IMAGE_SMALL),
    FILE_OF("narrow.jpg", NARROW, LST_IMAGE_SMALL),
    FILE_OF("text.jpg", "no image", LST_IMAGE_FORMAT),
    FILE_OF("empty.jpg", "", LST_IMAGE_EMPTY),
    {"dir.jpg", NULL, 0, LST_IMAGE_LINK},
    {"pipe.jpg", NULL, 0, LST_IMAGE_LINK},
    {"socket.jpg", NULL, 0, LST_IMAGE_LINK},
    {"link.jpg", NULL, 0, LST_IMAGE_LINK},
    {"none.jpg", NULL, 0, LST_IMAGE_MISSING},
    {"good.jpg/below.jpg", NULL, 0, LST_IMAGE_MISSING},
    {"../outside.jpg", NULL, 0, NO_RULE}, /* told by lst_check */
};
#define FILES (sizeof files / sizeof *files)

static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket.jpg"};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    bed_make();
    for (size_t i = 0; i < FILES; i++)
        if (files[i].bytes)
            put_bytes(files[i].path, files[i].bytes, files[i].n);
    assert_int_equal(mkdir("dir.jpg", 0755), 0);
    assert_int_equal(mkfifo("pipe.jpg", 0644), 0);
    assert_int_equal(symlink("good.jpg", "link.jpg"), 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    return 0;
}

/* A list with a row for each of these paths. */
static struct lst_list list_of(struct buf *text, const char *const *paths, size_t n)
{
    buf_init(text, 1u << 16);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_appendf(text, "%zu\t0\t%s\n", i, paths[i]), 0);
    return (struct lst_list){"a.lst", {text->data, text->len}};
}

static void test_each_kind_of_file(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads < 4; threads += 2) {
        const struct lst_images_options opt = {
            .root_fd = bed_fd, .width = 8, .height = 8, .content = true, .threads = threads};

        for (size_t i = 0; i < FILES; i++) {
            struct lst_findings f = {0};
            struct buf text;
            const struct lst_list list = list_of(&text, &files[i].path, 1);
            uint64_t images = 0;

            assert_int_equal(lst_check_images(&list, 1, &opt, &f, &images), 0);
            assert_int_equal(images, 1);
            if (f.n != (files[i].rule != NO_RULE) || (f.n && f.items[0].rule != files[i].rule))
                fail_msg("%s: %zu findings", files[i].path, f.n);
            lst_findings_release(&f);
            buf_release(&text);
        }
    }
}

/* Nothing is said of images where none can be opened: that is no fault of theirs. */
static void test_no_descriptor_is_left(void **state)
{
    const struct lst_images_options opt = {.root_fd = bed_fd, .threads = 1};
    const struct lst_list list = {"a.lst", SPAN("0\t0\tgood.jpg\n1\t0\tnone.jpg\n")};
    struct lst_findings f = {0};
    struct rlimit was, none;
    uint64_t images = 7;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int rc = lst_check_images(&list, 1, &opt, &f, &images);

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(rc, -EMFILE);
    assert_int_equal(f.n, 0);
    assert_int_equal(images, 7);
}

/* The same bytes under two names in two lists are told, once a row; in one list, or under one name,
 * they are not. */
static void test_the_same_content(void **state)
{
    static const char *const ours[] = {"good.jpg", "second.jpg", "flat.jpg"};
    static const char *const theirs[] = {"third.jpg", "good.jpg", "narrow.jpg"};
    const struct lst_images_options opt = {.root_fd = bed_fd, .content = true, .threads = 1};
    struct lst_findings f = {0};
    struct buf a, b;
    const struct lst_list lists[] = {list_of(&a, ours, 3), list_of(&b, theirs, 3)};
    uint64_t images;

    (void)state;
    put_bytes("second.jpg", GOOD, sizeof(GOOD) - 1);
    put_bytes("third.jpg", GOOD, sizeof(GOOD) - 1);
    assert_int_equal(lst_check_images(lists, 2, &opt, &f, &images), 0);
    assert_int_equal(images, 6);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.items[0].rule, LST_CONTENT_IN_TWO_LISTS);
    assert_int_equal(f.items[0].list, 1);
    assert_int_equal(f.items[0].at, 0);
    assert_int_equal(f.items[0].other_list, 0);
    assert_string_equal(f.items[0].detail, "third.jpg, there good.jpg");
    lst_findings_release(&f);
    assert_int_equal(lst_check_images(NULL, 0, &opt, &f, &images), 0);
    assert_int_equal(images, 0);
    buf_release(&a);
    buf_release(&b);
}

/* More rows than are taken, and more contents than there is room for, at once. */
static void test_many_rows(void **state)
{
    const struct lst_images_options opt = {.root_fd = bed_fd, .content = true, .threads = 2};
    const char *paths[300];
    struct lst_findings f = {0};
    struct buf text;
    uint64_t images;

    (void)state;
    for (size_t i = 0; i < 300; i++)
        paths[i] = i % 3 ? "good.jpg" : "flat.jpg";
    const struct lst_list list = list_of(&text, paths, 300);

    assert_int_equal(lst_check_images(&list, 1, &opt, &f, &images), 0);
    assert_int_equal(images, 300);
    assert_int_equal(f.n, 0);
    buf_release(&text);
}

/* --- below a directory ------------------------------------------------------------------------ */

struct gathered {
    char text[256];
};

static int put_image(void *arg, const char *path)
{
    struct gathered *g = arg;

    (void)snprintf(g->text + strlen(g->text), sizeof g->text - strlen(g->text), "%s ", path);
    return 0;
}

static int put_bad(void *arg, const char *path)
{
    (void)path;
    return put_image(arg, "(bad)");
}

static int refuse(void *arg, const char *path)
{
    (void)arg, (void)path;
    return -EIO;
}

/* Regular files with an image's ending, hidden ones apart, directory by directory. */
static void test_gathering(void **state)
{
    static const char *const more[] = {"dir.jpg/a.PNG",   "dir.jpg/b.jpeg",   "dir.jpg/c.gif",
                                       "dir.jpg/d",       "dir.jpg/.hid.jpg", "dir.jpg/ e.jpg ",
                                       "dir.jpg/f\t.jpg", "dir.jpg/png"};
    struct gathered g = {""};

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        put_bytes(more[i], "", 0);
    (void)unlink("second.jpg");
    (void)unlink("third.jpg");
    assert_int_equal(lst_gather(bed_fd, put_image, put_bad, &g), 0);
    assert_string_equal(g.text, "empty.jpg flat.jpg good.jpg narrow.jpg text.jpg dir.jpg/a.PNG "
                                "dir.jpg/b.jpeg (bad) ");
    assert_int_equal(lst_gather(bed_fd, refuse, put_bad, &g), -EIO);
    assert_int_equal(lst_gather(bed_fd, put_image, refuse, &g), -EIO);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        assert_int_equal(unlink(more[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_file), cmocka_unit_test(test_no_descriptor_is_left),
        cmocka_unit_test(test_the_same_content),  cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_gathering),
    };

    return cmocka_run_group_tests(tests, set_up, bed_tear_down);
}
