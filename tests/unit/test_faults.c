/*
 * The Nth call fails, for every N: what was promised of a failure holds, and nothing leaks (the
 * address sanitizer says). The calls are replaced by the linker; see base/local.mk.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "base/replace.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int countdown; /* the call that takes it to 0 fails */
static bool failed;   /* one did */
static bool close_failed;

/* This call is the one. */
static bool strikes(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __real_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int __real_getentropy(void *p, size_t n);
int __wrap_getentropy(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return strikes() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return strikes() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return strikes() ? NULL : __real_realloc(p, n);
}

/* What a failing call says. */
static int say(int code)
{
    errno = code;
    return -1;
}

int __wrap_fsync(int fd)
{
    return strikes() ? say(EIO) : __real_fsync(fd);
}

int __wrap_close(int fd)
{
    int rc = __real_close(fd);

    if (!strikes())
        return rc;
    close_failed = true;
    return say(EIO);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    return strikes() ? say(EPERM) : __real_fchmod(fd, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return strikes() ? say(ESTALE) : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_eventfd(unsigned count, int flags)
{
    return strikes() ? say(EMFILE) : __real_eventfd(count, flags);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
    return strikes() ? ENOMEM : __real_pthread_mutex_init(m, attr);
}

int __wrap_getentropy(void *p, size_t n)
{
    return strikes() ? say(ENOSYS) : __real_getentropy(p, n);
}

/* Let the nth call from here on fail. */
static void arm(int nth)
{
    countdown = nth;
    failed = false;
    close_failed = false;
}

/* No more failures; whether one happened. */
static bool disarm(void)
{
    countdown = 0;
    return failed;
}

static void test_buf(void **state)
{
    (void)state;
    for (int nth = 1;; nth++) {
        char want[1000] = "";
        struct buf b;

        buf_init(&b, sizeof(want));
        arm(nth);
        for (int i = 0; i < 100; i++) {
            size_t len = b.len;
            int rc = i % 2 ? buf_append_str(&b, "abcdef") : buf_appendf(&b, "%06d", i);

            if (rc == 0) {
                (void)snprintf(want + len, sizeof(want) - len, i % 2 ? "abcdef" : "%06d", i);
                continue;
            }
            assert_int_equal(rc, -ENOMEM);
            assert_int_equal(b.len, len);
        }
        assert_string_equal(b.data, want);
        buf_release(&b);
        if (!disarm())
            break;
    }
}

static void test_json_writer(void **state)
{
    (void)state;
    for (int nth = 1;; nth++) {
        struct json_writer w;
        struct buf b;
        int rc;

        buf_init(&b, 1000);
        arm(nth);
        json_begin(&w, &b);
        json_object(&w, NULL);
        json_put_string(&w, "key",
                        "a value \x01\x02\x03 that grows the buffer, and then once more");
        json_put_string(&w, "another", "a value that grows the buffer, and then once more, really");
        json_object_end(&w);
        rc = json_end(&w);
        assert_int_equal(rc, disarm() ? -ENOMEM : 0);
        buf_release(&b);
        if (!failed)
            break;
    }
}

/* Fill a map and empty it by halves, some call failing; the model says what must be in it. */
static void work_on_map(struct map *m, int *values, bool *model, int n)
{
    char key[16];

    for (int i = 0; i < n; i++) {
        void *old = NULL;
        int rc;

        (void)snprintf(key, sizeof(key), "key-%d", i);
        rc = map_put_str(m, key, &values[i], &old);
        assert_true(rc == 0 || rc == -ENOMEM);
        assert_null(old);
        model[i] = rc == 0;
    }
    for (int i = 0; i < n; i += 1 + (i % 8 == 0)) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_remove_str(m, key), model[i] ? &values[i] : NULL);
        model[i] = false;
    }
}

static void test_map(void **state)
{
    enum { KEYS = 100 };
    int values[KEYS];

    (void)state;
    for (int nth = 1;; nth++) {
        bool model[KEYS] = {false};
        size_t count = 0;
        char key[16];
        struct map *m;

        arm(nth);
        m = map_new();
        if (m)
            work_on_map(m, values, model, KEYS);
        disarm();
        assert_true(m || failed);
        for (int i = 0; m && i < KEYS; i++) {
            (void)snprintf(key, sizeof(key), "key-%d", i);
            assert_ptr_equal(map_get_str(m, key), model[i] ? &values[i] : NULL);
            count += model[i];
        }
        assert_true(!m || map_count(m) == count);
        map_free(m);
        if (!failed)
            break;
    }
}

static void test_mailbox(void **state)
{
    (void)state;
    for (int nth = 1;; nth++) {
        struct mailbox *m = NULL;
        int rc;

        arm(nth);
        rc = mailbox_new(1, &m);
        disarm();
        assert_int_equal(rc < 0, failed);
        assert_int_equal(m == NULL, failed);
        mailbox_free(m);
        if (!failed) {
            assert_int_equal(nth, 4); /* calloc, eventfd and a lock came before */
            break;
        }
    }
}

/* Replace "f", some call failing; returns what commit, or what failed before it, says. */
static int replace_text(const char *text)
{
    struct replace r;
    struct file_stat like;
    int rc = replace_begin(&r, scratch_fd(), "f", 0644);

    if (rc < 0)
        return rc;
    rc = write_whole(r.fd, text, strlen(text));
    if (rc == 0)
        rc = tree_stat_fd(r.fd, &like);
    if (rc == 0)
        rc = replace_like(&r, &like);
    if (rc == 0)
        return replace_commit(&r);
    replace_abort(&r);
    return rc;
}

static void test_replace(void **state)
{
    int kept = 0;
    int replaced = 0;

    (void)state;
    for (int nth = 1;; nth++) {
        const char *after;
        int rc;

        scratch_write("f", "old");
        arm(nth);
        rc = replace_text("new");
        disarm();
        after = scratch_read("f");
        assert_int_equal(scratch_count(), 1); /* no temporary file stays */
        if (!failed) {
            assert_int_equal(rc, 0);
            assert_string_equal(after, "new");
            break;
        }
        /* Only after the rename may a failure leave the new text: the directory's fsync, or the
         * closing of descriptors that were only read. */
        if (strcmp(after, "new") == 0) {
            assert_true(rc == -EIO || (rc == 0 && close_failed));
            replaced++;
        } else {
            assert_string_equal(after, "old");
            assert_true(rc < 0);
            kept++;
        }
    }
    assert_int_equal(kept, 6);     /* getentropy, fchmod twice, fsync, close, renameat */
    assert_int_equal(replaced, 2); /* fsync and close of the directory */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_json_writer),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_mailbox),
        cmocka_unit_test_setup_teardown(test_replace, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
