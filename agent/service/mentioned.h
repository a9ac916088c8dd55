/*
 * Which images the lists name, as far as is known without reading them: lists/mentions.h, kept in
 * the index. Shell.
 *
 * Whoever reads a list as a whole notes what it names, with the stat that the list had then. A pass
 * need not read a list that still has it and names none of the images that the pass is about. All
 * else is read: a list of which nothing is known or that has another stat, one that was young or
 * open for writing when it was noted (glance.h), one whose file system may hide changes of other
 * hosts, and every list once after the machine was started, since a loss of power can leave new
 * bytes under an old time. So what is noted never decides anything but that a reading is spared.
 *
 * Meta values: "listed:<SHA-256 of the list's key>" -> struct noted; "names:<the same>:<number>" ->
 * the leaves. They are written anew whenever the list was read and does not have the stat noted.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_MENTIONED_H
#define LOCKSTEP_AGENT_SERVICE_MENTIONED_H

#include "agent/service/index.h"
#include "lists/mentions.h"

/* Changes as leaves are asked for them. Zeroed: none. */
struct sought {
    uint64_t *hashes;
    size_t n;
};

/* sought_make(s, changes): 0 or -ENOMEM. sought_release(s). */
int sought_make(struct sought *s, const struct lst_changes *changes)
    __attribute__((warn_unused_result));
void sought_release(struct sought *s);

enum mentioned {
    MENTIONED_UNKNOWN, /* nothing is known of the list as it is now */
    MENTIONED_MAYBE, /* what is noted is of the list as it is now, and does not spare reading it */
    MENTIONED_NONE   /* the list certainly names nothing of what is sought */
};

/* mentioned_look(v, key, st, s): of the list of this key, whose stat is st. s: NULL where only is
 * asked whether anything is known. For any thread, with a view of its own. */
enum mentioned mentioned_look(struct index_view *v, const char *key, const struct file_stat *st,
                              const struct sought *s);

/* mentioned_note(ix, key, st, names): the list of this key names this (mentions_end was called),
 * and will as long as its stat is st. To be committed. */
int mentioned_note(struct index *ix, const char *key, const struct file_stat *st,
                   const struct mentions *names) __attribute__((warn_unused_result));

/* mentioned_expire(ix): forget lists that the index does not have any more. */
int mentioned_expire(struct index *ix) __attribute__((warn_unused_result));

#endif
