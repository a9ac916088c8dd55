/* Rows by path or index. Pure. See keys.h. */
#include "lists/keys.h"

#include "base/mix.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RADIX_BITS  8
#define RADIX       (1u << RADIX_BITS)
#define REF_BITS    64
#define REFS_FIRST  1024
#define REF_TAG(x)  ((x) >> REF_PLACE_BITS)
#define SCRATCH_MAX (PATH_BYTES_MAX + 1)

void row_at(struct span text, uint64_t place, struct lst_row *ret)
{
    row_classify(row_line(text, place), place == 0, ret);
}

/* A path in normal form, where it has one: inside the row, or in the scratch. */
static struct span path_key(struct span path, char scratch[SCRATCH_MAX])
{
    size_t lead = path_lead(path);
    struct span rest = {path.p + lead, path.n - lead};

    if (!memmem(rest.p, rest.n, "//", 2) || lst_path_normal(path, scratch, SCRATCH_MAX) < 0)
        return rest;
    return span_of(scratch);
}

/* A number without what does not count. */
static struct span index_key(struct span index)
{
    while (index.n > 0 && index.p[index.n - 1] == ' ')
        index.n--;
    while (index.n > 1 && (index.p[0] == ' ' || index.p[0] == '+' || index.p[0] == '0')) {
        index.p++;
        index.n--;
    }
    return index;
}

static struct span key_of(const struct lst_row *row, enum row_key key, char scratch[SCRATCH_MAX])
{
    return key == ROW_KEY_PATH ? path_key(row->path, scratch) : index_key(row->index);
}

/* The row in 8 bytes. */
static uint64_t ref_of(uint64_t place, const struct lst_row *row, enum row_key key)
{
    char scratch[SCRATCH_MAX];
    struct span k = key_of(row, key, scratch);

    return mix_bytes(1, k.p, k.n) >> REF_PLACE_BITS << REF_PLACE_BITS | place;
}

void refs_init(struct refs *r, struct span text)
{
    *r = (struct refs){.text = text};
}

void refs_release(struct refs *r)
{
    free(r->items);
    refs_init(r, r->text);
}

/* Room for one more. */
static int grow(struct refs *r)
{
    size_t room = r->room ? r->room + r->room / 2 : REFS_FIRST;
    uint64_t *items = reallocarray(r->items, room, sizeof(*items));

    if (!items)
        return -ENOMEM;
    r->items = items;
    r->room = room;
    return 0;
}

int refs_add(struct refs *r, const struct lst_row *row, enum row_key key)
{
    uint64_t place = (uint64_t)(row->line.p - r->text.p);
    int rc = r->n == r->room ? grow(r) : 0;

    if (place > REF_PLACE_MAX)
        return ERR_LIMIT;
    if (rc == 0)
        r->items[r->n++] = ref_of(place, row, key);
    return rc;
}

int refs_add_all(struct refs *r, uint64_t from, uint64_t until, enum row_key key)
{
    struct lst_cursor c = {.in = {r->text.p, until}, .at = from};
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row))
        if (row.kind == LST_ROW_IMAGE)
            rc = refs_add(r, &row, key);
    return rc;
}

void refs_rekey(struct refs *r, enum row_key key)
{
    for (size_t i = 0; i < r->n; i++) {
        uint64_t place = ref_place(r->items[i]);
        struct lst_row row;

        row_at(r->text, place, &row);
        r->items[i] = ref_of(place, &row, key);
    }
}

