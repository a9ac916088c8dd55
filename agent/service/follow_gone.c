/* Shell. The rows of images that end, or whose removal is held. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"

#include <string.h>

/* Does something else have the place under this key, as far as is known? */
static bool is_taken(struct agent *a, const struct rows *rows, const char *key, size_t prefix)
{
    const struct item *it = pending_find(a->pending, key);
    struct index_entry e;

    return !rows_is_free(rows, key + prefix) || (it && it->seen.kind == FILE_REGULAR) ||
           agent_image(a, key, &e);
}

/* Calls fn with each path to which events say that what was at the item's went, and where nothing
 * is: somebody may have listed it there, though nobody looked in time. Rows that left it for
 * another one are of what was there and lives on, and so are those that somebody saves by that name
 * again. The first non-zero answer.
 */
static int each_way(struct agent *a, const struct item *it, rows_name_fn *fn, void *arg)
{
    size_t prefix = agent_mapping(a, it)->prefix_len;
    struct trail trail;
    int rc = 0;

    trail_begin(&trail, it->key);
    while (rc == 0 && trail_on(a, &trail) && strcmp(trail.key, it->key) != 0)
        if (!is_taken(a, agent_mapping(a, it)->rows, trail.key, prefix) &&
            !follow_rows_left(a, it, trail.key, DEPARTED_ELSEWHERE))
            rc = fn(arg, trail.key + prefix);
    return rc;
}

/* An image that goes. */
struct going {
    struct rows *rows;
    const char *image, *at;
    struct file_id file;
};

/* rows_name_fn. */
static int going_also(void *arg, const char *name)
{
    const struct going *g = arg;

    return rows_also(g->rows, g->image, g->file, g->at, name);
}

/* The path under which the index has what was found at the item's by now: that by which it was
 * found may be another image's. Where nothing was found, what came there by the table's word and is
 * not in S3 so, or the item's own. */
static const char *image_now(struct agent *a, const struct item *it, struct birth *b)
{
    struct file_stat st = {.kind = FILE_REGULAR, .ino = it->file.ino, .born_ns = it->file.born_ns};
    struct index_entry e;
    const char *image;

    if (!it->image) {
        image = rows_image_at(follow_rows(a, it), it->path);
        return image && index_get(a->index, it->key, &e) ? image : it->path;
    }
    image = rows_image_of(follow_rows(a, it), it->file);
    if (!image && follow_has_birth(&st) && birth_find(a, it, &st, b))
        image = b->key + agent_mapping(a, it)->prefix_len;
    return image ? image : it->image;
}

/* Nobody found anywhere else what the index has at the item's path, and its object goes. */
static bool is_forsaken(struct agent *a, const struct item *it, const struct known *known)
{
    const struct rows *rows = follow_rows(a, it);
    struct birth b;

    return plan_is_placed(known) && !rows_has(rows, it->path) && rows_is_free(rows, it->path) &&
           !rows_image_of(rows, plan_file(known)) && !birth_elsewhere(a, it, known, &b);
}

bool follow_went_another(const struct item *it, const struct known *known)
{
    return it->was_there && file_id_differs(it->was, plan_file(known));
}

/* The image went where lists name it by now, as events tell, and was overwritten there before S3
 * had followed: its rows are that one's. Nobody found it anywhere else. */
static bool has_left_its_rows(struct agent *a, const struct item *it, const struct known *known)
{
    const struct rows *rows = follow_rows(a, it);
    const char *to = known->moved_to;
    const struct item *there;

    if (!(known->flags & KNOWN_LISTED) || !to || !it->went || strcmp(it->went, to) != 0 ||
        follow_went_another(it, known) ||
        (!rows_is_unseen(rows, it->path) &&
         (rows_has(rows, it->path) || rows_image_of(rows, plan_file(known)))))
        return false;
    there = pending_find(a->pending, to);
    if (!there || there->seen.kind != FILE_REGULAR) {
        struct index_entry e;

        return agent_image(a, to, &e) && !(e.known.flags & KNOWN_UNCERTAIN) &&
               file_id_differs(plan_file(&e.known), plan_file(known));
    }
    return plan_is_other(&there->seen, known);
}

/* All that the index has of the key is that a transfer to there was interrupted, and nothing is
 * there any more. */
static bool never_came(const struct agent *a, const char *key, const struct known *known)
{
    const struct item *it = pending_find(a->pending, key);

    return (known->flags & KNOWN_UNCERTAIN) && !known->etag[0] && it && it->gone_ms;
}

/* What the index has of the item's key went on under other keys, of which this is the last: it is
 * there still. */
