/* Shell. Lists: may this one be published? And: rewriting those that renames and removals made
 * stale. */
#include "agent/service/agent.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PASS_HOPS_MAX 1000 /* renames of one image between two passes */

/* ---- publishing: every image that a list names must be in S3 first ---- */

void relist_check(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it), *images = &a->mappings[m->conf->repository];
    struct job *job = job_new(JOB_CHECK);

    if (job)
        job->path = strdup(it->path);
    if (!job || !job->path || agent_commit(a) || index_view_open(a->index, &job->view)) {
        job_free(job);
        agent_fail(a, -ENOMEM, "checking a list");
        return;
    }
    job->item = it;
    job->root_fd = m->root_fd;
    job->images_fd = images->root_fd;
    job->images_prefix = images->conf->prefix;
    job->images_filter = &images->filter;
    pending_set(a->pending, it, ITEM_CHECKING, INT64_MAX);
    work_submit(a->work, job);
}

void relist_checked(struct agent *a, struct job *job)
{
    struct item *it = job->item;
    char why[ERR_TEXT_MAX];

    if (it->again || job->code == ERR_CHANGED || job->code == -ENOENT ||
        (job->code == 0 && !file_same_content(&job->seen, &it->seen))) {
        it->hint_ms = a->now_ms;
        intake_resettle(a, it);
        return;
    }
    if (job->code) {
        snprintf(why, sizeof why, "it cannot be read: %s", err_name(job->code));
        decide_failed(a, it, why);
        return;
    }
    if (job->dangling)
        log_warning("%s: it names %" PRIu64 " images that are not on disk, such as %s; rows are "
                    "only rewritten for what was seen to be renamed or removed",
                    it->key, job->dangling,
                    job->first_dangling ? job->first_dangling : "(out of memory)");
    if (job->missing) {
        snprintf(why, sizeof why, "it waits for %s%s, which %s not in S3 yet",
                 job->first_missing ? job->first_missing : "images",
                 job->missing > 1 ? " and others" : "", job->missing > 1 ? "are" : "is");
        item_blame(it, why);
        pending_set(a->pending, it, ITEM_WAITING, a->now_ms + AGENT_RECHECK_MS);
        return;
    }
    pending_set(a->pending, it, ITEM_READY, INT64_MAX);
    item_queue_push(&a->ready_lists, it);
}

/* ---- what still has to reach a list ---- */

static void change_set_drop(struct change_set *set)
{
    if (set && --set->refs == 0) {
        lst_changes_free(set->changes);
        free(set);
    }
}

/* The list that waits for changes, or NULL. */
static struct stale_list *stale_find(const struct agent *a, unsigned mapping, const char *path)
{
    for (struct stale_list *s = a->stale_lists; s; s = s->next)
        if (s->mapping == mapping && strcmp(s->path, path) == 0)
            return s;
    return NULL;
}

static void stale_free(struct stale_list *s)
{
    for (size_t i = 0; i < s->count; i++)
        change_set_drop(s->sets[i]);
    free(s->sets);
    free(s->path);
    free(s);
}

/* Note that this list still has to get these changes. */
static void stale_add(struct agent *a, unsigned mapping, const char *path, struct change_set *set,
                      const char *why)
{
    struct stale_list *s = stale_find(a, mapping, path);
    struct change_set **more;

    if (!s) {
        s = calloc(1, sizeof *s);
        if (s)
            s->path = strdup(path);
        if (!s || !s->path) {
            free(s);
            agent_fail(a, -ENOMEM, "remembering a list");
            return;
        }
        s->mapping = mapping;
        s->next = a->stale_lists;
        a->stale_lists = s;
    }
    more = realloc(s->sets, (s->count + 1) * sizeof *more);
    if (!more) {
        agent_fail(a, -ENOMEM, "remembering a list");
        return;
    }
    s->sets = more;
    s->sets[s->count++] = set;
    set->refs++;
    if (why) {
        s->failures++;
        s->due_ms = a->now_ms + order_backoff_ms(s->failures, (uint64_t)a->real_us);
        snprintf(s->why, sizeof s->why, "%s", why);
        log_warning("%s/%s: it cannot be rewritten: %s; tried again, and nothing that it may name "
                    "is deleted from S3 until then",
                    a->mappings[mapping].conf->name, path, why);
    }
}

