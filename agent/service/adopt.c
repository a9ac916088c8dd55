/* Shell. Taking over a copy that is there already. See adopt.h. */
#include "agent/service/adopt.h"

#include "agent/core/differ.h"
#include "agent/service/agent.h"
#include "agent/service/merge.h"
#include "agent/service/probe.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS      32
#define INSIDE_MAX   256 /* objects that are looked at, at once */
#define LOOKS_MAX    3   /* at a file that moves */
#define COMMIT_COUNT 256 /* a kill costs at most so many looks */
#define COMMIT_MS    500

struct adopt {
    struct agent *agent;
    const struct adopt_options *opt;
    struct adopt_totals *totals;
    struct probes *probes;
    uint64_t since_commit;
    int64_t committed_ms;
};

/* The index and the journal's place in it are made durable now and then. */
static int commit_some(struct adopt *d)
{
    int64_t now_ms = agent_now(d->agent);

    if (d->since_commit == 0 ||
        (d->since_commit < COMMIT_COUNT && now_ms - d->committed_ms < COMMIT_MS))
        return 0;
    d->since_commit = 0;
    d->committed_ms = now_ms;
    return agent_commit(d->agent);
}

/* The object's metadata is the file's. */
static bool same_metadata(const struct probe *p)
{
    const struct s3_head *h = &p->head;

    return h->posix_has == S3_HAS_POSIX && h->posix.mode == p->st.mode &&
           h->posix.uid == p->st.uid && h->posix.gid == p->st.gid &&
           h->posix.mtime_ns == p->st.mtime_ns;
}

/* It goes into the journal as what S3 has by now, as after a put, with the reason why none was
 * made. */
static void adopt_journal(struct adopt *d, const struct probe *p, const struct known *k,
                          const char *why)
{
    struct journal_record rec = {.op = JOURNAL_PUT,
                                 .state = JOURNAL_DONE,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = d->agent->mappings[p->mapping].conf->name,
                                 .path = p->key + p->path_at,
                                 .has = JOURNAL_HAS_FILE | JOURNAL_HAS_CRC,
                                 .ino = k->ino,
                                 .size = k->size,
                                 .mtime_ns = k->mtime_ns,
                                 .mode = k->mode,
                                 .uid = k->uid,
                                 .gid = k->gid,
                                 .etag = k->etag[0] ? k->etag : NULL,
                                 .version = k->version[0] ? k->version : NULL,
                                 .crc64 = k->crc64,
                                 .why = why};

    agent_journal(d->agent, &rec);
}

/* Take it. `means`: how it was shown to be equal. */
static int take(struct adopt *d, const struct probe *p, const char *means)
{
    struct adopt_totals *t = d->totals;
    bool same = same_metadata(p);
    struct known k;
    char why[160];
    int rc;

    known_from(&p->st, p->crc64, p->etag, p->version, &k);
    attributes_note(&k, S3_MARK_FOREIGN); /* what it carries is asked when that counts */
    if (!same && d->opt->metadata) {      /* the index says what S3 has: the agent puts it right */
        k.mode = p->head.posix.mode;
        k.uid = p->head.posix.uid;
        k.gid = p->head.posix.gid;
        k.mtime_ns = p->head.posix.mtime_ns;
    }
    snprintf(why, sizeof why, "adopted: S3 had it, %s", means);
    adopt_journal(d, p, &k, why);
    if (d->agent->fatal)
        return d->agent->fatal;
    rc = index_put(d->agent->index, p->key, &k, NULL);
    agent_dirty(d->agent);
    d->since_commit++;
    t->adopted++;
    t->adopted_bytes += p->st.size;
    t->without_metadata += !same;
    return rc;
}

/* The object is of the file's size, and not older than it. */
static bool looks_right(const struct probe *p)
{
    if (p->size != p->st.size)
        return false;
    if (p->head.posix_has & S3_HAS_MTIME)
        return p->head.posix.mtime_ns == p->st.mtime_ns;
    return p->modified_us >= p->st.mtime_ns / (NS_PER_S / US_PER_S);
}

/* Not taken: to be uploaded, or something is in its way. */
static void leave(struct adopt *d, const struct probe *p, const char *what, const char *why)
{
    d->opt->found(d->opt->arg, p->key, what, why);
}

/* What was found of an object that may be the file's. */
static int judge_proof(struct adopt *d, const struct probe *p)
{
    struct adopt_totals *t = d->totals;
    char means[96];

    switch (p->proof) {
    case PROOF_EQUAL:
        snprintf(means, sizeof means, "shown equal by %s", p->means);
        return take(d, p, means);
    case PROOF_DIFFERENT:
        t->differing++;
        t->differing_bytes += p->st.size;
        leave(d, p, "differs", "S3 has other content: it will be uploaded");
        return 0;
    case PROOF_IMPOSSIBLE:
        break;
    }
    if (d->opt->trust && looks_right(p)) {
        t->trusted++;
        return take(d, p, "trusted for its size and time: the contents could not be compared");
    }
    t->unproven++;
    t->unproven_bytes += p->st.size;
    leave(d, p, "not compared", p->why);
    return 0;
}

