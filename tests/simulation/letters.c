/* Shell. When the agent's loop hears of what its threads did: the work on lists and contents, and
 * the journal's syncs. The threads are real; here they are waited for, and their letters kept. */
#include "tests/simulation/sim.h"

#include "agent/service/work.h"
#include "base/log.h"
#include "journal/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS 64
#define INTENTS 256

static struct work *work;
static struct job *kept[LETTERS];
static size_t kept_count, told;
static size_t lists_busy, contents_busy; /* jobs in the threads */
static bool asking;                      /* a rewrite waits for its answer */

static struct journal *journal;
static bool syncing, synced;

/* Records of the journal, by the key that they are about. */
struct noted {
    struct {
        char key[SIM_PATH_SIZE];
        uint64_t seq;
    } of[INTENTS];
    size_t count;
};
static struct noted intents, outcomes;
static uint64_t records;

void __wrap_work_submit(struct work *w, struct job *job);
void __real_work_submit(struct work *w, struct job *job);
struct job *__wrap_work_next(struct work *w);
struct job *__real_work_next(struct work *w);
void __wrap_work_answer(struct job *ask, int code, uint64_t tx);
void __real_work_answer(struct job *ask, int code, uint64_t tx);

void __wrap_work_submit(struct work *w, struct job *job)
{
    work = w;
    if (job->kind == JOB_HASH)
        contents_busy++;
    else
        lists_busy++;
    __real_work_submit(w, job);
}

void __wrap_work_answer(struct job *ask, int code, uint64_t tx)
{
    asking = false;
    __real_work_answer(ask, code, tx);
}

struct job *__wrap_work_next(struct work *w)
{
    struct job *first = kept[0];

    work = w;
    if (!told)
        return NULL;
    told--;
    kept_count--;
    memmove(kept, kept + 1, kept_count * sizeof *kept);
    return first;
}

/* A letter came. */
static void keep(struct job *job)
{
    if (kept_count == LETTERS)
        abort();
    kept[kept_count++] = job;
    switch (job->kind) {
    case JOB_HASH:
        contents_busy--;
        break;
    case JOB_CHECK:
    case JOB_NAMED:
    case JOB_MANIFEST:
    case JOB_PASS:
        lists_busy--;
        break;
    case JOB_ASK_INTENT:
        asking = true;
        break;
    case JOB_TELL_END:
    case JOB_TELL_NAMES:
        break;
    }
}

void letters_wait(void)
{
    struct job *job;

    while (contents_busy || (lists_busy && !asking)) {
        struct pollfd at = {.fd = work_fd(work), .events = POLLIN};

        (void)poll(&at, 1, 1000); /* looked at in any case */
        while ((job = __real_work_next(work)))
            keep(job);
    }
}

size_t letters_count(void)
{
    return kept_count;
}

void letters_tell(void)
{
    log_debug("simulation: letter %d", (int)kept[0]->kind);
    told = 1;
}

void letters_drop(void)
{
    for (size_t i = 0; i < kept_count; i++)
        if (kept[i]->kind == JOB_ASK_INTENT)
            __real_work_answer(kept[i], -ECANCELED, 0);
        else
            job_free(kept[i]);
    kept_count = told = lists_busy = contents_busy = 0;
    asking = false;
}

/* --- the journal --- */

int __wrap_journal_sync_apart(struct journal *j, int *ret_fd);
int __wrap_journal_sync_begin(struct journal *j);
int __wrap_journal_sync_end(struct journal *j);
int __wrap_journal_append(struct journal *j, const struct journal_record *rec, int64_t now_us,
                          uint64_t *ret_seq);
int __real_journal_append(struct journal *j, const struct journal_record *rec, int64_t now_us,
                          uint64_t *ret_seq);

int __wrap_journal_sync_apart(struct journal *j, int *ret_fd)
{
    (void)j;
    *ret_fd = -1;
    return 0;
}

int __wrap_journal_sync_begin(struct journal *j)
{
    int rc = syncing ? journal_sync(j) : 0;

    syncing = true;
    synced = false;
    return rc;
}

