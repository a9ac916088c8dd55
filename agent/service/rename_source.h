/*
 * Where what is at a new path may have come from. For agent/service/ alone.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RENAME_SOURCE_H
#define LOCKSTEP_AGENT_SERVICE_RENAME_SOURCE_H

#include "agent/service/agent.h"

/* A search, and what it found. */
struct rename_source {
    struct agent *agent;
    const struct item *it;
    char key[AGENT_KEY_SIZE];
    bool found;
    bool told;  /* an event or the birth says so */
    bool exact; /* or inode, size and mtime do */
    /* Where neither: the key under which this very file was on its way to S3 for the first time
     * when an earlier run ended; that it left there the caller has to see. Empty: none. */
    char interrupted[AGENT_KEY_SIZE];
};

/* rename_source_find(a, it, known, s): the key under which the index has what may be at the item's
 * path by now. Events tell, but they may have told of a name that the index gave to another image
 * meanwhile, so what agrees with the inode comes first. An image that S3 never had and that came
 * here by itself is not the one that was here with its directory. `known`: rows tell which image it
 * is, and of another it is none. */
void rename_source_find(struct agent *a, struct item *it, bool known, struct rename_source *s);

/* rename_unlanded_source(a, it): the item of what an event says was here before, at another path,
 * and never came to S3; NULL. */
struct item *rename_unlanded_source(struct agent *a, const struct item *it);

/* rename_is_link(a, it, elsewhere): the item's file is what S3 has there, too: what the index has
 * of the same inode under another key is another link to it, of which it has no birth
 * (birth_shared), and not where it came from. */
bool rename_is_link(struct agent *a, const struct item *it, const struct known *elsewhere);

#endif
