/* Which paths a list names, in few bytes: see mentions.h. Pure. */
#include "lists/mentions.h"

#include "base/mix.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_FORMAT    1
#define HASH_SEED      LEAF_FORMAT /* another hash is another format */
#define BUCKET_BITS    4           /* at least 2^4 names a bucket */
#define BITS_MAX       (17 - BUCKET_BITS)
#define HASHES_MIN     1024
#define INSERTIONS_MAX 64   /* longer buckets are of names that were chosen so */
#define RECENT         1024 /* directories that need not be named again */

_Static_assert(LEAF_NAMES_MAX == 1 << (BITS_MAX + BUCKET_BITS), "a full leaf has all its buckets");

/* What a leaf begins with. */
struct leaf_head {
    uint32_t format, count, bits;
};

struct mentions {
    uint64_t *hashes; /* of the leaf that is being gathered */
    size_t n, room;
    uint64_t recent[RECENT]; /* hashes of directories named before, each in its place; 0: none */
    char last[PATH_BYTES_MAX + 1]; /* the directory of the path that was added last */
    size_t last_n;
    struct buf leaves; /* u32 size, bytes; ... */
};

static uint64_t name_hash(const char *p, size_t n)
{
    return mix_bytes(HASH_SEED, p, n);
}

/* The bits that tell names of one bucket apart. */
static uint32_t hash_rest(uint64_t hash, unsigned bits)
{
    return (uint32_t)(hash << bits >> 32);
}

static size_t hash_bucket(uint64_t hash, unsigned bits)
{
    return bits ? (size_t)(hash >> (64 - bits)) : 0;
}

int mentions_new(size_t max_bytes, struct mentions **ret)
{
    struct mentions *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    buf_init(&m->leaves, max_bytes);
    *ret = m;
    return 0;
}

void mentions_free(struct mentions *m)
{
    if (!m)
        return;
    free(m->hashes);
    buf_release(&m->leaves);
    free(m);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Sort a bucket. */
static void bucket_sort(uint32_t *rests, size_t n)
{
    if (n > INSERTIONS_MAX) {
        qsort(rests, n, sizeof(*rests), by_number);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint32_t rest = rests[i];
        size_t at = i;

        for (; at > 0 && rests[at - 1] > rest; at--)
            rests[at] = rests[at - 1];
        rests[at] = rest;
    }
}

/* The hashes into their buckets: starts[b] is where bucket b begins. */
static void leaf_scatter(const struct mentions *m, unsigned bits, uint32_t *starts, uint32_t *rests)
{
    size_t buckets = (size_t)1 << bits;
    uint32_t at = 0;

    memset(starts, 0, (buckets + 1) * sizeof(*starts));
    for (size_t i = 0; i < m->n; i++)
        starts[hash_bucket(m->hashes[i], bits)]++;
    for (size_t b = 0; b <= buckets; b++) { /* where each ends: filled from behind */
        at += starts[b];
        starts[b] = at;
    }
    for (size_t i = m->n; i-- > 0;)
        rests[--starts[hash_bucket(m->hashes[i], bits)]] = hash_rest(m->hashes[i], bits);
}

/* Sort the buckets and leave each name in its bucket once; how many are left. */
static uint32_t leaf_sort(unsigned bits, uint32_t *starts, uint32_t *rests)
{
    uint32_t kept = 0;

    for (size_t b = 0; b < (size_t)1 << bits; b++) {
        uint32_t from = starts[b];
        uint32_t until = starts[b + 1];

        bucket_sort(rests + from, until - from);
        starts[b] = kept;
        for (uint32_t i = from; i < until; i++)
            if (i == from || rests[i] != rests[i - 1])
                rests[kept++] = rests[i];
    }
    starts[(size_t)1 << bits] = kept;
    return kept;
}

/* Append the leaf and its size. */
static int leaf_append(struct mentions *m, const struct leaf_head *head, const uint32_t *starts,
                       const uint32_t *rests)
{
    size_t starts_n = (((size_t)1 << head->bits) + 1) * sizeof(*starts);
    size_t rests_n = head->count * sizeof(*rests);
    uint32_t size = (uint32_t)(sizeof(*head) + starts_n + rests_n);
    int rc = buf_append(&m->leaves, &size, sizeof(size));

    if (rc == 0)
        rc = buf_append(&m->leaves, head, sizeof(*head));
    if (rc == 0)
        rc = buf_append(&m->leaves, starts, starts_n);
    if (rc == 0)
        rc = buf_append(&m->leaves, rests, rests_n);
    return rc;
}

/* Make a leaf of what was gathered. */
static int leaf_end(struct mentions *m)
{
    struct leaf_head head = {.format = LEAF_FORMAT};
    uint32_t *starts;
    uint32_t *rests;
    int rc = -ENOMEM;

    while (m->n >> (head.bits + 1 + BUCKET_BITS))
        head.bits++;
    starts = malloc((((size_t)1 << head.bits) + 1) * sizeof(*starts));
    rests = malloc((m->n + 1) * sizeof(*rests));
    if (starts && rests) {
        leaf_scatter(m, head.bits, starts, rests);
        head.count = leaf_sort(head.bits, starts, rests);
        rc = leaf_append(m, &head, starts, rests);
    }
    free(starts);
    free(rests);
    m->n = 0;
    return rc;
}

/* One name more. */
static int put(struct mentions *m, uint64_t hash)
{
    if (m->n == LEAF_NAMES_MAX) {
        int rc = leaf_end(m);

        if (rc < 0)
            return rc;
    }
    if (m->n == m->room) {
        size_t room = m->room ? 2 * m->room : HASHES_MIN;
        uint64_t *more = realloc(m->hashes, room * sizeof(*more));

        if (!more)
            return -ENOMEM;
        m->hashes = more;
        m->room = room;
    }
    m->hashes[m->n++] = hash;
    return 0;
}

/* A directory, unless it was named a moment ago. */
static int put_directory(struct mentions *m, uint64_t hash)
{
    uint64_t *recent = &m->recent[hash % RECENT];

    if (*recent == hash && hash)
        return 0;
    *recent = hash;
    return put(m, hash);
}

/* The directories above a path whose last '/' is at dir_n. */
static int put_directories(struct mentions *m, const char *path, size_t dir_n)
{
    const char *slash = path;
    int rc = 0;

    if (dir_n == m->last_n && memcmp(path, m->last, dir_n) == 0)
        return 0;
    while (rc == 0 && (slash = memchr(slash, '/', (size_t)(path + dir_n + 1 - slash))) != NULL)
        rc = put_directory(m, name_hash(path, (size_t)(slash++ - path)));
    memcpy(m->last, path, dir_n);
    m->last_n = dir_n;
    return rc;
}

int mentions_add(struct mentions *m, const char *image)
{
    const char *slash = strrchr(image, '/');
    int rc = slash ? put_directories(m, image, (size_t)(slash - image)) : 0;

    return rc ? rc : put(m, name_hash(image, strlen(image)));
}

int mentions_add_all(struct mentions *m, struct span list)
{
    char image[PATH_BYTES_MAX + 1];
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < list.n;) {
        struct span line = row_line(list, at);
        struct span path;

        at += line.n;
        if (row_path(line, &path) && lst_path_normal(path, image, sizeof(image)) == 0)
            rc = mentions_add(m, image);
    }
    return rc;
}

