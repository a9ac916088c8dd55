/* Shell. Which new path is which old image; directory renames as wholes. */
#include "agent/service/agent.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- who has which inode, among the items that are not in step ---- */

/* The table's key: inodes are counted anew on each device, so by mapping. */
struct sighted_key {
    uint64_t ino;
    uint64_t mapping;
};

void sighted_note(struct agent *a, struct item *it)
{
    struct sighted_key key = {.ino = it->seen.ino, .mapping = it->mapping};

    if (it->seen.kind == FILE_REGULAR && map_put(a->sighted, &key, sizeof key, it, NULL))
        agent_fail(a, -ENOMEM, "remembering an inode");
}

void sighted_forget(struct agent *a, struct item *it)
{
    struct sighted_key key = {.ino = it->seen.ino, .mapping = it->mapping};

    if (map_get(a->sighted, &key, sizeof key) == it)
        map_remove(a->sighted, &key, sizeof key);
}

struct item *sighted_find(const struct agent *a, unsigned mapping, uint64_t ino)
{
    struct sighted_key key = {.ino = ino, .mapping = mapping};

    return map_get(a->sighted, &key, sizeof key);
}

/* ---- directories that left their place ---- */

/* Free what is remembered of a directory. */
static void dir_gone_free(struct dir_gone *d)
{
    if (d)
        free(d->to);
    free(d);
}

void rename_directory_gone(struct agent *a, const char *key_dir, const char *key_to)
{
    struct dir_gone *d = calloc(1, sizeof *d);
    char *from = key_to ? strdup(key_dir) : NULL;
    void *old = NULL;
    bool ok = d != NULL && (!key_to || from);

    if (ok && key_to)
        ok = (d->to = strdup(key_to)) != NULL;
    if (ok)
        d->at_ms = a->now_ms;
    if (!ok || map_put_str(a->dirs_gone, key_dir, d, &old)) {
        dir_gone_free(d);
        free(from);
        agent_fail(a, -ENOMEM, "remembering a directory");
        return;
    }
    dir_gone_free(old);
    old = NULL;
    if (key_to && map_put_str(a->dirs_to, key_to, from, &old))
        free(from); /* then events alone do not tell; inodes still do */
    free(old);
}

void rename_expire(struct agent *a)
{
    const void *key;
    size_t n;
    void *value;

    for (size_t at = 0; map_next(a->dirs_gone, &at, &key, &n, &value);) {
        struct dir_gone *d = value;

        if (a->now_ms - d->at_ms < AGENT_DIR_MEMORY_MS)
            continue;
        if (d->to)
            free(map_remove_str(a->dirs_to, d->to));
        map_remove(a->dirs_gone, key, n);
        dir_gone_free(d);
    }
}

/* Where an event said that this path was before, by the renamed directory that it lies in. */
static bool told_by_directory(const struct agent *a, const char *key, char out[AGENT_KEY_SIZE])
{
    char dir[AGENT_KEY_SIZE];
    char *slash;

    snprintf(dir, sizeof dir, "%s", key);
    while ((slash = strrchr(dir, '/'))) {
        slash[1] = '\0';
        const char *from = map_get_str(a->dirs_to, dir);

        if (from)
            return snprintf(out, AGENT_KEY_SIZE, "%s%s", from, key + strlen(dir)) < AGENT_KEY_SIZE;
        *slash = '\0';
    }
    return false;
}

/* ---- the source of a new path ---- */

struct source {
    struct agent *agent;
    const struct item *it;
    char key[AGENT_KEY_SIZE];
    bool found;
    bool told;
};

