/*
 * A watched root. Shell. See roots.h.
 */
#include "watchers/roots.h"

#include "base/tree.h"
#include "watchers/identity.h"
#include "watchers/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int roots_open(struct root *r, const struct watch_root *opt, bool watch, const atomic_bool *stop,
               struct err *e)
{
    struct place_identity place;
    int code = watchers_root_identity(opt->path, &r->identity);

    if (code == 0) {
        code = tree_open_root(opt->path, &r->place.fd);
    }
    if (code != 0) {
        r->place.fd = -1;
        return err_set(e, code, opt->path, "a directory that the agent may read and enter",
                       "cannot open the watched directory: %s", err_name(code));
    }
    code = place_identify(r->place.fd, &place);
    if (code == 0 && (place.dev != r->identity.dev || place.ino != r->identity.ino)) {
        code = -ESTALE;
    }
    if (code == 0) {
        code = filter_new(&opt->filter, &r->filter);
    }
    r->path = strdup(opt->path);
    if (code == 0 && r->path == NULL) {
        code = -ENOMEM;
    }
    if (code != 0) {
        return err_set(e, code, opt->path, "", "cannot watch the directory: %s", err_name(code));
    }
    r->rescan_ms = opt->rescan_ms;
    r->remote = identity_is_remote(&r->identity);
    atomic_store(&r->place.dev, r->identity.dev);
    atomic_store(&r->place.mount_id, r->identity.mount_id);
    r->place.filter = r->filter;
    r->place.links = opt->filter.with_links;
    r->place.ask_files = opt->sync == WATCH_SYNC_ON || (opt->sync == WATCH_SYNC_AUTO && r->remote);
    r->place.watch = watch && opt->with != WATCH_SCAN;
    r->place.with = opt->with;
    r->place.remote = r->remote;
    r->place.list_absent = identity_forgets_late(&r->identity);
    r->place.nlink_tells = !place.removed;
    r->place.stop = stop;
    return 0;
}

/* Say why a root cannot be watched with fanotify, and what would be right. Returns ERR_REFUSED. */
static int say_no_fanotify(const struct root *r, int code, struct err *e)
{
    const char *right;

    switch (code) {
    case -EPERM:
        right = "start the agent with CAP_SYS_ADMIN, or set watch = \"auto\"";
        break;
    case -ENODEV:
    case -EOPNOTSUPP:
    case -EXDEV:
        right = "ext4, xfs, tmpfs or the top volume of btrfs can; else set watch = \"auto\", or "
                "\"scan\"";
        break;
    case -EINVAL:
    case -ENOSYS:
        right = "fanotify with names needs Linux 5.17; else set watch = \"auto\"";
        break;
    case -EMFILE:
        right = "raise fs.fanotify.max_user_groups, or set watch = \"auto\"";
        break;
    default:
        right = "set watch = \"auto\"";
        break;
    }
    return err_set(e, ERR_REFUSED, r->path, right,
                   "watch = \"fanotify\" is not possible here (file system %s): %s",
                   r->identity.fs_name, err_name(code));
}

int roots_mark(struct root *r, struct fan *fan, int code, struct err *e)
{
    uint64_t fsid = 0;

    if (!r->place.watch || r->place.with == WATCH_INOTIFY) {
        return 0;
    }
    r->place.fan = fan;
    if (r->place.with == WATCH_AUTO) {
        return 0; /* marked when inotify has no watches left */
    }
    if (fan != NULL) {
        code = fan_mark(fan, r->place.fd, &fsid);
    }
    if (code != 0) {
        return say_no_fanotify(r, code, e);
    }
    atomic_store(&r->place.fsid, fsid);
    return 0;
}

void roots_release(struct root *r)
{
    if (r->place.fd >= 0) {
        (void)close(r->place.fd); /* O_PATH */
    }
    filter_free(r->filter);
    free(r->path);
}

int roots_compare(struct root *r)
{
    struct root_identity now;
    int fd;
    int code = watchers_root_identity(r->path, &now);

    if (code != 0) {
        return code;
    }
    if (now.dev == r->identity.dev && now.ino == r->identity.ino &&
        now.mount_id == r->identity.mount_id) {
        return 0;
    }
    if (!atomic_load(&r->lost) || !identity_same_tree(&r->identity, &now)) {
        return -ESTALE;
    }
    /* It was mounted anew: take the new one under the number that everybody knows. */
    code = tree_open_root(r->path, &fd);
    if (code != 0) {
        return code;
    }
    if (dup3(fd, r->place.fd, O_CLOEXEC) < 0) {
        code = -errno;
    }
    (void)close(fd); /* O_PATH */
    if (code == 0) {
        r->identity = now;
        atomic_store(&r->place.fsid, 0); /* fanotify's mark went with the old one */
        atomic_store(&r->place.dev, now.dev);
        atomic_store(&r->place.mount_id, now.mount_id);
    }
    return code;
}

int roots_guard(const struct root *r)
{
    int fd;
    int wd;

    if (!r->place.watch) {
        return -1;
    }
    fd = openat(r->place.fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (notify_guard(fd, &wd) != 0) {
        wd = -1;
    }
    (void)close(fd); /* read only */
    return wd;
}
