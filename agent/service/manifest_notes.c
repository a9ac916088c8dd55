/* Shell. What is known of the manifests of lists. See manifest_notes.h. */
#include "agent/service/manifest_notes.h"

#include "base/buf.h"
#include "base/err.h"
#include "lists/lists.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX    "manifest:" /* of the meta values; then the list's key's SHA-256 */
#define NAME_SIZE (sizeof PREFIX + SHA256_HEX)
#define ENDING    ".lst"
#define ENDING_N  (sizeof ENDING - 1)

/* A value: the kinds, then the key and its NUL. */
#define KINDS_SIZE (sizeof((struct manifest_note *)0)->kinds)
#define VALUE_MAX  (KINDS_SIZE + sizeof((struct manifest_note *)0)->list)

const char *manifest_suffix(const struct conf_mapping *m, enum manifest_kind kind)
{
    return kind == MANIFEST_PLAIN ? m->manifest : m->augmented_manifest;
}

bool manifest_name(const char *list, const char *suffix, char *out, size_t size)
{
    int stem = (int)(strlen(list) - ENDING_N);

    return snprintf(out, size, "%.*s%s", stem, list, suffix) < (int)size;
}

bool manifest_list(const struct conf_mapping *m, const char *path, char *out, size_t size,
                   enum manifest_kind *ret_kind)
{
    size_t n = strlen(path);

    for (int k = 0; k < MANIFEST_KINDS; k++) {
        const char *suffix = manifest_suffix(m, (enum manifest_kind)k);
        size_t suffix_n = suffix ? strlen(suffix) : 0;

        if (!suffix || n < suffix_n || strcmp(path + n - suffix_n, suffix) != 0)
            continue;
        *ret_kind = (enum manifest_kind)k;
        return snprintf(out, size, "%.*s" ENDING, (int)(n - suffix_n), path) < (int)size &&
               lst_is_list(out);
    }
    return false;
}

/* The value's name. */
static void name_of(const char *list, char out[NAME_SIZE])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(list, strlen(list), hash);
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    hex_encode(hash, sizeof hash, out + sizeof PREFIX - 1);
}

/* The value as it was put. */
static int decode(const void *value, size_t size, struct manifest_note *ret)
{
    size_t key_n = size - KINDS_SIZE;

    if (size <= KINDS_SIZE || key_n > sizeof ret->list || ((const char *)value)[size - 1] != '\0')
        return ERR_CORRUPT;
    memcpy(ret->kinds, value, KINDS_SIZE);
    memcpy(ret->list, (const char *)value + KINDS_SIZE, key_n);
    for (int k = 0; k < MANIFEST_KINDS; k++)
        if (!memchr(ret->kinds[k].suffix, '\0', sizeof ret->kinds[k].suffix) ||
            !memchr(ret->kinds[k].etag, '\0', sizeof ret->kinds[k].etag))
            return ERR_CORRUPT;
    return 0;
}

int manifest_note_get(struct index *ix, const char *list, struct manifest_note *ret)
{
    char name[NAME_SIZE], value[VALUE_MAX];
    size_t size = sizeof value;
    int rc;

    memset(ret, 0, sizeof *ret);
    if (snprintf(ret->list, sizeof ret->list, "%s", list) >= (int)sizeof ret->list)
        return -ENAMETOOLONG;
    name_of(list, name);
    rc = index_meta_get(ix, name, value, &size);
    if (rc == -ENOENT)
        return 0;
    return rc ? rc : decode(value, size, ret);
}

int manifest_note_put(struct index *ix, const struct manifest_note *note)
{
    char name[NAME_SIZE], value[VALUE_MAX];
    size_t key_n = strlen(note->list) + 1;
    bool any = false;

    for (int k = 0; k < MANIFEST_KINDS; k++)
        any |= note->kinds[k].standing != MANIFEST_NONE;
    name_of(note->list, name);
    if (!any)
        return index_meta_remove(ix, name);
    memcpy(value, note->kinds, KINDS_SIZE);
    memcpy(value + KINDS_SIZE, note->list, key_n);
    return index_meta_put(ix, name, value, KINDS_SIZE + key_n);
}

