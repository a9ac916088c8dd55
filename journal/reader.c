/*
 * The reader: committed records, one after the other, across segments, also while a writer is at
 * work. Shell.
 *
 * Bytes at the end that make no batch yet are read again by the next call, since a recovery may cut
 * them and write others in their place. Damage is only told of once a second look at the file has
 * found it too.
 *
 * With a sieve, of a closed segment that has an index only the blocks that it names are read, as
 * long as what stands there is what it says; else the segment is read from its beginning.
 */
#include "base/err.h"
#include "journal/sieve.h"
#include "journal/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_OFFSET UINT64_MAX

struct journal_reader {
    int dir_fd;
    bool begun;               /* a segment is open */
    bool next_known;          /* `next` follows; walk.limit is its word on the open segment */
    struct journal_name name; /* of the open segment */
    struct journal_name next;
    struct journal_walk walk;
    struct span body;      /* lines of the current batch not handed out */
    uint64_t body_offset;  /* of the current batch */
    uint64_t looked_again; /* the offset where a first look found no batch */
    bool failing;          /* the last call could not read; the next one says END */
    uint64_t want;         /* no record before this one is handed out */
    bool gap_told;         /* a gap before the next record is explained or was told of */
    struct buf store;

    const struct journal_sieve *sieve; /* NULL: everything is wanted */
    bool by_index;                     /* of the open segment only `places` are read */
    struct journal_places places;
    size_t place;     /* the next of these */
    uint64_t counted; /* bytes of the open segment that count; walk.limit is a place's end */
};

int journal_reader_open(const char *dir, uint64_t from_seq, struct journal_reader **ret,
                        struct err *e)
{
    struct journal_reader *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return err_set(e, -ENOMEM, dir, "", "no memory");
    rc = journal_dir_open(dir, &r->dir_fd, e);
    if (rc) {
        free(r);
        return rc;
    }
    r->walk.content.fd = -1;
    r->looked_again = NO_OFFSET;
    r->want = from_seq;
    buf_init(&r->walk.data, 0);
    buf_init(&r->store, JOURNAL_LINE_MAX);
    *ret = r;
    return 0;
}

void journal_reader_close(struct journal_reader *r)
{
    if (!r)
        return;
    journal_walk_close(&r->walk);
    journal_places_release(&r->places);
    buf_release(&r->store);
    close(r->dir_fd);
    free(r);
}

void journal_reader_sift(struct journal_reader *r, const struct journal_sieve *sieve)
{
    r->sieve = sieve;
}

/* Damage in a segment. */
static enum journal_read damaged(struct journal_reader *r, struct err *e, struct journal_name name,
                                 uint64_t offset, const char *what)
{
    char file[JOURNAL_FILE_SIZE];
    char where[JOURNAL_FILE_SIZE + 32];

    snprintf(where, sizeof(where), "%s:%" PRIu64, journal_name_format(name, file), offset);
    (void)err_set(e, ERR_CORRUPT, where, "verify the journal; what follows is read", "%s", what);
    r->gap_told = true;
    return JOURNAL_READ_ERROR;
}

/* A failure to read. */
static enum journal_read failed(struct journal_reader *r, struct err *e, int rc)
{
    char file[JOURNAL_FILE_SIZE];

    r->failing = true;
    (void)err_set(e, rc, r->begun ? journal_name_format(r->name, file) : "", "",
                  "cannot read the journal: %s", err_name(rc));
    return JOURNAL_READ_ERROR;
}

/* The segment to read after the open one, or the first to read; false in *ret_found for none. */
static int find_next(struct journal_reader *r, struct journal_name *ret, bool *ret_found)
{
    struct journal_list list;
    size_t i = 0;
    int rc = journal_list_read(r->dir_fd, &list);

    if (rc)
        return rc;
    if (r->begun)
        while (i < list.count && journal_name_compare(list.names[i], r->name) <= 0)
            i++;
    else
        while (i + 1 < list.count && list.names[i + 1].first <= r->want)
            i++;
    *ret_found = i < list.count;
    if (*ret_found)
        *ret = list.names[i];
    journal_list_release(&list);
    return 0;
}

/* Go on to a segment, of which all is read. 0 or -errno. */
static int enter(struct journal_reader *r, struct journal_name name)
{
    int rc;

    journal_walk_close(&r->walk);
    rc = journal_walk_open(&r->walk, r->dir_fd, name);
    r->begun = rc == 0;
    r->next_known = false;
    r->by_index = false;
    r->name = name;
    r->looked_again = NO_OFFSET;
    return rc;
}

/* No more for now. A segment of which nothing could be read may yet be put away by a recovery, so
 * it is looked up again. */
