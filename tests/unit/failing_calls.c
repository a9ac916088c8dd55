/* Calls that fail on command. */
#include "tests/unit/failing_calls.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zstd.h>

/* Calls are numbered from 1; those from first to last fail. Threads count, too. */
static atomic_uint calls, first, last;
static int with;
static bool resting; /* what is called now is not the deed's */

struct failing_world failing_world;

static bool is_hit(void)
{
    unsigned call;

    if (resting)
        return false;
    call = ++calls;
    return call >= first && call <= last;
}

/* is_hit, with errno. */
static bool says(int code)
{
    if (!is_hit())
        return false;
    errno = code;
    return true;
}

/* FAILING(what it returns, its name, parameters, arguments, the answer of a failure, its errno):
 * the call passes on to the real one where it does not fail. */
#define FAILING(type, name, parameters, arguments, bad, code)                                      \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return says(code) ? (bad) : __real_##name arguments;                                       \
    }

FAILING(void *, malloc, (size_t n), (n), NULL, ENOMEM)
FAILING(void *, calloc, (size_t n, size_t size), (n, size), NULL, ENOMEM)
FAILING(void *, realloc, (void *p, size_t n), (p, n), NULL, ENOMEM)
FAILING(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NULL, ENOMEM)
FAILING(char *, strdup, (const char *s), (s), NULL, ENOMEM)
FAILING(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), -1, with)
FAILING(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), -1, with)
FAILING(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), -1, with)
FAILING(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), -1, with)
FAILING(off_t, lseek, (int fd, off_t at, int whence), (fd, at, whence), -1, with)
FAILING(int, ftruncate, (int fd, off_t n), (fd, n), -1, with)
FAILING(int, fstat, (int fd, struct stat *st), (fd, st), -1, with)
FAILING(int, fstatat, (int fd, const char *path, struct stat *st, int flags), (fd, path, st, flags),
        -1, with)
FAILING(int, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *st),
        (fd, path, flags, mask, st), -1, with)
FAILING(int, faccessat, (int fd, const char *path, int mode, int flags), (fd, path, mode, flags),
        -1, with)
FAILING(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, with)
FAILING(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), -1, with)
FAILING(int, futimens, (int fd, const struct timespec *times), (fd, times), -1, with)
FAILING(ssize_t, flistxattr, (int fd, char *list, size_t n), (fd, list, n), -1, with)
FAILING(ssize_t, fgetxattr, (int fd, const char *name, void *p, size_t n), (fd, name, p, n), -1,
        with)
FAILING(int, fsetxattr, (int fd, const char *name, const void *p, size_t n, int flags),
        (fd, name, p, n, flags), -1, with)
FAILING(int, unlink, (const char *path), (path), -1, with)
FAILING(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), -1, with)
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, with)
FAILING(int, linkat, (int from, const char *a, int to, const char *b, int flags),
        (from, a, to, b, flags), -1, with)
FAILING(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b), -1, with)
FAILING(DIR *, fdopendir, (int fd), (fd), NULL, with)
FAILING(struct dirent *, readdir, (DIR * dir), (dir), NULL, with)
FAILING(char *, realpath, (const char *path, char *out), (path, out), NULL, with)
FAILING(FILE *, open_memstream, (char **p, size_t *n), (p, n), NULL, ENOMEM)
FAILING(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), -1, with)
FAILING(int, getentropy, (void *p, size_t n), (p, n), -1, with)
FAILING(int, eventfd, (unsigned n, int flags), (n, flags), -1, with)
FAILING(int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
        (thread, attr, run, arg), EAGAIN, EAGAIN)
FAILING(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL, 0)
FAILING(EVP_PKEY *, EVP_PKEY_new_raw_private_key,
        (int type, ENGINE *engine, const unsigned char *p, size_t n), (type, engine, p, n), NULL, 0)
FAILING(EVP_PKEY *, EVP_PKEY_new_raw_public_key,
        (int type, ENGINE *engine, const unsigned char *p, size_t n), (type, engine, p, n), NULL, 0)
FAILING(int, EVP_PKEY_get_raw_public_key, (const EVP_PKEY *key, unsigned char *p, size_t *n),
        (key, p, n), 0, 0)
FAILING(int, EVP_DigestSign,
        (EVP_MD_CTX * ctx, unsigned char *sig, size_t *sig_n, const unsigned char *p, size_t n),
        (ctx, sig, sig_n, p, n), 0, 0)
FAILING(ZSTD_CCtx *, ZSTD_createCCtx, (void), (), NULL, 0)
FAILING(ZSTD_DCtx *, ZSTD_createDCtx, (void), (), NULL, 0)
FAILING(size_t, ZSTD_compress2, (ZSTD_CCtx * ctx, void *out, size_t room, const void *p, size_t n),
        (ctx, out, room, p, n), (size_t)-1, 0)

/* The mode, which is there only where a file may be made. */
static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return says(with) ? -1 : __real_openat(fd, path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return says(with) ? -1 : __real_openat(AT_FDCWD, path, flags, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list more;
    void *arg;

    va_start(more, command);
    arg = va_arg(more, void *);
    va_end(more);
    if (says(with))
        return -1;
    if (failing_world.no_leases && command == F_SETLEASE) {
        errno = EINVAL;
        return -1;
    }
    return __real_fcntl(fd, command, arg);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int rc = __real_close(fd);

    return says(with) ? -1 : rc;
}

int __real_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags);
int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
    if (failing_world.before_rename) {
        resting = true;
        failing_world.before_rename();
        resting = false;
    }
    if (says(with))
        return -1;
    if (failing_world.no_exchange && (flags & RENAME_EXCHANGE)) {
        errno = EINVAL;
        return -1;
    }
    return __real_renameat2(from, a, to, b, flags);
}

/* openat2. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list more;
    long arg[4];

    va_start(more, number);
    for (int i = 0; i < 4; i++)
        arg[i] = va_arg(more, long);
    va_end(more);
    return says(with) ? -1 : __real_syscall(number, arg[0], arg[1], arg[2], arg[3]);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time, (void)left;
    return says(with) ? -1 : 0;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return says(with) ? -1 : 0;
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n)
{
    (void)fd, (void)mode, (void)at, (void)n;
    return says(with) ? -1 : 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    (void)fd;
    return says(with) ? -1 : 0;
}

/* Descriptors that are open now. */
static unsigned open_now(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (__real_readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* One run of the deed. How many calls it made. */
static unsigned run(const struct deed *deed, unsigned n, bool onwards, int code)
{
    unsigned before, made;
    int rc;

    if (deed->prepare)
        deed->prepare();
    before = open_now();
    with = code;
    calls = 0;
    last = onwards ? UINT_MAX : n;
    first = n;
    rc = deed->act();
    made = calls;
    first = UINT_MAX;
    last = 0;
    if (open_now() != before)
        fail_msg("call %u (%s%s): descriptors are left", n, strerror(code),
                 onwards ? ", and all that follow" : "");
    if (deed->check)
        deed->check(rc);
    return made;
}

void each_call_fails(const struct deed *deed)
{
    static const struct {
        int code;
        bool onwards;
        unsigned step;
    } rounds[] = {{EIO, false, 1}, {EINTR, false, 5}, {ENOSPC, false, 5}, {EIO, true, 5}};

    assert_true(run(deed, UINT_MAX, false, EIO) > deed->least);
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        unsigned n = 0, made;

        do {
            n += rounds[i].step;
            made = run(deed, n, rounds[i].onwards, rounds[i].code);
        } while (made >= n);
    }
}
