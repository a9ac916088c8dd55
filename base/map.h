/*
 * A hash map from bytes to pointers, for paths and keys. SipHash with a seed of its own, since file
 * names come from strangers. Not thread-safe. The key is copied into the map,
 * with a NUL after it.
 */
#ifndef LOCKSTEP_BASE_MAP_H
#define LOCKSTEP_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

/* map_new(): an empty map, or NULL without memory. map_free(m) frees the map and its keys, not the
 * values; NULL is allowed. */
struct map *map_new(void);
void map_free(struct map *m);

/* map_get(m, key, n): the value or NULL. map_get_str: the same for a C string. */
void *map_get(const struct map *m, const void *key, size_t n);
void *map_get_str(const struct map *m, const char *key);

/* map_put(m, key, n, value): set; value is not NULL. 0 or -ENOMEM (map unchanged). A value that
 * was there before is handed back in *ret_old (which may be NULL if nobody wants it). */
int map_put(struct map *m, const void *key, size_t n, void *value, void **ret_old)
    __attribute__((warn_unused_result));
int map_put_str(struct map *m, const char *key, void *value, void **ret_old)
    __attribute__((warn_unused_result));

/* map_key_str(m, key): the map's own copy of a key, or NULL. It stays where it is until the key is
 * removed. */
const char *map_key_str(const struct map *m, const char *key);

/* map_remove(m, key, n): take out; returns the value, or NULL if it was not there. Shrinks. */
void *map_remove(struct map *m, const void *key, size_t n);
void *map_remove_str(struct map *m, const char *key);

size_t map_count(const struct map *m);

/* map_next(m, &at, ...): walk in no particular order, at = 0 to begin; false at the end. Removing
 * the entry just returned is allowed, putting is not. What is returned may be NULL each. */
bool map_next(const struct map *m, size_t *at, const void **ret_key, size_t *ret_n,
              void **ret_value);

/* map_bytes(m): memory held, for status. */
size_t map_bytes(const struct map *m);

#endif
