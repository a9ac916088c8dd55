/* Shell. After a crash: rewrites of lists that the index had not heard of, and who has which name.
 */
#include "agent/service/recover_rows.h"

#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "agent/service/undo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A set of texts. */
static int note_put(struct map **set, const char *text)
{
    if (!*set)
        *set = map_new();
    return *set ? map_put_str(*set, text, set, NULL) : -ENOMEM;
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

static int owners_read(struct agent *a, struct recover_names *n)
{
    if (n->owners)
        return 0;
    n->owners = map_new();
    return n->owners ? index_each_under(a->index, "", NULL, owner_add, n->owners) : -ENOMEM;
}

int recover_name(struct agent *a, struct recover_names *n, const char *name, const char *key,
                 bool inherited)
{
    int rc = owners_read(a, n);

    if (rc == 0 && !inherited && is_anothers(a, n->owners, name, key))
        return 0;
    rc = rc ? rc : owner_put(n->owners, name, key);
    return rc ? rc : 1;
}

struct rewritten {
    struct agent *agent;
    struct recover_names *names;
    unsigned repository;
};

/* Rows have this name now, of an image that S3 has under this key. */
static int name_taken(const struct rewritten *w, const char *name, const char *key)
{
    const struct rows *rows = w->agent->mappings[w->repository].rows;
    int rc = owners_read(w->agent, w->names);

    if (rc || (!is_anothers(w->agent, w->names->owners, key, key) &&
               !(rows && rows_is_adrift(rows, name))))
        return rc;
    return note_put(&w->names->taken, key);
}

/* Rows by this name have another by now, of an image that S3 has under a third one: that has the
 * name, or was renamed from it before, where people may have written it since. Nothing to do where
 * there is no such image. */
static int owner_listed(const struct rewritten *w, const char *from_key, char *to_key)
{
    int rc = owners_read(w->agent, w->names);
    const char *owner = rc ? NULL : map_get_str(w->names->owners, from_key);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (rc)
        return rc;
    snprintf(key, sizeof key, "%s", owner ? owner : from_key);
    if (owner ? !agent_image(w->agent, key, &e) || !(e.known.flags & KNOWN_LISTED) ||
                    !e.known.moved_to || strcmp(e.known.moved_to, from_key) != 0
              : follow_find(w->agent, key, &e) || strcmp(key, from_key) == 0 ||
                    strcmp(key, to_key) == 0 || (e.known.flags & KNOWN_LISTED))
        return 0;
    e.known.flags |= KNOWN_LISTED;
    e.known.moved_to = to_key;
    return index_put(w->agent->index, key, &e.known, NULL);
}

/* Rows by this name were dropped: nobody has it any more, if no other list has it. */
static int name_dropped(const struct rewritten *w, const char *from_key)
{
    int rc = owners_read(w->agent, w->names);

    return rc || !map_get_str(w->names->owners, from_key) ? rc
                                                          : note_put(&w->names->taken, from_key);
}

/* Each change of a pass is looked at once: several rows may have it, and in the next list that has
 * it, rows of the new name may be another image's. 1: it is new, 0, or a negative code. */
static int change_note(const struct rewritten *w, const char *from, const char *to)
{
    char change[2 * AGENT_KEY_SIZE];
    int rc;

    (void)snprintf(change, sizeof change, "%u\n%s\n%s", w->repository, from, to);
    if (w->names->changes && map_get_str(w->names->changes, change))
        return 0;
    rc = note_put(&w->names->changes, change);
    return rc ? rc : 1;
}

/* A list that was rewritten is rewritten again: that is another pass. 0 or -ENOMEM. */
static int pass_note(struct recover_names *n, const char *key)
{
    if (n->pass && map_get_str(n->pass, key)) {
        map_free(n->pass);
        map_free(n->changes);
        n->pass = n->changes = NULL;
    }
    return note_put(&n->pass, key);
}

/* lst_undo_fn: rows went from one path to the other. An image that is in S3 under its new name is
 * listed by it now; one that is not has its rows there already. */
static int rewritten_row(void *arg, const char *from, const char *to)
{
    const struct rewritten *w = arg;
    struct rows *rows = w->agent->mappings[w->repository].rows;
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE];
    struct index_entry old, new;
    bool landed;
    int rc;

    if (!agent_key(w->agent, w->repository, from, from_key))
        return 0;
    rc = departed_confirm(w->agent->index, from_key);
    if (rc || !to)
        return rc ? rc : name_dropped(w, from_key);
    if (!agent_key(w->agent, w->repository, to, to_key))
        return 0;
    rc = change_note(w, from, to);
    if (rc <= 0)
        return rc;
    rc = departed_forget(w->agent->index, to_key); /* as where the pass ends (follow_settled) */
    if (rc == 0 && rows && rows_adrift(rows))
        rc = rows_rewriting(rows, from, to); /* of an image that only the table knows */
    if (rc)
        return rc < 0 ? rc : 0;
    landed = index_get(w->agent->index, to_key, &new) == 0;
    if (landed && (new.known.flags &KNOWN_LISTED) && new.known.moved_to &&
        strcmp(new.known.moved_to, from_key) == 0) {
        new.known.flags &= ~KNOWN_LISTED;
        new.known.moved_to = NULL;
        rc = index_put(w->agent->index, to_key, &new.known, NULL);
        return rc ? rc : name_taken(w, to, to_key);
    }
    if (index_get(w->agent->index, from_key, &old) ||
        (old.known.flags & (KNOWN_MOVED | KNOWN_LISTED)))
        return owner_listed(w, from_key, to_key);
    if (landed && !(new.known.flags &KNOWN_MOVED) && new.known.ino == old.known.ino)
        return 0;
    old.known.flags |= KNOWN_LISTED;
    old.known.moved_to = to_key;
    return index_put(w->agent->index, from_key, &old.known, NULL);
}