int mentions_end(struct mentions *m)
{
    return leaf_end(m);
}

bool mentions_next(const struct mentions *m, size_t *at, struct span *ret)
{
    uint32_t size;

    if (*at >= m->leaves.len)
        return false;
    memcpy(&size, m->leaves.data + *at, sizeof(size));
    *ret = (struct span){m->leaves.data + *at + sizeof(size), size};
    *at += sizeof(size) + size;
    return true;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

int mentions_sought(const struct lst_changes *changes, uint64_t **ret, size_t *ret_n)
{
    uint64_t *sought = malloc((lst_changes_count(changes) + 1) * sizeof(*sought));
    struct span from;
    size_t n = 0;

    if (!sought)
        return -ENOMEM;
    for (size_t at = 0; changes_next(changes, &at, &from);)
        sought[n++] = name_hash(from.p, from.n);
    qsort(sought, n, sizeof(*sought), by_hash); /* leaves are read from front to back then */
    *ret = sought;
    *ret_n = n;
    return 0;
}

/* The head of a leaf; false where it is none. */
static bool leaf_open(struct span leaf, struct leaf_head *ret)
{
    if (leaf.n < sizeof(*ret))
        return false;
    memcpy(ret, leaf.p, sizeof(*ret));
    return ret->format == LEAF_FORMAT && ret->bits <= BITS_MAX && ret->count <= LEAF_NAMES_MAX &&
           leaf.n == sizeof(*ret) + ((((size_t)1 << ret->bits) + 1) + ret->count) * 4;
}

/* One of the numbers behind the head. */
static uint32_t leaf_number(struct span leaf, size_t i)
{
    uint32_t number;

    memcpy(&number, leaf.p + sizeof(struct leaf_head) + i * sizeof(number), sizeof(number));
    return number;
}

/* The leaf may name this; false is certain. */
static bool leaf_has_one(struct span leaf, const struct leaf_head *head, uint64_t hash)
{
    size_t bucket = hash_bucket(hash, head->bits);
    size_t rests = ((size_t)1 << head->bits) + 1;
    uint32_t from = leaf_number(leaf, bucket);
    uint32_t until = leaf_number(leaf, bucket + 1);
    uint32_t want = hash_rest(hash, head->bits);

    if (from > until || until > head->count)
        return true; /* damaged */
    while (from < until) {
        uint32_t middle = from + (until - from) / 2;
        uint32_t rest = leaf_number(leaf, rests + middle);

        if (rest == want)
            return true;
        if (rest < want)
            from = middle + 1;
        else
            until = middle;
    }
    return false;
}

bool mentions_leaf_has(struct span leaf, const uint64_t *sought, size_t n)
{
    struct leaf_head head;

    if (!leaf_open(leaf, &head))
        return true;
    for (size_t i = 0; i < n; i++)
        if (leaf_has_one(leaf, &head, sought[i]))
            return true;
    return false;
}
