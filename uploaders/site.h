/*
 * What all requests of an engine share and what they learn on the way: the endpoint, the keys, the
 * clock's offset. Shell (reads environment and files; locks).
 *
 * Each worker looks at the site through a view of its own, which is brought up to date when the
 * site has changed; so signing takes no lock.
 */
#ifndef LOCKSTEP_UPLOADERS_SITE_H
#define LOCKSTEP_UPLOADERS_SITE_H

#include "base/err.h"
#include "uploaders/chunked.h"
#include "uploaders/credentials.h"
#include "uploaders/endpoint.h"
#include "uploaders/sigv4.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>

struct site;

/* A worker's copy. Zeroed to begin; site_view_wipe. Holds key material. */
struct site_view {
    unsigned generation;      /* of the site that this is a copy of; 0: none yet */
    unsigned keys_generation; /* of its keys */
    struct endpoint endpoint;
    struct credentials credentials;
    struct sigv4_key key;       /* of the day of the latest look */
    const char *expected_owner; /* the site's; NULL: none */
    bool requester_pays;
    enum s3_payload_signing payload_signing;
};
void site_view_wipe(struct site_view *v);

/* site_new(opt, ret, e): keys, region and endpoint; nothing is sent to S3. 0 or a negative code
 * with e. */
int site_new(const struct uploaders_options *opt, struct site **ret, struct err *e)
    __attribute__((warn_unused_result));
void site_free(struct site *s);

/* site_describe(s): see uploaders_describe. site_endpoint(s): as at the start; only the host and
 * the region may change later. */
const char *site_describe(const struct site *s);
const struct endpoint *site_endpoint(const struct site *s);

/* site_signs_payload(how, tls): does a signature cover the body of a request that goes this way?
 * Over TLS the channel and the checksum vouch for it, and its SHA-256 may be left out. Pure. */
bool site_signs_payload(enum s3_payload_signing how, bool tls);

/* site_payload_signing(s): as given. */
enum s3_payload_signing site_payload_signing(const struct site *s);

/* site_now_us(s): S3's time, as far as we know. Any thread. */
int64_t site_now_us(const struct site *s);

/* site_clock_offset_us(s), site_learn_clock(s, offset): what S3's clock is ahead of ours. Any
 * thread. */
int64_t site_clock_offset_us(const struct site *s);
void site_learn_clock(struct site *s, int64_t offset_us);

/* site_learn_region(s, region): sign for this region from now on. 0 or ERR_SYNTAX. Any thread. */
int site_learn_region(struct site *s, const char *region) __attribute__((warn_unused_result));

/* Does the server hold the condition of this request? Learned by remove.c. Any thread. */
enum site_delete { SITE_DELETE_ONE, SITE_DELETE_MANY, SITE_DELETE_COUNT };
enum site_condition { SITE_CONDITION_UNKNOWN, SITE_CONDITION_HELD, SITE_CONDITION_IGNORED };
enum site_condition site_condition(const struct site *s, enum site_delete request);
void site_learn_condition(struct site *s, enum site_delete request, enum site_condition what);

/* Does the server refuse a CompleteMultipartUpload that names the parts' checksums? Learned by
 * upload.c. Any thread. */
bool site_parts_are_bare(const struct site *s);
void site_learn_bare_parts(struct site *s);

/* Does the server take bodies that are signed in chunks (chunked.h)? Learned by multipart.c. Any
 * thread. site_may_take_chunks(s): it is known to, or is not known and not being asked.
 * site_ask_chunks(s): one is about to go: SITE_CHUNKS_TAKEN; SITE_CHUNKS_ASKED, where it is the one
 * that asks, and who sends it has to tell what it said; any other: it had better not go.
 * site_learn_chunks(s, said): what it said; where that was CHUNKED_REFUSED or _UNHEARD the whole
 * was taken. To be unheard is a refusal the second time. */
enum site_chunks {
    SITE_CHUNKS_UNKNOWN,
    SITE_CHUNKS_ASKED,
    SITE_CHUNKS_TAKEN,
    SITE_CHUNKS_REFUSED,
};
bool site_may_take_chunks(const struct site *s);
enum site_chunks site_ask_chunks(struct site *s);
void site_learn_chunks(struct site *s, enum chunked_said said);

/* site_renew(s, keys_generation): S3 no longer takes these keys: have others fetched. Returns at
 * once. site_is_renewing(s, keys_generation): that goes on. Any thread. */
void site_renew(struct site *s, unsigned keys_generation);
bool site_is_renewing(struct site *s, unsigned keys_generation);
/* site_renew_now(s): have them fetched, whatever they are. Any thread. */
void site_renew_now(struct site *s);

/* site_keys(s, ret): see uploaders_keys. Any thread. */
void site_keys(struct site *s, struct uploaders_keys *ret);

/* site_look(s, now_us, v): bring the view up to date, with the signing key of now_us's day. Takes a
 * lock only where something has changed. 0 or a negative code. */
int site_look(struct site *s, int64_t now_us, struct site_view *v)
    __attribute__((warn_unused_result));

#endif
