/* Pure. The simulated disk and bucket, and the rules that hold of them. */
#include "tests/simulation/world.h"

#include <stddef.h>

#define WORLD_MAX_REMOVALS 1 /* the limit that the simulated agent is configured with */

static void wrong(struct world *w, const char *rule)
{
    if (!w->wrong)
        w->wrong = rule;
}

void world_begin(struct world *w)
{
    *w = (struct world){.clock = 1, .images = 3, .contents = 3};
    w->disk[0] = w->bucket[0] = (struct world_file){1, 1, 1};
    w->disk[1] = w->bucket[1] = (struct world_file){2, 2, 1};
    w->list = (struct world_list){.count = 2, .path = {0, 1}};
    w->listed = w->list;
    w->row_image[0] = 1;
    w->row_image[1] = 2;
}

static bool rename_over(struct world *w, unsigned from, unsigned to)
{
    if (!w->disk[from].image)
        return false;
    w->disk[to] = w->disk[from];
    w->disk[to].changed = w->clock;
    w->disk[from] = (struct world_file){0};
    return true;
}

static bool write_file(struct world *w, unsigned path)
{
    struct world_file *f = &w->disk[path];

    if (w->images == WORLD_IMAGES)
        return false;
    if (!f->image)
        f->image = w->images++;
    f->content = w->contents++;
    f->changed = w->clock;
    return true;
}

static bool is_listed(const struct world_list *l, unsigned path)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->path[i] == (int)path)
            return true;
    return false;
}

/* A row for what is at the path now. One that the list has already could not be told from it. */
static bool write_row(struct world *w, unsigned path)
{
    unsigned row = w->list.count;

    if (!w->disk[path].image || row == WORLD_ROWS || is_listed(&w->list, path))
        return false;
    w->list.path[row] = (int)path;
    w->row_image[row] =
        w->bucket[path].image == w->disk[path].image ? w->disk[path].image : WORLD_IMAGES;
    w->list.count++;
    return true;
}

bool world_deed(struct world *w, unsigned deed, unsigned *ret_touched)
{
    unsigned path = deed % WORLD_PATHS, to;
    bool there = false;

    w->clock++;
    *ret_touched = 1u << path;
    if (deed < 12) {
        to = (path + 1 + deed / WORLD_PATHS) % WORLD_PATHS;
        *ret_touched |= 1u << to;
        return rename_over(w, path, to);
    }
    if (deed < 16) {
        there = w->disk[path].image != 0;
        w->disk[path] = (struct world_file){0};
        return there;
    }
    if (deed < 20)
        return write_file(w, path);
    if (deed < 24) {
        *ret_touched = 1u << WORLD_PATHS;
        return write_row(w, path);
    }
    *ret_touched = (1u << WORLD_PATHS) - 1;
    for (path = 0; path < WORLD_PATHS; path++) {
        there = there || w->disk[path].image;
        w->disk[path] = (struct world_file){0};
    }
    return there;
}

void world_intend(struct world *w, unsigned path, enum world_intent intent)
{
    if (w->intent[path] != WORLD_NO_INTENT)
        wrong(w, "3: two intents of one key are open");
    w->intent[path] = intent;
}

void world_outcome(struct world *w, unsigned path)
{
    w->intent[path] = WORLD_NO_INTENT;
}

void world_put(struct world *w, unsigned path, struct world_file file)
{
    const struct world_file *now = &w->disk[path];

    if (w->intent[path] != WORLD_PUT)
        wrong(w, "3: an object was put without a durable intent");
    if (now->image != file.image || now->content != file.content)
        wrong(w, "2: what was put is not what is on disk");
    for (unsigned p = 0; p < WORLD_PATHS; p++)
        if (p != path && w->bucket[p].image == file.image)
            w->landed[file.image] = true;
    w->bucket[path] = file;
}

void world_delete(struct world *w, unsigned path)
{
    unsigned image = w->bucket[path].image;

    if (w->intent[path] != WORLD_DELETE)
        wrong(w, "3: an object was deleted without a durable intent");
    if (image && w->disk[path].image == image)
        wrong(w, "1: the object of a file that is on disk was deleted");
    if (is_listed(&w->listed, path))
        wrong(w, "4: an object was deleted that the list in S3 names");
    if (image && !w->landed[image] && ++w->removals > WORLD_MAX_REMOVALS)
        wrong(w, "6: more removals than the limit allows");
    w->bucket[path] = (struct world_file){0};
}

void world_put_list(struct world *w)
{
    for (unsigned i = 0; i < w->list.count; i++) {
        int path = w->list.path[i];

        if (path >= 0 && w->disk[path].image && !w->bucket[path].image)
            wrong(w, "4: a list was put before an image that it names");
    }
    w->listed = w->list;
}

/* Rows follow images that are there; of images that are not, nothing is asked. */
static void check_rows(struct world *w)
{
    for (unsigned i = 0; i < w->list.count; i++) {
        int at = w->list.path[i];

        for (unsigned p = 0; p < WORLD_PATHS && !w->crashed; p++)
            if (w->disk[p].image == w->row_image[i] && at != (int)p)
                wrong(w, at < 0 ? "5: the row of an image that is there was dropped"
                                : "5: a row does not name its image");
        if (i >= w->listed.count || w->listed.path[i] != at)
            wrong(w, "1: the list in S3 is not the one on disk");
    }
}

void world_quiet(struct world *w, unsigned held)
{
    for (unsigned p = 0; p < WORLD_PATHS; p++) {
        const struct world_file *f = &w->disk[p], *o = &w->bucket[p];

        if (f->image && (o->content != f->content || !o->image))
            wrong(w, "1: a file is not in S3");
        if (!f->image && o->image && !(held & 1u << p))
            wrong(w, "1: an object stayed whose file is gone, and nothing holds it");
    }
    check_rows(w);
}
