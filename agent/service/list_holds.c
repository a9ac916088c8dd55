/* Shell. Removals that lists hold. See list_holds.h. */
#include "agent/service/list_holds.h"

#include "agent/service/departed.h"
#include "agent/service/hashed.h"
#include "agent/service/holds.h"
#include "agent/service/stale.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX  "named:" /* of the meta values; then the key's SHA-256; the value is the key */
#define LOOKS   5        /* at a list that changes while it is read */
#define LOOK_NS 20000000

bool list_holds(const struct conf_policy *p)
{
    return p && p->on_remove == CONF_REMOVE_HOLD;
}

/* Is the removal held because a list names the image? */
static bool is_named(struct agent *a, const char *key)
{
    char name[HASHED_NAME_SIZE], was[AGENT_KEY_SIZE];
    size_t n = sizeof was;

    hashed_name(PREFIX, key, name);
    return index_meta_get(a->index, name, was, &n) == 0;
}

/* It is from now on. */
static void note(struct agent *a, struct mapping *m, const char *key)
{
    char name[HASHED_NAME_SIZE];

    if (a->options.dry_run || is_named(a, key))
        return;
    hashed_name(PREFIX, key, name);
    if (index_meta_put(a->index, name, key, strlen(key) + 1))
        agent_fail(a, -EIO, "writing the index");
    m->named++;
    agent_dirty(a);
}

int list_holds_forget_key(struct index *ix, const char *key, bool *ret_was)
{
    char name[HASHED_NAME_SIZE], was[AGENT_KEY_SIZE];
    size_t n = sizeof was;
    int rc;

    hashed_name(PREFIX, key, name);
    rc = index_meta_get(ix, name, was, &n);
    *ret_was = rc == 0;
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    return index_meta_remove(ix, name);
}

void list_holds_forget(struct agent *a, struct mapping *m, const char *key)
{
    bool was = false;

    if (!m->named)
        return;
    if (list_holds_forget_key(a->index, key, &was))
        agent_fail(a, -EIO, "writing the index");
    m->named -= was;
    if (was)
        agent_dirty(a);
}

/* index_meta_fn. */
static int count_one(void *arg, struct span name, struct span value)
{
    struct mapping *m = arg;

    (void)name;
    m->named += value.n > m->prefix_len && memcmp(value.p, m->conf->prefix, m->prefix_len) == 0;
    return 0;
}

int list_holds_count(struct agent *a, struct mapping *m)
{
    m->named = 0;
    return m->held ? index_meta_each(a->index, PREFIX, NULL, count_one, m) : 0;
}

/* index_each_held's callback. */
static int gather_held(void *arg, const char *key, bool released)
{
    return released ? 0 : map_put_str(arg, key, arg, NULL);
}

int list_holds_keys(struct agent *a, const struct mapping *m, struct map **ret)
{
    struct map *keys = m->held ? map_new() : NULL;
    int rc = m->held && !keys ? -ENOMEM : 0;

    if (keys)
        rc = index_each_held(a->index, m->conf->prefix, gather_held, keys);
    if (rc) {
        map_free(keys);
        return rc;
    }
    *ret = keys;
    return 0;
}

/* While the lists are gathered that may hold something. */
struct gather {
    struct agent *agent;
    struct job *job;
    unsigned mapping;
};

/* One list of the mapping. */
static int gather_list(const struct gather *g, const char *path)
{
    const struct conf_policy *p = conf_policy_of(g->agent->conf, g->mapping, path);

    if (!lst_is_list(path) || !list_holds(p))
        return 0;
    return job_add_list(g->job, g->mapping, path, NULL, p);
}

/* index_fn. */
static int gather_key(void *arg, const char *key, const struct known *known)
{
    const struct gather *g = arg;

    return known->flags & KNOWN_KEPT
               ? 0
               : gather_list(g, key + g->agent->mappings[g->mapping].prefix_len);
}

/* All lists of the repository that hold removals: of the index, and those that are still to come to
 * it, some of which may be told twice. */
static int gather_lists(struct agent *a, unsigned repository, struct job *job)
{
    int rc = 0;

    for (unsigned i = 0; i < a->mapping_count && rc == 0; i++) {
        const struct conf_mapping *c = a->mappings[i].conf;
        struct gather g = {.agent = a, .job = job, .mapping = i};

        if (c->kind != CONF_LISTS || c->repository != repository)
            continue;
        rc = index_each_under(a->index, c->prefix, NULL, gather_key, &g);
        for (struct item *it = pending_first(a->pending, i); it && rc == 0; it = it->mate_next)
            rc = gather_list(&g, it->path);
    }
    return rc;
}

