/* Records: whatever decode takes, encode writes back byte for byte, and a glance sees what it is.
 */
#include "base/path.h"
#include "journal/glance.h"
#include "journal/journal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a glance says of a line is what it holds. */
static void glance(struct span line, const struct journal_record *rec)
{
    const bool coded =
        (rec->path && !path_is_utf8(rec->path)) || (rec->path2 && !path_is_utf8(rec->path2));
    struct journal_glance g;

    if (!journal_line_glance(line, &g) || !span_equal(g.op, span_of(journal_op_name(rec->op))) ||
        g.coded != coded || (g.path.p != NULL) != (rec->path && path_is_utf8(rec->path)) ||
        (g.path2.p != NULL) != (rec->path2 && path_is_utf8(rec->path2)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_record rec;
    struct buf store, line;

    buf_init(&store, JOURNAL_LINE_MAX);
    buf_init(&line, JOURNAL_LINE_MAX + 1);
    if (journal_record_decode((struct span){(const char *)data, size}, &store, &rec) == 0) {
        if (journal_record_encode(&rec, &line))
            abort();
        if (line.len != size + 1 || memcmp(line.data, data, size) != 0)
            abort();
        glance((struct span){(const char *)data, size}, &rec);
    } else {
        struct journal_glance g;

        (void)journal_line_glance((struct span){(const char *)data, size}, &g);
    }
    buf_release(&store);
    buf_release(&line);
    return 0;
}
