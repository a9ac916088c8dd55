/*
 * The index of a closed segment: in which of its blocks a path is spoken of. Private to journal/.
 *
 * A block is a run of whole batches, 64 KiB or a little more. Of every record the index has the
 * block under a key, which is a hash, of each of its paths and of each directory above them, so
 * that a directory finds what lies beneath; and, under keys of another kind, of both paths of a
 * rename and the path of a removal by themselves, so that a file finds what was done to the
 * directories above it. A hash may stand for several paths: what an index names is read and
 * compared. What it does not name cannot be in the segment, if the index is of this segment and
 * whole; else it is not used. DESIGN.md has the bytes.
 */
#ifndef LOCKSTEP_JOURNAL_INDEX_H
#define LOCKSTEP_JOURNAL_INDEX_H

#include "base/buf.h"
#include "base/digest.h"
#include "journal/frame.h"

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_INDEX_BLOCK   (64u << 10) /* bytes after which a block ends with its batch */
#define JOURNAL_INDEX_PAGE    4096        /* bytes */
#define JOURNAL_INDEX_ENTRIES 510         /* of a page at most */
#define JOURNAL_INDEX_DEPTH   32          /* directories of a path that have keys of their own */
#define JOURNAL_INDEX_MAX     (4u << 20)  /* entries; a segment with more gets no index */
#define JOURNAL_INDEX_HEAD    (64u << 20) /* bytes that no head reaches */
#define JOURNAL_INDEX_FIXED   88          /* bytes of a head before its lists */

/* Where a block begins, and with which record. */
struct journal_block {
    uint64_t offset;
    uint64_t first;
};

/* What ties an index to its segment. */
struct journal_index_bond {
    uint64_t size;               /* bytes of the segment that count */
    int64_t mtime_ns;            /* of its file */
    uint64_t first;              /* its first record */
    uint64_t next;               /* the first record behind it */
    uint8_t chain[SHA256_BYTES]; /* the chain value at its end */
};

/*
 * Keys. Pure.
 *
 * journal_keys_beneath(k, path): what speaks of the path, or of anything beneath it; of "" there is
 * no key. journal_keys_above(k, path): renames and removals of the path, or of a directory above.
 * Both add to a set: 0, -ENOMEM.
 */
struct journal_keys {
    uint32_t *list;
    size_t count, room;
};
int journal_keys_beneath(struct journal_keys *k, const char *path)
    __attribute__((warn_unused_result));
int journal_keys_above(struct journal_keys *k, const char *path)
    __attribute__((warn_unused_result));
void journal_keys_release(struct journal_keys *k);

/*
 * An index being made. Pure.
 *
 *   init -> { block -> record ... } ... -> encode -> release
 */
struct journal_index_draft {
    struct journal_block *blocks;
    size_t block_count, block_room;
    struct journal_keys fresh; /* of the last block */
    uint64_t *entries;         /* key << 32 | block */
    size_t entry_count, entry_room;
};

/* journal_index_block(d, offset, first): a block begins. journal_index_record(d, rec): a record of
 * it. 0, -ENOMEM, ERR_LIMIT for more than an index may have. journal_index_encode(d, bond, out):
 * append the file's bytes. The same. */
int journal_index_block(struct journal_index_draft *d, uint64_t offset, uint64_t first)
    __attribute__((warn_unused_result));
int journal_index_record(struct journal_index_draft *d, const struct journal_record *rec)
    __attribute__((warn_unused_result));
int journal_index_encode(struct journal_index_draft *d, const struct journal_index_bond *bond,
                         struct buf *out) __attribute__((warn_unused_result));
void journal_index_release(struct journal_index_draft *d);

/*
 * Reading it. Pure.
 *
 * journal_index_head_size(fixed, ret): from the first JOURNAL_INDEX_FIXED bytes, how many the head
 * has. 0, ERR_VERSION, ERR_CORRUPT.
 *
 * journal_index_head(in, ret): all of the head. Lists point into `in`, as they are written. 0,
 * ERR_VERSION, ERR_CORRUPT.
 *
 * journal_index_page_of(h, key): the first page that may have the key. journal_index_page(h, page,
 * key, on_block, arg, ret_more): call on_block for each block that a page has under the key;
 * *ret_more says whether the next page may have it, too. 0 or ERR_CORRUPT.
 */
struct journal_index_head {
    struct journal_index_bond bond;
    size_t size; /* bytes of the head: the first page follows */
    size_t block_count;
    size_t page_count;
    const unsigned char *blocks; /* offset, first: 8 bytes each */
    const unsigned char *pages;  /* first key of each: 4 bytes */
};
int journal_index_head_size(const unsigned char fixed[JOURNAL_INDEX_FIXED], size_t *ret)
    __attribute__((warn_unused_result));
int journal_index_head_decode(struct span in, struct journal_index_head *ret)
    __attribute__((warn_unused_result));
struct journal_block journal_index_block_at(const struct journal_index_head *h, size_t i);
size_t journal_index_page_of(const struct journal_index_head *h, uint32_t key);
int journal_index_page(const struct journal_index_head *h, size_t number,
                       const unsigned char page[JOURNAL_INDEX_PAGE], uint32_t key,
                       void (*on_block)(void *arg, size_t block), void *arg, bool *ret_more)
    __attribute__((warn_unused_result));

/*
 * The files. Shell.
 *
 * journal_index_name(name, out): "<segment>.idx"; returns out.
 *
 * journal_index_find(dir_fd, name, size, keys, ret): the blocks of a closed segment, of which
 * `size` bytes count, that may speak of any of the keys; keys NULL: none, but every page is looked
 * at. 0; -ENOENT without an index; ERR_CHANGED
 * where it is of another segment, ERR_CORRUPT, ERR_VERSION, -ENOMEM, -errno.
 */
struct journal_places {
    struct journal_block *list; /* in order */
    uint64_t *end;              /* of each */
    size_t count;
    uint64_t next; /* the first record behind the segment */
};
char *journal_index_name(struct journal_name name, char out[JOURNAL_FILE_SIZE]);
int journal_index_find(int dir_fd, struct journal_name name, uint64_t size,
                       const struct journal_keys *keys, struct journal_places *ret)
    __attribute__((warn_unused_result));
void journal_places_release(struct journal_places *p);

#endif
