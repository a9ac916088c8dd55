/*
 * What an answer means, and when to ask again. Pure.
 *
 *   failure     again            delay                      costs
 *   TRANSIENT   to the ceiling   rand * 50 ms * 2^i         14
 *   THROTTLED   to the ceiling   rand * 1 s * 2^i           5
 *   DIGEST      once             as TRANSIENT               14
 *   SKEW        once             none                       none
 *   EXPIRED     once             none                       none
 *   REGION      once             none                       none
 *   FINAL       never
 */
#include "uploaders/retry.h"

#include <string.h>

#define HTTP_OK_FIRST 200
#define HTTP_OK_LAST  299

/* Codes of Error documents whose meaning does not depend on the HTTP status. */
static const struct {
    const char *code;
    struct judgement judgement;
} codes[] = {
    {"SlowDown", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"TooManyRequestsException", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"TooManyRequests", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"RequestLimitExceeded", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"RequestThrottled", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"RequestThrottledException", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"BandwidthLimitExceeded", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"LimitExceededException", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"ProvisionedThroughputExceededException", {FAILURE_THROTTLED, VERDICT_BUSY}},
    {"ServiceUnavailable", {FAILURE_TRANSIENT, VERDICT_BUSY}},
    {"OperationAborted", {FAILURE_TRANSIENT, VERDICT_BUSY}},
    {"PriorRequestNotComplete", {FAILURE_TRANSIENT, VERDICT_BUSY}},
    {"InternalError", {FAILURE_TRANSIENT, VERDICT_UNREACHED}},
    {"RequestTimeout", {FAILURE_TRANSIENT, VERDICT_UNREACHED}},
    {"RequestTimeoutException", {FAILURE_TRANSIENT, VERDICT_UNREACHED}},
    {"IncompleteBody", {FAILURE_TRANSIENT, VERDICT_UNREACHED}},
    {"BadDigest", {FAILURE_DIGEST, VERDICT_UNREACHED}},
    {"XAmzContentSHA256Mismatch", {FAILURE_DIGEST, VERDICT_UNREACHED}},
    {"RequestTimeTooSkewed", {FAILURE_SKEW, VERDICT_DENIED}},
    {"ExpiredToken", {FAILURE_EXPIRED, VERDICT_DENIED}},
    {"ExpiredTokenException", {FAILURE_EXPIRED, VERDICT_DENIED}},
    {"TokenRefreshRequired", {FAILURE_EXPIRED, VERDICT_DENIED}},
    {"InvalidToken", {FAILURE_EXPIRED, VERDICT_DENIED}},
    {"InvalidAccessKeyId", {FAILURE_EXPIRED, VERDICT_DENIED}}, /* rotated, perhaps */
    {"PreconditionFailed", {FAILURE_FINAL, VERDICT_CONFLICT}},
    {"InvalidObjectState", {FAILURE_FINAL, VERDICT_CONFLICT}}, /* archived: cannot be copied */
    {"ConditionalRequestConflict", {FAILURE_FINAL, VERDICT_CONFLICT}},
    {"NoSuchKey", {FAILURE_FINAL, VERDICT_ABSENT}},
    {"NoSuchVersion", {FAILURE_FINAL, VERDICT_ABSENT}},
    {"NoSuchBucket", {FAILURE_FINAL, VERDICT_REFUSED}},
    {"NoSuchUpload", {FAILURE_FINAL, VERDICT_UNREACHED}}, /* perhaps completed by a lost answer */
    {"AccessDenied", {FAILURE_FINAL, VERDICT_DENIED}},
    {"SignatureDoesNotMatch", {FAILURE_FINAL, VERDICT_DENIED}},
};

const char *verdict_name(enum verdict v)
{
    switch (v) {
    case VERDICT_DONE:
        return "done";
    case VERDICT_BEGUN:
        return "begun";
    case VERDICT_CHANGED:
        return "changed";
    case VERDICT_ABSENT:
        return "absent";
    case VERDICT_CONFLICT:
        return "conflict";
    case VERDICT_UNREADABLE:
        return "unreadable";
    case VERDICT_DENIED:
        return "denied";
    case VERDICT_REFUSED:
        return "refused";
    case VERDICT_BUSY:
        return "busy";
    case VERDICT_UNREACHED:
        return "unreached";
    }
    return "unknown";
}

/* The code is one of these. */
static bool is_one_of(const char *code, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(code, list[i]) == 0)
            return true;
    return false;
}

