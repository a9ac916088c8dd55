/* The body of a request as it comes in. Shell. */
#include "tests/s3d/body.h"

#include "base/tree.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *spool_name(const char *dir)
{
    static atomic_ulong counter;
    char *path = NULL;
    if (asprintf(&path, "%s/%lu", dir, atomic_fetch_add(&counter, 1)) < 0)
        abort();
    return path;
}

/* Take over a checksum that was sent in a header or trailer. */
static enum code claim_checksum(struct body *b, enum hash hash, const char *text)
{
    if (!hash_parse(hash, text, &b->claimed[hash]))
        return CODE_INVALID_REQUEST;
    return CODE_OK;
}

/* Content-MD5. */
static enum code read_md5(struct body *b, const struct request *r)
{
    const char *md5 = request_header(r, "content-md5");
    bool good = !md5 || hash_parse(HASH_MD5, md5, &b->claimed[HASH_MD5]);
    return good ? CODE_OK : CODE_INVALID_DIGEST;
}

/* The one x-amz-checksum-* header, or the trailer that x-amz-trailer announces. */
static enum code read_checksum(struct body *b, const struct request *r)
{
    const char *trailer = b->framed ? request_header(r, "x-amz-trailer") : NULL;
    if (r->op == OP_COMPLETE_MULTIPART_UPLOAD)
        return CODE_OK; /* there it is the checksum of the object, not of this document */
    for (int i = 0; i < HASH_CHECKSUMS; i++) {
        const char *text = request_header(r, hash_header((enum hash)i));
        bool later = trailer && strcmp(trailer, hash_header((enum hash)i)) == 0;
        if (!text && !later)
            continue;
        if (b->has_checksum)
            return CODE_INVALID_REQUEST;
        b->has_checksum = true;
        b->checksum = (enum hash)i;
        enum code code = text ? claim_checksum(b, b->checksum, text) : CODE_OK;
        if (code)
            return code;
    }
    const char *algorithm = request_header(r, "x-amz-sdk-checksum-algorithm");
    if (algorithm && (!b->has_checksum || strcmp(algorithm, hash_name(b->checksum)) != 0))
        return CODE_INVALID_REQUEST;
    return trailer && !b->has_checksum ? CODE_INVALID_REQUEST : CODE_OK;
}

/* How many bytes must come. */
static enum code read_length(struct body *b, const struct request *r)
{
    const char *length = request_header(r, "content-length");
    const char *decoded = request_header(r, "x-amz-decoded-content-length");
    b->announced = UINT64_MAX;
    if (b->framed && !decoded)
        return CODE_MISSING_CONTENT_LENGTH;
    const char *text = b->framed ? decoded : length;
    if (!text)
        return b->use == BODY_OBJECT ? CODE_MISSING_CONTENT_LENGTH : CODE_OK;
    if (!text_number(text, &b->announced))
        return CODE_INVALID_ARGUMENT;
    uint64_t max = b->use == BODY_OBJECT ? BODY_OBJECT_MAX : b->use == BODY_XML ? BODY_XML_MAX : 0;
    return b->announced > max ? CODE_ENTITY_TOO_LARGE : CODE_OK;
}

/* The hashes that are worth computing. */
static unsigned wanted(const struct body *b, const struct auth *a)
{
    unsigned want = b->has_checksum ? HASH_BIT(b->checksum) : 0;
    if (b->use == BODY_OBJECT)
        want |= HASH_BIT(HASH_MD5) | (b->has_checksum ? 0 : HASH_BIT(HASH_CRC64NVME));
    if (b->claimed[HASH_MD5].set)
        want |= HASH_BIT(HASH_MD5);
    return a->kind == PAYLOAD_HASHED ? want | HASH_BIT(HASH_SHA256) : want;
}

