/*
 * A hash map. Pure but for its seed, which the kernel gives.
 *
 * Entries lie without gaps in one array; a table of slots (open addressing, linear probing) holds
 * their numbers, each beside its hash, so that a probe which has to go on reads no entry. Removing
 * moves the last entry into the gap, so a walk from the end to the start meets each entry once
 * whatever it removes. Slots are vacated by shifting back, without tombstones.
 *
 *   slots   [ . 2 . 0 1 . . . ]     a power of two, at most 3/4 full; a number + 1, 0 is empty;
 *                                   the hash in the upper half
 *   entries [ e0 e1 e2 ]
 */
#include "base/map.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS_MIN   8
#define ENTRIES_MIN 6 /* 3/4 of SLOTS_MIN */

struct entry {
    char *key; /* owned, n bytes and a NUL */
    void *value;
    uint32_t n;
    uint32_t hash;
};

struct map {
    struct entry *entries;
    uint64_t *slots;
    size_t count;
    size_t slots_n; /* 0 or a power of two */
    size_t key_bytes;
    uint64_t seed[2];
};

/* A state of SipHash. */
struct sip {
    uint64_t a, b, c, d;
};

/* Rotate left. */
static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* One SipRound. Inline: else the state would lie in memory. */
__attribute__((always_inline)) static inline void sip_round(struct sip *s)
{
    s->a += s->b;
    s->b = rotate(s->b, 13) ^ s->a;
    s->a = rotate(s->a, 32);
    s->c += s->d;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

/* SipHash-1-3 (one round a word, three at the end), folded to 32 bits. */
static uint32_t hash_of(const struct map *m, const void *key, size_t n)
{
    struct sip s = {
        m->seed[0] ^ UINT64_C(0x736f6d6570736575), m->seed[1] ^ UINT64_C(0x646f72616e646f6d),
        m->seed[0] ^ UINT64_C(0x6c7967656e657261), m->seed[1] ^ UINT64_C(0x7465646279746573)};
    const uint8_t *p = key;
    uint64_t tail = (uint64_t)n << 56;
    uint64_t word;

    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        s.d ^= word;
        sip_round(&s);
        s.a ^= word;
    }
    for (size_t i = 0; i < n; i++)
        tail |= (uint64_t)p[i] << 8 * i;
    s.d ^= tail;
    sip_round(&s);
    s.a ^= tail;
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    word = s.a ^ s.b ^ s.c ^ s.d;
    return (uint32_t)(word ^ word >> 32);
}

struct map *map_new(void)
{
    struct map *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    if (getentropy(m->seed, sizeof(m->seed)) < 0) {
        free(m);
        return NULL;
    }
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    free(m);
}

/* What a slot holds of the entry of this number. */
static uint64_t slot_make(size_t number, uint32_t hash)
{
    return (uint64_t)hash << 32 | (uint32_t)(number + 1);
}

static uint32_t slot_hash(uint64_t slot)
{
    return (uint32_t)(slot >> 32);
}

static size_t slot_number(uint64_t slot)
{
    return (uint32_t)slot - 1;
}

/* The slot of the key, or the empty one where it would go. There are slots, and an empty one. */
static size_t find_slot(const struct map *m, const void *key, size_t n, uint32_t hash)
{
    size_t mask = m->slots_n - 1;
    size_t at = hash & mask;

    for (; m->slots[at] != 0; at = (at + 1) & mask) {
        const struct entry *e = &m->entries[slot_number(m->slots[at])];

        if (slot_hash(m->slots[at]) == hash && e->n == n && (n == 0 || memcmp(e->key, key, n) == 0))
            break;
    }
    return at;
}

/* The slot that holds the entry of this number, which exists. */
static size_t slot_of(const struct map *m, size_t number)
{
    size_t mask = m->slots_n - 1;
    size_t at = m->entries[number].hash & mask;

    while (slot_number(m->slots[at]) != number)
        at = (at + 1) & mask;
    return at;
}

/* The entry of a key, or NULL. */
static const struct entry *find(const struct map *m, const void *key, size_t n)
{
    size_t at;

    if (m->count == 0)
        return NULL;
    at = find_slot(m, key, n, hash_of(m, key, n));
    return m->slots[at] != 0 ? &m->entries[slot_number(m->slots[at])] : NULL;
}

void *map_get(const struct map *m, const void *key, size_t n)
{
    const struct entry *e = find(m, key, n);

    return e ? e->value : NULL;
}

const char *map_key_str(const struct map *m, const char *key)
{
    const struct entry *e = find(m, key, strlen(key));

    return e ? e->key : NULL;
}

void *map_get_str(const struct map *m, const char *key)
{
    return map_get(m, key, strlen(key));
}

/* How many entries so many slots serve. */
static size_t entries_for(size_t slots_n)
{
    return slots_n / 4 * 3;
}

