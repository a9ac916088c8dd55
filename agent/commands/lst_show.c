/* Shell. Findings on lists, as text, as lines of JSON, and as SARIF 2.1.0. See lst.h. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SARIF_SCHEMA                                                                               \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define PIECE (1u << 16) /* bytes that are gathered before they are written */

/* How many of each severity. */
struct sum {
    uint64_t of[LST_ERROR + 1];
};

static struct sum sum_up(const struct lst_findings *f)
{
    struct sum s = {0};

    for (size_t i = 0; i < f->n; i++)
        s.of[lst_rule_info(f->items[i].rule)->severity]++;
    return s;
}

/* What a person reads: the rule's words, what was found, the other row. It becomes all of out. */
static int message(struct buf *out, const struct lst_finding *x, const struct lst_inputs *in)
{
    int rc;

    buf_reset(out);
    rc = buf_append_str(out, lst_rule_info(x->rule)->text);
    if (rc == 0 && x->detail)
        rc = buf_appendf(out, " (%s)", x->detail);
    if (rc == 0 && x->other != LST_NOWHERE)
        rc = buf_appendf(out, "; see %s:%" PRIu64, in->lists[x->other_list].name, x->other_line);
    return rc;
}

/* One line for a person. */
static int show_text(const struct lst_finding *x, const struct lst_inputs *in, struct buf *text)
{
    const struct lst_rule_info *info = lst_rule_info(x->rule);
    int rc = message(text, x, in);

    if (rc < 0)
        return rc;
    command_print_name(in->lists[x->list].name);
    if (x->line > 0)
        printf(":%" PRIu64, x->line);
    printf(": %s: ", lst_severity_name(info->severity));
    command_print_name(text->data);
    printf(" [%s]\n", info->id);
    return 0;
}

static void plural(const char *before, uint64_t n, const char *what)
{
    printf("%s%" PRIu64 " %s%s", before, n, what, n == 1 ? "" : "s");
}

/* The last line for a person. */
static void sum_text(const struct sum *s, const struct lst_inputs *in, uint64_t images)
{
    plural("", in->n, "list");
    plural(", ", images, "image");
    plural(" looked at: ", s->of[LST_ERROR], "error");
    plural(", ", s->of[LST_WARNING], "warning");
    plural(", ", s->of[LST_NOTE], "note");
    putchar('\n');
}

/* One line of JSON. */
static int show_json(const struct lst_finding *x, const struct lst_inputs *in, struct buf *text)
{
    const struct lst_rule_info *info = lst_rule_info(x->rule);
    struct json_writer w;
    struct buf line;
    int rc = message(text, x, in);

    if (rc < 0)
        return rc;
    buf_init(&line, SIZE_MAX);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_put_string(&w, "file", in->lists[x->list].name);
    if (x->line > 0)
        json_put_int(&w, "line", (int64_t)x->line);
    json_put_string(&w, "severity", lst_severity_name(info->severity));
    json_put_string(&w, "rule", info->id);
    json_put_string(&w, "message", text->data);
    if (x->detail)
        json_put_string(&w, "detail", x->detail);
    if (x->other != LST_NOWHERE) {
        json_put_string(&w, "other_file", in->lists[x->other_list].name);
        json_put_int(&w, "other_line", (int64_t)x->other_line);
    }
    return command_print_json(&w, &line);
}

static int sum_json(const struct sum *s, const struct lst_inputs *in, uint64_t images)
{
    struct json_writer w;
    struct buf line;

    buf_init(&line, PIECE);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_put_int(&w, "lists", (int64_t)in->n);
    json_put_int(&w, "images", (int64_t)images);
    json_put_int(&w, "errors", (int64_t)s->of[LST_ERROR]);
    json_put_int(&w, "warnings", (int64_t)s->of[LST_WARNING]);
    json_put_int(&w, "notes", (int64_t)s->of[LST_NOTE]);
    return command_print_json(&w, &line);
}

/* A file name as a URI reference: what is not unreserved or '/' is escaped. */
static int uri(struct buf *out, const char *name)
{
    int rc = 0;

    buf_reset(out);
    for (; rc == 0 && *name; name++) {
        unsigned c = (unsigned char)*name;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~/", (int)c);

        rc = plain ? buf_append_byte(out, *name) : buf_appendf(out, "%%%02X", c);
    }
    return rc;
}

