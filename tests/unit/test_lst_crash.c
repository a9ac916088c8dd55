/*
 * The process dies in the middle of a rewrite, before or after each of its calls that change
 * anything; or such a call fails. After recovery the list is wholly old or wholly new, the verdict
 * is right, and nobody's edit is lost.
 */
#include "tests/unit/lst_bed.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define LIST "train.lst"
#define ROW  "9\t1\tforeign.jpg\n"

static const char before_text[] = "0\t1\told.jpg\n1\t1\tkeep.jpg\n2\t0\tgone.jpg\n";
static const char after_text[] = "0\t1\tnew.jpg\n1\t1\tkeep.jpg\n";

/* What somebody else does around the first call that puts our file into the list's place. */
enum foreign { NOBODY, RENAME_BEFORE, RENAME_AFTER, STALE_APPEND_AFTER, APPEND_BOTH_AFTER };

static struct {
    bool on;
    int calls;
    int die_at; /* the call of this number, from 1; 0: never */
    bool die_after;
    int fail_at;   /* the call of this number says EIO; 0: never */
    bool fail_all; /* and all after it */
    bool no_exchange;
    bool no_lease;
    enum foreign foreign;
    int installs;
    int stale_fd;
    bool fail_close;   /* of what was written */
    int written_fd;    /* what was written last, and not synced since; 0: nothing */
    int open_fd;       /* the same, and not closed since */
    bool unsynced;     /* it got another name before it was synced */
    bool names_synced; /* something was synced after the last change of names */
} now;

/* What a shell's ">" and mv do, by calls that are not wrapped here. */
static void foreign_rename(void)
{
    char *text = get_file(LIST);
    FILE *file = fopen("editor", "w");

    fprintf(file, "%s" ROW, text);
    fclose(file);
    (void)rename("editor", LIST);
    free(text);
}

static void foreign_append(const char *name)
{
    FILE *file = fopen(name, "a");

    fputs(ROW, file);
    fclose(file);
}

static void moment(bool after)
{
    char stale[64];

    if (!after)
        now.installs++;
    if (now.installs != 1)
        return;
    snprintf(stale, sizeof(stale), "/proc/self/fd/%d", now.stale_fd);
    if ((now.foreign == RENAME_BEFORE && !after) || (now.foreign == RENAME_AFTER && after))
        foreign_rename();
    if (now.foreign >= STALE_APPEND_AFTER && after)
        foreign_append(stale);
    if (now.foreign == APPEND_BOTH_AFTER && after)
        foreign_append(LIST);
}

/* Count a call; die here if it is its time. true: the call is to fail. */
static bool enter(void)
{
    if (!now.on)
        return false;
    now.calls++;
    if (now.calls == now.die_at && !now.die_after)
        _exit(99);
    if (now.calls != now.fail_at && !(now.fail_all && now.calls > now.fail_at))
        return false;
    errno = EIO;
    return true;
}

static void leave(void)
{
    if (now.on && now.calls == now.die_at)
        _exit(99);
}

#define WRAPPED(name, parameters, arguments)                                                       \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int rc;                                                                                    \
                                                                                                   \
        if (enter())                                                                               \
            return -1;                                                                             \
        rc = __real_##name arguments;                                                              \
        leave();                                                                                   \
        return rc;                                                                                 \
    }

WRAPPED(unlinkat, (int dir_fd, const char *name, int flags), (dir_fd, name, flags))
WRAPPED(fchmod, (int fd, mode_t mode), (fd, mode))

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    int rc;

    if (enter())
        return -1;
    rc = __real_fsync(fd);
    if (fd == now.written_fd)
        now.written_fd = 0;
    now.names_synced = true;
    leave();
    return rc;
}

