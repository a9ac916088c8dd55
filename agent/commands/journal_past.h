/*
 * What S3 had at a moment, and what became of it until another, for people and programs. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_PAST_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_PAST_H

#include "agent/commands/journal_sources.h"

#define PAST_MOMENTS 2

struct past_question {
    int64_t until_us[PAST_MOMENTS];
    int count;           /* 1: what there was; 2: what became of it */
    const char *mapping; /* NULL: all of them */
    const char *within;  /* a path: it and all beneath; "": all */
    bool one_tree;       /* all journals are of one tree; else each has its own */
    bool manifest;       /* the keys as S3 reads them (a ManifestFile) */
    bool json;
};

/* journal_past(s, q, conf): print what S3 had, or what became of it; conf may be NULL but for a
 * manifest. Returns the exit status, everything having been said. */
int journal_past(const struct journal_sources *s, const struct past_question *q,
                 const struct conf *conf);

#endif
