/* Shell. lockstep journal at, diff: what S3 had at a moment. See journal_past.h. */
#include "agent/commands/journal_past.h"

#include "agent/commands/commands.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/json.h"
#include "journal/past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (4 * JOURNAL_LINE_MAX)
#define SECONDS_CHARS  19 /* of an ISO time */

/* Which objects are spoken of, and whose they are. */
struct part {
    const struct past_question *q;
    const struct journal_origin *host; /* NULL: not told */
};

/* The content's checksum, or "-". */
static const char *checksum(const struct past_object *o, char out[CRC64_BASE64_SIZE])
{
    return o->has_crc ? crc64nvme_base64(o->crc64, out) : "-";
}

/* "host mapping:path" at the end of a line. */
static void print_place(const struct part *part, const struct past_object *o)
{
    if (part->host) {
        command_print_name(part->host->name);
        putchar(' ');
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one of the two is there */
    command_print_name(o->mapping);
    putchar(':');
    command_print_name(o->path);
    putchar('\n');
}

static void print_object(const struct part *part, const struct past_object *o)
{
    char crc[CRC64_BASE64_SIZE], iso[CLOCK_ISO_SIZE];

    clock_iso(o->mtime_ns / 1000, iso)[SECONDS_CHARS] = '\0';
    printf("%12" PRIu64 " %sZ %-12s %-32s %s%s", o->size, iso, checksum(o, crc),
           o->etag[0] ? o->etag : "-", o->version, o->version[0] ? " " : "");
    print_place(part, o);
}

/* The members of an object, by the names that records have. */
static void put_object(struct json_writer *w, const struct past_object *o)
{
    char crc[CRC64_BASE64_SIZE], iso[CLOCK_ISO_SIZE], number[32];

    json_put_string(w, "w", o->mapping);
    json_put_string(w, "p", o->path);
    json_put_int(w, "s", (int64_t)o->size);
    snprintf(number, sizeof number, "%" PRId64 ".%09" PRId64, o->mtime_ns / 1000000000,
             o->mtime_ns % 1000000000);
    json_put_string(w, "m", number);
    if (o->etag[0])
        json_put_string(w, "e", o->etag);
    if (o->version[0])
        json_put_string(w, "v", o->version);
    if (o->has_crc)
        json_put_string(w, "c", checksum(o, crc));
    json_put_int(w, "q", (int64_t)o->seq);
    json_put_string(w, "time", clock_iso(o->time_us, iso));
}

/* One line of JSON; `change` may be NULL. */
static int print_json(const struct part *part, const struct past_object *o, const char *change,
                      const struct past_object *was)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, LINE_MAX_BYTES);
    json_begin(&w, &out);
    json_object(&w, NULL);
    if (part->host) {
        json_put_string(&w, "host", part->host->id.host);
        json_put_string(&w, "j", part->host->id.uuid);
    }
    if (change)
        json_put_string(&w, "change", change);
    put_object(&w, o);
    if (was) {
        json_object(&w, "before");
        put_object(&w, was);
        json_object_end(&w);
    }
    return command_print_json(&w, &out);
}

/* Each object on a line. 0 or -ENOMEM. */
static int print_lines(const struct past *p, const struct part *part)
{
    const struct past_object **list;
    size_t n;
    int code = past_list(p, part->q->mapping, part->q->within, &list, &n);

    if (code)
        return code;
    for (size_t i = 0; i < n && code == 0; i++) {
        if (part->q->json)
            code = print_json(part, list[i], NULL, NULL);
        else
            print_object(part, list[i]);
    }
    free(list);
    return code;
}

/* What a mapping's keys begin with; NULL where the configuration does not have it. */
static const char *prefix_of(const struct conf *conf, const char *mapping)
{
    for (size_t i = 0; i < conf->mapping_count; i++)
        if (strcmp(conf->mappings[i].name, mapping) == 0)
            return conf->mappings[i].prefix;
    return NULL;
}