static enum journal_read pause_reading(struct journal_reader *r, uint64_t offset)
{
    journal_walk_rewind(&r->walk, offset);
    if (offset == 0) {
        journal_walk_close(&r->walk);
        r->begun = false;
        r->by_index = false;
    }
    return JOURNAL_READ_END;
}

/* Learn of the segment after the open one, if there is one by now whose header is written: it says
 * how much of the open one counts. */
static int look_ahead(struct journal_reader *r, bool *ret_news)
{
    int rc;

    *ret_news = false;
    if (r->next_known)
        return 0;
    rc = find_next(r, &r->next, ret_news);
    if (rc || !*ret_news)
        return rc;
    rc = journal_walk_counted(r->dir_fd, r->name, r->next, &r->walk.limit);
    if (rc == -ENODATA || rc == -ENOENT) {
        *ret_news = false;
        return 0;
    }
    r->next_known = rc == 0;
    return rc;
}

/* The segment that was entered: what of it has to be read? 0 or -errno. */
static int sift(struct journal_reader *r)
{
    const bool in_order = r->want == r->name.first;
    bool news;
    int rc = r->sieve ? look_ahead(r, &news) : 0;

    if (rc || !r->sieve)
        return rc;
    journal_places_release(&r->places);
    r->place = 0;
    r->counted = r->walk.limit;
    r->by_index =
        r->next_known && in_order && r->counted != UINT64_MAX &&
        journal_index_find(r->dir_fd, r->name, r->counted, r->sieve->keys, &r->places) == 0;
    if (!r->by_index && !r->sieve->whole(r->sieve->arg, r->name)) {
        r->by_index = true;
        r->places.next = r->next_known ? r->next.first : r->want;
    }
    r->walk.limit = r->by_index ? 0 : r->counted;
    return 0;
}

/* The open segment is read to its end and another follows. RECORD to go on, or what was wrong. */
static enum journal_read leave(struct journal_reader *r, uint64_t offset, struct err *e)
{
    struct journal_name left = r->name;
    uint64_t limit = r->walk.limit;
    uint64_t size = 0;
    int rc = journal_content_stat(&r->walk.content, &size, NULL);

    if (rc == 0)
        rc = enter(r, r->next);
    if (rc == 0)
        rc = sift(r);
    if (rc)
        return failed(r, e, rc);
    if (limit != UINT64_MAX && size < limit)
        return damaged(r, e, left, offset, "the end of the segment is missing");
    if (offset < limit && offset < size)
        return damaged(r, e, left, offset, "the last bytes of the segment have no commit line");
    return JOURNAL_READ_RECORD;
}

/* The next good batch: GOOD; or MORE where none follows (yet). What stands before it and is no
 * batch begins at *ret_from; *ret_why says what is wrong with it, NULL nothing stands there. */
static int find_good(struct journal_reader *r, enum journal_step *ret_step,
                     struct journal_batch *ret_batch, uint64_t *ret_from, const char **ret_why)
{
    uint64_t offset;
    const char *why = NULL;
    int rc = journal_walk_next(&r->walk, ret_step, ret_batch, ret_from);

    while (rc == 0 && *ret_step == JOURNAL_STEP_BROKEN) {
        why = why ? why : ret_batch->why;
        rc = journal_walk_next(&r->walk, ret_step, ret_batch, &offset);
    }
    if (rc)
        return rc;
    if (*ret_step == JOURNAL_STEP_GOOD && ret_batch->skipped && !why)
        why = "bytes that belong to no batch";
    *ret_why = why;
    return 0;
}

/* Open the segment to begin with. RECORD; END without any; ERROR. */
static enum journal_read begin(struct journal_reader *r, struct err *e)
{
    bool found;
    int rc = find_next(r, &r->next, &found);

    if (rc == 0 && !found)
        return JOURNAL_READ_END;
    if (rc == 0)
        rc = enter(r, r->next);
    if (rc == 0 && r->want < r->name.first)
        r->want = r->name.first;
    if (rc == 0)
        rc = sift(r);
    return rc ? failed(r, e, rc) : JOURNAL_READ_RECORD;
}

/* Go on reading the open segment from here. */
static void again_from(struct journal_reader *r, uint64_t offset)
{
    r->body.n = 0;
    journal_walk_rewind(&r->walk, offset);
}

/* All places of the open segment are read: go on behind it. RECORD, END, ERROR. */
static enum journal_read leave_places(struct journal_reader *r, struct err *e)
{
    int rc;

    if (!r->next_known)
        return JOURNAL_READ_END;
    r->want = r->places.next;
    r->gap_told = false;
    rc = enter(r, r->next);
    if (rc == 0)
        rc = sift(r);
    return rc ? failed(r, e, rc) : JOURNAL_READ_RECORD;
}

