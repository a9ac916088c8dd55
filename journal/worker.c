/* A thread that does one thing whenever it is asked to. Shell. */
#include "journal/worker.h"

#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct journal_worker {
    pthread_t thread;
    struct mailbox *asked;                      /* closed: the thread ends */
    struct mailbox *answered;                   /* its fd is the caller's to wait on */
    struct letter letters[JOURNAL_WORKER_MOST]; /* which go to and fro, in turns */
    size_t turn;                                /* of them: the next one that goes */
    void (*work)(void *arg, size_t n);
    void *arg;
    size_t asked_count; /* questions whose answers were not taken */
};

/* The thread. */
static void *worker_main(void *arg)
{
    struct journal_worker *w = arg;
    struct bundle round = {0};
    struct letter *letter;

    while ((letter = mailbox_wait(w->asked))) {
        bundle_add(&round, letter);
        mailbox_take_all(w->asked, &round);
        w->work(w->arg, round.count);
        (void)!mailbox_send_all(w->answered, &round); /* it is never closed */
    }
    return NULL;
}

/* A thread that takes no signals. 0 or -errno. */
static int start_thread(struct journal_worker *w)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = -pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Everything but a running thread. */
static void release(struct journal_worker *w)
{
    mailbox_free(w->asked);
    mailbox_free(w->answered);
    free(w);
}

int journal_worker_new(void (*work)(void *arg, size_t n), void *arg, struct journal_worker **ret)
{
    struct journal_worker *w = calloc(1, sizeof(*w));
    int rc;

    if (!w)
        return -ENOMEM;
    w->work = work;
    w->arg = arg;
    rc = mailbox_new(0, &w->asked);
    if (rc == 0)
        rc = mailbox_new(0, &w->answered);
    if (rc == 0)
        rc = start_thread(w);
    if (rc == 0)
        *ret = w;
    else
        release(w);
    return rc;
}

int journal_worker_fd(const struct journal_worker *w)
{
    return mailbox_fd(w->answered);
}

void journal_worker_ask(struct journal_worker *w)
{
    w->asked_count++;
    /* Answers come in the order of the questions, so this letter is back; the mailbox is open until
     * the worker is freed. */
    (void)!mailbox_send(w->asked, &w->letters[w->turn++ % JOURNAL_WORKER_MOST]);
}

bool journal_worker_is_busy(const struct journal_worker *w)
{
    return w->asked_count > 0;
}

bool journal_worker_has_room(const struct journal_worker *w)
{
    return w->asked_count < JOURNAL_WORKER_MOST;
}

bool journal_worker_take(struct journal_worker *w, bool wait)
{
    if (w->asked_count == 0 || !(wait ? mailbox_wait(w->answered) : mailbox_take(w->answered)))
        return false;
    w->asked_count--;
    return true;
}

void journal_worker_free(struct journal_worker *w)
{
    if (!w)
        return;
    while (journal_worker_take(w, true)) {
        /* Whatever it was. */
    }
    mailbox_close(w->asked);
    pthread_join(w->thread, NULL);
    release(w);
}
