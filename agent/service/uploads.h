/*
 * Uploads in parts that S3 has and that were not completed. Shell: the index keeps them.
 *
 * One a key at most. It is made durable before the first part goes, so that after a crash the
 * upload is gone on with (if the file is still the same) or aborted. S3 is never asked which
 * uploads there are: those that are not in the index are not ours to touch.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_UPLOADS_H
#define LOCKSTEP_AGENT_SERVICE_UPLOADS_H

#include "agent/service/index.h"
#include "base/tree.h"

#define UPLOADS_ID_MAX 1024

struct upload_known {
    char key[1025];
    char id[UPLOADS_ID_MAX];
    uint64_t part_bytes;
    bool of_file; /* its parts come from a file, and it can be resumed; else from an object */
    uint64_t ino, size;
    int64_t mtime_ns, ctime_ns;
};

/* uploads_note(ix, u): remember it; to be committed and synced by the caller. 0 or a negative code;
 * -ENAMETOOLONG for an id past UPLOADS_ID_MAX. */
int uploads_note(struct index *ix, const struct upload_known *u)
    __attribute__((warn_unused_result));

/* uploads_find(ix, key, ret): 0 or -ENOENT, or as the index fails. uploads_forget(ix, key): S3 does
 * not have it any more. */
int uploads_find(struct index *ix, const char *key, struct upload_known *ret)
    __attribute__((warn_unused_result));
int uploads_forget(struct index *ix, const char *key) __attribute__((warn_unused_result));

/* uploads_each(ix, fn, arg): all of them; fn may not write to the index; a non-zero return stops
 * and is handed back. */
int uploads_each(struct index *ix, int (*fn)(void *arg, const struct upload_known *u), void *arg)
    __attribute__((warn_unused_result));

/* uploads_fits(u, st): the file is still the one that the upload was begun for. Its metadata too:
 * they are the object's from the beginning, and the ctime tells of them. */
bool uploads_fits(const struct upload_known *u, const struct file_stat *st);

#endif