/* index_fn: an entry with the new path's inode, of the same mapping and still in its place. */
static int source_by_inode(void *arg, const char *key, const struct known *known)
{
    struct source *s = arg;
    const struct mapping *m = &s->agent->mappings[s->it->mapping];

    if ((known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN)) || strcmp(key, s->it->key) == 0 ||
        strncmp(key, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    snprintf(s->key, sizeof s->key, "%s", key);
    s->found = true;
    return 1;
}

/* Is this key in the index, in its place, and another one than the item's? */
static bool source_usable(struct agent *a, const struct item *it, const char *key)
{
    struct index_entry e;

    return strcmp(key, it->key) != 0 && index_get(a->index, key, &e) == 0 &&
           !(e.known.flags & KNOWN_MOVED);
}

/* Find where the new path may have come from: what events told first, then the inode. */
static void source_find(struct agent *a, struct item *it, struct source *s)
{
    *s = (struct source){.agent = a, .it = it};
    if (it->origin && source_usable(a, it, it->origin)) {
        snprintf(s->key, sizeof s->key, "%s", it->origin);
        s->found = s->told = true;
        return;
    }
    if (told_by_directory(a, it->key, s->key) && source_usable(a, it, s->key)) {
        s->found = s->told = true;
        return;
    }
    if (index_each_inode(a->index, it->seen.ino, source_by_inode, s) < 0)
        agent_fail(a, -EIO, "reading the index");
}

/* Whose path holds another file than the index knows there. */
struct occupant {
    const struct item *item;
};

/* index_fn: some other path had this very file: the one here came from there. */
static int occupant_moved(void *arg, const char *key, const struct known *known)
{
    const struct item *o = ((const struct occupant *)arg)->item;

    return strcmp(key, o->key) != 0 && known->size == o->seen.size &&
           known->mtime_ns == o->seen.mtime_ns;
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

/* One item less: the last one closes the group. */
static void group_leave(struct agent *a, const struct mapping *m, struct dir_rename *g)
{
    char name[2 * AGENT_KEY_SIZE];

    if (--g->open)
        return;
    if (!a->options.dry_run)
        group_journal(a, m, g, JOURNAL_DONE, NULL);
    group_name(g->from, g->to, name);
    map_remove_str(a->renames, name);
    free(g->from);
    free(g->to);
    free(g);
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

/* ---- taking a rename, and its ways to end ---- */

/* Journal the rename of one image. */
static uint64_t single_journal(struct agent *a, const struct item *it, const char *from,
                               enum journal_state state, uint64_t tx, const char *why)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_RENAME, state);

    rec.path2 = rec.path;
    rec.path = from;
    rec.tx = tx ? tx : JOURNAL_TX_SELF;
    rec.why = why;
    return agent_journal(a, &rec);
}

/* The new path `it` is the image that was at `source`. */
static void rename_take(struct agent *a, struct item *it, struct item *source, bool copy)
{
    char from[AGENT_KEY_SIZE], to[AGENT_KEY_SIZE];

    source->target = strdup(it->key);
    if (!source->target) {
        agent_fail(a, -ENOMEM, "renaming");
        return;
    }
    if (agent_mapping(a, it)->held)
        removals_hold_back(a, agent_mapping(a, it), source->key);
    stale_follow(a, source, it);
    source->change = CHANGE_RENAME;
    source->peer = it;
    it->peer = source;
    it->copy = copy && !agent_is_list(a, it);
    it->relisted = true;
    if (group_of(a, source->key, it->key, from, to))
        source->group = group_get(a, it, from, to);
    if (a->fatal)
        return;
    if (source->group) {
        source->group->open++;
        it->tx = source->tx = source->group->tx;
    } else {
        if (!a->options.dry_run)
            it->tx = source->tx = single_journal(a, it, source->path, JOURNAL_INTENT, 0, NULL);
        a->totals.renames++;
    }
    pending_set(a->pending, source, ITEM_CLAIMED, INT64_MAX);
    removals_queue(a, source);
    decide_ready(a, it, CHANGE_RENAME);
}

void rename_resume(struct agent *a, struct item *it, const struct known *known)
{
    it->target = strdup(known->moved_to ? known->moved_to : it->key);
    if (!it->target) {
        agent_fail(a, -ENOMEM, "renaming");
        return;
    }
    it->change = CHANGE_RENAME;
    it->copied = true;
    pending_set(a->pending, it, ITEM_CLAIMED, INT64_MAX);
    removals_queue(a, it);
}

/* The states in which the source's last look still holds. */
static bool source_seen(const struct item *o)
{
    return o->state == ITEM_OBSERVED || o->state == ITEM_READY || o->state == ITEM_FLYING ||
           o->state == ITEM_HASHING || o->state == ITEM_CHECKING || o->state == ITEM_WAITING;
}

/* The source is there no more: is the new path its image? */
static enum rename_answer consider_gone(struct agent *a, struct item *it, struct item *o,
                                        const struct source *s, const struct known *source_known)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};

    switch (
        plan_renamed(&it->seen, source_known, &absent, s->told, it->hashed ? &it->hash : NULL)) {
    case RENAME_NO:
        return RENAME_NONE;
    case RENAME_HASH:
        return RENAME_WANT_HASH;
    case RENAME_COPY:
        rename_take(a, it, o, true);
        return RENAME_TAKEN;
    case RENAME_CONTENT:
        rename_take(a, it, o, false);
        return RENAME_TAKEN;
    }
    return RENAME_NONE;
}

