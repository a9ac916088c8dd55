/* Shell. Publishing in order: a list goes when every image that it names is in S3; an old object
 * goes when the lists that no longer name it are live. */
#include "agent/service/publish.h"

#include "agent/core/rows.h"
#include "agent/service/absent.h"
#include "agent/service/explain.h"
#include "agent/service/list_holds.h"
#include "agent/service/stale.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A list that waits is left alone for so many times what a check took. */
#define CHECK_REST_TIMES 29

/* The item's object goes as soon as the lists that were rewritten are live; and its copy. */
static bool is_ending(const struct item *o)
{
    return o->state == ITEM_BARRIER || o->state == ITEM_DELETING ||
           (o->state == ITEM_CLAIMED && o->relisted);
}

/* Into the map, which is made for the first. */
static int add_key(struct map **m, struct item *o)
{
    if (!*m)
        *m = map_new();
    return *m ? map_put_str(*m, o->key, o, NULL) : -ENOMEM;
}

/* The images that are gone, and the objects that go as soon as no list names them: no list that
 * still does may go up again. NULL: there are none. */
static int publish_leaving(const struct agent *a, unsigned images, struct job *job)
{
    int rc = 0;

    for (struct item *o = pending_first(a->pending, images); o && rc == 0; o = o->mate_next) {
        if (o->state != ITEM_LISTING && o->state != ITEM_CLAIMED && !is_ending(o) &&
            o->state != ITEM_GONE && !o->told_gone)
            continue;
        rc = add_key(&job->leaving, o);
        if (rc == 0 && is_ending(o))
            rc = add_key(&job->ending, o);
        if (rc == 0 && is_ending(o) && o->change == CHANGE_REMOVE && !o->again)
            rc = add_key(&job->removed, o);
    }
    return rc;
}

/* Have the list checked; so many of the images that are neither on disk nor in S3 were told of. */
static void publish_submit(struct agent *a, struct item *it, uint64_t passed_over)
{
    struct mapping *m = agent_mapping(a, it), *images = &a->mappings[m->conf->repository];
    const char *key = relist_note_key(a, it->mapping, it->key);
    const struct conf_policy *policy = conf_policy_of(a->conf, m->id, it->path);
    struct job *job = job_new(JOB_CHECK);

    if (job) {
        job->path = strdup(it->path);
        job->key = key ? strdup(key) : NULL;
    }
    if (!job || !job->path || (key && !job->key) || publish_leaving(a, images->id, job) ||
        (list_holds(policy) && list_holds_keys(a, images, &job->held)) || agent_commit(a)) {
        job_free(job);
        agent_fail(a, -ENOMEM, "checking a list");
        return;
    }
    job->keeps = policy && policy->on_remove == CONF_REMOVE_KEEP;
    job->amid = a->pass_running && list_holds(policy);
    job->passed_over = passed_over;
    job->now_s = a->real_us / US_PER_S;
    job->item = it;
    job->index = a->index;
    job->root_fd = m->root_fd;
    job->images_fd = images->root_fd;
    job->images_prefix = images->conf->prefix;
    job->images_filter = &images->filter;
    explain_begin(a, it, job);
    pending_set(a->pending, it, ITEM_CHECKING, INT64_MAX);
    work_submit(a->work, job);
}

/* The last pass moved rows of images that are on their way to S3 still, soon. A check would find
 * that the list names some of these, if it was rewritten for them, after all of it was read. */
static bool is_ahead(const struct agent *a, const struct item *it)
{
    return a->followed && it->change != CHANGE_NONE && !a->options.once &&
           a->now_ms - it->since_ms < AGENT_RECHECK_MS;
}

void publish_check(struct agent *a, struct item *it)
{
    it->checked_ms = a->now_ms;
    if (!is_ahead(a, it)) {
        publish_submit(a, it, 0);
        return;
    }
    free(it->awaits);
    it->awaits = NULL;
    item_blame(it, "it waits for renamed images that are not in S3 yet");
    pending_set(a->pending, it, ITEM_WAITING, it->since_ms + AGENT_RECHECK_MS);
}

