/* Is a request signed as AWS Signature Version 4 asks for? Pure but for the keyring's lock. */
#include "tests/s3d/auth.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define EXPIRES_MAX_S 604800

/* The pieces of an authorization, from the header or from the query. */
struct claim {
    char *credential; /* KEY/20130524/us-east-1/s3/aws4_request */
    char *signed_headers;
    char *signature;
    const char *date; /* borrowed from the request */
    bool presigned;
    uint64_t expires_s;
};

/* Free what the claim holds. */
static void claim_release(struct claim *c)
{
    free(c->credential);
    free(c->signed_headers);
    free(c->signature);
}

/* The value of "name=value" among comma-separated fields, as a new string; NULL where missing. */
static char *field_of(const char *fields, const char *name)
{
    size_t name_n = strlen(name);
    while (*fields) {
        fields += strspn(fields, ", ");
        size_t n = strcspn(fields, ", ");
        if (n > name_n && strncmp(fields, name, name_n) == 0 && fields[name_n] == '=')
            return mem_dupn(fields + name_n + 1, n - name_n - 1);
        fields += n;
    }
    return NULL;
}

/* Read the Authorization header. */
static enum code claim_from_header(const char *header, const struct request *r, struct claim *c)
{
    if (!text_has_prefix(header, ALGORITHM " "))
        return CODE_AUTHORIZATION_MALFORMED;
    header += sizeof(ALGORITHM);
    c->credential = field_of(header, "Credential");
    c->signed_headers = field_of(header, "SignedHeaders");
    c->signature = field_of(header, "Signature");
    c->date = request_header(r, "x-amz-date");
    if (!c->credential || !c->signed_headers || !c->signature)
        return CODE_AUTHORIZATION_MALFORMED;
    return c->date ? CODE_OK : CODE_ACCESS_DENIED;
}

/* A copy of a query parameter, or NULL. */
static char *query_copy(const struct request *r, const char *name)
{
    const char *value = request_query(r, name);
    return value ? mem_dup(value) : NULL;
}

/* Read the parameters of a presigned address. */
static enum code claim_from_query(const struct request *r, struct claim *c)
{
    const char *algorithm = request_query(r, "X-Amz-Algorithm");
    const char *expires = request_query(r, "X-Amz-Expires");
    c->presigned = true;
    c->credential = query_copy(r, "X-Amz-Credential");
    c->signed_headers = query_copy(r, "X-Amz-SignedHeaders");
    c->signature = query_copy(r, "X-Amz-Signature");
    c->date = request_query(r, "X-Amz-Date");
    if (!algorithm || strcmp(algorithm, ALGORITHM) != 0 || !c->credential || !c->signed_headers ||
        !c->signature || !c->date || !expires || !text_number(expires, &c->expires_s) ||
        c->expires_s > EXPIRES_MAX_S)
        return CODE_AUTHORIZATION_MALFORMED;
    return CODE_OK;
}

/* Seconds since 1970 of "20130524T000000Z", or -1. */
static int64_t parse_date(const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end || strlen(text) != 16)
        return -1;
    return (int64_t)timegm(&tm);
}

/* Hold the date against our clock. */
static enum code check_time(const struct claim *c, int64_t now_s)
{
    int64_t then_s = parse_date(c->date);
    if (then_s < 0)
        return CODE_ACCESS_DENIED;
    if (c->presigned) {
        if (then_s > now_s + AUTH_SKEW_MAX_S || now_s > then_s + (int64_t)c->expires_s)
            return CODE_ACCESS_DENIED;
        return CODE_OK;
    }
    int64_t skew_s = now_s > then_s ? now_s - then_s : then_s - now_s;
    return skew_s > AUTH_SKEW_MAX_S ? CODE_REQUEST_TIME_SKEWED : CODE_OK;
}

/* Hold the credential against our key and the scope that it must have. */
static enum code check_credential(const struct auth_options *o, const struct claim *c,
                                  struct auth *a)
{
    size_t key_n = strcspn(c->credential, "/");
    if (key_n != strlen(o->access_key) || strncmp(c->credential, o->access_key, key_n) != 0)
        return CODE_INVALID_ACCESS_KEY;
    int n = snprintf(a->scope, sizeof(a->scope), "%.8s/%s/s3/aws4_request", c->date, o->region);
    if (n < 0 || (size_t)n >= sizeof(a->scope))
        return CODE_INTERNAL_ERROR;
    if (c->credential[key_n] != '/' || strcmp(c->credential + key_n + 1, a->scope) != 0)
        return CODE_AUTHORIZATION_MALFORMED;
    return CODE_OK;
}

