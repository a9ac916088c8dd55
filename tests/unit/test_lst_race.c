/*
 * Somebody edits the list in the very moment of our rewrite.
 *
 * The calls that put our file into the list's place are wrapped, so that an edit happens exactly
 * before or after them. Each edit adds a numbered row. Whatever happens, at the end the list has
 * our changes and every such row once; and nothing is left beside it unless the scene says so.
 * Each scene runs with and without leases, with and without exchange.
 */
#include "tests/unit/lst_bed.h"

#include <pthread.h>
#include <stdatomic.h>

#define LIST  "train.lst"
#define EDITS 3

static const char before_text[] = "0\t1\told.jpg\n1\t1\tkeep.jpg\n2\t0\tgone.jpg\n";

/* How an editor writes. Stale: through the file that was the list when we began. */
enum way {
    NO_EDIT,
    APPEND,
    APPEND_STALE,
    APPEND_SLOWLY, /* opens, and writes later */
    REWRITE,
    REWRITE_STALE,
    RENAME,
    /* no row of their own */
    RELABEL_STALE, /* one byte changed in place, same size */
    CHOP,          /* the last newline is cut off */
    OPEN_STALE,    /* opened for writing, but not written */
    REMOVE,
    TOUCH_MODE
};

#define CARRYING (-1) /* the call that appends what is carried over */

/* When: at the intent, or around the n-th call that puts a file into the list's place. */
struct edit {
    enum way way;
    int call; /* 0: at the intent of the first attempt */
    bool after;
};

#define WITHOUT_EXCHANGE 1 /* what can be promised without it, too */
#define KEPT             2 /* one of the edits ends up beside the list */
#define GONE             4 /* the list was removed before we were there */
#define GONE_AFTER       8 /* and after */
#define RELABELLED       16
#define NEEDS_LEASES     32 /* nothing else shows who has the list open */

struct scene {
    const char *name;
    struct edit edits[EDITS];
    int flags;
};

/* The scene that is on. */
static struct {
    const struct scene *scene;
    bool no_exchange;
    bool no_lease;
    int calls;
    int intents;
    int stale_fd; /* the first list, open for reading */
    pthread_t threads[EDITS];
    bool started[EDITS];
    atomic_bool finished[EDITS];
    atomic_int opening[EDITS]; /* the thread that is about to open the list for writing */
    char call_log[64];
} now;

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);

/* A row of its own for each edit; its path is one that our changes rename. */
static void row_of(int number, bool rewritten, char out[64])
{
    snprintf(out, 64, "%d\t5\t%s\n", 100 + number, rewritten ? "new.jpg" : "old.jpg");
}

/* The content that an editor saves: the file's, another label in row 1, a row more. */
static char *edited(const char *name, const char *row, bool edit_head)
{
    char *text = get_file(name);
    char *more = malloc((text ? strlen(text) : 0) + strlen(row) + 1);

    assert_non_null(more);
    sprintf(more, "%s%s", text ? text : "", row);
    if (edit_head && strncmp(more, "0\t1", 3) == 0)
        more[2] = '9';
    free(text);
    return more;
}

static _Thread_local bool is_editor;
static _Thread_local int my_edit;

/* Open for writing: the only step of an edit at which it may have to wait for us. */
static int open_to_write(const char *name, int flags)
{
    now.opening[my_edit] = (int)gettid();
    return open(name, O_WRONLY | flags);
}

/* Keep the list open for a while before writing to it. */
static void append_slowly(const char *row)
{
    int fd = open_to_write(LIST, O_APPEND);

    nanosleep(&(struct timespec){0, 120000000}, NULL);
    put_fd(fd, row);
}

/* Change the label of the first row. */
static void relabel(const char *name)
{
    int fd = open_to_write(name, 0);

    assert_int_equal(pwrite(fd, "9", 1, 2), 1);
    close(fd);
}

/* Cut off the last byte. */
static void chop(const char *name)
{
    int fd = open_to_write(name, 0);

    assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
    close(fd);
}

static void do_edit(int i)
{
    const struct edit *edit = &now.scene->edits[i];
    char stale[64];
    char row[64];
    char *text;

    snprintf(stale, sizeof(stale), "/proc/self/fd/%d", now.stale_fd);
    row_of(i, false, row);
    switch (edit->way) {
    case NO_EDIT:
        break;
    case APPEND:
        put_fd(open_to_write(LIST, O_APPEND), row);
        break;
    case APPEND_STALE:
        put_fd(open_to_write(stale, O_APPEND), row);
        break;
    case APPEND_SLOWLY:
        append_slowly(row);
        break;
    case RELABEL_STALE:
        relabel(stale);
        break;
    case CHOP:
        chop(LIST);
        break;
    case OPEN_STALE:
        put_fd(open_to_write(stale, O_APPEND), "");
        break;
    case REWRITE:
    case REWRITE_STALE:
        text = edited(edit->way == REWRITE ? LIST : stale, row, true);
        put_fd(open_to_write(edit->way == REWRITE ? LIST : stale, O_TRUNC), text);
        free(text);
        break;
    case RENAME:
        text = edited(LIST, row, false);
        put_file("editor", text);
        assert_int_equal(rename("editor", LIST), 0);
        free(text);
        break;
    case REMOVE:
        assert_int_equal(unlink(LIST), 0);
        break;
    case TOUCH_MODE:
        assert_int_equal(chmod(LIST, 0600), 0);
        break;
    }
}

