/*
 * What S3 has of an upload of an earlier run. Shell (on a worker's thread). Embedded in the task
 * that goes on with it (multipart.c).
 *
 *   earlier_ask -> ListParts ... -> upload's ready: earlier_part
 *                      \
 *                       +-> HEAD -> ready, comparing: are these the bytes of the object?
 *
 * Where S3 does not know the upload any more, its Complete may have been the last that was heard of
 * it: then the object is looked at, to be compared with the file.
 */
#ifndef LOCKSTEP_UPLOADERS_EARLIER_H
#define LOCKSTEP_UPLOADERS_EARLIER_H

#include "uploaders/upload.h"

/* Zeroed to begin, with the upload, which is divided; earlier_release. */
struct earlier {
    struct upload *upload;
    bool comparing; /* with the object that is there: no part is sent */
    bool object_has_crc;
    char object_etag[S3_ETAG_MAX]; /* where comparing */
    uint64_t object_crc;
    struct s3_part *listed; /* by index; number 0 where S3 has none; NULL: not asked */
    char marker[12];        /* of the next page of parts */
};
void earlier_release(struct earlier *e);

/* earlier_ask(e): begin. upload->ready follows, or the upload's end. */
void earlier_ask(struct earlier *e);

/* earlier_part(e, index): the part that S3 has; NULL: none. */
const struct s3_part *earlier_part(const struct earlier *e, unsigned index);

/* earlier_made(e, crc): where comparing, with all parts filled in (ETags too, where the object has
 * no CRC-64/NVME) and the whole's: is the object what they make? */
bool earlier_made(const struct earlier *e, uint64_t crc);

#endif
