/*
 * An index of any bytes: it is refused, or what it names lies within its segment. The checksums are
 * put right first, as whoever forges one would.
 */
#include "journal/index.h"

#include "base/crc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A CRC-32C of n bytes, written behind them. */
static void put_crc(unsigned char *at, size_t n)
{
    const uint32_t crc = crc32c(0, at, n);

    for (unsigned i = 0; i < 4; i++)
        at[n + i] = (unsigned char)(crc >> (8 * i));
}

static void on_block(void *arg, size_t block)
{
    const struct journal_index_head *h = arg;

    if (block >= h->block_count || journal_index_block_at(h, block).offset >= h->bond.size)
        abort();
}

/* Every page that is there, for one key. */
static void look(struct journal_index_head *h, unsigned char *at, size_t n, uint32_t key)
{
    const size_t first = journal_index_page_of(h, key);
    bool more;

    if (h->page_count && first >= h->page_count)
        abort();
    for (size_t i = 0; i < h->page_count && (i + 1) * JOURNAL_INDEX_PAGE <= n; i++) {
        unsigned char *page = at + i * JOURNAL_INDEX_PAGE;

        put_crc(page, JOURNAL_INDEX_PAGE - 4);
        if (journal_index_page(h, i, page, key, on_block, h, &more) == 0 && more &&
            i + 1 >= h->page_count)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size + 1);
    struct journal_index_head h;
    size_t head;

    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    if (size >= JOURNAL_INDEX_FIXED && journal_index_head_size(copy, &head) == 0 && head <= size) {
        put_crc(copy, head - 4);
        if (journal_index_head_decode((struct span){(const char *)copy, size}, &h) == 0)
            look(&h, copy + head, size - head, (uint32_t)copy[size - 1] << 24);
    }
    free(copy);
    return 0;
}
