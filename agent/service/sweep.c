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

        if (!it || it->state != ITEM_SETTLING)
            intake_missed(a, s->mapping, p->keys[i], JOURNAL_SRC_EVENT);
    }
    if (p && p->count) {
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
    while (a->sweeps && !a->fatal && intake_has_room(a)) {
        struct sweep *s = a->sweeps;

        if (!sweep_one(a, s))
            continue;
        a->sweeps = s->next;
        sweep_free(s);
    }
}

/* A sweep reads the index, in which an object that is on its way is not yet. So what lands asks
 * here whether a directory above it left its place meanwhile, or events were lost. */
bool sweep_missed(const struct agent *a, const struct item *it)
{
    char dir[AGENT_KEY_SIZE];
    char *slash;

    if (a->now_ms - it->observed_ms >= AGENT_DIR_MEMORY_MS ||
        a->mappings[it->mapping].blind_ms >= it->observed_ms)
        return true;
    snprintf(dir, sizeof dir, "%s", it->key);
    while ((slash = strrchr(dir, '/'))) {
        const struct dir_gone *gone;

        slash[1] = '\0';
        gone = map_get_str(a->dirs_gone, dir);
        if (gone && gone->at_ms >= it->observed_ms)
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
