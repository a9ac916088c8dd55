/* Pure. Files in whose place the index has others by now, and which may be found elsewhere. See
 * rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rows_replaced(struct rows *r, struct file_id file, const char *at, bool rows)
{
    struct replaced *slot;

    if (!file.born_ns)
        return;
    if (!r->replaced)
        r->replaced = calloc(ROWS_REPLACED_MAX, sizeof *r->replaced);
    if (!r->replaced)
        return;
    slot = &r->replaced[r->next_replaced];
    r->next_replaced = (r->next_replaced + 1) % ROWS_REPLACED_MAX;
    r->changes++;
    free(slot->at);
    *slot = (struct replaced){.file = file, .at = strdup(at), .rows = rows};
}

const struct replaced *rows_replaced_find(const struct rows *r, struct file_id file)
{
    if (!r->replaced || !file.born_ns)
        return NULL;
    for (size_t i = 0; i < ROWS_REPLACED_MAX; i++) {
        /* The youngest first: the same file may have been replaced at several places. */
        size_t at = (r->next_replaced + ROWS_REPLACED_MAX - 1 - i) % ROWS_REPLACED_MAX;

        if (!r->replaced[at].at)
            return NULL; /* there were no more */
        if (file_id_same(r->replaced[at].file, file))
            return &r->replaced[at];
    }
    return NULL;
}

void rows_replaced_done(struct rows *r, struct file_id file)
{
    for (size_t i = 0; r->replaced && i < ROWS_REPLACED_MAX; i++)
        if (r->replaced[i].at && file_id_same(r->replaced[i].file, file))
            r->replaced[i].file = (struct file_id){0}; /* its place in the ring stays */
}

const char *rows_replaced_at(const struct rows *r, struct file_id file)
{
    const struct replaced *found = rows_replaced_find(r, file);

    return found ? found->at : NULL;
}

void rows_replaced_forget(struct rows *r)
{
    for (size_t i = 0; r->replaced && i < ROWS_REPLACED_MAX; i++)
        free(r->replaced[i].at);
    free(r->replaced);
    r->replaced = NULL;
    r->next_replaced = 0;
}

/* Lists name what landed at its path by that name, and by another one only if people wrote it: no
 * pass brought its rows there. */
static bool has_come_without(const struct entry *e, const char *at)
{
    if (e->moved)
        return false;
    for (const struct name *n = e->names; n; n = n->next)
        if (n->guess != (strcmp(n->path, at) != 0))
            return false;
    return e->names;
}

/* Lists name the file by this path, where the index has another one by now. 0 or -ENOMEM. */
static int regain_from(struct rows *r, const char *at, struct file_id file, const char *to)
{
    const struct entry *e = map_get_str(r->by_image, at), *named = map_get_str(r->by_name, at);

    if (!e || (named && (named != e || !has_come_without(e, at))))
        return rows_unlanded(r, at, file, to);
    rows_name_yield(r, at, ROWS_YIELD_ANY);
    return rows_entry_unlanded(r, rows_entry_nameless(r, file, at), at, file, to);
}

int rows_regain(struct rows *r, struct file_id file, const char *to)
{
    const struct replaced *was = rows_replaced_find(r, file);
    struct entry *e = was && was->rows ? map_get_str(r->by_image, was->at) : NULL;
    struct entry *known = rows_entry_of_file(r, file);

    if (!was)
        return 0;
    rows_replaced_done(r, file);
    if (known) {
        r->pending = true;
        return rows_name_add(r, known, was->at);
    }
    if (!e || !rows_entry_is_at(e, was->at))
        return regain_from(r, was->at, file, to);
    rows_entry_unname(r, e); /* what landed there has none of its own */
    e->unlanded = true;
    return rows_entry_file(r, e, file) || rows_entry_place(r, e, to) ? -ENOMEM : 0;
}