/* One pass over one digit, from one array to another. */
static void radix_pass(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    size_t starts[RADIX] = {0};
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        starts[from[i] >> shift & (RADIX - 1)]++;
    for (unsigned d = 0; d < RADIX; d++) {
        size_t count = starts[d];

        starts[d] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        to[starts[from[i] >> shift & (RADIX - 1)]++] = from[i];
}

int refs_sort(struct refs *r)
{
    uint64_t *other = r->n ? reallocarray(NULL, r->n, sizeof(*other)) : NULL;
    uint64_t *from = r->items;
    uint64_t *to = other;

    if (r->n && !other)
        return -ENOMEM;
    for (unsigned shift = REF_PLACE_BITS; shift < REF_BITS; shift += RADIX_BITS) {
        uint64_t *swap = from;

        radix_pass(from, to, r->n, shift);
        from = to;
        to = swap;
    }
    r->items = r->n ? from : r->items;
    if (r->n)
        r->room = r->n;
    free(r->n ? to : NULL);
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    uint64_t x = ref_place(*(const uint64_t *)a);
    uint64_t y = ref_place(*(const uint64_t *)b);

    return x < y ? -1 : x > y;
}

void refs_by_place(struct refs *r)
{
    if (r->n > 1)
        qsort(r->items, r->n, sizeof(*r->items), compare_places);
}

/* What the comparison of keys needs. */
struct comparison {
    struct span text;
    enum row_key key;
};

/* The keys of two rows, as bytes. */
static int compare_keys(struct span a_text, uint64_t a, struct span b_text, uint64_t b,
                        enum row_key key)
{
    char a_scratch[SCRATCH_MAX];
    char b_scratch[SCRATCH_MAX];
    struct lst_row row;
    struct span x;
    struct span y;
    int order;

    row_at(a_text, ref_place(a), &row);
    x = key_of(&row, key, a_scratch);
    row_at(b_text, ref_place(b), &row);
    y = key_of(&row, key, b_scratch);
    order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

static int compare_refs(const void *a, const void *b, void *arg)
{
    const struct comparison *c = arg;
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    int order = compare_keys(c->text, x, c->text, y, c->key);

    return order != 0 ? order : compare_places(a, b);
}

/* How many from `at` on have the same hash. */
static size_t same_tag(const struct refs *r, size_t at)
{
    size_t end = at + 1;

    while (end < r->n && REF_TAG(r->items[end]) == REF_TAG(r->items[at]))
        end++;
    return end - at;
}

/* How many of a run, from its start on, have the very same key. */
static size_t same_key(const struct refs *r, const uint64_t *run, size_t n, enum row_key key)
{
    size_t end = 1;

    while (end < n && compare_keys(r->text, run[0], r->text, run[end], key) == 0)
        end++;
    return end;
}

/* Order a run of one hash by its keys. */
static void sort_run(const struct refs *r, uint64_t *run, size_t n, enum row_key key)
{
    struct comparison c = {r->text, key};

    if (n > 1)
        qsort_r(run, n, sizeof(*run), compare_refs, &c);
}

/* The rows of one hash in both lists. */
static int join_runs(struct refs *a, uint64_t *x, size_t x_n, struct refs *b, uint64_t *y,
                     size_t y_n, enum row_key key, refs_join_fn *fn, void *arg)
{
    int rc = 0;

    sort_run(a, x, x_n, key);
    sort_run(b, y, y_n, key);
    while (rc == 0 && (x_n > 0 || y_n > 0)) {
        int order = x_n == 0 ? 1 : -1;
        size_t x_take;
        size_t y_take;

        if (x_n > 0 && y_n > 0)
            order = compare_keys(a->text, *x, b->text, *y, key);
        x_take = order <= 0 ? same_key(a, x, x_n, key) : 0;
        y_take = order >= 0 ? same_key(b, y, y_n, key) : 0;
        rc = fn(arg, x, x_take, y, y_take);
        x += x_take;
        x_n -= x_take;
        y += y_take;
        y_n -= y_take;
    }
    return rc;
}

int refs_join(struct refs *a, struct refs *b, enum row_key key, refs_join_fn *fn, void *arg)
{
    size_t i = 0;
    size_t j = 0;
    int rc = 0;

    while (rc == 0 && (i < a->n || j < b->n)) {
        uint64_t x = i < a->n ? REF_TAG(a->items[i]) : UINT64_MAX;
        uint64_t y = j < b->n ? REF_TAG(b->items[j]) : UINT64_MAX;
        size_t x_n = x <= y ? same_tag(a, i) : 0;
        size_t y_n = y <= x ? same_tag(b, j) : 0;

        rc = join_runs(a, a->items ? a->items + i : NULL, x_n, b, b->items ? b->items + j : NULL,
                       y_n, key, fn, arg);
        i += x_n;
        j += y_n;
    }
    return rc;
}
