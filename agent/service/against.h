/*
 * Is the bucket the replay of the journal? What the journal says, sorted by key, is merged with
 * S3's listing. Shell.
 *
 * Needs the journal, the bucket and credentials: no index, no trees. Memory does not grow with
 * either: what the journal says is sorted in a temporary file.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_AGAINST_H
#define LOCKSTEP_AGENT_SERVICE_AGAINST_H

#include "agent/core/account.h"
#include "conf/conf.h"
#include "journal/weave.h"

struct against_totals {
    uint64_t records;   /* of the journals */
    uint64_t elsewhere; /* of them: of mappings that the configuration does not have */
    uint64_t keys;      /* that they speak of */
    uint64_t objects;   /* in S3 */
    uint64_t asked;     /* of them, one by one */
    uint64_t moving;    /* keys that changed while they were looked at: not judged */
    uint64_t damaged;   /* places of the journals that cannot be read */
    uint64_t differences;
    uint64_t kinds[ACCOUNT_KINDS];
};

struct against_options {
    const struct conf *conf;
    struct journal_weave *weave; /* of which nothing was read yet */
    const char *const *hosts;    /* of its strands; NULL: there is one */
    bool deep;                   /* ask for every object by itself */
    void (*found)(void *arg, const char *key, const struct account_answer *a);
    void (*damaged)(void *arg, size_t which, struct err *e);
    void (*progress)(void *arg, const struct against_totals *t); /* often */
    void *arg;
};

/* service_against(opt, ret, e): an exit status; EXIT_UNREACHED with e. */
int service_against(const struct against_options *opt, struct against_totals *ret, struct err *e);

#endif
