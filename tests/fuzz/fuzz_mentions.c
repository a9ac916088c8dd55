/*
 * Any bytes as a leaf, which is read within them; and as a list, none of whose paths its own leaves
 * deny.
 */
#include "lists/mentions.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Some leaf may name one of the paths of the batch. */
static bool may_name(const struct mentions *m, const struct lst_changes *c)
{
    uint64_t *sought;
    struct span leaf;
    bool may = false;
    size_t at = 0;
    size_t n;

    must(mentions_sought(c, &sought, &n) == 0);
    while (mentions_next(m, &at, &leaf))
        may = may || mentions_leaf_has(leaf, sought, n);
    free(sought);
    return may;
}

/* Each row whose path has a change is one that the leaves tell of. */
static void check_rows(struct span list, const struct mentions *m)
{
    struct lst_cursor cursor = {.in = list};
    struct lst_row row;
    char path[4097];

    while (lst_row_next(&cursor, &row)) {
        struct lst_changes *c;

        if (row.kind != LST_ROW_IMAGE || lst_path_normal(row.path, path, sizeof(path)) < 0)
            continue;
        must(lst_changes_new(&c) == 0);
        must(lst_changes_remove(c, path) < 0 || may_name(m, c));
        lst_changes_free(c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sought[] = {0, UINT64_C(0x123456789abcdef0), UINT64_MAX};
    struct span bytes = {(const char *)data, size};
    struct mentions *m;

    (void)mentions_leaf_has(bytes, sought, sizeof(sought) / sizeof(sought[0]));
    must(mentions_new(SIZE_MAX, &m) == 0);
    must(mentions_add_all(m, bytes) == 0 && mentions_end(m) == 0);
    check_rows(bytes, m);
    mentions_free(m);
    return 0;
}
