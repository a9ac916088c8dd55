/* Pure. Names of meta values by key. See hashed.h. */
#include "agent/service/hashed.h"

#include <string.h>

void hashed_name(const char *prefix, const char *key, char out[HASHED_NAME_SIZE])
{
    size_t n = strnlen(prefix, HASHED_PREFIX_MAX);
    uint8_t hash[SHA256_BYTES];

    digest_sha256(key, strlen(key), hash);
    memcpy(out, prefix, n);
    hex_encode(hash, sizeof hash, out + n);
}
