/* Verifying all segments at the same time, where no fault is. Shell. See verify.h. */
#include "journal/verify.h"

#include "base/err.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HARMLESS_MAX 4 /* of a segment and its checkpoints */

/* What is told and no fault. */
struct harmless {
    char file[JOURNAL_FILE_SIZE];
    uint64_t offset, seq;
    const char *kind, *detail; /* literals */
};

/* A segment by itself. */
struct part {
    struct parts *all;
    struct journal_audit audit;
    struct evidence evidence;
    struct journal_head start; /* where its header says that it begins */
    struct journal_key *named; /* keys that its bytes seem to name */
    size_t named_count;
    size_t seeded; /* keys that were taken over from the parts before it */
    bool begun;
    struct harmless told[HARMLESS_MAX];
    size_t told_count;
};

struct parts {
    struct verification *v;
    struct part *list;
    size_t count;
    void (*work)(struct parts *p, size_t i);
    atomic_size_t next;  /* that nobody works at yet */
    atomic_bool spoiled; /* there is a fault, or no memory: all this is for nothing */
};

static void spoil(struct parts *p)
{
    atomic_store(&p->spoiled, true);
}

/* journal_audit's. */
static void on_fault(void *arg, const struct journal_fault *f)
{
    struct part *part = arg;
    struct harmless *h = &part->told[part->told_count];

    if (!f->harmless || part->told_count == HARMLESS_MAX) {
        spoil(part->all);
        return;
    }
    *h =
        (struct harmless){.offset = f->offset, .seq = f->seq, .kind = f->kind, .detail = f->detail};
    snprintf(h->file, sizeof h->file, "%s", f->file);
    part->told_count++;
}

/* verify_keys_named's. */
static int on_key(void *arg, const struct journal_key *key)
{
    struct part *part = arg;
    struct journal_key *named =
        reallocarray(part->named, part->named_count + 1, sizeof *part->named);

    if (!named)
        return -ENOMEM;
    part->named = named;
    named[part->named_count++] = *key;
    return 0;
}

/* The keys that a segment seems to name. What it does name shows when it was audited. */
static void find_keys(struct parts *p, size_t i)
{
    if (verify_keys_named(p->v->dir_fd, p->v->list.names[i], on_key, &p->list[i]))
        spoil(p);
}

/* Begin where the header says that the segments before it end. 0 or a negative code. */
static int seed_audit(struct parts *p, size_t i)
{
    struct part *part = &p->list[i];
    struct journal_audit *a = &part->audit;
    struct journal_header h;
    int rc;

    journal_audit_init(a, on_fault, part);
    part->start = a->head;
    if (i == 0)
        return 0;
    rc = journal_walk_header(p->v->dir_fd, p->v->list.names[0], &a->store, &h);
    if (rc)
        return rc;
    journal_audit_late(a, p->v->list.names[0], &h);
    rc = journal_walk_header(p->v->dir_fd, p->v->list.names[i], &a->store, &h);
    if (rc)
        return rc;
    a->head.next_seq = h.first;
    a->head.tree = h.tree;
    memcpy(a->head.chain, h.chain, SHA256_BYTES);
    a->chain_known = a->seq_known = a->tree_known = true;
    snprintf(a->uuid, sizeof a->uuid, "%s", h.uuid);
    journal_name_format(p->v->list.names[i - 1], a->file);
    a->verdict.segments = i;
    part->start = a->head;
    return 0;
}

/* Take what was kept, and the keys of the segments before it. 0 or a negative code. */
static int seed_evidence(struct parts *p, size_t i)
{
    const struct journal_trust *trust = p->v->trust;
    struct part *part = &p->list[i];
    struct evidence *ev = &part->evidence;
    int rc =
        evidence_init(ev, &part->audit, trust ? trust->keys : NULL, trust ? trust->key_count : 0);

    for (size_t k = 0; rc == 0 && !ev->keys_given && k < i; k++)
        for (size_t n = 0; rc == 0 && n < p->list[k].named_count; n++)
            rc = evidence_key(ev, &p->list[k].named[n]);
    part->seeded = ev->key_count;
    if (rc == 0)
        rc = verification_anchors(p->v, ev);
    if (i)
        evidence_pass(ev, part->start.tree.count);
    return rc;
}

/* Audit a segment by itself. */
static void audit_part(struct parts *p, size_t i)
{
    struct part *part = &p->list[i];
    char file[JOURNAL_FILE_SIZE];
    int rc = seed_audit(p, i);

    if (rc == 0) {
        part->begun = true;
        rc = seed_evidence(p, i);
    }
    if (rc == 0)
        rc = verification_segment(p->v, i, &part->audit, &part->evidence, file);
    if (rc)
        spoil(p);
    buf_release(&part->audit.store);
    buf_release(&part->evidence.store);
    buf_release(&part->evidence.file);
}

static void *worker_main(void *arg)
{
    struct parts *p = arg;
    size_t i;

    while (!atomic_load(&p->spoiled) && (i = atomic_fetch_add(&p->next, 1)) < p->count)
        p->work(p, i);
    return NULL;
}

