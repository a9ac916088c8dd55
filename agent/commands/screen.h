/*
 * How long work shows itself: a line of progress on a terminal, lines of JSON elsewhere. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_SCREEN_H
#define LOCKSTEP_AGENT_COMMANDS_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

struct screen {
    bool dirty;      /* a line of progress stands there */
    int64_t last_ms; /* when it was written; 0: never */
};

/* screen_progress(s, format, ...): show it on standard error, if that is a terminal, at most twice
 * a second. screen_clear(s): take it away, before anything else is printed. */
void screen_progress(struct screen *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void screen_clear(struct screen *s);

struct screen_member {
    const char *name; /* NULL: the end */
    const char *value;
};
struct screen_number {
    const char *name; /* NULL: the end */
    uint64_t value;
};

/* screen_json(members, numbers): one line of JSON; either may be NULL. The words of a number's name
 * are joined by '_'. */
void screen_json(const struct screen_member *members, const struct screen_number *numbers);

#endif
