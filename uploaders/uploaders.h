/*
 * S3: requests signed by us, sent by libcurl, retried by rule.
 *
 * A transfer is one S3 operation. The caller fills a struct transfer, hands it over, and gets the
 * same struct back with its outcome. Many are in flight at once; their order is not kept (who needs
 * an order waits for the outcome).
 */
#ifndef LOCKSTEP_UPLOADERS_UPLOADERS_H
#define LOCKSTEP_UPLOADERS_UPLOADERS_H

#include "base/buf.h"
#include "base/checksum.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/tree.h"
#include "uploaders/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define S3_KEY_MAX     1024 /* bytes of UTF-8 (S3 User Guide, "Naming Amazon S3 objects") */
#define S3_ETAG_MAX    72   /* 32 hex digits, "-", parts; room for servers with other forms */
#define S3_VERSION_MAX 128
#define S3_BATCH_MAX   1000 /* keys of one DeleteObjects */

enum s3_addressing { S3_ADDRESS_AUTO, S3_ADDRESS_PATH, S3_ADDRESS_VIRTUAL };

/* Where keys come from: the first that is set up, in the order of the AWS SDKs, or one alone. */
enum keys_from {
    KEYS_AUTO,
    KEYS_ENVIRONMENT,
    KEYS_PROFILE,
    KEYS_WEB_IDENTITY,
    KEYS_CONTAINER,
    KEYS_INSTANCE
};

/* Do signatures cover bodies? */
enum s3_payload_signing {
    S3_PAYLOAD_AUTO, /* where there is no TLS */
    S3_PAYLOAD_ALWAYS,
    S3_PAYLOAD_NEVER
};

struct uploaders_options {
    const char *bucket;   /* its name, or an access point's ARN */
    const char *region;   /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else us-east-1 */
    const char *endpoint; /* NULL: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon's */
    enum s3_addressing addressing;
    bool fips;                /* or AWS_USE_FIPS_ENDPOINT, or the profile's */
    bool dualstack;           /* or AWS_USE_DUALSTACK_ENDPOINT, or the profile's */
    const char *profile;      /* NULL: AWS_PROFILE, else "default" */
    enum keys_from keys_from; /* KEYS_AUTO where it is 0 */
    const char *ca_file;      /* NULL: the system's */
    const char *proxy;        /* NULL: as HTTPS_PROXY, http_proxy and NO_PROXY say; "none": none */
    unsigned workers;         /* threads; 0: 2 */
    unsigned in_flight;       /* requests at once over all workers; 0: 64 */
    uint64_t multipart_bytes; /* files from this size on go in parts; 0: 16 MiB */
    uint64_t part_bytes;      /* 0: 8 MiB; raised where a file needs more than 10,000 parts */
    uint64_t memory_bytes;    /* of bodies in memory at once; 0: 256 MiB */
    unsigned attempts;        /* of one request before the transfer fails; 0: 3 */
    int64_t timeout_ms;       /* of one request without progress; 0: 30 s */
    const char *expected_owner; /* the bucket must be of this account; NULL: of any */
    bool requester_pays;
    enum s3_payload_signing payload_signing;
    bool secret_headers;  /* keys will be sent in headers: an endpoint without TLS is refused unless
                             it is this machine's own */
    bool fixed_in_flight; /* always in_flight requests at once, not as many as are worth it */
};

enum transfer_kind {
    TRANSFER_PUT,         /* file -> key; multipart by size */
    TRANSFER_COPY,        /* source_key -> key, metadata kept; source_etag must still match */
    TRANSFER_META,        /* key -> key with new POSIX metadata, everything else kept */
    TRANSFER_DELETE,      /* key, if it still has source_etag (CONFLICT; etag is what it has) */
    TRANSFER_DELETE_MANY, /* items[0..item_count): each has its own end, whatever the verdict */
    TRANSFER_HEAD,
    TRANSFER_LIST,  /* a page of the keys that begin with `key`, behind source_key; see items */
    TRANSFER_ABORT, /* of key's upload upload_id; done too where there is no such upload */
    TRANSFER_VERSIONING, /* whether the bucket keeps versions; key: any */
    TRANSFER_STRAYS /* of those uploads of key that were begun in since_us to until_us and whose ids
                       nobody has; done where S3 lists none (any more) */
};

