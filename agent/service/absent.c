/* Shell. Rows that are kept without their images. See absent.h. */
#include "agent/service/absent.h"

#include "agent/service/hashed.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "absent:" /* of the meta values; then the list's key's SHA-256 */

struct absent {
    uint64_t rows;
    char key[AGENT_KEY_SIZE]; /* stored without what follows the NUL */
};

#define HEAD offsetof(struct absent, key)

/* What the index has of a list. */
static uint64_t rows_of(struct agent *a, const char *name)
{
    struct absent was;
    size_t n = sizeof was;

    return index_meta_get(a->index, name, &was, &n) == 0 && n > HEAD ? was.rows : 0;
}

void absent_set(struct agent *a, struct mapping *m, const char *path, uint64_t rows)
{
    struct absent now = {.rows = rows};
    char name[HASHED_NAME_SIZE];
    uint64_t was;

    if ((!rows && !m->absent) || !agent_key(a, m->id, path, now.key))
        return;
    hashed_name(PREFIX, now.key, name);
    was = rows_of(a, name);
    if (was == rows)
        return;
    if (rows ? index_meta_put(a->index, name, &now, HEAD + strlen(now.key) + 1)
             : index_meta_remove(a->index, name))
        agent_fail(a, -EIO, "writing the index");
    m->absent += rows - was;
    agent_dirty(a);
}

void absent_add(struct agent *a, struct mapping *m, const char *path, uint64_t rows)
{
    char key[AGENT_KEY_SIZE], name[HASHED_NAME_SIZE];

    if (!agent_key(a, m->id, path, key))
        return;
    hashed_name(PREFIX, key, name);
    absent_set(a, m, path, rows_of(a, name) + rows);
}

/* index_meta_fn. */
static int count_one(void *arg, struct span name, struct span value)
{
    struct mapping *m = arg;
    uint64_t rows;

    (void)name;
    if (value.n <= HEAD || strncmp(value.p + HEAD, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    memcpy(&rows, value.p, sizeof rows); /* it need not be aligned */
    m->absent += rows;
    return 0;
}

int absent_count(struct agent *a, struct mapping *m)
{
    m->absent = 0;
    return m->conf->kind == CONF_LISTS ? index_meta_each(a->index, PREFIX, NULL, count_one, m) : 0;
}
