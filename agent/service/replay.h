/*
 * What the journals say of each key in S3, in the order of keys; and what they come to say
 * meanwhile. Shell.
 *
 *   replay_open -> { replay_next | replay_again } ... -> replay_close
 *
 * Memory does not grow with the journals: what they say is sorted in a temporary file.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_REPLAY_H
#define LOCKSTEP_AGENT_SERVICE_REPLAY_H

#include "agent/core/account.h"
#include "conf/conf.h"
#include "journal/weave.h"

struct replay_totals {
    uint64_t records;
    uint64_t elsewhere; /* of them: of mappings that the configuration does not have */
    uint64_t keys;      /* that were handed out */
    uint64_t damaged;   /* places of the journals that cannot be read */
    int64_t until_us;   /* time of the last record, as replay_open read it */
};

struct replay_options {
    const struct conf *conf;     /* whose mappings say where keys begin */
    struct journal_weave *weave; /* of which nothing was read yet */
    void (*damaged)(void *arg, size_t which, struct err *e);
    void (*progress)(void *arg, uint64_t records); /* often */
    void *arg;
};

struct replay;

/* replay_open(opt, ret, e): read and sort all that the journals say by now. All in opt is borrowed
 * until the close. 0, -ENOMEM, -errno of the temporary file. */
int replay_open(const struct replay_options *opt, struct replay **ret, struct err *e)
    __attribute__((warn_unused_result));
void replay_close(struct replay *r);
const struct replay_totals *replay_totals(const struct replay *r);

/* replay_next(r, ret, e): 1 and what they say of the next key, valid until the next call; 0 at the
 * end; or a negative code. */
int replay_next(struct replay *r, const struct account **ret, struct err *e)
    __attribute__((warn_unused_result));

/* replay_place(r, prefix): a key of this prefix some way behind the last one that was told; NULL:
 * there is none. Prefixes in their order. What S3 has will be much like what the journals say, so
 * that pages of its listing may begin there. */
const char *replay_place(struct replay *r, const char *prefix);

/* replay_is_open(r, key): this key, which was not handed out after the last one, lies beneath one
 * with which something has not ended. */
bool replay_is_open(const struct replay *r, const char *key);

/* replay_again(r, e): read what the journals have come to say. replay_moved(r, key): they speak of
 * the key, or of a directory above it, since replay_open. 0 or -ENOMEM. */
int replay_again(struct replay *r, struct err *e) __attribute__((warn_unused_result));
bool replay_moved(const struct replay *r, const char *key);

#endif
