/*
 * Looking at places below a root. Shell. See place.h.
 *
 * The order is what makes a watch sound: the directory is opened, then watched by its descriptor,
 * then listed. What happens after the watch raises an event, what happened before is in the list.
 */
#include "watchers/place.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mix.h"
#include "base/path.h"
#include "base/tree.h"
#include "watchers/handles.h"
#include "watchers/notify.h"
#include "watchers/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MARK_AGE_MIN_NS                                                                            \
    (2 * NS_PER_S) /* younger times may not move with the next change, and clocks differ */

/* Names as they are read, each after its d_type: what a directory holds, before it is stat'ed. */
struct names {
    char *data;
    size_t len;
    size_t cap;
    size_t count;
};

bool place_is_absent(int code)
{
    return code == -ENOENT || code == -ENOTDIR || code == -ELOOP;
}

int place_statx(int fd, const char *name, unsigned mask, struct statx *ret)
{
    const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC;

    return statx(fd, name, flags, mask | STATX_TYPE | STATX_INO | STATX_MNT_ID, ret) == 0 ? 0
                                                                                          : -errno;
}

/* The device, as one number. */
static uint64_t dev_of(const struct statx *stx)
{
    return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}

/* The mount, 0 where the kernel does not tell. */
static uint64_t mount_of(const struct statx *stx)
{
    return (stx->stx_mask & STATX_MNT_ID) != 0 ? stx->stx_mnt_id : 0;
}

int place_identify(int fd, struct place_identity *ret)
{
    struct statx stx;
    const int code = place_statx(fd, "", STATX_NLINK, &stx);

    if (code == 0) {
        *ret = (struct place_identity){.dev = dev_of(&stx),
                                       .ino = stx.stx_ino,
                                       .mount_id = mount_of(&stx),
                                       .removed = stx.stx_nlink == 0};
    }
    return code;
}

int place_same_mount(const struct place_root *root, const struct statx *stx)
{
    const uint64_t root_mount = atomic_load(&root->mount_id);
    const uint64_t mount = mount_of(stx);

    return dev_of(stx) != atomic_load(&root->dev) ||
                   (root_mount != 0 && mount != 0 && mount != root_mount)
               ? -EXDEV
               : 0;
}

/* The same, having looked. 0, -EXDEV or -errno. */
static int check_mount(const struct place_root *root, int fd, struct statx *ret)
{
    const int code = place_statx(fd, "", STATX_MTIME | STATX_CTIME, ret);

    return code != 0 ? code : place_same_mount(root, ret);
}

/* A time as one number. */
static int64_t nanoseconds(struct statx_timestamp t)
{
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* The times of a directory as one number, 0 if they are too young to prove anything. The ctime is
 * part of it: nobody can set that back. */
static uint64_t mark_of(const struct statx *stx)
{
    const int64_t modified = nanoseconds(stx->stx_mtime);
    const int64_t changed = nanoseconds(stx->stx_ctime);
    const int64_t newest = modified > changed ? modified : changed;
    const uint64_t mark = mix(mix((uint64_t)modified) ^ (uint64_t)changed);

    return clock_real_us() * (NS_PER_S / US_PER_S) - newest < MARK_AGE_MIN_NS ? 0
                                                                              : mark | (mark == 0);
}

/* Does the open directory lie in the one with this inode? */
static bool lies_in(int fd, uint64_t parent_ino)
{
    struct statx stx;

    return statx(fd, "..", AT_SYMLINK_NOFOLLOW, STATX_INO, &stx) == 0 && stx.stx_ino == parent_ino;
}

/* Is the directory above the path the one with this inode? 0, ERR_CHANGED if it is another, -errno.
 */
static int parent_is(const struct place_root *root, const char *path, uint64_t parent_ino)
{
    char parent[PATH_BYTES_MAX + 1];
    struct statx stx;
    int fd;
    int code = path_parent(parent, sizeof(parent), path);

    if (code != 0) {
        return code;
    }
    code = tree_open(root->fd, parent, O_PATH | O_DIRECTORY, &fd);
    if (code != 0) {
        return code;
    }
    code = check_mount(root, fd, &stx);
    (void)close(fd); /* read only */
    if (code != 0) {
        return code;
    }
    return stx.stx_ino == parent_ino ? 0 : ERR_CHANGED;
}

/* Add a name. 0 or -ENOMEM. */
static int names_add(struct names *l, unsigned char type, const char *name)
{
    const size_t size = strlen(name) + 1;

    if (l->len + size + 1 > l->cap) {
        const size_t cap = l->cap == 0 ? 1024 + size : l->cap * 2 + size;
        char *bigger = realloc(l->data, cap);

        if (bigger == NULL) {
            return -ENOMEM;
        }
        l->data = bigger;
        l->cap = cap;
    }
    l->data[l->len] = (char)type;
    memcpy(l->data + l->len + 1, name, size);
    l->len += size + 1;
    l->count++;
    return 0;
}

/* Could a directory entry be something that we list? */
static bool is_of_interest(const struct place_root *root, unsigned char type, const char *name)
{
    if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) {
        return false;
    }
    return type == DT_REG || type == DT_DIR || type == DT_UNKNOWN ||
           (type == DT_LNK && root->links);
}

