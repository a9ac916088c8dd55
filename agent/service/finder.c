/* The indexes beside the journal's closed segments. Shell. See finder.h. */
#include "agent/service/finder.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "journal/search.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finder {
    char *dir;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    struct mailbox *calls;       /* a letter: look for segments without an index */
    uint64_t closed;             /* the loop's: segments of which the thread was told */
    char last[JOURNAL_NAME_MAX]; /* the thread's: up to here all was looked at; "" nothing */
};

/* journal_index_all's. */
static bool told(void *arg, const char *segment, int code, bool made)
{
    struct finder *f = arg;

    if (code == 0 && made)
        log_debug("journal: %s has its index", segment);
    else if (code == ERR_CORRUPT)
        log_warning("journal: %s is damaged and gets no index; run: lockstep journal verify",
                    segment);
    else if (code)
        log_warning("journal: no index for %s: %s; it is read whole by who searches", segment,
                    err_name(code));
    snprintf(f->last, sizeof f->last, "%s", segment);
    return !atomic_load(&f->stopping);
}

static void *finder_main(void *arg)
{
    struct finder *f = arg;
    struct letter *l;

    while ((l = mailbox_wait(f->calls))) {
        struct err e = {0};

        free(l);
        if (atomic_load(&f->stopping))
            continue;
        if (journal_index_all(f->dir, f->last[0] ? f->last : NULL, false, told, f, &e))
            log_warning("journal: its segments get no indexes: %s", e.what);
    }
    return NULL;
}

/* Call the thread. Without memory it looks at the next closed segment. */
static void call(struct finder *f)
{
    struct letter *l = calloc(1, sizeof *l);

    if (l && !mailbox_send(f->calls, l))
        free(l);
}

int finder_new(const char *dir, struct finder **ret)
{
    struct finder *f = calloc(1, sizeof *f);
    int rc = f ? 0 : -ENOMEM;

    if (rc == 0) {
        f->dir = strdup(dir);
        rc = f->dir ? mailbox_new(0, &f->calls) : -ENOMEM;
    }
    if (rc == 0) {
        rc = -pthread_create(&f->thread, NULL, finder_main, f);
        f->started = rc == 0;
    }
    if (rc) {
        finder_free(f);
        return rc;
    }
    call(f);
    *ret = f;
    return 0;
}

void finder_step(struct finder *f, const struct journal *j)
{
    struct journal_standing s;

    if (!f)
        return;
    journal_standing(j, &s);
    if (s.closed != f->closed)
        call(f);
    f->closed = s.closed;
}

void finder_free(struct finder *f)
{
    struct letter *l;

    if (!f)
        return;
    atomic_store(&f->stopping, true);
    if (f->calls)
        mailbox_close(f->calls);
    if (f->started)
        pthread_join(f->thread, NULL);
    while (f->calls && (l = mailbox_take(f->calls)))
        free(l);
    mailbox_free(f->calls);
    free(f->dir);
    free(f);
}
