/* Shell. What the journals say of each key. See replay.h. */
#include "agent/service/replay.h"

#include "agent/core/moved.h"
#include "agent/service/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (32u << 20) /* to sort with */
#define TELL_EACH    1024
#define PAGE_STEP    900         /* keys between places: a page of a listing has 1,000 */
#define PLACES_MAX   (64u << 20) /* bytes of places; what comes later has none */

/* Up to which key a page of the trash was emptied last. */
struct expiry {
    struct account_entry entry; /* what it did; ordinal 0: there was none */
    char key[ACCOUNT_KEY_SIZE];
};

struct replay {
    struct replay_options opt;
    struct replay_totals totals;
    struct spill *spill;
    struct buf line;             /* an encoded entry */
    struct expiry gone, perhaps; /* all of it; or not all */
    struct buf places;           /* each with a NUL */
    size_t place;                /* the first that was not told yet */
    struct account account;      /* of the key that was handed out last */
    struct span ahead;           /* the next entry of the spill */
    bool has_ahead;
    struct moved *moved; /* keys that the journals have named since */
    struct moved *open;  /* keys of what did not end: of directories, too */
};

static int no_memory(struct err *e)
{
    return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
}

/* The prefix of a mapping's keys; NULL: there is no such mapping. */
static const char *prefix_of(const struct conf *conf, const char *mapping)
{
    for (size_t i = 0; i < conf->mapping_count; i++)
        if (strcmp(conf->mappings[i].name, mapping) == 0)
            return conf->mappings[i].prefix;
    return NULL;
}

/* A page of the trash was removed, or not all of it. */
static void take_expiry(struct replay *r, size_t which, const struct journal_record *rec)
{
    const bool done = rec->state == JOURNAL_DONE;
    struct expiry *x = done ? &r->gone : &r->perhaps;

    if (rec->op != JOURNAL_EXPIRE || !rec->path || (!done && rec->state != JOURNAL_FAILED) ||
        (x->entry.ordinal && strcmp(rec->path, x->key) < 0))
        return;
    snprintf(x->key, sizeof x->key, "%s", rec->path);
    x->entry = (struct account_entry){.ordinal = r->totals.records,
                                      .what = done ? ACCOUNT_DELETE : ACCOUNT_UNSURE,
                                      .which = (unsigned)which,
                                      .seq = rec->seq,
                                      .time_us = rec->time_us};
}

/* What a record says of keys goes to be sorted. */
static int take(struct replay *r, size_t which, const struct journal_record *rec, struct err *e)
{
    struct account_entry said[2];
    const size_t n = account_said(rec, said);
    const char *prefix = n ? prefix_of(r->opt.conf, rec->mapping) : NULL;
    int rc = 0;

    if (rec->time_us > r->totals.until_us)
        r->totals.until_us = rec->time_us;
    take_expiry(r, which, rec);
    r->totals.elsewhere += n && !prefix;
    for (size_t i = 0; i < n && prefix && rc == 0; i++) {
        said[i].ordinal = r->totals.records;
        said[i].which = (unsigned)which;
        buf_reset(&r->line);
        rc = account_encode(&said[i], prefix, &r->line)
                 ? no_memory(e)
                 : spill_add(r->spill, (struct span){r->line.data, r->line.len}, e);
    }
    return rc;
}

/* The next record; damage is told of. RECORD or END. */
static enum journal_read next_record(struct replay *r, struct journal_record *ret, size_t *which)
{
    enum journal_read got;
    struct err e = {0};

    while ((got = journal_weave_read(r->opt.weave, ret, NULL, which, &e)) == JOURNAL_READ_ERROR) {
        r->totals.damaged++;
        r->opt.damaged(r->opt.arg, *which, &e);
    }
    return got;
}

/* All that the journals say by now. */
static int read_all(struct replay *r, struct err *e)
{
    struct journal_record rec;
    size_t which;
    int rc = 0;

    while (rc == 0 && next_record(r, &rec, &which) == JOURNAL_READ_RECORD) {
        r->totals.records++;
        rc = take(r, which, &rec, e);
        if (r->totals.records % TELL_EACH == 0)
            r->opt.progress(r->opt.arg, r->totals.records);
    }
    return rc ? rc : spill_sort(r->spill, e);
}

