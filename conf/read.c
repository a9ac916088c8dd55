/* Nodes -> struct conf, by the tables. Pure. */
#include "base/buf.h"
#include "conf/field.h"
#include "conf/lexical.h"
#include "conf/reading.h"
#include "conf/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBE_MAX 80 /* of a value in a message */

void reading_store_text(struct reading *r, char **field, const char *text)
{
    free(*field);
    *field = strdup(text);
    if (*field == NULL)
        r->faults.no_memory = true;
}

void reading_value_fault(struct reading *r, const struct setting *s, const struct node *n,
                         const char *label, const char *why)
{
    char value[DESCRIBE_MAX];
    char right[ERR_TEXT_MAX];
    (void)snprintf(right, sizeof(right), "expected %s", s->right); /* cut where too long */
    fault_add(&r->faults, node_line(n), label, right, "%s %s",
              node_describe(n, value, sizeof(value)), why);
}

/* A text, made normal. */
static void read_text(struct reading *r, const struct setting *s, const struct node *n,
                      const char *label, void *into)
{
    char normal[VALUE_TEXT_MAX];
    const char *why = s->normal(node_string(n), normal);
    if (why != NULL)
        reading_value_fault(r, s, n, label, why);
    else if (s->kind == SETTING_TEXT) /* a reference is looked up when all names are known */
        reading_store_text(r, setting_field(s, into), normal);
}

/* A number, however it is written. */
static void read_number(struct reading *r, const struct setting *s, const struct node *n,
                        const char *label, void *into)
{
    int64_t v = node_kind(n) == NODE_STRING ? 0
                : s->kind == SETTING_PRICE  ? node_billionths(n)
                                            : node_integer(n);
    if (node_kind(n) == NODE_STRING) {
        int e = setting_number(s, node_string(n), &v);
        if (e != 0) {
            reading_value_fault(r, s, n, label,
                                e == ERR_LIMIT ? "is out of range" : "is not one of those");
            return;
        }
    } else if (s->kind != SETTING_FLAG && (v < s->min || v > s->max)) {
        reading_value_fault(r, s, n, label, "is out of range");
        return;
    }
    setting_store_number(s, into, v);
}

/* The patterns of a list; all of its faults. */
static void read_patterns(struct reading *r, const struct setting *s, const struct node *n,
                          const char *label, char **into)
{
    for (size_t i = 0, kept = 0; i < node_count(n); i++) {
        char normal[VALUE_TEXT_MAX];
        char one[READING_LABEL_MAX + 24];
        const struct node *item = node_at(n, i);
        (void)snprintf(one, sizeof(one), "%s[%zu]", label, i); /* fits */
        const char *why = node_kind(item) != NODE_STRING ? node_kind_words(node_kind(item))
                                                         : s->normal(node_string(item), normal);
        if (why != NULL)
            reading_value_fault(r, s, item, one, why);
        else
            reading_store_text(r, &into[kept++], normal);
    }
}

/* Room for `count` patterns and the NULL after them. */
static char **new_patterns(struct reading *r, size_t count)
{
    char **patterns = calloc(count + 1, sizeof(*patterns));
    if (patterns == NULL)
        r->faults.no_memory = true;
    return patterns;
}

/* One setting that is given. */
static void read_setting(struct reading *r, const struct setting *s, const struct node *n,
                         const char *label, void *into)
{
    if (!setting_takes(s, node_kind(n))) {
        reading_value_fault(r, s, n, label, node_kind_words(node_kind(n)));
        return;
    }
    switch (s->kind) {
    case SETTING_TEXT:
    case SETTING_REFERENCE:
        read_text(r, s, n, label, into);
        break;
    case SETTING_COUNT:
    case SETTING_COUNT_32:
    case SETTING_MS:
    case SETTING_RESCAN:
    case SETTING_SIZE:
    case SETTING_PRICE:
    case SETTING_FLAG:
    case SETTING_CHOICE:
        read_number(r, s, n, label, into);
        break;
    case SETTING_PATTERNS:
        if (node_count(n) > (size_t)s->max) {
            reading_value_fault(r, s, n, label, "is too long");
            break;
        }
        char **patterns = new_patterns(r, node_count(n));
        if (patterns != NULL)
            read_patterns(r, s, n, label, patterns);
        *(char ***)setting_field(s, into) = patterns;
        break;
    case SETTING_PAIRS:
        reading_pairs(r, s, n, label, setting_field(s, into));
        break;
    case SETTING_GROUP: /* read_top reads what is in them */
    case SETTING_LIST:
        break;
    }
}

