/*
 * What an observation means against what S3 is known to have. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_PLAN_H
#define LOCKSTEP_AGENT_CORE_PLAN_H

#include "base/tree.h"

#include <stdbool.h>
#include <stdint.h>

#define KNOWN_ETAG_SIZE    72
#define KNOWN_VERSION_SIZE 128

#define KNOWN_UNCERTAIN                                                                            \
    1u                  /* S3 may have something else, or nothing: a transfer was interrupted      \
                         */
#define KNOWN_MOVED  2u /* the image is now at moved_to; this object is to be deleted */
#define KNOWN_CRC    4u /* crc64 is set */
#define KNOWN_LISTED 8u /* lists name the image by the path of moved_to */
#define KNOWN_KEPT                                                                                 \
    16u /* its file is gone, the object stays; made from no inode (0), so that no file is taken    \
           for the one that it was made from */

#define KNOWN_LEAVING                                                                              \
    32u /* with UNCERTAIN: its deletion was tried, so it is either gone or what is known of it */

/* The upper bits: a mark of what the object carries besides its bytes (agent/service/attributes.h).
 */
#define KNOWN_ATTRIBUTES_SHIFT 8
#define KNOWN_ATTRIBUTES       0xffffff00u

/* What S3 is known to have under a key, and the file that it was made from. */
struct known {
    unsigned flags;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint64_t ino;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
    int64_t born_ns; /* 0: not known */
    uint64_t crc64;
    char etag[KNOWN_ETAG_SIZE];
    char version[KNOWN_VERSION_SIZE];
    const char *moved_to; /* KNOWN_MOVED, KNOWN_LISTED: key; whoever made the struct owns it */
};

enum plan {
    PLAN_NOTHING, /* in step */
    PLAN_REFRESH, /* in step, but the index should learn the new inode or ctime */
    PLAN_HASH,    /* the content must be read to know */
    PLAN_ADD,
    PLAN_EDIT,
    PLAN_META,
    PLAN_REMOVE
};

/* clang-format off */
/*
 * plan_path(st, known, hash): what to do for one path. `known` is NULL where the index has nothing,
 * `hash` NULL while the content was not read for this observation. A path that is no regular file
 * counts as absent.
 *
 *   size differs, or UNCERTAIN, or no CRC to compare      EDIT
 *   size, mtime, inode as known; ctime as known           NOTHING (or META if mode or owner differ;
 *                                                         REFRESH to learn when it was made)
 *     ... ctime differs and mode or owner differ          META   (that explains the ctime)
 *     ... ctime differs alone                             HASH: an edit that kept the mtime, or a link
 *   mtime or inode differs                                HASH: same CRC -> META or REFRESH, else EDIT
 */
/* clang-format on */
enum plan plan_path(const struct file_stat *st, const struct known *known, const uint64_t *hash);

enum plan_rename {
    RENAME_NO,     /* not the same image */
    RENAME_HASH,   /* the content of the new path must be read to know */
    RENAME_COPY,   /* the image moved; its content is what S3 has under the old key */
    RENAME_CONTENT /* the image moved and its content changed as well: put it */
};

/*
 * plan_renamed(st, source, source_now, told, hash): is the new path `st` (not in the index) the
 * image that was at another path? `source` is the index's entry of the old path, `source_now` its
 * stat now, `told`: an event said that it was moved (not only that the inode agrees). The old path
 * must be gone. The inode never proves identity, not even where size and mtime agree too: a copy
 * that kept the mtime may have got it anew. What proves it is an event, or the ctime (nobody can
 * set it, and it stays when a directory above is renamed), or when the file was made (`born`: inode
 * and time agree, which is as good as an event), or the content.
 *
 *   told; inode, size, mtime agree              COPY
 *   inode, size, mtime, ctime agree             COPY
 *   told or inode agrees, size agrees, a CRC    HASH: same CRC -> COPY, else CONTENT or NO
 *   otherwise                                   told: CONTENT, else NO
 */
enum plan_rename plan_renamed(const struct file_stat *st, const struct known *source,
                              const struct file_stat *source_now, bool told, const uint64_t *hash);

/* plan_file(known): the file that the object was made from. plan_is_same(st, known): the file is
 * certainly that one. plan_is_other(st, known): certainly another. */
struct file_id plan_file(const struct known *known);
bool plan_is_same(const struct file_stat *st, const struct known *known);
bool plan_is_other(const struct file_stat *st, const struct known *known);

/* plan_born(st, known): does its birth say that the object was made from this very file? Where a
 * transfer or a removal was interrupted it may be gone. The index may not know when its file was
 * made (it has that from the journal, or from before files told): inode, size and mtime agree then.
 */
enum plan_born {
    PLAN_BORN_NOT,
    PLAN_BORN_DOUBTFUL, /* it was, and the object is UNCERTAIN */
    PLAN_BORN_LIKELY,   /* that is not known; all else agrees */
    PLAN_BORN_SURE
};
enum plan_born plan_born(const struct file_stat *st, const struct known *known);

/* plan_is_placed(known): the object stands for what is at its path: it was not renamed away, nor
 * does it stay though its file is gone. */
bool plan_is_placed(const struct known *known);

/* plan_is_recovered(st, known): all that is known of this file is what the journal has of it, which
 * is not when it was made (that may be of a file that had its inode before): a look tells. Pure. */
bool plan_is_recovered(const struct file_stat *st, const struct known *known);

/* plan_in_step(st, known): the listing's quick question: is there nothing to do for this file? */
bool plan_in_step(const struct file_stat *st, const struct known *known);

/* plan_settled(st, real_us, settle_ms, unheard): a file found by a scan whose mtime and ctime lie
 * further back than the settle time (at least two seconds, for clocks that differ; `unheard`, where
 * no event would tell of its writer, a minute) needs no second look later. */
bool plan_settled(const struct file_stat *st, int64_t real_us, int64_t settle_ms, bool unheard);

/* plan_rest_ms(settle_ms, unheard): of what a scan found, and of whatever no event tells (at least
 * two seconds), two looks so far apart must agree. plan_rested(before, now): do they? */
int64_t plan_rest_ms(int64_t settle_ms, bool unheard);
bool plan_rested(const struct file_stat *before, const struct file_stat *now);

/* known_from(st, crc64, etag, version, ret): the entry after a successful put. */
void known_from(const struct file_stat *st, uint64_t crc64, const char *etag, const char *version,
                struct known *ret);

#endif
