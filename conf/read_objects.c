/* The rules of what objects carry, from nodes. Pure. */
#include "conf/field.h"
#include "conf/reading.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

/* "name=value" in two, without the blanks at their edges. False where there is no '='. */
static bool split_pair(const char *text, char name[VALUE_TEXT_MAX], char value[VALUE_TEXT_MAX])
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || strlen(text) >= VALUE_TEXT_MAX)
        return false;
    text += strspn(text, " ");
    size_t n = text < equals ? (size_t)(equals - text) : 0;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    memcpy(name, text, n);
    name[n] = '\0';
    equals += 1 + strspn(equals + 1, " ");
    n = strlen(equals);
    while (n > 0 && equals[n - 1] == ' ')
        n--;
    memcpy(value, equals, n);
    value[n] = '\0';
    return true;
}

/* One name and its value, made normal, after those that are there. */
static const char *add_pair(struct reading *r, const struct setting *s, const char *name,
                            const char *value, struct conf_pairs *into)
{
    char normal[VALUE_TEXT_MAX];
    struct conf_pair *pair = &into->items[into->count];
    const char *why = s->normal_name(name, normal);
    if (why != NULL)
        return why;
    for (size_t i = 0; i < into->count; i++) {
        if (strcmp(into->items[i].name, normal) == 0)
            return "is a name that was given before";
    }
    reading_store_text(r, &pair->name, normal);
    why = s->normal(value, normal);
    if (why == NULL)
        reading_store_text(r, &pair->value, normal);
    if (why != NULL || pair->name == NULL || pair->value == NULL) {
        free(pair->name);
        free(pair->value);
        *pair = (struct conf_pair){0};
        return why;
    }
    into->count++;
    return NULL;
}

/* Whatever is at fault with one of them. */
static void read_pair(struct reading *r, const struct setting *s, const struct node *item,
                      bool named, const char *label, struct conf_pairs *into)
{
    char name[VALUE_TEXT_MAX];
    char value[VALUE_TEXT_MAX];
    const char *why;
    if (node_kind(item) != NODE_STRING)
        why = node_kind_words(node_kind(item));
    else if (named)
        why = add_pair(r, s, conf_node_name(item), node_string(item), into);
    else if (split_pair(node_string(item), name, value))
        why = add_pair(r, s, name, value, into);
    else
        why = "is not of the form name=value";
    if (why != NULL)
        reading_value_fault(r, s, item, label, why);
}

void reading_pairs(struct reading *r, const struct setting *s, const struct node *n,
                   const char *label, struct conf_pairs *into)
{
    size_t count = node_count(n);
    if (count > (size_t)s->max) {
        reading_value_fault(r, s, n, label, "is too long");
        return;
    }
    into->items = calloc(count + 1, sizeof(*into->items));
    if (into->items == NULL) {
        r->faults.no_memory = true;
        return;
    }
    bool named = node_kind(n) == NODE_GROUP;
    for (size_t i = 0; i < count; i++) {
        char one[READING_LABEL_MAX + 24];
        const struct node *item = node_at(n, i);
        if (named)
            (void)snprintf(one, sizeof(one), "%s.%s", label, conf_node_name(item)); /* cut */
        else
            (void)snprintf(one, sizeof(one), "%s[%zu]", label, i); /* fits */
        read_pair(r, s, item, named, one, into);
    }
}

/* One rule. */
static void read_object(struct reading *r, const struct node *group, const char *label,
                        struct conf_object *o)
{
    o->applies = SIZE_MAX;
    reading_group(r, &setting_objects, group, label, o);
    const struct node *n = node_member(group, "encryption");
    if (n == NULL || node_kind(n) != NODE_GROUP)
        return;
    char path[READING_LABEL_MAX + 16];
    (void)snprintf(path, sizeof(path), "%s.encryption", label); /* fits */
    reading_group(r, &setting_encryption, n, path, &o->encryption);
}

size_t reading_rules(struct reading *r, const struct setting *s, const struct node *list,
                     size_t most, size_t size, void **ret_rules, const struct node ***ret_nodes)
{
    if (list == NULL || node_kind(list) != NODE_LIST)
        return 0; /* the table said so */
    size_t count = node_count(list);
    if (count > most) {
        fault_add(&r->faults, node_line(list), s->name, "at most 64 rules", "%zu rules", count);
        return 0;
    }
    *ret_rules = calloc(count + 1, size);
    *ret_nodes = calloc(count + 1, sizeof(**ret_nodes));
    if (*ret_rules != NULL && *ret_nodes != NULL)
        return count;
    r->faults.no_memory = true;
    return 0;
}

const struct node *reading_rule(struct reading *r, const struct setting *s, const struct node *list,
                                size_t i, char label[READING_LABEL_MAX])
{
    const struct node *group = node_at(list, i);
    (void)snprintf(label, READING_LABEL_MAX, "%s[%zu]", s->name, i); /* fits */
    if (node_kind(group) == NODE_GROUP)
        return group;
    reading_value_fault(r, s, group, label, node_kind_words(node_kind(group)));
    return NULL;
}

void reading_objects(struct reading *r, const struct node *list)
{
    const struct setting *s = setting_find(&setting_top, "objects");
    struct conf *c = r->conf;
    void *rules = NULL;
    size_t count =
        reading_rules(r, s, list, CONF_OBJECTS_MAX, sizeof(*c->objects), &rules, &r->object_nodes);
    c->objects = rules;
    for (size_t i = 0; i < count; i++) {
        char label[READING_LABEL_MAX];
        const struct node *group = reading_rule(r, s, list, i, label);
        if (group == NULL)
            continue;
        r->object_nodes[c->object_count] = group;
        read_object(r, group, label, &c->objects[c->object_count++]);
    }
}
