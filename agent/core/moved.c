/* Pure. Keys that something was done to meanwhile. See moved.h. */
#include "agent/core/moved.h"

#include "base/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE (4096 + 1025)

struct moved {
    struct map *keys;    /* -> something that is not NULL */
    bool all;            /* there were too many */
    char *prefix, *last; /* and all that begin with this one, up to that one; NULL: none */
};

int moved_new(struct moved **ret)
{
    struct moved *m = calloc(1, sizeof *m);

    if (!m)
        return -ENOMEM;
    m->keys = map_new();
    if (!m->keys) {
        free(m);
        return -ENOMEM;
    }
    *ret = m;
    return 0;
}

void moved_free(struct moved *m)
{
    if (!m)
        return;
    map_free(m->keys);
    free(m->prefix);
    free(m->last);
    free(m);
}

int moved_add(struct moved *m, const char *prefix, const char *path)
{
    char key[KEY_SIZE];

    if (map_count(m->keys) >= MOVED_MAX)
        m->all = true;
    if (m->all)
        return 0;
    (void)snprintf(key, sizeof key, "%s%s", prefix, path);
    return map_put_str(m->keys, key, m, NULL);
}

int moved_add_all_to(struct moved *m, const char *prefix, const char *key)
{
    char *of = strdup(prefix), *last = strdup(key);

    if (!of || !last) {
        free(of);
        free(last);
        return -ENOMEM;
    }
    if (m->last && strcmp(m->last, last) > 0) {
        free(of);
        free(last);
        return 0;
    }
    free(m->prefix);
    free(m->last);
    m->prefix = of;
    m->last = last;
    return 0;
}

bool moved_has(const struct moved *m, const char *key)
{
    size_t n = strlen(key);

    if (m->all || map_get(m->keys, key, n))
        return true;
    if (m->prefix && strncmp(key, m->prefix, strlen(m->prefix)) == 0 && strcmp(key, m->last) <= 0)
        return true;
    while (n > 0)
        if (key[--n] == '/' && map_get(m->keys, key, n))
            return true;
    return false;
}
