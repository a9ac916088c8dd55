/*
 * What is on its way to the trash: from the intent to the deletion the index remembers where the
 * object goes, so that after a crash it is not copied a second time. Shell: the index keeps it.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_TRASH_NOTES_H
#define LOCKSTEP_AGENT_SERVICE_TRASH_NOTES_H

#include "agent/core/trash.h"
#include "agent/service/index.h"

/* trash_note(ix, key, etag, to): the object of `key` that has this ETag goes to the key `to`. 0 or
 * a negative code. */
int trash_note(struct index *ix, const char *key, const char *etag, const char *to)
    __attribute__((warn_unused_result));

/* trash_noted(ix, key, etag, ret_to): where the object that has this ETag was to go, or went. 0;
 * -ENOENT, also where that was another object; or as the index fails. */
int trash_noted(struct index *ix, const char *key, const char *etag, char ret_to[TRASH_KEY_MAX + 1])
    __attribute__((warn_unused_result));

/* trash_forget(ix, key): it may be absent. */
int trash_forget(struct index *ix, const char *key) __attribute__((warn_unused_result));

#endif
