/*
 * What S3 had at a moment, and what became of it until another, for people and programs. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_PAST_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_PAST_H

#include "conf/conf.h"
#include "journal/past.h"

/* Which objects are spoken of. */
struct past_part {
    const char *mapping; /* NULL: of all */
    const char *within;  /* a path: it and all beneath; "": all */
};

/* journal_at_lines(p, part, json): each object on a line. 0 or -ENOMEM. */
int journal_at_lines(const struct past *p, const struct past_part *part, bool json)
    __attribute__((warn_unused_result));

/* journal_at_manifest(p, part, conf): the keys as S3 reads them (a ManifestFile). 0 or -ENOMEM. */
int journal_at_manifest(const struct past *p, const struct past_part *part, const struct conf *conf)
    __attribute__((warn_unused_result));

/* journal_differences(before, after, part, json): what was added, removed, has other content or
 * other metadata. 0 or -ENOMEM. */
int journal_differences(const struct past *before, const struct past *after,
                        const struct past_part *part, bool json)
    __attribute__((warn_unused_result));

#endif
