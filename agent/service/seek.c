/* Shell. Looks at the places to which what is gone may have gone. See seek.h. */
#include "agent/service/seek.h"

#include "agent/core/ways.h"
#include "agent/service/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is looked for. */
struct quest {
    struct agent *a;
    const struct mapping *m;
    const struct item *it; /* whose file it is; NULL: only names are known */
    uint64_t since;        /* what came to its place until that moment was looked for */
    bool asked, unsure;
};

/* The item's file was seen at the other's path. */
static bool is_found(const struct quest *q, const struct item *at)
{
    struct index_entry e;

    return q->it && at->seen.kind == FILE_REGULAR && agent_image(q->a, q->it->key, &e) &&
           plan_is_same(&at->seen, &e.known);
}

/* An answer is to come. Names do not wait for what is busy: for them it was looked at besides. */
static bool is_awaited(const struct quest *q, const struct item *at)
{
    return rename_is_open(at) && (q->it || !at->again);
}

/* What is looked for may be under this key, where it came at that moment. */
static void seek_at(struct quest *q, const char *key, uint64_t moment)
{
    struct agent *a = q->a;
    const struct item *at = pending_find(a->pending, key);

    if (s3_check_key(key, NULL))
        return; /* there it has no object, and no rows of its own */
    if (at && at != q->it && is_awaited(q, at)) {
        q->asked = true;
        return;
    }
    if (moment <= q->since || (at && is_found(q, at)))
        return;
    intake_touch_key(a, q->m->id, key, JOURNAL_SRC_SELF, 0);
    at = pending_find(a->pending, key);
    if (at && at->again && watchers_observe(a->watchers, q->m->id, at->path))
        agent_fail(a, -ENOMEM, "looking at a path");
    q->asked = true;
}

/* What left the key at that moment is looked for where it is by now, by what events told. */
static void seek_from(struct quest *q, const char *key, uint64_t moment)
{
    char at[AGENT_KEY_SIZE], next[AGENT_KEY_SIZE];

    snprintf(at, sizeof at, "%s", key);
    for (int i = 0; i < WAYS_STEPS_MAX; i++) {
        switch (ways_on(q->a->ways, at, moment, next, sizeof next, &moment)) {
        case WAYS_STAYED:
            seek_at(q, at, moment);
            return;
        case WAYS_ENDED:
        case WAYS_LOST: /* out of the tree, or deleted file by file */
            return;
        case WAYS_LEFT:
            if (strncmp(next, q->m->conf->prefix, q->m->prefix_len) != 0)
                return;
            snprintf(at, sizeof at, "%s", next);
        }
    }
    q->unsure = true;
}

#define LEAVINGS_MAX 8 /* of a place that are followed: by one content after the other */

/* The same of all that left the key. */
static void seek_key(struct quest *q, const char *key)
{
    uint64_t moment = ways_left(q->a->ways, key, ways_now(q->a->ways));

    for (int i = 0; moment && i < LEAVINGS_MAX; i++) {
        seek_from(q, key, moment);
        moment = ways_left(q->a->ways, key, moment);
    }
    q->unsure = q->unsure || moment != 0;
}

/* rows_name_fn. */
static int seek_name(void *arg, const char *name)
{
    struct quest *q = arg;
    char key[AGENT_KEY_SIZE];

    if (agent_key(q->a, q->m->id, name, key) && strcmp(key, q->it->key) != 0)
        seek_key(q, key);
    return 0;
}

enum seek seek_item(struct agent *a, struct item *it)
{
    struct quest q = {.a = a, .m = agent_mapping(a, it), .it = it, .since = it->sought};

    q.unsure = ways_forgot(a->ways);
    if (ways_gone_on(a->ways)) {
        it->sought = ways_now(a->ways);
        seek_key(&q, it->key);
        (void)!follow_each_going(a, it, seek_name, &q); /* seek_name goes through them all */
    }
    return q.asked ? SEEK_ASKED : q.unsure ? SEEK_UNSURE : SEEK_DONE;
}

/* rows_seek_fn. */
static bool seek_row(void *arg, const char *name, uint64_t since)
{
    struct quest *q = arg;
    char key[AGENT_KEY_SIZE];

    q->since = since;
    q->asked = false;
    if (agent_key(q->a, q->m->id, name, key))
        seek_key(q, key);
    return q->asked;
}

bool seek_rows(struct agent *a, const struct mapping *m)
{
    struct quest q = {.a = a, .m = m};
    const uint64_t last = ways_gone_on(a->ways);
    bool asked = false;

    if (!last || m->conf->kind != CONF_REPOSITORY)
        return false;
    for (struct item *it = a->relist.first, *next; it; it = next) {
        next = it->next;
        if (it->mapping != m->id || it->state != ITEM_LISTING || last < it->sought ||
            seek_item(a, it) != SEEK_ASKED)
            continue;
        removals_recall(a, it);
        asked = true;
    }
    asked = rows_seek(m->rows, ways_now(a->ways), seek_row, &q) || asked;
    if (asked)
        a->pass_last_ms = a->now_ms;
    return asked;
}
