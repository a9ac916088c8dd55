/*
 * Taking over a copy in S3 that something else made: what can be shown to be equal goes into the
 * index, through the journal, and is not uploaded. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ADOPT_H
#define LOCKSTEP_AGENT_SERVICE_ADOPT_H

#include "base/err.h"
#include "conf/conf.h"

struct adopt_totals {
    uint64_t files, objects;
    uint64_t adopted, adopted_bytes;
    uint64_t trusted;                    /* of these: by size and time alone */
    uint64_t known;                      /* the index had them already */
    uint64_t missing, missing_bytes;     /* not in S3: to be uploaded */
    uint64_t differing, differing_bytes; /* S3 has other content: to be uploaded */
    uint64_t unproven, unproven_bytes;   /* cannot be compared: to be uploaded */
    uint64_t failed;                     /* could not be read, or S3 did not answer */
    uint64_t extras;                     /* in S3 alone */
    uint64_t without_metadata;           /* adopted, with other mode, owner or mtime, or none */
    uint64_t asked;                      /* objects that S3 was asked about */
};

struct adopt_options {
    bool metadata; /* have the agent give objects the metadata of their files */
    bool trust;    /* where contents cannot be compared: the same size, not older than the file */
    /* one that was not adopted: "differs", "not compared", "extra", "failed", and why */
    void (*found)(void *arg, const char *key, const char *what, const char *why);
    void (*progress)(void *arg, const struct adopt_totals *t); /* often */
    void *arg;
};

/* service_adopt(conf, opt, ret, e): an exit status: EXIT_IN_STEP where all files are known to be in
 * S3 now and nothing else is, EXIT_DIFFERENCES, or EXIT_UNREACHED with e. */
int service_adopt(const struct conf *conf, const struct adopt_options *opt,
                  struct adopt_totals *ret, struct err *e);

#endif
