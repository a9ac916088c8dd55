/*
 * Signatures against the worked examples of the S3 API Reference ("Signature Calculations", GET
 * Object ... and the presigned one) and of the SigV4 test suite. Each stage is asserted apart.
 */
#include "uploaders/sigv4.h"

#include "base/err.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S3_ID     "AKIAIOSFODNN7EXAMPLE"
#define S3_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define S3_TIME   "20130524T000000Z"
#define S3_HOST   "examplebucket.s3.amazonaws.com"
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

static struct sigv4_key s3_key(void)
{
    struct sigv4_key key;
    assert_int_equal(sigv4_key_derive(S3_ID, S3_SECRET, S3_TIME, "us-east-1", "s3", &key), 0);
    return key;
}

static void test_key(void **state)
{
    (void)state;
    struct sigv4_key key = s3_key();
    char hex[SHA256_HEX];
    assert_string_equal(hex_encode(key.bytes, sizeof(key.bytes), hex),
                        "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
    assert_string_equal(key.scope, "20130524/us-east-1/s3/aws4_request");
    assert_string_equal(key.day, "20130524");
    sigv4_key_wipe(&key);
    struct sigv4_key zero = {0};
    assert_memory_equal(&key, &zero, sizeof(key));
}

static void test_key_limits(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct sigv4_key key;
    memset(&key, 0x5a, sizeof(key));
    struct sigv4_key before = key;
    assert_int_equal(sigv4_key_derive(text, "s", S3_TIME, "r", "s3", &key), ERR_LIMIT);
    assert_int_equal(sigv4_key_derive("i", text, S3_TIME, "r", "s3", &key), ERR_LIMIT);
    assert_int_equal(sigv4_key_derive("i", "s", S3_TIME, text, "s3", &key), ERR_LIMIT);
    assert_memory_equal(&key, &before, sizeof(key));
}

/* The examples of the S3 API Reference. */
static const struct {
    const char *method;
    const char *path;
    struct sigv4_pair query[2];
    size_t query_count;
    struct sigv4_pair headers[6];
    size_t header_count;
    const char *payload;
    const char *names;
    const char *canonical_hash;
    const char *signature;
} examples[] = {
    {"GET",
     "/test.txt",
     {{0}},
     0,
     {{"range", "bytes=0-9"}, {"host", S3_HOST}},
     2,
     SIGV4_EMPTY_SHA256,
     "host;range;x-amz-content-sha256;x-amz-date",
     "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT",
     "/test$file.text",
     {{0}},
     0,
     {{"host", S3_HOST},
      {"date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     3,
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET",
     "/",
     {{"lifecycle", ""}},
     1,
     {{"host", S3_HOST}},
     1,
     SIGV4_EMPTY_SHA256,
     "host;x-amz-content-sha256;x-amz-date",
     "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     2,
     {{"host", S3_HOST}},
     1,
     SIGV4_EMPTY_SHA256,
     "host;x-amz-content-sha256;x-amz-date",
     "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

/* SHA-256 in hex. */
static char *hash(struct span s, char out[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    digest_sha256(s.p, s.n, digest);
    return hex_encode(digest, sizeof(digest), out);
}

static void check_example(size_t i)
{
    struct sigv4_key key = s3_key();
    struct sigv4_pair headers[8];
    struct buf path, query, stage, scratch, out;
    char hex[SHA256_HEX], expected[512];
    size_t n = examples[i].header_count;
    memcpy(headers, examples[i].headers, n * sizeof(headers[0]));
    headers[n++] = (struct sigv4_pair){"x-amz-date", S3_TIME};
    headers[n++] = (struct sigv4_pair){"x-amz-content-sha256", examples[i].payload};
    buf_init(&path, SIGV4_REQUEST_MAX);
    buf_init(&query, SIGV4_REQUEST_MAX);
    buf_init(&stage, SIGV4_REQUEST_MAX);
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&out, SIGV4_REQUEST_MAX);
    assert_int_equal(sigv4_encode_path(examples[i].path, &path), 0);
    assert_int_equal(sigv4_encode_query(examples[i].query, examples[i].query_count, &query), 0);
    struct sigv4_request req = {.method = examples[i].method,
                                .path = path.data,
                                .query = query.data ? query.data : "",
                                .headers = headers,
                                .header_count = n,
                                .payload_hash = examples[i].payload,
                                .time = S3_TIME};

    assert_int_equal(sigv4_canonical_request(&req, &stage), 0);
    struct span canonical = {stage.data, stage.len};
    assert_string_equal(hash(canonical, hex), examples[i].canonical_hash);

    assert_int_equal(sigv4_string_to_sign(&key, S3_TIME, canonical, &out), 0);
    snprintf(expected, sizeof(expected),
             "AWS4-HMAC-SHA256\n" S3_TIME "\n20130524/us-east-1/s3/aws4_request\n%s",
             examples[i].canonical_hash);
    assert_string_equal(out.data, expected);

    sigv4_signature(&key, (struct span){out.data, out.len}, hex);
    assert_string_equal(hex, examples[i].signature);

    buf_reset(&out);
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), 0);
    snprintf(expected, sizeof(expected),
             "AWS4-HMAC-SHA256 Credential=" S3_ID "/20130524/us-east-1/s3/aws4_request, "
             "SignedHeaders=%s, Signature=%s",
             examples[i].names, examples[i].signature);
    assert_string_equal(out.data, expected);
    buf_release(&path);
    buf_release(&query);
    buf_release(&stage);
    buf_release(&scratch);
    buf_release(&out);
}

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++)
        check_example(i);
}

static void test_presign(void **state)
{
    (void)state;
    struct sigv4_key key = s3_key();
    struct sigv4_pair host = {"host", S3_HOST};
    struct sigv4_request req = {
        .method = "GET", .path = "/test.txt", .headers = &host, .header_count = 1, .time = S3_TIME};
    struct buf scratch, out;
    char hex[SHA256_HEX];
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&out, SIGV4_REQUEST_MAX);
    assert_int_equal(sigv4_presign(&key, &req, NULL, 0, NULL, 86400, &scratch, &out), 0);
    assert_string_equal(
        out.data,
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    size_t n = (size_t)(strstr(scratch.data, "AWS4-HMAC-SHA256\n") - scratch.data);
    assert_string_equal(hash((struct span){scratch.data, n}, hex),
                        "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04");

    buf_reset(&out);
    struct sigv4_pair version = {"versionId", "a b"};
    assert_int_equal(sigv4_presign(&key, &req, &version, 1, "t/k", 1, &scratch, &out), 0);
    assert_non_null(strstr(out.data, "&X-Amz-Security-Token=t%2Fk&"));
    assert_non_null(strstr(out.data, "&X-Amz-SignedHeaders=host&versionId=a%20b&X-Amz-Signature="));

    buf_reset(&out);
    assert_int_equal(sigv4_presign(&key, &req, NULL, 0, NULL, 0, &scratch, &out), -EINVAL);
    assert_int_equal(sigv4_presign(&key, &req, NULL, 0, NULL, 604801, &scratch, &out), -EINVAL);
    assert_int_equal(out.len, 0);
    buf_release(&scratch);
    buf_release(&out);
}

/* A body of 66,560 times "a" in chunks of 64 KiB, signed as it goes ("Signature calculations for
 * the Authorization header: transferring payload in multiple chunks"; and the same with trailing
 * headers). */
static void test_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *signatures[3], *trailer, *trailer_signature;
    } known[] = {{"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                  {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                   "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                   "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
                  NULL,
                  NULL},
                 {"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
                  {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                   "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                   "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
                  "x-amz-checksum-crc32c:sOO8/Q==\n",
                  "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"}};
    static const size_t sizes[] = {65536, 1024, 0};
    static char bytes[65536];
    struct sigv4_key key = s3_key();
    memset(bytes, 'a', sizeof(bytes));
    for (size_t i = 0; i < COUNT(known); i++) {
        char hex[SHA256_HEX], signature[SHA256_HEX];
        memcpy(signature, known[i].seed, sizeof(signature));
        for (size_t c = 0; c < COUNT(sizes); c++) {
            sigv4_chunk(&key, S3_TIME, hash((struct span){bytes, sizes[c]}, hex), signature);
            assert_string_equal(signature, known[i].signatures[c]);
        }
        if (!known[i].trailer)
            continue;
        sigv4_trailer(&key, S3_TIME, hash(span_of(known[i].trailer), hex), signature);
        assert_string_equal(signature, known[i].trailer_signature);
    }
}

