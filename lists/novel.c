/* Which findings an edit brought. Pure. See check.h. */
#include "lists/check.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

/* How often a row stands in the old list and was not met yet. */
struct copies {
    uint64_t left;
};

static void free_rows(struct map *rows)
{
    size_t at = 0;
    void *value;

    while (rows && map_next(rows, &at, NULL, NULL, &value))
        free(value);
    map_free(rows);
}

/* Count the rows, by their bytes. */
static int count_rows(struct span text, struct map *rows)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;

    while (lst_row_next(&c, &row)) {
        struct copies *known = map_get(rows, row.line.p, row.line.n);

        if (!known) {
            known = calloc(1, sizeof(*known));
            if (!known || map_put(rows, row.line.p, row.line.n, known, NULL) < 0) {
                free(known);
                return -ENOMEM;
            }
        }
        known->left++;
    }
    return 0;
}

/* Where rows begin that the old list has not, or not as often. */
static int new_rows(struct span text, struct map *old, struct map *fresh)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        struct copies *known = map_get(old, row.line.p, row.line.n);
        uint64_t at = (uint64_t)(row.line.p - text.p);

        if (known && known->left > 0)
            known->left--;
        else
            rc = map_put(fresh, &at, sizeof(at), fresh, NULL);
    }
    return rc;
}

/* One of the rows that it speaks of is new; of the list as a whole, that it has none. */
static bool is_new(const struct lst_finding *x, const struct map *fresh, struct span was)
{
    if (x->at == LST_NOWHERE)
        return x->rule == LST_NO_ROWS && was.n > 0;
    return map_get(fresh, &x->at, sizeof(x->at)) ||
           (x->other != LST_NOWHERE && map_get(fresh, &x->other, sizeof(x->other)));
}

int lst_findings_novel(struct lst_findings *f, struct span text, struct span was)
{
    struct map *old = map_new();
    struct map *fresh = map_new();
    int rc = old && fresh ? count_rows(was, old) : -ENOMEM;
    size_t kept = 0;

    if (rc == 0)
        rc = new_rows(text, old, fresh);
    for (size_t i = 0; rc == 0 && i < f->n; i++) {
        if (is_new(&f->items[i], fresh, was))
            f->items[kept++] = f->items[i];
        else
            free(f->items[i].detail);
    }
    if (rc == 0)
        f->n = kept;
    free_rows(old);
    map_free(fresh);
    return rc;
}
