/* The framing of a body that is signed as it goes, taken apart again. The signatures themselves are
 * held against the published examples in test_sigv4.c. */
#include "uploaders/chunked.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME  "20130524T000000Z"
#define SEED  "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define FRAME (CHUNKED_FRONT_MAX + CHUNKED_BACK_MAX)

static struct chunked make(void)
{
    struct sigv4_key key;
    struct chunked c = {0};
    assert_int_equal(sigv4_key_derive("ID", "secret", TIME, "us-east-1", "s3", &key), 0);
    chunked_begin(&c, &key, TIME, SEED);
    return c;
}

/* The body of n bytes with its frames, as long as *ret_n says. */
static char *frame(struct chunked *c, const char *bytes, size_t n, size_t *ret_n)
{
    char *out = malloc(n + (n / CHUNKED_BYTES + 1) * FRAME), *end = out;
    uint8_t digest[SHA256_BYTES];
    for (size_t at = 0, piece, front; at < n; at += piece) {
        piece = n - at < CHUNKED_BYTES ? n - at : CHUNKED_BYTES;
        digest_sha256(bytes + at, piece, digest);
        assert_ptr_equal(end, out + at / CHUNKED_BYTES * CHUNKED_STRIDE);
        front = chunked_front(c, digest, piece, end);
        assert_int_equal(front, chunked_front_length(piece));
        end += front;
        memcpy(end, bytes + at, piece);
        end += piece;
        end += at + piece < n ? chunked_back(end) : chunked_last(c, crc64nvme(0, bytes, n), end);
    }
    *ret_n = (size_t)(end - out);
    return out;
}

/* The text is next. */
static const char *expect(const char *at, const char *text)
{
    assert_memory_equal(at, text, strlen(text));
    return at + strlen(text);
}

/* The bytes of a chunk, whose signature follows the one before. */
static const char *take_chunk(const char *at, const struct sigv4_key *key, const char *bytes,
                              size_t n, char signature[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX], line[128];
    digest_sha256(bytes, n, digest);
    sigv4_chunk(key, TIME, hex_encode(digest, sizeof(digest), hex), signature);
    snprintf(line, sizeof(line), "%zx;chunk-signature=%s\r\n", n, signature);
    at = expect(at, line);
    assert_memory_equal(at, bytes, n);
    return n > 0 ? expect(at + n, "\r\n") : at;
}

static void check(size_t n)
{
    struct chunked c = make();
    char *bytes = malloc(n), signature[SHA256_HEX] = SEED, line[64], crc[CRC64_BASE64_SIZE];
    char hex[SHA256_HEX];
    uint8_t digest[SHA256_BYTES];
    size_t framed_n, again_n;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    char *framed = frame(&c, bytes, n, &framed_n);
    assert_int_equal(framed_n, chunked_length(n));

    const char *at = framed;
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = n - done < CHUNKED_BYTES ? n - done : CHUNKED_BYTES;
        at = take_chunk(at, &c.key, bytes + done, piece, signature);
    }
    at = take_chunk(at, &c.key, "", 0, signature);
    snprintf(line, sizeof(line), "x-amz-checksum-crc64nvme:%s",
             crc64nvme_base64(crc64nvme(0, bytes, n), crc));
    at = expect(expect(at, line), "\r\n");
    snprintf(line + strlen(line), 2, "\n");
    digest_sha256(line, strlen(line), digest);
    sigv4_trailer(&c.key, TIME, hex_encode(digest, sizeof(digest), hex), signature);
    at = expect(expect(expect(at, "x-amz-trailer-signature:"), signature), "\r\n\r\n");
    assert_ptr_equal(at, framed + framed_n);

    chunked_again(&c); /* the same once more */
    char *again = frame(&c, bytes, n, &again_n);
    assert_int_equal(again_n, framed_n);
    assert_memory_equal(again, framed, framed_n);
    free(again);
    free(framed);
    free(bytes);
}

static void test_bodies(void **state)
{
    (void)state;
    check(1);
    check(15);
    check(16);
    check(CHUNKED_BYTES - 1);
    check(CHUNKED_BYTES);
    check(CHUNKED_BYTES + 1);
    check(3 * CHUNKED_BYTES + 4096);
    check(8 << 20);
}

/* It does not have to exist to be measured. */
static void test_lengths(void **state)
{
    (void)state;
    const uint64_t n = (5ull << 30) + 0x123, chunks = n / CHUNKED_BYTES;
    const uint64_t whole = 4 + 17 + 64 + 4, last = 3 + 17 + 64 + 4; /* digits, and what is around */
    const uint64_t end = chunked_length(1) - (1 + 1 + 17 + 64 + 4);
    assert_int_equal(n % CHUNKED_BYTES, 0x123);
    assert_int_equal(chunked_length(n), n + chunks * whole + last + end);
}

static void test_wiped(void **state)
{
    (void)state;
    struct chunked c = make();
    const struct chunked zero = {0};
    chunked_wipe(&c);
    assert_memory_equal(&c, &zero, sizeof(c));
}

/* What the end of a request says of the server. */
static void test_ends(void **state)
{
    (void)state;
    static const struct {
        struct chunked_end end;
        enum chunked_said asked, known;
    } ends[] = {
        {{.told = true, .verdict = VERDICT_DONE, .transport = TRANSPORT_ANSWERED, .status = 200},
         CHUNKED_TAKEN,
         CHUNKED_TAKEN},
        /* It may have taken the frames for the bytes. */
        {{.verdict = VERDICT_DONE, .transport = TRANSPORT_ANSWERED, .status = 200},
         CHUNKED_REFUSED,
         CHUNKED_REFUSED},
        {{.verdict = VERDICT_REFUSED, .transport = TRANSPORT_ANSWERED, .status = 400},
         CHUNKED_REFUSED,
         CHUNKED_REFUSED},
        {{.verdict = VERDICT_REFUSED, .transport = TRANSPORT_ANSWERED, .status = 501},
         CHUNKED_REFUSED,
         CHUNKED_REFUSED},
        /* It has another hash, another checksum, or cannot verify the signature. */
        {{.verdict = VERDICT_UNREACHED, .transport = TRANSPORT_ANSWERED, .status = 400},
         CHUNKED_REFUSED,
         CHUNKED_SAYS_NOTHING},
        {{.verdict = VERDICT_UNREACHED, .transport = TRANSPORT_ANSWERED, .status = 200},
         CHUNKED_REFUSED,
         CHUNKED_SAYS_NOTHING},
        {{.verdict = VERDICT_DENIED, .transport = TRANSPORT_ANSWERED, .status = 403},
         CHUNKED_REFUSED,
         CHUNKED_SAYS_NOTHING},
        {{.verdict = VERDICT_UNREACHED, .transport = TRANSPORT_ANSWERED, .status = 500},
         CHUNKED_UNHEARD,
         CHUNKED_SAYS_NOTHING},
        {{.verdict = VERDICT_UNREACHED, .transport = TRANSPORT_LOST},
         CHUNKED_UNHEARD,
         CHUNKED_SAYS_NOTHING},
        {{.verdict = VERDICT_BUSY, .transport = TRANSPORT_ANSWERED, .status = 503},
         CHUNKED_SAYS_NOTHING,
         CHUNKED_SAYS_NOTHING},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct chunked_end end = ends[i].end;
        assert_int_equal(chunked_judge(&end), ends[i].known);
        end.asks = true;
        assert_int_equal(chunked_judge(&end), ends[i].asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
