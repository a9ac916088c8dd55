/* Pure. What keeps files out of S3, by cause. */
#include "agent/core/trouble.h"

#include "base/visible.h"

#include <stdio.h>
#include <string.h>

/* Codes of S3 that tell a cause. */
static const struct {
    const char *code;
    enum trouble_kind kind;
} codes[] = {
    {"AccessDenied", TROUBLE_DENIED},
    {"AllAccessDisabled", TROUBLE_DENIED},
    {"AccountProblem", TROUBLE_DENIED},
    {"NoSuchBucket", TROUBLE_BUCKET},
    {"InvalidBucketName", TROUBLE_BUCKET},
    {"PermanentRedirect", TROUBLE_BUCKET},
    {"IllegalLocationConstraintException", TROUBLE_BUCKET},
    {"InvalidAccessKeyId", TROUBLE_KEYS},
    {"ExpiredToken", TROUBLE_KEYS},
    {"ExpiredTokenException", TROUBLE_KEYS},
    {"InvalidToken", TROUBLE_KEYS},
    {"TokenRefreshRequired", TROUBLE_KEYS},
    {"NotSignedUp", TROUBLE_KEYS},
    {"InvalidSecurity", TROUBLE_KEYS},
    {"SignatureDoesNotMatch", TROUBLE_SIGNATURE},
    {"AuthorizationHeaderMalformed", TROUBLE_SIGNATURE},
    {"RequestTimeTooSkewed", TROUBLE_CLOCK},
    {"RequestExpired", TROUBLE_CLOCK},
    {"QuotaExceeded", TROUBLE_QUOTA},
    {"InsufficientStorage", TROUBLE_QUOTA},
    {"XMinioStorageFull", TROUBLE_QUOTA},
    {"InvalidObjectName", TROUBLE_NAME},
    {"KeyTooLongError", TROUBLE_NAME},
    {"KeyTooLong", TROUBLE_NAME},
    {"XMinioInvalidObjectName", TROUBLE_NAME},
    {"EntityTooLarge", TROUBLE_SIZE},
    {"EntityTooSmall", TROUBLE_SIZE},
    {"MaxMessageLengthExceeded", TROUBLE_SIZE},
    {"SlowDown", TROUBLE_SLOW},
    {"InternalError", TROUBLE_SERVER},
    {"ServiceUnavailable", TROUBLE_SERVER},
};

/* One word, whether more of the same will fail too, what to do. */
static const struct {
    const char *name;
    bool stops_all;
    const char *advice;
} kinds[TROUBLE_KIND_COUNT] = {
    [TROUBLE_NONE] = {"none", false, ""},
    [TROUBLE_DENIED] = {"denied", true,
                        "allow it in the policies of the user or role and of the bucket"},
    [TROUBLE_BUCKET] = {"bucket", true, "make the bucket, or correct s3.bucket and s3.region"},
    [TROUBLE_KEYS] = {"keys", true,
                      "give the agent credentials that S3 knows and that are not "
                      "expired; `lockstep status` says where they are from"},
    [TROUBLE_SIGNATURE] = {"signature", true,
                           "the secret key is not that of the access key: "
                           "correct the credentials"},
    [TROUBLE_CLOCK] = {"clock", true, "set this host's clock (chronyc makestep), or the server's"},
    [TROUBLE_KMS] = {"kms", true,
                     "enable the KMS key and allow kms:GenerateDataKey and kms:Decrypt on it"},
    [TROUBLE_QUOTA] = {"quota", true, "make room in the bucket, or raise its quota"},
    [TROUBLE_NAME] = {"name", false, "rename the files, or exclude them"},
    [TROUBLE_SIZE] = {"size", false, "raise s3.part_size, or exclude the files"},
    [TROUBLE_REFUSED] = {"refused", false, "S3 will not take them as they are: see its message"},
    [TROUBLE_SLOW] = {"slow", false, "nothing: fewer requests are sent until S3 takes more"},
    [TROUBLE_SERVER] = {"server", true, "nothing on this host: S3 fails"},
    [TROUBLE_UNREACHED] = {"unreached", true,
                           "see that the endpoint's name resolves and its port can be reached"},
    [TROUBLE_TLS] = {"tls", true,
                     "the server's certificate does not hold: correct s3.endpoint or "
                     "s3.ca_file, or renew the certificate"},
};

const char *trouble_kind_name(enum trouble_kind kind)
{
    return kinds[kind].name;
}

const char *trouble_advice(enum trouble_kind kind)
{
    return kinds[kind].advice;
}

bool trouble_stops_all(enum trouble_kind kind)
{
    return kinds[kind].stops_all;
}

const char *trouble_operation(enum transfer_kind kind)
{
    switch (kind) {
    case TRANSFER_PUT:
        return "s3:PutObject";
    case TRANSFER_COPY:
    case TRANSFER_META:
        return "s3:GetObject and s3:PutObject";
    case TRANSFER_DELETE:
    case TRANSFER_DELETE_MANY:
        return "s3:DeleteObject";
    case TRANSFER_HEAD:
        return "s3:GetObject";
    case TRANSFER_LIST:
        return "s3:ListBucket";
    case TRANSFER_VERSIONING:
        return "s3:GetBucketVersioning";
    case TRANSFER_ABORT:
        return "s3:AbortMultipartUpload and s3:ListMultipartUploadParts";
    case TRANSFER_STRAYS:
        return "s3:ListBucketMultipartUploads and s3:AbortMultipartUpload";
    }
    return "";
}