/* Every so many keys. */
static int find_places(struct replay *r, struct err *e)
{
    char last[ACCOUNT_KEY_SIZE] = "";
    uint64_t keys = 0;
    struct span entry;
    int rc;

    while ((rc = spill_next(r->spill, &entry, e)) > 0) {
        if (strcmp(entry.p, last) == 0)
            continue;
        snprintf(last, sizeof last, "%s", entry.p);
        if (++keys % PAGE_STEP == 0 &&
            buf_append(&r->places, entry.p, strlen(entry.p) + 1) == -ENOMEM)
            return no_memory(e);
    }
    return rc < 0 ? rc : spill_rewind(r->spill, e);
}

int replay_open(const struct replay_options *opt, struct replay **ret, struct err *e)
{
    struct replay *r = calloc(1, sizeof *r);
    int rc = 0;

    if (!r)
        return no_memory(e);
    r->opt = *opt;
    buf_init(&r->line, SPILL_ENTRY_MAX);
    buf_init(&r->places, PLACES_MAX);
    if (spill_new(MEMORY_BYTES, &r->spill) || moved_new(&r->moved) || moved_new(&r->open))
        rc = no_memory(e);
    if (rc == 0)
        rc = read_all(r, e);
    if (rc == 0)
        rc = find_places(r, e);
    if (rc == 0) {
        rc = spill_next(r->spill, &r->ahead, e);
        r->has_ahead = rc > 0;
    }
    if (rc < 0) {
        replay_close(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void replay_close(struct replay *r)
{
    if (!r)
        return;
    moved_free(r->moved);
    moved_free(r->open);
    spill_free(r->spill);
    buf_release(&r->line);
    buf_release(&r->places);
    free(r);
}

const struct replay_totals *replay_totals(const struct replay *r)
{
    return &r->totals;
}

/* What became of what lies in the trash: it may have been removed since. */
static void expire(const struct expiry *x, struct account *account)
{
    if (x->entry.ordinal > account->last.ordinal && strcmp(account->key, x->key) <= 0)
        account_add(account, &x->entry);
}

/* The key's account has all of its entries. */
static int finish(struct replay *r, struct err *e)
{
    const char *trash = r->opt.conf->s3.trash_prefix;

    r->totals.keys++;
    if (strncmp(r->account.key, trash, strlen(trash)) == 0) {
        expire(&r->gone, &r->account);
        expire(&r->perhaps, &r->account);
    }
    /* A directory comes before what lies beneath it. */
    return r->account.open && moved_add(r->open, "", r->account.key) ? no_memory(e) : 1;
}

int replay_next(struct replay *r, const struct account **ret, struct err *e)
{
    struct account_entry entry;
    bool begun = false;
    int rc = 1;

    while (r->has_ahead && rc > 0) {
        if (account_decode(r->ahead, &entry))
            return err_set(e, ERR_CORRUPT, "the temporary file", NULL,
                           "it is not what was written");
        if (!begun)
            account_begin(&r->account, entry.key);
        else if (strcmp(r->account.key, entry.key) != 0)
            break;
        begun = true;
        account_add(&r->account, &entry);
        rc = spill_next(r->spill, &r->ahead, e);
        r->has_ahead = rc > 0;
    }
    if (rc < 0 || !begun)
        return rc < 0 ? rc : 0;
    *ret = &r->account;
    return finish(r, e);
}

const char *replay_place(struct replay *r, const char *prefix)
{
    while (r->place < r->places.len) {
        const char *here = r->places.data + r->place;
        const int order = strncmp(here, prefix, strlen(prefix));

        if (order > 0)
            return NULL;
        r->place += strlen(here) + 1;
        if (order == 0)
            return here;
    }
    return NULL;
}

bool replay_is_open(const struct replay *r, const char *key)
{
    return moved_has(r->open, key);
}

int replay_again(struct replay *r, struct err *e)
{
    struct journal_record rec;
    size_t which;

    while (next_record(r, &rec, &which) == JOURNAL_READ_RECORD) {
        struct account_entry said[2];
        const size_t n = account_said(&rec, said);
        const char *prefix = n ? prefix_of(r->opt.conf, rec.mapping) : NULL;

        for (size_t i = 0; i < n && prefix; i++)
            if (moved_add(r->moved, said[i].is_key ? "" : prefix, said[i].key))
                return no_memory(e);
        if (rec.op == JOURNAL_EXPIRE && rec.path &&
            moved_add_all_to(r->moved, r->opt.conf->s3.trash_prefix, rec.path))
            return no_memory(e);
    }
    return 0;
}

bool replay_moved(const struct replay *r, const char *key)
{
    return moved_has(r->moved, key);
}
