/*
 * Verification of the manifests that lists have in S3: by the notes of what was put, and by what
 * their lists are now. Shell: reads the index.
 *
 *   check_manifests_begin -> check_manifests_key ... -> check_manifests_missing -> ..._end
 *
 * Memory: the keys of a mapping's manifests.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_CHECK_MANIFESTS_H
#define LOCKSTEP_AGENT_SERVICE_CHECK_MANIFESTS_H

#include "agent/core/differ.h"
#include "agent/service/manifest_notes.h"
#include "agent/service/merge.h"
#include "base/map.h"

/* A difference. True: it is to be noted that the manifest may be there or not, so that the next run
 * puts it. */
typedef bool check_manifests_fn(void *arg, const char *key, const struct differ *d);

struct check_manifests {
    const struct conf_mapping *mapping;
    struct index *index;
    check_manifests_fn *found;
    void *arg;
    struct map *seen;   /* keys in S3; NULL: the mapping's lists have no manifests */
    struct map *doubts; /* keys to be noted so */
    uint8_t base[SHA256_BYTES];
};

/* check_manifests_begin(c, conf, mapping, index, found, arg): for one mapping. 0 or -ENOMEM. */
int check_manifests_begin(struct check_manifests *c, const struct conf *conf, unsigned mapping,
                          struct index *index, check_manifests_fn *found, void *arg)
    __attribute__((warn_unused_result));

/* check_manifests_key(c, m, ret_rc): one key. True: it is a manifest's, which was judged (*ret_rc:
 * 0 or a negative code). */
bool check_manifests_key(struct check_manifests *c, const struct merged *m, int *ret_rc);

/* check_manifests_missing(c): when all keys were told: what is not there, or is of another list;
 * and what is to be noted is, to be committed by the caller. 0 or a negative code. */
int check_manifests_missing(struct check_manifests *c) __attribute__((warn_unused_result));

void check_manifests_end(struct check_manifests *c);

#endif
