/*
 * Making durable what was flushed: here and now, or by a thread while the writer goes on. Shell.
 *
 * The thread does all that it was asked while it was busy in one round: it writes the batches that
 * are not written yet, and one fdatasync makes them durable. So the disk is never idle while there
 * is something for it, and what comes faster than it syncs goes in fewer, larger pieces. While the
 * thread has the segment nobody else writes to it, and it writes nothing itself behind a call that
 * has failed. Bytes that it writes are a copy, since `held` may move.
 */
#include "journal/worker.h"
#include "journal/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the thread is asked to do, and where the journal stands when it is done. */
struct task {
    struct journal_segment segment; /* at whose end is written */
    struct buf bytes;               /* to be written first; none: all is written */
    size_t held;                    /* bytes of `held` that are durable then */
    size_t marks;                   /* batches, likewise */
    uint64_t size;                  /* of the segment, then */
    uint64_t lines;
    uint64_t next_seq;
    uint8_t chain[SHA256_BYTES];
    int rc;       /* how it went */
    bool written; /* or if not, what failed is the fdatasync */
};

struct journal_syncer {
    struct journal_worker *worker;
    struct task tasks[JOURNAL_WORKER_MOST];
    size_t asked, taken; /* tasks so far */
    size_t served;       /* likewise; the thread's */
    bool failed;         /* a task: those behind it are not done; the thread's while it is asked */
};

/* Of those that the thread has not done, the ith. */
static struct task *task_at(struct journal_syncer *s, size_t i)
{
    return &s->tasks[(s->served + i) % JOURNAL_WORKER_MOST];
}

/* Write the batches of n tasks, up to the first that fails. Returns how many were written. */
static size_t write_tasks(struct journal_syncer *s, size_t n, int *ret_rc)
{
    size_t i = 0;

    *ret_rc = 0;
    while (i < n) {
        struct task *t = task_at(s, i);

        *ret_rc = journal_segment_write(&t->segment, t->bytes.data, t->bytes.len);
        if (*ret_rc)
            break;
        i++;
    }
    return i;
}

/* The thread's work. A file that a write has failed on is not synced, either; a full disk has not
 * failed. */
static void do_tasks(void *arg, size_t n)
{
    struct journal_syncer *s = arg;
    int unwritten = -ECANCELED, unsynced = 0;
    const size_t written = s->failed ? 0 : write_tasks(s, n, &unwritten);

    if (unwritten && !journal_is_full(unwritten))
        unsynced = unwritten;
    else if (written > 0)
        unsynced = journal_segment_sync(&task_at(s, written - 1)->segment);
    for (size_t i = 0; i < n; i++) {
        struct task *t = task_at(s, i);

        t->written = i < written;
        t->rc = t->written ? unsynced : i == written ? unwritten : -ECANCELED;
    }
    s->served += n;
    s->failed = unwritten || unsynced;
}

/* A thread that waits to be asked. 0, -ENOMEM, -errno. */
static int syncer_new(struct journal_syncer **ret)
{
    struct journal_syncer *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    for (size_t i = 0; i < JOURNAL_WORKER_MOST; i++)
        buf_init(&s->tasks[i].bytes, JOURNAL_BATCH_MAX + JOURNAL_COMMIT_MAX);
    rc = journal_worker_new(do_tasks, s, &s->worker);
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
    struct journal_syncer *s = j->syncer;

    if (!s)
        return;
    while (journal_worker_take(s->worker, true))
        s->taken++; /* whatever it says */
    s->failed = false;
}

void journal_sync_stop(struct journal *j)
{
    struct journal_syncer *s = j->syncer;

    if (!s)
        return;
    journal_worker_free(s->worker);
    for (size_t i = 0; i < JOURNAL_WORKER_MOST; i++)
        buf_release(&s->tasks[i].bytes);
    free(s);
    j->syncer = NULL;
}

/* A task in whose end all is durable that is flushed up to `head`, with so many marks. */
static void task_until(const struct journal *j, const struct journal_head *head, struct task *ret)
{
    ret->segment = j->segment;
    ret->size = j->segment.size;
    ret->lines = j->lines - j->open_lines;
    ret->next_seq = head->next_seq;
    memcpy(ret->chain, head->chain, SHA256_BYTES);
}

/* What a task has made durable goes from memory to the tree. */
static void set_durable(struct journal *j, const struct task *t)
{
    j->durable.next_seq = t->next_seq;
    memcpy(j->durable.chain, t->chain, SHA256_BYTES);
    j->durable_size = t->size;
    j->durable_lines = t->lines;
    j->mark_count -= t->marks;
    for (size_t i = 0; i < j->mark_count; i++) {
        j->marks[i] = j->marks[i + t->marks];
        j->marks[i].from -= t->held;
    }
    journal_grow(j, t->held);
}

