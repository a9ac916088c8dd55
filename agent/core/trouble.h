/*
 * What keeps files out of S3, by cause: each cause once, however many files it stops. Pure.
 *
 * A group is a kind of fault, for all requests or for one operation on one mapping. It begins with
 * its first failure and ends when no item is held by it any more: because the item landed, failed
 * otherwise, or went.
 */
#ifndef LOCKSTEP_AGENT_CORE_TROUBLE_H
#define LOCKSTEP_AGENT_CORE_TROUBLE_H

#include "agent/core/pending.h"
#include "base/buf.h"
#include "uploaders/uploaders.h"

#include <limits.h>

#define TROUBLES_MAX     64
#define TROUBLE_ALL      UINT_MAX /* in place of a mapping */
#define TROUBLE_KEY_SIZE (S3_KEY_MAX + 1)

enum trouble_kind {
    TROUBLE_NONE,      /* of this file alone, or over by the next attempt */
    TROUBLE_DENIED,    /* AccessDenied and other 403 */
    TROUBLE_BUCKET,    /* NoSuchBucket */
    TROUBLE_KEYS,      /* the credentials are not known, or no longer good */
    TROUBLE_SIGNATURE, /* the secret does not fit */
    TROUBLE_CLOCK,     /* RequestTimeTooSkewed, in spite of the correction */
    TROUBLE_KMS,       /* the key of the encryption */
    TROUBLE_QUOTA,     /* no room */
    TROUBLE_NAME,      /* S3 takes no such key */
    TROUBLE_SIZE,      /* nor such a size */
    TROUBLE_REFUSED,   /* S3 will not, for another reason */
    TROUBLE_SLOW,      /* SlowDown */
    TROUBLE_SERVER,    /* 5xx */
    TROUBLE_UNREACHED, /* no answer */
    TROUBLE_TLS,       /* the other side's certificate does not hold */
    TROUBLE_KIND_COUNT
};

struct trouble {
    enum trouble_kind kind; /* TROUBLE_NONE: this place is free */
    const char *operation;  /* "s3:PutObject"; "" where it concerns all */
    unsigned mapping;       /* or TROUBLE_ALL */
    char code[64];          /* S3's, or what the transport said; of the last failure */
    char message[160];
    uint64_t failures;
    uint64_t open; /* items that it holds */
    int64_t first_us, last_us;
    char example[TROUBLE_KEY_SIZE]; /* the key that failed last */
    int64_t woken_ms;               /* when its items were last tried ahead of their time */
};

struct troubles {
    struct trouble groups[TROUBLES_MAX];
    size_t count;
};

/* trouble_of(t): what kind of fault a failed transfer shows. trouble_of_code(code, http_status):
 * the same of an answer's code. */
enum trouble_kind trouble_of(const struct transfer *t);
enum trouble_kind trouble_of_code(const char *code, int http_status);

/* trouble_stops_all(kind): more of the same will fail too. */
bool trouble_stops_all(enum trouble_kind kind);

/* trouble_operation(kind): the permission that a transfer of that kind asks for. */
const char *trouble_operation(enum transfer_kind kind);

/* trouble_refused_action(message, out): the one action that S3's words for a refusal name ("... is
 * not authorized to perform: kms:Decrypt on resource ..."); "" where they name none. Returns out.
 */
#define TROUBLE_ACTION_MAX 64
const char *trouble_refused_action(const char *message, char out[TROUBLE_ACTION_MAX]);

/* troubles_note(ts, it, kind, operation, code, message, now_us, ret_new): the item failed so; it is
 * held by the group from now on. NULL for TROUBLE_NONE (it is held by none then), and where there
 * are too many groups. */
struct trouble *troubles_note(struct troubles *ts, struct item *it, enum trouble_kind kind,
                              const char *operation, const char *code, const char *message,
                              int64_t now_us, bool *ret_new);

/* trouble_leave(it): the item is held by none any more. */
void trouble_leave(struct item *it);

/* troubles_over(ts): a group that holds no item any more; its place is free after
 * troubles_close(ts, t). NULL: none. */
struct trouble *troubles_over(struct troubles *ts);
void troubles_close(struct troubles *ts, struct trouble *t);

/* troubles_next(ts, &at): walk the groups. NULL at the end. */
const struct trouble *troubles_next(const struct troubles *ts, size_t *at);

/* trouble_what(t, bucket, prefix, out): "s3:PutObject on s3://bucket/images/: AccessDenied:
 * Access Denied". trouble_advice(kind): what to do. 0 or -ENOMEM. */
int trouble_what(const struct trouble *t, const char *bucket, const char *prefix, struct buf *out)
    __attribute__((warn_unused_result));
const char *trouble_advice(enum trouble_kind kind);

/* trouble_kind_name(kind): one word, for JSON. */
const char *trouble_kind_name(enum trouble_kind kind);

#endif
