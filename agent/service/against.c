/* Shell. The bucket against the journal. See against.h.
 *
 * While it works, an agent may go on. So a difference is told only after the journal was read to
 * its end once more: whatever the agent did to a key before we saw it in S3 has its intent there by
 * then, since intents come first. Keys that are named there are left out. */
#include "agent/service/against.h"

#include "agent/service/attributes.h"
#include "agent/service/probe.h"
#include "agent/service/replay.h"
#include "agent/service/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS      32
#define INSIDE_MAX   256  /* probes on their way */
#define REPORTS_MAX  256  /* differences that wait for the journal to be read again */
#define OPEN_MAX     4096 /* of what did not end so far: these wait until all is done */
#define OPEN_WAIT_MS 3000 /* and then so long for the agent's requests that are on their way */
#define OPEN_LOOK_MS 100

/* A difference that waits. */
struct report {
    char *key;
    struct account_answer answer;
};

/* What lies below one prefix of the bucket. */
struct section {
    const char *prefix;
    unsigned mapping;
    bool trash;
};

struct against {
    const struct against_options *opt;
    struct against_totals *totals;
    struct replay *replay;
    struct uploaders *uploaders;
    struct attributes *attributes;
    struct probes *probes;
    struct section *sections; /* by prefix; no prefix begins another */
    size_t section_count;
    const char *listed;            /* the prefix that is being listed */
    const struct account *account; /* of the key at hand; NULL: there are no more */
    struct account nothing;        /* of a key that the journals do not know */
    struct report reports[REPORTS_MAX];
    size_t report_count;
    struct report *unended; /* of kind ACCOUNT_OPEN */
    size_t unended_count;
};

/* A closer look that is on its way: what it is for, and when the object was written by the listing,
 * which tells finer times than HEAD does. */
struct look {
    struct account account;
    int64_t modified_us;
};

static int no_memory(struct err *e)
{
    return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
}

/* Tell of a difference, unless the key has moved meanwhile. */
static void tell_one(struct against *a, struct report *r)
{
    if (replay_moved(a->replay, r->key)) {
        a->totals->moving++;
    } else {
        a->totals->differences++;
        a->totals->kinds[r->answer.kind]++;
        a->opt->found(a->opt->arg, r->key, &r->answer);
    }
    free(r->key);
}

/* Tell of the differences that wait; what has not ended waits longer. */
static int tell(struct against *a, struct err *e)
{
    int rc = a->report_count ? replay_again(a->replay, e) : 0;

    if (rc)
        return rc;
    for (size_t i = 0; i < a->report_count; i++) {
        struct report *r = &a->reports[i];

        if (r->answer.kind == ACCOUNT_OPEN && a->unended_count < OPEN_MAX)
            a->unended[a->unended_count++] = *r;
        else
            tell_one(a, r);
    }
    a->report_count = 0;
    return 0;
}

/* How many of what has not ended still has not, as the journal says now. */
static size_t still_open(const struct against *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->unended_count; i++)
        n += !replay_moved(a->replay, a->unended[i].key);
    return n;
}

/* Tell of what has not ended, once an agent that is at work has had the time to end it. */
static int tell_unended(struct against *a, struct err *e)
{
    const struct timespec pause = {.tv_nsec = OPEN_LOOK_MS * 1000000};
    int rc = a->unended_count ? replay_again(a->replay, e) : 0;

    for (int ms = 0; rc == 0 && ms < OPEN_WAIT_MS && still_open(a); ms += OPEN_LOOK_MS) {
        (void)nanosleep(&pause, NULL); /* shorter does no harm */
        rc = replay_again(a->replay, e);
    }
    if (rc)
        return rc;
    for (size_t i = 0; i < a->unended_count; i++)
        tell_one(a, &a->unended[i]);
    a->unended_count = 0;
    return 0;
}

/* What is known of a key is judged. */
static int judge(struct against *a, const struct account *account, const char *key,
                 const struct account_facts *f, struct err *e)
{
    struct report r = {.key = NULL};

    account_judge(account, f, &r.answer);
    if (r.answer.kind == ACCOUNT_SAME)
        return 0;
    if (r.answer.kind != ACCOUNT_OPEN && replay_is_open(a->replay, key))
        r.answer = (struct account_answer){
            .kind = ACCOUNT_OPEN,
            .cause =
                "the rename or removal of a directory above it did not end in the journal: the "
                "agent's next run finishes it"};
    r.key = strdup(key);
    if (!r.key)
        return no_memory(e);
    a->reports[a->report_count++] = r;
    return a->report_count == REPORTS_MAX ? tell(a, e) : 0;
}

