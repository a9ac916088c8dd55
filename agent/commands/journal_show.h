/*
 * Records for people, and as lines of JSON. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_SHOW_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_SHOW_H

#include "agent/commands/journal_named.h"
#include "agent/commands/journal_sources.h"

/* Which records are wanted. */
struct journal_wanted {
    const char *path;                  /* NULL: any */
    const struct journal_named *named; /* NULL: any */
    int64_t since_us;
    int64_t until_us;
    bool by_op;
    enum journal_op op;
    bool failed; /* failures alone */
};

/* journal_is_wanted(w, r): this one is, whatever its path, which only journal_show asks for. */
bool journal_is_wanted(const struct journal_wanted *w, const struct journal_record *r);

/* journal_show(s, w, json, no_index): print what is wanted; of a path under all the names that it
 * had, in each journal by itself. no_index: by reading everything.
 * journal_follow(s, w, json): of one journal, also what comes, until whoever reads is gone or a
 * signal ends us.
 * Each returns the exit status, everything having been said. */
int journal_show(const struct journal_sources *s, const struct journal_wanted *w, bool json,
                 bool no_index);
int journal_follow(const struct journal_sources *s, const struct journal_wanted *w, bool json);

#endif
