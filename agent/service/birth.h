/*
 * Which image of the index a file is, by its inode and the time when it was made. For
 * agent/service/ alone.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_BIRTH_H
#define LOCKSTEP_AGENT_SERVICE_BIRTH_H

#include "agent/core/plan.h"
#include "agent/service/agent.h"

/* A search, and the key that it found. */
struct birth {
    struct agent *agent;
    const struct item *it;
    const struct file_stat *st;
    bool landed;
    enum plan_born best; /* of the entry that has `key` */
    char key[AGENT_KEY_SIZE];
    bool found;
};

/* birth_find(a, it, st, b): the image in the index that certainly is the file `st` at the item's
 * path, under another key: b->key. True: there is one. Of several (it was renamed over another
 * image, whose key it has then, too) that is taken from which an event says that it came. Where its
 * birth agrees with what an interrupted transfer or removal left alone, a key whose birth the index
 * does not know is better, if all else agrees. birth_landed(a, it, st, b): the same, if S3 is known
 * to have it there. */
bool birth_find(struct agent *a, const struct item *it, const struct file_stat *st,
                struct birth *b);
bool birth_landed(struct agent *a, const struct item *it, const struct file_stat *st,
                  struct birth *b);

/* birth_stored(a, it, file, b): S3 is known to have this file under another key than the item's:
 * b->key. Never, if nobody knows when it was made. */
bool birth_stored(struct agent *a, const struct item *it, struct file_id file, struct birth *b);

/* birth_elsewhere(a, it, known, b): S3 has the file of this entry, which the index has at the
 * item's path, under another key, too: b->key. birth_left(a, it, known, b): and it was renamed to
 * there since (over an image, or the entry would say so): its ctime tells. Of links to one file the
 * index has no births (birth_shared), so that none is taken for renamed. */
bool birth_elsewhere(struct agent *a, const struct item *it, const struct known *known,
                     struct birth *b);
bool birth_left(struct agent *a, const struct item *it, const struct known *known, struct birth *b);

/* birth_shared(a, it): the item's file has several links. What the index has of it under other keys
 * loses its birth, which is no proof any more, not even when one link alone is left. */
void birth_shared(struct agent *a, const struct item *it);

#endif
