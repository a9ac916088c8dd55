/* The settings of a file as libconfig read them. Shell: the one place that knows libconfig. */
#include "conf/node.h"

#include "conf/value.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

struct source {
    config_t config;
};

/* A node is libconfig's setting. */
static const config_setting_t *setting_of(const struct node *n)
{
    return (const config_setting_t *)n;
}

static const struct node *node_of(const config_setting_t *s)
{
    return (const struct node *)s;
}

/* libconfig's own error as a fault. */
static int add_syntax_fault(const config_t *config, struct fault_list *faults)
{
    const char *text = config_error_text(config);
    if (text == NULL)
        text = "syntax error";
    const char *right = "name = value; with text in \"\", groups in { }, lists in ( )";
    if (strcmp(text, "duplicate setting name") == 0)
        right = "give each setting once";
    fault_add(faults, config_error_line(config), "", right, "%s", text);
    return ERR_SYNTAX;
}

int conf_source_read(const char *text, struct source **ret, struct fault_list *faults)
{
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    config_init(&s->config);
    config_set_include_dir(&s->config, "/dev/null"); /* below it nothing can be included */
    if (config_read_string(&s->config, text) != CONFIG_TRUE) {
        int r = add_syntax_fault(&s->config, faults);
        source_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    config_destroy(&s->config);
    free(s);
}

const struct node *source_root(const struct source *s)
{
    return node_of(config_root_setting(&s->config));
}

enum node_kind node_kind(const struct node *n)
{
    switch (config_setting_type(setting_of(n))) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return NODE_INTEGER;
    case CONFIG_TYPE_FLOAT:
        return NODE_FLOAT;
    case CONFIG_TYPE_STRING:
        return NODE_STRING;
    case CONFIG_TYPE_BOOL:
        return NODE_BOOL;
    case CONFIG_TYPE_ARRAY:
        return NODE_ARRAY;
    case CONFIG_TYPE_LIST:
        return NODE_LIST;
    default:
        return NODE_GROUP;
    }
}

int node_line(const struct node *n)
{
    return (int)config_setting_source_line(setting_of(n));
}

const char *conf_node_name(const struct node *n)
{
    const char *name = config_setting_name(setting_of(n));
    return name == NULL ? "" : name;
}

size_t node_count(const struct node *n)
{
    enum node_kind kind = node_kind(n);
    if (kind != NODE_GROUP && kind != NODE_LIST && kind != NODE_ARRAY)
        return 0;
    return (size_t)config_setting_length(setting_of(n));
}

const struct node *node_at(const struct node *n, size_t i)
{
    return node_of(config_setting_get_elem(setting_of(n), (unsigned)i));
}

const struct node *node_member(const struct node *n, const char *name)
{
    if (node_kind(n) != NODE_GROUP)
        return NULL;
    return node_of(config_setting_get_member(setting_of(n), name));
}

const char *node_string(const struct node *n)
{
    const char *s = config_setting_get_string(setting_of(n));
    return s == NULL ? "" : s;
}

int64_t node_integer(const struct node *n)
{
    if (node_kind(n) == NODE_BOOL)
        return config_setting_get_bool(setting_of(n));
    return config_setting_get_int64(setting_of(n));
}

int64_t node_billionths(const struct node *n)
{
    double v = node_kind(n) == NODE_FLOAT ? config_setting_get_float(setting_of(n))
                                          : (double)node_integer(n);
    if (v < 0)
        return -1;
    return v < 9e9 ? (int64_t)(v * 1e9 + 0.5) : INT64_MAX;
}

const char *node_kind_words(enum node_kind kind)
{
    switch (kind) {
    case NODE_INTEGER:
        return "is a number, not in quotes";
    case NODE_FLOAT:
        return "is a number with a fraction";
    case NODE_STRING:
        return "is a string, in quotes";
    case NODE_BOOL:
        return "is true or false, not in quotes";
    case NODE_ARRAY:
    case NODE_LIST:
    case NODE_GROUP:
        return "does not fit here";
    }
    return "";
}

char *node_describe(const struct node *n, char *out, size_t size)
{
    switch (node_kind(n)) {
    case NODE_INTEGER:
        (void)snprintf(out, size, "%lld", (long long)node_integer(n)); /* fits */
        break;
    case NODE_FLOAT:
        (void)snprintf(out, size, "%g", config_setting_get_float(setting_of(n))); /* fits */
        break;
    case NODE_STRING:
        (void)value_quote(node_string(n), out, size); /* returns out */
        break;
    case NODE_BOOL:
        (void)snprintf(out, size, "%s", node_integer(n) != 0 ? "true" : "false"); /* fits */
        break;
    case NODE_ARRAY:
        (void)snprintf(out, size, "an array [ ]"); /* fits */
        break;
    case NODE_LIST:
        (void)snprintf(out, size, "a list ( )"); /* fits */
        break;
    case NODE_GROUP:
        (void)snprintf(out, size, "a group { }"); /* fits */
        break;
    }
    return out;
}