/* A closer look has come back. */
static int looked(struct against *a, struct probe *p, struct err *e)
{
    const struct look *look = p->owner;
    struct account_facts f = {.in_s3 = p->asked == VERDICT_DONE,
                              .size = p->size,
                              .etag = p->etag,
                              .modified_us = p->modified_us > look->modified_us ? p->modified_us
                                                                                : look->modified_us,
                              .asked = true,
                              .verdict = p->asked,
                              .words = p->words,
                              .version = p->version,
                              .head = p->asked == VERDICT_DONE ? &p->head : NULL,
                              .journal_until_us = replay_totals(a->replay)->until_us,
                              .hosts = a->opt->hosts};
    int rc;

    a->totals->asked++;
    rc = judge(a, &look->account, p->key, &f, e);
    free(p->owner);
    probe_free(p);
    return rc;
}

/* Take what came back; with as many inside as may be, or at the end, wait for it. */
static int drain(struct against *a, size_t inside_max, struct err *e)
{
    struct probe *p;
    int rc = 0;

    while ((p = probes_take(a->probes, probes_inside(a->probes) > inside_max))) {
        if (rc == 0) {
            rc = looked(a, p, e);
        } else {
            free(p->owner);
            probe_free(p);
        }
    }
    return rc;
}

/* Look more closely. */
static int look(struct against *a, const struct section *s, const struct account *account,
                const struct s3_object *object, struct err *e)
{
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): it is wanted of objects alone */
    struct merged m = {
        .key = object->key, .path = object->key + strlen(s->prefix), .object = object};
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    struct probe *p = probe_new(&m, s->mapping, -1);
    struct look *l = malloc(sizeof *l);

    if (!p || !l ||
        (!s->trash && attributes_of(a->attributes, s->mapping, m.path, &p->attributes))) {
        free(l);
        probe_free(p);
        return no_memory(e);
    }
    *l = (struct look){*account, object->modified_us};
    p->owner = l;
    p->wants = PROBE_HEAD;
    probes_put(a->probes, p);
    return drain(a, INSIDE_MAX, e);
}

/* ---- keys ---- */

/* Have the next key that the journals speak of. 0 or a negative code. */
static int next_account(struct against *a, struct err *e)
{
    int rc = replay_next(a->replay, &a->account, e);

    if (rc <= 0)
        a->account = NULL;
    return rc < 0 ? rc : 0;
}

/* One key: what the journal says of it (NULL: nothing), what S3 lists (NULL: nothing). */
static int check_key(struct against *a, const struct section *s, const struct account *account,
                     const struct s3_object *object, struct err *e)
{
    /* cppcheck-suppress nullPointer; one of the two is there */
    const char *key = account ? account->key : object->key;
    struct account_facts f = {.in_s3 = object != NULL,
                              .size = object ? object->size : 0,
                              .etag = object ? object->etag : "",
                              .modified_us = object ? object->modified_us : 0,
                              .journal_until_us = replay_totals(a->replay)->until_us,
                              .hosts = a->opt->hosts};

    if (!account) {
        account_begin(&a->nothing, key);
        account = &a->nothing;
    }
    a->totals->objects += object != NULL;
    if (account_wants(account, &f, a->opt->deep))
        return look(a, s, account, object, e);
    return judge(a, account, key, &f, e);
}

/* Where a key stands: before the section, in it (0), or behind it. */
static int place(const struct section *s, const char *key)
{
    return strncmp(key, s->prefix, strlen(s->prefix));
}

/* s3_listing_options.split */
static const char *next_place(void *arg)
{
    struct against *a = arg;

    return replay_place(a->replay, a->listed);
}

/* What the journals were read for so far. */
static void take_totals(struct against *a)
{
    const struct replay_totals *t = replay_totals(a->replay);

    a->totals->records = t->records;
    a->totals->elsewhere = t->elsewhere;
    a->totals->keys = t->keys;
    a->totals->damaged = t->damaged;
}

/* What lies below one prefix: the journal's keys and S3's as one stream. */
static int check_section(struct against *a, const struct section *s, struct err *e)
{
    struct s3_listing_options lo = {.prefix = s->prefix, .split = next_place, .split_arg = a};
    const struct s3_object *object = NULL;
    struct s3_listing *listing = NULL;
    int rc, listed = 1;

    a->listed = s->prefix;
    rc = s3_listing_open(a->uploaders, &lo, &listing, e);
    while (rc == 0 && a->account && place(s, a->account->key) < 0)
        rc = next_account(a, e); /* of a trash that was elsewhere */
    while (rc == 0) {
        bool has_key = a->account && place(s, a->account->key) == 0;
        int order;

        if (!object && listed > 0)
            listed = s3_listing_next(listing, &object, e);
        if (listed <= 0)
            object = NULL;
        rc = listed < 0 ? listed : 0;
        if (rc || (!object && !has_key))
            break;
        order = !object ? -1 : !has_key ? 1 : strcmp(a->account->key, object->key);
        rc = check_key(a, s, order <= 0 ? a->account : NULL, order >= 0 ? object : NULL, e);
        if (rc == 0 && order <= 0)
            rc = next_account(a, e);
        if (order >= 0)
            object = NULL;
        take_totals(a);
        a->opt->progress(a->opt->arg, a->totals);
    }
    s3_listing_close(listing);
    return rc;
}

