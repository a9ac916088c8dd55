/* Shell. Verification. See check.h. */
#include "agent/service/check.h"

#include "agent/core/trash.h"
#include "agent/service/attributes.h"
#include "agent/service/check_manifests.h"
#include "agent/service/merge.h"
#include "agent/service/probe.h"
#include "agent/service/repair.h"
#include "agent/service/service.h"

#include "base/clock.h"
#include "base/path.h"
#include "journal/journal.h"
#include "lists/lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS     32
#define INSIDE_MAX  256  /* probes on their way */
#define LOOKS_MAX   3    /* at what changes while it is looked at */
#define ASK_MAX     2000 /* keys that the running agent is asked about */
#define ANSWER_MAX  (1 << 20)
#define COMMIT_EACH 4096

struct check {
    const struct conf *conf;
    const struct check_options *opt;
    struct check_totals *totals;
    struct index *index;
    struct attributes *attributes;
    struct uploaders *uploaders;
    struct probes *probes;
    struct journal
        *journal; /* its lock: nobody else may repair; NULL: an agent runs, or no repair */
    int *root_fds;
    bool agent_runs;
    unsigned asked_agent;
    uint64_t marks;
    struct check_manifests manifests; /* of the mapping that is looked at */
    char unread[MERGE_KEY_SIZE];      /* what lies beneath this is not known; "": nothing */
    int code;                         /* why the agent could not be told of a repair */
};

/* The filter of a mapping. */
static struct watch_filter filter_of(const struct conf_mapping *m)
{
    return (struct watch_filter){.patterns = (const char *const *)m->exclude,
                                 .without_defaults = !m->default_exclude,
                                 .with_links = m->symlinks == CONF_LINKS_STORE};
}

/* The facts of a probe in the words of core/. */
static struct differ_facts facts_of(struct check *c, struct probe *p)
{
    const struct conf_mapping *m = &c->conf->mappings[p->mapping];
    struct watch_filter filter = filter_of(m);
    struct differ_facts f = {.on_disk = p->on_disk,
                             .st = p->st,
                             .code = p->code,
                             .known = p->in_index ? &p->entry.known : NULL,
                             .in_s3 = p->in_s3,
                             .size = p->size,
                             .etag = p->etag,
                             .modified_us = p->modified_us,
                             .asked = (p->wants & PROBE_HEAD) != 0,
                             .verdict = p->asked,
                             .words = p->words,
                             .head = (p->wants & PROBE_HEAD) && p->in_s3 ? &p->head : NULL,
                             .compared = p->read,
                             .proof = p->proof,
                             .crc64 = p->crc64,
                             .means = p->means,
                             .why = p->why,
                             .with_metadata = c->opt->metadata || c->opt->deep,
                             .agent_runs = c->agent_runs,
                             .agent_says = "",
                             .refused = ""};

    f.excluded = watch_filter_excludes(&filter, p->key + p->path_at);
    (void)!index_is_held(c->index, p->key, &f.held); /* false where the index cannot be read */
    return f;
}

/* Hand a repair over: to the agent, or into the index, for the run that follows. */
static void mend(struct check *c, const struct probe *p, const struct differ *d)
{
    struct repair r = {.key = p->key, .what = d->repair, .size = p->size};
    bool is_new;
    int rc;

    if (d->repair == REPAIR_NONE || (d->repair == REPAIR_EXTRA && !c->opt->extras))
        return;
    r.etag = d->repair == REPAIR_EXTRA ? p->etag : p->in_index ? p->entry.known.etag : "";
    if (d->repair == REPAIR_META && p->head.posix_has == S3_HAS_POSIX)
        r.posix = p->head.posix;
    if (c->agent_runs) {
        rc = repair_send(c->conf, &r);
    } else {
        rc = repair_index(c->index, &r, &is_new);
        if (rc == 0 && ++c->marks % COMMIT_EACH == 0)
            rc = index_commit(c->index);
    }
    c->totals->repairs += rc == 0;
    c->code = c->code ? c->code : rc;
}

/* A difference: tell and count it. */
static void tell(struct check *c, const char *key, const struct differ *d)
{
    c->totals->differences++;
    c->totals->kinds[d->kind]++;
    c->opt->found(c->opt->arg, key, d);
}

