/* Shell. One agent a tree. See owner.h. */
#include "agent/service/owner.h"

#include "agent/service/aside.h"
#include "agent/service/events.h"

#include "base/log.h"
#include "base/visible.h"
#include "watchers/watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define LOCK_NAME  ".lockstep-lock" /* the watchers pass it over: watchers/filter.c */
#define LOCK_TRIES 8                /* while others let go of theirs in the same moment */
#define WHO_MAX    128
#define OFFSETS    (UINT64_C(1) << 62) /* of a directory, on one of which an agent's lock is */

struct hold {
    int dir_fd; /* the tree, locked, or (of two mappings with one tree) known to be; -1: not there
                 */
    int fd;     /* the locked file in it; -1: there is none */
    struct root_identity identity; /* of the tree */
};

struct owner {
    const struct conf *conf;
    struct hold holds[];
};

/* The open file is the one that has the name. */
static bool has_name(int dir_fd, int fd)
{
    struct stat mine, named;

    return fstat(fd, &mine) == 0 && fstatat(dir_fd, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/* Let go of one. Whoever takes the file meanwhile sees that it has no name any more. */
static void hold_end(struct hold *h)
{
    if (h->fd >= 0) {
        if (has_name(h->dir_fd, h->fd))
            (void)unlinkat(h->dir_fd, LOCK_NAME, 0); /* a leftover does no harm */
        close(h->fd);
    }
    if (h->dir_fd >= 0)
        close(h->dir_fd);
    h->fd = h->dir_fd = -1;
}

void owner_free(struct owner *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->conf->mapping_count; i++)
        hold_end(&o->holds[i]);
    free(o);
}

/* Lock the directory among the processes of this host. 0, -EBUSY, or -errno. */
static int lock_directory(int fd)
{
    struct flock mine = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    uint64_t at;

    if (getrandom(&at, sizeof at, 0) != sizeof at)
        return -EIO;
    mine.l_start = (off_t)(at % OFFSETS);
    if (fcntl(fd, F_OFD_SETLK, &mine) || fcntl(fd, F_OFD_GETLK, &any))
        return -errno;
    return any.l_type == F_UNLCK ? 0 : -EBUSY;
}

/* Try once. 0; -EAGAIN: it lost its name meanwhile; -EBUSY: another holds it; -errno. *ret_fd is
 * open with 0 and -EBUSY. */
static int lock_once(int dir_fd, int *ret_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    int rc = 0, fd = openat(dir_fd, LOCK_NAME,
                            O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        rc = -EINVAL;
    else if (fcntl(fd, F_OFD_SETLK, &lock))
        rc = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
    else if (!has_name(dir_fd, fd))
        rc = -EAGAIN;
    if (rc && rc != -EBUSY)
        close(fd);
    else
        *ret_fd = fd;
    return rc;
}

/* Write into the file who holds it. */
static void sign(int fd)
{
    struct utsname host;
    char who[WHO_MAX];
    int n = snprintf(who, sizeof who, "process %ld on %.64s\n", (long)getpid(),
                     uname(&host) == 0 ? host.nodename : "an unknown host");

    if (ftruncate(fd, 0) || pwrite(fd, who, (size_t)n, 0) != n)
        log_debug("%s: it cannot be written",
                  LOCK_NAME); /* it only tells, the lock is what counts */
}

/* Who holds the file, for people. */
static void read_who(int fd, char out[4 * WHO_MAX])
{
    char who[WHO_MAX];
    ssize_t n = pread(fd, who, sizeof who - 1, 0);
    struct buf shown;

    who[n > 0 ? n : 0] = '\0';
    who[strcspn(who, "\n")] = '\0';
    buf_init(&shown, 4 * WHO_MAX);
    snprintf(out, 4 * WHO_MAX, "%s",
             who[0] && visible_append(&shown, who) == 0 ? shown.data : "an unknown one");
    buf_release(&shown);
}

/* Lock the file, among all hosts. As lock_once, without -EAGAIN; who: filled in with -EBUSY. */
static int lock_file(struct hold *h, char who[4 * WHO_MAX])
{
    int fd = -1, rc = -EAGAIN;

    for (int i = 0; rc == -EAGAIN && i < LOCK_TRIES; i++)
        rc = lock_once(h->dir_fd, &fd);
    if (rc == -EBUSY) {
        read_who(fd, who);
        close(fd);
    } else if (rc == 0) {
        h->fd = fd;
        sign(fd);
    }
    return rc;
}

/* These are one directory. */
static bool is_directory(const struct root_identity *a, const struct root_identity *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

/* Another mapping of ours has the same directory, and its locks. */
static bool is_held(const struct owner *o, const struct hold *h)
{
    for (size_t i = 0; i < o->conf->mapping_count; i++) {
        const struct hold *other = &o->holds[i];

        if (other != h && other->dir_fd >= 0 && is_directory(&other->identity, &h->identity))
            return true;
    }
    return false;
}

/* Lock the directory that `h` has, which is at `path`. */
static int hold_lock(struct hold *h, const char *path, struct err *e)
{
    char who[4 * WHO_MAX] = "a process of this host";
    int rc = lock_directory(h->dir_fd);

    if (rc == 0 && watchers_others_write(&h->identity))
        rc = lock_file(h, who);
    if (rc == -EBUSY)
        return err_set(e, rc, path, "one agent a tree; end that one, or wait for its end",
                       "another lockstep agent acts on it (%s)", who);
    if (rc)
        log_info("%s: no lock can be kept there (%s): another agent on the same tree would not be "
                 "noticed",
                 path, err_name(rc));
    return 0;
}

int owner_again(struct owner *o, unsigned m, struct err *e)
{
    const char *path = o->conf->mappings[m].path;
    struct hold *h = &o->holds[m], now = {.fd = -1};

    now.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (now.dir_fd < 0 || watchers_root_identity(path, &now.identity)) {
        hold_end(&now);
        return 0; /* it is not there, or gone again */
    }
    if (h->dir_fd >= 0 && is_directory(&h->identity, &now.identity) &&
        h->identity.mount_id == now.identity.mount_id &&
        (h->fd < 0 || has_name(h->dir_fd, h->fd))) {
        hold_end(&now);
        return 0;
    }
    hold_end(h);
    *h = now;
    return is_held(o, h) ? 0 : hold_lock(h, path, e);
}

int owner_take(const struct conf *conf, struct owner **ret, struct err *e)
{
    struct owner *o = calloc(1, sizeof *o + conf->mapping_count * sizeof o->holds[0]);
    int rc = 0;

    if (!o)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    o->conf = conf;
    for (size_t i = 0; i < conf->mapping_count; i++)
        o->holds[i] = (struct hold){.dir_fd = -1, .fd = -1};
    for (size_t i = 0; rc == 0 && i < conf->mapping_count; i++)
        rc = owner_again(o, (unsigned)i, e);
    if (rc) {
        owner_free(o);
        return rc;
    }
    *ret = o;
    return 0;
}

/* --- standing by -------------------------------------------------------------------------------
 */

/* It is, as far as can be told without an agent of our own. */
static bool is_over(struct agent *a)
{
    struct owner *o;
    struct err e = {0};
    int rc = owner_take(a->conf, &o, &e);

    if (rc == -EBUSY) {
        a->rival = e; /* it may be another one by now */
        return false;
    }
    if (rc == 0)
        owner_free(o);
    event_tell(EVENT_TAKING_OVER, NULL, NULL, "the other agent is gone; this one begins");
    return true;
}

static int stand_by_text(struct buf *out, const struct agent *a)
{
    int rc = visible_append(out, a->rival.where);

    return rc ? rc
              : buf_appendf(out,
                            ": %s: this one stands by since %" PRId64 " s, and changes nothing\n",
                            a->rival.what, aside_s(a));
}

static void stand_by_json(struct json_writer *w, const struct agent *a)
{
    json_object(w, "standing_by");
    json_put_string(w, "path", a->rival.where);
    json_put_string(w, "why", a->rival.what);
    json_put_int(w, "for_s", aside_s(a));
    json_object_end(w);
}

static const struct aside standing_by = {
    .state = "standing by",
    .refusal = "another lockstep agent acts on these trees; this one stands by",
    .is_over = is_over,
    .json = stand_by_json,
    .text = stand_by_text,
};

bool owner_stand_by(struct agent *a)
{
    int rc;

    event_tell(EVENT_STANDING_BY, NULL, a->rival.where,
               "%s: %s: this one stands by, and changes nothing", a->rival.where, a->rival.what);
    (void)sd_notify(0, "READY=1\nSTATUS=standing by: another agent acts on these trees");
    agent_end_work(a);
    owner_free(a->owner); /* the other trees are whoever's takes all */
    a->owner = NULL;
    agent_now(a);
    rc = aside_wait(a, &standing_by);
    if (rc < 0)
        log_error("standing by failed: %s", err_name(rc));
    return rc == 1;
}
