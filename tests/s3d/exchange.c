/* One request from its first line to its reply. Shell. */
#include "tests/s3d/exchange.h"

#include "base/clock.h"
#include "tests/s3d/control.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTROL_PREFIX   "/-/"
#define CONTROL_BODY_MAX 65536

/* White space before the document of a late error, as S3 keeps a connection alive with. */
#define KEEP_ALIVE_SPACE "\n   \n   \n"

int64_t service_now(const struct service *s)
{
    return clock_real_us() / US_PER_S + s->clock_offset_s;
}

struct exchange *exchange_new(struct service *s, const char *uri)
{
    struct exchange *x = mem_new(sizeof(*x));
    x->service = s;
    x->uri = mem_dup(uri);
    x->body.fd = -1;
    x->started_us = monotonic_us();
    text_begin(&x->control_body);
    reply_begin(&x->reply, atomic_fetch_add(&s->requests, 1));
    return x;
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    body_release(&x->body);
    request_release(&x->request);
    reply_release(&x->reply);
    buf_release(&x->control_body);
    free(x->uri);
    free(x);
}

void exchange_header(struct exchange *x, const char *name, const char *value)
{
    request_add_header(&x->request, name, value);
}

/* Write the line of the access log. */
static void log_exchange(const struct exchange *x, bool replied)
{
    struct access_entry e = {
        .request = &x->request,
        .status = replied ? x->reply.status : 0,
        .code = x->reply.code,
        .fault = x->fault.action,
        .bytes_in = x->body.framed ? x->body.size : x->bytes_in,
        .bytes_out = replied && !x->reply.bodyless ? x->reply.size : 0,
        .started_us = x->started_us,
    };
    if (!x->control)
        access_log_write(x->service->log, &e);
}

/* What S3 adds to some of its errors. */
static void add_details(const struct exchange *x, enum code code, struct buf *out)
{
    char now[ISO_DATE_SIZE];
    if (code == CODE_AUTHORIZATION_MALFORMED)
        text_tag(out, "Region", x->service->auth.region);
    if (code != CODE_REQUEST_TIME_SKEWED)
        return;
    text_tag(out, "RequestTime", ops_text(request_header(&x->request, "x-amz-date")));
    text_tag(out, "ServerTime", iso_date(service_now(x->service), now));
    text_tag_int(out, "MaxAllowedSkewMilliseconds", AUTH_SKEW_MAX_S * MS_PER_S);
}

/* Make the reply an error. */
static void refuse(struct exchange *x, enum code code)
{
    struct buf extra;
    text_begin(&extra);
    add_details(x, code, &extra);
    reply_error(&x->reply, code, ops_text(x->request.path), extra.data ? extra.data : "");
    buf_release(&extra);
}

/* Everything that can be said before the body: CODE_OK, or why not. */
static enum code check_head(struct exchange *x, const char *method)
{
    enum code code = request_parse_uri(&x->request, method, x->uri);
    if (code)
        return code;
    x->control = text_has_prefix(x->request.path, CONTROL_PREFIX);
    if (x->control)
        return CODE_OK;
    code = request_resolve(&x->request, x->service->domain);
    if (!code)
        code = auth_verify(&x->service->auth, &x->request, service_now(x->service), &x->auth);
    return code;
}

/* The reply is complete: log it and let it go. */
static enum step answer(struct exchange *x)
{
    x->phase = PHASE_ANSWER;
    const struct reply *r = &x->reply;
    if (r->fd < 0 && !r->bodyless)
        x->reply.size = r->body.len;
    reply_header(&x->reply, "x-amz-request-id", x->reply.id);
    log_exchange(x, true);
    return STEP_ANSWER;
}

/* No reply. */
static enum step drop(struct exchange *x)
{
    x->phase = PHASE_ANSWER;
    log_exchange(x, false);
    return STEP_DROP;
}

enum step exchange_begin(struct exchange *x, const char *method)
{
    const char *expect;
    x->phase = PHASE_BODY;
    x->refusal = check_head(x, method);
    if (x->control)
        return STEP_BODY;
    if (!x->refusal) {
        const char *key = x->request.key;
        const char *payload = request_header(&x->request, "x-amz-content-sha256");
        x->fault = faults_strike(x->service->faults, operation_name(x->request.op), ops_text(key),
                                 ops_text(payload));
        if (x->fault.action == FAULT_RESET)
            return drop(x);
        if (x->fault.action == FAULT_UNFRAMED)
            x->auth.kind = PAYLOAD_UNSIGNED;
        body_begin(&x->body, &x->request, &x->auth, store_spool(x->service->store));
        x->refusal = x->body.error;
    }
    expect = request_header(&x->request, "expect");
    if (!x->refusal || !expect || strcasecmp(expect, "100-continue") != 0)
        return STEP_BODY;
    refuse(x, x->refusal);
    return answer(x);
}

