/* The configuration as text and as structs. Pure. */
#include "conf/conf.h"

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

/* What a mapping holds. */
static void release_mapping(struct conf_mapping *m)
{
    free(m->name);
    free(m->path);
    free(m->prefix);
    for (char **p = m->exclude; p != NULL && *p != NULL; p++)
        free(*p);
    free(m->exclude);
}

void conf_free(struct conf *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->mappings != NULL && i < c->mapping_count; i++)
        release_mapping(&c->mappings[i]);
    free(c->mappings);
    free(c->file);
    free(c->state_dir);
    free(c->journal_dir);
    free(c->socket);
    free(c->s3.bucket);
    free(c->s3.region);
    free(c->s3.endpoint);
    free(c->s3.profile);
    free(c->s3.ca_file);
    free(c);
}