int manifest_base(const struct conf *conf, const struct conf_mapping *lists,
                  uint8_t ret[SHA256_BYTES])
{
    const struct conf_mapping *images = &conf->mappings[lists->repository];
    struct buf text;
    int rc;

    buf_init(&text, SIZE_MAX);
    rc = buf_appendf(&text, "%s\n%s\n%d", conf->s3.bucket, images->prefix, images->default_exclude);
    for (size_t i = 0; rc == 0 && images->exclude[i]; i++)
        rc = buf_appendf(&text, "\n%s", images->exclude[i]);
    if (rc == 0)
        digest_sha256(text.data, text.len, ret);
    buf_release(&text);
    return rc;
}

void manifest_made_of(const uint8_t base[SHA256_BYTES], const struct known *list,
                      uint8_t ret[SHA256_BYTES])
{
    char text[2 * SHA256_HEX + KNOWN_ETAG_SIZE], hex[SHA256_HEX];

    hex_encode(base, SHA256_BYTES, hex);
    (void)snprintf(text, sizeof text, "%s %" PRIu64 " %s", hex, list->size, list->etag); /* fits */
    digest_sha256(text, strlen(text), ret);
}

bool manifest_is_current(const struct manifest_noted *n, const char *suffix,
                         const uint8_t of[SHA256_BYTES])
{
    return (n->standing == MANIFEST_THERE || n->standing == MANIFEST_REFUSED) &&
           strcmp(n->suffix, suffix) == 0 && memcmp(n->of, of, SHA256_BYTES) == 0;
}

bool manifest_list_stands(const struct known *known)
{
    return !(known->flags & (KNOWN_UNCERTAIN | KNOWN_KEPT | KNOWN_MOVED));
}

bool manifest_is_there(const struct manifest_noted *n)
{
    return n->standing == MANIFEST_THERE || n->standing == MANIFEST_MAYBE;
}

bool manifest_work(const struct conf_mapping *m, const struct manifest_note *note,
                   const uint8_t *of, struct manifest_work *ret)
{
    bool keeps = m->deletes == CONF_DELETES_KEEP;

    for (int k = 0; k < MANIFEST_KINDS && !keeps; k++) {
        const char *suffix = of ? manifest_suffix(m, (enum manifest_kind)k) : NULL;

        *ret = (struct manifest_work){.kind = (enum manifest_kind)k};
        if (manifest_is_there(&note->kinds[k]) &&
            (!suffix || strcmp(note->kinds[k].suffix, suffix) != 0))
            return true;
    }
    for (int k = 0; k < MANIFEST_KINDS && of; k++) {
        const char *suffix = manifest_suffix(m, (enum manifest_kind)k);

        *ret = (struct manifest_work){.kind = (enum manifest_kind)k, .put = true};
        if (suffix && !manifest_is_current(&note->kinds[k], suffix, of))
            return true;
    }
    return false;
}

int manifest_note_doubt(struct index *ix, const char *list, enum manifest_kind kind)
{
    struct manifest_note note;
    int rc = manifest_note_get(ix, list, &note);

    if (rc || note.kinds[kind].standing == MANIFEST_NONE)
        return rc;
    note.kinds[kind].standing = MANIFEST_MAYBE;
    return manifest_note_put(ix, &note);
}

/* What index_meta_each calls. */
struct visit {
    int (*fn)(void *arg, const struct manifest_note *note);
    void *arg;
};

static int visit_one(void *arg, struct span name, struct span value)
{
    const struct visit *v = arg;
    struct manifest_note note;
    int rc = decode(value.p, value.n, &note);

    (void)name;
    return rc ? rc : v->fn(v->arg, &note);
}

int manifest_notes_each(struct index *ix, int (*fn)(void *arg, const struct manifest_note *note),
                        void *arg)
{
    struct visit v = {.fn = fn, .arg = arg};

    return index_meta_each(ix, PREFIX, NULL, visit_one, &v);
}
