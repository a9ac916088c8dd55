/* What is in force, in the file's own syntax. Shell: writes to a stream. */
#include "conf/setting.h"
#include "conf/value.h"

#include <inttypes.h>
#include <stdlib.h>

struct printer {
    FILE *out;
    const struct conf *conf;
    const char *indent;
    bool brief; /* what is not set is not spoken of */
};

/* A string in quotes, whatever its length. */
static void put_quoted(FILE *out, const char *text)
{
    char quoted[8 * VALUE_TEXT_MAX + 16];
    (void)fputs(value_quote(text, quoted, sizeof(quoted)), out);
}

/* The patterns as a list. */
static void put_patterns(FILE *out, char *const *patterns)
{
    (void)fputs("(", out);
    for (size_t i = 0; patterns[i] != NULL; i++) {
        (void)fputs(i > 0 ? ", " : " ", out);
        put_quoted(out, patterns[i]);
    }
    (void)fputs(" )", out);
}

/* Names and values as a list, which takes any name. */
static void put_pairs(FILE *out, const struct conf_pairs *pairs)
{
    (void)fputs("(", out);
    for (size_t i = 0; i < pairs->count; i++) {
        char text[2 * VALUE_TEXT_MAX + 2];
        (void)snprintf(text, sizeof(text), "%s=%s", pairs->items[i].name,
                       pairs->items[i].value); /* fits */
        (void)fputs(i > 0 ? ", " : " ", out);
        put_quoted(out, text);
    }
    (void)fputs(" )", out);
}

/* The value of a field. */
static void put_value(const struct printer *p, const struct setting *s, const void *field)
{
    char text[VALUE_NUMBER_MAX];
    int64_t ms;
    switch (s->kind) {
    case SETTING_TEXT:
        put_quoted(p->out, *(char *const *)field);
        break;
    case SETTING_COUNT:
        (void)fprintf(p->out, "%" PRIu64, *(const uint64_t *)field);
        break;
    case SETTING_COUNT_32:
        (void)fprintf(p->out, "%u", *(const unsigned *)field);
        break;
    case SETTING_MS:
        (void)fprintf(p->out, "%" PRId64, *(const int64_t *)field);
        break;
    case SETTING_RESCAN:
        ms = *(const int64_t *)field;
        put_quoted(p->out, ms < 0 ? "auto" : ms == 0 ? "off" : value_duration_text(ms, text));
        break;
    case SETTING_SIZE:
        put_quoted(p->out, value_size_text(*(const uint64_t *)field, text));
        break;
    case SETTING_PRICE:
        (void)fputs(value_price_text(*(const int64_t *)field, text), p->out);
        break;
    case SETTING_FLAG:
        (void)fputs(*(const bool *)field ? "true" : "false", p->out);
        break;
    case SETTING_CHOICE:
        put_quoted(p->out, s->words[*(const unsigned *)field]);
        break;
    case SETTING_PATTERNS:
        put_patterns(p->out, *(char **const *)field);
        break;
    case SETTING_PAIRS:
        put_pairs(p->out, field);
        break;
    case SETTING_REFERENCE:
        put_quoted(p->out, p->conf->mappings[*(const size_t *)field].name);
        break;
    case SETTING_GROUP:
    case SETTING_LIST:
        break;
    }
}

/* A field that nobody set and that has no default. */
static bool is_unset(const struct setting *s, const void *field)
{
    return (s->kind == SETTING_TEXT && *(char *const *)field == NULL) ||
           (s->kind == SETTING_PAIRS && ((const struct conf_pairs *)field)->count == 0);
}

/* All single settings of a group. */
static void put_group(const struct printer *p, const struct setting_table *t, const void *from)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->items[i];
        const void *field = (const char *)from + s->offset;
        if (s->kind == SETTING_GROUP || s->kind == SETTING_LIST)
            continue;
        if (is_unset(s, field)) {
            if (!p->brief)
                (void)fprintf(p->out, "%s# %s is not set\n", p->indent, s->name);
            continue;
        }
        (void)fprintf(p->out, "%s%s = ", p->indent, s->name);
        put_value(p, s, field);
        (void)fputs(";\n", p->out);
    }
}