/* Is this image, which is neither on disk nor in S3, on its way? It was there a moment ago, and has
 * gone on or is gone, or its row is to go on: nothing of that was found out yet. */
static bool is_passing(const struct agent *a, const struct mapping *images, const char *name)
{
    char key[AGENT_KEY_SIZE];
    const struct item *o =
        agent_key(a, images->id, name, key) ? pending_find(a->pending, key) : NULL;

    return rows_is_unlanded(images->rows, name) ||
           (o && o->state != ITEM_BARRIER && o->state != ITEM_DELETING); /* these wait for lists */
}

/* Events tell that what was there went on, though nobody looked there in time: a look makes its
 * rows those of what went on, if that can be said. */
static bool trace(struct agent *a, const struct mapping *images, const char *name)
{
    struct trail trail;
    char key[AGENT_KEY_SIZE];

    if (!agent_key(a, images->id, name, key))
        return false;
    trail_begin(&trail, key);
    if (!trail_on(a, &trail) || strcmp(trail.key, key) == 0)
        return false;
    intake_touch_key(a, images->id, key, JOURNAL_SRC_SELF, 0);
    return true;
}

/* Those of the images that are neither on disk nor in S3 for which the list waits count as missing.
 */
static void publish_passing(struct agent *a, struct item *it, struct job *job)
{
    const struct mapping *images = &a->mappings[a->mappings[it->mapping].conf->repository];
    const char *end = job->dangling_names.data + job->dangling_names.len;

    for (const char *at = job->dangling_names.data; at && at < end; at += strlen(at) + 1) {
        const char *name = at + 1;

        if ((is_passing(a, images, name) || (!it->traced && trace(a, images, name)) ||
             explain_row(a, it, name, *at == CHECK_AWAY)) &&
            !job->missing++)
            job->first_missing = strdup(name);
    }
    /* They are looked at until nothing waits that may tell more; what is unexplained then stays so.
     */
    it->traced = !intake_holds_back(a);
}

/* A pass is under way or to come: where rows would go now, others' may be that it takes on. */
static bool awaits_pass(struct agent *a, const struct item *it)
{
    const struct rows *rows = a->mappings[agent_mapping(a, it)->conf->repository].rows;

    return a->pass_running || (rows && rows_pending(rows));
}

/* The list came with rows that were rewritten before, as from an editor that had read it before
 * that: they are rewritten again. It is put after that. */
static void publish_rewrite(struct agent *a, struct item *it, struct job *job)
{
    struct change_set *set = awaits_pass(a, it) || job->amid ? NULL : calloc(1, sizeof *set);

    item_blame(it, "it names images by what they were called before");
    pending_set(a->pending, it, ITEM_WAITING, a->now_ms + AGENT_RECHECK_MS);
    if (!set)
        return; /* looked at again, after the pass */
    log_info("%s: rows that were rewritten before are back, %" PRIu64 " of them; rewriting them",
             it->key, lst_changes_count(job->old_rows));
    set->refs = 1;
    set->changes = job->old_rows;
    job->old_rows = NULL;
    stale_add(a, it->mapping, it->path, set, NULL);
    change_set_drop(set);
}

/* The list names an image whose removal is held, and its policy is to wait for that. */
static void publish_held(struct agent *a, struct item *it, const struct job *job)
{
    char why[ERR_TEXT_MAX];

    snprintf(why, sizeof why,
             "it names %s, whose removal is held, and its on_remove is \"hold\": lockstep release "
             "%s, or take the row out",
             job->first_held, a->mappings[agent_mapping(a, it)->conf->repository].conf->name);
    item_blame(it, why);
    pending_set(a->pending, it, ITEM_WAITING, a->now_ms + AGENT_RECHECK_MS);
}