/* Does the bucket keep what is overwritten and deleted? */
enum s3_versioning { S3_VERSIONING_OFF, S3_VERSIONING_ON, S3_VERSIONING_SUSPENDED };

/* How a transfer ended. */
enum verdict {
    VERDICT_DONE,
    VERDICT_BEGUN, /* an upload in parts was begun: remember upload_id, part_bytes; hand over again
                    */
    VERDICT_CHANGED, /* the file is not what `expected` says, or moved while it was read: look again
                      */
    VERDICT_ABSENT,  /* no such key (HEAD), no such source (COPY), or the file is gone (PUT) */
    VERDICT_CONFLICT,   /* a condition failed: the source's ETag is another one (412, 409) */
    VERDICT_UNREADABLE, /* the file cannot be read (code) */
    VERDICT_DENIED,     /* credentials or permissions: 401, 403 */
    VERDICT_REFUSED,    /* S3 will never take this request (400, 404 NoSuchBucket, key too long) */
    VERDICT_BUSY,       /* 503 SlowDown and the like, attempts used up */
    VERDICT_UNREACHED   /* no answer, 5xx, attempts used up: it may or may not have happened */
};
const char *verdict_name(enum verdict v);

/* The POSIX metadata of an object, as FSx for Lustre and DataSync write it. */
struct s3_posix {
    uint32_t mode; /* with the type bits */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_ns;
};

/* More of what HEAD says of an object. */
struct s3_head {
    int64_t modified_us; /* 0: not told */
    bool is_composite;   /* checksums are of the parts' */
    bool etag_is_opaque; /* encrypted with keys of KMS or of the customer: it is no MD5 */
    uint8_t has[CHECKSUM_COUNT];
    uint8_t checksums[CHECKSUM_COUNT][CHECKSUM_BYTES_MAX]; /* where `has`, not of CHECKSUM_MD5 */
    unsigned posix_has; /* S3_HAS_*: what the metadata says of the file */
    struct s3_posix posix;
    char writer[64]; /* x-amz-meta-user-agent */
};
#define S3_HAS_MODE  1u
#define S3_HAS_UID   2u
#define S3_HAS_GID   4u
#define S3_HAS_MTIME 8u
#define S3_HAS_POSIX 15u

struct delete_item {
    char *key;
    char *etag; /* without quotes: what the object must have; NULL: whatever it is */
    const struct s3_attributes *attributes; /* as of a transfer, where etag is not NULL */
    bool done;                              /* it is not there any more */
    bool conflict;                          /* it is another one: it stays */
    char seen[S3_ETAG_MAX];                 /* conflict: its ETag */
    char code[64];                          /* S3's, where it is not done */
};

struct transfer {
    struct letter letter; /* the engine's while it has the transfer */
    void *owner;          /* the caller's */

    /* The request. Strings are the transfer's own (malloc); transfer_free frees them. */
    enum transfer_kind kind;
    char *key;
    int root_fd;               /* PUT: borrowed, must stay open */
    char *path;                /* PUT: below root_fd */
    struct file_stat expected; /* PUT: as observed; size, mtime, ctime, inode must hold */
    struct s3_posix posix;     /* PUT, META */
    const struct s3_attributes *attributes; /* what the rules say of key; borrowed, NULL: nothing */
    const struct s3_attributes *source_attributes; /* COPY: of source_key */
    bool foreign;      /* COPY: the source may carry what the rules do not say: it is asked first */
    char *source_key;  /* COPY */
    char *source_etag; /* COPY, DELETE: without quotes; NULL: unconditional */
    uint64_t source_size;      /* COPY: where it is known; past 5 GiB it goes in parts */
    struct delete_item *items; /* DELETE_MANY. LIST: outcome: keys and ETags */
    size_t item_count;

