/* Shell. Which journals a command reads. See journal_sources.h. */
#include "agent/commands/journal_sources.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 8 /* characters of an identity that tell two journals of one host apart */

const char *sources_add_dir(struct sources_options *opt, const char *text)
{
    if (journal_fetch_is_address(text))
        return "--dir is a directory: bring the journal's segments from S3 into one first (aws s3 "
               "cp --recursive)";
    if (opt->dir_count == JOURNAL_SOURCES_MAX)
        return "too many journals: 64 at most";
    opt->dirs[opt->dir_count++] = text;
    return NULL;
}

const char *sources_add_host(struct sources_options *opt, const char *text)
{
    if (opt->host_count == JOURNAL_SOURCES_MAX)
        return "too many hosts: 64 at most";
    opt->hosts[opt->host_count++] = text;
    return NULL;
}

/* By host, then by identity. */
static int compare(const void *a, const void *b)
{
    const struct journal_origin *x = a, *y = b;
    const int order = strcmp(x->id.host, y->id.host);

    return order ? order : strcmp(x->id.uuid, y->id.uuid);
}

/* Two journals of one host are told apart by what they are. */
static void name_all(struct journal_sources *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct journal_origin *it = &s->list[i];
        bool alike = (i > 0 && strcmp(it->id.host, s->list[i - 1].id.host) == 0) ||
                     (i + 1 < s->count && strcmp(it->id.host, s->list[i + 1].id.host) == 0);

        if (!it->id.host[0])
            snprintf(it->name, sizeof it->name, "%.*s", JOURNAL_IDENTITY_HOST, it->dir);
        else if (alike)
            snprintf(it->name, sizeof it->name, "%s/%.*s", it->id.host, PIECE, it->id.uuid);
        else
            snprintf(it->name, sizeof it->name, "%s", it->id.host);
    }
}

/* The same journal twice would count everything twice. */
static int refuse_copies(const struct journal_sources *s, struct err *e)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < i && s->list[i].id.uuid[0]; k++)
            if (strcmp(s->list[k].id.uuid, s->list[i].id.uuid) == 0)
                return err_set(e, -EINVAL, s->list[i].dir, "give each journal once",
                               "this is the journal %s, which is in %s, too", s->list[i].id.uuid,
                               s->list[k].dir);
    return 0;
}

/* Is a journal's host wanted? By its host's name, or by its own. */
static bool is_wanted(const struct sources_options *opt, const struct journal_origin *it)
{
    for (size_t i = 0; i < opt->host_count; i++)
        if (strcmp(opt->hosts[i], it->id.host) == 0 || strcmp(opt->hosts[i], it->name) == 0)
            return true;
    return opt->host_count == 0;
}

/* Leave those of the hosts that are wanted. */
static int choose(const struct sources_options *opt, struct journal_sources *s, struct err *e)
{
    char names[ERR_TEXT_MAX / 2] = "";
    size_t kept = 0, n = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (n < sizeof names)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
                                  s->list[i].name);
        if (is_wanted(opt, &s->list[i]))
            s->list[kept++] = s->list[i];
    }
    if (kept == 0)
        return err_set(e, -EINVAL, "--host", "", "no journal is of the host %s; there is %s",
                       opt->hosts[0], names);
    s->count = kept;
    return 0;
}

int journal_sources_find(const struct sources_options *opt, const struct conf *conf,
                         struct journal_sources *ret, struct err *e)
{
    const char *const own = conf ? conf->journal_dir : NULL;
    const size_t count = opt->dir_count ? opt->dir_count : 1;
    struct journal_sources s = {.told = opt->dir_count > 1};
    int rc = 0;

