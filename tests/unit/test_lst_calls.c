/* Whatever call fails under it, what works on lists says so, leaves nothing open and no list half
 * written. */
#include "lists/channels.h"
#include "lists/check.h"
#include "lists/diff.h"
#include "lists/edit.h"
#include "lists/file.h"
#include "lists/make.h"
#include "lists/manifest.h"
#include "lists/mentions.h"
#include "lists/merge.h"
#include "lists/pack.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/lst_bed.h"

#include <sys/xattr.h>

#define OLD                                                                                        \
    "\xef\xbb\xbf"                                                                                 \
    "0\t0\ta/x.jpg\n1\t0\t./a/y.jpg\r\n\n2\t1\tb/z.jpg\n3\t1\tb/w.jpg\n4\t0\ta/v.jpg"
#define NEW "0\t0\ta/x.jpg\n7\t1\tb/z.jpg\n3\t1\tc/w.jpg\n5\t2\tc/new.jpg\n4\t0\ta/v.jpg\n"
#define JPEG                                                                                       \
    "\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xd9"

static const char *const images[] = {"a/x.jpg", "a/y.jpg", "b/z.jpg", "b/w.jpg", "a/v.jpg"};
#define IMAGES (sizeof images / sizeof *images)

static struct span text(const char *s)
{
    return span_of(s);
}

/* rc, or else the next code. */
static int also(int rc, int next)
{
    return rc ? rc : next;
}

/* --- the pure ones: what was to be appended is there, or nothing ------------------------------ */

#define ROOM (1u << 20)

static struct buf out, more;

/* No output yet, and room for so much of it. */
static void output_of(size_t room, size_t more_room)
{
    buf_release(&out);
    buf_release(&more);
    buf_init(&out, room);
    buf_init(&more, more_room);
}

static void no_output(void)
{
    output_of(ROOM, ROOM);
}

static char wanted[4096]; /* what comes where nothing fails */
static size_t wanted_n;

static void as_wanted(int rc)
{
    if (rc == 0) {
        assert_int_equal(out.len, wanted_n);
        assert_memory_equal(out.data, wanted, wanted_n);
    }
}

/* What comes where nothing fails. How much there is of `more`. */
static size_t want(int (*act)(void))
{
    no_output();
    assert_int_equal(act(), 0);
    wanted_n = out.len;
    assert_true(wanted_n <= sizeof wanted);
    memcpy(wanted, out.data, wanted_n);
    return more.len;
}

/* Whatever fails: the output of a success is the same. Where there is no room for all of it that is
 * told, wherever it ends. */
static void each_fails(int (*act)(void), unsigned least)
{
    const struct deed deed = {no_output, act, as_wanted, least};
    const size_t more_n = want(act);

    each_call_fails(&deed);
    for (size_t room = 0; room <= wanted_n; room++) {
        output_of(room, ROOM);
        assert_int_equal(act(), room < wanted_n ? ERR_LIMIT : 0);
    }
    for (size_t room = 0; room < more_n; room++) {
        output_of(ROOM, room);
        assert_int_equal(act(), ERR_LIMIT);
    }
    no_output();
}

/* Findings as text: their rules. (Lines are not told where there is no memory to count them.) */
static int render(const struct lst_findings *f)
{
    int rc = 0;

    for (size_t i = 0; i < f->n; i++)
        rc = also(rc, buf_appendf(&out, "%u %s\n", f->items[i].list,
                                  lst_rule_info(f->items[i].rule)->id));
    return rc;
}

static int check(void)
{
    const struct lst_list lists[] = {{"a.lst", text(OLD)},
                                     {"b.lst", text(NEW "9\t0.5\tq\n9\t1 2\tq/\n")}};
    const struct lst_check_options opt = {.mini_batch = 8, .classes = 2, .imbalance = 2};
    struct lst_findings f = {0};
    int rc = lst_check(lists, 2, &opt, &f);

    if (rc == 0) {
        lst_findings_sort(&f, lists, 2);
        rc = render(&f);
    }
    lst_findings_release(&f);
    return rc;
}

static int novel(void)
{
    const struct lst_list list = {"a.lst", text(OLD "\n9\t0\t../q\n\n")};
    const struct lst_check_options opt = {0};
    struct lst_findings f = {0};
    int rc = lst_check(&list, 1, &opt, &f);

    if (rc == 0)
        rc = lst_findings_novel(&f, list.text, text(OLD));
    if (rc == 0) {
        lst_findings_sort(&f, &list, 1);
        rc = render(&f);
    }
    lst_findings_release(&f);
    return rc;
}

static int fix(void)
{
    uint64_t changes;

    return lst_fix(text(OLD), &out, &changes);
}

static int diff(void)
{
    struct lst_diff d = {0};
    int rc = lst_diff(text(OLD), text(NEW), true, &d);

    if (rc == 0)
        rc = buf_appendf(&out, "%zu %zu %zu", d.pair_n, d.removed_n, d.added_n);
    lst_diff_release(&d);
    return rc;
}

static bool to_nine(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    (void)arg, (void)row;
    *ret = was + 9;
    return true;
}

static int edit(void)
{
    static const uint64_t classes[] = {0, 1};
    static const char *const patterns[] = {"a/*", "b/*"};
    struct lst_append_stats stats;
    struct lst_paths *paths = NULL;
    uint64_t n;
    int rc = lst_relabel(text(OLD), to_nine, NULL, &out, &n);

    if (rc == 0)
        rc = lst_paths_new(text(NEW), &paths);
    if (rc == 0) {
        const struct lst_selection some = {classes, 2, patterns, 2, paths, NULL};

        rc = lst_subset(text(OLD), &some, 1, 7, &out, &n);
    }
    if (rc == 0)
        rc = lst_append(text(OLD), text(NEW), &out, &stats);
    lst_paths_free(paths);
    return rc;
}

