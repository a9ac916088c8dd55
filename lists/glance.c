/* A list looked at without reading it. Shell. */
#include "lists/glance.h"

#include "base/clock.h"
#include "base/err.h"
#include "lists/held.h"

#include <errno.h>
#include <fcntl.h>

#define NS_PER_US 1000
/* Longer than the grain of every clock that tells parts of a second. */
#define OLD_NS (500 * US_PER_MS * NS_PER_US)

bool glance_is_old(const struct file_stat *st, int64_t now_us)
{
    /* A file system that tells seconds only may mean two of them. */
    return st->ctime_ns % NS_PER_S != 0 && st->ctime_ns < now_us * NS_PER_US - OLD_NS;
}

/* The same of an open file. */
static int glance_at(struct held *h, struct glance *ret)
{
    int64_t now_us = clock_real_us();
    bool unwritten = held_lease(h) == 0;
    int rc;

    held_unlease(h);
    rc = tree_stat_fd(h->fd, &ret->st);
    if (rc < 0)
        return rc;
    if (ret->st.kind != FILE_REGULAR)
        return ERR_NOT_FILE;
    ret->at_rest = unwritten && glance_is_old(&ret->st, now_us);
    return 0;
}

int lst_glance(int root_fd, const char *path, struct glance *ret)
{
    struct held h = HELD_NOTHING;
    int rc = tree_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &h.fd);

    if (rc == -ELOOP || rc == -ENXIO)
        return ERR_NOT_FILE; /* a symbolic link, a socket */
    if (rc == 0)
        rc = glance_at(&h, ret);
    held_release(&h);
    return rc;
}