/* The next batch of the places into `body`, if there is one: RECORD; or END, ERROR. */
static enum journal_read next_in_places(struct journal_reader *r, struct err *e)
{
    struct journal_batch batch;
    enum journal_step step;
    uint64_t offset;
    bool begins = false;
    int rc;

    if (r->walk.offset >= r->walk.limit) {
        if (r->place == r->places.count)
            return leave_places(r, e);
        begins = true;
        again_from(r, r->places.list[r->place].offset);
        r->walk.limit = r->places.end[r->place++];
    }
    rc = journal_walk_next(&r->walk, &step, &batch, &offset);
    if (rc)
        return failed(r, e, rc);
    if (step != JOURNAL_STEP_GOOD || batch.skipped ||
        (begins &&
         batch.commit.last + 1 - batch.commit.records != r->places.list[r->place - 1].first)) {
        /* This is not what the index was made of: the segment itself counts. */
        r->by_index = false;
        again_from(r, 0);
        r->walk.limit = r->counted;
        return JOURNAL_READ_RECORD;
    }
    if (begins)
        r->want = r->places.list[r->place - 1].first;
    r->body = batch.body;
    r->body_offset = offset;
    return JOURNAL_READ_RECORD;
}

/* The next batch into `body`: RECORD; or END, ERROR. Bytes that are no batch are damage only once a
 * batch, or a segment, follows them: until then a writer may be at work there, or have died. */
static enum journal_read next_batch(struct journal_reader *r, struct err *e)
{
    enum journal_read result = JOURNAL_READ_RECORD;
    struct journal_batch batch;
    enum journal_step step;
    const char *why;
    uint64_t start, from;
    bool news;
    int rc;

    while (result == JOURNAL_READ_RECORD) {
        if (!r->begun && (result = begin(r, e)) != JOURNAL_READ_RECORD)
            break;
        if (r->by_index) {
            result = next_in_places(r, e);
            if (r->body.n)
                break;
            continue;
        }
        start = r->walk.offset;
        rc = find_good(r, &step, &batch, &from, &why);
        if (rc == 0 && step == JOURNAL_STEP_GOOD) {
            r->body = batch.body;
            r->body_offset = r->walk.offset - batch.size + batch.skipped;
            if (!why)
                break;
        }
        if (rc == 0)
            rc = look_ahead(r, &news);
        if (rc) {
            again_from(r, start);
            result = failed(r, e, rc);
        } else if (news || (step == JOURNAL_STEP_GOOD && r->looked_again != from)) {
            r->looked_again = from;
            again_from(r, from);
        } else if (step == JOURNAL_STEP_GOOD) {
            result = damaged(r, e, r->name, from, why);
        } else {
            result = r->next_known ? leave(r, from, e) : pause_reading(r, from);
        }
    }
    return result;
}

/* Hand out the record of a line, if it is one that is wanted: RECORD; ERROR; END for another line.
 * A line that is told of as the far side of a gap stays in `body`. */
static enum journal_read take_line(struct journal_reader *r, struct span line, struct span after,
                                   struct journal_record *ret, struct err *e)
{
    bool is_record = journal_kind_of(line) == JOURNAL_KIND_RECORD;
    uint64_t seq = 0;
    int rc = 0;

    if (is_record && journal_line_seq(line, &seq)) {
        r->body = after;
        return damaged(r, e, r->name, r->body_offset, "a line of this batch is no record");
    }
    if (!is_record || seq < r->want) {
        r->body = after;
        return JOURNAL_READ_END;
    }
    if (seq > r->want && !r->gap_told)
        return damaged(r, e, r->name, r->body_offset, "records are missing before this batch");
    if (r->sieve && !r->sieve->line(r->sieve->arg, line)) {
        r->body = after;
        r->want = seq + 1;
        r->gap_told = false;
        return JOURNAL_READ_END;
    }
    if (ret)
        rc = journal_record_decode(line, &r->store, ret);
    if (rc && rc != ERR_SYNTAX)
        return failed(r, e, rc);
    r->body = after;
    if (rc)
        return damaged(r, e, r->name, r->body_offset, "a line of this batch is no record");
    r->want = seq + 1;
    r->gap_told = false;
    return JOURNAL_READ_RECORD;
}

enum journal_read journal_read(struct journal_reader *r, struct journal_record *ret,
                               struct span *ret_line, struct err *e)
{
    enum journal_read result;
    struct span after, line;

    if (r->failing) {
        r->failing = false;
        return JOURNAL_READ_END;
    }
    for (;;) {
        after = r->body;
        while (journal_line_next(&after, &line)) {
            result = take_line(r, line, after, ret, e);
            if (result == JOURNAL_READ_RECORD && ret_line)
                *ret_line = line;
            if (result != JOURNAL_READ_END)
                return result;
        }
        result = next_batch(r, e);
        if (result != JOURNAL_READ_RECORD)
            return result;
    }
}