/* Does any rule hold removals? */
static bool some_hold(const struct conf *c)
{
    for (size_t i = 0; i < c->policy_count; i++)
        if (c->policies[i].on_remove == CONF_REMOVE_HOLD)
            return true;
    return false;
}

/* Names that lists may have for one image. */
struct naming {
    struct job *job;
    const struct item *item;
};

/* rows_name_fn. */
static int add_name(void *arg, const char *name)
{
    const struct naming *n = arg;
    char *key = strdup(n->item->key);
    void *old = NULL;
    int rc = key ? map_put_str(n->job->candidates, name, key, &old) : -ENOMEM;

    free(rc ? key : old);
    return rc;
}

/* The removals that are to be asked about, or were (inquired), and by which names. How many, or
 * -ENOMEM. */
static int gather_names(struct agent *a, const struct mapping *m, bool inquired, struct job *job)
{
    int count = 0, rc = 0;

    job->candidates = map_new();
    job->named = map_new();
    if (!job->candidates || !job->named)
        return -ENOMEM;
    for (struct item *it = a->relist.first; it && rc == 0; it = it->next) {
        struct naming n = {.job = job, .item = it};

        if (it->mapping != m->id || it->state != ITEM_LISTING || it->released ||
            it->inquired != inquired)
            continue;
        it->inquired = true;
        rc = follow_each_going(a, it, add_name, &n);
        count++;
    }
    return rc ? rc : count;
}

int list_holds_names(struct agent *a, const struct mapping *m, struct job *job)
{
    int rc = some_hold(a->conf) ? gather_names(a, m, true, job) : 0;

    return rc < 0 ? rc : 0;
}

bool list_holds_ask(struct agent *a, const struct mapping *m)
{
    struct job *job;
    int rc = -ENOMEM;

    if (m->conf->kind != CONF_REPOSITORY || !some_hold(a->conf))
        return false;
    job = job_new(JOB_NAMED);
    if (job)
        rc = gather_names(a, m, false, job);
    if (rc > 0)
        rc = gather_lists(a, m->id, job);
    if (rc < 0)
        agent_fail(a, rc, "looking for lists that hold removals");
    if (!job || !job->list_count || !map_count(job->candidates)) {
        job_free(job);
        return a->fatal != 0;
    }
    job->mapping = m->id;
    job->root_fds = a->root_fds;
    a->pass_running = true;
    work_submit(a->work, job);
    return true;
}

/* lst_each_path's callback. */
struct looking {
    struct job *job;
    struct pass_list *list;
};
static int look_row(void *arg, const char *image)
{
    const struct looking *l = arg;
    const char *key = map_get_str(l->job->candidates, image);

    if (!key || map_get_str(l->job->named, key))
        return 0;
    return map_put_str(l->job->named, key, l->list, NULL);
}

/* The next name that lists may have for an image which some list names. */
static bool next_named(const struct job *job, size_t *at, char name[PATH_BYTES_MAX + 1])
{
    const void *path;
    void *key;
    size_t n;

    while (map_next(job->candidates, at, &path, &n, &key))
        if (map_get_str(job->named, key)) {
            snprintf(name, PATH_BYTES_MAX + 1, "%.*s", (int)n, (const char *)path);
            return true;
        }
    return false;
}

/* What was found to be held stays in all lists that are still to be rewritten. */
static int withdraw(struct job *job)
{
    char name[PATH_BYTES_MAX + 1], to[PATH_BYTES_MAX + 1];
    int rc = 0;

    for (size_t at = 0; rc == 0 && next_named(job, &at, name);)
        if (lst_changes_fate(job->changes, name, to, sizeof to) == LST_DROP)
            rc = lst_changes_rename(job->changes, name, name);
    return rc;
}

/* lst_undo_fn: a row of which an image goes is noted, if the list holds it. */
static int look_dropped(void *arg, const char *from, const char *to)
{
    const struct looking *l = arg;
    char fresh[PATH_BYTES_MAX + 1];

    (void)to;
    if (lst_changes_fate(l->job->changes, from, fresh, sizeof fresh) != LST_DROP)
        return 0;
    return look_row(arg, from);
}