/* Do one thing to all parts, with so many threads or as many as there can be. */
static void each(struct parts *p, unsigned threads, void (*work)(struct parts *p, size_t i))
{
    pthread_t others[JOURNAL_VERIFY_THREADS];
    unsigned started = 0;

    p->work = work;
    atomic_store(&p->next, 0);
    while (started + 1 < threads && started < JOURNAL_VERIFY_THREADS &&
           pthread_create(&others[started], NULL, worker_main, p) == 0)
        started++;
    (void)worker_main(p);
    while (started)
        pthread_join(others[--started], NULL);
}

/* Does the part begin where the one before it ends? */
static bool goes_on(const struct part *before, const struct part *part)
{
    const struct journal_audit *a = &before->audit;
    uint8_t mine[SHA256_BYTES], theirs[SHA256_BYTES];

    journal_tree_root(&a->head.tree, mine);
    journal_tree_root(&part->start.tree, theirs);
    return a->chain_known && a->seq_known && a->tree_known && !a->other_known &&
           a->head.next_seq == part->start.next_seq &&
           a->head.tree.count == part->start.tree.count &&
           memcmp(mine, theirs, SHA256_BYTES) == 0 &&
           memcmp(a->head.chain, part->start.chain, SHA256_BYTES) == 0 &&
           strcmp(a->uuid, part->audit.uuid) == 0;
}

/* Had the part the keys that those before it do name? Then they have its own, too. */
static bool knew_keys(struct evidence *all, const struct part *part)
{
    const struct evidence *ev = &part->evidence;

    if (all->keys_given)
        return true;
    if (part->seeded != all->key_count)
        return false;
    for (size_t i = 0; i < part->seeded; i++)
        if (!journal_key_equal(&ev->keys[i], &all->keys[i]))
            return false;
    for (size_t i = part->seeded; i < ev->key_count; i++)
        if (evidence_key(all, &ev->keys[i]))
            return false;
    return true;
}

/* Do all parts make one journal? */
static bool fit(struct parts *p)
{
    for (size_t i = 0; i < p->count; i++)
        if ((i && !goes_on(&p->list[i - 1], &p->list[i])) ||
            !knew_keys(&p->v->evidence, &p->list[i]))
            return false;
    return true;
}

/* Tell what is harmless in a part. */
static void tell(struct journal_audit *a, const struct part *part)
{
    for (size_t i = 0; i < part->told_count; i++) {
        const struct harmless *h = &part->told[i];
        const struct journal_fault f = {.file = h->file,
                                        .offset = h->offset,
                                        .seq = h->seq ? h->seq : a->verdict.last_seq,
                                        .kind = h->kind,
                                        .detail = h->detail,
                                        .harmless = true};

        if (a->on_fault)
            a->on_fault(a->arg, &f);
    }
}

/* Add up what was counted, and stand where the last part ends. */
static void add_up(struct parts *p)
{
    struct journal_audit *a = &p->v->audit;
    struct journal_verdict *sum = &a->verdict;

    for (size_t i = 0; i < p->count; i++) {
        const struct journal_verdict *v = &p->list[i].audit.verdict;

        tell(a, &p->list[i]);
        if (sum->records == 0)
            sum->first_seq = v->first_seq;
        if (v->records)
            sum->last_seq = v->last_seq;
        sum->records += v->records;
        sum->batches += v->batches;
        sum->bytes += v->bytes;
        sum->torn += v->torn;
        sum->checkpoints += v->checkpoints;
        sum->anchors += v->anchors;
        if (v->signed_leaves > sum->signed_leaves)
            sum->signed_leaves = v->signed_leaves;
    }
    a->late = p->list[0].audit.late;
    for (size_t i = 1; i < p->count && !a->late.said_by; i++)
        a->late = p->list[i].audit.late;
    sum->passed = p->list[0].audit.verdict.passed;
    sum->segments = p->count;
    a->head = p->list[p->count - 1].audit.head;
    memcpy(sum->chain, p->list[p->count - 1].audit.verdict.chain, sizeof sum->chain);
    evidence_pass(&p->v->evidence, a->head.tree.count);
}

static void release(struct parts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].begun)
            evidence_release(&p->list[i].evidence);
        free(p->list[i].named);
    }
    free(p->list);
}

bool verification_in_parts(struct verification *v, unsigned threads)
{
    struct parts p = {.v = v, .count = v->list.count};
    bool good;

    if (p.count < 2)
        return false;
    p.list = calloc(p.count, sizeof *p.list);
    if (!p.list)
        return false;
    for (size_t i = 0; i < p.count; i++)
        p.list[i].all = &p;
    if (threads > p.count)
        threads = (unsigned)p.count;
    if (!v->evidence.keys_given)
        each(&p, threads, find_keys);
    if (!atomic_load(&p.spoiled))
        each(&p, threads, audit_part);
    good = !atomic_load(&p.spoiled) && fit(&p);
    if (good)
        add_up(&p);
    release(&p);
    return good;
}
