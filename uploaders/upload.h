/*
 * What all uploads in parts share: the way from Create to Complete or Abort. Shell (on a worker's
 * thread). Embedded in the task that fills it with parts (multipart.c: of a file; copy_parts.c: of
 * an object).
 *
 *   upload_divide -> upload_create_call -> ready -> (upload_part_call ...) -> upload_complete ->
 * end |                              |                          |
 *                         +-> VERDICT_BEGUN              +------> upload_abandon <--+--> HEAD
 *                                                                  |        |
 *                                                                Abort      end: to be gone on with
 *
 * The transfer says whether its caller remembers uploads (`tells_upload`): if so, a new one comes
 * back as VERDICT_BEGUN before its first part, to be handed over again once its id is safe; and one
 * that S3 did not answer for stays, to be gone on with later. Any other failure aborts, after all
 * parts in flight have ended. `upload_over` tells that S3 does not have the upload any more.
 *
 * A Create of which it is not known what came of it, though another one may have had its answer, is
 * told of as the time of it (`since_us`, `until_us`): S3 may have an upload that nobody has the id
 * of. An upload that was aborted after a part without an answer is not over for a caller that
 * remembers it: that part may arrive yet, so it is to be aborted once more (TRANSFER_ABORT).
 *
 * A Complete whose answer was lost and that is sent again (by us, or by libcurl where a kept
 * connection died) finds no such upload: then HEAD tells whether the object is ours.
 */
#ifndef LOCKSTEP_UPLOADERS_UPLOAD_H
#define LOCKSTEP_UPLOADERS_UPLOAD_H

#include "base/crc.h"
#include "uploaders/parts.h"
#include "uploaders/task.h"

struct upload {
    struct task *task;
    struct parts_plan plan;
    struct s3_part *parts; /* plan.count of them; all filled in before upload_complete */
    enum verdict failure;  /* VERDICT_DONE: none so far */
    bool unheard;          /* a part may still arrive: it had no answer */
    bool keyless;          /* the object is not under the customer's key that the rules name */
    bool has_crc;          /* the whole's CRC-64/NVME is known */
    uint64_t crc64;
    void (*ready)(struct upload *u); /* S3 has the upload, parts may go */

    char new_id[S3_UPLOAD_ID_MAX];
    struct buf document;
    char crc_text[CRC64_BASE64_SIZE];
    char size_text[24];
};

/* upload_init(u, task, ready); upload_release(u): frees what it holds. */
void upload_init(struct upload *u, struct task *task, void (*ready)(struct upload *u));
void upload_release(struct upload *u);

/* upload_divide(u, size, part_bytes): plan and parts; those of the transfer's upload, if it has
 * one. VERDICT_DONE, VERDICT_REFUSED, VERDICT_UNREACHED (no memory). */
enum verdict upload_divide(struct upload *u, uint64_t size, uint64_t part_bytes);

/* upload_create_call(u): CreateMultipartUpload, for the owner to add headers to and to start; NULL
 * without memory, then the task has ended. */
struct call *upload_create_call(struct upload *u);

/* upload_part_call(u, number): a PUT of a part, for the owner to complete and to start; the text is
 * borrowed. NULL without memory. */
struct call *upload_part_call(struct upload *u, const char *number);

/* upload_add_key(u, call): the customer's key that the object is under, if it is. */
void upload_add_key(const struct upload *u, struct call *call);

/* upload_site(u): which knows what was learned of the server. */
struct site *upload_site(const struct upload *u);

/* upload_note_part(u, call): the outcome of a part's call, for what it leaves in doubt. */
void upload_note_part(struct upload *u, const struct call *call);

/* upload_complete(u): all parts are there. Ends the task in the end. */
void upload_complete(struct upload *u);

/* upload_abandon(u): no part is in flight; `failure` says why. Ends the task in the end. */
void upload_abandon(struct upload *u);

/* upload_end(u, verdict): end the task. */
void upload_end(struct upload *u, enum verdict verdict);

#endif
