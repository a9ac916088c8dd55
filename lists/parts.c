/* Lists divided and shuffled by a seed. Pure. See make.h. */
#include "lists/make.h"

#include "base/mix.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>

#define ITEMS_FIRST 256
#define NO_CLASS    UINT64_MAX

/* A row, and what decides where it goes. */
struct item {
    uint64_t at;
    uint64_t group; /* the hash of its group's key */
    uint64_t label; /* its class; from `settle` on that of its group */
    uint64_t rank;  /* by the seed */
    uint32_t size;  /* from `settle` on: rows of its group */
    uint32_t part;
};

struct items {
    struct item *all;
    size_t n;
    size_t room;
};

static int add(struct items *s, const struct item *item)
{
    size_t room = s->room ? 2 * s->room : ITEMS_FIRST;

    if (s->n == s->room) {
        struct item *all = reallocarray(s->all, room, sizeof(*all));

        if (!all)
            return -ENOMEM;
        s->all = all;
        s->room = room;
    }
    s->all[s->n++] = *item;
    return 0;
}

/* Every image row. */
static int collect(struct span text, const struct lst_parts_options *opt, struct items *s)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        struct item item = {.at = (uint64_t)(row.line.p - text.p), .label = NO_CLASS};
        struct span key;

        if (row.kind != LST_ROW_IMAGE)
            continue;
        key = opt->group ? opt->group(opt->arg, row.path) : row.path;
        item.group = mix_bytes(1, key.p, key.n);
        item.rank = mix(item.group ^ mix(opt->seed + 1));
        (void)label_class(row.labels, &item.label); /* else: those without one, together */
        rc = add(s, &item);
    }
    return rc;
}

static int order(uint64_t x, uint64_t y)
{
    return x < y ? -1 : x > y;
}

static int by_group(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    return x->group != y->group ? order(x->group, y->group) : order(x->at, y->at);
}

/* Class, then the seed's order of groups. */
static int by_rank(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    if (x->label != y->label)
        return order(x->label, y->label);
    return x->rank != y->rank ? order(x->rank, y->rank) : by_group(a, b);
}

static int by_place(const void *a, const void *b)
{
    return order(((const struct item *)a)->at, ((const struct item *)b)->at);
}

static void sort(struct items *s, int (*compare)(const void *, const void *))
{
    if (s->n > 1)
        qsort(s->all, s->n, sizeof(*s->all), compare);
}

/* All rows of a group get the class of its first row, and their number. */
static void settle(struct items *s)
{
    size_t next;

    sort(s, by_group);
    for (size_t i = 0; i < s->n; i = next) {
        for (next = i; next < s->n && s->all[next].group == s->all[i].group; next++)
            s->all[next].label = s->all[i].label;
        for (size_t j = i; j < next; j++)
            s->all[j].size = (uint32_t)(next - i);
    }
}

/* The part in which this place of a whole lies. */
static uint32_t part_at(const struct lst_parts_options *opt, double place)
{
    unsigned whole = 0;
    double until = 0;

    for (size_t i = 0; i < opt->n; i++)
        whole += opt->shares[i];
    for (uint32_t i = 0; i < opt->n; i++) {
        until += (double)opt->shares[i] / whole;
        if (place < until)
            return i;
    }
    return (uint32_t)opt->n - 1;
}

/* Divide the rows of one class: each group goes where its middle lies. */
static void divide(const struct lst_parts_options *opt, struct item *rows, size_t n)
{
    size_t next;

    for (size_t i = 0; i < n; i = next) {
        uint32_t part = part_at(opt, ((double)i + rows[i].size / 2.0) / (double)n);

        for (next = i; next < n && next < i + rows[i].size; next++)
            rows[next].part = part;
    }
}

int lst_parts(struct span text, const struct lst_parts_options *opt, struct buf outs[],
              uint64_t ret_rows[])
{
    struct items s = {0};
    int rc = collect(text, opt, &s);
    size_t next;

    settle(&s);
    sort(&s, by_rank);
    for (size_t i = 0; rc == 0 && i < s.n; i = next) {
        for (next = i; next < s.n && s.all[next].label == s.all[i].label; next++)
            ;
        divide(opt, s.all + i, next - i);
    }
    sort(&s, by_place);
    for (size_t i = 0; rc == 0 && i < opt->n; i++)
        ret_rows[i] = 0;
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        rc = buf_append_span(&outs[s.all[i].part], row_line(text, (size_t)s.all[i].at));
        ret_rows[s.all[i].part]++;
    }
    free(s.all);
    return rc;
}

/* The seed's order alone. */
static int by_rank_alone(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;

    return x->rank != y->rank ? order(x->rank, y->rank) : order(x->at, y->at);
}

int lst_shuffle(struct span text, uint64_t seed, struct buf *out)
{
    const struct lst_parts_options opt = {.seed = seed};
    struct items s = {0};
    int rc = collect(text, &opt, &s);

    sort(&s, by_rank_alone);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        struct span line = row_line(text, (size_t)s.all[i].at);

        rc = buf_append_span(out, line);
        if (rc == 0 && line.p[line.n - 1] != '\n')
            rc = buf_append_byte(out, '\n');
    }
    free(s.all);
    return rc;
}
