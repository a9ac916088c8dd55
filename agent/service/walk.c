/* Shell. A tree's files in the order of their keys. See walk.h. */
#include "agent/service/walk.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_BYTES (32 * 1024)

/* A directory on the way down. */
struct level {
    int fd;
    size_t path_n; /* bytes of its path */
    char *names;   /* each after a byte that tells its kind */
    size_t names_n, names_size;
    char **sorted; /* into names */
    size_t count, at;
    int code; /* why it could not be read to its end */
};

struct walk {
    int root_fd;
    const struct watch_filter *filter;
    bool with_stat;
    uint64_t mount; /* the root's; 0: the kernel does not tell */
    struct level *levels;
    size_t depth, size;
    char path[PATH_BYTES_MAX + 1];
    char scratch[SCRATCH_BYTES];
};

/* Order of keys: a directory as if its name ended in '/'. */
static int compare_names(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t i = 1;

    while (x[i] && x[i] == y[i])
        i++;
    unsigned char cx = x[i] ? (unsigned char)x[i] : x[0] == DT_DIR ? '/' : 0;
    unsigned char cy = y[i] ? (unsigned char)y[i] : y[0] == DT_DIR ? '/' : 0;

    return cx < cy ? -1 : cx > cy;
}

/* The mount that an open directory lies on; 0: not told. */
static uint64_t mount_of(int fd)
{
    struct statx stx;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID))
        return 0;
    return stx.stx_mnt_id;
}

/* Keep a name. 0 or -ENOMEM. */
static int level_add(struct level *l, unsigned char type, const char *name)
{
    size_t n = strlen(name) + 2;

    if (l->names_n + n > l->names_size) {
        size_t size = l->names_size ? 2 * l->names_size : 4096;
        char *more;

        while (size < l->names_n + n)
            size *= 2;
        more = realloc(l->names, size);
        if (!more)
            return -ENOMEM;
        l->names = more;
        l->names_size = size;
    }
    l->names[l->names_n] = (char)type;
    memcpy(l->names + l->names_n + 1, name, n - 1);
    l->names_n += n;
    l->count++;
    return 0;
}

/* The kind of an entry whose file system does not tell it. */
static unsigned char type_of(int fd, const char *name)
{
    struct file_stat st;

    if (tree_stat_at(fd, name, &st))
        return DT_REG; /* it is told that it cannot be looked at */
    return st.kind == FILE_DIRECTORY ? DT_DIR : st.kind == FILE_REGULAR ? DT_REG : DT_LNK;
}

/* The path of a name in the directory at the end of the stack. False where it is too long. */
static bool child_path(struct walk *w, const struct level *l, const char *name)
{
    size_t n = strlen(name), at = l->path_n ? l->path_n + 1 : 0;

    if (at + n > PATH_BYTES_MAX)
        return false;
    if (at)
        w->path[at - 1] = '/';
    memcpy(w->path + at, name, n + 1);
    return true;
}

/* Take in one entry. */
static int level_take(struct walk *w, struct level *l, const struct dirent64 *d)
{
    unsigned char type = d->d_type;

    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
        return 0;
    if (type == DT_UNKNOWN)
        type = type_of(l->fd, d->d_name);
    if (type == DT_LNK && w->filter->with_links)
        type = DT_REG;
    if ((type != DT_REG && type != DT_DIR) || !child_path(w, l, d->d_name) ||
        watch_filter_excludes(w->filter, w->path))
        return 0;
    return level_add(l, type, d->d_name);
}

/* Read all names of a directory. 0 or -ENOMEM; other failures are kept. */
static int level_read(struct walk *w, struct level *l)
{
    char *at;
    int rc = 0;

    for (;;) {
        ssize_t n = getdents64(l->fd, w->scratch, sizeof w->scratch);

        l->code = n < 0 ? -errno : 0;
        if (n <= 0)
            break;
        for (ssize_t k = 0; k < n && rc == 0;) {
            const struct dirent64 *d = (const struct dirent64 *)(void *)(w->scratch + k);

            rc = level_take(w, l, d);
            k += d->d_reclen;
        }
        if (rc)
            return rc;
    }
    l->sorted = calloc(l->count ? l->count : 1, sizeof *l->sorted);
    if (!l->sorted)
        return -ENOMEM;
    at = l->names;
    for (size_t i = 0; i < l->count; i++, at += strlen(at + 1) + 2)
        l->sorted[i] = at;
    qsort(l->sorted, l->count, sizeof *l->sorted, compare_names);
    return 0;
}

