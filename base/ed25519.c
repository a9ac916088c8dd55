/* Ed25519 over OpenSSL. Pure. */
#include "base/ed25519.h"

#include "base/err.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int ed25519_public(const uint8_t seed[ED25519_SEED_BYTES], uint8_t out[ED25519_PUBLIC_BYTES])
{
    uint8_t public[ED25519_PUBLIC_BYTES];
    size_t n = sizeof(public);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_BYTES);
    int good = key && EVP_PKEY_get_raw_public_key(key, public, &n) == 1 && n == sizeof(public);

    EVP_PKEY_free(key);
    if (!good)
        return -ENOMEM;
    memcpy(out, public, sizeof(public));
    return 0;
}

int ed25519_sign(const uint8_t seed[ED25519_SEED_BYTES], const void *p, size_t n,
                 uint8_t out[ED25519_SIGNATURE_BYTES])
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    size_t signature_n = sizeof(signature);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(context, signature, &signature_n, p, n) == 1 &&
               signature_n == sizeof(signature);

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!good)
        return -ENOMEM;
    memcpy(out, signature, sizeof(signature));
    return 0;
}

int ed25519_verify(const uint8_t public[ED25519_PUBLIC_BYTES], const void *p, size_t n,
                   const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, ED25519_PUBLIC_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int rc = -ENOMEM;

    if (key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
        rc = EVP_DigestVerify(context, signature, ED25519_SIGNATURE_BYTES, p, n) == 1 ? 0
                                                                                      : ERR_CORRUPT;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return rc;
}
