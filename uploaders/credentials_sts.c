/*
 * Roles, assumed at STS (API version 2011-06-15): with keys, signed; with a token, unsigned. Shell.
 */
#include "uploaders/credentials_fetch.h"

#include "base/clock.h"
#include "uploaders/credentials_answer.h"
#include "uploaders/endpoint.h"
#include "uploaders/partition.h"
#include "uploaders/sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STS_TIMEOUT_MS 10000
#define STS_ATTEMPTS   3 /* of one kind of failure */
#define STS_PAUSE_MS   500
#define STS_BODY_MAX   (128 * 1024)
#define FORM_TYPE      "application/x-www-form-urlencoded; charset=utf-8"

/* A request of STS in the making. */
struct sts {
    const struct credentials_plan *plan;
    struct fetcher *f;
    const struct credentials *with; /* NULL: unsigned */
    struct endpoint ep;
    struct buf url;
    struct buf body;
    struct buf lines;
    struct exchange x;
};

/* "&name=value", encoded. NULL: nothing. */
static int field(struct buf *body, const char *name, const char *value)
{
    if (!value)
        return 0;
    int rc = buf_append_byte(body, '&');
    rc = rc ?: buf_append_str(body, name);
    rc = rc ?: buf_append_byte(body, '=');
    return rc ?: sigv4_encode(value, body);
}

/* The fields of a role. The buffer is as large as it gets, so that it leaves no copies behind. */
static int write_role(struct buf *body, const char *action, const struct role *role)
{
    char seconds[16] = "";
    int rc = buf_reserve(body, STS_BODY_MAX);
    rc = rc ?: buf_append_str(body, "Action=");
    rc = rc ?: buf_append_str(body, action);
    rc = rc ?: field(body, "Version", "2011-06-15");
    rc = rc ?: field(body, "RoleArn", role->arn);
    rc = rc ?: field(body, "RoleSessionName", role->session_name);
    rc = rc ?: field(body, "ExternalId", role->external_id);
    snprintf(seconds, sizeof(seconds), "%u", role->duration_s);
    return rc ?: field(body, "DurationSeconds", role->duration_s ? seconds : NULL);
}

/* Where STS is. */
static int find_sts(struct sts *s, struct err *e)
{
    char amazon[ENDPOINT_HOST_MAX + 1];
    partition_sts(s->plan->region, s->plan->sts_fips, s->plan->sts_dualstack, amazon,
                  sizeof(amazon));
    struct err why = {0};
    int rc = endpoint_of_url(s->plan->sts_url ? s->plan->sts_url : amazon, &s->ep, &why);
    if (rc)
        return err_set(e, rc, "", why.right, "the endpoint of STS: %.300s", why.what);
    rc = endpoint_url(&s->ep, *s->ep.base_path ? s->ep.base_path : "/", "", &s->url);
    return rc ? err_set(e, rc, "", "", "out of memory") : 0;
}

/* Append the Authorization of the request and what it signs besides. */
static int sign(struct sts *s, const char *now, const char *hash, struct buf *lines)
{
    struct sigv4_key key;
    struct buf scratch, authorization;
    const char *token = s->with->session_token;
    struct sigv4_pair pairs[] = {{"host", s->ep.host},
                                 {"content-type", FORM_TYPE},
                                 {"x-amz-date", now},
                                 {"x-amz-security-token", token}};
    struct sigv4_request request = {.method = "POST",
                                    .path = *s->ep.base_path ? s->ep.base_path : "/",
                                    .query = "",
                                    .headers = pairs,
                                    .header_count = token ? 4 : 3,
                                    .payload_hash = hash,
                                    .time = now};
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&authorization, SIGV4_REQUEST_MAX);
    int rc = buf_reserve(&scratch, SIGV4_REQUEST_MAX);
    rc = rc
             ?: sigv4_key_derive(s->with->access_key, s->with->secret_key, now, s->plan->region,
                                 "sts", &key);
    if (rc == 0)
        rc = sigv4_sign(&key, &request, &scratch, &authorization);
    rc = rc ?: web_line(lines, "x-amz-date", now);
    if (rc == 0 && token)
        rc = web_line(lines, "x-amz-security-token", token);
    rc = rc ?: web_line(lines, "authorization", authorization.data);
    sigv4_key_wipe(&key);
    buf_wipe(&scratch);
    buf_wipe(&authorization);
    return rc;
}

/* The header lines of one attempt. */
static int write_lines(struct sts *s)
{
    char now[CLOCK_AMZ_SIZE], hash[SHA256_HEX];
    uint8_t digest[SHA256_BYTES];
    clock_amz(clock_real_us() + s->f->offset_us, now);
    digest_sha256(s->body.data, s->body.len, digest);
    hex_encode(digest, sizeof(digest), hash);
    buf_reset(&s->lines);
    int rc = buf_reserve(&s->lines, SIGV4_REQUEST_MAX);
    rc = rc ?: web_line(&s->lines, "host", s->ep.host);
    rc = rc ?: web_line(&s->lines, "content-type", FORM_TYPE);
    if (s->with && rc == 0)
        rc = sign(s, now, hash, &s->lines);
    return rc;
}

