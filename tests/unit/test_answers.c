/*
 * S3's XML: the answers as S3 and others write them, whole, cut off, hostile; and the bodies that
 * we write.
 */
#include "uploaders/answers.h"

#include "base/crc.h"
#include "base/err.h"
#include "tests/unit/unit.h"
#include "uploaders/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DECL     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS       " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define ERROR                                                                                      \
    DECL "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message>"                \
         "<RequestId>1</RequestId></Error>"

static void test_error(void **state)
{
    (void)state;
    struct s3_error e;
    static const char skewed[] =
        DECL "<Error><Code>RequestTimeTooSkewed</Code><Message>a &lt;b&gt; &amp; &#233;</Message>"
             "<ServerTime>2026-01-02T03:04:05Z</ServerTime></Error>";
    assert_int_equal(answers_error(span_of(skewed), &e), 0);
    assert_string_equal(e.code, "RequestTimeTooSkewed");
    assert_string_equal(e.message, "a <b> & \xc3\xa9");
    assert_true(e.server_time_us == INT64_C(1767323045000000));
    assert_string_equal(e.region, "");
    static const char moved[] =
        "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>"
        "<Region>eu-west-1</Region><Deep><Code>no</Code></Deep></Error>";
    assert_int_equal(answers_error(span_of(moved), &e), 0);
    assert_string_equal(e.code, "PermanentRedirect");
    assert_string_equal(e.region, "eu-west-1");
    assert_string_equal(e.endpoint, "b.s3.eu-west-1.amazonaws.com");
    assert_true(e.server_time_us == 0);
}

static void test_error_long(void **state)
{
    (void)state;
    char text[2048];
    struct s3_error e;
    snprintf(text, sizeof(text), "<Error><Code>%0100d</Code><Message>%01000d</Message></Error>", 0,
             0);
    assert_int_equal(answers_error(span_of(text), &e), 0);
    assert_int_equal(strlen(e.code), sizeof(e.code) - 1);
    assert_int_equal(strlen(e.message), sizeof(e.message) - 1);
}

/* Not an Error document: none of these may be taken for one. */
static void test_error_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "   \n",
        "busy",
        "<html><body>502</body></html>",
        "<Error><Code>SlowDown</Code>",
        "<Error><Code>SlowDown</Code></Error",
        "<Error><Code>SlowDown</Error></Code>",
        "<Error/><Error/>",
        "<Error>&unknown;</Error>",
        "<Error>\xff</Error>",
        "<!DOCTYPE Error><Error><Code>x</Code></Error>",
        "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><Error><Code>&b;</Code></Error>",
        "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><Error><Code>&f;</Code></Error>",
        "<ListBucketResult></ListBucketResult>",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct s3_error e;
        memset(&e, 0x5a, sizeof(e));
        struct s3_error before = e;
        if (answers_error(span_of(bad[i]), &e) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
        assert_memory_equal(&e, &before, sizeof(e));
    }
}

static void test_ceilings(void **state)
{
    (void)state;
    struct s3_error e;
    struct buf b;
    buf_init(&b, ANSWERS_BODY_MAX + 100);
    assert_int_equal(buf_append_str(&b, "<Error>"), 0);
    for (int i = 0; i < XML_DEPTH_MAX; i++)
        assert_int_equal(buf_append_str(&b, "<a>"), 0);
    for (int i = 0; i < XML_DEPTH_MAX; i++)
        assert_int_equal(buf_append_str(&b, "</a>"), 0);
    assert_int_equal(buf_append_str(&b, "</Error>"), 0);
    assert_int_equal(answers_error((struct span){b.data, b.len}, &e), ERR_LIMIT);

    buf_reset(&b);
    assert_int_equal(buf_appendf(&b, "<Error><Code>%0*d</Code></Error>", XML_TEXT_MAX, 0), 0);
    assert_int_equal(answers_error((struct span){b.data, b.len}, &e), 0);
    buf_reset(&b);
    assert_int_equal(buf_appendf(&b, "<Error><Code>%0*d</Code></Error>", XML_TEXT_MAX + 1, 0), 0);
    assert_int_equal(answers_error((struct span){b.data, b.len}, &e), ERR_LIMIT);

    buf_reset(&b);
    assert_int_equal(buf_appendf(&b, "<Error><a%0*d/></Error>", XML_PATH_MAX, 0), 0);
    assert_int_equal(answers_error((struct span){b.data, b.len}, &e), ERR_LIMIT);

    buf_reset(&b);
    assert_int_equal(buf_appendf(&b, "<Error>%*s</Error>", ANSWERS_BODY_MAX, ""), 0);
    assert_int_equal(answers_error((struct span){b.data, b.len}, &e), ERR_LIMIT);
    buf_release(&b);
}

