/*
 * fanotify's events: taken apart, and told in the words of inotify, which the tracker knows. Pure.
 *
 * The layout is that of fanotify(7): a metadata header, then records of information. The group
 * reports FAN_REPORT_DFID_NAME: each event names a directory by its handle and a name in it
 * (FAN_RENAME two of each), "." being the directory itself.
 *
 * What the kernel does otherwise than inotify: of the events that wait in its queue it merges those
 * of one name in one directory, whatever came between, into the place of the first; so
 *  - CREATE, MODIFY, CLOSE_WRITE and DELETE of one name come as one event, in an order that is not
 *    told: "gone" is said before "there";
 *  - a rename that was undone and done again comes once, before what undid it. So each place that a
 *    directory left, or was removed from, is looked at as well (EVENT_LOOK): the tracker's first
 * rule (tracker.h) for places that something came to holds here for all places.
 */
#ifndef LOCKSTEP_WATCHERS_FAN_EVENT_H
#define LOCKSTEP_WATCHERS_FAN_EVENT_H

#include "watchers/handles.h"
#include "watchers/tracker.h"

#define FAN_EVENT_RAW_MAX 3 /* raw events that one event can make */

/* A name in a directory. */
struct fan_spot {
    struct handle dir; /* size 0: not told */
    const char *name;
};

/* One event; points into the buffer that was read. */
struct fan_event {
    uint64_t mask;
    struct fan_spot at; /* all but FAN_RENAME */
    struct fan_spot from;
    struct fan_spot to;
};

/* fan_event_next(data, size, at, ret): the event at *at, and *at moved behind it. False at the end,
 * or where the bytes are no event. */
bool fan_event_next(const void *data, size_t size, size_t *at, struct fan_event *ret);

/* The watch descriptors of an event's directories; -1: a directory that is not ours. */
struct fan_wds {
    int at;
    int from;
    int to;
};

/* fan_event_tell(ev, wds, cookie, ret): the same in raw events, whose names point where ev's do.
 * How many. cookie binds the halves of a rename. */
size_t fan_event_tell(const struct fan_event *ev, const struct fan_wds *wds, uint32_t cookie,
                      struct raw_event ret[FAN_EVENT_RAW_MAX]);

#endif
