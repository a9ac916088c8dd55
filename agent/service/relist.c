/* Shell. Passes: the lists that renames and removals made stale are rewritten, a batch at a time.
 */
#include "agent/service/agent.h"

#include "agent/service/absent.h"
#include "agent/service/departed.h"
#include "agent/service/explain.h"
#include "agent/service/follow.h"
#include "agent/service/list_holds.h"
#include "agent/service/mentioned.h"
#include "agent/service/seek.h"
#include "agent/service/stale.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void relist_wanted(struct agent *a)
{
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

/* An image whose new name no row can hold leaves the lists, and that is said. `over`: as of
 * rows_is_over. */
static int change_rename(struct lst_changes *changes, const char *from, const char *to, bool over)
{
    int rc =
        over ? lst_changes_rename_over(changes, from, to) : lst_changes_rename(changes, from, to);

    if (rc != ERR_SYNTAX)
        return rc;
    log_warning("%s: no row of a list can name it (TAB, CR or LF); the rows of %s are dropped", to,
                from);
    return change_remove(changes, from);
}

/* The image is gone from there. It may have come over another one: rows that have no other for that
 * place follow. Or it was not seen to go on with its directory. */
static int change_gone(struct agent *a, const struct mapping *m, struct lst_changes *changes,
                       const char *from, char over[AGENT_KEY_SIZE])
{
    const char *over_at = rows_over_at(m->rows, from);
    char key[AGENT_KEY_SIZE], now[AGENT_KEY_SIZE];
    int rc = ERR_SYNTAX;

    if (follow_came_over(a, m, from, over))
        rc = lst_changes_rename_over(changes, from, over);
    else if (agent_key(a, m->id, from, key) && explain_place(a, m, key, now)) {
        snprintf(over, AGENT_KEY_SIZE, "%s", now + m->prefix_len);
        rc = lst_changes_rename(changes, from, over);
    } else if (!rows_is_free(m->rows, from) || follow_is_home(a, m, from)) {
        over[0] = '\0';
        rc = lst_changes_yield(changes, from);
    } else if (over_at && strcmp(over_at, from) != 0) {
        snprintf(over, AGENT_KEY_SIZE, "%s", over_at);
        rc = lst_changes_rename_over(changes, from, over);
    }
    if (rc != ERR_SYNTAX)
        return rc;
    over[0] = '\0'; /* nowhere, or to a name that no row can hold */
    return change_remove(changes, from);
}

/* What a pass is made of. */
struct pass_batch {
    struct agent *agent;
    const struct mapping *m;
    struct lst_changes *changes;
    struct departed_pass departed;
};

#define TROUBLED_US (120 * US_PER_S) /* not in step for so long: lists may be checked late */

/* rows_fn: into the batch and, unless they may be another's that is there by now, into the memory
 * for lists that come with old rows later. */
static int pass_row(void *arg, const char *from, const char *to)
{
    struct pass_batch *b = arg;
    struct agent *a = b->agent;
    const int64_t now_s = a->real_us / US_PER_S;
    char key[AGENT_KEY_SIZE], over[AGENT_KEY_SIZE] = "";
    int rc = to ? change_rename(b->changes, from, to, rows_is_over(b->m->rows, from))
                : change_gone(a, b->m, b->changes, from, over);

    to = over[0] ? over : to;
    if (rc == 0 && to && agent_key(a, b->m->id, to, key))
        explain_rewritten(a, key);
    if (!to && follow_lives_at(a, b->m, from, over))
        to = over; /* for old rows */
    if (rc || a->options.dry_run || !agent_key(a, b->m->id, from, key))
        return rc;
    /* What led here by a pass that did not end, whose changes are made again, leads on already. */
    b->departed.again_us = rows_is_free(b->m->rows, from) ? 0 : a->pass_again_us;
    if (follow_is_home(a, b->m, from))
        rc = departed_lead_on(a->index, &b->departed, key, b->m->prefix_len, to, now_s);
    else
        rc = departed_note(a->index, &b->departed, key, b->m->prefix_len, to, now_s,
                           a->idle || a->real_us - a->in_step_us < TROUBLED_US
                               ? DEPARTED_UNLISTED_S
                               : DEPARTED_TROUBLED_S);
    agent_dirty(a);
    /* LMDB keeps the memory of all pages of its largest transaction. */
    return rc || a->uncommitted < AGENT_COMMIT_COUNT ? rc : agent_commit(a);
}

/* Move the mapping's items from `relist` to `passing`; journal the intents of removals. */
static void pass_take_items(struct agent *a, const struct mapping *m)
{
    for (struct item *it = a->relist.first, *next; it; it = next) {
        next = it->next;
        if (it->mapping != m->id)
            continue;
        if (it->state == ITEM_LISTING) {
            struct journal_record rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_INTENT);

            rec.tx = JOURNAL_TX_SELF;
            it->tx = a->options.dry_run ? 0 : agent_journal(a, &rec);
            it->released = true; /* the guard let it pass; a retry is not asked about again */
            follow_gone(a, it);
        } else {
            (void)follow_emptied(a, it); /* this pass takes them */
            if (it->copied)
                follow_leaves(a, it);
        }
        item_queue_push(&a->passing, it);
    }
}

