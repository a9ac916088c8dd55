/* Shell. Passes: the lists that renames and removals made stale are rewritten, a batch at a time.
 */
#include "agent/service/agent.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PASS_HOPS_MAX 1000 /* renames of one image between two passes */

void relist_moved_row(struct agent *a, unsigned mapping, const char *from, const char *to)
{
    struct moved_row *r = calloc(1, sizeof *r);

    if (r) {
        r->from = strdup(from);
        r->to = strdup(to);
    }
    if (!r || !r->from || !r->to) {
        agent_fail(a, -ENOMEM, "renaming in lists");
        return;
    }
    r->mapping = mapping;
    r->next = a->moved_rows;
    a->moved_rows = r;
    if (!a->pass_first_ms)
        a->pass_first_ms = a->now_ms;
    a->pass_last_ms = a->now_ms;
}

/* A row can hold no TAB, CR or LF: a path with one stands in no list, so none names it. */
static int change_remove(struct lst_changes *changes, const char *path)
{
    int rc = lst_changes_remove(changes, path);

    return rc == ERR_SYNTAX ? 0 : rc;
}

/* An image whose new name no row can hold leaves the lists, and that is said. */
static int change_rename(struct lst_changes *changes, const char *from, const char *to)
{
    int rc = lst_changes_rename(changes, from, to);

    if (rc != ERR_SYNTAX)
        return rc;
    log_warning("%s: no row of a list can name it (TAB, CR or LF); the rows of %s are dropped", to,
                from);
    return change_remove(changes, from);
}

/* One noted row: to where its image is by now, should that have been renamed in the same moment. */
static int pass_row(struct agent *a, const struct moved_row *r, struct lst_changes *changes)
{
    char key[AGENT_KEY_SIZE];
    const struct item *there;

    if (!agent_key(a, r->mapping, r->to, key))
        return 0;
    there = pending_find(a->pending, key);
    if (there && there->state == ITEM_LISTING)
        return change_remove(changes, r->from);
    if (there && there->state == ITEM_CLAIMED && there->target)
        return change_rename(changes, r->from, there->target + a->mappings[r->mapping].prefix_len);
    return change_rename(changes, r->from, r->to);
}

/* Move the rows noted by relist_moved_row into the changes. */
static int pass_take_rows(struct agent *a, unsigned mapping, struct lst_changes *changes)
{
    int rc = 0;

    for (struct moved_row **at = &a->moved_rows; *at && rc == 0;) {
        struct moved_row *r = *at;

        if (r->mapping != mapping) {
            at = &r->next;
            continue;
        }
        rc = pass_row(a, r, changes);
        *at = r->next;
        free(r->from);
        free(r->to);
        free(r);
    }
    return rc;
}

/* Where the image that was under this key went on to: by the index, where its new object is in S3,
 * or by a rename that is under way. False: it stayed. */
static bool pass_hop(struct agent *a, char key[AGENT_KEY_SIZE])
{
    struct index_entry e;
    const struct item *there;

    if (index_get(a->index, key, &e) == 0 && (e.known.flags & KNOWN_MOVED) && e.known.moved_to) {
        snprintf(key, AGENT_KEY_SIZE, "%s", e.known.moved_to);
        return true;
    }
    there = pending_find(a->pending, key);
    if (!there || there->state != ITEM_CLAIMED || !there->target)
        return false;
    snprintf(key, AGENT_KEY_SIZE, "%s", there->target);
    return true;
}

/* Where a renamed image is by now: it may have been renamed again, or removed, since. NULL: it is
 * nowhere any more. */
static const char *pass_target(struct agent *a, const struct item *it, char out[AGENT_KEY_SIZE])
{
    struct index_entry e;
    const struct item *there;

    snprintf(out, AGENT_KEY_SIZE, "%s", it->target);
    if (!it->copied)
        return out; /* the new object is still to come: that is where it goes */
    for (int hops = 0; hops < PASS_HOPS_MAX && pass_hop(a, out); hops++)
        ;
    there = pending_find(a->pending, out);
    if (there && (there->state == ITEM_LISTING || there->state == ITEM_BARRIER ||
                  there->state == ITEM_DELETING))
        return NULL;
    return there || index_get(a->index, out, &e) == 0 ? out : NULL;
}

/* Move the mapping's items from `relist` to `passing` and their changes into the batch; journal the
 * intents of removals. */
