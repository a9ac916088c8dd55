/*
 * One attempt at rewriting a list in place: what its steps share. Shell.
 *
 *   read -> rewrite -> intent -> prepare -> install -+-> in place
 *    ^                                                |
 *    +------- raced: nothing of ours is in place <----+
 */
#ifndef LOCKSTEP_LISTS_ROUND_H
#define LOCKSTEP_LISTS_ROUND_H

#include "base/replace.h"
#include "lists/held.h"
#include "lists/lists.h"

struct round {
    int dir_fd;       /* the list's directory, borrowed */
    const char *path; /* of the list, for people */
    const char *name; /* in the directory */
    const struct lst_changes *changes;
    const struct lst_policy *policy; /* or NULL */
    uint64_t max_bytes;

    struct held old; /* the list as it was read */
    struct buf out;  /* its new content */
    struct buf undo;
    struct replace temp; /* the new file; once exchanged, the name of what was taken out */
    struct held fresh;   /* the new file, open for reading */
    bool leases;         /* they exist on this file system, and we may have them */
};

/*
 * round_prepare(r): the new file beside the list, complete and on disk: r->out with the old file's
 * mode, owner, group, extended attributes. 0 or -errno.
 */
int round_prepare(struct round *r) __attribute__((warn_unused_result));

/*
 * round_install(r): put it in the place of the list. 0: in place and durable, and no edit of others
 * is lost. ERR_CHANGED: somebody else was there; the list holds their content and nothing of ours
 * is in place. -errno: as ERR_CHANGED, for another reason.
 */
int round_install(struct round *r) __attribute__((warn_unused_result));

/*
 * rescue_taken(r): somebody wrote to the file that we took out of the list's place, and what is in
 * its place now cannot simply be changed back. Their edit is carried over, in the first way of
 * these that works:
 *   they appended rows        -> the rows are rewritten and appended to the list;
 *   the list is still our own -> their content is put back                         (ERR_CHANGED);
 *   else                      -> their content is kept beside it as "<list>.kept-<digits>".
 * 0: our rewrite stands; ERR_CHANGED: start over; -errno: their content could not be kept.
 */
int rescue_taken(struct round *r) __attribute__((warn_unused_result));

/* rescue_returned(r): our file was taken back out of the list's place, and somebody had written to
 * it: their rows are appended to the list, or their content is kept beside it. Nothing of ours is
 * in place after it, so always ERR_CHANGED or -errno. */
int rescue_returned(struct round *r) __attribute__((warn_unused_result));

/* exchange_names(dir_fd, a, b): 0; -EOPNOTSUPP where the file system cannot; -errno. */
int exchange_names(int dir_fd, const char *a, const char *b) __attribute__((warn_unused_result));

/* attributes_copy(from_fd, to_fd): user.* and the access ACL. 0 or -errno. */
int attributes_copy(int from_fd, int to_fd) __attribute__((warn_unused_result));

/* swap_name(name, out): a fresh temporary name that tells which list it belongs to, so that after a
 * crash what lies under it is known to be complete: our new file, or what we took out of the list's
 * place. swap_is_of(temp, name): it is one of this list. 0 or -errno. */
#define SWAP_NAME_SIZE 64
int swap_name(const char *name, char out[SWAP_NAME_SIZE]) __attribute__((warn_unused_result));
bool swap_is_of(const char *temp, const char *name);

/* kept_name(name, out): where an edit is kept that could not be merged; never ends in ".lst". */
#define KEPT_NAME_SIZE 256
int kept_name(const char *name, char out[KEPT_NAME_SIZE]) __attribute__((warn_unused_result));

/* nap_ms(ms): sleep. */
void nap_ms(int64_t ms);

#endif