const char *relist_note_key(const struct agent *a, unsigned mapping, const char *key)
{
    return a->options.dry_run || a->mappings[mapping].unheard ? NULL : key;
}

int relist_add(struct agent *a, struct job *job, unsigned mapping, const char *path)
{
    char key[AGENT_KEY_SIZE];
    const char *note = agent_key(a, mapping, path, key) ? relist_note_key(a, mapping, key) : NULL;

    return job_add_list(job, mapping, path, note, conf_policy_of(a->conf, mapping, path));
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
    return relist_add(g->agent, g->job, g->mapping, path);
}

/* index_fn. */
static int pass_gather_key(void *arg, const char *key, const struct known *known)
{
    struct pass_gather *g = arg;

    if (known->flags & KNOWN_KEPT)
        return 0;
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

/* The rows are where they belong: items go on to their deletion. */
static void pass_items_through(struct agent *a)
{
    uint64_t barrier = order_barrier(&a->order);

    while (a->passing.first) {
        struct item *it = a->passing.first;

        item_queue_leave(it);
        it->relisted = true;
        if (it->change == CHANGE_REMOVE && !a->options.dry_run) {
            it->vacated = true; /* what comes there now overwrites nothing */
            follow_left(a, it);
        }
        it->barrier = barrier;
        if (a->options.dry_run) {
            if (it->change == CHANGE_RENAME)
                rename_through(a, it);
            it->again = false;
            decide_done(a, it);
        } else if (it->state == ITEM_LISTING && !deletions_has_object(a, it->key)) {
            removals_unlisted(a, it);
        } else if (it->state == ITEM_LISTING || it->copied) {
            removals_to_barrier(a, it);
        } else if (!it->peer) {
            it->hint_ms = a->now_ms;
            intake_resettle(a, it); /* the rename was abandoned meanwhile */
        } else {
            a->followed++;
        }
    }
    a->pass_running = false;
    follow_settled(a);
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

/* The mapping whose turn it is: the first item's, or the first that has rows to move. */
static struct mapping *pass_next_mapping(struct agent *a)
{
    for (const struct item *it = a->relist.first; it; it = it->next)
        if (!lists_unknown(a, it->mapping))
            return &a->mappings[it->mapping];
    for (size_t i = 0; i < a->mapping_count; i++)
        if (rows_pending(a->mappings[i].rows) && !lists_unknown(a, (unsigned)i))
            return &a->mappings[i];
    return NULL;
}

/* So many images of large directories have landed that the lists follow them before more do: then
 * their old objects can go, and room is made. Not while the objects of the last such are still to
 * go, nor while images are gone for good, of which the guard is asked together. */
static bool piece_has_landed(const struct agent *a, const struct mapping *m)
{
    return a->relist.count >= AGENT_RELIST_PIECE + a->ready.count + a->flying &&
           !a->barrier.count && !pending_count_mapping(a->pending, m->id, ITEM_LISTING) &&
           !rows_unsure(m->rows);
}

/* Of a large directory nothing more is to come: so many images have landed, and no other one of the
 * mapping is on its way. What comes later has lists rewritten again, for as many images, or once it
 * is quiet. */
static bool last_has_landed(const struct agent *a, const struct mapping *m)
{
    static const enum item_state on_their_way[] = {
        ITEM_SETTLING, ITEM_OBSERVING, ITEM_OBSERVED, ITEM_HASHING,  ITEM_READY,
        ITEM_FLYING,   ITEM_GONE,      ITEM_LISTING,  ITEM_DELETING, ITEM_BARRIER};

    return a->relist.count >= AGENT_RELIST_LAST && !intake_busy(a) &&
           !pending_any_mapping(a->pending, m->id, on_their_way,
                                sizeof on_their_way / sizeof *on_their_way);
}

/* Is it time to begin a pass over the mapping's lists? Not while more is to come: each list is
 * rewritten once for all that goes at a time, however it is spread by then. */
static bool pass_is_due(struct agent *a, const struct mapping *m)
{
    if (a->pass_running)
        return false;
    if (a->now_ms - a->pass_first_ms >= AGENT_PASS_MAX_MS || piece_has_landed(a, m))
        return true;
    if (a->now_ms - a->pass_last_ms < AGENT_PASS_QUIET_MS && !last_has_landed(a, m))
        return false;
    if (rows_unsure(m->rows))
        return false;
    if (!removals_to_come(a, m))
        return true;
    a->pass_last_ms = a->now_ms; /* all items are not walked at every turn */
    return false;
}

/* Hand the batch to the thread, or go on at once where no list is concerned. */
static void pass_submit(struct agent *a, struct mapping *m, struct job *job)
{
    int rc = 0;

    if (m->conf->kind == CONF_REPOSITORY && lst_changes_count(job->changes))
        rc = pass_gather_lists(a, m->id, job, job->set);
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
    job->mapping = m->id;
    job->root_fds = a->root_fds;
    job->index = a->index;
    job->dry_run = a->options.dry_run;
    work_submit(a->work, job);
}

/* The items and rows of the mapping whose turn it is are to be dealt with by the job. */
static int pass_fill(struct agent *a, const struct mapping *m, struct job *job)
{
    struct pass_batch batch = {.agent = a, .m = m, .changes = job->changes};
    int rc = list_holds_names(a, m, job);

    if (!a->pass_began_us && !a->options.dry_run)
        a->pass_began_us = a->real_us;
    pass_take_items(a, m);
    departed_begin(&batch.departed, a->real_us,
                   a->real_us - (a->now_ms - a->started_ms) * US_PER_MS);
    rc = rc ? rc : rows_take(m->rows, pass_row, &batch);
    while (rc == 0 && (rc = departed_store(&batch.departed, a->index, AGENT_COMMIT_COUNT)) > 0)
        rc = agent_commit(a); /* as above */
    departed_end(&batch.departed);
    return rc;
}

/* A pass over the lists of the mapping whose turn it is. True: it went through at once, so another
 * mapping's may follow. */
static bool pass_begin(struct agent *a)
{
    struct mapping *m = pass_next_mapping(a);
    struct change_set *set;
    struct job *job;
    int rc;

    if (!m || !pass_is_due(a, m) || seek_rows(a, m) || list_holds_ask(a, m))
        return false;
    removals_guard(a, m);
    if (a->options.dry_run)
        dry_removals(a, m, &a->relist);
    set = change_set_new();
    job = set ? job_new(JOB_PASS) : NULL;
    rc = job ? 0 : -ENOMEM;
    if (job) {
        job->set = set;
        set->refs++;
        job->changes = set->changes;
        rc = pass_fill(a, m, job);
    }
    if (rc) {
        agent_fail(a, rc, "gathering changes");
        job_free(job);
        change_set_drop(set);
        return false;
    }
    a->pass_running = true;
    if (!a->relist.count && !follow_pending(a))
        a->pass_first_ms = a->pass_last_ms = 0;
    agent_sync(a);
    if (a->fatal)
        job_free(job);
    else
        pass_submit(a, m, job);
    change_set_drop(set);
    return !a->pass_running && !a->fatal;
}

void relist_pass(struct agent *a)
{
    /* No deadline wakes the loop for those that are past due. */
    for (size_t i = 0; i < a->mapping_count && pass_begin(a); i++)
        ;
}

/* Rows name images that are gone, and stay. Where that is all, no rewrite tells of it. */
static void rows_kept(struct agent *a, const struct pass_list *list)
{
    struct mapping *m = &a->mappings[list->mapping];
    struct journal_record rec = {.op = JOURNAL_LST,
                                 .state = JOURNAL_NOTE,
                                 .source = JOURNAL_SRC_SELF,
                                 .mapping = m->conf->name,
                                 .path = list->path,
                                 .count = list->kept,
                                 .why = "rows kept by on_remove = \"keep\": their images are gone"};

    log_warning("%s/%s: %" PRIu64 " rows name images that are gone, and stay: its on_remove is "
                "\"keep\"",
                m->conf->name, list->path, list->kept);
    if (!list->changed)
        agent_journal(a, &rec);
    absent_add(a, m, list->path, list->kept);
}

void relist_changed(struct agent *a, const struct pass_list *list)
{
    if (list->kept)
        rows_kept(a, list);
    if (!list->changed)
        return;
    a->totals.lists_rewritten++;
    intake_touch(a, list->mapping, list->path, JOURNAL_SRC_SELF, 0);
}

/* The pass found the list to be another one than S3 has, or is about to have. */
static bool is_news(struct agent *a, const struct pass_list *list, const char *key)
{
    const struct item *it = pending_find(a->pending, key);
    struct index_entry e;

    if (it)
        return it->seen.kind == FILE_REGULAR && !file_same_content(&list->seen, &it->seen);
    return index_get(a->index, key, &e) == 0 && !plan_in_step(&list->seen, &e.known);
}

/* A list that names nothing of the pass may be another one than S3 has, though no event told of
 * that yet: what its copy names is not to go before it is there. */
static void list_unaffected(struct agent *a, const struct pass_list *list)
{
    char key[AGENT_KEY_SIZE];

    if (list->seen.kind == FILE_REGULAR && agent_key(a, list->mapping, list->path, key) &&
        is_news(a, list, key))
        intake_touch(a, list->mapping, list->path, JOURNAL_SRC_SELF,
                     a->mappings[list->mapping].conf->settle_ms);
}

void relist_passed(struct agent *a, struct job *job)
{
    struct change_set *set = job->set;

    if (job->retry) {
        stale_passed(a, &job->lists[0]);
        return;
    }
    if (job->dry_run)
        dry_lists(a, job);
    for (size_t i = 0; i < job->list_count && !job->dry_run; i++) {
        const struct pass_list *list = &job->lists[i];

        if (list->code && !stale_is_gone(a, list))
            stale_add(a, list->mapping, list->path, set, list->why);
        else if (list->changed || list->kept)
            relist_changed(a, list);
        else
            list_unaffected(a, list);
    }
    list_holds_passed(a, job);
    pass_items_through(a);
}

int64_t relist_deadline(const struct agent *a)
{
    int64_t quiet = a->pass_last_ms + AGENT_PASS_QUIET_MS;
    int64_t most = a->pass_first_ms + AGENT_PASS_MAX_MS;
    int64_t due = quiet < most && quiet > a->now_ms ? quiet : most;

    /* Past due and still here: it waits for a scan, a root or a thread, whose letter wakes the
     * loop. */
    if (a->pass_running || (!a->relist.count && !follow_pending(a)) || due <= a->now_ms)
        return INT64_MAX;
    return due;
}

/* A list has rows by these names, which leave them: lists with such may come for long. */
static void note_listed(struct agent *a, const struct job *ask)
{
    const struct mapping *images = &a->mappings[a->mappings[ask->mapping].conf->repository];
    const char *name = ask->old_names.data, *end = name + ask->old_names.len;
    char key[AGENT_KEY_SIZE];

    for (; name < end; name += strlen(name) + 1)
        if (agent_key(a, images->id, name, key) &&
            departed_listed(a->index, key, images->prefix_len))
            agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
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
                                 .backup = job->undo,
                                 .why = job->by};
    uint64_t seq = agent_journal(a, &rec);

    note_listed(a, job);
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
                                 .after = job->after,
                                 .why = job->by};

    if (!job->done)
        rec.why = "the list was changed by someone else at the same moment";
    agent_journal(a, &rec);
    a->lst_tx = 0;
    if (!job->done)
        return;
    if (!a->lst_unheard)
        a->lst_unheard = job->tx;
    a->totals.rows_changed += job->rows;
    log_info("%s/%s: %" PRIu64 " rows rewritten%s%s", m->conf->name, job->path, job->rows,
             job->by ? ": " : "", job->by ? job->by : "");
    if (job->stranger)
        log_warning("%s/%s: rows such as that of %s keep their labels: the class map has no class "
                    "for the directory, or they have no single class to change",
                    m->conf->name, job->path, job->stranger);
}

void relist_noted(struct agent *a, struct job *job)
{
    int rc = mentioned_note(a->index, job->key, &job->seen, job->names);

    if (rc)
        agent_fail(a, rc, "writing the index");
    agent_dirty(a);
}