/* A server that has no room says so when what it was given is closed. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool fails = now.on && now.fail_close && fd == now.open_fd;
    int rc = __real_close(fd);

    if (fd == now.open_fd)
        now.open_fd = 0;
    if (!fails)
        return rc;
    errno = EDQUOT;
    return -1;
}

/* Names change: what was written has to be on disk. */
static void names_change(void)
{
    now.unsynced = now.unsynced || now.written_fd;
    now.names_synced = false;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    ssize_t rc;

    if (fd == STDERR_FILENO)
        return __real_write(fd, p, n);
    if (enter())
        return -1;
    rc = __real_write(fd, p, now.on && n > 1 ? n / 2 : n); /* a short write is no failure */
    now.written_fd = now.open_fd = fd;
    leave();
    return rc;
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    bool install = now.on && now.no_exchange && strcmp(to, LIST) == 0;
    int rc;

    if (enter())
        return -1;
    if (install)
        moment(false);
    names_change();
    rc = __real_renameat(from_fd, from, to_fd, to);
    if (install)
        moment(true);
    leave();
    return rc;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    int rc;

    if (now.no_exchange) {
        errno = EINVAL;
        return -1;
    }
    if (enter())
        return -1;
    moment(false);
    names_change();
    rc = __real_renameat2(from_fd, from, to_fd, to, flags);
    moment(true);
    leave();
    return rc;
}

int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...)
{
    va_list ap;
    long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, long);
    va_end(ap);
    if (now.no_lease && cmd == F_SETLEASE) {
        errno = EINVAL;
        return -1;
    }
    return __real_fcntl(fd, cmd, arg);
}

/* Waiting is for writers in other threads, and there are none. */
int __wrap_nanosleep(const struct timespec *want, struct timespec *ret_left);
int __wrap_nanosleep(const struct timespec *want, struct timespec *ret_left)
{
    (void)want;
    (void)ret_left;
    return 0;
}

/* The journal: the last intent survives the process. Shared with the child. */
static struct {
    uint8_t before[SHA256_BYTES];
    uint8_t after[SHA256_BYTES];
} * intent;

static int on_intent(void *arg, const struct lst_apply_event *event)
{
    (void)arg;
    memcpy(intent->before, event->before, SHA256_BYTES);
    memcpy(intent->after, event->after, SHA256_BYTES);
    return 0;
}

static int apply(void)
{
    const struct lst_apply_hooks hooks = {.on_intent = on_intent};
    struct lst_changes *c;
    bool changed;
    int rc;

    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename(c, "old.jpg", "new.jpg"), 0);
    assert_int_equal(lst_changes_remove(c, "gone.jpg"), 0);
    now.on = true;
    rc = lst_apply(bed_fd, LIST, c, NULL, &hooks, &changed, NULL);
    now.on = false;
    lst_changes_free(c);
    return rc;
}

static enum lst_recovery recover(void)
{
    enum lst_recovery ret;

    assert_int_equal(lst_recover(bed_fd, LIST, intent->before, intent->after, &ret), 0);
    return ret;
}

/* The list has this text: 1, 0. */
static int list_is(const char *want)
{
    char *text = get_file(LIST);
    int same;

    assert_non_null(text);
    same = strcmp(text, want) == 0;
    free(text);
    return same;
}

/* Somebody's edit was complete when we died: its row is in a file other than the editor's own. */
static bool foreign_row_is_saved(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    bool saved = false;

    while ((entry = readdir(dir)) != NULL) {
        char *text;

        if (strcmp(entry->d_name, "editor") == 0 || entry->d_type == DT_DIR)
            continue;
        text = get_file(entry->d_name);
        saved = saved || strstr(text, ROW);
        free(text);
    }
    closedir(dir);
    return saved;
}

/* Run in a child that dies. true: it died; false: it came to its end before that. */
static bool run_and_die(int at, bool after)
{
    int status;
    pid_t child;

    put_file(LIST, before_text);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        now.die_at = at;
        now.die_after = after;
        now.stale_fd = open(LIST, O_RDONLY);
        _exit(apply() == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 99 && WEXITSTATUS(status) != 0)
        fail_msg("ends with %d", status);
    return WEXITSTATUS(status) == 99;
}

/* The list can be rewritten after it all, and then has our changes and the others' rows. */
static void check_after(int at, bool after, bool happened)
{
    char *text;

    now.foreign = NOBODY;
    assert_int_equal(apply(), 0);
    text = get_file(LIST);
    if (!strstr(text, "new.jpg") || strstr(text, "old.jpg") || strstr(text, "gone.jpg"))
        fail_msg("dead %s %d: our changes are lost:\n%s", after ? "after" : "before", at, text);
    if (happened && !strstr(text, ROW) && bed_count(LIST ".kept-") == 0)
        fail_msg("dead %s %d: an edit is lost:\n%s", after ? "after" : "before", at, text);
    free(text);
}

