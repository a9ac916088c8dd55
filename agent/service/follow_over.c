/* Shell. The rows of images that came over others. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool follow_is_over(struct agent *a, const struct item *it, const struct known *known,
                    struct birth *b)
{
    const struct item *there = birth_left(a, it, known, b) ? pending_find(a->pending, b->key) : it;

    return there != it && !(there && there->gone_ms);
}

/* What S3 had under the item's key was renamed from there, events tell that it came back, and it is
 * not where it was: it was overwritten here. */
static void back_over(struct agent *a, struct rows *rows, const struct item *it,
                      const struct known *known)
{
    const struct mapping *m = agent_mapping(a, it);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    snprintf(key, sizeof key, "%s", known->moved_to ? known->moved_to : it->key);
    if (follow_find(a, key, &e) || !follow_came_back(a, it, key) ||
        !plan_is_other(&it->seen, &e.known))
        return;
    follow_noted(a, rows,
                 rows_follow(rows, key + m->prefix_len, plan_file(&e.known),
                             follow_listed_at(m, &e.known, key + m->prefix_len), it->path));
}

void follow_left_over(struct agent *a, const struct item *it, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);
    struct birth b;

    if (rows && (known->flags & KNOWN_MOVED) && it->returned)
        back_over(a, rows, it, known);
    else if (rows && plan_is_other(&it->seen, known) && follow_is_over(a, it, known, &b))
        follow_noted(a, rows, follow_displaced(a, rows, it));
}

/* The item's file came over the image that the index has at the other path, which no event told to
 * have left and was found nowhere else, and lists name the file by no path of its own: it has the
 * rows of that one. */
static bool has_rows_of(struct agent *a, const struct rows *rows, const struct item *it,
                        const struct item *at, const struct known *known)
{
    struct birth b;

    return !at->heir && plan_is_placed(known) && plan_is_other(&it->seen, known) &&
           !rows_has(rows, at->path) && !rows_image_of(rows, plan_file(known)) &&
           !rows_image_of(rows, file_id_of(&it->seen)) && !follow_has_file(a, it) &&
           !(birth_find(a, it, &it->seen, &b) && !follow_is_leaving(a, b.key)) &&
           !birth_elsewhere(a, at, known, &b);
}

void follow_seen(struct agent *a, struct item *it, struct item *before)
{
    struct rows *rows = follow_rows(a, it);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    int rc;

    if (!rows || before == it || !before->was_there || !follow_has_birth(&it->seen) ||
        !file_id_same(before->was, file_id_of(&it->seen)))
        return;
    rc = index_get(a->index, before->key, &e);
    if (rc == 0 && has_rows_of(a, rows, it, before, &e.known)) {
        follow_unlanded(a, it, before->path);
        rows_lent(rows, file_id_of(&it->seen), before->path);
    }
    if (rc != -ENOENT)
        return;
    before->was_there = false;
    if (rows_image_of(rows, before->was) || !follow_is_replaced(a, it, key) ||
        !follow_also_of(a, rows, before, key))
        follow_noted(a, rows, follow_also(a, rows, it, before->path));
}

/* S3 has what was seen at the item's path elsewhere, and it has rows of its own there. */
static bool was_anothers(struct agent *a, const struct item *it)
{
    struct birth b;

    return birth_stored(a, it, it->was, &b) && !follow_is_leaving(a, b.key) &&
           !departed_since(a->index, b.key, 0, DEPARTED_ANYWHERE);
}

void follow_replaced(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    struct index_entry e;

    if (rows && !it->heir && agent_image(a, it->key, &e) &&
        file_id_differs(it->was, plan_file(&e.known)) && !rows_has(rows, it->path) &&
        !rows_image_of(rows, plan_file(&e.known)) && !was_anothers(a, it))
        rows_replaced(rows, it->was, it->path, true);
}

bool follow_lives_at(struct agent *a, const struct mapping *m, const char *name,
                     char path[AGENT_KEY_SIZE])
{
    const struct item it = {.mapping = m->id, .key = ""};
    struct birth b;

    if (!birth_stored(a, &it, rows_file_of(m->rows, name), &b) || follow_is_leaving(a, b.key))
        return false;
    (void)snprintf(path, AGENT_KEY_SIZE, "%s", b.key + m->prefix_len);
    return strcmp(path, name) != 0;
}

bool follow_went_over(struct agent *a, const struct item *it, const struct known *known,
                      char over[AGENT_KEY_SIZE])
{
    const struct mapping *m = agent_mapping(a, it);
    const struct item *there = it->heir ? pending_find(a->pending, it->heir) : NULL;
    struct index_entry e;
    struct trail trail;

    if (!it->went || !it->heir)
        return false;
    trail_begin(&trail, it->key);
    while (trail_on(a, &trail))
        ;
    if (strcmp(trail.key, it->heir) != 0 || follow_went_another(it, known) ||
        strncmp(it->heir, m->conf->prefix, m->prefix_len) != 0 ||
        (there && there->seen.kind != FILE_REGULAR) || !agent_image(a, it->heir, &e))
        return false;
    snprintf(over, AGENT_KEY_SIZE, "%s", it->heir + m->prefix_len);
    return true;
}
