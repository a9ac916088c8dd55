/* Looking into the index of a segment. Shell. See index.h. */
#include "journal/index.h"

#include "base/err.h"
#include "journal/batch.h"
#include "journal/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT_ENDING "jsonl"
#define INDEX_ENDING   "idx"

char *journal_index_name(struct journal_name name, char out[JOURNAL_FILE_SIZE])
{
    const size_t n = strlen(journal_name_format(name, out)) - strlen(SEGMENT_ENDING);

    memcpy(out + n, INDEX_ENDING, sizeof(INDEX_ENDING));
    return out;
}

/* All of so many bytes at an offset. 0, ERR_CORRUPT where the file ends before, -errno. */
static int read_at(int fd, void *to, size_t n, uint64_t offset)
{
    char *at = to;

    while (n) {
        const ssize_t got = pread(fd, at, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got ? -errno : ERR_CORRUPT;
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

/* The chain value in the commit line that ends where the segment does. 0, ERR_CHANGED, -errno. */
static int chain_at_end(struct journal_content *s, uint64_t size, uint8_t ret[SHA256_BYTES])
{
    char tail[JOURNAL_COMMIT_MAX];
    const size_t n = size < sizeof tail ? (size_t)size : sizeof tail;
    struct journal_commit commit;
    const char *line;
    int rc = journal_content_read_all(s, tail, n, size - n);

    if (rc)
        return rc == ERR_CORRUPT ? ERR_CHANGED : rc;
    if (n < 2 || tail[n - 1] != '\n')
        return ERR_CHANGED;
    line = memrchr(tail, '\n', n - 1);
    line = line ? line + 1 : tail;
    if (journal_commit_decode((struct span){line, (size_t)(tail + n - 1 - line)}, &commit))
        return ERR_CHANGED;
    memcpy(ret, commit.chain, SHA256_BYTES);
    return 0;
}

/* Is the index of this segment, of which `size` bytes count, as it is now? 0, ERR_CHANGED, -errno.
 */
static int check_bond(int dir_fd, struct journal_name name, uint64_t size,
                      const struct journal_index_bond *bond)
{
    struct journal_content content;
    uint8_t chain[SHA256_BYTES];
    int64_t mtime_ns;
    int rc;

    if (bond->size != size || bond->first != name.first)
        return ERR_CHANGED;
    rc = journal_content_open(&content, dir_fd, name);
    if (rc)
        return rc;
    rc = journal_content_stat(&content, NULL, &mtime_ns);
    if (rc == 0 && mtime_ns != bond->mtime_ns)
        rc = ERR_CHANGED;
    if (rc == 0)
        rc = chain_at_end(&content, size, chain);
    if (rc == 0 && memcmp(chain, bond->chain, SHA256_BYTES) != 0)
        rc = ERR_CHANGED;
    journal_content_close(&content);
    return rc;
}

/* The head of an index. It points into `store`. 0 or a negative code. */
static int read_head(int fd, struct buf *store, struct journal_index_head *ret)
{
    unsigned char fixed[JOURNAL_INDEX_FIXED];
    size_t size;
    int rc = read_at(fd, fixed, sizeof fixed, 0);

    if (rc == 0)
        rc = journal_index_head_size(fixed, &size);
    if (rc == 0)
        rc = buf_reserve(store, size);
    if (rc == 0)
        rc = read_at(fd, store->data, size, 0);
    if (rc)
        return rc;
    store->len = size;
    return journal_index_head_decode((struct span){store->data, store->len}, ret);
}

/* Mark a block. */
static void mark(void *arg, size_t block)
{
    ((unsigned char *)arg)[block] = 1;
}

/* Mark the blocks that one page has under a key. 0 or a negative code. */
static int look_into(int fd, const struct journal_index_head *h, size_t number, uint32_t key,
                     unsigned char *marks, bool *ret_more)
{
    unsigned char page[JOURNAL_INDEX_PAGE];
    const uint64_t offset = h->size + (uint64_t)number * JOURNAL_INDEX_PAGE;
    int rc = read_at(fd, page, sizeof page, offset);

    return rc ? rc : journal_index_page(h, number, page, key, mark, marks, ret_more);
}

/* Mark the blocks that have a key. 0 or a negative code. */
static int look_up(int fd, const struct journal_index_head *h, uint32_t key, unsigned char *marks)
{
    bool more = h->page_count > 0;
    int rc = 0;

    for (size_t at = journal_index_page_of(h, key); rc == 0 && more; at++)
        rc = look_into(fd, h, at, key, marks, &more);
    return rc;
}

/* Is every page whole? 0 or a negative code. */
static int check_pages(int fd, const struct journal_index_head *h, unsigned char *marks)
{
    bool more;
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < h->page_count; at++)
        rc = look_into(fd, h, at, 0, marks, &more);
    return rc;
}

/* The marked blocks. 0 or -ENOMEM. */
static int collect(const struct journal_index_head *h, const unsigned char *marks,
                   struct journal_places *ret)
{
    struct journal_places p = {.next = h->bond.next};
    size_t room = 0;

    for (size_t i = 0; i < h->block_count; i++)
        room += marks[i];
    p.list = calloc(room + 1, sizeof *p.list);
    p.end = calloc(room + 1, sizeof *p.end);
    if (!p.list || !p.end) {
        journal_places_release(&p);
        return -ENOMEM;
    }
    for (size_t i = 0; i < h->block_count; i++) {
        if (!marks[i])
            continue;
        p.list[p.count] = journal_index_block_at(h, i);
        p.end[p.count++] =
            i + 1 < h->block_count ? journal_index_block_at(h, i + 1).offset : h->bond.size;
    }
    *ret = p;
    return 0;
}

void journal_places_release(struct journal_places *p)
{
    free(p->list);
    free(p->end);
    *p = (struct journal_places){0};
}

int journal_index_find(int dir_fd, struct journal_name name, uint64_t size,
                       const struct journal_keys *keys, struct journal_places *ret)
{
    struct journal_index_head head;
    char file[JOURNAL_FILE_SIZE];
    unsigned char *marks = NULL;
    struct buf store;
    int fd = openat(dir_fd, journal_index_name(name, file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    buf_init(&store, JOURNAL_INDEX_HEAD);
    rc = read_head(fd, &store, &head);
    if (rc == 0)
        rc = check_bond(dir_fd, name, size, &head.bond);
    if (rc == 0) {
        marks = calloc(head.block_count, 1);
        rc = marks ? 0 : -ENOMEM;
    }
    for (size_t i = 0; rc == 0 && keys && i < keys->count; i++)
        rc = look_up(fd, &head, keys->list[i], marks);
    if (rc == 0 && !keys)
        rc = check_pages(fd, &head, marks);
    if (rc == 0)
        rc = collect(&head, marks, ret);
    free(marks);
    buf_release(&store);
    close(fd);
    return rc;
}