/* The rows of a list. */
static void judge_list(struct check *c, const struct probe *p)
{
    struct differ d = {.kind = DIFFER_LIST};

    if (p->code)
        return; /* it moves, or that it cannot be read is told already */
    if (!p->absent)
        return;
    snprintf(d.cause, sizeof d.cause,
             "%llu of its %llu rows name what is not there, first %.200s: %s",
             (unsigned long long)p->absent, (unsigned long long)p->rows, p->first_absent,
             c->agent_runs ? "removed or renamed lately, or never there"
                           : "removed or renamed while no agent ran, or never there");
    tell(c, p->key, &d);
}

/* Did the index, or the file, move while it was looked at? Then it is looked at again. */
static bool moved_on(struct check *c, struct probe *p)
{
    struct index_entry now;
    int rc = index_get(c->index, p->key, &now);
    bool has = rc == 0;
    const struct known *a = &p->entry.known, *b = &now.known;
    bool moved = p->code == ERR_CHANGED || has != p->in_index;

    if (!moved && has)
        moved = a->flags != b->flags || a->size != b->size || a->ino != b->ino ||
                a->ctime_ns != b->ctime_ns || a->mtime_ns != b->mtime_ns ||
                strcmp(a->etag, b->etag) != 0;
    if (!moved || p->looks >= LOOKS_MAX)
        return false;
    p->looks++;
    p->in_index = has;
    if (has)
        p->entry.known = now.known;
    p->entry.known.moved_to = NULL;
    p->wants |= PROBE_STAT | PROBE_HEAD | PROBE_READ;
    return true;
}

/* A probe came back. */
static void judge(struct check *c, struct probe *p)
{
    struct differ_facts f;
    struct differ d;
    char says[256];

    c->totals->compared += p->read;
    c->totals->bytes += p->read ? p->st.size : 0;
    c->totals->asked += (p->wants & PROBE_HEAD) != 0;
    if (p->wants & PROBE_LIST) {
        judge_list(c, p);
        probe_free(p);
        return;
    }
    if (moved_on(c, p)) {
        probes_put(c->probes, p);
        return;
    }
    f = facts_of(c, p);
    differ_judge(&f, &d);
    if (d.repair == REPAIR_TOUCH && c->agent_runs && c->asked_agent++ < ASK_MAX) {
        repair_ask(c->conf, p->key, says, sizeof says);
        f.agent_says = says;
        differ_judge(&f, &d);
    }
    if (d.kind != DIFFER_NONE)
        tell(c, p->key, &d);
    if (d.kind != DIFFER_NONE && c->opt->repair)
        mend(c, p, &d);
    probe_free(p);
}

/* Take what came back; with as many inside as may be, or at the end, wait for it. */
static void drain(struct check *c, size_t inside_max)
{
    struct probe *p;

    while ((p = probes_take(c->probes, probes_inside(c->probes) > inside_max)))
        judge(c, p);
}

/* What there is to look at more closely for a key; 0: it is in step. */
static unsigned wants_of(const struct check *c, const struct merged *m)
{
    unsigned wants = 0;

    if (m->code)
        return PROBE_STAT;
    if (m->on_disk && m->known && m->object &&
        differ_quick(&m->st, m->known, m->object->size, m->object->etag)) {
        if (c->opt->deep)
            wants |= PROBE_HEAD | PROBE_READ;
        if (c->opt->metadata)
            wants |= PROBE_HEAD;
        return wants;
    }
    wants = PROBE_STAT;
    if (m->object || m->known)
        wants |= PROBE_HEAD;
    if (m->on_disk && m->object && m->st.size == m->object->size && (m->known || c->opt->deep))
        wants |= PROBE_READ;
    return wants;
}

/* Look at something more closely. */
static int look(struct check *c, const struct merged *m, unsigned mapping, unsigned wants)
{
    struct probe *p = probe_new(m, mapping, c->root_fds[mapping]);

    if (!p)
        return -ENOMEM;
    p->wants = wants;
    p->with_links = c->conf->mappings[mapping].symlinks == CONF_LINKS_STORE;
    if (attributes_of(c->attributes, mapping, m->path, &p->attributes)) {
        probe_free(p);
        return -ENOMEM;
    }
    if (wants & PROBE_LIST) {
        size_t images = c->conf->mappings[mapping].repository;

        p->images_fd = c->root_fds[images];
        p->images_prefix = c->conf->mappings[images].prefix;
        p->index = c->index;
    }
    probes_put(c->probes, p);
    return 0;
}