/* The SigV4 test suite: service "service", the date header beside each case's own. */
static const struct {
    const char *name;
    const char *method;
    const char *path; /* not encoded */
    struct sigv4_pair query[2];
    size_t query_count;
    struct sigv4_pair headers[4];
    size_t header_count;
    const char *body;
    const char *signature;
} suite[] = {
    {"get-vanilla",
     "GET",
     "/",
     {{0}},
     0,
     {{0}},
     0,
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     2,
     {{0}},
     0,
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {{0}},
     0,
     {{0}},
     0,
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\xe1\x88\xb4",
     {{0}},
     0,
     {{0}},
     0,
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{0}},
     0,
     {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}},
     3,
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "/",
     {{0}},
     0,
     {{"my-header1", "value4"},
      {"my-header1", "value1"},
      {"my-header1", "value3"},
      {"my-header1", "value2"}},
     4,
     "",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{0}},
     0,
     {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}},
     2,
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla",
     "POST",
     "/",
     {{0}},
     0,
     {{0}},
     0,
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query",
     "POST",
     "/",
     {{"Param1", "value1"}},
     1,
     {{0}},
     0,
     "",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort",
     "POST",
     "/",
     {{0}},
     0,
     {{"my-header1", "value1"}},
     1,
     "",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{0}},
     0,
     {{"content-type", "application/x-www-form-urlencoded"}},
     1,
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

