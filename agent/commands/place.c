/* Shell. Where a list lies, on disk and in S3. See place.h. */
#include "agent/commands/place.h"

#include "agent/commands/commands.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The deepest mapping of lists that has this file, or NULL. */
static const struct conf_mapping *lists_of(const struct conf *conf, const char *file)
{
    const struct conf_mapping *best = NULL;

    for (size_t i = 0; i < conf->mapping_count; i++) {
        const struct conf_mapping *m = &conf->mappings[i];

        if (m->kind == CONF_LISTS && path_is_within(file, m->path) &&
            (!best || strlen(m->path) > strlen(best->path)))
            best = m;
    }
    return best;
}

int place_find(const char *conf_file, const char *list, struct place *ret)
{
    struct err e = {0};
    int status;

    *ret = (struct place){0};
    if (!realpath(list, ret->file)) {
        (void)err_set(&e, -errno, list, NULL, "%s", err_name(-errno));
        return command_fault(EXIT_USAGE, &e);
    }
    status = command_load(conf_file ? conf_file : CONF_DEFAULT_FILE, true, &ret->conf);
    if (status)
        return status;
    ret->lists = lists_of(ret->conf, ret->file);
    if (!ret->lists) {
        (void)err_set(&e, ERR_SYNTAX, list, "a list below the path of such a mapping",
                      "no lists mapping of the configuration has it");
        place_release(ret);
        return command_fault(EXIT_USAGE, &e);
    }
    ret->images = &ret->conf->mappings[ret->lists->repository];
    ret->below = ret->file + strlen(ret->lists->path);
    ret->below += *ret->below == '/';
    return EXIT_IN_STEP;
}

void place_release(struct place *p)
{
    conf_free(p->conf);
    p->conf = NULL;
}

int place_uri(const struct conf *conf, const struct conf_mapping *m, const char *path, char *out,
              size_t size, struct err *e)
{
    int n;

    if (strncmp(conf->s3.bucket, "arn:", 4) == 0)
        return err_set(e, ERR_SYNTAX, conf->s3.bucket,
                       "the alias of the access point as s3.bucket, or a place that is given",
                       "training jobs take no ARN in place of a bucket");
    n = snprintf(out, size, "s3://%s/%s%s", conf->s3.bucket, m->prefix, path);
    if (n < 0 || (size_t)n >= size)
        return err_set(e, ERR_SYNTAX, path, "a shorter key", "its place in S3 is too long");
    return 0;
}
