/* The life of a path under all its names. Pure. See life.h. */
#include "journal/life.h"

#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What changed a name. */
struct step {
    uint64_t seq;
    char *mapping;
    char *from;
    char *to; /* NULL: removed */
};

/* A name, and when it was one: the records after `above` up to `last`, and the outcomes of that. */
struct span_of_name {
    const char *mapping; /* NULL: any */
    char *name;
    uint64_t above;
    uint64_t last;
};

struct life {
    struct step *steps; /* by seq */
    size_t step_count, step_room;
    struct span_of_name *spans; /* the first is the path that was asked for, at any time */
    size_t span_count, span_room;
};

/* Room for one more in an array. NULL without memory: the old one is as it was. */
static void *roomier(void *array, size_t count, size_t *room, size_t size)
{
    const size_t more = *room ? *room * 2 : 64;

    if (count < *room)
        return array;
    array = reallocarray(array, more, size);
    if (array)
        *room = more;
    return array;
}

/* A name is one for so long. The name is taken. 0 or -ENOMEM. */
static int add_span_take(struct life *l, const char *mapping, char *name, uint64_t above,
                         uint64_t last)
{
    struct span_of_name *spans =
        name ? roomier(l->spans, l->span_count, &l->span_room, sizeof *spans) : NULL;

    if (!spans) {
        free(name);
        return -ENOMEM;
    }
    l->spans = spans;
    spans[l->span_count++] = (struct span_of_name){mapping, name, above, last};
    return 0;
}

struct life *life_new(const char *path)
{
    struct life *l = calloc(1, sizeof *l);

    if (l && add_span_take(l, NULL, strdup(path), 0, UINT64_MAX)) {
        free(l);
        return NULL;
    }
    return l;
}

static void step_release(struct step *s)
{
    free(s->mapping);
    free(s->from);
    free(s->to);
}

void life_free(struct life *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->step_count; i++)
        step_release(&l->steps[i]);
    for (size_t i = 0; i < l->span_count; i++)
        free(l->spans[i].name);
    free(l->steps);
    free(l->spans);
    free(l);
}

int life_gather(struct life *l, const struct journal_record *r)
{
    const bool renamed = r->op == JOURNAL_RENAME && r->path2;
    struct step *steps, *s;

    if (r->state != JOURNAL_INTENT || !r->path || !r->mapping ||
        (!renamed && r->op != JOURNAL_REMOVE))
        return 0;
    steps = roomier(l->steps, l->step_count, &l->step_room, sizeof *steps);
    if (!steps)
        return -ENOMEM;
    l->steps = steps;
    s = &steps[l->step_count];
    *s = (struct step){r->seq, strdup(r->mapping), strdup(r->path),
                       renamed ? strdup(r->path2) : NULL};
    l->step_count++; /* what it has is freed with the rest */
    return s->mapping && s->from && (s->to || !renamed) ? 0 : -ENOMEM;
}

/* Does a step of a mapping begin at the name, or at a directory above it? */
static bool leaves(const struct step *s, const char *mapping, const char *name)
{
    return (!mapping || strcmp(s->mapping, mapping) == 0) && path_is_within(name, s->from);
}

static bool arrives(const struct step *s, const char *mapping, const char *name)
{
    return s->to && (!mapping || strcmp(s->mapping, mapping) == 0) && path_is_within(name, s->to);
}

/* The name on the other side of a step; NULL without memory. Too long a name there never was. */
static char *other_side(const char *name, const char *from, const char *to)
{
    char out[PATH_BYTES_MAX + 1];

    return path_rebase(out, sizeof out, name, from, to) == 0 ? strdup(out) : NULL;
}

/* Does the step end who had the name, by taking it away or by putting another file there? */
static bool touches(const struct step *s, const char *mapping, const char *name)
{
    return leaves(s, mapping, name) || arrives(s, mapping, name);
}

/* Step number `at` took the name elsewhere: that name until it ends, and so on. */
static int trace_forwards(struct life *l, size_t at, const char *name)
{
    while (l->steps[at].to) {
        const struct step *s = &l->steps[at];
        char *next = other_side(name, s->from, s->to);
        int code;

        for (at++; next && at < l->step_count && !touches(&l->steps[at], s->mapping, next); at++)
            ;
        code = add_span_take(l, s->mapping, next, s->seq,
                             at < l->step_count ? l->steps[at].seq : UINT64_MAX);
        if (code || at == l->step_count || !leaves(&l->steps[at], s->mapping, next))
            return code;
        name = next;
    }
    return 0;
}

/* Step number `at` brought the name from elsewhere: that name since it began, and so on. */
static int trace_backwards(struct life *l, size_t at, const char *name)
{
    for (;;) {
        const struct step *s = &l->steps[at];
        char *before = other_side(name, s->to, s->from);
        bool brought = false;
        uint64_t above = 0;
        int code;

        while (before && at > 0 && above == 0) {
            const struct step *b = &l->steps[--at];

            brought = arrives(b, s->mapping, before);
            if (brought || leaves(b, s->mapping, before))
                above = brought ? b->seq - 1 : b->seq; /* who was there before is another */
        }
        code = add_span_take(l, s->mapping, before, above, s->seq);
        if (code || !brought)
            return code;
        name = before;
    }
}

const char *life_name(const struct life *l, size_t i)
{
    return i < l->span_count ? l->spans[i].name : NULL;
}

static int compare_steps(const void *a, const void *b)
{
    const struct step *x = a, *y = b;

    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* The steps in order, each once. */
static void sort_steps(struct life *l)
{
    size_t kept = 0;

    if (l->step_count)
        qsort(l->steps, l->step_count, sizeof *l->steps, compare_steps);
    for (size_t i = 0; i < l->step_count; i++) {
        if (kept && l->steps[kept - 1].seq == l->steps[i].seq)
            step_release(&l->steps[i]);
        else
            l->steps[kept++] = l->steps[i];
    }
    l->step_count = kept;
}

int life_trace(struct life *l)
{
    int code = 0;

    sort_steps(l);
    while (l->span_count > 1)
        free(l->spans[--l->span_count].name);
    for (size_t at = 0; at < l->step_count && code == 0; at++) {
        const char *path = l->spans[0].name;

        if (leaves(&l->steps[at], NULL, path))
            code = trace_forwards(l, at, path);
        if (code == 0 && arrives(&l->steps[at], NULL, path))
            code = trace_backwards(l, at, path);
    }
    return code;
}

/* Does a path of a record speak of the name? A rename does of all that lies beneath. */
static bool speaks_of(const struct journal_record *r, const char *path, const char *name)
{
    return path &&
           (path_is_within(path, name) || (r->op == JOURNAL_RENAME && path_is_within(name, path)));
}

bool life_has(const struct life *l, const struct journal_record *r)
{
    for (size_t i = 0; i < l->span_count; i++) {
        const struct span_of_name *s = &l->spans[i];

        if (r->seq > s->above && (r->seq <= s->last || r->tx == s->last) &&
            (!s->mapping || (r->mapping && strcmp(r->mapping, s->mapping) == 0)) &&
            (speaks_of(r, r->path, s->name) || speaks_of(r, r->path2, s->name)))
            return true;
    }
    return false;
}
