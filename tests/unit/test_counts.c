/* What was asked of S3 and how it was answered. */
#include "tests/unit/unit.h"

#include "uploaders/counts.h"

#include <string.h>

static void test_operations(void **state)
{
    static const struct {
        const char *method, *key, *query, *header;
        enum s3_operation operation;
        const char *name;
    } cases[] = {
        {"PUT", "k", NULL, "content-type", S3_PUT_OBJECT, "PutObject"},
        {"PUT", "k", NULL, "x-amz-copy-source", S3_COPY_OBJECT, "CopyObject"},
        {"PUT", "k", "uploadId", NULL, S3_UPLOAD_PART, "UploadPart"},
        {"PUT", "k", "uploadId", "x-amz-copy-source", S3_COPY_PART, "UploadPartCopy"},
        {"HEAD", "k", NULL, NULL, S3_HEAD_OBJECT, "HeadObject"},
        {"GET", "k", NULL, NULL, S3_GET_OBJECT, "GetObject"},
        {"GET", "k", "tagging", NULL, S3_GET_TAGS, "GetObjectTagging"},
        {"GET", "k", "uploadId", NULL, S3_LIST_PARTS, "ListParts"},
        {"GET", NULL, "list-type", NULL, S3_LIST_OBJECTS, "ListObjectsV2"},
        {"GET", NULL, "uploads", NULL, S3_LIST_UPLOADS, "ListMultipartUploads"},
        {"DELETE", "k", NULL, NULL, S3_DELETE_OBJECT, "DeleteObject"},
        {"DELETE", "k", "uploadId", NULL, S3_ABORT_UPLOAD, "AbortMultipartUpload"},
        {"POST", NULL, "delete", NULL, S3_DELETE_OBJECTS, "DeleteObjects"},
        {"POST", "k", "uploads", NULL, S3_CREATE_UPLOAD, "CreateMultipartUpload"},
        {"POST", "k", "uploadId", NULL, S3_COMPLETE_UPLOAD, "CompleteMultipartUpload"},
    };

    (void)state;
    assert_int_equal(sizeof cases / sizeof *cases, S3_OPERATION_COUNT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct call call = {.method = cases[i].method, .key = cases[i].key};

        if (cases[i].query)
            call.query[call.query_count++] = (struct sigv4_pair){cases[i].query, "x"};
        if (cases[i].header)
            call.headers[call.header_count++] = (struct sigv4_pair){cases[i].header, "x"};
        assert_int_equal(counts_operation(&call), cases[i].operation);
        assert_string_equal(s3_operation_name(cases[i].operation), cases[i].name);
    }
}

static void test_results(void **state)
{
    static const struct {
        enum transport transport;
        int status;
        struct judgement j;
        enum s3_result result;
    } cases[] = {
        {TRANSPORT_ANSWERED, 200, {FAILURE_NONE, VERDICT_DONE}, S3_RESULT_DONE},
        {TRANSPORT_ANSWERED, 404, {FAILURE_FINAL, VERDICT_ABSENT}, S3_RESULT_ABSENT},
        {TRANSPORT_ANSWERED, 412, {FAILURE_FINAL, VERDICT_CONFLICT}, S3_RESULT_CONFLICT},
        {TRANSPORT_ANSWERED, 403, {FAILURE_FINAL, VERDICT_DENIED}, S3_RESULT_DENIED},
        {TRANSPORT_ANSWERED, 400, {FAILURE_FINAL, VERDICT_REFUSED}, S3_RESULT_REFUSED},
        {TRANSPORT_ANSWERED, 503, {FAILURE_THROTTLED, VERDICT_BUSY}, S3_RESULT_THROTTLED},
        {TRANSPORT_ANSWERED, 301, {FAILURE_REGION, VERDICT_REFUSED}, S3_RESULT_CORRECTED},
        {TRANSPORT_ANSWERED, 403, {FAILURE_SKEW, VERDICT_DENIED}, S3_RESULT_CORRECTED},
        {TRANSPORT_ANSWERED, 400, {FAILURE_EXPIRED, VERDICT_DENIED}, S3_RESULT_CORRECTED},
        {TRANSPORT_ANSWERED, 500, {FAILURE_TRANSIENT, VERDICT_UNREACHED}, S3_RESULT_FAILED},
        {TRANSPORT_ANSWERED, 400, {FAILURE_DIGEST, VERDICT_REFUSED}, S3_RESULT_FAILED},
        {TRANSPORT_LOST, 0, {FAILURE_TRANSIENT, VERDICT_UNREACHED}, S3_RESULT_UNREACHED},
        {TRANSPORT_LOST, 200, {FAILURE_TRANSIENT, VERDICT_UNREACHED}, S3_RESULT_UNREACHED},
        {TRANSPORT_UNTRUSTED, 0, {FAILURE_FINAL, VERDICT_UNREACHED}, S3_RESULT_UNREACHED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(counts_result(cases[i].transport, cases[i].status, &cases[i].j),
                         cases[i].result);
    for (int r = 0; r < S3_RESULT_COUNT; r++)
        assert_non_null(s3_result_name((enum s3_result)r));
}

/* Bodies count where somebody took them. */
static void test_counting(void **state)
{
    static struct counts counts;
    struct call call = {.method = "PUT", .key = "k", .body = SPAN("12345")};
    const struct judgement slow = {FAILURE_THROTTLED, VERDICT_BUSY};
    const struct judgement lost = {FAILURE_TRANSIENT, VERDICT_UNREACHED};
    struct uploaders_counts now;

    (void)state;
    call.x.transport = TRANSPORT_ANSWERED;
    call.x.status = 503;
    counts_attempt(&counts, &call, &slow, true);
    call.x.transport = TRANSPORT_LOST;
    counts_attempt(&counts, &call, &lost, false);
    counts_read(&counts, &now);
    assert_int_equal(now.requests[S3_PUT_OBJECT][S3_RESULT_THROTTLED], 1);
    assert_int_equal(now.requests[S3_PUT_OBJECT][S3_RESULT_UNREACHED], 1);
    assert_int_equal(now.retries[S3_PUT_OBJECT], 1);
    assert_int_equal(now.sent_bytes, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_counting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
