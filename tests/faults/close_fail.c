/*
 * Files that cannot be closed: preloaded, a close of what is open for writing and whose path has
 * CLOSE_FAIL_PATH in it says EDQUOT, as a server does that had no room for what it was given. It is
 * closed all the same. Each is told to the file CLOSE_FAIL_LOG.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local bool telling;

/* Where the descriptor leads; "" where that cannot be told. */
static void path_of(int fd, char *out, size_t size)
{
    char link[32];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, out, size - 1);
    out[n > 0 ? n : 0] = '\0';
}

static void tell(const char *path)
{
    const char *log = getenv("CLOSE_FAIL_LOG");
    FILE *file;

    telling = true;
    file = log ? fopen(log, "ae") : NULL;
    if (file) {
        fprintf(file, "%s\n", path);
        fclose(file);
    }
    telling = false;
}

int close(int fd)
{
    const char *part = telling ? NULL : getenv("CLOSE_FAIL_PATH");
    int flags = part ? fcntl(fd, F_GETFL) : -1;
    char path[4096];
    bool fails = false;

    if (flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY) {
        path_of(fd, path, sizeof path);
        fails = path[0] == '/' && strstr(path, part);
    }
    if (fails)
        tell(path);
    if (syscall(SYS_close, fd))
        return -1;
    if (!fails)
        return 0;
    errno = EDQUOT;
    return -1;
}
