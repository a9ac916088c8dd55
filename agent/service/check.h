/*
 * Verification: disk, index and S3 merged in the order of keys; each difference with its cause.
 * Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_CHECK_H
#define LOCKSTEP_AGENT_SERVICE_CHECK_H

#include "agent/core/differ.h"
#include "conf/conf.h"

struct check_totals {
    uint64_t files;       /* on disk */
    uint64_t objects;     /* in S3 */
    uint64_t compared;    /* contents that were read */
    uint64_t bytes;       /* of these */
    uint64_t kept, trash; /* objects of files that are gone: no differences */
    uint64_t asked;       /* objects that S3 was asked about one by one */
    uint64_t differences;
    uint64_t kinds[DIFFER_COUNT];
    uint64_t repairs; /* handed over */
};

struct check_options {
    bool deep;     /* read every file and compare it with what S3 tells of the object */
    bool metadata; /* ask for every object's metadata */
    bool repair;   /* have S3 brought in step */
    bool extras;   /* and have what is in S3 alone deleted */
    void (*found)(void *arg, const char *key, const struct differ *d);
    void (*progress)(void *arg, const struct check_totals *t); /* often; may be NULL */
    void *arg;
};

/* service_verify(conf, opt, ret, e): an exit status; EXIT_UNREACHED with e. With `repair` and no
 * agent running it ends with a run of the agent that reconciles, and its exit status. */
int service_verify(const struct conf *conf, const struct check_options *opt,
                   struct check_totals *ret, struct err *e);

#endif