static void check_recovered(int at, bool after)
{
    enum lst_recovery verdict = recover();

    if (bed_count(".lockstep-") != 0)
        fail_msg("dead %s %d: a temporary file stays", after ? "after" : "before", at);
    if (now.foreign == NOBODY) {
        if (verdict == LST_RECOVERY_DONE ? !list_is(after_text) : !list_is(before_text))
            fail_msg("dead %s %d: verdict %d", after ? "after" : "before", at, verdict);
        assert_int_not_equal(verdict, LST_RECOVERY_OTHER);
        assert_int_equal(bed_count(LIST ".kept-"), 0);
    }
}

static void die_everywhere(enum foreign foreign, bool no_exchange, bool no_lease)
{
    for (int at = 1;; at++) {
        for (int after = 0; after < 2; after++) {
            bool happened;
            bool died;

            memset(&now, 0, sizeof(now));
            now.foreign = foreign;
            now.no_exchange = no_exchange;
            now.no_lease = no_lease;
            died = run_and_die(at, after);
            happened = foreign_row_is_saved();
            check_recovered(at, after);
            if (!died && foreign != NOBODY)
                assert_true(happened);
            if (foreign != APPEND_BOTH_AFTER)
                assert_int_equal(bed_count(LIST ".kept-"), 0);
            (void)remove("editor"); /* it died over it, too */
            check_after(at, after, happened);
            bed_empty();
            if (!died) {
                assert_true(at > 8); /* something was tested */
                return;
            }
        }
    }
}

static void test_die(void **state)
{
    (void)state;
    die_everywhere(NOBODY, false, false);
    die_everywhere(NOBODY, false, true);
    die_everywhere(NOBODY, true, false);
    die_everywhere(NOBODY, true, true);
}

static void test_die_over_an_edit(void **state)
{
    (void)state;
    if (!bed_has_exchange())
        skip();
    die_everywhere(RENAME_BEFORE, false, false);
    die_everywhere(RENAME_AFTER, false, false);
    die_everywhere(RENAME_BEFORE, false, true);
    die_everywhere(STALE_APPEND_AFTER, false, true);
    die_everywhere(APPEND_BOTH_AFTER, false, true);
}

/* Each call fails once: an error or success, the list whole, nothing left behind but what recovery
 * removes. */
static void fail_everywhere(bool no_exchange)
{
    int rc = -1;

    for (int at = 1;; at++) {
        memset(&now, 0, sizeof(now));
        now.no_exchange = no_exchange;
        now.fail_at = at;
        put_file(LIST, before_text);
        rc = apply();
        if (now.calls < at)
            break;
        if (rc == 0 ? !list_is(after_text) : !list_is(before_text) && !list_is(after_text))
            fail_msg("call %d fails: %d", at, rc);
        now.on = false;
        (void)recover();
        assert_int_equal(bed_count(".lockstep-"), 0);
        bed_empty();
    }
    assert_int_equal(rc, 0);
    bed_empty();
}

static void test_fail(void **state)
{
    (void)state;
    fail_everywhere(false);
    fail_everywhere(true);
}

/* The content is on disk before it gets the list's name, and the name before the rewrite is done.
 */
static void test_synced(void **state)
{
    (void)state;
    for (int no_exchange = 0; no_exchange < 2; no_exchange++) {
        memset(&now, 0, sizeof(now));
        now.no_exchange = no_exchange;
        put_file(LIST, before_text);
        assert_int_equal(apply(), 0);
        assert_true(list_is(after_text));
        assert_false(now.unsynced);
        assert_true(now.names_synced);
        bed_empty();
    }
}

/* What could not be closed may not be whole: it does not get the list's name. */
static void test_close_fails(void **state)
{
    (void)state;
    memset(&now, 0, sizeof(now));
    now.fail_close = true;
    put_file(LIST, before_text);
    assert_int_equal(apply(), -EDQUOT);
    assert_true(list_is(before_text));
    assert_int_equal(bed_count(".lockstep-"), 0);
    bed_empty();
}