int __wrap_journal_sync_end(struct journal *j)
{
    if (!syncing || !synced)
        return 0;
    syncing = synced = false;
    return journal_sync(j);
}

bool sync_waits(void)
{
    return syncing && !synced;
}

void sync_tell(void)
{
    synced = true;
}

static void note(struct noted *n, const char *mapping, const char *path, uint64_t seq)
{
    if (!path || n->count == INTENTS)
        return;
    snprintf(n->of[n->count].key, sizeof n->of[n->count].key, "%s/%s", mapping, path);
    n->of[n->count++].seq = seq;
}

/* The number of the last one about the key; 0: there is none. */
static uint64_t noted_last(const struct noted *n, const char *key)
{
    uint64_t seq = 0;

    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->of[i].key, key) == 0)
            seq = n->of[i].seq;
    return seq;
}

int __wrap_journal_append(struct journal *j, const struct journal_record *rec, int64_t now_us,
                          uint64_t *ret_seq)
{
    uint64_t seq = 0;
    int rc = __real_journal_append(j, rec, now_us, &seq);

    journal = j;
    records += rc == 0;
    if (ret_seq)
        *ret_seq = seq;
    if (rc == 0 && rec->mapping && (rec->state == JOURNAL_INTENT || rec->state == JOURNAL_DONE)) {
        struct noted *n = rec->state == JOURNAL_INTENT ? &intents : &outcomes;

        note(n, rec->mapping, rec->path, seq);
        note(n, rec->mapping, rec->path2, seq);
    }
    return rc;
}

int __wrap_journal_open(const char *dir, const struct journal_options *opt, int64_t now_us,
                        struct journal **ret, struct journal_recovery *ret_recovery, struct err *e);
int __real_journal_open(const char *dir, const struct journal_options *opt, int64_t now_us,
                        struct journal **ret, struct journal_recovery *ret_recovery, struct err *e);

/* Without the ballast, whose writing takes most of a run's time. */
int __wrap_journal_open(const char *dir, const struct journal_options *opt, int64_t now_us,
                        struct journal **ret, struct journal_recovery *ret_recovery, struct err *e)
{
    struct journal_options o = *opt;

    o.ballast_bytes = JOURNAL_NO_BALLAST;
    return __real_journal_open(dir, &o, now_us, ret, ret_recovery, e);
}

int __wrap_journal_segment_reserve(void *s, uint64_t n, uint64_t chunk);

/* Nor is room reserved, for the same reason. */
int __wrap_journal_segment_reserve(void *s, uint64_t n, uint64_t chunk)
{
    (void)s, (void)n, (void)chunk;
    return 0;
}

void __wrap_nap_ms(int64_t ms);

/* The list's thread lets other writers of the list end: nobody writes now. */
void __wrap_nap_ms(int64_t ms)
{
    (void)ms;
}

uint64_t journal_records(void)
{
    return records;
}

void intents_begin(void)
{
    intents.count = outcomes.count = 0;
    syncing = synced = false;
}

/* There only where the agent is given another answer on purpose (breaks.c). */
uint64_t __real_journal_durable_seq(const struct journal *j) __attribute__((weak));

static uint64_t durable_seq(void)
{
    return __real_journal_durable_seq ? __real_journal_durable_seq(journal)
                                      : journal_durable_seq(journal);
}

/* Those that are not durable were never made. */
static void noted_crash(struct noted *n)
{
    uint64_t durable = durable_seq();
    size_t left = 0;

    for (size_t i = 0; i < n->count; i++)
        if (n->of[i].seq <= durable)
            n->of[left++] = n->of[i];
    n->count = left;
}

void intents_crash(void)
{
    noted_crash(&intents);
    noted_crash(&outcomes);
    syncing = synced = false;
}

bool intent_is_durable(const char *key)
{
    uint64_t seq = noted_last(&intents, key);

    return seq && durable_seq() >= seq;
}

bool outcome_is_durable(const char *key)
{
    uint64_t seq = noted_last(&outcomes, key);

    return seq && durable_seq() >= seq;
}
