/* Shell. Which images the lists name, kept in the index. See mentioned.h. */
#include "agent/service/mentioned.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTED_FORMAT  1
#define KEY_BYTES_MAX 1024 /* of an S3 key */
#define BOOT_TEXT     36   /* a UUID */
#define BOOT_BYTES    40
#define BOOT_FILE     "/proc/sys/kernel/random/boot_id"

/* What is noted of one list; stored without what follows the NUL of its key. */
struct noted {
    uint32_t format;
    uint32_t leaves;       /* at least one */
    char boot[BOOT_BYTES]; /* of the machine */
    uint64_t ino;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
    char key[KEY_BYTES_MAX + 1];
};

#define HEAD offsetof(struct noted, key)

/* A name in the index. */
#define LISTED    "listed:"
#define NAMES     "names:"
#define NAME_SIZE (sizeof LISTED + SHA256_HEX + 12)

int sought_make(struct sought *s, const struct lst_changes *changes)
{
    return mentions_sought(changes, &s->hashes, &s->n);
}

void sought_release(struct sought *s)
{
    free(s->hashes);
    *s = (struct sought){0};
}

/* Names of what is noted of a list, and of its leaves. */
struct names {
    char hex[SHA256_HEX];
    char name[NAME_SIZE];
};

static void names_init(struct names *n, const char *key)
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(key, strlen(key), hash);
    hex_encode(hash, sizeof hash, n->hex);
}

static const char *name_listed(struct names *n)
{
    snprintf(n->name, sizeof n->name, LISTED "%s", n->hex);
    return n->name;
}

static const char *name_leaf(struct names *n, uint32_t i)
{
    snprintf(n->name, sizeof n->name, NAMES "%s:%08x", n->hex, i);
    return n->name;
}

/* Which start of the machine this is; zeros where that cannot be known. */
static char boot[BOOT_BYTES];
static pthread_once_t boot_once = PTHREAD_ONCE_INIT;

static void boot_read(void)
{
    int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (read(fd, boot, BOOT_TEXT) != BOOT_TEXT)
        memset(boot, 0, sizeof boot);
    close(fd);
}

/* False where nothing can be noted or believed. */
static bool boot_known(void)
{
    pthread_once(&boot_once, boot_read);
    return boot[0] != '\0';
}

/* The list is what it was when that was noted. */
static bool is_as_noted(const struct noted *n, const char *key, const struct file_stat *st)
{
    struct file_stat then = {.kind = st->kind,
                             .ino = n->ino,
                             .size = n->size,
                             .mtime_ns = n->mtime_ns,
                             .ctime_ns = n->ctime_ns};

    return n->format == NOTED_FORMAT && n->leaves && boot_known() &&
           memcmp(n->boot, boot, sizeof boot) == 0 && file_same_content(&then, st) &&
           strcmp(n->key, key) == 0;
}

/* A stored value, to be read; false where it is none. */
static bool noted_decode(const void *p, size_t n, struct noted *ret)
{
    if (n <= HEAD || n > sizeof *ret || ((const char *)p)[n - 1] != '\0')
        return false;
    memcpy(ret, p, n);
    return true;
}

/* A look for one name costs as much as reading so many bytes; opening the file, as so many looks.
 */
#define LOOK_BYTES 64
#define LOOKS_MIN  256

/* No leaf of the list names anything of that. */
static bool names_none(struct index_view *v, struct names *names, uint32_t leaves,
                       const struct sought *s)
{
    struct span leaf;

    for (uint32_t i = 0; i < leaves; i++)
        if (!index_view_span(v, name_leaf(names, i), &leaf) ||
            mentions_leaf_has(leaf, s->hashes, s->n))
            return false;
    return true;
}

enum mentioned mentioned_look(struct index_view *v, const char *key, const struct file_stat *st,
                              const struct sought *s)
{
    struct names names;
    struct noted noted;
    struct span value;

    names_init(&names, key);
    if (!index_view_span(v, name_listed(&names), &value) ||
        !noted_decode(value.p, value.n, &noted) || !is_as_noted(&noted, key, st))
        return MENTIONED_UNKNOWN;
    if (!s || s->n * noted.leaves > st->size / LOOK_BYTES + LOOKS_MIN ||
        !names_none(v, &names, noted.leaves, s))
        return MENTIONED_MAYBE;
    return MENTIONED_NONE;
}

/* How many leaves are stored of a list. */
static uint32_t leaves_stored(struct index *ix, struct names *names)
{
    struct noted old;
    size_t n = sizeof old;

    if (index_meta_get(ix, name_listed(names), &old, &n) || n <= HEAD || old.format != NOTED_FORMAT)
        return 0;
    return old.leaves;
}

/* Remove the leaves from this one on. */
static int leaves_cut(struct index *ix, struct names *names, uint32_t from, uint32_t until)
{
    int rc = 0;

    for (uint32_t i = from; i < until && rc == 0; i++)
        rc = index_meta_remove(ix, name_leaf(names, i));
    return rc;
}

int mentioned_note(struct index *ix, const char *key, const struct file_stat *st,
                   const struct mentions *list)
{
    struct noted noted = {.format = NOTED_FORMAT,
                          .ino = st->ino,
                          .size = st->size,
                          .mtime_ns = st->mtime_ns,
                          .ctime_ns = st->ctime_ns};
    size_t key_n = strlen(key), at = 0;
    struct names names;
    struct span leaf;
    uint32_t had;
    int rc = 0;

    if (key_n > KEY_BYTES_MAX || !boot_known())
        return 0;
    names_init(&names, key);
    had = leaves_stored(ix, &names);
    for (; rc == 0 && mentions_next(list, &at, &leaf); noted.leaves++)
        rc = index_meta_put(ix, name_leaf(&names, noted.leaves), leaf.p, leaf.n);
    if (rc == 0)
        rc = leaves_cut(ix, &names, noted.leaves, had);
    memcpy(noted.boot, boot, sizeof boot);
    memcpy(noted.key, key, key_n + 1);
    return rc ? rc : index_meta_put(ix, name_listed(&names), &noted, HEAD + key_n + 1);
}

/* Keys of lists of which something is noted and that the index does not have. */
struct gone {
    struct index *index;
    struct buf keys; /* with their NULs */
};

#define GONE_BYTES_MAX ((size_t)1 << 20) /* the rest comes the next time */

/* index_meta_fn. */
static int gone_find(void *arg, struct span name, struct span value)
{
    struct gone *g = arg;
    struct index_entry e;
    struct noted noted;
    int rc;

    (void)name;
    if (!noted_decode(value.p, value.n, &noted))
        return 0; /* not of ours */
    rc = index_get(g->index, noted.key, &e);
    if (rc != -ENOENT)
        return rc;
    rc = buf_append(&g->keys, noted.key, strlen(noted.key) + 1);
    return rc == ERR_LIMIT ? 0 : rc;
}

int mentioned_expire(struct index *ix)
{
    struct gone g = {.index = ix};
    struct names names;
    int rc;

    buf_init(&g.keys, GONE_BYTES_MAX);
    rc = index_meta_each(ix, LISTED, NULL, gone_find, &g);
    for (const char *key = g.keys.data; rc == 0 && key && key < g.keys.data + g.keys.len;
         key += strlen(key) + 1) {
        names_init(&names, key);
        rc = leaves_cut(ix, &names, 0, leaves_stored(ix, &names));
        if (rc == 0)
            rc = index_meta_remove(ix, name_listed(&names));
    }
    buf_release(&g.keys);
    return rc;
}