static void *edit_thread(void *arg)
{
    int i = (int)(intptr_t)arg;

    is_editor = true;
    my_edit = i;
    do_edit(i);
    now.finished[i] = true;
    return NULL;
}

/* The thread sleeps. */
static bool is_asleep(int tid)
{
    char name[64];
    char state = '?';
    FILE *file;

    snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);
    file = fopen(name, "r");
    if (file) {
        (void)!fscanf(file, "%*d (%*[^)]) %c", &state);
        fclose(file);
    }
    return state == 'S';
}

/* Wait until an edit is done, or can only go on when we do. */
static void wait_for(int i)
{
    for (int ms = 0; ms < 5000 && !now.finished[i]; ms++) {
        if (now.opening[i] != 0 && is_asleep(now.opening[i]))
            break;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

/* Start the edits of this moment. With leases an editor may have to wait for us: then we go on. */
static void moment(int call, bool after)
{
    for (int i = 0; i < EDITS; i++) {
        const struct edit *edit = &now.scene->edits[i];

        if (edit->way == NO_EDIT || edit->call != call || edit->after != after || now.started[i])
            continue;
        now.started[i] = true;
        assert_int_equal(pthread_create(&now.threads[i], NULL, edit_thread, (void *)(intptr_t)i),
                         0);
        wait_for(i);
    }
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    int rc;

    if (now.no_exchange) {
        errno = EINVAL;
        return -1;
    }
    if (!now.scene)
        return __real_renameat2(from_fd, from, to_fd, to, flags);
    moment(++now.calls, false);
    rc = __real_renameat2(from_fd, from, to_fd, to, flags);
    moment(now.calls, true);
    return rc;
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    int rc;

    if (strcmp(to, LIST) != 0)
        return __real_renameat(from_fd, from, to_fd, to);
    moment(++now.calls, false);
    rc = __real_renameat(from_fd, from, to_fd, to);
    moment(now.calls, true);
    return rc;
}

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
    bool carrying = now.scene && !is_editor && __real_fcntl(fd, F_GETFL) & O_APPEND;
    ssize_t written;

    if (carrying)
        moment(CARRYING, false);
    written = __real_write(fd, data, n);
    if (carrying)
        moment(CARRYING, true);
    return written;
}

int __wrap_fcntl(int fd, int cmd, ...)
{
    va_list ap;
    long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, long);
    va_end(ap);
    if (now.no_lease && cmd == F_SETLEASE) {
        errno = EAGAIN; /* as NFS says */
        return -1;
    }
    return __real_fcntl(fd, cmd, arg);
}

static int on_intent(void *arg, const struct lst_apply_event *event)
{
    (void)arg;
    (void)event;
    strcat(now.call_log, "i");
    if (now.intents++ == 0)
        moment(0, false);
    return 0;
}

static void on_end(void *arg, const struct lst_apply_event *event, bool done)
{
    (void)arg;
    (void)event;
    strcat(now.call_log, done ? "d" : "a");
}

static struct lst_changes *simple_changes(void)
{
    struct lst_changes *c;

    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename(c, "old.jpg", "new.jpg"), 0);
    assert_int_equal(lst_changes_remove(c, "gone.jpg"), 0);
    return c;
}

/* How often a text has this line. */
static int count_line(const char *text, const char *line)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
        n += at == text || at[-1] == '\n';
    return n;
}

/* Whether any file beside the list has the line. */
static int count_kept(const char *line)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char *text;

        if (strncmp(entry->d_name, LIST ".kept-", strlen(LIST ".kept-")) != 0)
            continue;
        text = get_file(entry->d_name);
        n += count_line(text, line);
        free(text);
    }
    closedir(dir);
    return n;
}

