/*
 * fanotify. Shell. See fan.h.
 */
#include "watchers/fan.h"

#include "watchers/fan_event.h"
#include "watchers/handles.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#define READ_BYTES        65536
#define QUEUE_MAX_DEFAULT 16384
#define QUEUE_MAX_FILE    "/proc/sys/fs/fanotify/max_queued_events"
#define COOKIE_OURS       UINT32_C(0x80000000) /* the kernel counts inotify's up from 1 */

/* No descriptors come with the events, so none can leak. Without FAN_UNLIMITED_QUEUE: a process
 * that is stopped must not fill the kernel's memory with the events of a whole file system. With
 * FAN_UNLIMITED_MARKS, which needs CAP_SYS_ADMIN: who lacks it learns so here. */
#define GROUP_FLAGS                                                                                \
    (FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME | FAN_UNLIMITED_MARKS)
#define MARK_MASK                                                                                  \
    (FAN_CREATE | FAN_DELETE | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_RENAME | FAN_ONDIR)

struct fan {
    int fd;
    size_t queue_max;
    uint32_t cookie;                   /* the reader's */
    pthread_mutex_t lock;              /* guards what follows */
    struct handles *known;             /* directories that have a watch */
    _Alignas(8) char data[READ_BYTES]; /* the reader's */
};

/* Room for a handle, as name_to_handle_at(2) wants it. */
union handle_room {
    struct file_handle head;
    char room[sizeof(struct file_handle) + HANDLES_BYTES_MAX];
};

/* The length of the kernel's queue. */
static size_t read_queue_max(void)
{
    char text[32] = "";
    const int fd = open(QUEUE_MAX_FILE, O_RDONLY | O_CLOEXEC);
    unsigned long n;

    if (fd >= 0) {
        (void)!read(fd, text, sizeof(text) - 1); /* if not, the default */
        (void)close(fd);                         /* read only */
    }
    n = strtoul(text, NULL, 10);
    return n > 0 ? n : QUEUE_MAX_DEFAULT;
}

int fan_new(struct fan **ret)
{
    struct fan *f = calloc(1, sizeof(*f));
    int code;

    if (f == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&f->lock, NULL);
    f->queue_max = read_queue_max();
    f->fd = fanotify_init(GROUP_FLAGS, O_RDONLY | O_CLOEXEC);
    code = f->fd < 0 ? -errno : handles_new(HANDLES_WD_FIRST, HANDLES_WD_LAST, &f->known);
    if (code != 0) {
        fan_free(f);
        return code;
    }
    *ret = f;
    return 0;
}

void fan_free(struct fan *f)
{
    if (f == NULL) {
        return;
    }
    if (f->fd >= 0) {
        (void)close(f->fd); /* and all marks */
    }
    handles_free(f->known);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

int fan_fd(const struct fan *f)
{
    return f->fd;
}

size_t fan_queue_max(const struct fan *f)
{
    return f->queue_max;
}

/* The handle of an open directory, in `room`. 0 or -errno. */
static int handle_of(uint64_t fsid, int dir_fd, union handle_room *room, struct handle *ret)
{
    int mount_id;

    room->head.handle_bytes = HANDLES_BYTES_MAX;
    if (name_to_handle_at(dir_fd, "", &room->head, &mount_id, AT_EMPTY_PATH) != 0) {
        return -errno;
    }
    *ret = (struct handle){.fsid = fsid,
                           .type = room->head.handle_type,
                           .size = room->head.handle_bytes,
                           .bytes = room->head.f_handle};
    return 0;
}

int fan_mark(struct fan *f, int dir_fd, uint64_t *ret_fsid)
{
    union handle_room room;
    struct handle handle;
    struct statfs fs;
    uint64_t fsid;
    int code;

    if (fstatfs(dir_fd, &fs) != 0) {
        return -errno;
    }
    _Static_assert(sizeof(fs.f_fsid) == sizeof(fsid),
                   "the events' fsid is statfs's, byte for byte");
    memcpy(&fsid, &fs.f_fsid, sizeof(fsid));
    code = handle_of(fsid, dir_fd, &room, &handle);
    if (code != 0) {
        return code;
    }
    if (fsid == 0) {
        return -ENODEV;
    }
    if (fanotify_mark(f->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, MARK_MASK, dir_fd, ".") != 0) {
        return -errno;
    }
    *ret_fsid = fsid;
    return 0;
}

int fan_place(struct fan *f, uint64_t fsid, int dir_fd, int *ret_wd)
{
    union handle_room room;
    struct handle handle;
    int code = handle_of(fsid, dir_fd, &room, &handle);

    if (code != 0) {
        return code;
    }
    pthread_mutex_lock(&f->lock);
    code = handles_put(f->known, &handle, ret_wd);
    pthread_mutex_unlock(&f->lock);
    return code;
}

/* The watch of a handle, or -1. */
static int find(struct fan *f, const struct handle *handle)
{
    int wd;

    if (handle->size == 0) {
        return -1;
    }
    pthread_mutex_lock(&f->lock);
    wd = handles_find(f->known, handle);
    pthread_mutex_unlock(&f->lock);
    return wd;
}

int fan_placed(struct fan *f, uint64_t fsid, int dir_fd)
{
    union handle_room room;
    struct handle handle;

    return handle_of(fsid, dir_fd, &room, &handle) == 0 ? find(f, &handle) : -1;
}

bool fan_forget(struct fan *f, int wd)
{
    bool had;

    pthread_mutex_lock(&f->lock);
    had = handles_remove(f->known, wd);
    pthread_mutex_unlock(&f->lock);
    return had;
}

/* Hand on what one event says of directories that have a watch. */
static void pass_on(struct fan *f, const struct fan_event *ev,
                    void (*take)(void *arg, const struct raw_event *ev), void *arg)
{
    const struct fan_wds wds = {
        .at = find(f, &ev->at.dir), .from = find(f, &ev->from.dir), .to = find(f, &ev->to.dir)};
    struct raw_event raw[FAN_EVENT_RAW_MAX];
    const size_t count = fan_event_tell(ev, &wds, COOKIE_OURS | f->cookie, raw);

    f->cookie = (f->cookie + 1) & ~COOKIE_OURS;
    for (size_t i = 0; i < count; i++) {
        take(arg, &raw[i]);
    }
}

void fan_drain(struct fan *f, const atomic_bool *stop,
               void (*take)(void *arg, const struct raw_event *ev), void *arg)
{
    size_t count = 0;

    while (count <= f->queue_max && !atomic_load(stop)) {
        const ssize_t size = read(f->fd, f->data, sizeof(f->data));
        struct fan_event ev;
        size_t at = 0;

        if (size <= 0) {
            return; /* EAGAIN: no more */
        }
        for (; fan_event_next(f->data, (size_t)size, &at, &ev); count++) {
            pass_on(f, &ev, take, arg);
        }
        if (at < (size_t)size) { /* bytes that are no events as we know them: as good as lost */
            ev = (struct fan_event){.mask = FAN_Q_OVERFLOW};
            pass_on(f, &ev, take, arg);
        }
    }
}
