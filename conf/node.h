/*
 * The settings of a file as libconfig read them: a tree of nodes, each with its line. Shell.
 *
 * The one place that knows libconfig. Nodes and their strings live as long as the source.
 */
#ifndef LOCKSTEP_CONF_NODE_H
#define LOCKSTEP_CONF_NODE_H

#include "conf/faults.h"

enum node_kind {
    NODE_INTEGER,
    NODE_FLOAT,
    NODE_STRING,
    NODE_BOOL,
    NODE_ARRAY,
    NODE_LIST,
    NODE_GROUP
};

struct source;
struct node;

/* conf_source_read(text, ret, faults): 0 with *ret (source_free), ERR_SYNTAX with a fault added, or
 * -ENOMEM. `text` has gone through lexical_prepare. */
int conf_source_read(const char *text, struct source **ret, struct fault_list *faults)
    __attribute__((warn_unused_result));
void source_free(struct source *s);

/* source_root(s): the group of the settings that stand at the top. */
const struct node *source_root(const struct source *s);

enum node_kind node_kind(const struct node *n);
int node_line(const struct node *n);
const char *conf_node_name(const struct node *n); /* "" in lists and arrays, and of the root */

/* node_count, node_at: the children of a group, list or array; 0 of anything else. */
size_t node_count(const struct node *n);
const struct node *node_at(const struct node *n, size_t i);

/* node_member(n, name): of a group; NULL where it has none of that name. */
const struct node *node_member(const struct node *n, const char *name);

const char *node_string(const struct node *n); /* NODE_STRING */
int64_t node_integer(const struct node *n);    /* NODE_INTEGER; NODE_BOOL: 0, 1 */
int64_t node_billionths(const struct node *n); /* NODE_INTEGER, NODE_FLOAT: rounded; INT64_MAX where
                                                  that is too much, -1 where it is negative */

/* node_kind_words(kind): "is a string, in quotes" and the like, after a value in a message. */
const char *node_kind_words(enum node_kind kind);

/* node_describe(n, out, size): the value for a message: `"text"`, cut and with control bytes
 * escaped, a number, "a group"... Returns out. */
char *node_describe(const struct node *n, char *out, size_t size);

#endif
