/* Whatever call fails under it, what works on lists says so, leaves nothing open and no list half
 * written. */
#include "lists/check.h"
#include "lists/file.h"
#include "lists/make.h"
#include "lists/pack.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/lst_bed.h"
#include "tests/unit/lst_texts.h"

#include <sys/xattr.h>

#define JPEG                                                                                       \
    "\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xd9"

/* --- the shells: a list is entirely the old one or the new one ------------------------------- */

static bool has_attribute;

static void fresh_bed(void)
{
    static const char *const dirs[] = {"a", "b"};

    for (size_t i = 0; i < IMAGES; i++)
        (void)unlink(images[i]);
    for (size_t i = 0; i < 2; i++)
        (void)rmdir(dirs[i]);
    bed_empty();
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(mkdir(dirs[i], 0755), 0);
    for (size_t i = 0; i < IMAGES; i++) {
        put_bytes(images[i], JPEG, sizeof JPEG - 1);
        append_file(images[i], images[i]);
    }
    put_file("l.lst", OLD);
    has_attribute = setxattr("l.lst", "user.note", "mine", 4, 0) == 0;
    (void)setxattr("l.lst", "trusted.note", "the system's", 12, 0); /* only root may */
}

/* The list has the attribute that it had, if it can have any. */
static void assert_attribute(void)
{
    char value[16];

    if (has_attribute)
        assert_int_equal(getxattr("l.lst", "user.note", value, sizeof value), 4);
}

/* The list is whole; after a success the new one. */
static void old_or_new(int rc)
{
    char *now = get_file("l.lst");

    assert_non_null(now);
    assert_true(strcmp(now, NEW) == 0 || (rc && strcmp(now, OLD) == 0));
    free(now);
}

static int write_file(void)
{
    struct lst_file was = {0};
    struct err e = {0};
    int rc = lst_file_read("l.lst", &was, &e);

    if (rc == 0)
        rc = lst_file_write("l.lst", text(NEW), &was, &e);
    lst_file_release(&was);
    return rc;
}

static int create_file(void)
{
    struct err e = {0};
    int rc = lst_file_create("other.lst", text(NEW), false, &e);

    return also(rc, rc ? 0 : lst_file_create("l.lst", text(NEW), true, &e));
}

static void test_files(void **state)
{
    const struct deed writing = {fresh_bed, write_file, old_or_new, 5};
    const struct deed creating = {fresh_bed, create_file, old_or_new, 5};

    (void)state;
    each_call_fails(&writing);
    each_call_fails(&creating);
}

static int intent(void *arg, const struct lst_apply_event *event)
{
    (void)arg, (void)event;
    return 0;
}

static void end(void *arg, const struct lst_apply_event *event, bool done)
{
    (void)arg, (void)event, (void)done;
}

static int apply(void)
{
    const struct lst_apply_hooks hooks = {.on_intent = intent, .on_end = end};
    const struct lst_apply_options opt = {.attempts = 2};
    struct lst_changes *changes = NULL;
    struct err e = {0};
    bool changed;
    int rc = lst_changes_new(&changes);

    if (rc == 0)
        rc = lst_changes_rename(changes, "b/z.jpg", "b/zz.jpg");
    if (rc == 0)
        rc = lst_apply(bed_fd, "l.lst", changes, &opt, &hooks, &changed, &e);
    lst_changes_free(changes);
    return rc;
}

static void followed_or_old(int rc)
{
    static const char followed[] =
        "\xef\xbb\xbf"
        "0\t0\ta/x.jpg\n1\t0\t./a/y.jpg\r\n\n2\t1\tb/zz.jpg\n3\t1\tb/w.jpg\n4\t0\ta/v.jpg";
    char *now = get_file("l.lst");

    assert_non_null(now);
    assert_true(strcmp(now, followed) == 0 || (rc && strcmp(now, OLD) == 0));
    assert_attribute();
    free(now);
}

static int recover(void)
{
    static const uint8_t none[SHA256_BYTES];
    enum lst_recovery found;

    return lst_recover(bed_fd, "l.lst", none, none, &found);
}

