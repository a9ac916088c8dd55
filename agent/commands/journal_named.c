/* Shell. The images that a list names. See journal_named.h. */
#include "agent/commands/journal_named.h"

#include "base/map.h"
#include "base/path.h"
#include "lists/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct journal_named {
    struct map *images;  /* -> something that is not NULL */
    struct map *folders; /* above them, the same */
};

void journal_named_free(struct journal_named *n)
{
    if (!n)
        return;
    map_free(n->images);
    map_free(n->folders);
    free(n);
}

/* An image and the directories above it. 0 or -ENOMEM. */
static int add(struct journal_named *n, const char *path)
{
    int rc = map_put_str(n->images, path, n, NULL);

    for (const char *end = path; rc == 0 && (end = strchr(end, '/')); end++) {
        const size_t length = (size_t)(end - path);

        if (!map_get(n->folders, path, length))
            rc = map_put(n->folders, path, length, n, NULL);
    }
    return rc;
}

/* Every image of the list. 0 or -ENOMEM. */
static int add_all(struct journal_named *n, struct span text)
{
    struct lst_cursor cursor = {.in = text};
    char path[PATH_BYTES_MAX + 1];
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&cursor, &row))
        if (row.kind == LST_ROW_IMAGE && lst_path_normal(row.path, path, sizeof path) == 0)
            rc = add(n, path);
    return rc;
}

/* An empty one. NULL without memory. */
static struct journal_named *named_new(void)
{
    struct journal_named *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->images = map_new();
    n->folders = map_new();
    if (n->images && n->folders)
        return n;
    journal_named_free(n);
    return NULL;
}

int journal_named_read(const char *file, struct journal_named **ret, struct err *e)
{
    struct journal_named *n = named_new();
    struct lst_file list = {0};
    int rc = n ? lst_file_read(file, &list, e) : err_set(e, -ENOMEM, NULL, NULL, "out of memory");

    if (rc == 0 && add_all(n, lst_file_text(&list)))
        rc = err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    if (rc == 0 && map_count(n->images) == 0)
        rc = err_set(e, ERR_SYNTAX, file, "a .lst file: index, labels and path in columns, by TABs",
                     "it names no image");
    lst_file_release(&list);
    if (rc)
        journal_named_free(n);
    else
        *ret = n;
    return rc;
}

bool journal_named_has(const struct journal_named *n, const struct journal_record *r)
{
    const char *const paths[] = {r->path, r->path2};

    for (size_t i = 0; i < 2; i++)
        if (paths[i] && (map_get_str(n->images, paths[i]) ||
                         (r->op == JOURNAL_RENAME && map_get_str(n->folders, paths[i]))))
            return true;
    return false;
}