/* ---- the whole ---- */

/* By prefix, for qsort. */
static int compare(const void *a, const void *b)
{
    const struct section *x = a, *y = b;

    return strcmp(x->prefix, y->prefix);
}

/* Is anything ever put into the trash? */
static bool has_trash(const struct conf *conf)
{
    for (size_t i = 0; i < conf->mapping_count; i++)
        if (conf->mappings[i].deletes == CONF_DELETES_TRASH)
            return true;
    return false;
}

/* Room for the parts of the bucket that are ours, and for what has not ended. */
static int make_sections(struct against *a, struct err *e)
{
    const struct conf *conf = a->opt->conf;

    a->sections = calloc(conf->mapping_count + 1, sizeof *a->sections);
    a->unended = calloc(OPEN_MAX, sizeof *a->unended);
    if (!a->sections || !a->unended)
        return no_memory(e);
    for (size_t i = 0; i < conf->mapping_count; i++)
        a->sections[a->section_count++] =
            (struct section){.prefix = conf->mappings[i].prefix, .mapping = (unsigned)i};
    if (has_trash(conf))
        a->sections[a->section_count++] =
            (struct section){.prefix = conf->s3.trash_prefix, .trash = true};
    qsort(a->sections, a->section_count, sizeof *a->sections, compare);
    return 0;
}

/* Everything that is needed. */
static int begin(struct against *a, struct err *e)
{
    struct uploaders_options uo;
    int rc = make_sections(a, e);

    if (rc == 0)
        rc = attributes_new(a->opt->conf, &a->attributes, e);
    service_uploaders_options(a->opt->conf, &uo);
    if (rc == 0)
        rc = uploaders_new(&uo, &a->uploaders, e);
    if (rc == 0) {
        rc = probes_new(a->uploaders, THREADS, &a->probes);
        if (rc)
            err_set(e, rc, NULL, NULL, "no threads: %s", err_name(rc));
    }
    return rc;
}

/* Mirror of begin. */
static void end(struct against *a)
{
    struct probe *p;

    while (a->probes && (p = probes_take(a->probes, true))) {
        free(p->owner);
        probe_free(p);
    }
    for (size_t i = 0; i < a->report_count; i++)
        free(a->reports[i].key);
    for (size_t i = 0; i < a->unended_count; i++)
        free(a->unended[i].key);
    free(a->unended);
    probes_free(a->probes);
    uploaders_free(a->uploaders);
    attributes_free(a->attributes);
    replay_close(a->replay);
    free(a->sections);
    free(a);
}

/* replay_options.progress */
static void progress(void *arg, uint64_t records)
{
    struct against *a = arg;

    a->totals->records = records;
    a->opt->progress(a->opt->arg, a->totals);
}

/* replay_options.damaged */
static void damaged(void *arg, size_t which, struct err *e)
{
    struct against *a = arg;

    a->opt->damaged(a->opt->arg, which, e);
}

/* All of it, once everything is there. */
static int check_all(struct against *a, struct err *e)
{
    const struct replay_options ro = {.conf = a->opt->conf,
                                      .weave = a->opt->weave,
                                      .damaged = damaged,
                                      .progress = progress,
                                      .arg = a};
    int rc = replay_open(&ro, &a->replay, e);

    if (rc == 0)
        rc = next_account(a, e);
    for (size_t i = 0; i < a->section_count && rc == 0; i++)
        rc = check_section(a, &a->sections[i], e);
    if (rc == 0)
        rc = drain(a, 0, e);
    if (rc == 0)
        rc = tell(a, e);
    if (rc == 0)
        rc = tell_unended(a, e);
    if (a->replay)
        take_totals(a);
    return rc;
}

int service_against(const struct against_options *opt, struct against_totals *ret, struct err *e)
{
    struct against *a = calloc(1, sizeof *a);
    int rc;

    *ret = (struct against_totals){0};
    if (!a) {
        (void)no_memory(e);
        return EXIT_UNREACHED;
    }
    a->opt = opt;
    a->totals = ret;
    rc = begin(a, e);
    if (rc == 0)
        rc = check_all(a, e);
    end(a);
    if (rc) {
        if (!e->code)
            err_set(e, rc, NULL, NULL, "it could not be verified: %s", err_name(rc));
        return EXIT_UNREACHED;
    }
    return ret->differences || ret->damaged ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}
