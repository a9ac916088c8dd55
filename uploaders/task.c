/* What all kinds of tasks share. Shell. */
#include "uploaders/task.h"

#include "base/crc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void task_no_memory(struct task *task)
{
    task->transfer->code = -ENOMEM;
    snprintf(task->transfer->message, sizeof(task->transfer->message), "no memory");
    worker_end(task, VERDICT_UNREACHED);
}

struct call *task_call(struct task *task, const char *method, const char *key)
{
    struct call *call = caller_take(worker_caller(task->worker));
    if (!call) {
        task_no_memory(task);
        return NULL;
    }
    call->kind = task->transfer->kind;
    call->method = method;
    call->key = key;
    call->owner = task;
    return call;
}

/* HEAD's answers have no words. The checksum of what KMS encrypts is only told to whose keys may
 * decrypt it. */
static const char *denied_hint(const struct call *call)
{
    bool checksum = false;
    for (size_t i = 0; i < call->header_count && i < CALL_HEADERS_MAX; i++)
        checksum = checksum || strcmp(call->headers[i].name, "x-amz-checksum-mode") == 0;
    return call->x.status == 403 && checksum
               ? " (s3:GetObject; and kms:Decrypt where it is encrypted with a key of KMS)"
               : "";
}

/* The words for a failure, with S3's id of the request, which its support asks for. */
static void set_message(struct transfer *t, const struct call *call)
{
    const struct exchange *x = &call->x;
    const char *id = wire_head(x, "x-amz-request-id");
    const char *words = call->error.message;
    char status[128];
    snprintf(status, sizeof(status), "HTTP status %d%s", x->status, denied_hint(call));
    if (x->transport != TRANSPORT_ANSWERED)
        words = x->detail[0] != '\0' ? x->detail : x->words;
    else if (words[0] == '\0')
        words = status;
    if (id && x->status != 0)
        snprintf(t->message, sizeof(t->message), "%.180s (request %.60s)", words, id);
    else
        snprintf(t->message, sizeof(t->message), "%s", words);
}

void task_report(struct task *task, const struct call *call)
{
    struct transfer *t = task->transfer;
    const struct exchange *x = &call->x;
    t->http_status = x->status;
    t->attempts += call->retry.attempts;
    t->s3_code[0] = t->message[0] = '\0';
    t->untrusted = x->transport == TRANSPORT_UNTRUSTED;
    if (call->verdict == VERDICT_DONE) {
        const char *version = wire_head(x, "x-amz-version-id");
        snprintf(t->version, sizeof(t->version), "%s", version ? version : "");
        return;
    }
    bool answered = x->transport == TRANSPORT_ANSWERED;
    snprintf(t->s3_code, sizeof(t->s3_code), "%s", answered ? call->error.code : x->words);
    set_message(t, call);
}

void task_unquote(const char *text, char out[S3_ETAG_MAX])
{
    size_t n = strlen(text);
    if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
        text++;
        n -= 2;
    }
    if (n >= S3_ETAG_MAX)
        n = S3_ETAG_MAX - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

void task_etag(const struct call *call, char out[S3_ETAG_MAX])
{
    const char *text = wire_head(&call->x, "etag");
    task_unquote(text ? text : "", out);
}

void task_add_posix(struct call *call, const struct header posix[HEADERS_POSIX_COUNT])
{
    for (size_t i = 0; i < HEADERS_POSIX_COUNT; i++)
        call_header(call, posix[i].name, posix[i].value);
}

void task_add_attributes(struct call *call, const struct transfer *t)
{
    const char *name, *value;
    if (!s3_attributes_get(t->attributes, "content-type"))
        call_header(call, "content-type", headers_content_type(t->key));
    for (size_t at = 0; s3_attributes_next(t->attributes, &at, &name, &value);)
        call_header(call, name, value);
    task_add_key(call, t->attributes);
}

void task_add_key(struct call *call, const struct s3_attributes *a)
{
    const char *md5, *key = s3_attributes_key(a, &md5);
    if (!key)
        return;
    call_header(call, "x-amz-server-side-encryption-customer-algorithm", "AES256");
    call_header(call, "x-amz-server-side-encryption-customer-key", key);
    call_header(call, "x-amz-server-side-encryption-customer-key-md5", md5);
}

void task_add_source_key(struct call *call, const struct s3_attributes *a)
{
    const char *md5, *key = s3_attributes_key(a, &md5);
    if (!key)
        return;
    call_header(call, "x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256");
    call_header(call, "x-amz-copy-source-server-side-encryption-customer-key", key);
    call_header(call, "x-amz-copy-source-server-side-encryption-customer-key-md5", md5);
}

int task_checksum_fits(const struct call *call, uint64_t crc, struct s3_error *ret_error)
{
    const char *text = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    uint64_t theirs;
    if (!text || (crc64nvme_parse(text, &theirs) == 0 && theirs == crc))
        return 0;
    snprintf(ret_error->code, sizeof(ret_error->code), "ChecksumMismatch");
    snprintf(ret_error->message, sizeof(ret_error->message),
             "S3 stored other bytes than were sent: its CRC-64/NVME is %.40s", text);
    return ERR_REFUSED;
}

int task_stored(const struct call *call, uint64_t crc, struct s3_error *ret_error)
{
    if (wire_head(&call->x, "etag"))
        return task_checksum_fits(call, crc, ret_error);
    snprintf(ret_error->code, sizeof(ret_error->code), "NoETag");
    snprintf(ret_error->message, sizeof(ret_error->message),
             "the answer has no ETag: it is not S3 that answers");
    return ERR_REFUSED;
}