static int pass_take_items(struct agent *a, struct mapping *m, struct lst_changes *changes)
{
    char target[AGENT_KEY_SIZE];
    int rc = 0;

    for (struct item *it = a->relist.first, *next; it && rc == 0; it = next) {
        next = it->next;
        if (it->mapping != m->id)
            continue;
        if (it->state == ITEM_CLAIMED) {
            rc = pass_target(a, it, target)
                     ? change_rename(changes, it->path, target + m->prefix_len)
                     : change_remove(changes, it->path);
        } else {
            struct journal_record rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_INTENT);

            rec.tx = JOURNAL_TX_SELF;
            it->tx = a->options.dry_run ? 0 : agent_journal(a, &rec);
            it->released = true; /* the guard let it pass; a retry is not asked about again */
            rc = change_remove(changes, it->path);
        }
        item_queue_push(&a->passing, it);
    }
    return rc;
}

struct pass_gather {
    struct agent *agent;
    struct job *job;
    struct change_set *set;
    unsigned mapping;
};

/* A list of the mapping: to the pass, or behind the changes that it already waits for. */
static int pass_list_found(struct pass_gather *g, const char *path)
{
    if (!lst_is_list(path))
        return 0;
    if (stale_find(g->agent, g->mapping, path)) {
        stale_add(g->agent, g->mapping, path, g->set, NULL);
        return 0;
    }
    return job_add_list(g->job, g->mapping, path);
}

/* index_fn. */
static int pass_gather_key(void *arg, const char *key, const struct known *known)
{
    struct pass_gather *g = arg;

    (void)known;
    return pass_list_found(g, key + g->agent->mappings[g->mapping].prefix_len);
}

/* All lists bound to a repository: those of the index and those that are not in S3 yet. */
static int pass_gather_lists(struct agent *a, unsigned repository, struct job *job,
                             struct change_set *set)
{
    int rc = 0;

    for (unsigned i = 0; i < a->mapping_count && rc == 0; i++) {
        struct pass_gather g = {.agent = a, .job = job, .set = set, .mapping = i};
        struct index_entry e;

        if (a->mappings[i].conf->kind != CONF_LISTS ||
            a->mappings[i].conf->repository != repository)
            continue;
        rc = index_each_under(a->index, a->mappings[i].conf->prefix, NULL, pass_gather_key, &g);
        for (struct item *it = pending_first(a->pending, i); it && rc == 0; it = it->mate_next)
            if (index_get(a->index, it->key, &e) == -ENOENT)
                rc = pass_list_found(&g, it->path);
    }
    return rc;
}

/* There is an object to delete, as far as is known. */
static bool in_index(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return index_get(a->index, it->key, &e) != -ENOENT;
}

/* The rows are where they belong: items go on to their deletion. */
static void pass_items_through(struct agent *a)
{
    uint64_t barrier = order_barrier(&a->order);

    while (a->passing.first) {
        struct item *it = a->passing.first;

        item_queue_leave(it);
        it->relisted = true;
        it->barrier = barrier;
        if (a->options.dry_run) {
            if (it->change == CHANGE_RENAME)
                rename_through(a, it);
            it->again = false;
            decide_done(a, it);
        } else if (it->state == ITEM_LISTING && !in_index(a, it)) {
            removals_unlisted(a, it);
        } else if (it->state == ITEM_LISTING || it->copied) {
            removals_to_barrier(a, it);
        } else if (!it->peer) {
            it->hint_ms = a->now_ms;
            intake_resettle(a, it); /* the rename was abandoned meanwhile */
        }
    }
    a->pass_running = false;
}

/* A lists mapping of this repository is being scanned or cannot be reached: not all of its lists
 * may be known. */
static bool lists_unknown(const struct agent *a, unsigned repository)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].conf->kind == CONF_LISTS &&
            a->mappings[i].conf->repository == repository &&
            (a->mappings[i].scanning || a->mappings[i].lost))
            return true;
    return false;
}

/* The mapping whose turn it is: the first item's, or the first moved row's. */
static struct mapping *pass_next_mapping(struct agent *a)
{
    for (const struct item *it = a->relist.first; it; it = it->next)
        if (!lists_unknown(a, it->mapping))
            return &a->mappings[it->mapping];
    for (const struct moved_row *r = a->moved_rows; r; r = r->next)
        if (!lists_unknown(a, r->mapping))
            return &a->mappings[r->mapping];
    return NULL;
}

/* Is it time to begin a pass? */
static bool pass_is_due(const struct agent *a)
{
    if (a->pass_running)
        return false;
    return a->now_ms - a->pass_last_ms >= AGENT_PASS_QUIET_MS ||
           a->now_ms - a->pass_first_ms >= AGENT_PASS_MAX_MS;
}

