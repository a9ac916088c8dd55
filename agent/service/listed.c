/*
 * Shell. What a directory holds is held against what the index has of it.
 *
 * A tree in step is listed at every start and at every scan, so this is what a file that did not
 * change costs: one step of the index's cursor. Listing and index have nearly the same order, so
 * the next key is looked for at the next entry first.
 *
 * What differs becomes an item at once, as it was seen, while there is room. Of the rest the names
 * are kept, which are looked at anew, as there is room; no further listing is taken before.
 */
#include "agent/service/listed.h"

#include "agent/service/agent.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What the index says of an entry. */
enum listed {
    LISTED_UNKNOWN = 0, /* nothing */
    LISTED_OTHER,       /* S3 has something else, or maybe nothing */
    LISTED_IN_STEP
};

/* A listing of which not all became items yet. */
struct listed_rest {
    struct mapping *m;
    struct hint *hint;
    uint8_t *listed; /* enum listed of each entry */
    size_t at;       /* the next entry */
    bool doubtful;   /* what was seen then may be seen otherwise by now */
};

/* While a listing is held against the index. */
struct compare {
    struct agent *agent;
    struct mapping *m;
    const struct listing *listing;
    const char *dir_key; /* "" or ending in '/' */
    size_t dir_n;
    bool leaving;    /* some of the mapping's objects are on their way out */
    bool doubtful;   /* events told of something there since it was listed */
    size_t next;     /* the entry behind the last one that the index had */
    uint8_t *listed; /* enum listed of each entry */
};

/* Order of listings: bytewise, a directory as if its name ended in '/'. */
static int listing_compare(const char *a, bool a_dir, const char *b, bool b_dir)
{
    size_t i = 0;

    while (a[i] && a[i] == b[i])
        i++;
    unsigned char ca = a[i] ? (unsigned char)a[i] : a_dir ? '/' : 0;
    unsigned char cb = b[i] ? (unsigned char)b[i] : b_dir ? '/' : 0;

    return ca < cb ? -1 : ca > cb;
}

/* How the name stands to an entry. */
static int entry_compare(const char *name, bool directory, const struct listing_entry *e)
{
    return listing_compare(name, directory, e->name, e->st.kind == FILE_DIRECTORY);
}