/* One setting that is not given. */
static void read_absent(struct reading *r, const struct setting *s, const struct node *group,
                        const char *label, void *into)
{
    int64_t v;
    if (s->required) {
        char right[ERR_TEXT_MAX];
        (void)snprintf(right, sizeof(right), "expected %s", s->right); /* cut where too long */
        fault_add(&r->faults, node_line(group), label, right, "is missing");
    } else if (s->kind == SETTING_PATTERNS) {
        *(char ***)setting_field(s, into) = new_patterns(r, 0);
    } else if (s->kind == SETTING_TEXT && s->fallback != NULL) {
        reading_store_text(r, setting_field(s, into), s->fallback);
    } else if (s->fallback != NULL && setting_number(s, s->fallback, &v) == 0) {
        setting_store_number(s, into, v);
    }
}

/* A name that the table does not have. */
static void add_unknown(struct reading *r, const struct setting_table *t, const struct node *n,
                        const char *label)
{
    char right[ERR_TEXT_MAX];
    const struct setting *near = setting_nearest(t, conf_node_name(n));
    const char *home = setting_home(conf_node_name(n));
    if (home != NULL) {
        (void)snprintf(right, sizeof(right), "it belongs in %s", home); /* fits */
    } else if (near != NULL) {
        (void)snprintf(right, sizeof(right), "did you mean %s?", near->name); /* fits */
    } else {
        size_t len = (size_t)snprintf(right, sizeof(right), "known here:");
        for (size_t i = 0; i < t->count && len < sizeof(right); i++)
            len += (size_t)snprintf(right + len, sizeof(right) - len, "%s %s", i > 0 ? "," : "",
                                    t->items[i].name);
    }
    fault_add(&r->faults, node_line(n), label, right, "unknown setting");
}

/* The settings that the group does not have; NULL: there is no such group. */
static void read_defaults(struct reading *r, const struct setting_table *t,
                          const struct node *group, const char *label, void *into)
{
    char path[READING_LABEL_MAX];
    const char *dot = label[0] == '\0' ? "" : ".";
    for (size_t i = 0; i < t->count; i++) {
        const struct setting *s = &t->items[i];
        if (group != NULL && node_member(group, s->name) != NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s%s%s", label, dot, s->name); /* fits */
        read_absent(r, s, group, path, into);
    }
}

void reading_group(struct reading *r, const struct setting_table *t, const struct node *group,
                   const char *label, void *into)
{
    char path[READING_LABEL_MAX];
    const char *dot = label[0] == '\0' ? "" : ".";
    for (size_t i = 0; i < node_count(group); i++) {
        const struct node *n = node_at(group, i);
        (void)snprintf(path, sizeof(path), "%s%s%s", label, dot,
                       conf_node_name(n)); /* cut: a message */
        const struct setting *s = setting_find(t, conf_node_name(n));
        if (s == NULL)
            add_unknown(r, t, n, path);
        else
            read_setting(r, s, n, path, into);
    }
    read_defaults(r, t, group, label, into);
}

/* How many groups a list of mappings has; a fault if they are too many or none though it must
 * have some. */
static size_t count_mappings(struct reading *r, const struct node *list, const struct setting *s)
{
    if (list == NULL || node_kind(list) != NODE_LIST)
        return 0; /* read_setting said so */
    size_t n = node_count(list);
    if (n > READING_MAPPINGS_MAX) {
        fault_add(&r->faults, node_line(list), s->name, "at most 256 of a kind", "%zu mappings", n);
        return 0;
    }
    if (n == 0 && s->required)
        fault_add(&r->faults, node_line(list), s->name, s->right, "is empty");
    return n;
}

/* The groups of one list into conf->mappings, after those that are there. */
static void read_mappings(struct reading *r, const struct node *list, const struct setting *s,
                          const struct setting_table *t, enum conf_mapping_kind kind, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char label[READING_LABEL_MAX];
        const struct node *group = node_at(list, i);
        (void)snprintf(label, sizeof(label), "%s[%zu]", s->name, i); /* fits */
        if (node_kind(group) != NODE_GROUP) {
            reading_value_fault(r, s, group, label, node_kind_words(node_kind(group)));
            continue;
        }
        struct conf_mapping *m = &r->conf->mappings[r->conf->mapping_count];
        r->origins[r->conf->mapping_count++] = (struct mapping_origin){group, i};
        m->kind = kind;
        reading_group(r, t, group, label, m);
    }
}

