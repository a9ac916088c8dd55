/*
 * Calls of S3 on one thread: signed, sent, judged, tried again. Shell.
 *
 *   caller_take -> fill in -> caller_start -> (caller_turn ...) -> call->done -> caller_give
 *
 *          caller_start      slot free            judged final
 *   idle ------------> queued --------> in flight -----------> done
 *                              \           ^  ^      |
 *                               +-> paced -+  | time | RETRY_GO
 *                                             +- sleeping
 *
 * How many have slots, how many go a second: flow.h. Which one gets a slot that is free: lanes.h.
 * A call whose keys S3 no longer takes sleeps until there are others, or there will be none. A call
 * holds its slot while it sleeps, so a server that says SlowDown gets fewer requests. Each
 * attempt is signed anew.
 */
#ifndef LOCKSTEP_UPLOADERS_CALLER_H
#define LOCKSTEP_UPLOADERS_CALLER_H

#include "uploaders/answers.h"
#include "uploaders/chunked.h"
#include "uploaders/flow.h"
#include "uploaders/lanes.h"
#include "uploaders/retry.h"
#include "uploaders/site.h"
#include "uploaders/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define CALL_QUERY_MAX   5
#define CALL_HEADERS_MAX 56 /* of the owner; the caller adds its own */

struct caller;
struct counts;

struct call {
    struct exchange x; /* first: the wire hands this back. Its answer may be read in `done`. */

    /* What to ask. Strings and body are borrowed until done. */
    enum transfer_kind kind; /* by whose rules the answer is judged */
    const char *method;
    const char *key; /* NULL: the bucket */
    struct sigv4_pair query[CALL_QUERY_MAX];
    size_t query_count;
    struct sigv4_pair headers[CALL_HEADERS_MAX]; /* names in lower case */
    size_t header_count;
    struct span body;
    /* A body that is made as it is sent (x.made_n bytes; x.starved), and that each attempt signs
     * anew; payload_hash is CHUNKED_PAYLOAD then. NULL: it is `body`. */
    struct chunked *chunked;
    enum lane lane;                /* LANE_SMALL where it is not set and the body is not large */
    char payload_hash[SHA256_HEX]; /* "": the caller takes it */
    /* read: look into a 2xx answer; 0, ERR_REFUSED with the error (judged as a 500 with that code),
     * or another code where the answer makes no sense. NULL: nothing to read. */
    int (*read)(struct call *call, struct s3_error *ret_error);
    void (*done)(struct call *call);
    void *owner;

    /* How it ended. */
    enum verdict verdict;
    struct s3_error error;
    bool broken; /* its body could not be made: there was no further attempt */
    struct retry_state retry;
    /* Attempts of which it is not known whether they took effect went in this time (real); 0: none
     * did. The outcome may be known all the same: of another attempt. */
    int64_t doubt_since_us, doubt_until_us;

    /* The caller's. */
    struct caller *caller;
    struct call *next; /* in the one list that it is in */
    struct call *all;  /* in the list of all calls */
    int64_t wake_ms;
    char region[ENDPOINT_REGION_MAX + 1]; /* that the latest attempt was signed for */
    struct endpoint *elsewhere;           /* memory for: the host that S3 sends this call to */
    bool is_elsewhere;                    /* it goes there */
    unsigned keys_generation;             /* of the keys that the latest attempt was signed with */
    int64_t keys_until_ms; /* asleep until these are others, but not beyond; 0: not for that */
    int64_t sent_us;       /* monotonic, of the latest attempt */
    struct buf path;
    struct buf query_text;
    struct buf url;
    struct buf lines;
    struct buf authorization;
};

struct caller_options {
    struct site *site;     /* borrowed */
    struct flow *flow;     /* borrowed */
    struct counts *counts; /* borrowed */
    const char *ca_file;
    const char *proxy;
    struct addresses *addresses; /* borrowed */
    unsigned number;             /* of the worker, from 0 */
    unsigned calls;              /* at once, at most */
    unsigned attempts;           /* of one call */
    int64_t timeout_ms;
    uint64_t seed; /* of the jitter */
};

/* caller_new(opt, ret, e): 0 or a negative code with e. caller_free: calls inside come to no end;
 * their memory is freed. */
int caller_new(const struct caller_options *opt, struct caller **ret, struct err *e)
    __attribute__((warn_unused_result));
void caller_free(struct caller *c);

/* caller_watch, caller_turn: as of the wire. */
int caller_watch(struct caller *c, int fd) __attribute__((warn_unused_result));
void caller_turn(struct caller *c, int64_t until_ms);

/* caller_room(c, lane, large_waits): a call of that lane that is started now would not have to wait
 * for a slot. large_waits: large ones stand in a line of the owner's. */
bool caller_room(const struct caller *c, enum lane lane, bool large_waits);

/* caller_waiting(c, lane): calls of that lane that wait for a slot. */
unsigned caller_waiting(const struct caller *c, enum lane lane);

/* caller_signs_payload(c): bodies need their SHA-256. */
bool caller_signs_payload(const struct caller *c);

/* caller_endpoint(c): as at the start (site_endpoint). */
const struct endpoint *caller_endpoint(const struct caller *c);

/* caller_take(c): an empty call; NULL without memory. caller_give: back, after done or where it was
 * never started. */
struct call *caller_take(struct caller *c);
void caller_give(struct call *call);

/* call_query, call_header: add a parameter, a header. What is too much is told by the outcome. */
void call_query(struct call *call, const char *name, const char *value);
void call_header(struct call *call, const char *name, const char *value);

/* caller_start(call): go. `done` is called from caller_turn, wire_more (of call->x) and call_break
 * only. */
void caller_start(struct call *call);

/* call_break(call): its body cannot be made: it ends, unless it is not under way
 * (VERDICT_UNREACHED).
 */
void call_break(struct call *call);

/* call_bytes(call): of its body, as it is sent. Pure. */
static inline uint64_t call_bytes(const struct call *call)
{
    return call->chunked ? call->x.made_n : call->body.n;
}

/* call_build(call, view, now_us, scratch): write url and header lines of an attempt, signed.
 * 0 or a negative code. Pure. */
int call_build(struct call *call, const struct site_view *view, int64_t now_us, struct buf *scratch)
    __attribute__((warn_unused_result));

#endif
