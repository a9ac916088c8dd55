/*
 * The journal for other programs: the formats that it is exported in. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_EXPORT_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_EXPORT_H

#include "agent/commands/journal_output.h"
#include "journal/columns.h"
#include "journal/journal.h"

/* What a database tells of its own origin. */
struct export_about {
    const char *dir;
    int64_t made_us;
    const struct journal_verdict *verdict; /* of the whole journal (of several: of the first),
                                              before it was exported */
};

/* One export under way. */
struct journal_export {
    struct output out;
    struct export_about about;
    const struct journal_sources *sources; /* more than one: rows tell whose they are */
    size_t which;                          /* of them the record at hand is from */
    struct journal_row row;                /* at hand */
    struct buf line;                       /* the same */
    void *state;                           /* the format's own */
    uint64_t records;                      /* that were put */
};

/* How records are written. Each returns 0 or a negative code, e says why; ERR_SYNTAX of `put` is
 * about the record alone, and the export goes on. `put` may use row and line. `end` comes once,
 * after `begin` has returned 0; with `whole` false nothing of it will be kept. Both may be NULL. */
struct export_format {
    const char *name;
    bool database; /* written by a library, into a file of ours; of one journal */
    int (*begin)(struct journal_export *x, struct err *e);
    int (*put)(struct journal_export *x, struct span line, struct err *e);
    int (*end)(struct journal_export *x, bool whole, struct err *e);
};

/* export_row(x, line, e): read a record into x->row. 0 or a negative code, as of `put`. */
int export_row(struct journal_export *x, struct span line, struct err *e)
    __attribute__((warn_unused_result));

extern const struct export_format export_jsonl;
extern const struct export_format export_csv;
extern const struct export_format export_sqlite;

/* journal_export_command(argc, argv): lockstep journal export ...; argv[0] is "export". Returns the
 * exit status, everything having been said. */
int journal_export_command(int argc, char **argv);

#endif
