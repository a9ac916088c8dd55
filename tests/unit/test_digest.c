/* Digests and their text forms. */
#include "base/digest.h"
#include "base/err.h"
#include "base/sha256_ways.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char hex[2 * SHA256_BYTES + 1];

static void test_sha256_vectors(void **state)
{
    uint8_t out[SHA256_BYTES];

    (void)state;
    digest_sha256("", 0, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256("abc", 3, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_sha256_in_pieces(void **state)
{
    uint8_t text[1000];
    uint8_t whole[SHA256_BYTES];
    uint8_t pieces[SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7);
    digest_sha256(text, sizeof(text), whole);
    srand(3);
    for (int round = 0; round < 200; round++) {
        struct sha256 s;

        sha256_begin(&s);
        for (size_t at = 0; at < sizeof(text);) {
            size_t n = (size_t)rand() % 150;

            n = n < sizeof(text) - at ? n : sizeof(text) - at;
            sha256_add(&s, text + at, n);
            at += n;
        }
        sha256_end(&s, pieces);
        assert_memory_equal(whole, pieces, sizeof(whole));
    }
}

/* SHA-256(first || text), by itself. */
static void hash_one(uint8_t first, struct span text, uint8_t out[SHA256_BYTES])
{
    struct sha256 s;

    sha256_begin(&s);
    sha256_add(&s, &first, 1);
    sha256_add(&s, text.p, text.n);
    sha256_end(&s, out);
}

/* Hash texts in all ways, each where the sanitizer sees an overrun, and at an odd place. */
static void check_each(uint8_t first, const size_t *lengths, size_t count)
{
    struct span texts[64];
    char *bytes[64];
    uint8_t out[64][SHA256_BYTES], alone[SHA256_BYTES];
    void (*const ways[])(uint8_t, const struct span *, size_t, uint8_t(*)[SHA256_BYTES]) = {
        digest_sha256_each, sha256_each_by_openssl,
        sha256_x86_works() ? sha256_each_by_x86 : sha256_each_by_openssl};

    for (size_t i = 0; i < count; i++) {
        bytes[i] = malloc(1 + lengths[i]);
        for (size_t k = 0; k <= lengths[i]; k++)
            bytes[i][k] = (char)rand();
        texts[i] = (struct span){bytes[i] + 1, lengths[i]};
    }
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        memset(out, 0, sizeof out);
        ways[way](first, texts, count, out);
        for (size_t i = 0; i < count; i++) {
            hash_one(first, texts[i], alone);
            assert_memory_equal(out[i], alone, SHA256_BYTES);
        }
    }
    for (size_t i = 0; i < count; i++)
        free(bytes[i]);
}

static void test_each_of_every_length(void **state)
{
    (void)state;
    srand(4);
    for (size_t n = 0; n < 400; n++)
        check_each((uint8_t)n, (const size_t[]){n}, 1);
    for (size_t n = 0; n < 135; n++)
        for (size_t other = 0; other < 135; other += 1 + n % 5)
            check_each(1, (const size_t[]){n, other}, 2);
}

static void test_each_of_many(void **state)
{
    size_t lengths[64] = {0};

    (void)state;
    srand(5);
    check_each(0, lengths, 0);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < 64; i++)
            lengths[i] = (size_t)rand() % (round % 2 ? 200 : 2000);
        check_each((uint8_t)round, lengths, 1 + (size_t)rand() % 64);
    }
}

/* Two texts in pieces, side by side: the hashes are those of each alone. */
static void check_both(size_t n, size_t other, size_t piece)
{
    const size_t lengths[2] = {n, other};
    struct sha256 sums[2];
    uint8_t out[SHA256_BYTES], alone[SHA256_BYTES];
    char *bytes[2];

    for (size_t k = 0; k < 2; k++) {
        bytes[k] = malloc(lengths[k] + 1);
        for (size_t i = 0; i < lengths[k]; i++)
            bytes[k][i] = (char)rand();
        sha256_begin(&sums[k]);
    }
    for (size_t at = 0; at < n || at < other; at += piece) {
        struct span part[2];

        for (size_t k = 0; k < 2; k++) {
            const size_t begin = at < lengths[k] ? at : lengths[k];
            const size_t left = lengths[k] - begin;

            part[k] = (struct span){bytes[k] + begin, left < piece ? left : piece};
        }
        sha256_add_both(&sums[0], part[0], &sums[1], part[1]);
    }
    for (size_t k = 0; k < 2; k++) {
        sha256_end(&sums[k], out);
        digest_sha256(bytes[k], lengths[k], alone);
        assert_memory_equal(out, alone, sizeof alone);
        free(bytes[k]);
    }
}

/* Texts in all ways, at an odd place and where the sanitizer sees an overrun. A way may leave some
 * that do not fill its lanes. */
