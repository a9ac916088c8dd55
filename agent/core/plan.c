/* Pure. Observation against index: what is to be done. */
#include "agent/core/plan.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define SETTLED_AGE_MIN_MS                                                                         \
    2000 /* a file's clock (the server's) may differ from ours by this much */
#define SETTLED_AGE_UNHEARD_MS                                                                     \
    60000 /* the same where other hosts write: their clocks, their servers, their write-back */

/* Mode, owner and group are as S3 has them. */
static bool same_owner(const struct file_stat *st, const struct known *k)
{
    return st->mode == k->mode && st->uid == k->uid && st->gid == k->gid;
}

/* The whole POSIX metadata is as S3 has it. */
static bool same_posix(const struct file_stat *st, const struct known *k)
{
    return same_owner(st, k) && st->mtime_ns == k->mtime_ns;
}

/* The path's content was read: what is left to do. */
static enum plan plan_hashed(const struct file_stat *st, const struct known *k, uint64_t hash)
{
    if (hash != k->crc64)
        return PLAN_EDIT;
    return same_posix(st, k) ? PLAN_REFRESH : PLAN_META;
}

enum plan plan_path(const struct file_stat *st, const struct known *known, const uint64_t *hash)
{
    if (st->kind != FILE_REGULAR)
        return known ? PLAN_REMOVE : PLAN_NOTHING;
    if (!known)
        return PLAN_ADD;
    if ((known->flags & KNOWN_UNCERTAIN) || !(known->flags & KNOWN_CRC) || st->size != known->size)
        return PLAN_EDIT;
    if (hash)
        return plan_hashed(st, known, *hash);
    if (known->flags & KNOWN_MOVED)
        return PLAN_HASH;
    if (st->mtime_ns != known->mtime_ns || st->ino != known->ino)
        return PLAN_HASH;
    if (!same_owner(st, known))
        return PLAN_META;
    if (st->ctime_ns != known->ctime_ns)
        return PLAN_HASH;
    return st->born_ns && !known->born_ns ? PLAN_REFRESH : PLAN_NOTHING;
}

struct file_id plan_file(const struct known *k)
{
    return (struct file_id){.ino = k->ino, .born_ns = k->born_ns};
}

bool plan_is_same(const struct file_stat *st, const struct known *known)
{
    return file_id_same(file_id_of(st), plan_file(known));
}

bool plan_is_other(const struct file_stat *st, const struct known *known)
{
    return file_id_differs(file_id_of(st), plan_file(known));
}

bool plan_is_placed(const struct known *known)
{
    return !(known->flags & (KNOWN_MOVED | KNOWN_KEPT));
}

/* Inode, size and mtime agree. Not yet proof: an inode is used again, and sizes and mtimes of
 * unpacked images are often all the same. */
static bool same_file(const struct file_stat *st, const struct known *k)
{
    return st->ino == k->ino && st->size == k->size && st->mtime_ns == k->mtime_ns;
}

enum plan_rename plan_renamed(const struct file_stat *st, const struct known *source,
                              const struct file_stat *source_now, bool told, const uint64_t *hash)
{
    if (st->kind != FILE_REGULAR || source_now->kind == FILE_REGULAR)
        return RENAME_NO;
    told = told || plan_is_same(st, source);
    if (source->flags & (KNOWN_UNCERTAIN | KNOWN_MOVED))
        return told ? RENAME_CONTENT : RENAME_NO;
    if (hash && (source->flags & KNOWN_CRC) && *hash != source->crc64)
        return told ? RENAME_CONTENT : RENAME_NO;
    if (same_file(st, source) && (told || st->ctime_ns == source->ctime_ns))
        return RENAME_COPY;
    if (st->size == source->size && (source->flags & KNOWN_CRC) && (told || st->ino == source->ino))
        return hash ? RENAME_COPY : RENAME_HASH;
    return told ? RENAME_CONTENT : RENAME_NO;
}

enum plan_born plan_born(const struct file_stat *st, const struct known *known)
{
    if (plan_is_same(st, known))
        return known->flags & KNOWN_UNCERTAIN ? PLAN_BORN_DOUBTFUL : PLAN_BORN_SURE;
    if ((!known->born_ns || !known->ctime_ns) && !(known->flags & KNOWN_UNCERTAIN) &&
        same_file(st, known))
        return PLAN_BORN_LIKELY;
    return PLAN_BORN_NOT;
}

bool plan_is_recovered(const struct file_stat *st, const struct known *known)
{
    return known->ctime_ns == 0 && !(known->flags & KNOWN_UNCERTAIN) && same_file(st, known) &&
           known->born_ns != st->born_ns;
}

bool plan_in_step(const struct file_stat *st, const struct known *known)
{
    return !(known->flags & (KNOWN_UNCERTAIN | KNOWN_MOVED | KNOWN_LISTED)) &&
           st->size == known->size && st->ino == known->ino && st->ctime_ns == known->ctime_ns &&
           same_posix(st, known);
}

bool plan_settled(const struct file_stat *st, int64_t real_us, int64_t settle_ms, bool unheard)
{
    int64_t last_ns = st->mtime_ns > st->ctime_ns ? st->mtime_ns : st->ctime_ns;
    int64_t least_ms = unheard ? SETTLED_AGE_UNHEARD_MS : SETTLED_AGE_MIN_MS;
    int64_t quiet_ms = settle_ms > least_ms ? settle_ms : least_ms;

    return last_ns / (NS_PER_S / US_PER_S) < real_us - quiet_ms * US_PER_MS;
}

int64_t plan_rest_ms(int64_t settle_ms, bool unheard)
{
    return unheard && settle_ms < SETTLED_AGE_MIN_MS ? SETTLED_AGE_MIN_MS : settle_ms;
}

bool plan_rested(const struct file_stat *before, const struct file_stat *now)
{
    return before->kind == now->kind && file_same_content(before, now);
}

void known_from(const struct file_stat *st, uint64_t crc64, const char *etag, const char *version,
                struct known *ret)
{
    *ret = (struct known){.flags = KNOWN_CRC,
                          .mode = st->mode,
                          .uid = st->uid,
                          .gid = st->gid,
                          .ino = st->ino,
                          .size = st->size,
                          .mtime_ns = st->mtime_ns,
                          .ctime_ns = st->ctime_ns,
                          .born_ns = st->born_ns,
                          .crc64 = crc64};
    snprintf(ret->etag, sizeof ret->etag, "%s", etag);
    snprintf(ret->version, sizeof ret->version, "%s", version);
}