/* Where, in the words of SARIF. */
static int sarif_place(struct json_writer *w, const char *file, uint64_t line)
{
    struct buf name;
    int rc;

    buf_init(&name, SIZE_MAX);
    rc = uri(&name, file);
    if (rc == 0) {
        json_object(w, NULL);
        json_object(w, "physicalLocation");
        json_object(w, "artifactLocation");
        json_put_string(w, "uri", name.data);
        json_object_end(w);
        if (line > 0) {
            json_object(w, "region");
            json_put_int(w, "startLine", (int64_t)line);
            json_object_end(w);
        }
        json_object_end(w);
        json_object_end(w);
    }
    buf_release(&name);
    return rc;
}

static void sarif_text(struct json_writer *w, const char *key, const char *text)
{
    json_object(w, key);
    json_put_string(w, "text", text);
    json_object_end(w);
}

/* The program and its rules. */
static void sarif_tool(struct json_writer *w)
{
    json_object(w, "tool");
    json_object(w, "driver");
    json_put_string(w, "name", "lockstep");
    json_put_string(w, "version", PACKAGE_VERSION);
    json_array(w, "rules");
    for (int rule = 0; rule < LST_RULE_COUNT; rule++) {
        const struct lst_rule_info *info = lst_rule_info((enum lst_rule)rule);

        json_object(w, NULL);
        json_put_string(w, "id", info->id);
        sarif_text(w, "shortDescription", info->text);
        json_object(w, "defaultConfiguration");
        json_put_string(w, "level", lst_severity_name(info->severity));
        json_object_end(w);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
    json_object_end(w);
}

static int sarif_result(struct json_writer *w, const struct lst_finding *x,
                        const struct lst_inputs *in, struct buf *text)
{
    const struct lst_rule_info *info = lst_rule_info(x->rule);
    int rc = message(text, x, in);

    if (rc < 0)
        return rc;
    json_object(w, NULL);
    json_put_string(w, "ruleId", info->id);
    json_put_int(w, "ruleIndex", (int64_t)x->rule);
    json_put_string(w, "level", lst_severity_name(info->severity));
    sarif_text(w, "message", text->data);
    json_array(w, "locations");
    rc = sarif_place(w, in->lists[x->list].name, x->line);
    json_array_end(w);
    if (rc == 0 && x->other != LST_NOWHERE) {
        json_array(w, "relatedLocations");
        rc = sarif_place(w, in->lists[x->other_list].name, x->other_line);
        json_array_end(w);
    }
    json_object_end(w);
    return rc;
}

/* One document, written as it grows. */
static int show_sarif(const struct lst_findings *f, const struct lst_inputs *in, struct buf *text)
{
    struct json_writer w;
    struct buf out;
    int rc = 0;

    buf_init(&out, SIZE_MAX);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "$schema", SARIF_SCHEMA);
    json_put_string(&w, "version", "2.1.0");
    json_array(&w, "runs");
    json_object(&w, NULL);
    sarif_tool(&w);
    json_put_string(&w, "columnKind", "unicodeCodePoints");
    json_array(&w, "results");
    for (size_t i = 0; rc == 0 && i < f->n; i++) {
        rc = sarif_result(&w, &f->items[i], in, text);
        if (out.len > PIECE) {
            fwrite(out.data, 1, out.len, stdout);
            buf_reset(&out);
        }
    }
    json_array_end(&w);
    json_object_end(&w);
    json_array_end(&w);
    if (rc == 0)
        rc = command_print_json(&w, &out);
    buf_release(&out);
    return rc;
}

int lst_show(enum lst_format format, const struct lst_findings *f, const struct lst_inputs *in,
             uint64_t images)
{
    struct sum s = sum_up(f);
    struct buf text;
    int rc = 0;

    buf_init(&text, SIZE_MAX);
    if (format == LST_SARIF)
        rc = show_sarif(f, in, &text);
    for (size_t i = 0; rc == 0 && format != LST_SARIF && i < f->n; i++)
        rc = format == LST_JSON ? show_json(&f->items[i], in, &text)
                                : show_text(&f->items[i], in, &text);
    if (rc == 0 && format == LST_TEXT)
        sum_text(&s, in, images);
    if (rc == 0 && format == LST_JSON)
        rc = sum_json(&s, in, images);
    buf_release(&text);
    if (rc < 0)
        return command_fault(EXIT_UNREACHED, &(struct err){.code = rc, .what = "out of memory"});
    return s.of[LST_ERROR] + s.of[LST_WARNING] > 0 ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}
