/* Atomic replacement of a file. Shell. */
#include "base/replace.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_HEAD   ".lockstep-"
#define TEMP_TAIL   ".tmp"
#define TEMP_RANDOM 8 /* bytes; shown as 16 digits */
#define TEMP_TRIES  16
#define TEMP_NAME_N (sizeof(TEMP_HEAD) - 1 + 2 * (size_t)TEMP_RANDOM + sizeof(TEMP_TAIL) - 1)
#define MODE_BITS   07777
#define LEFTOVER_S  3600 /* younger ones may be in use by another process */

_Static_assert(TEMP_NAME_N < sizeof(((struct replace *)0)->temp), "struct replace is too small");

/* The name can stand for a file in a directory. */
static bool is_file_name(const char *name)
{
    return *name != '\0' && !strchr(name, '/') && path_check(name) == 0;
}

/* Create a temporary file under a name nobody has: a descriptor or -errno. */
static int create_temp(int dir_fd, mode_t mode, char temp[64])
{
    uint8_t bytes[TEMP_RANDOM];
    char digits[2 * TEMP_RANDOM + 1];

    for (int i = 0; i < TEMP_TRIES; i++) {
        int fd;

        if (getentropy(bytes, sizeof(bytes)) < 0)
            return -errno;
        (void)snprintf(temp, 64, TEMP_HEAD "%s" TEMP_TAIL,
                       hex_encode(bytes, sizeof(bytes), digits)); /* fits: asserted above */
        fd = openat(dir_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

int replace_begin(struct replace *r, int dir_fd, const char *name, uint32_t mode)
{
    struct replace new = {.dir_fd = dir_fd};
    struct stat st;
    int rc = 0;

    if (!is_file_name(name))
        return -EINVAL;
    memcpy(new.name, name, strlen(name) + 1);
    new.fd = create_temp(dir_fd, mode & 0777, new.temp);
    if (new.fd < 0)
        return new.fd;
    if (fchmod(new.fd, mode & MODE_BITS) < 0 || fstat(new.fd, &st) < 0) /* whatever the umask */
        rc = -errno;
    if (rc < 0) {
        replace_abort(&new);
        return rc;
    }
    new.ino = st.st_ino;
    *r = new;
    return 0;
}

int replace_like(struct replace *r, const struct file_stat *st)
{
    struct stat now;
    uid_t uid = (uid_t)-1; /* leave it */
    gid_t gid = (gid_t)-1;

    if (fstat(r->fd, &now) < 0)
        return -errno;
    if (now.st_uid != st->uid)
        uid = st->uid;
    if (now.st_gid != st->gid)
        gid = st->gid;
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(r->fd, uid, gid) < 0)
        return -errno;
    if (fchmod(r->fd, st->mode & MODE_BITS) < 0) /* last: chown clears the set-id bits */
        return -errno;
    return 0;
}

int replace_sync(struct replace *r)
{
    int fd = r->fd;
    int rc = 0;

    if (fd < 0)
        return 0;
    if (fsync(fd) < 0)
        rc = -errno;
    r->fd = -1;
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    return rc;
}

/* Open the directory itself: dir_fd may be O_PATH, which cannot be synced or read. */
static int open_directory(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 ? fd : -errno;
}

/* Rename into place. A server that answered a first request which was lost may say ENOENT to its
 * repetition (rename(2), BUGS): then what lies under the name tells. */
static int rename_into_place(const struct replace *r)
{
    struct stat st;

    if (renameat(r->dir_fd, r->temp, r->dir_fd, r->name) == 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    if (fstatat(r->dir_fd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == r->ino)
        return 0;
    return -ENOENT;
}

/* fsync of a directory; file systems that cannot do it say EINVAL, and then there is nothing to do.
 */
static int sync_directory(int fd)
{
    if (fsync(fd) < 0 && errno != EINVAL)
        return -errno;
    return 0;
}

/* The same of a name that nothing has. Where there are no links, the rename sees to that. */
static int link_into_place(const struct replace *r)
{
    if (linkat(r->dir_fd, r->temp, r->dir_fd, r->name, 0) == 0) {
        (void)unlinkat(r->dir_fd, r->temp, 0); /* what stays, replace_sweep removes */
        return 0;
    }
    if (errno != EPERM && errno != EOPNOTSUPP)
        return -errno;
    return renameat2(r->dir_fd, r->temp, r->dir_fd, r->name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

/* Sync the file, put it into place, sync the directory. */
static int commit(struct replace *r, int (*place)(const struct replace *r))
{
    int rc = replace_sync(r);
    int dir_fd = -1;

    if (rc == 0) {
        dir_fd = open_directory(r->dir_fd);
        rc = dir_fd < 0 ? dir_fd : place(r);
    }
    if (rc == 0) {
        r->temp[0] = '\0';
        rc = sync_directory(dir_fd);
    }
    if (dir_fd >= 0)
        (void)close(dir_fd); /* opened for reading: nothing to lose */
    replace_abort(r);
    return rc;
}

int replace_commit(struct replace *r)
{
    return commit(r, rename_into_place);
}

int replace_commit_new(struct replace *r)
{
    return commit(r, link_into_place);
}

void replace_abort(struct replace *r)
{
    if (r->fd >= 0)
        (void)close(r->fd); /* its content is thrown away */
    r->fd = -1;
    if (r->temp[0] != '\0')
        (void)unlinkat(r->dir_fd, r->temp, 0); /* what stays, replace_sweep removes */
    r->temp[0] = '\0';
}

bool replace_is_temp(const char *name)
{
    size_t head = sizeof(TEMP_HEAD) - 1;

    return strlen(name) == TEMP_NAME_N && strncmp(name, TEMP_HEAD, head) == 0 &&
           strspn(name + head, "0123456789abcdef") == 2 * (size_t)TEMP_RANDOM &&
           strcmp(name + head + 2 * (size_t)TEMP_RANDOM, TEMP_TAIL) == 0;
}

/* Unlink the file if it is an old leftover. */
static int sweep_one(int dir_fd, const char *name, int64_t now_s)
{
    struct stat st;

    if (!replace_is_temp(name))
        return 0;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(st.st_mode) || st.st_mtim.tv_sec > now_s - LEFTOVER_S)
        return 0;
    return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int replace_sweep(int dir_fd)
{
    int64_t now_s = clock_real_us() / US_PER_S;
    int fd = open_directory(dir_fd);
    int rc = 0;
    DIR *dir;

    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir) {
        rc = -errno;
        (void)close(fd); /* opened for reading: nothing to lose */
        return rc;
    }
    for (;;) {
        struct dirent *entry;
        int one;

        errno = 0;
        entry = readdir(dir);
        if (!entry)
            break;
        one = sweep_one(fd, entry->d_name, now_s);
        rc = rc == 0 ? one : rc; /* the first failure; the rest is swept all the same */
    }
    if (errno != 0 && rc == 0)
        rc = -errno;
    (void)closedir(dir); /* opened for reading: nothing to lose */
    return rc;
}
