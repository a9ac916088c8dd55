/*
 * A segment's bytes through the batch finder and the audit: no crash, every good batch is what its
 * commit line says, and framing lines are written back as they were read.
 *
 * No mutation hits a checksum, so an input that begins with '!' is the bodies of batches instead,
 * form feeds between them; they get commit lines that fit, so that the audit sees their lines.
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

/* Batches of these bodies. */
static void close_bodies(struct span in, struct buf *out)
{
    struct journal_head head = {.next_seq = 1};

    while (in.n) {
        const char *end = memchr(in.p, '\f', in.n);
        size_t n = end ? (size_t)(end - in.p) : in.n, from = out->len;
        struct span rest = {in.p, n}, line;
        uint64_t records = 0, seq;

        while (journal_line_next(&rest, &line))
            if (journal_line_seq(line, &seq) == 0) {
                records++;
                head.next_seq = seq + 1;
            }
        n -= rest.n; /* whole lines only */
        if (n && (buf_append(out, in.p, n) || journal_batch_close(&head, out, from, records)))
            abort();
        n += rest.n + (end ? 1 : 0);
        in = (struct span){in.p + n, in.n - n};
    }
}

/* One segment through finder and audit. */
static void audit_bytes(struct span in)
{
    struct journal_audit audit;
    struct journal_batch batch;
    enum journal_step step;
    size_t at = 0;

    journal_audit_init(&audit, NULL, NULL);
    journal_audit_segment(&audit, (struct journal_name){.first = 1});
    for (;;) {
        step = journal_batch_next((struct span){in.p + at, in.n - at}, &batch);
        if (step == JOURNAL_STEP_MORE)
            break;
        if (step == JOURNAL_STEP_GOOD)
            check_good(&batch);
        if (batch.size == 0 || batch.size > in.n - at)
            abort();
        if (journal_audit_batch(&audit, step, at, &batch))
            break;
        at += batch.size;
    }
    journal_audit_segment_end(&audit, in.n, in.n, true);
    if (audit.good_end > in.n)
        abort();
    journal_audit_release(&audit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {(const char *)data, size};
    struct buf out;

    buf_init(&out, 64u << 20);
    if (size && data[0] == '!') {
        close_bodies((struct span){in.p + 1, in.n - 1}, &out);
        in = (struct span){out.data, out.len};
    }
    audit_bytes(in);
    buf_release(&out);
    return 0;
}
