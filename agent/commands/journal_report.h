/*
 * The journal for who reads one page: what is gathered, and how it looks. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_REPORT_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_REPORT_H

#include "agent/commands/journal_sources.h"
#include "journal/tally.h"

#define REPORT_EVENTS 50 /* the last ones are shown */
#define REPORT_FAULTS 50 /* the first ones are */

/* A rewrite of a list, a hold or a release. Strings are owned; NULL where there is none. */
struct report_event {
    size_t which; /* journal it is of */
    uint64_t seq;
    int64_t time_us;
    enum journal_op op;
    enum journal_state state;
    uint64_t count;
    char *mapping, *path, *backup, *why;
};

/* The last events of a kind; number n is in list[n % REPORT_EVENTS]. */
struct report_events {
    struct report_event list[REPORT_EVENTS];
    uint64_t count, sum; /* of all; and of their counts */
};

/* What the verifier has against the journal. Strings are owned. */
struct report_fault {
    size_t which; /* journal it is of */
    char *file, *kind, *detail;
    uint64_t offset, seq;
};

/* A journal of those that are reported. */
struct report_host {
    struct journal_verdict verdict;
    struct tally *tally;
};

struct report {
    const struct journal_sources *sources;
    int64_t made_us, since_us, until_us; /* INT64_MIN, INT64_MAX: all */
    struct report_host hosts[JOURNAL_SOURCES_MAX];
    struct tally *tally; /* of all: the only one's own, or one more */
    struct report_events lists, guard;
    size_t verifying; /* the journal that is just being verified */
    struct report_fault faults[REPORT_FAULTS];
    uint64_t fault_count; /* all */
    int error;            /* -ENOMEM, once */
};

/* report_page(r, out): the page. 0, -ENOMEM, ERR_LIMIT. */
int report_page(const struct report *r, struct buf *out) __attribute__((warn_unused_result));

/* journal_report_command(argc, argv): lockstep journal report ...; argv[0] is "report". Returns the
 * exit status, everything having been said. */
int journal_report_command(int argc, char **argv);

#endif