/* Is there such a name in the listing? Its number. */
static bool find_entry(struct compare *c, const char *name, bool directory, size_t *ret)
{
    const struct listing *l = c->listing;
    size_t low = 0, high = l->count;

    if (c->next < high && entry_compare(name, directory, &l->entries[c->next]) == 0) {
        *ret = c->next++;
        return true;
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = entry_compare(name, directory, &l->entries[mid]);

        if (order == 0) {
            *ret = mid;
            c->next = mid + 1;
            return true;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

/* index_fn: an object of the index in this directory. Suspected gone if its file is not listed. */
static int compare_file(void *arg, const char *key, const struct known *known)
{
    struct compare *c = arg;
    size_t at;

    if (find_entry(c, key + c->dir_n, false, &at)) {
        const struct listing_entry *e = &c->listing->entries[at];

        c->listed[at] = e->code == 0 && plan_in_step(&e->st, known) ? LISTED_IN_STEP : LISTED_OTHER;
        return 0;
    }
    if (!c->listing->complete || (known->flags & KNOWN_KEPT) ||
        watch_filter_excludes(&c->m->filter, key + c->m->prefix_len))
        return 0;
    if (!pending_find(c->agent->pending, key))
        intake_missed(c->agent, c->m->id, key, JOURNAL_SRC_SCAN);
    return 0;
}

/* A directory of the index: is it still listed? */
static int compare_directory(void *arg, const char *name)
{
    struct compare *c = arg;
    char dir[AGENT_KEY_SIZE];
    size_t at;

    if (find_entry(c, name, true, &at) || !c->listing->complete ||
        snprintf(dir, sizeof dir, "%s%s/", c->dir_key, name) >= (int)sizeof dir)
        return 0;
    if (watch_filter_excludes(&c->m->filter, dir + c->m->prefix_len))
        return 0;
    if (!c->doubtful) /* else an event may have told where it went, or that it came */
        rename_directory_gone(c->agent, dir, NULL);
    sweep_add(c->agent, c->m->id, dir);
    return 0;
}

static const enum item_state leaving_states[] = {ITEM_GONE, ITEM_CLAIMED, ITEM_LISTING,
                                                 ITEM_BARRIER, ITEM_DELETING};
#define LEAVING_STATES (sizeof leaving_states / sizeof *leaving_states)

/* The index has it, but not for long: nothing was there when it was looked at last. */
static bool is_leaving(const struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);

    for (size_t i = 0; it && i < LEAVING_STATES; i++)
        if (it->state == leaving_states[i])
            return true;
    return false;
}

static void rest_free(struct listed_rest *r)
{
    if (!r)
        return;
    hint_free(r->hint);
    free(r->listed);
    free(r);
}

void listed_forget(struct agent *a, unsigned root)
{
    if (!a->rest || (root != UINT_MAX && a->rest->m->id != root))
        return;
    rest_free(a->rest);
    a->rest = NULL;
}

void listed_doubt(struct agent *a, unsigned root)
{
    if (a->rest && a->rest->m->id == root)
        a->rest->doubtful = true;
}

/* The entries from this one on wait for room. Takes all that the hint holds, and what is known of
 * the entries. */
static void rest_take(struct compare *c, struct hint *h, size_t at)
{
    struct listed_rest *r = calloc(1, sizeof *r);

    if (!r || !(r->hint = malloc(sizeof *r->hint))) {
        free(r);
        agent_fail(c->agent, -ENOMEM, "reading a listing");
        return;
    }
    r->m = c->m;
    r->at = at;
    r->doubtful = c->m->unheard || c->doubtful;
    *r->hint = *h;
    *h = (struct hint){.kind = h->kind}; /* to be freed by its owner */
    r->listed = c->listed;
    c->listed = NULL;
    c->agent->rest = r;
}

/* The path is to be looked at, whatever was listed: of what is under way already, that something
 * may be new is said. */
static void look_anew(struct agent *a, const struct mapping *m, const char *key)
{
    struct item *it = pending_find(a->pending, key);

    if (it && it->state == ITEM_SETTLING)
        return;
    intake_touch_key(a, m->id, key, JOURNAL_SRC_SCAN, it ? m->conf->settle_ms : 0);
    if (it)
        return;
    it = pending_find(a->pending, key);
    if (!it)
        return;         /* without memory */
    it->resting = true; /* nobody tells whether its writer is done */
    intake_observe(a, it);
}

/* An entry that waited, unless something told of it meanwhile. What was listed is what is there
 * while no event tells of anything else; it is looked at anew otherwise. */
static void rest_look(struct agent *a, const struct listed_rest *r, size_t at)
{
    const struct listing_entry *e = &r->hint->listing->entries[at];
    char path[PATH_BYTES_MAX + 1], key[AGENT_KEY_SIZE];

    if (e->st.kind == FILE_DIRECTORY || r->listed[at] == LISTED_IN_STEP ||
        path_join(path, sizeof path, r->hint->path, e->name) ||
        !agent_key(a, r->m->id, path, key) || pending_find(a->pending, key))
        return;
    if (r->doubtful)
        look_anew(a, r->m, key);
    else
        intake_found(a, r->m, key, e);
}

void listed_step(struct agent *a)
{
    struct listed_rest *r = a->rest;

    if (!intake_wants_many(a))
        return;
    while (r && r->at < r->hint->listing->count && !a->fatal && intake_wants_listings(a))
        rest_look(a, r, r->at++);
    if (r && r->at == r->hint->listing->count)
        listed_forget(a, r->m->id);
}

/* What became of one listed file. False: there is no room for it. */
static bool compare_entry(const struct compare *c, const char *dir, size_t at)
{
    const struct listing_entry *e = &c->listing->entries[at];
    char path[PATH_BYTES_MAX + 1], key[AGENT_KEY_SIZE];
    bool in_step = c->listed[at] == LISTED_IN_STEP;

    if (e->st.kind == FILE_DIRECTORY || (in_step && !c->m->held && !c->leaving) ||
        path_join(path, sizeof path, dir, e->name) || !agent_key(c->agent, c->m->id, path, key))
        return true;
    if (in_step && c->m->held)
        (void)removals_hold_back(c->agent, c->m, key);
    if (!in_step && !pending_find(c->agent->pending, key) && !intake_wants_listings(c->agent))
        return false;
    if (in_step && !is_leaving(c->agent, key))
        return true;
    if (c->doubtful)
        look_anew(c->agent, c->m, key);
    else
        intake_found(c->agent, c->m, key, e);
    return true;
}

void listed_compare(struct agent *a, struct hint *h)
{
    char dir[AGENT_KEY_SIZE];
    struct compare c = {.agent = a,
                        .m = &a->mappings[h->root],
                        .listing = h->listing,
                        .dir_key = dir,
                        .doubtful = h->doubtful};
    size_t waits = h->listing->count; /* the first that does */
    int rc;

    if (!agent_dir_key(a, h->root, h->path, dir))
        return; /* nor can what lies in it have a key */
    c.dir_n = strlen(dir);
    c.leaving = pending_any_mapping(a->pending, h->root, leaving_states, LEAVING_STATES);
    a->crowd += h->listing->count;
    c.listed = calloc(h->listing->count + 1, sizeof *c.listed);
    if (!c.listed) {
        agent_fail(a, -ENOMEM, "reading a listing");
        return;
    }
    rc = index_each_child(a->index, dir, compare_file, compare_directory, &c);
    if (rc)
        agent_fail(a, rc, "reading the index");
    for (size_t i = 0; i < h->listing->count && !a->fatal; i++)
        if (!compare_entry(&c, h->path, i) && i < waits)
            waits = i;
    if (waits < h->listing->count)
        rest_take(&c, h, waits);
    free(c.listed);
}

/* While images are looked at ahead of their listing. */
struct ahead {
    struct agent *agent;
    const struct mapping *m;
    const char *to;
    size_t from_n;
    size_t left; /* so many more */
};

/* index_fn: an object of the index under the old place. Stops when there were enough. */
static int look_ahead(void *arg, const char *key, const struct known *known)
{
    struct ahead *h = arg;
    char now[AGENT_KEY_SIZE];

    if ((known->flags & (KNOWN_KEPT | KNOWN_MOVED)) || /* no file was there any more */
        pending_find(h->agent->pending, key) || /* it may have left before its directory did */
        snprintf(now, sizeof now, "%s%s", h->to, key + h->from_n) >= (int)sizeof now ||
        watch_filter_excludes(&h->m->filter, now + h->m->prefix_len))
        return 0;
    look_anew(h->agent, h->m, now);
    return --h->left == 0 || h->agent->fatal;
}

void listed_ahead(struct agent *a, unsigned mapping, const char *from, const char *to)
{
    struct ahead h = {.agent = a,
                      .m = &a->mappings[mapping],
                      .to = to,
                      .from_n = strlen(from),
                      .left = AGENT_MOVING_MAX / 2}; /* their old places are looked at, too */
    int rc;

    if (!intake_wants_many(a))
        return;
    rc = index_each_under(a->index, from, NULL, look_ahead, &h);
    if (rc < 0)
        agent_fail(a, rc, "reading the index");
}
