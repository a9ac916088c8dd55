/* The aws-chunked framing of a body, decoded and its signatures verified. Pure. */
#include "tests/s3d/chunks.h"

#include <stdlib.h>
#include <string.h>

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Do the chunks carry signatures? */
static bool is_signed(const struct chunks *c)
{
    return c->auth.kind != PAYLOAD_CHUNKS_UNSIGNED_TRAILER;
}

/* Does a trailer follow them? */
static bool has_trailer(const struct chunks *c)
{
    return c->auth.kind != PAYLOAD_CHUNKS_SIGNED;
}

void chunks_begin(struct chunks *c, const struct auth *auth)
{
    *c = (struct chunks){.auth = *auth, .state = CHUNK_HEADER};
    text_begin(&c->signed_trailer);
}

void chunks_release(struct chunks *c)
{
    buf_release(&c->signed_trailer);
    pairs_release(&c->trailer);
}

/* Is `claimed` the signature of what has the digest, after the last one? Then it is the last. */
static enum code check_link(struct chunks *c, const char *kind, const char *empty,
                            const uint8_t digest[SHA256_BYTES], const char *claimed)
{
    char hex[SHA256_HEX];
    char expected[SHA256_HEX];
    struct buf text;
    text_begin(&text);
    text_format(&text, "AWS4-HMAC-SHA256-%s\n%s\n%s\n%s\n%s%s", kind, c->auth.date, c->auth.scope,
                c->auth.signature, empty, hex_encode(digest, SHA256_BYTES, hex));
    auth_sign(&c->auth, text.data, text.len, expected);
    buf_release(&text);
    if (strcmp(expected, claimed) != 0)
        return CODE_SIGNATURE_MISMATCH;
    memcpy(c->auth.signature, expected, sizeof(expected));
    return CODE_OK;
}

/* The bytes of a chunk are complete: verify it. */
static enum code finish_chunk(struct chunks *c)
{
    uint8_t digest[SHA256_BYTES];
    sha256_end(&c->sha, digest);
    c->state = !c->last ? CHUNK_END : has_trailer(c) ? CHUNK_TRAILER : CHUNK_END;
    if (!is_signed(c))
        return CODE_OK;
    return check_link(c, "PAYLOAD", EMPTY_SHA256 "\n", digest, c->claimed);
}

/* Read the line "<hex>[;chunk-signature=<hex>]". */
static enum code take_header(struct chunks *c)
{
    static const char label[] = ";chunk-signature=";
    size_t digits = strspn(c->line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 10)
        return CODE_INCOMPLETE_BODY;
    const char *rest = c->line + digits;
    if (is_signed(c)) {
        if (!text_has_prefix(rest, label) || strlen(rest) != sizeof(label) - 1 + SHA256_HEX - 1)
            return CODE_SIGNATURE_MISMATCH;
        memcpy(c->claimed, rest + sizeof(label) - 1, SHA256_HEX);
    } else if (*rest) {
        return CODE_INCOMPLETE_BODY;
    }
    c->left = strtoull(c->line, NULL, 16);
    c->last = c->left == 0;
    c->state = CHUNK_DATA;
    sha256_begin(&c->sha);
    return c->last ? finish_chunk(c) : CODE_OK;
}

/* The empty line after the trailer: verify its signature. */
static enum code finish_trailer(struct chunks *c)
{
    c->state = CHUNK_DONE;
    return is_signed(c) && !c->trailer_signed ? CODE_SIGNATURE_MISMATCH : CODE_OK;
}

/* Read a line of the trailer. */
static enum code take_trailer(struct chunks *c)
{
    if (c->line_n == 0)
        return finish_trailer(c);
    char *value = strchr(c->line, ':');
    if (!value || c->trailer_signed)
        return CODE_MALFORMED_TRAILER;
    *value++ = '\0';
    value += strspn(value, " \t");
    if (strcmp(c->line, "x-amz-trailer-signature") == 0) {
        uint8_t digest[SHA256_BYTES];
        digest_sha256(c->signed_trailer.data, c->signed_trailer.len, digest);
        c->trailer_signed = true;
        return check_link(c, "TRAILER", "", digest, value);
    }
    text_format(&c->signed_trailer, "%s:%s\n", c->line, value);
    pairs_add(&c->trailer, c->line, value);
    return CODE_OK;
}

/* A whole line is there: what it means depends on where we are. */
static enum code take_line(struct chunks *c)
{
    enum code code = CODE_OK;
    c->line[c->line_n] = '\0';
    if (strlen(c->line) != c->line_n)
        return CODE_INCOMPLETE_BODY;
    if (c->state == CHUNK_HEADER)
        code = take_header(c);
    else if (c->state == CHUNK_TRAILER)
        code = take_trailer(c);
    else if (c->line_n > 0)
        code = CODE_INCOMPLETE_BODY;
    else
        c->state = c->last ? CHUNK_DONE : CHUNK_HEADER;
    c->line_n = 0;
    return code;
}

/* One byte of a line that ends in CRLF. */
static enum code take_byte(struct chunks *c, char byte)
{
    if (c->state == CHUNK_DONE || c->line_n + 1 >= CHUNK_LINE_MAX)
        return CODE_INCOMPLETE_BODY;
    if (byte != '\n') {
        c->line[c->line_n++] = byte;
        return CODE_OK;
    }
    if (c->line_n == 0 || c->line[c->line_n - 1] != '\r')
        return CODE_INCOMPLETE_BODY;
    c->line_n--;
    return take_line(c);
}

enum code chunks_add(struct chunks *c, const char *p, size_t n, chunk_sink *sink, void *context)
{
    while (n > 0) {
        enum code code = CODE_OK;
        size_t run = 1;
        if (c->state == CHUNK_DATA) {
            run = n < c->left ? n : (size_t)c->left;
            sink(context, p, run);
            if (is_signed(c))
                sha256_add(&c->sha, p, run);
            c->left -= run;
            if (c->left == 0)
                code = finish_chunk(c);
        } else {
            code = take_byte(c, *p);
        }
        if (code)
            return code;
        p += run;
        n -= run;
    }
    return CODE_OK;
}

enum code chunks_end(const struct chunks *c)
{
    return c->state == CHUNK_DONE ? CODE_OK : CODE_INCOMPLETE_BODY;
}
