/* Ed25519: the vectors of RFC 8032, section 7.1, and what must not pass. */
#include "base/digest.h"
#include "base/ed25519.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
    const char *seed, *public, *message, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        uint8_t seed[32], public[32], message[8], signature[64], out[64];
        size_t n = strlen(vectors[i].message) / 2;

        assert_int_equal(hex_decode(vectors[i].seed, 64, seed), 0);
        assert_int_equal(hex_decode(vectors[i].public, 64, public), 0);
        assert_int_equal(hex_decode(vectors[i].message, 2 * n, message), 0);
        assert_int_equal(hex_decode(vectors[i].signature, 128, signature), 0);
        assert_int_equal(ed25519_public(seed, out), 0);
        assert_memory_equal(out, public, sizeof public);
        assert_int_equal(ed25519_sign(seed, message, n, out), 0);
        assert_memory_equal(out, signature, sizeof signature);
        assert_int_equal(ed25519_verify(public, message, n, signature), 0);
    }
}

/* One bit elsewhere, anywhere, and it is not the signature. */
static void test_flips(void **state)
{
    uint8_t seed[32] = {7}, public[32], signature[64], message[16] = "sixteen bytes..";

    (void)state;
    assert_int_equal(ed25519_public(seed, public), 0);
    assert_int_equal(ed25519_sign(seed, message, sizeof message, signature), 0);
    assert_int_equal(ed25519_verify(public, message, sizeof message, signature), 0);
    assert_int_equal(ed25519_verify(public, message, sizeof message - 1, signature), ERR_CORRUPT);
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ed25519_verify(public, message, sizeof message, signature), ERR_CORRUPT);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ed25519_verify(public, message, sizeof message, signature), ERR_CORRUPT);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    public[0] ^= 1;
    assert_int_equal(ed25519_verify(public, message, sizeof message, signature), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_flips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
