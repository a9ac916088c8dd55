/* Shell. Lists that could not be rewritten. See stale.h. */
#include "agent/service/stale.h"

#include "agent/service/events.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct change_set *change_set_new(void)
{
    struct change_set *set = calloc(1, sizeof *set);

    if (set && lst_changes_new(&set->changes)) {
        free(set);
        return NULL;
    }
    if (set)
        set->refs = 1;
    return set;
}

void change_set_drop(struct change_set *set)
{
    if (set && atomic_fetch_sub(&set->refs, 1) == 1) {
        lst_changes_free(set->changes);
        free(set);
    }
}

struct stale_list *stale_find(const struct agent *a, unsigned mapping, const char *path)
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

void stale_add(struct agent *a, unsigned mapping, const char *path, struct change_set *set,
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
        event_tell(EVENT_LIST_UNWRITABLE, a->mappings[mapping].conf->name, path,
                   "%s/%s: it cannot be rewritten: %s; tried again, and nothing that it may name "
                   "is deleted from S3 until then",
                   a->mappings[mapping].conf->name, path, why);
    }
}

/* Something else may have taken its place or that of its directory. */
bool stale_is_no_list(int code)
{
    return code == -ENOENT || code == -ENOTDIR || code == -ELOOP || code == ERR_NOT_FILE;
}

bool stale_is_gone(struct agent *a, const struct pass_list *list)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (!stale_is_no_list(list->code) || a->mappings[list->mapping].lost ||
        !agent_key(a, list->mapping, list->path, key))
        return false;
    return !pending_find(a->pending, key) && index_get(a->index, key, &e) == -ENOENT;
}

void stale_follow(struct agent *a, const struct item *from, const struct item *to)
{
    struct stale_list *s = stale_find(a, from->mapping, from->path);
    char *path = s && !s->running ? strdup(to->path) : NULL;

    if (!path)
        return;
    free(s->path);
    s->path = path;
    s->due_ms = a->now_ms;
}

void stale_passed(struct agent *a, const struct pass_list *list)
{
    struct stale_list *s = stale_find(a, list->mapping, list->path);

    if (!s)
        return;
    s->running = false;
    if (list->code && !stale_is_gone(a, list)) {
        s->failures++;
        s->due_ms = a->now_ms + order_backoff_ms(s->failures, (uint64_t)a->real_us);
        snprintf(s->why, sizeof s->why, "%s", list->why);
        return;
    }
    relist_changed(a, list);
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
    follow_settled(a);
}

void stale_retry(struct agent *a)
{
    for (struct stale_list *s = a->stale_lists; s; s = s->next) {
        struct job *job;

        if (s->running || s->due_ms > a->now_ms)
            continue;
        job = job_new(JOB_PASS);
        if (!job || relist_add(a, job, s->mapping, s->path)) {
            job_free(job);
            agent_fail(a, -ENOMEM, "rewriting a list");
            return;
        }
        job->set = s->sets[0];
        job->set->refs++;
        job->changes = job->set->changes;
        job->root_fds = a->root_fds;
        job->index = a->index;
        job->retry = true;
        s->running = true;
        work_submit(a->work, job);
    }
}

int64_t stale_deadline(const struct agent *a)
{
    int64_t due = INT64_MAX;

    for (const struct stale_list *s = a->stale_lists; s; s = s->next)
        if (!s->running && s->due_ms < due)
            due = s->due_ms;
    return due;
}

void stale_free_all(struct agent *a)
{
    while (a->stale_lists) {
        struct stale_list *s = a->stale_lists;

        a->stale_lists = s->next;
        stale_free(s);
    }
}
