/*
 * What index_get found last, since one image's entry is asked for many times in a row: when it is
 * decided on, when its transfer begins, when it lands. Pure.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_INDEX_CACHE_H
#define LOCKSTEP_AGENT_SERVICE_INDEX_CACHE_H

#include "agent/service/index.h"

struct index_cache;

/* index_cache_new(): some 150 KB; NULL without memory. All others take NULL as one that is always
 * empty. */
struct index_cache *index_cache_new(void);
void index_cache_free(struct index_cache *c);

/* index_cache_get(c, key, ret): 0 and *ret, or -ENOENT: so the index said; -EAGAIN: it is to be
 * asked. */
int index_cache_get(const struct index_cache *c, const char *key, struct index_entry *ret);

/* index_cache_note(c, key, found): what the index said; NULL: it has none. */
void index_cache_note(struct index_cache *c, const char *key, const struct index_entry *found);

/* index_cache_forget(c, key): it is about to be changed. index_cache_clear(c): anything may be. */
void index_cache_forget(struct index_cache *c, const char *key);
void index_cache_clear(struct index_cache *c);

#endif
