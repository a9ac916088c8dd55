/* Lists changed as a person asks for it. Pure. See edit.h. */
#include "lists/edit.h"

#include "base/map.h"
#include "base/mix.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct lst_paths {
    struct span text;
    struct map *map; /* normal path -> the row's first byte */
};

int lst_paths_new(struct span text, struct lst_paths **ret)
{
    struct lst_paths *p = calloc(1, sizeof(*p));
    struct lst_cursor c = {.in = text};
    char path[PATH_BYTES_MAX + 1];
    struct lst_row row;
    int rc = 0;

    if (!p)
        return -ENOMEM;
    p->text = text;
    p->map = map_new();
    if (!p->map)
        rc = -ENOMEM;
    while (rc == 0 && lst_row_next(&c, &row)) {
        union {
            const char *from;
            void *to;
        } line = {.from = row.line.p}; /* the map's values are not const; nobody writes there */

        if (row.kind == LST_ROW_IMAGE && lst_path_normal(row.path, path, sizeof(path)) == 0 &&
            !map_get_str(p->map, path))
            rc = map_put_str(p->map, path, line.to, NULL);
    }
    if (rc < 0)
        lst_paths_free(p);
    else
        *ret = p;
    return rc;
}

void lst_paths_free(struct lst_paths *p)
{
    if (!p)
        return;
    map_free(p->map);
    free(p);
}

bool lst_paths_find(const struct lst_paths *p, struct span path, struct lst_row *ret)
{
    char normal[PATH_BYTES_MAX + 1];
    const char *line;

    if (lst_path_normal(path, normal, sizeof(normal)) < 0)
        return false;
    line = map_get_str(p->map, normal);
    if (line)
        lst_row_begin(p->text, (uint64_t)(line - p->text.p), ret);
    return line != NULL;
}

bool lst_row_class(const struct lst_row *row, uint64_t *ret)
{
    return row->kind == LST_ROW_IMAGE && label_class(row->labels, ret);
}

static bool has_class(const struct lst_selection *s, const struct lst_row *row)
{
    uint64_t label;

    if (s->class_n == 0)
        return true;
    for (size_t i = 0; lst_row_class(row, &label) && i < s->class_n; i++)
        if (s->classes[i] == label)
            return true;
    return false;
}

static bool has_pattern(const struct lst_selection *s, const struct lst_row *row)
{
    char path[PATH_BYTES_MAX + 1];

    if (s->pattern_n == 0)
        return true;
    if (lst_path_normal(row->path, path, sizeof(path)) < 0)
        return false;
    for (size_t i = 0; i < s->pattern_n; i++)
        if (path_glob(s->patterns[i], path))
            return true;
    return false;
}

bool lst_selected(const struct lst_selection *s, const struct lst_row *row)
{
    struct lst_row other;

    return row->kind == LST_ROW_IMAGE && has_class(s, row) && has_pattern(s, row) &&
           (!s->in || lst_paths_find(s->in, row->path, &other)) &&
           (!s->not_in || !lst_paths_find(s->not_in, row->path, &other));
}

/* A row with another class. */
static int put_relabelled(struct buf *out, const struct lst_row *row, uint64_t label)
{
    const char *end = row->labels.p + row->labels.n;
    int rc = buf_append(out, row->line.p, (size_t)(row->labels.p - row->line.p));

    if (rc == 0)
        rc = label_put(out, label, row->labels);
    return rc < 0 ? rc : buf_append(out, end, (size_t)(row->line.p + row->line.n - end));
}

int lst_relabel(struct span text, lst_relabel_fn *fn, void *arg, struct buf *out,
                uint64_t *ret_changed)
{
    struct lst_cursor c = {.in = text};
    uint64_t changed = 0;
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        uint64_t was;
        uint64_t is;

        if (lst_row_class(&row, &was) && fn(arg, &row, was, &is) && is != was) {
            rc = put_relabelled(out, &row, is);
            changed++;
        } else {
            rc = buf_append_span(out, row.line);
        }
    }
    if (rc == 0)
        *ret_changed = changed;
    return rc;
}

/* A row that is meant: its class (or UINT64_MAX), and its rank by the seed. */
struct candidate {
    uint64_t label;
    uint64_t rank;
    uint64_t at;
};

