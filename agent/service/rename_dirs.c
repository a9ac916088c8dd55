/* Shell. Directories that are renamed: what they tell of the images beneath, and one intent for
 * all. */
#include "agent/service/agent.h"

#include "agent/core/ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Free what is remembered of a directory. */
static void dir_gone_free(struct dir_gone *d)
{
    if (d)
        free(d->to);
    free(d);
}

/* What was under the key left it, for `to` as an event said, or NULL. False: no memory. */
static bool left_note(struct agent *a, const char *key, const char *to)
{
    struct dir_gone *d = calloc(1, sizeof *d);
    void *old = NULL;
    bool ok = d && (!to || (d->to = strdup(to)));

    if (ok)
        d->at_ms = a->now_ms;
    if (!ok || map_put_str(a->dirs_gone, key, d, &old)) {
        dir_gone_free(d);
        agent_fail(a, -ENOMEM, "remembering a directory");
        return false;
    }
    dir_gone_free(old);
    return true;
}

void rename_directory_gone(struct agent *a, const char *key_dir, const char *key_to)
{
    char *from = key_to ? strdup(key_dir) : NULL;
    void *old = NULL;

    if (!left_note(a, key_dir, key_to) || !from || map_put_str(a->dirs_to, key_to, from, &old))
        free(from); /* then events alone do not tell; inodes still do */
    free(old);
}

void rename_remember(struct agent *a, const struct item *it)
{
    if (it->origin)
        rename_directory_gone(a, it->via ? it->via : it->origin, it->key);
    if (it->went)
        (void)left_note(a, it->key, it->went); /* what comes there may be from elsewhere */
}

/* What waits for room may have been renamed long ago; but not all is remembered for ever. */
#define WAITS_MAX 10

void rename_expire(struct agent *a)
{
    bool waits = map_count(a->dirs_gone) && intake_holds_back(a);
    int64_t memory_ms = AGENT_DIR_MEMORY_MS * (waits ? WAITS_MAX : 1);
    const void *key;
    const char *from;
    size_t n;
    void *value;

    for (size_t at = 0; map_next(a->dirs_gone, &at, &key, &n, &value);) {
        struct dir_gone *d = value;

        if (a->now_ms - d->at_ms < memory_ms || sweep_is_at(a, key))
            continue;
        from = d->to ? map_get_str(a->dirs_to, d->to) : NULL;
        if (from && strlen(from) == n && memcmp(from, key, n) == 0)
            free(map_remove_str(a->dirs_to, d->to));
        map_remove(a->dirs_gone, key, n);
        dir_gone_free(d);
    }
}

/* path_place_fn: where a directory was before, or is now, as events said; NULL: they did not. */
static const char *came_from(const void *agent, const char *dir)
{
    const struct agent *a = agent;

    return map_get_str(a->dirs_to, dir);
}

static const char *went_to(const void *agent, const char *dir)
{
    const struct agent *a = agent;
    const struct dir_gone *d = map_get_str(a->dirs_gone, dir);

    return d ? d->to : NULL;
}

bool rename_told_by_directory(const struct agent *a, const char *key, char out[AGENT_KEY_SIZE])
{
    return path_carried(out, AGENT_KEY_SIZE, key, came_from, a);
}

#define TRAIL_STEPS_MAX 16 /* a directory may be back where it was: the trail is a ring then */

void trail_begin(struct trail *t, const char *key)
{
    snprintf(t->key, sizeof t->key, "%s", key);
    t->steps = 0;
    t->moment = 0;
}

void trail_begin_behind(const struct agent *a, struct trail *t, const char *key, const char *on)
{
    trail_begin(t, key);
    t->moment = ways_led(a->ways, key, on, ways_now(a->ways));
}

/* What was at `before` left it, but only after the trail's own had left where it is. */
static bool left_later(const struct agent *a, const struct trail *t, const char *before)
{
    return t->moment && !ways_left(a->ways, before, t->moment) &&
           ways_left(a->ways, before, ways_now(a->ways));
}

