/* Shell. Where images went of which rows were rewritten lately. See departed.h. */
#include "agent/service/departed.h"

#include "agent/service/hashed.h"
#include "agent/service/stored.h"
#include "base/clock.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of the meta values: of what left a key, and of a key that rows of lists were rewritten to.
 * Each is by the key's SHA-256 or, where it is short enough, by the key itself, so that what lies
 * together is written together. */
#define PREFIX    "departed"
#define KEY_MAX   (DEPARTED_NAME_SIZE - sizeof PREFIX - 1)
#define NAME_SIZE DEPARTED_NAME_SIZE

struct name_kind {
    const char *by_hash, *by_key;
};

static const struct name_kind left = {PREFIX "#", PREFIX "="};
static const struct name_kind reached = {PREFIX "*", PREFIX ">"};

struct departed {
    int64_t at_s; /* below 0: the same, in doubt */
    uint32_t keep_s;
    char to[PATH_BYTES_MAX + 1]; /* stored without what follows the NUL; where it was redirected,
                                    that is an int64_t, when that pass began. Of `reached`: the
                                    paths of which the notes lead there, the youngest first, each
                                    with its NUL, as many as find room (older versions: one, or
                                    none) */
};

#define HEAD offsetof(struct departed, to)

/* What a key's note is called. */
static void note_name(const struct name_kind *kind, const char *key, char out[NAME_SIZE])
{
    _Static_assert(NAME_SIZE >= HASHED_NAME_SIZE, "either name fits");
    if (strlen(key) > KEY_MAX)
        hashed_name(kind->by_hash, key, out);
    else
        (void)path_prefix(out, NAME_SIZE, kind->by_key, key); /* fits */
}

/* It is as old as what is not remembered any more, or is none. */
static bool is_old(const struct departed *d, int64_t now_s)
{
    return now_s - llabs(d->at_s) > d->keep_s || d->keep_s > DEPARTED_S;
}

/* What is noted of a key. */
static int note_get(struct index *ix, const struct name_kind *kind, const char *key,
                    struct departed *ret, size_t *ret_size)
{
    char name[NAME_SIZE];

    note_name(kind, key, name);
    *ret_size = sizeof *ret;
    return index_meta_get(ix, name, ret, ret_size);
}

/* One note of a key. */
static int note_store(struct index *ix, const struct name_kind *kind, const char *key,
                      const struct departed *d)
{
    char name[NAME_SIZE];

    note_name(kind, key, name);
    return index_meta_put(ix, name, d, HEAD + strlen(d->to) + 1);
}

/* The same, of a note that leads elsewhere since a pass that began then. */
static int note_redirect(struct index *ix, const char *key, const struct departed *d,
                         int64_t began_us)
{
    char name[NAME_SIZE];
    struct departed with = *d;
    const size_t n = HEAD + strlen(d->to) + 1;

    if (n + sizeof began_us > sizeof with)
        return note_store(ix, &left, key, d); /* without it */
    note_name(&left, key, name);
    memcpy((char *)&with + n, &began_us, sizeof began_us);
    return index_meta_put(ix, name, &with, n + sizeof began_us);
}

/* When the pass began that redirected a note, of so many bytes; 0: none did. */
static int64_t redirected_us(const struct departed *d, size_t size)
{
    const size_t n = HEAD + strlen(d->to) + 1;
    int64_t began_us = 0;

    if (size == n + sizeof began_us)
        memcpy(&began_us, (const char *)d + n, sizeof began_us);
    return began_us;
}

/* The key of the path beside the first `prefix` bytes of this one. False: it is too long. */
static bool key_beside(char out[STORED_KEY_MAX + 1], const char *key, size_t prefix,
                       const char *path)
{
    return snprintf(out, STORED_KEY_MAX + 1, "%.*s%s", (int)prefix, key, path) <= STORED_KEY_MAX;
}

/* The first of the paths of `reached` (at: NULL), or the one behind that; NULL: there are no more.
 * size: of the whole note. */
static const char *path_next(const struct departed *came, size_t size, const char *at)
{
    const char *end = (const char *)came + size;

    at = at ? at + strlen(at) + 1 : came->to;
    return at < end && *at && !end[-1] ? at : NULL;
}

#define LEADING_MAX 16 /* paths that lead to one */

/* One more path, unless it is among them or does not find room. */
static void path_add(struct departed *came, size_t *size, const char *path)
{
    size_t n = strlen(path) + 1, count = 0;

    for (const char *at = NULL; (at = path_next(came, *size, at)) != NULL; count++)
        if (strcmp(at, path) == 0)
            return;
    if (n == 1 || count == LEADING_MAX || *size + n > sizeof *came)
        return;
    memcpy((char *)came + *size, path, n);
    *size += n;
}

