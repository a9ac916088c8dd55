/*
 * Where a rewrite stands after a crash. Shell.
 *
 * What lies under a swap name of the list (see round.h) is complete: our new file, the old file, or
 * an edit that the exchange took out and that we died over before it was put back.
 *
 *   swap file is | list is `after`                      | list is anything else
 *   `before`     | remove it                            | remove it
 *   `after`      | remove it                            | remove it
 *   other        | an edit: put it back, NOT_DONE       | keep it beside the list
 */
#include "lists/round.h"

#include "base/log.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (1 << 18)

/* A rewrite that was begun. */
struct recovery {
    int dir_fd;
    const char *path;
    const char *name;
    const uint8_t *before;
    const uint8_t *after;
    enum lst_recovery list;
};

/* Hash an open file from its start. 0 or -errno. */
static int hash_fd(int fd, uint8_t out[SHA256_BYTES])
{
    char *bytes = malloc(READ_BYTES);
    struct sha256 hash;
    int rc = 0;

    if (!bytes)
        return -ENOMEM;
    sha256_begin(&hash);
    for (;;) {
        ssize_t n = read(fd, bytes, READ_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? -errno : 0;
        if (n <= 0)
            break;
        sha256_add(&hash, bytes, (size_t)n);
    }
    sha256_end(&hash, out);
    free(bytes);
    return rc;
}

/* Which of the two contents a file has; OTHER for a missing file and for what is none. */
static int which(const struct recovery *r, const char *name, enum lst_recovery *ret)
{
    uint8_t hash[SHA256_BYTES];
    struct file_stat st;
    int fd = -1;
    int rc = tree_open(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &fd);

    *ret = LST_RECOVERY_OTHER;
    if (rc == -ENOENT || rc == -ELOOP || rc == -ENXIO)
        return 0;
    if (rc == 0)
        rc = tree_stat_fd(fd, &st);
    if (rc == 0 && st.kind == FILE_REGULAR) {
        rc = hash_fd(fd, hash);
        if (rc == 0 && memcmp(hash, r->after, SHA256_BYTES) == 0)
            *ret = LST_RECOVERY_DONE;
        else if (rc == 0 && memcmp(hash, r->before, SHA256_BYTES) == 0)
            *ret = LST_RECOVERY_NOT_DONE;
    }
    if (fd >= 0)
        (void)close(fd); /* opened for reading: nothing to lose */
    return rc;
}

/* unlinkat; a file that is gone already is as good. */
static int remove_file(const struct recovery *r, const char *name)
{
    return unlinkat(r->dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* An edit that we died over: into the list's place, or beside it where the list is edited too. */
static int save_edit(struct recovery *r, const char *swap)
{
    char kept[KEPT_NAME_SIZE];
    bool back = r->list == LST_RECOVERY_DONE;
    int rc = back ? 0 : kept_name(r->name, kept);

    if (rc < 0)
        return rc;
    if (renameat(r->dir_fd, swap, r->dir_fd, back ? r->name : kept) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (back)
        r->list = LST_RECOVERY_NOT_DONE;
    else
        log_warning("%s: an edit made during a rewrite is kept beside it as %s, please merge it "
                    "by hand",
                    r->path, kept);
    return 0;
}

/* Walk the names of the directory until fn returns non-zero, which is handed back. */
static int each_name(struct recovery *r, int (*fn)(struct recovery *r, const char *name, void *arg),
                     void *arg)
{
    int fd = openat(r->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    int rc = dir ? 0 : -errno;

    if (!dir && fd >= 0)
        (void)close(fd); /* opened for reading: nothing to lose */
    while (rc == 0) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            rc = -errno;
            break;
        }
        rc = fn(r, entry->d_name, arg);
    }
    if (dir)
        (void)closedir(dir); /* opened for reading: nothing to lose */
    return rc;
}

/* 1 if this name is a list that the temporary name in arg belongs to. */
static int owns(struct recovery *r, const char *name, void *arg)
{
    (void)r;
    return lst_is_list(name) && swap_is_of(arg, name);
}

/* A leftover that is not under a swap name of this list: removed, unless it may be what another
 * list's recovery needs. */
static int clean_other(struct recovery *r, const char *name)
{
    char temp[SWAP_NAME_SIZE];
    int rc;

    memcpy(temp, name, strlen(name) + 1); /* fits: it has the form of a temporary name */
    rc = each_name(r, owns, temp);
    return rc == 0 ? remove_file(r, name) : rc > 0 ? 0 : rc;
}

/* One name of the directory. */
static int clean_one(struct recovery *r, const char *name, void *arg)
{
    enum lst_recovery content;
    int rc;

    (void)arg;
    if (!replace_is_temp(name))
        return 0;
    if (!swap_is_of(name, r->name))
        return clean_other(r, name);
    rc = which(r, name, &content);
    if (rc < 0)
        return rc;
    return content == LST_RECOVERY_OTHER ? save_edit(r, name) : remove_file(r, name);
}

/* The directory is open. */
static int recover(struct recovery *r)
{
    int rc = which(r, r->name, &r->list);

    if (rc == 0)
        rc = each_name(r, clean_one, NULL);
    if (rc == 0 && fsync(r->dir_fd) < 0 && errno != EINVAL)
        rc = -errno; /* what we tell is in place must be durable */
    return rc;
}

int lst_recover(int root_fd, const char *path, const uint8_t before[SHA256_BYTES],
                const uint8_t after[SHA256_BYTES], enum lst_recovery *ret)
{
    struct recovery r = {.dir_fd = -1,
                         .path = path,
                         .name = path_name(path),
                         .before = before,
                         .after = after,
                         .list = LST_RECOVERY_OTHER};
    char parent[PATH_BYTES_MAX + 1];
    int rc = path_parent(parent, sizeof(parent), path);

    if (rc == 0)
        rc = tree_open(root_fd, parent, O_RDONLY | O_DIRECTORY, &r.dir_fd);
    if (rc == -ENOENT || rc == -ENOTDIR) {
        *ret = LST_RECOVERY_OTHER; /* with its directory, the list is gone */
        return 0;
    }
    if (rc == 0)
        rc = recover(&r);
    if (r.dir_fd >= 0)
        (void)close(r.dir_fd); /* synced above */
    if (rc == 0)
        *ret = r.list;
    return rc;
}
