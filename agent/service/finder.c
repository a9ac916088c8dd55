/* The indexes beside the journal's closed segments, and their compression. Shell. See finder.h. */
#include "agent/service/finder.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/priority.h"
#include "journal/frame.h"
#include "journal/pack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is to be done for a closed segment waits for transfers, but not for more than these. */
#define WAITING_MAX    4
#define WAITING_MAX_MS 60000

struct finder {
    char *dir;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    struct mailbox *calls;       /* a letter: look for segments that want something */
    struct mailbox *done;        /* what was looked at: struct report */
    uint64_t closed;             /* the loop's: segments of which the thread was told */
    int64_t looked_ms;           /* the loop's: until then of all */
    struct journal_name settled; /* the loop's: up to here all is done */
    bool given_up;               /* the loop's: nobody knows what is done */
    char last[JOURNAL_NAME_MAX]; /* the thread's: up to here all have indexes; "" nothing */
};

/* The thread has done what is to be done up to a segment. */
struct report {
    struct letter letter;
    struct journal_name segment;
    bool given_up; /* it cannot even look */
};

/* Tell the loop. Without memory it hears of it with the next one. */
static void report(struct finder *f, struct journal_name segment, bool given_up)
{
    struct report *r = calloc(1, sizeof *r);

    if (!r)
        return;
    r->segment = segment;
    r->given_up = given_up;
    if (!mailbox_send(f->done, &r->letter))
        free(r);
}

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

/* journal_pack_all's. */
static bool packed(void *arg, const char *segment, int code, bool made)
{
    struct finder *f = arg;
    struct journal_name name;

    if (code == 0 && made)
        log_debug("journal: %s is compressed", segment);
    else if (code && code != -ENODATA)
        log_warning("journal: %s stays as it is: it cannot be compressed: %s", segment,
                    err_name(code));
    if (journal_name_parse(segment, &name))
        report(f, name, false);
    return !atomic_load(&f->stopping);
}

/* Look at all closed segments. */
static void look(struct finder *f)
{
    struct err e = {0};

    if (journal_index_all(f->dir, f->last[0] ? f->last : NULL, false, told, f, &e))
        log_warning("journal: its segments get no indexes: %s", e.what);
    else if (atomic_load(&f->stopping) || journal_pack_all(f->dir, packed, f, &e) == 0)
        return;
    else
        log_warning("journal: its segments are not compressed: %s", e.what);
    report(f, (struct journal_name){0}, true);
}

static void *finder_main(void *arg)
{
    struct finder *f = arg;
    struct letter *l;

    priority_background();
    while ((l = mailbox_wait(f->calls))) {
        free(l);
        if (!atomic_load(&f->stopping))
            look(f);
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
    if (rc == 0)
        rc = mailbox_new(0, &f->done);
    if (rc == 0) {
        rc = -pthread_create(&f->thread, NULL, finder_main, f);
        f->started = rc == 0;
        if (f->started)
            (void)pthread_setname_np(f->thread, "segments"); /* for whoever lists threads */
    }
    if (rc) {
        finder_free(f);
        return rc;
    }
    call(f);
    *ret = f;
    return 0;
}

int finder_fd(const struct finder *f)
{
    return mailbox_fd(f->done);
}

void finder_step(struct finder *f, const struct journal *j, bool busy, int64_t now_ms)
{
    struct journal_standing s;
    struct letter *l;

    if (!f)
        return;
    while ((l = mailbox_take(f->done))) {
        const struct report *r = (const struct report *)l;

        f->given_up |= r->given_up;
        if (journal_name_compare(r->segment, f->settled) > 0)
            f->settled = r->segment;
        free(l);
    }
    journal_standing(j, &s);
    if (busy && s.closed != f->closed && s.closed - f->closed < WAITING_MAX &&
        now_ms - f->looked_ms < WAITING_MAX_MS)
        return;
    f->looked_ms = now_ms;
    if (s.closed != f->closed)
        call(f);
    f->closed = s.closed;
}

bool finder_is_done(const struct finder *f, const char *file)
{
    struct journal_name name;

    return !f || f->given_up || !journal_any_name_parse(file, &name) ||
           journal_name_compare(name, f->settled) <= 0;
}

/* An empty mailbox is wanted to free it. */
static void drop(struct mailbox *m)
{
    struct letter *l;

    while (m && (l = mailbox_take(m)))
        free(l);
    mailbox_free(m);
}

void finder_free(struct finder *f)
{

    if (!f)
        return;
    atomic_store(&f->stopping, true);
    if (f->calls)
        mailbox_close(f->calls);
    if (f->started)
        pthread_join(f->thread, NULL);
    drop(f->calls);
    drop(f->done);
    free(f->dir);
    free(f);
}
