/* Where monitoring asks and the loop answers. Shell. */
#include "agent/service/desk.h"

#include "agent/service/vitals.h"
#include "base/clock.h"
#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define WHY_MAX (1 << 20)

struct desk {
    const char *journal_dir;
    const char *state_dir;

    pthread_mutex_t turn; /* of one asker; all of this is that asker's: */
    struct buf text;      /* the last answer */
    struct buf why;
    int healthy;
    int64_t made_ms; /* when the loop was asked for it; 0: never */

    pthread_mutex_t lock; /* held for a moment only, by the loop too */
    pthread_cond_t changed;
    struct mailbox *questions;
    struct letter question; /* the desk's unless it is out */
    bool out;
    bool closed;
    bool answered;
    struct metrics *answer; /* NULL where there was no memory for it */
};

int desk_new(const char *journal_dir, const char *state_dir, struct desk **ret)
{
    struct desk *d = calloc(1, sizeof *d);
    pthread_condattr_t attr;
    int rc;

    if (!d)
        return -ENOMEM;
    d->journal_dir = journal_dir;
    d->state_dir = state_dir;
    buf_init(&d->text, DESK_TEXT_MAX);
    buf_init(&d->why, WHY_MAX);
    pthread_mutex_init(&d->turn, NULL);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attr);
    pthread_condattr_destroy(&attr);
    rc = mailbox_new(0, &d->questions);
    if (rc) {
        desk_free(d);
        return rc;
    }
    *ret = d;
    return 0;
}

void desk_close(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    d->closed = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

void desk_free(struct desk *d)
{
    if (!d)
        return;
    if (d->questions) {
        (void)mailbox_take(d->questions); /* the letter is ours */
        mailbox_free(d->questions);
    }
    metrics_free(d->answer);
    buf_release(&d->text);
    buf_release(&d->why);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->turn);
    free(d);
}

int desk_fd(const struct desk *d)
{
    return mailbox_fd(d->questions);
}

bool desk_asked(struct desk *d)
{
    return mailbox_take(d->questions) != NULL;
}

void desk_answer(struct desk *d, struct metrics *m)
{
    struct metrics *old;

    pthread_mutex_lock(&d->lock);
    old = d->answer; /* its asker gave up */
    d->answer = m;
    d->answered = true;
    d->out = false;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    metrics_free(old);
}

/* So many milliseconds from now, of a clock. */
static struct timespec from_now(clockid_t clock, int64_t ms)
{
    struct timespec t;

    (void)clock_gettime(clock, &t); /* these clocks are always there */
    t.tv_sec += ms / MS_PER_S;
    t.tv_nsec += ms % MS_PER_S * (NS_PER_S / MS_PER_S);
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_sec++;
        t.tv_nsec -= NS_PER_S;
    }
    return t;
}

/* Ask the loop and wait for its answer. 0 with figures that are the caller's. */
static int ask(struct desk *d, int64_t wait_ms, struct metrics **ret)
{
    struct timespec until = from_now(CLOCK_MONOTONIC, wait_ms);
    int rc = 0;

    pthread_mutex_lock(&d->lock);
    d->answered = false;
    if (!d->out && !d->closed) /* one that nobody waited for any more may be out still */
        d->out = mailbox_send(d->questions, &d->question);
    while (!d->answered && !d->closed && rc == 0)
        rc = -pthread_cond_timedwait(&d->changed, &d->lock, &until);
    if (d->closed)
        rc = -ESHUTDOWN;
    else if (d->answered)
        rc = d->answer ? 0 : -ENOMEM;
    if (rc == 0) {
        *ret = d->answer;
        d->answer = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* Make the text of an answer. 0 or a negative code. */
static int write_down(struct desk *d, struct metrics *m)
{
    int rc;

    vitals_process(&m->process);
    vitals_disk(d->journal_dir, d->state_dir, m->anchored ? m->anchored_segment : NULL, &m->disk);
    buf_reset(&d->text);
    buf_reset(&d->why);
    rc = metrics_render(m, PACKAGE_VERSION, &d->text);
    if (rc == 0)
        d->healthy = metrics_healthy(m, &d->why);
    return rc ? rc : d->healthy < 0 ? d->healthy : 0;
}

/* The turn is ours: have an answer that is fresh enough. */
static int refresh(struct desk *d, int64_t wait_ms)
{
    int64_t now_ms = clock_mono_ms();
    struct metrics *m = NULL;
    int rc;

    if (d->made_ms && now_ms - d->made_ms < DESK_FRESH_MS)
        return 0;
    d->made_ms = 0;
    rc = ask(d, wait_ms, &m);
    if (rc == 0)
        rc = write_down(d, m);
    if (rc == 0)
        d->made_ms = now_ms;
    metrics_free(m);
    return rc;
}

int desk_read(struct desk *d, int64_t wait_ms, struct buf *text, struct buf *why)
{
    struct timespec until = from_now(CLOCK_REALTIME, wait_ms);
    int rc = pthread_mutex_timedlock(&d->turn, &until);

    if (rc)
        return -rc;
    rc = refresh(d, wait_ms);
    if (rc == 0 && text && d->text.len)
        rc = buf_append(text, d->text.data, d->text.len);
    if (rc == 0 && why && d->why.len)
        rc = buf_append(why, d->why.data, d->why.len);
    rc = rc ? rc : d->healthy;
    pthread_mutex_unlock(&d->turn);
    return rc;
}
