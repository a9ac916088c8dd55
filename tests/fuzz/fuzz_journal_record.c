/* Records: whatever decode takes, encode writes back byte for byte. */
#include "journal/journal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    }
    buf_release(&store);
    buf_release(&line);
    return 0;
}
