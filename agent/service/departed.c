/* Shell. Where images went of which rows were rewritten lately. See departed.h. */
#include "agent/service/departed.h"

#include "agent/service/hashed.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

#define PREFIX "departed:" /* of the meta values; then the key's SHA-256 */

struct departed {
    int64_t at_s;
    char to[PATH_BYTES_MAX + 1]; /* stored without what follows the NUL */
};

#define HEAD offsetof(struct departed, to)

int departed_note(struct index *ix, const char *key, const char *to, int64_t now_s)
{
    struct departed d = {.at_s = now_s};
    char name[HASHED_NAME_SIZE];
    size_t n = to ? strlen(to) : 0;

    if (n >= sizeof d.to)
        return -ENAMETOOLONG;
    if (n)
        memcpy(d.to, to, n);
    hashed_name(PREFIX, key, name);
    return index_meta_put(ix, name, &d, HEAD + n + 1);
}

int departed_forget(struct index *ix, const char *key)
{
    char name[HASHED_NAME_SIZE];

    hashed_name(PREFIX, key, name);
    return index_meta_remove(ix, name);
}

bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size)
{
    char name[HASHED_NAME_SIZE];
    struct departed d;
    size_t n = sizeof d;

    hashed_name(PREFIX, key, name);
    if (index_view_meta(v, name, &d, &n) || n <= HEAD || n - HEAD > size ||
        now_s - d.at_s > DEPARTED_S)
        return false;
    memcpy(to, d.to, n - HEAD);
    to[n - HEAD - 1] = '\0';
    return true;
}

/* index_stale_fn. */
static bool is_stale(void *arg, const void *value, size_t size)
{
    int64_t at_s;

    if (size < sizeof at_s)
        return true;
    memcpy(&at_s, value, sizeof at_s);
    return *(const int64_t *)arg - at_s > DEPARTED_S;
}

int departed_expire(struct index *ix, int64_t now_s)
{
    return index_meta_sweep(ix, PREFIX, is_stale, &now_s);
}
