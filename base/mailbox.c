/*
 * A queue between threads. Shell.
 *
 * The eventfd counts 1 while letters wait and 0 otherwise. It is set and cleared under the lock, at
 * the two moments when the queue stops or starts being empty: two system calls that never block.
 */
#include "base/mailbox.h"

#include "base/waiters.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t lock;
    struct waiters room;    /* a letter was taken, or closed */
    struct waiters arrival; /* a letter came, or closed */
    struct bundle letters;
    _Atomic size_t count; /* of them, to be read without the lock */
    size_t ceiling;       /* 0: none */
    int fd;
    bool closed;
};

void bundle_add(struct bundle *b, struct letter *l)
{
    l->next = NULL;
    if (b->tail)
        b->tail->next = l;
    else
        b->head = l;
    b->tail = l;
    b->count++;
}

struct letter *bundle_take(struct bundle *b)
{
    struct letter *l = b->head;

    if (!l)
        return NULL;
    b->head = l->next;
    if (!b->head)
        b->tail = NULL;
    b->count--;
    l->next = NULL;
    return l;
}

/* Hang all of one bundle at the end of another. */
static void bundle_join(struct bundle *to, struct bundle *from)
{
    if (from->count == 0)
        return;
    if (to->tail)
        to->tail->next = from->head;
    else
        to->head = from->head;
    to->tail = from->tail;
    to->count += from->count;
    *from = (struct bundle){NULL, NULL, 0};
}

int mailbox_new(size_t ceiling, struct mailbox **ret)
{
    struct mailbox *m = calloc(1, sizeof(*m));
    int rc;

    if (!m)
        return -ENOMEM;
    m->ceiling = ceiling;
    m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->fd < 0) {
        rc = -errno;
        free(m);
        return rc;
    }
    rc = -pthread_mutex_init(&m->lock, NULL);
    if (rc < 0) {
        (void)close(m->fd); /* an eventfd holds nothing to lose */
        free(m);
        return rc;
    }
    waiters_init(&m->room);
    waiters_init(&m->arrival);
    *ret = m;
    return 0;
}

void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    waiters_destroy(&m->arrival); /* by contract nobody waits */
    waiters_destroy(&m->room);
    (void)pthread_mutex_destroy(&m->lock);
    (void)close(m->fd); /* an eventfd holds nothing to lose */
    free(m);
}

int mailbox_fd(const struct mailbox *m)
{
    return m->fd;
}

/* Make the fd readable. Adding 1 to a counter of 0 cannot fail. */
static void ring(const struct mailbox *m)
{
    (void)eventfd_write(m->fd, 1);
}

/* Make the fd quiet. Reading a counter of 1 cannot fail. */
static void hush(const struct mailbox *m)
{
    eventfd_t count;

    (void)eventfd_read(m->fd, &count);
}

/* Letters came: tell who waits. Called with the lock. */
static void announce(struct mailbox *m, size_t n)
{
    if (atomic_fetch_add(&m->count, n) == 0)
        ring(m);
    for (; n > 0 && m->arrival.asleep > 0; n--)
        waiters_wake(&m->arrival);
}

/* Take the oldest letter off, NULL if there is none. Called with the lock. */
static struct letter *detach(struct mailbox *m)
{
    struct letter *l = bundle_take(&m->letters);

    if (!l)
        return NULL;
    if (atomic_fetch_sub(&m->count, 1) == 1)
        hush(m);
    waiters_wake(&m->room);
    return l;
}

bool mailbox_send(struct mailbox *m, struct letter *l)
{
    bool sent;

    (void)pthread_mutex_lock(&m->lock); /* fails only when misused; so do the calls below */
    while (!m->closed && m->ceiling > 0 && m->count >= m->ceiling)
        waiters_wait(&m->room, &m->lock);
    sent = !m->closed;
    if (sent) {
        bundle_add(&m->letters, l);
        announce(m, 1);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return sent;
}

bool mailbox_send_all(struct mailbox *m, struct bundle *b)
{
    size_t n = b->count;
    bool sent;

    (void)pthread_mutex_lock(&m->lock); /* fails only when misused */
    sent = !m->closed;
    if (sent && n > 0) {
        bundle_join(&m->letters, b);
        announce(m, n);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return sent;
}

struct letter *mailbox_take(struct mailbox *m)
{
    struct letter *l;

    (void)pthread_mutex_lock(&m->lock); /* fails only when misused */
    l = detach(m);
    (void)pthread_mutex_unlock(&m->lock);
    return l;
}

void mailbox_take_all(struct mailbox *m, struct bundle *b)
{
    if (atomic_load(&m->count) == 0)
        return;                         /* what is being sent now rings when it is there */
    (void)pthread_mutex_lock(&m->lock); /* fails only when misused */
    if (m->letters.count > 0) {
        bundle_join(b, &m->letters);
        atomic_store(&m->count, 0);
        hush(m);
        waiters_wake_all(&m->room);
    }
    (void)pthread_mutex_unlock(&m->lock);
}

struct letter *mailbox_wait(struct mailbox *m)
{
    struct letter *l;

    (void)pthread_mutex_lock(&m->lock); /* fails only when misused; so do the calls below */
    while (!m->letters.head && !m->closed)
        waiters_wait(&m->arrival, &m->lock);
    l = detach(m);
    (void)pthread_mutex_unlock(&m->lock);
    return l;
}

void mailbox_close(struct mailbox *m)
{
    (void)pthread_mutex_lock(&m->lock); /* fails only when misused; so do the calls below */
    m->closed = true;
    waiters_wake_all(&m->room);
    waiters_wake_all(&m->arrival);
    (void)pthread_mutex_unlock(&m->lock);
}

size_t mailbox_count(const struct mailbox *m)
{
    return atomic_load(&m->count);
}