/* Everything flushed is on disk: only the open batch stays in memory. */
void journal_set_durable(struct journal *j)
{
    struct task all = {.held = j->open_from, .marks = j->mark_count};

    task_until(j, &j->head, &all);
    set_durable(j, &all);
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

/* The disk was full, and nothing of what is not durable was written: all of it is the open batch,
 * which is written once more as soon as that is due, and if it does not fit waits for space. */
static void take_back(struct journal *j)
{
    struct buf *held = &j->held;
    const size_t rest = journal_open_bytes(j);
    size_t n = 0;

    journal_sync_drop(j);
    journal_degrade(j);
    for (size_t i = 0; i < j->mark_count; i++) {
        memmove(held->data + n, held->data + j->marks[i].from, j->marks[i].n);
        n += j->marks[i].n;
    }
    memmove(held->data + n, held->data + j->open_from, rest);
    held->len = n + rest;
    held->data[held->len] = '\0';
    j->open_from = 0;
    j->mark_count = 0;
    j->open_records = j->next_seq - j->durable.next_seq;
    j->open_lines = j->lines - j->durable_lines;
    j->open_since_us = j->unsynced_since_us;
    j->head.next_seq = j->durable.next_seq;
    memcpy(j->head.chain, j->durable.chain, SHA256_BYTES);
    j->segment.size = j->durable_size;
}

/* Take the answer to the oldest task, if there is one. Sets *ret_taken. 0 or -EIO. */
static int settle_one(struct journal *j, bool wait, bool *ret_taken)
{
    struct journal_syncer *s = j->syncer;
    struct task *t;

    *ret_taken = s && journal_worker_take(s->worker, wait);
    if (!*ret_taken)
        return 0;
    t = &s->tasks[s->taken++ % JOURNAL_WORKER_MOST];
    if (t->rc == 0) {
        set_durable(j, t);
        return 0;
    }
    if (t->written || !journal_is_full(t->rc))
        return answered(j, t->rc);
    take_back(j);
    return 0;
}

int journal_settle(struct journal *j, bool wait)
{
    bool taken = true;
    int rc = 0;

    while (rc == 0 && taken)
        rc = settle_one(j, wait, &taken);
    return rc;
}

/* May the thread write the open batch? Not where space is short: then each batch is tried by who
 * can keep it. What may come back must go into one batch with what is appended meanwhile. */
static bool may_queue(const struct journal *j)
{
    return !j->degraded && !j->stuck &&
           j->held.len + j->opt.batch_bytes + 2 * JOURNAL_LINE_MAX < JOURNAL_BATCH_MAX;
}

int journal_sync_room(struct journal *j)
{
    bool taken;
    int rc = journal_settle(j, false);

    if (rc == 0 && journal_is_syncing(j) && !journal_worker_has_room(j->syncer->worker))
        rc = settle_one(j, true, &taken);
    if (rc == 0 && !may_queue(j))
        rc = journal_settle(j, true);
    return rc;
}

/* Have the thread do the next task. */
static void ask(struct journal *j)
{
    j->syncer->asked++;
    journal_worker_ask(j->syncer->worker);
}

int journal_sync_queue(struct journal *j, const struct journal_head *head)
{
    struct task *t = &j->syncer->tasks[j->syncer->asked % JOURNAL_WORKER_MOST];
    const size_t n = journal_open_bytes(j);
    int rc;

    buf_reset(&t->bytes);
    rc = buf_append(&t->bytes, j->held.data + j->open_from, n);
    if (rc)
        return -ENOMEM;
    if (journal_segment_reserve(&j->segment, n, j->reserve_chunk)) {
        j->degraded = true; /* what of it fits is found out by writing */
        j->degraded_us = j->now_us;
    }
    task_until(j, head, t);
    t->lines = j->lines;
    t->size = j->segment.size + n;
    t->held = n;
    t->marks = 1;
    j->segment.size += n;
    ask(j);
    return 0;
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
    struct task *t;
    int rc = journal_flush(j);

    if (rc || j->mark_count == 0 || journal_is_syncing(j))
        return rc;
    if (!s)
        return journal_sync_flushed(j);
    t = &s->tasks[s->asked % JOURNAL_WORKER_MOST];
    buf_reset(&t->bytes);
    task_until(j, &j->head, t);
    t->held = j->open_from;
    t->marks = j->mark_count;
    ask(j);
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