/* ---- a pass: one batch of changes over all lists of a repository ---- */

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
        rc = change_rename(changes, r->from, r->to);
        *at = r->next;
        free(r->from);
        free(r->to);
        free(r);
    }
    return rc;
}

/* Where a renamed image is by now: it may have been renamed again, or removed, since. NULL: it is
 * nowhere any more. */
static const char *pass_target(struct agent *a, const struct item *it, char out[AGENT_KEY_SIZE])
{
    struct index_entry e;
    const struct item *there;
    int rc = 0;

    snprintf(out, AGENT_KEY_SIZE, "%s", it->target);
    if (!it->copied)
        return out; /* the new object is still to come: that is where it goes */
    for (int hops = 0; hops < PASS_HOPS_MAX; hops++) {
        rc = index_get(a->index, out, &e);
        if (rc || !(e.known.flags & KNOWN_MOVED) || !e.known.moved_to)
            break;
        snprintf(out, AGENT_KEY_SIZE, "%s", e.known.moved_to);
    }
    there = pending_find(a->pending, out);
    if (there && (there->state == ITEM_LISTING || there->state == ITEM_BARRIER ||
                  there->state == ITEM_DELETING))
        return NULL;
    return rc == 0 || there ? out : NULL;
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
            struct journal_record rec =
                agent_record(a, it, JOURNAL_REMOVE, JOURNAL_INTENT);

            rec.tx = JOURNAL_TX_SELF;
            it->tx = a->options.dry_run ? 0 : agent_journal(a, &rec);
            it->released = true; /* the guard let it pass; a retry is not asked about again */
            rc = change_remove(changes, it->path);
        }
        item_queue_push(&a->passing, it);
    }
    return rc;
}

/* One more list for the pass. */
static int pass_add_list(struct job *job, unsigned mapping, const char *path)
{
    struct pass_list *lists = job->lists;

    if ((job->list_count & (job->list_count - 1)) == 0)
        lists = realloc(lists, (job->list_count ? 2 * job->list_count : 1) * sizeof *lists);
    if (!lists)
        return -ENOMEM;
    job->lists = lists;
    lists[job->list_count] = (struct pass_list){.mapping = mapping, .path = strdup(path)};
    if (!lists[job->list_count].path)
        return -ENOMEM;
    job->list_count++;
    return 0;
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
    return pass_add_list(g->job, g->mapping, path);
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

        if (a->mappings[i].conf->kind != CONF_LISTS || a->mappings[i].conf->repository != repository)
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

/* The mapping whose turn it is: the first item's, or the first moved row's. */
static struct mapping *pass_next_mapping(struct agent *a)
{
    if (a->relist.first)
        return &a->mappings[a->relist.first->mapping];
    return a->moved_rows ? &a->mappings[a->moved_rows->mapping] : NULL;
}

/* A lists mapping of this repository is still being scanned: some of its lists may be unknown. */
static bool lists_scanning(const struct agent *a, unsigned repository)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].conf->kind == CONF_LISTS &&
            a->mappings[i].conf->repository == repository && a->mappings[i].scanning)
            return true;
    return false;
}

