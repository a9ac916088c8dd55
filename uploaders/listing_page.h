/*
 * One page of ListObjectsV2, asked for while others are on their way. Shell.
 */
#ifndef LOCKSTEP_UPLOADERS_LISTING_PAGE_H
#define LOCKSTEP_UPLOADERS_LISTING_PAGE_H

#include "uploaders/engine.h"
#include "uploaders/task.h"

struct listing_page {
    struct task task;
    struct listing_page *next; /* of the same listing, in the order of `after` */
    const char *prefix;        /* borrowed */
    char *after;               /* keys behind this one; "": from the first */
    char *token; /* goes before `after`: the page so far had no keys, but there are more */
    struct transfer *transfer; /* its outcome, once `ready` */
    unsigned tries;
    bool ready;
    struct s3_page got; /* where the verdict is VERDICT_DONE */
};

/* listing_page_new(prefix, after): NULL without memory. listing_page_free: it may not be on its
 * way; NULL is allowed. */
struct listing_page *listing_page_new(const char *prefix, const char *after);
void listing_page_free(struct listing_page *p);

/* listing_page_ask(u, p, reply): send the request; p->transfer comes to `reply`, its owner is p. 0
 * or -ENOMEM. */
int listing_page_ask(struct uploaders *u, struct listing_page *p, struct mailbox *reply)
    __attribute__((warn_unused_result));

/* listing_page_last(p): the last key that a ready page covers; NULL where it goes to the end. */
const char *listing_page_last(const struct listing_page *p);

#endif
