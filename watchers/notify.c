/*
 * libinotifytools, made sound. Shell. See notify.h.
 *
 * Two functions that the library calls are wrapped by the linker (--wrap), because of what the
 * library (3.22.6) does with them:
 *   inotify_init     its descriptor blocks, is inherited, and is not shown to us
 *   ioctl(FIONREAD)  asked before each read; the kernel walks its whole queue to answer
 *
 * Watches are placed and removed without it: it would keep a record of each, under its one lock, by
 * a name that is no name here, and return no descriptor. Reading needs no record.
 */
#include "watchers/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#define NOTIFY_MASK                                                                                \
    (IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |            \
     IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)
#define GUARD_MASK        (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)
#define READ_BYTES        65536 /* what FIONREAD is answered: more than the library wants */
#define QUEUE_MAX_DEFAULT 16384
#define QUEUE_MAX_FILE    "/proc/sys/fs/inotify/max_queued_events"
#define WATCHES_FILE      "/proc/sys/fs/inotify/max_user_watches"
#define NAMESPACE_FILE    "/proc/sys/user/max_inotify_watches" /* of the user namespace */
#define FD_LINK_SIZE      32

/* The library's one instance. The lock guards its globals, of which all of its calls write some;
 * the descriptor is there as long as the instance is. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static int library_fd = -1;    /* -1: not started */
static bool library_read_stop; /* answer FIONREAD with an error: give out what is buffered only */

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_inotify_init(void);
int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_inotify_init(void)
{
    const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= FD_SETSIZE) { /* the library waits with select(2) */
        (void)close(fd);    /* nothing was done with it */
        errno = EMFILE;
        return -1;
    }
    library_fd = fd;
    return fd;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (request != FIONREAD || fd != library_fd || library_fd < 0) {
        return __real_ioctl(fd, request, argument);
    }
    if (library_read_stop) {
        errno = EAGAIN;
        return -1;
    }
    *(unsigned *)argument = READ_BYTES;
    return 0;
}

int notify_start(int *ret_fd)
{
    int code = 0;

    pthread_mutex_lock(&library_lock);
    if (library_fd >= 0) {
        code = -EBUSY;
    } else if (inotifytools_initialize() == 0) {
        code = inotifytools_error() == 0 ? -EMFILE : -inotifytools_error();
    } else {
        *ret_fd = library_fd;
    }
    pthread_mutex_unlock(&library_lock);
    return code;
}

void notify_stop(void)
{
    pthread_mutex_lock(&library_lock);
    if (library_fd >= 0) {
        /* What the library has buffered would come out of its next instance. */
        library_read_stop = true;
        while (inotifytools_next_events(0, 1) != NULL) {
        }
        library_read_stop = false;
        inotifytools_cleanup();
        library_fd = -1;
    }
    pthread_mutex_unlock(&library_lock);
}

/* Watch an open directory, by its descriptor's link, whatever its path is by now. 0 or -errno. */
static int place(int dir_fd, uint32_t mask, int *ret_wd)
{
    char link[FD_LINK_SIZE];
    int wd;

    (void)snprintf(link, FD_LINK_SIZE, "/proc/self/fd/%d", dir_fd); /* fits: one int */
    wd = inotify_add_watch(library_fd, link, mask);
    if (wd < 0) {
        return -errno;
    }
    *ret_wd = wd;
    return 0;
}

int notify_place(int dir_fd, int *ret_wd)
{
    return place(dir_fd, NOTIFY_MASK, ret_wd);
}

int notify_guard(int dir_fd, int *ret_wd)
{
    return place(dir_fd, GUARD_MASK | IN_MASK_ADD, ret_wd);
}

void notify_forget(int wd)
{
    (void)inotify_rm_watch(library_fd, wd); /* fails only where the watch is gone already */
}

bool notify_next(struct raw_event *ret)
{
    const struct inotify_event *ev;

    pthread_mutex_lock(&library_lock);
    ev = inotifytools_next_events(0, 1);
    pthread_mutex_unlock(&library_lock);
    if (ev == NULL) {
        return false;
    }
    ret->wd = ev->wd;
    ret->mask = ev->mask;
    ret->cookie = ev->cookie;
    ret->name = ev->len == 0 ? "" : ev->name;
    return true;
}

/* The number in a file of /proc; 0 if there is none. */
static unsigned long number_in(const char *file)
{
    char text[32] = "";
    const int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!read(fd, text, sizeof(text) - 1); /* if not, 0 */
        (void)close(fd);                         /* read only */
    }
    return strtoul(text, NULL, 10);
}

uint64_t notify_watch_limit(const char **ret_setting)
{
    const unsigned long all = number_in(WATCHES_FILE);
    const unsigned long here = number_in(NAMESPACE_FILE);

    if (here > 0 && here < all) {
        *ret_setting = "user.max_inotify_watches";
        return here;
    }
    *ret_setting = "fs.inotify.max_user_watches";
    return all;
}

size_t notify_queue_max(void)
{
    const unsigned long n = number_in(QUEUE_MAX_FILE);

    return n > 0 ? n : QUEUE_MAX_DEFAULT;
}
