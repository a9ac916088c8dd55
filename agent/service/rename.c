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

/* A copy of the key (or NULL) in the item's field; without memory events just do not tell. */
static void told_set(char **field, const char *key)
{
    char *copy = key ? strdup(key) : NULL;

    free(*field);
    *field = copy;
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
    bool exact; /* of the search by inode */
};

/* index_fn: an entry with the new path's inode, of the same mapping and still in its place. */
static int source_by_inode(void *arg, const char *key, const struct known *known)
{
    struct source *s = arg;
    const struct mapping *m = &s->agent->mappings[s->it->mapping];

    if ((known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN)) || strcmp(key, s->it->key) == 0 ||
        strncmp(key, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    if (s->exact &&
        (known->size != s->it->seen.size || known->mtime_ns != s->it->seen.mtime_ns))
        return 0;
    snprintf(s->key, sizeof s->key, "%s", key);
    s->found = true;
    return 1;
}

/* Take this key as the source: if it is in the index, in its place, and another one than the
 * item's; `exact`: and was made from the very file that the item is. */
static bool source_told(struct source *s, const char *key, bool exact)
{
    struct index_entry e;

    if (!key || strcmp(key, s->it->key) == 0 || index_get(s->agent->index, key, &e) ||
        (e.known.flags & KNOWN_MOVED) || (exact && e.known.ino != s->it->seen.ino))
        return false;
    snprintf(s->key, sizeof s->key, "%s", key);
    s->found = s->told = true;
    return true;
}

/* Find an entry of the index by the item's inode; `exact`: size and mtime must agree too. */
static bool source_search(struct source *s, bool exact)
{
    s->exact = exact;
    if (index_each_inode(s->agent->index, s->it->seen.ino, source_by_inode, s) < 0)
        agent_fail(s->agent, -EIO, "reading the index");
    return s->found;
}

/* Find where the new path may have come from. Events tell, but they may have told of a name that
 * the index gave to another image meanwhile, so what agrees with the inode comes first. */
static void source_find(struct agent *a, struct item *it, struct source *s)
{
    char dir[AGENT_KEY_SIZE];
    const char *by_dir = told_by_directory(a, it->key, dir) ? dir : NULL;

    *s = (struct source){.agent = a, .it = it};
    if (source_told(s, it->origin, true) || source_told(s, by_dir, true) ||
        source_search(s, true) || source_told(s, it->origin, false) ||
        source_told(s, by_dir, false))
        return;
    (void)source_search(s, false); /* found or not is in s */
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
static void rename_take(struct agent *a, struct item *it, struct item *source,
                        const struct known *source_known, bool copy)
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
    follow_rename(a, it, source->path, source_known);
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
}

void rename_resume(struct agent *a, struct item *it, const struct known *known)
{
    it->target = strdup(known->moved_to ? known->moved_to : it->key);
    if (!it->target) {
        agent_fail(a, -ENOMEM, "renaming");
        return;
    }
    follow_moved(a, it, known);
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
        rename_take(a, it, o, source_known, true);
        return RENAME_TAKEN;
    case RENAME_CONTENT:
        rename_take(a, it, o, source_known, false);
        return RENAME_TAKEN;
    }
    return RENAME_NONE;
}

/* The source's path holds another file now. If that one is an image that moved there (a chain of
 * renames, a swap), the rows of this one follow it here; its content is put. */
static enum rename_answer consider_occupied(struct agent *a, struct item *it, struct item *o,
                                            const struct source *s,
                                            const struct known *source_known)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};
    struct occupant occupant = {.item = o};
    enum plan_rename moved;

    if ((it->image && strcmp(it->image, o->path) == 0) || o->seen.ino == source_known->ino ||
        it->seen.ino != source_known->ino)
        return RENAME_NONE;
    moved = plan_renamed(&it->seen, source_known, &absent, s->told, it->hashed ? &it->hash : NULL);
    if (moved == RENAME_NO)
        return RENAME_NONE;
    /* What is there now came from elsewhere: so it was found already, or the index still says. */
    if (!o->image && index_each_inode(a->index, o->seen.ino, occupant_moved, &occupant) <= 0)
        return RENAME_NONE;
    if (moved == RENAME_HASH)
        return RENAME_WANT_HASH;
    o->vacated = true;
    follow_rename(a, it, o->path, source_known);
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

/* What waits for others waits this long at most. */
static bool patient(struct agent *a, const struct item *it)
{
    return a->now_ms - it->observed_ms < 2 * agent_mapping(a, it)->conf->settle_ms + 1000;
}

/* Where the image went that the index has under the item's key, as events said; NULL: they did not,
 * or it went on from there. */
static const struct item *heir_of(const struct agent *a, const struct item *it)
{
    const struct item *heir = it->heir ? pending_find(a->pending, it->heir) : NULL;

    return heir && heir->origin && strcmp(heir->origin, it->key) == 0 ? heir : NULL;
}

/* What the item's file is was not found out yet, or it is to be looked at anew. */
static bool is_undecided(const struct item *it)
{
    return !it->decided || (it->again && it->state != ITEM_FLYING);
}

bool rename_must_wait(struct agent *a, const struct item *it, const struct known *known)
{
    const struct item *other;

    if (!known || (known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN)) || known->ino == it->seen.ino)
        return false;
    other = heir_of(a, it);
    if (other && is_undecided(other) && (other->state != ITEM_CLAIMED || other->copied) &&
        a->now_ms - it->observed_ms < AGENT_PASS_MAX_MS)
        return true;
    other = sighted_find(a, it->mapping, known->ino);
    if (!other || other == it || other->decided)
        return false;
    if (other->state == ITEM_SETTLING) /* that may go on for ever */
        return patient(a, it);
    return a->now_ms - it->observed_ms < AGENT_PASS_MAX_MS &&
           (other->state == ITEM_OBSERVING || other->state == ITEM_OBSERVED ||
            other->state == ITEM_HASHING);
}

