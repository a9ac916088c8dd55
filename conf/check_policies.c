/* The rules of what becomes of rows, held against the mappings and each other. Pure. */
#include "conf/reading.h"

#include <string.h>

#define POLICY_FAULT(r, i, name, right, ...)                                                       \
    do {                                                                                           \
        char label_[READING_LABEL_MAX];                                                            \
        (void)snprintf(label_, sizeof(label_), "policies[%zu].%s", (i), (name)); /* fits */        \
        fault_add(&(r)->faults, reading_node_line((r)->policy_nodes[i], (name)), label_, (right),  \
                  __VA_ARGS__);                                                                    \
    } while (0)

/* The mapping of a rule, by its name: it must be one of lists. */
static void check_mapping(struct reading *r, size_t i)
{
    struct conf_policy *p = &r->conf->policies[i];
    bool named = false; /* is there any name to choose from? */
    if (p->mapping == NULL)
        return;
    for (size_t j = 0; j < r->conf->mapping_count; j++) {
        const struct conf_mapping *m = &r->conf->mappings[j];
        named = named || (m->name != NULL && m->kind == CONF_LISTS);
        if (m->name == NULL || strcmp(m->name, p->mapping) != 0)
            continue;
        p->applies = j;
        if (m->kind == CONF_REPOSITORY)
            POLICY_FAULT(r, i, "mapping", "expected the name of one of the lists mappings",
                         "\"%s\" is a repository, and holds no lists", p->mapping);
        return;
    }
    if (named)
        POLICY_FAULT(r, i, "mapping", "expected the name of one of the lists mappings",
                     "\"%s\" is no mapping of this file", p->mapping);
}

/* Settings of one rule that leave each other nothing to do. */
static void check_settings(struct reading *r, size_t i)
{
    const struct conf_policy *p = &r->conf->policies[i];
    const struct node *group = r->policy_nodes[i];
    static const char *const deeds[] = {"on_remove", "on_rename", "reindex",
                                        "label_from_directory"};
    size_t given = 0;
    for (size_t k = 0; k < sizeof(deeds) / sizeof(deeds[0]); k++)
        given += node_member(group, deeds[k]) != NULL;
    if (given == 0)
        POLICY_FAULT(r, i, "on_remove",
                     "expected on_remove, on_rename, reindex or label_from_directory in the rule",
                     "is missing, and so is all else that the rule could set");
    if (p->label_from_directory != NULL && p->on_rename == CONF_RENAME_DROP)
        POLICY_FAULT(r, i, "label_from_directory", "leave one of them out",
                     "has no row to label: on_rename = \"drop\" takes them out");
    if (p->reindex && p->on_remove == CONF_REMOVE_KEEP && p->on_rename == CONF_RENAME_FOLLOW)
        POLICY_FAULT(r, i, "reindex", "leave it out, or let rows go",
                     "is for lists that lose rows, and this rule keeps them all");
}

/* Every list that rule `i` could decide about is decided about by rule `j` before. */
static bool is_hidden(const struct conf_policy *i, const struct conf_policy *j)
{
    return (j->match == NULL || j->match[0] == NULL) &&
           (j->mapping == NULL || (i->mapping != NULL && strcmp(i->mapping, j->mapping) == 0));
}

void reading_check_policies(struct reading *r)
{
    const struct conf *c = r->conf;
    if (c->policies == NULL || r->policy_nodes == NULL)
        return;
    for (size_t i = 0; i < c->policy_count; i++) {
        size_t j = 0;
        check_mapping(r, i);
        check_settings(r, i);
        while (j < i && !is_hidden(&c->policies[i], &c->policies[j]))
            j++;
        if (j < i)
            POLICY_FAULT(r, i, "match", "put it before the rule that takes every list",
                         "is never asked: the rule in line %d decides before",
                         node_line(r->policy_nodes[j]));
    }
}
