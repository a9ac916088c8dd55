/*
 * Making durable what was flushed: here and now, or by a thread while the writer goes on. Shell.
 *
 * The thread does nothing but one fdatasync after the other. While it has the segment nobody writes
 * to it: if it fails, no byte comes behind the failure. So what is flushed does not change until
 * the thread has answered, and the batch that is made meanwhile stays open, in memory.
 */
#include "base/mailbox.h"
#include "journal/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct journal_syncer {
    pthread_t thread;
    struct mailbox *asked;    /* closed: the thread ends */
    struct mailbox *answered; /* its fd is the caller's to wait on */
    struct order {
        struct letter letter;
        struct journal_segment segment;
        int rc;
    } order;
    bool under_way;
};

/* The thread. */
static void *syncer_main(void *arg)
{
    struct journal_syncer *s = arg;
    struct letter *letter;

    while ((letter = mailbox_wait(s->asked))) {
        s->order.rc = journal_segment_sync(&s->order.segment);
        (void)!mailbox_send(s->answered, letter); /* it is never closed */
    }
    return NULL;
}

/* A thread that takes no signals. 0 or -errno. */
static int start_thread(struct journal_syncer *s)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = -pthread_create(&s->thread, NULL, syncer_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Everything but a running thread. */
static void syncer_free(struct journal_syncer *s)
{
    mailbox_free(s->asked);
    mailbox_free(s->answered);
    free(s);
}

/* A thread that waits to be asked. 0, -ENOMEM, -errno. */
static int syncer_new(struct journal_syncer **ret)
{
    struct journal_syncer *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    rc = mailbox_new(0, &s->asked);
    if (rc == 0)
        rc = mailbox_new(0, &s->answered);
    if (rc == 0)
        rc = start_thread(s);
    if (rc == 0)
        *ret = s;
    else
        syncer_free(s);
    return rc;
}

int journal_sync_apart(struct journal *j, int *ret_fd)
{
    if (!j->syncer) {
        int rc = syncer_new(&j->syncer);

        if (rc)
            return rc;
    }
    *ret_fd = mailbox_fd(j->syncer->answered);
    return 0;
}

/* The thread is through with what it was asked for, if anything: true, and how it went. Without
 * `wait` false where it is not. */
static bool take_answer(struct journal_syncer *s, bool wait, int *ret_rc)
{
    if (!(wait ? mailbox_wait(s->answered) : mailbox_take(s->answered)))
        return false;
    s->under_way = false;
    *ret_rc = s->order.rc;
    return true;
}

bool journal_is_syncing(const struct journal *j)
{
    return j->syncer && j->syncer->under_way;
}

void journal_sync_drop(struct journal *j)
{
    int rc;

    if (journal_is_syncing(j))
        (void)take_answer(j->syncer, true, &rc); /* whatever it is, all is written again */
}

void journal_sync_stop(struct journal *j)
{
    struct journal_syncer *s = j->syncer;

    if (!s)
        return;
    journal_sync_drop(j);
    mailbox_close(s->asked);
    pthread_join(s->thread, NULL);
    syncer_free(s);
    j->syncer = NULL;
}

/* Everything flushed is on disk: only the open batch stays in memory. */
void journal_set_durable(struct journal *j)
{
    size_t n = journal_open_bytes(j);

    j->durable = j->head;
    j->durable_size = j->segment.size;
    j->mark_count = 0;
    if (j->open_from && j->held.data) {
        memmove(j->held.data, j->held.data + j->open_from, n);
        j->held.len = n;
        j->held.data[n] = '\0';
    }
    j->open_from = 0;
}

/* What an fdatasync of all that was flushed has said. 0 or -EIO. */
static int answered(struct journal *j, int rc)
{
    if (journal_is_full(rc))
        journal_degrade(j);
    if (rc)
        return journal_fail_over(j);
    journal_set_durable(j);
    return 0;
}

int journal_settle(struct journal *j, bool wait)
{
    int rc;

    if (!journal_is_syncing(j) || !take_answer(j->syncer, wait, &rc))
        return 0;
    return answered(j, rc);
}

int journal_sync_flushed(struct journal *j)
{
    int rc = journal_settle(j, true);

    if (rc || j->mark_count == 0)
        return rc;
    return answered(j, journal_segment_sync(&j->segment));
}

int journal_sync_begin(struct journal *j)
{
    struct journal_syncer *s = j->syncer;
    int rc = journal_flush(j);

    if (rc || j->mark_count == 0 || journal_is_syncing(j))
        return rc;
    if (!s)
        return journal_sync_flushed(j);
    s->order.segment = j->segment;
    s->under_way = mailbox_send(s->asked, &s->order.letter);
    return s->under_way ? 0 : journal_sync_flushed(j);
}

int journal_sync_end(struct journal *j)
{
    return j->failed ? -EIO : journal_settle(j, false);
}

uint64_t journal_durable_seq(const struct journal *j)
{
    return j->durable.next_seq - 1;
}
