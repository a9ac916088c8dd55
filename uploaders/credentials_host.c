/*
 * Keys that the host has for us: the container's endpoint (ECS, EKS Pod Identity) and the
 * instance's metadata (IMDSv2, never v1). Shell.
 */
#include "uploaders/credentials_fetch.h"

#include "base/clock.h"
#include "uploaders/credentials_answer.h"
#include "uploaders/credentials_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER_TIMEOUT_MS 2000
#define CONTAINER_ATTEMPTS   3
#define PAUSE_MS             1000

#define METADATA_TOKEN_PATH "/latest/api/token"
#define METADATA_KEYS_PATH  "/latest/meta-data/iam/security-credentials/"
#define METADATA_TTL_HEADER "x-aws-ec2-metadata-token-ttl-seconds"
#define METADATA_HEADER     "x-aws-ec2-metadata-token"
#define METADATA_TTL        "21600"
#define METADATA_TEXT_MAX   1024 /* bytes of a token, or of a role's name */

/* Tell of an answer that is not a success. */
static int refused(const char *url, const struct exchange *x, struct err *e)
{
    struct answer_error error;
    credentials_read_error((struct span){x->answer.data, x->answer.len}, &error);
    return err_set(e, x->status >= 500 ? -EIO : ERR_REFUSED, "", "",
                   "%.200s: HTTP %d%s%.60s%s%.160s", url, x->status, *error.code ? " " : "",
                   error.code, *error.message ? ": " : "", error.message);
}

/* Put the address before what is wrong with its answer. */
static int blame(const char *url, int rc, const struct err *why, struct err *e)
{
    return err_set(e, rc, "", why->right, "%.200s: %.250s", url, why->what);
}

/* The Authorization of a container's endpoint. */
static int container_lines(const struct credentials_plan *plan, struct buf *lines, struct err *e)
{
    struct buf token;
    int rc = buf_reserve(lines, lines->max);
    rc = rc ?: web_line(lines, "accept", "application/json");
    if (rc)
        return err_set(e, rc, "", "", "out of memory");
    if (!plan->token_file && !plan->token)
        return 0;
    if (!plan->token_file) {
        rc = web_line(lines, "authorization", plan->token);
        return rc ? err_set(e, rc, "", "", "the token is too long") : 0;
    }
    rc = web_read_token(plan->token_file, &token, e);
    if (rc == 0 && !rules_header_value(token.data))
        rc = err_set(e, ERR_SYNTAX, "", "one line of printable text",
                     "token file %.200s: it has a byte that does not belong there",
                     plan->token_file);
    else if (rc == 0 && web_line(lines, "authorization", token.data) != 0)
        rc = err_set(e, ERR_LIMIT, "", "", "token file %.200s: too long", plan->token_file);
    buf_wipe(&token);
    return rc;
}

int fetch_container(const struct credentials_plan *plan, const struct fetcher *f,
                    struct credentials *ret, struct err *e)
{
    struct buf lines;
    struct exchange x = {0};
    struct err why = {0};
    buf_init(&lines, CREDENTIALS_ANSWER_MAX);
    wire_exchange_init(&x);
    int rc = container_lines(plan, &lines, e);
    struct web_request q = {.method = "GET",
                            .url = plan->url,
                            .lines = {lines.data, lines.len},
                            .timeout_ms = CONTAINER_TIMEOUT_MS,
                            .attempts = CONTAINER_ATTEMPTS,
                            .pause_ms = PAUSE_MS,
                            .direct = true};
    if (rc == 0)
        rc = web_ask(f, &q, &x, e);
    if (rc == 0 && x.status != 200)
        rc = refused(plan->url, &x, e);
    else if (rc == 0) {
        rc = credentials_read_json((struct span){x.answer.data, x.answer.len}, ANSWER_CONTAINER,
                                   ret, &why);
        if (rc)
            blame(plan->url, rc, &why, e);
    }
    buf_wipe(&lines);
    web_release(&x);
    return rc;
}

