/* The Merkle tree of RFC 6962 as a frontier. Pure. */
#include "journal/merkle.h"

#include "base/err.h"

#include <string.h>

void journal_tree_join(const uint8_t *left, const uint8_t *right, uint8_t out[SHA256_BYTES])
{
    uint8_t in[1 + 2 * SHA256_BYTES];

    in[0] = 0x01;
    memcpy(in + 1, left, SHA256_BYTES);
    memcpy(in + 1 + SHA256_BYTES, right, SHA256_BYTES);
    digest_sha256(in, sizeof(in), out);
}

void journal_tree_push(struct journal_tree *t, struct span line)
{
    uint8_t hash[SHA256_BYTES];
    struct sha256 sha;
    unsigned level = 0;

    sha256_begin(&sha);
    sha256_add(&sha, "\0", 1);
    sha256_add(&sha, line.p, line.n);
    sha256_end(&sha, hash);
    for (; t->count >> level & 1; level++)
        journal_tree_join(t->node[level], hash, hash);
    memcpy(t->node[level], hash, SHA256_BYTES);
    t->count++;
}

/* A level of hashes and the one above it; the first place of each is for a hash that waited for its
 * sibling. */
struct level {
    uint8_t hash[1 + JOURNAL_TREE_EACH][SHA256_BYTES];
};

/* The n hashes behind the first place of levels[0] are leaves: join them, and what waits, as far as
 * they go. */
static void tree_rise(struct journal_tree *t, struct level levels[2], size_t n)
{
    struct span pairs[JOURNAL_TREE_EACH / 2];
    uint64_t waits = t->count;

    t->count += n;
    for (unsigned level = 0; n > 0; level++, waits >>= 1, n /= 2) {
        uint8_t(*row)[SHA256_BYTES] = levels[level % 2].hash + 1;

        if (waits & 1) {
            memcpy(--row, t->node[level], SHA256_BYTES);
            n++;
        }
        for (size_t i = 0; i < n / 2; i++)
            pairs[i] = (struct span){(const char *)row[2 * i], 2 * (size_t)SHA256_BYTES};
        digest_sha256_each(0x01, pairs, n / 2, levels[1 - level % 2].hash + 1);
        if (n % 2)
            memcpy(t->node[level], row[n - 1], SHA256_BYTES);
    }
}

void journal_tree_push_each(struct journal_tree *t, const struct span *lines, size_t count)
{
    struct level levels[2];

    for (size_t n; count > 0; lines += n, count -= n) {
        n = count < JOURNAL_TREE_EACH ? count : JOURNAL_TREE_EACH;
        /* cppcheck-suppress legacyUninitvar; this is what fills it */
        digest_sha256_each(0x00, lines, n, levels[0].hash + 1);
        tree_rise(t, levels, n);
    }
}

void journal_tree_root(const struct journal_tree *t, uint8_t out[SHA256_BYTES])
{
    unsigned level = 0;

    if (t->count == 0) {
        digest_sha256("", 0, out);
        return;
    }
    while (!(t->count >> level & 1))
        level++;
    memcpy(out, t->node[level], SHA256_BYTES);
    while (++level < JOURNAL_TREE_LEVELS)
        if (t->count >> level & 1)
            journal_tree_join(t->node[level], out, out);
}

size_t journal_tree_export(const struct journal_tree *t,
                           uint8_t out[JOURNAL_TREE_LEVELS * SHA256_BYTES])
{
    size_t n = 0;

    for (unsigned level = JOURNAL_TREE_LEVELS; level-- > 0;)
        if (t->count >> level & 1) {
            memcpy(out + n, t->node[level], SHA256_BYTES);
            n += SHA256_BYTES;
        }
    return n;
}

int journal_tree_import(struct journal_tree *t, uint64_t count, const uint8_t *p, size_t n)
{
    if (n != (size_t)__builtin_popcountll(count) * SHA256_BYTES || count >= JOURNAL_TREE_MOST)
        return ERR_SYNTAX;
    memset(t, 0, sizeof(*t));
    t->count = count;
    for (unsigned level = JOURNAL_TREE_LEVELS; level-- > 0;)
        if (count >> level & 1) {
            memcpy(t->node[level], p, SHA256_BYTES);
            p += SHA256_BYTES;
        }
    return 0;
}