/* The source's path holds another file now. If that one is an image that moved there (a chain of
 * renames, a swap), the rows of this one follow it here; its content is put. */
static enum rename_answer consider_occupied(struct agent *a, struct item *it, const struct item *o,
                                            const struct source *s,
                                            const struct known *source_known)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};
    struct occupant occupant = {.item = o};
    enum plan_rename moved;

    if (it->relisted || o->seen.ino == source_known->ino || it->seen.ino != source_known->ino)
        return RENAME_NONE;
    moved = plan_renamed(&it->seen, source_known, &absent, s->told, it->hashed ? &it->hash : NULL);
    if (moved == RENAME_NO ||
        index_each_inode(a->index, o->seen.ino, occupant_moved, &occupant) <= 0)
        return RENAME_NONE;
    if (moved == RENAME_HASH)
        return RENAME_WANT_HASH;
    it->relisted = true;
    relist_moved_row(a, it->mapping, o->path, it->path);
    return RENAME_NONE;
}

/* The source is not among the items: look at it, once. */
static enum rename_answer consider_ask(struct agent *a, struct item *it, const char *key)
{
    struct item *o;

    if (it->asked)
        return RENAME_NONE; /* it was looked at and is in step: a second link to the same file */
    it->asked = true;
    intake_touch_key(a, it->mapping, key, it->source, 0);
    o = pending_find(a->pending, key);
    if (o)
        intake_observe(a, o);
    return RENAME_WAIT;
}

/* The file is still what the old object holds: a copy that failed may be tried again as a copy. */
static bool copy_still_right(struct agent *a, const struct item *it)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};
    struct index_entry e;

    return index_get(a->index, it->peer->key, &e) == 0 &&
           plan_renamed(&it->seen, &e.known, &absent, true, it->hashed ? &it->hash : NULL) ==
               RENAME_COPY;
}

/* The content is what S3 has under this very path: the image was put back here, whatever inode it
 * got. */
static bool came_back(const struct item *it, const struct known *known)
{
    return known && it->hashed && (known->flags & KNOWN_CRC) && known->size == it->seen.size &&
           known->crc64 == it->hash;
}

enum rename_answer rename_consider(struct agent *a, struct item *it, const struct known *known)
{
    struct source s;
    struct index_entry source;
    struct item *o;
    bool patient = a->now_ms - it->observed_ms < 2 * agent_mapping(a, it)->conf->settle_ms + 1000;

