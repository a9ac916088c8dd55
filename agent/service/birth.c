/* Shell. Which image of the index a file is, by its birth. See birth.h. */
#include "agent/service/birth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* index_fn. */
static int birth_match(void *arg, const char *key, const struct known *known)
{
    struct birth *b = arg;
    const struct mapping *m = agent_mapping(b->agent, b->it);
    enum plan_born born = plan_born(b->st, known);
    bool told = b->it->origin && strcmp(key, b->it->origin) == 0;

    if (!plan_is_placed(known) || born == PLAN_BORN_NOT || (b->landed && born != PLAN_BORN_SURE) ||
        strcmp(key, b->it->key) == 0 || strncmp(key, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    b->found |= born != PLAN_BORN_LIKELY;
    if (born < b->best || (born == b->best && !told))
        return 0;
    snprintf(b->key, sizeof b->key, "%s", key);
    b->best = born;
    return born == PLAN_BORN_SURE && (told || !b->it->origin);
}

static bool search(struct agent *a, const struct item *it, const struct file_stat *st, bool landed,
                   struct birth *b)
{
    *b = (struct birth){.agent = a, .it = it, .st = st, .landed = landed};
    if (index_each_inode(a->index, st->ino, birth_match, b) < 0)
        agent_fail(a, -EIO, "reading the index");
    return b->found;
}

bool birth_find(struct agent *a, const struct item *it, const struct file_stat *st, struct birth *b)
{
    return search(a, it, st, false, b);
}

bool birth_landed(struct agent *a, const struct item *it, const struct file_stat *st,
                  struct birth *b)
{
    return search(a, it, st, true, b);
}

bool birth_stored(struct agent *a, const struct item *it, struct file_id file, struct birth *b)
{
    const struct file_stat st = {
        .kind = FILE_REGULAR, .nlink = 1, .ino = file.ino, .born_ns = file.born_ns};

    return file.born_ns && birth_landed(a, it, &st, b);
}

bool birth_elsewhere(struct agent *a, const struct item *it, const struct known *known,
                     struct birth *b)
{
    return birth_stored(a, it, plan_file(known), b);
}

bool birth_left(struct agent *a, const struct item *it, const struct known *known, struct birth *b)
{
    struct index_entry e;

    return birth_elsewhere(a, it, known, b) && index_get(a->index, b->key, &e) == 0 &&
           e.known.ctime_ns > known->ctime_ns;
}

/* index_fn: a key that has the birth of the item's file, or of what had its inode before. */
static int shared_match(void *arg, const char *key, const struct known *known)
{
    struct birth *b = arg;
    const struct mapping *m = agent_mapping(b->agent, b->it);

    if (!known->born_ns || strcmp(key, b->it->key) == 0 ||
        strncmp(key, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    snprintf(b->key, sizeof b->key, "%s", key);
    return 1;
}

void birth_shared(struct agent *a, const struct item *it)
{
    struct birth b = {.agent = a, .it = it};
    struct index_entry e;
    int rc;

    while ((rc = index_each_inode(a->index, it->seen.ino, shared_match, &b)) > 0) {
        rc = index_get(a->index, b.key, &e);
        e.known.born_ns = 0;
        if (rc == 0)
            rc = index_put(a->index, b.key, &e.known, NULL);
        if (rc)
            break;
        agent_dirty(a);
    }
    if (rc)
        agent_fail(a, -EIO, "writing the index");
}