static void with_a_leftover(void)
{
    fresh_bed();
    put_file(".lockstep-0123456789abcdef.tmp", "half");
}

static int count(void *arg, const char *image)
{
    unsigned *n = arg;

    (void)image;
    ++*n;
    return 0;
}

static unsigned counted;

static int each_path(void)
{
    struct file_stat st;

    counted = 0;
    return lst_each_path(bed_fd, "l.lst", count, &counted, &st);
}

static int gather(void)
{
    counted = 0;
    return lst_gather(bed_fd, count, count, &counted);
}

static void all_or_told(int rc)
{
    assert_true(rc || counted == IMAGES);
}

static void test_the_agents(void **state)
{
    const struct deed applying = {fresh_bed, apply, followed_or_old, 10};
    const struct deed recovering = {with_a_leftover, recover, NULL, 3};
    const struct deed reading = {NULL, each_path, all_or_told, 3};

    (void)state;
    each_call_fails(&applying);
    each_call_fails(&recovering);
    fresh_bed();
    each_call_fails(&reading);
}

/* --- somebody edits the list while we do: none of their rows is lost -------------------------- */

#define EDITS_MAX 3

/* How somebody else writes rows of their own, and around which of our exchanges. */
enum way { NOTHING, APPEND, SAVE, RELABEL };

static const struct {
    enum way ways[EDITS_MAX];
    bool no_leases;
    bool no_exchange;
} meetings[] = {
    {{SAVE}, false, false},
    {{SAVE, SAVE}, false, false},
    {{SAVE, SAVE, SAVE}, false, false},
    {{APPEND}, true, false},
    {{APPEND, APPEND}, true, false},
    {{APPEND, SAVE}, true, false},
    {{SAVE, APPEND}, true, false},
    {{RELABEL, APPEND}, true, false},
    {{APPEND, RELABEL}, true, false},
    {{RELABEL, RELABEL}, true, false},
    {{APPEND}, true, true},
    {{RELABEL}, true, true},
};
static size_t meeting;
static unsigned edits_made;

/* The row of each edit. The old list ends within its last row. */
static const char *const edit_rows[EDITS_MAX] = {
    "\n100\t0\ta/first.jpg\n", "\n101\t0\ta/second.jpg\n", "\n102\t0\ta/third.jpg\n"};

/* All that the list has, and a row more, in a new file or the old one. */
static void save(const char *row, bool anew)
{
    char *was = get_file("l.lst");
    struct buf text;

    buf_init(&text, 1u << 16);
    if (was) /* with another label in the first row, so that these are not rows appended */
        assert_int_equal(buf_appendf(&text, "%.*s9%s", (int)strcspn(was, "\t") + 1, was,
                                     was + strcspn(was, "\t") + 2),
                         0);
    assert_int_equal(buf_append(&text, row, strlen(row)), 0);
    put_file(anew ? "editor" : "l.lst", text.data);
    if (anew)
        assert_int_equal(rename("editor", "l.lst"), 0);
    buf_release(&text);
    free(was);
}

/* The next edit, just before an exchange. */
static void edit_list(void)
{
    const enum way way = edits_made < EDITS_MAX ? meetings[meeting].ways[edits_made] : NOTHING;

    if (way == NOTHING)
        return;
    if (way == APPEND)
        append_file("l.lst", edit_rows[edits_made]);
    else
        save(edit_rows[edits_made], way == SAVE);
    edits_made++;
}

static void fresh_meeting(void)
{
    fresh_bed();
    edits_made = 0;
}

/* Some file of the bed has this text. */
static bool somewhere(const char *what)
{
    DIR *dir = opendir(".");
    const struct dirent *entry;
    bool found = false;

    assert_non_null(dir);
    while (!found && (entry = readdir(dir)) != NULL) {
        char *now = entry->d_type == DT_REG ? get_file(entry->d_name) : NULL;

        found = now && strstr(now, what);
        free(now);
    }
    closedir(dir);
    return found;
}