    if (it->peer) {
        it->copy = it->copy && copy_still_right(a, it);
        decide_ready(a, it, CHANGE_RENAME);
        return RENAME_TAKEN;
    }
    if (known && !(known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN))) {
        struct item *other = sighted_find(a, it->mapping, known->ino);

        if (it->seen.ino == known->ino || !other || other == it)
            return RENAME_NONE; /* the same file, or a new one in its place */
    }
    source_find(a, it, &s);
    if (!s.found || index_get(a->index, s.key, &source) || (!s.told && came_back(it, known)))
        return RENAME_NONE;
    o = pending_find(a->pending, s.key);
    if (!o)
        return consider_ask(a, it, s.key);
    if (o->state == ITEM_GONE || (o->state == ITEM_LISTING && o->queue == &a->relist) ||
        (o->state == ITEM_OBSERVED && o->seen.kind != FILE_REGULAR))
        return consider_gone(a, it, o, &s, &source.known);
    if (source_seen(o))
        return consider_occupied(a, it, o, &s, &source.known);
    if (o->state == ITEM_CLAIMED && !o->copied && o->peer && patient)
        return RENAME_WAIT; /* it was taken for renamed elsewhere, where it may be no more */
    if (o->state == ITEM_OBSERVING ||
        ((o->state == ITEM_SETTLING || o->state == ITEM_RETRY) && patient))
        return RENAME_WAIT;
    return RENAME_NONE;
}

void rename_landed(struct agent *a, struct item *it)
{
    struct item *source = it->peer;
    struct index_entry e;
    int rc;

    it->peer = NULL;
    if (!source)
        return;
    source->peer = NULL;
    source->copied = true;
    rc = index_get(a->index, source->key, &e);
    if (rc == 0) {
        e.known.flags |= KNOWN_MOVED;
        e.known.moved_to = source->target;
        rc = index_put(a->index, source->key, &e.known, NULL);
        agent_dirty(a);
    }
    if (rc && rc != -ENOENT)
        agent_fail(a, rc, "writing the index");
    if (source->relisted)
        removals_to_barrier(a, source);
}

/* What remains of a rename's bookkeeping at the source. */
static void source_release(struct agent *a, struct item *source)
{
    if (source->group)
        group_leave(a, agent_mapping(a, source), source->group);
    source->group = NULL;
    source->change = CHANGE_NONE;
    source->tx = 0;
    free(source->target);
    source->target = NULL;
}

void rename_abandon(struct agent *a, struct item *it, const char *why)
{
    struct item *source = it->peer;

    if (!source->group)
        single_journal(a, it, source->path, JOURNAL_ABORT, it->tx, why);
    it->peer = source->peer = NULL;
    it->change = CHANGE_NONE;
    it->tx = 0;
    /* Rows that followed already go back: whatever becomes of the image starts from its old name.
     */
    if (source->relisted || source->queue == &a->passing)
        relist_moved_row(a, it->mapping, it->path, source->path);
    it->relisted = source->relisted = false;
    it->was_there = false;
    source_release(a, source);
    if (source->queue == &a->passing)
        return; /* its rows are being moved; it is looked at again after that */
    source->hint_ms = a->now_ms;
    intake_resettle(a, source);
}

void rename_through(struct agent *a, struct item *source)
{
    struct journal_record rec;

    if (!source->group && source->tx) {
        const char *target = source->target ? source->target : source->key;

        rec = agent_record(a, source, JOURNAL_RENAME, JOURNAL_DONE);
        rec.path2 = target + agent_mapping(a, source)->prefix_len;
        agent_journal(a, &rec);
    }
    source_release(a, source);
}

void rename_told(struct agent *a, unsigned mapping, const char *from, const char *to)
{
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE];
    struct item *it;

    if (!agent_key(a, mapping, from, from_key) || !agent_key(a, mapping, to, to_key))
        return;
    intake_touch_key(a, mapping, from_key, JOURNAL_SRC_EVENT, a->mappings[mapping].conf->settle_ms);
    intake_touch_key(a, mapping, to_key, JOURNAL_SRC_EVENT, a->mappings[mapping].conf->settle_ms);
    it = pending_find(a->pending, to_key);
    if (!it)
        return;
    free(it->origin);
    it->origin = strdup(from_key);
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
    table_free(a->renames, group_free_any);
    map_free(a->sighted);
}
