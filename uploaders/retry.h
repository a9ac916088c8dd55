/*
 * What an answer of S3 means, and when to ask again. Pure: time is an argument, chance has a seed.
 *
 *   attempt -> retry_judge -> retry_next -> RETRY_STOP: the transfer ends with the judgement's
 * verdict
 *                                        -> RETRY_GO after ret_delay_ms, signed anew
 *   The rules are those of the AWS SDKs' standard mode.
 */
#ifndef LOCKSTEP_UPLOADERS_RETRY_H
#define LOCKSTEP_UPLOADERS_RETRY_H

#include "uploaders/uploaders.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RETRY_QUOTA_FULL        500
#define RETRY_COST_TRANSIENT    14
#define RETRY_COST_THROTTLED    5
#define RETRY_BASE_TRANSIENT_MS 50
#define RETRY_BASE_THROTTLED_MS 1000
#define RETRY_DELAY_MAX_MS      20000
#define RETRY_HINT_EXTRA_MS     5000               /* a hint may add at most this */
#define RETRY_SKEW_MAX_US       INT64_C(240000000) /* a clock further off than this is corrected */
#define RETRY_ROUND_MAX_US      INT64_C(900000000) /* a longer request says nothing of the clock */

enum transport {
    TRANSPORT_ANSWERED, /* an HTTP answer came, whole */
    TRANSPORT_LOST,     /* no connection, no name, cut off, timed out */
    TRANSPORT_UNTRUSTED /* TLS: the other side's certificate does not hold */
};

/* One attempt, as seen by whoever made it. */
struct retry_answer {
    enum transfer_kind kind;
    enum transport transport;
    int http_status;
    const char *code;       /* the Error document's Code; "" where there was none (HEAD) */
    bool error_body;        /* 200, but the body is an Error document, or cut off */
    const char *region;     /* x-amz-bucket-region or the Error's Region; "" where not told */
    const char *our_region; /* that the request was signed for */
    bool moved;             /* it names another host, which may be asked */
    bool clock_off;         /* the answer's Date lies more than RETRY_SKEW_MAX_US from our time */
    bool temporary;         /* signed with temporary credentials */
};

enum failure {
    FAILURE_NONE,      /* it worked */
    FAILURE_TRANSIENT, /* try again */
    FAILURE_THROTTLED, /* try again, more slowly */
    FAILURE_DIGEST,    /* the body arrived damaged: once more */
    FAILURE_SKEW,      /* our clock: correct the offset, once more */
    FAILURE_EXPIRED,   /* the credentials are no longer good: fetch others, once more */
    FAILURE_REGION,    /* sign for retry_answer.region, or ask the host it names, once more */
    FAILURE_FINAL      /* the verdict stands */
};

struct judgement {
    enum failure failure;
    enum verdict verdict; /* if no attempt follows; VERDICT_DONE for FAILURE_NONE */
};

/* retry_judge(a): sort an answer. */
struct judgement retry_judge(const struct retry_answer *a);

/* Tokens shared by all requests of an engine: when S3 is down for all, retries run dry. Any thread.
 */
struct retry_quota {
    atomic_int tokens;
};
void retry_quota_init(struct retry_quota *q);

/* Where one request stands. Zeroed to begin. */
struct retry_state {
    unsigned attempts; /* made so far */
    int paid;          /* tokens taken for the latest retry */
    bool digest_again; /* those that are tried once have been */
    bool skew_again;
    bool expired_again;
    bool region_again;
};

/* Jitter. Any seed will do; the same seed gives the same delays. */
struct retry_dice {
    uint64_t state;
};

enum retry_step { RETRY_STOP, RETRY_GO };

/*
 * retry_next(s, q, d, j, hint_ms, attempts_max, ret_delay_ms): count the attempt that was judged
 * `j` and say what follows. hint_ms: x-amz-retry-after, or -1. After FAILURE_NONE it gives the
 * tokens back and says RETRY_STOP.
 */
enum retry_step retry_next(struct retry_state *s, struct retry_quota *q, struct retry_dice *d,
                           const struct judgement *j, int64_t hint_ms, unsigned attempts_max,
                           int64_t *ret_delay_ms);

/*
 * retry_clock_offset(date_us, sent_us, received_us, aged, ret_us): how far S3's clock is ahead of
 * ours: the Date header less the middle of the request. false (nothing learnt) where the request
 * took too long or went through a cache (`aged`: an Age header).
 */
bool retry_clock_offset(int64_t date_us, int64_t sent_us, int64_t received_us, bool aged,
                        int64_t *ret_us);

#endif
