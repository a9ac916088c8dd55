/* The text of one attempt of a call: URL, header lines, signature. Pure. */
#include "uploaders/caller.h"

#include <errno.h>
#include <string.h>

#define OWN_HEADERS 7 /* host, date, hash, session token, payer, owners */

/* The owner's headers and ours, as they are signed. */
struct header_set {
    struct sigv4_pair pairs[CALL_HEADERS_MAX + OWN_HEADERS];
    size_t count;
};

static void add(struct header_set *set, const char *name, const char *value)
{
    set->pairs[set->count++] = (struct sigv4_pair){name, value};
}

/* What the body hashes to, where that is signed. */
static void take_hash(struct call *call, bool is_signed)
{
    uint8_t digest[SHA256_BYTES];
    if (call->payload_hash[0] != '\0')
        return;
    if (call->body.n == 0) {
        memcpy(call->payload_hash, SIGV4_EMPTY_SHA256, sizeof(SIGV4_EMPTY_SHA256));
    } else if (!is_signed) {
        memcpy(call->payload_hash, SIGV4_UNSIGNED_PAYLOAD, sizeof(SIGV4_UNSIGNED_PAYLOAD));
    } else {
        digest_sha256(call->body.p, call->body.n, digest);
        hex_encode(digest, sizeof(digest), call->payload_hash);
    }
}

/* "name: value" and a NUL. */
static int append_line(struct buf *lines, const char *name, const char *value)
{
    int code = buf_append_str(lines, name);
    if (code == 0)
        code = buf_append_str(lines, ": ");
    if (code == 0)
        code = buf_append(lines, value, strlen(value) + 1);
    return code;
}

/* All header lines. */
static int write_lines(struct call *call, const struct header_set *set)
{
    int code = 0;
    buf_reset(&call->lines);
    for (size_t i = 0; i < set->count && code == 0; i++)
        code = append_line(&call->lines, set->pairs[i].name, set->pairs[i].value);
    if (code == 0)
        code = append_line(&call->lines, "authorization", call->authorization.data);
    return code;
}

/* Encoded path, query and URL. */
static int write_url(struct call *call, const struct endpoint *ep)
{
    buf_reset(&call->path);
    buf_reset(&call->query_text);
    buf_reset(&call->url);
    int code = endpoint_path(ep, call->key, &call->path);
    if (code == 0)
        code = buf_reserve(&call->query_text, 1); /* "", where there are no parameters */
    if (code == 0)
        code = sigv4_encode_query(call->query, call->query_count, &call->query_text);
    if (code == 0)
        code = endpoint_url(ep, call->path.data, call->query_text.data, &call->url);
    return code;
}

/* Whose the bucket must be, and who pays. */
static void add_terms(struct header_set *set, const struct call *call, const struct site_view *view)
{
    bool copies = false;
    for (size_t i = 0; i < call->header_count; i++)
        copies = copies || strcmp(call->headers[i].name, "x-amz-copy-source") == 0;
    if (view->expected_owner)
        add(set, "x-amz-expected-bucket-owner", view->expected_owner);
    if (view->expected_owner && copies)
        add(set, "x-amz-source-expected-bucket-owner", view->expected_owner);
    if (view->requester_pays)
        add(set, "x-amz-request-payer", "requester");
}

/* The signature, which ends the header. */
static const char *signature_of(const struct call *call)
{
    return call->authorization.data + call->authorization.len - (SHA256_HEX - 1);
}

int call_build(struct call *call, const struct site_view *view, int64_t now_us, struct buf *scratch)
{
    if (call->query_count > CALL_QUERY_MAX || call->header_count > CALL_HEADERS_MAX)
        return ERR_LIMIT;
    const struct endpoint *ep = call->is_elsewhere ? call->elsewhere : &view->endpoint;
    int code = write_url(call, ep);
    if (code != 0)
        return code;
    char now[CLOCK_AMZ_SIZE];
    clock_amz(now_us, now);
    take_hash(call, site_signs_payload(view->payload_signing, ep->tls));
    struct header_set set = {.count = 0};
    add(&set, "host", ep->host);
    add(&set, "x-amz-content-sha256", call->payload_hash);
    add(&set, "x-amz-date", now);
    if (view->credentials.session_token)
        add(&set, "x-amz-security-token", view->credentials.session_token);
    add_terms(&set, call, view);
    for (size_t i = 0; i < call->header_count; i++)
        add(&set, call->headers[i].name, call->headers[i].value);
    struct sigv4_request request = {.method = call->method,
                                    .path = call->path.data,
                                    .query = call->query_text.data,
                                    .headers = set.pairs,
                                    .header_count = set.count,
                                    .payload_hash = call->payload_hash,
                                    .time = now};
    buf_reset(&call->authorization);
    code = sigv4_sign(&view->key, &request, scratch, &call->authorization);
    if (code == 0)
        code = write_lines(call, &set);
    if (code != 0)
        return code;
    if (call->chunked)
        chunked_begin(call->chunked, &view->key, now, signature_of(call));
    call->x.method = call->method;
    call->x.url = call->url.data;
    call->x.lines = call->lines.data;
    call->x.lines_n = call->lines.len;
    call->x.body = call->body;
    return 0;
}