bool trail_back(const struct agent *a, struct trail *t)
{
    const struct item *it = pending_find(a->pending, t->key);
    const char *told = it && it->via ? it->via : it ? it->origin : NULL;
    char before[AGENT_KEY_SIZE];

    if (!told)
        told = came_from(a, t->key); /* remembered */
    if (t->steps++ == TRAIL_STEPS_MAX || (!told && !rename_told_by_directory(a, t->key, before)))
        return false;
    if (told)
        snprintf(before, sizeof before, "%s", told);
    if (left_later(a, t, before))
        return false;
    t->moment = ways_led(a->ways, before, t->key, t->moment ? t->moment : ways_now(a->ways));
    snprintf(t->key, sizeof t->key, "%s", before);
    return true;
}

/* The same by the moments of what events told: where what came to the trail's place went, and not
 * what was there before. */
static bool trail_on_then(const struct agent *a, struct trail *t)
{
    char after[AGENT_KEY_SIZE];

    if (ways_on(a->ways, t->key, t->moment, after, sizeof after, &t->moment) != WAYS_LEFT)
        return false;
    snprintf(t->key, sizeof t->key, "%s", after);
    return true;
}

bool trail_on(const struct agent *a, struct trail *t)
{
    const struct item *it = pending_find(a->pending, t->key);
    const char *told = it && it->went ? it->went : went_to(a, t->key);
    uint64_t left = t->steps ? 0 : ways_left(a->ways, t->key, ways_now(a->ways)), came;
    char after[AGENT_KEY_SIZE], then[AGENT_KEY_SIZE];

    if (t->steps++ == TRAIL_STEPS_MAX)
        return false;
    if (t->moment)
        return trail_on_then(a, t);
    if (!told && !path_carried(after, sizeof after, t->key, went_to, a))
        return false;
    if (told)
        snprintf(after, sizeof after, "%s", told);
    if (left && ways_on(a->ways, t->key, left, then, sizeof then, &came) == WAYS_LEFT &&
        strcmp(then, after) == 0)
        t->moment = came;
    snprintf(t->key, sizeof t->key, "%s", after);
    return true;
}

/* ---- groups: a directory's rename is one intent ---- */

/* The directories of a rename of a whole directory that this pair belongs to: the topmost ancestor
 * of `from` that left its place and whose rest agrees with the end of `to`. */
static bool group_of(const struct agent *a, const char *from, const char *to,
                     char dir_from[AGENT_KEY_SIZE], char dir_to[AGENT_KEY_SIZE])
{
    size_t to_n = strlen(to);

    for (const char *slash = strchr(from, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - from) + 1, rest = strlen(from + n);

        memcpy(dir_from, from, n);
        dir_from[n] = '\0';
        if (!map_get_str(a->dirs_gone, dir_from) || rest + 1 >= to_n ||
            strcmp(to + to_n - rest, from + n) != 0 || to[to_n - rest - 1] != '/')
            continue;
        memcpy(dir_to, to, to_n - rest);
        dir_to[to_n - rest] = '\0';
        return true;
    }
    return false;
}

/* A directory's path for the journal: below the root, without the '/' at its end. */
static char *group_path(const struct mapping *m, const char *key_dir, char out[AGENT_KEY_SIZE])
{
    size_t n = strlen(key_dir + m->prefix_len);

    memcpy(out, key_dir + m->prefix_len, n + 1);
    if (n)
        out[n - 1] = '\0';
    return out;
}

/* A record about a group. */
static uint64_t group_journal(struct agent *a, const struct mapping *m, const struct dir_rename *g,
                              enum journal_state state, const struct item *it)
{
    char from[AGENT_KEY_SIZE], to[AGENT_KEY_SIZE];
    struct journal_record rec = {.op = JOURNAL_RENAME,
                                 .state = state,
                                 .mapping = m->conf->name,
                                 .path = group_path(m, g->from, from),
                                 .path2 = group_path(m, g->to, to),
                                 .count = g->objects,
                                 .tx = g->tx ? g->tx : JOURNAL_TX_SELF,
                                 .source = it ? it->source : JOURNAL_SRC_NONE};