    /* Uploads in parts (PUT, COPY, META); see upload.h. Until it is over, handing the transfer over
     * again goes on with the same upload. */
    bool tells_upload;   /* a new one comes back as VERDICT_BEGUN; what can be gone on with stays */
    bool resumes;        /* PUT: upload_id is of an earlier run: what S3 has of it is asked for */
    char *upload_id;     /* NULL: none yet */
    uint64_t part_bytes; /* of that upload */
    /* Real time by our clock. STRAYS: of the uploads that are meant; what was begun before or after
     * is not touched (stray.h). PUT, COPY, META: outcome: in this time an upload may have been
     * begun without our hearing of it; 0: none was. */
    int64_t since_us, until_us;

    struct s3_head *head; /* HEAD: to be filled in where it is not NULL; the caller's */
    struct buf *content;  /* HEAD: the object's bytes, too, where it is not NULL; the caller's.
                             UNREADABLE: they did not fit */

    /* PUT, COPY, META, DELETE, DELETE_MANY: outcome: an attempt had no answer that tells, whatever
     * the last one was told: the object may be there, or one of the items may be gone. */
    bool unheard;

    bool only_new; /* PUT: CONFLICT where the key has an object (If-None-Match) */
    bool whole;    /* PUT: in one request, whatever its size */

    /* The outcome. */
    bool upload_over;    /* S3 does not have the upload any more (PUT, COPY, META:
                            upload_id is NULL then) */
    unsigned parts_kept; /* that S3 had from before */
    unsigned aborted;    /* STRAYS: so many */
    enum verdict verdict;
    int code;         /* UNREADABLE: -errno */
    int http_status;  /* of the last answer; 0 none */
    char s3_code[64]; /* "NoSuchKey"..., or curl's words for a transport failure */
    char message[256];
    bool written;   /* CHANGED: somebody has it open for writing, and changed it a moment ago */
    bool untrusted; /* UNREACHED: the other side's certificate does not hold */
    char etag[S3_ETAG_MAX];       /* without quotes */
    char version[S3_VERSION_MAX]; /* "" where the bucket has none */
    uint64_t crc64;               /* PUT: of what was sent. HEAD: if the answer had it (has_crc) */
    bool has_crc;
    bool truncated;                /* LIST: there are more */
    enum s3_versioning versioning; /* VERSIONING */
    uint64_t size;                 /* HEAD: Content-Length; PUT: bytes sent */
    unsigned attempts;
    uint64_t duration_ms;
};

/* transfer_new(kind, key): zeroed but for these; NULL without memory. transfer_free: NULL allowed.
 */
struct transfer *transfer_new(enum transfer_kind kind, const char *key);
void transfer_free(struct transfer *t);

struct uploaders;

/* Files below this size are never uploaded, and objects never copied, in parts. */
#define UPLOADERS_PARTS_FROM (UINT64_C(5) << 20)

/* uploaders_new(opt, ret, e): resolve credentials, region and endpoint (a fault is told in e),
 * start the workers. Nothing is sent to S3, but the source of the keys (STS, instance metadata...)
 * may be asked, for some seconds. */
int uploaders_new(const struct uploaders_options *opt, struct uploaders **ret, struct err *e)
    __attribute__((warn_unused_result));

/* uploaders_free(u): ends the workers; transfers still inside come to no outcome and are freed. */
void uploaders_free(struct uploaders *u);

/* uploaders_submit(u, t): hand over. Never blocks; the caller bounds how many it hands over.
 * uploaders_submit_all(u, transfers, count): the same of many, which costs less. */
void uploaders_submit(struct uploaders *u, struct transfer *t);
void uploaders_submit_all(struct uploaders *u, struct transfer *const *transfers, size_t count);

