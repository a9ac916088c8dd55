/* Shell. The rows of images that change their names: the table of core/rows, the index, passes. */
#include "agent/service/agent.h"

#include "agent/service/departed.h"

#include <stdlib.h>
#include <string.h>

/* Lists name the images of repositories only. */
static struct rows *rows_of(struct agent *a, const struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    return m->conf->kind == CONF_REPOSITORY ? m->rows : NULL;
}

/* Something is to be written: passes wait until no more comes. */
static void follow_noted(struct agent *a, const struct rows *rows, int rc)
{
    if (rc) {
        agent_fail(a, rc, "renaming in lists");
        return;
    }
    if (rows_pending(rows))
        relist_wanted(a);
}

/* By which path lists name the image that the index knows under `path`. */
static const char *listed_at(const struct mapping *m, const struct known *known, const char *path)
{
    return known && (known->flags & KNOWN_LISTED) && known->moved_to
               ? known->moved_to + m->prefix_len
               : path;
}

/* The image under the item's key, should the index have one there, is not there any more. */
static int follow_displaced(struct agent *a, struct rows *rows, const struct item *it)
{
    struct index_entry e;

    if (index_get(a->index, it->key, &e) || (e.known.flags & (KNOWN_MOVED | KNOWN_KEPT)) ||
        e.known.ino == it->seen.ino)
        return 0;
    return rows_displaced(rows, it->path, e.known.ino,
                          listed_at(agent_mapping(a, it), &e.known, it->path));
}

void follow_rename(struct agent *a, struct item *it, const char *image, const struct known *known)
{
    struct rows *rows = rows_of(a, it);
    int rc;

    free(it->image);
    it->image = strdup(image);
    if (!rows || !it->image) {
        if (rows)
            agent_fail(a, -ENOMEM, "renaming in lists");
        return;
    }
    if (rows_is_at(rows, image, it->path))
        return; /* that was found before */
    rc = rows_follow(rows, image, known->ino, listed_at(agent_mapping(a, it), known, image),
                     it->path);
    if (rc == 0)
        rc = follow_displaced(a, rows, it);
    follow_noted(a, rows, rc);
}

/* The same, by one name that it had or path where it was (either may be NULL). */
static bool went_on_from(struct agent *a, struct rows *rows, struct item *it, const char *was,
                         const char *from)
{
    int rc = rows_went_on(rows, was, from, it->seen.ino, it->path);

    if (rc > 0) {
        free(it->image);
        it->image = strdup(from ? from : was);
        rc = it->image ? follow_displaced(a, rows, it) : -ENOMEM;
        follow_noted(a, rows, rc);
        return rc == 0;
    }
    follow_noted(a, rows, rc);
    return false;
}

bool follow_went_on(struct agent *a, struct item *it)
{
    struct rows *rows = rows_of(a, it);
    size_t prefix = agent_mapping(a, it)->prefix_len;
    struct trail trail;

    if (!rows)
        return false;
    if ((it->origin || it->via) &&
        went_on_from(a, rows, it, it->origin ? it->origin + prefix : NULL,
                     it->via ? it->via + prefix : NULL))
        return true;
    trail_begin(&trail, it->key);
    while (trail_back(a, &trail))
        if (went_on_from(a, rows, it, trail.key + prefix, trail.key + prefix))
            return true;
    return false;
}

void follow_unlanded(struct agent *a, struct item *it, const char *path)
{
    struct rows *rows = rows_of(a, it);
    int rc;

    if (!rows)
        return;
    free(it->image);
    it->image = strdup(path);
    rc = it->image ? rows_unlanded(rows, path, it->seen.ino, it->path) : -ENOMEM;
    follow_noted(a, rows, rc ? rc : follow_displaced(a, rows, it));
}

void follow_home(struct agent *a, struct item *it, const struct known *known)
{
    struct rows *rows = rows_of(a, it);

    /* Another file in its place says nothing of the image, but what an earlier run left counts. */
    if (!rows ||
        (known->ino == it->seen.ino ? !rows_has(rows, it->path) && !(known->flags & KNOWN_LISTED)
                                    : rows_has(rows, it->path) || !(known->flags & KNOWN_LISTED)))
        return;
    follow_noted(a, rows,
                 rows_follow(rows, it->path, known->ino,
                             listed_at(agent_mapping(a, it), known, it->path), it->path));
}

#define FOLLOW_HOPS_MAX 1000 /* renames of one image that were not cleared away yet */