/* A directory that could not be read: nothing can be said of what S3 has there. */
static void note_unread(struct check *c, const struct merged *m)
{
    struct differ d = {.kind = DIFFER_UNKNOWN};

    snprintf(d.cause, sizeof d.cause,
             "the directory cannot be read: %s; what is beneath it is "
             "not compared",
             err_name(m->code));
    tell(c, m->key, &d);
    snprintf(c->unread, sizeof c->unread, "%s/", m->key);
}

/* The object of a file that is gone, which is where it belongs: kept, or in the trash. */
static bool is_at_rest(struct check *c, const struct merged *m)
{
    int64_t since_us;
    bool kept = m->known && (m->known->flags & KNOWN_KEPT);
    bool trash = m->object && !m->known && trash_time(c->conf->s3.trash_prefix, m->key, &since_us);

    if (m->on_disk)
        return false;
    c->totals->kept += kept;
    c->totals->trash += trash;
    return kept || trash;
}

/* One key. */
static int check_key(struct check *c, const struct merged *m, unsigned mapping)
{
    unsigned wants = wants_of(c, m);
    struct err e;
    int rc = 0;

    c->totals->files += m->on_disk;
    c->totals->objects += m->object != NULL;
    if (check_manifests_key(&c->manifests, m, &rc))
        return rc;
    if (m->on_disk && m->code && m->st.kind != FILE_REGULAR) {
        note_unread(c, m);
        return 0;
    }
    if (is_at_rest(c, m))
        return 0;
    if (!m->on_disk && c->unread[0] && strncmp(m->key, c->unread, strlen(c->unread)) == 0)
        return 0;
    if (m->on_disk && !m->object && !m->known && s3_check_key(m->key, &e)) {
        struct differ_facts f = {.on_disk = true, .st = m->st, .agent_says = "", .refused = e.what};
        struct differ d;

        differ_judge(&f, &d);
        tell(c, m->key, &d);
        return 0;
    }
    if (wants)
        rc = look(c, m, mapping, wants);
    if (rc == 0 && m->on_disk && c->conf->mappings[mapping].kind == CONF_LISTS &&
        lst_is_list(m->path))
        rc = look(c, m, mapping, PROBE_LIST);
    return rc;
}

/* check_manifests_fn */
static bool found_manifest(void *arg, const char *key, const struct differ *d)
{
    struct check *c = arg;
    struct repair r = {.key = key, .what = d->repair, .etag = ""};
    int rc;

    tell(c, key, d);
    if (!c->opt->repair || d->repair != REPAIR_PUT)
        return false;
    rc = c->agent_runs ? repair_send(c->conf, &r) : 0;
    c->marks += !c->agent_runs;
    c->totals->repairs += rc == 0;
    c->code = c->code ? c->code : rc;
    return !c->agent_runs;
}

/* One mapping. */
static int check_mapping(struct check *c, unsigned mapping, struct err *e)
{
    const struct conf_mapping *conf = &c->conf->mappings[mapping];
    struct watch_filter filter = filter_of(conf);
    struct merge_options mo = {.index = c->index,
                               .uploaders = c->uploaders,
                               .root_fd = c->root_fds[mapping],
                               .filter = &filter,
                               .prefix = conf->prefix};
    struct merge *m = NULL;
    struct merged merged;
    uint64_t indexed = 0;
    int rc = index_count(c->index, conf->prefix, &indexed);

    if (rc == 0)
        rc = check_manifests_begin(&c->manifests, c->conf, mapping, c->index, found_manifest, c);
    if (rc)
        return err_set(e, rc, "index", NULL, "it cannot be read: %s", err_name(rc));
    mo.by_disk = indexed == 0;
    rc = merge_open(&mo, &m, e);
    while (rc == 0 && (rc = merge_next(m, &merged, e)) > 0) {
        rc = check_key(c, &merged, mapping);
        if (rc)
            err_set(e, rc, merged.key, NULL, "%s", err_name(rc));
        drain(c, INSIDE_MAX);
        if (c->opt->progress)
            c->opt->progress(c->opt->arg, c->totals);
    }
    drain(c, 0);
    merge_close(m);
    if (rc == 0) {
        rc = check_manifests_missing(&c->manifests);
        if (rc)
            err_set(e, rc, "index", NULL, "it cannot be read: %s", err_name(rc));
    }
    check_manifests_end(&c->manifests);
    c->unread[0] = '\0';
    return rc;
}