static bool lives_on(struct agent *a, const struct item *it, const struct known *known,
                     char key[AGENT_KEY_SIZE], struct index_entry *ret)
{
    snprintf(key, AGENT_KEY_SIZE, "%s", it->key);
    return !follow_has_at(a, it) && follow_find(a, key, ret) == 0 && strcmp(key, it->key) != 0 &&
           !file_id_differs(plan_file(known), plan_file(&ret->known)) &&
           !never_came(a, key, &ret->known);
}

void follow_gone(struct agent *a, const struct item *it)
{
    struct going g = {.rows = follow_rows(a, it)};
    char key[AGENT_KEY_SIZE];
    struct index_entry e, last;
    struct birth b;
    bool known = index_get(a->index, it->key, &e) == 0;
    int rc;

    if (!g.rows)
        return;
    if (known && !it->image && has_left_its_rows(a, it, &e.known)) {
        rows_unseen_end(g.rows, it->path);
        follow_noted(a, g.rows,
                     rows_gone(g.rows, it->path, it->path, it->path)); /* written since */
        return;
    }
    g.image = image_now(a, it, &b);
    g.at = follow_listed_at(agent_mapping(a, it), known ? &e.known : NULL, it->path);
    if (known || it->image)
        g.file = it->image ? it->file : plan_file(&e.known);
    if (known && lives_on(a, it, &e.known, key, &last)) {
        rc = follow_also_as(a, g.rows, it, key, &last.known);
    } else {
        bool other = known && (e.known.flags & KNOWN_MOVED); /* what was here before that */
        bool came = strcmp(g.image, it->path) != 0;

        rc = other ? 0 : each_way(a, it, going_also, &g);
        if (rc == 0 && other && came && !follow_has_at(a, it) && /* it is elsewhere by now */
            agent_key(a, it->mapping, g.image, key) && agent_image(a, key, &last))
            rc = follow_also_as(a, g.rows, it, key, &last.known);
        rc = rc ? rc : rows_gone(g.rows, g.image, it->path, g.at);
        if (rc == 0 && known &&
            (follow_went_over(a, it, &e.known, key) ||
             follow_came_over(a, agent_mapping(a, it), it->path, key)))
            rc = rows_gone_over(g.rows, g.image, key);
        if (rc == 0 && known && came && is_forsaken(a, it, &e.known))
            rc = rows_gone(g.rows, it->path, it->path, g.at);
    }
    follow_noted(a, g.rows, rc);
}

int follow_each_going(struct agent *a, const struct item *it, rows_name_fn *fn, void *arg)
{
    const struct rows *rows = follow_rows(a, it);
    const char *image, *at;
    struct index_entry e, last;
    struct birth b;
    bool known = index_get(a->index, it->key, &e) == 0;
    char key[AGENT_KEY_SIZE];
    int rc;

    if (rows && known && !it->image && has_left_its_rows(a, it, &e.known))
        return fn(arg, it->path);
    if (!rows || (known && lives_on(a, it, &e.known, key, &last)))
        return 0;
    image = image_now(a, it, &b);
    at = follow_listed_at(agent_mapping(a, it), known ? &e.known : NULL, it->path);
    rc = each_way(a, it, fn, arg);
    rc = rc ? rc : rows_each_going(rows, image, it->path, at, fn, arg);
    if (rc == 0 && known && strcmp(image, it->path) != 0 && is_forsaken(a, it, &e.known))
        rc = fn(arg, at);
    return rc;
}

bool follow_emptied(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);

    if (!rows || it->again || it->seen.kind == FILE_REGULAR || rows_is_free(rows, it->path) ||
        rows_image_at(rows, it->path))
        return false;
    follow_noted(a, rows, rows_gone(rows, it->path, it->path, it->path));
    return true;
}

/* Lists name the image by a path at which S3 has another one for certain: rows by that are that
 * one's. */
static bool is_listed_as_another(struct agent *a, const struct known *known)
{
    struct index_entry e;

    return agent_image(a, known->moved_to, &e) && !(e.known.flags & KNOWN_UNCERTAIN) &&
           file_id_differs(plan_file(known), plan_file(&e.known));
}

void follow_held(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    const char *name, *place;
    struct index_entry e;
    int rc = 0;

    if (!rows || !agent_image(a, it->key, &e))
        return;
    rows_emptied(rows, it->path); /* S3 never had that here: it is not what is held */
    name = rows_at(rows, it->path);
    place = name ? rows_place_of(rows, name) : NULL;
    if (place)
        rows_lost(rows, it->path, place);
    else if ((e.known.flags & KNOWN_LISTED) && !has_left_its_rows(a, it, &e.known) &&
             !is_listed_as_another(a, &e.known))
        rc = rows_displaced(rows, it->path, plan_file(&e.known),
                            follow_listed_at(agent_mapping(a, it), &e.known, it->path));
    follow_noted(a, rows, rc);
}