void body_begin(struct body *b, const struct request *r, const struct auth *a,
                const char *spool_dir)
{
    *b = (struct body){.use = operation_body(r->op), .fd = -1, .spool_dir = spool_dir};
    text_begin(&b->memory);
    b->framed = a->kind != PAYLOAD_HASHED && a->kind != PAYLOAD_UNSIGNED;
    chunks_begin(&b->chunks, a);
    if (!(b->error = read_length(b, r)))
        b->error = read_md5(b, r);
    /* The checksum of a Complete is the object's, not that of its document. */
    if (!b->error && r->op != OP_COMPLETE_MULTIPART_UPLOAD)
        b->error = read_checksum(b, r);
    hashes_begin(&b->hashes, wanted(b, a));
}

/* Move what is in memory into a file. */
static enum code spill(struct body *b)
{
    b->file = spool_name(b->spool_dir);
    b->fd = open(b->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (b->fd < 0 || write_whole(b->fd, b->memory.data, b->memory.len) != 0)
        return CODE_INTERNAL_ERROR;
    buf_release(&b->memory);
    return CODE_OK;
}

/* Keep decoded bytes. */
static void keep(void *context, const char *p, size_t n)
{
    struct body *b = context;
    if (b->error)
        return;
    b->size += n;
    if (b->size > b->announced || (b->use == BODY_XML && b->size > BODY_XML_MAX) ||
        (b->use == BODY_NONE && n > 0)) {
        b->error = b->announced == UINT64_MAX ? CODE_ENTITY_TOO_LARGE : CODE_INCOMPLETE_BODY;
        return;
    }
    hashes_add(&b->hashes, p, n);
    if (b->fd < 0 && b->use == BODY_OBJECT && b->memory.len + n > BODY_MEMORY_MAX)
        b->error = spill(b);
    if (b->error)
        return;
    if (b->fd < 0)
        text_bytes(&b->memory, p, n);
    else if (write_whole(b->fd, p, n) != 0)
        b->error = CODE_INTERNAL_ERROR;
}

void body_add(struct body *b, const char *p, size_t n)
{
    if (b->error)
        return;
    if (!b->framed) {
        keep(b, p, n);
        return;
    }
    enum code code = chunks_add(&b->chunks, p, n, keep, b);
    if (!b->error)
        b->error = code;
}

/* The checksum that the trailer carries, if one was announced. */
static enum code read_trailer(struct body *b)
{
    if (!b->framed)
        return CODE_OK;
    enum code code = chunks_end(&b->chunks);
    if (code || !b->has_checksum || b->claimed[b->checksum].set)
        return code;
    const char *text = pairs_get(&b->chunks.trailer, hash_header(b->checksum));
    return text ? claim_checksum(b, b->checksum, text) : CODE_MALFORMED_TRAILER;
}

/* Hold what came against what was claimed. */
static enum code compare(const struct body *b)
{
    char hex[SHA256_HEX];
    const struct auth *a = &b->chunks.auth;
    if (a->kind == PAYLOAD_HASHED &&
        strcmp(hex_encode(b->got[HASH_SHA256].bytes, SHA256_BYTES, hex), a->payload_sha256) != 0)
        return CODE_CONTENT_SHA256_MISMATCH;
    for (int i = 0; i < HASH_COUNT; i++)
        if (b->claimed[i].set && !hash_equal((enum hash)i, &b->claimed[i], &b->got[i]))
            return CODE_BAD_DIGEST;
    return CODE_OK;
}

enum code body_end(struct body *b)
{
    if (!b->error)
        b->error = read_trailer(b);
    if (!b->error && b->announced != UINT64_MAX && b->size != b->announced)
        b->error = CODE_INCOMPLETE_BODY;
    if (b->error)
        return b->error;
    hashes_end(&b->hashes, b->got);
    return b->error = compare(b);
}

enum code body_spool(struct body *b)
{
    return b->fd >= 0 ? CODE_OK : spill(b);
}

void body_release(struct body *b)
{
    hashes_drop(&b->hashes);
    chunks_release(&b->chunks);
    buf_release(&b->memory);
    if (b->fd >= 0)
        (void)close(b->fd); /* a spool file: its errors came with the writes */
    if (b->file)
        (void)unlink(b->file); /* the folder is emptied at the next start in any case */
    free(b->file);
    *b = (struct body){.fd = -1};
}
