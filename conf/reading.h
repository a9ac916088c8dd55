/*
 * One reading of a file: text -> nodes -> struct conf, with every fault on the way.
 *
 *   reading_begin -> [reading_resolve] -> reading_check -> reading_end
 */
#ifndef LOCKSTEP_CONF_READING_H
#define LOCKSTEP_CONF_READING_H

#include "conf/faults.h"
#include "conf/node.h"

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
    struct conf *conf;              /* with NULL where a text was at fault */
    struct mapping_origin *origins; /* one for each of conf->mappings */
};

/* reading_begin(r, text, file): all that can be said of single values. Faults are in r. Pure but
 * for libconfig. */
void reading_begin(struct reading *r, const char *text, const char *file);

/* reading_resolve(r): paths become canonical; directories and files named must be there. Shell. */
void reading_resolve(struct reading *r);

/* reading_check(r): values held against each other. Pure. */
void reading_check(struct reading *r);

/* reading_end(r, ret, faults): hand over what came of it; r is released. 0, ERR_SYNTAX, -ENOMEM. */
int reading_end(struct reading *r, struct conf **ret, struct conf_faults *faults)
    __attribute__((warn_unused_result));

/* reading_label(r, mapping, name, out): "lists[0].path" for conf->mappings[mapping]; out has
 * READING_LABEL_MAX bytes. Returns out. */
char *reading_label(const struct reading *r, size_t mapping, const char *name, char *out);

/* reading_line(r, mapping, name): of that setting, or of its mapping where it is not given. */
int reading_line(const struct reading *r, size_t mapping, const char *name);

/* reading_node_line(group, name): the same for a setting of any group. */
int reading_node_line(const struct node *group, const char *name);

#endif
