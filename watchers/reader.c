/*
 * The thread that drains inotify and fanotify. Shell. See reader.h.
 */
#include "watchers/reader.h"

#include "watchers/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH_BYTES 65536
#define NAP_MS      1 /* after a batch: events come in swarms, and a wake-up for each costs more */
#define NAP_QUEUE   4096 /* with a shorter queue in the kernel there is no time for it */
#define MOUNTS_FILE "/proc/self/mountinfo" /* POLLPRI when the table changes: proc(5) */

/* An event in a batch: this, then the name and its NUL, then padding to 8 bytes. */
struct packed {
    int wd;
    uint32_t mask;
    uint32_t cookie;
    uint32_t size; /* of it all */
    char name[];
};

enum { POLL_NOTIFY, POLL_FAN, POLL_CALL, POLL_MOUNTS, POLL_COUNT };

struct reader {
    pthread_t thread;
    bool running;
    int notify_fd;
    struct fan *fan;  /* NULL: without */
    int call_fd;      /* eventfd: stop or barrier */
    int mounts_fd;    /* -1: not to be had */
    size_t queue_max; /* of inotify's queue */
    size_t queue_min; /* of the shorter one */
    void (*give)(void *arg, struct batch *b);
    void *arg;
    atomic_bool stop;
    atomic_bool barrier;
    atomic_size_t bytes_out; /* in batches that were given and not given back */
    bool lost;               /* events were dropped since the last batch */
    size_t len;
    _Alignas(8) char data[BATCH_BYTES];
};

bool batch_next(struct batch *b, struct raw_event *ret)
{
    const struct packed *p = (const struct packed *)(const void *)(b->data + b->at);

    if (b->at >= b->len) {
        return false;
    }
    ret->wd = p->wd;
    ret->mask = p->mask;
    ret->cookie = p->cookie;
    ret->name = p->name;
    b->at += p->size;
    return true;
}

/* Hand on what has been read. */
static void flush(struct reader *r, bool barrier, bool mounts)
{
    const bool full = atomic_load(&r->bytes_out) >= READER_BYTES_MAX;
    const size_t len = full ? 0 : r->len;
    struct batch *b = malloc(sizeof(*b) + len);

    r->lost = r->lost || (full && r->len > 0) || b == NULL;
    r->len = 0;
    if (b == NULL) {
        return;
    }
    *b = (struct batch){.barrier = barrier, .lost = r->lost, .mounts = mounts, .len = len};
    memcpy(b->data, r->data, len);
    r->lost = false;
    atomic_fetch_add(&r->bytes_out, len);
    r->give(r->arg, b);
}

/* Keep one event. */
static void pack(void *arg, const struct raw_event *ev)
{
    struct reader *r = arg;
    const size_t name = strlen(ev->name) + 1;
    const size_t size = (sizeof(struct packed) + name + 7) & ~(size_t)7;
    struct packed *p;

    if (r->len + size > BATCH_BYTES) {
        flush(r, false, false);
    }
    p = (struct packed *)(void *)(r->data + r->len);
    p->wd = ev->wd;
    p->mask = ev->mask;
    p->cookie = ev->cookie;
    p->size = (uint32_t)size;
    memcpy(p->name, ev->name, name);
    r->len += size;
}

/* Read until the kernel has no more, or has given all that its queue could have held at the start.
 */
static void drain(struct reader *r)
{
    struct raw_event ev;

    for (size_t n = 0; n <= r->queue_max && !atomic_load(&r->stop) && notify_next(&ev); n++) {
        pack(r, &ev);
    }
    if (r->fan != NULL) {
        fan_drain(r->fan, &r->stop, pack, r);
    }
}

/* The thread. */
static void *run(void *arg)
{
    struct reader *r = arg;
    uint64_t calls;
    struct pollfd fds[POLL_COUNT] = {{.fd = r->notify_fd, .events = POLLIN},
                                     {.fd = r->fan == NULL ? -1 : fan_fd(r->fan), .events = POLLIN},
                                     {.fd = r->call_fd, .events = POLLIN},
                                     {.fd = r->mounts_fd, .events = POLLPRI}};

    (void)pthread_setname_np(pthread_self(), "watch-reader"); /* for who looks with ps */
    while (!atomic_load(&r->stop)) {
        bool barrier;

        if (poll(fds, POLL_COUNT, -1) < 0) {
            continue; /* EINTR; nothing else can be wrong with these */
        }
        if (fds[POLL_CALL].revents != 0) {
            (void)!read(r->call_fd, &calls, sizeof(calls)); /* readable: cannot fail */
        }
        barrier = atomic_exchange(&r->barrier, false);
        drain(r);
        if (r->len > 0 || barrier || fds[POLL_MOUNTS].revents != 0) {
            flush(r, barrier, fds[POLL_MOUNTS].revents != 0);
            if (r->queue_min >= NAP_QUEUE) {
                (void)poll(&fds[POLL_CALL], 1, NAP_MS); /* however it ends, the loop goes on */
            }
        }
    }
    return NULL;
}

/* Start the thread; it takes no signals. 0 or -errno. */
static int start(struct reader *r)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->running = code == 0;
    return -code;
}

int reader_new(int notify_fd, struct fan *fan, void (*give)(void *arg, struct batch *b), void *arg,
               struct reader **ret)
{
    struct reader *r = calloc(1, sizeof(*r));
    int code;

    if (r == NULL) {
        return -ENOMEM;
    }
    r->notify_fd = notify_fd;
    r->give = give;
    r->arg = arg;
    r->fan = fan;
    r->queue_max = notify_queue_max();
    r->queue_min =
        fan != NULL && fan_queue_max(fan) < r->queue_max ? fan_queue_max(fan) : r->queue_max;
    r->mounts_fd = open(MOUNTS_FILE, O_RDONLY | O_CLOEXEC);
    r->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = r->call_fd < 0 ? -errno : start(r);
    if (code != 0) {
        reader_free(r);
        return code;
    }
    *ret = r;
    return 0;
}

/* Wake the thread. */
static void call(struct reader *r)
{
    const uint64_t one = 1;

    (void)!write(r->call_fd, &one, sizeof(one)); /* fails only where it is readable already */
}

void reader_stop(struct reader *r)
{
    if (r->running) {
        atomic_store(&r->stop, true);
        call(r);
        pthread_join(r->thread, NULL);
        r->running = false;
    }
}

void reader_free(struct reader *r)
{
    if (r == NULL) {
        return;
    }
    reader_stop(r);
    if (r->mounts_fd >= 0) {
        (void)close(r->mounts_fd); /* read only */
    }
    if (r->call_fd >= 0) {
        (void)close(r->call_fd); /* an eventfd holds nothing */
    }
    free(r);
}

void reader_done_take(struct reader *r, struct batch *b)
{
    atomic_fetch_sub(&r->bytes_out, b->len);
    free(b);
}

void reader_barrier(struct reader *r)
{
    atomic_store(&r->barrier, true);
    call(r);
}
