/* The index of a segment: its keys and its bytes. Pure. See index.h. */
#include "journal/index.h"

#include "base/crc.h"
#include "base/err.h"
#include "base/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC       "LOCKSIDX"
#define VERSION     1
#define BLOCK_BYTES 16
#define CRC_BYTES   4
#define CRC_AT      (JOURNAL_INDEX_PAGE - CRC_BYTES)
#define COUNT_AT    (CRC_AT - CRC_BYTES)
#define ENTRY_BYTES 8
#define FNV_SEED    UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME   UINT64_C(0x100000001b3)

/* Of which kind a key is: the start of its hash. */
enum kind { BENEATH = 0, ABOVE = 1 };

_Static_assert(JOURNAL_INDEX_ENTRIES *ENTRY_BYTES <= COUNT_AT, "a page holds its entries");

static void put32(unsigned char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static void put64(unsigned char *at, uint64_t value)
{
    put32(at, (uint32_t)value);
    put32(at + 4, (uint32_t)(value >> 32));
}

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get64(const unsigned char *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* The array of `size` byte elements with room for one more, twice as large where it was full. NULL
 * without memory; then it is as it was. */
static void *roomier(void *array, size_t count, size_t *room, size_t size)
{
    const size_t more = *room ? *room * 2 : 256;

    if (count < *room)
        return array;
    array = reallocarray(array, more, size);
    if (array)
        *room = more;
    return array;
}

static int keys_add(struct journal_keys *k, uint64_t hash)
{
    uint32_t *list = roomier(k->list, k->count, &k->room, sizeof *list);

    if (!list)
        return -ENOMEM;
    k->list = list;
    list[k->count++] = (uint32_t)mix(hash);
    return 0;
}

void journal_keys_release(struct journal_keys *k)
{
    free(k->list);
    *k = (struct journal_keys){0};
}

static uint64_t hash_begin(enum kind kind)
{
    return (FNV_SEED ^ (uint64_t)kind) * FNV_PRIME;
}

static uint64_t hash_byte(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * FNV_PRIME;
}

/* Add the key of each directory above the path and of the path itself, of the first
 * JOURNAL_INDEX_DEPTH at most; `last`: only of the last of these. */
static int add_beneath(struct journal_keys *k, const char *path, bool last)
{
    uint64_t hash = hash_begin(BENEATH);
    unsigned depth = 1;
    int rc = 0;

    for (; *path && rc == 0; path++) {
        if (*path == '/') {
            if (depth == JOURNAL_INDEX_DEPTH)
                break;
            if (!last)
                rc = keys_add(k, hash);
            depth++;
        }
        hash = hash_byte(hash, *path);
    }
    return rc ? rc : keys_add(k, hash);
}

int journal_keys_beneath(struct journal_keys *k, const char *path)
{
    return add_beneath(k, path, true);
}

int journal_keys_above(struct journal_keys *k, const char *path)
{
    uint64_t hash = hash_begin(ABOVE);
    int rc = *path ? keys_add(k, hash) : 0; /* of the root */

    for (; *path && rc == 0; path++) {
        if (*path == '/')
            rc = keys_add(k, hash);
        hash = hash_byte(hash, *path);
    }
    return rc ? rc : keys_add(k, hash);
}

/* The key of a path that was renamed or removed. */
static int add_above(struct journal_keys *k, const char *path)
{
    uint64_t hash = hash_begin(ABOVE);

    while (*path)
        hash = hash_byte(hash, *path++);
    return keys_add(k, hash);
}

static int compare_keys(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int compare_entries(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int add_entry(struct journal_index_draft *d, uint32_t key)
{
    uint64_t *entries;

    if (d->entry_count == JOURNAL_INDEX_MAX)
        return ERR_LIMIT;
    entries = roomier(d->entries, d->entry_count, &d->entry_room, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    d->entries = entries;
    entries[d->entry_count++] = (uint64_t)key << 32 | (d->block_count - 1);
    return 0;
}

/* The keys of the last block become entries, each once. */
static int end_block(struct journal_index_draft *d)
{
    struct journal_keys *k = &d->fresh;
    int rc = 0;

    if (k->count)
        qsort(k->list, k->count, sizeof *k->list, compare_keys);
    for (size_t i = 0; i < k->count && rc == 0; i++)
        if (i == 0 || k->list[i] != k->list[i - 1])
            rc = add_entry(d, k->list[i]);
    k->count = 0;
    return rc;
}

int journal_index_block(struct journal_index_draft *d, uint64_t offset, uint64_t first)
{
    struct journal_block *blocks;
    int rc = end_block(d);

    if (rc)
        return rc;
    blocks = roomier(d->blocks, d->block_count, &d->block_room, sizeof *blocks);
    if (!blocks)
        return -ENOMEM;
    d->blocks = blocks;
    blocks[d->block_count++] = (struct journal_block){offset, first};
    return 0;
}

int journal_index_record(struct journal_index_draft *d, const struct journal_record *rec)
{
    const bool steps = rec->op == JOURNAL_RENAME || rec->op == JOURNAL_REMOVE;
    int rc = 0;

    if (rec->path)
        rc = add_beneath(&d->fresh, rec->path, false);
    if (rc == 0 && rec->path2)
        rc = add_beneath(&d->fresh, rec->path2, false);
    if (rc == 0 && rec->path && steps)
        rc = add_above(&d->fresh, rec->path);
    if (rc == 0 && rec->path2 && steps)
        rc = add_above(&d->fresh, rec->path2);
    return rc;
}

void journal_index_release(struct journal_index_draft *d)
{
    free(d->blocks);
    free(d->entries);
    journal_keys_release(&d->fresh);
    *d = (struct journal_index_draft){0};
}

/* The head of an index whose entries are in order, and zeroes for its pages. */
static void write_head(const struct journal_index_draft *d, const struct journal_index_bond *bond,
                       size_t pages, size_t size, unsigned char *at)
{
    unsigned char *list = at + JOURNAL_INDEX_FIXED;

    memcpy(at, MAGIC, 8);
    put32(at + 8, VERSION);
    put32(at + 12, (uint32_t)size);
    put64(at + 16, bond->size);
    put64(at + 24, (uint64_t)bond->mtime_ns);
    put64(at + 32, bond->first);
    put64(at + 40, bond->next);
    memcpy(at + 48, bond->chain, SHA256_BYTES);
    put32(at + 80, (uint32_t)d->block_count);
    put32(at + 84, (uint32_t)pages);
    for (size_t i = 0; i < d->block_count; i++, list += BLOCK_BYTES) {
        put64(list, d->blocks[i].offset);
        put64(list + 8, d->blocks[i].first);
    }
    for (size_t i = 0; i < pages; i++, list += 4)
        put32(list, (uint32_t)(d->entries[i * JOURNAL_INDEX_ENTRIES] >> 32));
    put32(list, crc32c(0, at, size - CRC_BYTES));
}

/* One page. */
static void write_page(const uint64_t *entries, size_t count, unsigned char *at)
{
    for (size_t i = 0; i < count; i++)
        put64(at + i * ENTRY_BYTES, entries[i]);
    put32(at + COUNT_AT, (uint32_t)count);
    put32(at + CRC_AT, crc32c(0, at, CRC_AT));
}

int journal_index_encode(struct journal_index_draft *d, const struct journal_index_bond *bond,
                         struct buf *out)
{
    size_t pages, size, left;
    unsigned char *at;
    int rc = end_block(d);

    if (rc)
        return rc;
    if (d->entry_count)
        qsort(d->entries, d->entry_count, sizeof *d->entries, compare_entries);
    pages = (d->entry_count + JOURNAL_INDEX_ENTRIES - 1) / JOURNAL_INDEX_ENTRIES;
    size = JOURNAL_INDEX_FIXED + d->block_count * BLOCK_BYTES + pages * 4 + CRC_BYTES;
    if (size >= JOURNAL_INDEX_HEAD)
        return ERR_LIMIT;
    rc = buf_reserve(out, size + pages * JOURNAL_INDEX_PAGE);
    if (rc)
        return rc;
    at = (unsigned char *)out->data + out->len;
    memset(at, 0, size + pages * JOURNAL_INDEX_PAGE + 1);
    write_head(d, bond, pages, size, at);
    out->len += size + pages * JOURNAL_INDEX_PAGE;
    at += size;
    left = d->entry_count;
    for (size_t i = 0; i < pages; i++, at += JOURNAL_INDEX_PAGE) {
        const size_t n = left < JOURNAL_INDEX_ENTRIES ? left : JOURNAL_INDEX_ENTRIES;

        write_page(d->entries + i * JOURNAL_INDEX_ENTRIES, n, at);
        left -= n;
    }
    return 0;
}

int journal_index_head_size(const unsigned char fixed[JOURNAL_INDEX_FIXED], size_t *ret)
{
    const uint64_t blocks = get32(fixed + 80), pages = get32(fixed + 84);
    const uint64_t size = JOURNAL_INDEX_FIXED + blocks * BLOCK_BYTES + pages * 4 + CRC_BYTES;

    if (memcmp(fixed, MAGIC, 8) != 0)
        return ERR_CORRUPT;
    if (get32(fixed + 8) != VERSION)
        return ERR_VERSION;
    if (size >= JOURNAL_INDEX_HEAD || get32(fixed + 12) != size)
        return ERR_CORRUPT;
    *ret = (size_t)size;
    return 0;
}

struct journal_block journal_index_block_at(const struct journal_index_head *h, size_t i)
{
    const unsigned char *at = h->blocks + i * BLOCK_BYTES;

    return (struct journal_block){get64(at), get64(at + 8)};
}

/* Do the blocks follow one another within the segment? */
static bool blocks_fit(const struct journal_index_head *h)
{
    uint64_t offset = 0, first = h->bond.first;

    for (size_t i = 0; i < h->block_count; i++) {
        const struct journal_block b = journal_index_block_at(h, i);

        if ((i ? b.offset <= offset : b.offset != 0) || b.first < first)
            return false;
        offset = b.offset;
        first = b.first;
    }
    return h->block_count > 0 && offset < h->bond.size && first <= h->bond.next;
}

int journal_index_head_decode(struct span in, struct journal_index_head *ret)
{
    const unsigned char *at = (const unsigned char *)in.p;
    struct journal_index_head h = {0};
    int rc = in.n < JOURNAL_INDEX_FIXED ? ERR_CORRUPT : journal_index_head_size(at, &h.size);

    if (rc)
        return rc;
    if (in.n < h.size || crc32c(0, at, h.size - CRC_BYTES) != get32(at + h.size - CRC_BYTES))
        return ERR_CORRUPT;
    h.bond.size = get64(at + 16);
    h.bond.mtime_ns = (int64_t)get64(at + 24);
    h.bond.first = get64(at + 32);
    h.bond.next = get64(at + 40);
    memcpy(h.bond.chain, at + 48, SHA256_BYTES);
    h.block_count = get32(at + 80);
    h.page_count = get32(at + 84);
    h.blocks = at + JOURNAL_INDEX_FIXED;
    h.pages = h.blocks + h.block_count * BLOCK_BYTES;
    if (!blocks_fit(&h))
        return ERR_CORRUPT;
    *ret = h;
    return 0;
}

size_t journal_index_page_of(const struct journal_index_head *h, uint32_t key)
{
    size_t low = 0, high = h->page_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (get32(h->pages + middle * 4) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : 0; /* the one before may end with the key */
}

int journal_index_page(const struct journal_index_head *h, size_t number,
                       const unsigned char page[JOURNAL_INDEX_PAGE], uint32_t key,
                       void (*on_block)(void *arg, size_t block), void *arg, bool *ret_more)
{
    const uint32_t count = get32(page + COUNT_AT);

    if (crc32c(0, page, CRC_AT) != get32(page + CRC_AT) || count == 0 ||
        count > JOURNAL_INDEX_ENTRIES || get32(page + 4) != get32(h->pages + number * 4))
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t entry = get64(page + i * ENTRY_BYTES);

        if ((uint32_t)entry >= h->block_count)
            return ERR_CORRUPT;
        if (entry >> 32 == key)
            on_block(arg, (uint32_t)entry);
    }
    *ret_more = number + 1 < h->page_count && get32(h->pages + (number + 1) * 4) <= key;
    return 0;
}