/* uploaders_submit_to(u, t, reply): hand over, the outcome comes to another mailbox, which has no
 * ceiling and outlives u. */
void uploaders_submit_to(struct uploaders *u, struct transfer *t, struct mailbox *reply);

/* uploaders_fd(u): readable when outcomes have come. uploaders_next(u): one that ended, the
 * caller's again; NULL where there is none. Who was woken calls it until it says NULL: several come
 * at once, and the fd is quiet as soon as the first of them is taken. One thread. */
int uploaders_fd(const struct uploaders *u);
struct transfer *uploaders_next(struct uploaders *u);

/* uploaders_describe(u): "https://host (bucket b, region r, path style)" for logs and status; no
 * secret in it. Static for the life of u. */
const char *uploaders_describe(const struct uploaders *u);

/* Where the keys are from and how they are. No secret in it. */
struct uploaders_keys {
    char from[320];           /* "instance metadata at http://169.254.169.254" */
    int64_t expires_us;       /* 0: nothing says that they do */
    bool extended;            /* expired, but their source has no others: used on */
    unsigned failures;        /* in a row, to get new ones */
    int64_t failing_since_us; /* where there are failures */
    char why[512];            /* of the last one; "" */
};

/* uploaders_keys(u, ret): as they are now. Any thread. */
void uploaders_keys(const struct uploaders *u, struct uploaders_keys *ret);

/* Limits that an operator sets; 0: none. */
/* uploaders_renew(u): have the source of the keys asked again now, though it gave no reason. Keys
 * of the environment never change. Returns at once. Any thread. */
void uploaders_renew(struct uploaders *u);

struct uploaders_limits {
    uint64_t bytes_s; /* of bodies, a second */
    uint64_t requests_s;
};

/* uploaders_limit(u, limits): in force from now on, over all workers. Any thread. */
void uploaders_limit(struct uploaders *u, const struct uploaders_limits *limits);

/* How fast it may go, and why. */
struct uploaders_flow {
    unsigned at_once; /* requests, as many as are worth it now */
    unsigned at_once_max;
    uint64_t throttled;    /* answers that said SlowDown or the like, since the start */
    double throttled_rate; /* requests a second that the server seems to take; 0: any number */
    int retry_tokens;      /* of RETRY_QUOTA_FULL */
    struct uploaders_limits limits;
};

/* uploaders_flow(u, ret): as it is now. Any thread. */
void uploaders_flow(const struct uploaders *u, struct uploaders_flow *ret);

/* The operations of S3 that are asked for, and how a request of one ended. */
enum s3_operation {
    S3_PUT_OBJECT,
    S3_COPY_OBJECT,
    S3_GET_OBJECT,
    S3_HEAD_OBJECT,
    S3_DELETE_OBJECT,
    S3_DELETE_OBJECTS,
    S3_LIST_OBJECTS,
    S3_GET_TAGS,
    S3_CREATE_UPLOAD,
    S3_UPLOAD_PART,
    S3_COPY_PART,
    S3_COMPLETE_UPLOAD,
    S3_ABORT_UPLOAD,
    S3_LIST_PARTS,
    S3_LIST_UPLOADS,
    S3_OPERATION_COUNT
};
enum s3_result {
    S3_RESULT_DONE,
    S3_RESULT_ABSENT,    /* there is no such object, upload */
    S3_RESULT_CONFLICT,  /* a condition failed */
    S3_RESULT_DENIED,    /* 401, 403 */
    S3_RESULT_REFUSED,   /* any other 4xx */
    S3_RESULT_THROTTLED, /* SlowDown and the like */
    S3_RESULT_CORRECTED, /* region, clock or keys were others: once more with the right ones */
    S3_RESULT_FAILED,    /* 5xx, an error in a 200, a damaged body */
    S3_RESULT_UNREACHED, /* no answer */
    S3_RESULT_COUNT
};
const char *s3_operation_name(enum s3_operation operation); /* S3's own: "PutObject" */
const char *s3_result_name(enum s3_result result);          /* one word */