void follow_moved(struct agent *a, const struct item *it, const struct known *known)
{
    struct rows *rows = rows_of(a, it);
    size_t prefix = agent_mapping(a, it)->prefix_len;
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    int rc = 0;

    if (!rows || !known->moved_to)
        return;
    snprintf(key, sizeof key, "%s", known->moved_to);
    for (int hops = 0; (rc = index_get(a->index, key, &e)) == 0 && hops < FOLLOW_HOPS_MAX &&
                       (e.known.flags & KNOWN_MOVED) && e.known.moved_to;
         hops++)
        snprintf(key, sizeof key, "%s", e.known.moved_to);
    if (rc == 0 && !(e.known.flags & KNOWN_KEPT))
        rc = rows_also(rows, key + prefix, e.known.ino,
                       listed_at(agent_mapping(a, it), &e.known, key + prefix), it->path);
    else
        rc = rows_gone(rows, it->path, it->path, it->path);
    follow_noted(a, rows, rc);
}

void follow_lost(struct agent *a, const struct item *source)
{
    struct rows *rows = rows_of(a, source);

    if (rows)
        rows_lost(rows, source->path);
}

void follow_gone(struct agent *a, const struct item *it)
{
    struct rows *rows = rows_of(a, it);
    const char *image = it->image ? it->image : it->path;
    struct index_entry e;
    bool known = index_get(a->index, it->key, &e) == 0;

    if (rows)
        follow_noted(a, rows,
                     rows_gone(rows, image, it->path,
                               listed_at(agent_mapping(a, it), known ? &e.known : NULL, it->path)));
}

/* What the index has under the image's old name is in S3 under the item's key now. */
static void follow_leave(struct agent *a, const struct item *it)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (!agent_key(a, it->mapping, it->image, key) || strcmp(key, it->key) == 0 ||
        index_get(a->index, key, &e) || (e.known.flags & KNOWN_MOVED) ||
        e.known.ino != it->seen.ino)
        return;
    e.known.flags = (e.known.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
    e.known.moved_to = it->key;
    if (index_put(a->index, key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
}

void follow_landed(struct agent *a, struct item *it, struct known *fresh,
                   char at_key[AGENT_KEY_SIZE])
{
    struct rows *rows = rows_of(a, it);
    struct index_entry e;
    const char *at = NULL;

    if (rows && (it->image || index_get(a->index, it->key, &e) || e.known.ino != it->seen.ino))
        follow_noted(a, rows, rows_landed(rows, it->image, it->path));
    if (it->image) {
        follow_leave(a, it);
        if (!it->peer) /* the journal does not tell that it was renamed: the index must, soon */
            a->commit_due_ms = a->now_ms;
    }
    free(it->image);
    it->image = NULL;
    if (departed_forget(a->index, it->key))
        agent_fail(a, -EIO, "writing the index");
    if (rows)
        at = rows_at(rows, it->path);
    if (!at || strcmp(at, it->path) == 0 || !agent_key(a, it->mapping, at, at_key))
        return;
    fresh->flags |= KNOWN_LISTED;
    fresh->moved_to = at_key;
}

/* While rows are told of to the index. */
struct settled {
    struct agent *agent;
    const struct mapping *m;
};

/* rows_fn: the image's rows are at another path now, or at its own again. */
static int settled_note(void *arg, const char *image, const char *at)
{
    const struct settled *s = arg;
    char key[AGENT_KEY_SIZE], listed[AGENT_KEY_SIZE];
    struct index_entry e;
    bool home = image && strcmp(image, at) == 0;
    int rc;

    if (!agent_key(s->agent, s->m->id, at, listed))
        return 0;
    rc = departed_forget(s->agent->index, listed);
    agent_dirty(s->agent);
    if (rc || !image)
        return rc;
    if (!agent_key(s->agent, s->m->id, image, key) || index_get(s->agent->index, key, &e) ||
        (e.known.flags & KNOWN_MOVED) || (home && !(e.known.flags & KNOWN_LISTED)))
        return 0;
    e.known.flags = home ? e.known.flags & ~KNOWN_LISTED : e.known.flags | KNOWN_LISTED;
    e.known.moved_to = home ? NULL : listed;
    return index_put(s->agent->index, key, &e.known, NULL);
}

/* rows_fn for a dry run, which notes nothing. */
static int settled_ignore(void *arg, const char *image, const char *at)
{
    (void)arg;
    (void)image;
    (void)at;
    return 0;
}

void follow_settled(struct agent *a)
{
    int rc = 0;

    if (a->pass_running || a->stale_lists)
        return;
    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        struct settled s = {.agent = a, .m = &a->mappings[i]};

        rc = rows_settled(s.m->rows, a->options.dry_run ? settled_ignore : settled_note, &s);
    }
    /* Lists and index part for as short as possible. */
    if (rc || (!a->options.dry_run && a->uncommitted && agent_commit(a)))
        agent_fail(a, rc ? rc : -EIO, "writing the index");
}

bool follow_pending(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (rows_pending(a->mappings[i].rows))
            return true;
    return false;
}