/* Hand the batch to the thread, or go on at once where no list is concerned. */
static void pass_submit(struct agent *a, struct mapping *m, struct change_set *set)
{
    struct job *job = job_new(JOB_PASS);
    int rc = job ? 0 : -ENOMEM;

    if (rc == 0 && m->conf->kind == CONF_REPOSITORY && lst_changes_count(set->changes))
        rc = pass_gather_lists(a, m->id, job, set);
    if (rc) {
        job_free(job);
        agent_fail(a, rc, "gathering lists");
        return;
    }
    if (job->list_count == 0) {
        job_free(job);
        pass_items_through(a);
        return;
    }
    set->refs++;
    job->set = set;
    job->changes = set->changes;
    job->root_fds = a->root_fds;
    job->dry_run = a->options.dry_run;
    work_submit(a->work, job);
}

void relist_pass(struct agent *a)
{
    struct mapping *m = pass_next_mapping(a);
    struct change_set *set;
    int rc;

    if (!m || !pass_is_due(a))
        return;
    removals_guard(a, m);
    set = calloc(1, sizeof *set);
    rc = set ? lst_changes_new(&set->changes) : -ENOMEM;
    if (rc == 0) {
        set->refs = 1;
        rc = pass_take_rows(a, m->id, set->changes);
    }
    if (rc == 0 && a->options.dry_run)
        dry_removals(a, m, &a->relist);
    if (rc == 0)
        rc = pass_take_items(a, m, set->changes);
    if (rc) {
        agent_fail(a, rc, "gathering changes");
    } else {
        a->pass_running = true;
        if (!a->relist.count && !a->moved_rows)
            a->pass_first_ms = a->pass_last_ms = 0;
        agent_sync(a);
        if (!a->fatal)
            pass_submit(a, m, set);
    }
    change_set_drop(set);
}

void relist_changed(struct agent *a, const struct pass_list *list)
{
    a->totals.lists_rewritten++;
    intake_touch(a, list->mapping, list->path, JOURNAL_SRC_SELF, 0);
}

void relist_passed(struct agent *a, struct job *job)
{
    struct change_set *set = job->set;

    if (job->retry) {
        stale_passed(a, &job->lists[0]);
        change_set_drop(set);
        return;
    }
    if (job->dry_run)
        dry_lists(a, job);
    for (size_t i = 0; i < job->list_count && !job->dry_run; i++) {
        const struct pass_list *list = &job->lists[i];

        if (list->code && !stale_is_gone(a, list))
            stale_add(a, list->mapping, list->path, set, list->why);
        else if (list->changed)
            relist_changed(a, list);
    }
    pass_items_through(a);
    change_set_drop(set);
}

int64_t relist_deadline(const struct agent *a)
{
    int64_t quiet = a->pass_last_ms + AGENT_PASS_QUIET_MS;
    int64_t most = a->pass_first_ms + AGENT_PASS_MAX_MS;
    int64_t due = quiet < most ? quiet : most;

    /* Past due and still here: it waits for a scan, a root or a thread, whose letter wakes the
     * loop. */
    if (a->pass_running || (!a->relist.count && !a->moved_rows) || due <= a->now_ms)
        return INT64_MAX;
    return due;
}

void relist_ask(struct agent *a, struct job *job)
{
    const struct mapping *m = &a->mappings[job->mapping];
    struct journal_record rec = {.op = JOURNAL_LST,
                                 .state = JOURNAL_INTENT,
                                 .source = JOURNAL_SRC_SELF,
                                 .tx = JOURNAL_TX_SELF,
                                 .mapping = m->conf->name,
                                 .path = job->path,
                                 .count = job->rows,
                                 .before = job->before,
                                 .after = job->after,
                                 .backup = job->undo};
    uint64_t seq = agent_journal(a, &rec);

    agent_sync(a);
    if (!a->fatal)
        a->lst_tx = seq;
    work_answer(job, a->fatal ? a->fatal : 0, seq);
}

void relist_ended(struct agent *a, struct job *job)
{
    const struct mapping *m = &a->mappings[job->mapping];
    struct journal_record rec = {.op = JOURNAL_LST,
                                 .state = job->done ? JOURNAL_DONE : JOURNAL_ABORT,
                                 .tx = job->tx,
                                 .mapping = m->conf->name,
                                 .path = job->path,
                                 .count = job->rows,
                                 .before = job->before,
                                 .after = job->after};

    if (!job->done)
        rec.why = "the list was changed by someone else at the same moment";
    agent_journal(a, &rec);
    a->lst_tx = 0;
    if (!job->done)
        return;
    a->totals.rows_changed += job->rows;
    log_info("%s/%s: %" PRIu64 " rows rewritten", m->conf->name, job->path, job->rows);
}

void relist_free_all(struct agent *a)
{
    while (a->moved_rows) {
        struct moved_row *r = a->moved_rows;

        a->moved_rows = r->next;
        free(r->from);
        free(r->to);
        free(r);
    }
}
