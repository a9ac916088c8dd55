/* Pure. What events told of places, in their order. See ways.h. */
#include "agent/core/ways.h"

#include "base/map.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One leaving of a place, or one name in a list. */
struct way {
    struct way *next;            /* the one that came after it, of all */
    struct way *earlier, *later; /* leavings of the same place */
    uint64_t moment;
    struct file_id file; /* of a name; see ways_named */
    size_t bytes;
    const char *to; /* NULL: see ways_note */
    char from[];
};

/* In the order in which they came; of each place the last is in the table. */
struct ways_queue {
    struct map *last;
    struct way *first, **end;
    size_t count, max, bytes;
};

struct ways {
    struct ways_queue dirs, files, named;
    uint64_t now, cleared;
    uint64_t lost;    /* names from before that moment tell nothing */
    uint64_t gone_on; /* see ways_gone_on */
};

static int queue_init(struct ways_queue *q, size_t max)
{
    *q = (struct ways_queue){.last = map_new(), .max = max};
    q->end = &q->first;
    return q->last ? 0 : -ENOMEM;
}

/* Forget the oldest. Its moment. */
static uint64_t queue_drop(struct ways_queue *q)
{
    struct way *one = q->first;
    const uint64_t moment = one->moment;

    q->first = one->next;
    if (!q->first)
        q->end = &q->first;
    if (one->later)
        one->later->earlier = NULL;
    else
        map_remove_str(q->last, one->from);
    q->count--;
    q->bytes -= one->bytes;
    free(one);
    return moment;
}

static void queue_clear(struct ways_queue *q)
{
    while (q->first)
        (void)queue_drop(q); /* all of them */
}

/* A new one, the last of its place. *ret_lost: the moment behind the last that was forgotten. */
static int queue_add(struct ways_queue *q, const char *from, const char *to, uint64_t moment,
                     uint64_t *ret_lost)
{
    const size_t from_n = strlen(from) + 1, to_n = to ? strlen(to) + 1 : 0;
    struct way *one = calloc(1, sizeof *one + from_n + to_n);
    void *before = NULL;

    if (!one || map_put_str(q->last, from, one, &before)) {
        free(one);
        return -ENOMEM;
    }
    memcpy(one->from, from, from_n);
    if (to)
        one->to = memcpy(one->from + from_n, to, to_n);
    one->moment = moment;
    one->bytes = from_n + to_n;
    one->earlier = before;
    if (one->earlier)
        one->earlier->later = one;
    *q->end = one;
    q->end = &one->next;
    q->bytes += one->bytes;
    q->count++;
    while (q->count > q->max || (q->bytes > WAYS_BYTES_MAX && q->count > 1))
        *ret_lost = queue_drop(q) + 1;
    return 0;
}

struct ways *ways_new(void)
{
    struct ways *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->now = 1;
    if (queue_init(&w->dirs, WAYS_DIRS_MAX) == 0 && queue_init(&w->files, WAYS_FILES_MAX) == 0 &&
        queue_init(&w->named, WAYS_NAMED_MAX) == 0)
        return w;
    ways_free(w);
    return NULL;
}

void ways_free(struct ways *w)
{
    if (!w)
        return;
    ways_clear(w);
    map_free(w->dirs.last);
    map_free(w->files.last);
    map_free(w->named.last);
    free(w);
}

void ways_clear(struct ways *w)
{
    queue_clear(&w->dirs);
    queue_clear(&w->files);
    queue_clear(&w->named);
    w->lost = w->cleared = w->now;
    w->gone_on = 0;
}

/* Does a directory of that key end so? */
static bool is_directory(const char *key)
{
    const size_t n = strlen(key);

    return n && key[n - 1] == '/';
}

int ways_note(struct ways *w, const char *from, const char *to)
{
    const uint64_t moment = w->now++;
    uint64_t lost = 0;
    int rc = queue_add(is_directory(from) ? &w->dirs : &w->files, from, to, moment, &lost);

    if (lost > w->lost) /* files and directories are forgotten each in their order */
        w->lost = lost;
    if (rc == 0 && to)
        w->gone_on = moment;
    return rc;
}

