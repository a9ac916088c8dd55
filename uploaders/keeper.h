/*
 * Keeps the keys fresh: asks their source ahead of each expiry, on a thread of its own, while the
 * old ones are used on. Shell (environment, files, network; locks, a thread).
 *
 *             keeper_new            time                    got
 *   (asked) ------------> resting ---------> asking ------------------> resting
 *                            ^   keeper_renew          failed |
 *                            +------- backing off <-----------+
 *
 * An outage of the source stops nothing: what is there is used as long as S3 takes it, the source
 * is asked again after 1, 2, 4, ... 60 s, and the log says once that it began and once that it is
 * over. Keys of the environment never change, so they have no thread.
 */
#ifndef LOCKSTEP_UPLOADERS_KEEPER_H
#define LOCKSTEP_UPLOADERS_KEEPER_H

#include "base/err.h"
#include "uploaders/credentials.h"
#include "uploaders/sources.h"
#include "uploaders/uploaders.h"

struct keeper;

/* keeper_new(sources, opt, ret, e): the first keys, out of what was read already; blocks while
 * their source is asked. opt: what it needs of it is copied. 0 or a negative
 * code with e. keeper_free: NULL is allowed. */
int keeper_new(const struct sources *sources, const struct uploaders_options *opt,
               struct keeper **ret, struct err *e) __attribute__((warn_unused_result));
void keeper_free(struct keeper *k);

/* keeper_generation(k): counts the changes of the keys, from 1. Any thread; no lock. */
unsigned keeper_generation(const struct keeper *k);

/* keeper_copy(k, ret, ret_generation): a snapshot. 0 or -ENOMEM. Any thread. */
int keeper_copy(struct keeper *k, struct credentials *ret, unsigned *ret_generation)
    __attribute__((warn_unused_result));

/* keeper_renew(k, generation): S3 no longer takes the keys of this generation: ask for others now.
 * Returns at once; asks once, however many say so, and not while it backs off. Any thread.
 * keeper_is_renewing(k, generation): it is at it, and the keys are still those. */
void keeper_renew(struct keeper *k, unsigned generation);
bool keeper_is_renewing(struct keeper *k, unsigned generation);

/* keeper_describe(k, ret): see uploaders_keys. Any thread. */
void keeper_describe(struct keeper *k, struct uploaders_keys *ret);

#endif
