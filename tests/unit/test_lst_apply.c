/* Lists rewritten on disk: what stays, what is told, what is refused; and all images of a list. */
#include "tests/unit/lst_bed.h"

#include <sys/xattr.h>

#define LIST "train.lst"

static const char before_text[] = "0\t1\told.jpg\n1\t1\tkeep.jpg\r\n2\t0\tgone.jpg\n";
static const char after_text[] = "0\t1\tnew.jpg\n1\t1\tkeep.jpg\r\n";
static const char undo_text[] = "1\tnew.jpg\t0\t1\told.jpg\n3\t-\t2\t0\tgone.jpg\n";

/* What the hooks were told. */
struct log {
    char calls[64]; /* i: intent, d: done, a: aborted, u: unaffected */
    int refuse;     /* what on_intent returns */
    struct lst_apply_event event;
    char undo[256];
};

static int on_intent(void *arg, const struct lst_apply_event *event)
{
    struct log *log = arg;

    strcat(log->calls, "i");
    log->event = *event;
    assert_true(event->undo.n < sizeof(log->undo));
    memcpy(log->undo, event->undo.p, event->undo.n);
    log->undo[event->undo.n] = '\0';
    assert_int_equal(bed_count(".lockstep-"), 0); /* nothing was touched before */
    return log->refuse;
}

static void on_end(void *arg, const struct lst_apply_event *event, bool done)
{
    struct log *log = arg;

    strcat(log->calls, done ? "d" : "a");
    assert_memory_equal(event->before, log->event.before, SHA256_BYTES);
    assert_memory_equal(event->after, log->event.after, SHA256_BYTES);
}

static void on_unaffected(void *arg, struct span content, const struct file_stat *st)
{
    struct log *log = arg;

    strcat(log->calls, "u");
    assert_int_equal(content.n, st->size);
    if (content.n)
        assert_memory_equal(content.p, after_text, content.n);
}

static struct lst_changes *changes;

static int apply(const char *path, struct log *log, bool *changed, struct err *e)
{
    struct lst_apply_hooks hooks = {
        .on_intent = on_intent, .on_end = on_end, .on_unaffected = on_unaffected, .arg = log};
    struct lst_apply_options opt = {.attempts = 3};

    return lst_apply(bed_fd, path, changes, &opt, log ? &hooks : NULL, changed, e);
}

