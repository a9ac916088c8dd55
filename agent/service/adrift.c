/* Shell. Images of which only the table of rows knows, for the run after a crash. See adrift.h. */
#include "agent/service/adrift.h"

#include "agent/core/rows.h"
#include "agent/service/follow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ADRIFT_MAX 1000 /* names of a mapping that are kept */

/* Names of the meta values, "adrift:MAPPING:NUMBER". */
#define NAME_SIZE (CONF_NAME_MAX + 32)

/* A value: this, and then three texts, each with its NUL: was ("": none), name, to. */
struct adrift_head {
    uint64_t seq; /* of the last record that the index reflected */
    uint64_t ino;
    int64_t born_ns;
    uint64_t flags;
};

#define UNLANDED    UINT64_C(1)
#define OVERWRITTEN UINT64_C(2)
#define GUESS       UINT64_C(4)

#define VALUE_SIZE (sizeof(struct adrift_head) + 3 * ((size_t)PATH_BYTES_MAX + 1))

static void note_name(const struct mapping *m, const char *number, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "adrift:%s:%s", m->conf->name, number);
}

static void number_name(const struct mapping *m, unsigned number, char out[NAME_SIZE])
{
    char text[16];

    (void)snprintf(text, sizeof text, "%05u", number);
    note_name(m, text, out);
}

static void any_name(const struct mapping *m, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "rows:%s", m->conf->name);
}

/* A walk over what one mapping has. */
struct keeping {
    struct agent *agent;
    struct mapping *m;
    uint64_t seq;
    unsigned count;
};

/* Append a text with its NUL. */
static char *put_text(char *at, const char *text)
{
    const size_t n = strlen(text ? text : "") + 1;

    memcpy(at, text ? text : "", n);
    return at + n;
}

/* rows_adrift_fn. */
static int keep_one(void *arg, const struct rows_adrift *image)
{
    struct keeping *k = arg;
    const struct adrift_head head = {.seq = k->seq,
                                     .ino = image->file.ino,
                                     .born_ns = image->file.born_ns,
                                     .flags = (image->unlanded ? UNLANDED : 0) |
                                              (image->overwritten ? OVERWRITTEN : 0) |
                                              (image->guess ? GUESS : 0)};
    char name[NAME_SIZE], value[VALUE_SIZE], *at = value + sizeof head;

    if (k->count == ADRIFT_MAX)
        return 0;
    memcpy(value, &head, sizeof head);
    at = put_text(put_text(put_text(at, image->was), image->name), image->to);
    number_name(k->m, k->count++, name);
    return index_meta_put(k->agent->index, name, value, (size_t)(at - value));
}

/* Keep whether the mapping's table has images. */
static int keep_any(struct agent *a, struct mapping *m)
{
    bool any = !rows_is_empty(m->rows);
    char name[NAME_SIZE];
    int rc;

    if (any == m->rows_any)
        return 0;
    any_name(m, name);
    rc = any ? index_meta_put(a->index, name, "", 1) : index_meta_remove(a->index, name);
    if (rc == 0)
        m->rows_any = any;
    return rc;
}

int adrift_keep(struct agent *a, uint64_t seq)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];
        struct keeping k = {.agent = a, .m = m, .seq = seq};

        if (!m->rows)
            continue;
        rc = keep_any(a, m);
        if (rc == 0 && !m->adrift && !rows_adrift(m->rows))
            continue;
        rc = rc ? rc : rows_each_adrift(m->rows, keep_one, &k);
        for (unsigned n = k.count; rc == 0 && n < m->adrift; n++) {
            char name[NAME_SIZE];

            number_name(m, n, name);
            rc = index_meta_remove(a->index, name);
        }
        m->adrift = k.count;
    }
    return rc;
}

/* The text at *at, and what is behind it. NULL: there is none whole. */
static const char *take_text(struct span *at)
{
    const char *text = at->p, *end = at->n ? memchr(at->p, '\0', at->n) : NULL;

    if (!end)
        return NULL;
    *at = (struct span){end + 1, at->n - (size_t)(end + 1 - at->p)};
    return text;
}

/* index_meta_fn. What cannot be read is as if it was not there. */
static int load_one(void *arg, struct span name, struct span value)
{
    struct keeping *k = arg;
    struct span at = {value.p + sizeof(struct adrift_head), value.n};
    struct rows_adrift image;
    struct adrift_head head;

    (void)name;
    k->count++;
    if (value.n < sizeof head)
        return 0;
    at.n -= sizeof head;
    memcpy(&head, value.p, sizeof head);
    image = (struct rows_adrift){.file = {.ino = head.ino, .born_ns = head.born_ns},
                                 .was = take_text(&at),
                                 .guess = head.flags & GUESS,
                                 .unlanded = head.flags & UNLANDED,
                                 .overwritten = head.flags & OVERWRITTEN};
    image.name = image.was ? take_text(&at) : NULL;
    image.to = image.name ? take_text(&at) : NULL;
    if (!image.to || !image.file.born_ns || head.seq != k->seq)
        return 0;
    if (!image.was[0])
        image.was = NULL;
    return rows_restore(k->m->rows, &image);
}