/* S3 tells us of another region than the one that we signed for, or of another host. */
static bool is_elsewhere(const struct retry_answer *a)
{
    static const char *const moved[] = {"PermanentRedirect", "TemporaryRedirect", "Redirect",
                                        "AuthorizationHeaderMalformed",
                                        "IllegalLocationConstraintException"};
    bool says_so = (a->http_status >= 300 && a->http_status < 400 && a->http_status != 304) ||
                   (a->http_status == 400 && !*a->code) ||
                   is_one_of(a->code, moved, sizeof(moved) / sizeof(moved[0]));
    bool redirects = a->http_status >= 300 && a->http_status < 400 && a->moved;
    return redirects || (says_so && *a->region && strcmp(a->region, a->our_region) != 0);
}

/* A refusal that a wrong clock explains, and our clock is wrong. */
static bool is_clock(const struct retry_answer *a)
{
    static const char *const vague[] = {"", "AccessDenied", "SignatureDoesNotMatch",
                                        "RequestExpired", "AuthFailure"};
    return a->clock_off && (a->http_status == 403 || a->http_status == 400) &&
           is_one_of(a->code, vague, sizeof(vague) / sizeof(vague[0]));
}

/* By the code; false where it says nothing. */
static bool judge_code(const char *code, struct judgement *ret)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(code, codes[i].code) == 0) {
            *ret = codes[i].judgement;
            return true;
        }
    }
    if (strncmp(code, "Throttl", 7) != 0)
        return false;
    *ret = (struct judgement){FAILURE_THROTTLED, VERDICT_BUSY};
    return true;
}

/* A key that is not there; for a PUT it can only be the bucket. */
static enum verdict judge_404(enum transfer_kind kind)
{
    return kind == TRANSFER_PUT || kind == TRANSFER_DELETE_MANY ? VERDICT_REFUSED : VERDICT_ABSENT;
}

/* By the HTTP status of an answer that is not a success. */
static struct judgement judge_status(const struct retry_answer *a)
{
    switch (a->http_status) {
    case 400:
        if (a->temporary && !*a->code)
            return (struct judgement){FAILURE_EXPIRED, VERDICT_DENIED};
        return (struct judgement){FAILURE_FINAL, VERDICT_REFUSED};
    case 401:
    case 403:
        return (struct judgement){FAILURE_FINAL, VERDICT_DENIED};
    case 404:
        return (struct judgement){FAILURE_FINAL, judge_404(a->kind)};
    case 304:
    case 409:
    case 412:
        return (struct judgement){FAILURE_FINAL, VERDICT_CONFLICT};
    case 408:
        return (struct judgement){FAILURE_TRANSIENT, VERDICT_UNREACHED};
    case 429:
        return (struct judgement){FAILURE_THROTTLED, VERDICT_BUSY};
    case 501:
    case 505:
        return (struct judgement){FAILURE_FINAL, VERDICT_REFUSED};
    case 503:
        return (struct judgement){FAILURE_TRANSIENT, VERDICT_BUSY};
    default:
        break;
    }
    if (a->http_status >= 300 && a->http_status < 500)
        return (struct judgement){FAILURE_FINAL, VERDICT_REFUSED};
    return (struct judgement){FAILURE_TRANSIENT, VERDICT_UNREACHED};
}

struct judgement retry_judge(const struct retry_answer *a)
{
    struct judgement j;
    if (a->transport == TRANSPORT_LOST)
        return (struct judgement){FAILURE_TRANSIENT, VERDICT_UNREACHED};
    if (a->transport == TRANSPORT_UNTRUSTED)
        return (struct judgement){FAILURE_FINAL, VERDICT_UNREACHED};
    bool ok = a->http_status >= HTTP_OK_FIRST && a->http_status <= HTTP_OK_LAST;
    if (ok && !a->error_body)
        return (struct judgement){FAILURE_NONE, VERDICT_DONE};
    if (is_elsewhere(a))
        return (struct judgement){FAILURE_REGION, VERDICT_REFUSED};
    if (is_clock(a))
        return (struct judgement){FAILURE_SKEW, VERDICT_DENIED};
    if (judge_code(a->code, &j))
        return j;
    if (ok)
        return (struct judgement){FAILURE_TRANSIENT, VERDICT_UNREACHED};
    return judge_status(a);
}

void retry_quota_init(struct retry_quota *q)
{
    atomic_init(&q->tokens, RETRY_QUOTA_FULL);
}

