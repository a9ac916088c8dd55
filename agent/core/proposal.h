/*
 * The configuration that `lockstep init` proposes: commented text, from a few answers and what was
 * seen of the trees. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_PROPOSAL_H
#define LOCKSTEP_AGENT_CORE_PROPOSAL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A tree as it was seen. */
struct proposal_tree {
    const char *path; /* as it was given; NULL: there is none */
    const char *prefix;
    const char *fs_name;     /* "nfs4", "ext4"... */
    const char *source;      /* what is mounted there */
    bool network;            /* other hosts may write there */
    uint64_t used, capacity; /* bytes of its file system; capacity 0: not known */
};

struct proposal {
    struct proposal_tree images, lists;
    const char *bucket;
    const char *region, *endpoint, *profile, *state_dir; /* NULL: not said, the default holds */
};

/* proposal_render(p, out): append the file. What was not said stands there commented, with its
 * default. Texts are quoted, not judged: conf/ does that. 0, -ENOMEM or ERR_LIMIT. */
int proposal_render(const struct proposal *p, struct buf *out) __attribute__((warn_unused_result));

/* proposal_see(tree, out): append one line of what was seen of a tree. */
int proposal_see(const struct proposal_tree *tree, struct buf *out)
    __attribute__((warn_unused_result));

#endif
