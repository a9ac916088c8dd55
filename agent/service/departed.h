/*
 * Where images went of which rows were rewritten lately. Shell: the index keeps it.
 *
 * Who reads a list before it is rewritten and saves it afterwards puts old rows back. So for a day
 * the index remembers each path that rows left and at which no other image came to S3 since, and a
 * list that comes with such a path is rewritten again, as long as no file is there.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_DEPARTED_H
#define LOCKSTEP_AGENT_SERVICE_DEPARTED_H

#include "agent/service/index.h"

#define DEPARTED_S (24 * 3600) /* how long it is remembered */

/* departed_note(ix, key, to, now_s): rows left the path of this key for the path `to` (NULL: they
 * were dropped). 0 or a negative code. */
int departed_note(struct index *ix, const char *key, const char *to, int64_t now_s)
    __attribute__((warn_unused_result));

/* departed_forget(ix, key): an image is at the path of this key, and rows of it may be. */
int departed_forget(struct index *ix, const char *key) __attribute__((warn_unused_result));

/* departed_find(v, key, now_s, to, size): where rows of this path went; "": nowhere. False: nothing
 * is known of it. */
bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size);

/* departed_since(ix, key, since_s): rows left this path for another one at that time or later. */
bool departed_since(struct index *ix, const char *key, int64_t since_s);

/* departed_expire(ix, now_s): forget what is too old. */
int departed_expire(struct index *ix, int64_t now_s) __attribute__((warn_unused_result));

#endif