/* Every edit's row is in the list once, rewritten or as a later editor wrote it. */
static void check_rows(const struct scene *s, const char *text)
{
    for (int i = 0; i < EDITS; i++) {
        char was[64];
        char is[64];
        int in_list;

        if (s->edits[i].way == NO_EDIT || s->edits[i].way >= RELABEL_STALE)
            continue;
        if (!now.started[i])
            fail_msg("%s: edit %d did not happen, hooks: %s", s->name, i, now.call_log);
        row_of(i, false, was);
        row_of(i, true, is);
        in_list = count_line(text, was) + count_line(text, is);
        if (in_list + (s->flags & KEPT ? count_kept(was) : 0) < 1)
            fail_msg("%s: edit %d is lost:\n%s", s->name, i, text);
        if (in_list > 1)
            fail_msg("%s: edit %d is there twice:\n%s", s->name, i, text);
    }
}

static void check_list(const struct scene *s, int rc, bool changed)
{
    char *text = get_file(LIST);

    if (s->flags & GONE) {
        assert_null(text);
        assert_int_equal(rc, -ENOENT);
        return;
    }
    if (s->flags & GONE_AFTER) {
        assert_null(text);
        assert_int_equal(rc, 0);
        check_rows(s, "");
        return;
    }
    assert_non_null(text);
    if (s->flags & RELABELLED && count_line(text, "0\t9\tnew.jpg\n") != 1)
        fail_msg("%s: the label is lost:\n%s", s->name, text);
    if (rc != 0 || !changed)
        fail_msg("%s: %d", s->name, rc);
    if (count_line(text, "0\t1\tnew.jpg\n") + count_line(text, "0\t9\tnew.jpg\n") != 1 ||
        count_line(text, "1\t1\tkeep.jpg\n") != 1 || strstr(text, "gone.jpg"))
        fail_msg("%s: our changes are lost:\n%s", s->name, text);
    check_rows(s, text);
    free(text);
}

/* One scene from start to end. */
static void play(const struct scene *s, bool no_exchange, bool no_lease)
{
    struct lst_apply_hooks hooks = {.on_intent = on_intent, .on_end = on_end};
    struct lst_changes *c = simple_changes();
    bool changed = false;
    int rc;

    memset(&now, 0, sizeof(now));
    now.scene = s;
    now.no_exchange = no_exchange;
    now.no_lease = no_lease;
    put_file(LIST, before_text);
    now.stale_fd = open(LIST, O_RDONLY);
    rc = lst_apply(bed_fd, LIST, c, NULL, &hooks, &changed, NULL);
    for (int i = 0; i < EDITS; i++) {
        if (now.started[i])
            assert_int_equal(pthread_join(now.threads[i], NULL), 0);
    }
    check_list(s, rc, changed);
    if (bed_count(".lockstep-") != 0 || bed_count(LIST ".kept-") != (s->flags & KEPT ? 1 : 0))
        fail_msg("%s: %d temporary, %d kept", s->name, bed_count(".lockstep-"),
                 bed_count(LIST ".kept-"));
    if (strlen(now.call_log) % 2 != 0)
        fail_msg("%s: hooks: %s", s->name, now.call_log);
    close(now.stale_fd);
    now.scene = NULL;
    lst_changes_free(c);
    bed_empty();
}