/* Does an agent run? */
static bool is_running(const struct conf *conf)
{
    struct buf answer;
    int status, rc;

    buf_init(&answer, ANSWER_MAX);
    rc = control_call(conf, "{\"cmd\":\"why\",\"key\":\"\"}\n", &answer, &status);
    buf_release(&answer);
    return rc == 0;
}

/* Everything that is needed. */
static int check_begin(struct check *c, struct err *e)
{
    struct journal_options jo = {.host = "", .boot = "", .version = PACKAGE_VERSION};
    struct journal_recovery recovery;
    struct uploaders_options uo;
    bool alone = c->opt->repair && !c->agent_runs;
    int rc = 0;

    c->root_fds = calloc(c->conf->mapping_count, sizeof *c->root_fds);
    if (!c->root_fds)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    for (size_t i = 0; i < c->conf->mapping_count; i++)
        c->root_fds[i] = -1;
    for (size_t i = 0; i < c->conf->mapping_count && rc == 0; i++) {
        rc = tree_open_root(c->conf->mappings[i].path, &c->root_fds[i]);
        if (rc)
            return err_set(e, rc, c->conf->mappings[i].path, NULL, "%s", err_name(rc));
    }
    rc = index_open(c->conf->state_dir, true, &c->index, e);
    if (rc == 0 && alone) {
        index_close(c->index);
        c->index = NULL;
        rc = journal_open(c->conf->journal_dir, &jo, clock_real_us(), &c->journal, &recovery, e);
        if (rc == 0)
            rc = index_open(c->conf->state_dir, false, &c->index, e);
    } else if (rc == -ENOENT) {
        rc = index_open_empty(&c->index, e);
    }
    service_uploaders_options(c->conf, &uo);
    if (rc == 0)
        rc = attributes_new(c->conf, &c->attributes, e);
    if (rc == 0)
        rc = uploaders_new(&uo, &c->uploaders, e);
    if (rc == 0) {
        rc = probes_new(c->uploaders, THREADS, &c->probes);
        if (rc)
            err_set(e, rc, NULL, NULL, "no threads: %s", err_name(rc));
    }
    return rc;
}

/* Mirror of check_begin. 0, or why what was marked is not durable. */
static int check_end(struct check *c)
{
    int rc = c->marks ? index_commit(c->index) : 0;

    probes_free(c->probes);
    uploaders_free(c->uploaders);
    attributes_free(c->attributes);
    index_close(c->index);
    if (journal_close(c->journal) && rc == 0)
        rc = -EIO;
    for (size_t i = 0; c->root_fds && i < c->conf->mapping_count; i++)
        if (c->root_fds[i] >= 0)
            close(c->root_fds[i]);
    free(c->root_fds);
    return rc;
}

int service_verify(const struct conf *conf, const struct check_options *opt,
                   struct check_totals *ret, struct err *e)
{
    struct agent_options once = {.once = true};
    struct check c = {.conf = conf, .opt = opt, .totals = ret, .agent_runs = is_running(conf)};
    int rc, ended;

    *ret = (struct check_totals){0};
    rc = check_begin(&c, e);
    for (size_t i = 0; i < conf->mapping_count && rc == 0; i++)
        rc = check_mapping(&c, (unsigned)i, e);
    ended = check_end(&c);
    if (rc == 0 && (c.code || ended))
        rc = err_set(e, c.code ? c.code : ended, NULL, NULL, "not all repairs were taken: %s",
                     err_name(c.code ? c.code : ended));
    if (rc) {
        if (!e->code)
            err_set(e, rc, NULL, NULL, "it could not be verified: %s", err_name(rc));
        return EXIT_UNREACHED;
    }
    if (opt->repair && !c.agent_runs && ret->differences)
        return service_run(conf, &once, NULL, e);
    return ret->differences ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}