    s.list = calloc(count, sizeof *s.list);
    if (!s.list)
        return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    for (; rc == 0 && s.count < count; s.count++) {
        s.list[s.count].dir = opt->dir_count ? opt->dirs[s.count] : own;
        rc = journal_identity_read(s.list[s.count].dir, &s.list[s.count].id, e);
    }
    qsort(s.list, s.count, sizeof *s.list, compare);
    name_all(&s);
    if (rc == 0)
        rc = refuse_copies(&s, e);
    if (rc == 0)
        rc = choose(opt, &s, e);
    if (rc)
        journal_sources_release(&s);
    else
        *ret = s;
    return rc;
}

void journal_sources_release(struct journal_sources *s)
{
    free(s->list);
    *s = (struct journal_sources){0};
}

int journal_sources_status(int rc)
{
    return rc == -EINVAL ? EXIT_USAGE : EXIT_UNREACHED;
}

void journal_source_blame(const struct journal_sources *s, size_t which, struct err *e)
{
    char where[ERR_TEXT_MAX];

    if (!s->told)
        return;
    snprintf(where, sizeof where, "%.250s%s%.250s", s->list[which].name, e->where[0] ? ": " : "",
             e->where);
    snprintf(e->where, sizeof e->where, "%s", where);
}

int journal_source_json(const struct journal_sources *s, size_t which, struct buf *out)
{
    const struct journal_origin *it = &s->list[which];
    int rc = buf_append_str(out, s->told ? "{\"host\":" : "{");

    if (!s->told || rc)
        return rc;
    rc = json_string(out, it->id.host, strlen(it->id.host));
    return rc ? rc : buf_appendf(out, ",\"j\":\"%s\",", it->id.uuid);
}

int journal_streams_weave(const struct journal_sources *s, struct journal_reader *const *readers,
                          const uint64_t *last, struct journal_streams *ret, struct err *e)
{
    struct journal_strand strands[JOURNAL_SOURCES_MAX];

    for (size_t i = 0; i < s->count; i++)
        strands[i] = (struct journal_strand){readers[i], s->list[i].id.host, s->list[i].id.uuid,
                                             last ? last[i] : UINT64_MAX};
    *ret = (struct journal_streams){0};
    if (journal_weave_new(strands, s->count, &ret->weave))
        return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    return 0;
}

int journal_streams_open(const struct journal_sources *s, const uint64_t *last,
                         struct journal_streams *ret, struct err *e)
{
    struct journal_reader *readers[JOURNAL_SOURCES_MAX];
    size_t count = 0;
    int rc = 0;

    while (rc == 0 && count < s->count) {
        rc = journal_reader_open(s->list[count].dir, 1, &readers[count], e);
        count += rc == 0;
    }
    if (rc == 0)
        rc = journal_streams_weave(s, readers, last, ret, e);
    if (rc == 0) {
        memcpy(ret->readers, readers, count * sizeof *readers);
        ret->count = count;
        return 0;
    }
    while (count > 0)
        journal_reader_close(readers[--count]);
    return rc;
}

void journal_streams_close(struct journal_streams *streams)
{
    journal_weave_free(streams->weave);
    for (size_t i = 0; i < streams->count; i++)
        journal_reader_close(streams->readers[i]);
    *streams = (struct journal_streams){0};
}

int journal_sources_each(const struct journal_sources *s, journal_record_taken *fn, void *arg,
                         bool tell)
{
    struct journal_streams streams;
    struct journal_record rec;
    enum journal_read got;
    struct err e = {0};
    int status = EXIT_IN_STEP, code = 0;
    size_t which;

    if (journal_streams_open(s, NULL, &streams, &e))
        return command_fault(EXIT_UNREACHED, &e);
    while (code == 0 &&
           (got = journal_weave_read(streams.weave, &rec, NULL, &which, &e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_RECORD) {
            code = fn(arg, which, &rec);
        } else if (tell) {
            journal_source_blame(s, which, &e);
            status = command_fault(EXIT_DIFFERENCES, &e);
        }
    }
    journal_streams_close(&streams);
    if (code == 0)
        return status;
    (void)err_set(&e, -ENOMEM, NULL, NULL, "out of memory");
    return command_fault(EXIT_UNREACHED, &e);
}
