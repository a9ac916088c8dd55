/* Rows by path or index. Pure. See keys.h. */
#include "lists/keys.h"

#include "base/mix.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RADIX_BITS      8
#define RADIX           (1u << RADIX_BITS)
#define REF_BITS        64
#define DIGIT(x, shift) ((x) >> (shift) & (RADIX - 1))
#define FEW             64 /* items that are sorted without a table */
#define REFS_FIRST      1024
#define REF_TAG(x)      ((x) >> REF_PLACE_BITS)
#define LOOK_AHEAD      8
#define SCRATCH_MAX     (PATH_BYTES_MAX + 1)

/* A path without a leading "./". False where only lst_path_normal tells its normal form: that needs
 * room, which few rows shall pay for. */
static bool plain_path(struct span path, struct span *ret)
{
    size_t lead;

    *ret = path;
    if (path_is_normal(path))
        return true;
    lead = path_lead(path);
    *ret = (struct span){path.p + lead, path.n - lead};
    return !memmem(ret->p, ret->n, "//", 2);
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

/* The key inside the row; false as above. */
static bool plain_key(const struct lst_row *row, enum row_key key, struct span *ret)
{
    if (key == ROW_KEY_PATH)
        return plain_path(row->path, ret);
    *ret = index_key(row->index);
    return true;
}

/* The key of any row: inside it, or in the scratch. */
static struct span any_key(const struct lst_row *row, enum row_key key, char scratch[SCRATCH_MAX])
{
    struct span k;

    if (!plain_key(row, key, &k) && lst_path_normal(row->path, scratch, SCRATCH_MAX) == 0)
        return span_of(scratch);
    return k;
}

/* By their bytes. */
static int compare_spans(struct span x, struct span y)
{
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

    return order != 0 ? order : (x.n > y.n) - (x.n < y.n);
}

/* Two keys of which one at least is not plain. */
static __attribute__((noinline)) int compare_any(const struct lst_row *x, const struct lst_row *y,
                                                 enum row_key key)
{
    char x_scratch[SCRATCH_MAX];
    char y_scratch[SCRATCH_MAX];

    return compare_spans(any_key(x, key, x_scratch), any_key(y, key, y_scratch));
}

static int compare_rows(const struct lst_row *x, const struct lst_row *y, enum row_key key)
{
    struct span a;
    struct span b;

    if (!plain_key(x, key, &a) || !plain_key(y, key, &b))
        return compare_any(x, y, key);
    return compare_spans(a, b);
}

bool rows_same_key(const struct lst_row *x, const struct lst_row *y, enum row_key key)
{
    return compare_rows(x, y, key) == 0;
}

static uint64_t tag_of(struct span key)
{
    return mix_bytes(1, key.p, key.n) >> REF_PLACE_BITS << REF_PLACE_BITS;
}

static __attribute__((noinline)) uint64_t tag_of_any(const struct lst_row *row, enum row_key key)
{
    char scratch[SCRATCH_MAX];

    return tag_of(any_key(row, key, scratch));
}

/* The row in 8 bytes. */
static uint64_t ref_of(uint64_t place, const struct lst_row *row, enum row_key key)
{
    struct span k;

    return (plain_key(row, key, &k) ? tag_of(k) : tag_of_any(row, key)) | place;
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

        lst_row_begin(r->text, place, &row);
        r->items[i] = ref_of(place, &row, key);
    }
}

/* Few items: each is put where it belongs among those before it. */
static void insert_sort(uint64_t *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t item = items[i];
        size_t at = i;

        for (; at > 0 && items[at - 1] > item; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* Order items by one digit, in place: each goes to the next free place of its digit, and what was
 * there goes on. ends: where each digit's items end. */
static void permute(uint64_t *items, size_t n, unsigned shift, size_t ends[RADIX])
{
    size_t heads[RADIX];
    size_t at = 0;

    memset(ends, 0, RADIX * sizeof(*ends));
    for (size_t i = 0; i < n; i++)
        ends[DIGIT(items[i], shift)]++;
    for (unsigned d = 0; d < RADIX; d++) {
        heads[d] = at;
        at += ends[d];
        ends[d] = at;
    }
    for (unsigned d = 0; d < RADIX; d++)
        while (heads[d] < ends[d]) {
            uint64_t item = items[heads[d]];

            while (DIGIT(item, shift) != d) {
                uint64_t swap = items[heads[DIGIT(item, shift)]];

                items[heads[DIGIT(item, shift)]++] = item;
                item = swap;
            }
            items[heads[d]++] = item;
        }
}

/* By the digit at `shift` and those below it. As deep as a number has digits. */
static void radix_sort(uint64_t *items, size_t n, unsigned shift)
{
    size_t ends[RADIX];
    size_t begin = 0;

    if (n <= FEW) {
        insert_sort(items, n);
        return;
    }
    permute(items, n, shift, ends);
    for (unsigned d = 0; shift > 0 && d < RADIX; d++) {
        radix_sort(items + begin, ends[d] - begin, shift - RADIX_BITS);
        begin = ends[d];
    }
}

void refs_sort(struct refs *r)
{
    radix_sort(r->items, r->n, REF_BITS - RADIX_BITS);
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

/* The keys of two rows, as bytes. Most rows that meet are the same altogether. */
static int compare_keys(struct span a_text, uint64_t a, struct span b_text, uint64_t b,
                        enum row_key key)
{
    struct lst_row x;
    struct lst_row y;

    if (ref_place(a) > 0 && ref_place(b) > 0 &&
        span_equal(row_line(a_text, ref_place(a)), row_line(b_text, ref_place(b))))
        return 0;
    lst_row_begin(a_text, ref_place(a), &x);
    lst_row_begin(b_text, ref_place(b), &y);
    return compare_rows(&x, &y, key);
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
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are such rows */
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

/* The row that is wanted soon: they lie anywhere, and the processor is told to fetch it. By the
 * caller itself: a function that does nothing else is left out by compilers, as one without effect.
 */
static const char *row_ahead(const struct refs *r, size_t at)
{
    size_t ahead = at + LOOK_AHEAD < r->n ? at + LOOK_AHEAD : at;

    return ahead < r->n ? r->text.p + ref_place(r->items[ahead]) : r->text.p;
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

        __builtin_prefetch(row_ahead(a, i));
        __builtin_prefetch(row_ahead(b, j));
        rc = join_runs(a, a->items ? a->items + i : NULL, x_n, b, b->items ? b->items + j : NULL,
                       y_n, key, fn, arg);
        i += x_n;
        j += y_n;
    }
    return rc;
}