void exchange_add(struct exchange *x, const char *p, size_t n)
{
    x->bytes_in += n;
    if (x->control && x->control_body.len + n <= CONTROL_BODY_MAX)
        text_bytes(&x->control_body, p, n);
    else if (!x->control && !x->refusal)
        body_add(&x->body, p, n);
}

/* Do what the request asks for. */
static void apply(struct exchange *x)
{
    struct service *s = x->service;
    struct call call = {
        .request = &x->request,
        .body = &x->body,
        .store = s->store,
        .uploads = s->uploads,
        .limits = &s->limits,
        .region = s->auth.region,
        .now_s = service_now(s),
        .reply = &x->reply,
    };
    enum code code = body_end(&x->body);
    if (!code)
        code = operation_run(&call);
    if (code)
        refuse(x, code);
}

/* Where a redirect sends the request. */
static void send_elsewhere(struct exchange *x)
{
    struct buf location;
    if (*x->fault.region)
        reply_header(&x->reply, "x-amz-bucket-region", x->fault.region);
    if (!*x->fault.location)
        return;
    text_begin(&location);
    text_format(&location, "%s%s", x->fault.location, x->uri);
    reply_header(&x->reply, "Location", location.data);
    buf_release(&location);
}

/* The error of a fault in place of the reply. */
static void set_fault_error(struct exchange *x)
{
    refuse(x, x->fault.code);
    x->reply.status = x->fault.status;
    if (x->fault.action == FAULT_REDIRECT)
        send_elsewhere(x);
    if (x->fault.action != FAULT_ERROR_200)
        return;
    char *document = mem_dup(strchr(x->reply.body.data, '\n') + 1);
    x->reply.status = 200;
    buf_reset(&x->reply.body);
    reply_xml(&x->reply);
    text_add(&x->reply.body, KEEP_ALIVE_SPACE);
    text_add(&x->reply.body, document);
    free(document);
}

/* Another ETag, in the header and in the document. */
static void spoil_etag(struct reply *r)
{
    static const char tag[] = "<ETag>&quot;";
    if (pairs_get(&r->headers, "ETag"))
        pairs_set(&r->headers, "ETag", "\"00000000000000000000000000000000\"");
    char *found = r->body.data ? strstr(r->body.data, tag) : NULL;
    if (found)
        memset(found + sizeof(tag) - 1, '0', 2 * MD5_BYTES);
}

/* No checksum in the headers. */
static void drop_checksums(struct reply *r)
{
    static const char checksum[] = "x-amz-checksum-";
    size_t kept = 0;
    for (size_t i = 0; i < r->headers.n; i++) {
        if (text_has_prefix(r->headers.at[i].name, checksum)) {
            free(r->headers.at[i].name);
            free(r->headers.at[i].value);
        } else {
            r->headers.at[kept++] = r->headers.at[i];
        }
    }
    r->headers.n = kept;
}

/* After the operation: what the fault makes of its reply. */
static enum step distort(struct exchange *x)
{
    switch (x->fault.action) {
    case FAULT_ERROR_APPLIED:
        set_fault_error(x);
        return answer(x);
    case FAULT_LOST_REPLY:
        return drop(x);
    case FAULT_STALL:
        x->phase = PHASE_ANSWER;
        return STEP_WAIT;
    case FAULT_WRONG_ETAG:
        spoil_etag(&x->reply);
        return answer(x);
    case FAULT_NO_CHECKSUM:
    case FAULT_UNFRAMED:
        drop_checksums(&x->reply);
        return answer(x);
    case FAULT_NONE:
    case FAULT_ERROR:
    case FAULT_ERROR_200:
    case FAULT_RESET:
    case FAULT_RESET_AFTER_BODY:
    case FAULT_DELAY:
    case FAULT_TRUNCATE:
    case FAULT_DRIP:
    case FAULT_REDIRECT:
    case FAULT_COUNT:
        break;
    }
    return answer(x);
}

/* Before the operation: faults that stand in for it. */
static enum step preempt(struct exchange *x)
{
    if (x->fault.action == FAULT_RESET_AFTER_BODY)
        return drop(x);
    if (x->fault.action == FAULT_ERROR || x->fault.action == FAULT_ERROR_200 ||
        x->fault.action == FAULT_REDIRECT) {
        set_fault_error(x);
        return answer(x);
    }
    x->phase = PHASE_APPLY;
    return x->fault.action == FAULT_DELAY ? STEP_WAIT : STEP_BODY;
}

enum step exchange_finish(struct exchange *x)
{
    if (x->phase == PHASE_ANSWER) /* a stall is over */
        return answer(x);
    if (x->control) {
        control_answer(x->service->faults, x->service->auth.ring, &x->request, &x->control_body,
                       &x->reply);
        return answer(x);
    }
    if (x->refusal) {
        refuse(x, x->refusal);
        return answer(x);
    }
    if (x->phase == PHASE_BODY) {
        enum step step = preempt(x);
        if (step != STEP_BODY)
            return step;
    }
    apply(x);
    return distort(x);
}