/* Hold the security token against that of keys that were handed out. */
static enum code check_handed_out(const struct key *key, const char *token, int64_t now_s)
{
    if (key->session_token && !token)
        return CODE_INVALID_ACCESS_KEY;
    if (token && (!key->session_token || strcmp(token, key->session_token) != 0))
        return CODE_INVALID_TOKEN;
    return now_s >= key->expires_s ? CODE_EXPIRED_TOKEN : CODE_OK;
}

/* Hold the security token against ours. */
static enum code check_token(const struct auth_options *o, const struct key *key,
                             const struct request *r, int64_t now_s)
{
    const char *token = request_header(r, "x-amz-security-token");
    if (!token)
        token = request_query(r, "X-Amz-Security-Token");
    if (key)
        return check_handed_out(key, token, now_s);
    if (!o->session_token)
        return token ? CODE_INVALID_TOKEN : CODE_OK;
    if (!token)
        return CODE_INVALID_ACCESS_KEY;
    return strcmp(token, o->session_token) == 0 ? CODE_OK : CODE_EXPIRED_TOKEN;
}

/* Is `name` one of the names in "a;b;c"? */
static bool is_signed(const char *signed_headers, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = signed_headers; *at;) {
        size_t at_n = strcspn(at, ";");
        if (at_n == n && strncmp(at, name, n) == 0)
            return true;
        at += at_n + (at[at_n] == ';');
    }
    return false;
}

/* The names in "a;b;c" are there, and rise. */
static bool names_rise(const char *names)
{
    struct span before = SPAN("");
    while (*names) {
        struct span name = {names, strcspn(names, ";")};
        size_t n = name.n < before.n ? name.n : before.n;
        int order = memcmp(before.p, name.p, n);
        if (name.n == 0 || order > 0 || (order == 0 && before.n >= name.n))
            return false;
        before = name;
        names += name.n + (names[name.n] == ';');
    }
    return true;
}

/* Every header that must be signed is. */
static enum code check_signed_headers(const struct claim *c, const struct request *r)
{
    if (!is_signed(c->signed_headers, "host"))
        return CODE_ACCESS_DENIED;
    for (size_t i = 0; i < r->headers.n; i++) {
        const char *name = r->headers.at[i].name;
        if (text_has_prefix(name, "x-amz-") && !is_signed(c->signed_headers, name))
            return CODE_ACCESS_DENIED;
    }
    return names_rise(c->signed_headers) ? CODE_OK : CODE_AUTHORIZATION_MALFORMED;
}

/* Read x-amz-content-sha256. */
static enum code parse_payload(const struct claim *c, const struct request *r, struct auth *a)
{
    static const struct {
        const char *text;
        enum payload_kind kind;
    } kinds[] = {
        {"UNSIGNED-PAYLOAD", PAYLOAD_UNSIGNED},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PAYLOAD_CHUNKS_SIGNED},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PAYLOAD_CHUNKS_SIGNED_TRAILER},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PAYLOAD_CHUNKS_UNSIGNED_TRAILER},
    };
    const char *text = request_header(r, "x-amz-content-sha256");
    if (!text && c->presigned)
        text = "UNSIGNED-PAYLOAD";
    if (!text)
        return CODE_INVALID_REQUEST;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(text, kinds[i].text) == 0) {
            a->kind = kinds[i].kind;
            return CODE_OK;
        }
    }
    if (strlen(text) != SHA256_HEX - 1 || strspn(text, "0123456789abcdef") != SHA256_HEX - 1)
        return CODE_INVALID_ARGUMENT;
    a->kind = PAYLOAD_HASHED;
    memcpy(a->payload_sha256, text, SHA256_HEX);
    return CODE_OK;
}

/* Encoded "name=value" strings sort by name, then value: '=' ends the name. */
static int compare_encoded(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->value, y->value);
}

/* Append the canonical query. */
static void add_query(struct buf *out, const struct request *r)
{
    struct pairs encoded = {0};
    for (size_t i = 0; i < r->query.n; i++) {
        if (strcmp(r->query.at[i].name, "X-Amz-Signature") == 0)
            continue;
        struct buf name, value;
        text_begin(&name);
        text_begin(&value);
        text_uri(&name, r->query.at[i].name, false);
        text_uri(&value, r->query.at[i].value, false);
        pairs_add(&encoded, name.data ? name.data : "", value.data ? value.data : "");
        buf_release(&name);
        buf_release(&value);
    }
    if (encoded.n > 0)
        qsort(encoded.at, encoded.n, sizeof(*encoded.at), compare_encoded);
    for (size_t i = 0; i < encoded.n; i++)
        text_format(out, "%s%s=%s", i ? "&" : "", encoded.at[i].name, encoded.at[i].value);
    pairs_release(&encoded);
}

/* Append a header's value with runs of blanks made one. */
static void add_collapsed(struct buf *out, const char *value)
{
    while (*value) {
        size_t n = strcspn(value, " \t");
        text_bytes(out, value, n);
        value += n;
        size_t blanks = strspn(value, " \t");
        if (blanks > 0 && value[blanks])
            text_add(out, " ");
        value += blanks;
    }
}

