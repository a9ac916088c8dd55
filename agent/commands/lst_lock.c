/* Shell. The lock of who edits a list. See lst_lock.h. */
#include "agent/commands/lst_lock.h"

#include "base/digest.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MODE  0644
#define HASH_BYTES 8  /* of the list's name: names may be as long as names can be */
#define TRIES      10 /* at a lock that its holder removes in that moment */

/* The name of the lock of a list in its directory. */
static void lock_name(const char *list, char *out, size_t size)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX];

    digest_sha256(list, strlen(list), hash);
    hex_encode(hash, HASH_BYTES, hex);
    snprintf(out, size, ".lockstep-edit-%.*s.lock", 2 * HASH_BYTES, hex);
}

/* Who has it, as far as the file tells. */
static int busy(int fd, const char *path, struct err *e)
{
    char who[128];
    ssize_t n = pread(fd, who, sizeof(who) - 1, 0);

    who[n > 0 ? n : 0] = '\0';
    return err_set(e, -EBUSY, path, "wait until that is done", "it is being edited by %s",
                   who[0] ? who : "somebody");
}

/* Open and lock it once. 0, -EAGAIN where it was removed meanwhile, or as lst_lock_take. */
static int try_lock(struct lst_lock *l, const char *path, struct err *e)
{
    struct stat ours, there;
    int fd = openat(l->dir_fd, l->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    int rc = 0;

    if (fd < 0)
        return err_set(e, -errno, path, NULL, "it cannot be locked for editing (%s): %s", l->name,
                       err_name(-errno));
    if (flock(fd, LOCK_EX | LOCK_NB))
        rc = errno == EWOULDBLOCK
                 ? busy(fd, path, e)
                 : err_set(e, -errno, path, NULL, "it cannot be locked: %s", err_name(-errno));
    else if (fstat(fd, &ours) || fstatat(l->dir_fd, l->name, &there, AT_SYMLINK_NOFOLLOW) ||
             ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
        rc = -EAGAIN;
    if (rc)
        (void)close(fd); /* nothing was written to it */
    else
        l->fd = fd;
    return rc;
}

/* Say in the file who has it. That it cannot be written harms nobody. */
static void sign(const struct lst_lock *l)
{
    char host[65] = "";

    (void)gethostname(host, sizeof(host) - 1); /* then without it */
    (void)!ftruncate(l->fd, 0);
    (void)dprintf(l->fd, "uid %u, process %d on %s", (unsigned)getuid(), (int)getpid(), host);
}

int lst_lock_take(const char *path, struct lst_lock *ret, struct err *e)
{
    struct lst_lock l = {.dir_fd = -1, .fd = -1};
    char *real = realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    int rc = real ? -EAGAIN : -errno;

    if (slash) {
        lock_name(slash + 1, l.name, sizeof(l.name));
        *slash = '\0';
        l.dir_fd = open(slash == real ? "/" : real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (real && l.dir_fd < 0)
        rc = -errno;
    if (rc != -EAGAIN)
        (void)err_set(e, rc, path, "a list that is there", "%s", err_name(rc));
    for (int i = 0; rc == -EAGAIN && i < TRIES; i++)
        rc = try_lock(&l, path, e);
    free(real);
    if (rc == -EAGAIN)
        (void)err_set(e, rc, path, "try again", "others lock it all the time");
    if (rc) {
        if (l.dir_fd >= 0)
            (void)close(l.dir_fd);
        return rc;
    }
    sign(&l);
    *ret = l;
    return 0;
}

void lst_lock_drop(struct lst_lock *l)
{
    if (l->fd < 0)
        return;
    (void)unlinkat(l->dir_fd, l->name, 0); /* before the lock goes: who waits looks again */
    (void)close(l->fd);
    (void)close(l->dir_fd);
    l->fd = -1;
}