/* Is it time to begin a pass for this mapping? */
static bool pass_is_due(struct agent *a, const struct mapping *m)
{
    if (a->pass_running || m->lost || lists_scanning(a, m->id))
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

    if (!m || !pass_is_due(a, m))
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

/* A list has a new content of our making: its S3 copy must follow. */
static void list_changed(struct agent *a, const struct pass_list *list)
{
    a->totals.lists_rewritten++;
    intake_touch(a, list->mapping, list->path, JOURNAL_SRC_SELF, 0);
}

/* One list of a retried pass came back. */
static void stale_passed(struct agent *a, struct stale_list *s, const struct pass_list *list)
{
    s->running = false;
    if (list->code) {
        s->failures++;
        s->due_ms = a->now_ms + order_backoff_ms(s->failures, (uint64_t)a->real_us);
        snprintf(s->why, sizeof s->why, "%s", list->why);
        return;
    }
    if (list->changed)
        list_changed(a, list);
    change_set_drop(s->sets[0]);
    memmove(s->sets, s->sets + 1, --s->count * sizeof *s->sets);
    s->failures = 0;
    s->due_ms = a->now_ms;
    if (s->count)
        return;
    log_info("%s/%s: it is rewritten now", a->mappings[s->mapping].conf->name, s->path);
    for (struct stale_list **at = &a->stale_lists; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    stale_free(s);
}

void relist_passed(struct agent *a, struct job *job)
{
    struct change_set *set = job->set;

    if (job->retry) {
        struct stale_list *s = stale_find(a, job->lists[0].mapping, job->lists[0].path);

        if (s)
            stale_passed(a, s, &job->lists[0]);
        change_set_drop(set);
        return;
    }
    if (job->dry_run)
        dry_lists(a, job);
    for (size_t i = 0; i < job->list_count && !job->dry_run; i++) {
        const struct pass_list *list = &job->lists[i];

        if (list->code)
            stale_add(a, list->mapping, list->path, set, list->why);
        else if (list->changed)
            list_changed(a, list);
    }
    pass_items_through(a);
    change_set_drop(set);
}

/* Try the lists again whose time has come. */
void relist_retry(struct agent *a)
{
    for (struct stale_list *s = a->stale_lists; s; s = s->next) {
        struct job *job;

        if (s->running || s->due_ms > a->now_ms)
            continue;
        job = job_new(JOB_PASS);
        if (!job || pass_add_list(job, s->mapping, s->path)) {
            job_free(job);
            agent_fail(a, -ENOMEM, "rewriting a list");
            return;
        }
        job->set = s->sets[0];
        job->set->refs++;
        job->changes = job->set->changes;
        job->root_fds = a->root_fds;
        job->retry = true;
        s->running = true;
        work_submit(a->work, job);
    }
}

int64_t relist_deadline(const struct agent *a)
{
    int64_t due = INT64_MAX;

    for (const struct stale_list *s = a->stale_lists; s; s = s->next)
        if (!s->running && s->due_ms < due)
            due = s->due_ms;
    if (!a->pass_running && (a->relist.count || a->moved_rows)) {
        int64_t quiet = a->pass_last_ms + AGENT_PASS_QUIET_MS;
        int64_t most = a->pass_first_ms + AGENT_PASS_MAX_MS;
        int64_t pass = quiet < most ? quiet : most;

        /* Past due and still here: it waits for a scan or a root, whose hint wakes the loop. */
        if (pass > a->now_ms && pass < due)
            due = pass;
    }
    return due;
}

/* ---- the thread's letters: the journal has the intent before a list is touched ---- */

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

/* ---- order: which deletions may go ---- */

/* The list is not in step but does not count: S3 has no copy of it that could name anything. */
static bool list_is_nowhere(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return it->state != ITEM_FLYING && it->live == 0 && index_get(a->index, it->key, &e) == -ENOENT;
}

uint64_t relist_free_barrier(struct agent *a, unsigned repository)
{
    uint64_t least = UINT64_MAX;

    if (a->mappings[repository].conf->kind == CONF_LISTS)
        return UINT64_MAX;
    for (unsigned i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->conf->kind != CONF_LISTS || m->conf->repository != repository)
            continue;
        if (m->scanning || m->lost || m->held)
            return 0;
        for (const struct stale_list *s = a->stale_lists; s; s = s->next)
            if (s->mapping == i)
                return 0;
        for (const struct item *it = pending_first(a->pending, i); it; it = it->mate_next)
            if (order_blocks(it, least) && lst_is_list(it->path) && !list_is_nowhere(a, it))
                least = it->live;
    }
    return least;
}

void relist_free_all(struct agent *a)
{
    while (a->stale_lists) {
        struct stale_list *s = a->stale_lists;

        a->stale_lists = s->next;
        stale_free(s);
    }
    while (a->moved_rows) {
        struct moved_row *r = a->moved_rows;

        a->moved_rows = r->next;
        free(r->from);
        free(r->to);
        free(r);
    }
}