static void check_suite(size_t i)
{
    struct sigv4_key key;
    struct sigv4_pair headers[8] = {{"x-amz-date", "20150830T123600Z"},
                                    {"host", "example.amazonaws.com"}};
    struct buf path, query, scratch, out;
    char hex[SHA256_HEX];
    assert_int_equal(sigv4_key_derive("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                      "20150830", "us-east-1", "service", &key),
                     0);
    memcpy(headers + 2, suite[i].headers, suite[i].header_count * sizeof(headers[0]));
    buf_init(&path, SIGV4_REQUEST_MAX);
    buf_init(&query, SIGV4_REQUEST_MAX);
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&out, SIGV4_REQUEST_MAX);
    assert_int_equal(sigv4_encode_path(suite[i].path, &path), 0);
    assert_int_equal(sigv4_encode_query(suite[i].query, suite[i].query_count, &query), 0);
    struct sigv4_request req = {.method = suite[i].method,
                                .path = path.data,
                                .query = query.data ? query.data : "",
                                .headers = headers,
                                .header_count = 2 + suite[i].header_count,
                                .payload_hash = hash(span_of(suite[i].body), hex),
                                .time = "20150830T123600Z"};
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), 0);
    const char *signature = strstr(out.data, "Signature=");
    if (strcmp(signature + 10, suite[i].signature) != 0)
        fail_msg("%s: %s\n%s", suite[i].name, signature, scratch.data);
    buf_release(&path);
    buf_release(&query);
    buf_release(&scratch);
    buf_release(&out);
}

static void test_suite(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(suite); i++)
        check_suite(i);
}

static void test_encode(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        const char *value;
    } cases[] = {
        {"", "", ""},
        {"/a//b/./../c", "/a//b/./../c", "%2Fa%2F%2Fb%2F.%2F..%2Fc"},
        {"a b+c%20", "a%20b%2Bc%2520", "a%20b%2Bc%2520"},
        {"-_.~09azAZ", "-_.~09azAZ", "-_.~09azAZ"},
        {"!*'();:@&=$,?#[]", "%21%2A%27%28%29%3B%3A%40%26%3D%24%2C%3F%23%5B%5D",
         "%21%2A%27%28%29%3B%3A%40%26%3D%24%2C%3F%23%5B%5D"},
        {"\xc3\xa9\x7f\x01", "%C3%A9%7F%01", "%C3%A9%7F%01"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;
        buf_init(&b, 1024);
        assert_int_equal(sigv4_encode_path(cases[i].text, &b), 0);
        assert_string_equal(b.data ? b.data : "", cases[i].path);
        buf_reset(&b);
        assert_int_equal(sigv4_encode(cases[i].text, &b), 0);
        assert_string_equal(b.data ? b.data : "", cases[i].value);
        buf_release(&b);
    }
}