int list_holds_spare(struct job *job, struct pass_list *list, struct span undo)
{
    struct looking l = {.job = job, .list = list};
    size_t known = job->named ? map_count(job->named) : 0;
    int rc;

    if (!job->candidates || !list_holds(list->policy))
        return 0;
    rc = lst_undo_each(undo, look_dropped, &l);
    if (rc == 0 && map_count(job->named) > known)
        rc = withdraw(job) ? -ENOMEM : ERR_REFUSED;
    return rc;
}

/* Nobody knows what the list names: it may be all. */
static void take_all(struct job *job, struct pass_list *list)
{
    void *key;

    for (size_t at = 0; map_next(job->candidates, &at, NULL, NULL, &key);)
        if (map_put_str(job->named, key, list, NULL))
            job->code = -ENOMEM;
}

void list_holds_look(struct job *job)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};

    for (size_t i = 0; i < job->list_count; i++) {
        struct looking l = {.job = job, .list = &job->lists[i]};
        struct pass_list *list = l.list;
        struct file_stat st;

        list->code = ERR_CHANGED;
        for (int n = 0; n < LOOKS && list->code == ERR_CHANGED; n++) {
            if (n > 0)
                (void)nanosleep(&pause, NULL); /* a signal shortens it, which does no harm */
            list->code = lst_each_path(job->root_fds[list->mapping], list->path, look_row, &l, &st);
        }
        if (list->code && !stale_is_no_list(list->code))
            take_all(job, list);
    }
}

/* The reason in words, by one list that is one. */
static void words(const struct agent *a, struct mapping *m, const struct pass_list *list)
{
    const char *lists = a->mappings[list->mapping].conf->name;

    if (list->code && !stale_is_no_list(list->code))
        snprintf(m->hold_why, sizeof m->hold_why,
                 "%s/%s, whose on_remove is \"hold\", cannot be read (%s) and may name the images",
                 lists, list->path, err_name(list->code));
    else
        snprintf(m->hold_why, sizeof m->hold_why,
                 "%s/%s names images that are gone, and its on_remove is \"hold\"", lists,
                 list->path);
}

/* So many removals are held; one of the lists that name them. */
static void tell(struct agent *a, struct mapping *m, const struct pass_list *example,
                 uint64_t count)
{
    if (!count)
        return;
    guard_passed(&m->recent, GUARD_WINDOW_MS, count, a->now_ms); /* many are an accident as well */
    words(a, m, example);
    if (a->options.dry_run)
        dry_held(a, m, count);
    else
        holds_tell(a, m, count);
}

void list_holds_answered(struct agent *a, struct job *job)
{
    struct mapping *m = &a->mappings[job->mapping];
    const struct pass_list *example = NULL;
    uint64_t count = 0;

    a->pass_running = false;
    if (job->code)
        agent_fail(a, job->code, "looking for lists that hold removals");
    for (struct item *it = a->relist.first, *next; it && !a->fatal; it = next) {
        const struct pass_list *list = map_get_str(job->named, it->key);

        next = it->next;
        if (it->mapping != m->id || it->state != ITEM_LISTING || it->released || !it->inquired)
            continue;
        if (!list) {
            if (m->named && is_named(a, it->key))
                (void)removals_hold_back(a, m, it->key); /* its rows were taken out by somebody */
            continue;
        }
        example = list;
        note(a, m, it->key);
        holds_take(a, m, it);
        count++;
    }
    tell(a, m, example, count);
}

/* No rows left the paths of what a pass found to be held. */
static void not_departed(struct agent *a, const struct job *job)
{
    char name[PATH_BYTES_MAX + 1], key[AGENT_KEY_SIZE];
    int rc = 0;

    for (size_t at = 0; rc == 0 && next_named(job, &at, name);)
        if (agent_key(a, job->mapping, name, key))
            rc = departed_forget(a->index, key);
    if (rc)
        agent_fail(a, rc, "writing the index");
}

void list_holds_passed(struct agent *a, struct job *job)
{
    struct mapping *m = &a->mappings[job->mapping];
    const struct pass_list *example = NULL;
    uint64_t count = 0;

    if (!job->named || !map_count(job->named))
        return;
    not_departed(a, job);
    for (struct item *it = a->passing.first, *next; it && !a->fatal; it = next) {
        const struct pass_list *list = map_get_str(job->named, it->key);

        next = it->next;
        if (!list || it->again || it->state != ITEM_LISTING)
            continue; /* or it is looked at again in any case */
        example = list;
        note(a, m, it->key);
        removals_aborted(a, it, "a list names the image, and holds its removal");
        holds_take(a, m, it);
        count++;
    }
    tell(a, m, example, count);
}