/* The mappings of one kind. */
static void put_mappings(const struct printer *p, const char *name, enum conf_mapping_kind kind,
                         const struct setting_table *t)
{
    bool any = false;
    (void)fprintf(p->out, "%s = (", name);
    for (size_t i = 0; i < p->conf->mapping_count; i++) {
        if (p->conf->mappings[i].kind != kind)
            continue;
        (void)fprintf(p->out, "%s\n    {\n", any ? "," : "");
        put_group(p, t, &p->conf->mappings[i]);
        (void)fputs("    }", p->out);
        any = true;
    }
    (void)fprintf(p->out, "%s);\n", any ? "\n" : " ");
}

/* The rules of what objects carry. */
static void put_objects(struct printer *p)
{
    const char *const indent = p->indent;
    p->brief = true;
    (void)fputs("objects = (", p->out);
    for (size_t i = 0; i < p->conf->object_count; i++) {
        const struct conf_object *o = &p->conf->objects[i];
        (void)fprintf(p->out, "%s\n    {\n", i > 0 ? "," : "");
        put_group(p, &setting_objects, o);
        if (o->encryption.kind != CONF_ENCRYPTION_UNSET) {
            (void)fprintf(p->out, "%sencryption: {\n", indent);
            p->indent = "            ";
            put_group(p, &setting_encryption, &o->encryption);
            p->indent = indent;
            (void)fprintf(p->out, "%s};\n", indent);
        }
        (void)fputs("    }", p->out);
    }
    (void)fprintf(p->out, "%s);\n", p->conf->object_count > 0 ? "\n" : " ");
}

/* The rules of what becomes of rows. */
static void put_policies(struct printer *p)
{
    p->brief = true;
    (void)fputs("policies = (", p->out);
    for (size_t i = 0; i < p->conf->policy_count; i++) {
        (void)fprintf(p->out, "%s\n    {\n", i > 0 ? "," : "");
        put_group(p, &setting_policies, &p->conf->policies[i]);
        (void)fputs("    }", p->out);
    }
    (void)fprintf(p->out, "%s);\n", p->conf->policy_count > 0 ? "\n" : " ");
}

/* The rows of the timetable. */
static void put_timetable(const struct printer *p)
{
    (void)fputs("timetable = (", p->out);
    for (size_t i = 0; i < p->conf->timetable_count; i++) {
        (void)fprintf(p->out, "%s\n    {\n", i > 0 ? "," : "");
        put_group(p, &setting_timetable, &p->conf->timetable[i]);
        (void)fputs("    }", p->out);
    }
    (void)fprintf(p->out, "%s);\n", p->conf->timetable_count > 0 ? "\n" : " ");
}

/* How long S3 keeps what it gets of the journal. */
static void put_lock(struct printer *p)
{
    const char *const indent = p->indent;
    if (p->conf->journal.lock.days == 0) {
        (void)fprintf(p->out, "%s# lock is not set\n", indent);
        return;
    }
    (void)fprintf(p->out, "%slock: {\n", indent);
    p->indent = "        ";
    put_group(p, &setting_lock, &p->conf->journal.lock);
    p->indent = indent;
    (void)fprintf(p->out, "%s};\n", indent);
}

void conf_print(const struct conf *c, FILE *out)
{
    struct printer p = {.out = out, .conf = c, .indent = ""};
    put_group(&p, &setting_top, c);
    p.indent = "    ";
    (void)fputs("journal: {\n", out);
    put_group(&p, &setting_journal, &c->journal);
    put_lock(&p);
    (void)fputs("};\n", out);
    (void)fputs("metrics: {\n", out);
    put_group(&p, &setting_metrics, &c->metrics);
    (void)fputs("};\n", out);
    (void)fputs("s3: {\n", out);
    put_group(&p, &setting_s3, &c->s3);
    (void)fputs("};\nlimits: {\n", out);
    put_group(&p, &setting_limits, &c->limits);
    (void)fputs("};\n", out);
    if (c->prices.currency != NULL) {
        (void)fputs("prices: {\n", out);
        put_group(&p, &setting_prices, &c->prices);
        (void)fputs("};\n", out);
    }
    p.indent = "        ";
    put_timetable(&p);
    put_mappings(&p, "repositories", CONF_REPOSITORY, &setting_repositories);
    put_mappings(&p, "lists", CONF_LISTS, &setting_lists);
    put_objects(&p);
    put_policies(&p);
}