static const char page[] =
    DECL "<ListBucketResult" NS "><Name>b</Name><Prefix>a/</Prefix>"
         "<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</"
         "NextContinuationToken>"
         "<KeyCount>3</KeyCount><MaxKeys>3</MaxKeys><EncodingType>url</EncodingType>"
         "<IsTruncated>true</IsTruncated>"
         "<Contents><Key>a/b+c%2Bd%2525.jpg</Key><LastModified>2026-01-02T03:04:05.000Z</"
         "LastModified>"
         "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>434234</Size>"
         "<StorageClass>STANDARD</StorageClass><Owner><ID>x</ID></Owner></Contents>\n"
         "<Contents><Key>a/%C3%A9%0A</Key><LastModified>2026-01-02T03:04:06Z</LastModified>"
         "<ETag>\"9-2\"</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>0</Size>"
         "</Contents><Contents><Key>a/z/</Key><Size>9223372036854775807</Size></Contents>"
         "</ListBucketResult>";

static void test_list(void **state)
{
    (void)state;
    struct s3_page p;
    struct s3_error e;
    assert_int_equal(answers_list(span_of(page), &p, &e), 0);
    assert_int_equal(p.count, 3);
    assert_string_equal(p.objects[0].key, "a/b c+d%25.jpg");
    assert_string_equal(p.objects[0].etag, "d41d8cd98f00b204e9800998ecf8427e");
    assert_int_equal(p.objects[0].size, 434234);
    assert_true(p.objects[0].modified_us == INT64_C(1767323045000000));
    assert_string_equal(p.objects[1].key, "a/\xc3\xa9\n");
    assert_string_equal(p.objects[1].etag, "9-2");
    assert_true(p.objects[1].modified_us == INT64_C(1767323046000000));
    assert_string_equal(p.objects[2].key, "a/z/");
    assert_string_equal(p.objects[2].etag, "");
    assert_true(p.objects[2].size == INT64_MAX);
    assert_string_equal(p.next_token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
    s3_page_release(&p);
    s3_page_release(&p);
}

static void test_list_plain(void **state)
{
    (void)state;
    struct s3_page p;
    struct s3_error e;
    static const char plain[] = "<ListBucketResult><IsTruncated>false</IsTruncated>"
                                "<Contents><Key>a+b%20</Key></Contents></ListBucketResult>";
    assert_int_equal(answers_list(span_of(plain), &p, &e), 0);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.objects[0].key, "a+b%20"); /* not encoded, so not decoded */
    assert_null(p.next_token);
    s3_page_release(&p);
    assert_int_equal(answers_list(span_of("<ListBucketResult/>"), &p, &e), 0);
    assert_int_equal(p.count, 0);
    s3_page_release(&p);
}

static void test_list_advances(void **state)
{
    (void)state;
    struct s3_page p;
    struct s3_error e;
    assert_int_equal(answers_list(span_of(page), &p, &e), 0); /* truncated; the last is a/z/ */
    assert_true(s3_page_advances(&p, ""));
    assert_true(s3_page_advances(&p, "a/z"));
    assert_false(s3_page_advances(&p, "a/z/"));
    assert_false(s3_page_advances(&p, "b"));
    p.count = 0;
    assert_true(s3_page_advances(&p, "b"));
    p.count = 3;
    p.next_token = NULL;
    assert_true(s3_page_advances(&p, "b"));
    s3_page_release(&p);
}

