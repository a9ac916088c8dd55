/* Shell. What is on its way to the trash. See trash_notes.h. */
#include "agent/service/trash_notes.h"

#include "base/digest.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX    "trash:" /* of the meta values; then the key's SHA-256 */
#define NAME_SIZE (sizeof PREFIX + SHA256_HEX)
#define VALUE_MAX (KNOWN_ETAG_SIZE + TRASH_KEY_MAX + 1) /* ETag and its NUL, key */

/* The value's name. */
static void name_of(const char *key, char out[NAME_SIZE])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(key, strlen(key), hash);
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    hex_encode(hash, sizeof hash, out + sizeof PREFIX - 1);
}

int trash_note(struct index *ix, const char *key, const char *etag, const char *to)
{
    char name[NAME_SIZE], value[VALUE_MAX];
    size_t etag_n = strlen(etag) + 1, to_n = strlen(to);

    if (etag_n > KNOWN_ETAG_SIZE || to_n > TRASH_KEY_MAX)
        return -ENAMETOOLONG;
    memcpy(value, etag, etag_n);
    memcpy(value + etag_n, to, to_n);
    name_of(key, name);
    return index_meta_put(ix, name, value, etag_n + to_n);
}

int trash_noted(struct index *ix, const char *key, const char *etag, char ret_to[TRASH_KEY_MAX + 1])
{
    char name[NAME_SIZE], value[VALUE_MAX];
    size_t n = sizeof value, etag_n = strlen(etag) + 1;
    int rc;

    name_of(key, name);
    rc = index_meta_get(ix, name, value, &n);
    if (rc)
        return rc;
    if (n <= etag_n || n - etag_n > TRASH_KEY_MAX || memcmp(value, etag, etag_n) != 0)
        return -ENOENT;
    memcpy(ret_to, value + etag_n, n - etag_n);
    ret_to[n - etag_n] = '\0';
    return 0;
}

int trash_forget(struct index *ix, const char *key)
{
    char name[NAME_SIZE];

    name_of(key, name);
    return index_meta_remove(ix, name);
}