static int by_rank(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;

    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int by_place(const void *a, const void *b)
{
    uint64_t x = ((const struct candidate *)a)->at;
    uint64_t y = ((const struct candidate *)b)->at;

    return x < y ? -1 : x > y;
}

/* All rows that are meant. The caller frees. */
static int candidates(struct span text, const struct lst_selection *s, uint64_t seed,
                      struct candidate **ret, size_t *ret_n)
{
    struct lst_cursor c = {.in = text};
    struct candidate *all = NULL;
    size_t room = 0;
    size_t n = 0;
    struct lst_row row;

    while (lst_row_next(&c, &row)) {
        struct candidate one = {.label = UINT64_MAX, .at = (uint64_t)(row.line.p - text.p)};

        if (!lst_selected(s, &row))
            continue;
        if (n == room) {
            struct candidate *more = reallocarray(all, room ? 2 * room : 256, sizeof(*all));

            if (!more) {
                free(all);
                return -ENOMEM;
            }
            room = room ? 2 * room : 256;
            all = more;
        }
        (void)lst_row_class(&row, &one.label); /* else it stays as it is */
        one.rank = mix_bytes(seed + 1, row.path.p, row.path.n);
        all[n++] = one;
    }
    *ret = all;
    *ret_n = n;
    return 0;
}

/* Keep the first `most` of each class. How many are left. */
static size_t cut(struct candidate *all, size_t n, uint64_t most)
{
    size_t kept = 0;
    uint64_t of_class = 0;
    uint64_t label = 0;

    if (n > 1)
        qsort(all, n, sizeof(*all), by_rank);
    for (size_t i = 0; i < n; i++) {
        of_class = i > 0 && all[i].label == label ? of_class + 1 : 1;
        label = all[i].label;
        if (of_class <= most)
            all[kept++] = all[i];
    }
    if (kept > 1)
        qsort(all, kept, sizeof(*all), by_place);
    return kept;
}

int lst_subset(struct span text, const struct lst_selection *s, uint64_t most, uint64_t seed,
               struct buf *out, uint64_t *ret_kept)
{
    struct candidate *all = NULL;
    size_t n = 0;
    int rc = candidates(text, s, seed, &all, &n);

    if (rc == 0 && most > 0)
        n = cut(all, n, most);
    for (size_t i = 0; rc == 0 && i < n; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are n */
        rc = buf_append_span(out, row_line(text, (size_t)all[i].at));
    free(all);
    if (rc == 0)
        *ret_kept = n;
    return rc;
}

/* One row of the other list. */
static int append_row(struct buf *out, const struct lst_row *row, uint64_t index)
{
    const char *end = row->path.p + row->path.n;
    int rc = buf_appendf(out, "%" PRIu64, index);

    if (rc == 0)
        rc = buf_append(out, row->index.p + row->index.n,
                        (size_t)(end - (row->index.p + row->index.n)));
    return rc < 0 ? rc : buf_append_byte(out, '\n');
}

int lst_append(struct span text, struct span from, struct buf *out, struct lst_append_stats *ret)
{
    struct lst_append_stats stats = {0};
    struct lst_cursor c = {.in = from};
    struct lst_paths *paths = NULL;
    struct lst_paths *own = NULL;
    uint64_t index = lst_next_index(text);
    struct lst_row row;
    struct lst_row known;
    int rc = lst_paths_new(text, &paths);

    if (rc == 0)
        rc = lst_paths_new(from, &own);
    if (rc == 0)
        rc = buf_append_span(out, text);
    if (rc == 0 && text.n > 0 && text.p[text.n - 1] != '\n')
        rc = buf_append_byte(out, '\n');
    while (rc == 0 && lst_row_next(&c, &row)) {
        bool there;

        if (row.kind != LST_ROW_IMAGE)
            continue;
        there = lst_paths_find(paths, row.path, &known) ||
                (lst_paths_find(own, row.path, &known) && known.line.p != row.line.p);
        stats.known += there && labels_same(row.labels, known.labels);
        stats.clashes += there && !labels_same(row.labels, known.labels);
        stats.added += !there;
        if (!there)
            rc = append_row(out, &row, index++);
    }
    lst_paths_free(paths);
    lst_paths_free(own);
    if (rc == 0)
        *ret = stats;
    return rc;
}