/* What a list named has left the path of this key for `to`, and is there by its note. */
static bool leads_to(struct index *ix, const char *key, const char *to, struct departed *ret,
                     size_t *ret_size)
{
    size_t n;

    *ret_size = 0;
    return note_get(ix, &left, key, ret, &n) == 0 && (*ret_size = n) > HEAD &&
           ret->keep_s == DEPARTED_S && strcmp(ret->to, to) == 0;
}

/* Note what leads to the path `to` beside this key: `came`, of so many bytes, and what led there
 * before and still does. */
static int reached_put(struct index *ix, const char *key, size_t prefix, const char *to,
                       struct departed *came, size_t size)
{
    char went[STORED_KEY_MAX + 1], from[STORED_KEY_MAX + 1], name[NAME_SIZE];
    struct departed before, d;
    size_t n, left_n;

    if (!to[0] || !key_beside(went, key, prefix, to))
        return 0;
    if (note_get(ix, &reached, went, &before, &n) == 0)
        for (const char *at = NULL; (at = path_next(&before, n, at)) != NULL;)
            if (key_beside(from, key, prefix, at) && leads_to(ix, from, to, &d, &left_n))
                path_add(came, &size, at);
    note_name(&reached, went, name);
    return index_meta_put(ix, name, came, size);
}

/* What waits for the end of a pass. Behind it stand the key, the path `to`, each with its NUL, and
 * the paths that lead there with this one. */
enum waiting_kind {
    WAITS_REDIRECT, /* the note of what left the key before, and is at `to` now */
    WAITS_NOTE,     /* as departed_note has it */
    WAITS_REACHED   /* as departed_lead_on has it */
};

struct waiting {
    enum waiting_kind kind;
    uint32_t keep_s;
    int64_t at_s;
    size_t prefix, key_n, to_n, came_n;
};

void departed_begin(struct departed_pass *pass, int64_t now_us, int64_t run_us)
{
    *pass = (struct departed_pass){.now_us = now_us, .run_us = run_us};
    buf_init(&pass->waiting, SIZE_MAX);
}

/* came: the paths of which the notes lead to d->to with this one, of so many bytes with what stands
 * before them. */
static int wait(struct departed_pass *pass, enum waiting_kind kind, const char *key, size_t prefix,
                const struct departed *d, const struct departed *came, size_t size)
{
    const struct waiting w = {.kind = kind,
                              .keep_s = d->keep_s,
                              .at_s = d->at_s,
                              .prefix = prefix,
                              .key_n = strlen(key) + 1,
                              .to_n = strlen(d->to) + 1,
                              .came_n = size - HEAD};
    int rc = buf_append(&pass->waiting, &w, sizeof w);

    rc = rc ? rc : buf_append(&pass->waiting, key, w.key_n);
    rc = rc ? rc : buf_append(&pass->waiting, d->to, w.to_n);
    return rc || !w.came_n ? rc : buf_append(&pass->waiting, came->to, w.came_n);
}

/* Store what waits. A redirected note is as it was when it was found, unless the pass made another
 * one of it. */
static int waiting_store(struct index *ix, const struct departed_pass *pass,
                         const struct waiting *w, const char *key)
{
    struct departed d, came = {.at_s = w->at_s, .keep_s = w->keep_s}, was;
    const char *to = key + w->key_n;
    size_t n;
    int rc = 0;

    d.at_s = w->at_s;
    d.keep_s = w->keep_s;
    memcpy(d.to, to, w->to_n);
    memcpy(came.to, to + w->to_n, w->came_n);
    if (w->kind == WAITS_REDIRECT)
        return note_get(ix, &left, key, &was, &n) == 0 && was.keep_s == DEPARTED_S
                   ? note_redirect(ix, key, &d, pass->now_us)
                   : 0;
    if (w->kind == WAITS_NOTE)
        rc = note_store(ix, &left, key, &d);
    return rc ? rc : reached_put(ix, key, w->prefix, d.to, &came, HEAD + w->came_n);
}

int departed_store(struct departed_pass *pass, struct index *ix, size_t count)
{
    int rc = 0;

    for (size_t n = 0; rc == 0 && n < count; n++) {
        const char *key;
        struct waiting w;

        if (pass->at == pass->waiting.len && pass->redirected)
            return 0;
        if (pass->at == pass->waiting.len) {
            pass->redirected = true;
            pass->at = 0;
            continue;
        }
        memcpy(&w, pass->waiting.data + pass->at, sizeof w);
        key = pass->waiting.data + pass->at + sizeof w;
        pass->at += sizeof w + w.key_n + w.to_n + w.came_n;
        if ((w.kind == WAITS_REDIRECT) != pass->redirected)
            rc = waiting_store(ix, pass, &w, key);
    }
    return rc ? rc : 1;
}