static void test_list_bad(void **state)
{
    (void)state;
#define LIST(inside) "<ListBucketResult>" inside "</ListBucketResult>"
#define URL          "<EncodingType>url</EncodingType>"
    static const char *const bad[] = {
        LIST("<IsTruncated>true</IsTruncated>"),
        LIST("<IsTruncated>true</IsTruncated><NextContinuationToken/>"),
        LIST("<IsTruncated>yes</IsTruncated>"),
        LIST("<Contents><Size>1</Size></Contents>"),
        LIST("<Contents><Key></Key></Contents>"),
        LIST("<Contents><Key>a</Key><Size>-1</Size></Contents>"),
        LIST("<Contents><Key>a</Key><Size></Size></Contents>"),
        LIST("<Contents><Key>a</Key><Size>1k</Size></Contents>"),
        LIST("<Contents><Key>a</Key><Size>9223372036854775808</Size></Contents>"),
        LIST("<Contents><Key>a</Key><Size>99999999999999999999999</Size></Contents>"),
        LIST("<Contents><Key>a</Key><LastModified>then</LastModified></Contents>"),
        LIST(URL "<Contents><Key>a%</Key></Contents>"),
        LIST(URL "<Contents><Key>a%4</Key></Contents>"),
        LIST(URL "<Contents><Key>a%4g</Key></Contents>"),
        LIST(URL "<Contents><Key>a%00b</Key></Contents>"),
        LIST("<Contents>"),
        "<ListPartsResult/>",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct s3_page p;
        struct s3_error e;
        memset(&p, 0x5a, sizeof(p));
        struct s3_page before = p;
        if (answers_list(span_of(bad[i]), &p, &e) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
        assert_memory_equal(&p, &before, sizeof(p));
    }
}

/* An answer cut off anywhere is never a shorter answer. */
static void test_list_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(page) - 1; n++) {
        struct s3_page p;
        struct s3_error e;
        if (answers_list((struct span){page, n}, &p, &e) != ERR_SYNTAX)
            fail_msg("taken when cut at %zu", n);
    }
}

static void test_list_ceiling(void **state)
{
    (void)state;
    struct s3_page p;
    struct s3_error e;
    struct buf b;
    buf_init(&b, ANSWERS_BODY_MAX);
    assert_int_equal(buf_append_str(&b, "<ListBucketResult>"), 0);
    for (int i = 0; i < ANSWERS_ITEMS_MAX; i++)
        assert_int_equal(buf_append_str(&b, "<Contents><Key>k</Key></Contents>"), 0);
    size_t n = b.len;
    assert_int_equal(buf_append_str(&b, "</ListBucketResult>"), 0);
    assert_int_equal(answers_list((struct span){b.data, b.len}, &p, &e), 0);
    assert_int_equal(p.count, ANSWERS_ITEMS_MAX);
    s3_page_release(&p);
    b.len = n;
    assert_int_equal(buf_append_str(&b, "<Contents><Key>k</Key></Contents></ListBucketResult>"), 0);
    assert_int_equal(answers_list((struct span){b.data, b.len}, &p, &e), ERR_LIMIT);
    buf_release(&b);
}