/* The row of each edit is in the list, or in a file beside it. (Without exchange a file that was
 * written to until the end has no name any more: where it cannot be read again, that is told.) */
static void has_edits(int rc)
{
    const bool told = failing_world.no_exchange && rc;

    for (unsigned i = 0; i < edits_made && !told; i++)
        if (!somewhere(edit_rows[i] + 1))
            fail_msg("meeting %zu: edit %u is lost", meeting, i);
    for (size_t i = 0; i < IMAGES; i++)
        if (!strstr(images[i], "z.jpg") && !somewhere(images[i]))
            fail_msg("meeting %zu: the row of %s is lost", meeting, images[i]);
}

static void test_edits_in_between(void **state)
{
    const struct deed deed = {fresh_meeting, apply, has_edits, 10};

    (void)state;
    for (meeting = 0; meeting < sizeof meetings / sizeof *meetings; meeting++) {
        failing_world = (struct failing_world){.no_exchange = meetings[meeting].no_exchange,
                                               .no_leases = meetings[meeting].no_leases,
                                               .before_rename = edit_list};
        each_call_fails(&deed);
    }
    failing_world = (struct failing_world){0};
}

static int look_at_images(void)
{
    const struct lst_list lists[] = {{"l.lst", text(OLD)}, {"m.lst", text(NEW)}};
    const struct lst_images_options opt = {
        .root_fd = bed_fd, .width = 8, .height = 8, .content = true, .threads = 2};
    struct lst_findings f = {0};
    uint64_t n = 0;
    int rc = lst_check_images(lists, 2, &opt, &f, &n);

    lst_findings_release(&f);
    return rc;
}

static void nothing_bad(void *arg, const char *file, uint64_t at, const char *what)
{
    (void)file, (void)at, (void)what;
    *(bool *)arg = true;
}

static int pack(void)
{
    const struct lst_list list = {"l.lst", text("0\t0\ta/x.jpg\n2\t1\tb/z.jpg\n3\t1\tb/w.jpg\n")};
    const struct lst_list other = {"l.lst", text("0\t5\ta/x.jpg\n2\t6\tb/z.jpg\n3\t7\tb/w.jpg\n")};
    const struct pack_options opt = {.root_fd = bed_fd, .threads = 2};
    struct pack_stats stats;
    struct err e = {0};
    bool bad = false;
    int rc = pack_list(&list, &opt, "l.rec", &stats, &e);

    if (rc == 0)
        rc = pack_check("l.rec", nothing_bad, &bad, &stats, &e);
    if (rc == 0)
        rc = pack_relabel(&other, &opt, "l.rec", "l.rec", &stats, &e);
    if (rc == 0)
        assert_false(bad);
    return rc;
}

/* What is there under the name is a whole one. */
static void whole_pack(int rc)
{
    struct pack_stats stats;
    struct err e = {0};
    bool bad = false;

    if (access("l.rec", F_OK) == 0) {
        assert_int_equal(pack_check("l.rec", nothing_bad, &bad, &stats, &e), 0);
        assert_int_equal(stats.records, 3);
    }
    if (rc == 0)
        assert_false(bad);
}

static void test_images(void **state)
{
    const struct deed looking = {NULL, look_at_images, NULL, 10};
    const struct deed gathering = {NULL, gather, all_or_told, 5};
    const struct deed packing = {fresh_bed, pack, whole_pack, 20};

    (void)state;
    fresh_bed();
    each_call_fails(&looking);
    each_call_fails(&gathering);
    each_call_fails(&packing);
}

static int set_up(void **state)
{
    (void)state;
    if (access("/dev/shm", W_OK) == 0) /* in memory: each deed is done hundreds of times */
        assert_int_equal(setenv("TMPDIR", "/dev/shm", 0), 0);
    bed_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < IMAGES; i++)
        (void)unlink(images[i]);
    (void)rmdir("a");
    (void)rmdir("b");
    bed_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_the_agents),
        cmocka_unit_test(test_edits_in_between),
        cmocka_unit_test(test_images),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
