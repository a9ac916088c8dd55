/*
 * A writer adds numbered rows as fast as it can, appending in place and by renaming a new file over
 * the list, while the list is rewritten again and again. Every row is there at the end, and every
 * change of ours. And one large list, edited in the very moment of its rewrite.
 */
#include "tests/unit/lst_bed.h"

#include <pthread.h>
#include <stdatomic.h>

#define LIST       "train.lst"
#define ROWS       400     /* by the writer */
#define LARGE_ROWS 1000000 /* of the large list */

static struct {
    atomic_bool stop;
    atomic_int written;
    bool rename_too;
} writer;

static void nap_us(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* Add a row as an editor that saves by renaming. It must be the list's newest content that it
 * read: an editor that saves over what it has not read loses edits without our help, so this one
 * looks at the inode as the last thing before. false: the list was another one meanwhile. */
static bool add_by_rename(const char *row)
{
    ino_t inode = inode_of(LIST);
    char *text = get_file(LIST);
    int fd = open("editor", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool same;

    assert_int_equal(write_whole(fd, text, strlen(text)), 0);
    put_fd(fd, row);
    free(text);
    same = inode_of(LIST) == inode;
    if (same)
        assert_int_equal(rename("editor", LIST), 0);
    return same;
}

static void *write_rows(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROWS; i++) {
        char row[64];

        snprintf(row, sizeof(row), "%d\t1\timg%d.old\n", i, i);
        if (!writer.rename_too || i % 3 != 0)
            append_file(LIST, row);
        else
            while (!add_by_rename(row))
                nap_us(100);
        writer.written = i + 1;
        nap_us(i % 7 * 300);
    }
    return NULL;
}

/* Rename imgN.old to imgN.new for all numbers so far. */
static int apply_all(int upto)
{
    struct lst_changes *c;
    bool changed;
    int rc;

    assert_int_equal(lst_changes_new(&c), 0);
    for (int i = 0; i < upto; i++) {
        char from[32];
        char to[32];

        snprintf(from, sizeof(from), "img%d.old", i);
        snprintf(to, sizeof(to), "img%d.new", i);
        assert_int_equal(lst_changes_rename(c, from, to), 0);
    }
    rc = lst_apply(bed_fd, LIST, c, NULL, NULL, &changed, NULL);
    lst_changes_free(c);
    if (rc != 0 && rc != ERR_CHANGED)
        fail_msg("apply: %s", err_name(rc));
    return rc;
}

/* Each row once, rewritten. */
static void check_rows(void)
{
    char *text = get_file(LIST);

    for (int i = 0; i < ROWS; i++) {
        char row[64];
        const char *at;

        snprintf(row, sizeof(row), "\n%d\t1\timg%d.new\n", i, i);
        at = strstr(text, row);
        if (!at)
            fail_msg("row %d is lost", i);
        if (strstr(at + 1, row))
            fail_msg("row %d is there twice", i);
    }
    free(text);
}

static void stress(bool rename_too)
{
    pthread_t thread;

    writer.written = 0;
    writer.rename_too = rename_too;
    put_file(LIST, "# a comment that stays\n");
    assert_int_equal(pthread_create(&thread, NULL, write_rows, NULL), 0);
    while (writer.written < ROWS)
        (void)apply_all(writer.written); /* ERR_CHANGED: again */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(apply_all(ROWS), 0);
    check_rows();
    assert_int_equal(bed_count(".lockstep-"), 0);
    assert_int_equal(bed_count(LIST ".kept-"), 0);
}

static void test_appends(void **state)
{
    (void)state;
    stress(false);
}

static void test_appends_and_renames(void **state)
{
    (void)state;
    if (!bed_has_exchange())
        skip(); /* a rename just before ours cannot be seen without it */
    stress(true);
}

static void put_large(void)
{
    FILE *file = fopen(LIST, "w");

    assert_non_null(file);
    for (int i = 0; i < LARGE_ROWS; i++)
        fprintf(file, "%d\t%d\tclass%d/%d.jpg\n", i, i % 10, i % 10, i);
    assert_int_equal(fclose(file), 0);
}

/* Appends a row each millisecond until told to stop. */
static void *append_slowly(void *arg)
{
    int *n = arg;

    while (!writer.stop) {
        char row[64];

        snprintf(row, sizeof(row), "%d\t3\tclass3/more%d.jpg\n", LARGE_ROWS + *n, *n);
        append_file(LIST, row);
        ++*n;
        nap_us(20000);
    }
    return NULL;
}

/* What a reader of the large list must find, in order. */
struct large {
    int next;
    int more;
};

static int on_large(void *arg, const char *image)
{
    struct large *l = arg;
    char want[64];

    while (l->next < LARGE_ROWS && l->next % 1000 == 7)
        l->next++; /* removed */
    if (l->next < LARGE_ROWS)
        snprintf(want, sizeof(want), "%s%d/%d.jpg", l->next % 10 == 3 ? "renamed" : "class",
                 l->next % 10, l->next);
    else
        snprintf(want, sizeof(want), "renamed3/more%d.jpg", l->more++);
    l->next += l->next < LARGE_ROWS;
    assert_string_equal(image, want);
    return 0;
}

static void test_large(void **state)
{
    struct large l = {0};
    struct lst_changes *c;
    struct file_stat st;
    pthread_t thread;
    bool changed;
    int rows = 0;
    int rc;

    (void)state;
    put_large();
    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename_directory(c, "class3", "renamed3"), 0);
    for (int i = 7; i < LARGE_ROWS; i += 1000) {
        char path[64];

        snprintf(path, sizeof(path), "class%d/%d.jpg", i % 10, i);
        assert_int_equal(lst_changes_remove(c, path), 0);
    }
    writer.stop = false;
    assert_int_equal(pthread_create(&thread, NULL, append_slowly, &rows), 0);
    rc = lst_apply(bed_fd, LIST, c, &(struct lst_apply_options){.attempts = 3}, NULL, &changed,
                   NULL); /* most likely it loses all its races */
    writer.stop = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(rc == 0 || rc == ERR_CHANGED);
    assert_int_equal(lst_apply(bed_fd, LIST, c, NULL, NULL, &changed, NULL), 0);
    assert_int_equal(lst_each_path(bed_fd, LIST, on_large, &l, &st), 0);
    assert_int_equal(l.next, LARGE_ROWS);
    assert_int_equal(l.more, rows);
    assert_true(rows > 0);
    lst_changes_free(c);
}

static int set_up(void **state)
{
    (void)state;
    bed_make();
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, bed_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_appends),
        TEST(test_appends_and_renames),
        TEST(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
