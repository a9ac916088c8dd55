/* Shell. What operators say of held removals while no agent runs, and which are held. */
#include "agent/service/holds.h"
#include "agent/service/list_holds.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Held keys of one mapping. */
struct marks {
    const char *part; /* a key; NULL: all */
    char **keys;
    size_t count;
};

static int mark_gather(void *arg, const char *key, bool released)
{
    struct marks *m = arg;
    char **more;

    if (released || !holds_covers(m->part, key))
        return 0;
    if ((m->count & (m->count - 1)) == 0) {
        more = realloc(m->keys, (m->count ? 2 * m->count : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        m->keys = more;
    }
    m->keys[m->count] = strdup(key);
    return m->keys[m->count++] ? 0 : -ENOMEM;
}

static int mark_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void marks_release(struct marks *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->keys[i]);
    free(m->keys);
    *m = (struct marks){0};
}

/* What is held of a mapping, at and beneath said->path. */
static int marks_of(struct index *ix, const struct conf_mapping *m, const struct service_said *said,
                    struct marks *ret)
{
    char part[PATH_BYTES_MAX + S3_KEY_MAX + 1];
    int n = snprintf(part, sizeof part, "%s%s", m->prefix, said->path ? said->path : "");

    *ret = (struct marks){.part = said->path ? part : NULL};
    if (n < 0 || (size_t)n >= sizeof part)
        return -ENAMETOOLONG;
    n = index_each_held(ix, m->prefix, mark_gather, ret);
    ret->part = NULL;
    if (n == 0 && ret->count)
        qsort(ret->keys, ret->count, sizeof *ret->keys, mark_compare);
    return n;
}

/* Is the mapping meant? */
static bool is_meant(const struct service_said *said, const struct conf_mapping *m)
{
    return !said->mapping || strcmp(said->mapping, m->name) == 0;
}

/* Mark the held removals as released, and, where all are, forget the enrolled root so that the next
 * run takes the one that is there. */
static int release_mapping(struct index *ix, const struct conf_mapping *m, const char *path,
                           const struct marks *marks)
{
    char name[CONF_NAME_MAX + 8];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < marks->count; i++)
        rc = index_hold(ix, marks->keys[i], true, NULL);
    if (rc || path)
        return rc;
    snprintf(name, sizeof name, "root:%s", m->name);
    rc = index_meta_put(ix, name, "", 0);
    snprintf(name, sizeof name, "marker:%s", m->name);
    return rc ? rc : index_meta_remove(ix, name);
}

/* The removals never happen: journalled one by one, and their objects kept. */
static int discard_mapping(struct journal *j, struct index *ix, const struct conf_mapping *m,
                           const struct marks *marks)
{
    struct journal_record rec = {.op = JOURNAL_REMOVE,
                                 .state = JOURNAL_DONE,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = m->name,
                                 .why = "discarded: the object is kept"};
    size_t prefix_n = strlen(m->prefix);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < marks->count; i++) {
        bool was = false;

        rec.path = marks->keys[i] + prefix_n;
        rc = deletions_keep_key(ix, marks->keys[i], &was);
        if (rc == 0 && was)
            rc = journal_append(j, &rec, clock_real_us(), NULL);
        if (rc == 0)
            rc = index_unhold(ix, marks->keys[i], &was);
        if (rc == 0)
            rc = list_holds_forget_key(ix, marks->keys[i], &was);
    }
    return rc;
}

/* One mapping: journal what is said, then do it. */
static int say_to(struct journal *j, struct index *ix, const struct conf_mapping *m,
                  const struct service_said *said, uint64_t *count)
{
    char why[64];
    struct journal_record rec = {.op = JOURNAL_RELEASE,
                                 .state = said->discard ? JOURNAL_ABORT : JOURNAL_NOTE,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = m->name,
                                 .path = said->path,
                                 .why = why};
    struct marks marks;
    int rc = marks_of(ix, m, said, &marks);

    snprintf(why, sizeof why, "%s by uid %u (pid %d)", said->discard ? "discarded" : "released",
             (unsigned)getuid(), (int)getpid());
    rec.count = marks.count;
    if (rc == 0 && said->discard && !marks.count)
        return 0;
    if (rc == 0)
        rc = journal_append(j, &rec, clock_real_us(), NULL);
    if (rc == 0)
        rc = said->discard ? discard_mapping(j, ix, m, &marks)
                           : release_mapping(ix, m, said->path, &marks);
    *count += marks.count;
    marks_release(&marks);
    return rc;
}

int service_said_offline(const struct conf *conf, const struct service_said *said,
                         uint64_t *ret_count, struct err *e)
{
    struct journal_options opt = {.host = "", .boot = "", .version = PACKAGE_VERSION};
    struct journal_recovery recovery;
    struct journal *j = NULL;
    struct index *ix = NULL;
    uint64_t count = 0;
    bool found = false;
    int rc = journal_open(conf->journal_dir, &opt, clock_real_us(), &j, &recovery, e);

    if (rc == 0)
        rc = index_open(conf->state_dir, false, &ix, e);
    for (size_t i = 0; i < conf->mapping_count && rc == 0; i++) {
        if (!is_meant(said, &conf->mappings[i]))
            continue;
        found = true;
        rc = say_to(j, ix, &conf->mappings[i], said, &count);
    }
    if (rc == 0 && !found)
        rc = err_set(e, -ENOENT, said->mapping, "one of the configuration's", "no such mapping");
    if (rc == 0)
        rc = journal_sync(j);
    if (rc == 0)
        rc = index_commit(ix);
    index_close(ix);
    if (journal_close(j) && rc == 0)
        rc = -EIO;
    if (rc == 0)
        *ret_count = count;
    return rc;
}

int service_each_held(const struct conf *conf, const struct service_said *said,
                      int (*fn)(void *arg, const struct conf_mapping *m, const char *path),
                      void *arg, struct err *e)
{
    struct index *ix = NULL;
    bool found = false;
    int rc = index_open(conf->state_dir, true, &ix, e);

    for (size_t i = 0; i < conf->mapping_count && rc == 0; i++) {
        const struct conf_mapping *m = &conf->mappings[i];
        struct marks marks;

        if (!is_meant(said, m))
            continue;
        found = true;
        rc = marks_of(ix, m, said, &marks);
        for (size_t k = 0; rc == 0 && k < marks.count; k++)
            rc = fn(arg, m, marks.keys[k] + strlen(m->prefix));
        marks_release(&marks);
    }
    if (rc == 0 && !found)
        rc = err_set(e, -ENOENT, said->mapping, "one of the configuration's", "no such mapping");
    index_close(ix);
    return rc;
}