const char *trouble_refused_action(const char *message, char out[TROUBLE_ACTION_MAX])
{
    static const char before[] = "not authorized to perform: ";
    static const char of_actions[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:";
    const char *found = strstr(message, before);
    size_t n = found ? strspn(found + sizeof before - 1, of_actions) : 0;

    if (n >= TROUBLE_ACTION_MAX || (n && !memchr(found + sizeof before - 1, ':', n)))
        n = 0;
    if (n)
        memcpy(out, found + sizeof before - 1, n);
    out[n] = '\0';
    return out;
}

enum trouble_kind trouble_of_code(const char *code, int http_status)
{
    if (strncmp(code, "KMS.", 4) == 0)
        return TROUBLE_KMS;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].kind;
    if (http_status == 401 || http_status == 403)
        return TROUBLE_DENIED;
    if (http_status == 507)
        return TROUBLE_QUOTA;
    if (http_status >= 500)
        return TROUBLE_SERVER;
    return http_status >= 400 ? TROUBLE_REFUSED : TROUBLE_NONE;
}

enum trouble_kind trouble_of(const struct transfer *t)
{
    enum trouble_kind kind = trouble_of_code(t->s3_code, t->http_status);

    switch (t->verdict) {
    case VERDICT_DONE:
    case VERDICT_BEGUN:
    case VERDICT_CHANGED:
    case VERDICT_ABSENT:
    case VERDICT_CONFLICT:
    case VERDICT_UNREADABLE:
        break;
    case VERDICT_DENIED:
        return strstr(t->message, "kms:") ? TROUBLE_KMS : kind ? kind : TROUBLE_DENIED;
    case VERDICT_REFUSED:
        return kind ? kind : TROUBLE_NAME; /* refused before it was sent */
    case VERDICT_BUSY:
        return kind == TROUBLE_SERVER ? TROUBLE_SERVER : TROUBLE_SLOW;
    case VERDICT_UNREACHED:
        return t->untrusted          ? TROUBLE_TLS
               : t->code             ? TROUBLE_NONE
               : t->http_status == 0 ? TROUBLE_UNREACHED
                                     : TROUBLE_SERVER;
    }
    return TROUBLE_NONE;
}

/* Causes that do not depend on what is asked for. */
static bool concerns_all(enum trouble_kind kind)
{
    return kind == TROUBLE_BUCKET || kind == TROUBLE_KEYS || kind == TROUBLE_SIGNATURE ||
           kind == TROUBLE_CLOCK || kind >= TROUBLE_SLOW;
}

/* The group, or a free place for it; NULL where there is neither. */
static struct trouble *find(struct troubles *ts, enum trouble_kind kind, unsigned mapping,
                            const char *operation)
{
    struct trouble *free_place = NULL;

    for (struct trouble *t = ts->groups; t < ts->groups + TROUBLES_MAX; t++) {
        if (t->kind == kind && t->mapping == mapping && strcmp(t->operation, operation) == 0)
            return t;
        if (!free_place && t->kind == TROUBLE_NONE)
            free_place = t;
    }
    return free_place;
}

struct trouble *troubles_note(struct troubles *ts, struct item *it, enum trouble_kind kind,
                              const char *operation, const char *code, const char *message,
                              int64_t now_us, bool *ret_new)
{
    bool all = concerns_all(kind);
    unsigned mapping = all ? TROUBLE_ALL : it->mapping;
    struct trouble *t = NULL;

    *ret_new = false;
    if (kind != TROUBLE_NONE)
        t = find(ts, kind, mapping, all ? "" : operation);
    if (it->trouble != t)
        trouble_leave(it);
    if (!t)
        return NULL;
    if (t->kind == TROUBLE_NONE) {
        *t = (struct trouble){.kind = kind,
                              .operation = all ? "" : operation,
                              .mapping = mapping,
                              .first_us = now_us};
        ts->count++;
        *ret_new = true;
    }
    t->failures++;
    t->last_us = now_us;
    snprintf(t->code, sizeof t->code, "%s", code);
    snprintf(t->message, sizeof t->message, "%s", message);
    snprintf(t->example, sizeof t->example, "%s", it->key);
    if (!it->trouble)
        t->open++;
    it->trouble = t;
    return t;
}

void trouble_leave(struct item *it)
{
    if (it->trouble)
        it->trouble->open--;
    it->trouble = NULL;
}

struct trouble *troubles_over(struct troubles *ts)
{
    if (ts->count == 0)
        return NULL;
    for (struct trouble *t = ts->groups; t < ts->groups + TROUBLES_MAX; t++)
        if (t->kind != TROUBLE_NONE && t->open == 0)
            return t;
    return NULL;
}

void troubles_close(struct troubles *ts, struct trouble *t)
{
    t->kind = TROUBLE_NONE;
    ts->count--;
}

const struct trouble *troubles_next(const struct troubles *ts, size_t *at)
{
    while (ts->count && *at < TROUBLES_MAX) {
        const struct trouble *t = &ts->groups[(*at)++];

        if (t->kind != TROUBLE_NONE)
            return t;
    }
    return NULL;
}

int trouble_what(const struct trouble *t, const char *bucket, const char *prefix, struct buf *out)
{
    int rc = 0;

    if (t->operation[0])
        rc = buf_appendf(out, "%s on s3://%s/%s: ", t->operation, bucket, prefix);
    else if (t->kind == TROUBLE_BUCKET)
        rc = buf_appendf(out, "s3://%s: ", bucket);
    else
        rc = buf_appendf(out, "%s: ", trouble_kind_name(t->kind));
    if (rc == 0)
        rc = visible_append(out, t->code[0] ? t->code : trouble_kind_name(t->kind));
    if (rc == 0 && t->message[0] && strcmp(t->message, t->code) != 0) {
        rc = buf_append_str(out, ": ");
        if (rc == 0)
            rc = visible_append(out, t->message);
    }
    return rc;
}