/* Read all names of an open directory. 0 or -errno: what was read until then is in `l`. */
static int read_names(const struct place_root *root, int fd, const char *path, void *scratch,
                      struct names *l)
{
    for (;;) {
        const ssize_t n = getdents64(fd, scratch, POOL_SCRATCH_BYTES);

        if (n <= 0) {
            return n == 0 ? 0 : -errno;
        }
        if (atomic_load(root->stop)) {
            return -ECANCELED;
        }
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const struct dirent64 *)((char *)scratch + at);

            at += d->d_reclen;
            if (is_of_interest(root, d->d_type, d->d_name) &&
                !filter_excludes_name(root->filter, path, d->d_name) &&
                names_add(l, d->d_type, d->d_name) != 0) {
                return -ENOMEM;
            }
        }
    }
}

/* What stat says of one name. False if it is not to be listed. */
static bool stat_entry(const struct place_root *root, int fd, unsigned char type,
                       struct listing_entry *e)
{
    e->code = root->ask_files ? tree_stat_at(fd, e->name, &e->st)
                              : tree_stat_remembered_at(fd, e->name, &e->st);
    if (e->code == 0 && e->st.kind == FILE_ABSENT && root->list_absent) {
        e->code = -EAGAIN; /* it was listed just now: the kernel remembers an older state */
    }
    if (e->code != 0) {
        const bool file = type == DT_REG || (type == DT_LNK && root->links);

        e->st = (struct file_stat){.kind = type == DT_DIR ? FILE_DIRECTORY
                                           : file         ? FILE_REGULAR
                                                          : FILE_OTHER};
        return true;
    }
    if (root->links) {
        tree_take_link(&e->st);
    }
    return e->st.kind == FILE_REGULAR || e->st.kind == FILE_DIRECTORY;
}

/* Stat the names into entries. 0 or -errno. */
static int stat_names(const struct place_root *root, int fd, const struct names *names,
                      struct listing *l)
{
    const char *at = names->data;

    if (names->count == 0) {
        return 0;
    }
    l->entries = reallocarray(NULL, names->count, sizeof(l->entries[0]));
    if (l->entries == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < names->count; i++) {
        struct listing_entry *e = &l->entries[l->count];

        e->name = at + 1;
        if (stat_entry(root, fd, (unsigned char)*at, e)) {
            l->count++;
        }
        at += strlen(at + 1) + 2;
        if (i % 1024 == 0 && atomic_load(root->stop)) {
            return -ECANCELED;
        }
    }
    return 0;
}

/* List an open directory. NULL without memory. */
static struct listing *list(const struct place_root *root, int fd, const char *path, void *scratch)
{
    struct names names = {0};
    struct listing *l = calloc(1, sizeof(*l));
    int stat_code;

    if (l == NULL) {
        return NULL;
    }
    l->code = read_names(root, fd, path, scratch, &names);
    stat_code = stat_names(root, fd, &names, l);
    l->names = names.data;
    l->code = l->code == 0 ? stat_code : l->code;
    l->complete = l->code == 0;
    listing_sort(l);
    return l;
}

