/* Two lists, compared by what they mean. Pure. See diff.h. */
#include "lists/diff.h"

#include "lists/internal.h"
#include "lists/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_FIRST 256
#define PIECE       4096 /* bytes compared at once */

/* A comparison under way. */
struct comparing {
    struct lst_diff *d;
    bool all;
    struct refs a;
    struct refs b;
    size_t a_left; /* rows without a partner, moved to the front of the refs */
    size_t b_left;
};

unsigned lst_row_differ(const struct lst_row *x, const struct lst_row *y)
{
    return (rows_same_key(x, y, ROW_KEY_INDEX) ? 0 : LST_DIFF_INDEX) |
           (labels_same(x->labels, y->labels) ? 0 : LST_DIFF_LABELS) |
           (rows_same_key(x, y, ROW_KEY_PATH) ? 0 : LST_DIFF_PATH);
}

/* How two rows differ. */
static unsigned differ_at(const struct lst_diff *d, uint64_t a, uint64_t b)
{
    struct lst_row x;
    struct lst_row y;

    if (span_equal(row_line(d->a, ref_place(a)), row_line(d->b, ref_place(b))))
        return 0;
    lst_row_begin(d->a, ref_place(a), &x);
    lst_row_begin(d->b, ref_place(b), &y);
    return lst_row_differ(&x, &y);
}

/* Room for one more. */
static int grow(struct lst_diff *d)
{
    size_t room = d->pair_room ? d->pair_room + d->pair_room / 2 : PAIRS_FIRST;
    struct lst_pair *pairs = reallocarray(d->pairs, room, sizeof(*pairs));

    if (!pairs)
        return -ENOMEM;
    d->pairs = pairs;
    d->pair_room = room;
    return 0;
}

/* These two are partners. */
static int pair(struct comparing *c, uint64_t a, uint64_t b, unsigned differ)
{
    struct lst_diff *d = c->d;

    if (differ == 0 && !c->all)
        return 0;
    if (d->pair_n == d->pair_room && grow(d) < 0)
        return -ENOMEM;
    d->pairs[d->pair_n++] = (struct lst_pair){ref_place(a), ref_place(b), differ};
    return 0;
}

/* Pair what is the very same; it is taken out of both. Few rows alone. */
static int pair_same(struct comparing *c, uint64_t *a, size_t *a_n, uint64_t *b, size_t *b_n)
{
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; i < *a_n; i++) {
        size_t j = 0;

        while (j < *b_n && differ_at(c->d, a[i], b[j]) != 0)
            j++;
        if (j == *b_n) {
            a[kept++] = a[i];
            continue;
        }
        rc = rc < 0 ? rc : pair(c, a[i], b[j], 0);
        memmove(b + j, b + j + 1, (*b_n - j - 1) * sizeof(*b));
        --*b_n;
    }
    *a_n = kept;
    return rc;
}

/* Rows that are left over wait at the front of the refs: those before are done with. */
static void leave(uint64_t *front, size_t *n, const uint64_t *refs, size_t refs_n)
{
    if (refs_n > 0)
        memmove(front + *n, refs, refs_n * sizeof(*refs));
    *n += refs_n;
}

/* refs_join_fn: rows of one path. */
static int join_paths(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct comparing *c = arg;
    size_t n;
    int rc = 0;

    if ((a_n > 1 || b_n > 1) && a_n <= LST_DIFF_NEAR && b_n <= LST_DIFF_NEAR)
        rc = pair_same(c, a, &a_n, b, &b_n);
    n = a_n < b_n ? a_n : b_n;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = pair(c, a[i], b[i], differ_at(c->d, a[i], b[i]));
    leave(c->a.items, &c->a_left, a + n, a_n - n);
    leave(c->b.items, &c->b_left, b + n, b_n - n);
    return rc;
}

