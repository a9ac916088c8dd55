/* Shell. After a crash: rewrites of lists that the index had not heard of. */
#include "agent/service/agent.h"
#include "agent/service/undo.h"

#include <string.h>

struct rewritten {
    struct agent *agent;
    unsigned repository;
};

/* lst_undo_fn: rows went from one path to the other. An image that is in S3 under its new name is
 * listed by it now; one that is not has its rows there already. */
static int rewritten_row(void *arg, const char *from, const char *to)
{
    const struct rewritten *w = arg;
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE];
    struct index_entry old, new;
    bool landed;

    if (!to || !agent_key(w->agent, w->repository, from, from_key) ||
        !agent_key(w->agent, w->repository, to, to_key))
        return 0;
    landed = index_get(w->agent->index, to_key, &new) == 0;
    if (landed && (new.known.flags &KNOWN_LISTED) && new.known.moved_to &&
        strcmp(new.known.moved_to, from_key) == 0) {
        new.known.flags &= ~KNOWN_LISTED;
        new.known.moved_to = NULL;
        return index_put(w->agent->index, to_key, &new.known, NULL);
    }
    if (index_get(w->agent->index, from_key, &old) ||
        (old.known.flags & (KNOWN_MOVED | KNOWN_LISTED)) ||
        (landed && new.known.ino == old.known.ino))
        return 0;
    old.known.flags |= KNOWN_LISTED;
    old.known.moved_to = to_key;
    return index_put(w->agent->index, from_key, &old.known, NULL);
}

int recover_rewritten(struct agent *a, unsigned lists, const char *undo)
{
    struct rewritten w = {.agent = a, .repository = (unsigned)a->mappings[lists].conf->repository};
    struct buf text;
    int rc = 0;

    if (a->mappings[lists].conf->kind != CONF_LISTS || !undo)
        return 0;
    buf_init(&text, SIZE_MAX);
    if (undo_read(a->undo_dir, undo, &text) == 0) /* else rows are where the index has them */
        rc = lst_undo_each((struct span){text.data, text.len}, rewritten_row, &w);
    buf_release(&text);
    return rc == ERR_SYNTAX ? 0 : rc;
}