void departed_end(struct departed_pass *pass)
{
    buf_release(&pass->waiting);
}

/* This very pass led the note on, before a crash. */
static bool is_led_on(const struct departed_pass *pass, const struct departed *d, size_t size)
{
    const int64_t us = redirected_us(d, size);

    return pass->again_us && us >= pass->again_us && us < pass->run_us;
}

/* What leads to the path of the key will lead to `to`: the notes will say so, for another image may
 * be in between soon. ret_came: those notes' paths, behind those that it has; *size: its bytes. */
static int redirect(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                    const char *to, const struct departed *before, size_t before_n,
                    struct departed *ret_came, size_t *size)
{
    char from[STORED_KEY_MAX + 1];
    struct departed d;
    size_t n;
    int rc = 0;

    for (const char *at = NULL; rc == 0 && (at = path_next(before, before_n, at)) != NULL;) {
        if (strcmp(at, to) == 0 || !key_beside(from, key, prefix, at) ||
            !leads_to(ix, from, key + prefix, &d, &n) || is_led_on(pass, &d, n))
            continue;
        snprintf(d.to, sizeof d.to, "%s", to);
        rc = wait(pass, WAITS_REDIRECT, from, prefix, &d, NULL, HEAD);
        path_add(ret_came, size, at);
    }
    return rc;
}

/* Rows leave the key's path for another one, which is remembered for so long where no list names
 * it. noted: it is by a note of the key. 0 or a negative code. */
static int leave(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                 const char *to, int64_t now_s, uint32_t keep_s, bool noted)
{
    struct departed d = {.at_s = now_s, .keep_s = keep_s}, before, came = {.at_s = 0};
    size_t n, size = HEAD;
    int rc = 0;

    if (snprintf(d.to, sizeof d.to, "%s", to ? to : "") >= (int)sizeof d.to)
        return -ENAMETOOLONG;
    if (noted)
        path_add(&came, &size, key + prefix);
    if (note_get(ix, &reached, key, &before, &n) == 0 && n >= HEAD && !is_old(&before, now_s)) {
        d.keep_s = DEPARTED_S;
        rc = redirect(ix, pass, key, prefix, d.to, &before, n, &came, &size);
    }
    if (rc || d.keep_s == DEPARTED_S)
        return rc ? rc
                  : wait(pass, noted ? WAITS_NOTE : WAITS_REACHED, key, prefix, &d, &came, size);
    return noted ? note_store(ix, &left, key, &d) : 0;
}

int departed_note(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                  const char *to, int64_t now_s, uint32_t keep_s)
{
    return leave(ix, pass, key, prefix, to, now_s, keep_s, true);
}

int departed_note_alone(struct index *ix, const char *key, size_t prefix, const char *to,
                        int64_t now_s, uint32_t keep_s)
{
    struct departed_pass pass;
    int rc;

    departed_begin(&pass, now_s * US_PER_S, 0);
    rc = departed_note(ix, &pass, key, prefix, to, now_s, keep_s);
    rc = rc ? rc : departed_store(&pass, ix, SIZE_MAX);
    departed_end(&pass);
    return rc;
}

int departed_lead_on(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                     const char *to, int64_t now_s)
{
    return leave(ix, pass, key, prefix, to, now_s, 0, false);
}

int departed_listed(struct index *ix, const char *key, size_t prefix)
{
    struct departed d, came = {.at_s = 0};
    size_t n, size = HEAD;
    int rc = note_get(ix, &left, key, &d, &n);

    if (rc)
        return rc == -ENOENT ? 0 : rc;
    if (n <= HEAD || d.keep_s == DEPARTED_S)
        return 0;
    d.keep_s = came.keep_s = DEPARTED_S;
    came.at_s = d.at_s;
    path_add(&came, &size, key + prefix);
    rc = note_store(ix, &left, key, &d);
    return rc ? rc : reached_put(ix, key, prefix, d.to, &came, size);
}

int departed_forget(struct index *ix, const char *key)
{
    char name[NAME_SIZE];

    note_name(&left, key, name);
    return index_meta_remove(ix, name);
}

/* The path of a note of so many bytes. False: it has none, or that does not fit. */
static bool to_copy(const struct departed *d, size_t n, char *to, size_t size)
{
    const size_t length = n > HEAD ? strnlen(d->to, n - HEAD) : SIZE_MAX;

    if (length >= size || HEAD + length >= n)
        return false;
    memcpy(to, d->to, length + 1);
    return true;
}

bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size)
{
    char name[NAME_SIZE];
    struct departed d;
    size_t n = sizeof d;

    note_name(&left, key, name);
    return index_view_meta(v, name, &d, &n) == 0 && !is_old(&d, now_s) && to_copy(&d, n, to, size);
}

bool departed_since(struct index *ix, const char *key, int64_t since_s, enum departed_where where)
{
    struct departed d;
    size_t n;

    return note_get(ix, &left, key, &d, &n) == 0 && n > HEAD &&
           (where == DEPARTED_ANYWHERE || d.to[0]) && d.at_s >= since_s;
}

bool departed_to(struct index *ix, const char *key, char *to, size_t size)
{
    struct departed d;
    size_t n;

    return note_get(ix, &left, key, &d, &n) == 0 && to_copy(&d, n, to, size) && to[0];
}

/* A piece of a sweep: those that are too old, or (doubt) what left since then. */
struct sweep {
    int64_t time_s;
    bool doubt;
    size_t looked_at;
    struct buf names; /* each with a NUL */
    char *next;
};

#define SWEEP_MOST 2000

/* Is this what the sweep is for? */
static bool is_swept(const struct sweep *s, const char *name, const struct departed *d)
{
    const char kind = name[sizeof PREFIX - 1];

    if (!s->doubt)
        return is_old(d, s->time_s);
    return d->at_s >= s->time_s &&
           (kind == left.by_hash[sizeof PREFIX - 1] || kind == left.by_key[sizeof PREFIX - 1]);
}

/* index_meta_fn. 1: so many are enough. */
static int sweep_one(void *arg, struct span name, struct span value)
{
    struct sweep *s = arg;
    struct departed d = {.keep_s = 0};
    int rc;

    if (name.n >= NAME_SIZE || name.n < sizeof PREFIX)
        return 0; /* not of ours */
    if (s->looked_at++ == SWEEP_MOST) {
        snprintf(s->next, NAME_SIZE, "%.*s", (int)name.n, name.p);
        return 1;
    }
    if (value.n >= HEAD)
        memcpy(&d, value.p, HEAD);
    if (!is_swept(s, name.p, &d))
        return 0;
    rc = buf_append_span(&s->names, name);
    return rc ? rc : buf_append_byte(&s->names, 0);
}

/* What is noted under this name is in doubt. */
static int doubt_one(struct index *ix, const char *name)
{
    struct departed d;
    size_t n = sizeof d;
    int rc = index_meta_get(ix, name, &d, &n);

    d.at_s = -d.at_s;
    return rc ? rc : index_meta_put(ix, name, &d, n);
}

/* The next piece, from s->next on, which is "" when that was the last. *ret_found: there were such.
 */
static int sweep_piece(struct index *ix, struct sweep *s, bool *ret_found)
{
    char from[NAME_SIZE];
    int rc;

    buf_init(&s->names, SIZE_MAX);
    snprintf(from, sizeof from, "%s", s->next);
    s->next[0] = '\0';
    s->looked_at = 0;
    rc = index_meta_each(ix, PREFIX, from[0] ? from : NULL, sweep_one, s);
    if (rc == 1)
        rc = 0;
    *ret_found = s->names.len > 0;
    for (const char *name = s->names.data; rc == 0 && name && name < s->names.data + s->names.len;
         name += strlen(name) + 1)
        rc = s->doubt ? doubt_one(ix, name) : index_meta_remove(ix, name);
    buf_release(&s->names);
    return rc;
}

int departed_expire(struct index *ix, int64_t now_s, struct departed_sweep *sweep,
                    bool *ret_expired)
{
    struct sweep s = {.time_s = now_s, .next = sweep->next};

    return sweep_piece(ix, &s, ret_expired);
}

int departed_doubt(struct index *ix, int64_t since_s)
{
    char next[NAME_SIZE] = "";
    struct sweep s = {.time_s = since_s, .doubt = true, .next = next};
    bool found;
    int rc;

    do
        rc = sweep_piece(ix, &s, &found);
    while (rc == 0 && next[0]);
    return rc;
}

int departed_confirm(struct index *ix, const char *key)
{
    char name[NAME_SIZE];
    struct departed d;
    size_t n;
    int rc = note_get(ix, &left, key, &d, &n);

    if (rc || n <= HEAD || d.at_s >= 0)
        return rc == -ENOENT ? 0 : rc;
    note_name(&left, key, name);
    d.at_s = -d.at_s;
    return index_meta_put(ix, name, &d, n);
}