static void level_free(struct level *l)
{
    close(l->fd);
    free(l->names);
    free(l->sorted);
}

/* Go down into an open directory. 0 or -ENOMEM; the descriptor is taken. */
static int push(struct walk *w, int fd, size_t path_n)
{
    struct level *l;

    if (w->depth == w->size) {
        size_t size = w->size ? 2 * w->size : 16;
        struct level *more = realloc(w->levels, size * sizeof *more);

        if (!more) {
            close(fd);
            return -ENOMEM;
        }
        w->levels = more;
        w->size = size;
    }
    l = &w->levels[w->depth++];
    *l = (struct level){.fd = fd, .path_n = path_n};
    return level_read(w, l);
}

int walk_open(int root_fd, const struct watch_filter *filter, bool with_stat, struct walk **ret)
{
    struct walk *w = calloc(1, sizeof *w);
    int fd = -1, rc;

    if (!w)
        return -ENOMEM;
    w->root_fd = root_fd;
    w->filter = filter;
    w->with_stat = with_stat;
    rc = tree_open(root_fd, "", O_RDONLY | O_DIRECTORY, &fd);
    if (rc == 0) {
        w->mount = mount_of(fd);
        rc = push(w, fd, 0);
        rc = rc ? rc : w->levels[0].code;
    }
    if (rc) {
        walk_close(w);
        return rc;
    }
    *ret = w;
    return 0;
}

void walk_close(struct walk *w)
{
    if (!w)
        return;
    while (w->depth)
        level_free(&w->levels[--w->depth]);
    free(w->levels);
    free(w);
}

/* Go down into the directory whose path stands in w->path. 0, 1 where it cannot be read whole and
 * that is told, or -ENOMEM. */
static int enter(struct walk *w, struct level *l, const char *name, struct walk_file *ret)
{
    int fd = openat(l->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;

    if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
        return 0; /* gone, or something else by now */
    if (rc == 0 && w->mount && mount_of(fd) != w->mount) {
        close(fd); /* another mount is no part of the tree */
        return 0;
    }
    if (rc == 0) {
        rc = push(w, fd, strlen(w->path));
        if (rc)
            return rc;
        rc = w->levels[w->depth - 1].code;
    }
    *ret = (struct walk_file){.path = w->path, .code = rc};
    return rc != 0;
}

/* One name. 1 if it is to be told, 0 if not, or -ENOMEM. */
static int visit(struct walk *w, const char *entry, struct walk_file *ret)
{
    struct level *l = &w->levels[w->depth - 1];

    (void)!child_path(w, l, entry + 1); /* it fitted when it was read */
    if (entry[0] == DT_DIR)
        return enter(w, l, entry + 1, ret);
    *ret = (struct walk_file){.path = w->path, .st.kind = FILE_REGULAR};
    if (!w->with_stat)
        return 1;
    ret->code = tree_stat_at(l->fd, entry + 1, &ret->st);
    if (ret->code == 0 && w->filter->with_links)
        tree_take_link(&ret->st);
    return ret->code || ret->st.kind == FILE_REGULAR;
}

/* The directory at the end of the stack is through. */
static void leave(struct walk *w)
{
    struct level *l = &w->levels[--w->depth];

    w->path[l->path_n] = '\0';
    level_free(l);
}

int walk_next(struct walk *w, struct walk_file *ret)
{
    int rc = 0;

    while (rc == 0 && w->depth) {
        struct level *l = &w->levels[w->depth - 1];

        if (l->at < l->count)
            rc = visit(w, l->sorted[l->at++], ret);
        else
            leave(w);
    }
    return rc;
}