/* rows_adrift_fn. */
static int look_at(void *arg, const struct rows_adrift *image)
{
    struct keeping *k = arg;
    char key[AGENT_KEY_SIZE];

    if (agent_key(k->agent, k->m->id, image->to, key))
        intake_touch_key(k->agent, k->m->id, key, JOURNAL_SRC_SELF, 0);
    return 0;
}

int adrift_load(struct agent *a, uint64_t seq)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];
        struct keeping k = {.agent = a, .m = m, .seq = seq};
        char prefix[NAME_SIZE];

        if (!m->rows || m->conf->kind != CONF_REPOSITORY)
            continue;
        note_name(m, "", prefix);
        rc = index_meta_each(a->index, prefix, NULL, load_one, &k);
        m->adrift = k.count;
        if (rc == 0)
            rc = rows_each_adrift(m->rows, look_at, &k);
    }
    return rc;
}

#define LISTED_LOOKS_MAX 10000 /* so many are looked at before a scan comes to them */

/* index_fn: lists name the image by another path than the index, and nobody looked yet where it is.
 */
static int listed_one(void *arg, const char *key, const struct known *known)
{
    struct keeping *k = arg;
    const size_t prefix = k->m->prefix_len;
    struct index_entry there;
    int rc;

    if (!(known->flags & KNOWN_LISTED) || !known->moved_to || !plan_is_placed(known) ||
        (agent_image(k->agent, known->moved_to, &there) && /* it is in S3 there, too */
         file_id_same(plan_file(known), plan_file(&there.known))))
        return 0;
    rc = rows_listed(k->m->rows, key + prefix, plan_file(known), known->moved_to + prefix);
    if (rc > 0 && k->count++ < LISTED_LOOKS_MAX)
        intake_touch_key(k->agent, k->m->id, key, JOURNAL_SRC_SELF, 0);
    return rc < 0 ? rc : 0;
}

/* Where images are at whose places the index has others. */
struct below {
    struct keeping k;
    struct buf places; /* with their NULs */
};

/* rows_adrift_fn. */
static int below_gather(void *arg, const struct rows_adrift *image)
{
    struct below *b = arg;
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (!agent_key(b->k.agent, b->k.m->id, image->to, key) || !agent_image(b->k.agent, key, &e) ||
        !file_id_differs(plan_file(&e.known), image->file))
        return 0;
    return buf_append(&b->places, image->to, strlen(image->to) + 1);
}

/* Rows of what the index has at the place of an image that it does not have may be there: nobody
 * looked for that yet. */
static int below_listed(struct agent *a, struct mapping *m)
{
    struct below b = {.k = {.agent = a, .m = m}};
    int rc;

    buf_init(&b.places, SIZE_MAX);
    rc = rows_each_adrift(m->rows, below_gather, &b);
    for (const char *at = b.places.data; rc >= 0 && at && at < b.places.data + b.places.len;
         at += strlen(at) + 1) {
        char key[AGENT_KEY_SIZE];
        struct index_entry e;

        if (agent_key(a, m->id, at, key) && agent_image(a, key, &e))
            rc = rows_listed(m->rows, at, plan_file(&e.known), follow_listed_at(m, &e.known, at));
    }
    buf_release(&b.places);
    return rc < 0 ? rc : 0;
}

int adrift_listed(struct agent *a)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];
        struct keeping k = {.agent = a, .m = m};
        char name[NAME_SIZE], value[1];
        size_t size = sizeof value;

        if (!m->rows || m->conf->kind != CONF_REPOSITORY)
            continue;
        rc = below_listed(a, m);
        any_name(m, name);
        m->rows_any = index_meta_get(a->index, name, value, &size) == 0;
        if (rc == 0 && m->rows_any)
            rc = index_each_under(a->index, m->conf->prefix, NULL, listed_one, &k);
    }
    return rc;
}

/* An image of the table, and where it is. */
struct landing {
    const struct agent *agent;
    const struct mapping *m;
    struct file_id file;
    char to[PATH_BYTES_MAX + 1];
};

/* rows_adrift_fn: the first that S3 has where it is. */
static int find_landed(void *arg, const struct rows_adrift *image)
{
    struct landing *l = arg;
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (!agent_key(l->agent, l->m->id, image->to, key) || index_get(l->agent->index, key, &e) ||
        !plan_is_placed(&e.known) || (e.known.flags & KNOWN_UNCERTAIN) ||
        e.known.ino != image->file.ino || file_id_differs(plan_file(&e.known), image->file))
        return 0;
    l->file = image->file;
    (void)snprintf(l->to, sizeof l->to, "%s", image->to);
    return 1;
}

int adrift_landed(struct agent *a)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < a->mapping_count; i++) {
        struct landing l = {.agent = a, .m = &a->mappings[i]};

        for (unsigned n = 0; n < l.m->adrift; n++) {
            rc = rows_each_adrift(l.m->rows, find_landed, &l);
            if (rc <= 0)
                break;
            rc = rows_landed(l.m->rows, NULL, l.file, l.to);
            if (rc)
                return rc;
        }
    }
    return rc;
}