static struct span first_byte(void *arg, struct span path)
{
    (void)arg;
    return (struct span){path.p, 1};
}

static int divide(void)
{
    struct lst_parts_options opt = {.shares = {2, 1}, .n = 2, .seed = 3};
    struct buf parts[2];
    uint64_t rows[2];
    int rc;

    for (size_t i = 0; i < 2; i++)
        buf_init(&parts[i], 1u << 16);
    rc = lst_parts(text(OLD), &opt, parts, rows);
    opt.group = first_byte;
    rc = also(rc, rc ? 0 : lst_parts(text(NEW), &opt, parts, rows));
    for (size_t i = 0; i < 2; i++) {
        rc = also(rc, rc ? 0 : buf_append(&out, parts[i].data, parts[i].len));
        buf_release(&parts[i]);
    }
    return also(rc, rc ? 0 : lst_shuffle(text(OLD), 5, &out));
}

static int manifest(void)
{
    const struct lst_list list = {"a.lst", text(NEW)};
    struct manifest_options opt = {.prefix = "s3://bucket/images/", .attribute = "class"};
    struct err e = {0};
    uint64_t n;
    int rc = manifest_write(&list, &opt, &out, &n, &e);

    opt.augmented = true;
    return also(rc, rc ? 0 : manifest_write(&list, &opt, &out, &n, &e));
}

static int merge(void)
{
    const struct lst_merge_options opt = {.renumber = true};
    struct lst_merge_stats stats;

    return lst_merge(text(OLD), text(NEW "6\t0\ta/ours.jpg\n4\t9\ta/v.jpg\n"),
                     text(OLD "\n6\t0\ta/theirs.jpg\n4\t8\ta/v.jpg\n"), &opt, &out, &stats);
}

/* An image goes to another directory, and then all of that directory; one is gone. */
static int note_changes(struct lst_changes **ret)
{
    int rc = lst_changes_new(ret);

    if (rc == 0)
        rc = lst_changes_rename(*ret, "a/x.jpg", "b/x.jpg");
    if (rc == 0)
        rc = lst_changes_rename_directory(*ret, "b", "c");
    if (rc == 0)
        rc = lst_changes_remove(*ret, "a/v.jpg");
    return rc;
}

/* A map of classes, rows that follow by it, and all of it taken back. */
static int rewrite(void)
{
    struct lst_class_map *map = NULL;
    struct lst_changes *changes = NULL;
    struct lst_rewrite_stats stats;
    struct buf undo;
    uint64_t line, id;
    int rc = lst_class_map_parse(text("0\ta\n1\tb\n"), &map, &line);

    buf_init(&undo, 1u << 16);
    if (rc == 0)
        rc = lst_class_map_id(map, "c", &id);
    if (rc == 0)
        rc = lst_class_map_render(map, &out);
    if (rc == 0)
        rc = note_changes(&changes);
    if (rc == 0) {
        const struct lst_policy policy = {.reindex = true, .classes = map};

        rc = lst_rewrite_by(&policy, text(OLD), changes, &more, &undo, &stats);
    }
    if (rc == 0)
        rc = buf_append(&out, more.data, more.len);
    if (rc == 0)
        rc = lst_undo((struct span){more.data, more.len}, (struct span){undo.data, undo.len}, &out);
    if (rc == 0)
        rc = lst_undo_sides((struct span){undo.data, undo.len}, &out, &more);
    lst_changes_free(changes);
    lst_class_map_free(map);
    buf_release(&undo);
    return rc;
}

static int mention(void)
{
    struct lst_changes *changes = NULL;
    struct mentions *m = NULL;
    uint64_t *sought = NULL;
    size_t n = 0;
    int rc = mentions_new(4096, &m);

    for (size_t i = 0; i < IMAGES && rc == 0; i++)
        rc = mentions_add(m, images[i]);
    if (rc == 0)
        rc = mentions_add_all(m, text(NEW));
    if (rc == 0)
        rc = mentions_end(m);
    if (rc == 0)
        rc = note_changes(&changes);
    if (rc == 0)
        rc = mentions_sought(changes, &sought, &n);
    if (rc == 0)
        rc = buf_appendf(&out, "%zu", n);
    free(sought);
    lst_changes_free(changes);
    mentions_free(m);
    return rc;
}

static int training(void)
{
    const struct lst_list train = {"a.lst", text(NEW)};
    const struct lst_list validation = {"b.lst",
                                        text("0\t1\tb/q.jpg\n1\t0\tb/r.jpg\n2\t2\tb/s.jpg\n")};
    struct training_numbers numbers;
    struct err e = {0};
    int rc = training_numbers(&train, &validation, 1, &numbers, &e);

    return also(rc, rc ? 0 : buf_appendf(&out, "%u", (unsigned)numbers.samples));
}

static void test_pure_ones(void **state)
{
    (void)state;
    each_fails(check, 5);
    each_fails(novel, 5);
    each_fails(fix, 0);
    each_fails(diff, 3);
    each_fails(edit, 3);
    each_fails(divide, 3);
    each_fails(manifest, 0);
    each_fails(merge, 3);
    each_fails(rewrite, 5);
    each_fails(mention, 3);
    each_fails(training, 1);
}

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
        const int fd = open(images[i], O_WRONLY | O_CREAT, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write_whole(fd, JPEG, sizeof JPEG - 1), 0);
        assert_int_equal(write_whole(fd, images[i], strlen(images[i])), 0);
        close(fd);
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

    buf_init(&text, ROOM);
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
    no_output();
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
        cmocka_unit_test(test_pure_ones),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_the_agents), cmocka_unit_test(test_edits_in_between),
        cmocka_unit_test(test_images),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
