/*
 * Making durable what was flushed: here and now, or by a thread while the writer goes on. Shell.
 *
 * The thread does nothing but one fdatasync after the other. While it has the segment nobody writes
 * to it: if it fails, no byte comes behind the failure. So what is flushed does not change until
 * the thread has answered, and the batch that is made meanwhile stays open, in memory.
 */
#include "journal/worker.h"
#include "journal/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct journal_syncer {
    struct journal_worker *worker;
    struct journal_segment segment; /* that it has */
    int rc;                         /* how it went */
};

/* The thread's work. */
static void sync_segment(void *arg)
{
    struct journal_syncer *s = arg;

    s->rc = journal_segment_sync(&s->segment);
}

/* A thread that waits to be asked. 0, -ENOMEM, -errno. */
static int syncer_new(struct journal_syncer **ret)
{
    struct journal_syncer *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    rc = journal_worker_new(sync_segment, s, &s->worker);
    if (rc == 0)
        *ret = s;
    else
        free(s);
    return rc;
}

int journal_sync_apart(struct journal *j, int *ret_fd)
{
    int rc = journal_grow_apart(j);

    if (rc == 0 && !j->syncer)
        rc = syncer_new(&j->syncer);
    if (rc == 0)
        *ret_fd = journal_worker_fd(j->syncer->worker);
    return rc;
}

bool journal_is_syncing(const struct journal *j)
{
    return j->syncer && journal_worker_is_busy(j->syncer->worker);
}

void journal_sync_drop(struct journal *j)
{
    if (j->syncer)
        (void)journal_worker_take(j->syncer->worker, true); /* whatever it says */
}

void journal_sync_stop(struct journal *j)
{
    struct journal_syncer *s = j->syncer;

    if (!s)
        return;
    journal_worker_free(s->worker);
    free(s);
    j->syncer = NULL;
}

/* Everything flushed is on disk: only the open batch stays in memory. */
void journal_set_durable(struct journal *j)
{
    j->durable.next_seq = j->head.next_seq;
    memcpy(j->durable.chain, j->head.chain, SHA256_BYTES);
    j->durable_size = j->segment.size;
    j->durable_lines = j->lines - j->open_lines;
    j->mark_count = 0;
    journal_grow(j);
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
    if (!j->syncer || !journal_worker_take(j->syncer->worker, wait))
        return 0;
    return answered(j, j->syncer->rc);
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
    s->segment = j->segment;
    journal_worker_ask(s->worker);
    return 0;
}

int journal_sync_end(struct journal *j)
{
    return j->failed ? -EIO : journal_settle(j, false);
}

uint64_t journal_durable_seq(const struct journal *j)
{
    return j->durable.next_seq - 1;
}
