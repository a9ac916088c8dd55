/* Shell. The bucket against the journal. See against.h.
 *
 * While it works, an agent may go on. So a difference is told only after the journal was read to
 * its end once more: whatever the agent did to a key before we saw it in S3 has its intent there by
 * then, since intents come first. Keys that are named there are left out. */
#include "agent/service/against.h"

#include "agent/core/moved.h"
#include "agent/service/attributes.h"

#include "agent/service/probe.h"
#include "agent/service/service.h"
#include "agent/service/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (32u << 20) /* to sort with */
#define THREADS      32
#define INSIDE_MAX   256 /* probes on their way */
#define REPORTS_MAX  256 /* differences that wait for the journal to be read again */
#define TELL_EACH    1024

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
    struct spill *spill;
    struct buf line; /* an encoded entry */
    struct uploaders *uploaders;
    struct attributes *attributes;
    struct probes *probes;
    struct section *sections; /* by prefix; no prefix begins another */
    size_t section_count;
    struct account_entry expired,
        kept; /* from the trash, up to the largest key: gone; or not all */
    char expired_key[ACCOUNT_KEY_SIZE], kept_key[ACCOUNT_KEY_SIZE];
    int64_t until_us;       /* time of the journal's last record */
    struct account account; /* of the key at hand */
    struct account nothing; /* of a key that the journal does not know */
    struct span ahead;      /* the next entry of the spill */
    bool has_account, has_ahead;
    struct report reports[REPORTS_MAX];
    size_t report_count;
    struct moved *moved; /* keys that the journal has named since it was read */
    struct moved *open;  /* keys of what did not end: of directories that were renamed, too */
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

/* ---- what the journal says ---- */

/* The prefix of a mapping's keys; NULL: there is no such mapping. */
static const char *prefix_of(const struct conf *conf, const char *mapping)
{
    for (size_t i = 0; i < conf->mapping_count; i++)
        if (strcmp(conf->mappings[i].name, mapping) == 0)
            return conf->mappings[i].prefix;
    return NULL;
}

/* Remember up to which key the trash was emptied. */
static void note_expiry(const struct journal_record *r, struct account_entry e,
                        struct account_entry *last, char key[ACCOUNT_KEY_SIZE])
{
    if (last->ordinal && strcmp(r->path, key) < 0)
        return;
    snprintf(key, ACCOUNT_KEY_SIZE, "%s", r->path);
    e.key = NULL;
    *last = e;
}

/* A page of the trash was removed. */
static void take_expiry(struct against *a, size_t which, const struct journal_record *r)
{
    struct account_entry e = {.ordinal = a->totals->records,
                              .what = ACCOUNT_DELETE,
                              .which = (unsigned)which,
                              .seq = r->seq,
                              .time_us = r->time_us};

    if (r->op != JOURNAL_EXPIRE || !r->path)
        return;
    if (r->state == JOURNAL_DONE)
        note_expiry(r, e, &a->expired, a->expired_key);
    e.what = ACCOUNT_UNSURE;
    if (r->state == JOURNAL_FAILED)
        note_expiry(r, e, &a->kept, a->kept_key);
}

/* What a record says of keys goes to be sorted. */
static int take(struct against *a, size_t which, const struct journal_record *r, struct err *e)
{
    struct account_entry said[2];
    const size_t n = account_said(r, said);
    const char *prefix = n ? prefix_of(a->opt->conf, r->mapping) : NULL;
    int rc = 0;

    a->until_us = r->time_us > a->until_us ? r->time_us : a->until_us;
    take_expiry(a, which, r);
    a->totals->elsewhere += n && !prefix;
    for (size_t i = 0; i < n && prefix && rc == 0; i++) {
        said[i].ordinal = a->totals->records;
        said[i].which = (unsigned)which;
        buf_reset(&a->line);
        rc = account_encode(&said[i], prefix, &a->line)
                 ? no_memory(e)
                 : spill_add(a->spill, (struct span){a->line.data, a->line.len}, e);
    }
    return rc;
}

/* The next record; damage is told of. RECORD or END. */
static enum journal_read next_record(struct against *a, struct journal_record *ret, size_t *which)
{
    enum journal_read got;
    struct err e = {0};

    while ((got = journal_weave_read(a->opt->weave, ret, NULL, which, &e)) == JOURNAL_READ_ERROR) {
        a->totals->damaged++;
        a->opt->damaged(a->opt->arg, *which, &e);
    }
    return got;
}

/* All that the journals say by now. */
static int read_journals(struct against *a, struct err *e)
{
    struct journal_record r;
    size_t which;
    int rc = 0;

    while (rc == 0 && next_record(a, &r, &which) == JOURNAL_READ_RECORD) {
        a->totals->records++;
        rc = take(a, which, &r, e);
        if (a->totals->records % TELL_EACH == 0)
            a->opt->progress(a->opt->arg, a->totals);
    }
    if (rc == 0)
        rc = spill_sort(a->spill, e);
    a->totals->spilled = spill_spilled(a->spill);
    return rc;
}

/* What they have come to say since. */
static int read_again(struct against *a, struct err *e)
{
    struct journal_record r;
    size_t which;

    while (next_record(a, &r, &which) == JOURNAL_READ_RECORD) {
        struct account_entry said[2];
        const size_t n = account_said(&r, said);
        const char *prefix = n ? prefix_of(a->opt->conf, r.mapping) : NULL;

        for (size_t i = 0; i < n && prefix; i++)
            if (moved_add(a->moved, said[i].is_key ? "" : prefix, said[i].key))
                return no_memory(e);
        if (r.op == JOURNAL_EXPIRE && r.path &&
            moved_add_all_to(a->moved, a->opt->conf->s3.trash_prefix, r.path))
            return no_memory(e);
    }
    return 0;
}