/* Calls fail while somebody else's edit is in our hands: wherever it ends, it is on disk. */
static void fail_over_an_edit(enum foreign foreign, bool no_exchange, bool fail_all)
{
    for (int at = 1;; at++) {
        bool saved;
        int rc;

        memset(&now, 0, sizeof(now));
        now.foreign = foreign;
        now.no_exchange = no_exchange;
        now.no_lease = true;
        now.fail_at = at;
        now.fail_all = fail_all;
        put_file(LIST, before_text);
        now.stale_fd = open(LIST, O_RDONLY);
        rc = apply();
        close(now.stale_fd);
        saved = foreign_row_is_saved();
        if (now.installs > 0 && !saved)
            fail_msg("foreign %d, call %d fails: %d, and an edit is lost", foreign, at, rc);
        (void)recover();
        if (saved && !foreign_row_is_saved())
            fail_msg("foreign %d, call %d fails: %d, and recovery lost it", foreign, at, rc);
        bed_empty();
        if (now.calls < at)
            return;
    }
}

static void test_fail_over_an_edit(void **state)
{
    (void)state;
    fail_over_an_edit(STALE_APPEND_AFTER, true, false); /* all failing, there is no name for it */
    for (int all = 0; all < 2 && bed_has_exchange(); all++) {
        fail_over_an_edit(RENAME_BEFORE, false, all);
        fail_over_an_edit(RENAME_AFTER, false, all);
        fail_over_an_edit(STALE_APPEND_AFTER, false, all);
        fail_over_an_edit(APPEND_BOTH_AFTER, false, all);
    }
}

/* The edit that was taken out waits under a swap name: recovery knows where it belongs. */
static void test_recover_verdicts(void **state)
{
    enum lst_recovery verdict;
    uint8_t hash[SHA256_BYTES] = {0};

    (void)state;
    memset(&now, 0, sizeof(now));
    digest_sha256(before_text, sizeof(before_text) - 1, intent->before);
    digest_sha256(after_text, sizeof(after_text) - 1, intent->after);
    put_file(LIST, before_text);
    assert_int_equal(recover(), LST_RECOVERY_NOT_DONE);
    put_file(LIST, after_text);
    assert_int_equal(recover(), LST_RECOVERY_DONE);
    put_file(LIST, "x");
    assert_int_equal(recover(), LST_RECOVERY_OTHER);
    assert_int_equal(unlink(LIST), 0);
    assert_int_equal(recover(), LST_RECOVERY_OTHER);
    assert_int_equal(lst_recover(bed_fd, "none/" LIST, hash, hash, &verdict), 0);
    assert_int_equal(verdict, LST_RECOVERY_OTHER);
    assert_int_equal(symlink("nowhere", LIST), 0);
    assert_int_equal(recover(), LST_RECOVERY_OTHER);
}

/* A leftover of another list in the same directory is not ours to remove. */
static void test_recover_other_list(void **state)
{
    uint8_t hash[SHA256_BYTES];
    char digits[2 * SHA256_BYTES + 1];
    char swap[64];

    (void)state;
    memset(&now, 0, sizeof(now));
    digest_sha256(after_text, sizeof(after_text) - 1, intent->after);
    digest_sha256("val.lst", 7, hash);
    hex_encode(hash, SHA256_BYTES, digits);
    snprintf(swap, sizeof(swap), ".lockstep-%.8s01234567.tmp", digits);
    put_file(LIST, after_text);
    put_file("val.lst", "1");
    put_file(swap, "2");
    put_file(".lockstep-0123456789abcdef.tmp", "half");
    assert_int_equal(recover(), LST_RECOVERY_DONE);
    assert_file(swap, "2");
    assert_int_equal(bed_count(".lockstep-"), 1);
}

static int set_up(void **state)
{
    (void)state;
    bed_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memset(&now, 0, sizeof(now));
    bed_remove();
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_die),
        TEST(test_die_over_an_edit),
        TEST(test_fail),
        TEST(test_fail_over_an_edit),
        TEST(test_synced),
        TEST(test_close_fails),
        TEST(test_recover_verdicts),
        TEST(test_recover_other_list),
    };

    intent = mmap(NULL, sizeof(*intent), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (intent == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
