/* Shell. lockstep journal verify: the undo texts of rewrites. See journal_undo.h. */
#include "agent/commands/journal_undo.h"

#include "agent/service/undo.h"
#include "base/path.h"
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Lines without it are not decoded. In a record's line a quote within a text is escaped: this can
 * only be the key itself. */
#define KEY "\"bk\":\""

/* One text that a record names. 0, or a negative code where it cannot be told. */
static int look(const char *dir, uint64_t seq, const char *name, struct journal_undo_sum *sum)
{
    struct buf text;
    int rc;

    buf_init(&text, SIZE_MAX);
    rc = sum->here ? undo_read(dir, name, &text) : -ENOENT;
    buf_release(&text);
    sum->named++;
    sum->missing += rc == -ENOENT;
    sum->altered += rc != 0 && rc != -ENOENT;
    if (rc == -ENOMEM)
        return rc;
    if (rc && sum->here)
        printf("FAULT: record %" PRIu64 ": its undo text %s %s\n", seq, name,
               rc == -ENOENT       ? "is missing"
               : rc == ERR_CORRUPT ? "was altered"
                                   : err_name(rc));
    return 0;
}

int journal_undo_verify(const char *dir, struct journal_undo_sum *ret, struct err *e)
{
    struct journal_undo_sum sum = {0};
    struct journal_reader *reader = NULL;
    char texts[PATH_BYTES_MAX + 1];
    struct journal_record rec;
    struct span line;
    struct buf store;
    enum journal_read got = JOURNAL_READ_RECORD;
    int rc = path_join(texts, sizeof texts, dir, UNDO_DIR);

    if (rc)
        return err_set(e, rc, dir, NULL, "its path is too long");
    sum.here = access(texts, F_OK) == 0;
    buf_init(&store, JOURNAL_LINE_MAX);
    rc = journal_reader_open(dir, 0, &reader, e);
    while (rc == 0 && got != JOURNAL_READ_END) {
        got = journal_read(reader, NULL, &line, e); /* damage was told by others */
        if (got == JOURNAL_READ_RECORD && memmem(line.p, line.n, KEY, sizeof KEY - 1) &&
            journal_record_decode(line, &store, &rec) == 0 && rec.backup)
            rc = look(texts, rec.seq, rec.backup, &sum);
    }
    buf_release(&store);
    journal_reader_close(reader);
    if (rc)
        return e->code ? rc : err_set(e, rc, dir, NULL, "%s", err_name(rc));
    *ret = sum;
    return 0;
}