/* The list waits for an image by this name. Where the object under it was about to be deleted, a
 * file has come there of which no event told yet. */
static void publish_doubt(struct agent *a, const struct mapping *images, const char *name)
{
    char key[AGENT_KEY_SIZE];
    const struct item *o =
        agent_key(a, images->id, name, key) ? pending_find(a->pending, key) : NULL;

    if (o && is_ending(o) && !o->again)
        intake_touch_key(a, images->id, key, JOURNAL_SRC_SELF, 0);
    follow_doubt(a, images, name);
}

/* Keep which image the list waits for, if it is on its way. Without memory it is checked again for
 * nothing. */
static void publish_await(struct agent *a, struct item *it, const struct job *job)
{
    unsigned images = agent_mapping(a, it)->conf->repository;
    char key[AGENT_KEY_SIZE];

    if (job->last_missing.len && agent_key(a, images, job->last_missing.data, key))
        it->awaits = strdup(key);
}

bool publish_awaits(const struct agent *a, const struct item *it)
{
    const struct item *o = it->awaits ? pending_find(a->pending, it->awaits) : NULL;

    return o && (o->state == ITEM_OBSERVING || o->state == ITEM_OBSERVED ||
                 o->state == ITEM_HASHING || o->state == ITEM_READY || o->state == ITEM_FLYING);
}

bool publish_is_early(const struct agent *a, const struct item *it)
{
    struct index_entry e;

    return publish_awaits(a, it) ||
           (it->awaits && !a->options.once && !pending_find(a->pending, it->awaits) &&
            index_get(a->index, it->awaits, &e) == -ENOENT);
}

void publish_checked(struct agent *a, struct job *job)
{
    struct item *it = job->item;
    char why[ERR_TEXT_MAX];

    free(it->awaits);
    it->awaits = NULL;

    explain_end(a, it, job);
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
    if (job->old_rows) {
        publish_rewrite(a, it, job);
        return;
    }
    if (job->first_held) {
        publish_held(a, it, job);
        return;
    }
    publish_passing(a, it, job);
    if (job->more && !job->missing) {
        publish_submit(a, it, job->dangling);
        return;
    }
    if (job->dangling && !job->missing)
        log_warning("%s: it names %" PRIu64 " images that are not on disk, such as %s; rows are "
                    "only rewritten for what was seen to be renamed or removed",
                    it->key, job->dangling, job->dangling_names.data + 1);
    if (job->keeps && !job->missing)
        absent_set(a, agent_mapping(a, it), it->path, job->absent);
    if (job->missing) {
        /* A check of a long list takes its time; that the last image has landed wakes it anyway. */
        int64_t rest_ms = AGENT_RECHECK_MS + CHECK_REST_TIMES * (a->now_ms - it->checked_ms);

        snprintf(why, sizeof why, "it waits for %s%s, which %s not in S3 yet",
                 job->first_missing ? job->first_missing : "images",
                 job->missing > 1 ? " and others" : "", job->missing > 1 ? "are" : "is");
        item_blame(it, why);
        pending_set(a->pending, it, ITEM_WAITING, a->now_ms + rest_ms);
        publish_await(a, it, job);
        if (job->first_missing)
            publish_doubt(a, &a->mappings[agent_mapping(a, it)->conf->repository],
                          job->first_missing);
        return;
    }
    if (it->change == CHANGE_NONE) { /* S3 has it */
        decide_done(a, it);
        return;
    }
    pending_set(a->pending, it, ITEM_READY, INT64_MAX);
    apply_enqueue(a, it);
}

/* The list is not in step but does not count: S3 has no copy of it, nor a manifest, that could name
 * anything. */
static bool list_is_nowhere(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return it->state != ITEM_FLYING && it->live == 0 &&
           index_get(a->index, it->key, &e) == -ENOENT && !manifests_any(a, it);
}

uint64_t publish_free_barrier(struct agent *a, unsigned repository)
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