/* A probe came back. */
static int judge(struct adopt *d, struct probe *p)
{
    int rc = 0;

    d->totals->asked++;
    if (p->code == ERR_CHANGED && p->looks++ < LOOKS_MAX) {
        p->wants |= PROBE_STAT;
        probes_put(d->probes, p);
        return 0;
    }
    if (p->asked == VERDICT_ABSENT || (!p->on_disk && !p->code)) {
        d->totals->missing += p->on_disk; /* gone since the listing: the agent sees to it */
    } else if (p->code || p->asked != VERDICT_DONE || !p->read) {
        d->totals->failed++;
        leave(d, p, "failed", p->code ? err_name(p->code) : p->words);
    } else {
        rc = judge_proof(d, p);
    }
    probe_free(p);
    return rc ? rc : commit_some(d);
}

/* Take what came back; with as many inside as may be, or at the end, wait for it. */
static int drain(struct adopt *d, size_t inside_max)
{
    struct probe *p;
    int rc = 0;

    while ((p = probes_take(d->probes, probes_inside(d->probes) > inside_max))) {
        int failed = judge(d, p);

        rc = rc ? rc : failed;
    }
    return rc;
}

/* In S3 alone. */
static void note_extra(struct adopt *d, const struct merged *m, const struct watch_filter *filter)
{
    if (m->known || watch_filter_excludes(filter, m->path))
        return;
    d->totals->extras++;
    d->opt->found(d->opt->arg, m->key, "extra", "it is in S3 alone, and stays");
}

/* A file, and maybe an object. */
static int adopt_file(struct adopt *d, const struct merged *m, unsigned mapping)
{
    struct adopt_totals *t = d->totals;
    bool certain = m->known && !(m->known->flags & (KNOWN_UNCERTAIN | KNOWN_MOVED));
    struct probe *p;

    if (m->code) {
        t->failed++;
        d->opt->found(d->opt->arg, m->key, "failed", err_name(m->code));
    } else if (!m->object) {
        t->missing++;
        t->missing_bytes += m->st.size;
    } else if (certain && strcmp(m->known->etag, m->object->etag) == 0) {
        t->known++; /* if the file changed since then the agent sees to it */
    } else if (m->st.size != m->object->size) {
        t->differing++;
        t->differing_bytes += m->st.size;
        d->opt->found(d->opt->arg, m->key, "differs", "another size: it will be uploaded");
    } else {
        p = probe_new(m, mapping, d->agent->root_fds[mapping]);
        if (!p)
            return -ENOMEM;
        p->wants = PROBE_HEAD | PROBE_READ;
        p->with_links = d->agent->mappings[mapping].filter.with_links;
        if (attributes_of(d->agent->attributes, mapping, m->path, &p->attributes)) {
            probe_free(p);
            return -ENOMEM;
        }
        probes_put(d->probes, p);
    }
    return 0;
}

/* One mapping. */
static int adopt_mapping(struct adopt *d, unsigned mapping, struct err *e)
{
    struct mapping *m = &d->agent->mappings[mapping];
    struct merge_options mo = {.index = d->agent->index,
                               .uploaders = d->agent->uploaders,
                               .root_fd = m->root_fd,
                               .filter = &m->filter,
                               .prefix = m->conf->prefix,
                               .by_disk = true};
    struct merge *merge = NULL;
    struct merged merged;
    int rc = merge_open(&mo, &merge, e), last;

    while (rc == 0 && (rc = merge_next(merge, &merged, e)) > 0) {
        d->totals->files += merged.on_disk;
        d->totals->objects += merged.object != NULL;
        rc = 0;
        if (merged.on_disk)
            rc = adopt_file(d, &merged, mapping);
        else if (merged.object)
            note_extra(d, &merged, &m->filter);
        rc = rc ? rc : drain(d, INSIDE_MAX);
        d->opt->progress(d->opt->arg, d->totals);
    }
    last = drain(d, 0);
    merge_close(merge);
    return rc ? rc : last;
}

/* Mirror of agent_begin_apart. */
static void end(struct agent *a)
{
    int *fds = a->root_fds;
    size_t count = a->mapping_count;

    a->root_fds = NULL;
    agent_end(a);
    for (size_t i = 0; fds && i < count; i++)
        if (fds[i] > 0)
            close(fds[i]);
    free(fds);
    free(a);
}

int service_adopt(const struct conf *conf, const struct adopt_options *opt,
                  struct adopt_totals *ret, struct err *e)
{
    struct agent *a = calloc(1, sizeof *a);
    struct adopt d = {.agent = a, .opt = opt, .totals = ret};
    int rc;

    *ret = (struct adopt_totals){0};
    if (!a) {
        err_set(e, -ENOMEM, NULL, NULL, "no memory");
        return EXIT_UNREACHED;
    }
    a->conf = conf;
    rc = agent_begin_apart(a, "adopt", e);
    if (rc == 0)
        rc = probes_new(a->uploaders, THREADS, &d.probes);
    for (size_t i = 0; i < conf->mapping_count && rc == 0; i++)
        rc = adopt_mapping(&d, (unsigned)i, e);
    if (rc == 0)
        rc = agent_commit(a);
    probes_free(d.probes);
    end(a);
    if (rc) {
        if (!e->code)
            err_set(e, rc, NULL, NULL, "not all was adopted: %s", err_name(rc));
        return EXIT_UNREACHED;
    }
    return ret->missing || ret->differing || ret->unproven || ret->failed || ret->extras
               ? EXIT_DIFFERENCES
               : EXIT_IN_STEP;
}