/* The path holds another file than the index knows there: did that one go elsewhere (a chain of
 * renames, a swap), or was it overwritten? RENAME_TAKEN: it went. */
static enum rename_answer consider_displaced(struct agent *a, struct item *it,
                                             const struct known *known)
{
    const struct item *other = sighted_find(a, it->mapping, known->ino);
    struct occupant occupant = {.item = it};

    if (it->vacated || heir_of(a, it) || (other && other != it))
        return RENAME_TAKEN;
    /* The scan that is under way may still find it. */
    if (agent_mapping(a, it)->scanning && intake_has_room(a) &&
        index_each_inode(a->index, it->seen.ino, occupant_moved, &occupant) > 0)
        return RENAME_WAIT;
    return RENAME_NONE;
}

/* The image was found to be its peer's: on to S3, unless what is overwritten is still needed. */
static enum rename_answer rename_go(struct agent *a, struct item *it, const struct known *known)
{
    if (a->fatal)
        return RENAME_TAKEN;
    it->decided = true;
    if (rename_must_wait(a, it, known))
        return RENAME_WAIT;
    it->copy = it->copy && copy_still_right(a, it);
    decide_ready(a, it, CHANGE_RENAME);
    return RENAME_TAKEN;
}

enum rename_answer rename_consider(struct agent *a, struct item *it, const struct known *known)
{
    struct source s;
    struct index_entry source;
    struct item *o;

    if (it->peer)
        return rename_go(a, it, known);
    if (known && !(known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN))) {
        enum rename_answer displaced = RENAME_NONE;

        if (it->seen.ino != known->ino)
            displaced = consider_displaced(a, it, known);
        if (displaced != RENAME_TAKEN)
            return displaced;
    }
    if (follow_went_on(a, it)) {
        told_set(&it->origin, NULL);
        told_set(&it->via, NULL);
        return RENAME_NONE;
    }
    source_find(a, it, &s);
    if (!s.found || index_get(a->index, s.key, &source) || (!s.told && came_back(it, known)))
        return RENAME_NONE;
    o = pending_find(a->pending, s.key);
    if (!o)
        return consider_ask(a, it, s.key);
    if (o->state == ITEM_GONE || (o->state == ITEM_LISTING && o->queue == &a->relist) ||
        (o->state == ITEM_OBSERVED && o->seen.kind != FILE_REGULAR)) {
        enum rename_answer gone = consider_gone(a, it, o, &s, &source.known);

        return gone == RENAME_TAKEN ? rename_go(a, it, known) : gone;
    }
    if (source_seen(o))
        return consider_occupied(a, it, o, &s, &source.known);
    if (o->state == ITEM_CLAIMED && !o->copied && o->peer && patient(a, it))
        return RENAME_WAIT; /* it was taken for renamed elsewhere, where it may be no more */
    if (o->state == ITEM_OBSERVING ||
        ((o->state == ITEM_SETTLING || o->state == ITEM_RETRY) && patient(a, it)))
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
        e.known.flags = (e.known.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
        e.known.moved_to = source->target;
        rc = index_put(a->index, source->key, &e.known, NULL);
        agent_dirty(a);
    }
    if (rc && rc != -ENOENT)
        agent_fail(a, rc, "writing the index");
    if (source->relisted)
        removals_to_barrier(a, source);
    else if (source->again)
        removals_recall(a, source);
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
    follow_lost(a, source);
    free(it->image);
    it->image = NULL;
    source->relisted = false;
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
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE], image_key[AGENT_KEY_SIZE];
    int64_t settle_ms = a->mappings[mapping].conf->settle_ms;
    struct item *left, *came, *first;
    const char *root = from_key;
    bool found; /* it was found out what was at `from` */

    if (!agent_key(a, mapping, from, from_key) || !agent_key(a, mapping, to, to_key) ||
        strcmp(from, to) == 0)
        return;
    intake_touch_key(a, mapping, from_key, JOURNAL_SRC_EVENT, settle_ms);
    intake_touch_key(a, mapping, to_key, JOURNAL_SRC_EVENT, settle_ms);
    left = pending_find(a->pending, from_key);
    came = pending_find(a->pending, to_key);
    if (!left || !came)
        return;
    /* What came to `from` a moment ago is known to the index by the name that it had before. */
    found = left->image && left->decided;
    if (found && agent_key(a, mapping, left->image, image_key))
        root = image_key;
    else if (left->origin)
        root = left->origin;
    first = pending_find(a->pending, root);
    if (first == came)
        root = NULL; /* it is back where it was */
    if (first)
        told_set(&first->heir, root ? to_key : NULL);
    told_set(&came->origin, root);
    told_set(&came->via, found ? from_key : left->via);
    told_set(&left->origin, NULL);
    told_set(&left->via, NULL);
    came->decided = left->decided = false;
}

void rename_told_gone(struct agent *a, unsigned mapping, const char *path)
{
    char key[AGENT_KEY_SIZE];
    struct item *it = agent_key(a, mapping, path, key) ? pending_find(a->pending, key) : NULL;

    if (it) {
        told_set(&it->origin, NULL);
        told_set(&it->via, NULL);
    }
}

void rename_told_nothing(struct agent *a)
{
    struct item *it;

    for (size_t at = 0; (it = pending_next(a->pending, &at));) {
        told_set(&it->origin, NULL);
        told_set(&it->heir, NULL);
        told_set(&it->via, NULL);
    }
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