static const struct scene scenes[] = {
    {"nobody", {{NO_EDIT, 0, false}}, WITHOUT_EXCHANGE},
    /* between reading and the last look */
    {"append at the intent", {{APPEND, 0, false}}, WITHOUT_EXCHANGE},
    {"rewrite at the intent", {{REWRITE, 0, false}}, WITHOUT_EXCHANGE},
    {"rename at the intent", {{RENAME, 0, false}}, WITHOUT_EXCHANGE},
    {"remove at the intent", {{REMOVE, 0, false}}, WITHOUT_EXCHANGE | GONE},
    {"mode at the intent", {{TOUCH_MODE, 0, false}}, WITHOUT_EXCHANGE},
    {"held open at the intent", {{APPEND_SLOWLY, 0, false}}, WITHOUT_EXCHANGE | NEEDS_LEASES},
    {"relabel at the intent", {{RELABEL_STALE, 0, false}}, WITHOUT_EXCHANGE | RELABELLED},
    /* between the last look and the exchange */
    {"relabel before", {{RELABEL_STALE, 1, false}}, WITHOUT_EXCHANGE | RELABELLED},
    {"append before", {{APPEND, 1, false}}, WITHOUT_EXCHANGE},
    {"rewrite before", {{REWRITE, 1, false}}, WITHOUT_EXCHANGE},
    {"rename before", {{RENAME, 1, false}}, 0},
    {"remove before", {{REMOVE, 1, false}}, GONE},
    {"mode before", {{TOUCH_MODE, 1, false}}, 0},
    /* after the exchange: who comes by name meets our file */
    {"append after", {{APPEND, 1, true}}, WITHOUT_EXCHANGE},
    {"rewrite after", {{REWRITE, 1, true}}, WITHOUT_EXCHANGE},
    {"rename after", {{RENAME, 1, true}}, WITHOUT_EXCHANGE},
    /* and who had looked up the old file still writes to it */
    {"stale append after", {{APPEND_STALE, 1, true}}, WITHOUT_EXCHANGE},
    {"stale rewrite after", {{REWRITE_STALE, 1, true}}, WITHOUT_EXCHANGE},
    {"stale relabel after", {{RELABEL_STALE, 1, true}}, WITHOUT_EXCHANGE | RELABELLED},
    {"stale open after", {{OPEN_STALE, 1, true}}, WITHOUT_EXCHANGE},
    {"stale open, append", {{OPEN_STALE, 1, true}, {APPEND, 1, true}}, WITHOUT_EXCHANGE},
    {"stale append, remove",
     {{APPEND_STALE, 1, true}, {REMOVE, 1, true}},
     WITHOUT_EXCHANGE | KEPT | GONE_AFTER},
    {"rename before, remove after", {{RENAME, 1, false}, {REMOVE, 1, true}}, KEPT | GONE_AFTER},
    /* two at once: to the old file and to ours */
    {"stale append, append", {{APPEND_STALE, 1, true}, {APPEND, 1, true}}, WITHOUT_EXCHANGE},
    {"stale append, rewrite", {{APPEND_STALE, 1, true}, {REWRITE, 1, true}}, WITHOUT_EXCHANGE},
    {"stale append, rename", {{APPEND_STALE, 1, true}, {RENAME, 1, true}}, WITHOUT_EXCHANGE},
    {"stale append, chop", {{APPEND_STALE, 1, true}, {CHOP, 1, true}}, WITHOUT_EXCHANGE},
    {"stale rewrite, rename",
     {{REWRITE_STALE, 1, true}, {RENAME, 1, true}},
     WITHOUT_EXCHANGE | KEPT},
    {"stale rewrite, append",
     {{REWRITE_STALE, 1, true}, {APPEND, 1, true}},
     WITHOUT_EXCHANGE | KEPT},
    {"rename before, append after", {{RENAME, 1, false}, {APPEND, 1, true}}, 0},
    {"rename before, rename after", {{RENAME, 1, false}, {RENAME, 1, true}}, 0},
    /* while we append what we carry over: the row is there once, whether they had read it or not */
    {"two appends, rename at carrying over",
     {{APPEND_STALE, 1, true}, {APPEND, 1, true}, {RENAME, CARRYING, false}},
     WITHOUT_EXCHANGE},
    {"two appends, rename after carrying over",
     {{APPEND_STALE, 1, true}, {APPEND, 1, true}, {RENAME, CARRYING, true}},
     WITHOUT_EXCHANGE},
    {"two appends, append after carrying over",
     {{APPEND_STALE, 1, true}, {APPEND, 1, true}, {APPEND, CARRYING, true}},
     WITHOUT_EXCHANGE},
    /* while we go back */
    {"rename, append at going back", {{RENAME, 1, false}, {APPEND, 2, false}}, 0},
    {"rename, rename at going back", {{RENAME, 1, false}, {RENAME, 2, false}}, 0},
    {"rename, append after going back", {{RENAME, 1, false}, {APPEND, 2, true}}, 0},
    {"rename, rename after going back", {{RENAME, 1, false}, {RENAME, 2, true}}, 0},
    {"rename, rewrite at going back", {{RENAME, 1, false}, {REWRITE, 2, false}}, KEPT},
    {"stale append, append at going back", {{APPEND_STALE, 1, true}, {APPEND, 2, false}}, 0},
    {"stale append, rename at going back", {{APPEND_STALE, 1, true}, {RENAME, 2, false}}, 0},
    /* one after the other, in every attempt */
    {"rename before each", {{RENAME, 1, false}, {RENAME, 3, false}, {RENAME, 5, false}}, 0},
    {"append before each", {{APPEND, 1, false}, {APPEND, 3, false}}, 0},
};

static void play_all(bool no_exchange, bool no_lease)
{
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        int flags = scenes[i].flags;

        if ((!no_exchange || flags & WITHOUT_EXCHANGE) && (!no_lease || !(flags & NEEDS_LEASES)))
            play(&scenes[i], no_exchange, no_lease);
    }
}

static void test_exchange_and_leases(void **state)
{
    (void)state;
    now.no_exchange = false;
    if (!bed_has_exchange())
        skip();
    play_all(false, false);
}

static void test_exchange_only(void **state)
{
    (void)state;
    now.no_exchange = false;
    if (!bed_has_exchange())
        skip();
    play_all(false, true);
}

static void test_leases_only(void **state)
{
    (void)state;
    play_all(true, false);
}

static void test_neither(void **state)
{
    (void)state;
    play_all(true, true);
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
        TEST(test_exchange_and_leases),
        TEST(test_exchange_only),
        TEST(test_leases_only),
        TEST(test_neither),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