/* Append the line of one signed header; its values joined by commas. */
static enum code add_header(struct buf *out, const struct request *r, const char *name, size_t n)
{
    bool found = false;
    text_bytes(out, name, n);
    text_add(out, ":");
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pair *h = &r->headers.at[i];
        if (strlen(h->name) != n || strncmp(h->name, name, n) != 0)
            continue;
        if (found)
            text_add(out, ",");
        add_collapsed(out, h->value);
        found = true;
    }
    text_add(out, "\n");
    return found ? CODE_OK : CODE_SIGNATURE_MISMATCH;
}

/* The canonical request. */
static enum code canonical(struct buf *out, const struct claim *c, const struct request *r)
{
    text_format(out, "%s\n", r->method);
    text_uri(out, r->path, true);
    text_add(out, "\n");
    add_query(out, r);
    text_add(out, "\n");
    for (const char *at = c->signed_headers; *at;) {
        size_t n = strcspn(at, ";");
        enum code code = add_header(out, r, at, n);
        if (code)
            return code;
        at += n + (at[n] == ';');
    }
    const char *payload = request_header(r, "x-amz-content-sha256");
    text_format(out, "\n%s\n%s", c->signed_headers, payload ? payload : "UNSIGNED-PAYLOAD");
    return CODE_OK;
}

/* kSigning of day, region and service. */
static void derive_key(const struct auth_options *o, struct auth *a)
{
    struct buf seed;
    uint8_t key[SHA256_BYTES];
    text_begin(&seed);
    text_format(&seed, "AWS4%s", o->secret_key);
    digest_hmac_sha256(seed.data, seed.len, a->date, 8, key);
    digest_hmac_sha256(key, sizeof(key), o->region, strlen(o->region), key);
    digest_hmac_sha256(key, sizeof(key), "s3", 2, key);
    digest_hmac_sha256(key, sizeof(key), "aws4_request", 12, a->signing_key);
    buf_wipe(&seed);
}

void auth_sign(const struct auth *a, const char *text, size_t n, char ret[SHA256_HEX])
{
    uint8_t mac[SHA256_BYTES];
    digest_hmac_sha256(a->signing_key, sizeof(a->signing_key), text, n, mac);
    (void)hex_encode(mac, sizeof(mac), ret);
}

/* Compute the signature that the request must have, and compare. */
static enum code check_signature(const struct auth_options *o, const struct claim *c,
                                 const struct request *r, struct auth *a)
{
    struct buf text;
    text_begin(&text);
    enum code code = canonical(&text, c, r);
    if (code == CODE_OK) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX];
        digest_sha256(text.data, text.len, digest);
        buf_reset(&text);
        text_format(&text, ALGORITHM "\n%s\n%s\n%s", a->date, a->scope,
                    hex_encode(digest, sizeof(digest), hex));
        derive_key(o, a);
        auth_sign(a, text.data, text.len, a->signature);
        if (strlen(c->signature) != SHA256_HEX - 1 ||
            CRYPTO_memcmp(c->signature, a->signature, SHA256_HEX - 1) != 0)
            code = CODE_SIGNATURE_MISMATCH;
    }
    buf_release(&text);
    return code;
}

/* All checks in the order in which S3 reports them. */
static enum code check_claim(const struct auth_options *o, const struct claim *c,
                             const struct request *r, int64_t now_s, struct auth *a)
{
    enum code code = check_time(c, now_s);
    if (code)
        return code;
    memcpy(a->date, c->date, sizeof(a->date));
    struct auth_options used = *o;
    const struct key *key =
        o->ring ? keyring_find(o->ring, c->credential, strcspn(c->credential, "/")) : NULL;
    if (key) {
        used.access_key = key->access_key;
        used.secret_key = key->secret_key;
    }
    if ((code = check_credential(&used, c, a)) || (code = check_token(o, key, r, now_s)) ||
        (code = check_signed_headers(c, r)) || (code = parse_payload(c, r, a)))
        return code;
    return check_signature(&used, c, r, a);
}

enum code auth_verify(const struct auth_options *o, const struct request *r, int64_t now_s,
                      struct auth *ret)
{
    struct claim claim = {0};
    struct auth auth = {0};
    const char *header = request_header(r, "authorization");
    enum code code;
    if (header)
        code = claim_from_header(header, r, &claim);
    else if (request_query(r, "X-Amz-Signature"))
        code = claim_from_query(r, &claim);
    else
        code = CODE_ACCESS_DENIED;
    if (!code)
        code = check_claim(o, &claim, r, now_s, &auth);
    if (!code)
        *ret = auth;
    claim_release(&claim);
    return code;
}
