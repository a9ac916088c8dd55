/* The rules of what becomes of rows, from nodes. Pure. */
#include "conf/reading.h"

void reading_policies(struct reading *r, const struct node *list)
{
    const struct setting *s = setting_find(&setting_top, "policies");
    struct conf *c = r->conf;
    void *rules = NULL;
    size_t count = reading_rules(r, s, list, CONF_POLICIES_MAX, sizeof(*c->policies), &rules,
                                 &r->policy_nodes);
    c->policies = rules;
    for (size_t i = 0; i < count; i++) {
        char label[READING_LABEL_MAX];
        const struct node *group = reading_rule(r, s, list, i, label);
        if (group == NULL)
            continue;
        struct conf_policy *p = &c->policies[c->policy_count];
        p->applies = SIZE_MAX;
        r->policy_nodes[c->policy_count++] = group;
        reading_group(r, &setting_policies, group, label, p);
    }
}
