/* The configuration as text and as structs. Pure. */
#include "conf/conf.h"

#include "base/path.h"
#include "conf/reading.h"

#include <stdlib.h>

int conf_parse(const char *text, const char *file, struct conf **ret, struct conf_faults *faults)
{
    struct reading r;
    *faults = (struct conf_faults){0};
    reading_begin(&r, text, file);
    reading_check(&r);
    return reading_end(&r, ret, faults);
}

bool conf_hours_hold(const struct conf_hours *h, unsigned hour)
{
    unsigned from = (unsigned)(h->hours[0] - '0') * 10 + (unsigned)(h->hours[1] - '0');
    unsigned to = (unsigned)(h->hours[3] - '0') * 10 + (unsigned)(h->hours[4] - '0');
    return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

const struct conf_policy *conf_policy_of(const struct conf *c, size_t mapping, const char *path)
{
    for (size_t i = 0; i < c->policy_count; i++) {
        const struct conf_policy *p = &c->policies[i];
        char *const *pattern = p->match;
        if (p->applies != SIZE_MAX && p->applies != mapping)
            continue;
        while (*pattern != NULL && !path_glob(*pattern, path))
            pattern++;
        if (*pattern != NULL || p->match[0] == NULL)
            return p;
    }
    return NULL;
}

/* Patterns, up to NULL; NULL is allowed. */
static void release_patterns(char **patterns)
{
    for (char **p = patterns; p != NULL && *p != NULL; p++)
        free(*p);
    free(patterns);
}

/* What a mapping holds. */
static void release_mapping(struct conf_mapping *m)
{
    free(m->name);
    free(m->path);
    free(m->given);
    free(m->prefix);
    free(m->marker);
    release_patterns(m->exclude);
    free(m->manifest);
    free(m->augmented_manifest);
}

/* Names and values. */
static void release_pairs(struct conf_pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].name);
        free(p->items[i].value);
    }
    free(p->items);
}

/* What a rule of objects holds. */
static void release_object(struct conf_object *o)
{
    release_patterns(o->match);
    free(o->mapping);
    free(o->content_type);
    free(o->content_encoding);
    free(o->content_disposition);
    free(o->content_language);
    free(o->cache_control);
    free(o->storage_class);
    free(o->acl);
    release_pairs(&o->metadata);
    release_pairs(&o->tags);
    free(o->encryption.key);
    free(o->encryption.key_file);
    release_pairs(&o->encryption.context);
}

void conf_free(struct conf *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->mappings != NULL && i < c->mapping_count; i++)
        release_mapping(&c->mappings[i]);
    free(c->mappings);
    for (size_t i = 0; c->objects != NULL && i < c->object_count; i++)
        release_object(&c->objects[i]);
    free(c->objects);
    for (size_t i = 0; i < c->policy_count; i++) {
        release_patterns(c->policies[i].match);
        free(c->policies[i].mapping);
        free(c->policies[i].label_from_directory);
    }
    free(c->policies);
    free(c->s3.expected_bucket_owner);
    for (size_t i = 0; i < c->timetable_count; i++)
        free(c->timetable[i].hours);
    free(c->timetable);
    free(c->file);
    free(c->state_dir);
    free(c->journal_dir);
    free(c->journal.key);
    free(c->journal.prefix);
    free(c->metrics.listen);
    free(c->metrics.file);
    free(c->socket);
    free(c->s3.bucket);
    free(c->s3.region);
    free(c->s3.endpoint);
    free(c->s3.profile);
    free(c->prices.currency);
    free(c->s3.ca_file);
    free(c->s3.proxy);
    free(c->s3.trash_prefix);
    free(c);
}