/* refs_join_fn: rows of one index whose paths have no partner. */
static int join_indices(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct comparing *c = arg;
    size_t n = a_n < b_n ? a_n : b_n;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        unsigned differ = differ_at(c->d, a[i], b[i]);

        if (differ & LST_DIFF_LABELS) {
            leave(c->a.items, &c->a_left, a + i, 1);
            leave(c->b.items, &c->b_left, b + i, 1);
        } else {
            rc = pair(c, a[i], b[i], differ);
        }
    }
    leave(c->a.items, &c->a_left, a + n, a_n - n);
    leave(c->b.items, &c->b_left, b + n, b_n - n);
    return rc;
}

/* Where both begin to differ, at the begin of a row. */
static size_t same_head(struct span a, struct span b)
{
    size_t most = a.n < b.n ? a.n : b.n;
    size_t at = 0;

    while (at + PIECE <= most && memcmp(a.p + at, b.p + at, PIECE) == 0)
        at += PIECE;
    while (at < most && a.p[at] == b.p[at])
        at++;
    if (at == a.n && at == b.n)
        return at;
    while (at > 0 && a.p[at - 1] != '\n')
        at--;
    return at;
}

/* How many bytes at the end are whole rows that are the same; none of the first `head`. */
static size_t same_tail(struct span a, struct span b, size_t head)
{
    size_t most = (a.n < b.n ? a.n : b.n) - head;
    size_t n = 0;

    while (n + PIECE <= most && memcmp(a.p + a.n - n - PIECE, b.p + b.n - n - PIECE, PIECE) == 0)
        n += PIECE;
    while (n < most && a.p[a.n - n - 1] == b.p[b.n - n - 1])
        n++;
    while (n > 0 &&
           ((n < a.n && a.p[a.n - n - 1] != '\n') || (n < b.n && b.p[b.n - n - 1] != '\n')))
        n--;
    return n;
}

/* One pass: all of a key together. */
static int pass(struct comparing *c, enum row_key key, refs_join_fn *fn)
{
    int rc;

    refs_sort(&c->a);
    refs_sort(&c->b);
    c->a_left = 0;
    c->b_left = 0;
    rc = refs_join(&c->a, &c->b, key, fn, c);
    c->a.n = c->a_left;
    c->b.n = c->b_left;
    return rc;
}

static int compare_pairs(const void *a, const void *b)
{
    uint64_t x = ((const struct lst_pair *)a)->b;
    uint64_t y = ((const struct lst_pair *)b)->b;

    return x < y ? -1 : x > y;
}

/* What is left becomes the answer. */
static void take_left(struct refs *r, uint64_t **ret, size_t *ret_n)
{
    refs_by_place(r);
    for (size_t i = 0; i < r->n; i++)
        r->items[i] = ref_place(r->items[i]);
    *ret = r->items;
    *ret_n = r->n;
    r->items = NULL;
    r->n = 0;
}

int lst_diff(struct span a, struct span b, bool all, struct lst_diff *ret)
{
    struct lst_diff d = {.a = a, .b = b};
    struct comparing c = {.d = &d, .all = all};
    size_t head = all ? 0 : same_head(a, b);
    size_t tail = all ? 0 : same_tail(a, b, head);
    int rc;

    refs_init(&c.a, a);
    refs_init(&c.b, b);
    rc = refs_add_all(&c.a, head, a.n - tail, ROW_KEY_PATH);
    if (rc == 0)
        rc = refs_add_all(&c.b, head, b.n - tail, ROW_KEY_PATH);
    if (rc == 0)
        rc = pass(&c, ROW_KEY_PATH, join_paths);
    refs_rekey(&c.a, ROW_KEY_INDEX);
    refs_rekey(&c.b, ROW_KEY_INDEX);
    if (rc == 0)
        rc = pass(&c, ROW_KEY_INDEX, join_indices);
    if (rc == 0) {
        take_left(&c.a, &d.removed, &d.removed_n);
        take_left(&c.b, &d.added, &d.added_n);
        if (d.pair_n > 1)
            qsort(d.pairs, d.pair_n, sizeof(*d.pairs), compare_pairs);
        *ret = d;
    } else {
        lst_diff_release(&d);
    }
    refs_release(&c.a);
    refs_release(&c.b);
    return rc;
}

void lst_diff_release(struct lst_diff *d)
{
    free(d->pairs);
    free(d->removed);
    free(d->added);
    *d = (struct lst_diff){0};
}