/* The groups of the timetable. */
static void read_timetable(struct reading *r, const struct node *list, const struct setting *s)
{
    if (list == NULL || node_kind(list) != NODE_LIST)
        return; /* read_setting said so */
    size_t count = node_count(list);
    if (count > (size_t)s->max) {
        fault_add(&r->faults, node_line(list), s->name, "at most 24 rows", "%zu rows", count);
        return;
    }
    r->conf->timetable = calloc(count + 1, sizeof(*r->conf->timetable));
    if (r->conf->timetable == NULL) {
        r->faults.no_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char label[READING_LABEL_MAX];
        const struct node *group = node_at(list, i);
        (void)snprintf(label, sizeof(label), "%s[%zu]", s->name, i); /* fits */
        if (node_kind(group) != NODE_GROUP)
            reading_value_fault(r, s, group, label, node_kind_words(node_kind(group)));
        else
            reading_group(r, &setting_timetable, group, label,
                          &r->conf->timetable[r->conf->timetable_count++]);
    }
}

/* Settings whose default is made from others. */
static void derive(struct reading *r)
{
    struct conf *c = r->conf;
    char path[VALUE_TEXT_MAX + 16];
    if (c->state_dir == NULL)
        return;
    const struct node *root = source_root(r->source);
    if (c->journal_dir == NULL && node_member(root, "journal_dir") == NULL) {
        (void)snprintf(path, sizeof(path), "%s/journal", c->state_dir); /* fits */
        reading_store_text(r, &c->journal_dir, path);
    }
    if (c->socket == NULL && node_member(root, "socket") == NULL) {
        char normal[VALUE_TEXT_MAX];
        (void)snprintf(path, sizeof(path), "%s/control.sock", c->state_dir); /* fits */
        if (value_socket(path, normal) == NULL)
            reading_store_text(r, &c->socket, normal);
        else
            fault_add(&r->faults, reading_node_line(root, "state_dir"), "state_dir",
                      "a shorter path, or set socket",
                      "is too long for the control socket below it");
    }
}

/* How the journal is signed, and where it goes. */
static void read_journal(struct reading *r, const struct node *group)
{
    const struct node *lock;
    if (group != NULL && node_kind(group) != NODE_GROUP)
        return; /* read_setting said so */
    if (group == NULL) {
        read_defaults(r, &setting_journal, NULL, "journal", &r->conf->journal);
        return;
    }
    reading_group(r, &setting_journal, group, "journal", &r->conf->journal);
    lock = node_member(group, "lock");
    if (lock != NULL && node_kind(lock) == NODE_GROUP)
        reading_group(r, &setting_lock, lock, "journal.lock", &r->conf->journal.lock);
}

/* Where monitoring finds its figures. */
static void read_metrics(struct reading *r, const struct node *group)
{
    if (group != NULL && node_kind(group) == NODE_GROUP)
        reading_group(r, &setting_metrics, group, "metrics", &r->conf->metrics);
}

