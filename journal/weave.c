/* Shell. Several journals as one stream. See weave.h. */
#include "journal/weave.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

/* What is next in a journal. */
struct head {
    struct journal_strand strand;
    struct journal_record rec;
    struct span line;
    bool here;  /* rec and line are */
    bool ended; /* there is no more for now */
};

struct journal_weave {
    size_t count;
    size_t handed_out; /* whose record the caller has; NONE */
    struct head heads[];
};

int journal_weave_new(const struct journal_strand *strands, size_t count,
                      struct journal_weave **ret)
{
    struct journal_weave *w = calloc(1, sizeof *w + count * sizeof w->heads[0]);

    if (!w)
        return -ENOMEM;
    w->count = count;
    w->handed_out = NONE;
    for (size_t i = 0; i < count; i++)
        w->heads[i].strand = strands[i];
    *ret = w;
    return 0;
}

void journal_weave_free(struct journal_weave *w)
{
    free(w);
}

/* Have the next record of a journal, unless it has ended. END: it is here, or there is none. */
static enum journal_read fill(struct head *h, struct err *e)
{
    enum journal_read got;

    if (h->here || h->ended)
        return JOURNAL_READ_END;
    got = journal_read(h->strand.reader, &h->rec, &h->line, e);
    if (got == JOURNAL_READ_ERROR)
        return got;
    h->here = got == JOURNAL_READ_RECORD && h->rec.seq <= h->strand.last;
    h->ended = !h->here;
    return JOURNAL_READ_END;
}

/* Does what is next in one journal come before what is next in the other? */
static bool is_before(const struct head *a, const struct head *b)
{
    int order;

    if (a->rec.time_us != b->rec.time_us)
        return a->rec.time_us < b->rec.time_us;
    order = strcmp(a->strand.host, b->strand.host);
    return order ? order < 0 : strcmp(a->strand.uuid, b->strand.uuid) < 0;
}

/* All have ended: the next call asks them again. */
static enum journal_read end(struct journal_weave *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->heads[i].ended = false;
    return JOURNAL_READ_END;
}

enum journal_read journal_weave_read(struct journal_weave *w, struct journal_record *ret,
                                     struct span *ret_line, size_t *ret_strand, struct err *e)
{
    size_t first = NONE;

    if (w->handed_out != NONE)
        w->heads[w->handed_out].here = false;
    w->handed_out = NONE;
    for (size_t i = 0; i < w->count; i++) {
        struct head *h = &w->heads[i];

        if (fill(h, e) == JOURNAL_READ_ERROR) {
            *ret_strand = i;
            return JOURNAL_READ_ERROR;
        }
        if (h->here && (first == NONE || is_before(h, &w->heads[first])))
            first = i;
    }
    if (first == NONE)
        return end(w);
    w->handed_out = *ret_strand = first;
    if (ret)
        *ret = w->heads[first].rec;
    if (ret_line)
        *ret_line = w->heads[first].line;
    return JOURNAL_READ_RECORD;
}
