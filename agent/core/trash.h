/*
 * Keys of the trash: the prefix, the time, '/', the key that the object had. Pure.
 *
 * Times are of UTC, to the millisecond, and sort as text: "2026-01-31T08-15-00.000Z". A key that
 * would become longer than S3 allows is cut and ends in '~' and its SHA-256.
 */
#ifndef LOCKSTEP_AGENT_CORE_TRASH_H
#define LOCKSTEP_AGENT_CORE_TRASH_H

#include <stdbool.h>
#include <stdint.h>

#define TRASH_KEY_MAX    1024
#define TRASH_STAMP_SIZE 25 /* with the NUL */

/* trash_stamp(us, out): the time as it stands in keys. */
void trash_stamp(int64_t us, char out[TRASH_STAMP_SIZE]);

/* trash_key(prefix, stamp, key, out): where the object of `key` goes. The prefix has at most 513
 * bytes. */
void trash_key(const char *prefix, const char *stamp, const char *key, char out[TRASH_KEY_MAX + 1]);

/* trash_time(prefix, key, ret_us): when the object came to the trash; false where the key is none
 * that trash_key makes. */
bool trash_time(const char *prefix, const char *key, int64_t *ret_us);

#endif
