/* Shell. What S3 had at a moment. See journal_past.h. */
#include "agent/commands/journal_past.h"

#include "agent/commands/commands.h"

#include "base/clock.h"
#include "base/crc.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (4 * JOURNAL_LINE_MAX)
#define SECONDS_CHARS  19 /* of an ISO time */

/* The content's checksum, or "-". */
static const char *checksum(const struct past_object *o, char out[CRC64_BASE64_SIZE])
{
    return o->has_crc ? crc64nvme_base64(o->crc64, out) : "-";
}

static void print_object(const struct past_object *o)
{
    char crc[CRC64_BASE64_SIZE], iso[CLOCK_ISO_SIZE];

    clock_iso(o->mtime_ns / 1000, iso)[SECONDS_CHARS] = '\0';
    printf("%12" PRIu64 " %sZ %-12s %-32s %s%s", o->size, iso, checksum(o, crc),
           o->etag[0] ? o->etag : "-", o->version, o->version[0] ? " " : "");
    command_print_name(o->mapping);
    putchar(':');
    command_print_name(o->path);
    putchar('\n');
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
static int print_json(const struct past_object *o, const char *change,
                      const struct past_object *was)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, LINE_MAX_BYTES);
    json_begin(&w, &out);
    json_object(&w, NULL);
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

int journal_at_lines(const struct past *p, const struct past_part *part, bool json)
{
    const struct past_object **list;
    size_t n;
    int code = past_list(p, part->mapping, part->within, &list, &n);

    if (code)
        return code;
    for (size_t i = 0; i < n && code == 0; i++) {
        if (json)
            code = print_json(list[i], NULL, NULL);
        else
            print_object(list[i]);
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

int journal_at_manifest(const struct past *p, const struct past_part *part, const struct conf *conf)
{
    const struct past_object **list;
    struct buf out;
    size_t n;
    int code = past_list(p, part->mapping, part->within, &list, &n);

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
static int tell(const struct past_object *was, const struct past_object *is, bool json)
{
    const struct past_object *o = is ? is : was;
    const char *change = !was ? "added" : !is ? "removed" : difference(was, is);

    if (!change)
        return 0;
    if (json)
        return print_json(o, change, is ? was : NULL);
    printf("%-8s ", change);
    command_print_name(o->mapping);
    putchar(':');
    command_print_name(o->path);
    putchar('\n');
    return 0;
}

int journal_differences(const struct past *before, const struct past *after,
                        const struct past_part *part, bool json)
{
    const struct past_object **was, **is;
    size_t was_n, is_n, i = 0, k = 0;
    int code = past_list(before, part->mapping, part->within, &was, &was_n);

    if (code)
        return code;
    code = past_list(after, part->mapping, part->within, &is, &is_n);
    if (code) {
        free(was);
        return code;
    }
    while (code == 0 && (i < was_n || k < is_n)) {
        const int order = i == was_n ? 1 : k == is_n ? -1 : past_compare(was[i], is[k]);

        code = tell(order <= 0 ? was[i] : NULL, order >= 0 ? is[k] : NULL, json);
        i += order <= 0;
        k += order >= 0;
    }
    free(was);
    free(is);
    return code;
}
