/*
 * A batch of renames and removals, looked up by old path, the nearest first. Pure.
 *
 * Nearly all paths that are looked up have no change. Filters of bits, one for each key by a cheap
 * hash, say no to most of them. That of tails is asked first, of the end of a row, before anybody
 * looks where its path begins; that of directories, of each '/' of a row, where some change reaches
 * further than its own path; the last one before the map's careful hash. Names chosen to collide in
 * them only make them useless: the map decides.
 */
#include "lists/internal.h"

#include "base/map.h"
#include "base/path.h"
#include "base/word.h"
#include "lists/marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum change_kind {
    CHANGE_IMAGE,     /* this path only is now called `to` */
    CHANGE_OVER,      /* the same, and another image was there */
    CHANGE_DIRECTORY, /* this path and all within is now below `to` */
    CHANGE_REMOVE,    /* this path and all within is gone */
    CHANGE_YIELD      /* what this path only named is not there any more, but another image */
};

struct change {
    enum change_kind kind;
    size_t to_n;
    char to[]; /* to_n bytes and a NUL */
};

/* Bits that are set for keys. They are equally many in all: a power of two, at least FILTER_SPARSE
 * for each key of the batch. */
struct filters {
    uint64_t *paths; /* for each key */
    uint64_t *tails; /* for each key's tail */
    uint64_t *above; /* for the tail of each that reaches further than its own path */
    size_t bits;
};

struct lst_changes {
    struct map *map;      /* path -> struct change */
    struct map *over;     /* where images came over others -> not NULL */
    bool yields;          /* some path does: CHANGE_YIELD */
    uint64_t spreading;   /* changes that reach further than their own path */
    size_t spreading_min; /* no such change has a shorter path */
    struct filters filters;
};

#define FILTER_BITS_MIN 4096
#define FILTER_SPARSE   16 /* then one in 16 paths at most passes by chance */
#define WORD_BITS       64
#define FILTERS         3

/* Empty filters of that many bits, in one piece that begins with that of paths. 0 or -ENOMEM. */
static int filters_init(struct filters *f, size_t bits)
{
    size_t words = bits / WORD_BITS;

    f->paths = calloc(FILTERS * words, sizeof(*f->paths));
    if (!f->paths)
        return -ENOMEM;
    f->tails = f->paths + words;
    f->above = f->tails + words;
    f->bits = bits;
    return 0;
}

