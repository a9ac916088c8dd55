/* Pure. An object of the index as bytes. See stored.h. */
#include "agent/service/stored.h"

#include "base/digest.h"
#include "base/err.h"

#include <string.h>

/* What the bytes begin with. */
struct stored {
    uint32_t flags;
    uint32_t mode, uid, gid;
    uint64_t ino, size;
    int64_t mtime_ns, ctime_ns;
    uint64_t crc64;
    uint16_t etag_n, version_n, moved_n, key_n; /* key_n 0: none is stored */
};

/* Among the flags, where when the file was made is known: that follows. */
#define STORED_BORN 128u

size_t stored_size(const struct known *known, const char *key)
{
    return sizeof(struct stored) + (known->born_ns ? sizeof known->born_ns : 0) +
           strlen(known->etag) + strlen(known->version) +
           (known->moved_to ? strlen(known->moved_to) : 0) + (key ? strlen(key) : 0);
}

/* Append n bytes; returns where they end. */
static char *piece(char *out, const char *p, size_t n)
{
    if (n)
        memcpy(out, p, n);
    return out + n;
}

void stored_encode(const struct known *known, const char *key, void *out)
{
    const char *moved = known->moved_to ? known->moved_to : "";
    struct stored s = {.flags = known->flags | (known->born_ns ? STORED_BORN : 0),
                       .mode = known->mode,
                       .uid = known->uid,
                       .gid = known->gid,
                       .ino = known->ino,
                       .size = known->size,
                       .mtime_ns = known->mtime_ns,
                       .ctime_ns = known->ctime_ns,
                       .crc64 = known->crc64,
                       .etag_n = (uint16_t)strlen(known->etag),
                       .version_n = (uint16_t)strlen(known->version),
                       .moved_n = (uint16_t)strlen(moved),
                       .key_n = (uint16_t)(key ? strlen(key) : 0)};
    char *at = piece(out, (const char *)&s, sizeof s);

    at = piece(at, (const char *)&known->born_ns, known->born_ns ? sizeof known->born_ns : 0);
    at = piece(at, known->etag, s.etag_n);
    at = piece(at, known->version, s.version_n);
    at = piece(at, moved, s.moved_n);
    piece(at, key, s.key_n);
}

/* Copy a piece of a stored value into a terminated string, if it fits. */
static int text(const char **at, const char *end, uint16_t n, char *out, size_t size)
{
    if (n >= size || (size_t)(end - *at) < n)
        return ERR_CORRUPT;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at += n;
    return 0;
}

/* The numbers of a stored value. The texts are not cleared first: whole trees are read. */
static void head_decode(const struct stored *s, struct known *ret)
{
    ret->flags = s->flags & ~STORED_BORN;
    ret->mode = s->mode;
    ret->uid = s->uid;
    ret->gid = s->gid;
    ret->ino = s->ino;
    ret->size = s->size;
    ret->mtime_ns = s->mtime_ns;
    ret->ctime_ns = s->ctime_ns;
    ret->crc64 = s->crc64;
    ret->born_ns = 0;
}

/* When the file was made, where that stands behind the head. 0 or ERR_CORRUPT. */
static int born_decode(const struct stored *s, const char **at, const char *end, int64_t *ret)
{
    if (!(s->flags & STORED_BORN))
        return 0;
    if ((size_t)(end - *at) < sizeof *ret)
        return ERR_CORRUPT;
    memcpy(ret, *at, sizeof *ret);
    *at += sizeof *ret;
    return 0;
}

int stored_decode(const void *p, size_t n, struct index_entry *ret,
                  char ret_key[STORED_KEY_MAX + 1])
{
    struct stored s;
    const char *at = (const char *)p + sizeof s;
    const char *end = (const char *)p + n;

    if (n < sizeof s)
        return ERR_CORRUPT;
    memcpy(&s, p, sizeof s);
    head_decode(&s, &ret->known);
    if (born_decode(&s, &at, end, &ret->known.born_ns) ||
        text(&at, end, s.etag_n, ret->known.etag, sizeof ret->known.etag) ||
        text(&at, end, s.version_n, ret->known.version, sizeof ret->known.version) ||
        text(&at, end, s.moved_n, ret->moved_to, sizeof ret->moved_to))
        return ERR_CORRUPT;
    ret->known.moved_to = s.moved_n ? ret->moved_to : NULL;
    return ret_key ? text(&at, end, s.key_n, ret_key, STORED_KEY_MAX + 1) : 0;
}

int stored_flags(const void *p, size_t n, unsigned *ret)
{
    struct stored s;

    if (n < sizeof s)
        return ERR_CORRUPT;
    memcpy(&s, p, sizeof s);
    *ret = s.flags & ~STORED_BORN;
    return 0;
}

void stored_pair(uint64_t ino, const char *key, uint8_t out[STORED_PAIR_BYTES])
{
    uint8_t hash[SHA256_BYTES];

    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(ino >> (56 - 8 * i));
    digest_sha256(key, strlen(key), hash);
    memcpy(out + 8, hash, 8);
}