/* A number of 32 bits; splitmix64. */
static uint32_t roll(struct retry_dice *d)
{
    uint64_t x = d->state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(x >> 32);
}

/* rand * min(base * 2^i, 20 s), then the server's hint within its bounds. */
static int64_t compute_delay(struct retry_dice *d, int64_t base_ms, unsigned i, int64_t hint_ms)
{
    int64_t ceiling = i < 16 ? base_ms << i : RETRY_DELAY_MAX_MS;
    if (ceiling > RETRY_DELAY_MAX_MS)
        ceiling = RETRY_DELAY_MAX_MS;
    int64_t delay = (int64_t)((uint64_t)roll(d) * (uint64_t)(ceiling + 1) >> 32);
    int64_t most = delay + RETRY_HINT_EXTRA_MS;
    int64_t hinted = hint_ms < most ? hint_ms : most;
    return delay > hinted ? delay : hinted;
}

/* Take the tokens of a retry; false where there are too few. */
static bool pay(struct retry_state *s, struct retry_quota *q, int cost)
{
    int have = atomic_load_explicit(&q->tokens, memory_order_relaxed);
    do
        if (have < cost)
            return false;
    while (!atomic_compare_exchange_weak(&q->tokens, &have, have - cost));
    s->paid = cost;
    return true;
}

/* The first time true. */
static bool once(bool *again)
{
    bool first = !*again;
    *again = true;
    return first;
}

/* Give back what the latest retry took, or one for a request that needed none. */
static void refund(struct retry_state *s, struct retry_quota *q)
{
    int more = s->paid ? s->paid : 1, then;
    int have = atomic_load_explicit(&q->tokens, memory_order_relaxed);
    do {
        if (have >= RETRY_QUOTA_FULL)
            break; /* the usual case: nothing is written that all threads share */
        then = have + more < RETRY_QUOTA_FULL ? have + more : RETRY_QUOTA_FULL;
    } while (!atomic_compare_exchange_weak(&q->tokens, &have, then));
    s->paid = 0;
}

/* A retry that waits: within the ceiling of attempts and the quota. */
static enum retry_step retry_later(struct retry_state *s, struct retry_quota *q,
                                   struct retry_dice *d, bool throttled, int64_t hint_ms,
                                   unsigned attempts_max, int64_t *ret_delay_ms)
{
    int64_t base_ms = throttled ? RETRY_BASE_THROTTLED_MS : RETRY_BASE_TRANSIENT_MS;
    if (s->attempts >= attempts_max)
        return RETRY_STOP;
    if (!pay(s, q, throttled ? RETRY_COST_THROTTLED : RETRY_COST_TRANSIENT))
        return RETRY_STOP;
    *ret_delay_ms = compute_delay(d, base_ms, s->attempts - 1, hint_ms);
    return RETRY_GO;
}

enum retry_step retry_next(struct retry_state *s, struct retry_quota *q, struct retry_dice *d,
                           const struct judgement *j, int64_t hint_ms, unsigned attempts_max,
                           int64_t *ret_delay_ms)
{
    bool *again = NULL;
    s->attempts++;
    switch (j->failure) {
    case FAILURE_NONE:
        refund(s, q);
        return RETRY_STOP;
    case FAILURE_FINAL:
        return RETRY_STOP;
    case FAILURE_DIGEST:
        if (!once(&s->digest_again))
            return RETRY_STOP;
        return retry_later(s, q, d, false, hint_ms, attempts_max, ret_delay_ms);
    case FAILURE_TRANSIENT:
    case FAILURE_THROTTLED:
        return retry_later(s, q, d, j->failure == FAILURE_THROTTLED, hint_ms, attempts_max,
                           ret_delay_ms);
    case FAILURE_SKEW:
        again = &s->skew_again;
        break;
    case FAILURE_EXPIRED:
        again = &s->expired_again;
        break;
    case FAILURE_REGION:
        again = &s->region_again;
        break;
    }
    if (!again || !once(again))
        return RETRY_STOP;
    *ret_delay_ms = 0;
    return RETRY_GO;
}

bool retry_clock_offset(int64_t date_us, int64_t sent_us, int64_t received_us, bool aged,
                        int64_t *ret_us)
{
    int64_t round = received_us - sent_us;
    if (aged || round < 0 || round > RETRY_ROUND_MAX_US)
        return false;
    *ret_us = date_us - (sent_us + round / 2);
    return true;
}