/* One question of the instance's metadata; the answer stays in x. */
static int ask_metadata(const struct credentials_plan *plan, const struct fetcher *f,
                        const char *method, const char *path, const char *header, const char *value,
                        struct exchange *x, struct err *e)
{
    struct buf lines, url;
    buf_init(&lines, 4096);
    buf_init(&url, 4096);
    size_t n = rules_authority(plan->url);
    int rc = buf_reserve(&lines, 4096);
    rc = rc ?: web_line(&lines, header, value);
    rc = rc ?: buf_append(&url, plan->url, n);
    rc = rc ?: buf_append_str(&url, path);
    struct web_request q = {.method = method,
                            .url = url.data,
                            .lines = {lines.data, lines.len},
                            .timeout_ms = plan->timeout_s * MS_PER_S,
                            .attempts = plan->attempts,
                            .pause_ms = PAUSE_MS,
                            .direct = true};
    rc = rc ? err_set(e, rc, "", "", "out of memory") : web_ask(f, &q, x, e);
    if (rc == 0 && x->status != 200)
        rc = refused(url.data, x, e);
    buf_wipe(&lines);
    buf_release(&url);
    return rc;
}

/* The first line of an answer, as a string. `not`: bytes that it may not have. */
static int take_line(const struct exchange *x, const char *what, const char * not,
                     char out[METADATA_TEXT_MAX], struct err *e)
{
    const char *p = x->answer.data;
    size_t n = strcspn(p, "\r\n");
    bool good = n > 0 && n < METADATA_TEXT_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = p[i] > ' ' && p[i] <= '~' && !strchr(not, p[i]);
    if (!good)
        return err_set(e, ERR_SYNTAX, "", "", "the answer of the instance's metadata is no %s",
                       what);
    memcpy(out, p, n);
    out[n] = '\0';
    return 0;
}

/* The name of the instance's role, asked with the token. */
static int find_role(const struct credentials_plan *plan, const struct fetcher *f,
                     const char *token, char out[METADATA_TEXT_MAX], struct err *e)
{
    struct exchange x = {0};
    wire_exchange_init(&x);
    int rc = ask_metadata(plan, f, "GET", METADATA_KEYS_PATH, METADATA_HEADER, token, &x, e);
    if (rc && x.status == 404)
        err_set(e, rc, "", "an instance profile with a role", "the instance has no role");
    rc = rc ?: take_line(&x, "role's name", "/?#%", out, e);
    web_release(&x);
    return rc;
}

/* A token of the session. */
static int get_token(const struct credentials_plan *plan, const struct fetcher *f,
                     char out[METADATA_TEXT_MAX], struct err *e)
{
    struct exchange x = {0};
    wire_exchange_init(&x);
    int rc =
        ask_metadata(plan, f, "PUT", METADATA_TOKEN_PATH, METADATA_TTL_HEADER, METADATA_TTL, &x, e);
    rc = rc ?: take_line(&x, "token", "", out, e);
    web_release(&x);
    return rc;
}

int fetch_instance(const struct credentials_plan *plan, const struct fetcher *f,
                   struct credentials *ret, struct err *e)
{
    char token[METADATA_TEXT_MAX] = "", role[METADATA_TEXT_MAX] = "";
    char path[sizeof(METADATA_KEYS_PATH) + METADATA_TEXT_MAX];
    struct exchange x = {0};
    struct err why = {0};
    wire_exchange_init(&x);
    int rc = get_token(plan, f, token, e);
    rc = rc ?: find_role(plan, f, token, role, e);
    snprintf(path, sizeof(path), "%s%s", METADATA_KEYS_PATH, role);
    rc = rc ?: ask_metadata(plan, f, "GET", path, METADATA_HEADER, token, &x, e);
    if (rc == 0) {
        rc = credentials_read_json((struct span){x.answer.data, x.answer.len}, ANSWER_INSTANCE, ret,
                                   &why);
        if (rc)
            blame(plan->url, rc, &why, e);
    }
    explicit_bzero(token, sizeof(token));
    web_release(&x);
    return rc;
}
