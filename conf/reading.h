/*
 * One reading of a file: text -> nodes -> struct conf, with every fault on the way.
 *
 *   reading_begin -> [reading_resolve] -> reading_check -> reading_end
 */
#ifndef LOCKSTEP_CONF_READING_H
#define LOCKSTEP_CONF_READING_H

#include "conf/faults.h"
#include "conf/node.h"
#include "conf/setting.h"

#define READING_MAPPINGS_MAX 256
#define READING_TEXT_MAX     (1u << 20) /* bytes of a file */
#define READING_LABEL_MAX    160        /* of "repositories[0].settle_ms" */

/* Where a mapping stands in the file. */
struct mapping_origin {
    const struct node *node;
    size_t position; /* in its own list */
};

struct reading {
    struct fault_list faults;
    struct source *source;
    struct conf *conf;                /* with NULL where a text was at fault */
    struct mapping_origin *origins;   /* one for each of conf->mappings */
    const struct node **object_nodes; /* one for each of conf->objects */
    const struct node **policy_nodes; /* one for each of conf->policies */
};

/* reading_begin(r, text, file): all that can be said of single values. Faults are in r. Pure but
 * for libconfig. */
void reading_begin(struct reading *r, const char *text, const char *file);

/* reading_resolve(r): paths become canonical; directories and files named must be there. Shell. */
void reading_resolve(struct reading *r);

/* reading_check(r): values held against each other. Pure. */
void reading_check(struct reading *r);

/* reading_check_s3(r): those of the group s3, as a part of it. */
void reading_check_s3(struct reading *r);

/* reading_check_manifests(r): names of manifests, against each other. reading_reserve(r): they are
 * excluded from the trees of lists. */
void reading_check_manifests(struct reading *r);
void reading_reserve(struct reading *r);

/* reading_end(r, ret, faults): hand over what came of it; r is released. 0, ERR_SYNTAX, -ENOMEM. */
int reading_end(struct reading *r, struct conf **ret, struct conf_faults *faults)
    __attribute__((warn_unused_result));

/*
 * Pieces of the reading, for what has a file of its own. reading_group: a group by its table;
 * `label` is its path, "" at the top. reading_value_fault: "<value> <why>; expected <right>".
 * reading_store_text: text into a field, what was there is freed. reading_pairs: names and values.
 */
void reading_group(struct reading *r, const struct setting_table *t, const struct node *group,
                   const char *label, void *into);
void reading_value_fault(struct reading *r, const struct setting *s, const struct node *n,
                         const char *label, const char *why);
void reading_store_text(struct reading *r, char **field, const char *text);
void reading_pairs(struct reading *r, const struct setting *s, const struct node *n,
                   const char *label, struct conf_pairs *into);

/* reading_rules(r, s, list, most, size, ret_rules, ret_nodes): room for the rules of a list (NULL:
 * there is none), so large each, and for their nodes. How many there are; 0 where that is a fault,
 * too. reading_rule(r, s, list, i, label): the group of one of them, and its label; NULL, with the
 * fault, where it is none. */
size_t reading_rules(struct reading *r, const struct setting *s, const struct node *list,
                     size_t most, size_t size, void **ret_rules, const struct node ***ret_nodes);
const struct node *reading_rule(struct reading *r, const struct setting *s, const struct node *list,
                                size_t i, char label[READING_LABEL_MAX]);

/* reading_objects(r, list): the rules of what objects carry; NULL: there are none.
 * reading_check_objects(r): held against each other, and against the mappings. */
void reading_objects(struct reading *r, const struct node *list);
void reading_check_objects(struct reading *r);

/* reading_policies, reading_check_policies: the same for what becomes of rows. */
void reading_policies(struct reading *r, const struct node *list);
void reading_check_policies(struct reading *r);

/* reading_label(r, mapping, name, out): "lists[0].path" for conf->mappings[mapping]; out has
 * READING_LABEL_MAX bytes. Returns out. */
char *reading_label(const struct reading *r, size_t mapping, const char *name, char *out);

/* reading_line(r, mapping, name): of that setting, or of its mapping where it is not given. */
int reading_line(const struct reading *r, size_t mapping, const char *name);

/* reading_node_line(group, name): the same for a setting of any group. */
int reading_node_line(const struct node *group, const char *name);

#endif