/* ---- differences ---- */

/* Tell of the differences that wait. */
static int tell(struct against *a, struct err *e)
{
    int rc = a->report_count ? read_again(a, e) : 0;

    for (size_t i = 0; i < a->report_count; i++) {
        struct report *r = &a->reports[i];

        if (rc == 0 && moved_has(a->moved, r->key)) {
            a->totals->moving++;
        } else if (rc == 0) {
            a->totals->differences++;
            a->totals->kinds[r->answer.kind]++;
            a->opt->found(a->opt->arg, r->key, &r->answer);
        }
        free(r->key);
    }
    a->report_count = 0;
    return rc;
}

/* What is known of a key is judged. */
static int judge(struct against *a, const struct account *account, const char *key,
                 const struct account_facts *f, struct err *e)
{
    struct report r = {.key = NULL};

    account_judge(account, f, &r.answer);
    if (r.answer.kind == ACCOUNT_SAME)
        return 0;
    if (r.answer.kind != ACCOUNT_OPEN && moved_has(a->open, key))
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
                              .journal_until_us = a->until_us,
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
    struct merged m = {
        .key = object->key, .path = object->key + strlen(s->prefix), .object = object};
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

/* What became of what lies in the trash: it may have been removed since. */
static void expire(const struct account_entry *last, const char *key, struct account *account)
{
    if (last->ordinal > account->last.ordinal && strcmp(account->key, key) <= 0)
        account_add(account, last);
}

/* Have the next key that the journal speaks of. 0 or a negative code. */
static int next_account(struct against *a, struct err *e)
{
    struct account_entry entry;
    int rc = 1;

    a->has_account = false;
    while (a->has_ahead && rc > 0) {
        if (account_decode(a->ahead, &entry))
            return err_set(e, ERR_CORRUPT, "the temporary file", NULL,
                           "it is not what was written");
        if (!a->has_account)
            account_begin(&a->account, entry.key);
        else if (strcmp(a->account.key, entry.key) != 0)
            break;
        a->has_account = true;
        account_add(&a->account, &entry);
        rc = spill_next(a->spill, &a->ahead, e);
        a->has_ahead = rc > 0;
    }
    if (rc < 0 || !a->has_account)
        return rc < 0 ? rc : 0;
    a->totals->keys++;
    if (strncmp(a->account.key, a->opt->conf->s3.trash_prefix,
                strlen(a->opt->conf->s3.trash_prefix)) == 0) {
        expire(&a->expired, a->expired_key, &a->account);
        expire(&a->kept, a->kept_key, &a->account);
    }
    /* A directory comes before what lies beneath it. */
    return a->account.open && moved_add(a->open, "", a->account.key) ? no_memory(e) : 0;
}

/* One key: what the journal says of it (NULL: nothing), what S3 lists (NULL: nothing). */
static int check_key(struct against *a, const struct section *s, const struct account *account,
                     const struct s3_object *object, struct err *e)
{
    const char *key = account ? account->key : object->key;
    struct account_facts f = {.in_s3 = object != NULL,
                              .size = object ? object->size : 0,
                              .etag = object ? object->etag : "",
                              .modified_us = object ? object->modified_us : 0,
                              .journal_until_us = a->until_us,
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

/* What lies below one prefix: the journal's keys and S3's as one stream. */
static int check_section(struct against *a, const struct section *s, struct err *e)
{
    struct s3_listing_options lo = {.prefix = s->prefix};
    const struct s3_object *object = NULL;
    struct s3_listing *listing = NULL;
    int rc = s3_listing_open(a->uploaders, &lo, &listing, e), listed = 1;

    while (rc == 0 && a->has_account && place(s, a->account.key) < 0)
        rc = next_account(a, e); /* of a trash that was elsewhere */
    while (rc == 0) {
        bool has_key = a->has_account && place(s, a->account.key) == 0;
        int order;

        if (!object && listed > 0)
            listed = s3_listing_next(listing, &object, e);
        if (listed <= 0)
            object = NULL;
        rc = listed < 0 ? listed : 0;
        if (rc || (!object && !has_key))
            break;
        order = !object ? -1 : !has_key ? 1 : strcmp(a->account.key, object->key);
        rc = check_key(a, s, order <= 0 ? &a->account : NULL, order >= 0 ? object : NULL, e);
        if (rc == 0 && order <= 0)
            rc = next_account(a, e);
        if (order >= 0)
            object = NULL;
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

/* The parts of the bucket that are ours. */
static int make_sections(struct against *a, struct err *e)
{
    const struct conf *conf = a->opt->conf;

    a->sections = calloc(conf->mapping_count + 1, sizeof *a->sections);
    if (!a->sections)
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

    buf_init(&a->line, SPILL_ENTRY_MAX);
    if (rc == 0 &&
        (spill_new(MEMORY_BYTES, &a->spill) || moved_new(&a->moved) || moved_new(&a->open)))
        rc = no_memory(e);
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
    probes_free(a->probes);
    uploaders_free(a->uploaders);
    attributes_free(a->attributes);
    moved_free(a->moved);
    moved_free(a->open);
    spill_free(a->spill);
    buf_release(&a->line);
    free(a->sections);
    free(a);
}

/* All of it, once everything is there. */
static int check_all(struct against *a, struct err *e)
{
    int rc = read_journals(a, e);

    if (rc == 0) {
        rc = spill_next(a->spill, &a->ahead, e);
        a->has_ahead = rc > 0;
        rc = rc < 0 ? rc : next_account(a, e);
    }
    for (size_t i = 0; i < a->section_count && rc == 0; i++)
        rc = check_section(a, &a->sections[i], e);
    if (rc == 0)
        rc = drain(a, 0, e);
    return rc ? rc : tell(a, e);
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
