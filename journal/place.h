/*
 * Where a journal lies in a bucket: names of keys. Pure.
 *
 *   <prefix><log>/segments/<the segment's file name>
 *   <prefix><log>/checkpoints/<lines, 20 digits>       so that they sort by size
 *
 * The log is the name of the key that signs. Its letters, digits and "._-/" stand as they are, any
 * other byte as %XX, as do the dots of "." and ".." between slashes: no name leads elsewhere, and
 * no two logs have the same one.
 */
#ifndef LOCKSTEP_JOURNAL_PLACE_H
#define LOCKSTEP_JOURNAL_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_PLACE_PREFIX_MAX 513  /* bytes of a prefix */
#define JOURNAL_PLACE_SIZE       1025 /* bytes for any of these, and its NUL */

#define JOURNAL_PLACE_SEGMENTS    "segments/"
#define JOURNAL_PLACE_CHECKPOINTS "checkpoints/"

/* journal_place_log(prefix, log, out): "<prefix><log>/"; returns out. The prefix has at most
 * JOURNAL_PLACE_PREFIX_MAX bytes, the log JOURNAL_KEY_NAME_MAX; what is longer is cut. */
char *journal_place_log(const char *prefix, const char *log, char out[JOURNAL_PLACE_SIZE]);

/* journal_place_segment(folder, file, out), journal_place_checkpoint(folder, lines, out): keys
 * below what journal_place_log gave; return out. */
char *journal_place_segment(const char *folder, const char *file, char out[JOURNAL_PLACE_SIZE]);
char *journal_place_checkpoint(const char *folder, uint64_t lines, char out[JOURNAL_PLACE_SIZE]);

/* journal_place_checkpoints(folder, out): what the keys of all checkpoints begin with. */
char *journal_place_checkpoints(const char *folder, char out[JOURNAL_PLACE_SIZE]);

/* journal_place_lines(folder, key, ret): the key is that of a checkpoint, over so many lines. */
bool journal_place_lines(const char *folder, const char *key, uint64_t *ret);

#endif
