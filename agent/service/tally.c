/* Shell. What the index has of each mapping, in sums. See tally.h. */
#include "agent/service/agent.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE (CONF_NAME_MAX + 8)

/* As the index keeps it. */
struct stored_tally {
    uint64_t commit; /* its number */
    struct tally tally;
    uint8_t prefix[SHA256_BYTES]; /* its hash */
};

/* The name under which the index keeps a mapping's. */
static const char *name_of(const struct conf_mapping *m, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "tally:%s", m->name); /* fits */
    return out;
}

/* Take an entry in, or out. */
static void count(struct tally *t, const struct known *k, bool in)
{
    const bool kept = (k->flags & KNOWN_KEPT) != 0;
    const uint64_t one = in ? 1 : UINT64_MAX; /* sums wrap */

    t->objects += one;
    t->kept += kept ? one : 0;
    t->bytes += kept ? 0 : one * k->size;
}

/* index_change_fn. */
static void on_change(void *arg, const char *key, const struct known *was, const struct known *now)
{
    struct agent *a = arg;

    for (size_t i = 0; i < a->mapping_count; i++) {
        const char *prefix = a->conf->mappings[i].prefix;

        if (strncmp(key, prefix, strlen(prefix)) != 0)
            continue;
        if (was)
            count(&a->mappings[i].tally, was, false);
        if (now)
            count(&a->mappings[i].tally, now, true);
        return; /* prefixes do not overlap */
    }
}

/* index_commit_fn. */
static int on_commit(void *arg)
{
    struct agent *a = arg;
    struct stored_tally s = {0};
    char name[NAME_SIZE];
    int rc = index_generation(a->index, &s.commit);

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        const struct conf_mapping *m = &a->conf->mappings[i];

        s.tally = a->mappings[i].tally;
        digest_sha256(m->prefix, strlen(m->prefix), s.prefix);
        rc = index_meta_put(a->index, name_of(m, name), &s, sizeof s);
    }
    return rc;
}

/* index_fn. */
static int count_entry(void *arg, const char *key, const struct known *known)
{
    (void)key;
    count(arg, known, true);
    return 0;
}

/* Those that the last commit took along; where there are none, or others, -ENOENT. */
static int load(struct agent *a, const struct conf_mapping *m, struct tally *ret)
{
    uint8_t prefix[SHA256_BYTES];
    char name[NAME_SIZE];
    struct stored_tally s;
    size_t size = sizeof s;
    uint64_t commit;
    int rc = index_meta_get(a->index, name_of(m, name), &s, &size);

    if (rc == 0)
        rc = index_generation(a->index, &commit);
    if (rc)
        return rc == -ENOSPC ? -ENOENT : rc;
    digest_sha256(m->prefix, strlen(m->prefix), prefix);
    if (size != sizeof s || s.commit != commit || memcmp(prefix, s.prefix, sizeof prefix) != 0)
        return -ENOENT;
    *ret = s.tally;
    return 0;
}

/* Count a mapping's. */
static int walk(struct agent *a, const struct conf_mapping *m, struct tally *ret)
{
    const int64_t began_ms = clock_mono_ms();
    int rc = index_each_under(a->index, m->prefix, NULL, count_entry, ret);

    if (rc == 0 && ret->objects)
        log_info("%s: %" PRIu64 " entries of the index were counted in %" PRId64 " ms", m->name,
                 ret->objects, clock_mono_ms() - began_ms);
    return rc;
}

int tally_begin(struct agent *a, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        const struct conf_mapping *m = &a->conf->mappings[i];
        struct tally *t = &a->mappings[i].tally;

        rc = load(a, m, t);
        if (rc == -ENOENT)
            rc = walk(a, m, t);
    }
    if (rc)
        return err_set(e, rc, "index", NULL, "it cannot be counted: %s", err_name(rc));
    index_observe(a->index, on_change, on_commit, a);
    return 0;
}
