/* Manifests beside lists: their names, held against each other and kept free. Pure. */
#include "conf/reading.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

/* The one name ends as the other does: two lists could have one manifest. */
static bool ends_alike(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    return n < m ? memcmp(a, b + m - n, n) == 0 : memcmp(a + n - m, b, m) == 0;
}

static void check_mapping(struct reading *r, size_t i)
{
    const struct conf_mapping *m = &r->conf->mappings[i];
    const char *bucket = r->conf->s3.bucket;
    const char *name = m->manifest != NULL ? "manifest" : "augmented_manifest";
    char label[READING_LABEL_MAX];
    if (m->manifest == NULL && m->augmented_manifest == NULL)
        return;
    if (m->manifest != NULL && m->augmented_manifest != NULL &&
        ends_alike(m->manifest, m->augmented_manifest))
        fault_add(&r->faults, reading_line(r, i, "augmented_manifest"),
                  reading_label(r, i, "augmented_manifest", label),
                  "expected two names of which neither ends with the other",
                  "\"%s\" and \"%s\" could be the name of one and the same manifest", m->manifest,
                  m->augmented_manifest);
    if (bucket != NULL && strncmp(bucket, "arn:", 4) == 0)
        fault_add(&r->faults, reading_line(r, i, name), reading_label(r, i, name, label),
                  "the alias of the access point as s3.bucket, or no manifests",
                  "manifests name a bucket, and an ARN is none (%s)", bucket);
}

void reading_check_manifests(struct reading *r)
{
    for (size_t i = 0; i < r->conf->mapping_count; i++)
        check_mapping(r, i);
}

/* One more pattern, unless it is there. */
static void exclude(struct reading *r, struct conf_mapping *m, const char *suffix)
{
    char pattern[VALUE_SUFFIX_MAX + 2];
    size_t n = 0;
    char **more;
    if (suffix == NULL || m->exclude == NULL)
        return;
    (void)snprintf(pattern, sizeof(pattern), "*%s", suffix); /* fits */
    for (; m->exclude[n] != NULL; n++) {
        if (strcmp(m->exclude[n], pattern) == 0)
            return;
    }
    more = realloc(m->exclude, (n + 2) * sizeof(*more));
    if (more == NULL) {
        r->faults.no_memory = true;
        return;
    }
    m->exclude = more;
    more[n] = more[n + 1] = NULL;
    reading_store_text(r, &more[n], pattern);
}

void reading_reserve(struct reading *r)
{
    for (size_t i = 0; i < r->conf->mapping_count; i++) {
        struct conf_mapping *m = &r->conf->mappings[i];
        exclude(r, m, m->manifest);
        exclude(r, m, m->augmented_manifest);
    }
}
