/*
 * Where images went of which rows were rewritten lately. Shell: the index keeps it.
 *
 * Who reads a list before it is rewritten and saves it afterwards puts old rows back. So the index
 * remembers each path that rows left and at which no other image came to S3 since, and a list that
 * comes with such a path is rewritten again, as long as no file is there.
 *
 * For a day, where a list named the path: somebody may have that list open. For a minute, where
 * none did: it may be listed while its image goes; for ten, where S3 does not get on, and lists
 * with it. A path that rows were rewritten to, though, is remembered as long as the rows that came
 * there, whoever names it by then: an old list is followed from path to path, and no link may be
 * missing. Where rows go on from such a path, the paths from which they had come lead on to the new
 * one at once, since what is in between may be another image's soon.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_DEPARTED_H
#define LOCKSTEP_AGENT_SERVICE_DEPARTED_H

#include "agent/service/index.h"
#include "base/buf.h"

#define DEPARTED_S          (24 * 3600) /* how long it is remembered that a list named it */
#define DEPARTED_UNLISTED_S 60          /* and where none did */
#define DEPARTED_TROUBLED_S 600         /* the same, while all is not in step for long */

/* What one pass over the lists makes of it. All its changes happen at once: what leads to a path
 * that rows leave, and to which others come, goes by what led there before. So what lists name
 * waits until the pass has told of all. departed_begin(pass, now_us, run_us) before that (run_us:
 * when this run of the agent began); departed_store(pass, ix, count): stores so much of it. 0: that
 * was all; 1: there is more; or a negative code. departed_end(pass) releases it. */
struct departed_pass {
    struct buf waiting;
    size_t at;       /* departed_store's */
    bool redirected; /* the same: what led to the paths was stored */
    int64_t now_us;  /* when it began */
    int64_t run_us;
    int64_t again_us; /* the caller's: what led to the next path since then, in an earlier run,
                         leads on already; 0: nothing does */
};
void departed_begin(struct departed_pass *pass, int64_t now_us, int64_t run_us);
int departed_store(struct departed_pass *pass, struct index *ix, size_t count)
    __attribute__((warn_unused_result));
void departed_end(struct departed_pass *pass);

/* departed_note(ix, pass, key, prefix, to, now_s, keep_s): rows that name the path of this key, if
 * there are any, leave it for the path `to` (NULL: they are dropped). prefix: so many bytes of the
 * key are not of its path, but of all paths beside it. keep_s: how long that is remembered where no
 * list named it. 0 or a negative code. */
int departed_note(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                  const char *to, int64_t now_s, uint32_t keep_s)
    __attribute__((warn_unused_result));

/* departed_note_alone(ix, key, prefix, to, now_s, keep_s): the same as a pass of its own, stored.
 */
int departed_note_alone(struct index *ix, const char *key, size_t prefix, const char *to,
                        int64_t now_s, uint32_t keep_s) __attribute__((warn_unused_result));

/* departed_lead_on(ix, pass, key, prefix, to, now_s): the same, of a path at which another image
 * is, so that nothing is remembered of itself: where lists had rows that came there before, they
 * are at `to` now. 0 or a negative code. */
int departed_lead_on(struct index *ix, struct departed_pass *pass, const char *key, size_t prefix,
                     const char *to, int64_t now_s) __attribute__((warn_unused_result));

/* departed_listed(ix, key, prefix): a list has such rows. 0 or a negative code. */
int departed_listed(struct index *ix, const char *key, size_t prefix)
    __attribute__((warn_unused_result));

/* departed_forget(ix, key): an image is at the path of this key, and rows of it may be. */
int departed_forget(struct index *ix, const char *key) __attribute__((warn_unused_result));

/* departed_doubt(ix, since_s): the pass that began then did not end in the run before: rows may be
 * where it found them. What was noted since is nothing for departed_since, until
 * departed_confirm(ix, key) tells that a list was rewritten for it. 0 or a negative code. */
int departed_doubt(struct index *ix, int64_t since_s) __attribute__((warn_unused_result));
int departed_confirm(struct index *ix, const char *key) __attribute__((warn_unused_result));

/* departed_find(v, key, now_s, to, size): where rows of this path went; "": nowhere. False: nothing
 * is known of it. */
bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size);

/* departed_since(ix, key, since_s, where): rows left this path at that time or later: for another
 * one or, DEPARTED_ANYWHERE, were dropped. */
enum departed_where { DEPARTED_ELSEWHERE, DEPARTED_ANYWHERE };
bool departed_since(struct index *ix, const char *key, int64_t since_s, enum departed_where where);

/* departed_to(ix, key, to, size): the path for which rows left this one last. False: none is known.
 */
bool departed_to(struct index *ix, const char *key, char *to, size_t size);

#define DEPARTED_NAME_SIZE 412 /* of what a note is called */

/* Where a sweep of them stands. Zeroed: at the begin. */
struct departed_sweep {
    int64_t due_ms;                /* the caller's */
    char next[DEPARTED_NAME_SIZE]; /* "": at the begin */
};

/* departed_expire(ix, now_s, sweep, ret_expired): look at some more of them, and forget those that
 * are too old. *ret_expired: there were such, which is to be committed. 0 or a negative code. */
int departed_expire(struct index *ix, int64_t now_s, struct departed_sweep *sweep,
                    bool *ret_expired) __attribute__((warn_unused_result));

#endif