    return agent_journal(a, &rec);
}

/* The name of a group in the table. */
static void group_name(const char *from, const char *to, char out[2 * AGENT_KEY_SIZE])
{
    snprintf(out, 2 * AGENT_KEY_SIZE, "%s\n%s", from, to);
}

/* The open group of this directory rename, made and journalled if there is none. */
static struct dir_rename *group_get(struct agent *a, const struct item *it, const char *from,
                                    const char *to)
{
    char name[2 * AGENT_KEY_SIZE];
    struct dir_rename *g;

    group_name(from, to, name);
    g = map_get_str(a->renames, name);
    if (g)
        return g;
    g = calloc(1, sizeof *g);
    if (g) {
        g->from = strdup(from);
        g->to = strdup(to);
    }
    if (!g || !g->from || !g->to || index_count(a->index, from, &g->objects) ||
        map_put_str(a->renames, name, g, NULL)) {
        agent_fail(a, -ENOMEM, "renaming a directory");
        return NULL;
    }
    if (!a->options.dry_run)
        g->tx = group_journal(a, &a->mappings[it->mapping], g, JOURNAL_INTENT, it);
    a->totals.renames++;
    return g;
}

/* All that belongs to the group is through. */
static void group_end(struct agent *a, const struct mapping *m, struct dir_rename *g)
{
    char name[2 * AGENT_KEY_SIZE];

    if (!a->options.dry_run)
        group_journal(a, m, g, JOURNAL_DONE, NULL);
    group_name(g->from, g->to, name);
    map_remove_str(a->renames, name);
    free(g->from);
    free(g->to);
    free(g);
}

void rename_group_leave(struct agent *a, const struct mapping *m, struct dir_rename *g)
{
    if (--g->open == 0 && !sweep_is_at(a, g->from))
        group_end(a, m, g);
}

void rename_group_swept(struct agent *a, const struct mapping *m, const char *from)
{
    void *value;

    if (sweep_is_at(a, from))
        return; /* it left once more meanwhile */
    for (size_t at = 0; map_next(a->renames, &at, NULL, NULL, &value);) {
        struct dir_rename *g = value;

        if (g->open == 0 && strcmp(g->from, from) == 0)
            group_end(a, m, g);
    }
}

uint64_t rename_open_tx(const struct agent *a)
{
    uint64_t least = UINT64_MAX;
    void *value;

    for (size_t at = 0; map_next(a->renames, &at, NULL, NULL, &value);) {
        const struct dir_rename *g = value;

        least = g->tx < least ? g->tx : least;
    }
    return least;
}

struct dir_rename *rename_group_of(struct agent *a, const struct item *it, const char *from)
{
    char dir_from[AGENT_KEY_SIZE], dir_to[AGENT_KEY_SIZE];

    return group_of(a, from, it->key, dir_from, dir_to) ? group_get(a, it, dir_from, dir_to) : NULL;
}

/* Free a table's strings or structs. */
static void table_free(struct map *m, void (*value_free)(void *))
{
    void *value;

    for (size_t at = 0; m && map_next(m, &at, NULL, NULL, &value);)
        value_free(value);
    map_free(m);
}

static void dir_gone_free_any(void *value)
{
    dir_gone_free(value);
}

static void group_free_any(void *value)
{
    struct dir_rename *g = value;

    free(g->from);
    free(g->to);
    free(g);
}

void rename_free_all(struct agent *a)
{
    table_free(a->dirs_gone, dir_gone_free_any);
    table_free(a->dirs_to, free);
    ways_free(a->ways);
    table_free(a->renames, group_free_any);
    map_free(a->sighted);
}
