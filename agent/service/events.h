/*
 * What people and programs look for in the log: each sort of event has an id under which systemd's
 * journal finds it and packaging/lockstep.catalog explains it, and fields: LOCKSTEP_EVENT (its
 * name), LOCKSTEP_MAPPING and LOCKSTEP_KEY where it is about one. Ids and names never change their
 * meaning.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_EVENTS_H
#define LOCKSTEP_AGENT_SERVICE_EVENTS_H

enum event {
    EVENT_STARTED,
    EVENT_STOPPED,
    EVENT_IN_STEP,
    EVENT_REMOVALS_HELD,
    EVENT_ROOT_LOST,
    EVENT_ROOT_BACK,
    EVENT_STUCK,
    EVENT_ANSWERS,
    EVENT_EVENTS_LOST,
    EVENT_ALL_SEEN,
    EVENT_OUT_OF_WATCHES,
    EVENT_NO_ROOM,
    EVENT_ROOM,
    EVENT_SEGMENT_GIVEN_UP,
    EVENT_NOT_SIGNED,
    EVENT_CAUSE,
    EVENT_CAUSE_OVER,
    EVENT_BLOCKED,
    EVENT_UNBLOCKED,
    EVENT_LIST_UNWRITABLE,
    EVENT_FOREIGN_OBJECT,
    EVENT_PAUSED,
    EVENT_RESUMED,
    EVENT_STANDING_BY,
    EVENT_TAKING_OVER,
    EVENT_COUNT
};

/* event_tell(event, mapping, key, fmt, ...): one log line, at the event's level. mapping: its name,
 * NULL: of none or all. key: of an object, a list or a folder; NULL. */
void event_tell(enum event event, const char *mapping, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
