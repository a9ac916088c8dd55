/*
 * Uploads in parts that S3 has and that were not completed. Shell: the index keeps them.
 *
 * One a key at most. It is made durable before the first part goes, so that after a crash the
 * upload is gone on with (if the file is still the same) or aborted. Those that are not in the
 * index are not ours to touch.
 *
 * But for doubts: where the answer to the beginning of an upload was lost, S3 may have one whose id
 * nobody knows. The key and the time are remembered until S3 was asked for such uploads often
 * enough: once soon, and once when no request of that time can take effect any more.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_UPLOADS_H
#define LOCKSTEP_AGENT_SERVICE_UPLOADS_H

#include "agent/service/index.h"
#include "base/clock.h"
#include "base/tree.h"

#define UPLOADS_ID_MAX 1024

/* After the end of a doubt's time: what took effect at once can be told from what is begun later,
 * also where S3 rounds the times of uploads up (Swift) and its clock is known to a second;
 * a request is not good any longer (15 minutes) and what it did is done. */
#define UPLOADS_SOON_US (5 * US_PER_S)
#define UPLOADS_LATE_US (16 * 60 * US_PER_S)

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

/* The time in which an upload of the key may have been begun unheard. Real, by our clock. */
struct upload_doubt {
    char key[1025];
    int64_t since_us, until_us;
    int64_t looked_us; /* what was begun before that is gone; 0: not looked for yet */
};

/* uploads_doubt(ix, key, since_us, until_us): a doubt more; several of a key are one. To be
 * committed by the caller. 0, -ENAMETOOLONG, or as the index fails. */
int uploads_doubt(struct index *ix, const char *key, int64_t since_us, int64_t until_us)
    __attribute__((warn_unused_result));

/* uploads_looked(ix, key, looked_us): what was begun before that is gone. The doubt is forgotten
 * when there is nothing to be looked for any more. A doubt that is not there is none. */
int uploads_looked(struct index *ix, const char *key, int64_t looked_us)
    __attribute__((warn_unused_result));

/* uploads_look_due_us(d): when it is to be looked for next (real time). */
int64_t uploads_look_due_us(const struct upload_doubt *d);

/* uploads_each_doubt(ix, fn, arg): as uploads_each. */
int uploads_each_doubt(struct index *ix, int (*fn)(void *arg, const struct upload_doubt *d),
                       void *arg) __attribute__((warn_unused_result));

#endif
