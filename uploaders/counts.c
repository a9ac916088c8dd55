/* What was asked of S3 and how it was answered. Shell. */
#include "uploaders/counts.h"

#include <string.h>

static const char *const operation_names[S3_OPERATION_COUNT] = {
    [S3_PUT_OBJECT] = "PutObject",
    [S3_COPY_OBJECT] = "CopyObject",
    [S3_GET_OBJECT] = "GetObject",
    [S3_HEAD_OBJECT] = "HeadObject",
    [S3_DELETE_OBJECT] = "DeleteObject",
    [S3_DELETE_OBJECTS] = "DeleteObjects",
    [S3_LIST_OBJECTS] = "ListObjectsV2",
    [S3_GET_TAGS] = "GetObjectTagging",
    [S3_CREATE_UPLOAD] = "CreateMultipartUpload",
    [S3_UPLOAD_PART] = "UploadPart",
    [S3_COPY_PART] = "UploadPartCopy",
    [S3_COMPLETE_UPLOAD] = "CompleteMultipartUpload",
    [S3_ABORT_UPLOAD] = "AbortMultipartUpload",
    [S3_LIST_PARTS] = "ListParts",
    [S3_LIST_UPLOADS] = "ListMultipartUploads",
};

static const char *const result_names[S3_RESULT_COUNT] = {
    [S3_RESULT_DONE] = "done",           [S3_RESULT_ABSENT] = "absent",
    [S3_RESULT_CONFLICT] = "conflict",   [S3_RESULT_DENIED] = "denied",
    [S3_RESULT_REFUSED] = "refused",     [S3_RESULT_THROTTLED] = "throttled",
    [S3_RESULT_CORRECTED] = "corrected", [S3_RESULT_FAILED] = "failed",
    [S3_RESULT_UNREACHED] = "unreached",
};

const char *s3_operation_name(enum s3_operation operation)
{
    return operation_names[operation];
}

const char *s3_result_name(enum s3_result result)
{
    return result_names[result];
}

/* The call has a parameter of that name. */
static bool asks(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->query_count; i++)
        if (strcmp(call->query[i].name, name) == 0)
            return true;
    return false;
}

/* It names an object to be copied. */
static bool copies(const struct call *call)
{
    for (size_t i = 0; i < call->header_count; i++)
        if (strcmp(call->headers[i].name, "x-amz-copy-source") == 0)
            return true;
    return false;
}

enum s3_operation counts_operation(const struct call *call)
{
    const char *method = call->method;
    bool upload = asks(call, "uploadId");

    if (strcmp(method, "PUT") == 0 && upload)
        return copies(call) ? S3_COPY_PART : S3_UPLOAD_PART;
    if (strcmp(method, "PUT") == 0)
        return copies(call) ? S3_COPY_OBJECT : S3_PUT_OBJECT;
    if (strcmp(method, "HEAD") == 0)
        return S3_HEAD_OBJECT;
    if (strcmp(method, "DELETE") == 0)
        return upload ? S3_ABORT_UPLOAD : S3_DELETE_OBJECT;
    if (strcmp(method, "POST") == 0 && !call->key)
        return S3_DELETE_OBJECTS;
    if (strcmp(method, "POST") == 0)
        return upload ? S3_COMPLETE_UPLOAD : S3_CREATE_UPLOAD;
    if (!call->key)
        return asks(call, "uploads") ? S3_LIST_UPLOADS : S3_LIST_OBJECTS;
    if (asks(call, "tagging"))
        return S3_GET_TAGS;
    return upload ? S3_LIST_PARTS : S3_GET_OBJECT;
}

/* What a verdict on an answer is called. */
static enum s3_result result_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_DONE:
    case VERDICT_BEGUN:
        return S3_RESULT_DONE;
    case VERDICT_ABSENT:
        return S3_RESULT_ABSENT;
    case VERDICT_CONFLICT:
        return S3_RESULT_CONFLICT;
    case VERDICT_DENIED:
        return S3_RESULT_DENIED;
    case VERDICT_REFUSED:
        return S3_RESULT_REFUSED;
    case VERDICT_BUSY:
        return S3_RESULT_THROTTLED;
    case VERDICT_CHANGED:
    case VERDICT_UNREADABLE:
    case VERDICT_UNREACHED:
        break;
    }
    return S3_RESULT_FAILED;
}

enum s3_result counts_result(enum transport transport, int status, const struct judgement *j)
{
    if (transport != TRANSPORT_ANSWERED || status == 0)
        return S3_RESULT_UNREACHED;
    switch (j->failure) {
    case FAILURE_NONE:
        return S3_RESULT_DONE;
    case FAILURE_THROTTLED:
        return S3_RESULT_THROTTLED;
    case FAILURE_TRANSIENT:
    case FAILURE_DIGEST:
        return S3_RESULT_FAILED;
    case FAILURE_SKEW:
    case FAILURE_EXPIRED:
    case FAILURE_REGION:
        return S3_RESULT_CORRECTED;
    case FAILURE_FINAL:
        break;
    }
    return result_of(j->verdict);
}

/* One more, or n. */
static void add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

void counts_attempt(struct counts *c, const struct call *call, const struct judgement *j,
                    bool again)
{
    enum s3_operation operation = counts_operation(call);
    enum s3_result result = counts_result(call->x.transport, call->x.status, j);

    add(&c->requests[operation][result], 1);
    if (again)
        add(&c->retries[operation], 1);
    if (result != S3_RESULT_UNREACHED)
        add(&c->sent_bytes, call->chunked ? call->chunked->n : call->body.n);
}

void counts_read(const struct counts *c, struct uploaders_counts *ret)
{
    for (size_t o = 0; o < S3_OPERATION_COUNT; o++) {
        for (size_t r = 0; r < S3_RESULT_COUNT; r++)
            ret->requests[o][r] = atomic_load_explicit(&c->requests[o][r], memory_order_relaxed);
        ret->retries[o] = atomic_load_explicit(&c->retries[o], memory_order_relaxed);
    }
    ret->sent_bytes = atomic_load_explicit(&c->sent_bytes, memory_order_relaxed);
}
