/* Shell. After a crash: rewrites of lists that the index had not heard of, and who has which name.
 */
#include "agent/service/recover_rows.h"

#include "agent/service/undo.h"

#include <stdlib.h>
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

/* The name is that key's, of whomever it was. */
static int owner_put(struct map *owners, const char *name, const char *key)
{
    char *copy = strdup(key);
    void *old = NULL;

    if (!copy || map_put_str(owners, name, copy, &old)) {
        free(copy);
        return -ENOMEM;
    }
    free(old);
    return 0;
}

/* index_fn. */
static int owner_add(void *arg, const char *key, const struct known *known)
{
    return (known->flags & KNOWN_LISTED) && known->moved_to ? owner_put(arg, known->moved_to, key)
                                                            : 0;
}

/* Does the index have it that lists name another key's image so? */
static bool is_anothers(struct agent *a, const struct map *owners, const char *name,
                        const char *key)
{
    const char *owner = map_get_str(owners, name);
    struct index_entry e;

    return owner && strcmp(owner, key) != 0 && agent_image(a, owner, &e) &&
           (e.known.flags & KNOWN_LISTED) && e.known.moved_to &&
           strcmp(e.known.moved_to, name) == 0;
}

int recover_name(struct agent *a, struct recover_names *n, const char *name, const char *key,
                 bool inherited)
{
    int rc = 0;

    if (!n->owners) {
        n->owners = map_new();
        rc = n->owners ? index_each_under(a->index, "", NULL, owner_add, n->owners) : -ENOMEM;
    }
    if (rc == 0 && !inherited && is_anothers(a, n->owners, name, key))
        return 0;
    rc = rc ? rc : owner_put(n->owners, name, key);
    return rc ? rc : 1;
}

void recover_names_release(struct recover_names *n)
{
    void *owner;

    for (size_t at = 0; n->owners && map_next(n->owners, &at, NULL, NULL, &owner);)
        free(owner);
    map_free(n->owners);
    n->owners = NULL;
}