/* Why the directory could not be opened or is not to be entered. */
static void not_entered(const struct place_root *root, const struct check *check, int code,
                        struct check_result *ret)
{
    const bool nothing_there = place_is_absent(code);
    const int parent = check->parent_ino == 0 ? 0 : parent_is(root, check->path, check->parent_ino);

    if (parent == ERR_CHANGED || place_is_absent(parent)) {
        ret->outcome = CHECK_MISPLACED;
    } else if (nothing_there && parent == 0) {
        ret->outcome = CHECK_ABSENT;
    } else {
        ret->outcome = CHECK_UNREADABLE;
        ret->code = nothing_there ? parent : code;
    }
}

/* How long ago, in seconds, something was last changed in a directory or written to its files. */
static int64_t age_of(const struct statx *stx, const struct listing *l)
{
    int64_t newest_s = stx->stx_mtime.tv_sec;
    int64_t age_s;

    for (size_t i = 0; i < l->count; i++) {
        const int64_t file_s = l->entries[i].st.mtime_ns / NS_PER_S;

        newest_s = l->entries[i].st.kind == FILE_REGULAR && file_s > newest_s ? file_s : newest_s;
    }
    age_s = clock_real_us() / US_PER_S - newest_s;
    return age_s > 0 ? age_s : 0;
}

/* Do two checks name places in one directory? */
static bool share_parent(const struct check *a, const struct check *b)
{
    const size_t n = (size_t)(path_name(a->path) - a->path);

    return a->root == b->root && a->parent_ino != 0 && a->parent_ino == b->parent_ino &&
           n == (size_t)(path_name(b->path) - b->path) && memcmp(a->path, b->path, n) == 0;
}

void place_above_release(struct place_above *above)
{
    if (above->fd >= 0) {
        (void)close(above->fd); /* O_PATH */
    }
    *above = PLACE_ABOVE_NONE;
}

/* Have the directory above a check's place open, if it is already or the next check needs it, too:
 * the one that the model has there, by inode. True if it is. */
static bool open_above(const struct place_root *root, const struct check *check,
                       const struct check *next, struct place_above *above)
{
    char parent[PATH_BYTES_MAX + 1];
    struct statx stx;

    if (above->fd >= 0 && share_parent(above->of, check)) {
        return true;
    }
    place_above_release(above);
    if (next == NULL || !share_parent(check, next) ||
        path_parent(parent, sizeof(parent), check->path) != 0 ||
        tree_open(root->fd, parent, O_PATH | O_DIRECTORY, &above->fd) != 0) {
        return false;
    }
    above->of = check;
    if (check_mount(root, above->fd, &stx) != 0 || stx.stx_ino != check->parent_ino) {
        place_above_release(above);
    }
    return above->fd >= 0;
}

/* Open the directory at a check's place, and look. 0 or -errno: -ENOENT if the directory above is
 * another than the model has there. */
static int open_place(const struct place_root *root, const struct check *check,
                      const struct check *next, struct place_above *above, int *ret_fd,
                      struct statx *ret)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const bool by_parent = open_above(root, check, next, above);
    int fd;
    int code = by_parent ? tree_open(above->fd, path_name(check->path), flags, &fd)
                         : tree_open(root->fd, check->path, flags, &fd);

    if (code != 0) {
        return code;
    }
    code = check_mount(root, fd, ret);
    if (code == 0 && check->parent_ino != 0 && !by_parent && !lies_in(fd, check->parent_ino)) {
        code = parent_is(root, check->path, check->parent_ino);
        code = code == 0 ? 0 : -ENOENT;
    }
    if (code != 0) {
        (void)close(fd); /* read only */
        return code;
    }
    *ret_fd = fd;
    return 0;
}

