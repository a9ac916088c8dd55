/*
 * What S3 had at a moment, as the journal knows. Pure.
 *
 * The outcomes of transfers are replayed in the journal's order. What was in S3 before the journal
 * began, and what others did there, it does not know.
 */
#ifndef LOCKSTEP_JOURNAL_PAST_H
#define LOCKSTEP_JOURNAL_PAST_H

#include "journal/journal.h"

/* An object. Strings are the past's. */
struct past_object {
    const char *mapping;
    const char *path; /* below the mapping's root */
    uint64_t size;    /* bytes */
    int64_t mtime_ns; /* of the file that was put, or that its metadata was set from last */
    uint32_t mode;    /* st_mode with the type */
    uint64_t crc64;   /* CRC-64/NVME of the content, if has_crc */
    bool has_crc;
    const char *etag;    /* "" unknown */
    const char *version; /* "" where the bucket keeps none */
    uint64_t seq;        /* of the record that made it so */
    int64_t time_us;
};

struct past;

/* past_new(): nothing is in S3. NULL without memory. */
struct past *past_new(void);
void past_free(struct past *p);

/* past_apply(p, r): the next record; all but outcomes of transfers are passed over. 0 or -ENOMEM.
 */
int past_apply(struct past *p, const struct journal_record *r) __attribute__((warn_unused_result));

/* past_list(p, mapping, within, ret, ret_count): the objects of a mapping (NULL: of all) that are
 * at the path or beneath it ("": all), by mapping and path, bytewise. The array is the caller's to
 * free, what it points to is valid until the next past_apply. 0 or -ENOMEM. */
int past_list(const struct past *p, const char *mapping, const char *within,
              const struct past_object ***ret, size_t *ret_count)
    __attribute__((warn_unused_result));

/* past_compare(a, b): their order by mapping and path. */
int past_compare(const struct past_object *a, const struct past_object *b);

/* past_same_content(a, b): as far as both tell: size and checksum, else ETag. */
bool past_same_content(const struct past_object *a, const struct past_object *b);

#endif