static void check_strided(size_t n, size_t count, size_t gap)
{
    enum { MOST = 50 };
    const size_t stride = n + gap, all = count > 0 ? (count - 1) * stride + n : 0;
    uint8_t out[MOST][SHA256_BYTES], alone[MOST][SHA256_BYTES];
    const uint8_t none[SHA256_BYTES] = {0};
    char *bytes = malloc(1 + all);

    assert_non_null(bytes);
    for (size_t i = 0; i <= all; i++)
        bytes[i] = (char)rand();
    for (size_t i = 0; i < count; i++)
        digest_sha256(bytes + 1 + i * stride, n, alone[i]);
    memset(out, 0, sizeof out);
    digest_sha256_strided(bytes + 1, stride, n, count, out);
    assert_memory_equal(out, alone, count * SHA256_BYTES);
    const struct {
        bool works;
        size_t lanes;
        size_t (*hash)(const uint8_t *, size_t, size_t, size_t, uint8_t (*)[SHA256_BYTES]);
    } ways[] = {{sha256_x86_works(), 2, sha256_strided_by_x86},
                {sha256_avx512_works(), SHA256_LANES, sha256_strided_by_avx512}};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        const size_t whole = count / ways[way].lanes * ways[way].lanes;

        if (!ways[way].works)
            continue; /* test_ways says so */
        memset(out, 0, sizeof out);
        assert_int_equal(ways[way].hash((const uint8_t *)bytes + 1, stride, n, count, out), whole);
        assert_memory_equal(out, alone, whole * SHA256_BYTES);
        for (size_t i = whole; i < MOST; i++)
            assert_memory_equal(out[i], none, SHA256_BYTES);
    }
    free(bytes);
}

/* Where this processor lacks a way, it is not held against the others here. */
static void test_ways(void **state)
{
    (void)state;
    if (!sha256_x86_works() || !sha256_avx512_works()) {
        print_message("this processor lacks SHA instructions or AVX-512: not tried\n");
        skip();
    }
}

static void test_strided(void **state)
{
    (void)state;
    srand(8);
    for (size_t count = 0; count <= 50; count++)
        check_strided(64 * (1 + count % 5), count, count * 7 % 100);
    for (size_t blocks = 0; blocks < 70; blocks++)
        check_strided(64 * blocks, 16 + blocks % 4, blocks % 3 * 45);
    check_strided(32768, 17, 89);
}

static void test_both_of_every_length(void **state)
{
    (void)state;
    srand(6);
    for (size_t n = 0; n < 200; n++)
        for (size_t other = 0; other < 200; other += 1 + n % 7)
            check_both(n, other, 1 + (n * 31 + other) % 199);
    for (size_t piece = 64; piece <= 4096; piece *= 2)
        check_both(100000, 65536 + piece, piece);
}

/* The length in bits passes 32 bits while two go side by side. */
static void test_both_of_more_than_32_bits(void **state)
{
    enum { MIB = 1 << 20, PIECES = 513 }; /* of a MiB each: 2^32 bits and 2^23 */
    char *bytes = calloc(1, MIB);
    struct sha256 sums[2], alone;
    uint8_t out[SHA256_BYTES], expected[SHA256_BYTES];

    (void)state;
    if (!sha256_x86_works()) {
        free(bytes);
        skip(); /* each alone counts its bits itself */
    }
    assert_non_null(bytes);
    sha256_begin(&sums[0]);
    sha256_begin(&sums[1]);
    sha256_begin(&alone);
    for (int i = 0; i < PIECES; i++) {
        const struct span piece = {bytes, MIB};

        sha256_add_both(&sums[0], piece, &sums[1], piece);
        sha256_add(&alone, bytes, MIB);
    }
    sha256_end(&alone, expected);
    for (size_t k = 0; k < 2; k++) {
        sha256_end(&sums[k], out);
        assert_memory_equal(out, expected, sizeof expected);
    }
    free(bytes);
}

static void test_hmac_vectors(void **state)
{
    uint8_t out[SHA256_BYTES];
    uint8_t key[131];

    (void)state; /* RFC 4231, cases 1, 2 and 6 */
    memset(key, 0x0b, 20);
    digest_hmac_sha256(key, 20, "Hi There", 8, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex),
                        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    digest_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First",
                       54, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex),
                        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_hmac_agrees_with_openssl(void **state)
{
    uint8_t key[150];
    uint8_t ours[SHA256_BYTES];
    uint8_t theirs[SHA256_BYTES];
    unsigned n;

    (void)state;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 31 + 1);
    for (size_t key_n = 0; key_n <= sizeof(key); key_n++) {
        digest_hmac_sha256(key, key_n, key, 150 - key_n, ours);
        assert_non_null(HMAC(EVP_sha256(), key, (int)key_n, key, 150 - key_n, theirs, &n));
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
}

static void test_hmac_may_write_over_its_input(void **state)
{
    uint8_t chain[SHA256_BYTES] = "key";
    uint8_t want[SHA256_BYTES];

    (void)state;
    digest_hmac_sha256(chain, sizeof(chain), "x", 1, want);
    digest_hmac_sha256(chain, sizeof(chain), "x", 1, chain);
    assert_memory_equal(chain, want, sizeof(want));
}