static int set_up(void **state)
{
    (void)state;
    bed_make();
    assert_int_equal(lst_changes_new(&changes), 0);
    assert_int_equal(lst_changes_rename(changes, "old.jpg", "new.jpg"), 0);
    assert_int_equal(lst_changes_remove(changes, "gone.jpg"), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lst_changes_free(changes);
    bed_remove();
    return 0;
}

static void test_in_place(void **state)
{
    uint8_t hash[SHA256_BYTES];
    struct log log = {0};
    bool changed = false;
    struct err e;

    (void)state;
    put_file(LIST, before_text);
    assert_int_equal(apply(LIST, &log, &changed, &e), 0);
    assert_true(changed);
    assert_file(LIST, after_text);
    assert_string_equal(log.calls, "id");
    assert_string_equal(log.undo, undo_text);
    assert_string_equal(log.event.path, LIST);
    assert_int_equal(log.event.stats.rows, 3);
    assert_int_equal(log.event.stats.renamed, 1);
    assert_int_equal(log.event.stats.dropped, 1);
    digest_sha256(before_text, sizeof(before_text) - 1, hash);
    assert_memory_equal(hash, log.event.before, SHA256_BYTES);
    digest_sha256(after_text, sizeof(after_text) - 1, hash);
    assert_memory_equal(hash, log.event.after, SHA256_BYTES);
    assert_int_equal(bed_count(".lockstep-"), 0);
}

static void test_unaffected(void **state)
{
    struct log log = {0};
    bool changed = true;
    ino_t inode;

    (void)state;
    put_file(LIST, after_text);
    inode = inode_of(LIST);
    assert_int_equal(apply(LIST, &log, &changed, NULL), 0);
    assert_false(changed);
    assert_string_equal(log.calls, "u"); /* with its content, which is told */
    assert_int_equal(inode_of(LIST), inode);
    put_file("empty.lst", "");
    assert_int_equal(apply("empty.lst", &log, &changed, NULL), 0);
    assert_false(changed);
}

static void test_without_hooks(void **state)
{
    bool changed = false;

    (void)state;
    put_file(LIST, before_text);
    assert_int_equal(lst_apply(bed_fd, LIST, changes, NULL, NULL, &changed, NULL), 0);
    assert_true(changed);
    assert_file(LIST, after_text);
}

static void test_all_dropped(void **state)
{
    bool changed = false;

    (void)state;
    put_file(LIST, "0\t1\tgone.jpg");
    assert_int_equal(apply(LIST, NULL, &changed, NULL), 0);
    assert_true(changed);
    assert_file(LIST, "");
}

static void test_attributes_stay(void **state)
{
    bool changed = false;
    struct stat st;
    char value[16];
    bool xattrs;

    (void)state;
    put_file(LIST, before_text);
    assert_int_equal(chmod(LIST, 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(LIST, 1234, 2345), 0);
    xattrs = setxattr(LIST, "user.origin", "here", 4, 0) == 0;
    assert_int_equal(apply(LIST, NULL, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(stat(LIST, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_uid, geteuid() == 0 ? 1234 : geteuid());
    assert_int_equal(st.st_gid, geteuid() == 0 ? 2345 : getegid());
    if (xattrs) {
        assert_int_equal(getxattr(LIST, "user.origin", value, sizeof(value)), 4);
        assert_memory_equal(value, "here", 4);
    }
}

static void test_intent_refused(void **state)
{
    struct log log = {.refuse = -ENOSPC};
    bool changed = true;
    ino_t inode;
    struct err e;

    (void)state;
    put_file(LIST, before_text);
    inode = inode_of(LIST);
    assert_int_equal(apply(LIST, &log, &changed, &e), -ENOSPC);
    assert_true(changed); /* untouched */
    assert_string_equal(log.calls, "i");
    assert_file(LIST, before_text);
    assert_int_equal(inode_of(LIST), inode);
    log = (struct log){.refuse = ERR_CHANGED}; /* handed back, not taken for a race */
    assert_int_equal(apply(LIST, &log, &changed, &e), ERR_CHANGED);
    assert_string_equal(log.calls, "i");
}

static void test_not_a_list(void **state)
{
    struct log log = {0};
    bool changed;
    struct err e;

    (void)state;
    put_file("target.lst", before_text);
    assert_int_equal(symlink("target.lst", "link.lst"), 0);
    assert_int_equal(apply("link.lst", &log, &changed, &e), ERR_NOT_FILE);
    assert_string_equal(e.where, "link.lst");
    assert_int_equal(mkfifo("pipe.lst", 0600), 0);
    assert_int_equal(apply("pipe.lst", &log, &changed, &e), ERR_NOT_FILE);
    assert_int_equal(mkdir("dir.lst", 0700), 0);
    assert_int_equal(apply("dir.lst", &log, &changed, &e), ERR_NOT_FILE);
    assert_int_equal(apply("none.lst", &log, &changed, &e), -ENOENT);
    assert_int_equal(apply("none/x.lst", &log, &changed, &e), -ENOENT);
    assert_true(apply("../x.lst", &log, &changed, &e) < 0);
    assert_string_equal(log.calls, "");
    assert_file("target.lst", before_text);
}

static void test_hard_link(void **state)
{
    bool changed;

    (void)state;
    put_file(LIST, before_text);
    assert_int_equal(link(LIST, "other.lst"), 0);
    assert_int_equal(apply(LIST, NULL, &changed, NULL), 0);
    assert_file(LIST, after_text);
    assert_file("other.lst", before_text);
}

static void test_limit(void **state)
{
    struct lst_apply_options opt = {.max_bytes = sizeof(before_text) - 2};
    bool changed;
    struct err e;

    (void)state;
    put_file(LIST, before_text);
    assert_int_equal(lst_apply(bed_fd, LIST, changes, &opt, NULL, &changed, &e), ERR_LIMIT);
    assert_file(LIST, before_text);
    opt.max_bytes++;
    assert_int_equal(lst_apply(bed_fd, LIST, changes, &opt, NULL, &changed, &e), 0);
    assert_file(LIST, after_text);
}

static void test_in_directory(void **state)
{
    bool changed;

    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    put_file("sub/" LIST, before_text);
    assert_int_equal(apply("sub/" LIST, NULL, &changed, NULL), 0);
    assert_file("sub/" LIST, after_text);
    assert_int_equal(unlink("sub/" LIST), 0);
}

static void test_open_for_writing(void **state)
{
    struct log log = {0};
    bool changed = true;
    struct err e;
    int fd;

    (void)state;
    put_file(LIST, before_text);
    fd = open(LIST, O_WRONLY | O_APPEND);
    assert_int_equal(apply(LIST, &log, &changed, &e), ERR_CHANGED);
    assert_string_equal(log.calls, "iaiaia");
    assert_file(LIST, before_text);
    assert_int_equal(bed_count(".lockstep-"), 0);
    close(fd);
    log.calls[0] = '\0';
    assert_int_equal(apply(LIST, &log, &changed, &e), 0);
    assert_string_equal(log.calls, "id");
    assert_file(LIST, after_text);
}

/* Paths seen by lst_each_path. */
struct seen {
    char text[512];
    uint64_t count;
    int stop_after;
};

static int on_path(void *arg, const char *image)
{
    struct seen *seen = arg;

    seen->count++;
    if (strlen(seen->text) + strlen(image) + 2 < sizeof(seen->text))
        strcat(strcat(seen->text, image), "|");
    return seen->stop_after > 0 && seen->count == (uint64_t)seen->stop_after ? 77 : 0;
}

static void test_each_path(void **state)
{
    struct seen seen = {.count = 0};
    struct file_stat st;

    (void)state;
    put_file(LIST, "\xef\xbb\xbf"
                   "0\t1\ta.jpg\r\n\n# x\n1\t1\t./b//c\n2\t1\t/abs\n3\t1\t../up\n4\t1\td");
    assert_int_equal(lst_each_path(bed_fd, LIST, on_path, &seen, &st), 0);
    assert_string_equal(seen.text, "a.jpg|b/c|d|");
    assert_int_equal(st.kind, FILE_REGULAR);
    assert_int_equal(st.ino, inode_of(LIST));
    seen = (struct seen){.stop_after = 2};
    st.ino = 0;
    assert_int_equal(lst_each_path(bed_fd, LIST, on_path, &seen, &st), 77);
    assert_string_equal(seen.text, "a.jpg|b/c|");
    assert_int_equal(st.ino, 0);
    put_file(LIST, "");
    assert_int_equal(lst_each_path(bed_fd, LIST, on_path, &seen, &st), 0);
    assert_int_equal(lst_each_path(bed_fd, "none", on_path, &seen, &st), -ENOENT);
    assert_int_equal(symlink(LIST, "link.lst"), 0);
    assert_int_equal(lst_each_path(bed_fd, "link.lst", on_path, &seen, &st), ERR_NOT_FILE);
    assert_int_equal(mkdir("dir.lst", 0700), 0);
    assert_int_equal(lst_each_path(bed_fd, "dir.lst", on_path, &seen, &st), ERR_NOT_FILE);
}

/* How many image rows the cursor finds. */
static uint64_t count_images(const struct buf *text)
{
    struct lst_cursor c = {.in = {text->data, text->len}};
    struct lst_row row;
    uint64_t rows = 0;

    while (lst_row_next(&c, &row))
        rows += row.kind == LST_ROW_IMAGE;
    return rows;
}

/* Rows of all lengths, short and longer than a row may be, over several windows: the same rows as
 * the cursor finds in the whole. */
static void test_each_path_windows(void **state)
{
    struct seen seen = {.count = 0};
    struct file_stat st;
    struct buf text;

    (void)state;
    buf_init(&text, SIZE_MAX);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 1; n < 3 * LST_ROW_BYTES_MAX; n = n * 5 / 4 + 1) {
            assert_int_equal(buf_append_str(&text, "0"), 0);
            for (size_t i = 0; i < n / 2; i++)
                assert_int_equal(buf_append_str(&text, "\t1"), 0);
            assert_int_equal(buf_append_str(&text, "\tx.jpg\n"), 0);
        }
        for (size_t i = 0; i < (1 << 20) + 7; i++) /* longer than the window */
            assert_int_equal(buf_append_byte(&text, 'x'), 0);
        assert_int_equal(buf_append_str(&text, "\t1\tlong\n"), 0);
    }
    assert_int_equal(buf_append_str(&text, "9\t1\tlast"), 0);
    put_file(LIST, text.data);
    assert_int_equal(lst_each_path(bed_fd, LIST, on_path, &seen, &st), 0);
    assert_int_equal(seen.count, count_images(&text));
    assert_true(seen.count > 100);
    buf_release(&text);
}

/* Write to the list while it is read. */
static int edit_on_path(void *arg, const char *image)
{
    (void)arg;
    (void)image;
    append_file(LIST, "9\t1\tnew\n");
    return 0;
}

static void test_each_path_changed(void **state)
{
    struct file_stat st;

    (void)state;
    put_file(LIST, "0\t1\ta\n");
    assert_int_equal(lst_each_path(bed_fd, LIST, edit_on_path, NULL, &st), ERR_CHANGED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_in_place),          TEST(test_unaffected),        TEST(test_without_hooks),
        TEST(test_all_dropped),       TEST(test_attributes_stay),   TEST(test_intent_refused),
        TEST(test_not_a_list),        TEST(test_hard_link),         TEST(test_limit),
        TEST(test_in_directory),      TEST(test_open_for_writing),  TEST(test_each_path),
        TEST(test_each_path_windows), TEST(test_each_path_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
