/*
 * What the tests of the index share: an index in the scratch directory, entries, keys, and what a
 * walk told.
 */
#ifndef LOCKSTEP_TESTS_INDEX_BED_H
#define LOCKSTEP_TESTS_INDEX_BED_H

#include "tests/unit/unit.h"

#include "agent/service/index.h"
#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define KEY_MAX    1024 /* bytes of an S3 key */
#define GATHER_MAX 1200

/* Keys that a walk told of. */
struct gathered {
    char *keys[GATHER_MAX];
    size_t count;
    size_t stop_at; /* 0: never */
};

static inline int gather(void *arg, const char *key, const struct known *known)
{
    struct gathered *g = arg;

    (void)known;
    assert_true(g->count < GATHER_MAX);
    g->keys[g->count++] = strdup(key);
    return g->stop_at && g->count == g->stop_at ? 7 : 0;
}

static inline void let_go(struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->keys[i]);
    *g = (struct gathered){.count = 0};
}

static inline int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The gathered keys are these, in this order; they are let go. */
static inline void expect(struct gathered *g, const char *const *keys, size_t count)
{
    if (g->count != count)
        fail_msg("%zu keys, not %zu", g->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(g->keys[i], keys[i]);
    let_go(g);
}

static inline struct index *opened(void)
{
    struct err e = {0};
    struct index *ix = NULL;

    if (index_open(scratch_path(), false, &ix, &e))
        fail_msg("%s: %s", e.where, e.what);
    return ix;
}

/* An entry that the number tells from any other. */
static inline struct known entry(uint64_t number)
{
    struct known k = {.flags = KNOWN_CRC,
                      .mode = 0100644,
                      .uid = 1,
                      .gid = 2,
                      .ino = number,
                      .size = number * 3,
                      .mtime_ns = -5,
                      .ctime_ns = INT64_MAX,
                      .born_ns = number % 2 ? INT64_MIN : 0,
                      .crc64 = ~number};

    (void)snprintf(k.etag, sizeof k.etag, "etag%u", (unsigned)number);
    return k;
}

static inline void put(struct index *ix, const char *key, uint64_t number)
{
    struct known k = entry(number);

    assert_int_equal(index_put(ix, key, &k, NULL), 0);
}

/* A key of n bytes: this beginning, then fill, then a number of four digits. */
static inline const char *long_key(char out[KEY_MAX + 2], const char *begin, size_t n, int number)
{
    size_t begin_n = strlen(begin);

    memset(out, 'x', n);
    memcpy(out, begin, begin_n);
    (void)snprintf(out + n - 4, 5, "%04d", number);
    return out;
}

#define INDEX_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
