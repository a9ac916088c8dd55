/* Shell. Where images went of which rows were rewritten lately. See departed.h. */
#include "agent/service/departed.h"

#include "agent/service/hashed.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>

/* Names of the meta values: by a key's SHA-256 or, up to 400 bytes, by the key itself, so that what
 * lies together is written together. */
#define PREFIX    "departed"
#define BY_HASH   PREFIX ":"
#define BY_KEY    PREFIX "/"
#define KEY_MAX   400
#define NAME_SIZE (sizeof(BY_KEY) + KEY_MAX)

struct departed {
    int64_t at_s;
    char to[PATH_BYTES_MAX + 1]; /* stored without what follows the NUL */
};

#define HEAD offsetof(struct departed, to)

/* What a key's note is called. */
static void note_name(const char *key, char out[NAME_SIZE])
{
    size_t n = strlen(key);

    _Static_assert(NAME_SIZE >= HASHED_NAME_SIZE, "either name fits");
    if (n > KEY_MAX) {
        hashed_name(BY_HASH, key, out);
        return;
    }
    memcpy(out, BY_KEY, sizeof BY_KEY - 1);
    memcpy(out + sizeof BY_KEY - 1, key, n + 1);
}

int departed_note(struct index *ix, const char *key, const char *to, int64_t now_s)
{
    struct departed d = {.at_s = now_s};
    char name[NAME_SIZE];
    size_t n = to ? strlen(to) : 0;

    if (n >= sizeof d.to)
        return -ENAMETOOLONG;
    if (n)
        memcpy(d.to, to, n);
    note_name(key, name);
    return index_meta_put(ix, name, &d, HEAD + n + 1);
}

int departed_forget(struct index *ix, const char *key)
{
    char name[NAME_SIZE];

    note_name(key, name);
    return index_meta_remove(ix, name);
}

bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size)
{
    char name[NAME_SIZE];
    struct departed d;
    size_t n = sizeof d;

    note_name(key, name);
    if (index_view_meta(v, name, &d, &n) || n <= HEAD || n - HEAD > size ||
        now_s - d.at_s > DEPARTED_S)
        return false;
    memcpy(to, d.to, n - HEAD);
    to[n - HEAD - 1] = '\0';
    return true;
}

bool departed_since(struct index *ix, const char *key, int64_t since_s)
{
    char name[NAME_SIZE];
    struct departed d;
    size_t n = sizeof d;

    note_name(key, name);
    return index_meta_get(ix, name, &d, &n) == 0 && n > HEAD + 1 && d.at_s >= since_s;
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