static void test_query_order(void **state)
{
    (void)state;
    /* By the encoded text: "%7B" before "A" though '{' is after 'A'; "a" before "a-b", "a=" first.
     */
    struct sigv4_pair pairs[] = {{"uploads", ""}, {"a-b", "1"}, {"{", "2"}, {"A", "3"},
                                 {"a", "~"},      {"a", "z"},   {"a", "/"}, {"a", ""}};
    struct buf b;
    buf_init(&b, 1024);
    assert_int_equal(sigv4_encode_query(pairs, COUNT(pairs), &b), 0);
    assert_string_equal(b.data, "%7B=2&A=3&a=&a=%2F&a=z&a=~&a-b=1&uploads=");
    struct sigv4_pair many[SIGV4_PAIRS_MAX + 1];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct sigv4_pair){"k", "v"};
    assert_int_equal(sigv4_encode_query(many, COUNT(many), &b), ERR_LIMIT);
    buf_release(&b);
}

static void test_unsigned_headers(void **state)
{
    (void)state;
    struct sigv4_pair headers[] = {{"user-agent", "x"},        {"expect", ""},
                                   {"x-amz-meta-b", " b  b "}, {"host", "h"},
                                   {"connection", "close"},    {"transfer-encoding", "chunked"},
                                   {"x-amz-meta-a", ""}};
    struct sigv4_request req = {.method = "PUT",
                                .path = "/",
                                .query = "",
                                .headers = headers,
                                .header_count = COUNT(headers),
                                .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                .time = S3_TIME};
    struct buf b;
    buf_init(&b, 1024);
    assert_int_equal(sigv4_canonical_request(&req, &b), 0);
    assert_string_equal(b.data, "PUT\n/\n\nhost:h\nx-amz-meta-a:\nx-amz-meta-b:b b\n\n"
                                "host;x-amz-meta-a;x-amz-meta-b\nUNSIGNED-PAYLOAD");
    buf_release(&b);
}

static void test_refusals(void **state)
{
    (void)state;
    struct sigv4_key key = s3_key();
    struct sigv4_pair headers[SIGV4_PAIRS_MAX + 1];
    for (size_t i = 0; i < COUNT(headers); i++)
        headers[i] = (struct sigv4_pair){"x-amz-a", "1"};
    struct sigv4_request req = {.method = "GET",
                                .path = "/",
                                .query = "",
                                .headers = headers,
                                .header_count = 1,
                                .payload_hash = SIGV4_EMPTY_SHA256,
                                .time = S3_TIME};
    struct buf scratch, out;
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&out, SIGV4_REQUEST_MAX);
    assert_int_equal(buf_append_str(&out, "kept"), 0);
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), -EINVAL); /* no host */
    headers[0] = (struct sigv4_pair){"host", "h"};
    req.header_count = COUNT(headers);
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), ERR_LIMIT);
    req.header_count = 1;
    req.time = "20130525T000000Z"; /* another day than the key's */
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), -EINVAL);
    req.time = S3_TIME;
    struct buf small;
    buf_init(&small, 20);
    assert_int_equal(sigv4_sign(&key, &req, &small, &out), ERR_LIMIT);
    out.max = 40;
    assert_int_equal(sigv4_sign(&key, &req, &scratch, &out), ERR_LIMIT);
    assert_string_equal(out.data, "kept");
    buf_release(&small);
    buf_release(&scratch);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_key_limits),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_presign),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_suite),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_query_order),
        cmocka_unit_test(test_unsigned_headers),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
