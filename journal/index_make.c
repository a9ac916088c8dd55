/* Making the indexes of closed segments. Shell. See search.h. */
#include "base/err.h"
#include "base/replace.h"
#include "journal/closed.h"
#include "journal/index.h"
#include "journal/segment.h"
#include "journal/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MODE  0600
#define FILE_BYTES (128u << 20) /* that no index reaches */

/* A segment being read for its index. */
struct making {
    struct journal_walk walk;
    struct journal_index_draft draft;
    struct journal_index_bond bond;
    struct buf store;
    uint64_t block_end; /* offset from which a new block begins */
};

/* A line: the header where one is due, else what a writer writes. 0, ERR_CORRUPT, -ENOMEM,
 * ERR_LIMIT. */
static int take_line(struct making *m, struct span line, bool header_due)
{
    const enum journal_kind kind = journal_kind_of(line);
    struct journal_record rec;
    int rc;

    if (kind != JOURNAL_KIND_RECORD)
        return (kind == JOURNAL_KIND_HEADER) == header_due ? 0 : ERR_CORRUPT;
    rc = header_due ? ERR_SYNTAX : journal_record_decode(line, &m->store, &rec);
    if (rc)
        return rc == ERR_SYNTAX ? ERR_CORRUPT : rc;
    if (rec.seq != m->bond.next)
        return ERR_CORRUPT;
    m->bond.next++;
    return journal_index_record(&m->draft, &rec);
}

/* A batch, in the open block or the first of the next. The same. */
static int take_batch(struct making *m, uint64_t offset, const struct journal_batch *batch)
{
    struct span rest = batch->body, line;
    int rc = 0;

    if (batch->skipped || batch->commit.last + 1 - batch->commit.records != m->bond.next)
        return ERR_CORRUPT;
    if (offset >= m->block_end) {
        rc = journal_index_block(&m->draft, offset, m->bond.next);
        m->block_end = offset + JOURNAL_INDEX_BLOCK;
    }
    for (bool header = offset == 0; rc == 0 && journal_line_next(&rest, &line); header = false)
        rc = take_line(m, line, header);
    memcpy(m->bond.chain, batch->commit.chain, SHA256_BYTES);
    return rc;
}

/* All of the segment, whose every byte must be good. The same, or -errno. */
static int take_segment(struct making *m)
{
    struct journal_batch batch;
    enum journal_step step;
    uint64_t offset;
    int rc;

    for (;;) {
        rc = journal_walk_next(&m->walk, &step, &batch, &offset);
        if (rc || step == JOURNAL_STEP_MORE)
            break;
        rc = step == JOURNAL_STEP_GOOD ? take_batch(m, offset, &batch) : ERR_CORRUPT;
        if (rc)
            break;
    }
    if (rc == 0 && (offset != m->walk.limit || offset == 0))
        rc = ERR_CORRUPT;
    m->bond.size = m->walk.limit;
    return rc;
}

/* Put the index beside its segment. 0 or a negative code. */
static int put_file(int dir_fd, struct journal_name name, struct making *m)
{
    char file[JOURNAL_FILE_SIZE];
    struct replace r;
    struct buf out;
    int rc;

    buf_init(&out, FILE_BYTES);
    rc = journal_index_encode(&m->draft, &m->bond, &out);
    journal_index_release(&m->draft);
    if (rc == 0)
        rc = replace_begin(&r, dir_fd, journal_index_name(name, file), FILE_MODE);
    if (rc == 0) {
        rc = journal_write_at(r.fd, out.data, out.len, 0);
        if (rc == 0)
            rc = replace_commit(&r);
        else
            replace_abort(&r);
    }
    buf_release(&out);
    return rc;
}

/* Make the index of a segment of which `size` bytes count. 0, ERR_CORRUPT for one that is damaged,
 * ERR_LIMIT, -ENOMEM, -errno. */
static int make_one(int dir_fd, struct journal_name name, uint64_t size)
{
    struct making m = {.bond = {.first = name.first, .next = name.first}};
    int rc = journal_walk_open(&m.walk, dir_fd, name);

    if (rc)
        return rc;
    buf_init(&m.store, JOURNAL_LINE_MAX);
    m.walk.limit = size;
    /* The time is that of before the reading: what is written meanwhile makes the index stale. */
    rc = journal_content_stat(&m.walk.content, NULL, &m.bond.mtime_ns);
    if (rc == 0)
        rc = take_segment(&m);
    if (rc == 0)
        rc = put_file(dir_fd, name, &m);
    journal_index_release(&m.draft);
    buf_release(&m.store);
    journal_walk_close(&m.walk);
    return rc;
}

/* journal_closed_do: the index of one segment; *how: also where there is a good one. */
static int handle(void *how, int dir_fd, struct journal_name name, uint64_t size, bool *ret_made)
{
    const bool *anew = how;
    struct journal_places places;
    int rc;

    if (size == UINT64_MAX)
        return ERR_CORRUPT;
    if (!*anew && journal_index_find(dir_fd, name, size, NULL, &places) == 0) {
        journal_places_release(&places);
        return 0;
    }
    rc = make_one(dir_fd, name, size);
    *ret_made = rc == 0;
    return rc;
}

int journal_closed_each(const char *dir, const char *after, journal_closed_do *act, void *how,
                        journal_index_told *on_segment, void *arg, struct err *e)
{
    struct journal_list list = {NULL, 0};
    struct journal_name last;
    char file[JOURNAL_FILE_SIZE];
    int dir_fd, rc = journal_dir_open(dir, &dir_fd, e);
    bool go_on = true;

    if (rc)
        return rc;
    rc = journal_list_read(dir_fd, &list);
    if (rc)
        (void)err_set(e, rc, dir, "", "cannot read the directory: %s", err_name(rc));
    for (size_t i = 0; go_on && i + 1 < list.count; i++) {
        uint64_t size;
        bool made = false;
        int code;

        if (after && journal_name_parse(after, &last) &&
            journal_name_compare(list.names[i], last) <= 0)
            continue;
        code = journal_walk_counted(dir_fd, list.names[i], list.names[i + 1], &size);
        if (code == -ENODATA) {
            if (i + 2 == list.count)
                continue; /* the writer has made the next one's name and not yet its header */
            code = 0;     /* behind that there are others: it has lost its header */
            size = UINT64_MAX;
        }
        if (code == 0)
            code = act(how, dir_fd, list.names[i], size, &made);
        go_on = on_segment(arg, journal_name_format(list.names[i], file), code, made);
    }
    journal_list_release(&list);
    close(dir_fd);
    return rc;
}

int journal_index_all(const char *dir, const char *after, bool anew, journal_index_told *on_segment,
                      void *arg, struct err *e)
{
    return journal_closed_each(dir, after, handle, &anew, on_segment, arg, e);
}
