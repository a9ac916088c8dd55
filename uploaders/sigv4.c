/*
 * Signature Version 4. Pure.
 *
 * signature = HMAC(key, string to sign), in hex
 * string to sign = "AWS4-HMAC-SHA256" LF time LF scope LF hex(SHA-256(canonical request))
 * canonical request = method LF path LF query LF (name ':' value LF)... LF names LF payload hash
 */
#include "uploaders/sigv4.h"

#include "base/err.h"
#include "uploaders/undo.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHM      "AWS4-HMAC-SHA256"
#define TERMINATOR     "aws4_request"
#define SECRET_MAX     256
#define HMAC_BLOCK     64 /* bytes of SHA-256's block, to which HMAC pads its key */
#define TIME_LEN       (CLOCK_AMZ_SIZE - 1)
#define EXPIRES_MAX_S  604800
#define PRESIGN_PARAMS 6 /* that sigv4_presign adds before the signature */

/* Headers that proxies and libraries change on the way, so that nobody signs them. */
static const char *const never_signed[] = {
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
};

/* The headers that are signed, sorted by name; equal names keep their order. */
struct signed_headers {
    const struct sigv4_pair *at[SIGV4_PAIRS_MAX];
    size_t count;
};

/* The header takes part in the signature. Most of those that do differ from the others in the first
 * byte already. */
static bool is_signed(const char *name)
{
    for (size_t i = 0; i < sizeof(never_signed) / sizeof(never_signed[0]); i++)
        if (name[0] == never_signed[i][0] && strcmp(name, never_signed[i]) == 0)
            return false;
    return true;
}

/* Choose and sort the headers. */
static int choose_headers(const struct sigv4_request *req, struct signed_headers *ret)
{
    bool host = false;
    if (req->header_count > SIGV4_PAIRS_MAX)
        return ERR_LIMIT;
    ret->count = 0;
    for (size_t i = 0; i < req->header_count; i++) {
        const struct sigv4_pair *h = &req->headers[i];
        if (!is_signed(h->name))
            continue;
        host = host || strcmp(h->name, "host") == 0;
        size_t j = ret->count++;
        for (; j > 0 && strcmp(ret->at[j - 1]->name, h->name) > 0; j--)
            ret->at[j] = ret->at[j - 1];
        ret->at[j] = h;
    }
    return host ? 0 : -EINVAL;
}

/* White space of a header's value. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Append a header's value, trimmed, runs of white space as one space. */
static int append_value(const char *value, struct buf *out)
{
    int rc = 0;
    bool first = true;
    while (!rc) {
        while (is_blank(*value))
            value++;
        size_t run = 0;
        while (value[run] && !is_blank(value[run]))
            run++;
        if (!run)
            break;
        rc = first ? 0 : buf_append_byte(out, ' ');
        rc = rc ?: buf_append(out, value, run);
        value += run;
        first = false;
    }
    return rc;
}

/* Header i has the name of the one before it. */
static bool is_repeated(const struct signed_headers *h, size_t i)
{
    return i > 0 && i < h->count && strcmp(h->at[i]->name, h->at[i - 1]->name) == 0;
}

/* Append "name:value" LF for each header; the values of one name joined with ','. */
static int append_headers(const struct signed_headers *h, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < h->count; i++) {
        if (is_repeated(h, i)) {
            rc = buf_append_byte(out, ',');
        } else {
            rc = i ? buf_append_byte(out, '\n') : 0;
            rc = rc ?: buf_append_str(out, h->at[i]->name);
            rc = rc ?: buf_append_byte(out, ':');
        }
        rc = rc ?: append_value(h->at[i]->value, out);
    }
    return rc ?: buf_append_byte(out, '\n');
}

/* Append the names, "host;range". */
static int append_names(const struct signed_headers *h, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < h->count; i++) {
        if (is_repeated(h, i))
            continue;
        rc = i ? buf_append_byte(out, ';') : 0;
        rc = rc ?: buf_append_str(out, h->at[i]->name);
    }
    return rc;
}

/* The canonical request of headers already chosen. */
static int append_canonical(const struct sigv4_request *req, const struct signed_headers *h,
                            struct buf *out)
{
    size_t len = out->len;
    int rc = buf_append_str(out, req->method);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: buf_append_str(out, req->path);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: buf_append_str(out, req->query);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: append_headers(h, out);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: append_names(h, out);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: buf_append_str(out, req->payload_hash);
    return undo_append(out, len, rc);
}