/* What the answer's Date says of our clock. True where it was off by more than is good. */
static bool learn_clock(struct sts *s)
{
    int64_t server_us, offset_us;
    const char *date = wire_head(&s->x, "date");
    if (!date || clock_parse_http(date, &server_us) != 0 ||
        !retry_clock_offset(server_us, s->x.sent_us, s->x.answered_us,
                            wire_head(&s->x, "age") != NULL, &offset_us))
        return false;
    int64_t error_us = offset_us - s->f->offset_us;
    if (error_us <= RETRY_SKEW_MAX_US && error_us >= -RETRY_SKEW_MAX_US)
        return false;
    s->f->offset_us = offset_us;
    return true;
}

/* Refusals that pass: STS has too much to do, or could not reach who vouches for the token. */
static bool is_passing(const struct answer_error *error)
{
    return strcmp(error->code, "IDPCommunicationError") == 0 ||
           strncmp(error->code, "Throttl", 7) == 0 ||
           strcmp(error->code, "RequestLimitExceeded") == 0;
}

/* One attempt. 1: worth another one at once, or after a pause where *ret_pause. */
static int attempt(struct sts *s, bool *ret_pause, struct err *e)
{
    int rc = write_lines(s);
    if (rc)
        return err_set(e, rc, "", "", "the request to STS cannot be made: %s", err_name(rc));
    struct web_request q = {.method = "POST",
                            .url = s->url.data,
                            .lines = {s->lines.data, s->lines.len},
                            .body = {s->body.data, s->body.len},
                            .ca_file = s->plan->sts_url ? s->f->ca_file : NULL,
                            .timeout_ms = STS_TIMEOUT_MS,
                            .attempts = STS_ATTEMPTS,
                            .pause_ms = STS_PAUSE_MS};
    rc = web_ask(s->f, &q, &s->x, e);
    if (rc)
        return rc;
    bool was_off = learn_clock(s);
    if (s->x.status == 200)
        return 0;
    struct answer_error error;
    credentials_read_error((struct span){s->x.answer.data, s->x.answer.len}, &error);
    err_set(e, s->x.status >= 500 ? -EIO : ERR_REFUSED, "", "", "%.200s: HTTP %d%s%.60s%s%.200s",
            s->url.data, s->x.status, *error.code ? " " : "", error.code,
            *error.message ? ": " : "", error.message);
    *ret_pause = is_passing(&error);
    if (*ret_pause || (was_off && s->with))
        return 1;
    return s->x.status >= 500 ? -EIO : ERR_REFUSED;
}

/* Send what the body says and read the keys that come back. */
static int exchange_keys(struct sts *s, struct credentials *ret, struct err *e)
{
    struct err why = {0};
    int rc = find_sts(s, e);
    for (unsigned i = 1; rc == 0; i++) {
        bool pause = false;
        rc = attempt(s, &pause, e);
        if (rc != 1)
            break;
        rc = i == STS_ATTEMPTS ? ERR_REFUSED : 0;
        if (rc == 0 && pause && !web_pause(s->f, STS_PAUSE_MS << i))
            rc = err_set(e, -ECANCELED, "", "", "%s", err_name(-ECANCELED));
    }
    if (rc)
        return rc;
    rc = credentials_read_sts((struct span){s->x.answer.data, s->x.answer.len}, ret, &why);
    return rc ? err_set(e, rc, "", "", "%.200s: %.250s", s->url.data, why.what) : 0;
}

static void sts_init(struct sts *s)
{
    buf_init(&s->url, 2048);
    buf_init(&s->body, STS_BODY_MAX);
    buf_init(&s->lines, SIGV4_REQUEST_MAX);
    wire_exchange_init(&s->x);
}

static void sts_release(struct sts *s)
{
    buf_release(&s->url);
    buf_wipe(&s->body);
    buf_wipe(&s->lines);
    web_release(&s->x);
}

int sts_web_identity(const struct credentials_plan *plan, struct fetcher *f,
                     struct credentials *ret, struct err *e)
{
    struct sts s = {.plan = plan, .f = f};
    struct buf token;
    sts_init(&s);
    int rc = web_read_token(plan->token_file, &token, e);
    if (rc == 0) {
        rc = write_role(&s.body, "AssumeRoleWithWebIdentity", &plan->web);
        rc = rc ?: field(&s.body, "WebIdentityToken", token.data);
        if (rc)
            err_set(e, rc, "", "", "token file %.200s: %s", plan->token_file, err_name(rc));
    }
    rc = rc ?: exchange_keys(&s, ret, e);
    buf_wipe(&token);
    sts_release(&s);
    return rc;
}

int sts_assume(const struct credentials_plan *plan, const struct role *role,
               const struct credentials *with, struct fetcher *f, struct credentials *ret,
               struct err *e)
{
    struct sts s = {.plan = plan, .f = f, .with = with};
    struct err why = {0};
    sts_init(&s);
    int rc = write_role(&s.body, "AssumeRole", role);
    if (rc)
        err_set(&why, rc, "", "", "%s", err_name(rc));
    rc = rc ?: exchange_keys(&s, ret, &why);
    if (rc)
        err_set(e, rc, "", "", "role %.180s: %.300s", role->arn, why.what);
    sts_release(&s);
    return rc;
}
