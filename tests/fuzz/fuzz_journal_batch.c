/*
 * A segment's bytes through the batch finder and the audit: no crash, every good batch is what its
 * commit line says, and framing lines are written back as they were read.
 */
#include "base/crc.h"
#include "journal/audit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header that can be read is written back the same. */
static void check_header(struct span line)
{
    struct journal_header header;
    struct buf store, again;

    buf_init(&store, JOURNAL_LINE_MAX);
    buf_init(&again, JOURNAL_LINE_MAX);
    if (journal_header_decode(line, &store, &header) == 0) {
        if (journal_header_encode(&header, &again))
            abort();
        if (again.len != line.n + 1 || memcmp(again.data, line.p, line.n) != 0)
            abort();
    }
    buf_release(&store);
    buf_release(&again);
}

/* Every good batch is whole lines with the checksum that its commit line says. */
static void check_good(const struct journal_batch *batch)
{
    struct span rest = batch->body, line;
    size_t n = 0;

    if (crc32c(0, batch->body.p, batch->body.n) != batch->commit.crc)
        abort();
    while (journal_line_next(&rest, &line)) {
        n += line.n + 1;
        check_header(line);
    }
    if (n != batch->body.n || n != batch->commit.bytes)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_audit audit;
    struct journal_batch batch;
    enum journal_step step;
    size_t at = 0;

    journal_audit_init(&audit, NULL, NULL);
    journal_audit_segment(&audit, (struct journal_name){.first = 1});
    for (;;) {
        step = journal_batch_next((struct span){(const char *)data + at, size - at}, &batch);
        if (step == JOURNAL_STEP_MORE)
            break;
        if (step == JOURNAL_STEP_GOOD)
            check_good(&batch);
        if (batch.size == 0 || batch.size > size - at)
            abort();
        if (journal_audit_batch(&audit, step, at, &batch))
            break;
        at += batch.size;
    }
    journal_audit_segment_end(&audit, size, size, true);
    if (audit.good_end > size)
        abort();
    journal_audit_release(&audit);
    return 0;
}
