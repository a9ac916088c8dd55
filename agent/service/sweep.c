/* Shell. Sweeps: ranges of the index whose files are to be looked at. */
#include "agent/service/agent.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_PIECE 1000 /* keys of one step */

/* The index does not have names that cannot be keys: these are looked at right away. */
static void touch_refused(struct agent *a, unsigned mapping, const char *key_prefix)
{
    size_t n = strlen(key_prefix);
    struct item *next;

    if (!pending_count_mapping(a->pending, mapping, ITEM_REFUSED))
        return;
    for (struct item *it = pending_first(a->pending, mapping); it; it = next) {
        next = it->mate_next;
        if (it->state == ITEM_REFUSED && strncmp(it->key, key_prefix, n) == 0)
            intake_observe(a, it);
    }
}

void sweep_refused(struct agent *a, unsigned mapping)
{
    touch_refused(a, mapping, "");
}

void sweep_add(struct agent *a, unsigned mapping, const char *key_prefix)
{
    struct sweep *s;

    touch_refused(a, mapping, key_prefix);
    for (s = a->sweeps; s; s = s->next)
        if (strcmp(s->prefix, key_prefix) == 0 && !s->after)
            return;
    s = calloc(1, sizeof *s);
    if (s)
        s->prefix = strdup(key_prefix);
    if (!s || !s->prefix) {
        free(s);
        agent_fail(a, -ENOMEM, "remembering a directory");
        return;
    }
    s->mapping = mapping;
    s->since_ms = a->renamed_ms = a->now_ms;
    s->next = a->sweeps;
    a->sweeps = s;
}

bool sweep_pending(const struct agent *a, unsigned mapping)
{
    for (const struct sweep *s = a->sweeps; s; s = s->next)
        if (s->mapping == mapping)
            return true;
    return false;
}

bool sweep_is_at(const struct agent *a, const char *key_dir)
{
    for (const struct sweep *s = a->sweeps; s; s = s->next)
        if (strcmp(s->prefix, key_dir) == 0)
            return true;
    return false;
}

bool sweep_covers(const struct agent *a, const struct item *it)
{
    for (const struct sweep *s = a->sweeps; s; s = s->next)
        if (strncmp(it->key, s->prefix, strlen(s->prefix)) == 0)
            return true;
    return false;
}

/* Most of a large directory is not looked at while its listing at the place where it is now tells
 * of it, piece by piece: what is found there has its old path looked at. What is gone is not
 * decided meanwhile (sweep_covers), so that the guard is asked about all of it at once. The same
 * while a scan is under way, for whose end such paths would wait. */
static bool sweep_waits(struct agent *a, const struct sweep *s)
{
    const struct dir_gone *gone;

    if (s->count < AGENT_MOVING_MAX || a->now_ms - a->renamed_ms >= AGENT_PASS_MAX_MS)
        return false;
    gone = map_get_str(a->dirs_gone, s->prefix);
    return a->mappings[s->mapping].scanning ||
           (gone && gone->to &&
            (a->rest ||
             (a->now_ms - s->since_ms < AGENT_PASS_MAX_MS && watchers_busy(a->watchers))));
}

/* It was looked at since the directory left, and nothing was there. */
static bool sweep_knows(const struct sweep *s, const struct item *it)
{
    return s->count >= AGENT_MOVING_MAX && it->observed_ms >= s->since_ms &&
           it->seen.kind != FILE_REGULAR;
}

/* Its file is known to be gone, and what becomes of its object is decided: that it is missing is no
 * news. Each scan while S3 is away would have all such decided again. */
static bool is_settled(const struct item *it)
{
    return it->observed_ms && it->seen.kind != FILE_REGULAR && !it->again &&
           (it->state == ITEM_LISTING || (it->state == ITEM_CLAIMED && it->copied) ||
            it->state == ITEM_BARRIER || it->state == ITEM_DELETING);
}

/* The keys of one step. */
struct piece {
    char *keys[SWEEP_PIECE];
    size_t count;
};

/* index_fn: gather keys until the piece is full. */
static int piece_add(void *arg, const char *key, const struct known *known)
{
    struct piece *p = arg;

    if (known->flags & KNOWN_KEPT)
        return 0;
    if (p->count == SWEEP_PIECE)
        return 1;
    p->keys[p->count] = strdup(key);
    if (!p->keys[p->count])
        return -ENOMEM;
    p->count++;
    return 0;
}

/* One step of a sweep: returns true when it is through. */
static bool sweep_one(struct agent *a, struct sweep *s)
{
    struct piece *p = calloc(1, sizeof *p);
    int rc = p ? index_each_under(a->index, s->prefix, s->after, piece_add, p) : -ENOMEM;

    if (rc < 0) {
        agent_fail(a, rc, "sweeping a directory");
        rc = 0;
    }
    for (size_t i = 0; p && i < p->count; i++) {
        struct item *it = pending_find(a->pending, p->keys[i]);

        if (!it || (it->state != ITEM_SETTLING && !sweep_knows(s, it) && !is_settled(it)))
            intake_missed(a, s->mapping, p->keys[i], JOURNAL_SRC_EVENT);
    }
    if (p && p->count) {
        s->count += p->count;
        free(s->after);
        s->after = p->keys[--p->count];
        for (size_t i = 0; i < p->count; i++)
            free(p->keys[i]);
    }
    free(p);
    return rc == 0;
}

/* Free one sweep. */
static void sweep_free(struct sweep *s)
{
    free(s->prefix);
    free(s->after);
    free(s);
}

void sweep_step(struct agent *a)
{
    struct sweep **at = &a->sweeps;

    while (*at && !a->fatal && intake_has_room(a)) {
        struct sweep *s = *at;

        if (sweep_waits(a, s)) {
            at = &s->next;
        } else if (sweep_one(a, s)) {
            *at = s->next;
            rename_group_swept(a, &a->mappings[s->mapping], s->prefix);
            sweep_free(s);
        }
    }
}

/* A sweep reads the index, in which an object that is on its way is not yet. So what lands asks
 * here whether a directory above it left its place meanwhile, or events were lost. */
bool sweep_missed(const struct agent *a, const struct item *it)
{
    char dir[AGENT_KEY_SIZE];
    char *slash;

    if (a->now_ms - it->asked_ms >= AGENT_DIR_MEMORY_MS ||
        a->mappings[it->mapping].blind_ms >= it->asked_ms)
        return true;
    snprintf(dir, sizeof dir, "%s", it->key);
    while ((slash = strrchr(dir, '/'))) {
        const struct dir_gone *gone;

        slash[1] = '\0';
        gone = map_get_str(a->dirs_gone, dir);
        if (gone && gone->at_ms >= it->asked_ms)
            return true;
        *slash = '\0';
    }
    return false;
}

void sweep_free_all(struct agent *a)
{
    while (a->sweeps) {
        struct sweep *s = a->sweeps;

        a->sweeps = s->next;
        sweep_free(s);
    }
}
