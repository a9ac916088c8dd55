/* Every image that a list names, read once with bounded memory. Shell. */
#include "lists/internal.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (1 << 20)

_Static_assert(WINDOW_BYTES > LST_ROW_BYTES_MAX, "a whole row must fit the window");

/* A reading under way. */
struct reading {
    int fd;
    int (*fn)(void *arg, const char *image);
    void *arg;
    char *window;  /* WINDOW_BYTES */
    size_t n;      /* bytes in it */
    bool first;    /* the window begins with the first row of the file */
    bool long_row; /* the window begins within a row that is too long to be one */
    bool end;      /* nothing comes after what is in the window */
    char image[PATH_BYTES_MAX + 1];
};

/* Fill the window. 0 or -errno. */
static int fill(struct reading *r)
{
    while (r->n < WINDOW_BYTES && !r->end) {
        ssize_t got = read(r->fd, r->window + r->n, WINDOW_BYTES - r->n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        r->end = got == 0;
        r->n += (size_t)got;
    }
    return 0;
}

/* Hand one row on. */
static int take_row(struct reading *r, struct span line)
{
    struct lst_row row;

    row_classify(line, r->first, &row);
    r->first = false;
    if (row.kind != LST_ROW_IMAGE || lst_path_normal(row.path, r->image, sizeof(r->image)) < 0)
        return 0;
    return r->fn(r->arg, r->image);
}

/* All rows of the window that end in it; what is left moves to its start. */
static int take_window(struct reading *r)
{
    struct span in = {r->window, r->n};
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && at < in.n) {
        struct span line = row_line(in, at);
        bool whole = line.p[line.n - 1] == '\n' || r->end;

        if (!whole && line.n <= LST_ROW_BYTES_MAX)
            break; /* the rest of it comes with the next window */
        if (!r->long_row)
            rc = take_row(r, line); /* too long: passed over as no image row */
        r->long_row = !whole;
        at += line.n;
    }
    r->n -= at;
    memmove(r->window, r->window + at, r->n);
    return rc;
}

/* Read all. */
static int read_rows(struct reading *r)
{
    int rc = 0;

    while (rc == 0 && (!r->end || r->n > 0)) {
        rc = fill(r);
        if (rc == 0)
            rc = take_window(r);
    }
    return rc;
}

/* Read an open list, with the same stat before and after. */
static int read_list(struct reading *r, struct file_stat *ret_st)
{
    struct file_stat before;
    struct file_stat after;
    int rc = tree_stat_fd(r->fd, &before);

    if (rc < 0)
        return rc;
    if (before.kind != FILE_REGULAR)
        return ERR_NOT_FILE;
    r->window = malloc(WINDOW_BYTES);
    if (!r->window)
        return -ENOMEM;
    rc = read_rows(r);
    free(r->window);
    if (rc == 0)
        rc = tree_stat_fd(r->fd, &after);
    if (rc != 0)
        return rc;
    if (!file_same_content(&before, &after))
        return ERR_CHANGED;
    *ret_st = before;
    return 0;
}

int lst_each_path(int root_fd, const char *path, int (*fn)(void *arg, const char *image), void *arg,
                  struct file_stat *ret_st)
{
    struct reading r = {.fd = -1, .fn = fn, .arg = arg, .first = true};
    int rc = tree_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &r.fd);

    if (rc == -ELOOP || rc == -ENXIO)
        return ERR_NOT_FILE; /* a symbolic link, a socket */
    if (rc == 0)
        rc = read_list(&r, ret_st);
    if (r.fd >= 0)
        (void)close(r.fd); /* opened for reading: nothing to lose */
    return rc;
}