/* Each reader hands an Error through and leaves its result alone. */
static void test_error_instead(void **state)
{
    (void)state;
    struct span body = span_of("  \r\n\t " ERROR);
    char text[S3_UPLOAD_ID_MAX] = "kept";
    char region[64] = "kept";
    struct s3_page p = {.count = 77};
    struct s3_parts parts = {.count = 77};
    struct s3_uploads uploads = {.count = 77};
    struct delete_item item = {.code = "kept"};
    enum s3_versioning versioning = S3_VERSIONING_SUSPENDED;
    struct s3_error e;
    item.key = text;
#define REFUSED(call)                                                                              \
    do {                                                                                           \
        memset(&e, 0, sizeof(e));                                                                  \
        assert_int_equal(call, ERR_REFUSED);                                                       \
        assert_string_equal(e.code, "SlowDown");                                                   \
        assert_string_equal(e.message, "Reduce your request rate.");                               \
    } while (0)
    REFUSED(answers_copy(body, text, &e));
    REFUSED(answers_complete(body, text, &e));
    REFUSED(answers_initiate(body, text, &e));
    REFUSED(answers_location(body, region, &e));
    REFUSED(answers_versioning(body, &versioning, &e));
    assert_int_equal(versioning, S3_VERSIONING_SUSPENDED);
    REFUSED(answers_list(body, &p, &e));
    REFUSED(answers_parts(body, &parts, &e));
    REFUSED(answers_uploads(body, &uploads, &e));
    REFUSED(answers_delete(body, &item, 1, &e));
    assert_string_equal(text, "kept");
    assert_string_equal(region, "kept");
    assert_string_equal(item.code, "kept");
    assert_int_equal(p.count + parts.count + uploads.count, 231);
}

static void test_copy(void **state)
{
    (void)state;
    char etag[S3_ETAG_MAX] = "kept";
    struct s3_error e;
    assert_int_equal(answers_copy(span_of(DECL "<CopyObjectResult" NS "><ETag>&quot;9b&quot;</ETag>"
                                               "<LastModified>x</LastModified></CopyObjectResult>"),
                                  etag, &e),
                     0);
    assert_string_equal(etag, "9b");
    assert_int_equal(
        answers_copy(span_of("<CopyPartResult><ETag>\"9c\"</ETag></CopyPartResult>"), etag, &e), 0);
    assert_string_equal(etag, "9c");
    assert_int_equal(answers_copy(span_of("<CopyObjectResult/>"), etag, &e), ERR_SYNTAX);
    assert_int_equal(
        answers_copy(span_of("<CopyObjectResult><ETag>\"\"</ETag></CopyObjectResult>"), etag, &e),
        ERR_SYNTAX);
    assert_int_equal(answers_copy(span_of("<CopyObjectResult><ETag>\"9d\"</ETag>"), etag, &e),
                     ERR_SYNTAX);
    char longer[256];
    snprintf(longer, sizeof(longer), "<CopyObjectResult><ETag>%0*d</ETag></CopyObjectResult>",
             S3_ETAG_MAX, 0);
    assert_int_equal(answers_copy(span_of(longer), etag, &e), ERR_LIMIT);
    assert_string_equal(etag, "9c");
}

static void test_multipart(void **state)
{
    (void)state;
    char etag[S3_ETAG_MAX];
    char id[S3_UPLOAD_ID_MAX];
    struct s3_error e;
    assert_int_equal(
        answers_initiate(span_of(DECL "<InitiateMultipartUploadResult" NS
                                      "><Bucket>b</Bucket><Key>k</Key><UploadId>VXBs+/=</UploadId>"
                                      "</InitiateMultipartUploadResult>"),
                         id, &e),
        0);
    assert_string_equal(id, "VXBs+/=");
    assert_int_equal(answers_initiate(span_of("<InitiateMultipartUploadResult/>"), id, &e),
                     ERR_SYNTAX);
    static const char done[] =
        "<CompleteMultipartUploadResult" NS "><Location>l</Location><ETag>&quot;3858-2&quot;</ETag>"
        "</CompleteMultipartUploadResult>";
    char spaced[512];
    snprintf(spaced, sizeof(spaced), DECL "   \n   %s\n", done); /* the declaration, then blanks */
    assert_int_equal(answers_complete(span_of(spaced), etag, &e), 0);
    assert_string_equal(etag, "3858-2");
    snprintf(spaced, sizeof(spaced), "  \n \n " DECL "%s", done); /* blanks, then the declaration */
    assert_int_equal(answers_complete(span_of(spaced), etag, &e), 0);
    assert_int_equal(answers_complete(span_of("      \n"), etag, &e), ERR_SYNTAX);
}

