/* Shell. The rows of images are where a pass took them, and what is still to follow at rest. */
#include "agent/service/agent.h"

#include "agent/service/departed.h"
#include "agent/service/follow.h"

#include <errno.h>
#include <string.h>

/* While rows are told of to the index. */
struct settled {
    struct agent *agent;
    const struct mapping *m;
};

/* Rows of the image that the index has under this key are at the path of the other one by now. It
 * was renamed from the key meanwhile, and may be back: so has the index that it is where S3 got it.
 * *e: of the key; then of the one where it is. False: nothing is to be noted. */
static bool settled_find(struct agent *a, char key[AGENT_KEY_SIZE], const char *listed,
                         struct index_entry *e)
{
    struct file_id file;

    if (index_get(a->index, key, e))
        return false;
    if (!(e->known.flags & KNOWN_MOVED))
        return true;
    file = plan_file(&e->known);
    snprintf(key, AGENT_KEY_SIZE, "%s", e->known.moved_to ? e->known.moved_to : "");
    return strcmp(key, listed) != 0 && agent_image(a, key, e) &&
           file_id_same(file, plan_file(&e->known));
}

/* rows_fn: the image's rows are at another path now, or at its own again. */
static int settled_note(void *arg, const char *image, const char *at)
{
    const struct settled *s = arg;
    char key[AGENT_KEY_SIZE], listed[AGENT_KEY_SIZE];
    struct index_entry e;
    bool home;
    int rc;

    if (!agent_key(s->agent, s->m->id, at, listed))
        return 0;
    rc = departed_forget(s->agent->index, listed);
    agent_dirty(s->agent);
    if (rc || !image)
        return rc;
    if (!agent_key(s->agent, s->m->id, image, key) || !settled_find(s->agent, key, listed, &e))
        return 0;
    home = strcmp(key, listed) == 0;
    if (home && !(e.known.flags & KNOWN_LISTED))
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
    if (rc == 0 && (a->lst_unheard || a->pass_began_us)) {
        a->lst_unheard = 0;
        a->pass_began_us = 0;
        agent_dirty(a);
    }
    /* Lists and index part for as short as possible. */
    if (rc || (!a->options.dry_run && a->uncommitted && agent_commit(a)))
        agent_fail(a, rc ? rc : -EIO, "writing the index");
}

/* The index has an image under this path, in its place. */
static bool home_find(struct agent *a, const struct mapping *m, const char *path,
                      struct index_entry *ret)
{
    char key[AGENT_KEY_SIZE];

    return agent_key(a, m->id, path, key) && agent_image(a, key, ret);
}

/* rows_home_fn. */
static bool is_home(void *arg, const char *image, const struct file_id *file)
{
    const struct settled *s = arg;
    struct index_entry e;

    return home_find(s->agent, s->m, image, &e) &&
           (!file || !file_id_differs(plan_file(&e.known), *file));
}

bool follow_is_home(struct agent *a, const struct mapping *m, const char *path)
{
    char key[AGENT_KEY_SIZE];
    const struct item *it = agent_key(a, m->id, path, key) ? pending_find(a->pending, key) : NULL;
    struct index_entry e;

    if (it && it->gone_ms)
        return false; /* its object waits for the lists */
    return (!rows_has(m->rows, path) || rows_is_at(m->rows, path, path)) &&
           home_find(a, m, path, &e);
}

void follow_close(struct agent *a)
{
    if (a->pass_again_us)
        agent_dirty(a);
    a->pass_again_us = 0;
    for (size_t i = 0; i < a->mapping_count; i++) {
        struct settled s = {.agent = a, .m = &a->mappings[i]};

        follow_noted(a, s.m->rows, rows_close(s.m->rows, is_home, &s));
    }
}

bool follow_pending(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (rows_pending(a->mappings[i].rows))
            return true;
    return false;
}