int sigv4_canonical_request(const struct sigv4_request *req, struct buf *out)
{
    struct signed_headers h;
    int rc = choose_headers(req, &h);
    return rc ?: append_canonical(req, &h, out);
}

int sigv4_string_to_sign(const struct sigv4_key *key, const char *time, struct span canonical,
                         struct buf *out)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    if (strlen(time) != TIME_LEN || memcmp(time, key->day, SIGV4_DAY_SIZE - 1) != 0)
        return -EINVAL;
    digest_sha256(canonical.p, canonical.n, digest);
    hex_encode(digest, sizeof(digest), hex);
    size_t len = out->len;
    int rc = buf_append_str(out, ALGORITHM "\n");
    rc = rc ?: buf_append(out, time, TIME_LEN);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: buf_append_str(out, key->scope);
    rc = rc ?: buf_append_byte(out, '\n');
    rc = rc ?: buf_append(out, hex, SHA256_HEX - 1);
    return undo_append(out, len, rc);
}

void sigv4_signature(const struct sigv4_key *key, struct span string_to_sign, char out[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 s = key->inner;
    sha256_add(&s, string_to_sign.p, string_to_sign.n);
    sha256_end(&s, digest);
    s = key->outer;
    sha256_add(&s, digest, sizeof(digest));
    sha256_end(&s, digest);
    hex_encode(digest, sizeof(digest), out);
}

/* Bytes of "AWS4-HMAC-SHA256-PAYLOAD" LF time LF scope LF and three hashes. */
#define CHUNK_TEXT_MAX (64 + TIME_LEN + SIGV4_SCOPE_MAX + 3 * SHA256_HEX)

void sigv4_chunk(const struct sigv4_key *key, const char *time, const char *hash,
                 char signature[SHA256_HEX])
{
    char text[CHUNK_TEXT_MAX];
    const int n = snprintf(text, sizeof(text), ALGORITHM "-PAYLOAD\n%s\n%s\n%s\n%s\n%s", time,
                           key->scope, signature, SIGV4_EMPTY_SHA256, hash);
    sigv4_signature(key, (struct span){text, (size_t)n}, signature);
}

void sigv4_trailer(const struct sigv4_key *key, const char *time, const char *hash,
                   char signature[SHA256_HEX])
{
    char text[CHUNK_TEXT_MAX];
    const int n = snprintf(text, sizeof(text), ALGORITHM "-TRAILER\n%s\n%s\n%s\n%s", time,
                           key->scope, signature, hash);
    sigv4_signature(key, (struct span){text, (size_t)n}, signature);
}

/* The signature of a request whose headers are chosen; the canonical request and the string to sign
 * are left in scratch, one after the other. */
static int sign_request(const struct sigv4_key *key, const struct sigv4_request *req,
                        const struct signed_headers *h, struct buf *scratch, char out[SHA256_HEX])
{
    buf_reset(scratch);
    int rc = append_canonical(req, h, scratch);
    if (rc)
        return rc;
    size_t n = scratch->len;
    rc = sigv4_string_to_sign(key, req->time, (struct span){scratch->data, n}, scratch);
    if (rc)
        return rc;
    sigv4_signature(key, (struct span){scratch->data + n, scratch->len - n}, out);
    return 0;
}

int sigv4_sign(const struct sigv4_key *key, const struct sigv4_request *req, struct buf *scratch,
               struct buf *out)
{
    struct signed_headers h;
    char signature[SHA256_HEX];
    int rc = choose_headers(req, &h);
    rc = rc ?: sign_request(key, req, &h, scratch, signature);
    if (rc)
        return rc;
    size_t len = out->len;
    rc = buf_append_str(out, ALGORITHM " Credential=");
    rc = rc ?: buf_append_str(out, key->id);
    rc = rc ?: buf_append_byte(out, '/');
    rc = rc ?: buf_append_str(out, key->scope);
    rc = rc ?: buf_append_str(out, ", SignedHeaders=");
    rc = rc ?: append_names(&h, out);
    rc = rc ?: buf_append_str(out, ", Signature=");
    rc = rc ?: buf_append(out, signature, SHA256_HEX - 1);
    return undo_append(out, len, rc);
}

/* Append the query that a presigned URL signs: the caller's parameters and ours. */
static int append_presigned_query(const struct sigv4_key *key, const struct sigv4_request *req,
                                  const struct signed_headers *h, const struct sigv4_pair *params,
                                  size_t n, const char *session_token, unsigned expires_s,
                                  struct buf *scratch, struct buf *out)
{
    struct sigv4_pair all[SIGV4_PAIRS_MAX];
    char credential[SIGV4_ID_MAX + SIGV4_SCOPE_MAX + 2];
    char expires[16];
    if (n > SIGV4_PAIRS_MAX - PRESIGN_PARAMS)
        return ERR_LIMIT;
    buf_reset(scratch);
    int rc = append_names(h, scratch);
    if (rc)
        return rc;
    snprintf(credential, sizeof(credential), "%s/%s", key->id, key->scope);
    snprintf(expires, sizeof(expires), "%u", expires_s);
    for (size_t i = 0; i < n; i++)
        all[i] = params[i];
    all[n++] = (struct sigv4_pair){"X-Amz-Algorithm", ALGORITHM};
    all[n++] = (struct sigv4_pair){"X-Amz-Credential", credential};
    all[n++] = (struct sigv4_pair){"X-Amz-Date", req->time};
    all[n++] = (struct sigv4_pair){"X-Amz-Expires", expires};
    all[n++] = (struct sigv4_pair){"X-Amz-SignedHeaders", scratch->data};
    if (session_token)
        all[n++] = (struct sigv4_pair){"X-Amz-Security-Token", session_token};
    return sigv4_encode_query(all, n, out);
}

int sigv4_presign(const struct sigv4_key *key, const struct sigv4_request *req,
                  const struct sigv4_pair *params, size_t n, const char *session_token,
                  unsigned expires_s, struct buf *scratch, struct buf *out)
{
    struct signed_headers h;
    char signature[SHA256_HEX];
    if (expires_s < 1 || expires_s > EXPIRES_MAX_S)
        return -EINVAL;
    size_t len = out->len;
    int rc = choose_headers(req, &h);
    rc = rc
             ?: append_presigned_query(key, req, &h, params, n, session_token, expires_s, scratch,
                                       out);
    if (rc)
        return rc;
    struct sigv4_request signed_req = *req;
    signed_req.query = out->data + len;
    signed_req.payload_hash = SIGV4_UNSIGNED_PAYLOAD;
    rc = sign_request(key, &signed_req, &h, scratch, signature);
    rc = rc ?: buf_append_str(out, "&X-Amz-Signature=");
    rc = rc ?: buf_append(out, signature, SHA256_HEX - 1);
    return undo_append(out, len, rc);
}

/* Begin one of HMAC's two hashes: the key, padded with zeroes, XORed with `pad`. */
static void begin_padded(struct sha256 *s, const uint8_t key[SHA256_BYTES], uint8_t pad)
{
    uint8_t block[HMAC_BLOCK];
    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < SHA256_BYTES; i++)
        block[i] ^= key[i];
    sha256_begin(s);
    sha256_add(s, block, sizeof(block));
    explicit_bzero(block, sizeof(block));
}

/* kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" secret, day), region), service), "aws4_request"). */
static void derive_bytes(const char *secret, const char *day, const char *region,
                         const char *service, uint8_t out[SHA256_BYTES])
{
    char seed[SECRET_MAX + 5];
    int n = snprintf(seed, sizeof(seed), "AWS4%s", secret);
    digest_hmac_sha256(seed, (size_t)n, day, SIGV4_DAY_SIZE - 1, out);
    digest_hmac_sha256(out, SHA256_BYTES, region, strlen(region), out);
    digest_hmac_sha256(out, SHA256_BYTES, service, strlen(service), out);
    digest_hmac_sha256(out, SHA256_BYTES, TERMINATOR, sizeof(TERMINATOR) - 1, out);
    explicit_bzero(seed, sizeof(seed));
}

int sigv4_key_derive(const char *id, const char *secret, const char *day, const char *region,
                     const char *service, struct sigv4_key *ret)
{
    struct sigv4_key key = {0};
    if (strlen(id) > SIGV4_ID_MAX || strlen(secret) > SECRET_MAX)
        return ERR_LIMIT;
    int n = snprintf(key.scope, sizeof(key.scope), "%.8s/%s/%s/" TERMINATOR, day, region, service);
    if (n < 0 || (size_t)n >= sizeof(key.scope))
        return ERR_LIMIT;
    snprintf(key.id, sizeof(key.id), "%s", id);
    snprintf(key.day, sizeof(key.day), "%.8s", day);
    derive_bytes(secret, key.day, region, service, key.bytes);
    begin_padded(&key.inner, key.bytes, 0x36);
    begin_padded(&key.outer, key.bytes, 0x5c);
    *ret = key;
    sigv4_key_wipe(&key);
    return 0;
}

void sigv4_key_wipe(struct sigv4_key *key)
{
    explicit_bzero(key, sizeof(*key));
}
