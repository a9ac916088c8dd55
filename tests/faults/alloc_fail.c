/*
 * Memory that runs out: preloaded, the ALLOC_FAIL_AT-th allocation of the process fails, and with
 * ALLOC_FAIL_ON all after it, too. What failed is told to the file ALLOC_FAIL_LOG with who asked
 * for it; at the end, how many were asked for. Without ALLOC_FAIL_AT it only counts. What does not
 * fail is whoever's allocator comes next: glibc's, or LeakSanitizer's where that is preloaded, too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLERS_MAX 24

/* The allocator behind this one. */
static struct {
    void *(*malloc)(size_t n);
    void *(*calloc)(size_t count, size_t n);
    void *(*realloc)(void *p, size_t n);
    void *(*aligned_alloc)(size_t align, size_t n);
    int (*posix_memalign)(void **ret, size_t align, size_t n);
} next;

static atomic_ulong asked;
static unsigned long fail_at; /* 0: none */
static bool fail_on;
static int log_fd = -1;
static _Thread_local bool telling;

/* Whoever allocates first, before there are threads, finds it. */
static void find_next(void)
{
    if (next.posix_memalign)
        return;
    *(void **)&next.malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next.calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next.realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next.aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&next.posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
}

/* Before main: what the environment says. backtrace() asks for memory the first time. */
__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("ALLOC_FAIL_AT"), *log = getenv("ALLOC_FAIL_LOG");
    void *caller;

    if (log)
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)backtrace(&caller, 1);
    fail_on = getenv("ALLOC_FAIL_ON") != NULL;
    atomic_store(&asked, 0);
    fail_at = at ? strtoul(at, NULL, 10) : 0;
}

/* After main: how many there were. */
__attribute__((destructor)) static void end(void)
{
    char line[64];
    int n = snprintf(line, sizeof line, "asked %lu\n", atomic_load(&asked));

    if (log_fd >= 0)
        (void)!write(log_fd, line, (size_t)n); /* then it is not told */
}

/* Is this the one? */
static bool fails(void)
{
    unsigned long n = atomic_fetch_add(&asked, 1) + 1;
    void *callers[CALLERS_MAX];

    find_next();
    if (!fail_at || telling || !(n == fail_at || (fail_on && n > fail_at)))
        return false;
    if (log_fd >= 0 && n == fail_at) {
        telling = true;
        backtrace_symbols_fd(callers, backtrace(callers, CALLERS_MAX), log_fd);
        telling = false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n)
{
    return fails() ? NULL : next.malloc(n);
}

void *calloc(size_t count, size_t n)
{
    return fails() ? NULL : next.calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : next.realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : next.aligned_alloc(align, n);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
    return fails() ? ENOMEM : next.posix_memalign(ret, align, n);
}
