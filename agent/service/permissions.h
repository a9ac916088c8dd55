/*
 * May the credentials do in the bucket what the agent will have to? Each is tried, on keys that
 * nobody has. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_PERMISSIONS_H
#define LOCKSTEP_AGENT_SERVICE_PERMISSIONS_H

#include "agent/core/trouble.h"
#include "conf/conf.h"

/* One that was tried, or not for want of an earlier one. */
struct permission {
    const char *action; /* as IAM calls it */
    const char *use;    /* what the agent needs it for */
    bool tried;
    bool allowed;
    enum trouble_kind kind; /* where it is not */
    const char *code;       /* S3's; "" */
    const char *refused;    /* the action that S3 itself names as refused; "" where it names none */
};

/* What the bucket says of its versions. */
struct permissions_versioning {
    bool told;
    enum s3_versioning versioning; /* where it is told */
    char code[64];                 /* S3's, where it is not */
};

struct permissions {
    unsigned tried, refused;
    bool unreached;      /* S3, or credentials, could not be had: nothing is known of the rest */
    unsigned left_count; /* keys that could not be deleted again: */
    char left[2][S3_KEY_MAX + 1];
};

/* permissions_check(conf, m, fn, arg, ret, e): try them below the mapping's prefix; fn hears of
 * each one. What is put there is deleted again. 0; or a negative code with e: it could not be
 * tried. */
int permissions_check(const struct conf *conf, const struct conf_mapping *m,
                      void (*fn)(void *arg, const struct permission *p), void *arg,
                      struct permissions *ret, struct err *e) __attribute__((warn_unused_result));

/* permissions_versioning(conf, ret, e): ask the bucket whether it keeps versions. 0, also where it
 * does not tell: nothing that the agent does needs that; or a negative code with e. */
int permissions_versioning(const struct conf *conf, struct permissions_versioning *ret,
                           struct err *e) __attribute__((warn_unused_result));

#endif
