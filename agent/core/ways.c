/* Pure. Where renamed directories went. See ways.h. */
#include "agent/core/ways.h"

#include "base/map.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One rename; in the table as long as it is the last of its place. */
struct way {
    char *from;
    char *to;
    bool again; /* `from` had been left before */
};

struct ways {
    struct map *left; /* from -> way */
    struct way *ring[WAYS_MAX];
    size_t next;
};

/* Forget one, where it is still the last of its place. */
static void way_drop(struct ways *w, struct way *one)
{
    if (!one)
        return;
    if (one->from && map_get_str(w->left, one->from) == one)
        map_remove_str(w->left, one->from);
    free(one->from);
    free(one->to);
    free(one);
}

struct ways *ways_new(void)
{
    struct ways *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->left = map_new();
    if (w->left)
        return w;
    free(w);
    return NULL;
}

void ways_free(struct ways *w)
{
    if (!w)
        return;
    ways_clear(w);
    map_free(w->left);
    free(w);
}

void ways_clear(struct ways *w)
{
    for (size_t i = 0; i < WAYS_MAX; i++) {
        way_drop(w, w->ring[i]);
        w->ring[i] = NULL;
    }
    w->next = 0;
}

int ways_note(struct ways *w, const char *from, const char *to)
{
    struct way *one = calloc(1, sizeof *one);

    if (!one)
        return -ENOMEM;
    way_drop(w, w->ring[w->next]);
    w->ring[w->next] = one;
    w->next = (w->next + 1) % WAYS_MAX;
    one->from = strdup(from);
    one->to = strdup(to);
    one->again = map_get_str(w->left, from) != NULL;
    return one->from && one->to ? map_put_str(w->left, from, one, NULL) : -ENOMEM;
}

/* path_place_fn. */
static const char *went_to(const void *arg, const char *dir)
{
    const struct way *one = map_get_str(arg, dir);

    return !one ? NULL : one->again ? "" : one->to;
}

bool ways_on(const struct ways *w, const char *key, char *out, size_t size)
{
    return path_carried(out, size, key, went_to, w->left);
}