/* The keys as S3 reads them. 0 or -ENOMEM. */
static int print_manifest(const struct past *p, const struct part *part, const struct conf *conf)
{
    const struct past_object **list;
    struct buf out;
    size_t n;
    int code = past_list(p, part->q->mapping, part->q->within, &list, &n);

    if (code)
        return code;
    printf("[\n{\"prefix\": \"s3://%s/\"}", conf->s3.bucket);
    buf_init(&out, LINE_MAX_BYTES);
    for (size_t i = 0; i < n && code == 0; i++) {
        const char *prefix = prefix_of(conf, list[i]->mapping);
        char key[2 * JOURNAL_LINE_MAX];

        if (!prefix)
            continue;
        snprintf(key, sizeof key, "%s%s", prefix, list[i]->path);
        buf_reset(&out);
        code = json_string(&out, key, strlen(key));
        if (code == 0)
            printf(",\n%.*s", (int)out.len, out.data);
    }
    fputs("\n]\n", stdout);
    buf_release(&out);
    free(list);
    return code;
}

/* How the two differ; NULL: in nothing that the journal tells. */
static const char *difference(const struct past_object *was, const struct past_object *is)
{
    if (!past_same_content(was, is))
        return "edited";
    return was->mtime_ns != is->mtime_ns || was->mode != is->mode ? "metadata" : NULL;
}

/* Tell of one difference. */
static int tell(const struct part *part, const struct past_object *was,
                const struct past_object *is)
{
    const struct past_object *o = is ? is : was;
    const char *change = !was ? "added" : !is ? "removed" : difference(was, is);

    if (!change)
        return 0;
    if (part->q->json)
        return print_json(part, o, change, is ? was : NULL);
    printf("%-8s ", change);
    print_place(part, o);
    return 0;
}

/* What was added, removed, has other content or other metadata. 0 or -ENOMEM. */
static int print_differences(const struct past *before, const struct past *after,
                             const struct part *part)
{
    const struct past_object **was, **is;
    size_t was_n, is_n, i = 0, k = 0;
    int code = past_list(before, part->q->mapping, part->q->within, &was, &was_n);

    if (code)
        return code;
    code = past_list(after, part->q->mapping, part->q->within, &is, &is_n);
    if (code) {
        free(was);
        return code;
    }
    while (code == 0 && (i < was_n || k < is_n)) {
        const int order = i == was_n ? 1 : k == is_n ? -1 : past_compare(was[i], is[k]);

        code = tell(part, order <= 0 ? was[i] : NULL, order >= 0 ? is[k] : NULL);
        i += order <= 0;
        k += order >= 0;
    }
    free(was);
    free(is);
    return code;
}

/* What S3 had is gathered up to one or two moments, of each tree. */
struct gathering {
    const struct past_question *q;
    struct past *past[JOURNAL_SOURCES_MAX][PAST_MOMENTS];
    size_t trees;
};

/* journal_record_taken */
static int gather(void *arg, size_t which, const struct journal_record *r)
{
    struct gathering *g = arg;
    struct past *const *past = g->past[g->q->one_tree ? 0 : which];
    int code = 0;

    for (int i = 0; i < g->q->count && code == 0; i++)
        if (r->time_us <= g->q->until_us[i])
            code = past_apply(past[i], r);
    return code;
}

/* One tree's part of the answer. 0 or -ENOMEM. */
static int print_tree(struct past *const *past, const struct part *part, const struct conf *conf)
{
    if (part->q->count == PAST_MOMENTS)
        return print_differences(past[0], past[1], part);
    return part->q->manifest ? print_manifest(past[0], part, conf) : print_lines(past[0], part);
}

/* All that is needed to gather. 0 or -ENOMEM; what was made is in g all the same. */
static int begin(struct gathering *g)
{
    for (size_t i = 0; i < g->trees; i++)
        for (int k = 0; k < g->q->count; k++)
            if (!(g->past[i][k] = past_new()))
                return -ENOMEM;
    return 0;
}

int journal_past(const struct journal_sources *s, const struct past_question *q,
                 const struct conf *conf)
{
    struct gathering g = {.q = q, .trees = q->one_tree ? 1 : s->count};
    const struct err no_memory = {.code = -ENOMEM, .what = "out of memory"};
    int status = EXIT_UNREACHED, code = begin(&g);

    if (code == 0)
        status = journal_sources_each(s, gather, &g, true);
    for (size_t i = 0; i < g.trees && code == 0 && status != EXIT_UNREACHED; i++) {
        const struct part part = {q, s->told && !q->one_tree ? &s->list[i] : NULL};

        code = print_tree(g.past[i], &part, conf);
    }
    if (code)
        status = command_fault(EXIT_UNREACHED, &no_memory);
    for (size_t i = 0; i < g.trees; i++)
        for (int k = 0; k < q->count; k++)
            past_free(g.past[i][k]);
    return status;
}
