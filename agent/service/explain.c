/* Shell. Where images are that left with their directories. See explain.h. */
#include "agent/service/explain.h"

#include "agent/core/ways.h"
#include "agent/service/departed.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* An image was seen under this key, which is not in step. */
static const struct item *seen_at(const struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);

    return it && it->seen.kind == FILE_REGULAR ? it : NULL;
}

/* Is what is under the key `now` another file than the one that the index has under the other?
 * Where it has none, nothing says so. */
static bool is_another(struct agent *a, const char *key, const char *now)
{
    const struct item *it = seen_at(a, now);
    struct index_entry was, is;

    if (!agent_image(a, key, &was))
        return false;
    return it ? plan_is_other(&it->seen, &was.known)
              : index_get(a->index, now, &is) ||
                    file_id_differs(plan_file(&is.known), plan_file(&was.known));
}

bool explain_place(struct agent *a, const struct mapping *m, const char *key,
                   char now[AGENT_KEY_SIZE])
{
    char at[AGENT_KEY_SIZE], next[AGENT_KEY_SIZE];
    struct index_entry e;
    bool found = false;

    snprintf(at, sizeof at, "%s", key);
    for (int i = 0; i < WAYS_STEPS_MAX && ways_on(a->ways, at, next, sizeof next); i++) {
        snprintf(at, sizeof at, "%s", next);
        if (strcmp(at, key) == 0 || strncmp(at, m->conf->prefix, m->prefix_len) != 0)
            break;
        if (!seen_at(a, at) && !agent_image(a, at, &e))
            continue;
        snprintf(now, AGENT_KEY_SIZE, "%s", at); /* the last of them: it may have gone on */
        found = true;
    }
    return found && !is_another(a, key, now);
}

bool explain_row(struct agent *a, const struct mapping *m, const char *path)
{
    char key[AGENT_KEY_SIZE], now[AGENT_KEY_SIZE];

    if (!agent_key(a, m->id, path, key) || !explain_place(a, m, key, now))
        return false;
    if (pending_find(a->pending, now))
        return true; /* the list waits for it */
    if (departed_note(a->index, key, m->prefix_len, now + m->prefix_len, a->real_us / US_PER_S,
                      DEPARTED_S))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
    return true;
}