/* All of the file. */
static void read_top(struct reading *r)
{
    const struct node *root = source_root(r->source);
    reading_group(r, &setting_top, root, "", r->conf);
    const struct node *group = node_member(root, "s3");
    if (group != NULL && node_kind(group) == NODE_GROUP)
        reading_group(r, &setting_s3, group, "s3", &r->conf->s3);
    read_journal(r, node_member(root, "journal"));
    read_metrics(r, node_member(root, "metrics"));
    group = node_member(root, "prices");
    if (group != NULL && node_kind(group) == NODE_GROUP)
        reading_group(r, &setting_prices, group, "prices", &r->conf->prices);
    group = node_member(root, "limits");
    if (group != NULL && node_kind(group) == NODE_GROUP)
        reading_group(r, &setting_limits, group, "limits", &r->conf->limits);
    read_timetable(r, node_member(root, "timetable"), setting_find(&setting_top, "timetable"));
    const struct setting *s_images = setting_find(&setting_top, "repositories");
    const struct setting *s_lists = setting_find(&setting_top, "lists");
    const struct node *images = node_member(root, "repositories");
    const struct node *lists = node_member(root, "lists");
    size_t image_count = count_mappings(r, images, s_images);
    size_t list_count = count_mappings(r, lists, s_lists);
    r->conf->mappings = calloc(image_count + list_count + 1, sizeof(*r->conf->mappings));
    r->origins = calloc(image_count + list_count + 1, sizeof(*r->origins));
    if (r->conf->mappings == NULL || r->origins == NULL) {
        r->faults.no_memory = true;
        return;
    }
    read_mappings(r, images, s_images, &setting_repositories, CONF_REPOSITORY, image_count);
    read_mappings(r, lists, s_lists, &setting_lists, CONF_LISTS, list_count);
    reading_objects(r, node_member(root, "objects"));
    reading_policies(r, node_member(root, "policies"));
    reading_reserve(r);
    derive(r);
}

void reading_begin(struct reading *r, const char *text, const char *file)
{
    *r = (struct reading){0};
    fault_list_init(&r->faults, file);
    struct buf prepared;
    buf_init(&prepared, 2 * READING_TEXT_MAX);
    int e =
        strlen(text) > READING_TEXT_MAX ? ERR_LIMIT : lexical_prepare(text, &prepared, &r->faults);
    if (e == ERR_LIMIT)
        fault_add(&r->faults, 0, "", "at most 1 MiB", "is too large");
    if (e == 0 && r->faults.found == 0)
        e = conf_source_read(prepared.len > 0 ? prepared.data : "", &r->source, &r->faults);
    buf_release(&prepared);
    if (e == -ENOMEM)
        r->faults.no_memory = true;
    if (r->source == NULL)
        return;
    r->conf = calloc(1, sizeof(*r->conf));
    if (r->conf == NULL) {
        r->faults.no_memory = true;
        return;
    }
    reading_store_text(r, &r->conf->file, file);
    read_top(r);
}

int reading_end(struct reading *r, struct conf **ret, struct conf_faults *faults)
{
    int e = fault_list_give(&r->faults, faults);
    source_free(r->source);
    free(r->origins);
    free(r->object_nodes);
    free(r->policy_nodes);
    if (e == 0)
        *ret = r->conf;
    else
        conf_free(r->conf);
    *r = (struct reading){0};
    return e;
}

int reading_node_line(const struct node *group, const char *name)
{
    const struct node *n = node_member(group, name);
    return node_line(n != NULL ? n : group);
}

char *reading_label(const struct reading *r, size_t mapping, const char *name, char *out)
{
    const char *list = r->conf->mappings[mapping].kind == CONF_LISTS ? "lists" : "repositories";
    (void)snprintf(out, READING_LABEL_MAX, "%s[%zu].%s", list, r->origins[mapping].position,
                   name); /* fits */
    return out;
}

int reading_line(const struct reading *r, size_t mapping, const char *name)
{
    return reading_node_line(r->origins[mapping].node, name);
}