uint64_t ways_now(const struct ways *w)
{
    return w->now;
}

uint64_t ways_gone_on(const struct ways *w)
{
    return w->gone_on;
}

bool ways_forgot(const struct ways *w)
{
    return w->lost > w->cleared;
}

/* The first leaving of this very place from that moment on. */
static const struct way *left_since(const struct ways_queue *q, const char *from, uint64_t moment)
{
    const struct way *one = map_get_str(q->last, from);

    if (!one || one->moment < moment)
        return NULL;
    while (one->earlier && one->earlier->moment >= moment)
        one = one->earlier;
    return one;
}

/* The next directory on the key's way from `at`, which begins with the key; `dir` is its own key.
 * It ends there. NULL: there is none. */
static const char *next_dir(const char *key, const char *at, char dir[PATH_BYTES_MAX + 1])
{
    at = strchr(at, '/');
    if (!at || (size_t)(at - key) + 2 > PATH_BYTES_MAX + 1)
        return NULL;
    at++;
    memcpy(dir, key, (size_t)(at - key));
    dir[at - key] = '\0';
    return at;
}

/* The moment of the last leaving of this very place before that moment; 0. */
static uint64_t left_before(const struct ways_queue *q, const char *from, uint64_t before)
{
    const struct way *one = map_get_str(q->last, from);

    while (one && one->moment >= before)
        one = one->earlier;
    return one ? one->moment : 0;
}

uint64_t ways_left(const struct ways *w, const char *key, uint64_t before)
{
    uint64_t last = left_before(&w->files, key, before);
    char dir[PATH_BYTES_MAX + 1];

    for (const char *at = key; (at = next_dir(key, at, dir));) {
        const uint64_t moment = left_before(&w->dirs, dir, before);

        last = moment > last ? moment : last;
    }
    return last;
}

enum ways_step ways_on(const struct ways *w, const char *key, uint64_t moment, char *out,
                       size_t size, uint64_t *ret)
{
    const struct way *first = left_since(&w->files, key, moment);
    char dir[PATH_BYTES_MAX + 1];

    for (const char *at = key; (at = next_dir(key, at, dir));) {
        const struct way *one = left_since(&w->dirs, dir, moment);

        if (one && (!first || one->moment < first->moment))
            first = one;
    }
    if (!first)
        return WAYS_STAYED;
    *ret = first->moment + 1;
    if (!first->to)
        return is_directory(first->from) ? WAYS_LOST : WAYS_ENDED;
    return snprintf(out, size, "%s%s", first->to, key + strlen(first->from)) < (int)size
               ? WAYS_LEFT
               : WAYS_LOST;
}

uint64_t ways_led(const struct ways *w, const char *from, const char *to, uint64_t before)
{
    uint64_t left = ways_left(w, from, before), at = left;
    char key[PATH_BYTES_MAX + 1], next[PATH_BYTES_MAX + 1];

    if (!left || snprintf(key, sizeof key, "%s", from) >= (int)sizeof key)
        return 0;
    for (int steps = 0; steps < WAYS_STEPS_MAX && at < before; steps++) {
        if (ways_on(w, key, at, next, sizeof next, &at) != WAYS_LEFT || at > before)
            return 0;
        if (strcmp(next, to) == 0)
            return left;
        memcpy(key, next, strlen(next) + 1);
    }
    return 0;
}

int ways_named(struct ways *w, const char *key, uint64_t moment, struct file_id file)
{
    struct way *one = map_get_str(w->named.last, key);
    uint64_t lost;
    int rc = one ? 0 : queue_add(&w->named, key, NULL, moment, &lost);

    if (rc)
        return rc;
    one = map_get_str(w->named.last, key);
    if (one->moment <= moment) {
        one->moment = moment;
        one->file = file;
    }
    return 0;
}

uint64_t ways_named_at(const struct ways *w, const char *key, struct file_id *ret_file)
{
    const struct way *one = map_get_str(w->named.last, key);

    if (!one || one->moment < w->lost)
        return 0;
    *ret_file = one->file;
    return one->moment;
}
