/* Finding the life of a path. Shell. See search.h. */
#include "journal/search.h"

#include "base/err.h"
#include "base/json.h"
#include "base/path.h"
#include "journal/glance.h"
#include "journal/sieve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Copies of runs of bytes. */
struct texts {
    struct buf *list;
    size_t count;
};

/* Add one. 0 or -ENOMEM. */
static int texts_add(struct texts *t, const char *p, size_t n)
{
    struct buf *list = reallocarray(t->list, t->count + 1, sizeof *list);

    if (!list)
        return -ENOMEM;
    t->list = list;
    buf_init(&list[t->count], n);
    t->count++;
    return buf_append(&list[t->count - 1], p, n);
}

static bool texts_have(const struct texts *t, const char *p, size_t n)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].len == n && (n == 0 || memcmp(t->list[i].data, p, n) == 0))
            return true;
    return false;
}

static void texts_release(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        buf_release(&t->list[i]);
    free(t->list);
    *t = (struct texts){0};
}

/* What a search for renames and removals has done so far. */
struct gathering {
    struct life *life;
    struct texts asked; /* names that were looked for */
    struct journal_keys keys;
    struct texts segments; /* that have no index: all of theirs is gathered */
    int code;
};

/* journal_sieve's: each segment without an index is read once. */
static bool read_once(void *arg, struct journal_name name)
{
    struct gathering *g = arg;
    char file[JOURNAL_FILE_SIZE];
    const size_t n = strlen(journal_name_format(name, file));

    if (texts_have(&g->segments, file, n))
        return false;
    g->code = texts_add(&g->segments, file, n);
    return true;
}

/* journal_sieve's: is this a rename or a removal? What cannot be told may be. */
static bool is_step(void *arg, struct span line)
{
    struct journal_glance g;

    (void)arg;
    return !journal_line_glance(line, &g) || span_equal(g.op, SPAN("rename")) ||
           span_equal(g.op, SPAN("remove"));
}

/* The keys of the names that were not looked for yet. 0 or -ENOMEM. */
static int ask(struct gathering *g)
{
    const char *name;
    int rc = 0;

    g->keys.count = 0;
    for (size_t i = 0; rc == 0 && (name = life_name(g->life, i)); i++) {
        if (texts_have(&g->asked, name, strlen(name)))
            continue;
        rc = texts_add(&g->asked, name, strlen(name));
        if (rc == 0)
            rc = journal_keys_above(&g->keys, name);
    }
    return rc;
}

/* Gather what is found under the keys. 0 or a negative code. */
static int gather(const char *dir, struct gathering *g, struct err *e)
{
    const struct journal_sieve sieve = {&g->keys, read_once, is_step, g};
    struct journal_reader *reader;
    struct journal_record rec;
    enum journal_read got;
    struct err passed = {0};
    int rc = journal_reader_open(dir, 1, &reader, e);

    if (rc)
        return rc;
    journal_reader_sift(reader, &sieve);
    while (rc == 0 && (got = journal_read(reader, &rec, NULL, &passed)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_RECORD)
            rc = life_gather(g->life, &rec);
        if (rc == 0)
            rc = g->code;
    }
    journal_reader_close(reader);
    return rc ? err_set(e, rc, dir, "", "out of memory") : 0;
}

int journal_search_life(const char *dir, struct life *l, struct err *e)
{
    struct gathering g = {.life = l};
    int rc = ask(&g);

    while (rc == 0 && g.keys.count) {
        rc = gather(dir, &g, e);
        if (rc == 0)
            rc = life_trace(l);
        if (rc == 0)
            rc = ask(&g);
    }
    if (rc == -ENOMEM)
        (void)err_set(e, rc, dir, "", "out of memory");
    texts_release(&g.asked);
    texts_release(&g.segments);
    journal_keys_release(&g.keys);
    return rc;
}

struct journal_search {
    struct journal_reader *reader;
    struct journal_sieve sieve;
    struct journal_keys keys;
    struct texts names; /* as lines spell them */
};

/* journal_sieve's. */
static bool read_all(void *arg, struct journal_name name)
{
    (void)arg;
    (void)name;
    return true;
}

/* journal_sieve's: may the line speak of one of the names? Renames of all that lies above do. */
static bool may_concern(void *arg, struct span line)
{
    const struct journal_search *s = arg;
    struct journal_glance g;

    if (!journal_line_glance(line, &g) || g.coded || span_equal(g.op, SPAN("rename")))
        return true;
    for (size_t i = 0; i < s->names.count; i++) {
        const struct span name = {s->names.list[i].data, s->names.list[i].len};

        if (journal_spelling_is_within(g.path, name) || journal_spelling_is_within(g.path2, name))
            return true;
    }
    return false;
}

/* What to look for under one name. 0 or -ENOMEM. */
static int look_for(struct journal_search *s, const char *name)
{
    struct buf spelled;
    int rc = journal_keys_beneath(&s->keys, name);

    if (rc == 0)
        rc = journal_keys_above(&s->keys, name);
    if (rc || !path_is_utf8(name))
        return rc;
    buf_init(&spelled, JOURNAL_LINE_MAX * 8);
    rc = json_string(&spelled, name, strlen(name));
    if (rc == 0 && !texts_have(&s->names, spelled.data + 1, spelled.len - 2))
        rc = texts_add(&s->names, spelled.data + 1, spelled.len - 2);
    buf_release(&spelled);
    return rc;
}

int journal_search_open(const char *dir, const struct life *l, struct journal_search **ret,
                        struct err *e)
{
    struct journal_search *s = calloc(1, sizeof *s);
    bool everything = false;
    const char *name;
    int rc = s ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && (name = life_name(l, i)); i++) {
        everything |= *name == '\0'; /* of the root there are no keys */
        rc = look_for(s, name);
    }
    if (rc) {
        journal_search_close(s);
        return err_set(e, rc, dir, "", "out of memory");
    }
    rc = journal_reader_open(dir, 1, &s->reader, e);
    if (rc) {
        journal_search_close(s);
        return rc;
    }
    s->sieve = (struct journal_sieve){&s->keys, read_all, may_concern, s};
    if (!everything)
        journal_reader_sift(s->reader, &s->sieve);
    *ret = s;
    return 0;
}

struct journal_reader *journal_search_reader(struct journal_search *s)
{
    return s->reader;
}

void journal_search_close(struct journal_search *s)
{
    if (!s)
        return;
    journal_reader_close(s->reader);
    journal_keys_release(&s->keys);
    texts_release(&s->names);
    free(s);
}