/* Is the directory the one that was listed, with the times of then? */
static bool glance(const struct place_root *root, const struct check *check,
                   const struct check *next, struct place_above *above)
{
    struct statx stx;
    int code;
    int fd;

    if (open_above(root, check, next, above)) {
        code = place_statx(above->fd, path_name(check->path), STATX_MTIME | STATX_CTIME, &stx);
    } else {
        code = tree_open(root->fd, check->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, &fd);
        if (code == 0) {
            code = place_statx(fd, "", STATX_MTIME | STATX_CTIME, &stx);
            (void)close(fd); /* O_PATH */
        }
    }
    return code == 0 && place_same_mount(root, &stx) == 0 && stx.stx_ino == check->ino &&
           mark_of(&stx) == check->mark;
}

/* Watch an open directory with inotify. 0 or -errno. */
static int watch_inotify(int fd, int *ret_wd)
{
    int wd = -1;
    const int code = notify_place(fd, &wd);

    if (code == 0 && handles_has_range(wd)) {
        notify_forget(wd); /* the descriptors have run up to where fanotify's begin */
        return -ENOSPC;
    }
    *ret_wd = wd;
    return code;
}

/* Watch an open directory with fanotify, the root's file system being marked with the first. 0 or
 * -errno. */
static int watch_fanotify(struct place_root *root, int fd, int *ret_wd)
{
    uint64_t fsid = atomic_load(&root->fsid);

    if (fsid == 0) {
        const int code = fan_mark(root->fan, root->fd, &fsid);

        if (code != 0) {
            return code;
        }
        atomic_store(&root->fsid, fsid);
    }
    return fan_place(root->fan, fsid, fd, ret_wd);
}

/* The same for WATCH_AUTO: inotify as far as it goes. What fanotify watches already stays so, since
 * it is by its watch that a directory is known. */
static int watch_auto(struct place_root *root, int fd, int *ret_wd)
{
    const uint64_t fsid = atomic_load(&root->fsid);
    const int known = fsid == 0 ? -1 : fan_placed(root->fan, fsid, fd);
    int code;

    if (known >= 0) {
        *ret_wd = known;
        return 0;
    }
    code = watch_inotify(fd, ret_wd);
    if (code == -ENOSPC && root->fan != NULL && watch_fanotify(root, fd, ret_wd) == 0) {
        return 0;
    }
    return code;
}

/* Watch an open directory as the root wants it. 0 or -errno (*ret_wd untouched). */
static int watch(struct place_root *root, int fd, int *ret_wd)
{
    switch (root->with) {
    case WATCH_AUTO:
        return watch_auto(root, fd, ret_wd);
    case WATCH_INOTIFY:
        return watch_inotify(fd, ret_wd);
    case WATCH_FANOTIFY:
        return watch_fanotify(root, fd, ret_wd);
    case WATCH_SCAN:
        break;
    }
    return 0;
}

void place_look(struct place_root *root, const struct check *check, const struct check *next,
                struct place_above *above, void *scratch, struct check_result *ret)
{
    struct statx stx;
    int fd;
    int code;

    *ret = (struct check_result){.wd = -1};
    if (check->mark != 0 && !atomic_load(root->stop) && glance(root, check, next, above)) {
        ret->outcome = CHECK_SAME;
        return;
    }
    code = atomic_load(root->stop) ? -ECANCELED : open_place(root, check, next, above, &fd, &stx);
    if (code != 0) {
        not_entered(root, check, code, ret);
        return;
    }
    ret->ino = stx.stx_ino;
    ret->mark = mark_of(&stx);
    if (root->watch) {
        ret->watch_code = watch(root, fd, &ret->wd);
    }
    ret->outcome = CHECK_FOUND;
    ret->listing = list(root, fd, check->path, scratch);
    (void)close(fd); /* read only */
    if (ret->listing != NULL && ret->listing->code == -ENOENT) {
        /* Removed since it was opened: that is an absence, not a directory that cannot be read. */
        listing_free(ret->listing);
        ret->listing = NULL;
        not_entered(root, check, -ENOENT, ret);
    } else if (ret->listing == NULL) {
        ret->outcome = CHECK_UNREADABLE;
        ret->code = -ENOMEM;
    } else {
        ret->age_s = age_of(&stx, ret->listing);
    }
}