/* Since the start. */
struct uploaders_counts {
    uint64_t requests[S3_OPERATION_COUNT][S3_RESULT_COUNT]; /* each attempt is one */
    uint64_t retries[S3_OPERATION_COUNT];                   /* attempts that another one followed */
    uint64_t sent_bytes; /* of the bodies of requests that were answered */
};

/* uploaders_counts(u, ret): as they are now. Any thread. */
void uploaders_counts(const struct uploaders *u, struct uploaders_counts *ret);

/*
 * s3_check_key(key, e): may this be an object's key? 0, ERR_LIMIT past S3_KEY_MAX bytes, ERR_SYNTAX
 * where it is not UTF-8 or has a code point that XML 1.0 cannot carry in answers; e says which.
 * Pure.
 */
int s3_check_key(const char *key, struct err *e) __attribute__((warn_unused_result));

/*
 * Listing (ListObjectsV2), page by page. Blocks; any one thread.
 */
struct s3_object {
    const char *key;
    uint64_t size;
    const char *etag; /* without quotes */
    int64_t modified_us;
};

/* uploaders_list(u, prefix, fn, arg, e): every object below the prefix in key order; a non-zero
 * return of fn stops and is handed back. 0, -EIO (cannot be reached), ERR_REFUSED. */
int uploaders_list(struct uploaders *u, const char *prefix,
                   int (*fn)(void *arg, const struct s3_object *o), void *arg, struct err *e)
    __attribute__((warn_unused_result));

/*
 * The same as an iterator, with several pages on their way at once.
 *
 *   s3_listing_open -> s3_listing_next ... -> s3_listing_close (before uploaders_free)
 *
 * `split` (may be NULL: one page after the other, the next one asked for while one is read) tells a
 * key of this prefix that lies further on than the last one that it told, best about 900 objects,
 * or NULL when there is none: the pages behind these keys are asked for ahead of time. It is asked
 * within s3_listing_next, not further ahead than `ahead` pages. What it tells need not be true of
 * S3. Memory: 2 * ahead + 1 pages of 1,000 objects.
 */
struct s3_listing_options {
    const char *prefix; /* borrowed until the close */
    unsigned ahead;     /* pages; 0: 16 */
    const char *(*split)(void *arg);
    void *split_arg;
};

struct s3_listing;

int s3_listing_open(struct uploaders *u, const struct s3_listing_options *opt,
                    struct s3_listing **ret, struct err *e) __attribute__((warn_unused_result));
/* s3_listing_next(l, ret, e): 1 and the next object in key order, valid until the next call; 0 at
 * the end; -EIO (cannot be reached), ERR_REFUSED, -ENOMEM. */
int s3_listing_next(struct s3_listing *l, const struct s3_object **ret, struct err *e)
    __attribute__((warn_unused_result));
/* s3_listing_close(l): waits for what is on its way. NULL is allowed. */
void s3_listing_close(struct s3_listing *l);

/*
 * What a transfer takes, in requests, if all goes well at the first attempt. Pure.
 */
struct s3_requests {
    uint64_t put;  /* PutObject, UploadPart */
    uint64_t copy; /* CopyObject, UploadPartCopy */
    uint64_t post; /* CreateMultipartUpload, CompleteMultipartUpload */
    uint64_t head;
    uint64_t deletes; /* DeleteObject, DeleteObjects; free of charge */
};

/* s3_requests_add(opt, kind, size, n): add those of one transfer of this kind (PUT, COPY, META) and
 * size; of DELETE_MANY for `size` keys. */
void s3_requests_add(const struct uploaders_options *opt, enum transfer_kind kind, uint64_t size,
                     struct s3_requests *n);

/* uploaders_run(u, t): submit one transfer and wait for its outcome, apart from the queue of
 * uploaders_next. Any thread. For commands. */
void uploaders_run(struct uploaders *u, struct transfer *t);

#endif