static void test_md5(void **state)
{
    uint8_t out[MD5_BYTES];

    (void)state;
    digest_md5("", 0, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex), "d41d8cd98f00b204e9800998ecf8427e");
    digest_md5("message digest", 14, out);
    assert_string_equal(hex_encode(out, sizeof(out), hex), "f96b697d7cb7938d525a2f31aaf161d0");
}

static void test_hex(void **state)
{
    uint8_t all[256];
    uint8_t back[256];
    char text[513];

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_string_equal(hex_encode("", 0, text), "");
    hex_encode(all, sizeof(all), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(hex_decode(text, 512, back), 0);
    assert_memory_equal(all, back, sizeof(all));
    assert_int_equal(hex_decode("aAfF09", 6, back), 0);
    assert_memory_equal(back, "\xaa\xff\x09", 3);
    assert_int_equal(hex_decode("", 0, back), 0);
}

static void test_hex_of_every_length(void **state)
{
    uint8_t in[40];
    char want[81] = "";
    char text[82];

    (void)state;
    for (size_t n = 0; n <= sizeof(in); n++) {
        memset(text, '#', sizeof(text));
        assert_string_equal(hex_encode(in, n, text), want);
        assert_int_equal(text[2 * n + 1], '#');
        if (n < sizeof(in)) {
            in[n] = (uint8_t)(n * 73 + 5);
            (void)snprintf(want + 2 * n, 3, "%02x", in[n]);
        }
    }
}

static void test_hex_refuses(void **state)
{
    uint8_t out[4] = {1, 2, 3, 4};

    (void)state;
    assert_int_equal(hex_decode("abc", 3, out), ERR_SYNTAX);
    for (int c = 0; c < 256; c++) {
        char text[4] = {'0', '1', '2', (char)c};
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

        if (digit)
            continue;
        assert_int_equal(hex_decode(text, 4, out), ERR_SYNTAX);
        assert_int_equal(hex_decode(text + 3, 1, out), ERR_SYNTAX);
    }
    assert_memory_equal(out, "\1\2\3\4", 4);
}

static void test_base64_vectors(void **state)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    (void)state; /* RFC 4648 */
    for (size_t i = 0; i < 7; i++) {
        char text[16];
        uint8_t back[16];
        size_t n = 99;

        assert_string_equal(base64_encode(plain[i], i, text), coded[i]);
        assert_int_equal(base64_size(i), strlen(coded[i]));
        assert_int_equal(base64_decode(coded[i], strlen(coded[i]), back, &n), 0);
        assert_int_equal(n, i);
        assert_memory_equal(back, plain[i], i);
    }
}

static void test_base64_agrees_with_openssl(void **state)
{
    uint8_t in[300];
    char ours[401];
    uint8_t theirs[401];
    uint8_t back[300];

    (void)state;
    srand(5);
    for (size_t n = 0; n <= sizeof(in); n++) {
        size_t back_n = 0;

        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)rand();
        base64_encode(in, n, ours);
        assert_int_equal(EVP_EncodeBlock(theirs, in, (int)n), strlen(ours));
        assert_string_equal(ours, (const char *)theirs);
        assert_int_equal(base64_decode(ours, strlen(ours), back, &back_n), 0);
        assert_int_equal(back_n, n);
        assert_memory_equal(in, back, n);
    }
}

static void test_base64_refuses(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",  "=",     "==",   "====", "Z===",    "Zg==Zg==", "Zm8=Zm8=",
        "Zh==", "Zm9=", "Zm 8", "Zm8\n", "Zm-_", "Zg=a", "Zm9vZg=", " Zg==",    "Zg== ",
    };
    uint8_t out[16];
    size_t n = 99;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (base64_decode(bad[i], strlen(bad[i]), out, &n) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken", bad[i]);
    for (int c = 0; c < 256; c++) {
        char text[8] = {'A', 'A', 'A', 'A', 'A', (char)c, 'A', 'A'};
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '+' || c == '/';

        assert_int_equal(base64_decode(text, 8, out, &n), digit ? 0 : ERR_SYNTAX);
        n = 99;
    }
}

static void test_base64_refusal_leaves_the_count(void **state)
{
    uint8_t out[16];
    size_t n = 99;

    (void)state;
    assert_int_equal(base64_decode("AAAA!AAA", 8, out, &n), ERR_SYNTAX);
    assert_int_equal(n, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha256_in_pieces),
        cmocka_unit_test(test_each_of_every_length),
        cmocka_unit_test(test_each_of_many),
        cmocka_unit_test(test_strided),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_both_of_every_length),
        cmocka_unit_test(test_both_of_more_than_32_bits),
        cmocka_unit_test(test_hmac_vectors),
        cmocka_unit_test(test_hmac_agrees_with_openssl),
        cmocka_unit_test(test_hmac_may_write_over_its_input),
        cmocka_unit_test(test_md5),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_hex_of_every_length),
        cmocka_unit_test(test_hex_refuses),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_agrees_with_openssl),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_base64_refusal_leaves_the_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
