/* The rules of what becomes of rows, from nodes. Pure. */
#include "conf/reading.h"

#include <stdlib.h>

void reading_policies(struct reading *r, const struct node *list)
{
    const struct setting *s = setting_find(&setting_top, "policies");
    struct conf *c = r->conf;
    if (list == NULL || node_kind(list) != NODE_LIST)
        return; /* the table said so */
    size_t count = node_count(list);
    if (count > CONF_POLICIES_MAX) {
        fault_add(&r->faults, node_line(list), s->name, "at most 64 rules", "%zu rules", count);
        return;
    }
    c->policies = calloc(count + 1, sizeof(*c->policies));
    r->policy_nodes = calloc(count + 1, sizeof(*r->policy_nodes));
    if (c->policies == NULL || r->policy_nodes == NULL) {
        r->faults.no_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char label[READING_LABEL_MAX];
        const struct node *group = node_at(list, i);
        (void)snprintf(label, sizeof(label), "%s[%zu]", s->name, i); /* fits */
        if (node_kind(group) != NODE_GROUP) {
            reading_value_fault(r, s, group, label, node_kind_words(node_kind(group)));
            continue;
        }
        struct conf_policy *p = &c->policies[c->policy_count];
        p->applies = SIZE_MAX;
        r->policy_nodes[c->policy_count++] = group;
        reading_group(r, &setting_policies, group, label, p);
    }
}