int lst_changes_new(struct lst_changes **ret)
{
    struct lst_changes *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->map = map_new();
    c->over = map_new();
    c->spreading_min = SIZE_MAX;
    if (!c->map || !c->over || filters_init(&c->filters, FILTER_BITS_MIN) < 0) {
        lst_changes_free(c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void lst_changes_free(struct lst_changes *c)
{
    void *change;

    if (!c)
        return;
    for (size_t at = 0; c->map && map_next(c->map, &at, NULL, NULL, &change);)
        free(change);
    map_free(c->map);
    map_free(c->over);
    free(c->filters.paths);
    free(c);
}

/* A cheap hash of a path: of its length and its last 16 bytes, where names differ. */
static uint64_t filter_hash(const char *p, size_t n)
{
    uint64_t a = 0;
    uint64_t b = 0;

    if (n >= sizeof(a)) {
        memcpy(&a, p + n - sizeof(a), sizeof(a));
        memcpy(&b, n >= 2 * sizeof(b) ? p + n - 2 * sizeof(b) : p, sizeof(b));
    } else {
        for (size_t i = 0; i < n; i++)
            a = a << 8 | (unsigned char)p[i];
    }
    a = (a ^ n) * UINT64_C(0x9e3779b97f4a7c15);
    return ((a ^ a >> 32) + b) * UINT64_C(0xd6e8feb86659fd93) >> 24;
}

#define TAIL_BYTES 16

/* Where a name begins: behind the last '/', or the TAB before the path. The word without that and
 * what is before; *ret_found: there was one. The last byte is the highest. */
static uint64_t tail_cut(uint64_t word, bool *ret_found)
{
    uint64_t found = marks_equal(word, '/') | marks_equal(word, '\t');

    *ret_found = found != 0;
    if (!found)
        return word;
    /* Shifted twice, as by all 64 bits nothing may be. */
    return word & (UINT64_MAX << marks_highest(found) << 1);
}

/* A hash of a path's tail, which is the same however the path is spelled: the last 16 bytes of its
 * last component, or all of it if it is shorter. `end` is behind TAIL_BYTES bytes. */
static uint64_t tail_hash(const char *end)
{
    bool found;
    uint64_t back = tail_cut(word_load(end - WORD_BYTES), &found);
    uint64_t front = found ? 0 : tail_cut(word_load(end - TAIL_BYTES), &found);

    back *= UINT64_C(0x9e3779b97f4a7c15);
    return ((back ^ back >> 32) + front) * UINT64_C(0xd6e8feb86659fd93) >> 24;
}

/* The same of a path or row that may be shorter. */
static uint64_t tail_hash_of(const char *p, size_t n)
{
    char tail[TAIL_BYTES];

    if (n >= TAIL_BYTES)
        return tail_hash(p + n);
    memset(tail, '/', sizeof(tail));
    memcpy(tail + sizeof(tail) - n, p, n);
    return tail_hash(tail + sizeof(tail));
}

/* Set the bit of a hash. */
static void filter_set(uint64_t *filter, size_t bits, uint64_t hash)
{
    size_t bit = hash & (bits - 1);

    filter[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

/* There may be a key of this hash; false is certain. */
static bool filter_passes(const uint64_t *filter, size_t bits, uint64_t hash)
{
    size_t bit = hash & (bits - 1);

    return filter[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

/* 1 if the change reaches further than its own path. */
static uint64_t spreads(const struct change *change)
{
    return change->kind == CHANGE_DIRECTORY || change->kind == CHANGE_REMOVE;
}

/* Remember a key. */
static void filters_add(struct filters *f, const char *p, size_t n, bool spreading)
{
    uint64_t tail = tail_hash_of(p, n);

    filter_set(f->paths, f->bits, filter_hash(p, n));
    filter_set(f->tails, f->bits, tail);
    if (spreading)
        filter_set(f->above, f->bits, tail);
}

/* Make the filters large enough for one key more. 0 or -ENOMEM. */
static int filters_reserve(struct lst_changes *c)
{
    struct filters larger;
    const void *key;
    void *change;
    size_t n;

    if ((map_count(c->map) + 1) * FILTER_SPARSE <= c->filters.bits)
        return 0;
    if (filters_init(&larger, c->filters.bits * 2) < 0)
        return -ENOMEM;
    for (size_t at = 0; map_next(c->map, &at, &key, &n, &change);)
        filters_add(&larger, key, n, spreads(change));
    free(c->filters.paths);
    c->filters = larger;
    return 0;
}

/* A path that a change can be made of: below the root, not the root itself. */
static int check(const char *path)
{
    return *path == '\0' ? ERR_SYNTAX : path_check(path);
}

/* Set the change of a path. */
static int put(struct lst_changes *c, enum change_kind kind, const char *from, const char *to)
{
    size_t to_n = strlen(to);
    void *old = NULL;
    struct change *change;
    int rc = check(from);

    if (rc == 0)
        rc = filters_reserve(c);
    if (rc < 0)
        return rc;
    change = malloc(sizeof(*change) + to_n + 1);
    if (!change)
        return -ENOMEM;
    change->kind = kind;
    change->to_n = to_n;
    memcpy(change->to, to, to_n + 1);
    rc = map_put_str(c->map, from, change, &old);
    if (rc < 0) {
        free(change);
        return rc;
    }
    filters_add(&c->filters, from, strlen(from), spreads(change));
    c->spreading += spreads(change);
    if (spreads(change) && strlen(from) < c->spreading_min)
        c->spreading_min = strlen(from);
    if (old)
        c->spreading -= spreads(old);
    free(old);
    return 0;
}

/* Set a rename. A row cannot hold TAB, CR or LF in its path. */
static int put_rename(struct lst_changes *c, enum change_kind kind, const char *from,
                      const char *to)
{
    int rc = check(to);

    if (rc < 0)
        return rc;
    if (strpbrk(to, "\t\r\n"))
        return ERR_SYNTAX;
    return put(c, kind, from, to);
}

int lst_changes_rename(struct lst_changes *c, const char *from, const char *to)
{
    return put_rename(c, CHANGE_IMAGE, from, to);
}

int lst_changes_rename_over(struct lst_changes *c, const char *from, const char *to)
{
    int rc = put_rename(c, CHANGE_OVER, from, to);

    return rc ? rc : map_put_str(c->over, to, c, NULL);
}

int lst_changes_rename_directory(struct lst_changes *c, const char *from, const char *to)
{
    return put_rename(c, CHANGE_DIRECTORY, from, to);
}

int lst_changes_remove(struct lst_changes *c, const char *path)
{
    return put(c, CHANGE_REMOVE, path, "");
}

int lst_changes_yield(struct lst_changes *c, const char *path)
{
    c->yields = true;
    return put(c, CHANGE_YIELD, path, "");
}

uint64_t lst_changes_count(const struct lst_changes *c)
{
    return map_count(c->map);
}

bool changes_next(const struct lst_changes *c, size_t *at, struct span *ret_from)
{
    const void *key;

    if (!map_next(c->map, at, &key, &ret_from->n, NULL))
        return false;
    ret_from->p = key;
    return true;
}

/* The hash of what ends here, in a row that begins at `begin`. Where there is room before, in a row
 * before or in its own, that is looked at: a tail ends at the TAB in any case. */
static uint64_t tail_hash_in(struct span in, const char *begin, const char *end)
{
    return end - in.p >= TAIL_BYTES ? tail_hash(end) : tail_hash_of(begin, (size_t)(end - begin));
}

/* Which of the '/' in these bytes of a row may end a directory that is long enough for a change. */
static uint64_t slashes_that_count(const struct lst_changes *c, const struct marks *m,
                                   uint64_t tabs)
{
    uint64_t slashes = marks_find(m, '/');
    size_t path;

    if (!tabs)
        return slashes;
    path = marks_highest(tabs) + 1;
    return c->spreading_min >= MARKS_MAX - path ? 0
                                                : slashes & ~marks_below(path + c->spreading_min);
}

/* The change of some directory of the row may reach its path. From the end on, up to the TAB. */
static bool may_be_below(const struct lst_changes *c, struct span in, const char *begin,
                         const char *end)
{
    const struct filters *f = &c->filters;
    uint64_t tabs = 0;

    while (!tabs && end > begin) {
        size_t n = end - begin < MARKS_MAX ? (size_t)(end - begin) : MARKS_MAX;
        struct marks m;
        uint64_t slashes;

        marks_load(&m, end -= n, n);
        tabs = marks_find(&m, '\t');
        for (slashes = slashes_that_count(c, &m, tabs); slashes; slashes &= slashes - 1)
            if (filter_passes(f->above, f->bits,
                              tail_hash_in(in, begin, end + marks_lowest(slashes))))
                return true;
    }
    return false;
}

unsigned changes_reach(const struct lst_changes *c, struct span in, struct span line)
{
    const struct filters *f = &c->filters;
    const char *end = line.p + line.n;

    while (end > line.p && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    return (filter_passes(f->tails, f->bits, tail_hash_in(in, line.p, end)) ? CHANGES_OWN : 0) |
           (c->spreading > 0 && may_be_below(c, in, line.p, end) ? CHANGES_ABOVE : 0);
}

/* The change of exactly this path, or NULL. */
static const struct change *get(const struct lst_changes *c, const char *p, size_t n)
{
    const struct filters *f = &c->filters;

    return filter_passes(f->paths, f->bits, filter_hash(p, n)) ? map_get(c->map, p, n) : NULL;
}

/* The nearest change to a normal path: its own, or that of the deepest directory above it. */
static bool find_nearest(const struct lst_changes *c, unsigned reach, struct span normal,
                         struct change_hit *ret)
{
    size_t n = normal.n;
    const struct change *change = reach & CHANGES_OWN ? get(c, normal.p, n) : NULL;

    while (!change && reach & CHANGES_ABOVE && c->spreading > 0 && n > c->spreading_min) {
        const char *slash = memrchr(normal.p, '/', n);

        if (!slash)
            return false;
        n = (size_t)(slash - normal.p);
        change = get(c, normal.p, n);
        if (change && !spreads(change))
            change = NULL; /* an image's rename says nothing of paths below it */
    }
    if (!change)
        return false;
    *ret = (struct change_hit){change, normal, n};
    return true;
}

bool changes_find(const struct lst_changes *c, unsigned reach, struct span path, char *scratch,
                  struct change_hit *ret)
{
    if (!path_is_normal(path)) {
        if (lst_path_normal(path, scratch, PATH_BYTES_MAX + 1) < 0)
            return false;
        path = span_of(scratch);
    }
    return find_nearest(c, reach, path, ret);
}

bool change_is_over(const struct change_hit *hit)
{
    return hit->change->kind == CHANGE_OVER;
}

bool changes_any_over(const struct lst_changes *c)
{
    return map_count(c->over) > 0;
}

bool changes_come_over(const struct lst_changes *c, struct span normal)
{
    return map_get(c->over, normal.p, normal.n);
}

bool change_yields(const struct change_hit *hit)
{
    return hit->change->kind == CHANGE_YIELD;
}

bool changes_any_yield(const struct lst_changes *c)
{
    return c->yields;
}

enum lst_fate change_fate(const struct change_hit *hit, char *out, size_t size)
{
    const struct change *change = hit->change;
    size_t rest_n = hit->normal.n - hit->from_n;

    if (change->kind == CHANGE_REMOVE || change->kind == CHANGE_YIELD)
        return LST_DROP;
    if (change->to_n == hit->from_n && memcmp(change->to, hit->normal.p, hit->from_n) == 0)
        return LST_KEEP; /* it keeps its name, whatever becomes of the directory above */
    if (change->to_n + rest_n >= size)
        return LST_KEEP; /* no file can have that path */
    memcpy(out, change->to, change->to_n);
    memcpy(out + change->to_n, hit->normal.p + hit->from_n, rest_n);
    out[change->to_n + rest_n] = '\0';
    return LST_RENAME;
}

enum lst_fate lst_changes_fate(const struct lst_changes *c, const char *path, char *out,
                               size_t size)
{
    char scratch[PATH_BYTES_MAX + 1];
    struct change_hit hit;

    if (!changes_find(c, CHANGES_ANY, span_of(path), scratch, &hit))
        return LST_KEEP;
    return change_fate(&hit, out, size);
}
