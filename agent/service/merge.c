/* Shell. Disk, index and S3 as one stream. See merge.h. */
#include "agent/service/merge.h"

#include "agent/service/ordered.h"
#include "agent/service/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_STEP 900 /* objects between places where pages may begin: a page has 1,000 */

struct merge {
    struct merge_options opt;
    struct walk *walk;
    struct ordered *ordered;
    struct s3_listing *listing;
    struct ordered_places *places; /* guesses, from the index */
    struct walk *names;            /* or from the disk */
    char place[MERGE_KEY_SIZE];

    /* The next one of each; whether there is one. */
    struct walk_file file;
    char file_key[MERGE_KEY_SIZE];
    bool has_file, has_entry, has_object;
    const struct ordered_entry *entry;
    const struct s3_object *object;
    bool took_file, took_entry, took_object; /* by the last answer */
    char key[MERGE_KEY_SIZE];
};

/* s3_listing_options.split: every so many names of the tree. */
static const char *place_on_disk(void *arg)
{
    struct merge *m = arg;
    struct walk_file f;

    for (unsigned i = 0; i < PAGE_STEP; i++)
        if (walk_next(m->names, &f) <= 0)
            return NULL;
    snprintf(m->place, sizeof m->place, "%s%s", m->opt.prefix, f.path);
    return m->place;
}

/* The listing, with guesses of where its pages may begin. */
static int open_listing(struct merge *m, struct err *e)
{
    struct s3_listing_options lo = {.prefix = m->opt.prefix};
    int rc;

    if (m->opt.by_disk) {
        rc = walk_open(m->opt.root_fd, m->opt.filter, false, &m->names);
        lo.split = place_on_disk;
        lo.split_arg = m;
    } else {
        rc = ordered_places_open(m->opt.index, m->opt.prefix, PAGE_STEP, &m->places);
        lo.split = ordered_place;
        lo.split_arg = m->places;
    }
    if (rc)
        return err_set(e, rc, m->opt.prefix, NULL, "%s", err_name(rc));
    return s3_listing_open(m->opt.uploaders, &lo, &m->listing, e);
}

int merge_open(const struct merge_options *opt, struct merge **ret, struct err *e)
{
    struct merge *m = calloc(1, sizeof *m);
    int rc;

    if (!m)
        return err_set(e, -ENOMEM, opt->prefix, NULL, "no memory");
    m->opt = *opt;
    m->took_file = m->took_entry = m->took_object = true;
    rc = walk_open(opt->root_fd, opt->filter, true, &m->walk);
    if (rc)
        err_set(e, rc, opt->prefix, NULL, "the tree cannot be read: %s", err_name(rc));
    if (rc == 0) {
        rc = ordered_open(opt->index, opt->prefix, &m->ordered);
        if (rc)
            err_set(e, rc, opt->prefix, NULL, "%s", err_name(rc));
    }
    if (rc == 0)
        rc = open_listing(m, e);
    if (rc) {
        merge_close(m);
        return rc;
    }
    *ret = m;
    return 0;
}

void merge_close(struct merge *m)
{
    if (!m)
        return;
    s3_listing_close(m->listing); /* first: it asks for places */
    ordered_places_close(m->places);
    walk_close(m->names);
    walk_close(m->walk);
    ordered_close(m->ordered);
    free(m);
}

/* The next file. */
static int step_file(struct merge *m, struct err *e)
{
    int rc = walk_next(m->walk, &m->file);

    m->has_file = rc == 1;
    if (rc < 0)
        return err_set(e, rc, m->opt.prefix, NULL, "the tree cannot be read: %s", err_name(rc));
    if (m->has_file)
        snprintf(m->file_key, sizeof m->file_key, "%s%s", m->opt.prefix, m->file.path);
    return 0;
}

/* Have the next one of each where the last one was handed out. */
static int step(struct merge *m, struct err *e)
{
    int rc = m->took_file ? step_file(m, e) : 0;

    if (rc == 0 && m->took_entry) {
        rc = ordered_next(m->ordered, &m->entry);
        m->has_entry = rc == 1;
        if (rc < 0)
            return err_set(e, rc, "index", NULL, "it cannot be read: %s", err_name(rc));
        rc = 0;
    }
    if (rc == 0 && m->took_object) {
        rc = s3_listing_next(m->listing, &m->object, e);
        m->has_object = rc == 1;
        rc = rc == 1 ? 0 : rc;
    }
    return rc;
}

/* The smaller one of two keys; NULL is none. */
static const char *smaller(const char *a, const char *b)
{
    if (!a || !b)
        return a ? a : b;
    return strcmp(a, b) <= 0 ? a : b;
}

int merge_next(struct merge *m, struct merged *ret, struct err *e)
{
    const char *least = NULL;
    int rc = step(m, e);

    if (rc)
        return rc;
    if (m->has_file)
        least = m->file_key;
    if (m->has_entry)
        least = smaller(least, m->entry->key);
    if (m->has_object)
        least = smaller(least, m->object->key);
    if (!least)
        return 0;
    snprintf(m->key, sizeof m->key, "%s", least);
    m->took_file = m->has_file && strcmp(m->file_key, m->key) == 0;
    m->took_entry = m->has_entry && strcmp(m->entry->key, m->key) == 0;
    m->took_object = m->has_object && strcmp(m->object->key, m->key) == 0;
    *ret = (struct merged){.key = m->key,
                           .path = m->key + strlen(m->opt.prefix),
                           .known = m->took_entry ? &m->entry->entry.known : NULL,
                           .object = m->took_object ? m->object : NULL};
    if (m->took_file) {
        ret->on_disk = true;
        ret->st = m->file.st;
        ret->code = m->file.code;
    }
    return 1;
}
