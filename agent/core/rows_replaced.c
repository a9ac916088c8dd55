/* Pure. Files in whose place the index has others by now, and which may be found elsewhere. See
 * rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"

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