int recover_rewritten(struct agent *a, struct recover_names *n, unsigned lists, const char *path,
                      const char *undo)
{
    struct rewritten w = {
        .agent = a, .names = n, .repository = (unsigned)a->mappings[lists].conf->repository};
    char key[AGENT_KEY_SIZE];
    struct rows *rows = a->mappings[w.repository].rows;
    struct buf text;
    int rc = 0;

    if (a->mappings[lists].conf->kind != CONF_LISTS || !undo || !agent_key(a, lists, path, key))
        return 0;
    rc = pass_note(n, key);
    buf_init(&text, SIZE_MAX);
    if (rc == 0 && undo_read(a->undo_dir, undo, &text) == 0) /* else rows are as the index says */
        rc = lst_undo_each((struct span){text.data, text.len}, rewritten_row, &w);
    buf_release(&text);
    if (rows && rows_rewritten(rows))
        return -ENOMEM;
    if (rc == ERR_SYNTAX)
        return 0;
    return rc ? rc : note_put(&n->rewritten, key);
}

/* A list that was not rewritten is read for names that are taken. */
struct unread {
    struct agent *agent;
    struct recover_names *names;
    const struct mapping *lists;
};

/* lst_each_path's callback: the name is somebody's in this list as well. */
static int name_is_listed(void *arg, const char *path)
{
    const struct unread *u = arg;
    char key[AGENT_KEY_SIZE];

    if (agent_key(u->agent, (unsigned)u->lists->conf->repository, path, key))
        (void)map_remove_str(u->names->taken, key);
    return 0;
}

/* index_fn. What cannot be read may have any name: nothing is concluded then. */
static int list_read(void *arg, const char *key, const struct known *known)
{
    const struct unread *u = arg;
    const char *path = key + u->lists->prefix_len;
    struct file_stat st;
    int rc;

    if ((known->flags & KNOWN_KEPT) || !lst_is_list(path) ||
        (u->names->rewritten && map_get_str(u->names->rewritten, key)))
        return 0;
    rc = lst_each_path(u->lists->root_fd, path, name_is_listed, arg, &st);
    return rc == -ENOENT ? 0 : rc; /* what is gone has no rows */
}

/* Nor are there rows by this name of an image that only a table knows. */
static void names_left(struct agent *a, const char *key)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->rows && m->conf->kind == CONF_REPOSITORY &&
            strncmp(key, m->conf->prefix, m->prefix_len) == 0)
            rows_name_left(m->rows, key + m->prefix_len);
    }
}

/* Those of the names that no other list has are no others' any more. */
static int names_end(struct agent *a, struct recover_names *n)
{
    const void *name;
    int rc = 0;

    for (size_t at = 0; rc == 0 && map_next(n->taken, &at, &name, NULL, NULL);) {
        const char *owner = map_get_str(n->owners, name);
        struct index_entry e;

        names_left(a, name);
        if (!is_anothers(a, n->owners, name, name) || index_get(a->index, owner, &e))
            continue;
        e.known.flags &= ~KNOWN_LISTED;
        e.known.moved_to = NULL;
        rc = index_put(a->index, owner, &e.known, NULL);
    }
    return rc;
}

int recover_names_settle(struct agent *a, struct recover_names *n)
{
    for (unsigned i = 0; n->taken && i < a->mapping_count; i++) {
        struct unread u = {.agent = a, .names = n, .lists = &a->mappings[i]};

        if (u.lists->conf->kind == CONF_LISTS &&
            index_each_under(a->index, u.lists->conf->prefix, NULL, list_read, &u))
            return 0;
    }
    return n->taken ? names_end(a, n) : 0;
}

void recover_names_release(struct recover_names *n)
{
    void *owner;

    for (size_t at = 0; n->owners && map_next(n->owners, &at, NULL, NULL, &owner);)
        free(owner);
    map_free(n->owners);
    map_free(n->taken);
    map_free(n->rewritten);
    map_free(n->pass);
    map_free(n->changes);
    *n = (struct recover_names){0};
}