static void test_checksum(void **state)
{
    (void)state;
    static const char with[] = "<CopyPartResult><ETag>\"9c\"</ETag><ChecksumCRC64NVME>rosUhgp5mIg="
                               "</ChecksumCRC64NVME></CopyPartResult>";
    static const char without[] = DECL "<CompleteMultipartUploadResult" NS "><ETag>\"9c\"</ETag>"
                                       "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>"
                                       "</CompleteMultipartUploadResult>";
    bool told = false;
    uint64_t crc = 0;
    struct s3_error e;
    assert_int_equal(answers_checksum(span_of(with), &told, &crc, &e), 0);
    assert_true(told && crc == UINT64_C(0xae8b14860a799888));
    assert_int_equal(answers_checksum(span_of(without), &told, &crc, &e), 0);
    assert_false(told);
    assert_int_equal(answers_checksum(span_of("<CopyPartResult><ChecksumCRC64NVME>rosUhgp5mI"
                                              "</ChecksumCRC64NVME></CopyPartResult>"),
                                      &told, &crc, &e),
                     ERR_SYNTAX);
}

static void test_tagging(void **state)
{
    (void)state;
    struct s3_error e;
    struct buf out, little;
    buf_init(&out, 4096);
    buf_init(&little, 8);
    static const char two[] =
        DECL "<Tagging" NS "><TagSet><Tag><Key>a b</Key><Value>c&amp;d=/</Value></Tag>"
             "<Tag><Value/><Key>e</Key></Tag></TagSet></Tagging>";
    assert_int_equal(answers_tagging(span_of("<Tagging><TagSet/></Tagging>"), &out, &e), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(answers_tagging(span_of(two), &out, &e), 0);
    assert_string_equal(out.data, "a%20b=c%26d%3D%2F&e=");
    assert_int_equal(answers_tagging(span_of("<Tagging><TagSet><Tag><Key>k</Key></Tag>"), &out, &e),
                     ERR_SYNTAX);
    assert_string_equal(out.data, "a%20b=c%26d%3D%2F&e=");
    assert_int_equal(answers_tagging(span_of(two), &little, &e), ERR_LIMIT);
    assert_int_equal(little.len, 0);
    buf_release(&out);
    buf_release(&little);
}

static void test_parts(void **state)
{
    (void)state;
    struct s3_parts p;
    struct s3_error e;
    static const char two[] =
        DECL "<ListPartsResult" NS "><PartNumberMarker>0</PartNumberMarker>"
             "<NextPartNumberMarker>7</NextPartNumberMarker><IsTruncated>true</IsTruncated>"
             "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag><Size>8388608</Size>"
             "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part>"
             "<Part><PartNumber>7</PartNumber><ETag>\"b\"</ETag><Size>5</Size></Part>"
             "</ListPartsResult>";
    assert_int_equal(answers_parts(span_of(two), &p, &e), 0);
    assert_int_equal(p.count, 2);
    assert_true(p.truncated);
    assert_int_equal(p.next_marker, 7);
    assert_int_equal(p.parts[0].number, 1);
    assert_int_equal(p.parts[0].size, 8388608);
    assert_string_equal(p.parts[0].etag, "a");
    assert_true(p.parts[0].has_crc);
    assert_true(p.parts[0].crc64 == UINT64_C(0xae8b14860a799888));
    assert_int_equal(p.parts[1].number, 7);
    assert_false(p.parts[1].has_crc);
    s3_parts_release(&p);
#define PARTS(inside) "<ListPartsResult>" inside "</ListPartsResult>"
    static const char *const bad[] = {
        PARTS("<Part><PartNumber>0</PartNumber></Part>"),
        PARTS("<Part><PartNumber>10001</PartNumber></Part>"),
        PARTS("<Part><Size>1</Size></Part>"),
        PARTS("<IsTruncated>true</IsTruncated>"),
        PARTS("<Part><PartNumber>1</PartNumber><ChecksumCRC64NVME/></Part>"),
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(answers_parts(span_of(bad[i]), &p, &e), ERR_SYNTAX);
}

static void test_uploads(void **state)
{
    (void)state;
    struct s3_uploads p;
    struct s3_error e;
    static const char two[] =
        DECL "<ListMultipartUploadsResult" NS "><NextKeyMarker>a+b%25</NextKeyMarker>"
             "<NextUploadIdMarker>i2</NextUploadIdMarker><IsTruncated>true</IsTruncated>"
             "<Upload><Key>a%20b</Key><UploadId>i1</UploadId><Owner><ID>o</ID></Owner>"
             "<Initiated>1970-01-01T00:00:02.500Z</Initiated>"
             "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm></Upload>"
             "<Upload><UploadId>i2</UploadId><Key>a+b%25</Key></Upload>"
             "<EncodingType>url</EncodingType></ListMultipartUploadsResult>";
    assert_int_equal(answers_uploads(span_of(two), &p, &e), 0);
    assert_int_equal(p.count, 2);
    assert_string_equal(p.uploads[0].key, "a b");
    assert_string_equal(p.uploads[0].id, "i1");
    assert_string_equal(p.uploads[0].algorithm, "CRC64NVME");
    assert_int_equal(p.uploads[0].initiated_us, 2500000);
    assert_string_equal(p.uploads[1].key, "a b%");
    assert_string_equal(p.uploads[1].algorithm, "");
    assert_int_equal(p.uploads[1].initiated_us, 0);
    assert_string_equal(p.next_key, "a b%");
    assert_string_equal(p.next_id, "i2");
    s3_uploads_release(&p);
#define UPLOADS(inside) "<ListMultipartUploadsResult>" inside "</ListMultipartUploadsResult>"
    assert_int_equal(answers_uploads(span_of(UPLOADS("<Upload><Key>a+b</Key><UploadId>i</UploadId>"
                                                     "</Upload><NextKeyMarker>x</NextKeyMarker>")),
                                     &p, &e),
                     0);
    assert_string_equal(p.uploads[0].key, "a+b");
    assert_null(p.next_key); /* not truncated: the marker means nothing */
    s3_uploads_release(&p);
    static const char *const bad[] = {
        UPLOADS("<Upload><Key>a</Key></Upload>"),
        UPLOADS("<Upload><UploadId>i</UploadId></Upload>"),
        UPLOADS("<Upload><Key>a</Key><UploadId>i</UploadId><Initiated>soon</Initiated></Upload>"),
        UPLOADS("<EncodingType>url</EncodingType>"
                "<Upload><Key>a%0</Key><UploadId>i</UploadId></Upload>"),
        UPLOADS("<IsTruncated>true</IsTruncated>"),
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(answers_uploads(span_of(bad[i]), &p, &e), ERR_SYNTAX);
}

static void test_location(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *region;
    } cases[] = {
        {DECL "<LocationConstraint" NS ">eu-central-1</LocationConstraint>", "eu-central-1"},
        {DECL "<LocationConstraint" NS "/>", "us-east-1"},
        {"<LocationConstraint>EU</LocationConstraint>", "eu-west-1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char region[64];
        struct s3_error e;
        assert_int_equal(answers_location(span_of(cases[i].body), region, &e), 0);
        assert_string_equal(region, cases[i].region);
    }
}

static void test_versioning(void **state)
{
    (void)state;
#define CONFIGURATION(inside) "<VersioningConfiguration" NS ">" inside "</VersioningConfiguration>"
    static const struct {
        const char *body;
        int rc;
        enum s3_versioning versioning;
    } cases[] = {
        {DECL "<VersioningConfiguration" NS "/>", 0, S3_VERSIONING_OFF},
        {DECL CONFIGURATION("<Status>Enabled</Status>"), 0, S3_VERSIONING_ON},
        {CONFIGURATION("<MfaDelete>Enabled</MfaDelete><Status>Suspended</Status>"), 0,
         S3_VERSIONING_SUSPENDED},
        {CONFIGURATION("<MfaDelete>Enabled</MfaDelete>"), 0, S3_VERSIONING_OFF},
        {CONFIGURATION("<Status>Perhaps</Status>"), ERR_SYNTAX, S3_VERSIONING_OFF},
        {CONFIGURATION("<Status>EnabledEnabledEnabled</Status>"), ERR_LIMIT, S3_VERSIONING_OFF},
        {"<VersioningConfiguration><Status>Enabled", ERR_SYNTAX, S3_VERSIONING_OFF},
        {"<LocationConstraint/>", ERR_SYNTAX, S3_VERSIONING_OFF},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* What it is not, to see that it is written, and only then. */
        enum s3_versioning was =
            cases[i].versioning == S3_VERSIONING_OFF ? S3_VERSIONING_ON : S3_VERSIONING_OFF;
        enum s3_versioning got = was;
        struct s3_error e;
        assert_int_equal(answers_versioning(span_of(cases[i].body), &got, &e), cases[i].rc);
        assert_int_equal(got, cases[i].rc ? was : cases[i].versioning);
    }
}

/* Items over literal keys, which nothing writes to. */
static struct delete_item item_of(const char *key)
{
    return (struct delete_item){.key = (char *)(uintptr_t)key};
}

static void test_delete(void **state)
{
    (void)state;
    struct s3_error e;
    struct delete_item items[] = {item_of("z"),   item_of("a&b"), item_of("m"), item_of("gone"),
                                  item_of("a&b"), item_of("o"),   item_of("q")};
    static const char body[] =
        DECL "<DeleteResult" NS "><Deleted><Key>a&amp;b</Key><VersionId>v</VersionId></Deleted>"
             "<Error><Code>AccessDenied</Code><Key>m</Key><Message>no</Message></Error>"
             "<Error><Key>gone</Key><Code>NoSuchKey</Code></Error>"
             "<Error><Key>q</Key></Error>"
             "<Deleted><Key>z</Key></Deleted><Deleted><Key>unknown</Key></Deleted></DeleteResult>";
    assert_int_equal(answers_delete(span_of(body), items, COUNT(items), &e), 0);
    static const struct {
        bool done;
        const char *code;
    } want[] = {{true, ""}, {true, ""},          {false, "AccessDenied"}, {true, ""},
                {true, ""}, {false, "NoAnswer"}, {false, "Unknown"}};
    for (size_t i = 0; i < COUNT(items); i++) {
        assert_int_equal(items[i].done, want[i].done);
        assert_string_equal(items[i].code, want[i].code);
    }
    struct delete_item before = items[2];
    assert_int_equal(answers_delete((struct span){body, sizeof(body) - 3}, items, 7, &e),
                     ERR_SYNTAX);
    assert_memory_equal(&items[2], &before, sizeof(before));
    assert_int_equal(answers_delete(span_of("<DeleteResult/>"), NULL, 0, &e), 0);
}

static void test_build_delete(void **state)
{
    (void)state;
    struct buf b;
    struct delete_item items[] = {item_of("a b/\xc3\xa9"), item_of("<&>\"'\r\n\t]]>")};
    buf_init(&b, 1 << 20);
    assert_int_equal(answers_build_delete(items, 2, &b), 0);
    assert_string_equal(b.data, "<Delete" NS "><Object><Key>a b/\xc3\xa9</Key></Object>"
                                "<Object><Key>&lt;&amp;&gt;&quot;'&#13;&#10;&#9;]]&gt;</Key>"
                                "</Object></Delete>");
    b.len = 0;
    items[0].etag = (char *)(uintptr_t) "d41d8-2";
    items[1].etag = (char *)(uintptr_t) "";
    assert_int_equal(answers_build_delete(items, 2, &b), 0);
    assert_string_equal(b.data, "<Delete" NS "><Object><Key>a b/\xc3\xa9</Key>"
                                "<ETag>&quot;d41d8-2&quot;</ETag></Object>"
                                "<Object><Key>&lt;&amp;&gt;&quot;'&#13;&#10;&#9;]]&gt;</Key>"
                                "</Object></Delete>");
    struct delete_item bad = item_of("a\x01");
    size_t n = b.len;
    assert_int_equal(answers_build_delete(&bad, 1, &b), ERR_SYNTAX);
    assert_int_equal(answers_build_delete(items, S3_BATCH_MAX + 1, &b), ERR_LIMIT);
    b.max = n + 60;
    assert_int_equal(answers_build_delete(items, 2, &b), ERR_LIMIT);
    assert_int_equal(b.len, n);
    assert_int_equal(b.data[n], '\0');
    buf_release(&b);
}

static void test_build_complete(void **state)
{
    (void)state;
    struct buf b;
    struct s3_part parts[] = {
        {.number = 1, .etag = "a", .crc64 = UINT64_C(0xae8b14860a799888), .has_crc = true},
        {.number = 3, .etag = "b"}};
    buf_init(&b, 1 << 20);
    assert_int_equal(answers_build_complete(parts, 2, &b), 0);
    assert_string_equal(
        b.data, "<CompleteMultipartUpload" NS "><Part><ChecksumCRC64NVME>rosUhgp5mIg="
                "</ChecksumCRC64NVME><ETag>&quot;a&quot;</ETag><PartNumber>1</PartNumber></Part>"
                "<Part><ETag>&quot;b&quot;</ETag><PartNumber>3</PartNumber></Part>"
                "</CompleteMultipartUpload>");
    buf_reset(&b);
    parts[1].number = 1;
    assert_int_equal(answers_build_complete(parts, 2, &b), -EINVAL);
    parts[1].number = 10001;
    assert_int_equal(answers_build_complete(parts, 2, &b), -EINVAL);
    parts[0].number = 0;
    assert_int_equal(answers_build_complete(parts, 1, &b), -EINVAL);
    assert_int_equal(b.len, 0);
    buf_release(&b);
}

/* What we write, we read: every byte that a key may have comes back through XML. */
static void test_round_trip(void **state)
{
    (void)state;
    struct buf b;
    struct s3_error e;
    char key[256];
    size_t n = 0;
    for (int c = 1; c < 128; c++)
        if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r')
            key[n++] = (char)c;
    key[n] = '\0';
    struct delete_item item = {.key = key};
    buf_init(&b, 1 << 16);
    assert_int_equal(answers_build_delete(&item, 1, &b), 0);
    char *from = strstr(b.data, "<Key>");
    char *to = strstr(b.data, "</Object>");
    struct buf answer;
    buf_init(&answer, 1 << 16);
    assert_int_equal(buf_appendf(&answer, "<DeleteResult><Deleted>%.*s</Deleted></DeleteResult>",
                                 (int)(to - from), from),
                     0);
    assert_int_equal(answers_delete((struct span){answer.data, answer.len}, &item, 1, &e), 0);
    assert_true(item.done);
    buf_release(&b);
    buf_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),         cmocka_unit_test(test_error_long),
        cmocka_unit_test(test_error_bad),     cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_list),          cmocka_unit_test(test_list_plain),
        cmocka_unit_test(test_list_advances), cmocka_unit_test(test_list_bad),
        cmocka_unit_test(test_list_cut),      cmocka_unit_test(test_list_ceiling),
        cmocka_unit_test(test_error_instead), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_multipart),     cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_tagging),       cmocka_unit_test(test_parts),
        cmocka_unit_test(test_uploads),       cmocka_unit_test(test_location),
        cmocka_unit_test(test_versioning),    cmocka_unit_test(test_delete),
        cmocka_unit_test(test_build_delete),  cmocka_unit_test(test_build_complete),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