/* Rebuild for another number of slots. On failure the map is as before. */
static int resize(struct map *m, size_t slots_n)
{
    uint64_t *slots = calloc(slots_n, sizeof(*slots));
    struct entry *entries;

    if (!slots)
        return -ENOMEM;
    entries = realloc(m->entries, entries_for(slots_n) * sizeof(*entries));
    if (!entries) {
        free(slots);
        return -ENOMEM;
    }
    free(m->slots);
    m->slots = slots;
    m->entries = entries;
    m->slots_n = slots_n;
    for (size_t i = 0; i < m->count; i++) {
        size_t at = entries[i].hash & (slots_n - 1);

        while (slots[at] != 0)
            at = (at + 1) & (slots_n - 1);
        slots[at] = slot_make(i, entries[i].hash);
    }
    return 0;
}

/* Make room for one more entry. */
static int make_room(struct map *m)
{
    if (m->count < entries_for(m->slots_n))
        return 0;
    if (m->slots_n > UINT32_MAX / 2) /* slots number entries in 32 bits */
        return -ENOMEM;
    return resize(m, m->slots_n ? m->slots_n * 2 : SLOTS_MIN);
}

/* Add an entry whose key is not in the map. */
static int insert(struct map *m, const void *key, size_t n, uint32_t hash, void *value)
{
    struct entry *e;
    char *copy;

    if (n >= UINT32_MAX)
        return -ENOMEM;
    copy = malloc(n + 1);
    if (!copy)
        return -ENOMEM;
    if (make_room(m) < 0) {
        free(copy);
        return -ENOMEM;
    }
    if (n > 0)
        memcpy(copy, key, n);
    copy[n] = '\0';
    m->slots[find_slot(m, key, n, hash)] = slot_make(m->count, hash);
    e = &m->entries[m->count++];
    e->key = copy;
    e->value = value;
    e->n = (uint32_t)n;
    e->hash = hash;
    m->key_bytes += n + 1;
    return 0;
}

int map_put(struct map *m, const void *key, size_t n, void *value, void **ret_old)
{
    uint32_t hash = hash_of(m, key, n);
    void *old = NULL;
    int rc;

    if (m->count > 0) {
        size_t at = find_slot(m, key, n, hash);

        if (m->slots[at] != 0) {
            struct entry *e = &m->entries[slot_number(m->slots[at])];

            old = e->value;
            e->value = value;
        }
    }
    if (!old) {
        rc = insert(m, key, n, hash, value);
        if (rc < 0)
            return rc;
    }
    if (ret_old)
        *ret_old = old;
    return 0;
}

int map_put_str(struct map *m, const char *key, void *value, void **ret_old)
{
    return map_put(m, key, strlen(key), value, ret_old);
}

/* Empty a slot, and move back into it what probing would no longer find behind it. */
static void vacate(struct map *m, size_t gap)
{
    size_t mask = m->slots_n - 1;

    for (size_t at = (gap + 1) & mask; m->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = slot_hash(m->slots[at]) & mask;

        /* It may move if its home does not lie in (gap, at], going round. */
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            m->slots[gap] = m->slots[at];
            gap = at;
        }
    }
    m->slots[gap] = 0;
}

/* Give memory back once an eighth is in use. Failing is harmless: the map is only too large. */
static void shrink(struct map *m)
{
    if (m->slots_n > SLOTS_MIN && m->count < m->slots_n / 8)
        (void)resize(m, m->slots_n / 2);
}

void *map_remove(struct map *m, const void *key, size_t n)
{
    size_t at;
    size_t number;
    size_t last;
    void *value;

    if (m->count == 0)
        return NULL;
    at = find_slot(m, key, n, hash_of(m, key, n));
    if (m->slots[at] == 0)
        return NULL;
    number = slot_number(m->slots[at]);
    value = m->entries[number].value;
    m->key_bytes -= m->entries[number].n + 1;
    vacate(m, at);
    free(m->entries[number].key);
    last = m->count - 1;
    if (number != last) {
        m->slots[slot_of(m, last)] = slot_make(number, m->entries[last].hash);
        m->entries[number] = m->entries[last];
    }
    m->count = last;
    shrink(m);
    return value;
}

void *map_remove_str(struct map *m, const char *key)
{
    return map_remove(m, key, strlen(key));
}

size_t map_count(const struct map *m)
{
    return m->count;
}

/* *at is 0 before the first entry, afterwards 1 + the number of the one returned last; going down,
 * so 1 is the end. */
bool map_next(const struct map *m, size_t *at, const void **ret_key, size_t *ret_n,
              void **ret_value)
{
    size_t above = *at == 0 ? m->count : *at - 1;
    const struct entry *e;

    if (above == 0) {
        *at = 1;
        return false;
    }
    e = &m->entries[above - 1];
    *at = above;
    if (ret_key)
        *ret_key = e->key;
    if (ret_n)
        *ret_n = e->n;
    if (ret_value)
        *ret_value = e->value;
    return true;
}

size_t map_bytes(const struct map *m)
{
    return sizeof(*m) + m->slots_n * sizeof(*m->slots) +
           entries_for(m->slots_n) * sizeof(*m->entries) + m->key_bytes;
}
