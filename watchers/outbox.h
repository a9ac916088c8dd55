/*
 * The hints that wait to be taken. Shell.
 *
 * Two lanes in one order: listings (and the end of a scan, which must not overtake them) can be
 * held back by the taker, the rest flows on. So a listing may be overtaken by hints of events that
 * came after it was read; it is doubtful then. Any thread puts in, one takes.
 */
#ifndef LOCKSTEP_WATCHERS_OUTBOX_H
#define LOCKSTEP_WATCHERS_OUTBOX_H

#include "watchers/hints.h"

#define OUTBOX_HINTS_MAX   262144 /* beyond, hints of events are dropped and a scan makes up */
#define OUTBOX_ENTRIES_MAX 262144 /* files in waiting listings before scanning pauses */

struct outbox;

/* outbox_new(listings_ahead, wake, arg, ret): wake(arg) is called, without a lock held, when there
 * is room for listings again or dropped hints can be made up for. 0 or -errno. */
int outbox_new(size_t listings_ahead, void (*wake)(void *arg), void *arg, struct outbox **ret)
    __attribute__((warn_unused_result));
void outbox_free(struct outbox *o);

/* outbox_put_take(o, list): all hints of the list, which is empty then. */
void outbox_put_take(struct outbox *o, struct hint_list *list);

/* outbox_take(o, want_listings): the next hint, the caller's; NULL if there is none (then the fd is
 * quiet until there is one of the kind that was wanted). */
struct hint *outbox_take(struct outbox *o, bool want_listings);

/* outbox_listings_wait(o): listings, or the ends of scans, have not been taken yet. */
bool outbox_listings_wait(struct outbox *o);

/* outbox_is_short(o): hints were dropped, and nobody was told yet. */
bool outbox_is_short(struct outbox *o);

int outbox_fd(const struct outbox *o);

/* outbox_room(o, in_flight): may another listing be made while `in_flight` are on their way? */
bool outbox_room(struct outbox *o, size_t in_flight);

/* outbox_dropped(o): true, once, if hints were dropped and most of the rest has been taken. */
bool outbox_dropped(struct outbox *o);

#endif
