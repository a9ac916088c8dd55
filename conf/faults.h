/*
 * Faults while they are collected. Pure.
 *
 * They come in the order in which the checks run and leave in the order of the file.
 */
#ifndef LOCKSTEP_CONF_FAULTS_H
#define LOCKSTEP_CONF_FAULTS_H

#include "conf/conf.h"

#define FAULTS_MAX 200 /* of one file; the rest is only counted */

struct fault {
    int line;     /* 0: of the file as a whole */
    size_t order; /* of finding, to keep the sort stable */
    struct err err;
};

struct fault_list {
    const char *file; /* borrowed: for "file:line" */
    struct fault *items;
    size_t count;
    size_t cap;
    size_t found; /* all of them, also those past FAULTS_MAX */
    bool no_memory;
};

void fault_list_init(struct fault_list *l, const char *file);
void fault_list_release(struct fault_list *l);

/* fault_add(l, line, setting, right, fmt, ...): one more. `setting` is its path
 * ("repositories[0].path") or ""; `right` is what would be right. */
void fault_add(struct fault_list *l, int line, const char *setting, const char *right,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* fault_list_give(l, ret): hand all over to *ret in file order; l is empty again. 0, ERR_SYNTAX if
 * there is at least one, -ENOMEM if one could not be kept. */
int fault_list_give(struct fault_list *l, struct conf_faults *ret)
    __attribute__((warn_unused_result));

#endif
